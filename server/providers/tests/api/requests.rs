//! Knowledge about a message after a fault: whether the provider may hold it. Shown with Gmail; the client is the same
//! for all.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sendmux_providers::{Connector, GmailConnector, GmailSettings, Http, HttpSettings};
use sendmux_rules::classify::{MessageEffect, ProviderEffect};
use sendmux_rules::{BlockKind, Class, IoFault, Stage};

use crate::server::{Act, Server, answer};
use crate::{http, http_within, job, job_with, mailbox, overall, ruled, tokens};

fn connector(url: &str, http: Http) -> GmailConnector {
    let settings = GmailSettings {
        api: url.to_owned(),
        identity: format!("{url}/userinfo"),
        ..GmailSettings::new(mailbox())
    };
    GmailConnector::new(settings, tokens(), http)
}

/// Larger than what the client and two sockets hold on the way.
fn large() -> Vec<u8> {
    let mut content = b"From: box@example.com\r\nTo: a@example.com\r\n\r\n".to_vec();
    content.resize(30_000_000, b'x');
    content
}

#[tokio::test]
async fn nobody_there() {
    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let gone = format!("http://{closed}");
    let report = connector(&gone, http()).send(&job(&["a@example.com"])).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Connect));
    assert_eq!(report.overall.fault, Some(IoFault::Refused));
    assert_eq!(report.overall.effect_on_message(), MessageEffect::AnotherOrRetry);
}

#[tokio::test]
async fn no_such_name() {
    let report = connector("http://nobody.invalid", http())
        .send(&job(&["a@example.com"]))
        .await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Connect));
    let fault = report.overall.fault;
    assert!(matches!(fault, Some(IoFault::NoSuchName | IoFault::Dns)), "{fault:?}");
    assert!(report.detail.unwrap().contains("nobody.invalid"));
}

#[tokio::test]
async fn a_cut_before_the_body_was_sent_is_a_fault_of_the_connection() {
    let server = Server::plays([Act::CutBeforeBody]).await;
    let asked = AtomicUsize::new(0);
    let may_commit = || {
        asked.fetch_add(1, Ordering::Relaxed);
        true
    };
    let report = connector(&server.url, http())
        .send_if(&job_with(&["a@example.com"], large()), &may_commit)
        .await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Request));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(report.overall.effect_on_message(), MessageEffect::AnotherOrRetry);
}

#[tokio::test]
async fn a_cut_after_the_body_leaves_the_outcome_unknown() {
    let server = Server::plays([Act::CutAfterBody]).await;
    let report = connector(&server.url, http()).send(&job(&["a@example.com"])).await;
    assert_eq!(overall(&report), (Class::Unknown, Stage::Response));
    assert!(server.only().complete);
    assert_eq!(report.overall.effect_on_message(), MessageEffect::NextRound);
    assert_eq!(
        report.overall.effect_on_provider(),
        ProviderEffect::Failure(BlockKind::Connection)
    );
}

#[tokio::test]
async fn silence_after_the_body_leaves_the_outcome_unknown() {
    let server = Server::plays([Act::Silence]).await;
    let report = connector(&server.url, http_within(Duration::from_millis(200)))
        .send(&job(&["a@example.com"]))
        .await;
    assert_eq!(overall(&report), (Class::Unknown, Stage::Response));
    assert_eq!(report.overall.fault, Some(IoFault::Timeout));
}

#[tokio::test]
async fn a_server_that_does_not_shake_hands_holds_a_message_for_the_time_of_a_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let http = Http::new(HttpSettings {
        connect_timeout: Duration::from_millis(200),
        allow_private_hosts: true,
        ..HttpSettings::default()
    })
    .unwrap();
    let report = connector(&url, http).send(&job(&["a@example.com"])).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Connect));
    assert_eq!(report.overall.fault, Some(IoFault::Timeout));
}

#[tokio::test]
async fn what_hands_nothing_over_has_a_shorter_time_than_a_message() {
    let server = Server::plays([Act::Silence]).await;
    let http = Http::new(HttpSettings {
        ask_timeout: Duration::from_millis(200),
        allow_private_hosts: true,
        ..HttpSettings::default()
    })
    .unwrap();
    let report = connector(&server.url, http).test().await;
    assert_eq!(report.class, Some(Class::Connection));
    assert!(
        report.steps.last().unwrap().detail.contains("did not answer in 0.2 s"),
        "{report:?}"
    );
}

#[tokio::test]
async fn without_leave_the_last_byte_is_not_sent() {
    let server = Server::plays([answer(200, r#"{"id":"1"}"#)]).await;
    for content in [job(&["a@example.com"]).content.to_vec(), large()] {
        let report = connector(&server.url, http())
            .send_if(&job_with(&["a@example.com"], content), &|| false)
            .await;
        assert_eq!(ruled(&report), (Class::Deferred, "local.abandoned"));
    }
    // The server may not even have seen the connection yet; what it has seen is incomplete.
    assert!(server.seen().iter().all(|seen| !seen.complete));
}

#[tokio::test]
async fn leave_is_asked_once_and_the_whole_body_arrives() {
    let server = Server::plays([answer(200, r#"{"id":"1"}"#)]).await;
    let asked = AtomicUsize::new(0);
    let may_commit = || {
        asked.fetch_add(1, Ordering::Relaxed);
        true
    };
    let report = connector(&server.url, http())
        .send_if(&job_with(&["a@example.com"], large()), &may_commit)
        .await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(server.only().body, large());
}

#[tokio::test]
async fn an_answer_before_the_body_was_sent_is_heard() {
    let server = Server::plays([Act::AnswerEarly(answer(413, ""))]).await;
    let report = connector(&server.url, http())
        .send(&job_with(&["a@example.com"], large()))
        .await;
    assert_eq!(ruled(&report), (Class::MessageRefused, "http_too_large"));
    assert_eq!(report.overall.effect_on_message(), MessageEffect::AnotherOrFail);
}

#[tokio::test]
async fn retry_after_as_seconds_as_date_and_in_words() {
    let busy = |status, header: Option<&str>, body: &str| {
        let with_date = answer(status, body).header("date", "Sun, 01 Mar 2026 12:00:00 GMT");
        match header {
            Some(value) => with_date.header("retry-after", value),
            None => with_date,
        }
    };
    let words = r#"{"error":{"code":429,"message":"User-rate limit exceeded.  Retry after 2026-03-01T12:01:30.000Z",
        "errors":[{"reason":"rateLimitExceeded"}]}}"#;
    for (given, expected) in [
        (busy(429, Some("7"), "{}"), Some(7)),
        (busy(503, Some("120"), "{}"), Some(120)),
        (busy(429, Some("Sun, 01 Mar 2026 12:00:45 GMT"), "{}"), Some(45)),
        (busy(429, Some("Sun, 01 Mar 2026 11:00:00 GMT"), "{}"), Some(0)),
        (busy(429, Some("soon"), "{}"), None),
        (busy(429, None, words), Some(90)),
        (busy(429, None, "{}"), None),
    ] {
        let server = Server::plays([given.clone()]).await;
        let report = connector(&server.url, http()).send(&job(&["a@example.com"])).await;
        assert_eq!(report.overall.class, Class::Throttled, "{given:?}");
        assert_eq!(
            report.overall.retry_after,
            expected.map(Duration::from_secs),
            "{given:?}"
        );
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Server::plays([answer(200, r#"{"id":"1"}"#)]).await;
    let server = Server::plays([answer(307, "").header("location", elsewhere.url.clone())]).await;
    let report = connector(&server.url, http()).send(&job(&["a@example.com"])).await;
    assert_eq!(ruled(&report), (Class::Config, "http_redirect"));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn internal_addresses_are_refused_unless_allowed() {
    let server = Server::plays([answer(200, "{}")]).await;
    let strict = Http::new(HttpSettings::default()).unwrap();
    let by_name = server.url.replace("127.0.0.1", "localhost");
    for url in [&server.url, &by_name, &"http://[::1]:9".to_owned()] {
        let report = connector(url, strict.clone()).send(&job(&["a@example.com"])).await;
        assert_eq!(ruled(&report), (Class::Config, "local.private_host"), "{url}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_unknown_authority_is_trusted_only_when_named() {
    let (url, pem) = tls_server().await;
    let settings = |extra_roots| HttpSettings {
        allow_private_hosts: true,
        extra_roots,
        ..HttpSettings::default()
    };
    let strict = Http::new(settings(None)).unwrap();
    let report = connector(&url, strict).send(&job(&["a@example.com"])).await;
    assert_eq!(overall(&report), (Class::Config, Stage::Tls));
    assert_eq!(report.overall.fault, Some(IoFault::CertificateMismatch));
    let trusting = Http::new(settings(Some(pem))).unwrap();
    let report = connector(&url, trusting).send(&job(&["a@example.com"])).await;
    assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
    assert!(Http::new(settings(Some("hello".to_owned()))).is_err());
}

/// A TLS server under `localhost` that answers every request, and its certificate.
async fn tls_server() -> (String, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                let mut seen = Vec::new();
                while !seen.ends_with(b"How are you?\r\n") {
                    if !matches!(stream.read_buf(&mut seen).await, Ok(1..)) {
                        return;
                    }
                }
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"id\":\"1\"}")
                    .await;
                let _ = stream.flush().await;
                let _ = stream.read_buf(&mut seen).await;
            });
        }
    });
    (url, made.cert.pem())
}
