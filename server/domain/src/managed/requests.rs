//! Requests for a higher cap: made with one click, decided by the operator.

use super::routes::routes_of;
use super::{cap_of, provider_of, usage_of};
use crate::actor::{Actor, Role};
use crate::db::Transaction;
use crate::entities::quota_requests::{self, Column, Entity};
use crate::entities::{memberships, providers, teams, users};
use crate::error::{Error, FieldError, Result};
use crate::ids::IdKind;
use crate::operator::Operator;
use crate::providers::{MAX_CAP, change};
use crate::routing::lock_configuration;
use crate::system_mail::{self, Mail};
use crate::{Domain, audit, queue, runtime};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr};
use sendmux_rules::caps::DayRule;
use sendmux_rules::managed::{self as rule, Feedback};
use sendmux_rules::{ProviderStatus, Timestamp, named_enum};
use serde_json::json;
use std::collections::HashMap;

/// Most characters of the operator's note.
pub const MAX_NOTE_CHARS: usize = 1_000;
/// Decided requests on the operator's page.
const RECENT: u64 = 20;

named_enum! {
    /// Status of a request.
    pub enum RequestStatus {
        /// Waiting for the operator's decision.
        Pending = "pending",
        /// Approved: the cap was raised.
        Approved = "approved",
        /// Denied: the cap stays.
        Denied = "denied",
        /// Withdrawn by the team.
        Cancelled = "cancelled",
    }
}

/// A request for a higher cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncreaseRequest {
    /// Public id (`qir_…`).
    pub public_id: String,
    /// Status of the request.
    pub status: RequestStatus,
    /// Cap at the time of the request.
    pub current_cap: u32,
    /// Granted cap.
    pub granted_cap: Option<u32>,
    /// Note of the operator.
    pub note: Option<String>,
    /// Time of the request.
    pub created_at: Timestamp,
    /// Time of the decision or withdrawal.
    pub decided_at: Option<Timestamp>,
}

impl From<quota_requests::Model> for IncreaseRequest {
    fn from(row: quota_requests::Model) -> Self {
        let cap = |stored: i32| u32::try_from(stored).unwrap_or(0);
        Self {
            public_id: row.public_id,
            status: row.status,
            current_cap: cap(row.current_cap),
            granted_cap: row.granted_cap.map(cap),
            note: row.note,
            created_at: row.created_at,
            decided_at: row.decided_at,
        }
    }
}

/// A request in the operator's queue, with information for the decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The request.
    pub request: IncreaseRequest,
    /// Public id of the team.
    pub team_id: String,
    /// Name of the team.
    pub team: String,
    /// Time of the team's creation.
    pub team_created_at: Timestamp,
    /// The requesting user.
    pub requested_by: String,
    /// Current cap.
    pub cap: u32,
    /// Recipients of this UTC day.
    pub used: u32,
    /// Recipients of the last 7 days, and their bounces and complaints.
    pub feedback: Feedback,
    /// True if the team is suspended.
    pub suspended: bool,
}

/// Decision of the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Approve, with this new cap.
    Approve(i64),
    /// Deny: the cap stays.
    Deny,
}

pub(super) async fn pending(db: &impl ConnectionTrait, team_id: i64) -> Result<Option<IncreaseRequest>> {
    let row = Entity::find()
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::Status.eq(RequestStatus::Pending))
        .one(db)
        .await?;
    Ok(row.map(IncreaseRequest::from))
}

pub(super) async fn last_decided(db: &impl ConnectionTrait, team_id: i64) -> Result<Option<IncreaseRequest>> {
    let decided = [RequestStatus::Approved, RequestStatus::Denied];
    let row = Entity::find()
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::Status.is_in(decided))
        .order_by_desc(Column::Id)
        .one(db)
        .await?;
    Ok(row.map(IncreaseRequest::from))
}

/// Requests a higher cap for the actor's team. The operators get a mail.
///
/// # Errors
/// [`Error::Conflict`] while a request is pending, and when 80% of the cap was not reached today or within the last 7
/// days; [`Error::Forbidden`].
pub async fn request_increase(domain: &Domain, actor: &Actor) -> Result<IncreaseRequest> {
    actor.require_configure()?;
    let now = domain.clock.now();
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    let row = provider_of(&tx, actor.team_id).await?;
    if pending(&tx, actor.team_id).await?.is_some() {
        return Err(already_pending());
    }
    let usage = usage_of(&tx, row.id).await?;
    if !rule::offers_increase(usage.near_day(), now) {
        let cap = cap_of(&row);
        return Err(Error::Conflict(format!(
            "an increase can be requested once 80% of the day's cap, {} of {cap} recipients, was reached, today or within \
             the last 7 days",
            rule::threshold(cap)
        )));
    }
    let team = team_of(&tx, actor.team_id).await?;
    let requested_by = requester(&tx, actor).await?;
    let inserted = Entity::insert(quota_requests::ActiveModel {
        id: NotSet,
        public_id: Set(IdKind::QuotaRequest.generate()),
        team_id: Set(actor.team_id),
        provider_id: Set(row.id),
        requested_by: Set(requested_by),
        status: Set(RequestStatus::Pending),
        current_cap: Set(row.cap_day.unwrap_or(0)),
        requested_cap: Set(None),
        granted_cap: Set(None),
        reason: Set(None),
        note: Set(None),
        decided_by: Set(None),
        decided_at: Set(None),
        created_at: Set(now),
    })
    .exec_with_returning(&tx)
    .await;
    let request: IncreaseRequest = match inserted {
        Ok(row) => row.into(),
        // Somebody else made a request at the same moment.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            return Err(already_pending());
        }
        Err(error) => return Err(error.into()),
    };
    let detail = json!({ "cap": request.current_cap });
    audit::record(
        &tx,
        now,
        actor,
        "managed.increase_requested",
        &request.public_id,
        detail,
    )
    .await?;
    let letter = Mail::IncreaseRequested {
        team: &team.name,
        cap: cap_of(&row),
    }
    .letter(&domain.settings)?;
    let mails = system_mail::to_operators(&tx, domain, &letter).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(request)
}

fn already_pending() -> Error {
    Error::Conflict("an increase was requested already, and waits for the operator of this installation".to_owned())
}

/// Withdraws the pending request of the actor's team with this id.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] when it was decided; [`Error::Forbidden`].
pub async fn cancel_request(domain: &Domain, actor: &Actor, public_id: &str) -> Result<IncreaseRequest> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let row = Entity::find()
        .filter(Column::TeamId.eq(actor.team_id))
        .filter(Column::PublicId.eq(public_id))
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("request"))?;
    end(&tx, row.id, now)
        .col_expr(Column::Status, Expr::value(RequestStatus::Cancelled))
        .exec(&tx)
        .await
        .map_err(Error::from)
        .and_then(only_pending)?;
    audit::record(&tx, now, actor, "managed.increase_cancelled", public_id, json!({})).await?;
    let row = reloaded(&tx, row.id).await?;
    tx.commit().await?;
    Ok(row)
}

/// Decides a pending request. Approving changes the team's cap at once. The requester gets a mail with the outcome and
/// the note.
///
/// # Errors
/// [`Error::Invalid`] on `cap` when it is not above the current one, and on `note`, which a denial needs;
/// [`Error::Conflict`] when the request is no longer pending; [`Error::NotFound`].
pub async fn decide(
    domain: &Domain,
    operator: &Operator,
    public_id: &str,
    decision: Decision,
    note: &str,
) -> Result<IncreaseRequest> {
    let now = domain.clock.now();
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    let row = Entity::find()
        .filter(Column::PublicId.eq(public_id))
        .one(&tx)
        .await?
        .ok_or(Error::NotFound("request"))?;
    let actor = operator.actor(row.team_id);
    lock_configuration(&tx, row.team_id).await?;
    let route = provider_of(&tx, row.team_id).await?;
    let cap = cap_of(&route);
    let note = check_note(note, &decision);
    let granted = check_cap(&decision, cap);
    let (note, granted) = match (note, granted) {
        (Ok(note), Ok(granted)) => (note, granted),
        (note, granted) => {
            return Err(Error::Invalid(
                [note.err(), granted.err()].into_iter().flatten().collect(),
            ));
        }
    };
    let status = match granted {
        Some(_) => RequestStatus::Approved,
        None => RequestStatus::Denied,
    };
    end(&tx, row.id, now)
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::GrantedCap, Expr::value(granted))
        .col_expr(Column::Note, Expr::value(note.clone()))
        .col_expr(Column::DecidedBy, Expr::value(operator.user_id))
        .exec(&tx)
        .await
        .map_err(Error::from)
        .and_then(only_pending)?;
    if let Some(granted) = granted {
        set_cap(&tx, domain, &route, granted, now).await?;
    }
    let action = match status {
        RequestStatus::Approved => "managed.increase_approved",
        _ => "managed.increase_denied",
    };
    let detail = json!({ "from": cap, "to": granted, "note": note });
    audit::record(&tx, now, &actor, action, public_id, detail).await?;

    let request = reloaded(&tx, row.id).await?;
    let team = team_of(&tx, row.team_id).await?;
    let letter = Mail::IncreaseDecided {
        team: &team.name,
        current_cap: request.current_cap,
        granted_cap: request.granted_cap,
        note: request.note.as_deref(),
    }
    .letter(&domain.settings)?;
    let mails = system_mail::to_users(&tx, domain, [row.requested_by], &letter).await?;
    tx.commit().await?;
    domain.signals.team_changed(row.team_id);
    mails.wake(domain);
    Ok(request)
}

/// An update that ends a request, if it is still pending.
fn end(_: &Transaction, id: i64, now: Timestamp) -> sea_orm::UpdateMany<Entity> {
    Entity::update_many()
        .col_expr(Column::DecidedAt, Expr::value(now))
        .filter(Column::Id.eq(id))
        .filter(Column::Status.eq(RequestStatus::Pending))
}

fn only_pending(updated: sea_orm::UpdateResult) -> Result<()> {
    if updated.rows_affected == 1 {
        return Ok(());
    }
    Err(Error::Conflict(
        "this request was decided or taken back already".to_owned(),
    ))
}

async fn reloaded(tx: &Transaction, id: i64) -> Result<IncreaseRequest> {
    let row = Entity::find_by_id(id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("request"))?;
    Ok(row.into())
}

async fn set_cap(tx: &Transaction, domain: &Domain, route: &providers::Model, cap: i32, now: Timestamp) -> Result<()> {
    change(route, now)
        .col_expr(providers::Column::CapDay, Expr::value(cap))
        .exec(tx)
        .await?;
    // The mark that 80% were reached refers to the old cap.
    if let Some(mut state) = runtime::lock(tx, domain.db.backend(), [route.id])
        .await?
        .remove(&route.id)
    {
        state.usage.forget_near_day();
        runtime::save(tx, &state).await?;
    }
    queue::mark_for_requeue(tx, route.team_id, now).await
}

fn check_cap(decision: &Decision, current: u32) -> Result<Option<i32>, FieldError> {
    let Decision::Approve(cap) = decision else {
        return Ok(None);
    };
    if *cap > MAX_CAP {
        return Err(FieldError::new(
            "cap",
            "out_of_range",
            format!("enter at most {MAX_CAP}"),
        ));
    }
    match i32::try_from(*cap) {
        Ok(granted) if *cap > i64::from(current) => Ok(Some(granted)),
        _ => Err(FieldError::new(
            "cap",
            "out_of_range",
            format!("enter a number above the current cap of {current}, or deny the request"),
        )),
    }
}

fn check_note(note: &str, decision: &Decision) -> Result<Option<String>, FieldError> {
    let note = note.trim();
    if note.is_empty() {
        return match decision {
            Decision::Approve(_) => Ok(None),
            Decision::Deny => Err(FieldError::new(
                "note",
                "required",
                "say why: the team reads it, and can do something about it",
            )),
        };
    }
    if note.chars().count() > MAX_NOTE_CHARS {
        let message = format!("the note is too long: use at most {MAX_NOTE_CHARS} characters");
        return Err(FieldError::new("note", "too_long", message));
    }
    if note
        .chars()
        .any(|letter| letter.is_control() && letter != '\n' && letter != '\r')
    {
        return Err(FieldError::new(
            "note",
            "invalid",
            "the note contains a control character: remove it",
        ));
    }
    Ok(Some(note.to_owned()))
}

async fn team_of(tx: &Transaction, team_id: i64) -> Result<teams::Model> {
    teams::Entity::find_by_id(team_id)
        .one(tx)
        .await?
        .ok_or(Error::NotFound("team"))
}

/// Recipient of the outcome: the requesting user, or, for a key, the first owner of its team.
async fn requester(tx: &Transaction, actor: &Actor) -> Result<i64> {
    if let Some(user_id) = actor.user_id {
        return Ok(user_id);
    }
    let owner = memberships::Entity::find()
        .filter(memberships::Column::TeamId.eq(actor.team_id))
        .filter(memberships::Column::Role.eq(Role::Owner))
        .order_by_asc(memberships::Column::CreatedAt)
        .order_by_asc(memberships::Column::UserId)
        .one(tx)
        .await?;
    owner
        .map(|owner| owner.user_id)
        .ok_or_else(|| Error::Conflict("the team of this key has no owner who could be told the outcome".to_owned()))
}

/// Pending requests, the oldest first.
pub async fn pending_reviews(domain: &Domain, _: &Operator) -> Result<Vec<Review>> {
    let rows = Entity::find()
        .filter(Column::Status.eq(RequestStatus::Pending))
        .order_by_asc(Column::Id)
        .all(domain.db.read())
        .await?;
    reviews(domain, rows).await
}

/// Requests decided or withdrawn last, the newest first.
pub async fn recent(domain: &Domain, _: &Operator) -> Result<Vec<Review>> {
    let rows = Entity::find()
        .filter(Column::Status.ne(RequestStatus::Pending))
        .order_by_desc(Column::Id)
        .limit(RECENT)
        .all(domain.db.read())
        .await?;
    reviews(domain, rows).await
}

async fn reviews(domain: &Domain, rows: Vec<quota_requests::Model>) -> Result<Vec<Review>> {
    let db = domain.db.read();
    let now = domain.clock.now();
    let teams: HashMap<i64, teams::Model> = teams::Entity::find()
        .filter(teams::Column::Id.is_in(rows.iter().map(|row| row.team_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|team| (team.id, team))
        .collect();
    let users: HashMap<i64, String> = users::Entity::find()
        .filter(users::Column::Id.is_in(rows.iter().map(|row| row.requested_by)))
        .all(db)
        .await?
        .into_iter()
        .map(|user| (user.id, user.email))
        .collect();
    let routes = routes_of(db, teams.keys().copied(), now).await?;
    let mut reviews = Vec::with_capacity(rows.len());
    for row in rows {
        let (Some(team), Some(route)) = (teams.get(&row.team_id), routes.get(&row.team_id)) else {
            continue;
        };
        reviews.push(Review {
            team_id: team.public_id.clone(),
            team: team.name.clone(),
            team_created_at: team.created_at,
            requested_by: users.get(&row.requested_by).cloned().unwrap_or_default(),
            cap: cap_of(&route.row),
            used: route.usage.used(DayRule::UtcDay, now).day,
            feedback: route.feedback,
            suspended: route.status == ProviderStatus::Suspended,
            request: row.into(),
        });
    }
    Ok(reviews)
}
