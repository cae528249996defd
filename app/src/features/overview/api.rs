//! The overview.

use super::model::OverviewView;
use crate::model::AppError;
use leptos::prelude::*;

/// Counts, chart, health and what to do next, for the viewer's team.
#[server(prefix = "/fn", endpoint = "overview")]
pub async fn get_overview() -> Result<OverviewView, AppError> {
    super::server::get().await
}
