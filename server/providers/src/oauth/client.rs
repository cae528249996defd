//! The client of a service's authorization and token endpoints.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use oauth2::basic::{BasicErrorResponse, BasicTokenType};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
};
use parking_lot::Mutex;
use sendmux_rules::{Class, Outcome, Stage};
use serde::{Deserialize, Serialize};
use url::Url;

use super::app::{OAuthApp, OAuthService};
use super::source::AccessToken;
use crate::fault::ApiFault;
use crate::http::{Answer, Http, RequestFailure};

/// Fields of a token endpoint's answer beyond RFC 6749: OpenID Connect's id token, of which the tenant is read.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct IdToken {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id_token: Option<String>,
}

impl ExtraTokenFields for IdToken {}

type Response = StandardTokenResponse<IdToken, BasicTokenType>;
type Inner = oauth2::Client<
    BasicErrorResponse,
    Response,
    oauth2::basic::BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    oauth2::basic::BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// One application's client. Cheap to clone.
#[derive(Clone)]
pub struct OAuthClient {
    pub(super) app: OAuthApp,
    pub(super) http: Http,
    inner: Inner,
}

impl fmt::Debug for OAuthClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthClient")
            .field("app", &self.app)
            .finish_non_exhaustive()
    }
}

/// A sign-in that has begun. State and verifier are kept with the browser's session until it comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// Address that the browser is sent to.
    pub url: String,
    /// Comes back with the browser: any other is somebody else's sign-in.
    pub state: String,
    /// Goes with the code to [`OAuthClient::connect`].
    pub pkce_verifier: String,
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(redacted)")
    }
}

/// Tokens that a token endpoint issued. Debug shows no token.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The access token.
    pub access: AccessToken,
    /// The refresh token, when there is a new one. Microsoft replaces it at every use; Google gives it only once.
    pub refresh: Option<String>,
    /// Lifetime of the access token, from now.
    pub expires_in: Duration,
    /// Granted scopes. Empty when the service does not say, which means all of them (RFC 6749 section 5.1).
    pub scopes: Vec<String>,
    /// The organisation of the account (Microsoft's `tid`), when the service says.
    pub tenant: Option<String>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("expires_in", &self.expires_in)
            .field("scopes", &self.scopes)
            .field("tenant", &self.tenant)
            .finish_non_exhaustive()
    }
}

/// Lifetime of an access token when the service does not say. Both say an hour or more.
const EXPIRES_IN: Duration = Duration::from_secs(30 * 60);

impl OAuthClient {
    /// Prepares a client.
    ///
    /// # Errors
    /// Names the setting that is not an address.
    pub fn new(app: OAuthApp, http: Http) -> Result<Self, String> {
        let wrong = |field: &str, error: url::ParseError| format!("{field} is not an address: {error}");
        let endpoints = &app.endpoints;
        let inner = oauth2::Client::new(ClientId::new(app.client_id.clone()))
            .set_client_secret(ClientSecret::new(app.client_secret.clone()))
            // Google and Microsoft both document the secret in the body.
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(AuthUrl::new(endpoints.authorization.clone()).map_err(|error| wrong("authorization", error))?)
            .set_token_uri(TokenUrl::new(endpoints.token.clone()).map_err(|error| wrong("token", error))?)
            .set_redirect_uri(
                RedirectUrl::new(app.redirect_uri.clone()).map_err(|error| wrong("redirect_uri", error))?,
            );
        Url::parse(&endpoints.identity).map_err(|error| wrong("identity", error))?;
        for (field, address) in [
            ("revocation", &endpoints.revocation),
            ("admin_consent", &endpoints.admin_consent),
        ] {
            if let Some(address) = address {
                Url::parse(address).map_err(|error| wrong(field, error))?;
            }
        }
        Ok(Self { app, http, inner })
    }

    /// The service that this is a client of.
    pub fn service(&self) -> OAuthService {
        self.app.service
    }

    /// Begins a sign-in. `login_hint` is the address that is to be signed in again.
    pub fn begin(&self, login_hint: Option<&str>) -> Authorization {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let service = self.app.service;
        let scopes = service.scopes().iter().map(|scope| Scope::new((*scope).to_owned()));
        let mut request = self
            .inner
            .authorize_url(CsrfToken::new_random)
            .add_scopes(scopes)
            .set_pkce_challenge(challenge);
        request = match service {
            // A refresh token comes with offline access, and again only when consent is asked for again.
            OAuthService::Google => request
                .add_extra_param("access_type", "offline")
                .add_extra_param("prompt", "consent"),
            // Who is signed in with several accounts chooses one.
            OAuthService::Microsoft => request.add_extra_param("prompt", "select_account"),
        };
        if let Some(hint) = login_hint {
            request = request.add_extra_param("login_hint", hint);
        }
        let (url, state) = request.url();
        Authorization {
            url: url.into(),
            state: state.into_secret(),
            pkce_verifier: verifier.into_secret(),
        }
    }

    /// Address at which an administrator of an organisation consents for all its members, when the service has one. The
    /// browser comes back to the redirect URI with `admin_consent=True` and the state.
    pub fn admin_consent_url(&self, state: &str) -> Option<String> {
        let mut url = Url::parse(self.app.endpoints.admin_consent.as_deref()?).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.app.client_id)
            .append_pair("redirect_uri", &self.app.redirect_uri)
            .append_pair("state", state)
            .append_pair("scope", &self.app.service.scopes().join(" "));
        Some(url.into())
    }

    /// Turns a code into tokens.
    pub(super) async fn exchange_code(&self, code: &str, pkce_verifier: &str) -> Result<Tokens, ApiFault> {
        let call = Call::new(self);
        let response = self
            .inner
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier.to_owned()))
            .request_async(&call)
            .await;
        call.tokens(response)
    }

    /// Gets a new access token. The new refresh token, when there is one, must be kept in place of the old.
    ///
    /// # Errors
    /// [`Class::Auth`], confirmed, when the user has taken the consent back or it has run out; [`Class::Config`] with
    /// [`sendmux_rules::Hint::Installation`] when the application itself is refused; else what may pass.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Tokens, ApiFault> {
        let call = Call::new(self);
        let refresh_token = RefreshToken::new(refresh_token.to_owned());
        let response = self
            .inner
            .exchange_refresh_token(&refresh_token)
            .request_async(&call)
            .await;
        call.tokens(response)
    }

    /// Gives a token back, access or refresh, and with it the whole consent (RFC 7009). `false` when the service has no
    /// place for that; the user can then only do it in the account's own settings.
    ///
    /// # Errors
    /// The service's refusal, except that the token was invalid anyway.
    pub async fn revoke(&self, token: &str) -> Result<bool, ApiFault> {
        let Some(address) = &self.app.endpoints.revocation else {
            return Ok(false);
        };
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("token", token)
            .finish();
        let request = http::Request::post(address)
            .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Bytes::from(body))
            .map_err(|error| bad_request(&error))?;
        let answer = self.http.ask(request).await.map_err(RequestFailure::while_signing_in)?;
        let error: TokenError = answer.json().unwrap_or_default();
        if (200..300).contains(&answer.status) || error.error == "invalid_token" {
            return Ok(true);
        }
        Err(refused(
            self.app.service,
            &answer,
            &error.error,
            &error.error_description,
        ))
    }
}

/// RFC 6749 section 5.2.
#[derive(Default, Deserialize)]
#[serde(default)]
struct TokenError {
    error: String,
    error_description: String,
}

/// One call of the token endpoint. Keeps what oauth2's errors leave out.
struct Call<'a> {
    client: &'a OAuthClient,
    answer: Mutex<Option<Answer>>,
}

// Named, since a closure here would keep the futures of this client from being sent between threads.
impl<'c> AsyncHttpClient<'c> for Call<'_> {
    type Error = RequestFailure;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse, RequestFailure>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        async move {
            let answer = self.client.http.ask(request.map(Bytes::from)).await?;
            let mut response = http::Response::new(answer.body.to_vec());
            *response.status_mut() = http::StatusCode::from_u16(answer.status).unwrap_or_default();
            *response.headers_mut() = answer.headers.clone();
            *self.answer.lock() = Some(answer);
            Ok(response)
        }
        .boxed()
    }
}

impl<'a> Call<'a> {
    fn new(client: &'a OAuthClient) -> Self {
        Self {
            client,
            answer: Mutex::new(None),
        }
    }

    fn tokens(
        self,
        response: Result<Response, RequestTokenError<RequestFailure, BasicErrorResponse>>,
    ) -> Result<Tokens, ApiFault> {
        let service = self.client.app.service;
        let answer = self.answer.into_inner();
        match (response, answer) {
            (Ok(response), _) => Ok(Tokens {
                access: response.access_token().secret().clone().into(),
                refresh: response.refresh_token().map(|token| token.secret().clone()),
                expires_in: response.expires_in().unwrap_or(EXPIRES_IN),
                scopes: response
                    .scopes()
                    .into_iter()
                    .flatten()
                    .map(|scope| scope.to_string())
                    .collect(),
                tenant: response.extra_fields().id_token.as_deref().and_then(tenant),
            }),
            (Err(RequestTokenError::Request(failure)), _) => Err(failure.while_signing_in()),
            (Err(_), Some(answer)) => {
                let error: TokenError = answer.json().unwrap_or_default();
                Err(refused(service, &answer, &error.error, &error.error_description))
            }
            (Err(error), None) => Err(bad_request(&error)),
        }
    }
}

/// Fault for a service's refusal. A refused grant is final: nothing but the user's consent brings it back.
fn refused(service: OAuthService, answer: &Answer, code: &str, message: &str) -> ApiFault {
    let retry_after = answer.retry_after();
    ApiFault::from(Outcome::from_token(
        service.kind(),
        answer.status,
        code,
        message,
        retry_after,
    ))
    .confirmed()
}

/// The request could not even be made: a setting is not what it should be.
pub(super) fn bad_request(error: &dyn fmt::Display) -> ApiFault {
    ApiFault::here(Class::Config, Stage::Auth, "local.bad_settings", error.to_string())
}

/// The `tid` claim of an id token. Its signature need not be checked, since it comes from the service itself over TLS
/// (OpenID Connect Core section 3.1.3.7, item 6).
fn tenant(id_token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        tid: Option<String>,
    }
    let payload: Cow<'_, str> = id_token.split('.').nth(1)?.trim_end_matches('=').into();
    let claims = URL_SAFE_NO_PAD.decode(payload.as_bytes()).ok()?;
    serde_json::from_slice::<Claims>(&claims).ok()?.tid
}
