//! API keys: creating, listing, re-scoping and revoking them, and authenticating requests.

mod authenticate;
mod narrow;
mod rotate;
mod scope;
#[cfg(test)]
mod tests;
mod token;
mod within;

pub use authenticate::{KeyCache, KeyContext, authenticate, flush_last_used};
pub use narrow::{Narrowed, NarrowedScopes, OutsideScope, narrow};
pub use rotate::{MAX_OVERLAP, rotate};
pub(crate) use scope::target_names;
pub use scope::{Scope, ScopeTarget};
pub use within::{check_key_within, check_scope_within, check_within};

use crate::actor::Actor;
use crate::column::Joined;
use crate::entities::{api_keys, lanes, teams};
use crate::error::{Error, FieldError, Result};
use crate::ids::IdKind;
use crate::names::check_name;
use crate::{Domain, audit, quotas};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Select};
use sendmux_rules::{Mode, Timestamp, named_enum};
use serde_json::json;
use std::collections::HashMap;
use std::fmt;
use token::Token;

named_enum! {
    /// Permission of a key.
    pub enum Permission {
        /// Send messages.
        Send = "send",
        /// Read messages, statistics and the configuration.
        Read = "read",
        /// Change the configuration, except for keys.
        Manage = "manage",
        /// Make, change, replace and revoke keys that are no wider.
        KeysWrite = "keys:write",
    }
}

/// A key to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// Name, 1 to 100 characters.
    pub name: String,
    /// Mode of its messages: sent, or captured in the sandbox.
    pub mode: Mode,
    /// Permissions; at least one.
    pub permissions: Vec<Permission>,
    /// Providers that its messages may go through.
    pub scope: Scope,
}

/// A key without its secret, which is only known when it is created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Public id (`key_…`).
    pub public_id: String,
    /// Name of the key.
    pub name: String,
    /// Mode of its messages: sent, or captured in the sandbox.
    pub mode: Mode,
    /// Beginning of the secret, to tell keys apart: `smx_live_x7Ab2c`.
    pub prefix: String,
    /// Permissions of the key.
    pub permissions: Vec<Permission>,
    /// Providers that its messages may go through. Deleted ones are left out.
    pub scope: Scope,
    /// The providers or groups that the scope names; empty for `all`.
    pub targets: Vec<ScopeTarget>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last use, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Time at which it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// Time at which it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A newly created key.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedKey {
    /// The key without its secret.
    pub key: Key,
    /// The whole secret. It is not stored and cannot be shown again.
    pub secret: String,
}

impl fmt::Debug for CreatedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedKey")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Creates a key for the actor's team.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field (`name`, `permissions`, `scope.providers[1]`); [`Error::Forbidden`] for
/// those who may not configure; [`Error::Conflict`] when the team has as many as it may have.
pub async fn create(domain: &Domain, actor: &Actor, new: NewKey) -> Result<CreatedKey> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let name = check_name("name", "a name for the key", &new.name);
    let mut permissions = new.permissions;
    permissions.sort_unstable();
    permissions.dedup();
    let token = Token::generate(new.mode);

    let tx = domain.db.begin().await?;
    quotas::one_more_key(&tx, domain, actor.team_id).await?;
    let resolved = scope::resolve(&tx, actor.team_id, &new.scope).await?;
    let mut errors = Vec::new();
    if permissions.is_empty() {
        errors.push(FieldError::new(
            "permissions",
            "required",
            "choose at least one permission",
        ));
    }
    let (name, resolved) = match (name, resolved) {
        (Ok(name), Ok(resolved)) if errors.is_empty() => (name, resolved),
        (name, resolved) => {
            errors.extend(name.err());
            errors.extend(resolved.err().unwrap_or_default());
            return Err(Error::Invalid(errors));
        }
    };
    let lane_id = crate::lanes::intern(&tx, actor.team_id, new.mode, resolved.kind, &resolved.targets).await?;
    let key = Key {
        public_id: IdKind::Key.generate(),
        name,
        mode: new.mode,
        prefix: token.visible_prefix().to_owned(),
        permissions,
        scope: resolved.scope,
        targets: resolved.named,
        created_at: now,
        last_used_at: None,
        expires_at: None,
        revoked_at: None,
    };
    let mut others = key.permissions.clone();
    others.retain(|one| *one != Permission::KeysWrite);
    let writes_keys = others.len() < key.permissions.len();
    let row = api_keys::ActiveModel {
        id: NotSet,
        public_id: Set(key.public_id.clone()),
        team_id: Set(actor.team_id),
        name: Set(key.name.clone()),
        mode: Set(key.mode),
        prefix: Set(key.prefix.clone()),
        hash: Set(token.hash().to_vec()),
        permissions: Set(Joined(others)),
        lane_id: Set(lane_id),
        created_by: Set(actor.user_id),
        created_at: Set(now),
        last_used_at: Set(None),
        expires_at: Set(None),
        revoked_at: Set(None),
        keys_write: Set(writes_keys),
    };
    api_keys::Entity::insert(row).exec_without_returning(&tx).await?;
    let detail = json!({ "name": key.name, "prefix": key.prefix, "scope": key.scope.kind().as_str() });
    audit::record(&tx, now, actor, "key.created", &key.public_id, detail).await?;
    tx.commit().await?;
    domain.signals.keys_changed();
    Ok(CreatedKey {
        key,
        secret: token.into_secret(),
    })
}

/// The keys of a team, the newest first, revoked ones included.
pub async fn list(domain: &Domain, team_id: i64) -> Result<Vec<Key>> {
    let db = domain.db.read();
    let rows = api_keys::Entity::find()
        .filter(api_keys::Column::TeamId.eq(team_id))
        .order_by_desc(api_keys::Column::Id)
        .all(db)
        .await?;
    let lanes: HashMap<i64, lanes::Model> = lanes::Entity::find()
        .filter(lanes::Column::TeamId.eq(team_id))
        .filter(lanes::Column::Id.is_in(rows.iter().map(|row| row.lane_id)))
        .all(db)
        .await?
        .into_iter()
        .map(|lane| (lane.id, lane))
        .collect();
    let names = target_names(db, team_id).await?;
    rows.into_iter()
        .map(|row| {
            let lane = lanes.get(&row.lane_id).ok_or_else(|| no_lane(&row))?;
            Ok(key(row, lane, &names))
        })
        .collect()
}

/// One key of a team.
///
/// # Errors
/// [`Error::NotFound`], for those of other teams too.
pub async fn get(domain: &Domain, team_id: i64, public_id: &str) -> Result<Key> {
    let db = domain.db.read();
    let row = of_team(team_id, public_id).one(db).await?.ok_or(NOT_FOUND)?;
    let lane = lanes::Entity::find_by_id(row.lane_id)
        .one(db)
        .await?
        .ok_or_else(|| no_lane(&row))?;
    Ok(key(row, &lane, &target_names(db, team_id).await?))
}

/// Changes the providers that messages of a key may go through, for messages accepted from now on, and on other nodes
/// within two seconds. Messages accepted before keep their scope.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field (`scope.groups[0]`); [`Error::Conflict`] for a revoked key;
/// [`Error::NotFound`]; [`Error::Forbidden`] for those who may not configure.
pub async fn set_scope(domain: &Domain, actor: &Actor, public_id: &str, scope: Scope) -> Result<Key> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let row = of_team(actor.team_id, public_id).one(&tx).await?.ok_or(NOT_FOUND)?;
    if row.revoked_at.is_some() {
        return Err(Error::Conflict(
            "this key was revoked: make a new one with the scope that you want".to_owned(),
        ));
    }
    let resolved = scope::resolve(&tx, actor.team_id, &scope)
        .await?
        .map_err(Error::Invalid)?;
    let lane_id = crate::lanes::intern(&tx, actor.team_id, row.mode, resolved.kind, &resolved.targets).await?;
    if lane_id != row.lane_id {
        api_keys::Entity::update_many()
            .col_expr(api_keys::Column::LaneId, Expr::value(lane_id))
            .filter(api_keys::Column::Id.eq(row.id))
            .exec(&tx)
            .await?;
        let names: Vec<&str> = resolved.named.iter().map(|target| target.name.as_str()).collect();
        let detail = json!({ "name": row.name, "scope": resolved.kind.as_str(), "targets": names });
        audit::record(&tx, now, actor, "key.scope_changed", public_id, detail).await?;
    }
    tx.commit().await?;
    domain.signals.keys_changed();
    get(domain, actor.team_id, public_id).await
}

/// Names of a key and its team, for the user of the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Name of the key.
    pub key_name: String,
    /// The public id of its team.
    pub team_id: String,
    /// Name of the team.
    pub team_name: String,
}

/// The connection of this key.
///
/// # Errors
/// [`Error::NotFound`] when it was deleted meanwhile.
pub async fn connection(domain: &Domain, key: &KeyContext) -> Result<Connection> {
    let db = domain.db.read();
    let row = of_team(key.team_id, &key.public_id).one(db).await?.ok_or(NOT_FOUND)?;
    let team = teams::Entity::find_by_id(key.team_id)
        .one(db)
        .await?
        .ok_or(Error::NotFound("team"))?;
    Ok(Connection {
        key_name: row.name,
        team_id: team.public_id,
        team_name: team.name,
    })
}

const NOT_FOUND: Error = Error::NotFound("API key");

fn of_team(team_id: i64, public_id: &str) -> Select<api_keys::Entity> {
    api_keys::Entity::find()
        .filter(api_keys::Column::PublicId.eq(public_id))
        .filter(api_keys::Column::TeamId.eq(team_id))
}

fn no_lane(row: &api_keys::Model) -> Error {
    Error::Internal(format!("key {} has no lane", row.public_id))
}

fn permissions_of(row: &api_keys::Model) -> Vec<Permission> {
    let keys_write = row.keys_write.then_some(Permission::KeysWrite);
    row.permissions.0.iter().copied().chain(keys_write).collect()
}

fn key(row: api_keys::Model, lane: &lanes::Model, names: &scope::Names) -> Key {
    let targets = names.targets_of(lane);
    Key {
        scope: scope::scope_of(lane.scope, &targets),
        targets,
        mode: row.mode,
        permissions: permissions_of(&row),
        public_id: row.public_id,
        name: row.name,
        prefix: row.prefix,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    }
}

/// Revokes a key permanently. This node refuses it at once, the others within two seconds. Revoking a revoked key
/// changes nothing.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`] for those who may not configure.
pub async fn revoke(domain: &Domain, actor: &Actor, public_id: &str) -> Result<()> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let row = of_team(actor.team_id, public_id).one(&tx).await?.ok_or(NOT_FOUND)?;
    let revoked = api_keys::Entity::update_many()
        .col_expr(api_keys::Column::RevokedAt, Expr::value(now))
        .filter(api_keys::Column::Id.eq(row.id))
        .filter(api_keys::Column::RevokedAt.is_null())
        .exec(&tx)
        .await?;
    if revoked.rows_affected == 1 {
        let detail = json!({ "name": row.name, "prefix": row.prefix });
        audit::record(&tx, now, actor, "key.revoked", &row.public_id, detail).await?;
    }
    tx.commit().await?;
    // Empties the caches of this node: their entries are of an older generation now.
    domain.signals.keys_changed();
    Ok(())
}
