//! Replacing a key by one with a new secret.

use super::{CreatedKey, NewKey, create, get};
use crate::Domain;
use crate::actor::Actor;
use crate::audit;
use crate::entities::api_keys;
use crate::error::{Error, Result};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter};
use serde_json::json;
use std::time::Duration;

/// Most time for which a replaced key stays valid.
pub const MAX_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Creates a key with the name, mode, permissions and scope of this one, which ends after `overlap`, so that clients
/// can switch without a gap.
///
/// # Errors
/// [`Error::Conflict`] for a key that was revoked or has expired; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn rotate(domain: &Domain, actor: &Actor, public_id: &str, overlap: Duration) -> Result<CreatedKey> {
    actor.require_configure()?;
    let old = get(domain, actor.team_id, public_id).await?;
    let now = domain.clock.now();
    if old.revoked_at.is_some() || old.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::Conflict(
            "this key is no longer in force: make a new one instead".to_owned(),
        ));
    }
    let new = NewKey {
        name: old.name.clone(),
        mode: old.mode,
        permissions: old.permissions,
        scope: old.scope,
    };
    // The new one first: if the process dies in between, the old one simply stays.
    let created = create(domain, actor, new).await?;
    let ends = now.plus(overlap.min(MAX_OVERLAP));
    let later = Condition::any()
        .add(api_keys::Column::ExpiresAt.is_null())
        .add(api_keys::Column::ExpiresAt.gt(ends));
    let tx = domain.db.begin().await?;
    api_keys::Entity::update_many()
        .col_expr(api_keys::Column::ExpiresAt, Expr::value(ends))
        .filter(api_keys::Column::PublicId.eq(public_id))
        .filter(api_keys::Column::TeamId.eq(actor.team_id))
        .filter(later)
        .exec(&tx)
        .await?;
    let detail = json!({ "name": old.name, "prefix": old.prefix, "successor": created.key.public_id });
    audit::record(&tx, now, actor, "key.rotated", public_id, detail).await?;
    tx.commit().await?;
    domain.signals.keys_changed();
    Ok(created)
}
