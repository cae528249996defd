//! API keys and their scopes.

use super::model::{KeyItem, KeysPage, ScopeChoices, ScopeItem, ScopeOption};
use crate::model::{Named, percent};
use crate::server::words::moment;
use sendmux_domain::groups::Group;
use sendmux_domain::keys::{Key, Permission};
use sendmux_domain::providers::ProviderView;
use sendmux_rules::{ProviderKind, Timestamp};

/// The keys, those that work apart from those that do not.
pub fn keys(keys: Vec<Key>, now: Timestamp) -> KeysPage {
    let (active, ended) = keys
        .into_iter()
        .map(|one| key(one, now))
        .partition(KeyItem::is_in_force);
    KeysPage { active, ended }
}

/// A key.
pub fn key(key: Key, now: Timestamp) -> KeyItem {
    let moment = |at| moment(at, now);
    KeyItem {
        id: key.public_id,
        name: key.name,
        mode: key.mode.as_str().to_owned(),
        prefix: key.prefix,
        scope: ScopeItem {
            kind: key.scope.kind().as_str().to_owned(),
            targets: key
                .targets
                .into_iter()
                .map(|target| Named {
                    id: target.public_id,
                    name: target.name,
                })
                .collect(),
        },
        permissions: key
            .permissions
            .iter()
            .copied()
            .map(Permission::as_str)
            .collect::<Vec<_>>()
            .join(", "),
        created: moment(key.created_at),
        last_used: key.last_used_at.map(moment),
        is_expired: key.expires_at.is_some_and(|at| at <= now),
        expires: key.expires_at.map(moment),
        revoked: key.revoked_at.map(moment),
    }
}

/// Providers and groups that a scope can name.
pub fn scope_choices(providers: Vec<ProviderView>, groups: Vec<Group>) -> ScopeChoices {
    let provider = |view: ProviderView| ScopeOption {
        detail: view.kind.label().to_owned(),
        id: view.public_id,
        name: view.name,
    };
    let group = |group: Group| ScopeOption {
        detail: members(&group),
        id: group.public_id,
        name: group.name,
    };
    let mut providers = providers;
    providers.retain(|view| view.kind != ProviderKind::Sandbox);
    providers.sort_by_key(|view| !view.kind.is_own());
    ScopeChoices {
        providers: providers.into_iter().map(provider).collect(),
        groups: groups.into_iter().map(group).collect(),
    }
}

/// `Relay 75%, Backup 25%`.
fn members(group: &Group) -> String {
    if group.members.is_empty() {
        return "No members yet: what its keys send is refused.".to_owned();
    }
    let members = group.members.iter();
    let told: Vec<String> = members
        .map(|member| format!("{} {}", member.name, percent(member.share)))
        .collect();
    told.join(", ")
}
