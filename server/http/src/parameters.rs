//! Reading the query string and small bodies, with the same care as messages: everything wrong is told at once.

use crate::accepting::parse;
use crate::answer::read_time;
use crate::error::{ApiError, Code};
use crate::fields::Object;
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use crate::state::Api;
use axum::extract::{FromRequestParts, Path, Query, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use sendmux_domain::Timestamp;
use std::borrow::Cow;
use std::str::FromStr;

/// The id in a path. What cannot be an id names nothing.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(id)) if is_id(&id) => Ok(Self(id)),
            _ => Err(ApiError::new(Code::NotFound, "there is nothing with this id")),
        }
    }
}

/// Whether this could be an id at all.
pub(crate) fn is_id(text: &str) -> bool {
    const LONGEST: usize = 40;
    text.len() <= LONGEST
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Reads the JSON object that is the body, with nothing in it that `read` does not take.
pub(crate) async fn body<T>(
    api: &Api,
    request: Request,
    read: impl FnOnce(&mut Object<'_>, &mut Issues) -> T,
) -> Result<T, ApiError> {
    let payload = api.bodies.read(request).await?;
    let mut issues = Issues::default();
    let Some(mut object) = Object::read(parse(&payload.bytes)?, "", &mut issues) else {
        return Err(issues.into());
    };
    let value = read(&mut object, &mut issues);
    object.finish(&mut issues);
    if issues.is_empty() {
        Ok(value)
    } else {
        Err(issues.into())
    }
}

/// Reads the query string, likewise.
pub(crate) fn query<T>(uri: &Uri, read: impl FnOnce(&mut Parameters<'_>) -> T) -> Result<T, ApiError> {
    read_query(uri, true, read)
}

/// Reads the query string, without a word about what nobody knows.
pub(crate) fn known_query<T>(uri: &Uri, read: impl FnOnce(&mut Parameters<'_>) -> T) -> Result<T, ApiError> {
    read_query(uri, false, read)
}

fn read_query<T>(uri: &Uri, strict: bool, read: impl FnOnce(&mut Parameters<'_>) -> T) -> Result<T, ApiError> {
    let malformed = |message: &str| {
        ApiError::about(
            Code::InvalidParameter,
            "query",
            IssueCode::InvalidValue,
            message.to_owned(),
        )
    };
    let Query(pairs) =
        Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| malformed("the query string cannot be read"))?;
    if pairs
        .iter()
        .enumerate()
        .any(|(at, (name, _))| pairs[..at].iter().any(|(earlier, _)| earlier == name))
    {
        return Err(malformed("a parameter stands twice in the query string"));
    }
    let members = pairs
        .into_iter()
        .map(|(name, value)| (Cow::Owned(name), Json::String(Cow::Owned(value))));
    let mut issues = Issues::default();
    let Some(object) = Object::read(Json::Object(members.collect()), "", &mut issues) else {
        return Err(issues.into());
    };
    let mut parameters = Parameters { object, issues };
    let value = read(&mut parameters);
    let Parameters { object, mut issues } = parameters;
    if strict {
        object.finish(&mut issues);
    }
    if issues.is_empty() {
        Ok(value)
    } else {
        Err(issues.into())
    }
}

/// The parameters of a query string, to be taken one by one.
pub(crate) struct Parameters<'a> {
    object: Object<'a>,
    issues: Issues,
}

impl Parameters<'_> {
    /// A text; an empty one counts as absent.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.object.take_text(name, &mut self.issues)?;
        if text.chars().any(char::is_control) {
            let message = "must not have control characters";
            self.issues.add(name, IssueCode::InvalidCharacters, message);
            return None;
        }
        (!text.is_empty()).then(|| text.into_owned())
    }

    /// One of some words.
    pub(crate) fn word<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        let word = text.parse().ok();
        if word.is_none() {
            self.issues.add(
                name,
                IssueCode::InvalidValue,
                "is none of the values that this parameter has",
            );
        }
        word
    }

    /// A time: RFC 3339 or a date.
    pub(crate) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let at = read_time(&self.text(name)?);
        if at.is_none() {
            let message = "must be a time such as 2026-01-31T12:00:00Z, or a date";
            self.issues.add(name, IssueCode::InvalidValue, message);
        }
        at
    }

    /// The number of entries of a page, 1 to `max`.
    pub(crate) fn limit(&mut self, max: u64) -> Option<u64> {
        let limit = self
            .text("limit")?
            .parse()
            .ok()
            .filter(|limit| (1..=max).contains(limit));
        if limit.is_none() {
            let message = format!("must be a whole number from 1 to {max}");
            self.issues.add("limit", IssueCode::InvalidValue, message);
        }
        limit
    }
}
