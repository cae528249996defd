//! Browsers that have signed in to an account before.
//!
//! A browser keeps a token, sealed by the installation, that names one account. It opens nothing: with it the browser's
//! attempts at that account are counted by themselves (see [`super::throttle`]), so that nobody else's failures keep it out.

use super::User;
use crate::Domain;
use crate::error::Result;
use crate::ids::random_into;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::net::IpAddr;

/// The client of a sign-in.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// Its address.
    pub remote: Option<IpAddr>,
    /// The token that its browser keeps of an earlier sign-in, as the browser sent it.
    pub browser: Option<String>,
}

impl From<Option<IpAddr>> for Client {
    fn from(remote: Option<IpAddr>) -> Self {
        Self { remote, browser: None }
    }
}

/// The context that tokens are sealed in.
const CONTEXT: &str = "known browser";
/// Random characters of a token, which tell two browsers of one account apart.
const RANDOM_CHARS: usize = 16;
/// Longest token that is read, in bytes.
const MAX_LEN: usize = 256;

/// A token for a browser that signed in to this account, in characters that may stand in a cookie.
///
/// # Errors
/// [`Error::Internal`](crate::Error::Internal) when it cannot be sealed.
pub fn known_browser_token(domain: &Domain, user: &User) -> Result<String> {
    let mut text = format!("{} ", user.public_id);
    random_into(&mut text, b"abcdefghijklmnopqrstuvwxyz0123456789", RANDOM_CHARS);
    Ok(URL_SAFE_NO_PAD.encode(domain.sealer.seal(text.as_bytes(), CONTEXT)?))
}

/// The content of a token, if it is of this account: what its browser is counted by.
pub(super) fn recognise(domain: &Domain, token: &str, user_public_id: &str) -> Option<String> {
    if token.len() > MAX_LEN {
        return None;
    }
    let opened = domain.sealer.open(&URL_SAFE_NO_PAD.decode(token).ok()?, CONTEXT).ok()?;
    let text = String::from_utf8(opened).ok()?;
    let (account, _) = text.split_once(' ')?;
    (account == user_public_id).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;
    use crate::testing::sqlite;

    #[tokio::test]
    async fn a_token_is_known_for_its_account_alone() {
        let test = sqlite(Settings::default()).await;
        let (ada, bob) = (test.owner("Ada").await.user, test.owner("Bob").await.user);
        let one = known_browser_token(&test, &ada).unwrap();
        assert_ne!(one, known_browser_token(&test, &ada).unwrap());
        assert!(recognise(&test, &one, &ada.public_id).is_some());
        assert_eq!(recognise(&test, &one, &bob.public_id), None);
        for wrong in ["", "!", "AAAA", &one[1..], &one.repeat(3)] {
            assert_eq!(recognise(&test, wrong, &ada.public_id), None, "{wrong}");
        }
    }
}
