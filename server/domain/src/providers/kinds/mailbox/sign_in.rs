//! Connecting a mailbox in the browser: a sign-in begins here, goes through the identity provider's pages, and comes back
//! once, within ten minutes, to the browser that began it.

use super::MailboxForm;
use super::disconnect::{give_back, used_elsewhere};
use super::service::Granted;
use super::tokens::{Tokens, services};
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::{mailbox_sign_ins, mailboxes, providers};
use crate::error::{Error, Result};
use crate::ids::random_into;
use crate::names::MAX_NAME_CHARS;
use crate::providers::health;
use crate::providers::kinds::Form;
use crate::providers::rows::{NOT_FOUND, NewProvider, change, locked, of_team};
use crate::providers::test_result::TestResult;
use crate::routing::lock_configuration;
use crate::secrets::Secret;
use crate::{Domain, audit, installation, queue, quotas};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::{ProviderKind, ProviderStatus, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Time from the start of a sign-in in which it must be completed.
const SIGN_IN_LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Target of a sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new provider of this kind, or one that the team has already.
    New(ProviderKind),
    /// This provider, for the first time or again.
    Existing(String),
}

/// Parameters that a browser comes back with.
#[derive(Clone, Debug, Default)]
pub struct Callback {
    /// The state that it was sent with.
    pub state: String,
    /// The code, when the user agreed.
    pub code: Option<String>,
    /// The error, when not; and its description.
    pub error: Option<(String, String)>,
}

/// A mailbox that was connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connected {
    /// Public id of its provider.
    pub public_id: String,
    /// Name of the provider.
    pub name: String,
    /// The address of the mailbox.
    pub email: String,
    /// A provider was added for it; else one was authorised again.
    pub added: bool,
}

/// Failure to connect a mailbox.
#[derive(Debug)]
pub struct NotConnected {
    /// Reason, in words for the user unless it is internal.
    pub why: Error,
    /// Public id of the provider that was to be connected, to go back to.
    pub provider: Option<String>,
}

impl<E: Into<Error>> From<E> for NotConnected {
    fn from(error: E) -> Self {
        Self {
            why: error.into(),
            provider: None,
        }
    }
}

/// A secret for a browser's session, by which it is known again when it comes back.
pub fn new_browser_secret() -> String {
    let mut secret = String::new();
    random_into(
        &mut secret,
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        43,
    );
    secret
}

/// Begins a sign-in for the browser whose session holds `browser`; gives the address that it is to be sent to.
///
/// # Errors
/// [`Error::Conflict`] where the installation has no application for this kind, and for a provider that is no mailbox;
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn begin_sign_in(domain: &Domain, actor: &Actor, browser: &str, target: &Target) -> Result<String> {
    actor.require_configure()?;
    let user_id = actor
        .user_id
        .ok_or(Error::Forbidden("only people can sign in to a mailbox"))?;
    let (kind, provider_id, hint) = match target {
        Target::New(kind) => (*kind, None, None),
        Target::Existing(public_id) => {
            let row = of_team(actor.team_id, public_id)
                .one(domain.db.read())
                .await?
                .ok_or(NOT_FOUND)?;
            let known = mailboxes::Entity::find_by_id(row.id).one(domain.db.read()).await?;
            (row.kind, Some(row.id), known.map(|mailbox| mailbox.email))
        }
    };
    if !kind.is_mailbox() {
        return Err(Error::Conflict(
            "this provider is no mailbox that is signed in to".to_owned(),
        ));
    }
    let begun = services(domain).and_then(|services| services.begin(kind, hint.as_deref()));
    let begun = begun.ok_or_else(|| not_configured(kind))?;
    let now = domain.clock.now();
    let state_hash = hash(begun.state.expose());
    let verifier = domain
        .sealer
        .seal(begun.verifier.expose().as_bytes(), &place(&state_hash))?;
    let row = mailbox_sign_ins::ActiveModel {
        state_hash: Set(state_hash),
        browser_hash: Set(hash(browser)),
        kind: Set(kind),
        team_id: Set(actor.team_id),
        user_id: Set(user_id),
        provider_id: Set(provider_id),
        verifier: Set(verifier),
        expires_at: Set(now.plus(SIGN_IN_LIFETIME)),
    };
    let tx = domain.db.begin().await?;
    mailbox_sign_ins::Entity::delete_many()
        .filter(mailbox_sign_ins::Column::ExpiresAt.lte(now))
        .exec(&tx)
        .await?;
    mailbox_sign_ins::Entity::insert(row)
        .exec_without_returning(&tx)
        .await?;
    tx.commit().await?;
    Ok(begun.url)
}

/// Address at which an administrator of an organisation approves this installation's application for all its mailboxes,
/// when the identity provider has one.
pub fn admin_consent_url(domain: &Domain, kind: ProviderKind) -> Option<String> {
    services(domain)?.admin_consent_url(kind)
}

/// Completes a sign-in that came back to the browser whose session holds `browser`. Whatever comes of it, the state is
/// used up.
///
/// # Errors
/// See [`NotConnected`]. Nothing was changed then.
pub async fn complete_sign_in(
    domain: &Domain,
    actor: &Actor,
    browser: Option<&str>,
    callback: Callback,
) -> Result<Connected, NotConnected> {
    actor.require_configure()?;
    let (row, verifier) = take(domain, actor, browser, &callback.state).await?;
    let kind = row.kind;
    let provider = match row.provider_id {
        Some(id) => providers::Entity::find_by_id(id).one(domain.db.read()).await?,
        None => None,
    };
    let provider = provider.map(|provider| provider.public_id);
    let failed = |why| NotConnected {
        why,
        provider: provider.clone(),
    };
    let services = services(domain).ok_or_else(|| failed(not_configured(kind)))?;
    let code = match (callback.code, callback.error) {
        (Some(code), None) if !code.is_empty() => code,
        (_, error) => {
            let (error, description) = error.unwrap_or_default();
            let why = services.callback_error(kind, &error, &description);
            return Err(failed(Error::Conflict(why)));
        }
    };
    let granted = services.connect(kind, &code, &verifier).await;
    let granted = granted.map_err(|why| failed(Error::Conflict(why)))?;
    let stored = connect(domain, actor, kind, row.provider_id, &granted).await;
    if stored.is_err() {
        // What nobody uses is given back; for others of the same account that would be the end too.
        match used_elsewhere(domain, kind, &granted.subject).await {
            Ok(false) => drop(give_back(domain, kind, &granted.refresh).await),
            Ok(true) => {}
            Err(error) => tracing::warn!(%error, "cannot tell whether a mailbox is in use"),
        }
    }
    stored.map_err(failed)
}

/// Takes a sign-in out, once, if this browser and this user began it.
async fn take(
    domain: &Domain,
    actor: &Actor,
    browser: Option<&str>,
    state: &str,
) -> Result<(mailbox_sign_ins::Model, Secret)> {
    use mailbox_sign_ins::{Column, Entity};
    let stale = || {
        Error::Conflict(
            "this sign-in was used already, was begun in another browser, or took longer than ten minutes: connect again"
                .to_owned(),
        )
    };
    let browser = browser.ok_or_else(stale)?;
    let state_hash = hash(state);
    let tx = domain.db.begin().await?;
    let found = Entity::find_by_id(state_hash.as_str())
        .filter(Column::BrowserHash.eq(hash(browser)))
        .filter(Column::ExpiresAt.gt(domain.clock.now()))
        .one(&tx)
        .await?
        .ok_or_else(stale)?;
    if Some(found.user_id) != actor.user_id || found.team_id != actor.team_id {
        return Err(Error::Conflict(
            "you began this sign-in as another user or in another team: change back, and connect again".to_owned(),
        ));
    }
    let deleted = Entity::delete_by_id(state_hash.as_str()).exec(&tx).await?;
    if deleted.rows_affected != 1 {
        return Err(stale());
    }
    tx.commit().await?;
    let verifier = domain.sealer.open(&found.verifier, &place(&state_hash))?;
    let verifier = String::from_utf8(verifier).map_err(unreadable)?;
    Ok((found, verifier.into()))
}

/// Stores what was granted: with the provider that was meant, with the one that has this mailbox, or with a new one.
async fn connect(
    domain: &Domain,
    actor: &Actor,
    kind: ProviderKind,
    provider_id: Option<i64>,
    granted: &Granted,
) -> Result<Connected> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    lock_configuration(&tx, actor.team_id).await?;
    let same = mailboxes::Entity::find()
        .filter(mailboxes::Column::TeamId.eq(actor.team_id))
        .filter(mailboxes::Column::Kind.eq(kind))
        .filter(mailboxes::Column::Subject.eq(granted.subject.as_str()))
        .one(&tx)
        .await?;
    let row = match provider_id.or(same.as_ref().map(|same| same.provider_id)) {
        Some(id) => Some(of_id(&tx, domain, actor, id).await?),
        None => None,
    };
    let before = match &row {
        Some(row) => mailboxes::Entity::find_by_id(row.id).one(&tx).await?,
        None => None,
    };
    if let (Some(row), Some(before)) = (&row, &before)
        && before.subject != granted.subject
    {
        return Err(Error::Conflict(format!(
            "{:?} sends from {}, but you signed in as {}: nothing was changed. Sign in to {} again, or add {} as a \
             provider of its own.",
            row.name, before.email, granted.email, before.email, granted.email
        )));
    }
    if let (Some(row), Some(same)) = (&row, &same)
        && same.provider_id != row.id
    {
        let other = of_id(&tx, domain, actor, same.provider_id).await?;
        return Err(Error::Conflict(format!(
            "{} is connected already, as {:?}: nothing was changed",
            granted.email, other.name
        )));
    }
    let added = row.is_none();
    let (id, public_id, name) = match row {
        Some(row) => {
            let mut update = change(&row, now);
            if row.status == ProviderStatus::Pending {
                update = update.col_expr(providers::Column::Status, Expr::value(ProviderStatus::Active));
            }
            update.exec(&tx).await?;
            (row.id, row.public_id, row.name)
        }
        None => {
            quotas::one_more_provider(&tx, domain, actor.team_id).await?;
            let name: String = granted.email.chars().take(MAX_NAME_CHARS).collect();
            let form = MailboxForm {
                name,
                ..MailboxForm::default()
            };
            let checked = Form::Mailbox(form).check(kind, None, &domain.settings)?;
            let new = NewProvider::new(checked.name.clone(), &checked.configuration)?;
            let public_id = new.public_id.clone();
            (new.insert(&tx, actor.team_id, now).await?, public_id, checked.name)
        }
    };
    save(&tx, domain, actor.team_id, kind, id, before.as_ref(), granted, now).await?;
    let events = health::apply_test(&tx, domain, now, id, &TestResult::passed("auth", "authorised again")).await?;
    health::record_events(&tx, domain, now, actor.team_id, id, &events).await?;
    installation::fault_is_over(&tx, kind).await?;
    let action = match (added, before.is_some()) {
        (true, _) => "provider.created",
        (false, true) => "provider.reauthorised",
        (false, false) => "provider.connected",
    };
    let detail = json!({ "kind": kind, "name": name, "email": granted.email });
    audit::record(&tx, now, actor, action, &public_id, detail).await?;
    queue::mark_for_requeue(&tx, actor.team_id, now).await?;
    tx.commit().await?;
    domain.signals.team_changed(actor.team_id);
    Ok(Connected {
        public_id,
        name,
        email: granted.email.clone(),
        added,
    })
}

async fn of_id(tx: &Transaction, domain: &Domain, actor: &Actor, id: i64) -> Result<providers::Model> {
    let row = providers::Entity::find_by_id(id).one(tx).await?;
    let public_id = row.ok_or(NOT_FOUND)?.public_id;
    locked(tx, domain.db.backend(), actor, &public_id).await
}

#[expect(clippy::too_many_arguments, reason = "the parts of one row")]
async fn save(
    tx: &Transaction,
    domain: &Domain,
    team_id: i64,
    kind: ProviderKind,
    provider_id: i64,
    before: Option<&mailboxes::Model>,
    granted: &Granted,
    now: Timestamp,
) -> Result<()> {
    use mailboxes::Column;
    // Above every number that was there before, a mailbox that was disconnected in between included.
    let generation = before.map_or(0, |before| before.generation + 1).max(now.as_millis());
    let row = mailboxes::ActiveModel {
        provider_id: Set(provider_id),
        team_id: Set(team_id),
        kind: Set(kind),
        subject: Set(granted.subject.clone()),
        email: Set(granted.email.clone()),
        tenant: Set(granted.tenant.clone()),
        scopes: Set(granted.scopes.join(" ")),
        tokens: Set(Tokens::new(&granted.access, &granted.refresh).seal(&domain.sealer, provider_id)?),
        access_expires_at: Set(now.plus(granted.expires_in)),
        generation: Set(generation),
        connected_at: Set(before.map_or(now, |before| before.connected_at)),
        renewed_at: Set(now),
    };
    mailboxes::Entity::insert(row)
        .on_conflict(
            OnConflict::column(Column::ProviderId)
                .update_columns([
                    Column::Email,
                    Column::Tenant,
                    Column::Scopes,
                    Column::Tokens,
                    Column::AccessExpiresAt,
                    Column::Generation,
                    Column::RenewedAt,
                ])
                .to_owned(),
        )
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn not_configured(kind: ProviderKind) -> Error {
    let (whose, keys) = match kind {
        ProviderKind::Gmail => ("Google", "google_client_id and google_client_secret"),
        _ => ("Microsoft", "microsoft_client_id and microsoft_client_secret"),
    };
    Error::Conflict(format!(
        "this installation is not registered with {whose} yet: its operator has to set {keys} (docs/PROVIDERS.md)"
    ))
}

fn hash(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

fn place(state_hash: &str) -> String {
    format!("mailbox_sign_ins.verifier/{state_hash}")
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Internal(format!("a stored sign-in: {error}"))
}
