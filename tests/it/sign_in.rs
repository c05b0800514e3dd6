//! Signing in: tries are taken first, everything happens once, and nothing tells who exists.

use std::sync::Arc;
use std::time::Duration;

use hotline::call::caller::CallEnd;
use hotline::dialog::{Answer, Request, SignInOutcome};
use hotline::member::Identifier;
use hotline::member::card_number::CardRule;
use hotline::secret::Pin;
use hotline::service::{HashSettings, Hasher, Services};
use tokio::task::JoinSet;

use crate::support::{
    Bed, HASH, OWN_NUMBER, PIN, REFUSED, WRONG, call, call_from, coverage, granted, limits, locked_minutes, member,
    on_both_engines, sign_in,
};

on_both_engines!(
    number_and_pin_open_the_accounts,
    every_number_of_a_member_leads_to_them,
    racing_calls_get_five_tries_together,
    a_repeated_webhook_gets_the_same_answer_and_costs_nothing,
    other_keys_in_the_same_turn_change_nothing,
    a_try_that_was_cut_off_is_continued,
    locks_double_and_the_last_is_the_operators_to_end,
    who_does_not_exist_is_locked_the_same_way,
    all_numbers_of_a_member_share_their_tries,
    success_forgives_the_own_number_only,
    a_withheld_number_is_forgiven_one_try,
    a_pin_that_anybody_could_guess_opens_nothing,
    a_call_has_three_tries,
    right_pins_use_no_tries_up,
    a_lock_looks_at_no_pin,
    an_ended_call_is_told_nothing,
    a_full_queue_costs_no_try,
    a_pin_is_hardened_by_its_first_use,
    an_idle_node_hardens_pins,
    other_hash_settings_are_taken_up,
    without_an_audit_row_nothing_is_told,
    a_sign_in_that_ran_out_reads_nothing,
    what_is_over_is_swept,
);

async fn number_and_pin_open_the_accounts(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, call) = (bed.services(), call("A"));
    let identify = Request::Identify(Identifier::Id(someone.id_number.clone()));
    let Answer::Identified(who) = services.perform(&call, 1, identify).await else { panic!("not identified") };
    let proof = granted(services.perform(&call, 2, sign_in(who, PIN)).await);
    let balance = services.perform(&call, 3, Request::PersonalBalance(proof)).await;
    assert_eq!(balance, Answer::PersonalBalance(someone.personal));
    let fund = services.perform(&call, 4, Request::PooledFund(proof)).await;
    assert_eq!(fund, Answer::PooledFund(someone.pooled, coverage(&someone)));
    assert_eq!(bed.events().await, ["pin_try", "sign_in_ok", "read_personal_balance", "read_pooled_fund"]);
    assert_eq!(services.perform(&call, 5, sign_in(who, WRONG)).await, REFUSED);
}

async fn every_number_of_a_member_leads_to_them(bed: Bed) {
    let (one, mut two, mut three) = (member(1), member(2), member(3));
    // Two cards whose digits are the same.
    three.card_number.clone_from(&two.card_number);
    two.personal_number = None;
    bed.import([one.clone(), two.clone(), three.clone()]).await;
    let services = bed.services();
    for (n, identifier) in one.identifiers(CardRule::DigitsOnly).enumerate() {
        let who = bed.store.seals().member_key(&identifier);
        let proof = granted(services.perform(&call(&n.to_string()), 1, sign_in(who, PIN)).await);
        assert_eq!(proof.member().0, bed.key(&one).index);
    }
    // Which of the two is meant cannot be told: as if there were nobody.
    let shared = two.identifiers(CardRule::DigitsOnly).nth(1).unwrap();
    let who = bed.store.seals().member_key(&shared);
    assert_eq!(services.perform(&call("shared"), 1, sign_in(who, PIN)).await, REFUSED);
    assert_eq!(services.hashes_run(), 4);
    // Imported anew with another card, the first is not found by the old one.
    let mut changed = one.clone();
    changed.card_number = member(9).card_number;
    let (old, new) = (
        one.identifiers(CardRule::DigitsOnly).nth(1).unwrap(),
        changed.identifiers(CardRule::DigitsOnly).nth(1).unwrap(),
    );
    bed.import([changed]).await;
    let key = |identifier| bed.store.seals().member_key(&identifier);
    assert_eq!(services.perform(&call("old"), 1, sign_in(key(old), PIN)).await, REFUSED);
    granted(services.perform(&call("new"), 1, sign_in(key(new), PIN)).await);
}

async fn racing_calls_get_five_tries_together(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let who = bed.key(&someone);
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), limits());
    let nodes = [Arc::new(bed.services()), Arc::new(other)];
    let barrier = Arc::new(tokio::sync::Barrier::new(64));
    let mut calls = JoinSet::new();
    for n in 0..64 {
        let (services, barrier) = (Arc::clone(&nodes[n % 2]), Arc::clone(&barrier));
        calls.spawn(async move {
            barrier.wait().await;
            services.perform(&call_from(&format!("race-{n}"), &format!("1390000{n:04}")), 1, sign_in(who, WRONG)).await
        });
    }
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|a| **a == REFUSED).count(), 5);
    let locked: Vec<_> = answers.iter().filter(|a| **a != REFUSED).map(locked_minutes).collect();
    assert_eq!(locked, [30; 59]);
    assert_eq!(nodes[0].hashes_run() + nodes[1].hashes_run(), 5);
    let mut events = bed.events().await;
    events.sort();
    let count = |event: &str| events.iter().filter(|e| *e == event).count();
    assert_eq!((count("pin_try"), count("sign_in_refused"), count("pin_locked"), events.len()), (5, 5, 59, 69));
    bed.store.verify(&hotline::store::audit::Anchors::default()).await.unwrap();
}

async fn a_repeated_webhook_gets_the_same_answer_and_costs_nothing(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let who = bed.key(&someone);
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), limits());
    let nodes = [Arc::new(bed.services()), Arc::new(other)];
    let mut copies = JoinSet::new();
    for n in 0..10 {
        let services = Arc::clone(&nodes[n % 2]);
        copies.spawn(async move { services.perform(&call("A"), 7, sign_in(who, PIN)).await });
    }
    let answers = copies.join_all().await;
    let proof = granted(answers[0].clone());
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(bed.events().await.len(), 2);
    assert_eq!(bed.number("SELECT COUNT(*) FROM effects").await, 1);
    // Long after, and on the other node, still the very same.
    bed.clock.advance(Duration::from_mins(1));
    assert_eq!(nodes[1].perform(&call("A"), 7, sign_in(who, PIN)).await, answers[0]);
    let read = async || nodes[0].perform(&call("A"), 8, Request::PersonalBalance(proof)).await;
    assert_eq!(read().await, read().await);
    // In two chains: which copy came first is open.
    let mut events = bed.events().await;
    events.sort();
    assert_eq!(events, ["pin_try", "read_personal_balance", "sign_in_ok"]);
    // A wrong one repeated takes one try.
    for _ in 0..10 {
        assert_eq!(nodes[0].perform(&call("B"), 1, sign_in(who, WRONG)).await, REFUSED);
    }
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 1);
}

async fn other_keys_in_the_same_turn_change_nothing(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    assert_eq!(services.perform(&call("A"), 1, sign_in(who, WRONG)).await, REFUSED);
    assert_eq!(services.perform(&call("A"), 1, sign_in(who, PIN)).await, Answer::Superseded);
    assert_eq!(services.hashes_run(), 1);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 1);
    assert_eq!(bed.events().await, ["pin_try", "sign_in_refused"]);
    // Another call's first turn is another turn.
    granted(services.perform(&call("B"), 1, sign_in(who, PIN)).await);
}

async fn a_try_that_was_cut_off_is_continued(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let who = bed.key(&someone);
    // A node that takes the try and never comes to the hash.
    let stuck =
        Services::new(bed.store.clone(), Hasher::new(HashSettings { at_once: 0, waiting: 10, ..HASH }), limits());
    let dying = tokio::spawn(async move { stuck.perform(&call("A"), 1, sign_in(who, PIN)).await });
    while bed.number("SELECT COUNT(*) FROM effects").await == 0 {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 1);
    assert_eq!(bed.events().await, ["pin_try"]);
    // Other keys do not get at the try.
    let services = bed.services();
    assert_eq!(services.perform(&call("A"), 1, sign_in(who, WRONG)).await, Answer::Superseded);
    granted(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    assert_eq!(bed.events().await, ["pin_try", "sign_in_ok"]);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 0);
    assert_eq!(bed.number("SELECT pin_tries FROM calls").await, 0, "a right PIN uses none of the call's tries up");
}

/// One wrong PIN in each of `calls` calls.
async fn fail(services: &Services, who: hotline::member::MemberKey, name: &str, calls: usize) {
    for n in 0..calls {
        assert_eq!(
            services.perform(&call(&format!("{name}-{n}")), 1, sign_in(who, WRONG)).await,
            REFUSED,
            "{name}-{n}"
        );
    }
}

async fn locks_double_and_the_last_is_the_operators_to_end(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    let mut waits = Vec::new();
    for round in 0..3 {
        fail(&services, who, &format!("round {round}"), 5).await;
        let lock = services.perform(&call(&format!("locked {round}")), 1, sign_in(who, PIN)).await;
        waits.push(locked_minutes(&lock));
        // A millisecond before its end it still holds.
        bed.clock.advance(Duration::from_millis(u64::try_from(waits[round]).unwrap() * 60_000 - 1));
        let lock = services.perform(&call(&format!("still locked {round}")), 1, sign_in(who, PIN)).await;
        assert!(matches!(lock, Answer::SignIn(SignInOutcome::Locked { .. })));
        bed.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(waits, [30, 60, 120]);
    fail(&services, who, "the last", 5).await;
    let barred = Answer::SignIn(SignInOutcome::Barred);
    assert_eq!(services.perform(&call("barred"), 1, sign_in(who, PIN)).await, barred);
    assert_eq!(services.hashes_run(), 20);
    // A year and many sweeps later.
    bed.clock.advance(Duration::from_hours(366 * 24));
    services.sweep().await.unwrap();
    assert_eq!(services.perform(&call("a year later"), 1, sign_in(who, PIN)).await, barred);
    services.reset_tries(&Identifier::Id(someone.id_number.clone()), "counter 3").await.unwrap();
    granted(services.perform(&call("after the counter"), 1, sign_in(who, PIN)).await);
    assert_eq!(bed.events().await[47..], ["pin_locked", "tries_reset", "pin_try", "sign_in_ok"]);
}

async fn who_does_not_exist_is_locked_the_same_way(bed: Bed) {
    bed.import([member(1)]).await;
    let services = bed.services();
    let mut heard = Vec::new();
    for (n, identifier) in [member(1), member(2)].iter().flat_map(|m| m.identifiers(CardRule::DigitsOnly)).enumerate() {
        let who = bed.store.seals().member_key(&identifier);
        let before = services.hashes_run();
        // The three numbers of one member share their tries, so each is started anew.
        services.reset_tries(&identifier, "test").await.unwrap();
        let mut answers = Vec::new();
        for t in 0..7 {
            answers.push(services.perform(&call(&format!("{n}-{t}")), 1, sign_in(who, WRONG)).await);
        }
        heard.push((answers, services.hashes_run() - before));
    }
    assert_eq!(heard.len(), 6);
    assert!(heard.iter().all(|same| *same == heard[0]));
    assert_eq!(heard[0].1, 5);
}

async fn all_numbers_of_a_member_share_their_tries(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let services = bed.services();
    let numbers: Vec<_> = someone.identifiers(CardRule::DigitsOnly).map(|n| bed.store.seals().member_key(&n)).collect();
    for n in 0..5 {
        let answer = services.perform(&call(&n.to_string()), 1, sign_in(numbers[n % 3], WRONG)).await;
        assert_eq!(answer, REFUSED);
    }
    for (n, who) in numbers.into_iter().enumerate() {
        assert_eq!(locked_minutes(&services.perform(&call(&format!("locked {n}")), 1, sign_in(who, PIN)).await), 30);
    }
}

async fn success_forgives_the_own_number_only(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    for n in 0..2 {
        let guess = services.perform(&call_from(&format!("thief-{n}"), "13999999999"), 1, sign_in(who, WRONG)).await;
        assert_eq!(guess, REFUSED);
    }
    fail(&services, who, "owner", 2).await;
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 4);
    // The fifth try would lock; it is right, so it did not happen, nor did the owner's two before.
    granted(services.perform(&call_from("owner", OWN_NUMBER), 1, sign_in(who, PIN)).await);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 2);
    assert_eq!(bed.number("SELECT locked_until FROM throttle").await, 0);
    // So the thief has three left, not five.
    for n in 2..5 {
        let guess = services.perform(&call_from(&format!("thief-{n}"), "13999999999"), 1, sign_in(who, WRONG)).await;
        assert_eq!(guess, REFUSED);
    }
    assert_eq!(locked_minutes(&services.perform(&call_from("thief", "13999999999"), 1, sign_in(who, PIN)).await), 30);
}

async fn a_withheld_number_is_forgiven_one_try(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    for n in 0..3 {
        services.perform(&call_from(&n.to_string(), "anonymous"), 1, sign_in(who, WRONG)).await;
    }
    granted(services.perform(&call_from("right", "anonymous"), 1, sign_in(who, PIN)).await);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 3);
}

async fn a_pin_that_anybody_could_guess_opens_nothing(bed: Bed) {
    let services = bed.services();
    let id = member(1).id_number.expose().to_owned();
    let from_id: String = if let Some(body) = id.strip_suffix('X') { body[11..].into() } else { id[12..].into() };
    for (n, (pin, initial)) in
        [(PIN, true), ("123456", false), ("111111", false), (&from_id, false), (&id[6..12], false)]
            .into_iter()
            .enumerate()
    {
        let mut someone = member(1);
        someone.pin = Pin::parse(pin);
        someone.pin_is_initial = initial;
        bed.import([someone.clone()]).await;
        services.reset_tries(&Identifier::Id(someone.id_number.clone()), "test").await.unwrap();
        let who = bed.key(&someone);
        let answer = services.perform(&call(&n.to_string()), 1, sign_in(who, pin)).await;
        assert!(matches!(answer, Answer::SignIn(SignInOutcome::InitialPin(Some(_)))), "{n}: {answer:?}");
        // Nor after it was hashed, nor does it give its try back.
        let answer = services.perform(&call(&n.to_string()), 2, sign_in(who, pin)).await;
        assert!(matches!(answer, Answer::SignIn(SignInOutcome::InitialPin(Some(_)))), "{n}: {answer:?}");
        assert_eq!(bed.number("SELECT failures FROM throttle").await, 2);
    }
    let mut without = member(2);
    without.pin = None;
    bed.import([without.clone()]).await;
    assert_eq!(services.perform(&call("none"), 1, sign_in(bed.key(&without), PIN)).await, REFUSED);
}

async fn a_call_has_three_tries(bed: Bed) {
    let (one, two) = (member(1), member(2));
    bed.import([one.clone(), two.clone()]).await;
    let services = bed.services();
    for turn in 0..3 {
        assert_eq!(services.perform(&call("A"), turn, sign_in(bed.key(&one), WRONG)).await, REFUSED);
    }
    // Not even for another person, and the right PIN is not looked at.
    assert_eq!(services.perform(&call("A"), 3, sign_in(bed.key(&two), PIN)).await, REFUSED);
    assert_eq!(services.hashes_run(), 3);
    assert_eq!(bed.events().await[6..], ["pin_call_limit"]);
    granted(services.perform(&call("B"), 1, sign_in(bed.key(&two), PIN)).await);
}

async fn right_pins_use_no_tries_up(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, call) = (bed.services(), call("A"));
    let who = bed.key(&someone);
    for turn in 1..=4 {
        granted(services.perform(&call, turn, sign_in(who, PIN)).await);
    }
    for turn in 5..=7 {
        assert_eq!(services.perform(&call, turn, sign_in(who, WRONG)).await, REFUSED);
    }
    assert_eq!(services.hashes_run(), 7);
    assert_eq!(services.perform(&call, 8, sign_in(who, PIN)).await, REFUSED, "three wrong ones were all");
    assert_eq!(services.hashes_run(), 7);
}

async fn a_lock_looks_at_no_pin(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    fail(&services, who, "call", 5).await;
    let right = services.perform(&call("right"), 1, sign_in(who, PIN)).await;
    let wrong = services.perform(&call("wrong"), 1, sign_in(who, WRONG)).await;
    assert_eq!(right, wrong);
    assert_eq!(locked_minutes(&right), 30);
    assert_eq!(services.hashes_run(), 5);
}

async fn an_ended_call_is_told_nothing(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    let proof = granted(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    let balance = services.perform(&call("A"), 2, Request::PersonalBalance(proof)).await;
    assert_eq!(balance, Answer::PersonalBalance(someone.personal));
    services.end_call(&call("A"), CallEnd::Completed).await;
    services.end_call(&call("A"), CallEnd::Completed).await;
    for (turn, request) in [
        (1, sign_in(who, PIN)),
        (2, Request::PersonalBalance(proof)),
        (3, Request::PooledFund(proof)),
        (4, sign_in(who, WRONG)),
    ] {
        assert_eq!(services.perform(&call("A"), turn, request).await, Answer::CallEnded, "turn {turn}");
    }
    assert_eq!(bed.events().await, ["pin_try", "sign_in_ok", "read_personal_balance"]);
    // Ended before it was ever heard of: a status callback may overtake.
    services.end_call(&call("B"), CallEnd::Failed).await;
    assert_eq!(services.perform(&call("B"), 1, sign_in(who, PIN)).await, Answer::CallEnded);
}

async fn a_full_queue_costs_no_try(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let who = bed.key(&someone);
    let full = Services::new(bed.store.clone(), Hasher::new(HashSettings { at_once: 0, waiting: 0, ..HASH }), limits());
    assert_eq!(full.perform(&call("A"), 1, sign_in(who, PIN)).await, Answer::Unavailable);
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle").await, 0);
    assert_eq!(bed.number("SELECT COUNT(*) FROM effects").await, 0);
    granted(bed.services().perform(&call("A"), 1, sign_in(who, PIN)).await);
}

async fn a_pin_is_hardened_by_its_first_use(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    let hardened = "SELECT pin_hardened FROM members";
    services.perform(&call("A"), 1, sign_in(who, WRONG)).await;
    assert_eq!(bed.number(hardened).await, 0);
    granted(services.perform(&call("A"), 2, sign_in(who, PIN)).await);
    assert_eq!(bed.number(hardened).await, 1);
    granted(services.perform(&call("B"), 1, sign_in(who, PIN)).await);
    assert_eq!(services.perform(&call("B"), 2, sign_in(who, WRONG)).await, REFUSED);
    assert_eq!(services.hashes_run(), 4);
    // A new PIN in the register replaces it.
    let mut changed = someone;
    changed.pin = Pin::parse(WRONG);
    bed.import([changed]).await;
    assert_eq!(services.perform(&call("C"), 1, sign_in(who, PIN)).await, REFUSED);
    granted(services.perform(&call("C"), 2, sign_in(who, WRONG)).await);
}

async fn an_idle_node_hardens_pins(bed: Bed) {
    bed.import((0..5).map(member)).await;
    let services = bed.services();
    assert_eq!(services.harden_pins(3).await, Ok(3));
    assert_eq!(services.harden_pins(3).await, Ok(2));
    assert_eq!(services.harden_pins(3).await, Ok(0));
    granted(services.perform(&call("A"), 1, sign_in(bed.key(&member(4)), PIN)).await);
    assert_eq!(services.perform(&call("A"), 2, sign_in(bed.key(&member(4)), WRONG)).await, REFUSED);
}

async fn other_hash_settings_are_taken_up(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let who = bed.key(&someone);
    granted(bed.services().perform(&call("A"), 1, sign_in(who, PIN)).await);
    let mut more = HASH;
    more.cost.memory = 16;
    let services = Services::new(bed.store.clone(), Hasher::new(more), limits());
    for (n, hardened) in [0, 1, 1].into_iter().enumerate() {
        granted(services.perform(&call("B"), u16::try_from(n).unwrap(), sign_in(who, PIN)).await);
        assert_eq!(bed.number("SELECT pin_hardened FROM members").await, hardened);
    }
    assert_eq!(services.hashes_run(), 3);
}

async fn without_an_audit_row_nothing_is_told(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    let proof = granted(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    bed.rows("ALTER TABLE audit RENAME TO away").await;
    assert_eq!(services.perform(&call("A"), 2, Request::PersonalBalance(proof)).await, Answer::Unavailable);
    assert_eq!(services.perform(&call("A"), 3, sign_in(who, PIN)).await, Answer::Unavailable);
    assert_eq!(bed.number("SELECT COUNT(*) FROM effects").await, 1);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 0);
    bed.rows("ALTER TABLE away RENAME TO audit").await;
    let balance = services.perform(&call("A"), 2, Request::PersonalBalance(proof)).await;
    assert_eq!(balance, Answer::PersonalBalance(someone.personal));
}

async fn a_sign_in_that_ran_out_reads_nothing(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let services = bed.services();
    let proof = granted(services.perform(&call("A"), 1, sign_in(bed.key(&someone), PIN)).await);
    bed.clock.advance(Duration::from_mins(5));
    assert_eq!(services.perform(&call("A"), 2, Request::PersonalBalance(proof)).await, Answer::Unavailable);
    assert_eq!(bed.events().await, ["pin_try", "sign_in_ok"]);
}

async fn what_is_over_is_swept(bed: Bed) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    for id in ["ended", "abandoned"] {
        services.perform(&call(id), 1, sign_in(who, WRONG)).await;
    }
    services.end_call(&call("ended"), CallEnd::Completed).await;
    let effects = "SELECT COUNT(*) FROM effects";
    bed.clock.advance(Duration::from_mins(10));
    services.sweep().await.unwrap();
    assert_eq!(bed.number(effects).await, 2);
    bed.clock.advance(Duration::from_secs(1));
    services.sweep().await.unwrap();
    assert_eq!(bed.number(effects).await, 1);
    bed.clock.advance(Duration::from_hours(24));
    services.sweep().await.unwrap();
    assert_eq!((bed.number(effects).await, bed.number("SELECT COUNT(*) FROM calls").await), (0, 0));
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 2);
    bed.clock.advance(Duration::from_hours(90 * 24));
    services.sweep().await.unwrap();
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle").await, 0);
    assert_eq!(bed.events().await.len(), 4);
}
