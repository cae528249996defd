//! The audit log as CSV (RFC 4180), for the filter in the address. It is read and sent in parts.

use super::model::AuditQuery;
use super::server::filter;
use crate::server::client;
use crate::server::context::{account, domain, error_response};
use crate::server::files::{disposition, failed, file};
use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use futures::stream::{self, StreamExt};
use sendmux_domain::audit::list::{self, AuditEntry, AuditFilter};
use sendmux_domain::messages::query::Page;
use sendmux_domain::{Actor, Domain, Error, Operator, Timestamp};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Entries that are read at once.
const PART: u64 = 500;

const HEAD: &str = "time,team,actor,action,target,detail,address,request\r\n";

/// `GET /files/audit.csv`: the team's entries, for its owners and admins.
///
/// # Errors
/// A response with the status and the reason.
pub async fn team(query: Query<AuditQuery>, parts: Parts) -> Result<Response, Response> {
    export(query, parts, |actor, _| Ok(Log::Team(actor))).await
}

/// `GET /files/operator/audit.csv`: all entries, for operators.
///
/// # Errors
/// A response with the status and the reason.
pub async fn installation(query: Query<AuditQuery>, parts: Parts) -> Result<Response, Response> {
    export(query, parts, |_, operator| operator.map(Log::Installation)).await
}

/// The log that is asked for, by somebody who may.
enum Log {
    Team(Actor),
    Installation(Operator),
}

impl Log {
    async fn page(
        &self,
        domain: &Domain,
        filter: &AuditFilter,
        before: Option<&str>,
    ) -> Result<Page<AuditEntry>, Error> {
        match self {
            Self::Team(actor) => list::of_team(domain, actor, filter, before, PART).await,
            Self::Installation(operator) => list::of_installation(domain, operator, filter, before, PART).await,
        }
    }
}

async fn export(
    Query(query): Query<AuditQuery>,
    parts: Parts,
    log: impl FnOnce(Actor, Result<Operator, Error>) -> Result<Log, Error>,
) -> Result<Response, Response> {
    let refused = |error: Error| failed(error_response(error));
    let domain = domain(&parts).map_err(failed)?;
    let Some(account) = account(&parts, &domain).await.map_err(failed)? else {
        return Err(Redirect::to("/sign-in").into_response());
    };
    let remote = client::address(&parts.extensions);
    let log = log(account.actor(remote), Operator::of(&account.user, remote)).map_err(refused)?;
    let filter = filter(&query).map_err(refused)?;
    // The first part is read before anything is answered, so that an error of it is one of the request.
    let first = log.page(&domain, &filter, None).await.map_err(refused)?;
    let rest = Rest {
        domain,
        log,
        filter,
        next: first.next.clone(),
    };
    let begin = Bytes::from(HEAD.to_owned() + &lines(&first.rows));
    let body = stream::iter([Ok(begin)]).chain(stream::try_unfold(rest, Rest::part));
    Ok(file(
        "text/csv; charset=utf-8",
        "default-src 'none'; sandbox",
        Some(&disposition("audit.csv")),
        Body::from_stream(body),
    ))
}

/// Entries that are still to be sent.
struct Rest {
    domain: Domain,
    log: Log,
    filter: AuditFilter,
    next: Option<String>,
}

impl Rest {
    async fn part(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        let Some(before) = self.next.take() else {
            return Ok(None);
        };
        let page = self.log.page(&self.domain, &self.filter, Some(&before)).await?;
        self.next = page.next;
        Ok(Some((Bytes::from(lines(&page.rows)), self)))
    }
}

fn lines(entries: &[AuditEntry]) -> String {
    entries.iter().map(line).collect()
}

fn line(entry: &AuditEntry) -> String {
    let (at, detail) = (time(entry.at), entry.detail.to_string());
    let cells = [
        &*at,
        entry.team.as_deref().unwrap_or_default(),
        &entry.actor,
        &entry.action,
        &entry.target,
        &detail,
        entry.remote_address.as_deref().unwrap_or_default(),
        entry.request_id.as_deref().unwrap_or_default(),
    ];
    cells.map(cell).join(",") + "\r\n"
}

/// A quoted cell. What a spreadsheet would take for a formula is made text by an apostrophe (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

fn time(at: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(at.as_millis().div_euclid(1_000))
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_cell_is_a_formula_and_none_breaks_out() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""));
        }
        assert_eq!(cell("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(cell("a=1"), "\"a=1\"");
    }

    #[test]
    fn a_line_has_a_cell_for_each_column() {
        let entry = AuditEntry {
            at: Timestamp::from_millis(1_795_442_709_000),
            team: Some("=cmd|' /C calc'!A0".to_owned()),
            actor: "ada@example.com".to_owned(),
            action: "key.created".to_owned(),
            target: "key_1".to_owned(),
            detail: json!({"name": "x"}),
            remote_address: None,
            request_id: Some("req_1".to_owned()),
        };
        assert_eq!(
            line(&entry),
            "\"2026-11-23T14:05:09Z\",\"'=cmd|' /C calc'!A0\",\"ada@example.com\",\"key.created\",\"key_1\",\
             \"{\"\"name\"\":\"\"x\"\"}\",\"\",\"req_1\"\r\n"
        );
        assert_eq!(HEAD.split(',').count(), line(&entry).matches("\",\"").count() + 1);
    }
}
