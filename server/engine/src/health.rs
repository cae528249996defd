//! What attempts mean for their providers: health, pauses, charges given back. Written in the transaction that settles
//! the attempts.

use crate::settler::Settling;
use sendmux_domain::providers;
use sendmux_domain::routing;
use sendmux_domain::runtime::{self, Runtime};
use sendmux_domain::{Domain, Result, Timestamp, db::Transaction};
use sendmux_rules::Class;
use sendmux_rules::caps::{self, Charge};
use sendmux_rules::classify::ProviderEffect;
use sendmux_rules::health::{HealthPolicy, on_outcome};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a provider is left out for a sender domain that it refused.
const SENDER_LEFT_OUT: Duration = Duration::from_secs(60 * 60);

/// Applies what these attempts mean for their providers. True: what a lane may do has changed.
pub(crate) async fn apply(tx: &Transaction, domain: &Domain, group: &[Settling], now: Timestamp) -> Result<bool> {
    let providers: BTreeSet<i64> = group
        .iter()
        .filter_map(|settling| settling.settlement.attempt.as_ref())
        .map(|attempt| attempt.provider_id)
        .collect();
    let mut runtimes = runtime::lock(tx, domain.db.backend(), providers).await?;
    let before: BTreeMap<i64, Runtime> = runtimes.clone();
    let policy = HealthPolicy::default();
    let mut happened = Vec::new();
    let mut refunded = BTreeSet::new();
    for settling in group {
        let Some(attempt) = &settling.settlement.attempt else {
            continue;
        };
        let Some(runtime) = runtimes.get_mut(&attempt.provider_id) else {
            continue;
        };
        let (health, events) = on_outcome(&policy, std::mem::take(&mut runtime.health), &attempt.outcome, now);
        runtime.health = health;
        happened.extend(
            events
                .into_iter()
                .map(|event| (settling.settlement.team_id, attempt.provider_id, event)),
        );
        // The charge stays where the message was taken, or may have been.
        if attempt.accepted_count == 0
            && attempt.outcome.class != Class::Unknown
            && let Some(charge) = settling
                .charge
                .as_deref()
                .and_then(|text| serde_json::from_str::<Charge>(text).ok())
        {
            caps::refund(&mut runtime.usage, charge);
            refunded.insert(attempt.provider_id);
        }
        if attempt.outcome.effect_on_provider() == ProviderEffect::LeaveOutSender {
            let until = now.plus(SENDER_LEFT_OUT);
            let advice = attempt.outcome.cause();
            runtime::refuse_sender(tx, attempt.provider_id, &settling.sender_domain, until, &advice).await?;
        }
    }
    for (provider_id, runtime) in &runtimes {
        let changed = before
            .get(provider_id)
            .is_none_or(|old| old.health != runtime.health || old.usage != runtime.usage);
        if changed {
            runtime::save(tx, runtime).await?;
        }
    }
    // A lane that waits for the cap's next window may have room now.
    let changed = !happened.is_empty() || (!refunded.is_empty() && routing::any_capped(tx, refunded).await?);
    for (team_id, provider_id, event) in happened {
        tracing::info!(provider_id, ?event, "a provider's health changed");
        providers::record_events(tx, domain, now, team_id, provider_id, &[event]).await?;
    }
    Ok(changed)
}
