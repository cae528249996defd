//! Suspending a team's managed route for too many bounces or complaints, and lifting the suspension.

use super::provider_of;
use crate::actor::{Actor, Role};
use crate::column::Json;
use crate::db::Transaction;
use crate::entities::suspensions::{self, ActiveModel, Column, Entity};
use crate::entities::{providers, stats_hourly, teams};
use crate::error::{Error, Result};
use crate::operator::Operator;
use crate::providers::change;
use crate::routing::lock_configuration;
use crate::stats::{self, HourlyCounts};
use crate::system_mail::letters::why;
use crate::system_mail::{self, Mail, Mails};
use crate::{Domain, audit, queue};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::managed::{self as rule, Feedback, SuspensionReason};
use sendmux_rules::{ProviderStatus, Timestamp};
use serde_json::json;
use std::collections::HashMap;

/// A current suspension.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspension {
    /// Reason.
    pub reason: SuspensionReason,
    /// Bounces and complaints at that time.
    pub feedback: Feedback,
    /// Start of the suspension.
    pub since: Timestamp,
}

impl From<suspensions::Model> for Suspension {
    fn from(row: suspensions::Model) -> Self {
        Self {
            reason: row.reason,
            feedback: row.feedback.0,
            since: row.suspended_at,
        }
    }
}

/// The last suspension of each of these routes, by the route's provider.
pub(super) async fn last_of(
    db: &impl ConnectionTrait,
    routes: &[providers::Model],
) -> Result<HashMap<i64, suspensions::Model>> {
    let rows = Entity::find()
        .filter(Column::ProviderId.is_in(routes.iter().map(|route| route.id)))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.provider_id, row)).collect())
}

/// Recipients, bounces and complaints of routes within 7 days, by whole hours, by the route's provider; after a
/// suspension was lifted, only those counted since. `last` are the routes' last suspensions.
pub(super) async fn feedback_of(
    db: &impl ConnectionTrait,
    routes: &[providers::Model],
    last: &HashMap<i64, suspensions::Model>,
    now: Timestamp,
) -> Result<HashMap<i64, Feedback>> {
    use stats_hourly::Column as Stats;
    let from = stats::hour_of(Timestamp::from_millis(now.as_millis() - rule::WINDOW_MS));
    let rows: Vec<(i64, Timestamp, i32, i32, i32)> = stats_hourly::Entity::find()
        .select_only()
        .columns([
            Stats::ProviderId,
            Stats::HourAt,
            Stats::Recipients,
            Stats::Bounced,
            Stats::Complained,
        ])
        .filter(Stats::TeamId.is_in(routes.iter().map(|route| route.team_id)))
        .filter(Stats::HourAt.gte(from))
        .filter(Stats::ProviderId.is_in(routes.iter().map(|route| route.id)))
        .into_tuple()
        .all(db)
        .await?;
    let fresh: HashMap<i64, Fresh> = routes
        .iter()
        .map(|route| (route.id, Fresh::after(last.get(&route.id), from)))
        .collect();
    let mut sums: HashMap<i64, HourlyCounts> = HashMap::new();
    for (provider_id, hour_at, recipients, bounced, complained) in rows {
        if fresh.get(&provider_id).is_some_and(|fresh| hour_at >= fresh.from) {
            let sum = sums.entry(provider_id).or_default();
            *sum = sum.plus(HourlyCounts {
                recipients,
                bounced,
                complained,
                ..HourlyCounts::default()
            });
        }
    }
    let left = |sum: i32, gone: i32| u64::try_from(sum.saturating_sub(gone)).unwrap_or(0);
    Ok(fresh
        .into_iter()
        .map(|(provider_id, Fresh { gone, .. })| {
            let sum = sums.get(&provider_id).copied().unwrap_or_default();
            let feedback = Feedback {
                recipients: left(sum.recipients, gone.recipients),
                hard_bounces: left(sum.bounced, gone.bounced),
                complaints: left(sum.complained, gone.complained),
            };
            (provider_id, feedback)
        })
        .collect())
}

/// The part of a route's counts that is still considered.
struct Fresh {
    /// The first hour considered.
    from: Timestamp,
    /// Counts of that hour to subtract.
    gone: HourlyCounts,
}

impl Fresh {
    /// The counts after this suspension, if it was lifted, and at the earliest from this hour.
    fn after(last: Option<&suspensions::Model>, from: Timestamp) -> Self {
        let lifted = last.and_then(|row| Some((row.lifted_at?, row.counted.as_ref())));
        match lifted.map(|(at, counted)| (stats::hour_of(at), counted)) {
            Some((hour, counted)) if hour >= from => Self {
                from: hour,
                gone: counted.map_or_else(HourlyCounts::default, |Json(counted)| *counted),
            },
            _ => Self {
                from,
                gone: HourlyCounts::default(),
            },
        }
    }
}

/// Recipients, bounces and complaints of a team's route; see [`feedback_of`].
async fn feedback(db: &impl ConnectionTrait, route: &providers::Model, now: Timestamp) -> Result<Feedback> {
    let routes = std::slice::from_ref(route);
    let last = last_of(db, routes).await?;
    let mut feedback = feedback_of(db, routes, &last, now).await?;
    Ok(feedback.remove(&route.id).unwrap_or_default())
}

/// Suspends a route with too many bounces or complaints. The owners of its team and the operators get a mail. Returns
/// `None` when nothing was done; otherwise the notifications to send once the transaction is committed.
pub(crate) async fn review(
    tx: &Transaction,
    domain: &Domain,
    route: &providers::Model,
    now: Timestamp,
) -> Result<Option<Mails>> {
    if route.status == ProviderStatus::Suspended || system_mail::is_system(domain, route.team_id) {
        return Ok(None);
    }
    let feedback = feedback(tx, route, now).await?;
    let Some(reason) = rule::suspension(&feedback) else {
        return Ok(None);
    };
    change(route, now)
        .col_expr(providers::Column::Status, Expr::value(ProviderStatus::Suspended))
        .exec(tx)
        .await?;
    Entity::insert(ActiveModel {
        provider_id: Set(route.id),
        team_id: Set(route.team_id),
        reason: Set(reason),
        feedback: Set(Json(feedback)),
        status_before: Set(route.status),
        suspended_at: Set(now),
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
    let letter = Mail::Suspended {
        team: &team.name,
        cause: why(&suspension),
    }
    .letter(&domain.settings)?;
    let mut mails = system_mail::to_owners(tx, domain, route.team_id, &letter).await?;
    let alert = Mail::TeamSuspended {
        team: &team.name,
        cause: why(&suspension),
    }
    .letter(&domain.settings)?;
    mails.extend(system_mail::to_operators(tx, domain, &alert).await?);
    Ok(Some(mails))
}

/// Lifts the suspension of a team: its route is as before, and only later bounces and complaints count. The owners get
/// a mail.
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
    let Some(standing) = standing.filter(|_| route.status == ProviderStatus::Suspended) else {
        return Err(Error::Conflict("this team is not suspended".to_owned()));
    };
    change(&route, now)
        .col_expr(providers::Column::Status, Expr::value(standing.status_before))
        .exec(&tx)
        .await?;
    let counted = stats_hourly::Entity::find_by_id((team.id, stats::hour_of(now), route.id))
        .one(&tx)
        .await?
        .map_or_else(HourlyCounts::default, |row| HourlyCounts::from(&row));
    Entity::update_many()
        .col_expr(Column::LiftedAt, Expr::value(now))
        .col_expr(Column::Counted, Expr::value(Json(counted)))
        .filter(Column::ProviderId.eq(route.id))
        .exec(&tx)
        .await?;
    let actor = operator.actor(team.id);
    let detail = json!({ "reason": standing.reason });
    audit::record(&tx, now, &actor, "managed.suspension_lifted", &route.public_id, detail).await?;
    let letter = Mail::SuspensionLifted { team: &team.name }.letter(&domain.settings)?;
    let mails = system_mail::to_owners(&tx, domain, team.id, &letter).await?;
    queue::mark_for_requeue(&tx, team.id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(team.id);
    mails.wake(domain);
    Ok(())
}
