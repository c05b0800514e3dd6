//! Another query PIN: what must be shown before, what it may not be, in force once, and told in the next call.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use hotline::call::caller::CallEnd;
use hotline::dialog::{
    Answer, Denied, FirstProof, NewPin, PinChange, PinCheck, PinGrant, Request, SignInOutcome, SignedIn, Welcome,
};
use hotline::member::account::CardStatus;
use hotline::member::card_number::{CardNumber, CardRule};
use hotline::member::pin_rule::{InitialPinRule, Weakness};
use hotline::member::{Identifier, IdentifierKind, Member, MemberKey};
use hotline::secret::{Pin, PinDraft};
use hotline::service::{HashSettings, Hasher, Services};
use hotline::store::audit::Anchors;
use hotline::store::throttle::{CallerLimits, TryLimits};
use jiff::Timestamp;
use sqlx::Row;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::calls::{ACCOUNT, BALANCE, CLOSED, GOODBYE, MAIN, NOON, NUMBERS, TOLD, shipped};
use crate::support::caller::{Caller, FORM, InProcess, Then, Wire, signature};
use crate::support::served::{Setup, until, wait};
use crate::support::{
    Bed, HASH, PIN, REFUSED, WRONG, call, call_from, granted, limits, member, on_both_engines, sign_in,
};

const NEW: &str = "507294";
const OTHER: &str = "618307";

on_both_engines!(
    the_new_pin_is_in_force_and_the_old_is_not,
    easy_pins_are_refused_with_the_reason,
    two_entries_that_differ_change_nothing,
    copies_of_a_change_are_one_change,
    of_two_changes_at_once_one_is_made,
    a_change_that_was_cut_off_is_made_by_the_repeat,
    wrong_old_pins_share_the_tries_of_the_sign_in,
    a_change_is_told_once_in_the_next_call,
    of_two_calls_at_once_one_is_told,
    an_initial_pin_needs_a_second_number,
    a_wrong_second_number_is_a_failed_try,
    who_called_by_card_shows_the_id_number,
    without_a_second_number_there_is_no_way,
    a_line_says_what_its_initial_pins_are,
    a_card_that_is_locked_or_cancelled_keeps_its_pin,
    the_register_does_not_undo_a_change,
    a_full_queue_changes_nothing,
    what_has_run_out_changes_nothing,
    without_an_audit_row_nothing_is_changed,
    an_ended_call_changes_nothing,
);

fn pin(digits: &str) -> Pin {
    Pin::parse(digits).unwrap()
}

fn check(proof: SignedIn, digits: &str) -> Request {
    Request::CheckPin { proof, pin: pin(digits) }
}

fn judge(grant: PinGrant, digits: &str) -> Request {
    Request::JudgePin { grant, pin: pin(digits), initial: None }
}

fn change(grant: PinGrant, draft: PinDraft, digits: &str) -> Request {
    Request::ChangePin { grant, draft, pin: pin(digits) }
}

#[track_caller]
fn right(answer: Answer) -> PinGrant {
    match answer {
        Answer::PinCheck(PinCheck::Right(grant)) => grant,
        other => panic!("not right: {other:?}"),
    }
}

#[track_caller]
fn good(answer: Answer) -> PinDraft {
    match answer {
        Answer::NewPin(NewPin::Good(draft)) => draft,
        other => panic!("not good: {other:?}"),
    }
}

#[track_caller]
fn initial(answer: Answer) -> FirstProof {
    match answer {
        Answer::SignIn(SignInOutcome::InitialPin(Some(first))) => first,
        other => panic!("not initial: {other:?}"),
    }
}

/// Signed in as `who` by [`PIN`], and about to enter `new` again: turns 1 to 3 of the call.
async fn prepared(services: &Services, id: &str, who: MemberKey, old: &str, new: &str) -> (PinGrant, PinDraft) {
    let proof = granted(services.perform(&call(id), 1, sign_in(who, old)).await);
    let grant = right(services.perform(&call(id), 2, check(proof, old)).await);
    let draft = good(services.perform(&call(id), 3, judge(grant, new)).await);
    (grant, draft)
}

async fn is_in_force(services: &Services, name: &str, who: MemberKey, digits: &str) -> bool {
    matches!(
        services.perform(&call(&format!("{name} {digits}")), 1, sign_in(who, digits)).await,
        Answer::SignIn(SignInOutcome::Granted(..))
    )
}

async fn only_one(bed: &Bed) -> (Member, Services, MemberKey) {
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    (someone, services, who)
}

async fn the_new_pin_is_in_force_and_the_old_is_not(bed: Bed) {
    let (someone, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    assert!(!is_in_force(&services, "before", who, NEW).await);
    let done = services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    let Answer::PinChange(PinChange::Done(proof)) = done else { panic!("{done:?}") };
    // Who has changed it goes on signed in.
    let balance = services.perform(&call("A"), 5, Request::PersonalBalance(proof)).await;
    assert_eq!(balance, Answer::PersonalBalance(someone.personal));
    assert!(!is_in_force(&services, "after", who, PIN).await);
    assert!(is_in_force(&services, "after", who, NEW).await);
    let events = [
        "pin_try",
        "sign_in_ok",
        "pin_try",
        "old_pin_ok",
        "pin_proposed",
        "pin_try",
        "sign_in_refused",
        "pin_changed",
        "read_personal_balance",
        "pin_try",
        "sign_in_refused",
        "pin_try",
        "pin_change_told",
        "sign_in_ok",
    ];
    assert_eq!(bed.events().await, events);
    // It was hashed when it was set.
    assert_eq!(bed.number("SELECT pin_hardened FROM members").await, 1);
    bed.store.verify(&Anchors::default()).await.unwrap();
}

async fn easy_pins_are_refused_with_the_reason(bed: Bed) {
    let (someone, services, who) = only_one(&bed).await;
    let id = someone.id_number.expose().replace('X', "0");
    let proof = granted(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    let grant = right(services.perform(&call("A"), 2, check(proof, PIN)).await);
    let easy = [
        ("000000", Weakness::Repeated),
        ("888888", Weakness::Repeated),
        ("123456", Weakness::Sequence),
        ("654321", Weakness::Sequence),
        ("112233", Weakness::Common),
        (&id[8..14], Weakness::Birthday),
        (&id[6..12], Weakness::Birthday),
        (&id[12..18], Weakness::FromIdNumber),
        (&id[11..17], Weakness::FromIdNumber),
        (&id[10..16], Weakness::FromIdNumber),
        ("000001", Weakness::FromCardNumber),
        (PIN, Weakness::Unchanged),
    ];
    for (turn, (digits, weakness)) in (3..).zip(easy) {
        let answer = services.perform(&call("A"), turn, judge(grant, digits)).await;
        assert_eq!(answer, Answer::NewPin(NewPin::TooEasy(weakness)), "{digits}");
        // The repeat of a webhook is told the same, and costs no second row.
        assert_eq!(services.perform(&call("A"), turn, judge(grant, digits)).await, answer);
    }
    // Nor what the line gives out.
    let judged = Request::JudgePin { grant, pin: pin("730415"), initial: InitialPinRule::parse("730415") };
    let refused = Answer::NewPin(NewPin::TooEasy(Weakness::Initial));
    assert_eq!(services.perform(&call("A"), 50, judged).await, refused);
    // Nor the end of the number one calls from.
    let told = services.perform(&call_from("A", "+8613800618307"), 51, judge(grant, OTHER)).await;
    assert_eq!(told, Answer::NewPin(NewPin::TooEasy(Weakness::FromPhoneNumber)));
    assert_eq!(bed.events().await[4..], ["pin_proposed"; 14]);
    // Why a PIN is too easy lies nowhere.
    assert_eq!(bed.number("SELECT COUNT(*) FROM effects WHERE outcome IS NULL").await, 14);
    // Other keys in a turn that is answered tell nothing.
    assert_eq!(services.perform(&call("A"), 3, judge(grant, NEW)).await, Answer::Superseded);
    assert!(is_in_force(&services, "after", who, PIN).await);
}

async fn two_entries_that_differ_change_nothing(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    let before = services.hashes_run();
    let mismatch = Answer::PinChange(PinChange::Mismatch);
    assert_eq!(services.perform(&call("A"), 4, change(grant, draft, OTHER)).await, mismatch);
    assert_eq!(services.perform(&call("A"), 4, change(grant, draft, OTHER)).await, mismatch);
    // The turn is answered: the right one comes too late for it.
    assert_eq!(services.perform(&call("A"), 4, change(grant, draft, NEW)).await, Answer::Superseded);
    assert_eq!(services.hashes_run(), before);
    assert!(is_in_force(&services, "after", who, PIN).await);
    assert!(!is_in_force(&services, "after", who, OTHER).await);
    // A draft of somebody else's fits nothing.
    let other = member(2);
    bed.import([other.clone()]).await;
    let (_, theirs) = prepared(&services, "B", bed.key(&other), PIN, NEW).await;
    assert_ne!(theirs, draft);
    assert_eq!(services.perform(&call("A"), 5, change(grant, theirs, NEW)).await, mismatch);
    assert!(is_in_force(&services, "at last", who, PIN).await);
}

async fn copies_of_a_change_are_one_change(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), TryLimits::default());
    let nodes = [Arc::new(services), Arc::new(other)];
    let barrier = Arc::new(Barrier::new(16));
    let mut copies = JoinSet::new();
    for n in 0..16 {
        let (services, barrier) = (Arc::clone(&nodes[n % 2]), Arc::clone(&barrier));
        copies.spawn(async move {
            barrier.wait().await;
            services.perform(&call("A"), 4, change(grant, draft, NEW)).await
        });
    }
    let answers = copies.join_all().await;
    assert!(matches!(answers[0], Answer::PinChange(PinChange::Done(_))), "{:?}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    // Long after, still the very same, and no hash is spent on it.
    bed.clock.advance(Duration::from_mins(1));
    let hashes = nodes[0].hashes_run();
    assert_eq!(nodes[0].perform(&call("A"), 4, change(grant, draft, NEW)).await, answers[0]);
    assert_eq!(nodes[0].hashes_run(), hashes);
    let changed = bed.events().await.iter().filter(|event| *event == "pin_changed").count();
    assert_eq!(changed, 1);
    assert!(is_in_force(&nodes[1], "after", who, NEW).await);
    // The grant is used up: it was for the PIN that was shown.
    let answer = nodes[0].perform(&call("A"), 5, change(grant, draft, NEW)).await;
    assert_eq!(answer, Answer::PinChange(PinChange::Overtaken));
    assert!(is_in_force(&nodes[1], "at last", who, NEW).await);
}

async fn of_two_changes_at_once_one_is_made(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), TryLimits::default());
    let nodes = [Arc::new(services), Arc::new(other)];
    let wanted: Vec<_> = (0..8).map(|n| format!("5{n}72{n}4")).collect();
    let mut ready = Vec::new();
    for (n, new) in wanted.iter().enumerate() {
        ready.push(prepared(&nodes[n % 2], &n.to_string(), who, PIN, new).await);
    }
    let barrier = Arc::new(Barrier::new(8));
    let mut changes = JoinSet::new();
    for (n, ((grant, draft), new)) in ready.into_iter().zip(wanted.clone()).enumerate() {
        let (services, barrier) = (Arc::clone(&nodes[n % 2]), Arc::clone(&barrier));
        changes.spawn(async move {
            barrier.wait().await;
            (new.clone(), services.perform(&call(&n.to_string()), 4, change(grant, draft, &new)).await)
        });
    }
    let (done, overtaken): (Vec<_>, Vec<_>) = changes
        .join_all()
        .await
        .into_iter()
        .partition(|(_, answer)| matches!(answer, Answer::PinChange(PinChange::Done(_))));
    assert_eq!(done.len(), 1);
    for (_, answer) in &overtaken {
        assert_eq!(*answer, Answer::PinChange(PinChange::Overtaken));
    }
    assert!(is_in_force(&nodes[0], "after", who, &done[0].0).await);
    for (lost, _) in overtaken.iter().take(2) {
        assert!(!is_in_force(&nodes[0], "after", who, lost).await);
    }
    let events = bed.events().await;
    let count = |event: &str| events.iter().filter(|e| *e == event).count();
    assert_eq!((count("pin_changed"), count("pin_not_changed")), (1, 7));
}

/// A node that looks at the change and never comes to the hash: nothing has happened, and the repeat does it all.
async fn a_change_that_was_cut_off_is_made_by_the_repeat(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    let stuck = Services::new(
        bed.store.clone(),
        Hasher::new(HashSettings { at_once: 0, waiting: 10, ..HASH }),
        TryLimits::default(),
    );
    bed.clock.advance(Duration::from_secs(1));
    let dying = tokio::spawn(async move { stuck.perform(&call("A"), 4, change(grant, draft, NEW)).await });
    let now = bed.clock.now().as_millisecond();
    while bed.number("SELECT touched_at FROM calls WHERE call = 'A'").await != now {
        tokio::task::yield_now().await;
    }
    dying.abort();
    assert!(dying.await.unwrap_err().is_cancelled());
    assert_eq!(bed.events().await.last().unwrap(), "pin_proposed");
    assert!(is_in_force(&services, "between", who, PIN).await);
    let done = services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    assert!(matches!(done, Answer::PinChange(PinChange::Done(_))));
    assert!(is_in_force(&services, "after", who, NEW).await);
}

async fn wrong_old_pins_share_the_tries_of_the_sign_in(bed: Bed) {
    let (_, _, who) = only_one(&bed).await;
    // The tries that the number would have of its own, as one that is known, are another matter: see abuse.rs.
    let callers = CallerLimits { known_tries: 0, ..limits().callers };
    let services = Services::new(bed.store.clone(), Hasher::new(HASH), TryLimits { callers, ..limits() });
    let refused = Answer::PinCheck(PinCheck::Denied(Denied::Refused));
    let proof = granted(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    for turn in 2..5 {
        assert_eq!(services.perform(&call("A"), turn, check(proof, WRONG)).await, refused);
        assert_eq!(services.perform(&call("A"), turn, check(proof, WRONG)).await, refused, "repeated");
    }
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 3);
    // The call has none left, not even for the right one.
    assert_eq!(services.perform(&call("A"), 5, check(proof, PIN)).await, refused);
    assert_eq!(services.hashes_run(), 4);
    for id in ["B", "C"] {
        assert_eq!(services.perform(&call(id), 1, sign_in(who, WRONG)).await, REFUSED);
    }
    // Five in all: locked for both.
    let lock = services.perform(&call("D"), 1, check(proof, PIN)).await;
    let Answer::PinCheck(PinCheck::Denied(Denied::Locked { until, at })) = lock else { panic!("{lock:?}") };
    assert_eq!(until.duration_since(at).as_secs(), 30 * 60);
    crate::support::locked_minutes(&services.perform(&call("E"), 1, sign_in(who, PIN)).await);
    let events = bed.events().await;
    assert_eq!(
        events[2..9],
        ["pin_try", "old_pin_refused", "pin_try", "old_pin_refused", "pin_try", "old_pin_refused", "pin_call_limit"]
    );
    // A right old PIN forgives as a right sign-in does.
    bed.clock.advance(Duration::from_mins(30));
    let proof = granted(services.perform(&call("F"), 1, sign_in(who, PIN)).await);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 0);
    services.perform(&call("F"), 2, check(proof, WRONG)).await;
    right(services.perform(&call("F"), 3, check(proof, PIN)).await);
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 0);
}

fn told(answer: Answer) -> Option<i64> {
    match answer {
        Answer::SignIn(SignInOutcome::Granted(_, Welcome { pin_changed, .. })) => pin_changed.map(Timestamp::as_second),
        other => panic!("not granted: {other:?}"),
    }
}

async fn a_change_is_told_once_in_the_next_call(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    let changed_at = bed.clock.now().as_second();
    services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    bed.clock.advance(Duration::from_mins(6));
    assert_eq!(told(services.perform(&call("A"), 5, sign_in(who, NEW)).await), None, "not in the same call");
    assert_eq!(services.perform(&call("B"), 1, sign_in(who, WRONG)).await, REFUSED, "nor to who guesses");
    let first = services.perform(&call("B"), 2, sign_in(who, NEW)).await;
    assert_eq!(services.perform(&call("B"), 2, sign_in(who, NEW)).await, first, "a repeat is told the same");
    assert_eq!(told(first), Some(changed_at));
    assert_eq!(told(services.perform(&call("B"), 3, sign_in(who, NEW)).await), None);
    assert_eq!(told(services.perform(&call("C"), 1, sign_in(who, NEW)).await), None);
    // The next change is another.
    let (grant, draft) = prepared(&services, "D", who, NEW, OTHER).await;
    let changed_at = bed.clock.now().as_second();
    services.perform(&call("D"), 4, change(grant, draft, OTHER)).await;
    assert_eq!(told(services.perform(&call("E"), 1, sign_in(who, OTHER)).await), Some(changed_at));
    let told = bed.events().await.iter().filter(|event| *event == "pin_change_told").count();
    assert_eq!(told, 2);
}

async fn of_two_calls_at_once_one_is_told(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    let services = Arc::new(services);
    let barrier = Arc::new(Barrier::new(3));
    let mut calls = JoinSet::new();
    for n in 0..3 {
        let (services, barrier) = (Arc::clone(&services), Arc::clone(&barrier));
        calls.spawn(async move {
            barrier.wait().await;
            told(services.perform(&call(&format!("next {n}")), 1, sign_in(who, NEW)).await)
        });
    }
    let told = calls.join_all().await;
    assert_eq!(told.iter().filter(|at| at.is_some()).count(), 1, "{told:?}");
}

fn card_of(member: &Member) -> Identifier {
    member.identifiers(CardRule::DigitsOnly).nth(1).unwrap()
}

async fn with_initial_pin(bed: &Bed) -> (Member, Services, MemberKey) {
    let mut someone = member(1);
    someone.pin_is_initial = true;
    bed.import([someone.clone(), member(2)]).await;
    let (services, who) = (bed.services(), bed.key(&someone));
    (someone, services, who)
}

async fn an_initial_pin_needs_a_second_number(bed: Bed) {
    let (someone, services, who) = with_initial_pin(&bed).await;
    let first = initial(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    assert_eq!(first.second(), IdentifierKind::Card);
    let prove = || Request::ProveSecond { first, number: card_of(&someone) };
    let grant = right(services.perform(&call("A"), 2, prove()).await);
    assert_eq!(right(services.perform(&call("A"), 2, prove()).await), grant, "repeated");
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 0, "both together prove something");
    assert_eq!(bed.number("SELECT pin_tries FROM calls").await, 0);
    let draft = good(services.perform(&call("A"), 3, judge(grant, NEW)).await);
    let done = services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    let Answer::PinChange(PinChange::Done(proof)) = done else { panic!("{done:?}") };
    let balance = services.perform(&call("A"), 5, Request::PersonalBalance(proof)).await;
    assert_eq!(balance, Answer::PersonalBalance(someone.personal));
    assert!(is_in_force(&services, "after", who, NEW).await);
    assert!(!is_in_force(&services, "after", who, PIN).await);
    let events = ["pin_try", "initial_pin", "pin_try", "second_number_ok", "pin_proposed", "pin_changed"];
    assert_eq!(bed.events().await[..6], events);
}

async fn a_wrong_second_number_is_a_failed_try(bed: Bed) {
    let (_, services, who) = with_initial_pin(&bed).await;
    let refused = Answer::PinCheck(PinCheck::Denied(Denied::Refused));
    // Another's card; the own ID number, which was keyed already; a card that nobody has.
    let nobodys = Identifier::Card(CardNumber::parse("98765432").unwrap().lookup(CardRule::DigitsOnly));
    let own = Identifier::Id(member(1).id_number);
    let first = initial(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    for (turn, number) in (2..).zip([card_of(&member(2)), own]) {
        let wrong = Request::ProveSecond { first, number };
        assert_eq!(services.perform(&call("A"), turn, wrong.clone()).await, refused);
        assert_eq!(services.perform(&call("A"), turn, wrong).await, refused, "repeated");
    }
    assert_eq!(bed.number("SELECT failures FROM throttle").await, 3);
    // Three tries of the call are spent, the initial PIN's among them.
    let right = Request::ProveSecond { first, number: card_of(&member(1)) };
    assert_eq!(services.perform(&call("A"), 4, right.clone()).await, refused);
    let first = initial(services.perform(&call("B"), 1, sign_in(who, PIN)).await);
    let wrong = Request::ProveSecond { first, number: nobodys };
    assert_eq!(services.perform(&call("B"), 2, wrong).await, refused);
    // The fifth locks: neither the initial PIN nor the right number is looked at any more.
    let locked = services.perform(&call("C"), 2, right).await;
    assert!(matches!(locked, Answer::PinCheck(PinCheck::Denied(Denied::Locked { .. }))), "{locked:?}");
    crate::support::locked_minutes(&services.perform(&call("D"), 1, sign_in(who, PIN)).await);
}

async fn who_called_by_card_shows_the_id_number(bed: Bed) {
    let (someone, services, _) = with_initial_pin(&bed).await;
    let by_card = bed.store.seals().member_key(&card_of(&someone));
    let first = initial(services.perform(&call("A"), 1, sign_in(by_card, PIN)).await);
    assert_eq!(first.second(), IdentifierKind::Id);
    let wrong = Request::ProveSecond { first, number: card_of(&someone) };
    let refused = Answer::PinCheck(PinCheck::Denied(Denied::Refused));
    assert_eq!(services.perform(&call("A"), 2, wrong).await, refused, "the number that was keyed already");
    let number = Identifier::Id(someone.id_number);
    right(services.perform(&call("A"), 3, Request::ProveSecond { first, number }).await);
}

async fn without_a_second_number_there_is_no_way(bed: Bed) {
    let mut someone = member(1);
    (someone.pin_is_initial, someone.card_number) = (true, None);
    bed.import([someone.clone()]).await;
    let answer = bed.services().perform(&call("A"), 1, sign_in(bed.key(&someone), PIN)).await;
    assert_eq!(answer, Answer::SignIn(SignInOutcome::InitialPin(None)));
}

async fn a_line_says_what_its_initial_pins_are(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let by = |rule: &str| Request::SignIn { who, pin: pin(PIN), initial: InitialPinRule::parse(rule) };
    granted(services.perform(&call("A"), 1, by("384028")).await);
    granted(services.perform(&call("A"), 2, by("id_last6")).await);
    initial(services.perform(&call("A"), 3, by(PIN)).await);
}

async fn a_card_that_is_locked_or_cancelled_keeps_its_pin(bed: Bed) {
    let services = bed.services();
    for (n, (status, may)) in [
        (CardStatus::Normal, true),
        (CardStatus::Inactive, true),
        (CardStatus::TemporaryLoss, true),
        (CardStatus::FormalLoss, true),
        (CardStatus::Locked, false),
        (CardStatus::Cancelled, false),
    ]
    .into_iter()
    .enumerate()
    {
        let mut someone = member(u32::try_from(n).unwrap());
        someone.card_status = status;
        bed.import([someone.clone()]).await;
        let who = bed.key(&someone);
        let proof = granted(services.perform(&call(&n.to_string()), 1, sign_in(who, PIN)).await);
        let answer = services.perform(&call(&n.to_string()), 2, check(proof, PIN)).await;
        assert_eq!(matches!(answer, Answer::PinCheck(PinCheck::Right(_))), may, "{status:?}");
        assert_eq!(answer == Answer::PinCheck(PinCheck::CardStopped), !may, "{status:?}");
        someone.pin_is_initial = true;
        bed.import([someone.clone()]).await;
        let first = initial(services.perform(&call(&n.to_string()), 3, sign_in(who, PIN)).await);
        let second = Request::ProveSecond { first, number: card_of(&someone) };
        let answer = services.perform(&call(&n.to_string()), 4, second).await;
        assert_eq!(answer == Answer::PinCheck(PinCheck::CardStopped), !may, "{status:?}");
    }
    // Locked after the old PIN was shown: at the counter, say.
    let mut someone = member(7);
    bed.import([someone.clone()]).await;
    let (grant, draft) = prepared(&services, "locked", bed.key(&someone), PIN, NEW).await;
    someone.card_status = CardStatus::Locked;
    // The register writes the row anew, and with it the PIN: both stop the change.
    bed.import([someone.clone()]).await;
    let answer = services.perform(&call("locked"), 4, change(grant, draft, NEW)).await;
    assert_eq!(answer, Answer::PinChange(PinChange::Overtaken));
}

async fn the_register_does_not_undo_a_change(bed: Bed) {
    let (mut someone, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    // The register still has the PIN it had, and calls it initial now: it does not know.
    for is_initial in [false, true] {
        someone.pin_is_initial = is_initial;
        bed.import([someone.clone()]).await;
        assert!(is_in_force(&services, &format!("{is_initial}"), who, NEW).await);
    }
    // Changed a second time, it is still the register's first that counts.
    let (grant, draft) = prepared(&services, "B", who, NEW, OTHER).await;
    services.perform(&call("B"), 4, change(grant, draft, OTHER)).await;
    bed.import([someone.clone()]).await;
    assert!(is_in_force(&services, "second", who, OTHER).await);
    // The counter has set another, and that one counts.
    (someone.pin, someone.pin_is_initial) = (Pin::parse("830617"), false);
    bed.import([someone]).await;
    assert!(is_in_force(&services, "counter", who, "830617").await);
    assert!(!is_in_force(&services, "counter", who, OTHER).await);
}

async fn a_full_queue_changes_nothing(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    let full = Services::new(
        bed.store.clone(),
        Hasher::new(HashSettings { at_once: 0, waiting: 0, ..HASH }),
        TryLimits::default(),
    );
    let away = Answer::PinChange(PinChange::TurnedAway);
    assert_eq!(full.perform(&call("A"), 4, change(grant, draft, NEW)).await, away);
    assert!(is_in_force(&services, "after", who, PIN).await);
    // What differs is told even now: it costs no hash.
    let mismatch = Answer::PinChange(PinChange::Mismatch);
    assert_eq!(full.perform(&call("A"), 5, change(grant, draft, OTHER)).await, mismatch);
    // The repeat finds a place.
    let done = services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    assert!(matches!(done, Answer::PinChange(PinChange::Done(_))));
}

async fn what_has_run_out_changes_nothing(bed: Bed) {
    let (someone, services, who) = only_one(&bed).await;
    let proof = granted(services.perform(&call("A"), 1, sign_in(who, PIN)).await);
    let (grant, draft) = prepared(&services, "B", who, PIN, NEW).await;
    let mut other = member(2);
    other.pin_is_initial = true;
    bed.import([other.clone()]).await;
    let first = initial(services.perform(&call("C"), 1, sign_in(bed.key(&other), PIN)).await);
    let rows = bed.events().await.len();
    bed.clock.advance(Duration::from_mins(5));
    for (id, request) in [
        ("A", check(proof, PIN)),
        ("B", judge(grant, NEW)),
        ("B", change(grant, draft, NEW)),
        ("C", Request::ProveSecond { first, number: card_of(&other) }),
    ] {
        assert_eq!(services.perform(&call(id), 9, request).await, Answer::Unavailable);
    }
    assert_eq!(bed.events().await.len(), rows);
    assert!(is_in_force(&services, "after", bed.key(&someone), PIN).await);
}

async fn without_an_audit_row_nothing_is_changed(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    bed.rows("ALTER TABLE audit RENAME TO away").await;
    assert_eq!(services.perform(&call("A"), 4, change(grant, draft, NEW)).await, Answer::Unavailable);
    assert_eq!(services.perform(&call("A"), 5, judge(grant, OTHER)).await, Answer::Unavailable);
    bed.rows("ALTER TABLE away RENAME TO audit").await;
    assert!(is_in_force(&services, "after", who, PIN).await);
    let done = services.perform(&call("A"), 4, change(grant, draft, NEW)).await;
    assert!(matches!(done, Answer::PinChange(PinChange::Done(_))));
    // Nor is it told without one.
    bed.rows("ALTER TABLE audit RENAME TO away").await;
    assert_eq!(services.perform(&call("B"), 1, sign_in(who, NEW)).await, Answer::Unavailable);
    bed.rows("ALTER TABLE away RENAME TO audit").await;
    assert!(told(services.perform(&call("C"), 1, sign_in(who, NEW)).await).is_some());
}

async fn an_ended_call_changes_nothing(bed: Bed) {
    let (_, services, who) = only_one(&bed).await;
    let (grant, draft) = prepared(&services, "A", who, PIN, NEW).await;
    services.end_call(&call("A"), CallEnd::Completed).await;
    assert_eq!(services.perform(&call("A"), 4, change(grant, draft, NEW)).await, Answer::CallEnded);
    assert_eq!(services.perform(&call("A"), 3, judge(grant, NEW)).await, Answer::CallEnded);
    assert!(is_in_force(&services, "after", who, PIN).await);
    // Whoever hangs up once it is done is told nothing any more, and yet it is done.
    let (grant, draft) = prepared(&services, "B", who, PIN, NEW).await;
    services.perform(&call("B"), 4, change(grant, draft, NEW)).await;
    services.end_call(&call("B"), CallEnd::Completed).await;
    assert_eq!(services.perform(&call("B"), 4, change(grant, draft, NEW)).await, Answer::CallEnded);
    assert!(is_in_force(&services, "at last", who, NEW).await);
    // Failures from elsewhere stay what they were.
    assert_eq!(services.perform(&call_from("thief", "13999999999"), 1, sign_in(who, PIN)).await, REFUSED);
}

// ---- on the telephone ----

const EMPLOYEE: &str = "11010519491231002*#";
const BEGINNER: &str = "370000199502140068#";
const INITIAL: &str = "您使用的是初始密码，或者过于简单的密码。为了您的账户安全，修改密码后才能查询。";
const REFUSED_WORDS: &str = "抱歉，号码或密码不正确。";
const KEYS: &str = "返回，请按星号键，再按井号键；人工服务，请按零，再按井号键。";
const OLD: &str = "请输入您现在的六位查询密码，按井号键结束。";
const ENTER_NEW: &str = "请输入六位新密码，按井号键结束。";
const AGAIN: &str = "请再输入一次新密码，按井号键结束。";
const SET: &str = "密码修改成功，请记住您的新密码，不要告诉他人。";
const CARD_NUMBER: &str = "请输入社会保障卡号中的数字，字母不用输入，按井号键结束。";
const MISMATCH: &str = "两次输入的新密码不一致，请重新设置。";
const UNCHANGED: &str = "两次输入的新密码不一致，您的密码没有修改。";

/// The key of `option` in the card menu.
fn key_of(hotline: &InProcess, option: &str) -> String {
    let mut caller = hotline.dial("CA-menu");
    let heard = caller.press("2");
    let (_, after) = heard.split_once(option).unwrap_or_else(|| panic!("no {option} in {heard}"));
    let key = after.strip_prefix("，请按").unwrap().chars().next().unwrap();
    ("一二三四五".chars().position(|c| c == key).unwrap() + 1).to_string()
}

/// At the old PIN, signed in.
fn at_the_old_pin(hotline: &InProcess, sid: &str, id: &str, pin: &str) -> Caller {
    let key = key_of(hotline, "修改查询密码");
    let mut caller = hotline.dial(sid);
    assert_eq!(caller.press_all(&["2", &key]), ["查询前请先验证您的身份。", NUMBERS].concat());
    assert_eq!(caller.press_all(&["1", id, "1", pin]), [OLD, KEYS].concat());
    caller
}

fn card_menu(hotline: &InProcess) -> String {
    hotline.dial("CA-card-menu").press("2").to_owned()
}

#[test]
fn a_caller_changes_the_pin_and_is_told_in_the_next_call() {
    let hotline = shipped(NOON);
    let mut caller = at_the_old_pin(&hotline, "CA-change", EMPLOYEE, "739154#");
    assert_eq!(caller.press("739154#"), [ENTER_NEW, KEYS].concat());
    assert_eq!(caller.press("507294#"), [AGAIN, KEYS].concat());
    assert_eq!(caller.press("507294#"), [SET, &card_menu(&hotline)].concat());
    caller.hang_up();
    let mut next = hotline.dial("CA-next");
    assert_eq!(next.press_all(&["1", "1", EMPLOYEE, "1", "739154#"])[..REFUSED_WORDS.len()], *REFUSED_WORDS);
    let changed = "您的查询密码于二零二六年七月三日修改。如果不是您本人修改，请按零转人工服务。";
    assert_eq!(next.press("507294#"), [changed, ACCOUNT].concat());
    assert_eq!(next.press("1"), [BALANCE, TOLD].concat());
    // Not again.
    assert_eq!(hotline.dial("CA-later").press_all(&["1", "1", EMPLOYEE, "1", "507294#"]), ACCOUNT);
    let events = [
        "pin_try",
        "sign_in_ok",
        "pin_try",
        "old_pin_ok",
        "pin_proposed",
        "pin_changed",
        "pin_try",
        "sign_in_refused",
        "pin_try",
        "pin_change_told",
        "sign_in_ok",
        "read_personal_balance",
        "pin_try",
        "sign_in_ok",
    ];
    assert_eq!(hotline.setup.audit(), events);
}

/// What is told first is told before a balance, too, that is read at once.
#[test]
fn the_change_is_told_before_what_is_read_at_once() {
    let hotline = shipped(NOON);
    let mut caller = at_the_old_pin(&hotline, "CA-change", EMPLOYEE, "739154#");
    caller.press_all(&["739154#", "507294#", "507294#"]);
    let status = key_of(&hotline, "社保卡状态查询");
    let mut next = hotline.dial("CA-next");
    let heard = next.press_all(&["2", &status, "1", EMPLOYEE, "1", "507294#"]);
    assert!(
        heard.starts_with("您的查询密码于二零二六年七月三日修改。如果不是您本人修改，请按零转人工服务。"),
        "{heard}"
    );
    assert!(heard.contains("目前状态是正常"), "{heard}");
}

#[test]
fn an_initial_pin_is_changed_before_anything_is_told() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-initial");
    caller.press_all(&["1", "1", BEGINNER, "1"]);
    assert_eq!(caller.press("123456#"), [INITIAL, CARD_NUMBER, KEYS].concat());
    // What is wrong, and which of them, is not told.
    assert_eq!(caller.press("20260008#"), [REFUSED_WORDS, CARD_NUMBER, KEYS].concat());
    assert_eq!(caller.press("20260007#"), [ENTER_NEW, KEYS].concat());
    assert_eq!(caller.press("123456#"), ["新密码不能和现在的密码相同，请换一个。", ENTER_NEW, KEYS].concat());
    let help = "请在电话键盘上逐位输入，输入完毕请按井号键。输错了，请按星号键清除后重新输入。";
    assert_eq!(caller.press("950214#"), ["新密码不能是您的出生日期，请换一个。", help, ENTER_NEW, KEYS].concat());
    assert_eq!(caller.press("507294#"), [AGAIN, KEYS].concat());
    // On to where the caller wanted to go.
    assert_eq!(caller.press("507294#"), [SET, ACCOUNT].concat());
    assert!(caller.press("1").contains("您的医保个人账户余额为一千四百二十元整"));
    let events = [
        "pin_try",
        "initial_pin",
        "pin_try",
        "second_number_refused",
        "pin_try",
        "second_number_ok",
        "pin_proposed",
        "pin_proposed",
        "pin_proposed",
        "pin_changed",
        "read_personal_balance",
    ];
    assert_eq!(hotline.setup.audit(), events);
}

/// Whoever wanted to change the PIN anyway is not asked for it once more.
#[test]
fn an_initial_pin_is_changed_once() {
    let hotline = shipped(NOON);
    let key = key_of(&hotline, "修改查询密码");
    let mut caller = hotline.dial("CA-initial");
    let asked = caller.press_all(&["2", &key, "2", "20260007#", "1", "123456#"]);
    let id = "请输入您的十八位身份证号码，末位是字母X的，请按星号键代替，按井号键结束。";
    assert_eq!(asked, [INITIAL, id, KEYS].concat());
    assert_eq!(caller.press("370000199502140068#"), [ENTER_NEW, KEYS].concat());
    assert_eq!(caller.press_all(&["507294#", "507294#"]), [SET, &card_menu(&hotline)].concat());
}

#[test]
fn a_wrong_second_number_ends_the_call_as_a_wrong_pin_does() {
    let hotline = shipped(NOON);
    let mut caller = hotline.dial("CA-guess");
    caller.press_all(&["1", "1", BEGINNER, "1", "123456#", "20260001#", "20260002#"]);
    let used_up = "本次通话的尝试次数已经用完，请核对后再拨，或到服务窗口办理。";
    assert_eq!(caller.press("20260003#"), [REFUSED_WORDS, used_up, GOODBYE].concat());
    let mut later = hotline.dial("CA-later");
    later.press_all(&["1", "1", BEGINNER, "1", "123456#"]);
    let locked = "尝试次数过多，请三十分钟后再拨，或带身份证到服务窗口办理；需要人工服务，请按零。";
    assert_eq!(later.press("20260004#"), [REFUSED_WORDS, CARD_NUMBER, KEYS].concat());
    assert_eq!(later.press("20260007#"), [locked, MAIN].concat());
}

#[test]
fn three_mismatches_leave_the_pin_as_it_was() {
    let hotline = shipped(NOON);
    let mut caller = at_the_old_pin(&hotline, "CA-mismatch", EMPLOYEE, "739154#");
    caller.press("739154#");
    for _ in 0..2 {
        caller.press("507294#");
        assert_eq!(caller.press("507295#"), [MISMATCH, ENTER_NEW, KEYS].concat());
    }
    caller.press("507294#");
    assert_eq!(caller.press("507296#"), [UNCHANGED, &card_menu(&hotline)].concat());
    assert_eq!(hotline.dial("CA-still").press_all(&["1", "1", EMPLOYEE, "1", "739154#"]), ACCOUNT);
}

#[test]
fn back_and_forth_in_a_change() {
    let hotline = shipped(NOON);
    let mut caller = at_the_old_pin(&hotline, "CA-back", EMPLOYEE, "739154#");
    assert_eq!(caller.press("7391#"), ["查询密码是六位数字，请重新输入。", OLD, KEYS].concat());
    assert_eq!(caller.press("730415#"), [REFUSED_WORDS, OLD, KEYS].concat());
    assert_eq!(caller.press("#"), [OLD, KEYS].concat());
    // A slip is cleared on the way.
    assert_eq!(caller.press("55*739154#"), [ENTER_NEW, KEYS].concat());
    assert_eq!(caller.press("507294#"), [AGAIN, KEYS].concat());
    assert_eq!(caller.press("*#"), [ENTER_NEW, KEYS].concat());
    assert_eq!(caller.press("*#"), card_menu(&hotline));
    // Five minutes after the old PIN, it is asked for again, and so is who is calling.
    let key = key_of(&hotline, "修改查询密码");
    caller.press_all(&[&key, "739154#", "507294#"]);
    hotline.clock.advance(Duration::from_mins(5));
    assert_eq!(caller.press("507294#"), ["为了您的账户安全，请重新验证身份。", NUMBERS].concat());
    assert!(!hotline.setup.audit().contains(&"pin_changed".to_owned()));
    let mut caller = at_the_old_pin(&hotline, "CA-person", EMPLOYEE, "739154#");
    assert!(caller.press("0#").starts_with(CLOSED));
}

#[test]
fn a_locked_card_keeps_its_pin() {
    let hotline = shipped(NOON);
    let stopped =
        "抱歉，您的社保卡已经锁定或者注销，不能用电话修改密码。请带身份证到服务窗口办理；需要人工服务，请按零。";
    for (sid, id, pin) in
        [("CA-locked", "610000700315001#", "385207#"), ("CA-cancelled", "21000019830118003*#", "490627#")]
    {
        let mut caller = at_the_old_pin(&hotline, sid, id, pin);
        assert_eq!(caller.press(pin), [stopped, &card_menu(&hotline)].concat());
    }
}

#[test]
fn a_forgotten_pin_is_the_counters_to_set() {
    let hotline = shipped(NOON);
    let key = key_of(&hotline, "忘记密码怎么办");
    let mut caller = hotline.dial("CA-forgotten");
    let heard = caller.press_all(&["2", &key]);
    let counter = "为了您的账户安全，忘记查询密码不能用电话重新设置。请本人带身份证到参保地的服务窗口重新设置，设置以后可以用电话修改。";
    assert!(heard.starts_with(counter), "{heard}");
    assert_eq!(hotline.setup.audit(), Vec::<String>::new());
}

/// Sends what `keys` would, without waiting for the answer.
fn post_and_leave(caller: &Caller, address: std::net::SocketAddr, keys: &str) -> TcpStream {
    let Then::Gather { path, .. } = caller.heard.then.clone() else { panic!() };
    let form = caller.form(&[("Digits", keys), ("FinishedOnKey", "#")]);
    let mut connection = TcpStream::connect(address).unwrap();
    let signature = signature(&path, &form);
    write!(
        connection,
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: {FORM}\r\nx-twilio-signature: {signature}\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    )
    .unwrap();
    connection
}

fn touched(setup: &Setup, call: &str) -> i64 {
    wait(async {
        let row = sqlx::query("SELECT touched_at FROM calls WHERE call = $1").bind(call);
        row.fetch_one(&mut setup.database().await).await.unwrap().get(0)
    })
}

const TO_AGAIN: [&str; 8] = ["2", "3", "1", EMPLOYEE, "1", "739154#", "739154#", "507294#"];

fn changes(setup: &Setup) -> usize {
    setup.audit().iter().filter(|event| *event == "pin_changed").count()
}

/// `kill -9` while the new PIN is hashed: nothing has changed, and the platform's repeat changes it.
#[test]
fn a_change_killed_before_it_is_in_force_is_made_by_the_repeat() {
    // Hashing takes long enough to be killed in.
    let setup = Setup::new().env("SIGN_IN__HASH_PASSES", "40");
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-cut");
    assert_eq!(caller.press_all(&TO_AGAIN), [AGAIN, KEYS].concat());
    let before = touched(&setup, "CA-cut");
    let _connection = post_and_leave(&caller, served.address, "507294");
    until("the change is looked at", || touched(&setup, "CA-cut") != before);
    served.kill();
    assert_eq!(changes(&setup), 0, "killed before it was hashed");
    served = setup.serve();
    let mut other = Caller::dial(&served, "CA-still");
    assert_eq!(other.press_all(&["1", "1", EMPLOYEE, "1", "739154#"]), ACCOUNT);
    caller.wire = Wire::from(&served);
    assert!(caller.press("507294#").starts_with(SET));
    assert_eq!(changes(&setup), 1);
}

/// `kill -9` between the commit and the answer: the repeat is told what was done, and nothing is done again.
#[test]
fn a_change_killed_when_it_is_in_force_is_told_by_the_repeat() {
    let setup = Setup::new();
    let mut served = setup.serve();
    let mut caller = Caller::dial(&served, "CA-done");
    assert_eq!(caller.press_all(&TO_AGAIN), [AGAIN, KEYS].concat());
    let _connection = post_and_leave(&caller, served.address, "507294");
    until("the change is on record", || changes(&setup) == 1);
    served.kill();
    served = setup.serve();
    caller.wire = Wire::from(&served);
    assert!(caller.press("507294#").starts_with(SET));
    let sent = caller.sent.last().unwrap().clone();
    let copies: Vec<_> = std::thread::scope(|scope| {
        let copies: Vec<_> = (0..4).map(|_| scope.spawn(|| caller.wire.post(&sent.path, &sent.form))).collect();
        copies.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    for copy in copies {
        assert_eq!((copy.status, &copy.body), (200, &sent.answer.body));
    }
    assert_eq!(changes(&setup), 1);
    let mut next = Caller::dial(&served, "CA-next");
    assert!(next.press_all(&["1", "1", EMPLOYEE, "1", "739154#"]).starts_with(REFUSED_WORDS));
    assert!(next.press("507294#").starts_with("您的查询密码于"));
}
