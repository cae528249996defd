//! The managed route of the team.

use crate::model::{AppError, EndpointItem, FormReply, ManagedRoute};
use leptos::prelude::*;

/// The managed route of the viewer's team.
#[server(prefix = "/fn", endpoint = "managed_route")]
pub async fn get_managed_route() -> Result<ManagedRoute, AppError> {
    crate::server::managed::route().await
}

/// Where Amazon SNS posts what became of messages of one of the team's Amazon SES accounts.
#[server(prefix = "/fn", endpoint = "ses_endpoint")]
pub async fn get_ses_endpoint(id: String) -> Result<EndpointItem, AppError> {
    crate::server::managed::endpoint(id).await
}

/// Asks the operator for a higher cap.
#[server(prefix = "/fn", endpoint = "request_increase")]
pub async fn request_increase(#[server(default)] back: String) -> Result<FormReply, AppError> {
    crate::server::managed::request_increase(back).await
}
