//! Recording the notices of SES, each once.

use super::{Bounce, Endpoint, FeedbackData, FeedbackRecipient, Notice, NoticeKind, parked};
use crate::Domain;
use crate::db::Transaction;
use crate::entities::{
    attempts, messages, notification_endpoints, notification_messages, providers, recipients, split_messages,
};
use crate::error::{Error, Result};
use crate::events::{self, NewEvent};
use crate::ids::IdKind;
use crate::stats::{self, HourlyCounts};
use crate::{managed, system_mail};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, TryInsertResult};
use sendmux_rules::{Mode, ProviderKind, Stage, Timestamp};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Time for which processed notifications are remembered: SNS repeats one for an hour at most with its default policy
/// for HTTP, and for 23 days with the longest possible one.
const REMEMBERED: Duration = Duration::from_secs(24 * 24 * 3_600);

/// Result of processing a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Recorded as an event.
    Event,
    /// Received before.
    Duplicate,
    /// About a message that is not known yet; stored until it is.
    Parked,
    /// About a message that was not sent from here.
    UnknownMessage,
}

impl Recorded {
    /// Its written name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Duplicate => "duplicate",
            Self::Parked => "parked",
            Self::UnknownMessage => "unknown_message",
        }
    }
}

/// Records a notice that came to an endpoint in the SNS message with this id, in one transaction: the event, the
/// counts, and, on the managed route, a suspension that follows. A notice that arrives before its attempt is written is
/// stored, and recorded by [`super::take_up_parked`].
pub async fn record(domain: &Domain, endpoint: &Endpoint, sns_id: &str, notice: &Notice) -> Result<Recorded> {
    let recorded = take(domain, endpoint, sns_id, notice).await?;
    domain.metrics.notice(recorded);
    Ok(recorded)
}

async fn take(domain: &Domain, endpoint: &Endpoint, sns_id: &str, notice: &Notice) -> Result<Recorded> {
    system_mail::prepare(domain).await?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    if !remember(&tx, endpoint, sns_id, now).await? {
        tx.rollback().await?;
        return Ok(Recorded::Duplicate);
    }
    seen(&tx, endpoint, now).await?;
    let missing = match find(&tx, domain, endpoint, notice, Lock::Route).await? {
        Found::Sent(sent) => return tell(tx, domain, endpoint, notice, *sent, now).await,
        Found::NotYet => {
            parked::park(&tx, domain, endpoint, notice, now).await?;
            Recorded::Parked
        }
        Found::Foreign => Recorded::UnknownMessage,
    };
    tx.commit().await?;
    Ok(missing)
}

/// Records a notice about a known message, and commits.
pub(super) async fn tell(
    tx: Transaction,
    domain: &Domain,
    endpoint: &Endpoint,
    notice: &Notice,
    Sent { message, route }: Sent,
    now: Timestamp,
) -> Result<Recorded> {
    // SES sends the same notice through the identity's topic and the configuration set's.
    if !remember(&tx, endpoint, &format!("{}/{}", message.public_id, notice.key), now).await? {
        tx.commit().await?;
        return Ok(Recorded::Duplicate);
    }
    let concerned = concerned(&tx, &message, notice).await?;
    let recipients = concerned.len();
    let data = serde_json::to_value(data(notice, concerned))
        .map_err(|error| Error::Internal(format!("a notice as JSON: {error}")))?;
    let event = NewEvent {
        team_id: message.team_id,
        kind: notice.kind.event(),
        message_id: Some(message.id),
        provider_id: Some(route.id),
        data,
    };
    events::record(&tx, domain, event, now).await?;
    let mails = if message.mode == Mode::Live {
        count(&tx, &message, &route, notice, recipients, now).await?;
        let is_managed = route.kind == ProviderKind::ManagedSes;
        let counts = matches!(
            notice.kind,
            NoticeKind::Bounced {
                bounce: Bounce::Hard,
                ..
            } | NoticeKind::Complained { .. }
        );
        if is_managed && counts {
            managed::review(&tx, domain, &route, now).await?
        } else {
            None
        }
    } else {
        None
    };
    tx.commit().await?;
    domain.metrics.feedback_received(route.kind, &notice.kind);
    if let Some(mails) = mails {
        domain.signals.team_changed(route.team_id);
        mails.wake(domain);
    }
    Ok(Recorded::Event)
}

/// Remembers an id; returns false when it was known.
async fn remember(tx: &Transaction, endpoint: &Endpoint, id: &str, now: Timestamp) -> Result<bool> {
    use notification_messages::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        endpoint_id: Set(endpoint.id),
        message_id: Set(id.to_owned()),
        received_at: Set(now),
    };
    let inserted = Entity::insert(row)
        .on_conflict_do_nothing_on([Column::EndpointId, Column::MessageId])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

async fn seen(tx: &Transaction, endpoint: &Endpoint, now: Timestamp) -> Result<()> {
    use notification_endpoints::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::LastReceivedAt, Expr::value(now))
        .filter(Column::Id.eq(endpoint.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// A message, and the provider that took it.
pub(super) struct Sent {
    message: messages::Model,
    route: providers::Model,
}

/// Result of looking up the message of a notice.
pub(super) enum Found {
    /// It went through the endpoint's provider.
    Sent(Box<Sent>),
    /// No attempt of it is known: it was not sent from here, or that is not written yet.
    NotYet,
    /// Its tag names no message of this installation. A message is stored before it is sent, so it will never be known.
    Foreign,
}

/// Lock on the provider (in PostgreSQL), so that two notices do not both suspend it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    /// Locked.
    Route,
    /// Not locked, for reading only.
    None,
}

/// Looks up the message of a notice.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    domain: &Domain,
    endpoint: &Endpoint,
    notice: &Notice,
    lock: Lock,
) -> Result<Found> {
    let tag = notice.message_id.as_deref().filter(|id| IdKind::Message.matches(id));
    let tagged = match tag {
        Some(public_id) => {
            let found = messages::Entity::find()
                .filter(messages::Column::PublicId.eq(public_id))
                .one(db)
                .await?;
            let Some(message) = found else {
                return Ok(Found::Foreign);
            };
            Some(message)
        }
        None => None,
    };
    let tried = match &tagged {
        Some(message) => tried_with(db, message.id).await?,
        None => tried_as(db, &notice.provider_message_id).await?,
    };
    let own = tried
        .iter()
        .map(|(_, provider_id)| *provider_id)
        .filter(|id| endpoint.provider_id.is_none_or(|own| own == *id));
    let mut routes = providers::Entity::find()
        .filter(providers::Column::Id.is_in(own))
        .filter(providers::Column::Kind.eq(match endpoint.provider_id {
            Some(_) => ProviderKind::Ses,
            None => ProviderKind::ManagedSes,
        }));
    if lock == Lock::Route && domain.db.backend() == DbBackend::Postgres {
        routes = routes.lock(LockType::NoKeyUpdate);
    }
    let Some(route) = routes.one(db).await? else {
        return Ok(Found::NotYet);
    };
    let message = match tagged {
        Some(message) => Some(message),
        None => {
            let found = tried.iter().find(|(_, provider_id)| *provider_id == route.id);
            match found {
                Some((message_id, _)) => messages::Entity::find_by_id(*message_id).one(db).await?,
                None => None,
            }
        }
    };
    Ok(match message {
        Some(message) => Found::Sent(Box::new(Sent { message, route })),
        None => Found::NotYet,
    })
}

/// A message and the providers of its attempts.
async fn tried_with(db: &impl ConnectionTrait, message_id: i64) -> Result<Vec<(i64, i64)>> {
    Ok(attempts::Entity::find()
        .select_only()
        .column(attempts::Column::MessageId)
        .column(attempts::Column::ProviderId)
        .filter(attempts::Column::MessageId.eq(message_id))
        .into_tuple()
        .all(db)
        .await?)
}

/// The message with this id of a provider, and that provider.
async fn tried_as(db: &impl ConnectionTrait, provider_message_id: &str) -> Result<Vec<(i64, i64)>> {
    let whole: Vec<(i64, i64)> = attempts::Entity::find()
        .select_only()
        .column(attempts::Column::MessageId)
        .column(attempts::Column::ProviderId)
        .filter(attempts::Column::ProviderMessageId.eq(provider_message_id))
        // Written as in the index.
        .filter(Expr::cust(format!("stage = '{}'", Stage::Response)))
        .into_tuple()
        .all(db)
        .await?;
    if !whole.is_empty() {
        return Ok(whole);
    }
    Ok(split_messages::Entity::find()
        .select_only()
        .column(split_messages::Column::MessageId)
        .column(split_messages::Column::ProviderId)
        .filter(split_messages::Column::ProviderMessageId.eq(provider_message_id))
        .into_tuple()
        .all(db)
        .await?)
}

/// The message's own recipients among those of the notice.
async fn concerned(tx: &Transaction, message: &messages::Model, notice: &Notice) -> Result<Vec<FeedbackRecipient>> {
    let own: Vec<String> = recipients::Entity::find()
        .select_only()
        .column(recipients::Column::Address)
        .filter(recipients::Column::MessageId.eq(message.id))
        .into_tuple()
        .all(tx)
        .await?;
    let own: HashMap<String, String> = own
        .into_iter()
        .map(|address| (address.to_lowercase(), address))
        .collect();
    let mut seen = HashSet::new();
    Ok(notice
        .recipients
        .iter()
        .filter_map(|recipient| {
            let key = bare(&recipient.address).to_lowercase();
            let address = own.get(&key)?.clone();
            seen.insert(key).then(|| FeedbackRecipient {
                email: address,
                status: recipient.status.clone(),
                diagnostic: recipient.diagnostic.clone(),
            })
        })
        .collect())
}

/// The address without a name: SES writes some recipients as in the header, `Name <address>`.
fn bare(address: &str) -> &str {
    address
        .trim()
        .strip_suffix('>')
        .and_then(|address| address.rsplit_once('<'))
        .map_or(address.trim(), |(_, address)| address)
}

fn data(notice: &Notice, recipients: Vec<FeedbackRecipient>) -> FeedbackData {
    let (bounce_type, detail) = match &notice.kind {
        NoticeKind::Bounced { bounce, detail } => (Some(*bounce), Some(detail)),
        NoticeKind::Complained { detail }
        | NoticeKind::Delivered { detail }
        | NoticeKind::Rejected { detail }
        | NoticeKind::Delayed { detail } => (None, detail.as_ref()),
    };
    FeedbackData {
        recipients,
        detail: detail.cloned(),
        provider_message_id: notice.provider_message_id.clone(),
        at: notice.at,
        bounce_type,
    }
}

async fn count(
    tx: &Transaction,
    message: &messages::Model,
    route: &providers::Model,
    notice: &Notice,
    recipients: usize,
    now: Timestamp,
) -> Result<()> {
    let recipients = i32::try_from(recipients).unwrap_or(i32::MAX);
    let mut counts = HourlyCounts::default();
    let count = match notice.kind {
        NoticeKind::Bounced {
            bounce: Bounce::Hard, ..
        } => &mut counts.bounced,
        NoticeKind::Bounced {
            bounce: Bounce::Soft, ..
        } => &mut counts.soft_bounced,
        NoticeKind::Complained { .. } => &mut counts.complained,
        NoticeKind::Rejected { .. } => &mut counts.rejected,
        NoticeKind::Delivered { .. } | NoticeKind::Delayed { .. } => return Ok(()),
    };
    *count = recipients;
    let key = stats::CountsKey {
        team_id: message.team_id,
        hour_at: stats::hour_of(now),
        provider_id: route.id,
    };
    stats::add(tx, HashMap::from([(key, counts)])).await
}

/// Removes notifications that cannot be repeated any more, and returns their number. To be called regularly.
pub async fn forget_old(domain: &Domain) -> Result<u64> {
    let oldest = domain.clock.now().minus(REMEMBERED);
    domain
        .db
        .delete_where::<notification_messages::Entity>(notification_messages::Column::ReceivedAt.lte(oldest))
        .await
}
