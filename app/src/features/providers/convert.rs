//! Providers.

use super::model::{BlockItem, CapItem, MailboxValues, ProviderItem, ProviderPage, SesValues, SmtpValues};
use crate::model::{ConnectionTest, Named, TestStepItem};
use crate::server::words::{label, moment};
use sendmux_domain::providers::{ProviderView, TestResult};
use sendmux_rules::caps::DayRule;
use sendmux_rules::{Block, BlockKind, LeftOut, ProviderKind, ProviderStatus, Timestamp};

/// The providers, the team's own first.
pub fn providers(mut list: Vec<ProviderView>, now: Timestamp) -> Vec<ProviderItem> {
    list.sort_by_key(|view| (!view.kind.is_own(), view.kind == ProviderKind::Sandbox));
    list.into_iter().map(|view| provider(view, now)).collect()
}

/// One provider with what its form is weighed against.
pub fn provider_page(list: Vec<ProviderView>, id: &str, now: Timestamp) -> Option<ProviderPage> {
    let shares_with = |view: &&ProviderView| view.status == ProviderStatus::Active && view.kind.is_own();
    let others = list
        .iter()
        .filter(shares_with)
        .filter(|view| view.public_id != id)
        .map(|view| view.weight)
        .collect();
    let view = list.into_iter().find(|view| view.public_id == id)?;
    Some(ProviderPage {
        provider: provider(view, now),
        others,
    })
}

/// One provider.
pub fn provider(view: ProviderView, now: Timestamp) -> ProviderItem {
    let (state, reason, until) = state(&view, now);
    let is_own = view.kind.is_own();
    let (smtp, ses) = (view.smtp().cloned(), view.ses().cloned());
    ProviderItem {
        kind: view.kind.as_str().to_owned(),
        kind_label: view.kind.label().to_owned(),
        state: state.to_owned(),
        reason,
        until: until.map(|at| moment(at, now)),
        block: view.block.clone().map(|block| block_item(block, now)),
        weight: view.weight,
        share: view.share,
        share_now: view.share_now,
        caps: caps(&view),
        caps_count: if view.kind.counts_recipients() {
            "recipients"
        } else {
            "messages"
        }
        .to_owned(),
        groups: view
            .groups
            .iter()
            .map(|group| Named {
                id: group.public_id.clone(),
                name: group.name.clone(),
            })
            .collect(),
        last_used: view.last_used_at.map(|at| moment(at, now)),
        managed: view.kind == ProviderKind::ManagedSes,
        to_sandbox: view.to_sandbox,
        editable: is_own,
        smtp: smtp.map(|smtp| SmtpValues {
            host: smtp.host,
            port: smtp.port.to_string(),
            security: smtp.security.as_str().to_owned(),
            username: smtp.username,
            has_password: view.has_secret,
            helo_name: smtp.helo_name.unwrap_or_default(),
            connect_timeout: smtp.timeouts.connect.to_string(),
            command_timeout: smtp.timeouts.command.to_string(),
            data_timeout: smtp.timeouts.data.to_string(),
        }),
        ses: ses.map(|ses| SesValues {
            region: ses.region,
            access_key_id: ses.access_key_id,
            role_arn: ses.role_arn.unwrap_or_default(),
            external_id: ses.external_id.unwrap_or_default(),
            configuration_set: ses.configuration_set.unwrap_or_default(),
            endpoint: ses.endpoint.unwrap_or_default(),
        }),
        mailbox: view.mailbox.map(|mailbox| MailboxValues {
            email: mailbox.email,
            aliases: mailbox.aliases.join(", "),
            connected: mailbox.connected_at.map(|at| moment(at, now)),
        }),
        last_test: view.last_test.map(|test| ConnectionTest {
            at: Some(moment(test.at, now)),
            ..test_result(&view.public_id, &view.name, test.result)
        }),
        version: view.version,
        id: view.public_id,
        name: view.name,
    }
}

/// Use and cap of each window.
fn caps(view: &ProviderView) -> Vec<CapItem> {
    let default = view.kind.default_caps();
    let day = match view.caps.day_rule {
        DayRule::Rolling => "Last 24 hours",
        DayRule::UtcDay => "Today (UTC)",
    };
    [
        (
            "second",
            "This second",
            view.caps.second,
            view.used.second,
            default.second,
        ),
        (
            "minute",
            "This minute",
            view.caps.minute,
            view.used.minute,
            default.minute,
        ),
        ("hour", "This hour", view.caps.hour, view.used.hour, default.hour),
        ("day", day, view.caps.day, view.used.day, default.day),
    ]
    .into_iter()
    .map(|(window, label, cap, used, default)| CapItem {
        window: window.to_owned(),
        label: label.to_owned(),
        cap,
        used,
        default,
    })
    .collect()
}

/// The result of a connection test.
pub fn test_result(id: &str, name: &str, result: TestResult) -> ConnectionTest {
    ConnectionTest {
        provider_id: id.to_owned(),
        provider: name.to_owned(),
        ok: result.ok,
        steps: result
            .steps
            .into_iter()
            .map(|step| TestStepItem {
                name: step_name(&step.name),
                ok: step.ok,
                detail: step.detail,
            })
            .collect(),
        advice: result.advice,
        at: None,
    }
}

/// The state, why it is that, and when it ends.
pub fn state(view: &ProviderView, now: Timestamp) -> (&'static str, Option<String>, Option<Timestamp>) {
    match view.status {
        ProviderStatus::Inactive => return ("inactive", None, None),
        ProviderStatus::Pending if view.kind == ProviderKind::ManagedSes => {
            let why = "It opens once the address of the team's owner is verified.";
            return ("setup", Some(why.to_owned()), None);
        }
        ProviderStatus::Pending => return ("setup", Some("It is not connected yet.".to_owned()), None),
        ProviderStatus::Suspended => {
            let why = "Too much of what was sent came back. Only the operator of this installation can lift this.";
            return ("suspended", Some(why.to_owned()), None);
        }
        ProviderStatus::Active => {}
    }
    if let Some(block) = &view.block {
        return ("blocked", Some(block_reason(block, view.kind)), block.until);
    }
    if let Some(until) = view.paused_until.filter(|until| *until > now) {
        return (
            "paused",
            Some("It asked to be sent less for a while.".to_owned()),
            Some(until),
        );
    }
    match view.hold {
        Some(hold) if hold.reason == LeftOut::Cap => (
            "full",
            Some("Its caps leave no room: what is for it waits.".to_owned()),
            hold.opens_at,
        ),
        Some(hold) if hold.reason == LeftOut::ZeroWeight => (
            "active",
            Some("Drained: its weight is 0, so that it takes part only where a group weights it.".to_owned()),
            None,
        ),
        _ if view.to_sandbox => (
            "active",
            Some("Delivers into the sandbox: this installation has no Amazon SES account.".to_owned()),
            None,
        ),
        _ => ("active", None, None),
    }
}

/// Block of a provider: the reason for which it is pulled from rotation.
pub fn block_item(block: Block, now: Timestamp) -> BlockItem {
    BlockItem {
        fault: block_fault(block.kind).to_owned(),
        cause: block.cause,
        since: moment(block.since, now),
        until: block.until.map(|at| moment(at, now)),
    }
}

fn block_reason(block: &Block, kind: ProviderKind) -> String {
    let end = match (block.until, kind) {
        (Some(_), _) => "",
        (None, ProviderKind::ManagedSes) => " The operator of this installation has to put it back.",
        (None, _) => " A passed connection test ends the block.",
    };
    format!(
        "{} ({}).{end}",
        block_fault(block.kind),
        block.cause.trim_end_matches('.')
    )
}

fn block_fault(kind: BlockKind) -> &'static str {
    match kind {
        BlockKind::Quota => "Its quota is used up",
        BlockKind::Connection => "It failed three times within five minutes",
        BlockKind::Auth => "It refuses the login",
        BlockKind::Config => "It cannot send as it is set up",
    }
}

/// A step of a connection test, in words.
fn step_name(name: &str) -> String {
    match name {
        "tls" => "TLS".to_owned(),
        "ehlo" => "EHLO".to_owned(),
        "auth" => "Log in".to_owned(),
        "noop" => "NOOP".to_owned(),
        "token" => "Consent".to_owned(),
        name => label(name),
    }
}
