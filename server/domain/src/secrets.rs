//! Secrets at rest and in memory.
//!
//! Credentials of providers are sealed with XChaCha20-Poly1305: a fresh 24-byte nonce is drawn for each value, which at
//! that length never repeats. A sealed value is
//!
//! ```text
//! version (1 byte) | key id (4 bytes) | nonce (24 bytes) | ciphertext and tag
//! ```
//!
//! and is bound to its context, such as a provider's public id: it cannot be opened in another row. The key id names
//! the key that sealed it, so that keys can be replaced: the first key seals, all of them open.

use crate::error::{Error, Result};
use crate::files;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Generate, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

/// Length of a key in bytes.
pub const KEY_LEN: usize = 32;

const VERSION: u8 = 1;
const KEY_ID_LEN: usize = 4;
/// Octets of a setup token, before they are written as hexadecimal digits.
const SETUP_TOKEN_LEN: usize = 16;
/// Octets of a mark, before they are written as hexadecimal digits.
const MARK_LEN: usize = 8;
const NONCE_LEN: usize = 24;
const HEADER_LEN: usize = 1 + KEY_ID_LEN;

/// Text that must not be shown: `Debug` hides it and there is no `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Encrypts credentials at rest. Cheap to clone.
#[derive(Clone)]
pub struct Sealer(Arc<[SealingKey]>);

struct SealingKey {
    id: [u8; KEY_ID_LEN],
    mark: String,
    setup_token: Secret,
    cipher: XChaCha20Poly1305,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({} keys, redacted)", self.0.len())
    }
}

impl Sealer {
    /// A sealer with these keys: the first seals, all of them open.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `secret_key` without any key.
    pub fn new(keys: &[[u8; KEY_LEN]]) -> Result<Self> {
        if keys.is_empty() {
            return Err(wrong_key("no key is given"));
        }
        Ok(Self(keys.iter().map(SealingKey::new).collect()))
    }

    /// A sealer with keys in base64, as in the configuration.
    ///
    /// # Errors
    /// [`Error::Invalid`] on `secret_key`, without repeating what was given.
    pub fn from_base64<S: AsRef<str>>(keys: impl IntoIterator<Item = S>) -> Result<Self> {
        let keys = keys
            .into_iter()
            .map(|key| decode(key.as_ref()))
            .collect::<Result<Vec<_>>>()?;
        Self::new(&keys)
    }

    /// A sealer with the keys of a file, one in base64 a line, the first of which seals; `None` when the file does not
    /// exist.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the file holds no valid keys; [`Error::Internal`] when it cannot be read.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_base64(text.lines().map(str::trim).filter(|line| !line.is_empty())).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// As [`Sealer::load`]; creates a missing file with a new key, readable only by its owner.
    ///
    /// # Errors
    /// As [`Sealer::load`]; [`Error::Internal`] when the file cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self> {
        if let Some(sealer) = Self::load(path)? {
            return Ok(sealer);
        }
        let key = new_key()?;
        match files::create(path, format!("{}\n", STANDARD.encode(key)).as_bytes()) {
            Ok(()) => Self::new(&[key]),
            // Another process has created it in the meantime: its key counts.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load_or_create(path),
            Err(error) => Err(unusable(path, &error)),
        }
    }

    /// A sealer with a new random key, for tests.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no random bytes.
    pub fn random() -> Result<Self> {
        Self::new(&[new_key()?])
    }

    /// Marks by which the installation recognises its own trace lines and greetings: one for each key, that of the
    /// first key first. They are the same on all nodes, and older mail is recognised as long as its key is configured.
    /// A mark is public and reveals nothing about its key.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.mark.as_str())
    }

    /// Token that makes an account the first one. It follows from the first key, so that it is the same on all nodes and
    /// is read where the key is.
    pub fn setup_token(&self) -> Option<&Secret> {
        self.0.first().map(|key| &key.setup_token)
    }

    /// Seals a value for this context.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system gives no random bytes, or the value is absurdly large.
    pub fn seal(&self, plaintext: &[u8], context: &str) -> Result<Vec<u8>> {
        let key = self
            .0
            .first()
            .ok_or_else(|| Error::Internal("the sealer has no key".to_owned()))?;
        let nonce = XNonce::try_generate().map_err(|error| Error::Internal(format!("no random bytes: {error}")))?;
        let mut sealed = Vec::with_capacity(HEADER_LEN + NONCE_LEN + plaintext.len() + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id);
        let ciphertext = key
            .cipher
            .encrypt(
                &nonce,
                Payload {
                    msg: plaintext,
                    aad: &associated_data(&sealed, context),
                },
            )
            .map_err(|_| Error::Internal("a secret could not be sealed".to_owned()))?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Opens a value that was sealed for this context.
    ///
    /// # Errors
    /// [`Error::Internal`] when it was sealed with an unknown key or for another context, or was changed. The text
    /// contains nothing of the value.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>> {
        let fault = |what: &str| Error::Internal(format!("the secret of {context} {what}"));
        let (header, rest) = sealed
            .split_at_checked(HEADER_LEN)
            .ok_or_else(|| fault("is cut short"))?;
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_LEN>()
            .ok_or_else(|| fault("is cut short"))?;
        if header[0] != VERSION {
            return Err(fault("has an unknown format"));
        }
        let key = self
            .0
            .iter()
            .find(|key| key.id == header[1..])
            .ok_or_else(|| fault("was sealed with a key that is not configured"))?;
        key.cipher
            .decrypt(
                &XNonce::from(*nonce),
                Payload {
                    msg: ciphertext,
                    aad: &associated_data(header, context),
                },
            )
            .map_err(|_| fault("does not open: it was changed, or belongs to another place"))
    }

    /// True if a value was sealed with the current key; if not, sealing it again makes the older key superfluous.
    pub fn is_current(&self, sealed: &[u8]) -> bool {
        self.0
            .first()
            .is_some_and(|key| sealed.get(1..HEADER_LEN) == Some(key.id.as_slice()))
    }
}

impl SealingKey {
    fn new(key: &[u8; KEY_LEN]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"sendmux sealing key id")
            .chain_update(key)
            .finalize();
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&digest[..KEY_ID_LEN]);
        let digest = Sha256::new()
            .chain_update(b"sendmux installation mark")
            .chain_update(key)
            .finalize();
        let token = Sha256::new()
            .chain_update(b"sendmux setup token")
            .chain_update(key)
            .finalize();
        Self {
            id,
            mark: hexadecimal(&digest[..MARK_LEN]),
            setup_token: hexadecimal(&token[..SETUP_TOKEN_LEN]).into(),
            cipher: XChaCha20Poly1305::new(key.into()),
        }
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Data that is authenticated without being encrypted: the header and the context.
fn associated_data(header: &[u8], context: &str) -> Vec<u8> {
    [header, context.as_bytes()].concat()
}

fn new_key() -> Result<[u8; KEY_LEN]> {
    Key::try_generate()
        .map(Into::into)
        .map_err(|error| Error::Internal(format!("no random bytes: {error}")))
}

fn decode(text: &str) -> Result<[u8; KEY_LEN]> {
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|_| wrong_key("it is not base64"))?;
    <[u8; KEY_LEN]>::try_from(bytes)
        .map_err(|bytes| wrong_key(&format!("it has {} bytes instead of {KEY_LEN}", bytes.len())))
}

fn wrong_key(why: &str) -> Error {
    Error::field(
        "secret_key",
        "invalid",
        format!("the secret key cannot be used: {why}. Make one with: openssl rand -base64 32"),
    )
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    Error::Internal(format!("the key file {} cannot be used: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [u8; KEY_LEN] = [1; KEY_LEN];
    const NEW: [u8; KEY_LEN] = [2; KEY_LEN];

    #[test]
    fn marks_belong_to_keys() {
        let (old, new) = ([1; KEY_LEN], [2; KEY_LEN]);
        let marks = |keys: &[[u8; KEY_LEN]]| -> Vec<String> {
            let sealer = Sealer::new(keys).unwrap();
            sealer.marks().map(ToOwned::to_owned).collect()
        };
        let (before, after) = (marks(&[old]), marks(&[new, old]));
        assert_eq!(before[0].len(), 2 * MARK_LEN);
        assert_eq!(after[1], before[0]);
        assert_ne!(after[0], before[0]);
    }

    #[test]
    fn what_was_sealed_opens_in_its_place_alone() {
        let sealer = Sealer::random().unwrap();
        let sealed = sealer.seal(b"hunter2", "prv_a").unwrap();
        assert_eq!(sealer.open(&sealed, "prv_a").unwrap(), b"hunter2");
        assert!(sealer.open(&sealed, "prv_b").is_err());
        assert!(Sealer::random().unwrap().open(&sealed, "prv_a").is_err());
        assert_ne!(
            sealed,
            sealer.seal(b"hunter2", "prv_a").unwrap(),
            "the same value never looks the same"
        );
    }

    #[test]
    fn every_changed_or_missing_byte_is_noticed() {
        let sealer = Sealer::random().unwrap();
        let sealed = sealer.seal(b"hunter2", "prv_a").unwrap();
        for position in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[position] ^= 1;
            assert!(sealer.open(&changed, "prv_a").is_err(), "byte {position}");
            assert!(sealer.open(&sealed[..position], "prv_a").is_err(), "cut at {position}");
        }
    }

    #[test]
    fn the_first_key_seals_and_older_ones_still_open() {
        let before = Sealer::new(&[OLD]).unwrap();
        let sealed = before.seal(b"hunter2", "prv_a").unwrap();
        let rotated = Sealer::new(&[NEW, OLD]).unwrap();
        assert_eq!(rotated.open(&sealed, "prv_a").unwrap(), b"hunter2");
        assert!(before.is_current(&sealed) && !rotated.is_current(&sealed));

        let again = rotated.seal(b"hunter2", "prv_a").unwrap();
        assert!(rotated.is_current(&again));
        assert!(before.open(&again, "prv_a").is_err());
        assert_eq!(Sealer::new(&[NEW]).unwrap().open(&again, "prv_a").unwrap(), b"hunter2");
    }

    #[test]
    fn keys_are_32_bytes_of_base64() {
        let good = STANDARD.encode(OLD);
        assert!(Sealer::from_base64([&good]).is_ok());
        assert!(Sealer::from_base64([good.as_str(), "c2hvcnQ="]).is_err());
        assert!(Sealer::from_base64(["not base64!"]).is_err());
        assert!(Sealer::from_base64(Vec::<String>::new()).is_err());
        let text = Sealer::from_base64(["c2hvcnQ="]).unwrap_err().to_string();
        assert!(text.contains("5 bytes") && !text.contains("c2hvcnQ"), "{text}");
    }

    #[test]
    fn the_key_file_is_made_once_and_for_its_owner() {
        let dir = crate::testing::TestDir::new();
        let path = dir.path().join("secret.key");
        let sealed = Sealer::load_or_create(&path)
            .unwrap()
            .seal(b"hunter2", "prv_a")
            .unwrap();
        assert_eq!(
            Sealer::load_or_create(&path).unwrap().open(&sealed, "prv_a").unwrap(),
            b"hunter2"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing else is left behind"
        );

        // A new key in front, the old one kept.
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{}\n{old}\n", STANDARD.encode(NEW))).unwrap();
        let rotated = Sealer::load_or_create(&path).unwrap();
        assert_eq!(rotated.open(&sealed, "prv_a").unwrap(), b"hunter2");

        std::fs::write(&path, "").unwrap();
        assert!(
            Sealer::load_or_create(&path).is_err(),
            "an emptied key file is never replaced"
        );
    }

    #[test]
    fn nothing_shows_in_debug_output() {
        let sealer = Sealer::new(&[OLD]).unwrap();
        assert_eq!(
            format!("{sealer:?} {:?}", Secret::from("hunter2")),
            "Sealer(1 keys, redacted) Secret(redacted)"
        );
    }
}
