//! Validation of a group's members and their weights.

use crate::db::Transaction;
use crate::entities::{delivery_groups, group_members, providers};
use crate::error::{FieldError, Result};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::shares::{Member, Pool, WeightProblem, validate_weights};
use std::collections::{BTreeMap, HashMap};

/// Most members of one group.
const MAX_MEMBERS: usize = 100;

/// The members of a group as entered: providers by public id, each with its weight.
pub type Members = Vec<(String, Option<i64>)>;

/// Looks up the members and validates their weights. Returns all faults at once, each with its field:
/// `members[1].provider`, `members[2].weight`.
pub(super) async fn check(
    tx: &Transaction,
    team_id: i64,
    members: &[(String, Option<i64>)],
) -> Result<Result<Vec<Member>, Vec<FieldError>>> {
    if members.len() > MAX_MEMBERS {
        let message = format!("a group has at most {MAX_MEMBERS} members");
        return Ok(Err(vec![FieldError::new("members", "too_many", message)]));
    }
    let known: HashMap<String, providers::Model> = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.public_id.clone(), row))
        .collect();
    let mut errors = Vec::new();
    let mut found: Vec<Member> = Vec::new();
    for (index, (public_id, _)) in members.iter().enumerate() {
        let wrong = match known.get(public_id) {
            None => Some(("unknown", format!("there is no provider {public_id:?}"))),
            Some(row) if !may_join(row) => Some((
                "not_allowed",
                format!("{:?} joins no group: it is not a provider of your own", row.name),
            )),
            Some(row) if members[..index].iter().any(|(earlier, _)| earlier == public_id) => {
                Some(("duplicate", format!("{:?} is in the list already", row.name)))
            }
            Some(_) => None,
        };
        if let Some((code, message)) = wrong {
            errors.push(FieldError::new(format!("members[{index}].provider"), code, message));
        }
    }
    // Weights are validated by position, so that an invalid provider does not hide their faults.
    let by_place: Vec<Member> = (0i64..)
        .zip(members)
        .map(|(id, (_, weight))| Member { id, weight: *weight })
        .collect();
    let name = |place: i64| {
        let public_id = usize::try_from(place).ok().and_then(|place| members.get(place));
        public_id.map_or_else(String::new, |(public_id, _)| {
            known
                .get(public_id)
                .map_or_else(|| public_id.clone(), |row| row.name.clone())
        })
    };
    for problem in validate_weights(Pool::Group, &by_place).err().unwrap_or_default() {
        errors.extend(weight_errors(&problem, &name));
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    for (public_id, weight) in members {
        found.extend(known.get(public_id).map(|row| Member {
            id: row.id,
            weight: *weight,
        }));
    }
    Ok(Ok(found))
}

/// True if the provider may join a group. The managed route changes the sender and belongs to everybody, and the
/// sandbox sends nothing.
fn may_join(row: &providers::Model) -> bool {
    row.kind.is_own()
}

fn weight_errors(problem: &WeightProblem, name: &dyn Fn(i64) -> String) -> Vec<FieldError> {
    let error = |place: &i64| {
        let message = problem.fault.in_group(&name(*place));
        FieldError::new(format!("members[{place}].weight"), problem.fault.as_str(), message)
    };
    problem.members.iter().map(error).collect()
}

/// Names of the groups in which only weights of 0 would be left without this provider. Groups that would be left empty
/// are not included.
pub(crate) async fn left_all_zero(tx: &Transaction, provider_id: i64) -> Result<Vec<String>> {
    let of_provider = group_members::Entity::find()
        .filter(group_members::Column::ProviderId.eq(provider_id))
        .all(tx)
        .await?;
    let mut left: BTreeMap<i64, Vec<Member>> = BTreeMap::new();
    let others = group_members::Entity::find()
        .filter(group_members::Column::GroupId.is_in(of_provider.iter().map(|member| member.group_id)))
        .filter(group_members::Column::ProviderId.ne(provider_id))
        .all(tx)
        .await?;
    for member in others {
        left.entry(member.group_id).or_default().push(Member {
            id: member.provider_id,
            weight: member.weight.map(i64::from),
        });
    }
    left.retain(|_, members| validate_weights(Pool::Group, members).is_err());
    let groups = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::Id.is_in(left.into_keys()))
        .all(tx)
        .await?;
    Ok(groups.into_iter().map(|group| group.name).collect())
}
