//! What a transcript says of members' data, held against the store: as it was before the first call, and as it is.
//!
//! It is read as calls read it, but nothing is written, audited or counted for it.

use super::InProcess;
use crate::member::account::{CardStatus, PersonalAccount};
use crate::member::money::Money;
use crate::member::{Identifier, IdentifierKind, MemberId, MemberKey};
use crate::replay::readings::{Readings, member_of};
use crate::replay::transcript::{Account, Change, Data, Transcript, Truth, What};
use crate::replay::words::{CARDS, NOTHING, shown};
use crate::secret::Pin;
use crate::server::hashing;
use crate::service::{Hasher, is_in_force};
use crate::store::{Store, StoreError};

/// One thing that a transcript says, with what it takes to look at it.
pub(super) struct Asked {
    account: Account,
    member: MemberId,
    /// The PINs it names: the one that was, and the one that is.
    pins: Option<Change<Pin>>,
    /// How it was before the first call.
    before: Found,
}

/// What is stored of a member, as far as it is asked for.
enum Found {
    Card(Option<CardStatus>),
    Balance(Option<Money>),
    WrongPins(u64),
    /// Whether it is the one that was named.
    Pin(bool),
}

impl InProcess {
    /// Looks at what `transcript` will ask of members' data; nothing if it asks for nothing.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn remember(&mut self, transcript: &Transcript, readings: &Readings<'_>) -> Result<(), String> {
        for step in &transcript.steps {
            let What::True(Truth::Account(account)) = &step.what else { continue };
            let secret = transcript.header.secrets.iter().find(|secret| secret.name == account.whose);
            let member = secret.and_then(|secret| member_of(secret.whose, &self.set.members));
            let member = member.ok_or_else(|| format!("nobody is known by ${}", account.whose))?;
            let key = self.store().seals().member_key(&Identifier::Id(member.id_number.clone()));
            let pin = |name: &String| readings.keys_of(name).and_then(Pin::from_keys);
            let pins = match &account.what {
                Data::Pin(Change { was, is }) => {
                    let pins = pin(was).zip(pin(is)).map(|(was, is)| Change { was, is });
                    Some(pins.ok_or_else(|| format!("${was} and ${is} are no PINs"))?)
                }
                _ => None,
            };
            let member = MemberId(key.index);
            let before = self.found(&account.what, member, pins.as_ref().map(|pins| &pins.was)).await?;
            self.asked.push(Asked { account: account.clone(), member, pins, before });
        }
        Ok(())
    }

    /// Whether the data is, and was, as `account` says.
    pub(super) async fn is_so(&self, account: &Account) -> Result<(), String> {
        self.settle().await;
        let asked = self.asked.iter().find(|asked| asked.account == *account);
        let asked = asked.ok_or("it was not looked at before the first call")?;
        let Asked { member, pins, before, .. } = asked;
        let now = self.found(&account.what, *member, pins.as_ref().map(|pins| &pins.is)).await?;
        let of = &account.whose;
        let wrong = match (&account.what, before, &now) {
            (Data::Card(change), Found::Card(was), Found::Card(is)) => {
                compare(&format!("the card of ${of}"), change, [was, is], |card| {
                    CARDS.iter().find(|(_, known)| known == card).map(|(word, _)| shown(word)).unwrap_or_default()
                })
            }
            (Data::Balance(change), Found::Balance(was), Found::Balance(is)) => {
                let plain = |balance: &Option<Money>| balance.map_or_else(|| shown(NOTHING), Money::to_plain);
                compare(&format!("the balance of ${of}"), change, [was, is], plain)
            }
            (Data::WrongPins(change), Found::WrongPins(was), Found::WrongPins(is)) => {
                compare(&format!("the number of wrong PINs of ${of}"), change, [was, is], u64::to_string)
            }
            (Data::Pin(Change { was, is }), Found::Pin(right_before), Found::Pin(right)) => {
                let before = format!("before the first call the PIN of ${of} was not ${was}");
                let now = format!("the PIN of ${of} is not ${is}");
                [(!right_before).then_some(before), (!right).then_some(now)]
            }
            _ => return Err("something else was looked at before the first call".to_owned()),
        };
        let wrong: Vec<String> = wrong.into_iter().flatten().collect();
        if wrong.is_empty() { Ok(()) } else { Err(wrong.join("; ")) }
    }

    async fn found(&self, what: &Data, member: MemberId, pin: Option<&Pin>) -> Result<Found, String> {
        let store = self.store();
        let read = match what {
            Data::Card(_) => card(store, member).await.map(Found::Card),
            Data::Balance(_) => balance(store, member).await.map(Found::Balance),
            Data::WrongPins(_) => wrong_pins(store, member).await.map(Found::WrongPins),
            Data::Pin(_) => {
                let Some(pin) = pin else { return Ok(Found::Pin(false)) };
                let right = is_in_force(store, &Hasher::new(hashing(&self.set.settings)), member, pin).await;
                return right.map(Found::Pin).map_err(|e| format!("the PIN cannot be looked at: {e}"));
            }
        };
        read.map_err(|e| format!("the account cannot be read: {e}"))
    }

    fn store(&self) -> &Store {
        self.app.driver().services().store()
    }
}

/// What is otherwise than `change` says, before and now.
fn compare<T: PartialEq>(
    what: &str,
    change: &Change<T>,
    [was, is]: [&T; 2],
    shown: impl Fn(&T) -> String,
) -> [Option<String>; 2] {
    let otherwise = |beginning: String, found: &T, said: &T| {
        (found != said).then(|| format!("{beginning} {}, not {}", shown(found), shown(said)))
    };
    let before = otherwise(format!("before the first call {what} was"), was, &change.was);
    [before, otherwise(format!("{what} is"), is, &change.is)]
}

async fn card(store: &Store, member: MemberId) -> Result<Option<CardStatus>, StoreError> {
    store.read(move |mut tx| Box::pin(async move { Ok(tx.card(member).await?.map(|card| card.status)) })).await
}

async fn balance(store: &Store, member: MemberId) -> Result<Option<Money>, StoreError> {
    let total = |account: PersonalAccount| account.total();
    store.read(move |mut tx| Box::pin(async move { Ok(tx.personal_account(member).await?.map(total)) })).await
}

async fn wrong_pins(store: &Store, member: MemberId) -> Result<u64, StoreError> {
    let who = MemberKey { kind: IdentifierKind::Id, index: member.0 };
    let person = store.seals().person(&who, Some(member));
    store.read(move |mut tx| Box::pin(async move { tx.failures(&person).await })).await
}
