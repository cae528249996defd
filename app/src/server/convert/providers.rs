//! Providers.

use super::capitalised;
use crate::model::{ConnectionTest, MailboxValues, ProviderItem, SesValues, SmtpValues, TestStepItem};
use crate::server::moment::moment;
use sendmux_domain::providers::{ProviderStatus, ProviderView, TestResult};
use sendmux_rules::select::prefer_own_providers;
use sendmux_rules::shares::{Member, Share, shares};
use sendmux_rules::{Block, BlockKind, ProviderKind, Timestamp};

/// The providers, the team's own first, with their shares under the scope of every provider.
pub fn providers(mut list: Vec<ProviderView>, now: Timestamp) -> Vec<ProviderItem> {
    list.sort_by_key(|view| (!view.kind.is_own(), view.kind == ProviderKind::Sandbox));
    let shares = shares_of_all(&list);
    list.into_iter()
        .map(|view| {
            let share = shares.iter().find(|share| share.id == view.id);
            ProviderItem {
                share: share.map(|share| format!("{:.0}%", share.percent)),
                ..provider(view, now)
            }
        })
        .collect()
}

/// One provider, without its share.
pub fn provider(view: ProviderView, now: Timestamp) -> ProviderItem {
    let (state, reason, until) = state(&view, now);
    let is_own = view.kind.is_own();
    ProviderItem {
        kind: view.kind.as_str().to_owned(),
        kind_label: kind_label(view.kind).to_owned(),
        state: state.to_owned(),
        reason,
        until: until.map(|at| moment(at, now)),
        weight: view.weight,
        share: None,
        last_used: view.last_used_at.map(|at| moment(at, now)),
        managed: view.kind == ProviderKind::ManagedSes,
        to_sandbox: view.to_sandbox,
        editable: is_own,
        smtp: view.smtp.map(|smtp| SmtpValues {
            host: smtp.host,
            port: smtp.port.to_string(),
            security: smtp.security.as_str().to_owned(),
            username: smtp.username,
            has_password: smtp.has_password,
        }),
        ses: view.ses.map(|ses| SesValues {
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
fn state(view: &ProviderView, now: Timestamp) -> (&'static str, Option<String>, Option<Timestamp>) {
    match view.status {
        ProviderStatus::Inactive => ("inactive", None, None),
        ProviderStatus::Pending if view.kind == ProviderKind::ManagedSes => (
            "setup",
            Some("It opens once the address of the team's owner is verified.".to_owned()),
            None,
        ),
        ProviderStatus::Pending => ("setup", Some("It is not connected yet.".to_owned()), None),
        ProviderStatus::Suspended => (
            "suspended",
            Some(
                "Too much of what was sent came back. Only the operator of this installation can lift this.".to_owned(),
            ),
            None,
        ),
        ProviderStatus::Active => match (&view.block, view.paused_until.filter(|until| *until > now)) {
            (Some(block), _) => ("blocked", Some(block_reason(block)), block.until),
            (None, Some(until)) => (
                "paused",
                Some("It asked to be sent less for a while.".to_owned()),
                Some(until),
            ),
            (None, None) if view.to_sandbox => (
                "active",
                Some("Delivers into the sandbox: this installation has no Amazon SES account.".to_owned()),
                None,
            ),
            (None, None) => ("active", None, None),
        },
    }
}

fn block_reason(block: &Block) -> String {
    let (what, end) = match block.kind {
        BlockKind::Quota => ("Its quota is used up", ""),
        BlockKind::Connection => ("It failed three times within five minutes", ""),
        BlockKind::Auth => ("It refuses the login", " A passed connection test ends the block."),
        BlockKind::Config => (
            "It cannot send as it is set up",
            " A passed connection test ends the block.",
        ),
    };
    format!("{what} ({}).{end}", block.cause.trim_end_matches('.'))
}

/// Under the scope of every provider the team's own ones share the traffic; the managed route stands in when there is
/// none. A blocked one is out of rotation: it has no share, and the others take it.
fn shares_of_all(list: &[ProviderView]) -> Vec<Share> {
    let active = list.iter().filter(|view| view.status == ProviderStatus::Active);
    let mut serving: Vec<&ProviderView> = active.filter(|view| view.kind != ProviderKind::Sandbox).collect();
    prefer_own_providers(&mut serving, |view| view.kind, |_| true);
    serving.retain(|view| view.block.is_none());
    let member = |view: &ProviderView| Member {
        id: view.id,
        weight: view.weight.map(i64::from),
    };
    shares(&serving.into_iter().map(member).collect::<Vec<_>>())
}

/// A step of a connection test, in words.
fn step_name(name: &str) -> String {
    match name {
        "tls" => "TLS".to_owned(),
        "ehlo" => "EHLO".to_owned(),
        "auth" => "Log in".to_owned(),
        "noop" => "NOOP".to_owned(),
        "token" => "Consent".to_owned(),
        name => capitalised(name),
    }
}

fn kind_label(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Smtp => "SMTP server",
        ProviderKind::Gmail => "Gmail mailbox",
        ProviderKind::Microsoft365 => "Microsoft 365 mailbox",
        ProviderKind::Ses => "Amazon SES account",
        ProviderKind::ManagedSes => "Run by this installation",
        ProviderKind::Sandbox => "Keeps messages, sends none",
    }
}
