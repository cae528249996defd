//! Recording what SES tells, once.

use super::{Endpoint, Notice, NoticeKind};
use crate::Domain;
use crate::entities::{attempts, messages, notification_endpoints, notification_messages, providers, recipients};
use crate::error::Result;
use crate::events::{self, NewEvent};
use crate::ids::IdKind;
use crate::stats::{self, HourlyCounts};
use crate::{managed, system_mail};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect, TryInsertResult};
use sendmux_rules::{Mode, ProviderKind, Stage, Timestamp};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// Notifications that were taken are remembered for this long: SNS delivers one again for an hour at most by its default
/// policy for HTTP, and for 23 days with the longest that can be set.
const REMEMBERED: Duration = Duration::from_secs(24 * 24 * 3_600);

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is an event now.
    Event,
    /// It came before.
    Duplicate,
    /// It is about a message that did not go through this endpoint's provider.
    UnknownMessage,
}

/// Records a notice that came to an endpoint in the SNS message with this id, in one transaction: the event, the counts,
/// and, on the managed route, the suspension that follows.
pub async fn record(domain: &Domain, endpoint: &Endpoint, sns_id: &str, notice: &Notice) -> Result<Recorded> {
    system_mail::prepare(domain).await?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    if !remember(&tx, endpoint, sns_id, now).await? {
        tx.rollback().await?;
        return Ok(Recorded::Duplicate);
    }
    seen(&tx, endpoint, now).await?;
    let Some((message, route)) = sent_message(&tx, domain, endpoint, notice).await? else {
        tx.commit().await?;
        return Ok(Recorded::UnknownMessage);
    };
    // SES tells the same through the identity's topic and the configuration set's.
    if !remember(&tx, endpoint, &format!("{}/{}", message.public_id, notice.key), now).await? {
        tx.commit().await?;
        return Ok(Recorded::Duplicate);
    }
    let concerned = concerned(&tx, &message, notice).await?;
    let event = NewEvent {
        team_id: message.team_id,
        kind: notice.kind.event(),
        message_id: Some(message.id),
        provider_id: Some(route.id),
        data: data(notice, &concerned),
    };
    events::record(&tx, domain, event, now).await?;
    let mails = if message.mode == Mode::Live.as_str() {
        count(&tx, &message, &route, notice, concerned.len(), now).await?;
        let is_managed = route.kind == ProviderKind::ManagedSes.as_str();
        let counts = matches!(
            notice.kind,
            NoticeKind::Bounced { hard: true, .. } | NoticeKind::Complained { .. }
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
    if let Some(mails) = mails {
        domain.signals.team_changed(route.team_id);
        mails.wake(domain);
    }
    Ok(Recorded::Event)
}

/// Remembers an id; false when it was known.
async fn remember(tx: &DatabaseTransaction, endpoint: &Endpoint, id: &str, now: Timestamp) -> Result<bool> {
    use notification_messages::{ActiveModel, Column, Entity};
    let row = ActiveModel {
        endpoint_id: Set(endpoint.id),
        message_id: Set(id.to_owned()),
        received_at: Set(now.as_millis()),
    };
    let inserted = Entity::insert(row)
        .on_conflict_do_nothing_on([Column::EndpointId, Column::MessageId])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

async fn seen(tx: &DatabaseTransaction, endpoint: &Endpoint, now: Timestamp) -> Result<()> {
    use notification_endpoints::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::LastReceivedAt, Expr::value(now.as_millis()))
        .filter(Column::Id.eq(endpoint.id))
        .exec(tx)
        .await?;
    Ok(())
}

/// The message that a notice is about, and the provider that took it, which is the endpoint's (locked in PostgreSQL, so
/// that two notices do not both suspend it).
async fn sent_message(
    tx: &DatabaseTransaction,
    domain: &Domain,
    endpoint: &Endpoint,
    notice: &Notice,
) -> Result<Option<(messages::Model, providers::Model)>> {
    let tagged = match notice.message_id.as_deref().filter(|id| IdKind::Message.matches(id)) {
        Some(public_id) => {
            messages::Entity::find()
                .filter(messages::Column::PublicId.eq(public_id))
                .one(tx)
                .await?
        }
        None => None,
    };
    let mut find = attempts::Entity::find();
    find = match &tagged {
        Some(message) => find.filter(attempts::Column::MessageId.eq(message.id)),
        // In the words of the index.
        None => find
            .filter(attempts::Column::ProviderMessageId.eq(&notice.provider_message_id))
            .filter(Expr::cust(format!("stage = '{}'", Stage::Response))),
    };
    if let Some(provider_id) = endpoint.provider_id {
        find = find.filter(attempts::Column::ProviderId.eq(provider_id));
    }
    let tried: Vec<(i64, i64)> = find
        .select_only()
        .column(attempts::Column::MessageId)
        .column(attempts::Column::ProviderId)
        .into_tuple()
        .all(tx)
        .await?;
    let routes = providers::Entity::find()
        .filter(providers::Column::Id.is_in(tried.iter().map(|(_, provider_id)| *provider_id)))
        .filter(providers::Column::Kind.eq(match endpoint.provider_id {
            Some(_) => ProviderKind::Ses.as_str(),
            None => ProviderKind::ManagedSes.as_str(),
        }));
    let routes = if domain.db.backend() == DbBackend::Postgres {
        routes.lock(LockType::NoKeyUpdate)
    } else {
        routes
    };
    let Some(route) = routes.one(tx).await? else {
        return Ok(None);
    };
    let message = match tagged {
        Some(message) => Some(message),
        None => {
            let found = tried.iter().find(|(_, provider_id)| *provider_id == route.id);
            match found {
                Some((message_id, _)) => messages::Entity::find_by_id(*message_id).one(tx).await?,
                None => None,
            }
        }
    };
    Ok(message.map(|message| (message, route)))
}

/// A recipient of the message that the notice names: its address as it was accepted, and what is said of it.
struct Concerned {
    address: String,
    status: Option<String>,
    diagnostic: Option<String>,
}

/// The message's own recipients among those that the notice names.
async fn concerned(tx: &DatabaseTransaction, message: &messages::Model, notice: &Notice) -> Result<Vec<Concerned>> {
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
    let mut told = HashSet::new();
    Ok(notice
        .recipients
        .iter()
        .filter_map(|recipient| {
            let key = bare(&recipient.address).to_lowercase();
            let address = own.get(&key)?.clone();
            told.insert(key).then(|| Concerned {
                address,
                status: recipient.status.clone(),
                diagnostic: recipient.diagnostic.clone(),
            })
        })
        .collect())
}

/// SES names some recipients as the header did: `Name <address>`.
fn bare(address: &str) -> &str {
    address
        .trim()
        .strip_suffix('>')
        .and_then(|address| address.rsplit_once('<'))
        .map_or(address.trim(), |(_, address)| address)
}

fn data(notice: &Notice, concerned: &[Concerned]) -> serde_json::Value {
    let recipients: Vec<_> = concerned
        .iter()
        .map(|one| json!({ "email": one.address, "status": one.status, "diagnostic": one.diagnostic }))
        .collect();
    let (bounce_type, detail) = match &notice.kind {
        NoticeKind::Bounced { hard, detail } => (Some(if *hard { "hard" } else { "soft" }), Some(detail)),
        NoticeKind::Complained { detail }
        | NoticeKind::Delivered { detail }
        | NoticeKind::Rejected { detail }
        | NoticeKind::Delayed { detail } => (None, detail.as_ref()),
    };
    let mut data = json!({
        "recipients": recipients,
        "detail": detail,
        "provider_message_id": notice.provider_message_id,
        "at": notice.at.map(Timestamp::as_millis),
    });
    if let Some(bounce_type) = bounce_type {
        data["bounce_type"] = json!(bounce_type);
    }
    data
}

async fn count(
    tx: &DatabaseTransaction,
    message: &messages::Model,
    route: &providers::Model,
    notice: &Notice,
    recipients: usize,
    now: Timestamp,
) -> Result<()> {
    let recipients = i32::try_from(recipients).unwrap_or(i32::MAX);
    let counts = match notice.kind {
        NoticeKind::Bounced { hard: true, .. } => HourlyCounts {
            bounced: recipients,
            ..HourlyCounts::default()
        },
        NoticeKind::Complained { .. } => HourlyCounts {
            complained: recipients,
            ..HourlyCounts::default()
        },
        _ => return Ok(()),
    };
    let key = stats::Key {
        team_id: message.team_id,
        hour_at: stats::hour_of(now),
        provider_id: route.id,
    };
    stats::add(tx, HashMap::from([(key, counts)])).await
}

/// Forgets notifications that cannot come again, and says how many. To be called now and then.
pub async fn forget_old(domain: &Domain) -> Result<u64> {
    let oldest = domain.clock.now().minus(REMEMBERED).as_millis();
    let tx = domain.db.begin().await?;
    let deleted = notification_messages::Entity::delete_many()
        .filter(notification_messages::Column::ReceivedAt.lte(oldest))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(deleted.rows_affected)
}
