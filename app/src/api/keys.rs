//! API keys.

use crate::model::{AppError, FormReply, KeysPage};
use leptos::prelude::*;

/// The team's keys.
#[server(prefix = "/fn", endpoint = "keys")]
pub async fn list_keys() -> Result<KeysPage, AppError> {
    use crate::server::context::{current, refused};
    use crate::server::convert;
    let current = current().await?;
    let keys = sendmux_domain::keys::list(&current.domain, current.team_id())
        .await
        .map_err(refused)?;
    Ok(convert::keys(keys, current.now()))
}

/// Makes a key. Its secret is in the reply, and nowhere after.
#[server(prefix = "/fn", endpoint = "create_key")]
pub async fn create_key(
    #[server(default)] name: String,
    #[server(default)] mode: String,
    #[server(default)] back: String,
) -> Result<FormReply, AppError> {
    crate::server::keys::create(name, mode, back).await
}

/// Revokes a key: within two seconds no node takes it any more.
#[server(prefix = "/fn", endpoint = "revoke_key")]
pub async fn revoke_key(#[server(default)] id: String) -> Result<FormReply, AppError> {
    use super::forms::REVOKE_KEY;
    use crate::server::context::current;
    use crate::server::flash;
    let current = current().await?;
    let reply = match sendmux_domain::keys::revoke(&current.domain, &current.actor(), &id).await {
        Ok(()) => FormReply::done(
            REVOKE_KEY,
            "The key is revoked. Requests that use it are refused from now on.",
        ),
        Err(error) => flash::refusal(REVOKE_KEY, error)?,
    };
    flash::answer(reply, "/keys").await
}
