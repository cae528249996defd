//! Signing in.

use super::known_browser::{self, Client};
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

/// A time to wait in words: `a minute`, `15 minutes`.
pub fn minutes(wait: Duration) -> String {
    match wait.as_secs().div_ceil(60) {
        0 | 1 => "a minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

/// Signs somebody in. After 10 failures at the account from one network, or 50 of the network at all accounts, within 15
/// minutes, that network is refused until those 15 minutes are over, without a look at the password. An account that is
/// guessed at from many networks is answered with a growing delay. A browser that signed in to the account before is
/// counted by itself.
///
/// # Errors
/// See [`SignInError`]; in it [`Error::Unavailable`] while too many sign-ins wait.
pub async fn sign_in(
    domain: &Domain,
    email: &str,
    password: &str,
    client: impl Into<Client>,
) -> Result<SignedIn, SignInError> {
    let client = client.into();
    let email = email.trim();
    let key = ValidEmail::parse(email).map_or_else(|_| email.to_lowercase(), |email| email_key(&email));
    let (user, subjects) = authenticate(domain, &key, password, &client).await?;
    let teams = teams_of(domain, user.id).await?;
    let (team, role) = teams.into_iter().next().ok_or(Error::Forbidden(
        "this account belongs to no team: ask for an invitation",
    ))?;
    let tx = domain.db.begin().await?;
    throttle::clear(&tx, &subjects).await?;
    let actor = Actor::user(&user, team.id, role, client.remote);
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

/// The account with this key and password, and the counts that the attempt was charged to.
async fn authenticate(
    domain: &Domain,
    email_key: &str,
    password: &str,
    client: &Client,
) -> Result<(users::Model, Subjects), SignInError> {
    let user = users::Entity::find()
        .filter(users::Column::EmailKey.eq(email_key))
        .filter(users::Column::DisabledAt.is_null())
        .one(domain.db.read())
        .await
        .map_err(Error::from)?;
    let browser = user
        .as_ref()
        .zip(client.browser.as_deref())
        .and_then(|(user, token)| known_browser::recognise(domain, token, &user.public_id));
    let subjects = Subjects::new(email_key, client.remote, browser.as_deref());
    let delay = throttle::count(domain, &subjects)
        .await?
        .map_err(|retry_after| SignInError::Throttled { retry_after })?;
    if !delay.is_zero() {
        let busy = |_| Error::Unavailable("many sign-ins wait: try again in a moment".to_owned());
        let _turn = domain.delayed_sign_ins.try_acquire().map_err(busy)?;
        domain.clock.sleep_until(domain.clock.now().plus(delay)).await;
    }
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let right = passwords::verify(password.to_owned(), stored).await?;
    match user {
        Some(user) if right => Ok((user, subjects)),
        user => {
            record_failure(domain, user, client.remote).await?;
            Err(SignInError::WrongCredentials)
        }
    }
}

/// Records a wrong password in the audit log of the account's first team. What was typed for an account that does not
/// exist is kept nowhere; it costs a write all the same, so that the time of the answer does not tell one from the other.
async fn record_failure(domain: &Domain, user: Option<users::Model>, remote: Option<IpAddr>) -> Result<(), Error> {
    let teams = teams_of(domain, user.as_ref().map_or(0, |user| user.id)).await?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    match user.zip(teams.into_iter().next()) {
        Some((user, (team, role))) => {
            let actor = Actor::user(&user, team.id, role, remote);
            audit::record(&tx, now, &actor, "user.sign_in_failed", &user.public_id, json!({})).await?;
        }
        None => throttle::count_nobody(&tx, now).await?,
    }
    tx.commit().await?;
    Ok(())
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
    match authenticate(domain, email_key, password, &remote.into()).await {
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
    use super::super::throttle::{ACCOUNT_FAILURES, ADDRESS_FAILURES, DELAYED_AT_ONCE, MAX_DELAY, WINDOW};
    use super::*;
    use crate::accounts::{forget_old_failures, known_browser_token};
    use crate::testing::{PASSWORD, TestDomain, databases};
    use sea_orm::{PaginatorTrait, QueryOrder};

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
    async fn a_network_is_refused_after_ten_failures_at_an_account() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            for _ in 0..ACCOUNT_FAILURES {
                let refused = sign_in(&test, &ada.user.email, WRONG, address(1)).await.unwrap_err();
                assert!(matches!(refused, SignInError::WrongCredentials));
            }
            test.clock.advance(Duration::from_secs(60));
            let refused = sign_in(&test, &ada.user.email, PASSWORD, address(1)).await.unwrap_err();
            let SignInError::Throttled { retry_after } = refused else {
                panic!("{refused}")
            };
            assert_eq!(retry_after, WINDOW - Duration::from_secs(60));
            assert!(refused.to_string().contains("wait 14 minutes"), "{refused}");

            test.clock.advance(retry_after);
            sign_in(&test, &ada.user.email, PASSWORD, address(1)).await.unwrap();
        }
    }

    /// Guesses at an account from many networks, all of them answered at once or after a delay that this lets pass.
    async fn guess_from_everywhere(test: &TestDomain, email: &str, guesses: i32) {
        for n in 0..guesses {
            let guess = sign_in(test, email, WRONG, address(n as u8));
            let refused = after_the_delay(test, guess).await.unwrap_err();
            assert!(matches!(refused, SignInError::WrongCredentials), "{refused}");
        }
    }

    /// The result of a sign-in whose answer may be delayed, with the clock moved on for it.
    async fn after_the_delay<T>(test: &TestDomain, sign_in: impl Future<Output = T>) -> T {
        let mut sign_in = std::pin::pin!(sign_in);
        tokio::select! {
            biased;
            result = &mut sign_in => return result,
            () = test.clock.slept_for() => test.clock.advance(MAX_DELAY),
        }
        sign_in.await
    }

    #[tokio::test]
    async fn guesses_from_everywhere_delay_the_owner_and_keep_nobody_out() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            guess_from_everywhere(&test, &ada.user.email, ACCOUNT_FAILURES * 2).await;
            let began = test.domain.clock.now();
            after_the_delay(&test, sign_in(&test, &ada.user.email, PASSWORD, address(200)))
                .await
                .unwrap();
            assert_eq!(test.domain.clock.now().since(began), MAX_DELAY);
        }
    }

    #[tokio::test]
    async fn a_known_browser_gets_in_whatever_others_do() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            let bob = test.owner("Bob").await;
            let token = known_browser_token(&test, &ada.user).unwrap();
            let from = |last: u8| Client {
                remote: address(last),
                browser: Some(token.clone()),
            };
            // Made-up accounts behind the address of the owner, and guesses at the owner's account from everywhere.
            for n in 0..ADDRESS_FAILURES {
                let made_up = format!("user{n}@example.com");
                sign_in(&test, &made_up, WRONG, address(250)).await.unwrap_err();
            }
            guess_from_everywhere(&test, &ada.user.email, ACCOUNT_FAILURES + 3).await;
            sign_in(&test, &ada.user.email, PASSWORD, from(250)).await.unwrap();

            // It is no way to guess without end, and none into another account.
            for _ in 0..ACCOUNT_FAILURES {
                sign_in(&test, &ada.user.email, WRONG, from(3)).await.unwrap_err();
            }
            let refused = sign_in(&test, &ada.user.email, PASSWORD, from(4)).await.unwrap_err();
            assert!(matches!(refused, SignInError::Throttled { .. }));
            let refused = sign_in(&test, &bob.user.email, PASSWORD, from(250)).await.unwrap_err();
            assert!(matches!(refused, SignInError::Throttled { .. }));
        }
    }

    #[tokio::test]
    async fn delayed_answers_are_bounded() {
        for test in databases().await {
            let ada = test.owner("Ada").await;
            guess_from_everywhere(&test, &ada.user.email, ACCOUNT_FAILURES).await;
            let turns = test.delayed_sign_ins.try_acquire_many(DELAYED_AT_ONCE as u32).unwrap();
            let refused = sign_in(&test, &ada.user.email, PASSWORD, address(99))
                .await
                .unwrap_err();
            assert!(
                matches!(refused, SignInError::Failed(Error::Unavailable(_))),
                "{refused}"
            );
            drop(turns);
            after_the_delay(&test, sign_in(&test, &ada.user.email, PASSWORD, address(99)))
                .await
                .unwrap();
        }
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
        use crate::entities::sign_in_failures::{Column, Entity};
        for test in databases().await {
            let ada = test.owner("Ada").await;
            for _ in 0..2 {
                for _ in 0..ACCOUNT_FAILURES - 1 {
                    after_the_delay(&test, sign_in(&test, &ada.user.email, WRONG, address(1)))
                        .await
                        .unwrap_err();
                }
                after_the_delay(&test, sign_in(&test, &ada.user.email, PASSWORD, address(1)))
                    .await
                    .unwrap();
            }
            let left = Entity::find()
                .order_by_asc(Column::Subject)
                .all(test.db.read())
                .await
                .unwrap();
            let left: Vec<_> = left
                .iter()
                .filter(|row| !row.subject.starts_with(throttle::DAILY))
                .map(|row| (row.subject.split(':').next().unwrap(), row.failures))
                .collect();
            let failures = 2 * (ACCOUNT_FAILURES - 1);
            assert_eq!(left, [("account", failures), ("address", failures)]);
        }
    }

    #[tokio::test]
    async fn old_failures_are_removed() {
        use crate::entities::sign_in_failures::{Column, Entity};
        for test in databases().await {
            let ada = test.owner("Ada").await;
            sign_in(&test, &ada.user.email, WRONG, address(1)).await.unwrap_err();
            assert_eq!(forget_old_failures(&test).await.unwrap(), 0);
            test.clock.advance(WINDOW);
            assert_eq!(forget_old_failures(&test).await.unwrap(), 3);
            // Those of a day stay: the sign-up of the owner.
            let left = Entity::find().filter(Column::Subject.not_like("day:%"));
            assert_eq!(left.count(test.db.read()).await.unwrap(), 0);
        }
    }
}
