//! Queries of messages: lists, one message with its timeline, its raw source.

use super::content;
use super::retention::check_content;
use crate::Domain;
use crate::entities::{api_keys, attempts, delivery_groups, events, lanes, messages, providers, queue, recipients};
use crate::error::{Error, Result};
use crate::feedback::{self, DeliveryStatus, FeedbackEvent, NoticeKind};
use crate::ids::{self, IdKind, RowIds};
use crate::lanes::{ScopeKind, targets_of};
use crate::routing::waiting_of;
use bytes::Bytes;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, Query};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use sendmux_rules::{LeftOut, MessageStatus, Mode, Timestamp, WaitReason};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

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

/// Filter of messages by the feedback about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedbackFilter {
    /// It bounced, hard or soft, for at least one recipient.
    Bounced,
    /// A recipient complained.
    Complained,
    /// The provider did not send it after all.
    Rejected,
}

impl FeedbackFilter {
    const fn event(self) -> &'static str {
        match self {
            Self::Bounced => NoticeKind::BOUNCED,
            Self::Complained => NoticeKind::COMPLAINED,
            Self::Rejected => NoticeKind::REJECTED,
        }
    }
}

impl FromStr for FeedbackFilter {
    type Err = ();

    fn from_str(word: &str) -> std::result::Result<Self, ()> {
        match word {
            "bounced" => Ok(Self::Bounced),
            "complained" => Ok(Self::Complained),
            "rejected" => Ok(Self::Rejected),
            _ => Err(()),
        }
    }
}

/// A page of a list, with the cursor of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Cursor of the next (older) page; `None` at the end.
    pub next: Option<String>,
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
    /// `http`, `smtp` or `system`.
    pub source: String,
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

/// A message with all its details.
#[derive(Clone, Debug)]
pub struct MessageDetail {
    /// The message.
    pub row: MessageRow,
    /// The reverse-path; none for `<>`.
    pub return_path: Option<String>,
    /// The Message-ID header.
    pub header_message_id: String,
    /// Its origin.
    pub origin: super::Origin,
    /// Its recipients, in order.
    pub recipients: Vec<RecipientView>,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptView>,
    /// Feedback about it, in order.
    pub feedback: Vec<FeedbackEvent>,
    /// Its wait, while it waits.
    pub waiting: Option<WaitingView>,
    /// Time at which retention removed the content; `None` while it is kept.
    pub content_removed_at: Option<Timestamp>,
}

/// A recipient and its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientView {
    /// `to`, `cc`, `bcc` or `envelope`.
    pub field: String,
    /// The address.
    pub address: String,
    /// The display name.
    pub name: String,
    /// `pending`, `sent` or `failed`.
    pub status: String,
    /// The last reply about it: code, enhanced code, text.
    pub reply: Option<String>,
    /// Time at which it was settled.
    pub settled_at: Option<Timestamp>,
    /// Delivery status after a provider took the message, if the provider reports it.
    pub delivery_status: Option<DeliveryStatus>,
}

/// An attempt, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptView {
    /// `try_…`
    pub public_id: String,
    /// The provider's public id and name.
    pub provider: Option<(String, String)>,
    /// Number of the round, from 1.
    pub round: u32,
    /// Class of the outcome.
    pub class: String,
    /// Stage that the dialogue reached.
    pub stage: String,
    /// SMTP reply code or HTTP status.
    pub code: Option<u16>,
    /// Enhanced status code.
    pub enhanced: Option<String>,
    /// Text of the reply, or the fault.
    pub detail: String,
    /// The provider's own id of the message.
    pub provider_message_id: Option<String>,
    /// Duration in milliseconds.
    pub duration_ms: u32,
    /// Number of its recipients, and of those accepted.
    pub recipients: (u32, u32),
    /// The recorded selection of the provider (JSON).
    pub choice: String,
    /// The candidates of that selection; empty if they were not recorded.
    pub candidates: Vec<CandidateView>,
    /// Time at which it began.
    pub started_at: Timestamp,
}

/// A provider as it was when the provider of an attempt was selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateView {
    /// `prv_…`
    pub public_id: String,
    /// Current name, deleted or not.
    pub name: String,
    /// Its weight in the draw.
    pub weight: u32,
    /// Reason why it was left out; `None` if it took part in the draw.
    pub left_out: Option<LeftOut>,
    /// Time at which it would open, if only time kept it out.
    pub opens_at: Option<Timestamp>,
}

/// Reason and end of a message's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingView {
    /// Reason; `None` when it is simply next in line.
    pub reason: Option<WaitReason>,
    /// Time at which it is expected to go.
    pub expected_at: Timestamp,
    /// True if the wait only ends by hand; `expected_at` then has no meaning.
    pub by_hand: bool,
    /// Number of the round that it waits for, from 1.
    pub round: u32,
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
        find = find.filter(messages::Column::Mode.eq(mode.as_str()));
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
                .eq(status.as_str())
                .and(messages::Column::Id.not_in_subquery(leased())),
        ),
        other => any.add(messages::Column::Status.eq(other.as_str())),
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
            .filter(lanes::Column::Scope.eq(ScopeKind::Groups.as_str()))
            .all(db)
            .await?;
        let naming = lanes
            .into_iter()
            .filter(|lane| targets_of(&lane.targets).any(|target| target == group.id));
        find = find.filter(messages::Column::LaneId.is_in(naming.map(|lane| lane.id)));
    }
    Ok(find)
}

/// One message of a team with its recipients, attempts and wait.
///
/// # Errors
/// [`Error::NotFound`], also for another team's message.
pub async fn get(domain: &Domain, team_id: i64, public_id: &str) -> Result<MessageDetail> {
    let message = find(domain, team_id, public_id).await?;
    let db = domain.db.read();
    let recipients = recipients::Entity::find()
        .filter(recipients::Column::MessageId.eq(message.id))
        .order_by_asc(recipients::Column::Position)
        .all(db)
        .await?;
    let attempts = attempts::Entity::find()
        .filter(attempts::Column::MessageId.eq(message.id))
        .order_by_asc(attempts::Column::Id)
        .all(db)
        .await?;
    let queued = queue::Entity::find_by_id(message.id).one(db).await?;
    let names = provider_names(domain, attempts.iter().map(|attempt| attempt.provider_id)).await?;
    let choices: Vec<Choice> = attempts.iter().map(Choice::of).collect();
    let candidate_names = names_of(domain, team_id, &choices).await?;
    let waiting = match queued.filter(|row| row.lease.is_none()) {
        Some(row) => {
            let waits = waiting_of(domain, &row).await?;
            Some(WaitingView {
                reason: waits.reason,
                expected_at: waits
                    .opens_at
                    .unwrap_or_else(|| Timestamp::from_millis(row.due_at))
                    .max(domain.clock.now()),
                by_hand: waits.reason.is_some() && waits.opens_at.is_none(),
                round: count(row.round),
            })
        }
        None => None,
    };
    let feedback = feedback::of_message(domain, message.id).await?;
    let detail = MessageDetail {
        return_path: message.return_path.clone(),
        header_message_id: message.header_message_id.clone(),
        origin: serde_json::from_str(&message.origin).unwrap_or_default(),
        recipients: recipients
            .into_iter()
            .map(|row| recipient_view(row, &feedback))
            .collect(),
        attempts: attempts
            .into_iter()
            .zip(choices)
            .map(|(attempt, choice)| attempt_view(attempt, &names, choice.views(&candidate_names)))
            .collect(),
        feedback,
        waiting,
        content_removed_at: message.content_removed_at.map(Timestamp::from_millis),
        row: to_rows(domain, vec![message])
            .await?
            .pop()
            .ok_or(Error::NotFound("message"))?,
    };
    Ok(detail)
}

/// The raw source of a message of a team, as accepted.
///
/// # Errors
/// [`Error::Gone`] when retention has removed the content; [`Error::NotFound`], for another team's too.
pub async fn raw(domain: &Domain, team_id: i64, public_id: &str) -> Result<Bytes> {
    let message = find(domain, team_id, public_id).await?;
    check_content(&message)?;
    content::load(&domain.db, message.id, message.size).await
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

async fn to_rows(domain: &Domain, rows: Vec<messages::Model>) -> Result<Vec<MessageRow>> {
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
                row.status.parse().unwrap_or(MessageStatus::Queued)
            },
            mode: row.mode.parse().unwrap_or(Mode::Live),
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
            delivery_groups: named_groups(row.delivery_groups.as_deref()),
            created_at: Timestamp::from_millis(row.created_at),
            finished_at: row.finished_at.map(Timestamp::from_millis),
        })
        .collect())
}

/// Groups named by a message, as stored with it.
pub(super) fn named_groups(stored: Option<&str>) -> Vec<String> {
    let ids = stored.unwrap_or_default().split(',').filter(|id| !id.is_empty());
    ids.map(ToOwned::to_owned).collect()
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

fn recipient_view(row: recipients::Model, events: &[FeedbackEvent]) -> RecipientView {
    let reply = row.code.map(|code| {
        let mut reply = code.to_string();
        for part in [&row.enhanced, &row.detail]
            .into_iter()
            .flatten()
            .filter(|part| !part.is_empty())
        {
            reply.push(' ');
            reply.push_str(part);
        }
        reply
    });
    RecipientView {
        delivery_status: feedback::delivery_status_of(events, &row.address),
        reply: reply.or(row.detail),
        field: row.field,
        address: row.address,
        name: row.name,
        status: row.status,
        settled_at: row.settled_at.map(Timestamp::from_millis),
    }
}

fn attempt_view(
    row: attempts::Model,
    names: &HashMap<i64, (String, String)>,
    candidates: Vec<CandidateView>,
) -> AttemptView {
    AttemptView {
        public_id: row.public_id,
        provider: names.get(&row.provider_id).cloned(),
        round: count(row.round),
        class: row.class,
        stage: row.stage,
        code: row.code.and_then(|code| u16::try_from(code).ok()),
        enhanced: row.enhanced,
        detail: row.detail,
        provider_message_id: row.provider_message_id,
        duration_ms: count(row.duration_ms),
        recipients: (count(row.recipient_count), count(row.accepted_count)),
        choice: row.choice,
        candidates,
        started_at: Timestamp::from_millis(row.started_at),
    }
}

/// The recorded selection of an attempt's provider.
#[derive(Default, Deserialize)]
struct Choice {
    #[serde(default)]
    candidates: Vec<RecordedCandidate>,
}

#[derive(Deserialize)]
struct RecordedCandidate {
    provider: String,
    weight: u32,
    left_out: Option<LeftOut>,
    opens_at: Option<Timestamp>,
}

impl Choice {
    /// The selection of an attempt. An unreadable one is shown as empty; the attempt itself is still shown.
    fn of(attempt: &attempts::Model) -> Self {
        serde_json::from_str(&attempt.choice).unwrap_or_default()
    }

    fn views(self, names: &HashMap<String, String>) -> Vec<CandidateView> {
        self.candidates
            .into_iter()
            .map(|one| CandidateView {
                name: names.get(&one.provider).unwrap_or(&one.provider).clone(),
                public_id: one.provider,
                weight: one.weight,
                left_out: one.left_out,
                opens_at: one.opens_at,
            })
            .collect()
    }
}

/// Names of the candidates of these selections, by public id.
async fn names_of(domain: &Domain, team_id: i64, choices: &[Choice]) -> Result<HashMap<String, String>> {
    let ids: HashSet<&str> = choices
        .iter()
        .flat_map(|choice| &choice.candidates)
        .map(|one| one.provider.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = providers::Entity::find()
        .select_only()
        .column(providers::Column::PublicId)
        .column(providers::Column::Name)
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::PublicId.is_in(ids))
        .into_tuple()
        .all(domain.db.read())
        .await?;
    Ok(rows.into_iter().collect())
}

fn count(stored: i32) -> u32 {
    u32::try_from(stored).unwrap_or(0)
}

/// A cursor is the key of the last row of a page, so pages stay stable when new messages come in. Database keys do not
/// leave the server, hence the mask: it hides nothing secret, but keeps clients from relying on the number.
const CURSOR_MASK: i64 = 0x5A3C_96E1_7B4D_2F08;

pub(crate) fn encode_cursor(id: i64) -> String {
    format!("{:016x}", id ^ CURSOR_MASK)
}

pub(crate) fn decode_cursor(cursor: &str) -> Result<i64> {
    i64::from_str_radix(cursor, 16)
        .ok()
        .filter(|_| cursor.len() == 16)
        .map(|masked| masked ^ CURSOR_MASK)
        .ok_or_else(|| Error::field("cursor", "invalid", "this cursor is not one that a list has returned"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_with_the_names_of_today() {
        let choice: Choice = serde_json::from_str(
            r#"{"candidates": [{"provider": "prv_a", "weight": 3, "left_out": null, "opens_at": null},
                               {"provider": "prv_b", "weight": 1, "left_out": "cap", "opens_at": 1000}]}"#,
        )
        .unwrap();
        let views = choice.views(&HashMap::from([("prv_a".to_owned(), "Relay".to_owned())]));
        let told: Vec<(&str, u32, Option<LeftOut>)> = views
            .iter()
            .map(|view| (view.name.as_str(), view.weight, view.left_out))
            .collect();
        assert_eq!(told, [("Relay", 3, None), ("prv_b", 1, Some(LeftOut::Cap))]);
        assert_eq!(views[1].opens_at, Some(Timestamp::from_millis(1_000)));
        let unrecorded: Choice = serde_json::from_str("{}").unwrap();
        assert!(unrecorded.views(&HashMap::new()).is_empty());
    }

    #[test]
    fn cursors_round_trip_and_foreign_ones_are_refused() {
        assert_eq!(decode_cursor(&encode_cursor(123_456_789)).unwrap(), 123_456_789);
        for bad in ["", "12", "zzzzzzzzzzzzzzzz", "+123456789abcdef0"] {
            assert!(decode_cursor(bad).is_err(), "{bad}");
        }
    }
}
