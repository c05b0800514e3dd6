//! Everything a caller can do is walked, and what must always hold holds; each rule is shown to catch a broken flow.

use std::collections::BTreeSet;

use hotline::call::lines::Lines;
use hotline::dialog::explore::{Exploration, Finding, Rule, explore, holds};
use hotline::dialog::{
    Answer, AnswerId, Event, Flow, Goal, LossAct, LossPlace, MenuId, Misses, Next, Place, Service, SignInOutcome,
    State, Turn,
};
use hotline::member::account::PageSize;
use hotline::member::card::LossTerm;
use hotline::member::money::Money;
use hotline::replay::counter_example;
use hotline::replay::report::{FileReport, Outcome};
use hotline::replay::run::Replay;
use hotline::replay::stage::Origin;
use hotline::secret::{Key, Keys};
use hotline::speech::prompt::{KNOWN, Prompt, PromptId, WORDS};
use jiff::Timestamp;

use crate::support::line::{LINES, line_12333, mandarin, project, shipped};

fn walk(
    step: impl Fn(&Flow, State, Event, Timestamp) -> (State, Turn),
    enough: impl Fn(&[Finding]) -> bool,
) -> Exploration {
    let flow = line_12333();
    explore(&flow, &[&mandarin()], |state, event, now| step(&flow, state, event, now), enough)
}

#[test]
fn the_shipped_lines_keep_every_rule_and_every_prompt_is_heard() {
    let mut heard = BTreeSet::new();
    for (file, least) in LINES.into_iter().zip([500, 500, 200]) {
        let flow = shipped(file);
        let seen = explore(&flow, &[&mandarin()], |state, event, now| flow.step(state, event, now), |_| false);
        let findings: Vec<String> = seen.findings.iter().map(ToString::to_string).collect();
        assert_eq!(findings, Vec::<String>::new(), "{file}");
        assert!(seen.states > least, "{file}: only {} states: the walk is cut short", seen.states);
        let named = flow.prompts().find(|id| !seen.prompts.contains(*id));
        assert_eq!(named, None, "{file} names what nobody hears");
        heard.extend(seen.prompts);
    }
    let unheard: Vec<_> = KNOWN.iter().chain(WORDS).map(|k| k.id.as_ref()).filter(|id| !heard.contains(*id)).collect();
    // What is said where there is no dialog to say anything, by the driver or by a platform that waits for an answer, and what a
    // reload leads to: see below.
    // Nor has a shipped line a queue: queue.rs walks one that has.
    let of_queues = [
        "queue.position",
        "queue.ahead",
        "queue.next",
        "queue.waiting",
        "queue.call-back",
        "queue.leave",
        "queue.no-call-back",
        "message.callback",
    ];
    let by_others = ["hold.a-moment", "call.menu-changed", "call.resumed", "call.busy"];
    assert_eq!(unheard, [&of_queues[..], &by_others].concat());
}

#[test]
fn the_shipped_lines_go_together_and_leave_no_wording_unsaid() {
    let lines = Lines::load(&project("config/lines"), &project("voice-prompts"), &project("config/holidays")).unwrap();
    let names: Vec<_> = lines.flows().map(|flow| &*flow.name).collect();
    assert_eq!(names, ["12333", "12393", "95566"]);
    assert_eq!(lines.unsaid(), Vec::new());
    for (dialled, name) in [
        ("12333", "12333"),
        ("+861012333", "12333"),
        ("", "12333"),
        ("anonymous", "12333"),
        ("+12248033558", "12333"),
        ("12393", "12393"),
        ("+8612393", "12393"),
        ("010-12393", "12393"),
        ("sip:12393@hotline.example", "12393"),
        ("+8679112393", "12393"),
        ("95566", "95566"),
        ("tel:+8695566", "95566"),
        ("sip:02195566@10.0.0.1:5060", "95566"),
        // A number of somebody's own that ends alike.
        ("13900012393", "12333"),
    ] {
        assert_eq!(&*lines.dialled(dialled).name, name, "{dialled}");
    }
}

/// Walks a flow broken by `mutant`, and wants `rule` to notice.
fn caught(rule: Rule, mutant: impl Fn(State, Turn, &State, &Event) -> (State, Turn)) {
    let broken = |flow: &Flow, state: State, event: Event, now| {
        let before = state.clone();
        let (state, turn) = flow.step(state, event.clone(), now);
        mutant(state, turn, &before, &event)
    };
    let seen = walk(broken, |findings| findings.iter().any(|f| f.rule == rule));
    let rules: Vec<_> = seen.findings.iter().map(|f| f.rule).collect();
    assert!(rules.contains(&rule), "{rule:?} slept through it; found {:?}", seen.findings);
    let finding = seen.findings.iter().find(|f| f.rule == rule).unwrap();
    let dials = if rule == Rule::OneThingAtATime { &["dial", "dial from a marked number"][..] } else { &["dial"] };
    let first = finding.path.iter().map(|taken| taken.on).chain(finding.then.iter().copied()).next();
    assert!(first.is_some_and(|first| dials.contains(&first)), "a counter-example starts at the dial tone");
    // Where it leads, the rule is seen to break; and to hold as soon as the flow is mended.
    let (flow, prompts) = (line_12333(), mandarin());
    let breaks = holds(rule, &flow, &[&prompts], |state, event, now| broken(&flow, state, event, now), &finding.at);
    assert_eq!(breaks.err().map(|found| found.rule), Some(rule), "{finding}");
    let mended = holds(rule, &flow, &[&prompts], |state, event, now| flow.step(state, event, now), &finding.at);
    assert!(mended.is_ok(), "{:?}", mended.err());
    leads_there(&flow, finding);
}

/// The transcript of `finding` comes to where the rule breaks, on the hotline as it is: there it holds.
#[track_caller]
fn leads_there(flow: &Flow, finding: &Finding) {
    let folder = tempfile::tempdir().unwrap();
    let written = counter_example::write(flow, std::slice::from_ref(finding), folder.path()).unwrap();
    let [Some(path)] = written.as_slice() else { panic!("nobody can bring it about: {finding}") };
    let text = std::fs::read_to_string(path).unwrap();
    let origin = Origin { file: None, environment: Vec::new(), lines: Some(project("config/lines")) };
    let replay = Replay { origin, jobs: 1, dialects: None, chaos: None, against: None };
    let report = replay.run(&[folder.path().to_owned()], &|_| ()).unwrap();
    let [FileReport { outcome: Outcome::Played(_, played), .. }] = report.files.as_slice() else {
        panic!("{:?}\n{text}", report.files)
    };
    assert!(played.iter().all(|played| played.mismatches.is_empty()), "{:?}\n{text}", played[0].mismatches);
}

fn is_key(event: &Event, key: Key) -> bool {
    matches!(event, Event::Keys(keys) if keys.single() == Some(key))
}

#[test]
fn a_menu_that_swallows_the_zero_is_caught() {
    caught(Rule::PersonByOneKey, |state, turn, before, event| {
        if is_key(event, Key::Digit(0)) && matches!(before.place, Place::Told { .. }) {
            let again = Turn { say: vec![Prompt::no_match()], next: turn.next };
            let Next::Transfer(_) = again.next else { return (state, again) };
            return (state, Turn { say: again.say, next: Next::HangUp });
        }
        (state, turn)
    });
}

#[test]
fn an_answer_that_swallows_the_zero_is_caught() {
    caught(Rule::PersonByOneKey, |state, turn, before, event| {
        let swallowed = is_key(event, Key::Digit(0)) && matches!(before.place, Place::Answered { .. });
        if swallowed {
            (before.clone(), Turn { say: vec![Prompt::no_match()], next: asked_again(before) })
        } else {
            (state, turn)
        }
    });
}

#[test]
fn a_prompt_that_forgets_its_misses_is_caught() {
    caught(Rule::SilenceEnds, |state, turn, before, event| {
        let stuck = matches!(event, Event::Silence) && matches!(before.place, Place::Confirm { .. });
        if stuck { (before.clone(), Turn { say: turn.say, next: asked_again(before) }) } else { (state, turn) }
    });
}

/// Any collection of keys, as a stuck prompt would ask for again.
fn asked_again(state: &State) -> Next {
    let flow = line_12333();
    let at = State { place: Place::Start, ..state.clone() };
    flow.step(at, Event::Silence, Timestamp::UNIX_EPOCH).1.next
}

#[test]
fn a_hang_up_that_is_not_taken_is_caught() {
    caught(Rule::OverIsOver, |state, turn, before, event| {
        let ignored = matches!(event, Event::HungUp) && matches!(before.place, Place::Told { .. });
        if ignored { (before.clone(), Turn { say: turn.say, next: asked_again(before) }) } else { (state, turn) }
    });
}

#[test]
fn an_account_told_without_sign_in_is_caught() {
    let balance = Prompt::no_personal_account();
    caught(Rule::NothingPersonalBeforeSignIn, |state, mut turn, before, event| {
        if is_key(event, Key::Digit(1)) && matches!(before.place, Place::Menu { .. }) && before.signed_in.is_none() {
            turn.say.push(balance.clone());
        }
        (state, turn)
    });
}

#[test]
fn an_account_told_after_the_sign_in_is_over_is_caught() {
    caught(Rule::NothingPersonalBeforeSignIn, |mut state, turn, before, event| {
        // Forgets to drop a sign-in that has expired, and takes any answer for a balance.
        if matches!(event, Event::Answer(Answer::PersonalBalance(None))) && matches!(before.place, Place::Told { .. }) {
            state.signed_in = None;
            return (state, Turn { say: vec![Prompt::no_personal_account()], next: turn.next });
        }
        (state, turn)
    });
}

#[test]
fn a_page_told_after_the_sign_in_ran_out_is_caught() {
    caught(Rule::NothingPersonalBeforeSignIn, |state, mut turn, before, event| {
        let read = matches!(event, Event::Answer(Answer::Transactions(Some(page))) if !page.more);
        if read && before.place.is_reading() && before.signed_in.is_some() && state.signed_in.is_none() {
            turn.say.push(Prompt::last_entry());
        }
        (state, turn)
    });
}

#[test]
fn a_page_asked_for_after_the_sign_in_ran_out_is_caught() {
    caught(Rule::NothingPersonalBeforeSignIn, |state, turn, before, event| {
        if let (Place::Page { which, page, back, .. }, Some(proof)) = (&before.place, before.signed_in)
            && is_key(event, Key::Digit(3))
        {
            let place = Place::ReadingPage { which: *which, page: *page, back: back.clone() };
            let request =
                hotline::dialog::Request::Transactions { proof, which: *which, size: PageSize::Three, page: *page };
            return (State { place, ..before.clone() }, Turn { say: Vec::new(), next: Next::Ask(request) });
        }
        (state, turn)
    });
}

#[test]
fn several_things_told_at_once_to_an_older_caller_are_caught() {
    caught(Rule::OneThingAtATime, |state, mut turn, before, _| {
        if let Next::Ask(hotline::dialog::Request::Transactions { size, .. }) = &mut turn.next
            && before.elder
        {
            *size = PageSize::Three;
        }
        (state, turn)
    });
    caught(Rule::OneThingAtATime, |state, mut turn, before, event| {
        if matches!(event, Event::Answer(Answer::PersonalBalance(Some(_)))) && before.elder {
            let (amount, day) = (Money::ZERO, jiff::civil::date(2026, 1, 2));
            turn.say = vec![Prompt::personal_balance(amount, amount, amount, day)];
        }
        (state, turn)
    });
}

#[test]
fn a_prompt_without_wording_is_caught() {
    caught(Rule::EveryPromptSpeaks, |state, mut turn, before, _| {
        if matches!(before.place, Place::Pin { .. }) {
            turn.say.push(Prompt::of_menu(PromptId::named("nobody.wrote-this"), None));
        }
        (state, turn)
    });
}

#[test]
fn a_silent_request_for_keys_is_caught() {
    caught(Rule::CollectMakesSense, |state, mut turn, before, _| {
        if matches!(before.place, Place::NumberKind { .. }) && matches!(turn.next, Next::Collect(_)) {
            turn.say.clear();
        }
        (state, turn)
    });
}

#[test]
fn wrong_pins_without_end_are_caught() {
    caught(Rule::WrongPinsEnd, |mut state, turn, before, event| {
        if matches!(event, Event::Answer(Answer::SignIn(SignInOutcome::Refused))) && before.wrong_pins == 2 {
            state.wrong_pins = 3;
            state.place = Place::Menu { menu: MenuId::new("main"), misses: Misses::default() };
            return (state, Turn { say: vec![Prompt::refused()], next: asked_again(before) });
        }
        (state, turn)
    });
}

#[test]
fn transfers_without_end_are_caught() {
    caught(Rule::TransfersEnd, |mut state, turn, before, _| {
        if let Next::Transfer(_) = turn.next
            && before.transfers == 2
        {
            state.transfers = 4;
        }
        (state, turn)
    });
}

#[test]
fn a_question_that_leads_to_a_question_is_caught() {
    caught(Rule::AnswersSpeak, |state, turn, before, event| {
        if let (Event::Answer(Answer::PooledFund(..)), Some(proof)) = (event, before.signed_in)
            && matches!(before.place, Place::Reading { .. })
        {
            let next = Next::Ask(hotline::dialog::Request::PooledFund(proof));
            return (before.clone(), Turn { say: Vec::new(), next });
        }
        (state, turn)
    });
}

#[test]
fn a_card_reported_lost_unasked_is_caught() {
    caught(Rule::ChangesAreConfirmed, |state, turn, before, event| {
        // Whoever chooses the service has not said yes yet.
        if let (Event::Answer(Answer::Card(Some(_))), Some(proof)) = (event, before.signed_in)
            && matches!(before.place, Place::Reading { service: Service::ReportLoss, .. })
        {
            let term = LossTerm { days: 7, offset: jiff::tz::Offset::constant(8) };
            let place = Place::Loss(LossPlace::Doing { act: LossAct::Report, back: MenuId::new("card") });
            let next = Next::Ask(hotline::dialog::Request::ReportLoss(proof, term));
            return (State { place, ..before.clone() }, Turn { say: Vec::new(), next });
        }
        (state, turn)
    });
}

#[test]
fn a_caller_in_a_menu_that_is_gone_is_led_to_the_main_menu() {
    let flow = line_12333();
    let gone = Place::Menu { menu: MenuId::new("gone"), misses: Misses::default() };
    let state = State { place: gone, ..flow.start() };
    let keys = Event::Keys(Keys::new(vec![Key::Digit(2)], false));
    let (state, turn) = flow.step(state, keys, Timestamp::UNIX_EPOCH);
    assert_eq!(state.place.name(), "main");
    let main = [
        "call.menu-changed",
        "main.account",
        "main.card",
        "main.policy",
        "main.channels",
        "main.messages",
        "main.keys",
    ];
    assert_eq!(turn.say.iter().map(Prompt::id).collect::<Vec<_>>(), main);
}

#[test]
fn a_caller_at_an_answer_that_is_gone_is_led_to_the_main_menu() {
    let flow = line_12333();
    let at = |answer: &str, back: &str| {
        let (answer, back) = (AnswerId::new(answer), MenuId::new(back));
        let state = State { place: Place::Answered { answer, back, misses: Misses::default() }, ..flow.start() };
        let keys = Event::Keys(Keys::new(vec![Key::Digit(1)], false));
        let (state, turn) = flow.step(state, keys, Timestamp::UNIX_EPOCH);
        (state.place.name().to_owned(), turn.say.first().map(|said| said.id().to_owned()))
    };
    let main = || ("main".to_owned(), Some("call.menu-changed".to_owned()));
    assert_eq!(at("gone", "policy"), main());
    assert_eq!(at("family", "gone"), main());
    assert_eq!(at("family", "policy"), ("family".to_owned(), Some("policy.family".to_owned())));
}

/// What a key means is what the caller heard it means; what works everywhere works still.
#[test]
fn a_key_that_means_something_else_by_now_leads_to_the_main_menu() {
    let (old, new) = (line_12333(), shipped("95566.toml"));
    let menu = |name: &str| Place::Menu { menu: MenuId::new(name), misses: Misses::default() };
    let state = State { place: menu("main"), ..old.start() };
    let (heard, changed) = (old.heard(&state), new.heard(&state));
    assert_ne!((heard, changed), (0, 0));
    assert_ne!(heard, changed);
    let key = |key| Event::Keys(Keys::new(vec![key], false));
    let at = |flow: &Flow, event: &Event| flow.taken_up(state.clone(), heard, event).place;
    assert_eq!(at(&old, &key(Key::Digit(1))), menu("main"));
    assert_eq!(at(&new, &key(Key::Digit(1))), Place::Start);
    assert_eq!(at(&new, &key(Key::Digit(8))), Place::Start);
    for same in [key(Key::Digit(0)), key(Key::Digit(9)), key(Key::Star), key(Key::Hash), Event::Silence] {
        assert_eq!(at(&new, &same), menu("main"), "{same:?}");
    }
    // Which kind of number a key means is the line's too.
    let state = State {
        place: Place::NumberKind { goal: Goal::Menu(MenuId::new("account")), misses: Misses::default() },
        ..old.start()
    };
    assert_ne!(old.heard(&state), new.heard(&state));
    assert_eq!(new.taken_up(state.clone(), old.heard(&state), &key(Key::Digit(1))).place, Place::Start);
    // And where it leads from there.
    let gone = State { place: Place::Start, ..new.start() };
    let ends = |event| new.step(gone.clone(), event, "2026-03-16T02:00:00Z".parse().unwrap());
    assert_eq!(ends(key(Key::Digit(1))).1.say[0].id(), "call.menu-changed");
    assert!(matches!(ends(key(Key::Digit(0))).1.next, Next::Transfer(_)));
    assert!(matches!(ends(key(Key::Digit(9))).1.next, Next::HangUp));
}
