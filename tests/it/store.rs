//! What both engines keep alike.

use hotline::dialog::{Answer, Request};
use hotline::member::account::{Transaction, TransactionKind};
use hotline::member::money::Money;
use hotline::store::members::Imported;

use crate::support::{Bed, PIN, call, coverage, granted, member, on_both_engines, sign_in};

on_both_engines!(importing_again_changes_and_adds_nothing_twice, transactions_are_imported_once, many_are_imported);

async fn importing_again_changes_and_adds_nothing_twice(bed: Bed) {
    let mut someone = member(1);
    bed.import([someone.clone(), member(2)]).await;
    bed.import([someone.clone()]).await;
    assert_eq!(bed.store.count_members().await, Ok(2));
    someone.personal = None;
    someone.pooled.used = Money::parse("20000").unwrap();
    bed.import([someone.clone()]).await;
    let services = bed.services();
    let proof = granted(services.perform(&call("A"), 1, sign_in(bed.key(&someone), PIN)).await);
    let balance = services.perform(&call("A"), 2, Request::PersonalBalance(proof)).await;
    assert_eq!(balance, Answer::PersonalBalance(None));
    let fund = services.perform(&call("A"), 3, Request::PooledFund(proof)).await;
    assert_eq!(fund, Answer::PooledFund(someone.pooled, coverage(&someone)));
    assert_eq!(bed.number("SELECT COUNT(*) FROM identifiers").await, 4);
    assert_eq!(bed.number("SELECT COUNT(*) FROM accounts").await, 3);
}

async fn transactions_are_imported_once(bed: Bed) {
    let id = member(1).id_number;
    let transaction = |day: u8, amount: &str, place: &str| {
        let at = format!("2026-06-{day:02}T09:30:00Z").parse().unwrap();
        let yuan = |text| Money::parse(text).unwrap();
        let (kind, place) = (TransactionKind::Pharmacy, place.to_owned());
        let transaction = Transaction { at, kind, amount: yuan(amount), balance_after: yuan("1010.05"), place };
        (id.clone(), transaction)
    };
    let june = || vec![transaction(1, "35.60", "样例药店"), transaction(2, "35.60", "样例药店")];
    assert_eq!(bed.store.import_transactions(june()).await, Ok(Imported { new: 2, known: 0 }));
    let more = june().into_iter().chain([transaction(2, "35.61", "样例药店")]).collect();
    assert_eq!(bed.store.import_transactions(more).await, Ok(Imported { new: 1, known: 2 }));
    assert_eq!(bed.number("SELECT COUNT(*) FROM transactions").await, 3);
}

async fn many_are_imported(bed: Bed) {
    bed.import((0..2500).map(member)).await;
    assert_eq!(bed.store.count_members().await, Ok(2500));
    granted(bed.services().perform(&call("A"), 1, sign_in(bed.key(&member(2499)), PIN)).await);
}
