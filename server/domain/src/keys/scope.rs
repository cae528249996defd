//! Scopes as written by people (public ids), and as stored in lanes (database ids).

use crate::db::Transaction;
use crate::entities::{delivery_groups, lanes, providers};
use crate::error::{FieldError, Result};
use crate::ids;
use crate::lanes::ScopeKind;
use crate::routing::lock_configuration;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::ProviderKind;
use sendmux_rules::shares::{Member, Pool, validate_weights};
use std::collections::HashMap;

/// Most providers or groups in one scope.
const MAX_TARGETS: usize = 100;

/// Providers that the messages of a key may go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every provider of the team, including those added later.
    #[default]
    All,
    /// These providers, by public id. The managed route may be among them.
    Providers(Vec<String>),
    /// The members of these delivery groups, by public id; members are looked up for every message.
    Groups(Vec<String>),
}

impl Scope {
    /// Kind of the scope.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::All => ScopeKind::All,
            Self::Providers(_) => ScopeKind::Providers,
            Self::Groups(_) => ScopeKind::Groups,
        }
    }
}

/// A provider or delivery group that a scope names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeTarget {
    /// `prv_…` or `dgrp_…`
    pub public_id: String,
    /// Name of the provider or group.
    pub name: String,
}

/// A scope whose targets exist.
pub(super) struct Resolved {
    /// The scope as written, each target once.
    pub scope: Scope,
    pub kind: ScopeKind,
    /// Database ids.
    pub targets: Vec<i64>,
    /// With their names, in the order given.
    pub named: Vec<ScopeTarget>,
}

/// Looks up the targets of a scope, and locks them until the transaction ends. Targets that are unknown, or another
/// team's, are invalid fields: `scope.providers[1]`.
pub(super) async fn resolve(
    tx: &Transaction,
    team_id: i64,
    scope: &Scope,
) -> Result<Result<Resolved, Vec<FieldError>>> {
    let kind = scope.kind();
    let (ids, field, what) = match scope {
        Scope::All => {
            return Ok(Ok(Resolved {
                scope: Scope::All,
                kind,
                targets: Vec::new(),
                named: Vec::new(),
            }));
        }
        Scope::Providers(ids) => (ids, "scope.providers", "provider"),
        Scope::Groups(ids) => (ids, "scope.groups", "delivery group"),
    };
    if ids.is_empty() {
        return Ok(Err(vec![FieldError::new(
            field,
            "required",
            format!("name at least one {what}"),
        )]));
    }
    if ids.len() > MAX_TARGETS {
        let message = format!("name at most {MAX_TARGETS}; a scope of everything is `all`");
        return Ok(Err(vec![FieldError::new(field, "too_many", message)]));
    }
    lock_configuration(tx, team_id).await?;
    let known: HashMap<String, Named> = match kind {
        ScopeKind::Groups => groups(tx, team_id).await?,
        ScopeKind::All | ScopeKind::Providers => providers(tx, team_id).await?,
    }
    .into_iter()
    .map(|one| (one.public_id.clone(), one))
    .collect();
    let (mut found, mut errors) = (Vec::<&Named>::new(), Vec::new());
    for (index, public_id) in ids.iter().enumerate() {
        match known.get(&*ids::group(public_id)) {
            Some(one) if found.iter().any(|other| other.id == one.id) => {}
            Some(one) => found.push(one),
            None => {
                let message = format!("there is no {what} {public_id:?} that a scope can name");
                errors.push(FieldError::new(format!("{field}[{index}]"), "unknown", message));
            }
        }
    }
    if errors.is_empty() && kind == ScopeKind::Providers {
        errors.extend(all_drained(field, &found));
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let names = || found.iter().map(|one| one.public_id.clone()).collect();
    let scope = if kind == ScopeKind::Groups {
        Scope::Groups(names())
    } else {
        Scope::Providers(names())
    };
    Ok(Ok(Resolved {
        scope,
        kind,
        targets: found.iter().map(|one| one.id).collect(),
        named: found.iter().map(|one| one.target()).collect(),
    }))
}

/// The fault of a scope of providers that all have the weight 0: it would never send.
fn all_drained(field: &str, found: &[&Named]) -> Option<FieldError> {
    let members: Vec<Member> = found
        .iter()
        .map(|one| Member {
            id: one.id,
            weight: one.weight.map(i64::from),
        })
        .collect();
    // Each weight was validated when it was set: the only possible fault is that all are 0.
    validate_weights(Pool::Own, &members).err().map(|_| {
        let names: Vec<String> = found.iter().map(|one| format!("{:?}", one.name)).collect();
        let message = format!("nothing would ever be sent: the weight of {} is 0", names.join(" and "));
        FieldError::new(field, "all_zero", message)
    })
}

/// Public ids and names of the targets of a team's lanes.
pub(crate) struct Names {
    providers: HashMap<i64, ScopeTarget>,
    groups: HashMap<i64, ScopeTarget>,
}

/// Reads the public ids and names of the possible targets of a team's lanes.
pub(crate) async fn target_names(db: &impl ConnectionTrait, team_id: i64) -> Result<Names> {
    let by_id = |all: Vec<Named>| all.into_iter().map(|one| (one.id, one.target())).collect();
    Ok(Names {
        providers: by_id(providers(db, team_id).await?),
        groups: by_id(groups(db, team_id).await?),
    })
}

impl Names {
    /// Targets of a lane's scope; deleted ones are left out.
    pub(crate) fn targets_of(&self, lane: &lanes::Model) -> Vec<ScopeTarget> {
        let names = match lane.scope {
            ScopeKind::All => return Vec::new(),
            ScopeKind::Providers => &self.providers,
            ScopeKind::Groups => &self.groups,
        };
        lane.targets.0.iter().filter_map(|id| names.get(id).cloned()).collect()
    }
}

/// The scope of this kind with these targets.
pub(super) fn scope_of(kind: ScopeKind, targets: &[ScopeTarget]) -> Scope {
    let ids = || targets.iter().map(|target| target.public_id.clone()).collect();
    match kind {
        ScopeKind::All => Scope::All,
        ScopeKind::Providers => Scope::Providers(ids()),
        ScopeKind::Groups => Scope::Groups(ids()),
    }
}

#[derive(sea_orm::FromQueryResult)]
struct Named {
    id: i64,
    public_id: String,
    name: String,
    /// Weight of a provider; groups have none.
    weight: Option<i32>,
}

impl Named {
    fn target(&self) -> ScopeTarget {
        ScopeTarget {
            public_id: self.public_id.clone(),
            name: self.name.clone(),
        }
    }
}

/// Providers that a scope can name: all but the sandbox, to which test keys lead by themselves.
async fn providers(db: &impl ConnectionTrait, team_id: i64) -> Result<Vec<Named>> {
    use providers::Column;
    let found = providers::Entity::find()
        .select_only()
        .columns([Column::Id, Column::PublicId, Column::Name, Column::Weight])
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::DeletedAt.is_null())
        .filter(Column::Kind.ne(ProviderKind::Sandbox))
        .into_model::<Named>()
        .all(db)
        .await?;
    Ok(found)
}

impl From<delivery_groups::Model> for Named {
    fn from(group: delivery_groups::Model) -> Self {
        Self {
            id: group.id,
            public_id: group.public_id,
            name: group.name,
            weight: None,
        }
    }
}

async fn groups(db: &impl ConnectionTrait, team_id: i64) -> Result<Vec<Named>> {
    let found = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::TeamId.eq(team_id))
        .all(db)
        .await?;
    Ok(found.into_iter().map(Named::from).collect())
}
