//! Providers.

#![allow(
    clippy::too_many_arguments,
    reason = "the fields of the form, in the encoding that plain forms have"
)]

use super::model::{ProviderItem, ProviderPage, SesFacts, WaysToAdd};
use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Add or change a provider.
pub const PROVIDER: &str = "provider";
/// Connect or disconnect a mailbox.
pub const CONNECTION: &str = "connection";
/// Test a provider.
pub const TEST_PROVIDER: &str = "test-provider";
/// Switch a provider on or off.
pub const SWITCH_PROVIDER: &str = "switch-provider";
/// End a provider's block.
pub const UNBLOCK_PROVIDER: &str = "unblock-provider";
/// Delete a provider.
pub const DELETE_PROVIDER: &str = "delete-provider";
/// Change the weight and the caps of a provider.
pub const ROUTING: &str = "routing";

/// The team's providers.
#[server(prefix = "/fn", endpoint = "providers")]
pub async fn list_providers() -> Result<Vec<ProviderItem>, AppError> {
    super::server::list().await
}

/// One provider, with what its form is weighed against.
#[server(prefix = "/fn", endpoint = "provider")]
pub async fn get_provider(id: String) -> Result<ProviderPage, AppError> {
    super::server::get(id).await
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
    use super::server::{Typed, save};
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
    use super::server::routing::{Typed, save};
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
    super::server::test(id, back).await
}

/// Switches a provider on or off.
#[server(prefix = "/fn", endpoint = "set_provider_active")]
pub async fn set_provider_active(
    #[server(default)] id: String,
    #[server(default)] active: bool,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    super::server::set_active(id, active, back).await
}

/// Puts a provider that was pulled from rotation back into it, with a clean record.
#[server(prefix = "/fn", endpoint = "unblock_provider")]
pub async fn unblock_provider(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    super::server::unblock(id, back).await
}

/// Deletes a provider. What waits for it goes to the others of its scope.
#[server(prefix = "/fn", endpoint = "delete_provider")]
pub async fn delete_provider(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    super::server::delete(id, back).await
}

/// Ways in which providers can be added here.
#[server(prefix = "/fn", endpoint = "ways_to_add")]
pub async fn get_ways_to_add() -> Result<WaysToAdd, AppError> {
    super::server::connect::ways_to_add().await
}

/// Facts about an Amazon SES account beside its settings; none for other providers, and for those who may not configure
/// it.
#[server(prefix = "/fn", endpoint = "ses_facts")]
pub async fn get_ses_facts(id: String) -> Result<Option<SesFacts>, AppError> {
    super::server::connect::ses_facts(id).await
}

/// Adds an Amazon SES account (without `id`) or changes one. An empty secret keeps the stored one.
#[server(prefix = "/fn", endpoint = "save_ses")]
pub async fn save_ses(
    #[server(default)] id: String,
    #[server(default)] version: String,
    #[server(default)] name: String,
    #[server(default)] region: String,
    #[server(default)] access_key_id: String,
    #[server(default)] secret_access_key: String,
    #[server(default)] role_arn: String,
    #[server(default)] external_id: String,
    #[server(default)] configuration_set: String,
    #[server(default)] endpoint: String,
) -> Result<FormReply, AppError> {
    use sendmux_domain::providers::SesForm;
    let form = SesForm {
        name,
        region,
        access_key_id,
        secret_access_key: Some(secret_access_key),
        role_arn,
        external_id,
        configuration_set,
        endpoint,
    };
    super::server::connect::save_ses(id, version, form).await
}

/// Changes what a mailbox is called, and its other addresses.
#[server(prefix = "/fn", endpoint = "save_mailbox")]
pub async fn save_mailbox(
    #[server(default)] id: String,
    #[server(default)] version: String,
    #[server(default)] name: String,
    #[server(default)] aliases: String,
) -> Result<FormReply, AppError> {
    use sendmux_domain::providers::MailboxForm;
    super::server::connect::save_mailbox(id, version, MailboxForm { name, aliases }).await
}

/// Disconnects a mailbox.
#[server(prefix = "/fn", endpoint = "disconnect_mailbox")]
pub async fn disconnect_mailbox(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    super::server::connect::disconnect(id, back).await
}
