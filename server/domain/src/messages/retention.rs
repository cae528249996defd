//! Retention: the content of a message is removed some time after its end. Its row, its recipients and its attempts
//! stay.

use crate::Domain;
use crate::batch::in_list;
use crate::entities::{content_chunks, messages, sandbox_messages};
use crate::error::{Error, Result};
use sea_orm::sea_query::{Expr, LockBehavior, LockType};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// Messages, and bytes of content, removed in one transaction: small enough not to delay those who accept messages.
const PAGE_MESSAGES: u64 = 500;
const PAGE_BYTES: i64 = 8 * 1024 * 1024;

/// Removes the content of some of the messages that ended long enough ago, with their copies in the sandbox. Returns
/// their number, which is 0 when nothing is left to remove. Safe to run on several nodes concurrently.
///
/// # Errors
/// Errors of the database.
pub async fn remove_some(domain: &Domain) -> Result<u64> {
    use messages::{Column, Entity};
    let Some(kept) = domain.settings.content_retention else {
        return Ok(0);
    };
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let mut find = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Size])
        .filter(Column::FinishedAt.lte(now.minus(kept)))
        .filter(Column::ContentRemovedAt.is_null())
        .order_by_asc(Column::FinishedAt)
        .limit(PAGE_MESSAGES);
    if domain.db.backend() == DbBackend::Postgres {
        find = find.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    let expired: Vec<(i64, i32)> = find.into_tuple().all(&tx).await?;
    let mut bytes = 0;
    let page: Vec<i64> = expired
        .into_iter()
        .take_while(|(_, size)| {
            let first = bytes == 0;
            bytes += i64::from(*size).max(1);
            first || bytes <= PAGE_BYTES
        })
        .map(|(id, _)| id)
        .collect();
    if page.is_empty() {
        return Ok(0);
    }
    let count = page.len() as u64;
    let ids = in_list(page);
    Entity::update_many()
        .col_expr(Column::ContentRemovedAt, Expr::value(now))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .exec(&tx)
        .await?;
    content_chunks::Entity::delete_many()
        .filter(content_chunks::Column::MessageId.is_in(ids.iter().copied()))
        .exec(&tx)
        .await?;
    sandbox_messages::Entity::delete_many()
        .filter(sandbox_messages::Column::MessageId.is_in(ids))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(count)
}

/// Returns an error if the content of a message was removed.
pub(crate) fn check_content(message: &messages::Model) -> Result<()> {
    if message.content_removed_at.is_some() {
        return Err(Error::Gone(
            "the content of this message is no longer kept: it was removed when its time was over",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
