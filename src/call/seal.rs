//! The call carries its own state: sealed into the address of its next callback.
//!
//! AES-256-GCM-SIV with a fixed nonce is deterministic, and built to be safe so (RFC 8452: equal plaintexts show as equal,
//! nothing more): a webhook that is sent again gets the same bytes. Dialect and call id are authenticated with it, so
//! a step of one call opens to nothing in another. A token is
//! `base64url(version ‖ key id ‖ ciphertext ‖ 16-byte tag)`.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Key, Nonce};
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::caller::Call;
use crate::dialog::State;
use crate::keys::{KeyRing, Purpose};

/// The version this node writes. It reads this one and the one before (there is none before the first).
const VERSION: u8 = 1;
/// Longer than any state; a longer token is refused before it is decoded.
const MOST: usize = 1024;

/// What travels with the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// Counts the callbacks of the call, from 0 at the greeting. With the call it names every effect.
    pub turn: u16,
    /// When the call came in, to the second.
    pub started: Timestamp,
    /// The line that was dialled.
    pub line: Box<str>,
    /// What the keys meant when the caller heard of them: [`Flow::heard`](crate::dialog::Flow::heard).
    pub heard: u32,
    /// Where the conversation stands.
    pub state: State,
}

/// Seals and opens journeys.
pub struct Seal {
    current: u8,
    ciphers: Vec<(u8, Aes256GcmSiv)>,
}

/// The token was not sealed by us for this call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the step was not sealed by this hotline for this call")]
pub struct NotOurs;

impl Seal {
    /// Takes the step keys of `ring`: seals with the current one, opens with all.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        let (current, _) = ring.current(Purpose::Steps);
        let ciphers = ring
            .ids()
            .filter_map(|id| {
                let key = ring.by_id(Purpose::Steps, id)?;
                Some((id, Aes256GcmSiv::new(&Key::<Aes256GcmSiv>::from(key))))
            })
            .collect();
        Self { current, ciphers }
    }

    /// Seals `journey` for `call`. `None` only if the journey is beyond all bounds.
    #[must_use]
    pub fn seal(&self, call: &Call, journey: &Journey) -> Option<Box<str>> {
        let plain = postcard::to_stdvec(journey).ok()?;
        let cipher = self.cipher(self.current)?;
        let header = [VERSION, self.current];
        let payload = Payload { msg: &plain, aad: &bound_to(header, call) };
        let mut sealed = cipher.encrypt(&Nonce::default(), payload).ok()?;
        let mut token = header.to_vec();
        token.append(&mut sealed);
        Some(BASE64URL_NOPAD.encode(&token).into())
    }

    /// Opens a token that came back with a webhook of `call`.
    ///
    /// # Errors
    /// [`NotOurs`]: forged, cut, of another call, or under a key that is gone.
    pub fn open(&self, call: &Call, token: &str) -> Result<Journey, NotOurs> {
        if token.len() > MOST {
            return Err(NotOurs);
        }
        let token = BASE64URL_NOPAD.decode(token.as_bytes()).map_err(|_| NotOurs)?;
        let (header, sealed) = token.split_first_chunk::<2>().ok_or(NotOurs)?;
        let [VERSION, key] = *header else { return Err(NotOurs) };
        let payload = Payload { msg: sealed, aad: &bound_to(*header, call) };
        let plain = self.cipher(key).ok_or(NotOurs)?.decrypt(&Nonce::default(), payload).map_err(|_| NotOurs)?;
        postcard::from_bytes(&plain).map_err(|_| NotOurs)
    }

    fn cipher(&self, id: u8) -> Option<&Aes256GcmSiv> {
        self.ciphers.iter().find(|(of, _)| *of == id).map(|(_, cipher)| cipher)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

/// Dialect and call id, told apart by a byte neither can hold.
fn bound_to(header: [u8; 2], call: &Call) -> Vec<u8> {
    let mut bound = header.to_vec();
    bound.extend_from_slice(call.dialect.as_bytes());
    bound.push(0);
    bound.extend_from_slice(call.id.as_bytes());
    bound
}
