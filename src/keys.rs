//! The key ring: root keys in a file outside the database, and a key for every purpose derived from them.
//!
//! ```toml
//! current = 2          # seals what is written from now on
//! [keys]
//! 1 = "64 hexadecimal digits"
//! 2 = "64 hexadecimal digits"
//! ```
//!
//! A key is rotated by adding one and making it `current`; what older ones sealed stays readable as long as they stand
//! in the file. The **first** key (the lowest id) must stay for ever, because [`Purpose::BlindIndex`],
//! [`Purpose::Pepper`] and [`Purpose::Throttle`] always use it: what they make is looked up by equality, so another
//! key would find nobody, let nobody in and forget every lock. Changing those is a job that re-indexes every member
//! from the register, not a line in this file.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use hkdf::Hkdf;
use serde::Deserialize;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::fault::{Fault, Faults};
use crate::secret::Secret;

/// What a derived key is for. Each gets its own by HKDF-SHA256, so that none can stand in for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Personal fields at rest.
    Fields,
    /// Looking up a member by number. Always of the first key.
    BlindIndex,
    /// What PINs are hashed with. Always of the first key.
    Pepper,
    /// The state a call carries.
    Steps,
    /// The chain of audit rows.
    Audit,
    /// Whom a count of tries belongs to. Always of the first key.
    Throttle,
    /// What tells a repeated request from another in its place.
    Requests,
}

impl Purpose {
    const ALL: [Self; 7] =
        [Self::Fields, Self::BlindIndex, Self::Pepper, Self::Steps, Self::Audit, Self::Throttle, Self::Requests];

    /// The name that goes into the derivation: never to be changed.
    fn name(self) -> &'static [u8] {
        match self {
            Self::Fields => b"hotline fields v1",
            Self::BlindIndex => b"hotline blind index v1",
            Self::Pepper => b"hotline pepper v1",
            Self::Steps => b"hotline steps v1",
            Self::Audit => b"hotline audit v1",
            Self::Throttle => b"hotline throttle v1",
            Self::Requests => b"hotline requests v1",
        }
    }

    fn is_of_the_first_key(self) -> bool {
        matches!(self, Self::BlindIndex | Self::Pepper | Self::Throttle)
    }
}

/// The keys of one installation. Wiped on drop; `Debug` shows their ids.
pub struct KeyRing {
    current: Derived,
    first: Derived,
    all: BTreeMap<u8, Derived>,
}

/// All purposes' keys of one root key.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Derived {
    id: u8,
    keys: [[u8; 32]; Purpose::ALL.len()],
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    current: u8,
    keys: BTreeMap<String, Secret>,
}

impl KeyRing {
    /// Writes a ring with a single new key to `path`, readable by its owner only. What is there already stays: two
    /// processes may start at once, and both go on with what one of them wrote.
    ///
    /// # Errors
    /// Why it cannot be written.
    pub fn create(path: &Path) -> Result<(), Faults> {
        let trouble = |error: &dyn fmt::Display| {
            Faults(vec![Fault::of(
                &path.display().to_string(),
                format!("cannot be created: {error}"),
                "make its directory writable, or bring a key ring",
            )])
        };
        let text = new_ring().map_err(|e| trouble(&e))?;
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| trouble(&e)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(trouble(&e)),
        }
    }

    /// A ring that stands nowhere, for looking at what needs no key.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn passing() -> Result<Self, Faults> {
        let nowhere = |e: &dyn fmt::Display| Faults(vec![Fault::of("keys", e.to_string(), "look after the system")]);
        Self::parse("keys", &new_ring().map_err(|e| nowhere(&e))?)
    }

    /// Reads the ring at `path`. `strict`: refuses a file that others than its owner may read.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn load(path: &Path, strict: bool) -> Result<Self, Faults> {
        let source = path.display().to_string();
        let unreadable = |e: io::Error| {
            Faults(vec![Fault::of(
                &source,
                format!("cannot be read: {e}"),
                "name the key ring of this installation: keys.file",
            )])
        };
        let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if strict && mode & 0o077 != 0 {
            return Err(Faults(vec![Fault::of(
                &source,
                format!("may be read by others than its owner (mode {:03o})", mode & 0o777),
                "chmod 600 it",
            )]));
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(unreadable)?);
        Self::parse(&source, &text)
    }

    /// Reads a ring from the `text` of `source`.
    ///
    /// # Errors
    /// Everything that is wrong with it; a fault never quotes a key.
    pub fn parse(source: &str, text: &str) -> Result<Self, Faults> {
        const REMEDY: &str = "write keys as: 1 = \"64 hexadecimal digits\", from a source of randomness";
        let written: Written =
            toml::from_str(text).map_err(|e| Faults(vec![Fault::from_secret_toml(source, text, &e, REMEDY)]))?;
        let mut faults = Vec::new();
        let mut all = BTreeMap::new();
        let mut roots: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for (id, hex) in &written.keys {
            let Ok(id) = id.parse::<u8>() else {
                faults.push(Fault::of(source, "a key's id is no number from 0 to 255", REMEDY));
                continue;
            };
            let root = Zeroizing::new(HEX.decode(hex.expose().as_bytes()).unwrap_or_default());
            // A sequence anybody could type is no key. Thirty-two random bytes have fewer than twelve different ones
            // less than once in 10^20 rings.
            let mut different = root.to_vec();
            different.sort_unstable();
            different.dedup();
            if root.len() != 32 || different.len() < 12 {
                faults.push(Fault::of(source, format!("key {id} is not 32 random bytes"), REMEDY));
            } else if roots.contains(&root) {
                faults.push(Fault::of(source, format!("key {id} is the same as another"), REMEDY));
            }
            different.zeroize();
            all.insert(id, Derived::of(id, &root));
            roots.push(root);
        }
        let first = all.values().next().cloned();
        let current = all.get(&written.current).cloned();
        match (first, current) {
            (Some(first), Some(current)) if faults.is_empty() => Ok(Self { current, first, all }),
            (_, current) => {
                if current.is_none() {
                    faults.push(Fault::of(
                        source,
                        format!("current is {}, and there is no such key", written.current),
                        REMEDY,
                    ));
                }
                Err(Faults(faults))
            }
        }
    }

    /// The key to use for `purpose` now, and the id to find it again by.
    #[must_use]
    pub fn current(&self, purpose: Purpose) -> (u8, [u8; 32]) {
        let derived = if purpose.is_of_the_first_key() { &self.first } else { &self.current };
        (derived.id, derived.key(purpose))
    }

    /// The ids of all keys.
    pub fn ids(&self) -> impl Iterator<Item = u8> + '_ {
        self.all.keys().copied()
    }

    /// The key for `purpose` that was current when `id` was. `None`: it is not in the ring any more.
    #[must_use]
    pub fn by_id(&self, purpose: Purpose, id: u8) -> Option<[u8; 32]> {
        self.all.get(&id).map(|derived| derived.key(purpose))
    }
}

/// The text of a ring with a single new key.
fn new_ring() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut root = Zeroizing::new([0; 32]);
    getrandom::fill(root.as_mut_slice())?;
    let hex = Zeroizing::new(HEX.encode(root.as_slice()));
    Ok(Zeroizing::new(format!(
        "# The keys of this installation: without them nothing in the database can be read.\n\
         # Keep a copy elsewhere, apart from the database's. Never remove the first.\n\
         current = 1\n[keys]\n1 = \"{}\"\n",
        hex.as_str()
    )))
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing(…)")
    }
}

impl Derived {
    fn of(id: u8, root: &[u8]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, root);
        let mut derived = Self { id, keys: [[0; 32]; Purpose::ALL.len()] };
        for (key, purpose) in derived.keys.iter_mut().zip(Purpose::ALL) {
            // Fails only for outputs longer than 255 hashes.
            let expanded = hkdf.expand(purpose.name(), key);
            debug_assert!(expanded.is_ok());
        }
        derived
    }

    fn key(&self, purpose: Purpose) -> [u8; 32] {
        self.keys[purpose as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const TWO: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

    fn ring(text: &str) -> Result<KeyRing, String> {
        KeyRing::parse("keys.toml", text).map_err(|faults| faults.0[0].problem.clone())
    }

    #[test]
    fn each_purpose_has_its_own_key_for_ever() {
        let ring = ring(&format!("current = 1\n[keys]\n1 = \"{ONE}\"")).unwrap();
        // Computed by Python: HKDF-SHA256, no salt. If this fails, no database in the world can be read any more.
        let fields = "d6e3c37d6a9f26ec3c461db3b8a37cb5e8f4eb1cec1a2eccb3b580e620532d2a";
        let (id, key) = ring.current(Purpose::Fields);
        assert_eq!((id, HEX.encode(&key).as_str()), (1, fields));
        let mut keys: Vec<_> = Purpose::ALL.iter().map(|&p| ring.current(p).1).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 7);
    }

    #[test]
    fn a_new_key_seals_but_the_first_still_finds() {
        let old = ring(&format!("current = 1\n[keys]\n1 = \"{ONE}\"")).unwrap();
        let new = ring(&format!("current = 2\n[keys]\n1 = \"{ONE}\"\n2 = \"{TWO}\"")).unwrap();
        assert_eq!(new.current(Purpose::Fields).0, 2);
        assert_ne!(new.current(Purpose::Fields).1, old.current(Purpose::Fields).1);
        assert_eq!(new.by_id(Purpose::Fields, 1), Some(old.current(Purpose::Fields).1));
        for purpose in [Purpose::BlindIndex, Purpose::Pepper, Purpose::Throttle] {
            assert_eq!(new.current(purpose), old.current(purpose));
        }
        assert_eq!(new.by_id(Purpose::Fields, 3), None);
    }

    #[test]
    fn what_is_no_ring_is_refused() {
        let same = format!("current = 1\n[keys]\n1 = \"{ONE}\"\n2 = \"{ONE}\"");
        let zeros = format!("current = 1\n[keys]\n1 = \"{}\"", "00".repeat(32));
        for (text, problem) in [
            ("current = 1\n[keys]\n", "current is 1, and there is no such key"),
            (&zeros, "key 1 is not 32 random bytes"),
            ("current = 1\n[keys]\n1 = \"0011\"", "key 1 is not 32 random bytes"),
            ("current = 1\n[keys]\nx = \"0011\"", "a key's id is no number from 0 to 255"),
            // Not in the parser's words, which would quote it.
            ("current = 1\n[keys]\n1 = 314159265358979", "is not written as it should be"),
            ("current = \"314159265358979\"\n[keys]\n", "is not written as it should be"),
            (&same, "key 2 is the same as another"),
        ] {
            assert_eq!(ring(text).map(drop), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_ring_is_created_once_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        KeyRing::create(&path).unwrap();
        let made = KeyRing::load(&path, true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        KeyRing::create(&path).unwrap();
        let again = KeyRing::load(&path, true).unwrap();
        assert_eq!(made.current(Purpose::Fields), again.current(Purpose::Fields));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(
            KeyRing::load(&path, true).unwrap_err().0[0].problem,
            "may be read by others than its owner (mode 640)"
        );
        assert!(KeyRing::load(&path, false).is_ok());
        assert_eq!(format!("{made:?}"), "KeyRing(…)");
    }
}
