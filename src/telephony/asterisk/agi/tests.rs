use tokio::io::{Lines, split};
use tokio::task::JoinHandle;

use super::*;
use crate::dialog::TransferTarget;
use crate::telephony::Reply;
use crate::telephony::asterisk::testing::{Written, entry, line, menu, record, transfer};

macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/asterisk/captures/", $name, ".txt"))
    };
}

/// What Asterisk wrote in a capture, line by line; of the first call in it.
fn written(capture: &str) -> impl Iterator<Item = &str> {
    let call = capture.lines().take_while(|line| !line.contains("server closes"));
    call.filter_map(|line| line.get(9..)?.strip_prefix("< "))
}

/// Asterisk's end of a connection.
struct End {
    lines: Lines<BufReader<tokio::io::ReadHalf<TcpStream>>>,
    writes: tokio::io::WriteHalf<TcpStream>,
    conversation: Arc<Written>,
    served: JoinHandle<io::Result<()>>,
}

/// Commands are answered at once here, or never.
fn agi(conversation: &Arc<Written>, recordings: Option<&str>) -> Agi<Written> {
    Agi {
        line: line(conversation),
        addresses: Networks::default(),
        recordings: recordings.map(Into::into),
        slack: Duration::from_millis(500),
    }
}

const GREETING: &str = "http://h/prompts/zh-CN/aa.wav";
const MENU: &str = "http://h/prompts/zh-CN/bb.wav";
const SILENCE: &str = "http://h/prompts/zh-CN/0400.wav";

impl End {
    /// A call as the capture introduces it, answered, that keeps `kept`, with these arguments.
    async fn new(turns: impl IntoIterator<Item = Reply>, kept: &str, arguments: &[&str]) -> Self {
        let mut end = Self::introduced(turns, arguments).await;
        end.does("ANSWER", "200 result=0").await;
        end.does("SET VARIABLE HOTLINE_NEXT \"\"", "200 result=1").await;
        let kept = if kept.is_empty() { "200 result=0".to_owned() } else { format!("200 result=1 ({kept})") };
        end.does("GET VARIABLE HOTLINE_STATE", &kept).await;
        end
    }

    async fn introduced(turns: impl IntoIterator<Item = Reply>, arguments: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (ours, _) = listener.accept().await.unwrap();
        let conversation = Written::new(turns);
        let agi = agi(&conversation, Some("/var/rec"));
        let served = tokio::spawn(async move { agi.serve(ours).await });
        let (reads, writes) = split(stream);
        let mut end = Self { lines: BufReader::new(reads).lines(), writes, conversation, served };
        for line in written(capture!("fastagi_full")).take_while(|line| !line.is_empty()) {
            end.write(line).await;
        }
        for (n, argument) in arguments.iter().enumerate() {
            end.write(&format!("agi_arg_{}: {argument}", n + 1)).await;
        }
        end.write("").await;
        end
    }

    async fn write(&mut self, line: &str) {
        self.writes.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn next(&mut self) -> String {
        let line = timeout(Duration::from_secs(5), self.lines.next_line()).await.expect("no command").unwrap();
        let line = line.expect("closed").replace(&"a".repeat(64), "aa").replace(&"b".repeat(64), "bb");
        ["0400"].iter().fold(line, |line, of| line.replace(&of.repeat(16), of))
    }

    /// The next command, and its answer.
    #[track_caller]
    fn does<'e>(&'e mut self, command: &'e str, answer: &'e str) -> impl Future<Output = ()> + 'e {
        let at = std::panic::Location::caller();
        async move {
            assert_eq!(self.next().await, command, "{at}");
            self.write(answer).await;
        }
    }

    /// A file, with these escape digits, from this sample on.
    #[track_caller]
    fn plays<'e>(
        &'e mut self,
        file: &'e str,
        escape: &'e str,
        from: u64,
        answer: &'e str,
    ) -> impl Future<Output = ()> + 'e {
        let at = std::panic::Location::caller();
        async move {
            assert_eq!(self.next().await, format!("STREAM FILE {file} \"{escape}\" {from}"), "{at}");
            self.write(answer).await;
        }
    }

    async fn waits(&mut self, least: u64, answer: &str) {
        let command = self.next().await;
        let time: u64 = command.strip_prefix("WAIT FOR DIGIT ").expect(&command).parse().unwrap();
        assert!((least.saturating_sub(500)..=least).contains(&time), "{command}");
        self.write(answer).await;
    }

    /// The connection ends, and this is what was told. A call that is over is told from one that has to be brought again.
    async fn ends(mut self, expected: &[&str]) {
        if expected.last() == Some(&"Completed") {
            self.does("SET VARIABLE HOTLINE_NEXT \"over\"", "200 result=1").await;
        }
        timeout(Duration::from_secs(5), &mut self.served).await.expect("goes on").unwrap().unwrap();
        self.told(expected);
    }

    /// Asterisk breaks off, and this was told.
    async fn breaks_off(self, expected: &[&str]) {
        let Self { lines, writes, conversation, served } = self;
        drop((lines, writes));
        assert!(timeout(Duration::from_secs(5), served).await.expect("goes on").unwrap().is_err());
        assert_eq!(conversation.told(), of_the_call(expected));
    }

    /// Nothing is answered any more, and this was told.
    async fn falls_silent(mut self, expected: &[&str]) {
        self.next().await;
        let trouble = timeout(Duration::from_secs(5), &mut self.served).await.expect("goes on").unwrap().unwrap_err();
        assert_eq!(trouble.kind(), io::ErrorKind::TimedOut);
        self.told(expected);
    }

    #[track_caller]
    fn told(&self, expected: &[&str]) {
        assert_eq!(self.conversation.told(), of_the_call(expected));
    }
}

fn of_the_call(told: &[&str]) -> Vec<String> {
    told.iter().map(|what| format!("ivrtest-1795287849.8 {what}")).collect()
}

const DIALLED: &str = "dialled ivr Number(…)";
const KEYS: &str = "AbC-_9 Keys(Keys(…))";
const ALL: &str = "0123456789*#";

#[tokio::test]
async fn a_call_is_heard_and_hung_up() {
    let mut asterisk = End::new([menu(), entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(GREETING, "", 0, "200 result=0 endpos=4000").await;
    asterisk.plays(SILENCE, "", 0, "200 result=0 endpos=3200").await;
    asterisk.plays(MENU, ALL, 0, "200 result=49 endpos=1920").await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=0 endpos=7200").await;
    asterisk.plays(SILENCE, ALL, 0, "200 result=0 endpos=3200").await;
    asterisk.waits(6000, "200 result=55").await;
    asterisk.waits(3000, "200 result=42").await;
    asterisk.waits(3000, "200 result=35").await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"over.0\"", "200 result=1").await;
    asterisk.plays(GREETING, "", 0, "200 result=0 endpos=4000").await;
    asterisk.plays(SILENCE, "", 0, "200 result=0 endpos=3200").await;
    asterisk.does("HANGUP", "200 result=1").await;
    asterisk.ends(&[DIALLED, KEYS, KEYS, "Completed"]).await;
}

/// Where nobody presses anything, that is told.
#[tokio::test]
async fn silence_is_told() {
    let mut asterisk = End::new([entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=0 endpos=7200").await;
    asterisk.plays(SILENCE, ALL, 0, "200 result=0 endpos=3200").await;
    asterisk.waits(6000, "200 result=0").await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"over.0\"", "200 result=1").await;
    asterisk.plays(GREETING, "", 0, "200 result=-1 endpos=12").await;
    asterisk.does("CHANNEL STATUS", "HANGUP\n511 Command Not Permitted on a dead channel or intercept routine").await;
    asterisk.ends(&[DIALLED, "AbC-_9 Silence", "Completed"]).await;
}

/// A `#` behind an entry that was full is none of the next: what is being said goes on where it was.
#[tokio::test]
async fn a_key_that_does_not_count_stops_nothing() {
    let mut asterisk = End::new([entry(), entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=49 endpos=10").await;
    for _ in 0..5 {
        asterisk.waits(3000, "200 result=50").await;
    }
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=35 endpos=1600").await;
    asterisk.plays(MENU, ALL, 1600, "200 result=35 endpos=2400").await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"over.0\"", "200 result=1").await;
    drop(asterisk.writes);
    let told = loop {
        let told = asterisk.conversation.told();
        if told.len() == 3 {
            break told;
        }
        sleep(Duration::from_millis(2)).await;
    };
    assert!(told.iter().skip(1).all(|what| what.ends_with(KEYS)), "{told:?}");
}

/// A sound that cannot be played is passed over; a caller who has hung up is gone.
#[tokio::test]
async fn what_cannot_be_played_is_told_from_a_caller_who_is_gone() {
    let mut asterisk = End::new([entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=-1 endpos=0").await;
    asterisk.does("CHANNEL STATUS", "200 result=6").await;
    // What is left of it might be another amount: the dialplan says that nobody can serve the call.
    asterisk.does("SET VARIABLE HOTLINE_NEXT \"fallback\"", "200 result=1").await;
    asterisk.ends(&[DIALLED]).await;
    let mut asterisk = End::new([entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=-1 endpos=0").await;
    asterisk.does("CHANNEL STATUS", "511 Command Not Permitted on a dead channel or intercept routine").await;
    asterisk.ends(&[DIALLED, "Completed"]).await;
}

#[tokio::test]
async fn a_caller_is_put_through_by_the_dialplan_and_comes_back() {
    let mut asterisk = End::new([transfer(TransferTarget::Number("+861012333".into()))], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"t.T.0.25.number.+861012333\"", "200 result=1").await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"p.T.0\"", "200 result=1").await;
    asterisk.does("SET VARIABLE HOTLINE_LINE \"ivr\"", "200 result=1").await;
    asterisk.does("SET VARIABLE HOTLINE_TO \"+861012333\"", "200 result=1").await;
    asterisk.does("SET VARIABLE HOTLINE_RING \"25\"", "200 result=1").await;
    asterisk.does("SET VARIABLE HOTLINE_NEXT \"number\"", "200 result=1").await;
    asterisk.ends(&[DIALLED]).await;
    let mut asterisk = End::new([], "p.T.0", &["transferred", "ANSWER"]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"over.0\"", "511 Command Not Permitted").await;
    asterisk.plays(GREETING, "", 0, "511 Command Not Permitted").await;
    asterisk.ends(&["T TransferEnded(Talked)", "Completed"]).await;
}

/// The hotline was restarted: the dialplan brings the call again.
#[tokio::test]
async fn a_call_goes_on_where_it_was() {
    let mut asterisk = End::new([entry()], "k.S.0", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "511 Command Not Permitted").await;
    asterisk.ends(&["S Keys(Keys(…))", "Completed"]).await;
    let mut asterisk = End::new([], "over.0", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_NEXT \"over\"", "200 result=1").await;
    asterisk.does("HANGUP", "200 result=1").await;
    asterisk.ends(&[]).await;
}

/// Who hung up while they talked to somebody: the dialplan tells, when all is over.
#[tokio::test]
async fn the_end_of_a_call_that_was_given_away_is_told() {
    let mut asterisk = End::introduced([], &["ended"]).await;
    timeout(Duration::from_secs(5), &mut asterisk.served).await.expect("goes on").unwrap().unwrap();
    asterisk.told(&["Completed"]);
}

/// A to D are keys to Asterisk.
#[tokio::test]
async fn keys_that_nobody_has_are_none() {
    let mut asterisk = End::new([entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.plays(MENU, ALL, 0, "200 result=68 endpos=1600").await;
    asterisk.plays(MENU, ALL, 1600, "200 result=0 endpos=7200").await;
    asterisk.plays(SILENCE, ALL, 0, "200 result=0 endpos=3200").await;
    asterisk.waits(6000, "200 result=65").await;
    asterisk.waits(6000, "200 result=0").await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"over.0\"", "200 result=1").await;
    asterisk.plays(GREETING, "", 0, "511 Command Not Permitted").await;
    asterisk.ends(&[DIALLED, "AbC-_9 Silence", "Completed"]).await;
}

#[tokio::test]
async fn a_call_whose_connection_is_lost_is_over() {
    let mut asterisk = End::new([entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.breaks_off(&[DIALLED, "Completed"]).await;
    let mut asterisk = End::new([entry()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"k.AbC-_9.0\"", "200 result=1").await;
    asterisk.falls_silent(&[DIALLED, "Completed"]).await;
}

#[tokio::test]
async fn a_message_is_recorded_into_the_folder() {
    let eight_seconds = "Some(Recording { reference: Secret(…), seconds: 8 })";
    for (answer, recording, hung_up) in [
        ("200 result=35 (dtmf) endpos=56001", eight_seconds, false),
        ("200 result=-1 (hangup) endpos=64000", eight_seconds, true),
        // The folder is none that Asterisk may write into.
        ("200 result=-1 (writefile)", "None", false),
    ] {
        let mut asterisk = End::new([record()], "", &[]).await;
        asterisk.does("SET VARIABLE HOTLINE_STATE \"r.R.0\"", "200 result=1").await;
        asterisk.plays("http://h/asterisk/tone.wav", "", 0, "200 result=0 endpos=2400").await;
        let name = "fastagi-ivrtest-1795287849.8-8c2574892063f995";
        asterisk.does(&format!("RECORD FILE /var/rec/{name} wav \"#\" 120000 s=5"), answer).await;
        if !hung_up {
            asterisk.does("SET VARIABLE HOTLINE_STATE \"over.0\"", "200 result=1").await;
            asterisk.plays(GREETING, "", 0, "511 Command Not Permitted").await;
        }
        let told = format!("R Recorded {{ recording: {recording}, hung_up: {hung_up} }}");
        asterisk.ends(&[DIALLED, &told, "Completed"]).await;
    }
}

#[tokio::test]
async fn who_hangs_up_before_a_message_is_recorded_left_none() {
    let mut asterisk = End::new([record()], "", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_STATE \"r.R.0\"", "200 result=1").await;
    asterisk.plays("http://h/asterisk/tone.wav", "", 0, "200 result=0 endpos=2400").await;
    asterisk.next().await;
    asterisk.write("511 Command Not Permitted on a dead channel or intercept routine").await;
    asterisk.ends(&[DIALLED, "R Recorded { recording: None, hung_up: true }", "Completed"]).await;
}

#[tokio::test]
async fn what_breaks_before_the_first_word_is_the_dialplans() {
    let mut asterisk = End::new([], "k.panic.0", &[]).await;
    asterisk.does("SET VARIABLE HOTLINE_NEXT \"fallback\"", "200 result=1").await;
    asterisk.ends(&["panic Keys(Keys(…))"]).await;
}

/// Whoever connects from elsewhere, or says nothing that could be a call, is sent away.
#[tokio::test]
async fn strangers_are_sent_away() {
    let conversation = Written::new([]);
    let (stop, stopped) = watch::channel(false);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let addresses = Networks::try_from(vec!["198.51.100.7".to_owned()]).unwrap();
    let ours = Agi { addresses, ..agi(&conversation, None) };
    ours.listen(free, stopped).await.unwrap();
    let mut stream = TcpStream::connect(free).await.unwrap();
    let _ = stream.write_all(b"agi_uniqueid: 1.1\n\n").await;
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap_or(0), 0);
    drop(stop);
    let rubbish = ["agi_uniqueid: a b\n\n".to_owned(), "\n".to_owned(), "x".repeat(10_000), "a\n".repeat(200)];
    for rubbish in rubbish {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let agi = agi(&conversation, None);
        let (ours, _) = listener.accept().await.unwrap();
        stream.write_all(rubbish.as_bytes()).await.unwrap();
        let _ = agi.serve(ours).await;
    }
    assert_eq!(conversation.told(), [""; 0]);
}

/// Every answer in the captures is understood.
#[test]
fn answers_are_read() {
    let result =
        |value, at, text: Option<&str>, hung_up| Answer::Result { value, at, text: text.map(Into::into), hung_up };
    let full: Vec<_> =
        written(capture!("fastagi_full")).skip_while(|line| !line.is_empty()).skip(1).map(Answer::parse).collect();
    assert_eq!(
        full,
        [
            Some(result(0, None, None, false)),
            Some(result(1, None, None, false)),
            Some(result(1, None, Some("13800138000"), false)),
            Some(result(1, None, Some("4417af2c6e672ce2@127.0.0.1"), false)),
            // More digits than a number holds: nobody asks for them so here.
            Some(Answer::Other),
            Some(result(35, Some(1920), None, false)),
            Some(result(55, None, None, false)),
            Some(result(56, None, None, false)),
            Some(result(57, None, None, false)),
            Some(result(0, None, None, false)),
            Some(result(0, None, None, false)),
            Some(result(35, Some(0), Some("dtmf"), false)),
            Some(Answer::Other),
            Some(result(0, None, None, false)),
            Some(result(-1, Some(0), None, true)),
            Some(result(6, None, None, false)),
            Some(result(1, None, None, false)),
            None,
            Some(Answer::Dead),
            Some(Answer::Dead),
            Some(result(1, None, None, false)),
        ]
    );
    let hung_up = written(capture!("fastagi_hangup")).skip_while(|line| !line.is_empty()).skip(1);
    let hung_up: Vec<_> = hung_up.take(5).map(Answer::parse).collect();
    assert_eq!(
        hung_up,
        [
            Some(result(0, None, None, false)),
            Some(result(-1, Some(12000), None, true)),
            None,
            Some(Answer::Dead),
            Some(Answer::Dead),
        ]
    );
}

#[test]
fn a_call_is_read_from_its_introduction() {
    let mut introduction = Introduction::default();
    for line in written(capture!("fastagi_hangup")).take_while(|line| !line.is_empty()) {
        introduction.take(line);
    }
    let call = introduction.call().unwrap();
    assert_eq!((&*call.id, &*call.dialled), ("ivrtest-1795287822.5", "hang"));
    assert_eq!(call.caller, Caller::Number("13800138000".into()));
    assert_eq!(introduction.arguments(), ["801", "arg1", "arg 2"]);
}
