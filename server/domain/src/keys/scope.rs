//! Scopes as people write them (public ids), and as lanes hold them (database ids).

use crate::entities::{delivery_groups, lanes, providers};
use crate::error::{FieldError, Result};
use crate::lanes::{ScopeKind, targets_of};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::ProviderKind;
use std::collections::HashMap;

/// Most providers or groups that one scope may name.
const MAX_TARGETS: usize = 100;

/// Which providers the messages of a key may go through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every provider of the team, those added later too.
    #[default]
    All,
    /// These providers, by public id. The managed route may be among them.
    Providers(Vec<String>),
    /// The members of these delivery groups, by public id; who is a member is looked up for every message.
    Groups(Vec<String>),
}

impl Scope {
    /// What it is made of.
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::All => ScopeKind::All,
            Self::Providers(_) => ScopeKind::Providers,
            Self::Groups(_) => ScopeKind::Groups,
        }
    }
}

/// A scope whose targets exist.
pub(super) struct Resolved {
    /// As it was written, each target once.
    pub scope: Scope,
    pub kind: ScopeKind,
    /// Database ids.
    pub targets: Vec<i64>,
}

/// Looks the targets of a scope up. Those that are unknown, or another team's, are wrong fields: `scope.providers[1]`.
pub(super) async fn resolve(
    db: &impl ConnectionTrait,
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
    let known: HashMap<String, i64> = match kind {
        ScopeKind::Groups => groups(db, team_id).await?,
        ScopeKind::All | ScopeKind::Providers => providers(db, team_id)
            .await?
            .into_iter()
            .map(|one| (one.public_id, one.id))
            .collect(),
    };
    let (mut names, mut targets, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (index, name) in ids.iter().enumerate() {
        match known.get(name) {
            Some(id) if targets.contains(id) => {}
            Some(id) => {
                targets.push(*id);
                names.push(name.clone());
            }
            None => {
                let message = format!("there is no {what} {name:?} that a scope can name");
                errors.push(FieldError::new(format!("{field}[{index}]"), "unknown", message));
            }
        }
    }
    if !errors.is_empty() {
        return Ok(Err(errors));
    }
    let scope = if kind == ScopeKind::Groups {
        Scope::Groups(names)
    } else {
        Scope::Providers(names)
    };
    Ok(Ok(Resolved { scope, kind, targets }))
}

/// The public ids behind a team's lanes.
pub(super) struct Names {
    providers: HashMap<i64, String>,
    groups: HashMap<i64, String>,
}

/// Reads the public ids of what a team's lanes can point to.
pub(super) async fn names(db: &impl ConnectionTrait, team_id: i64) -> Result<Names> {
    Ok(Names {
        providers: providers(db, team_id)
            .await?
            .into_iter()
            .map(|one| (one.id, one.public_id))
            .collect(),
        groups: groups(db, team_id)
            .await?
            .into_iter()
            .map(|(public_id, id)| (id, public_id))
            .collect(),
    })
}

impl Names {
    /// The scope of a lane; targets that were deleted are left out.
    pub(super) fn scope_of(&self, lane: &lanes::Model) -> Result<Scope> {
        let named = |names: &HashMap<i64, String>| {
            targets_of(&lane.targets)
                .filter_map(|id| names.get(&id).cloned())
                .collect::<Vec<_>>()
        };
        Ok(match lane.scope.parse()? {
            ScopeKind::All => Scope::All,
            ScopeKind::Providers => Scope::Providers(named(&self.providers)),
            ScopeKind::Groups => Scope::Groups(named(&self.groups)),
        })
    }
}

#[derive(sea_orm::FromQueryResult)]
struct Named {
    id: i64,
    public_id: String,
}

/// The providers that a scope can name: all but the sandbox, which is where test keys lead by themselves.
async fn providers(db: &impl ConnectionTrait, team_id: i64) -> Result<Vec<Named>> {
    use providers::Column;
    let found = providers::Entity::find()
        .select_only()
        .columns([Column::Id, Column::PublicId])
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::DeletedAt.is_null())
        .filter(Column::Kind.ne(ProviderKind::Sandbox.as_str()))
        .into_model::<Named>()
        .all(db)
        .await?;
    Ok(found)
}

async fn groups(db: &impl ConnectionTrait, team_id: i64) -> Result<HashMap<String, i64>> {
    use delivery_groups::Column;
    let found = delivery_groups::Entity::find()
        .select_only()
        .columns([Column::Id, Column::PublicId])
        .filter(Column::TeamId.eq(team_id))
        .into_model::<Named>()
        .all(db)
        .await?;
    Ok(found.into_iter().map(|one| (one.public_id, one.id)).collect())
}
