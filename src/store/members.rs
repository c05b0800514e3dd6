//! Who can sign in and what they have. Everything of a person is sealed; they are found by blind index.
//!
//! # Why an imported PIN is not hashed at once
//!
//! A register has a hundred thousand rows and more; argon2id at 20 ms each is half an hour of two cores for them. And a
//! re-import cannot tell cheaply whether a PIN has changed: whatever tells it in a microsecond tells whoever holds the
//! keys as fast, which is what argon2id is there to prevent. So an import stores the **keyed form** of the PIN,
//! HMAC-SHA256(pepper, member, PIN), and argon2id is laid around that: hash = argon2id(keyed form, salt, secret =
//! pepper). A sign-in computes both in any case (the same work for everybody), so the first right one stores the hash;
//! [`Store::keyed_pins`] and [`Store::harden_pin`] let an idle node do the same for those who never call.
//!
//! What a thief gets: with the dump alone, nothing in either form, because the pepper (256 bits) is not in it. With dump
//! and key ring, a keyed PIN in a second and a hardened one in some core-hours: the pepper, not the hash, protects six
//! digits.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::crypto::{Place, number_of, random};
use super::effects::TurnKey;
use super::{Store, StoreError, Tx, key_of};
use crate::member::account::{
    Benefit, CardStatus, ContributionStatus, Coverage, InsuranceStatus, Movements, PageSize, PersonalAccount,
    PooledFund, Scheme, StatementPage, Transaction, YearMonth,
};
use crate::member::card_number::CardNumber;
use crate::member::id_number::IdNumber;
use crate::member::mutual_aid::MutualAid;
use crate::member::{Identifier, IdentifierKind, Member, MemberId, MemberKey};
use crate::secret::PinDraft;

/// Members or transactions committed together by an import.
const BATCH: usize = 1000;
/// What a batch may take: it is nobody's call.
const BATCH_DEADLINE: Duration = Duration::from_secs(30);

/// A member's PIN as stored.
#[derive(Clone, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub(crate) struct PinRecord {
    /// What a right PIN comes to in this form.
    pub hash: [u8; 32],
    #[zeroize(skip)]
    pub form: PinForm,
    /// Given out, not chosen: it opens nothing.
    pub initial: bool,
    /// Another in each PIN that is put here, the same through every form of it: a change is of the one that was checked.
    #[zeroize(skip)]
    pub generation: [u8; 8],
    /// How it came here, unless it is the register's.
    #[zeroize(skip)]
    pub changed: Option<PinChanged>,
}

/// That a PIN was changed by telephone.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PinChanged {
    /// When.
    pub at: Timestamp,
    /// The call it was changed in, until it is told in another.
    pub untold: Option<[u8; 32]>,
    /// The register's PIN when it was: as long as the register has no other, this one stays.
    pub register: PinDraft,
}

impl PinRecord {
    /// The same PIN in another form.
    pub(crate) fn in_form(&self, hash: [u8; 32], form: PinForm) -> Self {
        Self { hash, form, initial: self.initial, generation: self.generation, changed: self.changed }
    }

    /// When it was changed, if that is to be told in `call`.
    pub(crate) fn news(&self, call: &[u8; 32]) -> Option<Timestamp> {
        self.changed.filter(|changed| changed.untold.is_some_and(|untold| untold != *call)).map(|changed| changed.at)
    }

    /// The same, told.
    pub(crate) fn told(mut self) -> Self {
        if let Some(changed) = &mut self.changed {
            changed.untold = None;
        }
        self
    }
}

/// How a PIN is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum PinForm {
    /// Keyed only, as imported.
    Keyed,
    /// The keyed form, hashed.
    Argon2id(HashCost, [u8; 16]),
}

/// What an argon2id hash costs; one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashCost {
    /// KiB of memory.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
}

impl HashCost {
    /// The least OWASP's password cheat sheet asks for: about 20 ms.
    pub const OWASP: Self = Self { memory: 19_456, passes: 2 };
    /// What ASVS 5.0, appendix C, asks for: more memory, one pass.
    pub const ASVS: Self = Self { memory: 47_104, passes: 1 };
}

/// A stored PIN, and what stood in its column when it was read: it is replaced only if that still stands there.
pub(crate) struct StoredPin {
    pub record: PinRecord,
    pub sealed: Vec<u8>,
}

/// A member whose PIN is stored in its keyed form.
pub struct KeyedPin {
    pub(crate) member: MemberId,
    pub(crate) stored: StoredPin,
}

impl fmt::Debug for KeyedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedPin(…)")
    }
}

/// What a sign-in needs to know of a member, beside their PIN.
pub(crate) struct Registered {
    pub id: IdNumber,
    pub card: Option<CardNumber>,
    pub scheme: Scheme,
}

/// A member's record as sealed; postcard, so fields are only ever added at the end of a new version of it.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    id_number: Cow<'a, str>,
    card_number: Option<Cow<'a, str>>,
    personal_number: Option<Cow<'a, str>>,
    name: Cow<'a, str>,
    scheme: Scheme,
    insurance_status: InsuranceStatus,
    contribution_status: ContributionStatus,
    last_contribution: YearMonth,
    outpatient_benefit: Benefit,
    inpatient_benefit: Benefit,
    card_status: CardStatus,
    benefits_from: Option<Date>,
}

impl<'a> Record<'a> {
    fn of(member: &'a Member) -> Self {
        Self {
            id_number: member.id_number.expose().into(),
            card_number: member.card_number.as_ref().map(|n| n.expose().into()),
            personal_number: member.personal_number.as_ref().map(|n| n.expose().into()),
            name: member.name.expose().into(),
            scheme: member.scheme,
            insurance_status: member.insurance_status,
            contribution_status: member.contribution_status,
            last_contribution: member.last_contribution,
            outpatient_benefit: member.outpatient_benefit,
            inpatient_benefit: member.inpatient_benefit,
            card_status: member.card_status,
            benefits_from: member.benefits_from,
        }
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let numbers =
            [Some(&mut self.id_number), self.card_number.as_mut(), self.personal_number.as_mut(), Some(&mut self.name)];
        for text in numbers.into_iter().flatten() {
            if let Cow::Owned(text) = text {
                text.zeroize();
            }
        }
    }
}

/// What is kept of a member's accounts, as numbered in the database.
#[derive(Clone, Copy)]
enum AccountKind {
    Personal = 0,
    Pooled = 1,
    /// A file of its own brings it, so an import of members leaves it as it is.
    MutualAid = 2,
}

impl AccountKind {
    fn column(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Pooled => "pooled",
            Self::MutualAid => "mutual_aid",
        }
    }
}

/// What an import of transactions did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows that are there now and were not.
    pub new: u64,
    /// Rows that were there before.
    pub known: u64,
}

impl Store {
    /// Writes `members`, new or in place of what is stored of them; found on calls by their numbers, and by what each
    /// card rule takes of their card's. A thousand at a time, each thousand wholly or not at all; repeating it does no harm.
    ///
    /// # Errors
    /// What [`StoreError`] names; the thousands before are written.
    pub async fn import_members(&self, members: Vec<Member>) -> Result<(), StoreError> {
        for batch in batches(members) {
            self.write_within(BATCH_DEADLINE, move |mut tx| {
                Box::pin(async move {
                    for member in &batch {
                        tx.put_member(member).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        Ok(())
    }

    /// Writes `transactions`, of members who may be imported later or never. One that is there (same member, time, kind, amount
    /// and balance) stays as it is, so a file may be imported again, or overlap with the last.
    ///
    /// # Errors
    /// What [`StoreError`] names; the thousands before are written.
    pub async fn import_transactions(
        &self,
        transactions: Vec<(IdNumber, Transaction)>,
    ) -> Result<Imported, StoreError> {
        let mut imported = Imported::default();
        for batch in batches(transactions) {
            let rows = batch.len() as u64;
            let new = self
                .write_within(BATCH_DEADLINE, move |mut tx| {
                    Box::pin(async move {
                        let mut new = 0;
                        for (id, transaction) in &batch {
                            let member = tx.member_id(id);
                            new += tx.put_transaction(member, transaction).await?;
                        }
                        Ok(new)
                    })
                })
                .await?;
            imported.new += new;
            imported.known += rows - new;
        }
        Ok(imported)
    }

    /// Writes for whom members let their accounts pay, in place of what is stored of each; they may be imported later or
    /// never. Repeating it does no harm.
    ///
    /// # Errors
    /// What [`StoreError`] names; the thousands before are written.
    pub async fn import_mutual_aid(&self, families: Vec<(IdNumber, MutualAid)>) -> Result<(), StoreError> {
        for batch in batches(families) {
            self.write_within(BATCH_DEADLINE, move |mut tx| {
                Box::pin(async move {
                    for (id, aid) in &batch {
                        let member = tx.member_id(id);
                        tx.put_account(member, AccountKind::MutualAid, aid).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        }
        Ok(())
    }

    /// The indexes of the card numbers, by either rule, that several members share: none of them is found by it.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn shared_cards(&self) -> Result<HashSet<[u8; 32]>, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let shared = "SELECT idx FROM identifiers WHERE kind = $1 GROUP BY idx HAVING COUNT(*) > 1";
                let rows = sqlx::query(shared)
                    .bind(i64::from(number_of(IdentifierKind::Card)))
                    .fetch_all(&mut *tx.conn)
                    .await?;
                rows.iter().map(|row| key_of(row, "idx")).collect()
            })
        })
        .await
    }

    /// How many members are stored.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn count_members(&self) -> Result<u64, StoreError> {
        self.read(|tx| {
            Box::pin(async move {
                let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM members").fetch_one(tx.conn).await?;
                Ok(count.unsigned_abs())
            })
        })
        .await
    }

    /// Some members whose PIN is stored in its keyed form only, `most` at most.
    ///
    /// # Errors
    /// What [`StoreError`] names.
    pub async fn keyed_pins(&self, most: u16) -> Result<Vec<KeyedPin>, StoreError> {
        self.read(move |tx| {
            Box::pin(async move {
                let rows =
                    sqlx::query("SELECT member, pin FROM members WHERE pin_hardened = 0 AND pin IS NOT NULL LIMIT $1")
                        .bind(i64::from(most))
                        .fetch_all(&mut *tx.conn)
                        .await?;
                let open = |row| {
                    let member = MemberId(key_of(row, "member")?);
                    let sealed: Vec<u8> = row.try_get("pin")?;
                    Ok(KeyedPin {
                        member,
                        stored: StoredPin { record: tx.seals.open(pin_of(&member), &sealed)?, sealed },
                    })
                };
                rows.iter().map(open).collect()
            })
        })
        .await
    }

    /// Puts `hardened` in the place of what stood there when `pin` was read, unless something else stands there now.
    pub(crate) async fn harden_pin(&self, pin: KeyedPin, hardened: PinRecord) -> Result<(), StoreError> {
        self.write(move |mut tx| Box::pin(async move { tx.replace_pin(pin.member, &pin.stored, &hardened).await }))
            .await
            .map(drop)
    }
}

impl Tx<'_> {
    /// Who a member is: the blind index of their ID number.
    fn member_id(&self, id: &IdNumber) -> MemberId {
        MemberId(self.seals.member_key(&Identifier::Id(id.clone())).index)
    }

    /// Whom `key` means. `None`: nobody, or more than one. An ID number means whoever has it, so for one nothing is
    /// looked up: that nobody has it shows when nothing is found under it.
    pub(crate) async fn find(&mut self, key: &MemberKey) -> Result<Option<MemberId>, StoreError> {
        if key.kind == IdentifierKind::Id {
            return Ok(Some(MemberId(key.index)));
        }
        let rows = sqlx::query("SELECT member FROM identifiers WHERE kind = $1 AND idx = $2 LIMIT 2")
            .bind(i64::from(number_of(key.kind)))
            .bind(key.index.as_slice())
            .fetch_all(&mut *self.conn)
            .await?;
        match rows.as_slice() {
            [row] => Ok(Some(MemberId(key_of(row, "member")?))),
            _ => Ok(None),
        }
    }

    /// The stored PIN of `member`. `None`: there is none, or no such member.
    pub(crate) async fn pin(&mut self, member: MemberId) -> Result<Option<StoredPin>, StoreError> {
        let sealed: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT pin FROM members WHERE member = $1")
            .bind(member.0.as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        let Some(sealed) = sealed.flatten() else { return Ok(None) };
        Ok(Some(StoredPin { record: self.seals.open(pin_of(&member), &sealed)?, sealed }))
    }

    /// Puts `new` in the place of `stored`, unless something else stands there now; whether it does.
    pub(crate) async fn replace_pin(
        &mut self,
        member: MemberId,
        stored: &StoredPin,
        new: &PinRecord,
    ) -> Result<bool, StoreError> {
        let sealed = self.seals.seal(pin_of(&member), new)?;
        let replaced = sqlx::query("UPDATE members SET pin = $3, pin_hardened = $4 WHERE member = $1 AND pin = $2")
            .bind(member.0.as_slice())
            .bind(stored.sealed.as_slice())
            .bind(sealed)
            .bind(i64::from(new.form != PinForm::Keyed))
            .execute(&mut *self.conn)
            .await?;
        Ok(replaced.rows_affected() == 1)
    }

    /// Puts a PIN that was changed in `turn` in the place of `stored`, unless something else stands there now; whether it
    /// does. `old` is what it was changed from.
    pub(crate) async fn change_pin(
        &mut self,
        member: MemberId,
        stored: &StoredPin,
        hash: [u8; 32],
        form: PinForm,
        old: PinDraft,
        turn: &TurnKey,
    ) -> Result<bool, StoreError> {
        let changed = PinChanged {
            at: self.now,
            untold: Some(self.seals.call(turn.dialect, &turn.call)),
            register: stored.record.changed.map_or(old, |before| before.register),
        };
        let new = PinRecord { hash, form, initial: false, generation: random()?, changed: Some(changed) };
        self.replace_pin(member, stored, &new).await
    }

    /// Whether `key` is a number of `member`, be it also another's.
    pub(crate) async fn has_number(&mut self, member: MemberId, key: &MemberKey) -> Result<bool, StoreError> {
        if key.kind == IdentifierKind::Id {
            return Ok(key.index == member.0);
        }
        let row = sqlx::query("SELECT 1 FROM identifiers WHERE kind = $1 AND idx = $2 AND member = $3")
            .bind(i64::from(number_of(key.kind)))
            .bind(key.index.as_slice())
            .bind(member.0.as_slice())
            .fetch_optional(&mut *self.conn)
            .await?;
        Ok(row.is_some())
    }

    /// The state of the card of `member`.
    pub(crate) async fn card_status(&mut self, member: MemberId) -> Result<CardStatus, StoreError> {
        Ok(self.record(member).await?.card_status)
    }

    /// The ID and card numbers of `member`, against which a PIN is too easy or not, and their scheme.
    pub(crate) async fn registered(&mut self, member: MemberId) -> Result<Registered, StoreError> {
        let record = self.record(member).await?;
        let unreadable = StoreError::Unreadable("members");
        let id = IdNumber::parse(&record.id_number, Date::MAX).map_err(|_| unreadable)?;
        let card = record.card_number.as_deref().map(CardNumber::parse).transpose().map_err(|_| unreadable)?;
        Ok(Registered { id, card, scheme: record.scheme })
    }

    async fn record(&mut self, member: MemberId) -> Result<Record<'static>, StoreError> {
        let sealed: Vec<u8> = sqlx::query_scalar("SELECT record FROM members WHERE member = $1")
            .bind(member.0.as_slice())
            .fetch_one(&mut *self.conn)
            .await?;
        self.seals.open(record_of(&member), &sealed)
    }

    /// 缴费与待遇状态.
    pub(crate) async fn coverage(&mut self, member: MemberId) -> Result<Coverage, StoreError> {
        let record = self.record(member).await?;
        Ok(Coverage {
            scheme: record.scheme,
            insurance: record.insurance_status,
            contribution: record.contribution_status,
            last_contribution: record.last_contribution,
            outpatient: record.outpatient_benefit,
            inpatient: record.inpatient_benefit,
            benefits_from: record.benefits_from,
        })
    }

    /// The member's card and its state, as imported; `None`: there is none.
    pub(super) async fn registered_card(
        &mut self,
        member: MemberId,
    ) -> Result<Option<(CardNumber, CardStatus)>, StoreError> {
        let record = self.record(member).await?;
        let Some(number) = record.card_number.as_deref() else { return Ok(None) };
        let number = CardNumber::parse(number).map_err(|_| StoreError::Unreadable("members"))?;
        Ok(Some((number, record.card_status)))
    }

    /// A page of 收支明细; `None`: the member has no personal account.
    ///
    /// When something moved is sealed like the rest, so a member's rows are all opened and sorted here: hundreds at
    /// most, at microseconds each. Ordered by key first, so that of two in one millisecond the order is always the same.
    pub(crate) async fn statement(
        &mut self,
        member: MemberId,
        which: Movements,
        size: PageSize,
        page: u8,
    ) -> Result<Option<StatementPage>, StoreError> {
        if self.personal_account(member).await?.is_none() {
            return Ok(None);
        }
        let rows = sqlx::query("SELECT entry, record FROM transactions WHERE member = $1 ORDER BY entry")
            .bind(member.0.as_slice())
            .fetch_all(&mut *self.conn)
            .await?;
        let open = |row| {
            let place = [member.0, key_of(row, "entry")?].concat();
            self.seals.open(transaction_at(&place), row.try_get("record")?)
        };
        let transactions = rows.iter().map(open).collect::<Result<Vec<Transaction>, StoreError>>()?;
        Ok(Some(StatementPage::of(transactions, which, size, page)))
    }

    /// 个人账户; `None`: the member has none.
    pub(crate) async fn personal_account(&mut self, member: MemberId) -> Result<Option<PersonalAccount>, StoreError> {
        self.account(member, AccountKind::Personal).await
    }

    /// 统筹基金.
    pub(crate) async fn pooled_fund(&mut self, member: MemberId) -> Result<PooledFund, StoreError> {
        self.account(member, AccountKind::Pooled).await?.ok_or(StoreError::Missing("accounts"))
    }

    /// 家庭共济; `None`: the member has no account to share.
    pub(crate) async fn mutual_aid(&mut self, member: MemberId) -> Result<Option<MutualAid>, StoreError> {
        if self.personal_account(member).await?.is_none() {
            return Ok(None);
        }
        // Of whom the file says nothing, nobody is bound.
        Ok(Some(self.account(member, AccountKind::MutualAid).await?.unwrap_or_default()))
    }

    async fn account<T: serde::de::DeserializeOwned>(
        &mut self,
        member: MemberId,
        kind: AccountKind,
    ) -> Result<Option<T>, StoreError> {
        let sealed: Option<Vec<u8>> = sqlx::query_scalar("SELECT record FROM accounts WHERE member = $1 AND kind = $2")
            .bind(member.0.as_slice())
            .bind(kind as i64)
            .fetch_optional(&mut *self.conn)
            .await?;
        sealed.map(|sealed| self.seals.open(account_of(&member, kind), &sealed)).transpose()
    }

    async fn put_member(&mut self, member: &Member) -> Result<(), StoreError> {
        let id = self.member_id(&member.id_number);
        let record = self.seals.seal(record_of(&id), &Record::of(member))?;
        // Written only to lock the row in both engines: a change by telephone comes before or after, never in between.
        let was_there: Option<Option<Vec<u8>>> =
            sqlx::query_scalar("UPDATE members SET updated_at = updated_at WHERE member = $1 RETURNING pin")
                .bind(id.0.as_slice())
                .fetch_optional(&mut *self.conn)
                .await?;
        let (pin, hardened) = self.imported_pin(id, member, was_there.as_ref().and_then(Option::as_deref))?;
        sqlx::query(
            "INSERT INTO members (member, record, pin, pin_hardened, updated_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (member) DO UPDATE SET record = $2, pin = $3, pin_hardened = $4, updated_at = $5",
        )
        .bind(id.0.as_slice())
        .bind(record)
        .bind(pin)
        .bind(i64::from(hardened))
        .bind(self.now.as_millisecond())
        .execute(&mut *self.conn)
        .await?;

        if was_there.is_some() {
            sqlx::query("DELETE FROM identifiers WHERE member = $1")
                .bind(id.0.as_slice())
                .execute(&mut *self.conn)
                .await?;
            // Who is a resident now has no personal account any more.
            sqlx::query("DELETE FROM accounts WHERE member = $1 AND kind = $2")
                .bind(id.0.as_slice())
                .bind(AccountKind::Personal as i64)
                .execute(&mut *self.conn)
                .await?;
        }
        for identifier in member.every_identifier() {
            let key = self.seals.member_key(&identifier);
            // An ID number needs no row: its index is the member.
            if key.kind != IdentifierKind::Id {
                sqlx::query("INSERT INTO identifiers (kind, idx, member) VALUES ($1, $2, $3)")
                    .bind(i64::from(number_of(key.kind)))
                    .bind(key.index.as_slice())
                    .bind(id.0.as_slice())
                    .execute(&mut *self.conn)
                    .await?;
            }
        }
        if let Some(personal) = &member.personal {
            self.put_account(id, AccountKind::Personal, personal).await?;
        }
        self.put_account(id, AccountKind::Pooled, &member.pooled).await
    }

    /// What the import of `member` leaves of the PIN that is `stored`, and whether that is hashed. The register does not know
    /// of a change by telephone: while it has the PIN it had then, what was chosen stays.
    fn imported_pin(
        &self,
        id: MemberId,
        member: &Member,
        stored: Option<&[u8]>,
    ) -> Result<(Option<Vec<u8>>, bool), StoreError> {
        let Some(pin) = &member.pin else { return Ok((None, false)) };
        if let Some(sealed) = stored {
            let kept: PinRecord = self.seals.open(pin_of(&id), sealed)?;
            if kept.changed.is_some_and(|changed| changed.register.matches(&self.seals.draft(id, pin))) {
                return Ok((Some(sealed.to_vec()), kept.form != PinForm::Keyed));
            }
        }
        let record = PinRecord {
            hash: *self.seals.pin(id, pin),
            form: PinForm::Keyed,
            initial: member.pin_is_initial,
            generation: random()?,
            changed: None,
        };
        Ok((Some(self.seals.seal(pin_of(&id), &record)?), false))
    }

    async fn put_account<T: Serialize + Sync>(
        &mut self,
        member: MemberId,
        kind: AccountKind,
        account: &T,
    ) -> Result<(), StoreError> {
        let sealed = self.seals.seal(account_of(&member, kind), account)?;
        sqlx::query(
            "INSERT INTO accounts (member, kind, record) VALUES ($1, $2, $3) \
             ON CONFLICT (member, kind) DO UPDATE SET record = $3",
        )
        .bind(member.0.as_slice())
        .bind(kind as i64)
        .bind(sealed)
        .execute(&mut *self.conn)
        .await?;
        Ok(())
    }

    /// How many rows are new: one or none.
    async fn put_transaction(&mut self, member: MemberId, transaction: &Transaction) -> Result<u64, StoreError> {
        let entry = self.seals.entry(&[
            &member.0,
            &transaction.at.as_millisecond().to_be_bytes(),
            transaction.kind.as_str().as_bytes(),
            &transaction.amount.fen().to_be_bytes(),
            &transaction.balance_after.fen().to_be_bytes(),
        ]);
        let row = [member.0, entry].concat();
        let sealed = self.seals.seal(transaction_at(&row), transaction)?;
        let inserted =
            sqlx::query("INSERT INTO transactions (member, entry, record) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(member.0.as_slice())
                .bind(entry.as_slice())
                .bind(sealed)
                .execute(&mut *self.conn)
                .await?;
        Ok(inserted.rows_affected())
    }
}

impl PinForm {
    /// The hashed form at `cost`, with fresh salt.
    pub(crate) fn hashed(cost: HashCost) -> Result<Self, StoreError> {
        Ok(Self::Argon2id(cost, random()?))
    }
}

fn batches<T>(rows: Vec<T>) -> impl Iterator<Item = Vec<T>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let batch: Vec<T> = rows.by_ref().take(BATCH).collect();
        (!batch.is_empty()).then_some(batch)
    })
}

fn record_of(member: &MemberId) -> Place<'_> {
    Place { table: "members", column: "record", row: &member.0 }
}

fn pin_of(member: &MemberId) -> Place<'_> {
    Place { table: "members", column: "pin", row: &member.0 }
}

fn transaction_at(row: &[u8]) -> Place<'_> {
    Place { table: "transactions", column: "record", row }
}

fn account_of(member: &MemberId, kind: AccountKind) -> Place<'_> {
    Place { table: "accounts", column: kind.column(), row: &member.0 }
}
