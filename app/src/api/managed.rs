//! The managed route of the team.

use crate::model::{AppError, FormReply, ManagedRoute};
use leptos::prelude::*;

/// The managed route of the viewer's team.
#[server(prefix = "/fn", endpoint = "managed_route")]
pub async fn get_managed_route() -> Result<ManagedRoute, AppError> {
    crate::server::managed::route().await
}

/// Asks the operator for a higher cap.
#[server(prefix = "/fn", endpoint = "request_increase")]
pub async fn request_increase(#[server(default)] back: String) -> Result<FormReply, AppError> {
    crate::server::managed::request_increase(back).await
}
