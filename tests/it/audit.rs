//! The audit: whatever is done to it past the service shows.

use hotline::store::Store;
use hotline::store::audit::{Anchors, BadRow, Tampering, VerifyError};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::support::{Bed, WRONG, call, member, on_both_engines, sign_in};

on_both_engines!(a_whole_audit_is_found_whole, the_first_bad_row_is_named, a_cut_tail_shows_against_the_anchors);

/// Two chains, of which the first (`node`) has `rows` rows.
async fn filled(bed: &Bed, rows: u16) {
    let services = bed.services();
    for n in 0..rows / 2 {
        let who = bed.key(&member(u32::from(n)));
        services.perform(&call(&format!("call-{n}")), 1, sign_in(who, WRONG)).await;
    }
}

async fn verify(store: &Store, anchors: &Anchors) -> Result<u64, BadRow> {
    match store.verify(anchors).await {
        Ok(verified) => Ok(verified.rows),
        Err(VerifyError::Bad(bad)) => Err(bad),
        Err(other) => panic!("{other}"),
    }
}

fn bad(seq: i64, what: Tampering) -> Result<u64, BadRow> {
    Err(BadRow { chain: "node".to_owned(), seq, what })
}

async fn a_whole_audit_is_found_whole(bed: Bed) {
    let none = Anchors::default();
    assert_eq!(verify(&bed.store, &none).await, Ok(0));
    filled(&bed, 20).await;
    let verified = bed.another_node("auditor").await.verify(&none).await.unwrap();
    assert_eq!((verified.rows, verified.chains), (20, 1));
}

async fn the_first_bad_row_is_named(bed: Bed) {
    filled(&bed, 20).await;
    let none = Anchors::default();
    for (harm, seq, what, mend) in [
        (
            "UPDATE audit SET event = 'sign_in_ok' WHERE seq = 6",
            6,
            Tampering::Changed,
            "UPDATE audit SET event = 'sign_in_refused' WHERE seq = 6",
        ),
        (
            "UPDATE audit SET at = at + 1 WHERE seq = 1",
            1,
            Tampering::Changed,
            "UPDATE audit SET at = at - 1 WHERE seq = 1",
        ),
        (
            "UPDATE audit SET caller = NULL WHERE seq = 20",
            20,
            Tampering::Changed,
            "UPDATE audit SET caller = (SELECT caller FROM audit WHERE seq = 1) WHERE seq = 20",
        ),
        (
            "UPDATE audit SET seq = 99 WHERE seq = 20",
            20,
            Tampering::Missing,
            "UPDATE audit SET seq = 20 WHERE seq = 99",
        ),
        (
            "UPDATE audit SET chain = 'b' WHERE seq = 7",
            1,
            Tampering::Missing,
            "UPDATE audit SET chain = 'node' WHERE seq = 7",
        ),
        ("UPDATE audit_chains SET seq = 19", 20, Tampering::BeyondHead, "UPDATE audit_chains SET seq = 20"),
        ("UPDATE audit_chains SET seq = 21", 21, Tampering::Missing, "UPDATE audit_chains SET seq = 20"),
    ] {
        bed.rows(harm).await;
        let found = verify(&bed.store, &none).await.unwrap_err();
        assert_eq!((found.seq, found.what), (seq, what), "{harm}");
        bed.rows(mend).await;
        assert_eq!(verify(&bed.store, &none).await, Ok(20), "{mend}");
    }
    bed.rows("DELETE FROM audit WHERE seq = 13").await;
    assert_eq!(verify(&bed.store, &none).await, bad(13, Tampering::Missing));
}

async fn a_cut_tail_shows_against_the_anchors(bed: Bed) {
    let path = bed.dir.path().join("anchors");
    filled(&bed, 10).await;
    assert_eq!(bed.store.anchor(&path).await.unwrap(), 1);
    filled_further(&bed).await;
    assert_eq!(bed.store.anchor(&path).await.unwrap(), 1);
    let anchors = Anchors::load(&path).unwrap();
    assert_eq!(verify(&bed.store, &anchors).await, Ok(12));
    // Cut off after row 9 by somebody who knows how the head works.
    bed.rows("DELETE FROM audit WHERE seq > 9").await;
    bed.rows("UPDATE audit_chains SET seq = 9, mac = (SELECT mac FROM audit WHERE seq = 9)").await;
    assert_eq!(verify(&bed.store, &Anchors::default()).await, Ok(9));
    assert_eq!(verify(&bed.store, &anchors).await, bad(10, Tampering::Missing));
    // The node goes on writing on the shortened chain: it gets long again, but is another.
    filled_further(&bed).await;
    filled_further(&bed).await;
    assert_eq!(verify(&bed.store, &Anchors::default()).await, Ok(13));
    assert_eq!(verify(&bed.store, &anchors).await, bad(10, Tampering::NotAnchored));
    // Everything gone.
    bed.rows("DELETE FROM audit").await;
    bed.rows("DELETE FROM audit_chains").await;
    assert_eq!(verify(&bed.store, &anchors).await, bad(1, Tampering::Missing));
    std::fs::write(&path, "rubbish\n").unwrap();
    assert_eq!(Anchors::load(&path).unwrap_err().line, Some(1));
}

/// Two rows more.
async fn filled_further(bed: &Bed) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static N: AtomicU32 = AtomicU32::new(1000);
    let n = N.fetch_add(1, Ordering::Relaxed);
    bed.services().perform(&call(&format!("more-{n}")), 1, sign_in(bed.key(&member(n)), WRONG)).await;
}

/// A thousand times some one thing is done to the tables; each time it is found, and after it is undone nothing is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_one_of_a_thousand_random_edits_is_found() {
    const ROWS: usize = 40;
    let bed = Bed::sqlite().await;
    filled(&bed, 40).await;
    let path = bed.dir.path().join("anchors");
    bed.store.anchor(&path).await.unwrap();
    let anchors = Anchors::load(&path).unwrap();
    let mut conn = sqlx::AnyConnection::connect(bed.settings.url.expose()).await.unwrap();
    conn.execute("PRAGMA synchronous = OFF; CREATE TABLE rows_kept AS SELECT * FROM audit; CREATE TABLE heads_kept AS SELECT * FROM audit_chains")
        .await
        .unwrap();
    // Always the same thousand.
    let mut runner = TestRunner::deterministic();
    let mut below = |end: usize| (0..end).new_tree(&mut runner).unwrap().current();
    for n in 0..1000 {
        let (row, other) = (1 + below(ROWS), 1 + below(ROWS - 1));
        let other = if other >= row { other + 1 } else { other };
        let byte = 1 + below(31);
        let edit = match below(10) {
            0 => format!("DELETE FROM audit WHERE seq = {row}"),
            1 => format!("UPDATE audit SET at = at + {byte} WHERE seq = {row}"),
            2 => format!("UPDATE audit SET turn = turn + {byte} WHERE seq = {row}"),
            3 => {
                let column = ["event", "dialect", "call"][below(3)];
                format!("UPDATE audit SET {column} = {column} || 'x' WHERE seq = {row}")
            }
            4 => {
                let column = ["person", "caller", "mac"][below(3)];
                format!(
                    "UPDATE audit SET {column} = CAST(substr({column}, {byte} + 1) || substr({column}, 1, {byte}) AS BLOB) WHERE seq = {row}"
                )
            }
            5 => format!(
                "UPDATE audit SET seq = -1 WHERE seq = {row}; UPDATE audit SET seq = {row} WHERE seq = {other}; UPDATE audit SET seq = {other} WHERE seq = -1"
            ),
            6 => format!(
                "DELETE FROM audit WHERE seq >= {row}; DELETE FROM audit_chains; \
                 INSERT INTO audit_chains SELECT chain, seq, mac FROM audit ORDER BY seq DESC LIMIT 1"
            ),
            7 => format!("UPDATE audit_chains SET seq = {}", row - 1),
            8 => format!(
                "UPDATE audit SET seq = seq + 1000 WHERE seq >= {row}; UPDATE audit SET seq = seq - 999 WHERE seq >= 1000"
            ),
            _ => format!(
                "INSERT INTO audit SELECT chain, {}, at, event, dialect, call, turn, person, caller, mac FROM audit WHERE seq = {row}",
                ROWS + 1
            ),
        };
        conn.execute(AssertSqlSafe(edit.clone())).await.unwrap();
        let found = verify(&bed.store, &anchors).await;
        assert!(found.is_err(), "edit {n} was not found: {edit}");
        conn.execute(
            "DELETE FROM audit; INSERT INTO audit SELECT * FROM rows_kept; \
             DELETE FROM audit_chains; INSERT INTO audit_chains SELECT * FROM heads_kept",
        )
        .await
        .unwrap();
    }
    assert_eq!(verify(&bed.store, &anchors).await, Ok(40));
}
