//! Common parts of answers: lists with their cursor, times, what was deleted.

use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use sendmux_domain::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::ToSchema;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct List<T> {
    /// The entries.
    pub data: Vec<T>,
    /// The start of the next page.
    pub pagination: Pagination,
}

/// The start of the next page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Pagination {
    /// True when there is more.
    pub has_more: bool,
    /// To be given as `cursor` for the next page, when there is more. Pages are stable: what is added meanwhile does not
    /// move them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    /// A page, and the cursor of the next one.
    pub(crate) fn page(data: Vec<T>, next_cursor: Option<String>) -> Self {
        Self {
            data,
            pagination: Pagination {
                has_more: next_cursor.is_some(),
                next_cursor,
            },
        }
    }

    /// A list in one page.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self::page(data, None)
    }
}

/// A thing that was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deleted {
    /// Its id.
    pub id: String,
    /// Always true.
    pub deleted: bool,
}

impl Deleted {
    pub(crate) fn of(id: String) -> Self {
        Self { id, deleted: true }
    }
}

/// An answer with its ETag, a hash of what it says; 304 to whoever has that already (RFC 9110 section 13.1.2).
pub(crate) fn tagged<T: Serialize>(headers: &HeaderMap, answer: &T) -> Response {
    let body = serde_json::to_string(answer).unwrap_or_default();
    let tag = tag_of(&body);
    if names(headers, &IF_NONE_MATCH, &tag) {
        return (StatusCode::NOT_MODIFIED, [(ETAG, tag)]).into_response();
    }
    ([(ETAG, tag), (CONTENT_TYPE, "application/json".to_owned())], body).into_response()
}

/// True when a change was asked for only of what is no longer there (RFC 9110 section 13.1.1); `answer` is what is there
/// now.
pub(crate) fn is_outdated<T: Serialize>(headers: &HeaderMap, answer: &T) -> bool {
    let body = serde_json::to_string(answer).unwrap_or_default();
    headers.contains_key(IF_MATCH) && !names(headers, &IF_MATCH, &tag_of(&body))
}

fn tag_of(body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}\"")
}

/// True when a condition names this tag, or any.
fn names(headers: &HeaderMap, condition: &HeaderName, tag: &str) -> bool {
    let values = headers
        .get_all(condition)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
    })
}

/// A time as answers have it: RFC 3339, in UTC, to the millisecond.
pub(crate) fn written(at: Timestamp) -> String {
    let nanos = i128::from(at.as_millis()) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos)
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned())
}

/// A time as requests have it: RFC 3339, or a date alone, which is its midnight in UTC.
pub(crate) fn read_time(text: &str) -> Option<Timestamp> {
    let whole = OffsetDateTime::parse(text, &Rfc3339);
    let at = whole
        .or_else(|_| OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339))
        .ok()?;
    let millis = i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok()?;
    Some(Timestamp::from_millis(millis.clamp(0, LATEST_MS)))
}

/// The last time that the keys of rows can hold, in 2089; whoever asks for what is before a later one means all of it.
const LATEST_MS: i64 = 3_776_860_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for text in ["2026-01-01T00:00:00Z", "2026-11-23T23:59:59.123Z"] {
            assert_eq!(written(read_time(text).unwrap()), text);
        }
        assert_eq!(read_time("2026-01-01"), read_time("2026-01-01T02:00:00+02:00"));
        for text in ["", "now", "2026-13-01", "1767225600", "2026-01-01T00:00:00"] {
            assert_eq!(read_time(text), None, "{text}");
        }
    }
}
