//! Data for an attempt: the message, its recipients and, if it is small, its content.

use super::Row;
use crate::Domain;
use crate::batch::in_list;
use crate::entities::{content_chunks, messages, recipients};
use crate::error::Result;
use crate::messages::content::{self, CHUNK_BYTES};
use bytes::Bytes;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::RecipientStatus;
use std::collections::HashMap;

/// A leased message, ready to be sent.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its row in the queue, as leased.
    pub queue: Row,
    /// The message.
    pub message: messages::Model,
    /// All its recipients, in order.
    pub recipients: Vec<recipients::Model>,
    /// The raw content, if it is small; large contents are loaded when the attempt begins.
    pub content: Option<Bytes>,
}

impl Work {
    /// Recipients that are neither accepted nor refused yet.
    pub fn pending(&self) -> impl Iterator<Item = &recipients::Model> {
        self.recipients
            .iter()
            .filter(|recipient| recipient.status == RecipientStatus::Pending)
    }
}

/// Loads leased messages with their recipients and small contents. Messages whose row is gone are left out.
pub async fn load(domain: &Domain, rows: Vec<Row>) -> Result<Vec<Work>> {
    let db = &domain.db;
    let ids: Vec<i64> = rows.iter().map(|row| row.message_id).collect();
    let small: Vec<i64> = rows
        .iter()
        .filter(|row| usize::try_from(row.size).is_ok_and(|size| size <= CHUNK_BYTES))
        .map(|row| row.message_id)
        .collect();
    let mut messages: HashMap<i64, messages::Model> = messages::Entity::find()
        .filter(messages::Column::Id.is_in(in_list(ids.iter().copied())))
        .all(db.read())
        .await?
        .into_iter()
        .map(|message| (message.id, message))
        .collect();
    let mut recipients: HashMap<i64, Vec<recipients::Model>> = HashMap::new();
    for recipient in recipients::Entity::find()
        .filter(recipients::Column::MessageId.is_in(in_list(ids)))
        .order_by_asc(recipients::Column::MessageId)
        .order_by_asc(recipients::Column::Position)
        .all(db.read())
        .await?
    {
        recipients.entry(recipient.message_id).or_default().push(recipient);
    }
    let mut contents: HashMap<i64, Bytes> = content_chunks::Entity::find()
        .filter(content_chunks::Column::MessageId.is_in(in_list(small)))
        .all(db.read())
        .await?
        .into_iter()
        .map(|chunk| (chunk.message_id, Bytes::from(chunk.data)))
        .collect();
    Ok(rows
        .into_iter()
        .filter_map(|queue| {
            let message = messages.remove(&queue.message_id)?;
            Some(Work {
                recipients: recipients.remove(&queue.message_id).unwrap_or_default(),
                // What cannot be opened fails in its own attempt, where it is loaded again.
                content: contents
                    .remove(&queue.message_id)
                    .and_then(|stored| content::open(&domain.sealer, &message, stored).ok()),
                message,
                queue,
            })
        })
        .collect())
}
