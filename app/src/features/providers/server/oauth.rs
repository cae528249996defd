//! The browser's way to a mailbox: `/oauth/connect` sends it to the identity provider, `/oauth/callback` is where it comes
//! back to.
//!
//! Both are navigations, not forms: a page's policy lets forms lead nowhere else, and the way works without scripts.

use crate::features::providers::api::CONNECTION;
use crate::model::{AppError, FormReply};
use crate::server::context::{account, domain, internal_error, session};
use crate::server::{client, flash};
use crate::url::query_value;
use axum::Router;
use axum::extract::{FromRequestParts, Query, Request};
use axum::http::header::{CACHE_CONTROL, HeaderValue, REFERRER_POLICY};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use sendmux_domain::providers::{self, Callback, Connected, NotConnected, Target};
use sendmux_domain::{Actor, Domain, Error};
use serde::Deserialize;
use tower_sessions::Session;

/// Session entry of the secret by which the browser is recognised when it comes back.
const BROWSER: &str = "oauth";

/// The page with the ways to add a provider.
const NEW: &str = "/providers/new";

/// The routes of sign-ins to mailboxes. They need the session layer around them and a [`Domain`] in the request's
/// extensions.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/oauth/connect", get(connect))
        .route("/oauth/callback", get(callback))
        .layer(axum::middleware::from_fn(private))
}

/// Neither caches nor other sites are to learn the addresses, which hold codes.
async fn private(request: Request, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Somebody who is signed in to Sendmux.
struct Visitor {
    domain: Domain,
    session: Session,
    actor: Actor,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let (domain, session) = (domain(parts).map_err(failed)?, session(parts).map_err(failed)?);
        match account(parts, &domain).await.map_err(failed)? {
            Some(account) => Ok(Self {
                actor: account.actor(client::address(&parts.extensions)),
                domain,
                session,
            }),
            None => Err(Redirect::to(&format!("/sign-in?next={}", query_value("/providers"))).into_response()),
        }
    }
}

#[derive(Deserialize)]
struct Wanted {
    /// Public id of a provider that is there.
    provider: Option<String>,
    /// The kind of a new one.
    kind: Option<String>,
}

impl Wanted {
    fn target(&self) -> Option<Target> {
        match (&self.provider, &self.kind) {
            (Some(provider), _) => Some(Target::Existing(provider.clone())),
            (None, kind) => kind.as_deref()?.parse().ok().map(Target::New),
        }
    }
}

async fn connect(visitor: Visitor, Query(wanted): Query<Wanted>, request: Request) -> Result<Response, Response> {
    let page = page_of(wanted.provider.as_deref());
    // Another site may lead people to pages here, but not straight into a sign-in.
    let Some(target) = wanted.target().filter(|_| is_from_here(&request)) else {
        return Ok(Redirect::to(&page).into_response());
    };
    let browser = browser_secret(&visitor.session).await?;
    match providers::begin_sign_in(&visitor.domain, &visitor.actor, &browser, &target).await {
        Ok(address) => Ok(Redirect::to(&address).into_response()),
        Err(error) => {
            let reply = refusal(error).map_err(failed)?;
            answer(&visitor, reply, &page).await
        }
    }
}

fn is_from_here(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site");
    site.is_none_or(|site| site == "same-origin" || site == "none")
}

/// The secret of this browser, which all its sign-ins share.
async fn browser_secret(session: &Session) -> Result<String, Response> {
    let unreadable = |error| failed(internal_error(error));
    if let Some(secret) = session.get::<String>(BROWSER).await.map_err(unreadable)? {
        return Ok(secret);
    }
    let secret = providers::new_browser_secret();
    session.insert(BROWSER, &secret).await.map_err(unreadable)?;
    Ok(secret)
}

/// Query of the OAuth callback (RFC 6749 section 4.1.2).
#[derive(Deserialize)]
struct CallbackQuery {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
    #[serde(default)]
    error_description: String,
    /// An administrator has approved the application.
    admin_consent: Option<String>,
}

async fn callback(Query(query): Query<CallbackQuery>, request: Request) -> Result<Response, Response> {
    if query.admin_consent.is_some() {
        // Perhaps in a browser that has no account here.
        let page = if query.error.is_none() { APPROVED } else { NOT_APPROVED };
        return Ok(Html(page).into_response());
    }
    let (mut parts, _) = request.into_parts();
    let visitor = Visitor::from_request_parts(&mut parts, &()).await?;
    let browser = visitor.session.get::<String>(BROWSER).await;
    let browser = browser.map_err(|error| failed(internal_error(error)))?;
    let callback = Callback {
        state: query.state,
        code: query.code,
        error: query.error.map(|error| (error, query.error_description)),
    };
    match providers::complete_sign_in(&visitor.domain, &visitor.actor, browser.as_deref(), callback).await {
        Ok(connected) => {
            let page = page_of(Some(&connected.public_id));
            answer(&visitor, FormReply::done(CONNECTION, connected_text(&connected)), &page).await
        }
        Err(NotConnected { why, provider }) => {
            let reply = refusal(why).map_err(failed)?;
            answer(&visitor, reply, &page_of(provider.as_deref())).await
        }
    }
}

fn connected_text(connected: &Connected) -> String {
    let Connected { email, name, added, .. } = connected;
    if *added {
        format!("{email} is connected. Messages can leave through it now.")
    } else if name == email {
        format!("{email} is authorised again.")
    } else {
        format!("{email} is authorised again; here it is called {name}.")
    }
}

/// The page of a provider, or the one where providers are added.
fn page_of(provider: Option<&str>) -> String {
    provider.map_or_else(|| NEW.to_owned(), |id| format!("/providers/{}", query_value(id)))
}

async fn answer(visitor: &Visitor, reply: FormReply, page: &str) -> Result<Response, Response> {
    flash::keep(&visitor.domain, &visitor.session, &reply)
        .await
        .map_err(failed)?;
    Ok(Redirect::to(page).into_response())
}

fn refusal(error: Error) -> Result<FormReply, AppError> {
    flash::refusal(CONNECTION, error)
}

fn failed(error: AppError) -> Response {
    let status = axum::http::StatusCode::INTERNAL_SERVER_ERROR;
    (status, error.to_string()).into_response()
}

const APPROVED: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Approved · Sendmux</title>\
<h1>Approved</h1><p>The mailboxes of your organisation can be connected to Sendmux now, each by its own user. You may \
close this page.</p><p><a href=\"/providers\">To Sendmux</a></p></html>";

const NOT_APPROVED: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Not approved · Sendmux</title>\
<h1>Nothing was approved</h1><p>Mailboxes of your organisation can be connected once an administrator approves \
Sendmux.</p><p><a href=\"/providers\">To Sendmux</a></p></html>";
