//! Pages and decisions of the operator of the installation.

use super::api::{DECIDE, LIFT, MAIL_SERVER, UNBLOCK_ACCOUNT};
use super::convert;
use super::model::{BusyTeam, ManagedPage, RequestsPage, SystemMailItem, SystemMailPage, TeamItem};
use crate::features::managed::convert::feedback;
use crate::features::providers::convert::{block_item, provider, test_result};
use crate::features::providers::server::connect::quota;
use crate::model::{AppError, FormReply, MailView, Page};
use crate::server::context::{Current, error_response, operator, to_app_error};
use crate::server::form::{Done, Sent};
use crate::server::list::{ROWS, filled, page_of};
use crate::server::mail::{self as mails_of, Reader};
use crate::server::words::moment;
use sendmux_domain::managed::{self, Decision};
use sendmux_domain::messages::query::{self, MessageFilter, MessageRow};
use sendmux_domain::system_mail::{self, Via};
use sendmux_domain::{Error, Timestamp, accounts, feedback, installation, providers, sandbox};

const MAILS: &str = "/operator/mail";

/// The queue of requests.
///
/// # Errors
/// [`AppError::NotFound`] for all but operators; [`AppError::SignedOut`]; [`AppError::Internal`].
pub async fn requests() -> Result<RequestsPage, AppError> {
    let (current, operator) = operator().await?;
    let now = current.now();
    let items = |reviews: Vec<managed::Review>| {
        reviews
            .into_iter()
            .map(|review| convert::request_item(review, now))
            .collect()
    };
    let domain = &current.domain;
    Ok(RequestsPage {
        pending: items(
            managed::pending_reviews(domain, &operator)
                .await
                .map_err(error_response)?,
        ),
        recent: items(managed::recent(domain, &operator).await.map_err(error_response)?),
    })
}

/// Decides a request.
///
/// # Errors
/// As [`requests`].
pub async fn decide(id: String, decision: String, cap: String, note: String) -> Result<FormReply, AppError> {
    let sent = Sent::on(DECIDE, "/operator/requests").typed([("id", &id), ("cap", &cap), ("note", &note)]);
    sent.run_as_operator(|current, operator| async move {
        let decision = read_decision(&decision, &cap)?;
        let request = managed::decide(&current.domain, &operator, &id, decision, &note).await?;
        Ok(match request.granted_cap {
            Some(cap) => format!("Approved: the cap is {cap} recipients a day from now on. The requester gets a mail."),
            None => "Denied. The requester gets a mail with your note.".to_owned(),
        })
    })
    .await
}

fn read_decision(decision: &str, cap: &str) -> Result<Decision, Error> {
    match decision {
        "deny" => Ok(Decision::Deny),
        "approve" => cap.trim().parse().map(Decision::Approve).map_err(|_| {
            Error::field(
                "cap",
                "invalid",
                "enter the new cap: a whole number of recipients a day",
            )
        }),
        _ => Err(Error::field("decision", "invalid", "choose to approve or to deny")),
    }
}

/// A page of the teams.
///
/// # Errors
/// As [`requests`]; [`AppError::Refused`] for a cursor that is none.
pub async fn teams(search: String, before: String) -> Result<Page<TeamItem>, AppError> {
    let (current, operator) = operator().await?;
    let before = filled(before);
    let page = managed::teams(&current.domain, &operator, &search, before.as_deref())
        .await
        .map_err(error_response)?;
    let now = current.now();
    Ok(page_of(page.rows, page.next, |team| convert::team_item(team, now)))
}

/// Lifts a suspension.
///
/// # Errors
/// As [`requests`].
pub async fn lift(id: String) -> Result<FormReply, AppError> {
    let sent = Sent::on(LIFT, "/operator/teams");
    sent.run_as_operator(|current, operator| async move {
        managed::lift(&current.domain, &operator, &id).await?;
        Ok("The suspension is lifted. The team's owners get a mail.")
    })
    .await
}

/// Puts the managed route's account back into rotation.
///
/// # Errors
/// As [`requests`].
pub async fn unblock_account() -> Result<FormReply, AppError> {
    let sent = Sent::on(UNBLOCK_ACCOUNT, "/operator/managed");
    sent.run_as_operator(|current, operator| async move {
        managed::unblock(&current.domain, &operator).await?;
        Ok("The account is back in rotation for all teams, with a clean record.")
    })
    .await
}

/// Puts the mail server of the configuration back into rotation.
///
/// # Errors
/// As [`requests`].
pub async fn unblock_mail_server() -> Result<FormReply, AppError> {
    let sent = Sent::on(MAIL_SERVER, MAILS);
    sent.run_as_operator(|current, operator| async move {
        system_mail::unblock_server(&current.domain, &operator).await?;
        Ok("The mail server is back in rotation, with a clean record. What waits for it goes out.")
    })
    .await
}

/// Tests the mail server of the configuration.
///
/// # Errors
/// As [`requests`].
pub async fn test_mail_server() -> Result<FormReply, AppError> {
    let sent = Sent::on(MAIL_SERVER, MAILS);
    sent.run_as_operator(|current, operator| async move {
        let result = system_mail::test_server(&current.domain, &operator).await?;
        Ok(Done::tested(test_result("", "Mail server", result)))
    })
    .await
}

/// The managed route as a whole.
///
/// # Errors
/// As [`requests`].
pub async fn managed() -> Result<ManagedPage, AppError> {
    let (current, operator) = operator().await?;
    let (domain, now) = (&current.domain, current.now());
    let overview = managed::overview(domain, &operator).await.map_err(error_response)?;
    let health = managed::account(domain, &operator).await.map_err(error_response)?;
    let faults = installation::faults(domain).await.map_err(error_response)?;
    let endpoint = feedback::managed_endpoint(domain, &operator)
        .await
        .map_err(error_response)?;
    let access = domain.settings.managed_ses.as_ref();
    // Amazon may be slow or away: the page opens all the same.
    let (account, account_error) = match providers::managed_ses_account(domain).await {
        Ok(account) => (account.map(|account| quota(&account)), None),
        Err(error) => (None, Some(to_app_error(error).to_string())),
    };
    Ok(ManagedPage {
        configured: access.is_some(),
        domain: domain.settings.managed_domain.clone(),
        region: access.map(|access| access.region.clone()),
        account,
        account_error,
        block: health.block.map(|block| block_item(block, now)),
        paused_until: health.paused_until.map(|at| moment(at, now)),
        faults: faults
            .into_iter()
            .map(|fault| convert::fault_item(fault, now))
            .collect(),
        feedback: feedback(&overview.feedback),
        suspended: overview.suspended,
        pending_requests: overview.pending_requests,
        busiest: overview
            .busiest
            .into_iter()
            .map(|team| BusyTeam {
                id: team.public_id,
                name: team.name,
                feedback: feedback(&team.feedback),
            })
            .collect(),
        endpoint: convert::endpoint(endpoint, now),
    })
}

/// The mails that the system sent.
///
/// # Errors
/// As [`requests`]; [`AppError::Refused`] for a cursor that is none.
pub async fn mails(before: String) -> Result<SystemMailPage, AppError> {
    let (current, _) = operator().await?;
    let (domain, now) = (&current.domain, current.now());
    let via = system_mail::via(domain).await.map_err(error_response)?;
    let filter = MessageFilter {
        before: filled(before),
        limit: ROWS,
        ..MessageFilter::default()
    };
    let page = query::list(domain, system_team(&current)?, &filter)
        .await
        .map_err(error_response)?;
    let (words, server) = match via {
        Via::Server(view) => (
            "They are sent through the mail server of the configuration.",
            Some(*view),
        ),
        Via::ManagedRoute => ("They are sent through the managed route's Amazon SES account.", None),
        Via::Sandbox => (
            "Nothing is configured to send them (mail_smtp_url, or the managed route's Amazon SES account), so they end \
             here. Links in them work all the same.",
            None,
        ),
    };
    let sent = accounts::mails_with_links(domain).await.map_err(error_response)?;
    let most = domain.settings.system_mails_per_day;
    Ok(SystemMailPage {
        via: format!("{words} Mails with links within 24 hours: {sent} of at most {most}."),
        to_sandbox: !system_mail::leaves(domain),
        server: server.map(|view| provider(view, now)),
        rows: page.rows.into_iter().map(|row| item(row, now)).collect(),
        older: page.next,
    })
}

/// One mail: what it is, and its content as it was sent.
///
/// # Errors
/// As [`requests`].
pub async fn mail(id: String) -> Result<(SystemMailItem, Option<MailView>), AppError> {
    let (current, _) = operator().await?;
    let (domain, team_id) = (&current.domain, system_team(&current)?);
    let detail = query::get(domain, team_id, &id).await.map_err(error_response)?;
    let reader = Reader::new().await;
    let content = match raw(domain, team_id, &id).await {
        Ok(raw) => Some(mails_of::view(reader, raw).await?),
        Err(Error::NotFound(_) | Error::Gone(_)) => None,
        Err(error) => return Err(error_response(error)),
    };
    Ok((item(detail.row, current.now()), content))
}

/// The content of a mail of the system: as it was captured, or as it was accepted.
///
/// # Errors
/// The domain's.
pub async fn raw(domain: &sendmux_domain::Domain, team_id: i64, id: &str) -> Result<axum::body::Bytes, Error> {
    match sandbox::get(domain, team_id, id).await {
        Ok(captured) => Ok(captured.raw),
        Err(Error::NotFound(_)) => query::raw(domain, team_id, id).await,
        Err(error) => Err(error),
    }
}

fn system_team(current: &Current) -> Result<i64, AppError> {
    system_mail::known_team(&current.domain).ok_or_else(|| error_response(Error::NotFound("mail")))
}

fn item(row: MessageRow, now: Timestamp) -> SystemMailItem {
    SystemMailItem {
        id: row.public_id,
        subject: row.subject,
        to: row.first_recipient,
        status: row.status.as_str().to_owned(),
        error: row.last_error,
        created: moment(row.created_at, now),
    }
}
