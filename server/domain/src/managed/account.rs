//! Health of the operator's Amazon SES account, which all teams share: a block of it applies to all of them.

use crate::db::Transaction;
use crate::error::Result;
use crate::operator::Operator;
use crate::providers::record_events;
use crate::runtime::{self, MANAGED_ACCOUNT};
use crate::system_mail::{self, Mail, Mails};
use crate::{Domain, audit, installation, queue};
use sendmux_rules::health::{self, Block};
use sendmux_rules::{BlockKind, ProviderKind, Timestamp};
use serde_json::json;

/// State of the account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// The current block, if there is one.
    pub block: Option<Block>,
    /// End of the current pause.
    pub paused_until: Option<Timestamp>,
}

/// State of the account.
pub async fn account(domain: &Domain, _: &Operator) -> Result<Account> {
    let now = domain.clock.now();
    let state = runtime::read(domain.db.read(), [MANAGED_ACCOUNT])
        .await?
        .remove(&MANAGED_ACCOUNT);
    Ok(state
        .map(|state| Account {
            block: state.health.block_at(now).cloned(),
            paused_until: state.health.pause_at(now).map(|pause| pause.until),
        })
        .unwrap_or_default())
}

/// Unblocks the account for all teams, with a clean record.
pub async fn unblock(domain: &Domain, operator: &Operator) -> Result<()> {
    let now = domain.clock.now();
    system_mail::prepare(domain).await?;
    let tx = domain.db.begin().await?;
    for mut state in runtime::lock(&tx, domain.db.backend(), [MANAGED_ACCOUNT])
        .await?
        .into_values()
    {
        let (health, events) = health::unblock(state.health);
        state.health = health;
        runtime::save(&tx, &state).await?;
        // The account belongs to no team: the event goes to every team.
        record_events(&tx, domain, now, 0, MANAGED_ACCOUNT, &events).await?;
    }
    installation::fault_is_over(&tx, ProviderKind::ManagedSes).await?;
    let actor = operator.actor(system_mail::team_id(domain)?);
    audit::record(&tx, now, &actor, "managed.unblocked", "managed_ses", json!({})).await?;
    queue::mark_all_for_requeue(&tx, now).await?;
    tx.commit().await?;
    domain.signals.config_changed();
    Ok(())
}

/// Alerts the operators that the account was blocked, if it needs an action of theirs.
pub async fn alert(tx: &Transaction, domain: &Domain, block: &Block) -> Result<Mails> {
    // Only a database that no server has used has no system team.
    if system_mail::known_team(domain).is_none() {
        return Ok(Mails::default());
    }
    match block.kind {
        BlockKind::Auth | BlockKind::Config => {
            let letter = Mail::AccountBlocked { cause: &block.cause }.letter(&domain.settings)?;
            system_mail::to_operators(tx, domain, &letter).await
        }
        BlockKind::Quota | BlockKind::Connection => Ok(Mails::default()),
    }
}
