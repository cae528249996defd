//! The sandbox: an inbox of messages that were captured instead of sent, by test keys and by a managed route without an
//! account.

use crate::column::Json;
use crate::entities::{messages, sandbox_messages};
use crate::error::{Error, Result};
use crate::messages::content;
use crate::messages::query::{self, Page, decode_cursor, encode_cursor, provider_names};
use crate::messages::retention::check_content;
use crate::{Domain, system_mail};
use bytes::Bytes;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use sendmux_rules::{Mode, Timestamp};
use std::collections::HashMap;

/// A message to capture.
#[derive(Clone, Debug)]
pub struct Capture {
    /// Database id of the message.
    pub message_id: i64,
    /// Its team.
    pub team_id: i64,
    /// The provider that captures it.
    pub provider_id: i64,
    /// The reverse-path; none for `<>`.
    pub return_path: Option<String>,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// The raw message, if it differs from the accepted one.
    pub raw: Option<Bytes>,
}

/// Puts messages into the sandbox. Capturing one again changes nothing: a retry after a crash makes no second copy.
pub async fn capture(domain: &Domain, captures: Vec<Capture>) -> Result<()> {
    if captures.is_empty() {
        return Ok(());
    }
    let now = domain.clock.now();
    let mut rows = Vec::with_capacity(captures.len());
    for capture in captures {
        let raw = match capture.raw {
            Some(raw) if system_mail::is_system(domain, capture.team_id) => {
                Some(content::seal(&domain.sealer, capture.message_id, &raw)?)
            }
            raw => raw,
        };
        rows.push(sandbox_messages::ActiveModel {
            message_id: Set(capture.message_id),
            team_id: Set(capture.team_id),
            provider_id: Set(capture.provider_id),
            return_path: Set(capture.return_path),
            recipients: Set(Json(capture.recipients)),
            raw: Set(raw.map(|raw| raw.to_vec())),
            captured_at: Set(now),
        });
    }
    let tx = domain.db.begin().await?;
    sandbox_messages::Entity::insert_many(rows)
        .on_conflict(
            OnConflict::column(sandbox_messages::Column::MessageId)
                .do_nothing()
                .to_owned(),
        )
        .exec_without_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// A captured message in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxRow {
    /// `eml_…`
    pub public_id: String,
    /// The subject, decoded.
    pub subject: String,
    /// The address in From, as accepted.
    pub from_email: String,
    /// The name in From.
    pub from_name: String,
    /// The envelope's recipients.
    pub recipients: Vec<String>,
    /// Live (an unconfigured managed route) or test.
    pub mode: Mode,
    /// Name of the capturing provider: `Sandbox`, `Managed route`.
    pub provider: String,
    /// Size in bytes.
    pub size: u64,
    /// Time of the capture.
    pub captured_at: Timestamp,
}

/// A captured message as it would have been sent.
#[derive(Clone, Debug)]
pub struct SandboxMessage {
    /// The row of the list.
    pub row: SandboxRow,
    /// The reverse-path; none for `<>`.
    pub return_path: Option<String>,
    /// The raw message.
    pub raw: Bytes,
}

/// A page of a team's sandbox, newest first.
pub async fn list(domain: &Domain, team_id: i64, before: Option<&str>, limit: u64) -> Result<Page<SandboxRow>> {
    let limit = limit.clamp(1, 200);
    let mut find = sandbox_messages::Entity::find()
        .filter(sandbox_messages::Column::TeamId.eq(team_id))
        .order_by_desc(sandbox_messages::Column::MessageId)
        .limit(limit + 1);
    if let Some(cursor) = before {
        find = find.filter(sandbox_messages::Column::MessageId.lt(decode_cursor(cursor)?));
    }
    // The raw content is not read: a list does not need it.
    let mut captured: Vec<Captured> = find
        .select_only()
        .columns([
            sandbox_messages::Column::MessageId,
            sandbox_messages::Column::ProviderId,
            sandbox_messages::Column::Recipients,
            sandbox_messages::Column::CapturedAt,
        ])
        .into_tuple()
        .all(domain.db.read())
        .await?;
    let next = if captured.len() as u64 > limit {
        captured.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        captured.last().map(|row| encode_cursor(row.0))
    } else {
        None
    };
    Ok(Page {
        rows: to_rows(domain, captured).await?,
        next,
    })
}

/// True if a message of a team was captured; its content is not read.
pub async fn has(domain: &Domain, team_id: i64, public_id: &str) -> Result<bool> {
    let message = query::find(domain, team_id, public_id).await?;
    let captured = sandbox_messages::Entity::find_by_id(message.id)
        .count(domain.db.read())
        .await?;
    Ok(captured > 0)
}

/// One captured message.
///
/// # Errors
/// [`Error::NotFound`] for another team's too, and for a message that was not captured; [`Error::Gone`] when retention
/// has removed it.
pub async fn get(domain: &Domain, team_id: i64, public_id: &str) -> Result<SandboxMessage> {
    let message = query::find(domain, team_id, public_id).await?;
    check_content(&message)?;
    let db = domain.db.read();
    let captured = sandbox_messages::Entity::find_by_id(message.id)
        .one(db)
        .await?
        .ok_or(Error::NotFound("message"))?;
    let raw = match captured.raw {
        Some(raw) => Bytes::from(raw),
        None => content::stored(&domain.db, message.id, message.size).await?,
    };
    let listed = (
        captured.message_id,
        captured.provider_id,
        captured.recipients,
        captured.captured_at,
    );
    let row = to_rows(domain, vec![listed])
        .await?
        .pop()
        .ok_or(Error::NotFound("message"))?;
    Ok(SandboxMessage {
        row,
        return_path: captured.return_path,
        raw: content::show(domain, &message, raw)?,
    })
}

/// Message, provider, recipients, time.
type Captured = (i64, i64, Json<Vec<String>>, Timestamp);

async fn to_rows(domain: &Domain, captured: Vec<Captured>) -> Result<Vec<SandboxRow>> {
    let rows = messages::Entity::find()
        .filter(messages::Column::Id.is_in(captured.iter().map(|row| row.0)))
        .all(domain.db.read())
        .await?;
    let mut rows: HashMap<i64, messages::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    let names = provider_names(domain, captured.iter().map(|row| row.1)).await?;
    Ok(captured
        .into_iter()
        .filter_map(|(message_id, provider_id, recipients, captured_at)| {
            let message = rows.remove(&message_id)?;
            Some(SandboxRow {
                public_id: message.public_id,
                subject: message.subject,
                from_email: message.from_email,
                from_name: message.from_name,
                recipients: recipients.0,
                mode: message.mode,
                provider: names
                    .get(&provider_id)
                    .map(|(_, name)| name.clone())
                    .unwrap_or_default(),
                size: u64::try_from(message.size).unwrap_or(0),
                captured_at,
            })
        })
        .collect())
}
