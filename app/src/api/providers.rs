//! Providers.

#![allow(
    clippy::too_many_arguments,
    reason = "the fields of the form, in the encoding that plain forms have"
)]

use crate::model::{AppError, FormReply, ProviderItem, ProviderPage};
use leptos::prelude::*;

/// The team's providers.
#[server(prefix = "/fn", endpoint = "providers")]
pub async fn list_providers() -> Result<Vec<ProviderItem>, AppError> {
    use crate::server::context::{current, error_response};
    use crate::server::convert;
    let current = current().await?;
    let providers = sendmux_domain::providers::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    Ok(convert::providers(providers, current.now()))
}

/// One provider, with what its form is weighed against.
#[server(prefix = "/fn", endpoint = "provider")]
pub async fn get_provider(id: String) -> Result<ProviderPage, AppError> {
    use crate::server::context::{current, error_response};
    use crate::server::convert;
    let current = current().await?;
    let providers = sendmux_domain::providers::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    let found = convert::provider_page(providers, &id, current.now());
    found.ok_or_else(|| error_response(sendmux_domain::Error::NotFound("provider")))
}

/// Adds an SMTP provider (without `id`) or changes one. An empty password keeps the stored one.
#[server(prefix = "/fn", endpoint = "save_provider")]
pub async fn save_provider(
    #[server(default)] id: String,
    #[server(default)] version: String,
    #[server(default)] name: String,
    #[server(default)] host: String,
    #[server(default)] port: String,
    #[server(default)] security: String,
    #[server(default)] username: String,
    #[server(default)] password: String,
    #[server(default)] helo_name: String,
    #[server(default)] connect_timeout: String,
    #[server(default)] command_timeout: String,
    #[server(default)] data_timeout: String,
) -> Result<FormReply, AppError> {
    use crate::server::providers::{Typed, save};
    save(Typed {
        id,
        version,
        name,
        host,
        port,
        security,
        username,
        password,
        helo_name,
        connect_timeout,
        command_timeout,
        data_timeout,
    })
    .await
}

/// Sets the weight and the caps of a provider; what is empty is none.
#[server(prefix = "/fn", endpoint = "save_routing")]
pub async fn save_routing(
    #[server(default)] id: String,
    #[server(default)] version: String,
    #[server(default)] weight: String,
    #[server(default)] second: String,
    #[server(default)] minute: String,
    #[server(default)] hour: String,
    #[server(default)] day: String,
) -> Result<FormReply, AppError> {
    use crate::server::routing::{Typed, save};
    save(Typed {
        id,
        version,
        weight,
        second,
        minute,
        hour,
        day,
    })
    .await
}

/// Connects to the provider, logs in, and tells what was seen. Sends nothing.
#[server(prefix = "/fn", endpoint = "test_provider")]
pub async fn test_provider(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::providers::test(id, back).await
}

/// Switches a provider on or off.
#[server(prefix = "/fn", endpoint = "set_provider_active")]
pub async fn set_provider_active(
    #[server(default)] id: String,
    #[server(default)] active: bool,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::providers::set_active(id, active, back).await
}

/// Puts a provider that was pulled from rotation back into it, with a clean record.
#[server(prefix = "/fn", endpoint = "unblock_provider")]
pub async fn unblock_provider(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::providers::unblock(id, back).await
}

/// Deletes a provider. What waits for it goes to the others of its scope.
#[server(prefix = "/fn", endpoint = "delete_provider")]
pub async fn delete_provider(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::providers::delete(id, back).await
}
