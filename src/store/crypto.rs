//! What keeps personal data unreadable in the database: sealed fields, blind indexes, keyed digests.

use std::fmt;
use std::sync::Arc;

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use hmac::{Hmac, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::StoreError;
use crate::call::caller::{Call, Caller};
use crate::keys::{KeyRing, Purpose};
use crate::member::card_number::CardRule;
use crate::member::message::MessageNumber;
use crate::member::phone_number::{PhoneNumber, SealedPhone};
use crate::member::{Identifier, IdentifierKind, MemberId, MemberKey};
use crate::secret::{Pin, PinDraft, Secret};

/// AES-256-GCM-SIV. Another algorithm (SM4-GCM, say) gets the next number; what stands there is read by its own.
const AES_256_GCM_SIV: u8 = 1;
const NONCE: usize = 12;

/// Where a sealed value stands. A value moved to another column or row does not open there.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub table: &'static str,
    pub column: &'static str,
    pub row: &'a [u8],
}

impl Place<'_> {
    fn aad(&self) -> Vec<u8> {
        let mut aad = Vec::with_capacity(self.table.len() + self.column.len() + self.row.len() + 2);
        // Names have no bars in them, and the row comes last: no two places have the same bytes.
        for name in [self.table, self.column] {
            aad.extend_from_slice(name.as_bytes());
            aad.push(b'|');
        }
        aad.extend_from_slice(self.row);
        aad
    }
}

/// Seals, opens and indexes with the keys of one ring.
#[derive(Clone)]
pub struct Seals {
    keys: Arc<KeyRing>,
}

impl Seals {
    /// With the keys of `keys`.
    #[must_use]
    pub fn new(keys: Arc<KeyRing>) -> Self {
        Self { keys }
    }

    /// By what the store knows `identifier`: computed without looking anything up, whether or not anyone has it.
    #[must_use]
    pub fn member_key(&self, identifier: &Identifier) -> MemberKey {
        let kind = identifier.kind();
        let list = match identifier {
            // Beside the kinds: what one rule takes of a card must not meet what the other takes of another's.
            Identifier::Card(card) if card.rule() == CardRule::Last8 => 3,
            _ => number_of(kind),
        };
        let index = self.mac(Purpose::BlindIndex, &[&[list], identifier.canonical()]);
        MemberKey { kind, index }
    }

    /// By what tries for this person are counted. `member`: whom `presented` was found to mean, if anyone.
    pub(crate) fn person(&self, presented: &MemberKey, member: Option<MemberId>) -> [u8; 32] {
        // A member is the index of their ID number, so an ID number counts alike whether or not somebody has it.
        let key = member.map_or(*presented, |MemberId(index)| MemberKey { kind: IdentifierKind::Id, index });
        self.mac(Purpose::Throttle, &[b"person", &[number_of(key.kind)], &key.index])
    }

    /// By what the calling number is known in counts and in the audit. `None`: it is withheld, so nobody's.
    pub(crate) fn caller(&self, call: &Call) -> Option<[u8; 32]> {
        match &call.caller {
            Caller::Number(number) => Some(self.number(number)),
            Caller::Withheld => None,
        }
    }

    /// By what a number is marked as an older caller's. One number counts as one however the platform writes it: with the
    /// country's code, with the 0 before an area's, or without. `None`: it is withheld.
    pub(crate) fn marked_caller(&self, caller: &Caller) -> Option<[u8; 32]> {
        let Caller::Number(number) = caller else { return None };
        let digits = number.trim_start_matches('+').trim_start_matches("00");
        let national = digits.strip_prefix("86").filter(|rest| rest.len() >= 10).unwrap_or(digits);
        let bare = national.trim_start_matches('0');
        Some(self.mac(Purpose::BlindIndex, &[b"marked caller", bare.as_bytes()]))
    }

    /// By what this calling number, written as the platform writes it, is known in counts and in the audit.
    #[must_use]
    pub fn number(&self, number: &str) -> [u8; 32] {
        self.mac(Purpose::Throttle, &[b"caller", number.as_bytes()])
    }

    /// By what all withheld numbers together are counted.
    pub(crate) fn withheld(&self) -> [u8; 32] {
        self.mac(Purpose::Throttle, &[b"withheld"])
    }

    /// What tells a request from another in its place. Keyed, because a PIN is in it.
    pub(crate) fn request(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(Purpose::Requests, parts)
    }

    /// The keyed form of a member's PIN: what is stored at import, and what is fed to argon2id afterwards.
    pub(crate) fn pin(&self, member: MemberId, pin: &Pin) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.mac(Purpose::Pepper, &[&member.0, pin.expose()]))
    }

    /// By what a PIN that was entered once is known when it is entered again. Not what is stored of it in any form.
    pub(crate) fn draft(&self, member: MemberId, pin: &Pin) -> PinDraft {
        PinDraft::new(self.mac(Purpose::Pepper, &[b"draft", &member.0, pin.expose()]))
    }

    /// By what a call is known beyond its end.
    pub(crate) fn call(&self, dialect: &str, call: &str) -> [u8; 32] {
        self.mac(Purpose::Throttle, &[b"call", dialect.as_bytes(), call.as_bytes()])
    }

    /// The key argon2id mixes in.
    pub(crate) fn pepper(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.keys.current(Purpose::Pepper).1)
    }

    /// By what a row of a statement is known: importing it again finds it there.
    pub(crate) fn entry(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(Purpose::BlindIndex, parts)
    }

    /// By what a message is known.
    pub(crate) fn message(&self, number: MessageNumber) -> [u8; 32] {
        self.mac(Purpose::BlindIndex, &[b"message", number.as_str().as_bytes()])
    }

    /// By what a recording is known: told of it again, the same.
    pub(crate) fn recording(&self, reference: &str) -> [u8; 32] {
        self.mac(Purpose::BlindIndex, &[b"recording", reference.as_bytes()])
    }

    /// By what tries at messages' numbers are counted, where it is not by caller.
    pub(crate) fn looks(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(Purpose::Throttle, &[&[b"looks".as_slice()], parts].concat())
    }

    /// Seals a telephone number for the state of `call`. Always to the same bytes, as all that a repeated webhook gets;
    /// safe with one nonce because nothing else is sealed with it, and equal numbers show as equal in one call only.
    pub(crate) fn seal_phone(&self, call: &Call, number: &PhoneNumber) -> Result<SealedPhone, StoreError> {
        let (id, key) = self.keys.current(Purpose::Fields);
        let payload = Payload { msg: number.expose().as_bytes(), aad: &phone_of(call) };
        let sealed = Aes256GcmSiv::new(&key.into()).encrypt(&Nonce::default(), payload);
        let sealed = sealed.map_err(|_| StoreError::Unwritable("a call"))?;
        Ok(SealedPhone([&[id][..], &sealed].concat().into()))
    }

    /// Opens a telephone number that was sealed for `call`.
    pub(crate) fn open_phone(&self, call: &Call, sealed: &SealedPhone) -> Result<Secret, StoreError> {
        let unreadable = StoreError::Unreadable("a call");
        let (&id, sealed) = sealed.0.split_first().ok_or(unreadable)?;
        let key = self.keys.by_id(Purpose::Fields, id).ok_or(unreadable)?;
        let payload = Payload { msg: sealed, aad: &phone_of(call) };
        let plain = Aes256GcmSiv::new(&key.into()).decrypt(&Nonce::default(), payload).map_err(|_| unreadable)?;
        String::from_utf8(plain).map(Secret::new).map_err(|_| unreadable)
    }

    /// The link of an audit row: the id of the key, then the MAC over the link before and the row.
    pub(crate) fn link(&self, before: &[u8], row: &[u8]) -> Vec<u8> {
        let (id, key) = self.keys.current(Purpose::Audit);
        [&[id][..], &mac(&key, &[before, row])].concat()
    }

    /// Whether `link` is the link of `row` after `before`, by whichever key it was made.
    pub(crate) fn is_link(&self, link: &[u8], before: &[u8], row: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        let Some((&id, found)) = link.split_first() else { return false };
        let Some(key) = self.keys.by_id(Purpose::Audit, id) else { return false };
        mac(&key, &[before, row]).ct_eq(found).into()
    }

    fn mac(&self, purpose: Purpose, parts: &[&[u8]]) -> [u8; 32] {
        mac(&self.keys.current(purpose).1, parts)
    }

    /// Seals `value` for `place`: algorithm, key id, nonce, ciphertext.
    pub(crate) fn seal<T: Serialize>(&self, place: Place<'_>, value: &T) -> Result<Vec<u8>, StoreError> {
        let plain = Zeroizing::new(postcard::to_allocvec(value).map_err(|_| StoreError::Unwritable(place.table))?);
        let (id, key) = self.keys.current(Purpose::Fields);
        let nonce = random::<NONCE>()?;
        let cipher = Aes256GcmSiv::new(&key.into());
        let sealed = cipher
            .encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: &place.aad() })
            .map_err(|_| StoreError::Unwritable(place.table))?;
        let mut value = Vec::with_capacity(2 + NONCE + sealed.len());
        value.extend_from_slice(&[AES_256_GCM_SIV, id]);
        value.extend_from_slice(&nonce);
        value.extend_from_slice(&sealed);
        Ok(value)
    }

    /// Opens what was sealed for `place`.
    pub(crate) fn open<T: DeserializeOwned>(&self, place: Place<'_>, value: &[u8]) -> Result<T, StoreError> {
        let unreadable = StoreError::Unreadable(place.table);
        let Some((&[AES_256_GCM_SIV, id], rest)) = value.split_first_chunk() else { return Err(unreadable) };
        let Some((&nonce, sealed)) = rest.split_first_chunk::<NONCE>() else { return Err(unreadable) };
        let Some(key) = self.keys.by_id(Purpose::Fields, id) else { return Err(unreadable) };
        let cipher = Aes256GcmSiv::new(&key.into());
        let plain = cipher.decrypt(&Nonce::from(nonce), Payload { msg: sealed, aad: &place.aad() });
        let plain = Zeroizing::new(plain.map_err(|_| StoreError::Unreadable(place.table))?);
        postcard::from_bytes(&plain).map_err(|_| unreadable)
    }
}

impl fmt::Debug for Seals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seals(…)")
    }
}

/// What a telephone number in a call's state is bound to. No column of a table has such a name.
fn phone_of(call: &Call) -> Vec<u8> {
    [b"call|phone|", call.dialect.as_bytes(), b"|", call.id.as_bytes()].concat()
}

/// The number of a kind in the database and in what is hashed: never to be changed.
pub(crate) fn number_of(kind: IdentifierKind) -> u8 {
    match kind {
        IdentifierKind::Id => 0,
        IdentifierKind::Card => 1,
        IdentifierKind::Personal => 2,
    }
}

/// Fresh random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Unavailable("no randomness"))?;
    Ok(bytes)
}

/// HMAC-SHA256 over the parts, each with its length before it, so that no two lists of parts have the same bytes.
fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC pads a key with zeros to the hash's block of 64 bytes; done here, because then nothing can fail.
    let mut block = Zeroizing::new([0; 64]);
    block[..32].copy_from_slice(key);
    let mut hmac = Hmac::<Sha256>::new((&*block).into());
    for part in parts {
        hmac.update(&(part.len() as u64).to_be_bytes());
        hmac.update(part);
    }
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const TWO: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

    fn seals(text: &str) -> Seals {
        Seals::new(Arc::new(KeyRing::parse("keys", text).unwrap()))
    }

    fn one() -> Seals {
        seals(&format!("current = 1\n[keys]\n1 = \"{ONE}\""))
    }

    const HERE: Place<'_> = Place { table: "members", column: "record", row: b"a" };

    #[test]
    fn a_sealed_value_opens_only_where_it_was_put() {
        let seals = one();
        let sealed = seals.seal(HERE, &"1010.05").unwrap();
        assert_eq!(seals.open::<String>(HERE, &sealed).unwrap(), "1010.05");
        for elsewhere in [
            Place { row: b"b", ..HERE },
            Place { column: "pin", ..HERE },
            Place { table: "accounts", ..HERE },
            Place { table: "members", column: "record", row: b"" },
        ] {
            assert!(seals.open::<String>(elsewhere, &sealed).is_err());
        }
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert!(seals.open::<String>(HERE, &changed).is_err(), "byte {byte}");
        }
        assert!(seals.open::<String>(HERE, &[]).is_err());
    }

    #[test]
    fn the_same_value_never_looks_the_same() {
        let seals = one();
        assert_ne!(seals.seal(HERE, &1).unwrap(), seals.seal(HERE, &1).unwrap());
    }

    #[test]
    fn what_an_older_key_sealed_still_opens() {
        let sealed = one().seal(HERE, &7_u8).unwrap();
        let both = seals(&format!("current = 2\n[keys]\n1 = \"{ONE}\"\n2 = \"{TWO}\""));
        assert_eq!(both.open::<u8>(HERE, &sealed).unwrap(), 7);
        assert_eq!(both.seal(HERE, &7_u8).unwrap()[..2], [AES_256_GCM_SIV, 2]);
        let other = seals(&format!("current = 2\n[keys]\n2 = \"{TWO}\""));
        assert!(matches!(other.open::<u8>(HERE, &sealed), Err(StoreError::Unreadable("members"))));
    }

    #[test]
    fn a_number_is_one_number_however_it_is_written() {
        let seals = one();
        let index = |text: &str| seals.marked_caller(&Caller::parse(text));
        for same in ["+8613800138000", "8613800138000", "008613800138000", "sip:13800138000@pbx.example"] {
            assert_eq!(index(same), index("13800138000"), "{same}");
        }
        assert_eq!(index("+861065432109"), index("01065432109"));
        assert_ne!(index("13800138000"), index("13800138001"));
        assert_ne!(index("8612345"), index("12345"), "too short to have a country's code");
        assert_eq!(index("anonymous"), None);
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(mac(&[0; 32], &[b"ab", b"c"]), mac(&[0; 32], &[b"a", b"bc"]));
    }
}
