//! What lies on the disk tells nothing.

use hotline::dialog::Request;
use hotline::member::account::{Transaction, TransactionKind};
use hotline::member::money::Money;

use crate::support::{Bed, OWN_NUMBER, PIN, WRONG, call, granted, member, sign_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_busy_database_show_nothing_of_anybody() {
    let bed = Bed::sqlite().await;
    let people: Vec<_> = (0..50).map(member).collect();
    bed.import(people.clone()).await;
    let yuan = |text| Money::parse(text).unwrap();
    let transaction = Transaction {
        at: "2026-06-18T09:30:05Z".parse().unwrap(),
        kind: TransactionKind::Pharmacy,
        amount: yuan("35.60"),
        balance_after: yuan("1010.05"),
        place: "样例药店".to_owned(),
    };
    bed.store.import_transactions(vec![(people[0].id_number.clone(), transaction)]).await.unwrap();
    let services = bed.services();
    for (n, someone) in people.iter().enumerate() {
        let (call, who) = (call(&format!("call-{n}")), bed.key(someone));
        services.perform(&call, 1, sign_in(who, WRONG)).await;
        let proof = granted(services.perform(&call, 2, sign_in(who, PIN)).await);
        services.perform(&call, 3, Request::PersonalBalance(proof)).await;
        services.perform(&call, 4, Request::PooledFund(proof)).await;
    }

    let mut secrets: Vec<String> =
        ["样例人", "样例药店", PIN, WRONG, OWN_NUMBER, "1010.05", "310.05", "1234.56"].map(String::from).into();
    for someone in &people {
        secrets.push(someone.id_number.expose().to_owned());
        secrets.push(someone.id_number.expose()[6..14].to_owned());
        secrets.push(someone.card_number.as_ref().unwrap().digits().to_owned());
        secrets.push(someone.personal_number.as_ref().unwrap().expose().to_owned());
    }
    // Byte by byte as characters, because the standard library searches texts and not bytes.
    let text = |bytes: &[u8]| bytes.iter().map(|&b| char::from(b)).collect::<String>();
    let mut found_calls = false;
    for file in std::fs::read_dir(bed.dir.path()).unwrap().flatten() {
        let content = text(&std::fs::read(file.path()).unwrap());
        for secret in &secrets {
            assert!(!content.contains(&text(secret.as_bytes())), "{} shows {secret}", file.path().display());
        }
        // The platform's ids of calls do stand there to be read: the search finds what there is.
        found_calls |= content.contains("call-49");
    }
    assert!(found_calls);
}
