//! The audit log.

use super::model::{AuditItem, AuditQuery};
use crate::model::{AppError, Page};
use crate::server::context::{current, error_response, operator};
use crate::server::list::{ROWS, filled, page_of};
use crate::server::words::moment;
use sendmux_domain::audit::list::{self, AuditEntry, AuditFilter};
use sendmux_domain::{Error, Timestamp};
use serde_json::Value;
use std::time::Duration;
use time::macros::format_description;
use time::{Date, PrimitiveDateTime, Time};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A page of the team's entries.
///
/// # Errors
/// [`AppError::Forbidden`] for all but owners and admins; [`AppError::Refused`] for a cursor or day that is none;
/// [`AppError::SignedOut`]; [`AppError::Internal`].
pub async fn of_team(query: AuditQuery, before: String) -> Result<Page<AuditItem>, AppError> {
    let current = current().await?;
    let (filter, before) = (filter(&query).map_err(error_response)?, filled(before));
    let page = list::of_team(&current.domain, &current.actor(), &filter, before.as_deref(), ROWS)
        .await
        .map_err(error_response)?;
    let now = current.now();
    Ok(page_of(page.rows, page.next, |entry| item(entry, now)))
}

/// A page of all entries.
///
/// # Errors
/// [`AppError::NotFound`] for all but operators; otherwise as [`of_team`].
pub async fn of_installation(query: AuditQuery, before: String) -> Result<Page<AuditItem>, AppError> {
    let (current, operator) = operator().await?;
    let (filter, before) = (filter(&query).map_err(error_response)?, filled(before));
    let page = list::of_installation(&current.domain, &operator, &filter, before.as_deref(), ROWS)
        .await
        .map_err(error_response)?;
    let now = current.now();
    Ok(page_of(page.rows, page.next, |entry| item(entry, now)))
}

/// The domain's filter.
///
/// # Errors
/// [`Error::Invalid`] on `since` or `until`.
pub fn filter(query: &AuditQuery) -> Result<AuditFilter, Error> {
    let since = day("since", &query.since)?;
    let until = day("until", &query.until)?;
    Ok(AuditFilter {
        action: query.action.clone(),
        actor: query.actor.clone(),
        text: query.q.clone(),
        since,
        // The last day is part of it.
        until: until.map(|day| day.plus(DAY)),
    })
}

/// Beginning of a day that is written `YYYY-MM-DD`, in UTC.
fn day(field: &'static str, text: &str) -> Result<Option<Timestamp>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| Error::field(field, "invalid", "enter a day as year-month-day: 2026-01-31"))?;
    let seconds = PrimitiveDateTime::new(date, Time::MIDNIGHT)
        .assume_utc()
        .unix_timestamp();
    Ok(Some(Timestamp::from_millis(seconds * 1_000)))
}

fn item(entry: AuditEntry, now: Timestamp) -> AuditItem {
    AuditItem {
        at: moment(entry.at, now),
        team: entry.team,
        actor: entry.actor,
        action: entry.action,
        target: entry.target,
        detail: detail(&entry.detail),
        address: entry.remote_address,
        request: entry.request_id,
    }
}

/// `name: Relay; weight: 3`.
pub fn detail(detail: &Value) -> String {
    let Value::Object(fields) = detail else {
        return word(detail);
    };
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{}: {}", name.replace('_', " "), word(value)))
        .collect();
    fields.join("; ")
}

fn word(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn days_are_whole_and_in_utc() {
        let query = AuditQuery {
            since: "2026-11-23".to_owned(),
            until: "2026-11-23".to_owned(),
            ..AuditQuery::default()
        };
        let filter = filter(&query).unwrap();
        let begin = Timestamp::from_millis(1_795_392_000_000); // 2026-11-23T00:00:00Z
        assert_eq!((filter.since, filter.until), (Some(begin), Some(begin.plus(DAY))));
        for text in ["yesterday", "2026-02-30", "2026-13-01", "2026-1"] {
            let Error::Invalid(fields) = day("until", text).unwrap_err() else {
                panic!("{text}");
            };
            assert_eq!(fields[0].field, "until");
        }
    }

    #[test]
    fn a_change_is_told_in_words() {
        let told = detail(&json!({"name": "Relay", "old_scope": null, "weight": 3}));
        assert_eq!(told, "name: Relay; old scope: none; weight: 3");
        assert_eq!(detail(&json!({})), "");
    }
}
