//! The store in trouble: an answer in time, no try lost, and well again by itself.

use std::task::Poll;
use std::time::{Duration, Instant};

use hotline::dialog::Answer;
use hotline::service::{Hasher, Services};
use hotline::store::audit::Anchors;
use hotline::store::{Store, StoreSettings};
use sqlx::{Connection, Executor};
use tokio::task::JoinSet;

use crate::support::postgres::Server;
use crate::support::{Bed, HASH, PIN, REFUSED, call, granted, keys, limits, member, sign_in};

/// A node that waits `deadline` for the store.
async fn node(bed: &Bed, deadline: Duration) -> Services {
    let settings = StoreSettings { deadline, ..bed.settings.clone() };
    let store = Store::open(&settings, keys(), bed.clock.clone()).await.unwrap();
    Services::new(store, Hasher::new(HASH), limits())
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

/// What `SQLite` does on a full disk: the statement fails and takes the whole transaction with it, savepoints and all.
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
    // One member's PIN does not open any more.
    bed.rows("UPDATE members SET pin = x'00' WHERE member = (SELECT MIN(member) FROM members)").await;
    // While another process holds the file, all of them queue behind the first: then they are one group.
    let mut holder = sqlx::AnyConnection::connect(bed.settings.url.expose()).await.unwrap();
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let services = bed.services();
    let calls: Vec<_> = (0..33).map(|n| call(&n.to_string())).collect();
    // The first is of somebody who does not exist.
    let mut signing_in: Vec<_> = calls
        .iter()
        .zip((0..33).rev())
        .map(|(call, n)| Box::pin(services.perform(call, 1, sign_in(bed.key(&member(n)), PIN))))
        .collect();
    std::future::poll_fn(|context| {
        let all_wait = signing_in.iter_mut().all(|call| call.as_mut().poll(context).is_pending());
        assert!(all_wait);
        Poll::Ready(())
    })
    .await;
    holder.execute("ROLLBACK").await.unwrap();
    let mut answers = Vec::new();
    for call in signing_in {
        answers.push(call.await);
    }
    let count = |answer: &Answer| answers.iter().filter(|a| *a == answer).count();
    assert_eq!((count(&Answer::Unavailable), count(&REFUSED)), (1, 1));
    assert_eq!(bed.number("SELECT COUNT(*) FROM effects").await, 32);
    assert_eq!(bed.number("SELECT COUNT(*) FROM throttle").await, 32);
    assert_eq!(bed.store.verify(&Anchors::default()).await.unwrap().rows, 64);
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
