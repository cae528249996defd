//! Dry runs.

use super::model::DryRunView;
use crate::model::AppError;
use leptos::prelude::*;

/// Outcome of a message of so many kilobytes to so many recipients from this address, sent with this key.
#[server(prefix = "/fn", endpoint = "dry_run")]
pub async fn dry_run(
    #[server(default)] key: String,
    #[server(default)] from: String,
    #[server(default)] recipients: String,
    #[server(default)] kilobytes: String,
) -> Result<DryRunView, AppError> {
    super::server::run(key, from, recipients, kilobytes).await
}
