//! Mailboxes and Amazon SES accounts.

#![allow(
    clippy::too_many_arguments,
    reason = "the fields of the form, in the encoding that plain forms have"
)]

use crate::model::{AppError, FormReply, SesFacts, WaysToAdd};
use leptos::prelude::*;

/// How providers can be added here.
#[server(prefix = "/fn", endpoint = "ways_to_add")]
pub async fn get_ways_to_add() -> Result<WaysToAdd, AppError> {
    crate::server::connect::ways_to_add().await
}

/// What is known of an Amazon SES account beside its settings; none for other providers, and for those who may not configure
/// it.
#[server(prefix = "/fn", endpoint = "ses_facts")]
pub async fn get_ses_facts(id: String) -> Result<Option<SesFacts>, AppError> {
    crate::server::connect::ses_facts(id).await
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
    crate::server::connect::save_ses(id, version, form).await
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
    crate::server::connect::save_mailbox(id, version, MailboxForm { name, aliases }).await
}

/// Disconnects a mailbox.
#[server(prefix = "/fn", endpoint = "disconnect_mailbox")]
pub async fn disconnect_mailbox(
    #[server(default)] id: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::connect::disconnect(id, back).await
}
