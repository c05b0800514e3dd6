//! Everything a caller can do is walked, and what must always hold holds; each rule is shown to catch a broken flow.

use hotline::dialog::explore::{Exploration, Finding, Rule, explore};
use hotline::dialog::{
    Answer, AnswerId, Event, Flow, LossAct, LossPlace, MenuId, Misses, Next, Place, Service, SignInOutcome, State, Turn,
};
use hotline::member::card::LossTerm;
use hotline::secret::{Key, Keys};
use hotline::speech::prompt::{KNOWN, Prompt, PromptId, WORDS};
use jiff::Timestamp;

use crate::support::line::{line_12333, mandarin};

fn walk(
    step: impl Fn(&Flow, State, Event, Timestamp) -> (State, Turn),
    enough: impl Fn(&[Finding]) -> bool,
) -> Exploration {
    let flow = line_12333();
    explore(&flow, &[&mandarin()], |state, event, now| step(&flow, state, event, now), enough)
}

#[test]
fn the_shipped_line_keeps_every_rule_and_every_prompt_is_heard() {
    let seen = walk(Flow::step, |_| false);
    let findings: Vec<String> = seen.findings.iter().map(ToString::to_string).collect();
    assert_eq!(findings, Vec::<String>::new());
    assert!(seen.states > 500, "only {} states: the walk is cut short", seen.states);

    let flow = line_12333();
    let named = flow.prompts().find(|id| !seen.prompts.contains(*id));
    assert_eq!(named, None, "the line names what nobody hears");
    let unheard: Vec<_> =
        KNOWN.iter().chain(WORDS).map(|k| k.id.as_ref()).filter(|id| !seen.prompts.contains(*id)).collect();
    // What the driver says when there is no dialog to say anything, and what a reload leads to: see below.
    assert_eq!(unheard, ["call.menu-changed", "call.resumed", "call.busy"]);
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
    assert_eq!(finding.path.first(), Some(&"dial"), "a counter-example starts at the dial tone");
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
            let request = hotline::dialog::Request::Transactions { proof, which: *which, page: *page };
            return (State { place, ..before.clone() }, Turn { say: Vec::new(), next: Next::Ask(request) });
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
    let main = ["call.menu-changed", "main.account", "main.card", "main.policy", "main.channels", "main.keys"];
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
