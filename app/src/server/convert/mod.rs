//! From the domain's types to what pages show.

mod groups;
mod keys;
mod managed;
mod messages;
mod overview;
mod providers;
mod routing;
mod timeline;

pub use groups::{group, group_candidates};
pub use keys::{key, keys, scope_choices};
pub use managed::{endpoint, fault_item, feedback, managed_route, request_item, team_item};
pub use messages::{message, message_item, sandbox_item};
pub use overview::{Seen, overview};
pub use providers::{block_item, provider, provider_page, providers, test_result};
pub use routing::{candidates, dry_run};

use super::context::Current;
use crate::model::{OwnTeam, SmtpSetup, Theme, Viewer};
use sendmux_domain::accounts::Team;
use sendmux_domain::{Role, Settings};

/// Addresses of SMTP submission.
pub fn smtp_setup(settings: &Settings) -> SmtpSetup {
    let submission = &settings.submission;
    let host = submission.host.as_deref().unwrap_or_else(|| settings.public_host());
    let is_this_machine = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    SmtpSetup {
        // A mail client takes an IPv6 address without the brackets that a URL needs.
        host: host.trim_matches(['[', ']']).to_owned(),
        starttls_port: submission.starttls_port,
        tls_port: submission.tls_port,
        is_self_signed: submission.is_self_signed,
        is_out_of_reach: submission.is_local && !is_this_machine,
    }
}

/// The viewer of the page.
pub fn viewer(current: &Current, theme: Theme, teams: Vec<(Team, Role)>, can_create_team: bool) -> Viewer {
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
        teams: teams
            .into_iter()
            .map(|(team, role)| OwnTeam {
                id: team.public_id,
                name: team.name,
                role: capitalised(role.as_str()),
            })
            .collect(),
        can_create_team,
        is_operator: account.user.is_operator,
        theme,
        public_url: settings.public_url.clone(),
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
