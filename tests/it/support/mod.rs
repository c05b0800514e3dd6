//! What the tests stand on: real stores of both engines, invented members, calls.
pub mod caller;
pub mod cloud;
pub mod family;
pub mod gateway;
pub mod handset;
pub mod line;
pub mod postgres;
pub mod served;
pub mod switch;
pub mod tree;

use std::sync::Arc;
use std::time::Duration;

use hotline::call::caller::{Call, Caller};
use hotline::clock::Clock;
use hotline::dialog::{Answer, Request, SignInOutcome, SignedIn};
use hotline::keys::KeyRing;
use hotline::member::account::{
    Benefit, CardStatus, ContributionStatus, Coverage, InsuranceStatus, PersonalAccount, PooledFund, Scheme, YearMonth,
};
use hotline::member::card_number::CardNumber;
use hotline::member::id_number::IdNumber;
use hotline::member::money::Money;
use hotline::member::personal_number::PersonalNumber;
use hotline::member::{Identifier, Member, MemberKey};
use hotline::secret::{Pin, Secret};
use hotline::service::{HashSettings, Hasher, Services};
use hotline::store::members::HashCost;
use hotline::store::throttle::{CallerLimits, TryLimits};
use hotline::store::{Store, StoreSettings};
use jiff::civil::{Date, date};
use sqlx::Connection;
use sqlx::any::AnyRow;

/// Runs each test, a function of a [`Bed`], on both engines.
macro_rules! on_both_engines {
    ($($(#[$about:meta])* $name:ident),+ $(,)?) => {
        mod on_sqlite {
            $($(#[$about])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::Bed::sqlite().await).await })+
        }
        mod on_postgres {
            $($(#[$about])* #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name(crate::support::Bed::postgres().await).await })+
        }
    };
}
pub(crate) use on_both_engines;

/// The cheapest argon2id there is: what is tested is not how long it takes.
pub const HASH: HashSettings = HashSettings { cost: HashCost { memory: 8, passes: 1 }, at_once: 2, waiting: 200 };

/// The shipped limits, but that one telephone may call for everybody: what it may not, `abuse.rs` is about.
pub fn limits() -> TryLimits {
    let callers = CallerLimits { persons_an_hour: 1000, failures_a_day: 1000, ..CallerLimits::default() };
    TryLimits { callers, ..TryLimits::default() }
}

pub const PIN: &str = "384027";
pub const WRONG: &str = "950318";

/// A store of its own, empty, and a clock that stands.
pub struct Bed {
    pub store: Store,
    pub clock: Clock,
    pub settings: StoreSettings,
    /// Where the files of `SQLite` are.
    pub dir: tempfile::TempDir,
}

impl Bed {
    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = StoreSettings::sqlite(&dir.path().join("hot line.db"));
        Self::open(settings, dir).await
    }

    pub async fn postgres() -> Self {
        Self::open(StoreSettings::url(postgres::shared().database().await), tempfile::tempdir().unwrap()).await
    }

    pub async fn open(mut settings: StoreSettings, dir: tempfile::TempDir) -> Self {
        // Two cores run all tests at once: nothing here is about being fast.
        settings.deadline = Duration::from_secs(20);
        let clock = Clock::manual("2026-07-01T00:00:00Z".parse().unwrap());
        let store = Store::open(&settings, keys(), clock.clone()).await.unwrap();
        Self { store, clock, settings, dir }
    }

    /// What another node has: the same database, connections of its own.
    pub async fn another_node(&self, name: &str) -> Store {
        let settings = StoreSettings { node: name.into(), ..self.settings.clone() };
        Store::open(&settings, keys(), self.clock.clone()).await.unwrap()
    }

    pub fn services(&self) -> Services {
        Services::new(self.store.clone(), Hasher::new(HASH), limits())
    }

    pub async fn import(&self, members: impl IntoIterator<Item = Member>) {
        self.store.import_members(members.into_iter().collect()).await.unwrap();
    }

    pub fn key(&self, member: &Member) -> MemberKey {
        self.store.seals().member_key(&Identifier::Id(member.id_number.clone()))
    }

    pub async fn rows(&self, sql: &'static str) -> Vec<AnyRow> {
        let mut conn = sqlx::AnyConnection::connect(self.settings.url.expose()).await.unwrap();
        sqlx::query(sql).fetch_all(&mut conn).await.unwrap()
    }

    /// The one number that `sql` asks for.
    pub async fn number(&self, sql: &'static str) -> i64 {
        use sqlx::Row;
        self.rows(sql).await[0].get(0)
    }

    /// The events of the audit in their order, of one node.
    pub async fn events(&self) -> Vec<String> {
        use sqlx::Row;
        self.rows("SELECT event FROM audit ORDER BY chain, seq").await.iter().map(|row| row.get(0)).collect()
    }
}

pub fn keys() -> Arc<KeyRing> {
    let ring = "current = 1\n[keys]\n1 = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n";
    Arc::new(KeyRing::parse("keys", ring).unwrap())
}

/// The `n`-th of many people who do not exist. Their PIN is [`PIN`].
pub fn member(n: u32) -> Member {
    let birth = date(1950, 1, 1).saturating_add(jiff::Span::new().days(i64::from(n / 1000)));
    let body = format!("110105{:04}{:02}{:02}{:03}", birth.year(), birth.month(), birth.day(), n % 1000);
    let id =
        "0123456789X".chars().find_map(|check| IdNumber::parse(&format!("{body}{check}"), Date::MAX).ok()).unwrap();
    let as_of = date(2026, 6, 30);
    let yuan = |text| Money::parse(text).unwrap();
    Member {
        id_number: id,
        card_number: Some(CardNumber::parse(&format!("A{:08}", 70_000_000 + n)).unwrap()),
        personal_number: Some(PersonalNumber::parse(&format!("{:010}", 8_000_000_000_u64 + u64::from(n))).unwrap()),
        name: Secret::new("样例人"),
        scheme: Scheme::Employee,
        insurance_status: InsuranceStatus::Active,
        contribution_status: ContributionStatus::Paid,
        last_contribution: YearMonth { year: 2026, month: 6 },
        outpatient_benefit: Benefit::Normal,
        inpatient_benefit: Benefit::Normal,
        benefits_from: None,
        card_status: CardStatus::Normal,
        pin: Pin::parse(PIN),
        pin_is_initial: false,
        personal: Some(PersonalAccount::new(yuan("310.05"), yuan("700"), as_of).unwrap()),
        pooled: PooledFund {
            year: 2026,
            deductible: yuan("1800"),
            deductible_met: yuan("450.50"),
            limit: Some(yuan("20000")),
            used: yuan("1234.56"),
            as_of,
        },
    }
}

/// How `member` is insured.
pub fn coverage(member: &Member) -> Coverage {
    Coverage {
        scheme: member.scheme,
        insurance: member.insurance_status,
        contribution: member.contribution_status,
        last_contribution: member.last_contribution,
        outpatient: member.outpatient_benefit,
        inpatient: member.inpatient_benefit,
        benefits_from: member.benefits_from,
    }
}

pub const OWN_NUMBER: &str = "13800000001";

/// A call from [`OWN_NUMBER`].
pub fn call(id: &str) -> Call {
    call_from(id, OWN_NUMBER)
}

pub fn call_from(id: &str, caller: &str) -> Call {
    Call { dialect: "test", id: id.into(), caller: Caller::parse(caller), dialled: "12333".into() }
}

pub fn sign_in(who: MemberKey, pin: &str) -> Request {
    Request::SignIn { who, pin: Pin::parse(pin).unwrap(), initial: None }
}

pub const REFUSED: Answer = Answer::SignIn(SignInOutcome::Refused);

#[track_caller]
pub fn granted(answer: Answer) -> SignedIn {
    match answer {
        Answer::SignIn(SignInOutcome::Granted(proof, _)) => proof,
        other => panic!("not granted: {other:?}"),
    }
}

/// For how many minutes `answer` says to be locked.
#[track_caller]
pub fn locked_minutes(answer: &Answer) -> i64 {
    match answer {
        Answer::SignIn(SignInOutcome::Locked { until, at }) => (until.as_second() - at.as_second()) / 60,
        other => panic!("not locked: {other:?}"),
    }
}
