//! One message with its recipients, its attempts and its wait.

use super::list::{MessageRow, to_rows};
use super::{count, find, provider_names};
use crate::Domain;
use crate::column::Json;
use crate::entities::{attempts, providers, queue, recipients};
use crate::error::{Error, Result};
use crate::feedback::{self, DeliveryStatus, FeedbackEvent};
use crate::messages::{Choice, Origin, RecipientField, RecordedCandidate};
use crate::routing::waiting_of;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sendmux_rules::{Class, LeftOut, RecipientStatus, Stage, Timestamp, WaitReason};
use std::collections::{HashMap, HashSet};

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
    pub origin: Origin,
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
    /// The field that named it.
    pub field: RecipientField,
    /// The address.
    pub address: String,
    /// The display name.
    pub name: String,
    /// Its status.
    pub status: RecipientStatus,
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
    pub class: Class,
    /// Stage that the dialogue reached.
    pub stage: Stage,
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
    /// The recorded selection of the provider.
    pub choice: Choice,
    /// The candidates of that selection, with their names; empty if they were not recorded.
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
    let candidate_names = names_of(domain, team_id, &attempts).await?;
    let waiting = match queued.filter(|row| row.lease.is_none()) {
        Some(row) => {
            let waits = waiting_of(domain, &row).await?;
            Some(WaitingView {
                reason: waits.reason,
                expected_at: waits.opens_at.unwrap_or(row.due_at).max(domain.clock.now()),
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
        origin: message.origin.0.clone(),
        recipients: recipients
            .into_iter()
            .map(|row| recipient_view(row, &feedback))
            .collect(),
        attempts: attempts
            .into_iter()
            .map(|attempt| attempt_view(attempt, &names, &candidate_names))
            .collect(),
        feedback,
        waiting,
        content_removed_at: message.content_removed_at,
        row: to_rows(domain, vec![message])
            .await?
            .pop()
            .ok_or(Error::NotFound("message"))?,
    };
    Ok(detail)
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
        settled_at: row.settled_at,
    }
}

fn attempt_view(
    row: attempts::Model,
    names: &HashMap<i64, (String, String)>,
    candidate_names: &HashMap<String, String>,
) -> AttemptView {
    let Json(choice) = row.choice;
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
        candidates: candidate_views(&choice, candidate_names),
        choice,
        started_at: row.started_at,
    }
}

/// The candidates of a choice, with the names of today.
fn candidate_views(choice: &Choice, names: &HashMap<String, String>) -> Vec<CandidateView> {
    let view = |one: &RecordedCandidate| CandidateView {
        name: names.get(&one.provider).unwrap_or(&one.provider).clone(),
        public_id: one.provider.clone(),
        weight: one.weight,
        left_out: one.left_out,
        opens_at: one.opens_at,
    };
    choice.candidates.iter().map(view).collect()
}

/// Names of the candidates of these selections, by public id.
async fn names_of(domain: &Domain, team_id: i64, attempts: &[attempts::Model]) -> Result<HashMap<String, String>> {
    let ids: HashSet<&str> = attempts
        .iter()
        .flat_map(|attempt| &attempt.choice.0.candidates)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_read_with_the_names_of_today() {
        let Json(choice) = r#"{"candidates": [{"provider": "prv_a", "weight": 3, "left_out": null, "opens_at": null},
                               {"provider": "prv_b", "weight": 1, "left_out": "cap", "opens_at": 1000}]}"#
            .parse()
            .unwrap();
        let views = candidate_views(&choice, &HashMap::from([("prv_a".to_owned(), "Relay".to_owned())]));
        let told: Vec<(&str, u32, Option<LeftOut>)> = views
            .iter()
            .map(|view| (view.name.as_str(), view.weight, view.left_out))
            .collect();
        assert_eq!(told, [("Relay", 3, None), ("prv_b", 1, Some(LeftOut::Cap))]);
        assert_eq!(views[1].opens_at, Some(Timestamp::from_millis(1_000)));
        let Json(unrecorded) = "{}".parse().unwrap();
        assert!(candidate_views(&unrecorded, &HashMap::new()).is_empty());
        assert_eq!(Json(unrecorded).to_string(), "{}");
    }
}
