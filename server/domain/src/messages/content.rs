//! The raw content of messages, in chunks.

use crate::entities::content_chunks;
use crate::error::{Error, Result};
use crate::{Domain, db::Db};
use bytes::{Bytes, BytesMut};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

/// The largest content that is written in the transaction that accepts its message. Larger ones are stored ahead, in
/// chunks of this size, so that they never hold up the others.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// One chunk, as a row.
pub(super) fn chunk(message_id: i64, position: i32, data: &[u8]) -> content_chunks::ActiveModel {
    content_chunks::ActiveModel {
        message_id: Set(message_id),
        position: Set(position),
        data: Set(data.to_vec()),
    }
}

/// Stores content before its message exists. Should the message never come, [`sweep_orphans`] removes it.
pub(super) async fn store_ahead(domain: &Domain, message_id: i64, content: &Bytes) -> Result<()> {
    for (position, data) in (0..).zip(content.chunks(CHUNK_BYTES)) {
        let tx = domain.db.begin().await?;
        content_chunks::Entity::insert(chunk(message_id, position, data))
            .exec_without_returning(&tx)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The raw content of a message.
///
/// # Errors
/// [`Error::NotFound`] when it is not there: removed by retention, or lost.
pub async fn load(db: &Db, message_id: i64, size: i32) -> Result<Bytes> {
    let size = usize::try_from(size).unwrap_or(0);
    let mut content = BytesMut::with_capacity(size);
    let mut position = 0;
    while content.len() < size.max(1) {
        // A few chunks at a time: a large message is not held twice.
        let chunks = content_chunks::Entity::find()
            .filter(content_chunks::Column::MessageId.eq(message_id))
            .filter(content_chunks::Column::Position.gte(position))
            .order_by_asc(content_chunks::Column::Position)
            .limit(4)
            .all(db.read())
            .await?;
        let Some(last) = chunks.last() else { break };
        position = last.position + 1;
        for chunk in &chunks {
            content.extend_from_slice(&chunk.data);
        }
    }
    if content.is_empty() && size > 0 {
        return Err(Error::NotFound("the message's content"));
    }
    Ok(content.freeze())
}
