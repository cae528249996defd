//! The managed route of the team.

use super::model::ManagedRoute;
use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Ask for a higher cap on the managed route.
pub const INCREASE: &str = "increase";

/// The managed route of the viewer's team.
#[server(prefix = "/fn", endpoint = "managed_route")]
pub async fn get_managed_route() -> Result<ManagedRoute, AppError> {
    super::server::route().await
}

/// Asks the operator for a higher cap.
#[server(prefix = "/fn", endpoint = "request_increase")]
pub async fn request_increase(#[server(default)] back: String) -> Result<FormReply, AppError> {
    super::server::request_increase(back).await
}
