//! What both engines keep alike.

use hotline::call::caller::CallEnd;
use hotline::dialog::{Answer, Request};
use hotline::member::Member;
use hotline::member::account::{Movements, PageSize, StatementEntry, StatementPage, Transaction, TransactionKind};
use hotline::member::money::Money;
use hotline::store::members::Imported;

use crate::support::{Bed, PIN, call, coverage, granted, member, on_both_engines, sign_in};

on_both_engines!(
    importing_again_changes_and_adds_nothing_twice,
    transactions_are_imported_once,
    many_are_imported,
    a_statement_is_read_page_by_page,
);

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
    // The ID number, and the card number by each of the two rules.
    assert_eq!(bed.number("SELECT COUNT(*) FROM identifiers").await, 6);
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

async fn a_statement_is_read_page_by_page(bed: Bed) {
    use TransactionKind::{Adjustment, Credit, Pharmacy};

    let (mut someone, mut resident) = (member(1), member(2));
    someone.benefits_from = Some(jiff::civil::date(2026, 9, 1));
    resident.personal = None;
    bed.import([someone.clone(), resident.clone()]).await;
    let moved = |whose: &Member, day: u8, kind, amount: &str| {
        let at = format!("2026-06-{day:02}T09:30:00.125Z").parse().unwrap();
        let yuan = |text| Money::parse(text).unwrap();
        let (amount, balance_after, place) = (yuan(amount), yuan("-100.40"), "样例药店".to_owned());
        (whose.id_number.clone(), Transaction { at, kind, amount, balance_after, place })
    };
    // Two of one moment among them, out of order, and somebody else's.
    let june = vec![
        moved(&someone, 3, Pharmacy, "3"),
        moved(&someone, 5, Adjustment, "-120.40"),
        moved(&someone, 1, Credit, "1"),
        moved(&someone, 4, Pharmacy, "4"),
        moved(&someone, 4, Credit, "4.01"),
        moved(&resident, 6, Credit, "6"),
        moved(&someone, 2, Credit, "2"),
    ];
    bed.store.import_transactions(june).await.unwrap();
    let (services, calls) = (bed.services(), call("A"));
    let proof = granted(services.perform(&calls, 1, sign_in(bed.key(&someone), PIN)).await);
    let page = |which, page| Request::Transactions { proof, which, size: PageSize::Three, page };
    let told = |answer: Answer| match answer {
        Answer::Transactions(Some(StatementPage { entries, more })) => {
            let fen = entries.iter().map(|entry: &StatementEntry| entry.amount.fen()).collect::<Vec<_>>();
            (fen, more)
        }
        other => panic!("no page: {other:?}"),
    };
    let first = services.perform(&calls, 2, page(Movements::Everything, 0)).await;
    let second = told(services.perform(&calls, 3, page(Movements::Everything, 1)).await);
    let (mut newest, more) = told(first.clone());
    assert!(more && newest[0] == -12_040);
    newest[1..].sort_unstable();
    assert_eq!(newest, [-12_040, 400, 401]);
    assert_eq!(second, (vec![300, 200, 100], false));
    assert_eq!(told(services.perform(&calls, 4, page(Movements::Everything, 2)).await), (vec![], false));
    let spending = told(services.perform(&calls, 5, page(Movements::Spending, 0)).await);
    assert_eq!(spending, (vec![-12_040, 400, 300], false));
    assert_eq!(told(services.perform(&calls, 6, page(Movements::Credits, 0)).await), (vec![401, 200, 100], false));
    assert_eq!(bed.events().await[2..], ["read_transactions"; 5]);

    // Once told, a turn tells the same, whatever has moved since; and another page is another question.
    bed.store.import_transactions(vec![moved(&someone, 7, Credit, "7")]).await.unwrap();
    assert_eq!(services.perform(&calls, 2, page(Movements::Everything, 0)).await, first);
    for other in [page(Movements::Everything, 1), page(Movements::Spending, 0), Request::Coverage(proof)] {
        assert_eq!(services.perform(&calls, 2, other).await, Answer::Superseded);
    }
    assert_eq!(bed.events().await.len(), 7);
    assert_eq!(told(services.perform(&calls, 7, page(Movements::Everything, 0)).await).0[0], 700);
    assert_eq!(services.perform(&calls, 8, Request::Coverage(proof)).await, Answer::Coverage(coverage(&someone)));
    assert_eq!(bed.events().await[7..], ["read_transactions", "read_status"]);
    services.end_call(&calls, CallEnd::Completed).await;
    assert_eq!(services.perform(&calls, 2, page(Movements::Everything, 0)).await, Answer::CallEnded);

    let proof = granted(services.perform(&call("B"), 1, sign_in(bed.key(&resident), PIN)).await);
    let all = Request::Transactions { proof, which: Movements::Everything, size: PageSize::Three, page: 0 };
    assert_eq!(services.perform(&call("B"), 2, all).await, Answer::Transactions(None));
}
