//! Adding, changing, switching and deleting providers.

use super::kinds::mailbox;
use super::kinds::{Checked, Configuration, Form, Stored, of_another_kind};
use super::rows::{NewProvider, change, changed_meanwhile, locked};
use super::secret;
use super::traffic::zero_weight_conflict;
use super::view::{ProviderView, get};
use crate::actor::Actor;
use crate::entities::{group_members, provider_variables, providers};
use crate::error::{Error, Result};
use crate::routing::lock_configuration;
use crate::{Domain, audit, groups, queue, quotas};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::{ProviderKind, ProviderStatus};
use serde_json::json;

/// Adds a provider of this kind to the actor's team, switched on; a mailbox is pending until it is connected.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Conflict`] for the form of another kind, and when the team has as many
/// as it may have; [`Error::Forbidden`].
pub async fn create(domain: &Domain, actor: &Actor, kind: ProviderKind, form: Form) -> Result<ProviderView> {
    actor.require_configure()?;
    let Checked {
        name,
        configuration,
        secret,
        mut audit,
    } = form.check(kind, None, &domain.settings)?;
    audit["kind"] = json!(kind);
    audit["name"] = json!(name);
    let mut new = NewProvider::new(name, &configuration)?;
    if kind.is_mailbox() {
        new.status = ProviderStatus::Pending;
    }
    new.secret = secret::changed(&domain.sealer, &secret, None, &new.public_id)?;
    let public_id = new.public_id.clone();
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    quotas::one_more_provider(&tx, domain, actor.team_id).await?;
    new.insert(&tx, actor.team_id, now).await?;
    audit::record(&tx, now, actor, "provider.created", &public_id, audit).await?;
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, &public_id).await
}

/// Changes the settings of a provider. Without a secret in the form the stored one stays, as long as it stays with the
/// server or account that it was entered for. `version` is that of the view that the form was filled from.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Conflict`] when somebody else has changed the provider since, and
/// for the form of another kind; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn update(domain: &Domain, actor: &Actor, public_id: &str, form: Form, version: i32) -> Result<ProviderView> {
    actor.require_configure()?;
    let tx = domain.db.begin().await?;
    let row = locked(&tx, domain.db.backend(), actor, public_id).await?;
    let kind = row.kind;
    if !form.is_of(kind) {
        return Err(of_another_kind());
    }
    if row.version != version {
        return Err(changed_meanwhile());
    }
    let stored = Stored {
        config: Configuration::of(&row)?,
        has_secret: row.secret.is_some(),
    };
    let Checked {
        name,
        configuration,
        secret,
        mut audit,
    } = form.check(kind, Some(&stored), &domain.settings)?;
    audit["name"] = json!(name);
    let (_, config) = configuration.stored()?;
    let secret = secret::changed(&domain.sealer, &secret, row.secret.as_deref(), public_id)?;
    let now = domain.clock.now();
    change(&row, now)
        .col_expr(providers::Column::Name, Expr::value(name))
        .col_expr(providers::Column::Config, Expr::value(config))
        .col_expr(providers::Column::Secret, Expr::value(secret))
        .exec(&tx)
        .await?;
    audit::record(&tx, now, actor, "provider.updated", &row.public_id, audit).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, &row.public_id).await
}

/// Switches a provider on or off. What waits for one that is switched off goes to the others of its scope.
///
/// # Errors
/// [`Error::Conflict`] for the sandbox, for a provider that is not authorised yet, and for switching on one with the
/// weight 0 where no other is active; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn set_active(domain: &Domain, actor: &Actor, public_id: &str, active: bool) -> Result<ProviderView> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let row = locked(&tx, domain.db.backend(), actor, public_id).await?;
    if row.kind == ProviderKind::Sandbox {
        return Err(Error::Conflict("the sandbox is always on".to_owned()));
    }
    let status = row.status;
    let wanted = if active {
        ProviderStatus::Active
    } else {
        ProviderStatus::Inactive
    };
    match status {
        ProviderStatus::Pending if row.kind == ProviderKind::ManagedSes => {
            return Err(Error::Conflict(
                "the managed route opens once the address of the team's owner is verified".to_owned(),
            ));
        }
        ProviderStatus::Pending => {
            return Err(Error::Conflict(
                "this provider is not connected yet: finish connecting it first".to_owned(),
            ));
        }
        ProviderStatus::Suspended => {
            return Err(Error::Conflict(
                "the managed route is suspended: only the operator of this installation can lift that".to_owned(),
            ));
        }
        ProviderStatus::Active | ProviderStatus::Inactive => {}
    }
    if status != wanted {
        // Switching off is always possible: it is what one does in an emergency.
        if active && row.weight == Some(0) {
            let switched_on = providers::Model {
                status: wanted,
                ..row.clone()
            };
            if let Some(why) = zero_weight_conflict(&tx, actor.team_id, Some(&switched_on), row.id).await? {
                return Err(Error::Conflict(why));
            }
        }
        change(&row, now)
            .col_expr(providers::Column::Status, Expr::value(wanted))
            .exec(&tx)
            .await?;
        let action = if active {
            "provider.activated"
        } else {
            "provider.deactivated"
        };
        audit::record(&tx, now, actor, action, public_id, json!({ "name": row.name })).await?;
        queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    }
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, public_id).await
}

/// Deletes a provider and forgets its credentials. Keys and groups that name it simply lose it, and a group may be left
/// empty; messages that went through it still show its name. What waits for it goes to the others of its scope, or fails
/// where the scope names nothing else.
///
/// # Errors
/// [`Error::Conflict`] for the managed route and the sandbox, which belong to every team, and when nothing but weights
/// of 0 would be left in a group or a scope, which is named; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn delete(domain: &Domain, actor: &Actor, public_id: &str) -> Result<()> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let row = locked(&tx, domain.db.backend(), actor, public_id).await?;
    match row.kind {
        ProviderKind::ManagedSes => {
            return Err(Error::Conflict(
                "the managed route cannot be deleted: switch it off instead".to_owned(),
            ));
        }
        ProviderKind::Sandbox => return Err(Error::Conflict("the sandbox cannot be deleted".to_owned())),
        _ => {}
    }
    let groups = groups::left_all_zero(&tx, row.id).await?;
    if !groups.is_empty() {
        let names: Vec<String> = groups.iter().map(|name| format!("{name:?}")).collect();
        return Err(Error::Conflict(format!(
            "without this provider the weights in the groups {} would all be 0: change them first",
            names.join(", ")
        )));
    }
    // Where it never sent anything, it does not dry anything up.
    if row.weight != Some(0)
        && let Some(why) = zero_weight_conflict(&tx, actor.team_id, None, row.id).await?
    {
        return Err(Error::Conflict(why));
    }
    change(&row, now)
        .col_expr(providers::Column::Status, Expr::value(ProviderStatus::Inactive))
        .col_expr(providers::Column::Secret, Expr::value(None::<Vec<u8>>))
        .col_expr(providers::Column::DeletedAt, Expr::value(now))
        .exec(&tx)
        .await?;
    group_members::Entity::delete_many()
        .filter(group_members::Column::ProviderId.eq(row.id))
        .exec(&tx)
        .await?;
    provider_variables::Entity::delete_by_id(row.id).exec(&tx).await?;
    let forgotten = mailbox::forget(&tx, domain, &row).await?;
    // What waited for it alone goes elsewhere or fails, and does not wait any longer to learn it.
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    audit::record(
        &tx,
        now,
        actor,
        "provider.deleted",
        public_id,
        json!({ "name": row.name }),
    )
    .await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    if let Some(forgotten) = forgotten {
        forgotten.give_back(domain).await;
    }
    Ok(())
}
