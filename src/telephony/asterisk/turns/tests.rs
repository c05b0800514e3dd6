use serde_json::Value;

use super::*;
use crate::dialog::{BargeIn, TransferTarget};
use crate::telephony::asterisk::wire::{self, News};

/// What was done at which millisecond.
type Log = Vec<(u64, String)>;

/// A caller and a conversation that is written down beforehand: turns with what answers each step.
struct Stage {
    turns: Turns,
    log: Log,
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Sounds of so many milliseconds.
fn sounds(lengths: &[u64]) -> Vec<Sound> {
    lengths.iter().map(|length| Sound { url: format!("http://clips/{length}").into(), length: ms(*length) }).collect()
}

fn script(before: &[u64], during: &[u64], then: Then) -> Script {
    Script { before: sounds(before), during: sounds(during), then, recording: Secret::new("r1") }
}

/// Waits 10 s for the first key, and 4 s for each further one.
fn collect(max: u8, finish: Option<Key>) -> Then {
    let (first_key, between_keys) = (ms(10_000), ms(4_000));
    Then::Collect(Collect { min: 1, max, finish, first_key, between_keys, barge_in: BargeIn::Always }, "S".into())
}

fn told(event: &Event) -> String {
    match event {
        Event::Keys(keys) => {
            let keyed: String = keys.expose().iter().copied().map(Key::as_char).collect();
            format!("keys {keyed}{}", if keys.finished() { " finished" } else { "" })
        }
        Event::Silence => "silence".into(),
        Event::TransferEnded(end) => format!("transfer {end:?}"),
        Event::Recorded { recording, hung_up } => {
            let recording = recording.as_ref().map(|r| format!("{} {}", r.reference.expose(), r.seconds));
            format!("recorded {}{}", recording.unwrap_or_default(), if *hung_up { " hung up" } else { "" })
        }
        other => panic!("{other:?}"),
    }
}

fn shown(command: &Command) -> String {
    let name = |part: &Part| format!("{}{}", part.turn, if part.second { "b" } else { "a" });
    match command {
        Command::Play(part, sounds, heard) => {
            let lengths: Vec<_> = sounds.iter().map(|sound| sound.length.as_millis().to_string()).collect();
            format!("play {} {} {heard:?}", name(part), lengths.join(","))
        }
        Command::Stop(part) => format!("stop {}", name(part)),
        Command::Record(_, name) => format!("record {}", name.expose()),
        Command::Tell(step, event) => format!("{step} {}", told(event)),
        Command::Transfer(..) => "transfer".into(),
        Command::Release => "release".into(),
        Command::HangUp => "hang up".into(),
        Command::Over => "over".into(),
    }
}

impl Stage {
    fn new() -> Self {
        Self { turns: Turns::new(), log: Vec::new() }
    }

    /// Time goes on to `now`, with whatever is due on the way; then this happens.
    fn at(&mut self, now: u64, input: Input) -> &mut Self {
        self.wait(now);
        let todo = self.turns.take(input, ms(now));
        self.write(now, &todo);
        self
    }

    fn wait(&mut self, now: u64) -> &mut Self {
        while let Some(due) = self.turns.due().filter(|due| *due <= ms(now)) {
            let todo = self.turns.time_passed(due);
            self.write(u64::try_from(due.as_millis()).unwrap(), &todo);
        }
        self
    }

    /// Keys, 100 ms apart.
    fn keys(&mut self, from: u64, keys: &str) -> &mut Self {
        for (n, key) in keys.chars().enumerate() {
            self.at(from + 100 * n as u64, Input::Key(Key::from_char(key).unwrap()));
        }
        self
    }

    fn write(&mut self, now: u64, todo: &[Command]) {
        self.log.extend(todo.iter().map(|command| (now, shown(command))));
    }

    fn played(&mut self, now: u64, turn: u32, second: bool) -> &mut Self {
        self.at(now, Input::Played(Part { turn, second }))
    }

    /// What was done since this was asked last.
    #[track_caller]
    fn did(&mut self, expected: &[(u64, &str)]) -> &mut Self {
        let log = std::mem::take(&mut self.log);
        let log: Vec<_> = log.iter().map(|(at, what)| (*at, what.as_str())).collect();
        assert_eq!(log, expected);
        self
    }
}

#[test]
fn silence_is_told_when_the_time_for_the_first_key_is_up_after_all_is_said() {
    let mut stage = Stage::new();
    stage.at(5, Input::Turn(script(&[], &[2000, 1000], collect(1, None))));
    stage.did(&[(5, "play 1b 2000,1000 UntilKeys")]).wait(5000).played(5100, 1, true).wait(15_099).did(&[]);
    stage.wait(15_100).did(&[(15_100, "S silence")]);
    assert!(stage.turns.is_thinking() && stage.turns.due().is_none());
}

#[test]
fn the_first_key_stops_the_speech_and_each_has_time_of_its_own() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[3000], collect(18, Some(Key::Hash)))));
    stage.keys(500, "1").did(&[(0, "play 1b 3000 UntilKeys"), (500, "stop 1b")]);
    // The end of what was stopped is no news.
    stage.played(501, 1, true).at(4400, Input::Key(Key::Digit(2))).wait(8399).did(&[]);
    stage.wait(8400).did(&[(8400, "S keys 12")]);
}

#[test]
fn the_finish_key_ends_an_entry_and_is_told_alone_too() {
    for (keys, entry) in [("12#", "S keys 12 finished"), ("#", "S keys  finished")] {
        let mut stage = Stage::new();
        stage.at(0, Input::Turn(script(&[], &[], collect(18, Some(Key::Hash))))).keys(100, keys);
        let at = 100 * keys.len() as u64;
        stage.did(&[(at, entry)]);
    }
}

#[test]
fn where_no_key_finishes_every_key_is_data() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], collect(3, None)))).keys(100, "*#1").did(&[(300, "S keys *#1")]);
}

#[test]
fn a_finish_key_after_a_full_entry_is_passed_over_for_a_moment() {
    let mut stage = Stage::new();
    let pin = || Input::Turn(script(&[], &[2000], collect(6, Some(Key::Hash))));
    stage.at(0, pin()).keys(100, "123456").did(&[
        (0, "play 1b 2000 UntilKeys"),
        (100, "stop 1b"),
        (600, "S keys 123456"),
    ]);
    // Before the next turn, and during it: the next prompt is not stopped.
    stage.at(700, pin()).at(1200, Input::Key(Key::Hash)).did(&[(700, "play 2b 2000 UntilKeys")]);
    // One only, and in time only.
    stage.at(1201, Input::Key(Key::Hash)).did(&[(1201, "stop 2b"), (1201, "S keys  finished")]);
    stage.at(1210, pin()).keys(1300, "123456").at(1900, pin()).at(2401, Input::Key(Key::Hash));
    stage.did(&[
        (1210, "play 3b 2000 UntilKeys"),
        (1300, "stop 3b"),
        (1800, "S keys 123456"),
        (1900, "play 4b 2000 UntilKeys"),
        (2401, "stop 4b"),
        (2401, "S keys  finished"),
    ]);
}

/// After one key of a menu, `#` is asked for: to hear it again.
#[test]
fn a_menu_has_no_finish_key_to_pass_over() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], collect(1, None)))).keys(100, "1");
    stage.at(110, Input::Turn(script(&[], &[], collect(1, None)))).keys(200, "#");
    stage.did(&[(100, "S keys 1"), (200, "S keys #")]);
}

#[test]
fn another_key_after_a_full_entry_begins_the_next() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], collect(2, Some(Key::Hash))))).keys(100, "123#");
    stage.did(&[(200, "S keys 12")]);
    stage.at(500, Input::Turn(script(&[], &[1000], collect(2, Some(Key::Hash))))).did(&[(500, "S keys 3 finished")]);
}

#[test]
fn keys_pressed_ahead_count_where_all_may_be_stopped_and_then_nothing_is_said() {
    let mut stage = Stage::new();
    stage.keys(0, "11").at(300, Input::Turn(script(&[], &[2000], collect(1, None))));
    stage.at(310, Input::Turn(script(&[], &[2000], collect(3, Some(Key::Hash)))));
    stage.did(&[(300, "S keys 1")]).keys(400, "2#").did(&[(500, "S keys 12 finished")]);
}

/// Nobody knows what they were meant for who pressed them: they have not heard what is to be heard.
#[test]
fn keys_pressed_ahead_or_meanwhile_do_not_count_where_something_is_heard_out() {
    let mut stage = Stage::new();
    stage.keys(0, "12").at(300, Input::Turn(script(&[2000], &[1000], collect(6, Some(Key::Hash)))));
    stage.keys(400, "34#").did(&[(300, "play 1a 2000 Out")]);
    stage.played(2400, 1, false).keys(2500, "56#");
    stage.did(&[(2400, "play 1b 1000 UntilKeys"), (2500, "stop 1b"), (2700, "S keys 56 finished")]);
}

#[test]
fn what_is_all_heard_out_is_followed_by_the_wait_alone() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[2000], &[], collect(1, None)))).played(2100, 1, false).wait(12_100);
    stage.did(&[(0, "play 1a 2000 Out"), (12_100, "S silence")]);
}

/// The sound server is away, or stalls: the caller waits no longer than that.
#[test]
fn what_is_never_played_is_given_up() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[2000], &[1000], collect(1, None)))).wait(60_000).did(&[
        (0, "play 1a 2000 Out"),
        (12_000, "stop 1a"),
        (12_000, "play 1b 1000 UntilKeys"),
        (23_000, "stop 1b"),
        (33_000, "S silence"),
    ]);
}

#[test]
fn the_end_is_heard_out_and_told_once() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[500], &[], Then::HangUp))).keys(10, "1#").played(600, 1, false);
    stage.at(601, Input::Gone).at(602, Input::Gone);
    stage.did(&[(0, "play 1a 500 Out"), (600, "hang up"), (601, "over")]);
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], Then::HangUp))).did(&[(0, "hang up")]);
}

#[test]
fn hanging_up_ends_it_wherever_it_is() {
    let hung_up = |stage: &mut Stage| {
        stage.log.clear();
        // In this order, or without the second (captures/hangup_during_prompt.jsonl).
        stage.at(900, Input::HungUp).played(900, 1, false).at(901, Input::Gone).wait(100_000).did(&[(901, "over")]);
        assert!(stage.turns.is_over());
        // What comes late comes to nothing.
        stage.at(100_001, Input::Turn(script(&[], &[1], collect(1, None)))).keys(100_002, "1").did(&[]);
    };
    hung_up(&mut Stage::new());
    for (before, during) in [(&[500][..], &[][..]), (&[], &[500]), (&[], &[])] {
        hung_up(Stage::new().at(0, Input::Turn(script(before, during, collect(6, None)))));
    }
    hung_up(Stage::new().at(0, Input::Turn(script(&[], &[500], collect(6, None)))).keys(1, "123"));
    hung_up(Stage::new().at(0, Input::Turn(script(&[500], &[], Then::HangUp))));
    hung_up(Stage::new().at(0, Input::Turn(script(&[500], &[], transfer()))));
}

fn transfer() -> Then {
    Then::Transfer(Transfer { to: TransferTarget::Number("+861012333".into()), ring: ms(25_000) }, "T".into())
}

#[test]
fn a_call_that_is_given_away_is_not_over() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[500], &[], transfer()))).played(600, 1, false).at(601, Input::Gone);
    stage.did(&[(0, "play 1a 500 Out"), (600, "transfer")]);
    assert!(stage.turns.is_over());
}

/// A restart while a message was recorded: its end is told, or nobody heard of it.
#[test]
fn a_recording_that_is_taken_up_is_told_of() {
    let taken_up = || Stage { turns: Turns::recording("R".into(), Secret::new("r1")), log: Vec::new() };
    taken_up().at(10, Input::Recorded(7)).did(&[(10, "R recorded r1 7")]);
    taken_up().keys(10, "1").wait(5000).did(&[(2000, "R recorded ")]);
}

#[test]
fn a_call_that_nobody_takes_goes_on() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], transfer()))).at(10, Input::Kept);
    stage.did(&[(0, "transfer"), (10, "T transfer NotAnswered")]);
    let mut stage = Stage::new();
    stage.at(0, Input::Speechless).at(10, Input::Kept).did(&[(0, "release"), (10, "hang up")]);
}

#[test]
fn nobody_waits_in_a_queue_here() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], Then::Leave("L".into())))).did(&[(0, "L transfer Left")]);
}

fn record() -> Then {
    Then::Record(Record { longest: ms(120_000), finish: Key::Hash, silence: ms(4500) }, "R".into())
}

#[test]
fn what_is_recorded_is_told_with_its_length() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[500], &[], record()))).played(600, 1, false).keys(5000, "#");
    stage.at(5001, Input::Recorded(4));
    stage.did(&[(0, "play 1a 500 Out"), (600, "record r1"), (5001, "R recorded r1 4")]);
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], record()))).at(1, Input::Recorded(0)).wait(300_000);
    stage.did(&[(0, "record r1"), (1, "R recorded ")]);
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], record()))).wait(300_000);
    stage.did(&[(0, "record r1"), (125_000, "R recorded ")]);
}

/// What was recorded is told before or after the end of the call.
#[test]
fn what_was_recorded_until_the_caller_hung_up_is_told_too() {
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], record())));
    stage.at(7000, Input::HungUp).at(7001, Input::Recorded(7)).at(7002, Input::Gone);
    stage.did(&[(0, "record r1"), (7001, "R recorded r1 7 hung up"), (7001, "over")]);
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], record()))).at(7000, Input::Gone).at(7100, Input::Recorded(7));
    stage.did(&[(0, "record r1"), (7100, "R recorded r1 7 hung up"), (7100, "over")]);
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[], record()))).at(7000, Input::Gone).wait(20_000);
    stage.did(&[(0, "record r1"), (9000, "R recorded  hung up"), (9000, "over")]);
}

#[test]
fn rubbish_is_bounded() {
    let mut stage = Stage::new();
    stage.keys(0, &"1".repeat(1000)).at(100_001, Input::Turn(script(&[], &[], collect(255, None))));
    stage.did(&[(100_001, format!("S keys {}", "1".repeat(64)).as_str())]);
    stage.keys(200_000, "12");
    let shown = format!("{:?}", stage.turns);
    assert!(shown.contains("ahead: Zeroizing { .. }") && !shown.contains("Digit"), "{shown}");
}

/// What is left of an amount might be another.
#[test]
fn what_cannot_be_said_whole_is_not_said_on() {
    let broken = |second| Input::Broken(Part { turn: 1, second });
    for (before, during, then) in
        [(&[500][..], &[][..], collect(6, None)), (&[500], &[500], Then::HangUp), (&[500], &[500], transfer())]
    {
        let mut stage = Stage::new();
        stage.at(0, Input::Turn(script(before, during, then))).log.clear();
        stage.at(10, broken(false)).at(20, Input::Gone).wait(100_000).did(&[(10, "stop 1a"), (10, "release")]);
    }
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[500], collect(6, None)))).log.clear();
    stage.at(10, broken(true)).did(&[(10, "stop 1b"), (10, "release")]);
    // It is not said any more, or to nobody.
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[], &[500], collect(6, None)))).keys(5, "1").log.clear();
    stage.at(10, broken(true)).did(&[]);
    let mut stage = Stage::new();
    stage.at(0, Input::Turn(script(&[500], &[], collect(6, None)))).at(5, Input::HungUp).log.clear();
    stage.at(10, broken(false)).at(11, Input::Gone).did(&[(11, "over")]);
}

// ---- captures of real calls ----

/// The conversation those calls had: an ID number, a PIN, a balance; `0` for a person.
fn answer(told: Option<&str>) -> Script {
    let number = collect(18, Some(Key::Hash));
    match told {
        None => script(&[], &[8700], number),
        Some("S keys 0 finished") => script(&[4630], &[], transfer()),
        Some("S keys 11010519491231002*") => script(&[], &[1670], collect(6, Some(Key::Hash))),
        Some("S keys 123456") => script(&[3280, 4410], &[], Then::HangUp),
        Some("S keys 12345 finished") => script(&[3610], &[8700], number),
        Some(other) => panic!("{other}"),
    }
}

/// Plays what Asterisk told in the capture: its playbacks stand, in their order, for ours.
fn replayed(capture: &str) -> Log {
    let lines: Vec<Value> = capture.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: &Value| (line["kind"] == "WS").then(|| wire::read(&line["msg"].to_string()).unwrap().0);
    let is_start = |line: &&Value| matches!(told(line), Some(News::Started(..)));
    let last = lines.iter().rfind(is_start).unwrap();
    let (origin, channel) = (last["t"].as_f64().unwrap(), last["msg"]["channel"]["id"].as_str().unwrap().to_owned());
    let mut stage = Stage::new();
    let mut parts: Vec<Part> = Vec::new();
    stage.at(0, Input::Turn(answer(None)));
    let mut seen = 0;
    for line in &lines {
        let Some(news) = told(line) else { continue };
        let at = line["t"].as_f64().unwrap() - origin;
        if at < 0.0 {
            continue;
        }
        let at = Duration::from_secs_f64(at).as_millis().try_into().unwrap();
        match news {
            News::Key(of, key) if *of == *channel => stage.at(at, Input::Key(key)),
            News::Played { channel: of, playback, .. } if *of == *channel => {
                // In one of them nothing else was played.
                let n: usize = playback.rsplit_once("-pb").map_or(1, |(_, n)| n.parse().unwrap());
                stage.at(at, Input::Played(parts[n - 1]))
            }
            News::HangingUp(of) if *of == *channel => stage.at(at, Input::HungUp),
            News::Left(of) if *of == *channel => stage.at(at, Input::Gone),
            _ => continue,
        };
        // The conversation answers a step at once, and what is played is written down.
        while let Some((_, what)) = stage.log.get(seen).cloned() {
            seen += 1;
            if what.starts_with("S keys") {
                stage.at(at, Input::Turn(answer(Some(&what))));
            }
        }
        for (_, what) in &stage.log {
            if let Some(name) = what.strip_prefix("play ").and_then(|what| what.split(' ').next()) {
                let (turn, part) = name.split_at(name.len() - 1);
                let part = Part { turn: turn.parse().unwrap(), second: part == "b" };
                if !parts.contains(&part) {
                    parts.push(part);
                }
            }
        }
    }
    stage.log
}

#[track_caller]
fn replays(capture: &str, expected: &[(u64, &str)]) {
    let log = replayed(capture);
    let log: Vec<_> = log.iter().map(|(at, what)| (*at, what.as_str())).collect();
    assert_eq!(log, expected);
}

macro_rules! capture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/asterisk/captures/", $name, ".jsonl"))
    };
}

/// The `#` behind the full number comes 240 ms after it: it is not the beginning of the PIN.
#[test]
fn a_whole_call_by_the_connection_for_all() {
    replays(
        capture!("ok_persistent"),
        &[
            (0, "play 1b 8700 UntilKeys"),
            (1623, "stop 1b"),
            (5702, "S keys 11010519491231002*"),
            (5702, "play 2b 1670 UntilKeys"),
            (7462, "stop 2b"),
            (8662, "S keys 123456"),
            (8662, "play 3a 3280,4410 Out"),
            (16_967, "hang up"),
            (16_970, "over"),
        ],
    );
}

#[test]
fn a_whole_call_by_a_connection_of_its_own() {
    replays(
        capture!("ok_percall"),
        &[
            (0, "play 1b 8700 UntilKeys"),
            (1622, "stop 1b"),
            (5702, "S keys 11010519491231002*"),
            (5702, "play 2b 1670 UntilKeys"),
            (7222, "stop 2b"),
            (8422, "S keys 123456"),
            (8422, "play 3a 3280,4410 Out"),
            (16_724, "hang up"),
            (16_726, "over"),
        ],
    );
}

#[test]
fn a_number_too_short_and_once_more() {
    replays(
        capture!("retry_timeout"),
        &[
            (0, "play 1b 8700 UntilKeys"),
            (1103, "stop 1b"),
            (2302, "S keys 12345 finished"),
            (2302, "play 2a 3610 Out"),
            (5919, "play 2b 8700 UntilKeys"),
            (7322, "stop 2b"),
            (11_402, "S keys 11010519491231002*"),
            (11_402, "play 3b 1670 UntilKeys"),
            (12_422, "stop 3b"),
            (13_622, "S keys 123456"),
            (13_622, "play 4a 3280,4410 Out"),
            (21_918, "hang up"),
            (21_921, "over"),
        ],
    );
}

#[test]
fn a_person_by_nought_and_the_finish_key() {
    replays(
        capture!("agent_0hash"),
        &[
            (0, "play 1b 8700 UntilKeys"),
            (1623, "stop 1b"),
            (1863, "S keys 0 finished"),
            (1863, "play 2a 4630 Out"),
            (6502, "transfer"),
        ],
    );
}

#[test]
fn callers_who_hang_up() {
    replays(capture!("hangup_during_prompt"), &[(0, "play 1b 8700 UntilKeys"), (1505, "over")]);
    replays(capture!("caller_hangup_mid_id"), &[(0, "play 1b 8700 UntilKeys"), (1604, "stop 1b"), (3315, "over")]);
    replays(capture!("inbound"), &[(0, "play 1b 8700 UntilKeys"), (1126, "stop 1b"), (2010, "over")]);
}
