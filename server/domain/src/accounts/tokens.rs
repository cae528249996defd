//! One-time links in mails, for verifying an address or setting a new password. Only the hash of a link's secret is
//! stored.

use crate::db::Transaction;
use crate::entities::user_tokens::{ActiveModel, Column, Entity, Model};
use crate::error::{Error, Result};
use crate::ids::random_into;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sendmux_rules::{Timestamp, named_enum};
use sha2::{Digest, Sha256};
use std::time::Duration;

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// 43 characters of 62 are 256 random bits.
const LEN: usize = 43;

named_enum! {
    /// Purpose of a link.
    pub enum Purpose {
        /// Verifying the address of an account.
        Verify = "verify",
        /// Setting a new password.
        Reset = "reset",
    }
}

impl Purpose {
    const fn lasts(self) -> Duration {
        const HOUR: u64 = 3_600;
        match self {
            Self::Verify => Duration::from_secs(7 * 24 * HOUR),
            Self::Reset => Duration::from_secs(HOUR),
        }
    }
}

/// A new secret for a link.
pub(super) fn generate() -> String {
    let mut token = String::with_capacity(LEN);
    random_into(&mut token, ALPHABET, LEN);
    token
}

/// Hash of a link's secret, as stored; `None` for a malformed secret.
pub(super) fn hash(token: &str) -> Option<Vec<u8>> {
    let sound = token.len() == LEN && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    sound.then(|| Sha256::digest(token).to_vec())
}

/// Makes a link for a user, and invalidates earlier ones for the same purpose.
pub(super) async fn issue(tx: &Transaction, user_id: i64, purpose: Purpose, now: Timestamp) -> Result<String> {
    end_all(tx, user_id, purpose, now).await?;
    let token = generate();
    Entity::insert(ActiveModel {
        id: NotSet,
        user_id: Set(user_id),
        purpose: Set(purpose),
        token_hash: Set(hash(&token).unwrap_or_default()),
        created_at: Set(now),
        expires_at: Set(now.plus(purpose.lasts())),
        used_at: Set(None),
    })
    .exec_without_returning(tx)
    .await?;
    Ok(token)
}

/// Invalidates the links of a user for a purpose.
pub(super) async fn end_all(tx: &Transaction, user_id: i64, purpose: Purpose, now: Timestamp) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::Purpose.eq(purpose))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    Ok(())
}

/// The user of a valid link.
pub(super) async fn user_of(
    db: &impl ConnectionTrait,
    token: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<Option<i64>> {
    Ok(find(db, token, purpose, now).await?.map(|row| row.user_id))
}

async fn find(db: &impl ConnectionTrait, token: &str, purpose: Purpose, now: Timestamp) -> Result<Option<Model>> {
    let Some(hash) = hash(token) else { return Ok(None) };
    Ok(Entity::find()
        .filter(Column::TokenHash.eq(hash))
        .filter(Column::Purpose.eq(purpose))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
        .one(db)
        .await?)
}

/// Uses a link up and returns its user.
///
/// # Errors
/// [`Error::NotFound`] when it was used, has expired or never existed.
pub(super) async fn redeem(tx: &Transaction, token: &str, purpose: Purpose, now: Timestamp) -> Result<i64> {
    const GONE: Error = Error::NotFound("link");
    let row = find(tx, token, purpose, now).await?.ok_or(GONE)?;
    let used = Entity::update_many()
        .col_expr(Column::UsedAt, Expr::value(now))
        .filter(Column::Id.eq(row.id))
        .filter(Column::UsedAt.is_null())
        .exec(tx)
        .await?;
    // Of two concurrent uses, only one succeeds.
    if used.rows_affected == 1 {
        Ok(row.user_id)
    } else {
        Err(GONE)
    }
}

/// Removes invalid links and returns their number. To be called regularly.
pub async fn forget_old_links(domain: &crate::Domain) -> Result<u64> {
    domain
        .db
        .delete_where::<Entity>(Column::ExpiresAt.lte(domain.clock.now()))
        .await
}
