//! Settling attempts: writing their results, for many in one transaction.

use super::{Progress, Row, StoredProgress};
use crate::batch::{in_list, insert};
use crate::column::Json;
use crate::db::Transaction;
use crate::entities::{attempts, messages, queue, recipients, split_messages};
use crate::error::Result;
use crate::ids::IdKind;
use crate::messages::Choice;
use crate::stats::{self, HourlyCounts};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::caps::Charge;
use sendmux_rules::outcome::MESSAGE_ID_SEPARATOR;
use sendmux_rules::{Class, MessageStatus, Mode, Outcome, RecipientStatus, Stage, Timestamp, WaitReason};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Settlement of one attempt of one message: its results, and the message's disposition.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The message.
    pub message_id: i64,
    /// Claim of its lease; `None` if it was not leased.
    pub claim_id: Option<i64>,
    /// Its team.
    pub team_id: i64,
    /// Mode; test messages do not count in the statistics.
    pub mode: Mode,
    /// The attempt; none when it never began.
    pub attempt: Option<AttemptRecord>,
    /// Results of the recipients.
    pub recipients: Recipients,
    /// Disposition of the message.
    pub disposition: Disposition,
}

/// An attempt: one try of one message at one provider.
#[derive(Clone, Debug)]
pub struct AttemptRecord {
    /// The row's key, made by the node.
    pub id: i64,
    /// Provider that it was tried at.
    pub provider_id: i64,
    /// The round it belongs to, from 1.
    pub round: i32,
    /// The outcome of the attempt as a whole.
    pub outcome: Outcome,
    /// Text to store instead of the outcome's own.
    pub detail: Option<String>,
    /// The provider's own id of the message; several, separated by [`MESSAGE_ID_SEPARATOR`], if it took it in several
    /// calls.
    pub provider_message_id: Option<String>,
    /// Duration in milliseconds.
    pub duration_ms: i32,
    /// Recipients it was made for.
    pub recipient_count: i32,
    /// Recipients that were accepted.
    pub accepted_count: i32,
    /// The recorded selection of the provider.
    pub choice: Choice,
    /// Time at which it began.
    pub started_at: Timestamp,
}

/// Results of a message's recipients in one attempt.
#[derive(Clone, Debug)]
pub enum Recipients {
    /// Nothing changed.
    Unchanged,
    /// All that were pending were accepted.
    AllSent,
    /// Each as listed.
    Each(Vec<RecipientResult>),
    /// Those still pending have failed, for this reason; their last replies are kept.
    RestFailed,
}

/// Result of one recipient. A deferred one stays pending and keeps the reply.
#[derive(Clone, Debug)]
pub struct RecipientResult {
    /// Its position in the message.
    pub position: i32,
    /// New status.
    pub status: RecipientStatus,
    /// The outcome for it.
    pub outcome: Outcome,
}

/// Disposition of a message after an attempt: finished, or back in the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is finished.
    Finished {
        /// `sent`, `partially_sent` or `failed`.
        status: MessageStatus,
        /// Recipients accepted, over all attempts.
        sent: i32,
        /// Recipients that failed, over all attempts.
        failed: i32,
        /// Reason of the failure, for people.
        error: Option<String>,
    },
    /// It goes back to its lane.
    Queued {
        /// Due time.
        due_at: Timestamp,
        /// Wait reason, if it is already known.
        reason: Option<WaitReason>,
        /// Progress so far.
        progress: Progress,
        /// The error, for people.
        error: Option<String>,
    },
}

impl Disposition {
    /// Final status of the message; `None` when it is not finished.
    pub fn status(&self) -> Option<MessageStatus> {
        match self {
            Self::Finished { status, .. } => Some(*status),
            Self::Queued { .. } => None,
        }
    }
}

/// Writes settlements. Settlements of messages that this incarnation no longer holds, or holds by another claim, are
/// refused: their ids are returned, and nothing of them is written.
pub async fn settle(
    tx: &Transaction,
    backend: DbBackend,
    incarnation: i64,
    now: Timestamp,
    settlements: Vec<Settlement>,
) -> Result<Vec<i64>> {
    let held = held(tx, backend, incarnation, &settlements).await?;
    let (settlements, refused): (Vec<_>, Vec<_>) = settlements
        .into_iter()
        .partition(|settlement| held.contains(&(settlement.message_id, settlement.claim_id)));

    insert_attempts(tx, &settlements).await?;
    settle_recipients(tx, now, &settlements).await?;
    settle_messages(tx, now, &settlements).await?;
    settle_queue(tx, &settlements).await?;
    stats::add(tx, counts(now, &settlements)).await?;
    Ok(refused.into_iter().map(|settlement| settlement.message_id).collect())
}

async fn held(
    tx: &Transaction,
    backend: DbBackend,
    incarnation: i64,
    settlements: &[Settlement],
) -> Result<HashSet<(i64, Option<i64>)>> {
    let ids = settlements.iter().map(|settlement| settlement.message_id);
    let mut find = queue::Entity::find()
        .select_only()
        .columns([queue::Column::MessageId, queue::Column::ClaimId])
        .filter(queue::Column::MessageId.is_in(in_list(ids)))
        .filter(queue::Column::Lease.eq(incarnation));
    if backend == DbBackend::Postgres {
        find = find.lock_exclusive();
    }
    let held: Vec<(i64, Option<i64>)> = find.into_tuple().all(tx).await?;
    Ok(held.into_iter().collect())
}

async fn insert_attempts(tx: &Transaction, settlements: &[Settlement]) -> Result<()> {
    let rows: Vec<_> = settlements
        .iter()
        .filter_map(|settlement| settlement.attempt.as_ref().map(|attempt| (settlement, attempt)))
        .map(|(settlement, attempt)| {
            let reply = attempt.outcome.reply.as_ref();
            attempts::ActiveModel {
                id: Set(attempt.id),
                public_id: Set(IdKind::Attempt.generate()),
                message_id: Set(settlement.message_id),
                team_id: Set(settlement.team_id),
                provider_id: Set(attempt.provider_id),
                round: Set(attempt.round),
                class: Set(attempt.outcome.class),
                stage: Set(attempt.outcome.stage),
                code: Set(reply.map(|reply| i32::from(reply.code))),
                enhanced: Set(enhanced(&attempt.outcome)),
                detail: Set(attempt.detail.clone().unwrap_or_else(|| detail(&attempt.outcome))),
                provider_message_id: Set(attempt.provider_message_id.clone()),
                duration_ms: Set(attempt.duration_ms),
                recipient_count: Set(attempt.recipient_count),
                accepted_count: Set(attempt.accepted_count),
                choice: Set(Json(attempt.choice.clone())),
                started_at: Set(attempt.started_at),
            }
        })
        .collect();
    insert::<attempts::Entity, _>(tx, rows).await?;
    insert::<split_messages::Entity, _>(tx, split(settlements)).await
}

/// Ids of messages that an HTTP API took in several calls, so that each id can be found.
fn split(settlements: &[Settlement]) -> Vec<split_messages::ActiveModel> {
    let mut rows = Vec::new();
    for settlement in settlements {
        let Some(attempt) = &settlement.attempt else { continue };
        let ids = attempt.provider_message_id.as_deref().unwrap_or_default();
        if !ids.contains(MESSAGE_ID_SEPARATOR) || attempt.outcome.stage != Stage::Response {
            continue;
        }
        rows.extend(ids.split(MESSAGE_ID_SEPARATOR).map(|id| split_messages::ActiveModel {
            provider_message_id: Set(id.to_owned()),
            provider_id: Set(attempt.provider_id),
            message_id: Set(settlement.message_id),
        }));
    }
    rows
}

async fn settle_recipients(tx: &Transaction, now: Timestamp, settlements: &[Settlement]) -> Result<()> {
    use recipients::{Column, Entity};
    let mut all_sent: BTreeMap<Option<i64>, Vec<i64>> = BTreeMap::new();
    for settlement in settlements {
        let provider_id = settlement.attempt.as_ref().map(|attempt| attempt.provider_id);
        match &settlement.recipients {
            Recipients::Unchanged => {}
            Recipients::AllSent => all_sent.entry(provider_id).or_default().push(settlement.message_id),
            Recipients::RestFailed => fail_rest(tx, now, settlement.message_id).await?,
            Recipients::Each(results) => {
                for result in results {
                    settle_recipient(tx, now, settlement.message_id, provider_id, result).await?;
                }
                // Recipients still pending when the message is finished have failed with it.
                if matches!(settlement.disposition, Disposition::Finished { .. }) {
                    fail_rest(tx, now, settlement.message_id).await?;
                }
            }
        }
    }
    for (provider_id, message_ids) in all_sent {
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(RecipientStatus::Sent))
            .col_expr(Column::Class, Expr::value(Class::Accepted))
            .col_expr(Column::ProviderId, Expr::value(provider_id))
            .col_expr(Column::SettledAt, Expr::value(now))
            .filter(Column::MessageId.is_in(in_list(message_ids)))
            .filter(Column::Status.eq(RecipientStatus::Pending))
            .exec(tx)
            .await?;
    }
    Ok(())
}

async fn fail_rest(tx: &Transaction, now: Timestamp, message_id: i64) -> Result<()> {
    use recipients::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(RecipientStatus::Failed))
        .col_expr(Column::SettledAt, Expr::value(now))
        .filter(Column::MessageId.eq(message_id))
        .filter(Column::Status.eq(RecipientStatus::Pending))
        .exec(tx)
        .await?;
    Ok(())
}

async fn settle_recipient(
    tx: &Transaction,
    now: Timestamp,
    message_id: i64,
    provider_id: Option<i64>,
    result: &RecipientResult,
) -> Result<()> {
    use recipients::{Column, Entity};
    let reply = result.outcome.reply.as_ref();
    let settled_at = (result.status != RecipientStatus::Pending).then_some(now);
    Entity::update_many()
        .col_expr(Column::Status, Expr::value(result.status))
        .col_expr(Column::Class, Expr::value(result.outcome.class))
        .col_expr(Column::Code, Expr::value(reply.map(|reply| i32::from(reply.code))))
        .col_expr(Column::Enhanced, Expr::value(enhanced(&result.outcome)))
        .col_expr(Column::Detail, Expr::value(Some(detail(&result.outcome))))
        .col_expr(Column::ProviderId, Expr::value(provider_id))
        .col_expr(Column::SettledAt, Expr::value(settled_at))
        .filter(Column::MessageId.eq(message_id))
        .filter(Column::Position.eq(result.position))
        .filter(Column::Status.eq(RecipientStatus::Pending))
        .exec(tx)
        .await?;
    Ok(())
}

async fn settle_messages(tx: &Transaction, now: Timestamp, settlements: &[Settlement]) -> Result<()> {
    use messages::{Column, Entity};
    // Messages that were sent whole, by far the most, share a statement for each provider.
    let mut sent: BTreeMap<Option<i64>, Vec<i64>> = BTreeMap::new();
    for settlement in settlements {
        let provider_id = settlement.attempt.as_ref().map(|attempt| attempt.provider_id);
        let attempts = i32::from(settlement.attempt.is_some());
        match &settlement.disposition {
            Disposition::Finished {
                status: MessageStatus::Sent,
                ..
            } => {
                sent.entry(provider_id).or_default().push(settlement.message_id);
            }
            Disposition::Finished {
                status,
                sent,
                failed,
                error,
            } => {
                let mut update = Entity::update_many()
                    .col_expr(Column::Status, Expr::value(*status))
                    .col_expr(Column::SentCount, Expr::value(*sent))
                    .col_expr(Column::FailedCount, Expr::value(*failed))
                    .col_expr(Column::LastError, Expr::value(error.clone()))
                    .col_expr(Column::FinishedAt, Expr::value(now))
                    .col_expr(Column::AttemptCount, Expr::col(Column::AttemptCount).add(attempts));
                if provider_id.is_some() {
                    update = update.col_expr(Column::ProviderId, Expr::value(provider_id));
                }
                update.filter(Column::Id.eq(settlement.message_id)).exec(tx).await?;
            }
            Disposition::Queued { error, .. } => {
                let Some(provider_id) = provider_id else { continue };
                Entity::update_many()
                    .col_expr(Column::ProviderId, Expr::value(provider_id))
                    .col_expr(Column::LastError, Expr::value(error.clone()))
                    .col_expr(Column::AttemptCount, Expr::col(Column::AttemptCount).add(attempts))
                    .filter(Column::Id.eq(settlement.message_id))
                    .exec(tx)
                    .await?;
            }
        }
    }
    for (provider_id, message_ids) in sent {
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(MessageStatus::Sent))
            .col_expr(Column::SentCount, Expr::col(Column::RecipientCount))
            .col_expr(Column::ProviderId, Expr::value(provider_id))
            .col_expr(Column::LastError, Expr::value(Option::<String>::None))
            .col_expr(Column::FinishedAt, Expr::value(now))
            .col_expr(Column::AttemptCount, Expr::col(Column::AttemptCount).add(1))
            .filter(Column::Id.is_in(in_list(message_ids)))
            .exec(tx)
            .await?;
    }
    Ok(())
}

async fn settle_queue(tx: &Transaction, settlements: &[Settlement]) -> Result<()> {
    use queue::{Column, Entity};
    let mut finished = Vec::new();
    for settlement in settlements {
        match &settlement.disposition {
            Disposition::Finished { .. } => finished.push(settlement.message_id),
            Disposition::Queued {
                due_at,
                reason,
                progress,
                ..
            } => {
                let round = i32::try_from(progress.round.number).unwrap_or(i32::MAX);
                Entity::update_many()
                    .col_expr(Column::Lease, Expr::value(Option::<i64>::None))
                    .col_expr(Column::ClaimId, Expr::value(Option::<i64>::None))
                    .col_expr(Column::ProviderId, Expr::value(Option::<i64>::None))
                    .col_expr(Column::StartedAt, Expr::value(Option::<Timestamp>::None))
                    .col_expr(Column::Charge, Expr::value(Option::<Json<Charge>>::None))
                    .col_expr(Column::DueAt, Expr::value(*due_at))
                    .col_expr(Column::WaitReason, Expr::value(*reason))
                    .col_expr(Column::Round, Expr::value(round))
                    .col_expr(Column::Progress, Expr::value(StoredProgress::from(progress)))
                    .filter(Column::MessageId.eq(settlement.message_id))
                    .exec(tx)
                    .await?;
            }
        }
    }
    if !finished.is_empty() {
        Entity::delete_many()
            .filter(Column::MessageId.is_in(in_list(finished)))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Moves a waiting message to another time, because it alone must wait while others of its lane can go.
pub async fn postpone(
    tx: &Transaction,
    row: &Row,
    due_at: Timestamp,
    reason: WaitReason,
    progress: &Progress,
) -> Result<()> {
    use queue::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::DueAt, Expr::value(due_at))
        .col_expr(Column::WaitReason, Expr::value(reason))
        .col_expr(
            Column::Round,
            Expr::value(i32::try_from(progress.round.number).unwrap_or(i32::MAX)),
        )
        .col_expr(Column::Progress, Expr::value(StoredProgress::from(progress)))
        .filter(Column::MessageId.eq(row.message_id))
        .exec(tx)
        .await?;
    Ok(())
}

fn counts(now: Timestamp, settlements: &[Settlement]) -> HashMap<stats::CountsKey, HourlyCounts> {
    let mut counts: HashMap<stats::CountsKey, HourlyCounts> = HashMap::new();
    let hour_at = stats::hour_of(now);
    for settlement in settlements.iter().filter(|settlement| settlement.mode == Mode::Live) {
        let key = |provider_id| stats::CountsKey {
            team_id: settlement.team_id,
            hour_at,
            provider_id,
        };
        let provider_id = settlement
            .attempt
            .as_ref()
            .map_or(stats::NO_PROVIDER, |attempt| attempt.provider_id);
        if let Some(attempt) = &settlement.attempt {
            let row = counts.entry(key(provider_id)).or_default();
            row.attempts += 1;
            row.attempts_failed += i32::from(attempt.accepted_count == 0);
            row.recipients = row.recipients.saturating_add(attempt.accepted_count);
        }
        match settlement.disposition {
            Disposition::Finished {
                status: MessageStatus::Sent | MessageStatus::PartiallySent,
                ..
            } => {
                counts.entry(key(provider_id)).or_default().sent += 1;
            }
            Disposition::Finished { .. } => counts.entry(key(provider_id)).or_default().failed += 1,
            Disposition::Queued { .. } => {}
        }
    }
    counts
}

fn enhanced(outcome: &Outcome) -> Option<String> {
    let (class, subject, detail) = outcome.reply.as_ref()?.enhanced?;
    Some(format!("{class}.{subject}.{detail}"))
}

/// Text to store: the reply's, or the fault when there was no reply.
fn detail(outcome: &Outcome) -> String {
    match &outcome.reply {
        Some(reply) => reply.text.clone(),
        None => outcome.cause(),
    }
}
