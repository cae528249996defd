//! Microsoft 365, as Graph's reference of sendMail, its error responses and its throttling guidance say.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use parking_lot::Mutex;
use sendmux_providers::{Connector, GraphConnector, GraphSettings};
use sendmux_rules::classify::MessageEffect;
use sendmux_rules::{Class, ProviderKind, Stage};

use crate::server::{Act, Server, answer};
use crate::{http, http_within, job, job_with, mailbox, overall, ruled, tokens};

fn connector(server: &Server) -> GraphConnector {
    let settings = GraphSettings {
        api: format!("{}/v1.0", server.url),
        ..GraphSettings::new(mailbox())
    };
    GraphConnector::new(settings, tokens(), http())
}

#[tokio::test]
async fn sends_the_message_in_base64() {
    let accepted = answer(202, "").header("request-id", "7ee53e02-d8ec-4d52-8e1e-5e8b5a3a1a61");
    let server = Server::plays([accepted.clone(), accepted.header("retry-after", "30")]).await;
    let job = job_with(
        &["a@example.com", "hidden@example.com"],
        "From: box@example.com\r\nTo: a@example.com\r\n\r\nhi\r\n",
    );
    for _ in 0..2 {
        let report = connector(&server).send(&job).await;
        assert_eq!(overall(&report), (Class::Accepted, Stage::Response));
        assert_eq!(report.overall.retry_after, None);
        assert_eq!(
            report.provider_message_id.as_deref(),
            Some("7ee53e02-d8ec-4d52-8e1e-5e8b5a3a1a61")
        );
    }
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/v1.0/me/sendMail")
    );
    assert_eq!(seen.headers["content-type"], "text/plain");
    assert_eq!(seen.headers["authorization"], "Bearer token-1");
    assert_eq!(
        STANDARD.decode(&seen.body).unwrap(),
        b"Bcc: hidden@example.com\r\nFrom: box@example.com\r\nTo: a@example.com\r\n\r\nhi\r\n"
    );
}

#[tokio::test]
async fn three_megabytes_are_the_most() {
    let server = Server::plays([answer(202, "")]).await;
    let limit = usize::try_from(ProviderKind::Microsoft365.capability().max_bytes.unwrap()).unwrap();
    let mut content = b"From: box@example.com\r\nTo: a@example.com\r\n\r\n".to_vec();
    content.resize(limit, b'x');
    let report = connector(&server)
        .send(&job_with(&["a@example.com"], content.clone()))
        .await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert!(server.only().body.len() <= 4_000_000);
    content.push(b'x');
    let report = connector(&server).send(&job_with(&["a@example.com"], content)).await;
    assert_eq!(ruled(&report), (Class::MessageRefused, "local.too_large"));
}

#[tokio::test]
async fn four_calls_at_a_time() {
    // Counts the requests that wait; none is answered before four wait, and a fifth would be seen.
    let waiting = Arc::new(Mutex::new((0, 0)));
    let gate = Arc::new(tokio::sync::Barrier::new(4));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1.0", listener.local_addr().unwrap());
    let app = axum::Router::new().route(
        "/v1.0/me/sendMail",
        axum::routing::post({
            let waiting = Arc::clone(&waiting);
            move |_: axum::body::Bytes| async move {
                {
                    let mut waiting = waiting.lock();
                    waiting.0 += 1;
                    waiting.1 = waiting.1.max(waiting.0);
                }
                gate.wait().await;
                waiting.lock().0 -= 1;
                axum::http::StatusCode::ACCEPTED
            }
        }),
    );
    tokio::spawn(async move { axum::serve(listener, app).await });
    let settings = GraphSettings {
        api: url,
        ..GraphSettings::new(mailbox())
    };
    let connector = GraphConnector::new(settings, tokens(), http());
    let job = job(&["a@example.com"]);
    let reports = join_all((0..12).map(|_| connector.send(&job))).await;
    assert!(reports.iter().all(|report| report.overall.class == Class::Accepted));
    assert_eq!(waiting.lock().1, 4);
}

fn error(code: &str, message: &str) -> String {
    serde_json::json!({"error": {
        "code": code, "message": message,
        "innerError": {"date": "2026-03-01T12:00:00", "request-id": "1", "client-request-id": "1"},
    }})
    .to_string()
}

/// Microsoft Graph error responses; EWS ResponseCodeType; throttling guidance.
#[tokio::test]
async fn the_documented_errors() {
    for (status, code, message, expected) in [
        (
            400,
            "ErrorInvalidRecipients",
            "At least one recipient isn't valid.",
            Class::RecipientRefused,
        ),
        (
            400,
            "ErrorMimeContentInvalidBase64String",
            "Invalid base64 string for MIME content.",
            Class::MessageRefused,
        ),
        (
            403,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
            Class::Auth,
        ),
        (
            403,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to send mail.",
            Class::SenderRefused,
        ),
        (403, "ErrorAccountSuspend", "Account suspended.", Class::Config),
        (403, "ErrorExceededMessageLimit", "Cannot send mail.", Class::Quota),
        (
            400,
            "ErrorQuotaExceeded",
            "Mailbox has exceeded maximum mailbox size.",
            Class::Quota,
        ),
        (
            403,
            "ErrorMessageBlocked",
            "Your message can't be sent because it looks like spam.",
            Class::MessageRefused,
        ),
        (
            401,
            "OrganizationFromTenantGuidNotFound",
            "The tenant for tenant guid '9fd843f0' does not exist.",
            Class::Config,
        ),
        (423, "Locked", "The resource is locked.", Class::Deferred),
        (
            500,
            "ErrorSubmissionQuotaExceeded",
            "The submission quota was exceeded.",
            Class::Quota,
        ),
        (
            500,
            "ErrorMailboxMoveInProgress",
            "Mailbox move in progress.",
            Class::Connection,
        ),
        (
            500,
            "ErrorVirusDetected",
            "A virus was found in the message.",
            Class::MessageRefused,
        ),
        (509, "BandwidthLimitExceeded", "", Class::Throttled),
        (
            403,
            "ErrorMessageSubmissionBlocked",
            "Your message can't be sent because you've reached your daily limit for message recipients",
            Class::Quota,
        ),
        (
            404,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            Class::Config,
        ),
        (
            413,
            "ErrorMessageSizeExceeded",
            "The message exceeds the maximum size.",
            Class::MessageRefused,
        ),
        (
            429,
            "ApplicationThrottled",
            "Application is over its MailboxConcurrency limit.",
            Class::Throttled,
        ),
        (429, "TooManyRequests", "Too many requests", Class::Throttled),
        (
            500,
            "ErrorInternalServerError",
            "An internal server error occurred.",
            Class::Unknown,
        ),
        (503, "ErrorServerBusy", "The server is too busy.", Class::Unknown),
        (504, "UnknownError", "", Class::Unknown),
    ] {
        let server = Server::plays([answer(status, error(code, message))]).await;
        let report = connector(&server).send(&job(&["a@example.com", "b@example.com"])).await;
        assert_eq!(report.overall.class, expected, "{status} {code}");
        assert!(report.outcomes.iter().all(|one| one.outcome.class == expected));
        let reply = report.overall.reply.unwrap();
        assert!(reply.code == status && reply.text.contains(code), "{reply}");
    }
}

#[tokio::test]
async fn retry_after_is_read() {
    let throttled = answer(429, error("TooManyRequests", "slow down")).header("retry-after", "12");
    let server = Server::plays([throttled]).await;
    let report = connector(&server).send(&job(&["a@example.com"])).await;
    assert_eq!(report.overall.class, Class::Throttled);
    assert_eq!(report.overall.retry_after, Some(Duration::from_secs(12)));
}

#[tokio::test]
async fn a_5xx_is_unknown_only_once_the_message_was_there() {
    let server = Server::plays([answer(503, "")]).await;
    let report = connector(&server).send(&job(&["a@example.com"])).await;
    assert_eq!(overall(&report), (Class::Unknown, Stage::Response));
    assert_eq!(report.overall.effect_on_message(), MessageEffect::NextRound);
    let server = Server::plays([Act::Silence]).await;
    let settings = GraphSettings {
        api: server.url.clone(),
        ..GraphSettings::new(mailbox())
    };
    let hasty = GraphConnector::new(settings, tokens(), http_within(Duration::from_millis(200)));
    assert_eq!(hasty.send(&job(&["a@example.com"])).await.overall.class, Class::Unknown);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once() {
    let expired = || {
        answer(
            401,
            error(
                "InvalidAuthenticationToken",
                "Access token has expired or is not yet valid.",
            ),
        )
    };
    let server = Server::plays([expired(), answer(202, "")]).await;
    let report = connector(&server).send(&job(&["a@example.com"])).await;
    assert_eq!(report.overall.class, Class::Accepted);
    let server = Server::plays([expired()]).await;
    let report = connector(&server).send(&job(&["a@example.com"])).await;
    assert_eq!((report.overall.class, report.overall.confirmed), (Class::Auth, true));
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn the_connection_test_asks_whose_mailbox_it_is() {
    let user = r#"{"id":"87d349ed","mail":"box@example.com","userPrincipalName":"box@tenant.onmicrosoft.com"}"#;
    let server = Server::plays([answer(200, user)]).await;
    let report = connector(&server).test().await;
    assert!(report.ok, "{report:?}");
    assert_eq!(server.only().path, "/v1.0/me");

    let server = Server::plays([answer(200, r#"{"id":"87d349ed","mail":null}"#)]).await;
    let report = connector(&server).test().await;
    assert!(!report.ok);
    assert!(report.steps[1].detail.contains("without a mailbox"));
}
