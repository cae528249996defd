//! `/api/v1/keys`: API keys.

use super::messages::when;
use crate::answer::{List, written};
use crate::auth::{Permitted, ToRead, ToWriteKeys};
use crate::error::{ApiError, ErrorAnswer};
use crate::fields::Object;
use crate::input::{self, Choice, UpTo, Whole, Word, input};
use crate::issue::{IssueCode, Issues};
use crate::parameters::{Body, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sendmux_domain::keys::{self, CreatedKey, MAX_OVERLAP, NewKey, Permission, Scope};
use sendmux_rules::Mode;
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

/// An API key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct Key {
    /// Its id.
    #[schema(pattern = "^key_[a-z0-9]{24}$")]
    pub id: String,
    /// Its purpose, in words.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// Its beginning, to tell keys apart.
    pub prefix: String,
    /// `send`, `read`, `manage` and `keys:write`, those it has.
    pub permissions: Vec<String>,
    /// The providers that its messages may go through.
    pub scope: ScopeAnswer,
    /// Time of creation.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// Time of the last use.
    #[schema(format = "date-time")]
    pub last_used_at: Option<String>,
    /// Time at which it ends by itself.
    #[schema(format = "date-time")]
    pub expires_at: Option<String>,
    /// Time at which it was revoked.
    #[schema(format = "date-time")]
    pub revoked_at: Option<String>,
}

/// The providers that the messages of a key may go through.
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

input! {
    /// An API key to be made.
    pub(crate) struct NewKeyRequest {
        /// Its purpose, in words.
        name: String as input::name(),
        /// `live`, or `test`, whose messages are captured and never sent; `live` when absent.
        mode: Option<Word<Mode>>,
        /// `send`, `read`, `manage`, `keys:write`; `send` alone when absent.
        permissions: Option<UpTo<4, Word<Permission>>> as input::list_of::<Word<Permission>>(4).min_items(Some(1)),
        /// The providers that its messages may go through; all when absent.
        scope: Option<ScopeRequest>,
    }

    /// The providers that the messages of a key may go through.
    pub(crate) struct ScopeRequest {
        /// `all`, `providers` or `groups`.
        kind: Word<ScopeKind>,
        /// Ids of providers, for `providers`.
        providers: Option<Targets> as ArrayBuilder::new().items(input::id("prv")),
        /// Ids of delivery groups, for `groups`.
        groups: Option<Targets> as ArrayBuilder::new().items(input::id("d?grp")),
    }
    schema with_targets_of_its_kind;
    check has_targets_of_its_kind;

    /// The replacement of a key.
    pub(crate) struct Rotation {
        /// Seconds that the old key goes on; 0, at once, when absent; 30 days at most.
        overlap_seconds: Option<Whole<0, { MAX_OVERLAP.as_secs() as i32 }>>,
    }

    /// A change of a key.
    pub(crate) struct KeyChange {
        /// The providers that its messages may go through, those accepted from now on.
        scope: ScopeRequest,
    }
}

/// Ids of a scope: one more is looked at than there can be, so that the domain says that it is too many.
type Targets = UpTo<101, String>;

/// The kinds of scope.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ScopeKind {
    All,
    Providers,
    Groups,
}

impl Choice for ScopeKind {
    fn words() -> Vec<(&'static str, Self)> {
        vec![
            ("all", Self::All),
            ("providers", Self::Providers),
            ("groups", Self::Groups),
        ]
    }
}

/// A scope lists what its kind names, and nothing else.
fn with_targets_of_its_kind(schema: ObjectBuilder) -> ObjectBuilder {
    let of = |kind: &str| ObjectBuilder::new().property("kind", input::one_of([kind]));
    let nullable = || SchemaType::from_iter([Type::Array, Type::Null]);
    let none = || ArrayBuilder::new().max_items(Some(0)).schema_type(nullable());
    let some = || ArrayBuilder::new().min_items(Some(1)).max_items(Some(100));
    let named = |kind: &str, other: &str| of(kind).property(kind, some()).property(other, none()).required(kind);
    input::any_of(
        schema,
        [
            of("all").property("providers", none()).property("groups", none()),
            named("providers", "groups"),
            named("groups", "providers"),
        ],
    )
}

/// Ids that would be ignored might be those that were meant.
fn has_targets_of_its_kind(scope: &ScopeRequest, object: &Object<'_>, issues: &mut Issues) {
    if issues.covers(&object.path("kind")) {
        return;
    }
    let Word(kind) = scope.kind;
    for (name, targets, fits) in [
        ("providers", &scope.providers, kind == ScopeKind::Providers),
        ("groups", &scope.groups, kind == ScopeKind::Groups),
    ] {
        if targets.as_ref().is_some_and(|UpTo(ids)| !ids.is_empty()) && !fits {
            let message = "does not go with this kind of scope";
            issues.add(object.path(name), IssueCode::InvalidValue, message);
        }
    }
}

impl From<ScopeRequest> for Scope {
    fn from(scope: ScopeRequest) -> Self {
        let ids = |targets: Option<Targets>| targets.unwrap_or_default().0;
        match scope.kind {
            Word(ScopeKind::All) => Self::All,
            Word(ScopeKind::Providers) => Self::Providers(ids(scope.providers)),
            Word(ScopeKind::Groups) => Self::Groups(ids(scope.groups)),
        }
    }
}

impl From<NewKeyRequest> for NewKey {
    fn from(new: NewKeyRequest) -> Self {
        let permissions = new.permissions.map_or_else(
            || vec![Permission::Send],
            |UpTo(words)| words.into_iter().map(|Word(permission)| permission).collect(),
        );
        Self {
            name: new.name,
            mode: new.mode.unwrap_or_default().0,
            permissions,
            scope: new.scope.map(Scope::from).unwrap_or_default(),
        }
    }
}

/// Lists the keys of the team, the newest first, revoked ones included.
#[utoipa::path(get, path = "/keys", operation_id = "listKeys", tag = "Keys",
    responses((status = 200, description = "The keys", body = List<Key>)))]
pub(crate) async fn list(caller: Permitted<ToRead>, State(api): State<Api>) -> Result<Json<List<Key>>, ApiError> {
    let found = keys::list(&api.domain, caller.key.team_id).await?;
    Ok(Json(List::whole(found.into_iter().map(Key::from).collect())))
}

/// Shows a key, without its secret.
#[utoipa::path(get, path = "/keys/{id}", operation_id = "getKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key", body = Key)))]
pub(crate) async fn get(caller: Permitted<ToRead>, State(api): State<Api>, Id(id): Id) -> Result<Json<Key>, ApiError> {
    Ok(Json(keys::get(&api.domain, caller.key.team_id, &id).await?.into()))
}

/// Makes a key, no wider than the one that asks for it in permissions, mode and scope. Its secret is in this answer and
/// nowhere else.
#[utoipa::path(post, path = "/keys", operation_id = "createKey", tag = "Keys",
    responses((status = 201, description = "The key with its secret", body = KeyWithSecret)))]
pub(crate) async fn create(
    caller: Permitted<ToWriteKeys>,
    State(api): State<Api>,
    Body(new): Body<NewKeyRequest>,
) -> Result<(StatusCode, Json<KeyWithSecret>), ApiError> {
    let new = NewKey::from(new);
    keys::check_within(&api.domain, &caller.key, new.mode, &new.permissions, &new.scope).await?;
    let created = keys::create(&api.domain, &caller.actor(), new).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Changes the scope of a key, for what is accepted from now on, to one within that of the key that asks for it. A key changes
/// none that is wider than itself.
#[utoipa::path(patch, path = "/keys/{id}", operation_id = "updateKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key", body = Key),
        (status = 409, description = "`conflict`: it was revoked", body = ErrorAnswer)))]
pub(crate) async fn update(
    caller: Permitted<ToWriteKeys>,
    State(api): State<Api>,
    Id(id): Id,
    Body(change): Body<KeyChange>,
) -> Result<Json<Key>, ApiError> {
    let scope = Scope::from(change.scope);
    keys::check_key_within(&api.domain, &caller.key, &id).await?;
    keys::check_scope_within(&api.domain, &caller.key, &scope).await?;
    let key = keys::set_scope(&api.domain, &caller.actor(), &id, scope).await?;
    Ok(Json(key.into()))
}

/// Replaces a key by one with another secret, which otherwise is the same. The old one ends at once, or after a while. A key
/// replaces none that is wider than itself.
#[utoipa::path(post, path = "/keys/{id}/rotate", operation_id = "rotateKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 201, description = "The new key with its secret", body = KeyWithSecret),
        (status = 409, description = "`conflict`: it is no longer in force", body = ErrorAnswer)))]
pub(crate) async fn rotate(
    caller: Permitted<ToWriteKeys>,
    State(api): State<Api>,
    Id(id): Id,
    Body(rotation): Body<Rotation>,
) -> Result<(StatusCode, Json<KeyWithSecret>), ApiError> {
    let Whole(seconds) = rotation.overlap_seconds.unwrap_or_default();
    let overlap = Duration::from_secs(seconds.unsigned_abs());
    let old = keys::get(&api.domain, caller.key.team_id, &id).await?;
    keys::check_within(&api.domain, &caller.key, old.mode, &old.permissions, &old.scope).await?;
    let created = keys::rotate(&api.domain, &caller.actor(), &id, overlap).await?;
    Ok((StatusCode::CREATED, Json(created.into())))
}

/// Revokes a key for good. It is refused at once, on other nodes within two seconds. A key revokes none that is wider than
/// itself.
#[utoipa::path(delete, path = "/keys/{id}", operation_id = "revokeKey", tag = "Keys",
    params(("id" = String, Path, description = "`key_…`")),
    responses((status = 200, description = "The key, revoked", body = Key)))]
pub(crate) async fn revoke(
    caller: Permitted<ToWriteKeys>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Key>, ApiError> {
    keys::check_key_within(&api.domain, &caller.key, &id).await?;
    keys::revoke(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(keys::get(&api.domain, caller.key.team_id, &id).await?.into()))
}
