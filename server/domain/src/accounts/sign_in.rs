//! Signing in.

use super::sign_up::email_key;
use super::throttle::{self, Subjects};
use super::{SignedIn, teams_of};
use crate::actor::Actor;
use crate::entities::users;
use crate::error::Error;
use crate::{Domain, audit, passwords};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_mime::ValidEmail;
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// Reason why somebody was not signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No such account, or a wrong password; the answer does not say which.
    #[error("email address or password is wrong")]
    WrongCredentials,
    /// Too many failures.
    #[error("too many failed attempts: wait {} and try again", minutes(*.retry_after))]
    Throttled {
        /// Time to wait.
        retry_after: Duration,
    },
    /// Another error.
    #[error(transparent)]
    Failed(#[from] Error),
}

fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Signs somebody in. After 10 failures of an account, or 50 from an address, within 15 minutes, it refuses without
/// checking the password until those 15 minutes are over.
///
/// # Errors
/// See [`SignInError`].
pub async fn sign_in(
    domain: &Domain,
    email: &str,
    password: &str,
    remote: Option<IpAddr>,
) -> Result<SignedIn, SignInError> {
    let email = email.trim();
    let key = ValidEmail::parse(email).map_or_else(|_| email.to_lowercase(), |email| email_key(&email));
    let (user, subjects) = authenticate(domain, &key, password, remote).await?;
    let teams = teams_of(domain, user.id).await?;
    let (team, role) = teams.into_iter().next().ok_or(Error::Forbidden(
        "this account belongs to no team: ask for an invitation",
    ))?;
    let tx = domain.db.begin().await?;
    throttle::clear(&tx, &subjects).await?;
    let actor = Actor::user(&user, team.id, role, remote);
    audit::record(
        &tx,
        domain.clock.now(),
        &actor,
        "user.signed_in",
        &user.public_id,
        json!({}),
    )
    .await?;
    tx.commit().await?;
    Ok(SignedIn::new(user, team))
}

/// The account with this key and password, and the subjects under which the attempt was counted.
async fn authenticate(
    domain: &Domain,
    email_key: &str,
    password: &str,
    remote: Option<IpAddr>,
) -> Result<(users::Model, Subjects), SignInError> {
    let subjects = Subjects::new(email_key, remote);
    if let Err(retry_after) = throttle::count(domain, &subjects).await? {
        return Err(SignInError::Throttled { retry_after });
    }
    let user = users::Entity::find()
        .filter(users::Column::EmailKey.eq(email_key))
        .filter(users::Column::DisabledAt.is_null())
        .one(domain.db.read())
        .await
        .map_err(Error::from)?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let right = passwords::verify(password.to_owned(), stored).await?;
    let user = user.filter(|_| right).ok_or(SignInError::WrongCredentials)?;
    Ok((user, subjects))
}

/// The account with this key, for a form whose `field` must hold its password. Wrong passwords count as failed
/// sign-ins.
///
/// # Errors
/// [`Error::Invalid`] on `field`; [`Error::Conflict`] after too many failures.
pub(super) async fn confirm(
    domain: &Domain,
    email_key: &str,
    password: &str,
    field: &'static str,
    remote: Option<IpAddr>,
) -> Result<users::Model, Error> {
    match authenticate(domain, email_key, password, remote).await {
        Ok((user, subjects)) => {
            let tx = domain.db.begin().await?;
            throttle::clear(&tx, &subjects).await?;
            tx.commit().await?;
            Ok(user)
        }
        Err(SignInError::WrongCredentials) => {
            Err(Error::field(field, "wrong", "this is not the password of the account"))
        }
        Err(throttled @ SignInError::Throttled { .. }) => Err(Error::Conflict(throttled.to_string())),
        Err(SignInError::Failed(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::throttle::{ACCOUNT_FAILURES, ADDRESS_FAILURES, WINDOW};
    use super::*;
    use crate::accounts::forget_old_failures;
    use crate::testing::{PASSWORD, databases};
    use sea_orm::PaginatorTrait;

    const WRONG: &str = "not the password";

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[tokio::test]
    async fn the_right_password_signs_in_and_nothing_else_does() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            let signed_in = sign_in(&test, &ada.user.email.to_uppercase(), PASSWORD, address(1))
                .await
                .unwrap();
            assert_eq!((signed_in.user, signed_in.team), (ada.user.clone(), ada.team));
            for (email, password) in [
                (ada.user.email.as_str(), WRONG),
                ("nobody@example.com", PASSWORD),
                ("", ""),
            ] {
                let refused = sign_in(&test, email, password, address(1)).await.unwrap_err();
                assert!(matches!(refused, SignInError::WrongCredentials), "{email}");
            }
        }
    }

    #[tokio::test]
    async fn an_account_is_throttled_wherever_the_guesses_come_from() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            for n in 0..ACCOUNT_FAILURES {
                let refused = sign_in(&test, &ada.user.email, WRONG, address(n as u8))
                    .await
                    .unwrap_err();
                assert!(matches!(refused, SignInError::WrongCredentials));
            }
            test.clock.advance(Duration::from_secs(60));
            let refused = sign_in(&test, &ada.user.email, PASSWORD, address(200))
                .await
                .unwrap_err();
            let SignInError::Throttled { retry_after } = refused else {
                panic!("{refused}")
            };
            assert_eq!(retry_after, WINDOW - Duration::from_secs(60));
            assert!(refused_text(&test, &ada.user.email).await.contains("wait 14 minutes"));

            test.clock.advance(retry_after);
            sign_in(&test, &ada.user.email, PASSWORD, address(200)).await.unwrap();
        }
    }

    async fn refused_text(domain: &Domain, email: &str) -> String {
        sign_in(domain, email, PASSWORD, None).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn accounts_that_do_not_exist_are_throttled_like_those_that_do() {
        for test in databases().await {
            for _ in 0..ACCOUNT_FAILURES {
                sign_in(&test, "nobody@example.com", WRONG, None).await.unwrap_err();
            }
            let refused = sign_in(&test, "nobody@example.com", WRONG, None).await.unwrap_err();
            assert!(matches!(refused, SignInError::Throttled { .. }));
        }
    }

    #[tokio::test]
    async fn an_address_is_throttled_whatever_account_it_tries() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            for n in 0..ADDRESS_FAILURES {
                sign_in(&test, &format!("user{n}@example.com"), WRONG, address(1))
                    .await
                    .unwrap_err();
            }
            let refused = sign_in(&test, &ada.user.email, PASSWORD, address(1)).await.unwrap_err();
            assert!(matches!(refused, SignInError::Throttled { .. }));
            sign_in(&test, &ada.user.email, PASSWORD, address(2)).await.unwrap();
        }
    }

    #[tokio::test]
    async fn guesses_at_the_same_moment_count_too() {
        for test in databases().await {
            let guesses = (0..ACCOUNT_FAILURES * 2).map(|_| sign_in(&test, "ada@example.com", WRONG, None));
            let refused = futures::future::join_all(guesses).await;
            let looked_at = refused
                .iter()
                .filter(|refused| matches!(refused, Err(SignInError::WrongCredentials)))
                .count();
            assert_eq!(looked_at, ACCOUNT_FAILURES as usize);
        }
    }

    #[tokio::test]
    async fn success_forgets_the_failures_of_the_account_but_not_those_of_the_address() {
        use crate::entities::sign_in_failures::Entity;
        for test in databases().await {
            let ada = test.owner("Ada").await;
            for _ in 0..2 {
                for _ in 0..ACCOUNT_FAILURES - 1 {
                    sign_in(&test, &ada.user.email, WRONG, address(1)).await.unwrap_err();
                }
                sign_in(&test, &ada.user.email, PASSWORD, address(1)).await.unwrap();
            }
            let left = Entity::find().all(test.db.read()).await.unwrap();
            let left: Vec<_> = left.iter().map(|row| (row.subject.as_str(), row.failures)).collect();
            assert_eq!(left, [("address:192.0.2.1", 2 * (ACCOUNT_FAILURES - 1))]);
        }
    }

    #[tokio::test]
    async fn old_failures_are_removed() {
        use crate::entities::sign_in_failures::Entity;
        for test in databases().await {
            sign_in(&test, "nobody@example.com", WRONG, address(1))
                .await
                .unwrap_err();
            assert_eq!(forget_old_failures(&test).await.unwrap(), 0);
            test.clock.advance(WINDOW);
            assert_eq!(forget_old_failures(&test).await.unwrap(), 2);
            assert_eq!(Entity::find().count(test.db.read()).await.unwrap(), 0);
        }
    }
}
