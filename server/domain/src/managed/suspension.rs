//! Suspending a team's managed route when too much of its mail comes back, and lifting that.

use super::provider_of;
use crate::actor::{Actor, Role};
use crate::entities::suspensions::{self, ActiveModel, Column, Entity};
use crate::entities::{providers, stats_hourly, teams};
use crate::error::{Error, Result};
use crate::operator::Operator;
use crate::providers::{ProviderStatus, change};
use crate::routing::lock_configuration;
use crate::stats::{self, HourlyCounts};
use crate::system_mail::{self, Mails, letters};
use crate::{Domain, audit, queue};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use sendmux_rules::Timestamp;
use sendmux_rules::managed::{self as rule, Feedback, SuspensionReason};
use serde_json::json;

/// A suspension that stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspension {
    /// Why.
    pub reason: SuspensionReason,
    /// What had come back.
    pub feedback: Feedback,
    /// Since when.
    pub since: Timestamp,
}

impl TryFrom<suspensions::Model> for Suspension {
    type Error = Error;

    fn try_from(row: suspensions::Model) -> Result<Self> {
        let unreadable = |what: &str, error: &dyn std::fmt::Display| {
            Error::Internal(format!(
                "{what} of the suspension of provider {}: {error}",
                row.provider_id
            ))
        };
        Ok(Self {
            reason: row.reason.parse().map_err(|error| unreadable("reason", &error))?,
            feedback: serde_json::from_str(&row.feedback).map_err(|error| unreadable("feedback", &error))?,
            since: Timestamp::from_millis(row.suspended_at),
        })
    }
}

/// The suspension of a route that stands.
pub(super) async fn standing(db: &impl ConnectionTrait, provider_id: i64) -> Result<Option<Suspension>> {
    let row = Entity::find_by_id(provider_id)
        .filter(Column::LiftedAt.is_null())
        .one(db)
        .await?;
    row.map(Suspension::try_from).transpose()
}

/// What came back of what a team sent through its route within 7 days, by whole hours; after a suspension was lifted, only
/// what was counted since.
pub(super) async fn feedback(
    db: &impl ConnectionTrait,
    team_id: i64,
    provider_id: i64,
    now: Timestamp,
) -> Result<Feedback> {
    let lifted = Entity::find_by_id(provider_id)
        .filter(Column::LiftedAt.is_not_null())
        .one(db)
        .await?;
    let mut from = stats::hour_of(Timestamp::from_millis(now.as_millis() - rule::WINDOW_MS));
    let mut gone = HourlyCounts::default();
    if let Some((lifted_at, counted)) = lifted.and_then(|row| Some((row.lifted_at?, row.counted))) {
        let hour = stats::hour_of(Timestamp::from_millis(lifted_at));
        if hour >= from {
            from = hour;
            gone = counted
                .and_then(|counted| serde_json::from_str(&counted).ok())
                .unwrap_or_default();
        }
    }
    let rows = stats_hourly::Entity::find()
        .filter(stats_hourly::Column::TeamId.eq(team_id))
        .filter(stats_hourly::Column::HourAt.gte(from))
        .filter(stats_hourly::Column::ProviderId.eq(provider_id))
        .all(db)
        .await?;
    let sum = rows
        .iter()
        .map(HourlyCounts::from)
        .fold(HourlyCounts::default(), HourlyCounts::plus);
    let left = |sum: i32, gone: i32| u64::try_from(sum.saturating_sub(gone)).unwrap_or(0);
    Ok(Feedback {
        recipients: left(sum.recipients, gone.recipients),
        hard_bounces: left(sum.bounced, gone.bounced),
        complaints: left(sum.complained, gone.complained),
    })
}

/// Suspends a route when what came back of it is too much. The owners of its team and the operators get a mail. `None`
/// when nothing was done; otherwise what is to be told once the transaction is committed.
pub(crate) async fn review(
    tx: &DatabaseTransaction,
    domain: &Domain,
    route: &providers::Model,
    now: Timestamp,
) -> Result<Option<Mails>> {
    if route.status == ProviderStatus::Suspended.as_str() || system_mail::is_system(domain, route.team_id) {
        return Ok(None);
    }
    let feedback = feedback(tx, route.team_id, route.id, now).await?;
    let Some(reason) = rule::suspension(&feedback) else {
        return Ok(None);
    };
    change(route, now)
        .col_expr(
            providers::Column::Status,
            Expr::value(ProviderStatus::Suspended.as_str()),
        )
        .exec(tx)
        .await?;
    let feedback_json = serde_json::to_string(&feedback).map_err(|error| Error::Internal(error.to_string()))?;
    Entity::insert(ActiveModel {
        provider_id: Set(route.id),
        team_id: Set(route.team_id),
        reason: Set(reason.as_str().to_owned()),
        feedback: Set(feedback_json),
        status_before: Set(route.status.clone()),
        suspended_at: Set(now.as_millis()),
        lifted_at: Set(None),
        counted: Set(None),
    })
    .on_conflict(
        OnConflict::column(Column::ProviderId)
            .update_columns([
                Column::Reason,
                Column::Feedback,
                Column::StatusBefore,
                Column::SuspendedAt,
                Column::LiftedAt,
                Column::Counted,
            ])
            .to_owned(),
    )
    .exec_without_returning(tx)
    .await?;
    let actor = Actor {
        team_id: route.team_id,
        user_id: None,
        label: "sendmux".to_owned(),
        remote: None,
        role: Role::Owner,
    };
    let detail = json!({ "reason": reason, "feedback": feedback });
    audit::record(tx, now, &actor, "managed.suspended", &route.public_id, detail).await?;
    let team = teams::Entity::find_by_id(route.team_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("team"))?;
    let suspension = Suspension {
        reason,
        feedback,
        since: now,
    };
    let letter = letters::suspended(&domain.settings, &team.name, &suspension);
    let mut mails = system_mail::to_owners(tx, domain, route.team_id, &letter).await?;
    let alert = letters::team_suspended(&domain.settings, &team.name, &suspension);
    mails.extend(system_mail::to_operators(tx, domain, &alert).await?);
    Ok(Some(mails))
}

/// Lifts the suspension of a team: its route is as it was before, and what came back counts from now on. The owners get a
/// mail.
///
/// # Errors
/// [`Error::NotFound`] for an unknown team; [`Error::Conflict`] when it is not suspended.
pub async fn lift(domain: &Domain, operator: &Operator, team_public_id: &str) -> Result<()> {
    let now = domain.clock.now();
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    let team = teams::Entity::find()
        .filter(teams::Column::PublicId.eq(team_public_id))
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("team"))?;
    lock_configuration(&tx, team.id).await?;
    let route = provider_of(&tx, team.id).await?;
    let standing = Entity::find_by_id(route.id)
        .filter(Column::LiftedAt.is_null())
        .one(&tx)
        .await?;
    let Some(standing) = standing.filter(|_| route.status == ProviderStatus::Suspended.as_str()) else {
        return Err(Error::Conflict("this team is not suspended".to_owned()));
    };
    change(&route, now)
        .col_expr(providers::Column::Status, Expr::value(standing.status_before.clone()))
        .exec(&tx)
        .await?;
    let counted = stats_hourly::Entity::find_by_id((team.id, stats::hour_of(now), route.id))
        .one(&tx)
        .await?
        .map(|row| HourlyCounts::from(&row))
        .unwrap_or_default();
    let counted = serde_json::to_string(&counted).map_err(|error| Error::Internal(error.to_string()))?;
    Entity::update_many()
        .col_expr(Column::LiftedAt, Expr::value(now.as_millis()))
        .col_expr(Column::Counted, Expr::value(counted))
        .filter(Column::ProviderId.eq(route.id))
        .exec(&tx)
        .await?;
    let actor = operator.actor(team.id);
    let detail = json!({ "reason": standing.reason });
    audit::record(&tx, now, &actor, "managed.suspension_lifted", &route.public_id, detail).await?;
    let letter = letters::suspension_lifted(&domain.settings, &team.name);
    let mails = system_mail::to_owners(&tx, domain, team.id, &letter).await?;
    queue::hasten(&tx, team.id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(team.id);
    mails.wake(domain);
    Ok(())
}
