//! Mailboxes that are signed in to with OAuth: Gmail and Microsoft 365.

mod service;
mod sign_in;
#[cfg(test)]
mod tests;
mod tokens;

pub use service::{Granted, MailboxServices, Renewed, SignIn, TokenFault};
pub use sign_in::{
    Callback, Connected, NotConnected, Target, admin_consent_url, begin_sign_in, complete_sign_in, new_browser_secret,
};
pub use tokens::{Renewals, access_token, other_access_token};

pub(super) use tokens::reseal;

use super::manage::{Changed, NewProvider, change, create, locked, open, store};
use super::view::{ProviderStatus, ProviderView};
use crate::accounts::check_name;
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::{mailboxes, providers};
use crate::error::{Error, FieldError, Result};
use crate::secrets::Secret;
use crate::{Domain, audit, queue};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_mime::address::ValidEmail;
use sendmux_rules::{ProviderKind, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use tokens::Tokens;

/// Most aliases of a mailbox.
const MAX_ALIASES: usize = 50;

/// How long somebody waits for tokens to be given back.
const REVOKING: Duration = Duration::from_secs(10);

/// What is stored of a mailbox with its provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MailboxConfig {
    /// Addresses that the identity provider has verified as the mailbox's own too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

impl MailboxConfig {
    /// Reads what is stored.
    pub(super) fn parse(stored: &str) -> Result<Self> {
        serde_json::from_str(stored).map_err(|error| Error::Internal(format!("settings of a mailbox: {error}")))
    }
}

/// The form of a mailbox, as typed. Whose it is, is found out when it is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxForm {
    /// What the provider is called.
    pub name: String,
    /// Addresses that it may send as besides its own, separated by commas, spaces or line ends.
    pub aliases: String,
}

/// Adds a mailbox that is not connected yet.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Forbidden`].
pub async fn create_mailbox(
    domain: &Domain,
    actor: &Actor,
    kind: ProviderKind,
    form: &MailboxForm,
) -> Result<ProviderView> {
    if !kind.is_mailbox() {
        return Err(Error::Internal(format!("{kind} is no kind of mailbox")));
    }
    let (name, config) = validate(form)?;
    let new = NewProvider {
        status: ProviderStatus::Pending,
        ..NewProvider::new(kind, name, &config)?
    };
    create(domain, actor, new, json!({})).await
}

/// Changes what a mailbox is called and its aliases. `version` is that of the view that the form was filled from.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Conflict`] when somebody else has changed the provider since;
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn update_mailbox(
    domain: &Domain,
    actor: &Actor,
    public_id: &str,
    form: &MailboxForm,
    version: i32,
) -> Result<ProviderView> {
    let (tx, row) = open(domain, actor, public_id, version, ProviderKind::is_mailbox).await?;
    let (name, config) = validate(form)?;
    let detail = json!({ "name": name, "aliases": config.aliases });
    let changed = Changed::new(name, &config, row.secret.clone())?;
    store(domain, actor, tx, &row, changed, detail).await
}

fn validate(form: &MailboxForm) -> Result<(String, MailboxConfig)> {
    let mut errors = Vec::new();
    let name = check_name("name", "a name for the provider", &form.name).map_err(|error| errors.push(error));
    let mut aliases: Vec<String> = Vec::new();
    let typed = form.aliases.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
    for alias in typed.filter(|alias| !alias.is_empty()) {
        match ValidEmail::parse(alias) {
            Ok(_) if aliases.iter().any(|known| known.eq_ignore_ascii_case(alias)) => {}
            Ok(_) => aliases.push(alias.to_owned()),
            Err(_) => {
                errors.push(FieldError::new(
                    "aliases",
                    "invalid",
                    format!("{alias:?} is no email address: write the addresses with commas between them"),
                ));
                break;
            }
        }
    }
    if aliases.len() > MAX_ALIASES {
        let message = format!("a mailbox can have {MAX_ALIASES} other addresses here at most");
        errors.push(FieldError::new("aliases", "too_many", message));
    }
    match name {
        Ok(name) if errors.is_empty() => Ok((name, MailboxConfig { aliases })),
        _ => Err(Error::Invalid(errors)),
    }
}

/// Disconnects a mailbox: forgets its tokens and gives the consent back where the identity provider takes it. What waits
/// for it goes to the others of its scope. False: the consent could not be given back, and the user may want to remove
/// it in the settings of the account.
///
/// # Errors
/// [`Error::Conflict`] for a provider that is no mailbox or is not connected; [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn disconnect(domain: &Domain, actor: &Actor, public_id: &str) -> Result<bool> {
    actor.require_configure()?;
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let row = locked(&tx, domain.db.backend(), actor, public_id).await?;
    let Some(forgotten) = forget(&tx, domain, &row).await? else {
        return Err(Error::Conflict(
            "this provider is not connected to a mailbox".to_owned(),
        ));
    };
    change(&row, now)
        .col_expr(providers::Column::Status, Expr::value(ProviderStatus::Pending.as_str()))
        .exec(&tx)
        .await?;
    let detail = json!({ "name": row.name, "email": forgotten.email });
    audit::record(&tx, now, actor, "provider.disconnected", public_id, detail).await?;
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    Ok(forgotten.give_back(domain).await)
}

/// The tokens of a mailbox that is not connected any more.
pub(super) struct Forgotten {
    kind: ProviderKind,
    subject: String,
    email: String,
    refresh: Option<Secret>,
}

/// Forgets the tokens of a mailbox; none when it has none. They are given back once that is committed.
pub(super) async fn forget(tx: &Transaction, domain: &Domain, row: &providers::Model) -> Result<Option<Forgotten>> {
    let Some(mailbox) = mailboxes::Entity::find_by_id(row.id).one(tx).await? else {
        return Ok(None);
    };
    mailboxes::Entity::delete_by_id(row.id).exec(tx).await?;
    // Tokens that do not open any more can be forgotten all the same.
    let tokens = Tokens::open(&domain.sealer, &mailbox)
        .inspect_err(|error| tracing::warn!(%error, "the tokens of a mailbox are forgotten without giving them back"));
    Ok(Some(Forgotten {
        kind: super::kind_of(row)?,
        subject: mailbox.subject,
        email: mailbox.email,
        refresh: tokens.ok().map(|tokens| tokens.refresh()),
    }))
}

impl Forgotten {
    /// Gives the consent back, unless another provider lives on it: an identity provider takes back the whole consent of
    /// an account, whichever of its tokens is shown.
    pub(super) async fn give_back(self, domain: &Domain) -> bool {
        let Some(refresh) = self.refresh else { return false };
        match used_elsewhere(domain, self.kind, &self.subject).await {
            Ok(true) => true,
            Ok(false) => give_back(domain, self.kind, &refresh).await,
            Err(error) => {
                tracing::warn!(%error, "cannot tell whether a mailbox is in use");
                false
            }
        }
    }
}

/// Whether any provider of the installation is connected to this account.
async fn used_elsewhere(domain: &Domain, kind: ProviderKind, subject: &str) -> Result<bool> {
    let other: Option<i64> = mailboxes::Entity::find()
        .select_only()
        .column(mailboxes::Column::ProviderId)
        .filter(mailboxes::Column::Kind.eq(kind.as_str()))
        .filter(mailboxes::Column::Subject.eq(subject))
        .into_tuple()
        .one(domain.db.read())
        .await?;
    Ok(other.is_some())
}

/// Gives a token back. A failure is only logged: the token is forgotten here, whatever becomes of it there.
async fn give_back(domain: &Domain, kind: ProviderKind, refresh: &Secret) -> bool {
    let Some(services) = tokens::services(domain) else {
        return false;
    };
    match tokio::time::timeout(REVOKING, services.revoke(kind, refresh)).await {
        Ok(Ok(given_back)) => given_back,
        Ok(Err(error)) => {
            tracing::warn!(%kind, error, "a token could not be given back");
            false
        }
        Err(_) => {
            tracing::warn!(%kind, "a token could not be given back in time");
            false
        }
    }
}

/// Account of the connected mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxView {
    /// Its address; none while no mailbox is connected.
    pub email: Option<String>,
    /// Its other addresses that may stand in From.
    pub aliases: Vec<String>,
    /// Since when it is connected.
    pub connected_at: Option<Timestamp>,
}

impl MailboxView {
    pub(super) fn of(config: MailboxConfig, mailbox: Option<&mailboxes::Model>) -> Self {
        Self {
            email: mailbox.map(|mailbox| mailbox.email.clone()),
            aliases: config.aliases,
            connected_at: mailbox.map(|mailbox| Timestamp::from_millis(mailbox.connected_at)),
        }
    }

    /// The settings as a form that changes nothing.
    pub(super) fn form(&self, name: &str) -> MailboxForm {
        MailboxForm {
            name: name.to_owned(),
            aliases: self.aliases.join(", "),
        }
    }
}
