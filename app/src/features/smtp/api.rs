//! Addresses of SMTP submission.

use super::model::SmtpSetup;
use crate::model::AppError;
use leptos::prelude::*;

/// Addresses of SMTP submission.
#[server(prefix = "/fn", endpoint = "smtp_setup")]
pub async fn get_smtp_setup() -> Result<SmtpSetup, AppError> {
    let current = crate::server::context::current().await?;
    Ok(super::server::smtp_setup(&current.domain.settings))
}
