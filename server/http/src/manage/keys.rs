//! `/api/v1/keys`: API keys.

use super::messages::when;
use crate::answer::{List, written};
use crate::auth::Caller;
use crate::error::{ApiError, ErrorAnswer};
use crate::fields::Object;
use crate::issue::{IssueCode, Issues};
use crate::parameters::{self, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use sendmux_domain::keys::{self, CreatedKey, MAX_OVERLAP, NewKey, Permission, Scope};
use sendmux_rules::Mode;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Ids of a scope that are looked at.
const MAX_TARGETS: usize = 101;

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    /// Its id.
    #[schema(pattern = "^key_[a-z0-9]{24}$")]
    pub id: String,
    /// What it is for.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// Its beginning, to tell keys apart.
    pub prefix: String,
    /// `send`, `read` and `manage`, those it has.
    pub permissions: Vec<String>,
    /// Which providers its messages may go through.
    pub scope: ScopeAnswer,
    /// When it was made.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it was last used.
    #[schema(format = "date-time")]
    pub last_used_at: Option<String>,
    /// When it ends by itself.
    #[schema(format = "date-time")]
    pub expires_at: Option<String>,
    /// When it was revoked.
    #[schema(format = "date-time")]
    pub revoked_at: Option<String>,
}

/// Which providers the messages of a key may go through.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scope)]
pub struct ScopeAnswer {
    /// `all`, `providers` or `groups`.
    pub kind: String,
    /// Ids of providers, for `providers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub providers: Option<Vec<String>>,
    /// Ids of delivery groups, for `groups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub groups: Option<Vec<String>>,
}

/// An API key that was just made.
#[derive(Serialize, ToSchema)]
pub struct KeyWithSecret {
    /// The key.
    #[serde(flatten)]
    pub key: Key,
    /// The whole key. Nobody can see it again.
    #[schema(pattern = "^smx_(?:live|test)_[A-Za-z0-9]{32}$")]
    pub secret: String,
}

impl From<keys::Key> for Key {
    fn from(key: keys::Key) -> Self {
        let kind = key.scope.kind().to_string();
        let (providers, groups) = match key.scope {
            Scope::All => (None, None),
            Scope::Providers(ids) => (Some(ids), None),
            Scope::Groups(ids) => (None, Some(ids)),
        };
        Self {
            id: key.public_id,
            name: key.name,
            mode: key.mode.to_string(),
            prefix: key.prefix,
            permissions: key.permissions.iter().map(ToString::to_string).collect(),
            scope: ScopeAnswer {
                kind,
                providers,
                groups,
            },
            created_at: written(key.created_at),
            last_used_at: when(key.last_used_at),
            expires_at: when(key.expires_at),
            revoked_at: when(key.revoked_at),
        }
    }
}

impl From<CreatedKey> for KeyWithSecret {
    fn from(created: CreatedKey) -> Self {
        Self {
            key: created.key.into(),
            secret: created.secret,
        }
    }
}

/// An API key to be made.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: requests are read field by field")]
pub(crate) struct NewKeyRequest {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// `live`, or `test`, whose messages are captured and never sent; `live` when absent.
    #[schema(pattern = "^(?:live|test)$")]
    mode: Option<String>,
    /// `send`, `read`, `manage`; `send` alone when absent.
    permissions: Option<Vec<String>>,
    /// Which providers its messages may go through; all when absent.
    scope: Option<ScopeRequest>,
}

/// Which providers the messages of a key may go through.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ScopeRequest {
    /// `all`, `providers` or `groups`.
    #[schema(pattern = "^(?:all|providers|groups)$")]
    kind: String,
    /// Ids of providers, for `providers`.
    providers: Option<Vec<String>>,
    /// Ids of delivery groups, for `groups`.
    groups: Option<Vec<String>>,
}

/// How a key is replaced.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct Rotation {
    /// Seconds that the old key goes on; 0, at once, when absent; 30 days at most.
    #[schema(minimum = 0, maximum = 2_592_000)]
    overlap_seconds: Option<u32>,
}

/// What to change of a key.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct KeyChange {
    /// Which providers its messages may go through, those accepted from now on.
    scope: ScopeRequest,
}

fn read_new(object: &mut Object<'_>, issues: &mut Issues) -> NewKey {
    let name = object
        .take_required_text("name", issues)
        .unwrap_or_default()
        .into_owned();
    let mode = match object.take_text("mode", issues).as_deref() {
        None => Mode::Live,
        Some(word) => word.parse().unwrap_or_else(|_| {
            issues.add("mode", IssueCode::InvalidValue, "must be live or test");
            Mode::Test
        }),
    };
    let permissions = match object.take_texts("permissions", Permission::ALL.len(), issues) {
        None => vec![Permission::Send],
        Some(words) => (0..)
            .zip(words)
            .filter_map(|(index, word): (usize, String)| {
                let permission = word.parse().ok();
                if permission.is_none() {
                    let field = format!("permissions[{index}]");
                    issues.add(field, IssueCode::InvalidValue, "must be send, read or manage");
                }
                permission
            })
            .collect(),
    };
    let scope = read_scope(object, issues).unwrap_or_default();
    NewKey {
        name,
        mode,
        permissions,
        scope,
    }
}

fn read_scope(object: &mut Object<'_>, issues: &mut Issues) -> Option<Scope> {
    let json = object.take("scope")?;
    let mut scope = Object::read(json, "scope", issues)?;
    let kind = scope.take_required_text("kind", issues);
    let providers = scope.take_texts("providers", MAX_TARGETS, issues);
    let groups = scope.take_texts("groups", MAX_TARGETS, issues);
    scope.finish(issues);
    let read = match kind.as_deref()? {
        "all" => Scope::All,
        "providers" => Scope::Providers(providers.clone().unwrap_or_default()),
        "groups" => Scope::Groups(groups.clone().unwrap_or_default()),
        _ => {
            let message = "must be all, providers or groups";
            issues.add("scope.kind", IssueCode::InvalidValue, message);
            return None;
        }
    };
    // What would be ignored might be what was meant.
    for (field, given, fits) in [
        (
            "scope.providers",
            providers.is_some_and(|ids| !ids.is_empty()),
            matches!(read, Scope::Providers(_)),
        ),
        (
            "scope.groups",
            groups.is_some_and(|ids| !ids.is_empty()),
            matches!(read, Scope::Groups(_)),
        ),
    ] {
        if given && !fits {
            issues.add(field, IssueCode::InvalidValue, "does not go with this kind of scope");
        }
    }
    Some(read)
}

/// Lists the keys of the team, the newest first, revoked ones included.
#[utoipa::path(get, path = "/api/v1/keys", operation_id = "listKeys", tag = "Keys",
    responses((status = 200, description = "The keys", body = List<Key>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<List<Key>>, ApiError> {
    caller.require(Permission::Read)?;
    let found = keys::list(&api.domain, caller.key.team_id).await?;
    Ok(Json(List::whole(found.into_iter().map(Key::from).collect())))
}

/// Shows a key, without its secret.
#[utoipa::path(get, path = "/api/v1/keys/{id}", operation_id = "getKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key", body = Key)))]
pub(crate) async fn get(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Key>, ApiError> {
    caller.require(Permission::Read)?;
    Ok(Json(keys::get(&api.domain, caller.key.team_id, &id).await?.into()))
}

/// Makes a key, no wider than the one that asks for it in permissions, mode and scope. Its secret is in this answer and
/// nowhere else.
#[utoipa::path(post, path = "/api/v1/keys", operation_id = "createKey", tag = "Keys",
    request_body = NewKeyRequest,
    responses((status = 201, description = "The key with its secret", body = KeyWithSecret)))]
pub(crate) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<(StatusCode, Json<KeyWithSecret>), ApiError> {
    caller.require(Permission::Manage)?;
    let new = parameters::body(&api, request, read_new).await?;
    keys::check_within(&api.domain, &caller.key, new.mode, &new.permissions, &new.scope).await?;
    let created = keys::create(&api.domain, &caller.actor(), new).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Changes the scope of a key, for what is accepted from now on, to one within that of the key that asks for it.
#[utoipa::path(patch, path = "/api/v1/keys/{id}", operation_id = "updateKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    request_body = KeyChange,
    responses((status = 200, description = "The key", body = Key),
        (status = 409, description = "`conflict`: it was revoked", body = ErrorAnswer)))]
pub(crate) async fn update(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Key>, ApiError> {
    caller.require(Permission::Manage)?;
    let scope = parameters::body(&api, request, |object, issues| {
        let scope = read_scope(object, issues);
        if scope.is_none() && !issues.covers("scope.kind") && !issues.covers("scope") {
            issues.add("scope", IssueCode::Missing, "is required");
        }
        scope.unwrap_or_default()
    })
    .await?;
    keys::check_scope_within(&api.domain, &caller.key, &scope).await?;
    let key = keys::set_scope(&api.domain, &caller.actor(), &id, scope).await?;
    Ok(Json(key.into()))
}

/// Replaces a key by one with another secret, which otherwise is the same. The old one ends at once, or after a while. A key
/// replaces none that is wider than itself.
#[utoipa::path(post, path = "/api/v1/keys/{id}/rotate", operation_id = "rotateKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    request_body = Rotation,
    responses((status = 201, description = "The new key with its secret", body = KeyWithSecret),
        (status = 409, description = "`conflict`: it is no longer in force", body = ErrorAnswer)))]
pub(crate) async fn rotate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Result<(StatusCode, Json<KeyWithSecret>), ApiError> {
    caller.require(Permission::Manage)?;
    let overlap = parameters::body(&api, request, |object, issues| {
        let seconds = object.take_integer("overlap_seconds", issues).unwrap_or_default();
        let overlap = u64::try_from(seconds).ok().map(Duration::from_secs);
        overlap.filter(|overlap| *overlap <= MAX_OVERLAP).unwrap_or_else(|| {
            issues.add("overlap_seconds", IssueCode::InvalidValue, "must be from 0 to 2592000");
            Duration::ZERO
        })
    })
    .await?;
    let old = keys::get(&api.domain, caller.key.team_id, &id).await?;
    keys::check_within(&api.domain, &caller.key, old.mode, &old.permissions, &old.scope).await?;
    let created = keys::rotate(&api.domain, &caller.actor(), &id, overlap).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Revokes a key for good. It is refused at once, on other nodes within two seconds.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", operation_id = "revokeKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key, revoked", body = Key)))]
pub(crate) async fn revoke(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Key>, ApiError> {
    caller.require(Permission::Manage)?;
    keys::revoke(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(keys::get(&api.domain, caller.key.team_id, &id).await?.into()))
}
