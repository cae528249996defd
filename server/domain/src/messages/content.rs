//! The raw content of messages, in chunks. That of the system's mails with one-time links is sealed: whoever reads the
//! database finds no link that works.

use crate::entities::{content_chunks, messages};
use crate::error::{Error, Result};
use crate::ids::RowIds;
use crate::messages::Source;
use crate::secrets::Sealer;
use crate::{Domain, db::Db, system_mail};
use bytes::{Bytes, BytesMut};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use std::time::Duration;

/// The largest content that is written in the transaction that accepts its message. Larger ones are stored ahead, in
/// chunks of this size, so that they never delay others.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Row of one chunk.
pub(super) fn chunk(message_id: i64, position: i32, data: &[u8]) -> content_chunks::ActiveModel {
    content_chunks::ActiveModel {
        message_id: Set(message_id),
        position: Set(position),
        data: Set(data.to_vec()),
    }
}

/// Stores content before its message exists. If the message is never accepted, [`sweep_orphans`] removes the content.
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

/// First octet of sealed content: the version of sealed values, which begins no mail of the system.
const SEALED: u8 = 1;

/// Place of sealed content: it opens for this message only.
fn place(message_id: i64) -> String {
    format!("content of message {message_id}")
}

/// Seals the content of a mail of the system.
pub(crate) fn seal(sealer: &Sealer, message_id: i64, content: &[u8]) -> Result<Bytes> {
    Ok(sealer.seal(content, &place(message_id))?.into())
}

fn is_sealed(message: &messages::Model, stored: &[u8]) -> bool {
    message.source == Source::System && stored.first() == Some(&SEALED)
}

/// Content as accepted, from what is stored.
///
/// # Errors
/// [`Error::Internal`] when it was sealed with a key that is not there any more.
pub(crate) fn open(sealer: &Sealer, message: &messages::Model, stored: Bytes) -> Result<Bytes> {
    if is_sealed(message, &stored) {
        return Ok(sealer.open(&stored, &place(message.id))?.into());
    }
    Ok(stored)
}

/// Content for people, from what is stored. A link in a mail that left is for its recipient alone.
///
/// # Errors
/// [`Error::Gone`] for such a mail; otherwise as [`open`].
pub(crate) fn show(domain: &Domain, message: &messages::Model, stored: Bytes) -> Result<Bytes> {
    if is_sealed(message, &stored) && system_mail::leaves(domain) {
        return Err(Error::Gone(
            "the content of this mail is not shown: it has a link that only its recipient may use",
        ));
    }
    open(&domain.sealer, message, stored)
}

/// The raw content of a message, as accepted.
///
/// # Errors
/// [`Error::NotFound`] when it does not exist: removed by retention at this moment, or lost.
pub async fn load(domain: &Domain, message: &messages::Model) -> Result<Bytes> {
    let stored = stored(&domain.db, message.id, message.size).await?;
    open(&domain.sealer, message, stored)
}

/// The content of a message as it is stored.
///
/// # Errors
/// As [`load`].
pub(crate) async fn stored(db: &Db, message_id: i64, size: i32) -> Result<Bytes> {
    let size = usize::try_from(size).unwrap_or(0);
    let mut content = BytesMut::with_capacity(size);
    let mut position = 0;
    while content.len() < size.max(1) {
        // A few chunks at a time, so that a large message is not held twice.
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

/// Age from which content without a message is an orphan: no request lasts this long.
const ORPHAN_AFTER: Duration = Duration::from_secs(3_600);
/// Age up to which orphans are looked for; the sweep runs far more often.
const ORPHAN_UNTIL: Duration = Duration::from_secs(25 * 3_600);

/// Removes content that was stored ahead for messages that were never accepted: the client gave up, or the process
/// died. Returns the number of removed chunks. To be called every few hours.
pub async fn sweep_orphans(domain: &Domain) -> Result<u64> {
    let now = domain.clock.now();
    let real = Query::select()
        .column(messages::Column::Id)
        .from(messages::Entity)
        .and_where(
            Expr::col((messages::Entity, messages::Column::Id))
                .equals((content_chunks::Entity, content_chunks::Column::MessageId)),
        )
        .to_owned();
    let orphans = Condition::all()
        .add(content_chunks::Column::MessageId.gte(RowIds::floor(now.minus(ORPHAN_UNTIL))))
        .add(content_chunks::Column::MessageId.lt(RowIds::floor(now.minus(ORPHAN_AFTER))))
        .add(Expr::exists(real).not());
    domain.db.delete_where::<content_chunks::Entity>(orphans).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::testing::databases;

    #[tokio::test]
    async fn content_of_messages_that_never_came_is_swept_after_an_hour() {
        for test in databases().await {
            let id = test.row_ids.next(test.clock.now());
            let content = Bytes::from(vec![b'x'; 3 * CHUNK_BYTES]);
            store_ahead(&test, id, &content).await.unwrap();
            assert_eq!(stored(&test.db, id, 3 * CHUNK_BYTES as i32).await.unwrap(), content);
            assert_eq!(sweep_orphans(&test).await.unwrap(), 0, "its message may still come");
            test.clock.advance(ORPHAN_AFTER + Duration::from_secs(1));
            assert_eq!(sweep_orphans(&test).await.unwrap(), 3);
        }
    }
}
