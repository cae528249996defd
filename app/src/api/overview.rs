//! The overview.

use crate::model::{AppError, OverviewView};
use leptos::prelude::*;

/// Counts, chart, health and what to do next, for the viewer's team.
#[server(prefix = "/fn", endpoint = "overview")]
pub async fn get_overview() -> Result<OverviewView, AppError> {
    crate::server::overview::get().await
}
