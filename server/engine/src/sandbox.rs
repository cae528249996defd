//! Capturing instead of sending.

use sendmux_domain::queue::Work;
use sendmux_domain::sandbox::{self, Capture};
use sendmux_domain::{Domain, Error, Result};
use sendmux_mime::address::ValidEmail;
use sendmux_mime::rewrite::{ReplyTo, replace_from};
use sendmux_providers::SendReport;
use sendmux_providers::{RecipientOutcome, SendJob};
use sendmux_rules::{Outcome, Reply, Stage};

/// Puts the message into the sandbox, as it would have been sent.
pub(crate) async fn capture(
    domain: &Domain,
    work: &Work,
    provider_id: i64,
    job: &SendJob,
    send_as: Option<&str>,
) -> Result<SendReport> {
    let raw = match send_as.map(ValidEmail::parse) {
        Some(Ok(address)) => Some(
            replace_from(&job.content, &address, ReplyTo::OriginalFrom)
                .into_owned()
                .into(),
        ),
        Some(Err(error)) => return Err(Error::Internal(format!("address on the managed route: {error}"))),
        None => None,
    };
    let capture = Capture {
        message_id: work.message.id,
        team_id: work.message.team_id,
        provider_id,
        return_path: send_as.map(ToOwned::to_owned).or_else(|| job.return_path.clone()),
        recipients: job
            .recipients
            .iter()
            .map(|recipient| recipient.address.clone())
            .collect(),
        raw,
    };
    sandbox::capture(domain, vec![capture]).await?;
    let outcome = Outcome::accepted(
        Stage::Body,
        Reply::parse(250, ["2.0.0 captured in the sandbox, not sent"]),
    );
    let outcomes = job
        .recipients
        .iter()
        .map(|recipient| RecipientOutcome {
            position: recipient.position,
            outcome: outcome.clone(),
        })
        .collect();
    Ok(SendReport {
        outcomes,
        overall: outcome,
        provider_message_id: None,
        detail: None,
        note: None,
    })
}
