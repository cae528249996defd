//! Gmail, as its API reference and its guide on errors say.

use std::sync::Arc;

use sendmux_providers::{Connector, GmailConnector, GmailSettings};
use sendmux_rules::classify::{MessageEffect, ProviderEffect};
use sendmux_rules::{BlockKind, Class, Hint, Outcome, ProviderKind};

use crate::server::{Server, answer};
use crate::{Tokens, http, job, job_with, mailbox, ruled, tokens};

fn connector_with(server: &Server, tokens: Arc<Tokens>) -> GmailConnector {
    let settings = GmailSettings {
        api: server.url.clone(),
        identity: format!("{}/v1/userinfo", server.url),
        ..GmailSettings::new(mailbox())
    };
    GmailConnector::new(settings, tokens, http())
}

fn connector(server: &Server) -> GmailConnector {
    connector_with(server, tokens())
}

async fn taking() -> Server {
    Server::plays([answer(
        200,
        r#"{"id":"18c0ffee","threadId":"18c0ffee","labelIds":["SENT"]}"#,
    )])
    .await
}

#[tokio::test]
async fn sends_the_message_as_it_is() {
    let server = taking().await;
    let job = job(&["a@example.com", "b@example.com"]);
    let report = connector(&server).send(&job).await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert_eq!(report.outcomes.len(), 2);
    assert_eq!(report.provider_message_id.as_deref(), Some("18c0ffee"));
    let seen = server.only();
    assert_eq!(seen.method, "POST");
    assert_eq!(seen.path, "/upload/gmail/v1/users/me/messages/send?uploadType=media");
    assert_eq!(seen.headers["content-type"], "message/rfc822");
    assert_eq!(seen.headers["authorization"], "Bearer token-1");
    assert_eq!(seen.headers["content-length"], job.content.len().to_string());
    assert_eq!(seen.body, job.content);
}

#[tokio::test]
async fn recipients_in_no_header_get_a_bcc() {
    let server = taking().await;
    let content = "From: box@example.com\r\nTo: A <A@Example.com>\r\nCc: group: b@example.com;\r\n\r\nhi\r\n";
    let job = job_with(
        &["a@example.com", "b@example.com", "c@example.com", "d@example.com"],
        content,
    );
    let report = connector(&server).send(&job).await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert_eq!(
        server.only().text(),
        format!("Bcc: c@example.com, d@example.com\r\n{content}")
    );
}

#[tokio::test]
async fn another_sender_is_rewritten_and_an_alias_is_not() {
    let server = taking().await;
    let mut job = job_with(
        &["a@example.com"],
        "From: Anna Bell <anna@other.example>\r\nTo: a@example.com\r\n\r\nhi\r\n",
    );
    job.from = "anna@other.example".to_owned();
    connector(&server).send(&job).await;
    let mut from_alias = job_with(
        &["a@example.com"],
        "From: Anna Bell <Alias@example.com>\r\nTo: a@example.com\r\n\r\nhi\r\n",
    );
    from_alias.from = "Alias@example.com".to_owned();
    connector(&server).send(&from_alias).await;
    let seen = server.seen();
    assert_eq!(
        seen[0].text(),
        "From: Anna Bell <box@example.com>\r\nReply-To: Anna Bell <anna@other.example>\r\nTo: a@example.com\r\n\r\nhi\r\n"
    );
    assert_eq!(seen[1].body, from_alias.content);
}

#[tokio::test]
async fn nobody_else_stands_as_author_or_sender() {
    let server = taking().await;
    for (header, expected) in [
        (
            "From: box@example.com, anna@other.example\r\n",
            "From: box@example.com\r\nReply-To: box@example.com, anna@other.example\r\n",
        ),
        (
            "From: box@example.com\r\nFrom: anna@other.example\r\n",
            "From: box@example.com\r\nReply-To: box@example.com, anna@other.example\r\n",
        ),
        (
            "From: box@example.com\r\nSender: anna@other.example\r\n",
            "From: box@example.com\r\n",
        ),
    ] {
        let rest = "To: a@example.com\r\n\r\nhi\r\n";
        let job = job_with(&["a@example.com"], format!("{header}{rest}"));
        let report = connector(&server).send(&job).await;
        assert_eq!(report.overall.class, Class::Accepted);
        assert_eq!(server.seen().last().unwrap().text(), format!("{expected}{rest}"));
    }
}

#[tokio::test]
async fn nobody_gets_it_who_is_not_to_get_it() {
    let server = taking().await;
    let mut in_part = job(&["a@example.com"]);
    in_part.headers_cover_recipients = false;
    let report = connector(&server).send(&in_part).await;
    assert_eq!(ruled(&report), (Class::MessageRefused, "local.served_in_part"));
    assert_eq!(report.overall.hint, Some(Hint::HeaderRecipients));
    let others = job_with(
        &["a@example.com"],
        "From: box@example.com\r\nTo: list@example.com\r\nCc: a@example.com\r\n\r\nhi\r\n",
    );
    let report = connector(&server).send(&others).await;
    assert_eq!(ruled(&report), (Class::MessageRefused, "local.header_recipients"));
    assert_eq!(report.overall.hint, Some(Hint::HeaderRecipients));
    assert_eq!(report.overall.effect_on_message(), MessageEffect::AnotherOrFail);
    assert_eq!(report.overall.effect_on_provider(), ProviderEffect::None);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_message_that_is_too_large_is_for_others() {
    let server = taking().await;
    let limit = ProviderKind::Gmail.capability().max_bytes.unwrap();
    let mut content = b"From: box@example.com\r\nTo: a@example.com\r\n\r\n".to_vec();
    content.resize(usize::try_from(limit).unwrap() + 1, b'x');
    let report = connector(&server).send(&job_with(&["a@example.com"], content)).await;
    assert_eq!(ruled(&report), (Class::MessageRefused, "local.too_large"));
    assert_eq!(report.overall.hint, Some(Hint::TooLarge));
    assert!(server.seen().is_empty());
}

const UNAUTHORIZED: &str = r#"{"error":{"code":401,"message":"Request had invalid authentication credentials.",
    "errors":[{"message":"Invalid Credentials","domain":"global","reason":"authError","location":"Authorization",
    "locationType":"header"}],"status":"UNAUTHENTICATED"}}"#;

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = Server::plays([answer(401, UNAUTHORIZED), answer(200, r#"{"id":"1"}"#)]).await;
    let tokens = tokens();
    let report = connector_with(&server, Arc::clone(&tokens))
        .send(&job(&["a@example.com"]))
        .await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert_eq!(tokens.refused(), ["token-1"]);
    assert_eq!(server.seen()[1].headers["authorization"], "Bearer token-2");

    let server = Server::plays([answer(401, UNAUTHORIZED)]).await;
    let report = connector(&server).send(&job(&["a@example.com"])).await;
    assert_eq!(server.seen().len(), 2);
    assert_eq!(ruled(&report), (Class::Auth, "http_unauthorized"));
    assert_eq!(
        report.overall.effect_on_provider(),
        ProviderEffect::Block(BlockKind::Auth)
    );
}

#[tokio::test]
async fn a_revoked_grant_is_what_comes_of_the_attempt() {
    let server = Server::plays([answer(401, UNAUTHORIZED)]).await;
    let mut revoked = Outcome::from_token(
        ProviderKind::Gmail,
        400,
        "invalid_grant",
        "Token has been revoked.",
        None,
    );
    revoked.confirmed = true;
    let tokens = Tokens {
        fault: Some(revoked.into()),
        ..Tokens::default()
    };
    let report = connector_with(&server, Arc::new(tokens))
        .send(&job(&["a@example.com"]))
        .await;
    assert_eq!(ruled(&report), (Class::Auth, "token_grant"));
    assert_eq!(
        report.overall.effect_on_provider(),
        ProviderEffect::Block(BlockKind::Auth)
    );
    assert_eq!(server.seen().len(), 1);
}

/// Gmail API, "Resolve errors", and the forms of its newer surface (google.rpc.Status).
#[tokio::test]
async fn the_documented_errors() {
    let old = |status: u16, domain: &str, reason: &str, message: &str| {
        let body = serde_json::json!({"error": {
            "errors": [{"domain": domain, "reason": reason, "message": message}],
            "code": status, "message": message,
        }});
        (status, body)
    };
    let new = |status: u16, canonical: &str, reason: &str, message: &str| {
        let body = serde_json::json!({"error": {
            "code": status, "message": message, "status": canonical,
            "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}],
        }});
        (status, body)
    };
    for ((status, body), expected) in [
        (
            old(400, "global", "badRequest", "Bad Request"),
            (Class::MessageRefused, "gmail_bad_request"),
        ),
        (
            old(400, "global", "invalidArgument", "Recipient address required"),
            (Class::MessageRefused, "gmail_bad_request"),
        ),
        (
            old(400, "global", "failedPrecondition", "Mail service not enabled"),
            (Class::Config, "gmail_no_mailbox"),
        ),
        (
            old(
                400,
                "global",
                "badRequest",
                "Request payload size exceeds the limit: 36700160 bytes.",
            ),
            (Class::MessageRefused, "gmail_too_large"),
        ),
        (
            new(
                429,
                "RESOURCE_EXHAUSTED",
                "RATE_LIMIT_EXCEEDED",
                "Quota exceeded for quota metric 'Queries' and limit 'Queries per day' of service 'gmail.googleapis.com' for consumer 'project_number:42'.",
            ),
            (Class::Quota, "gmail_daily_metric"),
        ),
        (
            old(403, "usageLimits", "dailyLimitExceeded", "Daily Limit Exceeded"),
            (Class::Quota, "gmail_daily_limit"),
        ),
        (
            old(403, "usageLimits", "userRateLimitExceeded", "User Rate Limit Exceeded"),
            (Class::Throttled, "gmail_rate"),
        ),
        (
            old(403, "usageLimits", "rateLimitExceeded", "Rate Limit Exceeded"),
            (Class::Throttled, "gmail_rate"),
        ),
        (
            old(
                429,
                "usageLimits",
                "rateLimitExceeded",
                "User-rate limit exceeded.  Retry after 2026-03-01T12:00:00.000Z (Mail sending)",
            ),
            (Class::Quota, "gmail_mail_sending"),
        ),
        (
            old(
                429,
                "usageLimits",
                "rateLimitExceeded",
                "Too many concurrent requests for user",
            ),
            (Class::Throttled, "gmail_rate"),
        ),
        (
            old(
                403,
                "global",
                "domainPolicy",
                "The domain administrators have disabled Gmail apps.",
            ),
            (Class::Config, "gmail_domain_policy"),
        ),
        (
            new(
                403,
                "PERMISSION_DENIED",
                "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "Request had insufficient authentication scopes.",
            ),
            (Class::Auth, "gmail_scope"),
        ),
        (
            new(
                403,
                "PERMISSION_DENIED",
                "SERVICE_DISABLED",
                "Gmail API has not been used in project 42 before or it is disabled.",
            ),
            (Class::Config, "gmail_api_disabled"),
        ),
        (
            new(
                429,
                "RESOURCE_EXHAUSTED",
                "RATE_LIMIT_EXCEEDED",
                "Quota exceeded for quota metric 'Queries'",
            ),
            (Class::Throttled, "gmail_rate"),
        ),
        (
            old(500, "global", "backendError", "Backend Error"),
            (Class::Connection, "http_server_error"),
        ),
    ] {
        let server = Server::plays([answer(status, body.to_string())]).await;
        let report = connector(&server).send(&job(&["a@example.com"])).await;
        assert_eq!(ruled(&report), expected, "{body}");
        assert_eq!(report.overall.reply.unwrap().code, status);
    }
    // Google's front end answers in HTML.
    let server = Server::plays([answer(502, "<!DOCTYPE html><title>Error 502</title>")]).await;
    let report = connector(&server).send(&job(&["a@example.com"])).await;
    assert_eq!(ruled(&report), (Class::Connection, "http_server_error"));
}

#[tokio::test]
async fn the_connection_test_asks_whose_mailbox_it_is() {
    let server = Server::plays([answer(
        200,
        r#"{"sub":"1","email":"Box@example.com","email_verified":true}"#,
    )])
    .await;
    let report = connector(&server).test().await;
    assert!(report.ok, "{report:?}");
    assert_eq!(
        report.steps.iter().map(|step| step.name).collect::<Vec<_>>(),
        ["token", "auth"]
    );
    let seen = server.only();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/v1/userinfo"));

    let server = Server::plays([answer(200, r#"{"sub":"1","email":"other@example.com"}"#)]).await;
    let report = connector(&server).test().await;
    assert_eq!((report.ok, report.class), (false, Some(Class::Config)));

    let server = Server::plays([answer(
        401,
        r#"{"error":"invalid_request","error_description":"Invalid Credentials"}"#,
    )])
    .await;
    let report = connector(&server).test().await;
    assert_eq!((report.ok, report.class), (false, Some(Class::Auth)));
    assert!(report.advice.unwrap().contains("Re-authorise"));

    let server = Server::plays([answer(503, "")]).await;
    let report = connector(&server).test().await;
    assert_eq!((report.ok, report.class), (false, Some(Class::Connection)));
}
