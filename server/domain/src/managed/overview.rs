//! The operator's overview of every team and of the managed route as a whole.

use super::cap_of;
use super::routes::routes_of;
use crate::actor::Role;
use crate::entities::{memberships, providers, quota_requests, stats_hourly, suspensions, teams as team_rows, users};
use crate::error::Result;
use crate::messages::query::{Page, decode_cursor, encode_cursor};
use crate::operator::Operator;
use crate::stats;
use crate::{Domain, system_mail};
use sea_orm::sea_query::{Expr, ExprTrait, Order};
use sea_orm::{ColumnTrait, EntityTrait, JoinType, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, RelationDef};
use sendmux_rules::caps::DayRule;
use sendmux_rules::managed::{self as rule, Feedback};
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};
use std::collections::HashMap;

/// Teams on a page.
const ROWS: u64 = 50;
/// Teams listed by usage.
const BUSIEST: u64 = 10;

/// A team in the operator's list.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamLine {
    /// Public id (`team_…`).
    pub public_id: String,
    /// Its name.
    pub name: String,
    /// Its address on the managed route.
    pub address: String,
    /// Its owners' addresses.
    pub owners: Vec<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Cap on the managed route, in recipients a day.
    pub cap: u32,
    /// Recipients of this UTC day.
    pub used: u32,
    /// Recipients sent to there within 7 days, and their bounces and complaints.
    pub feedback: Feedback,
    /// Status of its route: switched on, suspended, or pending until an address is verified.
    pub status: ProviderStatus,
    /// The current suspension.
    pub suspension: Option<super::Suspension>,
}

/// The managed route as a whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// Recipients sent to by all teams within 7 days, and their bounces and complaints.
    pub feedback: Feedback,
    /// Number of suspended teams.
    pub suspended: u64,
    /// Number of pending requests.
    pub pending_requests: u64,
    /// Teams with the most recipients within 7 days.
    pub busiest: Vec<Busiest>,
}

/// A team and its use of the managed route within 7 days.
#[derive(Clone, Debug, PartialEq)]
pub struct Busiest {
    /// Public id (`team_…`).
    pub public_id: String,
    /// Its name.
    pub name: String,
    /// Recipients, bounces and complaints.
    pub feedback: Feedback,
}

/// A page of the teams, the newest first. `search` is a part of a name, or an id.
///
/// # Errors
/// [`crate::Error::Invalid`] for a malformed cursor.
pub async fn teams(domain: &Domain, _: &Operator, search: &str, before: Option<&str>) -> Result<Page<TeamLine>> {
    let db = domain.db.read();
    let mut find = team_rows::Entity::find()
        .order_by_desc(team_rows::Column::Id)
        .limit(ROWS + 1);
    if let Some(system) = system_mail::known_team(domain) {
        find = find.filter(team_rows::Column::Id.ne(system));
    }
    let search = search.trim();
    if !search.is_empty() {
        let name = Expr::expr(sea_orm::sea_query::Func::lower(Expr::col(team_rows::Column::Name)));
        let pattern = format!("%{}%", search.to_lowercase().replace(['%', '_'], ""));
        find = find.filter(
            sea_orm::Condition::any()
                .add(team_rows::Column::PublicId.eq(search))
                .add(name.like(pattern)),
        );
    }
    if let Some(cursor) = before {
        find = find.filter(team_rows::Column::Id.lt(decode_cursor(cursor)?));
    }
    let mut rows = find.all(db).await?;
    let next = if rows.len() as u64 > ROWS {
        rows.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
        rows.last().map(|row| encode_cursor(row.id))
    } else {
        None
    };
    let owners = owners_of(domain, rows.iter().map(|row| row.id)).await?;
    let now = domain.clock.now();
    let mut routes = routes_of(db, rows.iter().map(|row| row.id), now).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(route) = routes.remove(&row.id) else { continue };
        lines.push(TeamLine {
            address: format!("{}@{}", row.slug, domain.settings.managed_domain),
            owners: owners.get(&row.id).cloned().unwrap_or_default(),
            created_at: row.created_at,
            cap: cap_of(&route.row),
            used: route.usage.used(DayRule::UtcDay, now).day,
            feedback: route.feedback,
            status: route.status,
            suspension: route.suspension,
            public_id: row.public_id,
            name: row.name,
        });
    }
    Ok(Page { rows: lines, next })
}

async fn owners_of(domain: &Domain, team_ids: impl IntoIterator<Item = i64>) -> Result<HashMap<i64, Vec<String>>> {
    let db = domain.db.read();
    let memberships = memberships::Entity::find()
        .filter(memberships::Column::TeamId.is_in(team_ids))
        .filter(memberships::Column::Role.eq(Role::Owner))
        .order_by_asc(memberships::Column::CreatedAt)
        .all(db)
        .await?;
    let addresses: HashMap<i64, String> = users::Entity::find()
        .filter(users::Column::Id.is_in(memberships.iter().map(|membership| membership.user_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|user| (user.id, user.email))
        .collect();
    let mut owners: HashMap<i64, Vec<String>> = HashMap::new();
    for membership in memberships {
        owners
            .entry(membership.team_id)
            .or_default()
            .extend(addresses.get(&membership.user_id).cloned());
    }
    Ok(owners)
}

/// The managed route as a whole.
pub async fn overview(domain: &Domain, _: &Operator) -> Result<Overview> {
    let db = domain.db.read();
    let now = domain.clock.now();
    let from = stats::hour_of(Timestamp::from_millis(now.as_millis() - rule::WINDOW_MS));
    let counted = |column: stats_hourly::Column| Expr::col((stats_hourly::Entity, column)).sum().cast_as("bigint");
    let of_provider: RelationDef = stats_hourly::Entity::belongs_to(providers::Entity)
        .from(stats_hourly::Column::ProviderId)
        .to(providers::Column::Id)
        .into();
    let mut sums = stats_hourly::Entity::find()
        .select_only()
        .column(stats_hourly::Column::TeamId)
        .column_as(counted(stats_hourly::Column::Recipients), "recipients")
        .column_as(counted(stats_hourly::Column::Bounced), "bounced")
        .column_as(counted(stats_hourly::Column::Complained), "complained")
        .join(JoinType::InnerJoin, of_provider)
        .filter(providers::Column::Kind.eq(ProviderKind::ManagedSes))
        .filter(stats_hourly::Column::HourAt.gte(from))
        .group_by(stats_hourly::Column::TeamId)
        .order_by(
            Expr::col((stats_hourly::Entity, stats_hourly::Column::Recipients)).sum(),
            Order::Desc,
        );
    if let Some(system) = system_mail::known_team(domain) {
        sums = sums.filter(stats_hourly::Column::TeamId.ne(system));
    }
    let sums: Vec<(i64, i64, i64, i64)> = sums.into_tuple().all(db).await?;
    let feedback_of = |(_, recipients, bounced, complained): &(i64, i64, i64, i64)| {
        let count = |sum: i64| u64::try_from(sum).unwrap_or(0);
        Feedback {
            recipients: count(*recipients),
            hard_bounces: count(*bounced),
            complaints: count(*complained),
        }
    };
    let total = sums
        .iter()
        .map(feedback_of)
        .fold(Feedback::default(), |sum, one| Feedback {
            recipients: sum.recipients + one.recipients,
            hard_bounces: sum.hard_bounces + one.hard_bounces,
            complaints: sum.complaints + one.complaints,
        });
    let top = sums.iter().take(usize::try_from(BUSIEST).unwrap_or(usize::MAX));
    let names: HashMap<i64, team_rows::Model> = team_rows::Entity::find()
        .filter(team_rows::Column::Id.is_in(top.clone().map(|sum| sum.0)))
        .all(db)
        .await?
        .into_iter()
        .map(|team| (team.id, team))
        .collect();
    Ok(Overview {
        feedback: total,
        suspended: suspensions::Entity::find()
            .filter(suspensions::Column::LiftedAt.is_null())
            .count(db)
            .await?,
        pending_requests: quota_requests::Entity::find()
            .filter(quota_requests::Column::Status.eq(super::RequestStatus::Pending))
            .count(db)
            .await?,
        busiest: top
            .filter_map(|sum| {
                let team = names.get(&sum.0)?;
                Some(Busiest {
                    public_id: team.public_id.clone(),
                    name: team.name.clone(),
                    feedback: feedback_of(sum),
                })
            })
            .collect(),
    })
}
