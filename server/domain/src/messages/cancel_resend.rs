//! Cancelling a waiting message, and resending a finished one.

use super::accept::{Accepted, Committed, Intake, NewRecipient, Origin, Source, Submission};
use super::retention::check_content;
use super::{content, new_message_id, query};
use crate::actor::Actor;
use crate::entities::{messages, queue, recipients};
use crate::error::{Error, Result};
use crate::keys::{self, KeyContext, Narrowed, OutsideScope};
use crate::stats::{self, HourlyCounts};
use crate::{Domain, audit};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::{MessageStatus, Mode, RecipientStatus};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;

/// Cancels a waiting message: it goes to no further recipients. If some recipients have already been sent to, it ends
/// as `partially_sent`.
///
/// # Errors
/// [`Error::Conflict`] while it is being sent, and when it is finished; [`Error::NotFound`], for those of other teams
/// too.
pub async fn cancel(domain: &Domain, actor: &Actor, public_id: &str) -> Result<()> {
    let message = query::find(domain, actor.team_id, public_id).await?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    // Deleting the row decides: a later claim finds nothing to lease.
    let withdrawn = queue::Entity::delete_many()
        .filter(queue::Column::MessageId.eq(message.id))
        .filter(queue::Column::Lease.is_null())
        .exec(&tx)
        .await?;
    if withdrawn.rows_affected == 0 {
        let sending = queue::Entity::find_by_id(message.id).one(&tx).await?.is_some();
        return Err(Error::Conflict(if sending {
            "this message is being sent at this moment".to_owned()
        } else {
            "this message is finished: there is nothing left to cancel".to_owned()
        }));
    }
    let failed = recipients::Entity::update_many()
        .col_expr(recipients::Column::Status, Expr::value(RecipientStatus::Failed))
        .col_expr(recipients::Column::Detail, Expr::value("cancelled"))
        .col_expr(recipients::Column::SettledAt, Expr::value(now))
        .filter(recipients::Column::MessageId.eq(message.id))
        .filter(recipients::Column::Status.eq(RecipientStatus::Pending))
        .exec(&tx)
        .await?;
    let everyone = recipients::Entity::find()
        .filter(recipients::Column::MessageId.eq(message.id))
        .all(&tx)
        .await?;
    let sent = everyone
        .iter()
        .filter(|recipient| recipient.status == RecipientStatus::Sent)
        .count();
    let status = if sent > 0 {
        MessageStatus::PartiallySent
    } else {
        MessageStatus::Cancelled
    };
    let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
    messages::Entity::update_many()
        .col_expr(messages::Column::Status, Expr::value(status))
        .col_expr(messages::Column::SentCount, Expr::value(count(sent)))
        .col_expr(
            messages::Column::FailedCount,
            Expr::value(count(everyone.len().saturating_sub(sent))),
        )
        .col_expr(messages::Column::FinishedAt, Expr::value(now))
        .filter(messages::Column::Id.eq(message.id))
        .exec(&tx)
        .await?;
    let detail = json!({ "recipients": failed.rows_affected });
    audit::record(&tx, now, actor, "message.cancelled", public_id, detail).await?;
    if message.mode == Mode::Live {
        let counts = match status {
            MessageStatus::Cancelled => HourlyCounts {
                cancelled: 1,
                ..HourlyCounts::default()
            },
            _ => HourlyCounts {
                sent: 1,
                ..HourlyCounts::default()
            },
        };
        let key = stats::CountsKey::of_team(message.team_id, now);
        stats::add(&tx, HashMap::from([(key, counts)])).await?;
    }
    tx.commit().await?;
    domain.metrics.finished(status, now.since(message.created_at));
    Ok(())
}

/// Sends the content of a finished message again, as a new message: to the recipients that failed, or, if none did, to
/// all. It is sent with `key`, or by default with the key and scope of the original, and within the delivery groups
/// named by the original.
///
/// # Errors
/// [`Error::Conflict`] while the message is not finished, when its content was removed, and when none of the groups that it
/// named is left to the key; [`Error::NotFound`], for those of other teams too; those of [`Intake::add`].
pub async fn resend(
    domain: &Domain,
    team_id: i64,
    public_id: &str,
    key: Option<Arc<KeyContext>>,
    origin: Origin,
) -> Result<Accepted> {
    let message = query::find(domain, team_id, public_id).await?;
    if message.finished_at.is_none() {
        return Err(Error::Conflict(
            "this message is not finished: it is still going to be sent".to_owned(),
        ));
    }
    check_content(&message).map_err(|gone| Error::Conflict(gone.to_string()))?;
    let key = match key {
        Some(key) => key,
        None => Arc::new(first_key(&message)?),
    };
    let narrowed = same_groups(domain, &key, &message).await?;
    let everyone = recipients::Entity::find()
        .filter(recipients::Column::MessageId.eq(message.id))
        .order_by_asc(recipients::Column::Position)
        .all(domain.db.read())
        .await?;
    let missed = |recipient: &recipients::Model| recipient.status != RecipientStatus::Sent;
    let all = !everyone.iter().any(missed);
    let content = content::load(domain, &message).await?;
    let submission = Submission {
        public_id: new_message_id(),
        key,
        source: match message.source {
            Source::Smtp => Source::Smtp,
            Source::Http | Source::System => Source::Http,
        },
        origin,
        subject: message.subject,
        from_email: message.from_email,
        from_name: message.from_name,
        return_path: message.return_path,
        header_message_id: message.header_message_id,
        recipients: everyone
            .into_iter()
            .filter(|recipient| all || missed(recipient))
            .map(|recipient| NewRecipient {
                field: recipient.field,
                address: recipient.address,
                name: recipient.name,
            })
            .collect(),
        content,
        smtputf8: message.smtputf8,
    };
    let mut intake = Intake::new(domain);
    let accepted = intake.put(submission, narrowed.as_ref(), Some(message.id)).await?;
    match intake.commit(None).await? {
        Committed::Stored => Ok(accepted),
        Committed::KeyTaken => Err(Error::Internal("a message without a key found it taken".to_owned())),
    }
}

/// Groups of the new message: those that the original named, as far as they exist and are in the scope of the key.
async fn same_groups(domain: &Domain, key: &KeyContext, message: &messages::Model) -> Result<Option<Narrowed>> {
    let mut groups = message.delivery_groups.clone().unwrap_or_default().0;
    if groups.is_empty() {
        return Ok(None);
    }
    if let Err(OutsideScope(places)) = keys::narrow(domain, key, &groups).await? {
        for place in places.into_iter().rev() {
            groups.remove(place);
        }
    }
    if !groups.is_empty()
        && let Ok(narrowed) = keys::narrow(domain, key, &groups).await?
    {
        return Ok(Some(narrowed));
    }
    Err(Error::Conflict(
        "this message was sent for delivery groups that are gone, or that are not in the scope of this key: resend it with a \
         key that has one of them in its scope"
            .to_owned(),
    ))
}

/// The parts of the original key that are needed for sending.
fn first_key(message: &messages::Model) -> Result<KeyContext> {
    let key_id = message
        .key_id
        .ok_or_else(|| Error::Conflict("this message was sent by the installation itself".to_owned()))?;
    Ok(KeyContext {
        key_id,
        public_id: String::new(),
        team_id: message.team_id,
        lane_id: message.lane_id,
        mode: message.mode,
        permissions: Vec::new(),
    })
}
