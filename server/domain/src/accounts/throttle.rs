//! Throttling of sign-ins, by account and by address, exact across nodes.
//!
//! An attempt is counted before the password is checked, and uncounted when the password was right, so that concurrent
//! guesses count too. Addresses without an account count like those with one, so that throttling does not reveal which
//! exist.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::sign_in_failures::{ActiveModel, Column, Entity};
use crate::error::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, UpdateMany};
use sendmux_rules::Timestamp;
use sendmux_rules::time::CLOCK_TOLERANCE;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Length of a window, which begins with its first failure.
pub(super) const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Most failures of one account in a window.
pub(super) const ACCOUNT_FAILURES: i32 = 10;
/// Most failures from one address in a window; more than for an account, since offices share an address.
pub(super) const ADDRESS_FAILURES: i32 = 50;

/// Most mails with a link to one address in a window.
const MAILS: i32 = 5;

/// Subjects under which a sign-in is counted.
#[derive(Clone, Debug)]
pub(super) struct Subjects {
    account: String,
    address: Option<String>,
}

impl Subjects {
    /// Subjects of a sign-in from this address to the account with this key, which may be any text.
    pub(super) fn new(email_key: &str, remote: Option<IpAddr>) -> Self {
        Self {
            // Hashed, since the typed text, of any length, does not belong in the table.
            account: format!("account:{}", URL_SAFE_NO_PAD.encode(Sha256::digest(email_key))),
            address: remote.map(|remote| format!("address:{}", network(remote))),
        }
    }
}

/// Network of one customer of an internet provider: an IPv4 address, or 64 bits of IPv6 (RFC 6177).
fn network(remote: IpAddr) -> String {
    match remote.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// Counts an attempt.
///
/// # Errors
/// In the inner result: the time to wait, when there were too many; nothing was counted then.
pub(super) async fn count(domain: &Domain, subjects: &Subjects) -> Result<Result<(), Duration>> {
    count_within(domain, subjects, ACCOUNT_FAILURES).await
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
    let of = Subjects::new(email_key, remote);
    let subjects = Subjects {
        account: format!("mail:{}", of.account),
        address: of.address.map(|address| format!("mail:{address}")),
    };
    count_within(domain, &subjects, MAILS).await
}

async fn count_within(domain: &Domain, subjects: &Subjects, most: i32) -> Result<Result<(), Duration>> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let mut wait = count_one(&tx, now, &subjects.account, most).await?;
    if let Some(address) = &subjects.address {
        wait = wait.max(count_one(&tx, now, address, ADDRESS_FAILURES).await?);
    }
    if let Some(wait) = wait {
        tx.rollback().await?;
        return Ok(Err(wait));
    }
    tx.commit().await?;
    Ok(Ok(()))
}

/// Counts an attempt; returns the time to wait if it exceeds the limit.
async fn count_one(tx: &Transaction, now: Timestamp, subject: &str, limit: i32) -> Result<Option<Duration>> {
    let oldest = now.minus(WINDOW);
    let expired = || Expr::col((Entity, Column::WindowAt)).lte(oldest);
    let in_window = |when_expired: Expr, otherwise: Expr| Expr::case(expired(), when_expired).finally(otherwise);
    let first = ActiveModel {
        subject: Set(subject.to_owned()),
        window_at: Set(now),
        failures: Set(1),
    };
    let row = Entity::insert(first)
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
    let until = row.window_at.plus(WINDOW);
    Ok((row.failures > limit).then(|| until.since(now)))
}

/// Clears the account's failures and uncounts the address's attempt, after a right password.
pub(super) async fn clear(tx: &Transaction, subjects: &Subjects) -> Result<()> {
    Entity::delete_by_id(&subjects.account).exec(tx).await?;
    if let Some(address) = &subjects.address {
        Entity::update_many()
            .col_expr(Column::Failures, Expr::col(Column::Failures).sub(1))
            .filter(Column::Subject.eq(address))
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
    let oldest = domain.clock.now().minus(WINDOW);
    domain.db.delete_where::<Entity>(Column::WindowAt.lte(oldest)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_customer_has_one_count() {
        let network = |text: &str| network(text.parse().unwrap());
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::9"), "2001:db8:1:2::/64");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
