//! The tokens of connected mailboxes: sealed where they are stored, and renewed once however many sends wait for it.
//!
//! In one process the sends that need a new token share one renewal. Between nodes the mailbox's row is locked in
//! PostgreSQL while the identity provider answers, and read again before it is asked, since another node may have been
//! quicker; SQLite serves one process,
//! and its writer is never held while a network call lasts. What comes back is written only over the tokens that it came
//! from (`generation`), so that it never replaces what a new authorisation brought in the meantime.
//!
//! A crash between the answer and the commit loses the new tokens. The old refresh token then still works: Google's does
//! not change, and Microsoft does not revoke one when it is used (Microsoft identity platform, refresh tokens).

use super::service::{MailboxServices, Renewed, TokenFault};
use crate::db::DbBackend;
use crate::entities::mailboxes;
use crate::error::{Error, Result};
use crate::secrets::{Sealer, Secret};
use crate::{Domain, installation};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::{Class, IoFault, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A token with less time left is renewed before it is used.
const LEAST_LEFT: Duration = Duration::from_secs(30);

/// Renewals at once in one process: in PostgreSQL each of them holds a connection.
const AT_ONCE: usize = 4;

/// A renewal that is under way, for all who wait for it.
type Renewal = Shared<BoxFuture<'static, Result<Secret, TokenFault>>>;

/// The renewals that are under way in this process, by provider.
pub struct Renewals {
    under_way: Mutex<HashMap<i64, Renewal>>,
    permits: Semaphore,
}

impl Default for Renewals {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
        }
    }
}

impl fmt::Debug for Renewals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Renewals({} under way)", self.under_way.lock().len())
    }
}

#[cfg(test)]
impl Renewals {
    /// Number of those that wait for the renewal of this provider's token.
    pub(super) fn waiting(&self, provider_id: i64) -> usize {
        let under_way = self.under_way.lock();
        // One is in the map.
        under_way
            .get(&provider_id)
            .and_then(Shared::strong_count)
            .map_or(0, |count| count - 1)
    }
}

/// The tokens of one mailbox, as they are sealed.
#[derive(Serialize, Deserialize)]
pub(super) struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    pub(super) fn new(access: &Secret, refresh: &Secret) -> Self {
        Self {
            access: access.expose().to_owned(),
            refresh: refresh.expose().to_owned(),
        }
    }

    pub(super) fn seal(&self, sealer: &Sealer, provider_id: i64) -> Result<Vec<u8>> {
        let json = serde_json::to_vec(self).map_err(|error| Error::Internal(format!("tokens as JSON: {error}")))?;
        sealer.seal(&json, &place(provider_id))
    }

    pub(super) fn open(sealer: &Sealer, row: &mailboxes::Model) -> Result<Self> {
        let json = sealer.open(&row.tokens, &place(row.provider_id))?;
        serde_json::from_slice(&json)
            .map_err(|_| Error::Internal(format!("the tokens of provider {} cannot be read", row.provider_id)))
    }

    pub(super) fn refresh(&self) -> Secret {
        Secret::from(self.refresh.as_str())
    }

    /// The access token, unless it was rejected or has little time left.
    fn usable(&self, row: &mailboxes::Model, now: Timestamp, rejected: Option<&Secret>) -> Option<Secret> {
        let access = Secret::from(self.access.as_str());
        let lasts = now.plus(LEAST_LEFT) < row.access_expires_at;
        (lasts && Some(&access) != rejected).then_some(access)
    }
}

fn place(provider_id: i64) -> String {
    format!("mailboxes.tokens/{provider_id}")
}

/// An access token of a connected mailbox that is good for half a minute at least.
///
/// # Errors
/// Fault for a message: the grant was taken back, the mailbox is not connected any more, the
/// identity provider cannot be reached.
pub async fn access_token(domain: &Domain, provider_id: i64) -> Result<Secret, TokenFault> {
    token(domain, provider_id, None).await
}

/// Another access token than one that the provider rejected: one that somebody else has got in the meantime, or a new
/// one.
///
/// # Errors
/// As [`access_token`].
pub async fn other_access_token(domain: &Domain, provider_id: i64, rejected: &Secret) -> Result<Secret, TokenFault> {
    token(domain, provider_id, Some(rejected)).await
}

async fn token(domain: &Domain, provider_id: i64, rejected: Option<&Secret>) -> Result<Secret, TokenFault> {
    let (row, tokens) = stored(domain, provider_id).await?;
    if let Some(access) = tokens.usable(&row, domain.clock.now(), rejected) {
        return Ok(access);
    }
    join(domain, provider_id, rejected.cloned()).await
}

async fn stored(domain: &Domain, provider_id: i64) -> Result<(mailboxes::Model, Tokens), TokenFault> {
    let row = mailboxes::Entity::find_by_id(provider_id)
        .one(domain.db.read())
        .await
        .map_err(|error| internal_fault(&error.into()))?
        .ok_or_else(not_connected)?;
    let tokens = Tokens::open(&domain.sealer, &row).map_err(|error| internal_fault(&error))?;
    Ok((row, tokens))
}

/// Waits for the renewal that is under way, or begins one.
fn join(domain: &Domain, provider_id: i64, rejected: Option<Secret>) -> Renewal {
    let mut under_way = domain.renewals.under_way.lock();
    if let Some(renewal) = under_way.get(&provider_id) {
        return renewal.clone();
    }
    let guard = RenewalGuard {
        domain: domain.clone(),
        provider_id,
    };
    // A task of its own: a send that is given up must not lose the tokens that come back for all.
    let task = tokio::spawn(async move { renew(&guard.domain, provider_id, rejected.as_ref()).await });
    let renewal = async move {
        task.await
            .unwrap_or_else(|_| Err(TokenFault::here(Class::Deferred, "local.interrupted", "interrupted")))
    };
    let renewal = renewal.boxed().shared();
    under_way.insert(provider_id, renewal.clone());
    renewal
}

/// Guard of a renewal under way: takes it off the list when dropped, however it ends.
struct RenewalGuard {
    domain: Domain,
    provider_id: i64,
}

impl Drop for RenewalGuard {
    fn drop(&mut self) {
        self.domain.renewals.under_way.lock().remove(&self.provider_id);
    }
}

async fn renew(domain: &Domain, provider_id: i64, rejected: Option<&Secret>) -> Result<Secret, TokenFault> {
    let _permit = domain.renewals.permits.acquire().await;
    let database = |error: Error| internal_fault(&error);
    let find = mailboxes::Entity::find_by_id(provider_id);
    let (locked, row) = match domain.db.backend() {
        DbBackend::Postgres => {
            let tx = domain.db.begin().await.map_err(database)?;
            let row = find.lock_exclusive().one(&tx).await;
            (Some(tx), row)
        }
        _ => (None, find.one(domain.db.read()).await),
    };
    let row = row
        .map_err(|error| internal_fault(&error.into()))?
        .ok_or_else(not_connected)?;
    let tokens = Tokens::open(&domain.sealer, &row).map_err(database)?;
    let asked_at = domain.clock.now();
    if let Some(access) = tokens.usable(&row, asked_at, rejected) {
        return Ok(access);
    }
    let kind = row.kind;
    let services = domain
        .mailbox_services()
        .ok_or_else(|| TokenFault::no_application(kind))?;
    let renewed = match services.refresh(kind, &tokens.refresh()).await {
        Ok(renewed) => renewed,
        Err(fault) => {
            drop(locked);
            return after_refusal(domain, &row, rejected, fault).await;
        }
    };
    let access = renewed.access.clone();
    let tx = match locked {
        Some(tx) => tx,
        None => domain.db.begin().await.map_err(database)?,
    };
    match store(&tx, &domain.sealer, &row, &tokens, renewed, asked_at).await {
        Ok(true) => {
            let saved = async {
                installation::fault_is_over(&tx, kind).await?;
                tx.commit().await
            };
            if let Err(error) = saved.await {
                // The token is good all the same; the next send renews it once more.
                tracing::error!(%error, provider_id, "cannot store a renewed token");
            }
            Ok(access)
        }
        // The mailbox was authorised anew, or disconnected, in the meantime: that counts.
        Ok(false) => {
            drop(tx);
            let (row, tokens) = stored(domain, provider_id).await?;
            tokens
                .usable(&row, domain.clock.now(), rejected)
                .ok_or_else(not_connected)
        }
        Err(error) => {
            tracing::error!(%error, provider_id, "cannot store a renewed token");
            Ok(access)
        }
    }
}

/// Writes renewed tokens over those that they came from. False: these were replaced in the meantime.
async fn store(
    tx: &crate::db::Transaction,
    sealer: &Sealer,
    row: &mailboxes::Model,
    before: &Tokens,
    renewed: Renewed,
    asked_at: Timestamp,
) -> Result<bool> {
    use mailboxes::Column;
    let refresh = renewed.refresh.unwrap_or_else(|| before.refresh());
    let tokens = Tokens::new(&renewed.access, &refresh).seal(sealer, row.provider_id)?;
    let expires_at = asked_at.plus(renewed.expires_in);
    let updated = mailboxes::Entity::update_many()
        .col_expr(Column::Tokens, Expr::value(tokens))
        .col_expr(Column::AccessExpiresAt, Expr::value(expires_at))
        .col_expr(Column::RenewedAt, Expr::value(asked_at))
        .col_expr(Column::Generation, Expr::col(Column::Generation).add(1))
        .filter(Column::ProviderId.eq(row.provider_id))
        .filter(Column::Generation.eq(row.generation))
        .exec(tx)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// A refused refresh token says nothing when the mailbox has another by now.
async fn after_refusal(
    domain: &Domain,
    row: &mailboxes::Model,
    rejected: Option<&Secret>,
    fault: TokenFault,
) -> Result<Secret, TokenFault> {
    let (now_stored, tokens) = stored(domain, row.provider_id).await?;
    if now_stored.generation != row.generation
        && let Some(access) = tokens.usable(&now_stored, domain.clock.now(), rejected)
    {
        return Ok(access);
    }
    Err(fault)
}

/// Seals the tokens anew that an older key sealed; gives how many mailboxes that were.
pub(in crate::providers) async fn reseal(domain: &Domain) -> Result<u64> {
    let mut count = 0;
    for row in mailboxes::Entity::find().all(domain.db.read()).await? {
        if domain.sealer.is_current(&row.tokens) {
            continue;
        }
        let tokens = Tokens::open(&domain.sealer, &row)?.seal(&domain.sealer, row.provider_id)?;
        let tx = domain.db.begin().await?;
        let updated = mailboxes::Entity::update_many()
            .col_expr(mailboxes::Column::Tokens, Expr::value(tokens))
            .filter(mailboxes::Column::ProviderId.eq(row.provider_id))
            .filter(mailboxes::Column::Generation.eq(row.generation))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        count += updated.rows_affected;
    }
    Ok(count)
}

fn internal_fault(error: &Error) -> TokenFault {
    tracing::error!(%error, "the tokens of a mailbox cannot be read");
    let mut fault = TokenFault::here(Class::Deferred, "local.tokens", "the stored tokens could not be read");
    fault.outcome.fault = Some(IoFault::Local);
    fault
}

fn not_connected() -> TokenFault {
    TokenFault::here(
        Class::Connection,
        "local.not_connected",
        "the mailbox is not connected any more",
    )
}

/// The clients of the identity providers, in a program that has them.
pub(super) fn services(domain: &Domain) -> Option<&dyn MailboxServices> {
    domain.mailbox_services().map(AsRef::as_ref)
}
