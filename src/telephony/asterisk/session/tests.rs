use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::*;
use crate::dialog::TransferTarget;
use crate::telephony::Reply;
use crate::telephony::asterisk::testing::{Written, entry, line, menu, record, transfer};

/// Asterisk's end of a connection.
struct End {
    tells: Sender<Received>,
    asked: Receiver<(String, String)>,
    conversation: Arc<Written>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<Ended>,
    ids: HashMap<String, String>,
}

/// Ours.
struct Ours {
    heard: Receiver<Received>,
    asks: Sender<(String, String)>,
}

impl Link for Ours {
    async fn receive(&mut self) -> Option<Received> {
        self.heard.recv().await
    }
    async fn ask(&mut self, id: &str, request: &Request) -> Option<()> {
        let query: Vec<_> = request.query.iter().map(|(name, value)| format!(" {name}={value}")).collect();
        let text = format!("{} {}{}", request.method, request.path, query.concat());
        self.asks.send((id.to_owned(), text)).await.ok()
    }
    async fn ping(&mut self) -> Option<()> {
        Some(())
    }
    async fn close(self) {
        let _ = self.asks.send((String::new(), "closed".to_owned())).await;
    }
}

const GREETING: &str = "sound:http://h/prompts/zh-CN/aa.wav,sound:http://h/prompts/zh-CN/0400.wav";
const MENU: &str = "sound:http://h/prompts/zh-CN/bb.wav,sound:http://h/prompts/zh-CN/0400.wav";

fn channel(id: &str, state: &str, app_data: &str) -> Value {
    json!({
        "id": id, "name": "PJSIP/trunk-00000001", "state": state, "protocol_id": "x@127.0.0.1",
        "caller": { "name": "caller", "number": "13800138000" }, "connected": { "name": "", "number": "" },
        "dialplan": { "context": "hotline", "exten": "12393", "priority": 2, "app_name": "Stasis", "app_data": app_data },
        "language": "en",
    })
}

impl End {
    /// Connected, and nothing is up.
    async fn new(turns: impl IntoIterator<Item = Reply>) -> Self {
        let mut end = Self::with(turns, &json!([])).await;
        end.did(&[]).await;
        end
    }

    /// Connected, and these channels are up.
    async fn with(turns: impl IntoIterator<Item = Reply>, channels: &Value) -> Self {
        let (tells, heard) = mpsc::channel(64);
        let (asks, asked) = mpsc::channel(64);
        let (stop, stopped) = oneshot::channel();
        let conversation = Written::new(turns);
        let line = line(&conversation);
        let served = tokio::spawn(async move {
            let stop = async {
                let _ = stopped.await;
            };
            serve(Ours { heard, asks }, line, "hotline", stop).await
        });
        let mut end = Self { tells, asked, conversation, stop: Some(stop), served, ids: HashMap::new() };
        end.told(&json!({ "type": "ApplicationRegistered", "application": "hotline" })).await;
        end.did(&["PUT applications/hotline/eventFilter", "GET channels"]).await;
        end.answered("GET channels", 200, Some(channels.to_string())).await;
        end
    }

    async fn told(&self, event: &Value) {
        let mut event = event.clone();
        event["asterisk_id"] = "02:fc:00:00:00:01".into();
        self.tells.send(Received::Text(event.to_string())).await.unwrap();
    }

    /// Something that happens to a channel.
    async fn happens(&self, kind: &str, id: &str) {
        self.told(&json!({ "type": kind, "channel": channel(id, "Up", "hotline,12333") })).await;
    }

    async fn presses(&self, id: &str, keys: &str) {
        for key in keys.chars() {
            let channel = channel(id, "Up", "hotline,12333");
            self.told(&json!({ "type": "ChannelDtmfReceived", "digit": key.to_string(), "channel": channel })).await;
        }
    }

    async fn played(&self, id: &str, name: &str) {
        let playback = json!({ "id": name, "target_uri": format!("channel:{id}"), "state": "done" });
        self.told(&json!({ "type": "PlaybackFinished", "playback": playback })).await;
    }

    /// A request is answered, as a text of the socket.
    async fn answered(&mut self, request: &str, status: u16, body: Option<String>) {
        let id = self.ids.remove(request).unwrap_or_else(|| panic!("{request}: {:?}", self.ids.keys()));
        let answer = json!({ "type": "RESTResponse", "request_id": id, "status_code": status, "message_body": body });
        self.told(&answer).await;
    }

    /// A channel enters the application, up or ringing, and what it keeps is told.
    async fn enters(&mut self, id: &str, args: &[&str], kept: Option<&str>) {
        let channel = channel(id, "Up", "hotline,12333");
        self.told(&json!({ "type": "StasisStart", "args": args, "channel": channel })).await;
        self.keeps(id, kept).await;
    }

    async fn keeps(&mut self, id: &str, kept: Option<&str>) {
        let asked = format!("GET channels/{id}/variable variable=HOTLINE_STATE");
        self.did(&[&asked]).await;
        let (status, body) = kept.map_or((404, json!({ "message": "x" })), |kept| (200, json!({ "value": kept })));
        self.answered(&asked, status, Some(body.to_string())).await;
    }

    async fn next(&mut self) -> String {
        let asked = timeout(Duration::from_secs(5), self.asked.recv()).await;
        let (id, text) = asked.expect("nothing was asked").expect("gone");
        // The hashes of clips are long.
        let text = text.replace(&"a".repeat(64), "aa").replace(&"b".repeat(64), "bb");
        let text = ["0200", "0400", "0800"].iter().fold(text, |text, of| text.replace(&of.repeat(16), of));
        self.ids.insert(text.clone(), id);
        text
    }

    /// Exactly these are asked; what comes after them is not looked at, but for nothing.
    #[track_caller]
    fn did<'e>(&'e mut self, expected: &'e [&'e str]) -> impl Future<Output = ()> + 'e {
        let at = std::panic::Location::caller();
        async move {
            for expected in expected {
                assert_eq!(self.next().await, **expected, "{at}");
            }
            if expected.is_empty() {
                let more = timeout(Duration::from_millis(20), self.asked.recv()).await;
                assert!(more.is_err(), "{at}: {more:?}");
            }
        }
    }

    /// Waits until the conversation has been told all this.
    async fn heard(&mut self, expected: &[&str]) {
        let mut told = Vec::new();
        for _ in 0..500 {
            told.extend(self.conversation.told());
            if told.len() >= expected.len() {
                break;
            }
            sleep(Duration::from_millis(2)).await;
        }
        let expected: Vec<_> = expected.iter().map(|what| format!("02fc00000001-{what}")).collect();
        assert_eq!(told, expected);
    }
}

/// What `c1` plays that came in anew; `kept` is the beginning of what it keeps.
fn plays(part: &str, media: &str) -> String {
    format!("POST channels/c1/play/c1.e3b0c442-{part} media={media}")
}

/// What is asked first of a call that is taken up: that is stopped which was perhaps being said, the last of it first.
fn stops(id: &str, playing: &str) -> [String; 6] {
    ["b", "b-1", "b-0", "a", "a-1", "a-0"].map(|part| format!("DELETE playbacks/{id}.{playing}{part}"))
}

fn keeps(kept: &str) -> String {
    format!("POST channels/c1/variable variable=HOTLINE_STATE value={kept}")
}

#[tokio::test]
async fn a_call_comes_in_is_heard_and_hangs_up() {
    let mut asterisk = End::new([menu(), entry()]).await;
    let ringing = channel("c1", "Ring", "hotline,12333");
    asterisk.told(&json!({ "type": "StasisStart", "args": ["12333", "en-US"], "channel": ringing })).await;
    asterisk.did(&["POST channels/c1/answer"]).await;
    asterisk.keeps("c1", None).await;
    asterisk.did(&[&keeps("k.AbC-_9.e3b0c442-1"), &plays("1a", GREETING)]).await;
    asterisk.heard(&["c1 dialled 12333 Number(…) en-US"]).await;
    asterisk.presses("c1", "5").await;
    asterisk.played("c1", "c1.e3b0c442-1a").await;
    asterisk.did(&[&plays("1b", MENU)]).await;
    asterisk.presses("c1", "1").await;
    asterisk.did(&["DELETE playbacks/c1.e3b0c442-1b"]).await;
    asterisk.did(&[&keeps("k.AbC-_9.e3b0c442-2"), &plays("2b", MENU)]).await;
    asterisk.presses("c1", "123456#").await;
    asterisk.did(&["DELETE playbacks/c1.e3b0c442-2b", &keeps("over.e3b0c442-3"), &plays("3a", GREETING)]).await;
    asterisk.played("c1", "c1.e3b0c442-3a").await;
    asterisk.did(&["DELETE channels/c1 reason_code=16"]).await;
    asterisk.happens("ChannelHangupRequest", "c1").await;
    asterisk.happens("StasisEnd", "c1").await;
    asterisk.heard(&["c1 AbC-_9 Keys(Keys(…))", "c1 AbC-_9 Keys(Keys(…))", "c1 Completed"]).await;
    asterisk.did(&[]).await;
}

#[tokio::test]
async fn the_extension_is_the_number_dialled_where_the_dialplan_tells_none() {
    let mut asterisk = End::new([]).await;
    asterisk.enters("c1", &[], None).await;
    asterisk.heard(&["c1 dialled 12393 Number(…)"]).await;
}

/// We are new, or connected anew: what is up is found, and goes on from what it keeps.
#[tokio::test]
async fn calls_that_are_up_go_on_where_they_were() {
    let channels = json!([
        channel("c1", "Up", "hotline,12333"),
        channel("c2", "Up", "voicemail,12333"),
        channel("c3", "Up", "hotline,12333"),
        channel("c4", "Ring", "hotline,12333"),
    ]);
    let mut asterisk = End::with([entry()], &channels).await;
    let state = |id: &str| format!("GET channels/{id}/variable variable=HOTLINE_STATE");
    asterisk.did(&[&state("c1"), &state("c3"), "POST channels/c4/answer", &state("c4")]).await;
    let kept = "k.S.0a1b2c3d-7";
    asterisk.answered(&state("c1"), 200, Some(json!({ "value": kept }).to_string())).await;
    // What was being played is stopped, and then the caller hears it anew.
    asterisk.did(&stops("c1", "0a1b2c3d-7").each_ref().map(String::as_str)).await;
    let salt = Playbacks::new("c1", kept).name(super::super::turns::Part { turn: 1, second: true });
    asterisk
        .did(&[
            &format!("POST channels/c1/variable variable=HOTLINE_STATE value=k.AbC-_9.{}", &salt[3..salt.len() - 1]),
            &format!("POST channels/c1/play/{salt} media={MENU}"),
        ])
        .await;
    asterisk.heard(&["c1 S Keys(Keys(…))"]).await;
    // The conversation is over, and its last words have been said.
    asterisk.answered(&state("c3"), 200, Some(json!({ "value": "over.0a1b2c3d-9" }).to_string())).await;
    asterisk.did(&["GET playbacks/c3.0a1b2c3d-9a"]).await;
    asterisk.answered("GET playbacks/c3.0a1b2c3d-9a", 404, None).await;
    asterisk.did(&["DELETE channels/c3 reason_code=16"]).await;
    // Nobody has spoken with this one yet, and its beginning is not told any more.
    asterisk.answered(&state("c4"), 404, None).await;
    asterisk.keeps("c4", None).await;
    asterisk.heard(&["c4 dialled 12333 Number(…)"]).await;
}

/// Asterisk kept its beginning for us, and it is among the channels that are up.
#[tokio::test]
async fn a_call_that_is_told_twice_is_one_call() {
    let channels = json!([channel("c1", "Up", "hotline,12333")]);
    let mut asterisk = End::with([entry()], &channels).await;
    let up = channel("c1", "Up", "hotline,12333");
    asterisk.told(&json!({ "type": "StasisStart", "args": ["12333"], "channel": up })).await;
    asterisk.keeps("c1", None).await;
    asterisk.did(&[&keeps("k.AbC-_9.e3b0c442-1"), &plays("1b", MENU)]).await;
    asterisk.did(&[]).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)"]).await;
}

/// A connection for a single call is there before the call has come in.
#[tokio::test]
async fn a_call_that_is_still_coming_in_begins_once() {
    let channels = json!([channel("c1", "Ring", "hotline,12333")]);
    let mut asterisk = End::with([entry()], &channels).await;
    asterisk.did(&["POST channels/c1/answer"]).await;
    asterisk.answered("POST channels/c1/answer", 409, None).await;
    asterisk.keeps("c1", None).await;
    asterisk.did(&[]).await;
    let ringing = channel("c1", "Ring", "hotline,12333");
    asterisk.told(&json!({ "type": "StasisStart", "args": ["12333"], "channel": ringing })).await;
    asterisk.did(&["POST channels/c1/answer"]).await;
    asterisk.keeps("c1", None).await;
    asterisk.did(&[&keeps("k.AbC-_9.e3b0c442-1"), &plays("1b", MENU)]).await;
    // What is asked for nothing then changes nothing.
    asterisk.keeps("c1", None).await;
    asterisk.did(&[]).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)"]).await;
}

/// And so does one that comes back from a person.
#[tokio::test]
async fn a_call_that_is_still_coming_back_goes_on_once() {
    let channels = json!([channel("c1", "Up", "hotline,12333,transferred,ANSWER")]);
    let mut asterisk = End::with([entry()], &channels).await;
    asterisk.keeps("c1", Some("p.T.e3b0c442-1")).await;
    asterisk.did(&[]).await;
    asterisk.enters("c1", &["12333", "transferred", "ANSWER"], Some("p.T.e3b0c442-1")).await;
    // What is asked once more, later, changes nothing.
    let state = "GET channels/c1/variable variable=HOTLINE_STATE";
    while asterisk.next().await != state {}
    asterisk.answered(state, 200, Some(json!({ "value": "p.T.e3b0c442-1" }).to_string())).await;
    asterisk.did(&[]).await;
    asterisk.heard(&["c1 T TransferEnded(Talked)"]).await;
}

#[tokio::test]
async fn a_caller_is_put_through_and_comes_back() {
    let mut asterisk = End::new([transfer(TransferTarget::Number("+861012333".into())), entry()]).await;
    asterisk.enters("c1", &["12333"], None).await;
    asterisk
        .did(&[
            &keeps("t.T.e3b0c442-1.25.number.+861012333"),
            &keeps("p.T.e3b0c442-1"),
            "POST channels/c1/variable variable=HOTLINE_LINE value=12333",
            "POST channels/c1/variable variable=HOTLINE_TO value=+861012333",
            "POST channels/c1/variable variable=HOTLINE_RING value=25",
            "POST applications/hotline/subscription eventSource=channel:c1",
            "POST channels/c1/continue context=hotline-transfer extension=number priority=1",
        ])
        .await;
    asterisk.happens("StasisEnd", "c1").await;
    asterisk.enters("c1", &["12333", "transferred", "ANSWER"], Some("p.T.e3b0c442-1")).await;
    asterisk.did(&stops("c1", "e3b0c442-1").each_ref().map(String::as_str)).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 T TransferEnded(Talked)"]).await;
    asterisk.happens("StasisEnd", "c1").await;
    asterisk.heard(&["c1 Completed"]).await;
    // It was back: its end has been told.
    asterisk.happens("ChannelDestroyed", "c1").await;
    asterisk.happens("ChannelDestroyed", "c9").await;
    sleep(Duration::from_millis(20)).await;
    asterisk.heard(&[]).await;
}

#[tokio::test]
async fn whoever_hangs_up_while_talking_to_a_person_has_hung_up() {
    for (to, extension) in [
        (TransferTarget::Sip("sip:agents@pbx.example".into()), "sip"),
        (TransferTarget::Queue("agents".into()), "queue"),
    ] {
        let mut asterisk = End::new([transfer(to)]).await;
        asterisk.enters("c1", &["12333"], None).await;
        while !asterisk.next().await.contains(&format!("extension={extension} ")) {}
        asterisk.happens("StasisEnd", "c1").await;
        asterisk.happens("ChannelDestroyed", "c1").await;
        asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 Completed"]).await;
    }
}

#[tokio::test]
async fn a_message_is_recorded_under_a_name_of_its_own() {
    let mut asterisk = End::new([record()]).await;
    asterisk.enters("c1", &["12333"], None).await;
    let name = "asterisk-02fc00000001-c1-8c2574892063f995";
    asterisk.did(&[&keeps("r.R.e3b0c442-1"), &plays("1a", "sound:http://h/asterisk/tone.wav")]).await;
    asterisk.played("c1", "c1.e3b0c442-1a").await;
    asterisk
        .did(&[&format!(
            "POST channels/c1/record name={name} format=wav maxDurationSeconds=120 maxSilenceSeconds=5 \
                 ifExists=overwrite terminateOn=#"
        )])
        .await;
    let recording = json!({ "name": name, "target_uri": "channel:c1", "state": "done", "duration": 7 });
    asterisk.told(&json!({ "type": "RecordingFinished", "recording": recording })).await;
    let recorded = "c1 R Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: false }";
    asterisk.heard(&["c1 dialled 12333 Number(…)", recorded]).await;
}

/// Whoever hangs up instead of pressing a key has left the message all the same, whichever end is told first.
#[tokio::test]
async fn a_message_is_not_lost_by_hanging_up() {
    let name = "asterisk-02fc00000001-c1-8c2574892063f995";
    let recording = json!({ "name": name, "target_uri": "channel:c1", "state": "done", "duration": 7 });
    let finished = json!({ "type": "RecordingFinished", "recording": recording });
    for first in [true, false] {
        let mut asterisk = End::new([record()]).await;
        asterisk.enters("c1", &["12333"], None).await;
        asterisk.did(&[&keeps("r.R.e3b0c442-1"), &plays("1a", "sound:http://h/asterisk/tone.wav")]).await;
        asterisk.played("c1", "c1.e3b0c442-1a").await;
        assert!(asterisk.next().await.starts_with("POST channels/c1/record"));
        asterisk.happens("ChannelHangupRequest", "c1").await;
        if first {
            asterisk.told(&finished).await;
        }
        asterisk.happens("StasisEnd", "c1").await;
        if !first {
            asterisk.told(&finished).await;
        }
        let recorded =
            "c1 R Recorded { recording: Some(Recording { reference: Secret(…), seconds: 7 }), hung_up: true }";
        asterisk.heard(&["c1 dialled 12333 Number(…)", recorded, "c1 Completed"]).await;
    }
    // And where nothing is told of it the call is over all the same.
    let mut asterisk = End::new([record()]).await;
    asterisk.enters("c1", &["12333"], None).await;
    asterisk.did(&[&keeps("r.R.e3b0c442-1"), &plays("1a", "sound:http://h/asterisk/tone.wav")]).await;
    asterisk.played("c1", "c1.e3b0c442-1a").await;
    let record = asterisk.next().await;
    asterisk.answered(&record, 404, None).await;
    sleep(Duration::from_millis(2100)).await;
    let nothing = "c1 R Recorded { recording: None, hung_up: true }";
    asterisk.heard(&["c1 dialled 12333 Number(…)", nothing, "c1 Completed"]).await;
}

/// We were away while a caller spoke a message: how long it is was told before its call was known, is told when it is ended,
/// or is not known at all.
#[tokio::test]
async fn a_message_is_not_lost_by_a_restart() {
    let name = "asterisk-02fc00000001-c1-8c2574892063f995";
    let recording = json!({ "name": name, "target_uri": "channel:c1", "state": "done", "duration": 7 });
    let finished = json!({ "type": "RecordingFinished", "recording": recording });
    let heard = |what: &str| format!("c1 R Recorded {{ recording: {what}, hung_up: false }}");
    let (seven, none) = (heard("Some(Recording { reference: Secret(…), seconds: 7 })"), heard("None"));
    let ends = format!("POST recordings/live/{name}/stop");

    let mut asterisk = End::new([entry()]).await;
    asterisk.told(&finished).await;
    asterisk.enters("c1", &["12333"], Some("r.R.0-1")).await;
    asterisk.heard(&[&seven]).await;

    let mut asterisk = End::new([entry()]).await;
    asterisk.enters("c1", &["12333"], Some("r.R.0-1")).await;
    asterisk.did(&[&ends]).await;
    asterisk.answered(&ends, 204, None).await;
    asterisk.told(&finished).await;
    asterisk.heard(&[&seven]).await;

    let mut asterisk = End::new([entry()]).await;
    asterisk.enters("c1", &["12333"], Some("r.R.0-1")).await;
    asterisk.did(&[&ends]).await;
    asterisk.answered(&ends, 404, None).await;
    asterisk.heard(&[&none]).await;
}

/// Last words are heard to their end, whoever began them.
#[tokio::test]
async fn last_words_are_not_cut_off_by_a_restart() {
    let mut asterisk = End::new([]).await;
    asterisk.enters("c1", &["12333"], Some("over.0-9")).await;
    asterisk.did(&["GET playbacks/c1.0-9a"]).await;
    asterisk.answered("GET playbacks/c1.0-9a", 200, Some("{}".to_owned())).await;
    asterisk.did(&[]).await;
    asterisk.played("c1", "c1.0-9a").await;
    asterisk.did(&["DELETE channels/c1 reason_code=16"]).await;
}

/// A caller who was told that they are being put through is, and is not told that nobody answered.
#[tokio::test]
async fn putting_through_is_done_after_a_restart() {
    let mut asterisk = End::new([]).await;
    asterisk.enters("c1", &["12333", "transferred", "ANSWER"], Some("t.T.0-3.25.queue.agents")).await;
    asterisk.did(&stops("c1", "0-3").each_ref().map(String::as_str)).await;
    let mut asked = String::new();
    while !asked.contains("continue") {
        asked = asterisk.next().await;
    }
    assert_eq!(asked, "POST channels/c1/continue context=hotline-transfer extension=queue priority=1");
    asterisk.heard(&[]).await;
}

/// A caller who hangs up while being told that they are put through has hung up: nobody else knows.
#[tokio::test]
async fn whoever_hangs_up_before_being_put_through_has_hung_up() {
    let mut through = transfer(TransferTarget::Queue("agents".into()));
    through.say = menu().say;
    let mut asterisk = End::new([through]).await;
    asterisk.enters("c1", &["12333"], None).await;
    asterisk.did(&[&keeps("t.T.e3b0c442-1.25.queue.agents")]).await;
    assert!(asterisk.next().await.contains("/play/"));
    asterisk.happens("ChannelHangupRequest", "c1").await;
    asterisk.played("c1", "c1.e3b0c442-1a").await;
    asterisk.happens("StasisEnd", "c1").await;
    asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 Completed"]).await;
    // The same, told by the refusal alone.
    let mut asterisk = End::new([transfer(TransferTarget::Queue("agents".into()))]).await;
    asterisk.enters("c1", &["12333"], None).await;
    let mut asked = String::new();
    while !asked.contains("continue") {
        asked = asterisk.next().await;
    }
    asterisk.answered(&asked, 404, None).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 Completed"]).await;
}

/// A call that is under way is not begun anew because Asterisk was too slow to say so.
#[tokio::test]
async fn a_call_of_which_nothing_is_known_is_given_back() {
    let mut asterisk = End::new([entry()]).await;
    let up = channel("c1", "Up", "hotline,12333");
    asterisk.told(&json!({ "type": "StasisStart", "args": ["12333"], "channel": up })).await;
    let asks = "GET channels/c1/variable variable=HOTLINE_STATE";
    for _ in 0..3 {
        asterisk.did(&[asks]).await;
        asterisk.answered(asks, 503, None).await;
    }
    asterisk.did(&["POST channels/c1/continue"]).await;
    asterisk.heard(&[]).await;
}

/// Another hotline has connected under the same name: this one does nothing more to calls that are not its own.
#[tokio::test]
async fn who_is_replaced_leaves() {
    let mut asterisk = End::new([entry()]).await;
    asterisk.told(&json!({ "type": "ApplicationReplaced", "application": "hotline" })).await;
    assert_eq!((&mut asterisk.served).await.unwrap(), Ended::Replaced);
}

#[tokio::test]
async fn what_asterisk_refuses_does_not_leave_the_caller_alone() {
    // A play that fails is followed by the wait, and by what comes then.
    let mut asterisk = End::new([menu()]).await;
    asterisk.enters("c1", &["12333"], None).await;
    let play = plays("1a", GREETING);
    asterisk.did(&[&keeps("k.AbC-_9.e3b0c442-1"), &play]).await;
    asterisk.answered(&play, 500, None).await;
    asterisk.did(&[&plays("1b", MENU)]).await;
    // A channel that is gone is over, whatever is asked of it.
    asterisk.answered(&plays("1b", MENU), 404, None).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 Completed"]).await;
    // What cannot be recorded is not.
    let mut asterisk = End::new([record()]).await;
    asterisk.enters("c1", &["12333"], None).await;
    asterisk.did(&[&keeps("r.R.e3b0c442-1"), &plays("1a", "sound:http://h/asterisk/tone.wav")]).await;
    asterisk.played("c1", "c1.e3b0c442-1a").await;
    let record = asterisk.next().await;
    asterisk.answered(&record, 500, None).await;
    let nothing = "c1 R Recorded { recording: None, hung_up: false }";
    asterisk.heard(&["c1 dialled 12333 Number(…)", nothing]).await;
    // Who cannot be hung up on now is a second later.
    let mut asterisk = End::new([]).await;
    asterisk.enters("c1", &["12333"], Some("over.0a1b2c3d-9")).await;
    asterisk.did(&["GET playbacks/c1.0a1b2c3d-9a"]).await;
    asterisk.answered("GET playbacks/c1.0a1b2c3d-9a", 404, None).await;
    for status in [503, 204] {
        asterisk.did(&["DELETE channels/c1 reason_code=16"]).await;
        asterisk.answered("DELETE channels/c1 reason_code=16", status, None).await;
    }
    sleep(AGAIN + Duration::from_millis(100)).await;
    asterisk.did(&[]).await;
    // Whom nobody takes is asked what else they want.
    let mut asterisk = End::new([transfer(TransferTarget::Queue("agents".into()))]).await;
    asterisk.enters("c1", &["12333"], None).await;
    let mut asked = String::new();
    while !asked.contains("continue") {
        asked = asterisk.next().await;
    }
    asterisk.answered(&asked, 500, None).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 T TransferEnded(NotAnswered)"]).await;
}

/// Before a word was said there are none to say it in: the dialplan has some. Later there are.
#[tokio::test]
async fn whatever_breaks_is_heard_in_words() {
    for line in ["panic", "never"] {
        let mut asterisk = End::new([]).await;
        asterisk.enters("c1", &[line], None).await;
        asterisk.did(&["POST applications/hotline/subscription eventSource=channel:c1"]).await;
        asterisk.did(&["POST channels/c1/continue"]).await;
        asterisk.happens("StasisEnd", "c1").await;
        asterisk.did(&[]).await;
    }
    let mut asterisk = End::new([]).await;
    asterisk.enters("c1", &["12333"], Some("k.panic.0-1")).await;
    asterisk.did(&stops("c1", "0-1").each_ref().map(String::as_str)).await;
    asterisk.did(&["POST applications/hotline/subscription eventSource=channel:c1"]).await;
    asterisk.did(&["POST channels/c1/continue"]).await;
}

/// Nothing is heard any more, what is being thought of is finished, and the calls are left where they are.
#[tokio::test]
async fn who_stops_leaves_the_calls_to_the_next() {
    let mut asterisk = End::new([entry(), entry()]).await;
    asterisk.enters("c1", &["12333"], None).await;
    asterisk.did(&[&keeps("k.AbC-_9.e3b0c442-1"), &plays("1b", MENU)]).await;
    asterisk.presses("c1", "1#").await;
    asterisk.did(&["DELETE playbacks/c1.e3b0c442-1b", &keeps("k.AbC-_9.e3b0c442-2"), &plays("2b", MENU)]).await;
    asterisk.stop.take().unwrap().send(()).unwrap();
    asterisk.did(&["closed"]).await;
    assert_eq!((&mut asterisk.served).await.unwrap(), Ended::Stopped);
    asterisk.heard(&["c1 dialled 12333 Number(…)", "c1 AbC-_9 Keys(Keys(…))"]).await;
}

#[tokio::test]
async fn rubbish_is_passed_over() {
    let mut asterisk = End::new([entry()]).await;
    for text in ["", "{}", "[]", "null", "{\"type\":7}", "{\"type\":\"StasisStart\"}", "\u{0}"] {
        asterisk.tells.send(Received::Text(text.to_owned())).await.unwrap();
    }
    let odd = channel("../c1", "Up", "hotline,12333");
    asterisk.told(&json!({ "type": "StasisStart", "args": ["12333"], "channel": odd })).await;
    // It is not left alone: the dialplan has words for it.
    asterisk.did(&["POST channels/..%2Fc1/continue"]).await;
    asterisk.presses("c7", "1").await;
    asterisk.played("c7", "c7.0-1a").await;
    asterisk.told(&json!({ "type": "RESTResponse", "request_id": "999", "status_code": 200 })).await;
    asterisk.did(&[]).await;
    asterisk.enters("c1", &["12333"], None).await;
    asterisk.heard(&["c1 dialled 12333 Number(…)"]).await;
}
