//! Server functions about routing: where messages come in, and where they would go.

use crate::model::{AppError, DryRunView, SmtpSetup};
use leptos::prelude::*;

/// What would become of a message of so many kilobytes to so many recipients from this address, sent with this key.
#[server(prefix = "/fn", endpoint = "dry_run")]
pub async fn dry_run(
    #[server(default)] key: String,
    #[server(default)] from: String,
    #[server(default)] recipients: String,
    #[server(default)] kilobytes: String,
) -> Result<DryRunView, AppError> {
    crate::server::dry_run::run(key, from, recipients, kilobytes).await
}

/// Addresses of SMTP submission.
#[server(prefix = "/fn", endpoint = "smtp_setup")]
pub async fn get_smtp_setup() -> Result<SmtpSetup, AppError> {
    let current = crate::server::context::current().await?;
    Ok(crate::server::convert::smtp_setup(&current.domain.settings))
}
