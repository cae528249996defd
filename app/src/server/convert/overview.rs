//! The overview.

use super::providers;
use crate::model::{Attention, Bar, Checklist, Counts, HealthItem, OverviewView, ProviderItem};
use crate::server::context::Current;
use crate::server::moment;
use sendmux_domain::overview::Overview;
use sendmux_domain::providers::ProviderView;

/// The overview of the viewer's team.
pub fn overview(current: &Current, overview: Overview, listed: Vec<ProviderView>) -> OverviewView {
    let providers = providers(listed, current.now());
    OverviewView {
        counts: Counts {
            accepted: overview.accepted,
            sent: overview.sent,
            failed: overview.failed,
            waiting: overview.waiting,
            sending: overview.sending,
            retrying: overview.retrying,
        },
        bars: overview
            .by_hour
            .into_iter()
            .map(|hour| Bar {
                label: moment::hour(hour.at),
                accepted: hour.accepted,
                sent: hour.sent,
                failed: hour.failed,
            })
            .collect(),
        attention: attention(&providers),
        managed_in_sandbox: providers.iter().any(|provider| provider.managed && provider.to_sandbox),
        providers: providers
            .into_iter()
            .filter(|provider| provider.kind != "sandbox")
            .map(health)
            .collect(),
        checklist: Checklist {
            has_key: overview.checklist.has_key,
            has_sent: overview.checklist.has_sent,
            has_provider: overview.checklist.has_provider,
        },
    }
}

fn health(provider: ProviderItem) -> HealthItem {
    HealthItem {
        id: provider.id,
        name: provider.name,
        kind_label: provider.kind_label,
        state: provider.state,
        reason: provider.reason,
        until: provider.until,
    }
}

/// What keeps messages from going, the worst first.
fn attention(providers: &[ProviderItem]) -> Vec<Attention> {
    let usable = |provider: &ProviderItem| {
        provider.kind != "sandbox" && matches!(provider.state.as_str(), "active" | "paused" | "blocked")
    };
    let mut items = Vec::new();
    if !providers.iter().any(usable) {
        items.push(Attention {
            tone: "error".to_owned(),
            title: "No provider is active".to_owned(),
            detail: "New messages are refused until you add a provider or switch one on.".to_owned(),
            href: "/providers".to_owned(),
        });
    }
    for provider in providers.iter().filter(|provider| provider.state == "blocked") {
        items.push(Attention {
            tone: "error".to_owned(),
            title: format!("{} is blocked", provider.name),
            detail: provider
                .reason
                .clone()
                .unwrap_or_else(|| "It is pulled from rotation.".to_owned()),
            href: format!("/providers/{}", provider.id),
        });
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_without_an_active_provider_is_told_first() {
        let provider = |state: &str| ProviderItem {
            id: "prv_1".to_owned(),
            kind: "smtp".to_owned(),
            name: "Mail".to_owned(),
            state: state.to_owned(),
            ..ProviderItem::default()
        };
        let titles = |providers: &[ProviderItem]| -> Vec<String> {
            attention(providers).into_iter().map(|item| item.title).collect()
        };
        assert_eq!(titles(&[provider("inactive")]), ["No provider is active"]);
        assert_eq!(titles(&[provider("blocked")]), ["Mail is blocked"]);
        assert!(titles(&[provider("active")]).is_empty());
    }
}
