//! The overview.

use super::model::{Attention, Bar, Checklist, Counts, HealthItem, OverviewView, WaitItem};
use crate::features::operator::convert::fault_item;
use crate::features::providers::convert::providers;
use crate::features::providers::model::ProviderItem;
use crate::features::routing::convert::waits;
use crate::server::words;
use sendmux_domain::groups::Group;
use sendmux_domain::installation::Fault;
use sendmux_domain::overview::Overview;
use sendmux_domain::providers::ProviderView;
use sendmux_domain::routing::LaneWaiting;
use sendmux_rules::Timestamp;

/// From this part of a day's cap on, 0 to 100, its use is worth a word.
const NEAR: f64 = 80.0;

/// Data of the overview.
pub struct Seen {
    /// The numbers.
    pub overview: Overview,
    /// The team's providers.
    pub providers: Vec<ProviderView>,
    /// The team's groups.
    pub groups: Vec<Group>,
    /// Waiting messages.
    pub waiting: Vec<LaneWaiting>,
    /// Faults of the installation, when the viewer is its operator.
    pub faults: Vec<Fault>,
}

/// The overview of a team.
pub fn overview(seen: Seen, now: Timestamp) -> OverviewView {
    let Seen {
        overview,
        groups,
        faults,
        ..
    } = seen;
    let providers = providers(seen.providers, now);
    let waits = waits(seen.waiting, now);
    OverviewView {
        counts: Counts {
            accepted: overview.accepted,
            sent: overview.sent,
            failed: overview.failed,
            bounced: overview.bounced,
            complained: overview.complained,
            waiting: overview.waiting,
            sending: overview.sending,
            retrying: overview.retrying,
        },
        bars: overview
            .by_hour
            .into_iter()
            .map(|hour| Bar {
                label: words::hour(hour.at),
                accepted: hour.accepted,
                sent: hour.sent,
                failed: hour.failed,
                bounced: hour.bounced,
                complained: hour.complained,
            })
            .collect(),
        attention: of_installation(faults, now)
            .chain(attention(&providers, &groups, &waits))
            .collect(),
        waits,
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

/// Faults of the installation itself, for its operator.
fn of_installation(faults: Vec<Fault>, now: Timestamp) -> impl Iterator<Item = Attention> {
    faults.into_iter().map(move |fault| {
        let fault = fault_item(fault, now);
        Attention {
            tone: "error".to_owned(),
            title: fault.title,
            detail: fault.advice,
            until: None,
            href: "/operator/managed".to_owned(),
        }
    })
}

/// Obstacles to sending, the worst first: what is refused, what waits for a hand, what waits for time, what
/// will.
fn attention(providers: &[ProviderItem], groups: &[Group], waits: &[WaitItem]) -> Vec<Attention> {
    let item = |tone: &str, title: String, detail: String, href: String| Attention {
        tone: tone.to_owned(),
        title,
        detail,
        until: None,
        href,
    };
    let page = |provider: &ProviderItem| format!("/providers/{}", provider.id);
    let is_serving = |provider: &&ProviderItem| {
        provider.kind != "sandbox" && matches!(provider.state.as_str(), "active" | "full" | "paused" | "blocked")
    };
    let mut items = Vec::new();
    if !providers.iter().any(|provider| is_serving(&provider)) {
        items.push(item(
            "error",
            "No provider is active".to_owned(),
            "New messages are refused until you add a provider or switch one on.".to_owned(),
            "/providers".to_owned(),
        ));
    }
    for group in groups
        .iter()
        .filter(|group| !group.used_by.is_empty() && serves_nobody(group))
    {
        let keys: Vec<&str> = group.used_by.iter().map(|key| key.name.as_str()).collect();
        items.push(item(
            "error",
            format!("The group {} sends nothing", group.name),
            format!(
                "None of its members is active with a weight above 0, and it is the scope of: {}.",
                keys.join(", ")
            ),
            format!("/groups/{}", group.public_id),
        ));
    }
    for wait in waits.iter().filter(|wait| wait.by_hand) {
        let who = match wait.messages {
            1 => "1 message waits".to_owned(),
            messages => format!("{messages} messages wait"),
        };
        items.push(item(
            "error",
            format!("{who} for somebody's hand"),
            "No provider in their scope comes back by itself: put one back, switch one on, or add one.".to_owned(),
            "/providers".to_owned(),
        ));
    }
    let mut blocked: Vec<&ProviderItem> = providers
        .iter()
        .filter(|provider| provider.state == "blocked")
        .collect();
    blocked.sort_by_key(|provider| provider.until.is_some());
    for provider in blocked {
        let why = provider.reason.clone();
        items.push(Attention {
            until: provider.until.clone(),
            ..item(
                "error",
                format!("{} is blocked", provider.name),
                why.unwrap_or_else(|| "It is pulled from rotation.".to_owned()),
                page(provider),
            )
        });
    }
    for provider in providers.iter().filter(|provider| provider.state == "full") {
        items.push(Attention {
            until: provider.until.clone(),
            ..item(
                "warning",
                format!("{} is at its cap", provider.name),
                "What is for it waits until there is room.".to_owned(),
                page(provider),
            )
        });
    }
    for provider in providers.iter().filter(|provider| provider.state == "active") {
        let day = provider.caps.iter().find(|cap| cap.window == "day");
        if let Some(percent) = day
            .and_then(crate::features::providers::model::CapItem::percent)
            .filter(|percent| *percent >= NEAR)
        {
            items.push(item(
                "warning",
                format!("{} has used {percent:.0}% of its cap for the day", provider.name),
                "What comes above it waits until there is room.".to_owned(),
                page(provider),
            ));
        }
    }
    items
}

fn serves_nobody(group: &Group) -> bool {
    !group.members.iter().any(|member| member.share > 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_domain::groups::KeyName;

    fn provider(name: &str, state: &str) -> ProviderItem {
        ProviderItem {
            id: "prv_1".to_owned(),
            kind: "smtp".to_owned(),
            name: name.to_owned(),
            state: state.to_owned(),
            ..ProviderItem::default()
        }
    }

    fn titles(providers: &[ProviderItem], groups: &[Group], waits: &[WaitItem]) -> Vec<String> {
        attention(providers, groups, waits)
            .into_iter()
            .map(|item| item.title)
            .collect()
    }

    #[test]
    fn a_team_without_an_active_provider_is_told_first() {
        let of = |state: &str| titles(&[provider("Mail", state)], &[], &[]);
        assert_eq!(of("inactive"), ["No provider is active"]);
        assert_eq!(of("blocked"), ["Mail is blocked"]);
        assert!(of("active").is_empty());
    }

    #[test]
    fn what_only_a_hand_can_end_comes_before_what_time_ends() {
        let timed = ProviderItem {
            until: Some(crate::model::Moment::default()),
            ..provider("Timed", "blocked")
        };
        let wait = WaitItem {
            messages: 3,
            by_hand: true,
            ..WaitItem::default()
        };
        let group = Group {
            id: 1,
            public_id: "grp_1".to_owned(),
            name: "Empty".to_owned(),
            members: Vec::new(),
            used_by: vec![KeyName {
                public_id: "key_1".to_owned(),
                name: "Shop".to_owned(),
            }],
            created_at: Timestamp::from_millis(0),
            updated_at: Timestamp::from_millis(0),
        };
        let providers = [provider("Full", "full"), timed, provider("By hand", "blocked")];
        assert_eq!(
            titles(&providers, &[group], &[wait]),
            [
                "The group Empty sends nothing",
                "3 messages wait for somebody's hand",
                "By hand is blocked",
                "Timed is blocked",
                "Full is at its cap",
            ]
        );
    }
}
