//! Reports that a card is lost, below the dialog: each is made once, ends once, and both engines do alike.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hotline::call::caller::CallEnd;
use hotline::clock::Clock;
use hotline::dialog::{Answer, LossOutcome, Request, SignedIn};
use hotline::member::account::CardStatus;
use hotline::member::card::{Card, LossReport, LossTerm};
use hotline::member::tail::Tail;
use hotline::service::{Hasher, Services};
use hotline::store::Store;
use hotline::store::audit::Anchors;
use hotline::store::throttle::TryLimits;
use jiff::Timestamp;
use jiff::tz::Offset;
use sqlx::{Connection, Executor};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::served::{DEADLINE, Served, Setup, until};
use crate::support::{Bed, HASH, PIN, call, granted, keys, limits, member, on_both_engines, sign_in};

on_both_engines!(
    made_renewed_and_released,
    a_repeated_turn_changes_nothing,
    calls_at_once_make_one_report,
    calls_at_once_release_once,
    a_report_is_over_at_its_end_and_ends_once,
    nodes_at_once_let_each_report_lapse_once,
    an_import_keeps_what_was_reported,
    without_an_audit_row_nothing_is_changed,
    an_ended_call_and_an_old_sign_in_change_nothing,
    a_report_moved_in_the_database_does_not_open,
);

const WEEK: LossTerm = LossTerm { days: 7, offset: Offset::constant(8) };
/// 8 o'clock in China, when the clock of a [`Bed`] begins to stand.
const NOW: &str = "2026-07-01T00:00:00Z";
/// The end of the seventh day after it.
const END: &str = "2026-07-08T16:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn normal(n: u32) -> Card {
    let number = member(n).card_number.unwrap();
    Card { tail: Tail::of(number.digits()).unwrap(), status: CardStatus::Normal, report: None }
}

fn lost(n: u32, until: &str) -> Card {
    let report = Some(LossReport { since: at(NOW), until: at(until) });
    Card { status: CardStatus::TemporaryLoss, report, ..normal(n) }
}

fn done(card: Card) -> Answer {
    Answer::Loss(LossOutcome::Done(card))
}

fn not_done(card: Card) -> Answer {
    Answer::Loss(LossOutcome::NotDone(Some(card)))
}

/// Signed in at turn 1 of call `id`.
async fn signed_in(bed: &Bed, services: &Services, id: &str, n: u32) -> SignedIn {
    granted(services.perform(&call(id), 1, sign_in(bed.key(&member(n)), PIN)).await)
}

/// The events of the audit that are about reports.
async fn changes(bed: &Bed) -> Vec<String> {
    bed.events().await.into_iter().filter(|event| event.starts_with("loss_")).collect()
}

async fn made_renewed_and_released(bed: Bed) {
    bed.import([member(1), member(2)]).await;
    let (services, calls) = (bed.services(), call("A"));
    let proof = signed_in(&bed, &services, "A", 1).await;
    assert_eq!(services.perform(&calls, 2, Request::Card(proof)).await, Answer::Card(Some(normal(1))));
    assert_eq!(services.perform(&calls, 3, Request::RenewLoss(proof, WEEK)).await, not_done(normal(1)));
    assert_eq!(services.perform(&calls, 4, Request::ReleaseLoss(proof)).await, not_done(normal(1)));
    assert_eq!(services.perform(&calls, 5, Request::ReportLoss(proof, WEEK)).await, done(lost(1, END)));
    assert_eq!(services.perform(&calls, 6, Request::Card(proof)).await, Answer::Card(Some(lost(1, END))));
    assert_eq!(services.perform(&calls, 7, Request::ReportLoss(proof, WEEK)).await, not_done(lost(1, END)));
    let longer = LossTerm { days: 10, ..WEEK };
    let renewed = lost(1, "2026-07-11T16:00:00Z");
    assert_eq!(services.perform(&calls, 8, Request::RenewLoss(proof, longer)).await, done(renewed));
    assert_eq!(services.perform(&calls, 9, Request::Card(proof)).await, Answer::Card(Some(renewed)));
    // A line with fewer days takes none back.
    assert_eq!(services.perform(&calls, 12, Request::RenewLoss(proof, WEEK)).await, done(renewed));
    // Nobody else's.
    let other = signed_in(&bed, &services, "B", 2).await;
    assert_eq!(services.perform(&call("B"), 2, Request::Card(other)).await, Answer::Card(Some(normal(2))));
    assert_eq!(services.perform(&calls, 10, Request::ReleaseLoss(proof)).await, done(normal(1)));
    assert_eq!(services.perform(&calls, 11, Request::Card(proof)).await, Answer::Card(Some(normal(1))));
    assert_eq!(bed.number("SELECT COUNT(*) FROM loss_reports").await, 0);
    let read = "read_card_status";
    let own = [read, read, read, "loss_reported", read, read, "loss_renewed", read];
    let rest = ["loss_renewed", "pin_try", "sign_in_ok", read, "loss_released", read];
    assert_eq!(bed.events().await, [&["pin_try", "sign_in_ok"][..], &own, &rest].concat());
}

async fn a_repeated_turn_changes_nothing(bed: Bed) {
    bed.import([member(1)]).await;
    let (services, calls) = (bed.services(), call("A"));
    let proof = signed_in(&bed, &services, "A", 1).await;
    let report = || Request::ReportLoss(proof, WEEK);
    assert_eq!(services.perform(&calls, 2, report()).await, done(lost(1, END)));
    assert_eq!(services.perform(&calls, 3, Request::ReleaseLoss(proof)).await, done(normal(1)));
    // Long answered; another line's days do not make it another turn.
    bed.clock.advance(Duration::from_mins(1));
    assert_eq!(services.perform(&calls, 2, report()).await, done(lost(1, END)));
    let short = Request::ReportLoss(proof, LossTerm { days: 1, ..WEEK });
    assert_eq!(services.perform(&calls, 2, short).await, done(lost(1, END)));
    assert_eq!(services.perform(&calls, 3, report()).await, Answer::Superseded);
    assert_eq!(services.perform(&calls, 4, Request::Card(proof)).await, Answer::Card(Some(normal(1))));
    assert_eq!(changes(&bed).await, ["loss_reported", "loss_released"]);
    // Copies at once, on two nodes.
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), TryLimits::default());
    let nodes = [Arc::new(services), Arc::new(other)];
    let (barrier, mut copies) = (Arc::new(Barrier::new(8)), JoinSet::new());
    for n in 0..8 {
        let (services, barrier) = (Arc::clone(&nodes[n % 2]), Arc::clone(&barrier));
        copies.spawn(async move {
            barrier.wait().await;
            services.perform(&call("A"), 5, Request::ReportLoss(proof, WEEK)).await
        });
    }
    let answers = copies.join_all().await;
    let since = at(NOW).checked_add(Duration::from_mins(1)).unwrap();
    let report = Some(LossReport { since, until: at(END) });
    let reported = done(Card { report, ..lost(1, END) });
    assert_eq!(answers, vec![reported; 8]);
    let mut changes = changes(&bed).await;
    changes.sort_unstable();
    assert_eq!(changes, ["loss_released", "loss_reported", "loss_reported"]);
}

/// Every one of `requests`, each in a call of its own, on two nodes at once.
async fn at_once(bed: &Bed, requests: Vec<Request>) -> Vec<Answer> {
    let other = Services::new(bed.another_node("other").await, Hasher::new(HASH), TryLimits::default());
    let nodes = [Arc::new(bed.services()), Arc::new(other)];
    let (barrier, mut calls) = (Arc::new(Barrier::new(requests.len())), JoinSet::new());
    for (n, request) in requests.into_iter().enumerate() {
        let (services, barrier) = (Arc::clone(&nodes[n % 2]), Arc::clone(&barrier));
        calls.spawn(async move {
            barrier.wait().await;
            services.perform(&call(&format!("race-{n}")), 2, request).await
        });
    }
    calls.join_all().await
}

async fn calls_at_once_make_one_report(bed: Bed) {
    bed.import([member(1)]).await;
    let proof = signed_in(&bed, &bed.services(), "A", 1).await;
    let answers = at_once(&bed, (0..16).map(|_| Request::ReportLoss(proof, WEEK)).collect()).await;
    assert_eq!(answers.iter().filter(|answer| **answer == done(lost(1, END))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == not_done(lost(1, END))).count(), 15);
    assert_eq!(changes(&bed).await, ["loss_reported"]);
    assert_eq!(bed.number("SELECT COUNT(*) FROM loss_reports").await, 1);
}

/// All eight have found no report before any of them is through: the first holds its own back, the others wait for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_overlap_make_one_report() {
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
                           WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let bed = Bed::postgres().await;
    bed.import([member(1)]).await;
    let services = Arc::new(bed.services());
    let proof = signed_in(&bed, &services, "A", 1).await;
    let mut holder = sqlx::AnyConnection::connect(bed.settings.url.expose()).await.unwrap();
    holder.execute("BEGIN").await.unwrap();
    holder.execute("UPDATE audit_chains SET seq = seq").await.unwrap();
    let mut calls = JoinSet::new();
    for n in 0..8 {
        let services = Arc::clone(&services);
        calls.spawn(async move {
            services.perform(&call(&format!("overlap-{n}")), 2, Request::ReportLoss(proof, WEEK)).await
        });
    }
    let end = Instant::now() + DEADLINE;
    while bed.number(WAITING).await < 8 {
        assert!(Instant::now() < end, "not all of them wait");
    }
    holder.execute("COMMIT").await.unwrap();
    let answers = calls.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == done(lost(1, END))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == not_done(lost(1, END))).count(), 7);
    assert_eq!(changes(&bed).await, ["loss_reported"]);
}

async fn calls_at_once_release_once(bed: Bed) {
    bed.import([member(1)]).await;
    let services = bed.services();
    let proof = signed_in(&bed, &services, "A", 1).await;
    services.perform(&call("A"), 2, Request::ReportLoss(proof, WEEK)).await;
    let answers = at_once(&bed, (0..16).map(|_| Request::ReleaseLoss(proof)).collect()).await;
    assert_eq!(answers.iter().filter(|answer| **answer == done(normal(1))).count(), 1);
    assert_eq!(answers.iter().filter(|answer| **answer == not_done(normal(1))).count(), 15);
    let mut changes = changes(&bed).await;
    changes.sort_unstable();
    assert_eq!(changes, ["loss_released", "loss_reported"]);
}

async fn a_report_is_over_at_its_end_and_ends_once(bed: Bed) {
    bed.import([member(1), member(2)]).await;
    let services = bed.services();
    for (n, id) in [(1, "A"), (2, "B")] {
        let proof = signed_in(&bed, &services, id, n).await;
        services.perform(&call(id), 2, Request::ReportLoss(proof, WEEK)).await;
    }
    let week = at(END).duration_since(at(NOW)).unsigned_abs();
    bed.clock.advance(week.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(services.lapse_losses().await, Ok(0));
    let proof = signed_in(&bed, &services, "before", 1).await;
    assert_eq!(services.perform(&call("before"), 2, Request::Card(proof)).await, Answer::Card(Some(lost(1, END))));
    bed.clock.advance(Duration::from_millis(1));
    // Nobody has come yet to write it down, and it is over all the same.
    assert_eq!(services.perform(&call("before"), 3, Request::Card(proof)).await, Answer::Card(Some(normal(1))));
    assert_eq!(services.perform(&call("before"), 4, Request::RenewLoss(proof, WEEK)).await, not_done(normal(1)));
    assert_eq!(services.perform(&call("before"), 5, Request::ReleaseLoss(proof)).await, not_done(normal(1)));
    assert_eq!(changes(&bed).await, ["loss_reported", "loss_reported"]);
    // Reported anew before anybody came: the first is on record as lapsed, once.
    let again = services.perform(&call("before"), 6, Request::ReportLoss(proof, WEEK)).await;
    let report = Some(LossReport { since: at(END), until: at("2026-07-16T16:00:00Z") });
    assert_eq!(again, done(Card { report, ..lost(1, END) }));
    let expected = ["loss_reported", "loss_reported", "loss_lapsed", "loss_reported"];
    assert_eq!(changes(&bed).await, expected);
    // The other one's, by the job; and then there is none left that is over.
    assert_eq!(services.lapse_losses().await, Ok(1));
    assert_eq!(services.lapse_losses().await, Ok(0));
    assert_eq!(changes(&bed).await, [&expected[..], &["loss_lapsed"]].concat());
    assert_eq!(services.perform(&call("before"), 6, Request::ReportLoss(proof, WEEK)).await, again);
    bed.store.verify(&Anchors::default()).await.unwrap();
}

/// Reports the cards of the first `count` members lost.
async fn report(bed: &Bed, services: &Services, count: u32) {
    bed.import((0..count).map(member)).await;
    for n in 0..count {
        let id = format!("report-{n}");
        let proof = signed_in(bed, services, &id, n).await;
        assert!(matches!(
            services.perform(&call(&id), 2, Request::ReportLoss(proof, WEEK)).await,
            Answer::Loss(LossOutcome::Done(_))
        ));
    }
}

async fn nodes_at_once_let_each_report_lapse_once(bed: Bed) {
    const REPORTS: u32 = 130;
    report(&bed, &bed.services(), REPORTS).await;
    bed.clock.advance(Duration::from_hours(9 * 24));
    let (barrier, mut jobs) = (Arc::new(Barrier::new(4)), JoinSet::new());
    for node in ["node", "a", "b", "a"] {
        let services = Services::new(bed.another_node(node).await, Hasher::new(HASH), TryLimits::default());
        let barrier = Arc::clone(&barrier);
        jobs.spawn(async move {
            barrier.wait().await;
            services.lapse_losses().await
        });
    }
    let lapsed: usize = jobs.join_all().await.into_iter().map(Result::unwrap).sum();
    assert_eq!(lapsed, REPORTS as usize);
    assert_eq!(bed.number("SELECT COUNT(*) FROM loss_reports").await, 0);
    let once = "SELECT COUNT(DISTINCT person) FROM audit WHERE event = 'loss_lapsed'";
    assert_eq!(bed.number(once).await, i64::from(REPORTS));
    assert_eq!(bed.number("SELECT COUNT(*) FROM audit WHERE event = 'loss_lapsed'").await, i64::from(REPORTS));
    bed.store.verify(&Anchors::default()).await.unwrap();
}

async fn an_import_keeps_what_was_reported(bed: Bed) {
    let mut someone = member(1);
    bed.import([someone.clone()]).await;
    let (services, calls) = (bed.services(), call("A"));
    let proof = signed_in(&bed, &services, "A", 1).await;
    services.perform(&calls, 2, Request::ReportLoss(proof, WEEK)).await;
    let mut turn = 2;
    let mut card = async || {
        turn += 1;
        let Answer::Card(Some(card)) = services.perform(&calls, turn, Request::Card(proof)).await else { panic!() };
        card
    };
    for (status, told) in [
        (CardStatus::Normal, lost(1, END)),
        (CardStatus::TemporaryLoss, lost(1, END)),
        (CardStatus::Inactive, lost(1, END)),
        (CardStatus::FormalLoss, Card { status: CardStatus::FormalLoss, ..normal(1) }),
        (CardStatus::Locked, Card { status: CardStatus::Locked, ..normal(1) }),
        (CardStatus::Cancelled, Card { status: CardStatus::Cancelled, ..normal(1) }),
    ] {
        someone.card_status = status;
        bed.import([someone.clone()]).await;
        assert_eq!(card().await, told);
    }
    // What the register knows better cannot be changed by telephone.
    let cancelled = Card { status: CardStatus::Cancelled, ..normal(1) };
    for (turn, request) in [
        (20, Request::ReportLoss(proof, WEEK)),
        (21, Request::RenewLoss(proof, WEEK)),
        (22, Request::ReleaseLoss(proof)),
    ] {
        assert_eq!(services.perform(&calls, turn, request).await, not_done(cancelled));
    }
    // Another card is not lost, and can be; the report of the first lapses by itself.
    someone.card_status = CardStatus::Normal;
    someone.card_number = member(9).card_number;
    bed.import([someone.clone()]).await;
    assert_eq!(card().await, normal(9));
    assert_eq!(services.perform(&calls, 23, Request::ReportLoss(proof, WEEK)).await, done(lost(9, END)));
    bed.clock.advance(Duration::from_hours(9 * 24));
    assert_eq!(services.lapse_losses().await, Ok(2));
    // Without a card there is nothing to do.
    someone.card_number = None;
    bed.import([someone]).await;
    let proof = signed_in(&bed, &services, "B", 1).await;
    assert_eq!(services.perform(&call("B"), 2, Request::Card(proof)).await, Answer::Card(None));
    let none = services.perform(&call("B"), 3, Request::ReportLoss(proof, WEEK)).await;
    assert_eq!(none, Answer::Loss(LossOutcome::NotDone(None)));
    assert_eq!(changes(&bed).await, ["loss_reported", "loss_reported", "loss_lapsed", "loss_lapsed"]);
}

async fn without_an_audit_row_nothing_is_changed(bed: Bed) {
    bed.import([member(1)]).await;
    let (services, calls) = (bed.services(), call("A"));
    let proof = signed_in(&bed, &services, "A", 1).await;
    bed.rows("ALTER TABLE audit RENAME TO away").await;
    assert_eq!(services.perform(&calls, 2, Request::ReportLoss(proof, WEEK)).await, Answer::Unavailable);
    assert_eq!(bed.number("SELECT COUNT(*) FROM loss_reports").await, 0);
    bed.rows("ALTER TABLE away RENAME TO audit").await;
    assert_eq!(services.perform(&calls, 2, Request::ReportLoss(proof, WEEK)).await, done(lost(1, END)));
    bed.clock.advance(Duration::from_hours(9 * 24));
    bed.rows("ALTER TABLE audit RENAME TO away").await;
    services.lapse_losses().await.unwrap_err();
    assert_eq!(bed.number("SELECT COUNT(*) FROM loss_reports").await, 1);
    bed.rows("ALTER TABLE away RENAME TO audit").await;
    assert_eq!(services.lapse_losses().await, Ok(1));
    assert_eq!(changes(&bed).await, ["loss_reported", "loss_lapsed"]);
}

async fn an_ended_call_and_an_old_sign_in_change_nothing(bed: Bed) {
    bed.import([member(1)]).await;
    let services = bed.services();
    let proof = signed_in(&bed, &services, "A", 1).await;
    services.end_call(&call("A"), CallEnd::Completed).await;
    assert_eq!(services.perform(&call("A"), 2, Request::ReportLoss(proof, WEEK)).await, Answer::CallEnded);
    let proof = signed_in(&bed, &services, "B", 1).await;
    bed.clock.advance(SignedIn::LASTS);
    assert_eq!(services.perform(&call("B"), 2, Request::ReportLoss(proof, WEEK)).await, Answer::Unavailable);
    assert_eq!(bed.number("SELECT COUNT(*) FROM loss_reports").await, 0);
    assert_eq!(changes(&bed).await, Vec::<String>::new());
}

async fn a_report_moved_in_the_database_does_not_open(bed: Bed) {
    bed.import([member(1)]).await;
    let (services, calls) = (bed.services(), call("A"));
    let proof = signed_in(&bed, &services, "A", 1).await;
    services.perform(&calls, 2, Request::ReportLoss(proof, WEEK)).await;
    bed.rows("UPDATE loss_reports SET until = until + 1").await;
    assert_eq!(services.perform(&calls, 3, Request::Card(proof)).await, Answer::Unavailable);
    bed.rows("UPDATE loss_reports SET until = until - 1").await;
    assert_eq!(services.perform(&calls, 3, Request::Card(proof)).await, Answer::Card(Some(lost(1, END))));
}

/// Served processes find what is over when they start; killed in the middle and started again, two at once: each report
/// lapses once.
#[test]
fn served_processes_let_each_report_lapse_once_whatever_dies() {
    const REPORTS: i64 = 240;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bed = runtime.block_on(async {
        let bed = Bed::sqlite().await;
        // Long ago by the clock of any machine.
        let store = Store::open(&bed.settings, keys(), Clock::manual(at("2020-01-03T04:00:00Z"))).await.unwrap();
        report(&bed, &Services::new(store, Hasher::new(HASH), limits()), 240).await;
        bed
    });
    let number = |sql: &'static str| runtime.block_on(bed.number(sql));
    let lapsed = || number("SELECT COUNT(*) FROM audit WHERE event = 'loss_lapsed'");
    let setup = Setup::new().env("STORE__URL", bed.settings.url.expose());
    let serve = || -> Served { setup.serve() };
    assert_eq!((lapsed(), number("SELECT COUNT(*) FROM loss_reports")), (0, REPORTS));
    let killed = serve();
    until("something has lapsed", || lapsed() > 0);
    killed.kill();
    assert_eq!(lapsed() + number("SELECT COUNT(*) FROM loss_reports"), REPORTS);
    let _two = [serve(), serve()];
    until("everything has lapsed", || lapsed() == REPORTS);
    assert_eq!(number("SELECT COUNT(*) FROM loss_reports"), 0);
    assert_eq!(number("SELECT COUNT(DISTINCT person) FROM audit WHERE event = 'loss_lapsed'"), REPORTS);
}
