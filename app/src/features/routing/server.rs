//! Dry runs: where a message would go now.

use super::convert;
use super::model::DryRunView;
use crate::model::AppError;
use crate::server::context::{current, error_response};
use sendmux_domain::dry_run;

/// Of a message that nobody described: that of the form's first look.
const KILOBYTES: u64 = 10;
/// The most that a message can be accepted with.
const MOST_KILOBYTES: u64 = 100_000;
const MOST_RECIPIENTS: u32 = 1_000;

/// Asks the selection, and writes nothing. What is no number counts as not given.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Refused`] for a revoked key, [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn run(key: String, from: String, recipients: String, kilobytes: String) -> Result<DryRunView, AppError> {
    let current = current().await?;
    let recipients = recipients.trim().parse().unwrap_or(1).clamp(1, MOST_RECIPIENTS);
    let kilobytes = kilobytes.trim().parse().unwrap_or(KILOBYTES).clamp(1, MOST_KILOBYTES);
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let run = dry_run::dry_run(
        &current.domain,
        current.team_id(),
        &key,
        kilobytes * 1_024,
        recipients,
        domain,
    )
    .await
    .map_err(error_response)?;
    Ok(convert::dry_run(run, current.now()))
}
