//! Throttling of sign-ins, exact across nodes, and the counts that other limits go by.
//!
//! Nobody can lock an account's owner out. An attempt is refused for what came from its own network: failures at this
//! account, and failures at all accounts together. Failures at the account from everywhere only delay the answer. A browser
//! that has signed in to the account before is counted by itself alone, so its owner gets in whatever others do (OWASP's
//! device cookies).
//!
//! An attempt is counted before the password is checked, and uncounted when the password was right, so that concurrent
//! guesses count too. Addresses without an account count like those with one, so that throttling does not reveal which
//! exist.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::sign_in_failures::{ActiveModel, Column, Entity, Model};
use crate::error::Result;
use crate::proxies::client_network;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};
use sendmux_rules::Timestamp;
use sendmux_rules::time::CLOCK_TOLERANCE;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::time::Duration;

/// Length of a window, which begins with its first failure.
pub(super) const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Length of the window of a subject that begins with [`DAILY`].
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Prefix of subjects that are counted by the day.
pub(super) const DAILY: &str = "day:";
/// Failures at one account, from one network or one known browser, that a window allows.
pub(super) const ACCOUNT_FAILURES: i32 = 10;
/// Failures from one network in a window: more, since offices share one.
pub(super) const ADDRESS_FAILURES: i32 = 50;
/// Longest delay of an answer, for an account that is guessed at from many networks.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(8);
/// Answers that are delayed at once.
pub(crate) const DELAYED_AT_ONCE: usize = 64;

/// Mails with a link to one address in a window.
const MAILS: i32 = 5;

/// Counts that one sign-in is charged to.
#[derive(Clone, Debug)]
pub(super) struct Subjects {
    /// Each with its limit: one above it refuses the attempt. The first is forgotten after a success.
    limited: Vec<(String, i32)>,
    /// The count that delays answers.
    delaying: Option<String>,
}

impl Subjects {
    /// Counts of a sign-in to the account with this key (of any text that was typed). `browser` identifies a browser that
    /// has signed in to it before.
    pub(super) fn new(email_key: &str, remote: Option<IpAddr>, browser: Option<&str>) -> Self {
        // Hashed, for whatever was typed there, however long, has no business in the table.
        let account = digest(email_key);
        if let Some(browser) = browser {
            let browser = format!("browser:{}", digest(browser));
            return Self {
                limited: vec![(browser, ACCOUNT_FAILURES)],
                delaying: None,
            };
        }
        let network = remote.map_or_else(|| "none".to_owned(), network);
        let mut limited = vec![(format!("account:{account}@{network}"), ACCOUNT_FAILURES)];
        if remote.is_some() {
            limited.push((format!("address:{network}"), ADDRESS_FAILURES));
        }
        Self {
            limited,
            delaying: Some(format!("account:{account}")),
        }
    }

    /// Counts of a mail to the address with this key.
    fn of_mail(email_key: &str, remote: Option<IpAddr>) -> Self {
        let mut limited = vec![(format!("mail:account:{}", digest(email_key)), MAILS)];
        limited.extend(remote.map(|remote| (format!("mail:address:{}", network(remote)), ADDRESS_FAILURES)));
        Self {
            limited,
            delaying: None,
        }
    }
}

pub(super) fn digest(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// The delay of an answer after so many failures at the account: none at first, then doubled by each one.
fn delay(failures: i32) -> Duration {
    match failures - ACCOUNT_FAILURES {
        ..=0 => Duration::ZERO,
        excess @ 1..=8 => Duration::from_secs(1 << (excess - 1)).min(MAX_DELAY),
        _ => MAX_DELAY,
    }
}

/// A client's network, as it stands in the table.
pub(super) fn network(remote: IpAddr) -> String {
    match client_network(remote) {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{v6}/64"),
    }
}

/// Counts one more attempt, and returns how long its answer is to be delayed.
///
/// # Errors
/// In the inner result: how long to wait, when there were too many; then nothing was counted.
pub(super) async fn count(domain: &Domain, subjects: &Subjects) -> Result<Result<Duration, Duration>> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let mut waits = Vec::new();
    for (subject, limit) in &subjects.limited {
        waits.extend(charge(&tx, now, subject, *limit).await?);
    }
    if let Some(wait) = waits.into_iter().max() {
        tx.rollback().await?;
        return Ok(Err(wait));
    }
    let delay = match &subjects.delaying {
        Some(subject) => delay(count_one(&tx, now, subject).await?.failures),
        None => Duration::ZERO,
    };
    tx.commit().await?;
    Ok(Ok(delay))
}

/// Counts a mail with a link that somebody has requested for the address with this key. Only few are sent to one
/// address in a window, whether it has an account or not.
///
/// # Errors
/// As [`count`].
pub(super) async fn count_mail(
    domain: &Domain,
    email_key: &str,
    remote: Option<IpAddr>,
) -> Result<Result<(), Duration>> {
    let counted = count(domain, &Subjects::of_mail(email_key, remote)).await?;
    Ok(counted.map(|_| ()))
}

/// Counts one more of a subject. Returns how long to wait when that is above the limit: the transaction is then to be
/// rolled back, so that what is refused does not count.
pub(super) async fn charge(tx: &Transaction, now: Timestamp, subject: &str, limit: i32) -> Result<Option<Duration>> {
    let row = count_one(tx, now, subject).await?;
    Ok((row.failures > limit).then(|| row.window_at.plus(window_of(subject)).since(now)))
}

/// The count of a subject now.
pub(super) async fn counted(domain: &Domain, subject: &str) -> Result<i32> {
    let oldest = domain.clock.now().minus(window_of(subject));
    let row = Entity::find_by_id(subject).one(domain.db.read()).await?;
    Ok(row.filter(|row| row.window_at > oldest).map_or(0, |row| row.failures))
}

fn window_of(subject: &str) -> Duration {
    if subject.starts_with(DAILY) { DAY } else { WINDOW }
}

/// Counts a failure at no account. Nothing is limited by it.
pub(super) async fn count_nobody(tx: &Transaction, now: Timestamp) -> Result<()> {
    count_one(tx, now, "nobody").await?;
    Ok(())
}

/// Counts one attempt, and returns the row after it.
async fn count_one(tx: &Transaction, now: Timestamp, subject: &str) -> Result<Model> {
    let oldest = now.minus(window_of(subject));
    let expired = || Expr::col((Entity, Column::WindowAt)).lte(oldest);
    let in_window = |when_expired: Expr, otherwise: Expr| Expr::case(expired(), when_expired).finally(otherwise);
    let first = ActiveModel {
        subject: Set(subject.to_owned()),
        window_at: Set(now),
        failures: Set(1),
    };
    let counted = Entity::insert(first)
        .on_conflict(
            OnConflict::column(Column::Subject)
                .value(
                    Column::WindowAt,
                    in_window(Expr::val(now), Expr::col((Entity, Column::WindowAt))),
                )
                .value(
                    Column::Failures,
                    in_window(Expr::val(1), Expr::col((Entity, Column::Failures)).add(1)),
                )
                .to_owned(),
        )
        .exec_with_returning(tx)
        .await?;
    Ok(counted)
}

/// Forgets the failures at the account from this network or browser, since the password was right, and gives the other
/// counts their attempt back.
pub(super) async fn clear(tx: &Transaction, subjects: &Subjects) -> Result<()> {
    let mut all = subjects.limited.iter().map(|(subject, _)| subject);
    if let Some(forgotten) = all.next() {
        Entity::delete_by_id(forgotten).exec(tx).await?;
    }
    let given_back: Vec<&String> = all.chain(&subjects.delaying).collect();
    if !given_back.is_empty() {
        Entity::update_many()
            .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
            .filter(Column::Subject.is_in(given_back))
            .filter(Column::Failures.gt(0))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Dates counts that were begun by a clock that was ahead back to `now`.
pub(crate) fn set_back_failures(now: Timestamp) -> UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::WindowAt, Expr::value(now))
        .filter(Column::WindowAt.gt(now.plus(CLOCK_TOLERANCE)))
}

/// Removes expired counts and returns their number. To be called regularly.
pub async fn forget_old_failures(domain: &Domain) -> Result<u64> {
    let now = domain.clock.now();
    let daily = Column::Subject.starts_with(DAILY);
    let expired = Column::WindowAt
        .lte(now.minus(WINDOW))
        .and(daily.not())
        .or(Column::WindowAt.lte(now.minus(DAY)));
    domain.db.delete_where::<Entity>(expired).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_and_end() {
        let seconds: Vec<u64> = (ACCOUNT_FAILURES - 1..ACCOUNT_FAILURES + 6)
            .map(|failures| delay(failures).as_secs())
            .collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 8]);
        assert_eq!(delay(i32::MAX), MAX_DELAY);
        assert_eq!(delay(0), Duration::ZERO);
    }

    #[test]
    fn an_ipv6_customer_has_one_count() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::9"), "2001:db8:1:2::/64");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
