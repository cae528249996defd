//! Files of stored messages: their source, their HTML, their attachments; and the audit log as CSV.
//!
//! Everything of messages was written by strangers. It is served to the signed-in members of its team alone, never as a page of
//! this site: the HTML carries its own policy (an opaque origin that runs nothing and fetches nothing), and the rest is
//! for saving.

use crate::features::audit::export;
use crate::model::AppError;
use crate::server::context::{account, error_response};
use crate::server::mail::{self, Reader};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use sendmux_domain::messages::query;
use sendmux_domain::{Domain, Operator, sandbox, system_mail};

/// Policy of a message's HTML in its frame: it may show itself.
const HTML_POLICY: &str = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; \
                           base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The routes of stored files. They need the session layer around them and a [`Domain`] in the request's extensions.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/files/audit.csv", get(export::team))
        .route("/files/operator/audit.csv", get(export::installation))
        .route("/files/messages/{id}/raw", get(message_raw))
        .route("/files/messages/{id}/html", get(message_html))
        .route("/files/messages/{id}/attachments/{index}", get(message_attachment))
        .route("/files/system/{id}/raw", get(system_raw))
        .route("/files/system/{id}/html", get(system_html))
        .route("/files/sandbox/{id}/raw", get(sandbox_raw))
        .route("/files/sandbox/{id}/html", get(sandbox_html))
        .route("/files/sandbox/{id}/attachments/{index}", get(sandbox_attachment))
}

/// The team whose member asks.
struct Member {
    domain: Domain,
    team_id: i64,
}

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let domain = crate::server::context::domain(parts).map_err(failed)?;
        match account(parts, &domain).await.map_err(failed)? {
            Some(account) => Ok(Self {
                team_id: account.team.id,
                domain,
            }),
            None => Err(Redirect::to("/sign-in").into_response()),
        }
    }
}

impl Member {
    async fn message(&self, id: &str) -> Result<Bytes, Response> {
        query::raw(&self.domain, self.team_id, id)
            .await
            .map_err(|error| failed(error_response(error)))
    }

    async fn captured(&self, id: &str) -> Result<Bytes, Response> {
        let message = sandbox::get(&self.domain, self.team_id, id)
            .await
            .map_err(|error| failed(error_response(error)))?;
        Ok(message.raw)
    }
}

/// A mail of the system, for the operator.
struct SystemMail(Bytes);

impl<S: Send + Sync> FromRequestParts<S> for SystemMail {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let domain = crate::server::context::domain(parts).map_err(failed)?;
        let Some(account) = account(parts, &domain).await.map_err(failed)? else {
            return Err(Redirect::to("/sign-in").into_response());
        };
        Operator::of(&account.user, None).map_err(|error| failed(error_response(error)))?;
        let Path(id) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(IntoResponse::into_response)?;
        let team_id = system_mail::known_team(&domain).unwrap_or_default();
        crate::features::operator::server::raw(&domain, team_id, &id)
            .await
            .map(Self)
            .map_err(|error| failed(error_response(error)))
    }
}

async fn system_raw(SystemMail(raw): SystemMail) -> Response {
    source("system-mail", raw)
}

async fn system_html(SystemMail(raw): SystemMail) -> Result<Response, Response> {
    html(Reader::new().await, raw).await
}

async fn message_raw(member: Member, Path(id): Path<String>) -> Result<Response, Response> {
    Ok(source(&id, member.message(&id).await?))
}

async fn sandbox_raw(member: Member, Path(id): Path<String>) -> Result<Response, Response> {
    Ok(source(&id, member.captured(&id).await?))
}

async fn message_html(member: Member, Path(id): Path<String>) -> Result<Response, Response> {
    let reader = Reader::new().await;
    html(reader, member.message(&id).await?).await
}

async fn sandbox_html(member: Member, Path(id): Path<String>) -> Result<Response, Response> {
    let reader = Reader::new().await;
    html(reader, member.captured(&id).await?).await
}

async fn message_attachment(member: Member, Path((id, index)): Path<(String, usize)>) -> Result<Response, Response> {
    let reader = Reader::new().await;
    attachment(reader, member.message(&id).await?, index).await
}

async fn sandbox_attachment(member: Member, Path((id, index)): Path<(String, usize)>) -> Result<Response, Response> {
    let reader = Reader::new().await;
    attachment(reader, member.captured(&id).await?, index).await
}

fn source(id: &str, raw: Bytes) -> Response {
    file(
        "message/rfc822",
        "default-src 'none'; sandbox",
        Some(&disposition(&format!("{id}.eml"))),
        raw,
    )
}

async fn html(reader: Reader, raw: Bytes) -> Result<Response, Response> {
    let html = mail::html(reader, raw).await.map_err(failed)?;
    let html = html.ok_or_else(|| failed(AppError::NotFound("part of the message".to_owned())))?;
    Ok(file("text/html; charset=utf-8", HTML_POLICY, None, Bytes::from(html)))
}

async fn attachment(reader: Reader, raw: Bytes, index: usize) -> Result<Response, Response> {
    let found = reader
        .read(raw, move |message, _| Ok(message.attachment(index)))
        .await
        .map_err(failed)?;
    let (name, media_type, bytes) = found.ok_or_else(|| failed(AppError::NotFound("attachment".to_owned())))?;
    Ok(file(
        &media_type,
        "default-src 'none'; sandbox",
        Some(&disposition(&name)),
        Bytes::from(bytes),
    ))
}

/// A response with a file, which no cache keeps and no page of this site runs.
pub fn file(media_type: &str, policy: &'static str, disposition: Option<&str>, body: impl IntoResponse) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    if let Some(disposition) = disposition.and_then(|text| HeaderValue::from_str(text).ok()) {
        headers.insert(CONTENT_DISPOSITION, disposition);
    }
    response
}

/// `Content-Disposition: attachment` with the file name in both forms of RFC 6266: reduced to ASCII, and in full.
pub fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '/' | '%') || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut full = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            full.push(char::from(byte));
        } else {
            full.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

/// A response with the status and the text of an error.
pub fn failed(error: AppError) -> Response {
    let status = match error {
        AppError::NotFound(_) => StatusCode::NOT_FOUND,
        AppError::Forbidden(_) => StatusCode::FORBIDDEN,
        AppError::SignedOut => StatusCode::UNAUTHORIZED,
        AppError::Refused(_) => StatusCode::BAD_REQUEST,
        AppError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        AppError::Internal | AppError::Unreachable => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, [(CACHE_CONTROL, "no-store")], error.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        assert_eq!(
            disposition("a\"b\r\nX: y/ü.pdf"),
            "attachment; filename=\"a_b__X: y__.pdf\"; filename*=UTF-8''a%22b%0D%0AX%3A%20y%2F%C3%BC.pdf"
        );
    }
}
