//! The key itself: `smx_live_` or `smx_test_` and 32 random characters.
//!
//! 32 characters of 62 are 190 random bits. They cannot be guessed, so a plain SHA-256 is stored: the slow hash of
//! passwords would protect nothing more, and cost milliseconds for every request.

use crate::ids::random_into;
use sendmux_rules::Mode;
use sha2::{Digest, Sha256};

/// SHA-256 of a whole key.
pub(super) type TokenHash = [u8; 32];

const LIVE: &str = "smx_live_";
const TEST: &str = "smx_test_";
const RANDOM_LEN: usize = 32;
/// Random characters that stay visible: enough to tell a team's keys apart, and no help in guessing the rest.
const VISIBLE_LEN: usize = 6;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A new key. Deliberately not `Debug`.
pub(super) struct Token(String);

impl Token {
    /// Generates a key.
    pub(super) fn generate(mode: Mode) -> Self {
        let prefix = match mode {
            Mode::Live => LIVE,
            Mode::Test => TEST,
        };
        let mut token = String::with_capacity(prefix.len() + RANDOM_LEN);
        token.push_str(prefix);
        random_into(&mut token, ALPHABET, RANDOM_LEN);
        Self(token)
    }

    /// Visible beginning of the key.
    pub(super) fn visible_prefix(&self) -> &str {
        &self.0[..LIVE.len() + VISIBLE_LEN]
    }

    /// Hash of the key, as stored.
    pub(super) fn hash(&self) -> TokenHash {
        Sha256::digest(&self.0).into()
    }

    /// The whole key, to be shown once.
    pub(super) fn into_secret(self) -> String {
        self.0
    }
}

/// Hash of a presented key; `None` when it does not have the form of a key, and so need not be looked up.
pub(super) fn hash_presented(presented: &str) -> Option<TokenHash> {
    let random = presented.strip_prefix(LIVE).or_else(|| presented.strip_prefix(TEST))?;
    let well_formed = random.len() == RANDOM_LEN && random.bytes().all(|byte| byte.is_ascii_alphanumeric());
    well_formed.then(|| Sha256::digest(presented).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_its_mode_and_six_characters() {
        let token = Token::generate(Mode::Live);
        assert_eq!(token.visible_prefix().len(), 15);
        let (hash, visible) = (token.hash(), token.visible_prefix().to_owned());
        let secret = token.into_secret();
        assert_eq!(secret.len(), 41);
        assert!(secret.starts_with(&visible));
        assert_eq!(hash_presented(&secret), Some(hash));
        assert!(Token::generate(Mode::Test).into_secret().starts_with("smx_test_"));
        assert!(ALPHABET.iter().all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn what_is_not_formed_like_a_key_is_told_at_once() {
        let secret = Token::generate(Mode::Live).into_secret();
        let longer = format!("{secret}a");
        let spaced = format!("{secret} ");
        let other = secret.replacen("live", "prod", 1);
        let umlaut = format!("{}ä", &secret[..39]);
        for wrong in [
            "",
            "smx_live_",
            &secret[..40],
            &secret[4..],
            &longer,
            &spaced,
            &other,
            &umlaut,
        ] {
            assert_eq!(hash_presented(wrong), None, "{wrong}");
        }
    }
}
