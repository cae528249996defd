//! Connection settings of a provider, with its credentials in clear.

use super::kinds::{Access, Configuration};
use super::rows::NOT_FOUND;
use super::secret;
use crate::Domain;
use crate::entities::{mailboxes, providers};
use crate::error::Result;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::ProviderKind;

/// A provider as those see it who connect to it. Debug shows no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConnection {
    /// Database id.
    pub provider_id: i64,
    /// Public id (`prv_…`), for logs.
    pub public_id: String,
    /// Its team.
    pub team_id: i64,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// The version of these settings: connections made with another are outdated.
    pub version: i32,
    /// Its settings with its secrets in clear.
    pub access: Access,
}

/// Connection settings of a provider, by its database id, whichever team it belongs to and whether or not it is
/// switched on.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound) when it was deleted; [`Error::Conflict`](crate::Error::Conflict) for a
/// mailbox that is not connected; [`Error::Internal`](crate::Error::Internal) when its credentials do not open.
pub async fn connection(domain: &Domain, provider_id: i64) -> Result<ProviderConnection> {
    let row = providers::Entity::find_by_id(provider_id)
        .filter(providers::Column::DeletedAt.is_null())
        .one(domain.db.read())
        .await?
        .ok_or(NOT_FOUND)?;
    connection_of(domain, row).await
}

pub(super) async fn connection_of(domain: &Domain, row: providers::Model) -> Result<ProviderConnection> {
    let secret = secret::open(&domain.sealer, &row)?;
    let mailbox = if row.kind.is_mailbox() {
        mailboxes::Entity::find_by_id(row.id).one(domain.db.read()).await?
    } else {
        None
    };
    Ok(ProviderConnection {
        access: Configuration::of(&row)?.access(secret, mailbox)?,
        provider_id: row.id,
        public_id: row.public_id,
        team_id: row.team_id,
        name: row.name,
        kind: row.kind,
        version: row.version,
    })
}
