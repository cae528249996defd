//! From the domain's types to what pages show.

mod managed;
mod messages;
mod overview;
mod providers;
mod timeline;

pub use managed::{endpoint, feedback, managed_route, request_item, team_item};
pub use messages::{message, message_item, sandbox_item};
pub use overview::overview;
pub use providers::{provider, providers, test_result};

use super::context::Current;
use super::moment::moment;
use crate::model::{KeyItem, KeysPage, Theme, Viewer};
use sendmux_domain::keys::{Key, Permission, Scope};
use sendmux_rules::Timestamp;

/// Who looks at the page.
pub fn viewer(current: &Current, theme: Theme) -> Viewer {
    let (account, settings) = (&current.account, &current.domain.settings);
    Viewer {
        name: account.user.name.clone(),
        email: account.user.email.clone(),
        team_id: account.team.public_id.clone(),
        team: account.team.name.clone(),
        managed_address: format!("{}@{}", account.team.slug, settings.managed_domain),
        role: capitalised(account.role.as_str()),
        can_configure: account.role.can_configure(),
        can_manage_team: account.role.can_manage_team(),
        is_operator: account.user.is_operator,
        theme,
        public_url: settings.public_url.clone(),
    }
}

/// The keys, those that work apart from those that do not.
pub fn keys(keys: Vec<Key>, now: Timestamp) -> KeysPage {
    let (revoked, active) = keys
        .into_iter()
        .map(|key| key_item(key, now))
        .partition(|key| key.revoked.is_some());
    KeysPage { active, revoked }
}

fn key_item(key: Key, now: Timestamp) -> KeyItem {
    let moment = |at| moment(at, now);
    KeyItem {
        id: key.public_id,
        name: key.name,
        mode: key.mode.as_str().to_owned(),
        prefix: key.prefix,
        scope: match &key.scope {
            Scope::All => "Every provider".to_owned(),
            Scope::Providers(ids) => counted(ids.len(), "provider"),
            Scope::Groups(ids) => counted(ids.len(), "group"),
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
        revoked: key.revoked_at.map(moment),
    }
}

/// `1 provider`, `3 providers`.
fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// With a capital letter at the beginning, and blanks for underscores.
fn capitalised(name: &str) -> String {
    let mut chars = name.chars().map(|c| if c == '_' { ' ' } else { c });
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}
