//! Disconnecting a mailbox, and giving its consent back.

use super::tokens::{self, Tokens};
use crate::actor::Actor;
use crate::db::Transaction;
use crate::entities::{mailboxes, providers};
use crate::error::{Error, Result};
use crate::providers::rows::{change, locked};
use crate::secrets::Secret;
use crate::{Domain, audit, queue};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::{ProviderKind, ProviderStatus};
use serde_json::json;
use std::time::Duration;

/// Most time that somebody waits for tokens to be given back.
const REVOKING: Duration = Duration::from_secs(10);

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
        .col_expr(providers::Column::Status, Expr::value(ProviderStatus::Pending))
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
pub(in crate::providers) struct Forgotten {
    kind: ProviderKind,
    subject: String,
    email: String,
    refresh: Option<Secret>,
}

/// Forgets the tokens of a mailbox; none when it has none. They are given back once that is committed.
pub(in crate::providers) async fn forget(
    tx: &Transaction,
    domain: &Domain,
    row: &providers::Model,
) -> Result<Option<Forgotten>> {
    let Some(mailbox) = mailboxes::Entity::find_by_id(row.id).one(tx).await? else {
        return Ok(None);
    };
    mailboxes::Entity::delete_by_id(row.id).exec(tx).await?;
    // Tokens that do not open any more can be forgotten all the same.
    let tokens = Tokens::open(&domain.sealer, &mailbox)
        .inspect_err(|error| tracing::warn!(%error, "the tokens of a mailbox are forgotten without giving them back"));
    Ok(Some(Forgotten {
        kind: row.kind,
        subject: mailbox.subject,
        email: mailbox.email,
        refresh: tokens.ok().map(|tokens| tokens.refresh()),
    }))
}

impl Forgotten {
    /// Gives the consent back, unless another provider lives on it: an identity provider takes back the whole consent of
    /// an account, whichever of its tokens is shown.
    pub(in crate::providers) async fn give_back(self, domain: &Domain) -> bool {
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

/// True when any provider of the installation is connected to this account.
pub(super) async fn used_elsewhere(domain: &Domain, kind: ProviderKind, subject: &str) -> Result<bool> {
    let other: Option<i64> = mailboxes::Entity::find()
        .select_only()
        .column(mailboxes::Column::ProviderId)
        .filter(mailboxes::Column::Kind.eq(kind))
        .filter(mailboxes::Column::Subject.eq(subject))
        .into_tuple()
        .one(domain.db.read())
        .await?;
    Ok(other.is_some())
}

/// Gives a token back. A failure is only logged: the token is forgotten here, whatever becomes of it there.
pub(super) async fn give_back(domain: &Domain, kind: ProviderKind, refresh: &Secret) -> bool {
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
