//! Scrapes of the metrics, on every database.

use super::*;
use crate::keys::Scope;
use crate::providers::{self, CapsForm};
use crate::routing::tests::{key, pulled, relay, submit, with_runtime};
use crate::testing::databases;
use sendmux_rules::caps;

async fn has(domain: &Domain, lines: &[&str]) {
    let text = render(domain).await.unwrap();
    for line in lines {
        assert!(text.lines().any(|other| other == *line), "no {line} in\n{text}");
    }
}

#[tokio::test]
async fn the_installation_as_the_database_knows_it() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let open = relay(&test, &session, "Open").await;
        let closed = relay(&test, &session, "Closed").await;
        let secret = |scope| async { key(&test, &session, "key", scope).await.secret };
        let to_open = secret(Scope::Providers(vec![open.public_id.clone()])).await;
        let to_closed = secret(Scope::Providers(vec![closed.public_id.clone()])).await;
        let now = test.domain.clock.now();
        let until = now.plus(Duration::from_secs(3_600));
        with_runtime(&test, closed.id, |runtime| {
            runtime.health = pulled(BlockKind::Connection, Some(until));
        })
        .await;
        let form = CapsForm {
            hour: Some(10),
            ..CapsForm::default()
        };
        providers::set_caps(&test, &session.actor(None), &open.public_id, form)
            .await
            .unwrap();
        with_runtime(&test, open.id, |runtime| {
            caps::charge(&mut runtime.usage, now, 8);
            runtime.last_used_at = Some(now);
        })
        .await;
        for secret in [&to_open, &to_closed, &to_closed] {
            submit(&test, secret).await.unwrap();
        }
        has(
            &test,
            &[
                "sendmux_database_up 1",
                r#"sendmux_messages_accepted_total{source="http",mode="live"} 3"#,
                r#"sendmux_queue_messages{state="ready",reason="none"} 1"#,
                r#"sendmux_queue_messages{state="waiting",reason="blocked"} 2"#,
                r#"sendmux_queue_messages{state="sending",reason="none"} 0"#,
                r#"sendmux_providers{kind="smtp",status="active"} 2"#,
                r#"sendmux_providers_blocked{kind="smtp",block="connection"} 1"#,
                r#"sendmux_caps{kind="smtp",window="hour",used="under_100_percent"} 1"#,
                "# EOF",
            ],
        )
        .await;
        let text = render(&test).await.unwrap();
        for secret in [
            &session.team.public_id,
            &open.public_id,
            &to_open,
            "Acme",
            "example.com",
        ] {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
}

#[tokio::test]
async fn a_reading_of_the_database_is_shared_for_ten_seconds() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        relay(&test, &session, "One").await;
        has(&test, &[r#"sendmux_providers{kind="smtp",status="active"} 1"#]).await;
        relay(&test, &session, "Two").await;
        has(&test, &[r#"sendmux_providers{kind="smtp",status="active"} 1"#]).await;
        test.clock.advance(Duration::from_secs(10));
        has(&test, &[r#"sendmux_providers{kind="smtp",status="active"} 2"#]).await;
    }
}

#[tokio::test]
async fn what_the_process_counts() {
    for test in databases().await {
        let metrics = &test.metrics;
        metrics.attempted(ProviderKind::Gmail, Class::Throttled, Duration::from_millis(30));
        metrics.finished(MessageStatus::Sent, Duration::from_secs(2));
        metrics.finished(MessageStatus::Failed, Duration::from_secs(2));
        metrics.rate_limited(Source::Smtp);
        metrics.authentication_failed(Source::Http);
        let session = metrics.smtp.open();
        metrics.smtp.turned_away();
        metrics
            .smtp
            .ended("starttls", SmtpEnd::Quit, Some("TLSv1.3"), [(535, 2)]);
        metrics
            .http
            .answered("BREW", "/api/v1/messages/{id}", 404, Duration::from_millis(3));
        has(
            &test,
            &[
                r#"sendmux_attempts_total{kind="gmail",class="throttled"} 1"#,
                r#"sendmux_attempt_seconds_bucket{le="0.05",kind="gmail"} 1"#,
                r#"sendmux_messages_finished_total{status="failed"} 1"#,
                "sendmux_delivery_seconds_count 1",
                r#"sendmux_rate_limit_refusals_total{source="smtp"} 1"#,
                r#"sendmux_failed_authentications_total{source="http"} 1"#,
                "sendmux_smtp_sessions_open 1",
                "sendmux_smtp_connections_turned_away_total 1",
                r#"sendmux_smtp_sessions_total{security="starttls",end="quit"} 1"#,
                r#"sendmux_smtp_tls_handshakes_total{version="TLSv1.3"} 1"#,
                r#"sendmux_smtp_refusals_total{code="535"} 2"#,
                r#"sendmux_http_requests_total{method="other",route="/api/v1/messages/{id}",status="404"} 1"#,
            ],
        )
        .await;
        drop(session);
        has(&test, &["sendmux_smtp_sessions_open 0"]).await;
    }
}
