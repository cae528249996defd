//! Share of the traffic that goes through a provider: its weight outside groups, and its caps.

use super::rows::{change, changed_meanwhile, locked};
use super::view::{ProviderView, get};
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::{api_keys, lanes, providers};
use crate::error::{Error, FieldError, Result};
use crate::lanes::ScopeKind;
use crate::routing::lock_configuration;
use crate::{Domain, audit, queue};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::shares::{MAX_WEIGHT, Member, Pool, WeightFault, validate_weights};
use sendmux_rules::{Mode, ProviderKind, ProviderStatus};
use serde_json::json;

/// The largest cap, far above what any provider takes.
pub const MAX_CAP: i64 = 1_000_000_000;

/// The most messages that are to go through a provider in each window, as entered; none is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapsForm {
    /// A second.
    pub second: Option<i64>,
    /// A minute.
    pub minute: Option<i64>,
    /// An hour.
    pub hour: Option<i64>,
    /// Any 24 hours.
    pub day: Option<i64>,
}

/// Sets the weight that a provider has outside groups; none is 100, 0 drains it.
///
/// # Errors
/// As [`set_routing`].
pub async fn set_weight(domain: &Domain, actor: &Actor, public_id: &str, weight: Option<i64>) -> Result<ProviderView> {
    set(domain, actor, public_id, Some(weight), None, None).await
}

/// Sets the caps of a provider. What waits for room goes as soon as the new ones leave some; what went through it before
/// counts.
///
/// # Errors
/// As [`set_routing`].
pub async fn set_caps(domain: &Domain, actor: &Actor, public_id: &str, caps: CapsForm) -> Result<ProviderView> {
    set(domain, actor, public_id, None, Some(caps), None).await
}

/// Sets weight and caps of a provider of the team's own. `version`, when given, is that of the view that the form was
/// filled from.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field (`weight`, `caps.minute`): a weight below 0, a cap below 1, or a weight
/// that leaves a pool in which all are 0, whose members are named. [`Error::Conflict`] for the managed route and the
/// sandbox, and when somebody else has changed the provider since; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn set_routing(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    weight: Option<i64>,
    caps: CapsForm,
    version: Option<i32>,
) -> Result<ProviderView> {
    set(domain, actor, public_id, Some(weight), Some(caps), version).await
}

async fn set(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    weight: Option<Option<i64>>,
    caps: Option<CapsForm>,
    version: Option<i32>,
) -> Result<ProviderView> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let row = locked(&tx, domain.db.backend(), actor, public_id).await?;
    if !row.kind.is_own() {
        return Err(Error::Conflict(format!(
            "the weight and the caps of {:?} are not the team's to set",
            row.name
        )));
    }
    if version.is_some_and(|version| version != row.version) {
        return Err(changed_meanwhile());
    }
    let mut errors = Vec::new();
    let mut update = change(&row, now);
    let mut detail = json!({ "name": row.name });
    if let Some(weight) = weight {
        errors.extend(weight_error(&tx, &row, weight).await?);
        let stored = weight.and_then(|weight| i32::try_from(weight).ok());
        update = update.col_expr(providers::Column::Weight, Expr::value(stored));
        detail["weight"] = json!(weight);
    }
    if let Some(caps) = caps {
        let stored = stored_caps(caps)
            .map_err(|wrong| errors.extend(wrong))
            .unwrap_or_default();
        for (column, cap) in CAP_COLUMNS.into_iter().zip(stored) {
            update = update.col_expr(column, Expr::value(cap));
        }
        detail["caps"] = json!({
            "second": caps.second, "minute": caps.minute, "hour": caps.hour, "day": caps.day
        });
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    update.exec(&tx).await?;
    audit::record(&tx, now, actor, "provider.routing_changed", public_id, detail).await?;
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, public_id).await
}

const CAP_COLUMNS: [providers::Column; 4] = [
    providers::Column::CapSecond,
    providers::Column::CapMinute,
    providers::Column::CapHour,
    providers::Column::CapDay,
];

/// The caps as they are stored, in the order of their windows.
fn stored_caps(caps: CapsForm) -> Result<[Option<i32>; 4], Vec<FieldError>> {
    let mut errors = Vec::new();
    let entered = [
        ("second", caps.second),
        ("minute", caps.minute),
        ("hour", caps.hour),
        ("day", caps.day),
    ];
    let stored = entered.map(|(window, cap)| {
        let cap = cap?;
        if (1..=MAX_CAP).contains(&cap) {
            return i32::try_from(cap).ok();
        }
        errors.push(FieldError::new(
            format!("caps.{window}"),
            "out_of_range",
            format!(
                "enter a number from 1 to {MAX_CAP}, or nothing for no cap; to send nothing, switch the provider off"
            ),
        ));
        None
    });
    if errors.is_empty() { Ok(stored) } else { Err(errors) }
}

async fn weight_error(tx: &Transaction, row: &providers::Model, weight: Option<i64>) -> Result<Option<FieldError>> {
    let alone = [Member { id: row.id, weight }];
    let faults = validate_weights(Pool::Own, &alone).err().unwrap_or_default();
    // That it is 0 matters only together with the others.
    if let Some(problem) = faults.iter().find(|problem| problem.fault != WeightFault::AllZero) {
        let message = match problem.fault {
            WeightFault::Negative => "the weight is below 0: enter 0 to drain the provider, or more".to_owned(),
            _ => format!("the weight is above {MAX_WEIGHT}"),
        };
        return Ok(Some(FieldError::new("weight", problem.fault.as_str(), message)));
    }
    if weight != Some(0) || row.weight == Some(0) {
        return Ok(None);
    }
    let drained = providers::Model {
        weight: Some(0),
        ..row.clone()
    };
    Ok(zero_weight_conflict(tx, row.team_id, Some(&drained), row.id)
        .await?
        .map(|why| FieldError::new("weight", WeightFault::AllZero.as_str(), why)))
}

/// Conflict of a change of one provider, in words: the pool of the team's own active providers, or the scope of a key that
/// names providers, would be left with weights of 0 only. `after` is the provider as it will be; none when it is deleted.
pub(super) async fn zero_weight_conflict(
    tx: &Transaction,
    team_id: i64,
    after: Option<&providers::Model>,
    provider_id: i64,
) -> Result<Option<String>> {
    let mut rows = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .filter(providers::Column::Id.ne(provider_id))
        .filter(providers::Column::Kind.ne(ProviderKind::Sandbox))
        .all(tx)
        .await?;
    rows.extend(after.cloned());
    rows.sort_unstable_by_key(|row| row.id);

    let serves = |row: &&providers::Model| row.status == ProviderStatus::Active && row.kind.is_own();
    let own: Vec<&providers::Model> = rows.iter().filter(serves).collect();
    if all_zero(&own) {
        return Ok(Some(format!(
            "nothing would be sent any more: the weight of every active provider would be 0 ({})",
            named(&own)
        )));
    }
    for (key, targets) in keys_of_providers(tx, team_id).await? {
        if !targets.contains(&provider_id) {
            continue;
        }
        let scope: Vec<&providers::Model> = rows.iter().filter(|row| targets.contains(&row.id)).collect();
        if all_zero(&scope) {
            return Ok(Some(format!(
                "the API key {key:?} could send nothing any more: the weight of every provider in its scope would be 0 ({})",
                named(&scope)
            )));
        }
    }
    Ok(None)
}

fn all_zero(rows: &[&providers::Model]) -> bool {
    let members: Vec<Member> = rows
        .iter()
        .map(|row| Member {
            id: row.id,
            weight: row.weight.map(i64::from),
        })
        .collect();
    validate_weights(Pool::Own, &members).is_err()
}

fn named(rows: &[&providers::Model]) -> String {
    let names: Vec<String> = rows.iter().map(|row| format!("{:?}", row.name)).collect();
    names.join(", ")
}

/// The names of the live keys in force whose scope names providers, with the providers' database ids.
async fn keys_of_providers(tx: &Transaction, team_id: i64) -> Result<Vec<(String, Vec<i64>)>> {
    let lanes = lanes::Entity::find()
        .filter(lanes::Column::TeamId.eq(team_id))
        .filter(lanes::Column::Scope.eq(ScopeKind::Providers.as_str()))
        .filter(lanes::Column::Mode.eq(Mode::Live.as_str()))
        .all(tx)
        .await?;
    let keys = api_keys::Entity::find()
        .filter(api_keys::Column::TeamId.eq(team_id))
        .filter(api_keys::Column::RevokedAt.is_null())
        .filter(api_keys::Column::LaneId.is_in(lanes.iter().map(|lane| lane.id)))
        .all(tx)
        .await?;
    Ok(keys
        .into_iter()
        .filter_map(|key| {
            let lane = lanes.iter().find(|lane| lane.id == key.lane_id)?;
            Some((key.name, lane.targets.0.clone()))
        })
        .collect())
}

#[cfg(test)]
mod tests;
