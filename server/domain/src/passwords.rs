//! Passwords: requirements and hashing.
//!
//! Hashed with argon2id at the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane), off
//! the runtime's threads, on fewer processors than there are, and with a bounded queue, so that a rush to the sign-in page
//! slows sign-ins and nothing else.

use crate::error::{Error, FieldError, Result};
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// Fewest characters. Length, not a mixture of kinds of characters, makes a password hard to guess (NIST SP 800-63B,
/// section 5.1.1.2).
pub const MIN_CHARS: usize = 10;

/// Most bytes: enough for any passphrase, and a bound on the work that an attacker can cause.
pub const MAX_BYTES: usize = 256;

/// Common passwords that are long enough to be accepted otherwise; lower case.
const COMMON: &[&str] = &[
    "0123456789",
    "0987654321",
    "1234567890",
    "12345678900",
    "12345678910",
    "123456789a",
    "123456789q",
    "1234512345",
    "1212121212",
    "123123123123",
    "123qwe123qwe",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "9876543210",
    "a123456789",
    "aa12345678",
    "abc1234567",
    "abcd123456",
    "abcdefghij",
    "administrator",
    "asdfghjkl;",
    "asdfghjkl1",
    "asdfghjklz",
    "basketball",
    "changemenow",
    "chocolate1",
    "correcthorsebatterystaple",
    "football123",
    "iloveyou123",
    "iloveyou12",
    "internet123",
    "letmein123",
    "liverpool1",
    "manchester",
    "mypassword",
    "mypassword1",
    "p@ssw0rd123",
    "p@ssword123",
    "pa55word123",
    "passw0rd123",
    "password00",
    "password01",
    "password10",
    "password11",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "password123456",
    "password1!",
    "password123!",
    "passwordpassword",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qazwsxedcrfv",
    "qwer123456",
    "qwerty12345",
    "qwerty123456",
    "qwerty1234",
    "qwertyuiop",
    "qwertyuiop1",
    "qwertyuiop123",
    "qwertyuiop[]",
    "sendmux123",
    "sunshine12",
    "superman123",
    "welcome123",
    "welcome1234",
    "zaq12wsxcde3",
    "zxcvbnm123",
    "zxcvbnm,./",
];

/// Checks a new password for an account with this email address and name.
///
/// # Errors
/// The fault of the field `password`.
pub fn check(password: &str, email: &str, name: &str) -> Result<(), FieldError> {
    let wrong = |code, message: String| Err(FieldError::new("password", code, message));
    if password.is_empty() {
        return wrong(
            "required",
            format!("choose a password of at least {MIN_CHARS} characters"),
        );
    }
    if password.chars().count() < MIN_CHARS {
        return wrong(
            "too_short",
            format!("the password is too short: use at least {MIN_CHARS} characters"),
        );
    }
    if password.len() > MAX_BYTES {
        return wrong(
            "too_long",
            format!("the password is too long: use at most {MAX_BYTES} bytes"),
        );
    }
    let folded = password.to_lowercase();
    let first = folded.chars().next();
    if COMMON.contains(&folded.as_str()) || folded.chars().all(|c| Some(c) == first) {
        return wrong(
            "too_common",
            "this password is among the first that are guessed: choose another".to_owned(),
        );
    }
    let email = email.trim().to_lowercase();
    let local_part = email.split('@').next().unwrap_or_default();
    if [email.as_str(), local_part, name.trim().to_lowercase().as_str()].contains(&folded.as_str()) {
        return wrong(
            "too_common",
            "the password must not be your name or your email address: choose another".to_owned(),
        );
    }
    Ok(())
}

/// Hashes a password for storage, as a PHC string with its salt and parameters.
///
/// # Errors
/// [`Error::Unavailable`] while the queue is full; [`Error::Internal`] when the system has no random bytes or no thread
/// left.
pub async fn hash(password: String) -> Result<String> {
    blocking(move || {
        argon2()
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| Error::Internal(format!("a password could not be hashed: {error}")))
    })
    .await?
}

/// True if this is the password with the stored hash. Without a hash, because the account does not exist, the same work
/// is done, so that the time taken does not reveal which accounts exist.
///
/// # Errors
/// [`Error::Unavailable`] while the queue is full; [`Error::Internal`] when the system has no thread left.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    if password.len() > MAX_BYTES {
        return Ok(false);
    }
    blocking(move || {
        let known = hash.is_some();
        let Some(stored) = hash.as_deref().or(NOBODYS.as_deref()) else {
            return false;
        };
        match PasswordHash::new(stored) {
            Ok(stored) => argon2().verify_password(password.as_bytes(), &stored).is_ok() && known,
            Err(error) => {
                tracing::error!(%error, "a stored password hash cannot be read");
                false
            }
        }
    })
    .await
}

/// A hash to compare with when there is no account.
static NOBODYS: LazyLock<Option<String>> = LazyLock::new(|| {
    argon2()
        .hash_password(b"nobody's password")
        .map(|hash| hash.to_string())
        .ok()
});

/// Passwords that are worked on at once: one processor is left to everything else.
static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Semaphore::new(processors.saturating_sub(1).max(1))
});

/// Most passwords that are worked on or wait: about a second of work for one processor.
const QUEUE: usize = 32;

/// Places in the queue.
static PLACES: Semaphore = Semaphore::const_new(QUEUE);

fn argon2() -> Argon2<'static> {
    // The crate's defaults are OWASP's today; written out so that they do not change with it.
    const PARAMS: Params = match Params::new(19_456, 2, 1, None) {
        Ok(params) => params,
        Err(_) => Params::DEFAULT,
    };
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    queued(&PLACES, work).await
}

/// As [`blocking`], with a place from this queue.
async fn queued<T: Send + 'static>(places: &'static Semaphore, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let place = places
        .try_acquire()
        .map_err(|_| Error::Unavailable("many people sign in at the same time: try again in a moment".to_owned()))?;
    let slot = SLOTS
        .acquire()
        .await
        .map_err(|error| Error::Internal(error.to_string()))?;
    let done = tokio::task::spawn_blocking(move || {
        // Held by the work, not by who waits for it: a caller that goes away frees no processor.
        let _held = (slot, place);
        work()
    });
    done.await
        .map_err(|error| Error::Internal(format!("a password could not be worked on: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(password: &str) -> Option<&'static str> {
        check(password, "Grace.Hopper@example.com", "Rear Admiral Hopper")
            .err()
            .map(|error| error.code)
    }

    #[test]
    fn length_counts_and_not_composition() {
        assert_eq!(code("tiny horse"), None);
        assert_eq!(code("пароль длинный"), None);
        assert_eq!(code(""), Some("required"));
        assert_eq!(code("Sh0rt&sw!"), Some("too_short"));
        assert_eq!(code(&"ab".repeat(129)), Some("too_long"));
        assert_eq!(code(&"ab".repeat(128)), None);
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for guess in [
            "password123",
            "QwertyUiop",
            "aaaaaaaaaaaa",
            "REAR admiral hopper",
            "grace.hopper",
        ] {
            assert_eq!(code(guess), Some("too_common"), "{guess}");
        }
        assert_eq!(code("grace.hopper@example.com"), Some("too_common"));
        assert!(
            COMMON
                .iter()
                .all(|common| common.chars().count() >= MIN_CHARS && *common == common.to_lowercase())
        );
    }

    #[tokio::test]
    async fn a_hash_is_argon2id_with_the_decided_parameters_and_verifies() {
        let stored = hash("tiny horse".to_owned()).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert_ne!(stored, hash("tiny horse".to_owned()).await.unwrap(), "salted");
        assert!(verify("tiny horse".to_owned(), Some(stored.clone())).await.unwrap());
        assert!(!verify("tiny house".to_owned(), Some(stored)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        for password in ["nobody's password", "tiny horse"] {
            assert!(!verify(password.to_owned(), None).await.unwrap());
        }
        assert!(
            !verify("tiny horse".to_owned(), Some("no hash".to_owned()))
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        static PLACES: Semaphore = Semaphore::const_new(2);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let working = tokio::spawn(queued(&PLACES, move || held.recv().is_ok()));
        let waiting = tokio::spawn(queued(&PLACES, || ()));
        while PLACES.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = queued(&PLACES, || ()).await.unwrap_err();
        assert!(matches!(refused, Error::Unavailable(_)), "{refused}");
        release.send(()).unwrap();
        assert!(working.await.unwrap().unwrap());
        waiting.await.unwrap().unwrap();
        queued(&PLACES, || ()).await.unwrap();
    }
}
