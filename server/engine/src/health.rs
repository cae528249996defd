//! Effects of attempts on their providers: health, pauses, refunded charges. Written in the transaction that settles
//! the attempts.

use crate::refunds::CapRefund;
use crate::settler::Settling;
use sendmux_domain::providers;
use sendmux_domain::routing;
use sendmux_domain::runtime::{self, Runtime};
use sendmux_domain::signals::Signals;
use sendmux_domain::system_mail::Mails;
use sendmux_domain::{Domain, Result, Timestamp, db::Transaction, installation, managed};
use sendmux_rules::caps;
use sendmux_rules::classify::ProviderEffect;
use sendmux_rules::health::{HealthPolicy, on_outcome};
use sendmux_rules::{Class, HealthEvent, ProviderKind};
use std::collections::{BTreeMap, BTreeSet};

/// Changes that settlements made for waiting messages, and for people.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    /// Providers that were pulled or have come back, or have room under a cap.
    pub(crate) changed: BTreeSet<i64>,
    /// Teams, and domains of senders that a provider of theirs has begun to refuse.
    pub(crate) refused: BTreeSet<(i64, String)>,
    /// Mails to the operators.
    pub(crate) mails: Mails,
}

impl Applied {
    /// Tells those whom it concerns, once it is committed.
    pub(crate) fn tell(self, domain: &Domain) {
        let signals: &Signals = &domain.signals;
        self.mails.wake(domain);
        for provider_id in self.changed {
            signals.provider_changed(provider_id);
        }
        for (team_id, sender_domain) in self.refused {
            signals.sender_refused(team_id, sender_domain);
        }
    }
}

/// Applies what these settlements mean for their providers.
pub(crate) async fn apply<'s>(
    tx: &Transaction,
    domain: &Domain,
    settled: impl Iterator<Item = &'s Settling> + Clone,
    now: Timestamp,
) -> Result<Applied> {
    let mut applied = Applied::default();
    let providers: BTreeSet<i64> = settled.clone().map(|settling| settling.provider_id).collect();
    let mut runtimes = runtime::lock(tx, domain.db.backend(), providers).await?;
    let before: BTreeMap<i64, Runtime> = runtimes.clone();
    let policy = HealthPolicy::default();
    let mut happened = Vec::new();
    let mut account_works = false;
    let mut refunded: BTreeMap<i64, Refunded> = BTreeMap::new();
    for settling in settled {
        let provider_id = settling.provider_id;
        let Some(runtime) = runtimes.get_mut(&provider_id) else {
            continue;
        };
        if is_given_back(settling)
            && let Some(charge) = settling.charge.clone()
        {
            let one = refunded.entry(provider_id).or_insert(Refunded {
                team_id: settling.settlement.team_id,
                units: 0,
            });
            one.units += u64::from(charge.units());
            caps::refund(&mut runtime.usage, charge);
        }
        let Some(attempt) = &settling.settlement.attempt else {
            continue;
        };
        let (health, events) = on_outcome(&policy, std::mem::take(&mut runtime.health), &attempt.outcome, now);
        runtime.health = health;
        if runtime.has_shared_health() {
            account_works |= attempt.outcome.class == Class::Accepted;
            let changed = runtime.clone();
            runtimes.values_mut().for_each(|other| other.share_health(&changed));
        }
        happened.extend(
            events
                .into_iter()
                .map(|event| (settling.settlement.team_id, provider_id, event)),
        );
        if attempt.outcome.effect_on_provider() == ProviderEffect::LeaveOutSender {
            let until = now.plus(runtime::SENDER_LEFT_OUT);
            let advice = attempt.outcome.cause();
            let domain = &settling.sender_domain;
            if runtime::refuse_sender(tx, provider_id, domain, now, until, &advice).await? {
                applied.refused.insert((settling.settlement.team_id, domain.clone()));
            }
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
    if account_works {
        installation::fault_is_over(tx, ProviderKind::ManagedSes).await?;
    }
    for (team_id, provider_id, event) in happened {
        if let HealthEvent::OperatorFault(cause) = &event {
            installation::note_fault(tx, provider_id, cause, now).await?;
            continue;
        }
        tracing::info!(provider_id, ?event, "a provider's health changed");
        if let HealthEvent::Blocked(block) = &event
            && runtimes.get(&provider_id).is_some_and(Runtime::has_shared_health)
        {
            applied.mails.extend(managed::alert(tx, domain, block).await?);
        }
        let concerned = providers::record_events(tx, domain, now, team_id, provider_id, &[event]).await?;
        applied.changed.insert(provider_id);
        applied.changed.extend(concerned);
    }
    let changed = |id: &i64| Some((before.get(id)?, runtimes.get(id)?));
    for provider in routing::capped(tx, refunded.keys().copied()).await? {
        let id = provider.provider_id;
        let (Some(one), Some((before, after))) = (refunded.get(&id), changed(&id)) else {
            continue;
        };
        let refund = CapRefund {
            provider: &provider,
            before: &before.usage,
            after: &after.usage,
        };
        refund.wake(tx, domain, one.team_id, one.units, now).await?;
        applied.changed.insert(id);
    }
    Ok(applied)
}

/// Charges that were given back at one provider.
struct Refunded {
    team_id: i64,
    units: u64,
}

/// True if the charge is given back: the attempt never began, or the provider did not take the message. It stays where
/// the message was taken, or may have been.
fn is_given_back(settling: &Settling) -> bool {
    settling
        .settlement
        .attempt
        .as_ref()
        .is_none_or(|attempt| attempt.accepted_count == 0 && attempt.outcome.class != Class::Unknown)
}
