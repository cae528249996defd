//! Authentication: `Authorization: Bearer smx_…` (RFC 6750), checked before anything of the body is read.

use crate::error::{ApiError, Code};
use crate::state::Api;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sendmux_domain::keys::{self, KeyContext, Permission};
use sendmux_domain::messages::Source;
use sendmux_domain::rate_limit::{self, RateLimitResult};
use sendmux_domain::{Actor, ClientAddress, Role};
use sendmux_rules::Mode;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

/// An authenticated caller, in the extensions of its request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) key: Arc<KeyContext>,
    pub(crate) remote: Option<IpAddr>,
}

impl Caller {
    /// The key as the one who makes a change. What it may do its permissions say.
    pub(crate) fn actor(&self) -> Actor {
        Actor {
            team_id: self.key.team_id,
            user_id: None,
            label: self.key.public_id.clone(),
            remote: self.remote,
            role: Role::Developer,
        }
    }
}

/// A permission as a type, for [`Permitted`].
pub(crate) trait Required {
    /// None: every key may.
    const PERMISSION: Option<Permission>;
}

macro_rules! permissions {
    ($($(#[$about:meta])* $name:ident: $permission:expr;)*) => {
        $(
            $(#[$about])*
            pub(crate) enum $name {}

            impl Required for $name {
                const PERMISSION: Option<Permission> = $permission;
            }
        )*
    };
}
permissions! {
    /// No permission at all: a key is enough.
    AnyKey: None;
    /// The permission `send`.
    ToSend: Some(Permission::Send);
    /// The permission `read`.
    ToRead: Some(Permission::Read);
    /// The permission `manage`.
    ToManage: Some(Permission::Manage);
    /// The permission `keys:write`.
    ToWriteKeys: Some(Permission::KeysWrite);
}

/// Extractor: the caller, whose key has the permission `P`; 403 when it has not, or when it is a test key and would change
/// the configuration. The first argument of every handler behind
/// [`authenticate`], so that nothing else of the request is looked at before.
pub(crate) struct Permitted<P> {
    caller: Caller,
    permission: PhantomData<fn() -> P>,
}

impl<P> Permitted<P> {
    pub(crate) fn into_caller(self) -> Caller {
        self.caller
    }
}

impl<P> Deref for Permitted<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<P: Required, S: Sync> FromRequestParts<S> for Permitted<P> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(caller) = parts.extensions.get::<Caller>().cloned() else {
            return Err(ApiError::internal("a handler outside of the authentication"));
        };
        if let Some(permission) = P::PERMISSION.filter(|permission| !caller.key.may(*permission)) {
            let message = format!("this key does not have the permission `{permission}`");
            return Err(ApiError::new(Code::InsufficientPermissions, message)
                .challenge(r#"Bearer realm="sendmux", error="insufficient_scope""#));
        }
        // All configuration but that of keys is what live messages depend on.
        if P::PERMISSION == Some(Permission::Manage) && caller.key.mode == Mode::Test {
            let message = "a test key does not change what live messages depend on: use a live key";
            return Err(ApiError::new(Code::InsufficientPermissions, message));
        }
        Ok(Self {
            caller,
            permission: PhantomData,
        })
    }
}

/// Layer: authenticates, then takes one request of the key's rate. The numbers of the rate are on every answer after
/// that, and none of these answers may be stored by a cache.
pub(crate) async fn authenticate(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let mut rate = None;
    let mut response = match admit(&api, &mut request, &mut rate).await {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(rate) = rate {
        headers.insert("x-ratelimit-limit", rate.limit.into());
        headers.insert("x-ratelimit-remaining", rate.remaining.into());
        headers.insert("x-ratelimit-reset", rate.reset.into());
    }
    response
}

async fn admit(api: &Api, request: &mut Request, counted: &mut Option<RateLimitResult>) -> Result<(), ApiError> {
    let remote = client_address(request.extensions());
    let presented = bearer(request.headers())?;
    let Some(key) = keys::authenticate(&api.domain, presented).await? else {
        return Err(refuse(api, remote));
    };
    let rate = rate_limit::take(&api.domain, &key).await?;
    *counted = Some(rate);
    if !rate.allowed {
        api.domain.metrics.rate_limited(Source::Http);
        let message = format!("more than {} requests {} in a minute", rate.limit, rate.counted);
        return Err(ApiError::new(Code::RateLimitExceeded, message).retry_after(rate.retry_after));
    }
    request.extensions_mut().insert(Caller { key, remote });
    Ok(())
}

/// A wrong key. An address that presents many is told to slow down; a valid key is never refused for what others do
/// behind the same address.
fn refuse(api: &Api, remote: Option<IpAddr>) -> ApiError {
    api.domain.metrics.authentication_failed(Source::Http);
    let charged = remote.map(|address| api.domain.failed_authentication.charge(address, api.domain.clock.now()));
    match charged {
        Some(Err(wait)) => {
            ApiError::new(Code::RateLimitExceeded, "too many wrong API keys from this address").retry_after(wait)
        }
        _ => ApiError::new(
            Code::AuthenticationRequired,
            "the API key is not valid: it is unknown or was revoked",
        )
        .challenge(r#"Bearer realm="sendmux", error="invalid_token""#),
    }
}

/// The token of the one `Authorization` header (RFC 9110 section 11.6.2: the scheme's name has no case).
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    let missing = |message| {
        // Without an error code, since no credentials were presented (RFC 6750 section 3.1).
        Err(ApiError::new(Code::AuthenticationRequired, message).challenge(r#"Bearer realm="sendmux""#))
    };
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return missing("an API key is required: `Authorization: Bearer smx_live_…`"),
        (Some(_), Some(_)) => return missing("there is more than one Authorization header"),
        (Some(value), None) => value,
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .and_then(|(scheme, token)| {
            let token = token.trim_matches(' ');
            (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' ')).then_some(token)
        });
    match token {
        Some(token) => Ok(token),
        None => missing("the Authorization header must be `Bearer` and an API key"),
    }
}

/// The client's address, as the binary found it out.
pub(crate) fn client_address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<ClientAddress>().map(|ClientAddress(address)| *address)
}
