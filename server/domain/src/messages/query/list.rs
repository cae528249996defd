//! Lists of messages.

use super::cursor::{Page, decode_cursor, encode_cursor};
use super::{count, provider_names};
use crate::Domain;
use crate::entities::{api_keys, delivery_groups, events, lanes, messages, providers, queue, recipients};
use crate::error::{Error, Result};
use crate::events::EventKind;
use crate::ids::{self, IdKind, RowIds};
use crate::lanes::ScopeKind;
use crate::messages::Source;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use sendmux_rules::{MessageStatus, Mode, Timestamp, named_enum};
use std::collections::HashMap;

/// Filter of a list of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFilter {
    /// Only with one of these statuses; with any status when empty.
    pub statuses: Vec<MessageStatus>,
    /// Only those with this feedback.
    pub feedback: Option<FeedbackFilter>,
    /// Only of live or of test keys.
    pub mode: Option<Mode>,
    /// A message id, the whole address of a recipient or sender, or a part of the subject.
    pub search: Option<String>,
    /// Only messages that the provider with this public id, which may be deleted, took or tried last.
    pub provider: Option<String>,
    /// Only those whose scope names the delivery group with this public id.
    pub group: Option<String>,
    /// Only those sent with the key with this public id.
    pub key: Option<String>,
    /// Only to this whole address.
    pub recipient: Option<String>,
    /// Only those with this in the subject.
    pub subject: Option<String>,
    /// Only accepted at this time or later.
    pub since: Option<Timestamp>,
    /// Only accepted before this time.
    pub until: Option<Timestamp>,
    /// Cursor of the previous page.
    pub before: Option<String>,
    /// Most rows; 50 when 0, never more than 200.
    pub limit: u64,
}

named_enum! {
    /// Filter of messages by the feedback about them.
    pub enum FeedbackFilter {
        /// It bounced, hard or soft, for at least one recipient.
        Bounced = "bounced",
        /// A recipient complained.
        Complained = "complained",
        /// The provider did not send it after all.
        Rejected = "rejected",
    }
}

impl FeedbackFilter {
    const fn event(self) -> EventKind {
        match self {
            Self::Bounced => EventKind::MessageBounced,
            Self::Complained => EventKind::MessageComplained,
            Self::Rejected => EventKind::MessageRejected,
        }
    }
}

/// A message in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRow {
    /// `eml_…`
    pub public_id: String,
    /// Status of the message.
    pub status: MessageStatus,
    /// Live or test.
    pub mode: Mode,
    /// The interface that it came through.
    pub source: Source,
    /// The subject, decoded.
    pub subject: String,
    /// The address in From.
    pub from_email: String,
    /// The name in From.
    pub from_name: String,
    /// The first recipient's address.
    pub first_recipient: String,
    /// Number of recipients.
    pub recipient_count: u32,
    /// Number of recipients accepted by a provider.
    pub sent_count: u32,
    /// Number of failed recipients.
    pub failed_count: u32,
    /// Number of attempts.
    pub attempt_count: u32,
    /// Size in bytes.
    pub size: u64,
    /// Public id of the key that it was sent with; `None` for the installation's own mail.
    pub key_id: Option<String>,
    /// Public id of the provider that last took it.
    pub provider_id: Option<String>,
    /// Name of the provider that last took it.
    pub provider: Option<String>,
    /// The last error.
    pub last_error: Option<String>,
    /// Public ids of the delivery groups named in the message, including deleted ones.
    pub delivery_groups: Vec<String>,
    /// Time of acceptance.
    pub created_at: Timestamp,
    /// Time at which it was finished.
    pub finished_at: Option<Timestamp>,
}

const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 200;

/// A page of a team's messages, newest first.
///
/// # Errors
/// [`Error::Invalid`] for a malformed cursor; [`Error::NotFound`] for a provider, group or key that is not the team's;
/// otherwise errors of the database.
pub async fn list(domain: &Domain, team_id: i64, filter: &MessageFilter) -> Result<Page<MessageRow>> {
    let limit = match filter.limit {
        0 => DEFAULT_LIMIT,
        limit => Ord::min(limit, MAX_LIMIT),
    };
    let mut find = messages::Entity::find()
        .filter(messages::Column::TeamId.eq(team_id))
        .order_by_desc(messages::Column::Id)
        .limit(limit + 1);
    if let Some(cursor) = &filter.before {
        find = find.filter(messages::Column::Id.lt(decode_cursor(cursor)?));
    }
    if let Some(since) = filter.since {
        find = find.filter(messages::Column::Id.gte(RowIds::floor(since)));
    }
    if let Some(until) = filter.until {
        find = find.filter(messages::Column::Id.lt(RowIds::floor(until)));
    }
    if let Some(mode) = filter.mode {
        find = find.filter(messages::Column::Mode.eq(mode));
    }
    if !filter.statuses.is_empty() {
        find = find.filter(in_one_of(&filter.statuses));
    }
    if let Some(what) = filter.feedback {
        find = find.filter(messages::Column::Id.in_subquery(with_feedback(team_id, what)));
    }
    find = by_sender(domain, find, team_id, filter).await?;
    if let Some(address) = filter.recipient.as_deref() {
        find = find.filter(messages::Column::Id.in_subquery(sent_to(team_id, address.trim())));
    }
    if let Some(part) = filter.subject.as_deref() {
        find = find.filter(subject_has(part.trim()));
    }
    if let Some(search) = filter
        .search
        .as_deref()
        .map(str::trim)
        .filter(|search| !search.is_empty())
    {
        find = by_search(find, team_id, search);
    }
    let mut rows = find.all(domain.db.read()).await?;
    let next = if rows.len() as u64 > limit {
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows.last().map(|row| encode_cursor(row.id))
    } else {
        None
    };
    Ok(Page {
        rows: to_rows(domain, rows).await?,
        next,
    })
}

/// Condition on the status. `sending` is not stored with the message: it is a queued message that is leased.
fn in_one_of(statuses: &[MessageStatus]) -> Condition {
    let leased = || {
        Query::select()
            .column(queue::Column::MessageId)
            .from(queue::Entity)
            .and_where(Expr::col(queue::Column::Lease).is_not_null())
            .to_owned()
    };
    statuses.iter().fold(Condition::any(), |any, status| match status {
        MessageStatus::Sending => any.add(messages::Column::Id.in_subquery(leased())),
        MessageStatus::Queued => any.add(
            messages::Column::Status
                .eq(*status)
                .and(messages::Column::Id.not_in_subquery(leased())),
        ),
        other => any.add(messages::Column::Status.eq(*other)),
    })
}

fn by_search(find: Select<messages::Entity>, team_id: i64, search: &str) -> Select<messages::Entity> {
    if IdKind::Message.matches(search) {
        return find.filter(messages::Column::PublicId.eq(search));
    }
    if search.contains('@') && !search.contains(' ') {
        return find.filter(
            messages::Column::Id
                .in_subquery(sent_to(team_id, search))
                .or(messages::Column::FromEmail.eq(search)),
        );
    }
    find.filter(subject_has(search))
}

/// Selects the messages with this feedback.
fn with_feedback(team_id: i64, what: FeedbackFilter) -> sea_orm::sea_query::SelectStatement {
    // Both written as in the index.
    const INDEXED: &str = "kind IN ('message.bounced', 'message.complained', 'message.rejected')";
    Query::select()
        .column(events::Column::MessageId)
        .from(events::Entity)
        .and_where(Expr::col(events::Column::TeamId).eq(team_id))
        .and_where(Expr::cust(INDEXED))
        .and_where(Expr::cust(format!("kind = '{}'", what.event())))
        .to_owned()
}

/// Selects the messages to this address.
fn sent_to(team_id: i64, address: &str) -> sea_orm::sea_query::SelectStatement {
    Query::select()
        .column(recipients::Column::MessageId)
        .from(recipients::Entity)
        .and_where(Expr::col(recipients::Column::TeamId).eq(team_id))
        .and_where(Expr::col(recipients::Column::Address).eq(address))
        .to_owned()
}

fn subject_has(part: &str) -> sea_orm::sea_query::SimpleExpr {
    let escaped: String = part
        .chars()
        .flat_map(|c| matches!(c, '%' | '_' | '\\').then_some('\\').into_iter().chain([c]))
        .collect();
    Expr::col((messages::Entity, messages::Column::Subject)).like(LikeExpr::new(format!("%{escaped}%")).escape('\\'))
}

/// Filters by provider, group and key.
async fn by_sender(
    domain: &Domain,
    mut find: Select<messages::Entity>,
    team_id: i64,
    filter: &MessageFilter,
) -> Result<Select<messages::Entity>> {
    let db = domain.db.read();
    if let Some(public_id) = &filter.provider {
        let provider = providers::Entity::find()
            .filter(providers::Column::PublicId.eq(public_id))
            .filter(providers::Column::TeamId.eq(team_id))
            .one(db)
            .await?
            .ok_or(Error::NotFound("provider"))?;
        find = find.filter(messages::Column::ProviderId.eq(provider.id));
    }
    if let Some(public_id) = &filter.key {
        let key = api_keys::Entity::find()
            .filter(api_keys::Column::PublicId.eq(public_id))
            .filter(api_keys::Column::TeamId.eq(team_id))
            .one(db)
            .await?
            .ok_or(Error::NotFound("API key"))?;
        find = find.filter(messages::Column::KeyId.eq(key.id));
    }
    if let Some(public_id) = &filter.group {
        let group = delivery_groups::Entity::find()
            .filter(delivery_groups::Column::PublicId.eq(&*ids::group(public_id)))
            .filter(delivery_groups::Column::TeamId.eq(team_id))
            .one(db)
            .await?
            .ok_or(Error::NotFound("delivery group"))?;
        let lanes = lanes::Entity::find()
            .filter(lanes::Column::TeamId.eq(team_id))
            .filter(lanes::Column::Scope.eq(ScopeKind::Groups))
            .all(db)
            .await?;
        let naming = lanes.into_iter().filter(|lane| lane.targets.0.contains(&group.id));
        find = find.filter(messages::Column::LaneId.is_in(naming.map(|lane| lane.id)));
    }
    Ok(find)
}

/// The rows of a list, or of one message, with the names that they refer to.
pub(super) async fn to_rows(domain: &Domain, rows: Vec<messages::Model>) -> Result<Vec<MessageRow>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let firsts: Vec<(i64, String)> = recipients::Entity::find()
        .select_only()
        .column(recipients::Column::MessageId)
        .column(recipients::Column::Address)
        .filter(recipients::Column::MessageId.is_in(ids.iter().copied()))
        .filter(recipients::Column::Position.eq(0))
        .into_tuple()
        .all(domain.db.read())
        .await?;
    let mut firsts: HashMap<i64, String> = firsts.into_iter().collect();
    let unfinished = rows.iter().filter(|row| row.finished_at.is_none()).map(|row| row.id);
    let leased: Vec<i64> = queue::Entity::find()
        .select_only()
        .column(queue::Column::MessageId)
        .filter(queue::Column::MessageId.is_in(unfinished))
        .filter(queue::Column::Lease.is_not_null())
        .into_tuple()
        .all(domain.db.read())
        .await?;
    let names = provider_names(domain, rows.iter().filter_map(|row| row.provider_id)).await?;
    let keys = key_names(domain, rows.iter().filter_map(|row| row.key_id)).await?;
    Ok(rows
        .into_iter()
        .map(|row| MessageRow {
            status: if leased.contains(&row.id) {
                MessageStatus::Sending
            } else {
                row.status
            },
            mode: row.mode,
            first_recipient: firsts.remove(&row.id).unwrap_or_default(),
            key_id: row.key_id.and_then(|id| keys.get(&id)).cloned(),
            provider_id: row
                .provider_id
                .and_then(|id| names.get(&id))
                .map(|(public_id, _)| public_id.clone()),
            provider: row
                .provider_id
                .and_then(|id| names.get(&id))
                .map(|(_, name)| name.clone()),
            public_id: row.public_id,
            source: row.source,
            subject: row.subject,
            from_email: row.from_email,
            from_name: row.from_name,
            recipient_count: count(row.recipient_count),
            sent_count: count(row.sent_count),
            failed_count: count(row.failed_count),
            attempt_count: count(row.attempt_count),
            size: u64::try_from(row.size).unwrap_or(0),
            last_error: row.last_error,
            delivery_groups: row.delivery_groups.unwrap_or_default().0,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
        .collect())
}

/// Public ids of keys.
async fn key_names(domain: &Domain, ids: impl Iterator<Item = i64>) -> Result<HashMap<i64, String>> {
    let mut ids: Vec<i64> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(i64, String)> = api_keys::Entity::find()
        .select_only()
        .columns([api_keys::Column::Id, api_keys::Column::PublicId])
        .filter(api_keys::Column::Id.is_in(ids))
        .into_tuple()
        .all(domain.db.read())
        .await?;
    Ok(rows.into_iter().collect())
}
