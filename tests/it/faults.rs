//! The store in trouble: an answer in time, no try lost, and well again by itself.

use std::time::{Duration, Instant};

use hotline::dialog::Answer;
use hotline::service::{Hasher, Services};
use hotline::store::audit::Anchors;
use hotline::store::throttle::TryLimits;
use hotline::store::{Store, StoreSettings};
use sqlx::{Connection, Executor};
use tokio::task::JoinSet;

use crate::support::postgres::Server;
use crate::support::{Bed, HASH, PIN, call, granted, keys, member, sign_in};

/// A node that waits `deadline` for the store.
async fn node(bed: &Bed, deadline: Duration) -> Services {
    let settings = StoreSettings { deadline, ..bed.settings.clone() };
    let store = Store::open(&settings, keys(), bed.clock.clone()).await.unwrap();
    Services::new(store, Hasher::new(HASH), TryLimits::default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_file_is_unavailable_and_then_well_again() {
    let bed = Bed::sqlite().await;
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (who, hurried) = (bed.key(&someone), node(&bed, Duration::from_millis(100)).await);
    let mut holder = sqlx::AnyConnection::connect(bed.settings.url.expose()).await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    for turn in 1..4 {
        let start = Instant::now();
        assert_eq!(hurried.perform(&call("A"), turn, sign_in(who, PIN)).await, Answer::Unavailable);
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    holder.execute("ROLLBACK").await.unwrap();
    // What nobody waited for any more was not done behind their backs.
    let patient = bed.services();
    granted(patient.perform(&call("B"), 1, sign_in(who, PIN)).await);
    assert!(bed.number("SELECT COUNT(*) FROM effects WHERE call = 'A'").await <= 1);
    while hurried.store().ping().await.is_err() {}
    let mut turn = 4;
    while hurried.perform(&call("A"), turn, sign_in(who, PIN)).await == Answer::Unavailable {
        turn += 1;
    }
}

/// What SQLite does on a full disk: the statement fails and takes the whole transaction with it, savepoints and all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_sqlite_undoes_is_unavailable_and_then_well_again() {
    let bed = Bed::sqlite().await;
    bed.import((0..32).map(member)).await;
    let services = bed.services();
    let all_sign_in = async || {
        let mut calls = JoinSet::new();
        for n in 0..32 {
            let (services, who) = (services.clone(), bed.key(&member(n)));
            calls.spawn(async move { services.perform(&call(&n.to_string()), 1, sign_in(who, PIN)).await });
        }
        calls.join_all().await
    };
    bed.rows("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ROLLBACK, 'disk full'); END").await;
    assert_eq!(all_sign_in().await, vec![Answer::Unavailable; 32]);
    for empty in ["SELECT COUNT(*) FROM effects", "SELECT COUNT(*) FROM throttle", "SELECT COUNT(*) FROM audit_chains"]
    {
        assert_eq!(bed.number(empty).await, 0, "{empty}");
    }
    bed.rows("DROP TRIGGER full").await;
    for answer in all_sign_in().await {
        granted(answer);
    }
    assert_eq!(bed.store.verify(&Anchors::default()).await.unwrap().rows, 64);
}

/// One job's trouble is not its neighbours'.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_group_only_the_job_that_fails_is_undone() {
    let bed = Bed::sqlite().await;
    bed.import((0..32).map(member)).await;
    // One member's PIN does not open: sealed for somebody else.
    bed.rows(
        "UPDATE members SET pin = (SELECT MAX(pin) FROM members) WHERE member = (SELECT MIN(member) FROM members)",
    )
    .await;
    let mut calls = JoinSet::new();
    for n in 0..32 {
        let (services, who) = (bed.services(), bed.key(&member(n)));
        calls.spawn(async move { services.perform(&call(&n.to_string()), 1, sign_in(who, PIN)).await });
    }
    let answers = calls.join_all().await;
    let unavailable = answers.iter().filter(|answer| **answer == Answer::Unavailable).count();
    // If the greatest is the least one's own, nothing was swapped; with 32 random values it is not.
    assert_eq!((unavailable, bed.number("SELECT COUNT(*) FROM effects WHERE outcome IS NOT NULL").await), (1, 31));
    assert_eq!(bed.store.verify(&Anchors::default()).await.unwrap().rows, 62);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_hangs_is_unavailable_and_then_well_again() {
    let server = Server::start();
    let dir = tempfile::tempdir().unwrap();
    let bed = Bed::open(StoreSettings::url(server.database().await), dir).await;
    let someone = member(1);
    bed.import([someone.clone()]).await;
    let (who, hurried) = (bed.key(&someone), node(&bed, Duration::from_millis(300)).await);
    granted(hurried.perform(&call("before"), 1, sign_in(who, PIN)).await);
    server.signal("-STOP");
    for n in 0..5 {
        let start = Instant::now();
        assert_eq!(hurried.perform(&call(&format!("during-{n}")), 1, sign_in(who, PIN)).await, Answer::Unavailable);
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    server.signal("-CONT");
    let start = Instant::now();
    while hurried.perform(&call("after"), 1, sign_in(who, PIN)).await == Answer::Unavailable {
        assert!(start.elapsed() < Duration::from_secs(10), "not well again");
    }
    granted(hurried.perform(&call("after"), 1, sign_in(who, PIN)).await);
}
