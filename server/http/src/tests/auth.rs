use super::support::{Server, minimal, servers, servers_with};
use axum::body::{Body, Bytes};
use axum::http::Request;
use sendmux_domain::keys::{self, Permission};
use sendmux_domain::settings::{MailServer, MailSettings};
use sendmux_domain::{ClientAddress, Settings};
use sendmux_rules::{Mode, SmtpSecurity};
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

fn refusal(code: &str, status: u16) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn without_a_valid_key_nothing_is_done() {
    for server in servers().await {
        let unknown = format!("smx_live_{}", "a".repeat(32));
        let valid = server.key.clone();
        let basic = "Basic c214OnNteA==".to_owned();
        for (header, challenge) in [
            (None, r#"Bearer realm="sendmux""#),
            (Some(String::new()), r#"Bearer realm="sendmux""#),
            (Some(valid.clone()), r#"Bearer realm="sendmux""#),
            (Some("Bearer".to_owned()), r#"Bearer realm="sendmux""#),
            (Some("Bearer ".to_owned()), r#"Bearer realm="sendmux""#),
            (Some(basic), r#"Bearer realm="sendmux""#),
            (Some(format!("Bearer {valid} {valid}")), r#"Bearer realm="sendmux""#),
            (
                Some("Bearer nonsense".to_owned()),
                r#"Bearer realm="sendmux", error="invalid_token""#,
            ),
            (
                Some(format!("Bearer {unknown}")),
                r#"Bearer realm="sendmux", error="invalid_token""#,
            ),
            (
                Some(format!("Bearer {valid}x")),
                r#"Bearer realm="sendmux", error="invalid_token""#,
            ),
            (
                Some(format!("Bearer {}", valid.to_uppercase())),
                r#"Bearer realm="sendmux", error="invalid_token""#,
            ),
        ] {
            let mut request = Request::post("/api/v1/emails/send").header("content-type", "application/json");
            if let Some(header) = &header {
                request = request.header("authorization", header);
            }
            let answer = server
                .call(request.body(Body::from(minimal().to_string())).unwrap())
                .await;
            assert_eq!(answer.error(), refusal("authentication_required", 401), "{header:?}");
            assert_eq!(answer.header("www-authenticate"), challenge, "{header:?}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert_eq!(answer.header("x-ratelimit-limit"), "", "{header:?}");
        }
        let twice = Request::post("/api/v1/emails/send")
            .header("authorization", format!("Bearer {valid}"))
            .header("authorization", format!("Bearer {valid}"));
        assert_eq!(server.call(twice.body(Body::empty()).unwrap()).await.error().0, 401);
        let lower = Request::post("/api/v1/emails/send")
            .header("authorization", format!("bearer {valid}"))
            .header("content-type", "application/json");
        assert_eq!(
            server
                .call(lower.body(Body::from(minimal().to_string())).unwrap())
                .await
                .status,
            202
        );
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused() {
    for server in servers().await {
        let (id, secret) = server.new_key(Mode::Live, Permission::Send).await;
        assert_eq!(server.post_with(&secret, minimal().to_string()).await.status, 202);
        keys::revoke(&server.domain, &server.owner.actor(None), &id)
            .await
            .unwrap();
        server.domain.clock.advance(Duration::from_secs(3));
        let answer = server.post_with(&secret, minimal().to_string()).await;
        assert_eq!(answer.error(), refusal("authentication_required", 401));
    }
}

#[tokio::test]
async fn a_key_needs_the_permission() {
    for server in servers().await {
        let (_, reader) = server.new_key(Mode::Live, Permission::Read).await;
        let answer = server.post_with(&reader, minimal().to_string()).await;
        assert_eq!(answer.error(), refusal("insufficient_permissions", 403));
        assert_eq!(
            answer.header("www-authenticate"),
            r#"Bearer realm="sendmux", error="insufficient_scope""#
        );
        assert_eq!(
            answer.header("x-ratelimit-limit"),
            "1800",
            "it was a request of this key"
        );
    }
}

/// A body that never comes: whoever reads it waits forever.
fn unreadable() -> Body {
    Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>())
}

#[tokio::test]
async fn the_body_is_not_read_for_a_wrong_key_or_beyond_the_rate() {
    let settings = Settings {
        rate_limit_per_minute: 1,
        ..Settings::default()
    };
    for server in servers_with(settings).await {
        assert_eq!(server.post_with("nonsense", unreadable()).await.error().0, 401);
        assert_eq!(server.send(&minimal()).await.status, 202);
        assert_eq!(server.post(unreadable()).await.error().0, 429);
        server.domain.clock.advance(Duration::from_secs(60));
        let (_, reader) = server.new_key(Mode::Live, Permission::Read).await;
        assert_eq!(server.post_with(&reader, unreadable()).await.error().0, 403);
    }
}

#[tokio::test]
async fn before_the_owners_address_is_verified_only_test_keys_send() {
    let settings = Settings {
        mail: MailSettings {
            from: Some("mail@example.com".to_owned()),
            server: Some(MailServer {
                host: "mx.example.com".to_owned(),
                port: 25,
                security: SmtpSecurity::None,
                credentials: None,
            }),
        },
        ..Settings::default()
    };
    for server in servers_with(settings).await {
        let answer = server.send(&minimal()).await;
        assert_eq!(answer.error(), refusal("insufficient_permissions", 403));
        let text = answer.json()["error"]["message"].to_string().to_lowercase();
        assert!(text.contains("verify the email address"), "{text}");
        let (_, in_test) = server.new_key(Mode::Test, Permission::Send).await;
        assert_eq!(server.post_with(&in_test, minimal().to_string()).await.status, 202);
    }
}

#[tokio::test]
async fn the_rate_of_a_key_is_limited_by_the_minute() {
    let settings = Settings {
        rate_limit_per_minute: 3,
        ..Settings::default()
    };
    for server in servers_with(settings).await {
        // 2026-01-01T00:00:20Z
        server.domain.clock.advance(Duration::from_secs(20));
        for remaining in ["2", "1", "0"] {
            // A refused message is a request too.
            let answer = server.post("{}").await;
            assert_eq!(answer.status, 400);
            assert_eq!(answer.header("x-ratelimit-limit"), "3");
            assert_eq!(answer.header("x-ratelimit-remaining"), remaining);
            assert_eq!(answer.header("x-ratelimit-reset"), "1767225660");
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        let answer = server.send(&minimal()).await;
        assert_eq!(answer.error(), refusal("rate_limit_exceeded", 429));
        assert_eq!(answer.json()["error"]["retryable"], true);
        assert_eq!(answer.header("retry-after"), "40");
        assert_eq!(answer.header("x-ratelimit-remaining"), "0");

        let (_, other) = server.new_key(Mode::Live, Permission::Send).await;
        assert_eq!(server.post_with(&other, minimal().to_string()).await.status, 202);
        server.domain.clock.advance(Duration::from_secs(40));
        let answer = server.send(&minimal()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-ratelimit-remaining")),
            (202, "2")
        );
    }
}

#[tokio::test]
async fn wrong_keys_from_one_address_are_throttled() {
    async fn attempt(server: &Server, key: &str, address: [u8; 4]) -> super::support::Answer {
        let mut request = Request::post("/api/v1/emails/send")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .body(Body::from(minimal().to_string()))
            .unwrap();
        request.extensions_mut().insert(ClientAddress(IpAddr::from(address)));
        server.call(request).await
    }
    for server in servers().await {
        for _ in 0..60 {
            assert_eq!(attempt(&server, "nonsense", [192, 0, 2, 1]).await.error().0, 401);
        }
        let answer = attempt(&server, "nonsense", [192, 0, 2, 1]).await;
        assert_eq!(answer.error(), refusal("rate_limit_exceeded", 429));
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(attempt(&server, "nonsense", [192, 0, 2, 2]).await.error().0, 401);
        assert_eq!(
            attempt(&server, &server.key, [192, 0, 2, 1]).await.status,
            202,
            "a valid key is not held up"
        );
        server.domain.clock.advance(Duration::from_secs(1));
        assert_eq!(attempt(&server, "nonsense", [192, 0, 2, 1]).await.error().0, 401);
    }
}

#[tokio::test]
async fn a_body_with_get_is_refused() {
    for server in servers().await {
        for path in ["/api/v1/messages", "/sdk/v1/me", "/healthz"] {
            let request = Request::get(path)
                .header("authorization", format!("Bearer {}", server.key))
                .header("content-length", "2")
                .body(Body::from("{}"))
                .unwrap();
            assert_eq!(server.call(request).await.status, 400, "{path}");
        }
    }
}
