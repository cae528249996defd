//! Queries of messages: lists, one message with its timeline, its raw source.

mod cursor;
mod detail;
mod list;

pub use cursor::Page;
pub(crate) use cursor::{decode_cursor, encode_cursor};
pub use detail::{AttemptView, CandidateView, MessageDetail, RecipientView, WaitingView, get};
pub use list::{FeedbackFilter, MessageFilter, MessageRow, list};

use super::content;
use super::retention::check_content;
use crate::Domain;
use crate::entities::{messages, providers};
use crate::error::{Error, Result};
use crate::ids::IdKind;
use bytes::Bytes;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use std::collections::HashMap;

/// The raw source of a message of a team, as accepted.
///
/// # Errors
/// [`Error::Gone`] when retention has removed the content, or only its recipient may see it; [`Error::NotFound`], for
/// another team's too.
pub async fn raw(domain: &Domain, team_id: i64, public_id: &str) -> Result<Bytes> {
    let message = find(domain, team_id, public_id).await?;
    check_content(&message)?;
    let stored = content::stored(&domain.db, message.id, message.size).await?;
    content::show(domain, &message, stored)
}

pub(crate) async fn find(domain: &Domain, team_id: i64, public_id: &str) -> Result<messages::Model> {
    if !IdKind::Message.matches(public_id) {
        return Err(Error::NotFound("message"));
    }
    messages::Entity::find()
        .filter(messages::Column::PublicId.eq(public_id))
        .filter(messages::Column::TeamId.eq(team_id))
        .one(domain.db.read())
        .await?
        .ok_or(Error::NotFound("message"))
}

/// Public ids and names of providers, including deleted ones.
pub(crate) async fn provider_names(
    domain: &Domain,
    ids: impl Iterator<Item = i64>,
) -> Result<HashMap<i64, (String, String)>> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String, String)> = providers::Entity::find()
        .select_only()
        .column(providers::Column::Id)
        .column(providers::Column::PublicId)
        .column(providers::Column::Name)
        .filter(providers::Column::Id.is_in(ids))
        .into_tuple()
        .all(domain.db.read())
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, public_id, name)| (id, (public_id, name)))
        .collect())
}

fn count(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}
