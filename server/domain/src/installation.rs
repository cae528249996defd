//! Faults of the installation itself that only its operator can fix, such as an expired secret of an OAuth application.
//! They block no provider, and are stored here until the operation works again.

use crate::Domain;
use crate::db::Transaction;
use crate::entities::providers;
use crate::entities::settings::{ActiveModel, Column, Entity};
use crate::error::Result;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::{ProviderKind, Timestamp};
use std::time::Duration;

const PREFIX: &str = "fault/";
/// Age at which a fault that did not recur is considered over.
const OVER_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// A fault that the operator has to fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Kind of provider that it affects.
    pub kind: ProviderKind,
    /// The answer that showed it.
    pub cause: String,
    /// Time of the last occurrence.
    pub at: Timestamp,
}

/// Records a fault of an attempt at this provider, in place of the last one of its kind.
pub async fn note_fault(tx: &Transaction, provider_id: i64, cause: &str, now: Timestamp) -> Result<()> {
    let kind: Option<ProviderKind> = providers::Entity::find_by_id(provider_id)
        .select_only()
        .column(providers::Column::Kind)
        .into_tuple()
        .one(tx)
        .await?;
    let Some(kind) = kind else { return Ok(()) };
    tracing::error!(
        %kind,
        cause,
        "this installation is refused; its operator has to look at the configuration"
    );
    let row = ActiveModel {
        name: Set(format!("{PREFIX}{kind}")),
        value: Set(cause.to_owned()),
        updated_at: Set(now),
    };
    Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::Name)
                .update_columns([Column::Value, Column::UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Removes the fault of this kind, since the operation works again.
pub async fn fault_is_over(tx: &Transaction, kind: ProviderKind) -> Result<()> {
    Entity::delete_by_id(format!("{PREFIX}{kind}")).exec(tx).await?;
    Ok(())
}

/// Current faults, for the operator.
pub async fn faults(domain: &Domain) -> Result<Vec<Fault>> {
    let oldest = domain.clock.now().minus(OVER_AFTER);
    let rows = Entity::find()
        .filter(Column::Name.starts_with(PREFIX))
        .filter(Column::UpdatedAt.gt(oldest))
        .all(domain.db.read())
        .await?;
    let fault = |row: crate::entities::settings::Model| {
        Some(Fault {
            kind: row.name.strip_prefix(PREFIX)?.parse().ok()?,
            cause: row.value,
            at: row.updated_at,
        })
    };
    Ok(rows.into_iter().filter_map(fault).collect())
}
