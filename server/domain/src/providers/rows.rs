//! Rows of providers: finding, adding and changing them.

use super::kinds::Configuration;
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::providers;
use crate::error::{Error, Result};
use crate::ids::IdKind;
use crate::runtime;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, Select, UpdateMany};
use sendmux_rules::caps::Caps;
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};

pub(super) const NOT_FOUND: Error = Error::NotFound("provider");

/// The provider with this public id, if it is this team's and was not deleted.
pub(super) fn of_team(team_id: i64, public_id: &str) -> Select<providers::Entity> {
    providers::Entity::find()
        .filter(providers::Column::PublicId.eq(public_id))
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
}

/// A provider of the actor's team, locked until the transaction ends.
pub(super) async fn locked(
    tx: &Transaction,
    backend: DbBackend,
    actor: &Actor,
    public_id: &str,
) -> Result<providers::Model> {
    let mut find = of_team(actor.team_id, public_id);
    if backend == DbBackend::Postgres {
        find = find.lock_exclusive();
    }
    find.one(tx).await?.ok_or(NOT_FOUND)
}

/// A change of a provider's row, which raises its version.
pub(crate) fn change(row: &providers::Model, now: Timestamp) -> UpdateMany<providers::Entity> {
    providers::Entity::update_many()
        .col_expr(providers::Column::Version, Expr::col(providers::Column::Version).add(1))
        .col_expr(providers::Column::UpdatedAt, Expr::value(now))
        .filter(providers::Column::Id.eq(row.id))
}

/// The error of an edit that was made on an older version.
pub(super) fn changed_meanwhile() -> Error {
    Error::Conflict(
        "somebody has changed this provider since you opened it: load it again and repeat your change".to_owned(),
    )
}

/// A provider that is to be added.
pub(crate) struct NewProvider {
    /// Public id.
    pub(crate) public_id: String,
    pub(crate) kind: ProviderKind,
    pub(crate) name: String,
    pub(crate) status: ProviderStatus,
    pub(crate) caps: Caps,
    /// Sealed for `public_id`.
    pub(crate) secret: Option<Vec<u8>>,
    /// As it is stored.
    config: String,
}

impl NewProvider {
    /// A provider that is switched on, with the caps of its kind and without a secret.
    pub(crate) fn new(name: String, configuration: &Configuration) -> Result<Self> {
        let (kind, config) = configuration.stored()?;
        Ok(Self {
            public_id: IdKind::Provider.generate(),
            kind,
            name,
            status: ProviderStatus::Active,
            caps: kind.default_caps(),
            secret: None,
            config,
        })
    }

    /// Writes its rows; gives its database id.
    pub(crate) async fn insert(self, tx: &Transaction, team_id: i64, now: Timestamp) -> Result<i64> {
        let cap = |cap: Option<u32>| cap.map(|cap| i32::try_from(cap).unwrap_or(i32::MAX));
        let row = providers::ActiveModel {
            id: NotSet,
            public_id: Set(self.public_id),
            team_id: Set(team_id),
            kind: Set(self.kind),
            name: Set(self.name),
            status: Set(self.status),
            weight: Set(None),
            cap_second: Set(cap(self.caps.second)),
            cap_minute: Set(cap(self.caps.minute)),
            cap_hour: Set(cap(self.caps.hour)),
            cap_day: Set(cap(self.caps.day)),
            config: Set(self.config),
            secret: Set(self.secret),
            version: Set(1),
            created_at: Set(now),
            updated_at: Set(now),
            deleted_at: Set(None),
        };
        let provider_id = providers::Entity::insert(row).exec(tx).await?.last_insert_id;
        runtime::insert(tx, provider_id, self.kind).await?;
        Ok(provider_id)
    }
}
