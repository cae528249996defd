//! `/me`: whose the key of a request is, and what it may do. The same in both dialects.

use crate::answer::tagged;
use crate::auth::{AnyKey, Permitted};
use crate::error::ApiError;
use crate::state::Api;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use sendmux_domain::keys;
use serde::Serialize;
use utoipa::ToSchema;

/// Whose the key is, and what it may do.
#[derive(Debug, Serialize, ToSchema)]
pub struct Connection {
    /// Its team.
    pub team: ConnectedTeam,
    /// The key itself.
    pub credential: Credential,
    /// A text that tells this key from others.
    pub label: String,
    /// The permissions of the key: `send`, `read`, `manage`, `keys:write`.
    pub permissions: Vec<String>,
    /// The mailboxes that the key reads: none.
    pub mailboxes: Vec<ConnectedMailbox>,
}

/// The team of a key.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectedTeam {
    /// Its id.
    #[schema(pattern = "^team_[a-z0-9]{24}$")]
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The credential that a request is made with.
#[derive(Debug, Serialize, ToSchema)]
pub struct Credential {
    /// The id of the key.
    #[schema(pattern = "^key_[a-z0-9]{24}$")]
    pub id: String,
    /// Always `api_key`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The purpose of the key, in words.
    pub name: Option<String>,
}

/// A mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConnectedMailbox {
    /// Its id.
    pub id: String,
    /// Its address.
    pub email: String,
}

/// Shows whose the key is, and what it may do.
///
/// Every key may ask. With the `ETag` of an earlier answer in `If-None-Match` the answer is 304 while nothing has changed.
#[utoipa::path(get, path = "/me", operation_id = "getConnection", tag = "Keys",
    params(("If-None-Match" = inline(Option<String>), Header, description = "The `ETag` of an earlier answer")),
    responses((status = 200, description = "The team, the key and its permissions", body = Connection,
            headers(("ETag" = String, description = "For `If-None-Match`"))),
        (status = 304, description = "As before")))]
pub(crate) async fn get(
    caller: Permitted<AnyKey>,
    State(api): State<Api>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let key = &caller.key;
    let keys::Connection {
        key_name,
        team_id,
        team_name,
    } = keys::connection(&api.domain, key).await?;
    let connection = Connection {
        label: format!("{team_name}: {key_name}"),
        team: ConnectedTeam {
            id: team_id,
            name: team_name,
        },
        credential: Credential {
            id: key.public_id.clone(),
            kind: "api_key",
            name: Some(key_name),
        },
        permissions: key.permissions.iter().map(ToString::to_string).collect(),
        mailboxes: Vec::new(),
    };
    Ok(tagged(&headers, &connection))
}
