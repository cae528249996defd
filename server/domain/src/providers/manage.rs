//! Adding, changing, switching and deleting providers.

use super::connection::seal;
use super::mailbox;
use super::ses::{self, SesConfig, SesForm};
use super::smtp::{self, Password, SmtpConfig, SmtpForm, Stored, Valid};
use super::traffic::{default_caps, zero_weight_conflict};
use super::view::{ProviderStatus, ProviderView, get};
use crate::accounts::insert_runtime;
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::{group_members, provider_variables, providers};
use crate::error::{Error, Result};
use crate::ids::IdKind;
use crate::routing::lock_configuration;
use crate::{Domain, audit, groups, queue};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, DbBackend, EntityTrait, QueryFilter, QuerySelect, UpdateMany};
use sendmux_rules::{ProviderKind, Timestamp};
use serde::Serialize;
use serde_json::json;

/// The row of a provider that is to be added.
pub(super) struct NewProvider {
    pub public_id: String,
    pub kind: ProviderKind,
    pub name: String,
    pub status: ProviderStatus,
    /// JSON.
    pub config: String,
    /// Sealed for `public_id`.
    pub secret: Option<Vec<u8>>,
}

impl NewProvider {
    /// A provider that is switched on and has no secret.
    pub(super) fn new(kind: ProviderKind, name: String, config: &impl Serialize) -> Result<Self> {
        Ok(Self {
            public_id: IdKind::Provider.generate(),
            kind,
            name,
            status: ProviderStatus::Active,
            config: json_of(config)?,
            secret: None,
        })
    }
}

/// What becomes of the settings of a provider.
pub(super) struct Changed {
    name: String,
    config: String,
    secret: Option<Vec<u8>>,
}

impl Changed {
    pub(super) fn new(name: String, config: &impl Serialize, secret: Option<Vec<u8>>) -> Result<Self> {
        Ok(Self {
            name,
            config: json_of(config)?,
            secret,
        })
    }
}

/// Adds an SMTP provider to the actor's team, switched on.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Forbidden`].
pub async fn create_smtp(domain: &Domain, actor: &Actor, form: SmtpForm) -> Result<ProviderView> {
    actor.require_configure()?;
    let Valid { name, config, password } = smtp::validate(form, None, domain.settings.allow_private_hosts)?;
    let mut new = NewProvider::new(ProviderKind::Smtp, name, &config)?;
    if let Password::Set(password) = &password {
        new.secret = Some(seal(&domain.sealer, password, &new.public_id)?);
    }
    let detail = json!({ "host": config.host, "port": config.port });
    create(domain, actor, new, detail).await
}

/// Adds an Amazon SES account to the actor's team, switched on.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Forbidden`].
pub async fn create_ses(domain: &Domain, actor: &Actor, form: SesForm) -> Result<ProviderView> {
    actor.require_configure()?;
    let ses::Valid { name, config, secret } = ses::validate(form, None, domain.settings.allow_private_hosts)?;
    let mut new = NewProvider::new(ProviderKind::Ses, name, &config)?;
    if let Some(secret) = &secret {
        new.secret = Some(seal(&domain.sealer, secret, &new.public_id)?);
    }
    let detail = json!({ "region": config.region, "access_key_id": config.access_key_id });
    create(domain, actor, new, detail).await
}

/// Adds a provider; `detail` goes to the audit log beside its kind and its name.
pub(super) async fn create(
    domain: &Domain,
    actor: &Actor,
    new: NewProvider,
    mut detail: serde_json::Value,
) -> Result<ProviderView> {
    actor.require_configure()?;
    let now = domain.clock.now();
    detail["kind"] = json!(new.kind);
    detail["name"] = json!(new.name);
    let public_id = new.public_id.clone();
    let tx = domain.db.begin().await?;
    insert(&tx, actor.team_id, now, new).await?;
    audit::record(&tx, now, actor, "provider.created", &public_id, detail).await?;
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    get(domain, actor.team_id, &public_id).await
}

/// Writes the rows of a new provider, with the caps of its kind; gives its database id.
pub(super) async fn insert(tx: &Transaction, team_id: i64, now: Timestamp, new: NewProvider) -> Result<i64> {
    let kind = new.kind;
    let [second, minute, hour, day] = default_caps(kind);
    let row = providers::ActiveModel {
        id: NotSet,
        public_id: Set(new.public_id),
        team_id: Set(team_id),
        kind: Set(kind.as_str().to_owned()),
        name: Set(new.name),
        status: Set(new.status.as_str().to_owned()),
        weight: Set(None),
        cap_second: Set(second),
        cap_minute: Set(minute),
        cap_hour: Set(hour),
        cap_day: Set(day),
        config: Set(new.config),
        secret: Set(new.secret),
        version: Set(1),
        created_at: Set(now.as_millis()),
        updated_at: Set(now.as_millis()),
        deleted_at: Set(None),
    };
    let provider_id = providers::Entity::insert(row).exec(tx).await?.last_insert_id;
    insert_runtime(tx, provider_id, kind).await?;
    Ok(provider_id)
}

/// Changes an SMTP provider. Without a password in the form the stored one stays, as long as it stays with the server it
/// was entered for. `version` is that of the view that the form was filled from.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Conflict`] when somebody else has changed the provider since;
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn update_smtp(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    form: SmtpForm,
    version: i32,
) -> Result<ProviderView> {
    let (tx, row) = open(domain, actor, public_id, version, |kind| kind == ProviderKind::Smtp).await?;
    let before = SmtpConfig::parse(&row.config)?;
    let stored = Stored {
        config: &before,
        has_password: row.secret.is_some(),
    };
    let Valid { name, config, password } = smtp::validate(form, Some(&stored), domain.settings.allow_private_hosts)?;
    let detail = json!({
        "name": name,
        "host": config.host,
        "port": config.port,
        "security": config.security,
        "helo_name": config.helo_name,
        "timeouts": config.timeouts,
        "username_changed": config.username != before.username,
        "password_changed": password != Password::Keep && (password != Password::None || row.secret.is_some()),
    });
    let secret = match &password {
        Password::Set(password) => Some(seal(&domain.sealer, password, public_id)?),
        Password::Keep => row.secret.clone(),
        Password::None => None,
    };
    store(domain, actor, tx, &row, Changed::new(name, &config, secret)?, detail).await
}

/// Changes an Amazon SES account. Without a secret in the form the stored one stays, as long as it stays with its key and
/// the address that it was entered for. `version` is that of the view that the form was filled from.
///
/// # Errors
/// As [`update_smtp`].
pub async fn update_ses(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    form: SesForm,
    version: i32,
) -> Result<ProviderView> {
    let (tx, row) = open(domain, actor, public_id, version, |kind| kind == ProviderKind::Ses).await?;
    let before = SesConfig::parse(&row.config)?;
    let ses::Valid { name, config, secret } = ses::validate(form, Some(&before), domain.settings.allow_private_hosts)?;
    let detail = json!({
        "name": name,
        "region": config.region,
        "access_key_id": config.access_key_id,
        "role_arn": config.role_arn,
        "configuration_set": config.configuration_set,
        "secret_changed": secret.is_some(),
    });
    let secret = match &secret {
        Some(secret) => Some(seal(&domain.sealer, secret, public_id)?),
        None => row.secret.clone(),
    };
    store(domain, actor, tx, &row, Changed::new(name, &config, secret)?, detail).await
}

/// Opens a provider of the actor's team for a change of its settings, which were read at this version.
pub(super) async fn open(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    version: i32,
    is_kind: impl Fn(ProviderKind) -> bool,
) -> Result<(Transaction, providers::Model)> {
    actor.require_configure()?;
    let tx = domain.db.begin().await?;
    let row = locked(&tx, domain.db.backend(), actor, public_id).await?;
    if !is_kind(super::kind_of(&row)?) {
        return Err(Error::Conflict(
            "this provider is of another kind and has no such settings".to_owned(),
        ));
    }
    if row.version != version {
        return Err(changed_meanwhile());
    }
    Ok((tx, row))
}

/// Writes changed settings; `detail` goes to the audit log.
pub(super) async fn store(
    domain: &Domain,
    actor: &Actor,
    tx: Transaction,
    row: &providers::Model,
    changed: Changed,
    detail: serde_json::Value,
) -> Result<ProviderView> {
    let now = domain.clock.now();
    change(row, now)
        .col_expr(providers::Column::Name, Expr::value(changed.name))
        .col_expr(providers::Column::Config, Expr::value(changed.config))
        .col_expr(providers::Column::Secret, Expr::value(changed.secret))
        .exec(&tx)
        .await?;
    audit::record(&tx, now, actor, "provider.updated", &row.public_id, detail).await?;
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
    if super::kind_of(&row)? == ProviderKind::Sandbox {
        return Err(Error::Conflict("the sandbox is always on".to_owned()));
    }
    let status: ProviderStatus = row.status.parse()?;
    let wanted = if active {
        ProviderStatus::Active
    } else {
        ProviderStatus::Inactive
    };
    match status {
        ProviderStatus::Pending if super::kind_of(&row)? == ProviderKind::ManagedSes => {
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
                status: wanted.as_str().to_owned(),
                ..row.clone()
            };
            if let Some(why) = zero_weight_conflict(&tx, actor.team_id, Some(&switched_on), row.id).await? {
                return Err(Error::Conflict(why));
            }
        }
        change(&row, now)
            .col_expr(providers::Column::Status, Expr::value(wanted.as_str()))
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
    match super::kind_of(&row)? {
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
        .col_expr(
            providers::Column::Status,
            Expr::value(ProviderStatus::Inactive.as_str()),
        )
        .col_expr(providers::Column::Secret, Expr::value(None::<Vec<u8>>))
        .col_expr(providers::Column::DeletedAt, Expr::value(now.as_millis()))
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

pub(super) fn changed_meanwhile() -> Error {
    Error::Conflict(
        "somebody has changed this provider since you opened it: load it again and repeat your change".to_owned(),
    )
}

/// A provider of the actor's team, locked until the transaction ends.
pub(super) async fn locked(
    tx: &Transaction,
    backend: DbBackend,
    actor: &Actor,
    public_id: &str,
) -> Result<providers::Model> {
    let mut find = super::of_team(actor.team_id, public_id);
    if backend == DbBackend::Postgres {
        find = find.lock_exclusive();
    }
    find.one(tx).await?.ok_or(super::NOT_FOUND)
}

/// A change of a provider's row, which raises its version.
pub(crate) fn change(row: &providers::Model, now: Timestamp) -> UpdateMany<providers::Entity> {
    providers::Entity::update_many()
        .col_expr(providers::Column::Version, Expr::col(providers::Column::Version).add(1))
        .col_expr(providers::Column::UpdatedAt, Expr::value(now.as_millis()))
        .filter(providers::Column::Id.eq(row.id))
}

pub(super) fn json_of(config: &impl Serialize) -> Result<String> {
    serde_json::to_string(config).map_err(|error| Error::Internal(format!("settings of a provider: {error}")))
}
