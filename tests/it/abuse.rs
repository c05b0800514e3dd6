//! Limits by calling number, tries of one's own, and what happens when sign-ins look like an attack. Time is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use hotline::dialog::{Answer, Guard, Request, SignInOutcome};
use hotline::member::id_number::IdNumber;
use hotline::member::{Identifier, Member, MemberKey};
use hotline::secret::Pin;
use hotline::service::spray::{Signal, Spray, SpraySettings, Verdict};
use hotline::service::{Hasher, Services};
use hotline::store::throttle::{CallerLimits, TryLimits};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use tokio::task::JoinSet;

use crate::calls::shipped_with;
use crate::support::caller::{Caller, Then};
use crate::support::{
    Bed, HASH, OWN_NUMBER, PIN, REFUSED, WRONG, call, call_from, granted, locked_minutes, member, on_both_engines,
    sign_in,
};

on_both_engines!(
    racing_calls_of_one_number_reach_three_persons,
    racing_calls_of_one_number_fail_ten_times,
    withheld_and_impossible_numbers_share_ten_failures,
    an_hour_of_three_persons_is_any_hour,
    a_day_of_failures_ends,
    right_pins_are_no_failures,
    a_limit_tells_nothing_of_anybody,
    a_lock_uses_none_of_the_callers_failures_up,
    a_repeated_webhook_at_the_limit_costs_nothing,
    numbers_of_offices_have_no_limit,
    a_malicious_lockout_does_not_shut_the_owner_out,
    a_known_number_has_three_tries_of_its_own,
    racing_calls_of_a_known_number_get_three_tries,
    the_twentieth_try_ends_a_known_numbers_tries_too,
    a_number_is_known_for_ninety_days,
    what_was_counted_of_callers_is_swept,
    a_spray_opens_nothing_after_the_alarm,
    a_closed_sign_in_looks_at_no_pin,
);

const CALLER_LIMIT: Answer = Answer::SignIn(SignInOutcome::CallerLimit);
const THIEF: &str = "13999999999";

fn limits(callers: CallerLimits) -> TryLimits {
    TryLimits { callers, ..TryLimits::default() }
}

fn services(bed: &Bed, callers: CallerLimits) -> Services {
    Services::new(bed.store.clone(), Hasher::new(HASH), limits(callers))
}

/// Two nodes over one database.
async fn nodes(bed: &Bed, callers: CallerLimits) -> [Arc<Services>; 2] {
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), limits(callers.clone()));
    [Arc::new(services(bed, callers)), Arc::new(other)]
}

/// 64 calls at once, over both nodes, each for the person and from the number that these tell.
async fn race(
    nodes: &[Arc<Services>; 2],
    who: impl Fn(u32) -> MemberKey,
    from: impl Fn(u32) -> String,
    pin: &'static str,
) -> Vec<Answer> {
    let barrier = Arc::new(tokio::sync::Barrier::new(64));
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let (services, barrier) = (Arc::clone(&nodes[n as usize % 2]), Arc::clone(&barrier));
        let (who, call) = (who(n), call_from(&format!("race-{n}"), &from(n)));
        calls.spawn(async move {
            barrier.wait().await;
            services.perform(&call, 1, sign_in(who, pin)).await
        });
    }
    calls.join_all().await
}

fn count(answers: &[Answer], answer: &Answer) -> usize {
    answers.iter().filter(|a| *a == answer).count()
}

/// One call with one PIN, from a number of its own unless told.
async fn attempt(services: &Services, name: &str, from: &str, who: MemberKey, pin: &str) -> Answer {
    services.perform(&call_from(name, from), 1, sign_in(who, pin)).await
}

async fn racing_calls_of_one_number_reach_three_persons(bed: Bed) {
    let nodes = nodes(&bed, CallerLimits::default()).await;
    let answers = race(&nodes, |n| bed.key(&member(n)), |_| THIEF.to_owned(), WRONG).await;
    assert_eq!((count(&answers, &REFUSED), count(&answers, &CALLER_LIMIT)), (3, 61));
    assert_eq!(nodes[0].hashes_run() + nodes[1].hashes_run(), 3);
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle").await, 3);
    assert_eq!(bed.number("SELECT failures FROM callers").await, 3);
    let events = bed.events().await;
    let limited = events.iter().filter(|event| *event == "caller_limit").count();
    assert_eq!((limited, events.len()), (61, 67));
}

async fn racing_calls_of_one_number_fail_ten_times(bed: Bed) {
    let callers = CallerLimits { persons_an_hour: 1000, ..CallerLimits::default() };
    let nodes = nodes(&bed, callers).await;
    let answers = race(&nodes, |n| bed.key(&member(n)), |_| THIEF.to_owned(), WRONG).await;
    assert_eq!((count(&answers, &REFUSED), count(&answers, &CALLER_LIMIT)), (10, 54));
    assert_eq!(nodes[0].hashes_run() + nodes[1].hashes_run(), 10);
}

/// TRUST A11: whatever stands where a number should, the flow works, and all of it has one budget.
async fn withheld_and_impossible_numbers_share_ten_failures(bed: Bed) {
    let odd = |n: u32| match n % 6 {
        0 => "anonymous".to_owned(),
        1 => "+266696687".to_owned(),
        2 => String::new(),
        3 => "1".repeat(300),
        4 => "sip:alice@pbx.example".to_owned(),
        _ => "</Say>".to_owned(),
    };
    let nodes = nodes(&bed, CallerLimits::default()).await;
    let answers = race(&nodes, |n| bed.key(&member(n)), odd, WRONG).await;
    assert_eq!((count(&answers, &REFUSED), count(&answers, &CALLER_LIMIT)), (10, 54));
    // Whoever shows a number is not among them; and an hour later they may again.
    let someone = member(1);
    bed.import([someone.clone()]).await;
    granted(attempt(&nodes[0], "shown", OWN_NUMBER, bed.key(&someone), PIN).await);
    assert_eq!(attempt(&nodes[0], "withheld", "Restricted", bed.key(&someone), PIN).await, CALLER_LIMIT);
    bed.clock.advance(Duration::from_hours(1));
    granted(attempt(&nodes[0], "an hour later", "Restricted", bed.key(&someone), PIN).await);
}

async fn an_hour_of_three_persons_is_any_hour(bed: Bed) {
    let services = services(&bed, CallerLimits::default());
    let attempt = async |name: &str, n| attempt(&services, name, THIEF, bed.key(&member(n)), WRONG).await;
    let minutes = |minutes| bed.clock.advance(Duration::from_mins(minutes));
    assert_eq!(attempt("at 0", 0).await, REFUSED);
    minutes(20);
    assert_eq!(attempt("at 20", 1).await, REFUSED);
    minutes(20);
    assert_eq!(attempt("at 40", 2).await, REFUSED);
    assert_eq!(attempt("at 40 again", 2).await, REFUSED, "the same person again is no other one");
    bed.clock.advance(Duration::from_millis(20 * 60_000 - 1));
    assert_eq!(attempt("before 60", 3).await, CALLER_LIMIT);
    bed.clock.advance(Duration::from_millis(1));
    assert_eq!(attempt("at 60", 3).await, REFUSED);
    assert_eq!(attempt("at 60 too", 4).await, CALLER_LIMIT, "the hour is not counted from its first call");
    minutes(20);
    assert_eq!(attempt("at 80", 4).await, REFUSED);
    assert_eq!(services.hashes_run(), 6);
}

async fn a_day_of_failures_ends(bed: Bed) {
    let someone = member(9);
    bed.import([someone.clone()]).await;
    let services = services(&bed, CallerLimits::default());
    for n in 0..10 {
        let who = bed.key(&member(n % 2));
        assert_eq!(attempt(&services, &n.to_string(), THIEF, who, WRONG).await, REFUSED);
    }
    bed.clock.advance(Duration::from_millis(24 * 3_600_000 - 1));
    assert_eq!(attempt(&services, "too many", THIEF, bed.key(&someone), PIN).await, CALLER_LIMIT);
    assert_eq!(services.hashes_run(), 10);
    bed.clock.advance(Duration::from_millis(1));
    granted(attempt(&services, "the next day", THIEF, bed.key(&someone), PIN).await);
}

async fn right_pins_are_no_failures(bed: Bed) {
    let people: Vec<_> = (0..4).map(member).collect();
    bed.import(people.clone()).await;
    let services = services(&bed, CallerLimits::default());
    for n in 0..30 {
        granted(attempt(&services, &n.to_string(), OWN_NUMBER, bed.key(&people[n % 3]), PIN).await);
    }
    assert_eq!(bed.number("SELECT failures FROM callers").await, 0);
    // But who was helped to sign in is a person who was asked for.
    assert_eq!(attempt(&services, "fourth", OWN_NUMBER, bed.key(&people[3]), PIN).await, CALLER_LIMIT);
}

/// TRUST A7 to A9: known, unknown and locked, right PIN and wrong, all the same.
async fn a_limit_tells_nothing_of_anybody(bed: Bed) {
    let (known, locked) = (member(1), member(2));
    bed.import([known.clone(), locked.clone()]).await;
    let services = services(&bed, CallerLimits::default());
    for n in 0..5 {
        attempt(&services, &format!("lock {n}"), &format!("1370000000{n}"), bed.key(&locked), WRONG).await;
    }
    for n in 10..13 {
        assert_eq!(attempt(&services, &n.to_string(), THIEF, bed.key(&member(n)), WRONG).await, REFUSED);
    }
    let hashes = services.hashes_run();
    for (n, who) in [&known, &locked, &member(99)].into_iter().enumerate() {
        for pin in [PIN, WRONG] {
            assert_eq!(attempt(&services, &format!("{n} {pin}"), THIEF, bed.key(who), pin).await, CALLER_LIMIT);
        }
    }
    assert_eq!(services.hashes_run(), hashes);
    // Nothing was counted against anybody, and the person is nobody's business but their own.
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle").await, 4);
    granted(attempt(&services, "the owner", OWN_NUMBER, bed.key(&known), PIN).await);
}

async fn a_lock_uses_none_of_the_callers_failures_up(bed: Bed) {
    let services = services(&bed, CallerLimits::default());
    let who = bed.key(&member(1));
    for n in 0..5 {
        assert_eq!(attempt(&services, &n.to_string(), OWN_NUMBER, who, WRONG).await, REFUSED);
    }
    for n in 5..25 {
        assert_eq!(locked_minutes(&attempt(&services, &n.to_string(), OWN_NUMBER, who, PIN).await), 30);
    }
    assert_eq!(bed.number("SELECT failures FROM callers").await, 5);
}

async fn a_repeated_webhook_at_the_limit_costs_nothing(bed: Bed) {
    let services = services(&bed, CallerLimits::default());
    for n in 0..3 {
        attempt(&services, &n.to_string(), THIEF, bed.key(&member(n)), WRONG).await;
    }
    for _ in 0..5 {
        assert_eq!(attempt(&services, "again", THIEF, bed.key(&member(7)), WRONG).await, CALLER_LIMIT);
    }
    let events = bed.events().await;
    assert_eq!(events.iter().filter(|event| *event == "caller_limit").count(), 1);
    // Nor does it get another answer when the limit has passed.
    bed.clock.advance(Duration::from_hours(2));
    assert_eq!(attempt(&services, "again", THIEF, bed.key(&member(7)), WRONG).await, CALLER_LIMIT);
    assert_eq!(services.hashes_run(), 3);
}

async fn numbers_of_offices_have_no_limit(bed: Bed) {
    let office = "+861012345";
    let exempt = [bed.store.seals().number(office)].into();
    let services = services(&bed, CallerLimits { exempt, ..CallerLimits::default() });
    for n in 0..15 {
        assert_eq!(attempt(&services, &n.to_string(), office, bed.key(&member(n)), WRONG).await, REFUSED);
    }
    assert_eq!(bed.number("SELECT COUNT(*) FROM callers").await, 0);
    // Those for each person hold.
    for n in 0..4 {
        assert_eq!(attempt(&services, &format!("one {n}"), office, bed.key(&member(0)), WRONG).await, REFUSED);
    }
    assert_eq!(locked_minutes(&attempt(&services, "one", office, bed.key(&member(0)), WRONG).await), 30);
}

/// TRUST A6.
async fn a_malicious_lockout_does_not_shut_the_owner_out(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (services(&bed, CallerLimits::default()), bed.key(&someone));
    granted(attempt(&services, "before", OWN_NUMBER, who, PIN).await);
    for n in 0..5 {
        let thief = format!("1399999999{n}");
        assert_eq!(attempt(&services, &format!("thief {n}"), &thief, who, WRONG).await, REFUSED);
    }
    for n in 0..3 {
        granted(attempt(&services, &format!("owner {n}"), OWN_NUMBER, who, PIN).await);
        let thief = attempt(&services, &format!("locked {n}"), THIEF, who, PIN).await;
        assert_eq!(locked_minutes(&thief), 30, "the lock stays for others, and is not looked behind");
    }
    let events = bed.events().await;
    assert_eq!(events[12..], ["lock_bypass_known_caller", "sign_in_ok", "pin_locked"].repeat(3));
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 5);
    assert_eq!(services.hashes_run(), 9);
    // The thief goes on whenever a lock ends, to the twentieth; the owner is let in until then.
    for round in 0..3 {
        bed.clock.advance(Duration::from_hours(2));
        for n in 0..5 {
            let (name, thief) = (format!("thief {round} {n}"), format!("139888888{round}{n}"));
            assert_eq!(attempt(&services, &name, &thief, who, WRONG).await, REFUSED);
        }
        let owner = attempt(&services, &format!("owner again {round}"), OWN_NUMBER, who, PIN).await;
        if round < 2 {
            granted(owner);
        } else {
            assert_eq!(owner, Answer::SignIn(SignInOutcome::Barred));
        }
    }
    assert_eq!(services.hashes_run(), 20 + 6, "twenty of the thief's, and six that were right");
}

async fn a_known_number_has_three_tries_of_its_own(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (services(&bed, CallerLimits::default()), bed.key(&someone));
    granted(attempt(&services, "before", OWN_NUMBER, who, PIN).await);
    for n in 0..5 {
        attempt(&services, &format!("thief {n}"), &format!("1399999999{n}"), who, WRONG).await;
    }
    for n in 0..3 {
        assert_eq!(attempt(&services, &format!("own {n}"), OWN_NUMBER, who, WRONG).await, REFUSED);
    }
    assert_eq!(locked_minutes(&attempt(&services, "fourth", OWN_NUMBER, who, PIN).await), 30);
    // They count like any other: two more, and the next lock comes, twice as long.
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 8);
    bed.clock.advance(Duration::from_mins(30));
    attempt(&services, "thief 8", THIEF, who, WRONG).await;
    attempt(&services, "thief 9", THIEF, who, WRONG).await;
    assert_eq!(locked_minutes(&attempt(&services, "thief 10", THIEF, who, WRONG).await), 60);
    // Used up, they are not given back by time but by signing in.
    assert_eq!(locked_minutes(&attempt(&services, "still used up", OWN_NUMBER, who, PIN).await), 60);
    bed.clock.advance(Duration::from_hours(1));
    granted(attempt(&services, "after the lock", OWN_NUMBER, who, PIN).await);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 7);
}

/// TRUST A2 and A10: a forged number gets three, however many calls race.
async fn racing_calls_of_a_known_number_get_three_tries(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let who = bed.key(&someone);
    let nodes = nodes(&bed, CallerLimits { failures_a_day: 1000, ..CallerLimits::default() }).await;
    granted(attempt(&nodes[0], "before", OWN_NUMBER, who, PIN).await);
    for n in 0..5 {
        attempt(&nodes[0], &format!("thief {n}"), &format!("1399999999{n}"), who, WRONG).await;
    }
    let answers = race(&nodes, |_| who, |_| OWN_NUMBER.to_owned(), WRONG).await;
    assert_eq!(count(&answers, &REFUSED), 3);
    assert_eq!(nodes[0].hashes_run() + nodes[1].hashes_run(), 9);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 8);
}

async fn the_twentieth_try_ends_a_known_numbers_tries_too(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (services(&bed, CallerLimits::default()), bed.key(&someone));
    granted(attempt(&services, "before", OWN_NUMBER, who, PIN).await);
    for n in 0..15 {
        attempt(&services, &format!("thief {n}"), &format!("139999999{n:02}"), who, WRONG).await;
        bed.clock.advance(Duration::from_hours(1));
    }
    for n in 15..18 {
        bed.clock.advance(Duration::from_hours(4));
        attempt(&services, &format!("thief {n}"), &format!("139999999{n:02}"), who, WRONG).await;
    }
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 18);
    // The next two lock for ever, and the number's own tries are at an end with them.
    for n in 18..20 {
        assert_eq!(attempt(&services, &n.to_string(), OWN_NUMBER, who, WRONG).await, REFUSED);
    }
    let barred = Answer::SignIn(SignInOutcome::Barred);
    assert_eq!(attempt(&services, "right", OWN_NUMBER, who, PIN).await, barred);
    assert_eq!(services.hashes_run(), 21);
}

async fn a_number_is_known_for_ninety_days(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (services(&bed, CallerLimits::default()), bed.key(&someone));
    granted(attempt(&services, "before", OWN_NUMBER, who, PIN).await);
    bed.clock.advance(Duration::from_millis(90 * 24 * 3_600_000 - 1));
    services.sweep().await.unwrap();
    for n in 0..5 {
        attempt(&services, &format!("thief {n}"), &format!("1399999999{n}"), who, WRONG).await;
    }
    granted(attempt(&services, "on the last day", OWN_NUMBER, who, PIN).await);
    bed.clock.advance(Duration::from_hours(90 * 24));
    for n in 5..10 {
        attempt(&services, &format!("thief {n}"), &format!("1399999998{n}"), who, WRONG).await;
    }
    assert_eq!(locked_minutes(&attempt(&services, "forgotten", OWN_NUMBER, who, PIN).await), 60);
}

async fn what_was_counted_of_callers_is_swept(bed: Bed) {
    let services = services(&bed, CallerLimits::default());
    attempt(&services, "shown", THIEF, bed.key(&member(1)), WRONG).await;
    attempt(&services, "withheld", "anonymous", bed.key(&member(1)), WRONG).await;
    let rows = "SELECT COUNT(*) FROM callers";
    bed.clock.advance(Duration::from_millis(24 * 3_600_000 - 1));
    services.sweep().await.unwrap();
    assert_eq!(bed.number(rows).await, 2);
    bed.clock.advance(Duration::from_millis(1));
    services.sweep().await.unwrap();
    assert_eq!(bed.number(rows).await, 0);
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle_callers").await, 1);
    bed.clock.advance(Duration::from_hours(90 * 24));
    services.sweep().await.unwrap();
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle_callers").await, 0);
}

/// TRUST A5: ten thousand numbers, one a second, one PIN, every call from another telephone. Each tenth has that PIN.
async fn a_spray_opens_nothing_after_the_alarm(bed: Bed) {
    const SPRAYED: &str = "739154";
    let mut people: Vec<_> = (0..200).map(|n| member(n * 1000)).collect();
    for someone in people.iter_mut().step_by(10) {
        someone.pin = Pin::parse(SPRAYED);
    }
    bed.import(people).await;
    let services = bed.services();
    let (mut opened, mut alert, mut challenge) = (0, None, None);
    for n in 0..10_000 {
        bed.clock.advance(Duration::from_secs(1));
        if n % 60 == 0 {
            services.sweep().await.unwrap();
        }
        let call = call_from(&format!("spray-{n}"), &format!("139{n:08}"));
        let Member { id_number, .. } = member(n * 1000);
        let Answer::Identified(who) = services.perform(&call, 1, Request::Identify(Identifier::Id(id_number))).await
        else {
            panic!("not identified")
        };
        match services.perform(&call, 2, Request::Guard).await {
            Answer::Guard(Guard::Open) => {
                let answer = services.perform(&call, 3, sign_in(who, SPRAYED)).await;
                opened += u32::from(matches!(answer, Answer::SignIn(SignInOutcome::Granted(..))));
                assert!(challenge.is_none(), "a PIN was taken without a challenge at {n}");
            }
            // A machine hangs up.
            Answer::Guard(Guard::Challenge(_)) => {}
            other => panic!("{other:?}"),
        }
        let level = services.spray_level();
        alert = alert.or((level >= 1).then_some(n + 1));
        challenge = challenge.or((level >= 2).then_some(n + 1));
    }
    // Each tenth was right: the 29th refusal is the 33rd try. At the 46th, failures of whatever PIN are too many too, and two
    // signals are a challenge. What was open by then is all that ever was.
    assert_eq!((alert, challenge, opened), (Some(33), Some(52), 6));
    let events = bed.events().await;
    let levels: Vec<_> = events.iter().filter(|event| event.starts_with("spray_level")).collect();
    assert_eq!(levels, ["spray_level_1", "spray_level_2"]);
    // It ends ten minutes and two half hours after the attack, not before.
    let mut minutes = 0;
    while services.spray_level() > 0 {
        minutes += 1;
        bed.clock.advance(Duration::from_mins(1));
        services.sweep().await.unwrap();
        assert!(minutes < 100, "the level stays up");
    }
    assert!((60..=72).contains(&minutes), "{minutes}");
}

async fn a_closed_sign_in_looks_at_no_pin(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let services = bed.services().watching(SpraySettings { pinned: Some(3), ..SpraySettings::default() });
    let who = bed.key(&someone);
    // A call that stood before the PIN already.
    let closed = Answer::SignIn(SignInOutcome::Closed);
    assert_eq!(services.perform(&call("A"), 1, sign_in(who, PIN)).await, closed);
    assert_eq!(services.perform(&call("A"), 1, sign_in(who, PIN)).await, closed);
    assert_eq!(services.perform(&call("A"), 2, Request::Guard).await, Answer::Guard(Guard::Closed));
    assert_eq!((services.hashes_run(), bed.number("SELECT COUNT(*) FROM throttle").await), (0, 0));
    assert_eq!(bed.events().await, ["sign_in_closed"]);
    // The same turn goes on hearing so when it is open again.
    assert_eq!(bed.services().perform(&call("A"), 1, sign_in(who, PIN)).await, closed);
    granted(bed.services().perform(&call("B"), 1, sign_in(who, PIN)).await);
}

// ---- the detector by itself ----

/// Marsaglia's xorshift, seeded: the same day every time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// Somebody of a city of five million: ten districts, 25,000 days of birth, twenty born there on each.
fn somebody(dice: &mut Dice) -> (Identifier, [u8; 32]) {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let n = dice.throw(5_000_000);
    let days = i64::try_from(n / 200).unwrap();
    let born = date(1940, 1, 1).saturating_add(jiff::Span::new().days(days));
    let body = format!("1101{:02}{:04}{:02}{:02}{:03}", 1 + n % 10, born.year(), born.month(), born.day(), n / 10 % 20);
    let sum: u32 = body.bytes().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    let check = b"10X98765432"[sum as usize % 11];
    let id = IdNumber::parse(&format!("{body}{}", char::from(check)), Date::MAX).unwrap();
    let mut key = [0; 32];
    key[..8].copy_from_slice(&n.to_be_bytes());
    (Identifier::Id(id), key)
}

fn pin(n: u64) -> Pin {
    Pin::parse(&format!("{n:06}")).unwrap()
}

/// An honest sign-in: of a hundred persons, three nobody has registered, four who do not get in (two tries), ten who do at
/// the second try. Of 1800 sign-ins 378 PINs are wrong, ten of them the most usual of all.
fn honest(spray: &Spray, now: Timestamp, dice: &mut Dice) {
    let (id, key) = somebody(dice);
    spray.number(now, &id);
    let wrong = |dice: &mut Dice, verdict| {
        let pin = if dice.throw(38) == 0 { pin(123_456) } else { pin(dice.throw(1_000_000)) };
        spray.pin(now, &pin, &key, verdict);
    };
    match dice.throw(100) {
        0..3 => wrong(dice, Verdict::Unknown),
        3..7 => {
            wrong(dice, Verdict::Wrong);
            wrong(dice, Verdict::Wrong);
        }
        n => {
            if n < 17 {
                wrong(dice, Verdict::Wrong);
            }
            let right = pin(dice.throw(1_000_000));
            spray.pin(now, &right, &key, Verdict::Right);
        }
    }
}

/// TRUST A5: no false alarm in 24 hours.
#[test]
fn a_day_of_honest_calls_raises_no_alarm() {
    let spray = Spray::new(SpraySettings::default());
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    for millis in (0..86_400_000).step_by(333) {
        honest(&spray, Timestamp::from_millisecond(millis).unwrap(), &mut dice);
        assert_eq!(spray.level(), 0, "after {millis} ms");
    }
}

/// One wrong PIN each, on another person each time, among three honest sign-ins a second.
fn seconds_to_alarm(every: u64, most: u64) -> Option<u64> {
    let spray = Spray::new(SpraySettings::default());
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for second in 0..most {
        let now = Timestamp::from_second(i64::try_from(second).unwrap()).unwrap();
        for _ in 0..3 {
            honest(&spray, now, &mut dice);
        }
        // Ten minutes of honest calls first.
        if second >= 600 && second % every == 0 {
            let mut person = [0xFF; 32];
            person[..8].copy_from_slice(&second.to_be_bytes());
            spray.pin(now, &pin(739_154), &person, Verdict::Wrong);
        }
        if spray.level() > 0 {
            return Some(second - 600);
        }
    }
    None
}

#[test]
fn a_spray_among_honest_calls_is_seen_as_computed() {
    assert_eq!(seconds_to_alarm(1, 1200), Some(28));
    assert_eq!(seconds_to_alarm(10, 1200), Some(280));
    // Slower than one in 21 seconds it stays under the threshold for ever: that easy PINs open nothing stands before it.
    assert_eq!(seconds_to_alarm(22, 3600), None);
}

#[test]
fn a_list_of_numbers_is_seen_at_its_sixth() {
    let spray = Spray::new(SpraySettings::default());
    let now = Timestamp::UNIX_EPOCH;
    let mut seen = Vec::new();
    for n in 0..24 {
        // The same day and place, one after the other; the same number again is no other one.
        for _ in 0..3 {
            seen.extend(spray.number(now, &Identifier::Id(member(n).id_number)));
        }
    }
    let levels: Vec<_> = seen.iter().map(|change| (change.from, change.to, change.signal)).collect();
    assert_eq!(levels, [(0, 1, Signal::Neighbours), (1, 2, Signal::Neighbours), (2, 3, Signal::Neighbours)]);
}

#[test]
fn unknown_persons_and_failures_are_seen_without_a_common_pin() {
    for (verdict, signals) in [(Verdict::Unknown, Signal::Unknown), (Verdict::Wrong, Signal::Failing)] {
        let spray = Spray::new(SpraySettings::default());
        let change = (0..200_u64).find_map(|n| {
            let now = Timestamp::from_second(i64::try_from(n).unwrap()).unwrap();
            let mut person = [0; 32];
            person[..8].copy_from_slice(&n.to_be_bytes());
            spray.pin(now, &pin(n), &person, verdict)
        });
        assert_eq!(change.map(|change| change.signal), Some(signals));
    }
}

#[test]
fn a_level_falls_by_one_after_each_calm() {
    let spray = Spray::new(SpraySettings::default());
    let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
    for n in 0..120_u8 {
        spray.pin(at(0), &pin(739_154), &[n; 32], Verdict::Wrong);
    }
    assert_eq!(spray.level(), 3);
    let mut fell = Vec::new();
    for minute in 1..=120 {
        fell.extend(spray.look(at(minute)).map(|change| (minute, change.to)));
    }
    // Ten minutes until the window is empty, then half an hour each.
    assert_eq!(fell, [(40, 2), (70, 1), (100, 0)]);
}

// ---- whole calls ----

/// The digits of what is heard, as keys.
fn digits_heard(said: &str) -> String {
    let digits = said.split("四个数字，").nth(1).unwrap().split('，').next().unwrap();
    let key = |c| "零幺二三四五六七八九".chars().zip('0'..='9').find(|(word, _)| *word == c).map(|(_, key)| key);
    digits.chars().filter_map(key).collect()
}

/// When people answer.
const MORNING: &str = "2026-07-01T02:00:00Z";
const NUMBER: [&str; 4] = ["1", "1", "11010519491231002*#", "1"];

#[test]
fn a_caller_presses_the_digits_they_hear() {
    let hotline = shipped_with(MORNING, &[("ABUSE__LEVEL", "2")]);
    let mut caller = hotline.dial("CA-challenged");
    let said = caller.press_all(&NUMBER).to_owned();
    assert!(said.starts_with("为了账户安全，请输入您听到的四个数字，"), "{said}");
    let digits = digits_heard(&said);
    assert_eq!(digits.len(), 4);
    // # alone: the same again. A repeated webhook: the same too.
    assert_eq!(caller.press("#"), said);
    let confirm = caller.sent[4].clone();
    assert_eq!(caller.wire.post(&confirm.path, &confirm.form).body, confirm.answer.body);
    assert!(caller.press(&format!("{digits}#")).starts_with("请输入六位查询密码"));
    assert_eq!(caller.press("739154#"), crate::calls::ACCOUNT);
    let metrics = hotline.wire.get("/metrics").body;
    assert!(metrics.contains("hotline_spray_level 2\n"), "{metrics}");
    assert!(metrics.contains("hotline_answers_total{answer=\"challenge\"} 2\n"), "{metrics}");
    // Nothing was written of the challenge.
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok"]);
    let other = hotline.dial("CA-other").press_all(&NUMBER).to_owned();
    assert_ne!(digits_heard(&other), digits, "every call hears others");
}

#[test]
fn other_digits_twice_lead_to_a_person() {
    let hotline = shipped_with(MORNING, &[("ABUSE__LEVEL", "2")]);
    let mut caller = hotline.dial("CA-machine");
    let first = caller.press_all(&NUMBER).to_owned();
    let again = caller.press("0000#").to_owned();
    assert!(again.starts_with("抱歉，您输入的数字和听到的不一致，请再听一遍。为了账户安全"), "{again}");
    assert_ne!(digits_heard(&again), digits_heard(&first));
    assert_eq!(caller.press("0000#"), "抱歉，没有完成数字验证。正在为您转接人工服务，请稍候。");
    assert!(matches!(caller.heard.then, Then::Dial { .. }));
    assert_eq!(hotline.setup.audit(), Vec::<String>::new());
    // One with the wrong digits first, the right ones then.
    let mut caller = hotline.dial("CA-clumsy");
    caller.press_all(&NUMBER);
    let digits = digits_heard(caller.press("0000#"));
    assert!(caller.press(&format!("12*{digits}#")).starts_with("请输入六位查询密码"));
    // 0 is a person, * back to the number, also here.
    let mut caller = hotline.dial("CA-back");
    caller.press_all(&NUMBER);
    assert!(caller.press("*#").starts_with("请输入您的十八位身份证号码"));
    caller.press_all(&NUMBER[2..]);
    assert!(caller.press("0#").starts_with("正在为您转接人工服务"));
}

#[test]
fn while_sign_in_is_closed_people_answer() {
    let hotline = shipped_with(MORNING, &[("ABUSE__LEVEL", "3")]);
    let mut caller: Caller = hotline.dial("CA-closed");
    let said = "抱歉，自助验证身份暂时停用，请使用人工服务。正在为您转接人工服务，请稍候。";
    assert_eq!(caller.press_all(&NUMBER), said);
    // In the night they hear when; everything else works.
    let hotline = shipped_with("2026-07-01T15:00:00Z", &[("ABUSE__LEVEL", "3")]);
    let mut caller = hotline.dial("CA-night");
    let said = "抱歉，自助验证身份暂时停用，请使用人工服务。抱歉，现在不是人工服务时间。人工服务时间，";
    assert!(caller.press_all(&NUMBER).starts_with(said), "{}", caller.heard.said);
    assert!(matches!(caller.heard.then, Then::Gather { .. }));
    assert_eq!(hotline.setup.audit(), Vec::<String>::new());
}

/// From one telephone, for one person after the other.
#[test]
fn a_fourth_person_in_an_hour_is_refused_politely() {
    let hotline = shipped_with(MORNING, &[("ABUSE__PERSONS_AN_HOUR", "1")]);
    let mut caller = hotline.dial("CA-one");
    caller.press_all(&NUMBER);
    assert_eq!(caller.press("739154#"), crate::calls::ACCOUNT);
    let mut caller = hotline.dial("CA-two");
    let said = caller.press_all(&["1", "1", "330000201604010048#", "1", "916408#"]);
    assert!(said.starts_with("抱歉，这个电话验证身份的次数过多，请过一段时间再试；人工服务，请按零。"), "{said}");
    assert!(caller.press("0").starts_with("正在为您转接人工服务"));
    assert_eq!(hotline.setup.audit(), ["pin_try", "sign_in_ok", "caller_limit"]);
    // From another telephone it goes on.
    let mut caller = Caller::dial_from(hotline.wire.clone(), "CA-three", "+8613900000000");
    let said = caller.press_all(&["1", "1", "330000201604010048#", "1", "916408#"]);
    assert_eq!(said, crate::calls::ACCOUNT);
}
