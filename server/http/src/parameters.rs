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
use std::collections::HashSet;
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
    let malformed = |message: &str| {
        ApiError::about(
            Code::InvalidParameter,
            "query",
            IssueCode::InvalidValue,
            message.to_owned(),
        )
    };
    let mut parameters = Parameters::of(uri, |_| true).ok_or_else(|| malformed("the query string cannot be read"))?;
    if parameters.twice {
        return Err(malformed("a parameter stands twice in the query string"));
    }
    let value = read(&mut parameters);
    let Parameters { object, mut issues, .. } = parameters;
    object.finish(&mut issues);
    if issues.is_empty() {
        Ok(value)
    } else {
        Err(issues.into())
    }
}

/// Reads the query string where there is no answer for one that is wrong: what is empty or nobody knows is left out, and
/// the first of a parameter that stands twice counts. None when some value cannot be, so that nothing can match it.
pub(crate) fn tolerant_query<T>(uri: &Uri, read: impl FnOnce(&mut Parameters<'_>) -> T) -> Option<T> {
    let mut parameters = Parameters::of(uri, |value| !value.is_empty())?;
    let value = read(&mut parameters);
    parameters.issues.is_empty().then_some(value)
}

/// The parameters of a query string, to be taken one by one.
pub(crate) struct Parameters<'a> {
    object: Object<'a>,
    issues: Issues,
    /// Whether a parameter stands twice.
    twice: bool,
}

impl Parameters<'_> {
    /// Those of this address whose value counts, unless its query string cannot be read.
    fn of(uri: &Uri, counts: impl Fn(&str) -> bool) -> Option<Self> {
        let Query(mut pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri).ok()?;
        pairs.retain(|(_, value)| counts(value));
        let mut members: Vec<(Cow<'static, str>, Json<'static>)> = Vec::with_capacity(pairs.len());
        let mut names = HashSet::with_capacity(pairs.len());
        let mut twice = false;
        for (name, value) in pairs {
            if names.insert(name.clone()) {
                members.push((Cow::Owned(name), Json::String(Cow::Owned(value))));
            } else {
                twice = true;
            }
        }
        let mut issues = Issues::default();
        let object = Object::read(Json::Object(members), "", &mut issues)?;
        Some(Self { object, issues, twice })
    }

    /// A text, which says something.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        let text = self.object.take_text(name, &mut self.issues)?;
        let (code, message) = if text.is_empty() {
            // What was meant as a filter and came without its value must not show everything.
            (IssueCode::Empty, "must not be empty; leave it out instead")
        } else if text.chars().any(char::is_control) {
            (IssueCode::InvalidCharacters, "must not have control characters")
        } else {
            return Some(text.into_owned());
        };
        self.issues.add(name, code, message);
        None
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
