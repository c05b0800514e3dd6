//! What is heard and what is sent, at every place of the shipped line: literal files, to be read by people.

use std::fmt::Write;

use hotline::member::account::{
    Benefit, CardStatus, ContributionStatus, InsuranceStatus, Movements, Scheme, TransactionKind, YearMonth,
};
use hotline::member::message::MessageNumber;
use hotline::member::money::Money;
use hotline::member::mutual_aid::Relation;
use hotline::member::tail::Tail;
use hotline::secret::Key;
use hotline::speech::language::Language;
use hotline::speech::prompt::{KNOWN, Prompt, PromptId, WORDS, Weekdays};
use jiff::civil::{Weekday, date, time};

use crate::calls::{NOON, OPEN, shipped};
use crate::support::caller::{Caller, InProcess};
use crate::support::line::{in_every_language, wording};
use crate::support::served::Setup;

const ID: &str = "11010519491231002*#";

/// Every place a call can be in, and how to get there.
const PLACES: [(&str, &[&str]); 47] = [
    ("greeting", &[]),
    ("main menu", &["#"]),
    ("sign-in.number-kind", &["1"]),
    ("sign-in.id-number", &["1", "1"]),
    ("sign-in.card-number", &["1", "2"]),
    ("sign-in.personal-number", &["1", "3"]),
    ("sign-in.id-number, a slip", &["1", "1", "110105194912310021#"]),
    ("sign-in.confirm", &["1", "1", ID]),
    ("sign-in.pin", &["1", "1", ID, "1"]),
    ("sign-in.pin, refused", &["1", "1", ID, "1", "730415#"]),
    ("account", &["1", "1", ID, "1", "739154#"]),
    ("personal-balance", &["1", "1", ID, "1", "739154#", "1"]),
    ("pooled-fund", &["1", "1", ID, "1", "739154#", "2"]),
    ("details", &["1", "1", ID, "1", "739154#", "3"]),
    ("details.credits", &["1", "1", ID, "1", "739154#", "3", "1"]),
    ("details.spending", &["1", "1", ID, "1", "739154#", "3", "2"]),
    ("details.all", &["1", "1", ID, "1", "739154#", "3", "3"]),
    ("details.all, last page", &["1", "1", ID, "1", "739154#", "3", "3", "1"]),
    ("status", &["1", "1", ID, "1", "739154#", "4"]),
    ("mutual-aid", &["1", "1", ID, "1", "739154#", "5"]),
    ("mutual-aid, how to bind", &["1", "1", ID, "1", "739154#", "5", "1"]),
    ("card", &["2"]),
    ("card.pin.old", &["2", "3", "1", ID, "1", "739154#"]),
    ("card.pin.new", &["2", "3", "1", ID, "1", "739154#", "739154#"]),
    ("card.pin.again", &["2", "3", "1", ID, "1", "739154#", "739154#", "507294#"]),
    ("card.pin.card-number", &["1", "1", "370000199502140068#", "1", "123456#"]),
    ("forgotten-pin", &["2", "4"]),
    ("card-status", &["2", "5", "1", ID, "1", "739154#"]),
    ("release-loss", &["2", "2", "1", ID, "1", "739154#"]),
    ("card.loss.confirm", &["2", "1", "1", ID, "1", "739154#"]),
    ("card.loss.confirm, a slip", &["2", "1", "1", ID, "1", "739154#", "7"]),
    ("card.loss.confirm, 2", &["2", "1", "1", ID, "1", "739154#", "2"]),
    ("policy", &["3"]),
    ("policy-more", &["3", "5"]),
    ("policy-other", &["3", "5", "5"]),
    ("channels", &["4"]),
    ("messages", &["5"]),
    ("message.choice", &["5", "3"]),
    ("message.phone", &["5", "1", "2"]),
    ("message.phone, a slip", &["5", "1", "2", "1370013712#"]),
    ("message.confirm", &["5", "1", "2", "13700137123#"]),
    ("message.recording", &["5", "2", "1"]),
    ("message.number", &["5", "4"]),
    ("answer", &["3", "2"]),
    ("answer, a slip", &["3", "2", "7"]),
    ("person", &["0"]),
    ("over", &["9"]),
];

fn at(hotline: &InProcess, n: usize, way: &[&str]) -> Caller {
    let mut caller = hotline.dial(&format!("CA-{n}"));
    caller.press_all(way);
    caller
}

#[test]
fn what_is_heard_at_every_place() {
    let mut text = String::new();
    for (when, now) in [("noon on a Friday", NOON), ("ten on a Friday", OPEN)] {
        let hotline = shipped(now);
        writeln!(text, "# {when}\n").unwrap();
        for (n, (place, way)) in PLACES.into_iter().enumerate() {
            // Only what a person has to do with is another by the hour.
            if now == NOON || place == "person" {
                let heard = at(&hotline, n, way).heard.said.replace('。', "。\n");
                writeln!(text, "## {place}: {}\n{heard}", way.join(" ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!("heard", text);
}

#[test]
fn the_markup_of_every_place() {
    let hotline = shipped(OPEN);
    let mut text = String::new();
    for (n, (place, way)) in PLACES.into_iter().enumerate() {
        // One element a line, to be read and compared.
        let markup = at(&hotline, n, way).markup().replace("><", ">\n<");
        writeln!(text, "# {place}\n{markup}\n").unwrap();
    }
    insta::assert_snapshot!("markup", text);
}

/// Everywhere, signing in, and changing the PIN.
fn first_prompts() -> Vec<Prompt> {
    let (one, two) = (Key::Digit(1), Key::Digit(2));
    let as_of = date(2026, 1, 2);
    vec![
        Prompt::language_option(one),
        Prompt::no_input(),
        Prompt::no_match(),
        Prompt::menu_help(),
        Prompt::entry_help(),
        Prompt::universal_keys(),
        Prompt::entry_keys(),
        Prompt::pin_keys(),
        Prompt::after_answer(one),
        Prompt::sign_in_first(),
        Prompt::by_id(one),
        Prompt::by_card(two),
        Prompt::by_personal_number(Key::Digit(3)),
        Prompt::enter_id(),
        Prompt::enter_card(),
        Prompt::enter_card_last8(),
        Prompt::enter_personal_number(),
        Prompt::number_incomplete(),
        Prompt::number_impossible(),
        Prompt::confirm_number(Tail::of("11010519491231002X").unwrap(), one, two),
        Prompt::enter_pin(),
        Prompt::pin_incomplete(),
        Prompt::refused(),
        Prompt::locked(90),
        Prompt::barred(),
        Prompt::caller_limit(),
        Prompt::sign_in_closed(),
        Prompt::challenge(Tail::of("11010519491231002X").unwrap()),
        Prompt::challenge_wrong(),
        Prompt::challenge_failed(),
        Prompt::try_id_number(),
        Prompt::pins_used_up(),
        Prompt::initial_pin(),
        Prompt::pin_changed(as_of),
        Prompt::sign_in_expired(),
        Prompt::enter_old_pin(),
        Prompt::enter_new_pin(),
        Prompt::enter_new_pin_again(),
        Prompt::pin_change_keys(),
        Prompt::pin_repeated(),
        Prompt::pin_sequence(),
        Prompt::pin_common(),
        Prompt::pin_birthday(),
        Prompt::pin_from_id_number(),
        Prompt::pin_from_card_number(),
        Prompt::pin_from_phone_number(),
        Prompt::pin_still_initial(),
        Prompt::pin_same(),
        Prompt::pin_mismatch(),
        Prompt::pin_unchanged(),
        Prompt::pin_set(),
        Prompt::pin_card_stopped(),
        Prompt::pin_overtaken(),
        Prompt::pin_unavailable(),
        Prompt::pin_uncertain(),
    ]
}

/// Every prompt of the code, with values.
fn prompts() -> Vec<Prompt> {
    let (one, two) = (Key::Digit(1), Key::Digit(2));
    let yuan = |text| Money::parse(text).unwrap();
    let as_of = date(2026, 1, 2);
    let mut prompts = first_prompts();
    prompts.extend([
        Prompt::privacy(),
        Prompt::personal_balance(yuan("1010.05"), yuan("-310.5"), yuan("10000"), as_of),
        Prompt::personal_total(yuan("1010.05"), as_of),
        Prompt::personal_parts(yuan("-310.5"), yuan("1320.55"), as_of),
        Prompt::no_personal_account(),
        Prompt::pooled_fund(2026, yuan("0"), yuan("0.01"), yuan("20.20"), yuan("100200.30"), as_of),
        Prompt::pooled_fund_unlimited(2026, yuan("2"), yuan("0.2"), yuan("12345678.90"), as_of),
        Prompt::resident_fund(2026, yuan("100"), yuan("0"), yuan("260.75"), yuan("2739.25"), as_of),
        Prompt::resident_fund_unlimited(2026, yuan("100"), yuan("0"), yuan("260.75"), as_of),
        Prompt::pooled_fund_stopped(InsuranceStatus::Paused.into(), 2026, yuan("0"), as_of),
        Prompt::outpatient_not_paid(Benefit::Waiting.into()),
        Prompt::inpatient_not_paid(Benefit::Stopped.into()),
        Prompt::benefits_from(date(2026, 9, 1)),
        Prompt::status(
            Scheme::Flexible.into(),
            InsuranceStatus::Ended.into(),
            ContributionStatus::Owing.into(),
            YearMonth { year: 2026, month: 2 },
            Benefit::Stopped.into(),
            Benefit::Waiting.into(),
        ),
        Prompt::insurance_paused(),
        Prompt::balance_stays(),
        Prompt::insurance_ended(),
        Prompt::hear_again(Key::Star),
        Prompt::to_details(two),
        Prompt::to_parts(Key::Digit(3)),
        Prompt::to_pooled_fund(two),
        Prompt::list(Movements::Spending.into(), two),
        Prompt::entry(as_of, TransactionKind::Adjustment.into(), yuan("-120.40"), yuan("-100.40")),
        Prompt::last_entry(),
        Prompt::no_entries(Movements::Everything.into()),
        Prompt::next_page(one),
        Prompt::previous_page(two),
        Prompt::page_again(Key::Digit(3)),
        Prompt::next_entry(one),
        Prompt::previous_entry(two),
        Prompt::entry_again(Key::Digit(3)),
        Prompt::aid_bound(12),
        Prompt::aid_relatives(Relation::Child.into(), 2),
        Prompt::aid_used(2026, yuan("800.02"), as_of),
        Prompt::aid_nobody(),
        Prompt::aid_no_account(),
        Prompt::to_binding(one),
        Prompt::binding(),
        Prompt::card_status(Tail::of("12345678").unwrap(), CardStatus::Locked.into()),
        Prompt::card_reported(Tail::of("12345678").unwrap(), as_of, date(2026, 1, 9)),
        Prompt::card_reported_advice(),
        Prompt::card_normal(),
        Prompt::card_inactive(),
        Prompt::card_temporary_loss(),
        Prompt::card_formal_loss(),
        Prompt::card_locked(),
        Prompt::card_cancelled(),
        Prompt::no_card(),
        Prompt::loss_of(Tail::of("12345678").unwrap()),
        Prompt::confirm_loss(7, one, two),
        Prompt::loss_reported(2, as_of),
        Prompt::loss_next(),
        Prompt::confirm_renewal(30, one, two),
        Prompt::loss_renewed(as_of),
        Prompt::confirm_release(one, two),
        Prompt::loss_released(CardStatus::Inactive.into()),
        Prompt::nothing_to_release(),
        Prompt::card_unchanged(),
        Prompt::card_uncertain(),
    ]);
    prompts.extend(closing_prompts());
    prompts
}

/// Those that end a query or a call.
fn closing_prompts() -> Vec<Prompt> {
    let (one, two) = (Key::Digit(1), Key::Digit(2));
    let as_of = date(2026, 1, 2);
    let weekdays = Weekdays { first: Weekday::Monday, last: Weekday::Friday };
    vec![
        Prompt::query_unavailable(),
        Prompt::connecting(),
        Prompt::not_answered(),
        Prompt::person_closed(),
        Prompt::person_hours(weekdays, time(8, 30, 0, 0), time(17, 0, 0, 0)),
        Prompt::person_holiday(),
        Prompt::person_next(date(2026, 10, 8), time(8, 30, 0, 0)),
        Prompt::elder_person(),
        Prompt::queue_position(2, 3),
        Prompt::queue_ahead(12),
        Prompt::queue_next(),
        Prompt::queue_waiting(),
        Prompt::queue_call_back(one),
        Prompt::queue_leave(two),
        Prompt::queue_no_call_back(Key::Star),
        Prompt::rating_ask(),
        Prompt::rating_very_satisfied(one),
        Prompt::rating_satisfied(two),
        Prompt::rating_fair(Key::Digit(3)),
        Prompt::rating_dissatisfied(Key::Digit(4)),
        Prompt::rating_why(),
        Prompt::rating_unsolved(one),
        Prompt::rating_manner(two),
        Prompt::rating_wait(Key::Digit(3)),
        Prompt::rating_thanks(),
        Prompt::leave_message(Key::Digit(5)),
        Prompt::choose_phone(),
        Prompt::own_phone(Tail::of("13800138000").unwrap(), one),
        Prompt::other_phone(two),
        Prompt::leave_phone(one),
        Prompt::no_phone(Key::Digit(3)),
        Prompt::enter_phone(),
        Prompt::phone_incomplete(),
        Prompt::say_message(),
        Prompt::say_complaint(),
        Prompt::say_suggestion(),
        Prompt::record(2, Key::Hash),
        Prompt::nothing_recorded(),
        Prompt::review_message(one, two, Key::Star),
        Prompt::message_not_kept(),
        Prompt::message_kept(),
        Prompt::message_discarded(),
        Prompt::message_sent(MessageNumber::new(1_234_567), 3),
        Prompt::suggestion_sent(MessageNumber::new(0)),
        Prompt::callback_asked(MessageNumber::new(9_999_999), 2),
        Prompt::enter_message_number(),
        Prompt::message_number_incomplete(),
        Prompt::message_unknown(),
        Prompt::message_tries_used_up(),
        Prompt::message_received(as_of),
        Prompt::message_taken(as_of),
        Prompt::message_answered(as_of),
        Prompt::message_closed(as_of),
        Prompt::a_moment(),
        Prompt::menu_changed(),
        Prompt::resumed(),
        Prompt::too_long(),
        Prompt::goodbye(),
        Prompt::busy(),
    ]
}

/// In the languages that the shipped line does not offer; the choice itself comes first.
#[test]
fn what_is_heard_at_every_place_in_the_other_languages() {
    for (language, key, stop) in [("yue-CN", "2", "。"), ("en-US", "3", ". ")] {
        let mut text = String::new();
        for (when, now) in [("noon on a Friday", NOON), ("ten on a Friday", OPEN)] {
            let line = in_every_language().replace("age = 65", "age = 120");
            let hotline = InProcess::new(Setup::new().line(&line), now);
            writeln!(text, "# {when}\n").unwrap();
            writeln!(text, "## language\n{}\n", at(&hotline, 1000, &[]).heard.said).unwrap();
            for (n, (place, way)) in PLACES.into_iter().enumerate() {
                if now == NOON || place == "person" {
                    let way = [&[key], way].concat();
                    let heard = at(&hotline, n, &way).heard.said.replace(stop, &[stop.trim(), "\n"].concat());
                    writeln!(text, "## {place}: {}\n{heard}\n", way.join(" ")).unwrap();
                }
            }
        }
        insta::assert_snapshot!(format!("heard_{language}"), text);
    }
}

#[test]
fn every_prompt() {
    for language in Language::ALL {
        insta::assert_snapshot!(format!("prompts_{language}"), prompts_in(language));
    }
}

fn prompts_in(language: Language) -> String {
    let catalog = wording(language);
    let known: Vec<_> = KNOWN.iter().map(|signature| signature.id.as_ref()).collect();
    assert_eq!(prompts().iter().map(Prompt::id).collect::<Vec<_>>(), known);
    let mut text = String::new();
    for prompt in prompts() {
        writeln!(text, "{}: {}", prompt.id(), catalog.speak_all(std::slice::from_ref(&prompt)).text()).unwrap();
    }
    for word in WORDS {
        let prompt = Prompt::of_menu(PromptId::named(&word.id), None);
        writeln!(text, "{}: {}", word.id, catalog.speak_all(&[prompt]).text()).unwrap();
    }
    let mut menus: Vec<_> = catalog.menu_prompts().collect();
    menus.sort_unstable();
    for id in menus {
        let key = catalog.has(id, true).then_some(Key::Digit(1));
        let prompt = Prompt::of_menu(PromptId::named(id), key);
        writeln!(text, "{id}: {}", catalog.speak_all(&[prompt]).text()).unwrap();
    }
    text
}
