//! The overview.

use crate::model::{AppError, OverviewView};
use leptos::prelude::*;

/// Counts, chart, health and what to do next, for the viewer's team.
#[server(prefix = "/fn", endpoint = "overview")]
pub async fn get_overview() -> Result<OverviewView, AppError> {
    use crate::server::context::{current, refused};
    use crate::server::convert;
    let current = current().await?;
    let overview = sendmux_domain::overview::overview(&current.domain, current.team_id())
        .await
        .map_err(refused)?;
    let providers = sendmux_domain::providers::list(&current.domain, current.team_id())
        .await
        .map_err(refused)?;
    Ok(convert::overview(&current, overview, providers))
}
