use super::support::{Answer, Server, minimal, servers};
use axum::body::{Body, Bytes};
use axum::http::Request;
use sendmux_domain::keys::Permission;
use sendmux_domain::messages::query::{self, MessageFilter};
use sendmux_rules::Mode;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::time::Duration;

const SEND: &str = "/api/v1/emails/send";
const BATCH: &str = "/api/v1/emails/send/batch";

async fn stored(server: &Server) -> usize {
    let filter = MessageFilter::default();
    let page = query::list(&server.domain, server.owner.team.id, &filter)
        .await
        .unwrap();
    page.rows.len()
}

async fn post(server: &Server, path: &str, key: &str, body: &Value) -> Answer {
    server
        .post_to(path, &[("idempotency-key", key)], body.to_string())
        .await
}

fn is_replay_of(replay: &Answer, first: &Answer) {
    assert_eq!((replay.status, &replay.body), (first.status, &first.body));
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.header("content-type"), first.header("content-type"));
    assert_ne!(replay.header("x-request-id"), first.header("x-request-id"));
}

#[tokio::test]
async fn the_same_request_is_carried_out_once() {
    for server in servers().await {
        let messages = json!({"messages": [minimal(), {}]});
        for (path, body, key) in [(SEND, minimal(), "one"), (BATCH, messages, "two, ключ")] {
            let before = stored(&server).await;
            let first = post(&server, path, key, &body).await;
            assert_eq!(first.status, 202);
            assert_eq!(first.header("idempotent-replayed"), "");
            let replay = post(&server, path, key, &body).await;
            is_replay_of(&replay, &first);
            let remaining = |answer: &Answer| answer.header("x-ratelimit-remaining").parse::<u32>().unwrap();
            assert_eq!(remaining(&replay), remaining(&first) - 1, "a replay counts");
            assert_eq!(stored(&server).await, before + 1);
            server.domain.clock.advance(Duration::from_secs(24 * 3_600));
            let anew = post(&server, path, key, &body).await;
            assert_eq!(anew.header("idempotent-replayed"), "");
            assert_ne!(anew.body, first.body);
            assert_eq!(stored(&server).await, before + 2);
        }
    }
}

/// A client whose maps have no order repeats itself all the same.
#[tokio::test]
async fn what_says_the_same_is_the_same_request() {
    for server in servers().await {
        let send = async |body: &str| server.post_to(SEND, &[("idempotency-key", "k")], body.to_owned()).await;
        let first = send(
            r#"{"from": {"email": "shop@example.com", "name": "Café"}, "to": {"email": "ana@example.org"},
                "subject": "Hello", "text_body": "Hi", "custom_headers": {"X-A": "1", "X-B": "2"}}"#,
        )
        .await;
        assert_eq!(first.status, 202, "{:?}", first.body);
        let reordered = send(
            r#"{"custom_headers":{"X-B":"2","X-A":"1"},"text_body":"Hi","subject":"Hello","to":{"email":"ana@example.org"},"from":{"name":"Caf\u00e9","email":"shop@example.com"}}"#,
        )
        .await;
        is_replay_of(&reordered, &first);
        for other in [
            r#"{"from": {"email": "shop@example.com", "name": "Café"}, "to": {"email": "ana@example.org"},
                "subject": "Hello", "text_body": "Hi", "custom_headers": {"X-A": "2", "X-B": "1"}}"#,
            r#"{"from": {"email": "shop@example.com", "name": "Café"}, "to": [{"email": "ana@example.org"}],
                "subject": "Hello", "text_body": "Hi", "custom_headers": {"X-A": "1", "X-B": "2"}}"#,
            "{",
        ] {
            assert_eq!(
                send(other).await.error(),
                (409, "idempotency_conflict".to_owned()),
                "{other}"
            );
        }
        assert_eq!(stored(&server).await, 1);
    }
}

#[tokio::test]
async fn a_key_stands_for_one_request() {
    for server in servers().await {
        let first = post(&server, SEND, "k", &minimal()).await;
        assert_eq!(first.status, 202);
        let mut other = minimal();
        other["subject"] = "Another".into();
        for (path, body) in [
            (SEND, other),
            (BATCH, minimal()),
            (BATCH, json!({"messages": [minimal()]})),
        ] {
            let answer = post(&server, path, "k", &body).await;
            assert_eq!(answer.error(), (409, "idempotency_conflict".to_owned()));
            assert_eq!(answer.json()["error"]["retryable"], false);
            assert_eq!(answer.header("retry-after"), "");
        }
        assert_eq!(stored(&server).await, 1);
    }
}

#[tokio::test]
async fn keys_are_apart_by_mode_and_team_but_not_by_api_key() {
    for server in servers().await {
        let first = post(&server, SEND, "k", &minimal()).await;
        let with = async |key: &str| {
            let request = Request::post(SEND)
                .header("authorization", format!("Bearer {key}"))
                .header("content-type", "application/json")
                .header("idempotency-key", "k");
            server
                .call(request.body(Body::from(minimal().to_string())).unwrap())
                .await
        };
        let (_, colleague) = server.new_key(Mode::Live, Permission::Send).await;
        is_replay_of(&with(&colleague).await, &first);
        let (_, test) = server.new_key(Mode::Test, Permission::Send).await;
        let rival = server.rival_key(Permission::Send).await;
        for key in [test, rival] {
            let answer = with(&key).await;
            assert_eq!(
                (answer.status.as_u16(), answer.header("idempotent-replayed")),
                (202, "")
            );
            assert_ne!(answer.body, first.body);
        }
    }
}

#[tokio::test]
async fn a_refused_request_can_be_corrected() {
    for server in servers().await {
        let mut wrong = minimal();
        wrong["to"]["email"] = "nobody".into();
        assert_eq!(post(&server, SEND, "k", &wrong).await.error().0, 422);
        assert_eq!(post(&server, SEND, "k", &wrong).await.error().0, 422);
        assert_eq!(post(&server, SEND, "k", &minimal()).await.status, 202);
        assert_eq!(stored(&server).await, 1);
        // A batch of which nothing was accepted is none either.
        let failed = post(&server, BATCH, "b", &json!({"messages": [wrong]})).await;
        assert_eq!(failed.json()["summary"]["queued"], 0);
        let corrected = json!({"messages": [minimal()]});
        assert_eq!(
            post(&server, BATCH, "b", &corrected).await.json()["summary"]["queued"],
            1
        );
        assert_eq!(
            post(&server, BATCH, "b", &json!({"messages": [wrong]})).await.error().0,
            409
        );
    }
}

#[tokio::test]
async fn keys_that_are_no_keys() {
    for server in servers().await {
        let body = || minimal().to_string();
        for key in [String::new(), "k".repeat(256), "a\tb".to_owned()] {
            let answer = server.post_to(SEND, &[("idempotency-key", &key)], body()).await;
            assert_eq!(answer.error(), (400, "invalid_parameter".to_owned()), "{key:?}");
            assert_eq!(answer.json()["error"]["param"], "Idempotency-Key");
        }
        let twice = [("idempotency-key", "a"), ("idempotency-key", "a")];
        assert_eq!(server.post_to(SEND, &twice, body()).await.error().0, 400);
        assert_eq!(stored(&server).await, 0);
        for key in ["k", &"é".repeat(255)] {
            assert_eq!(post(&server, SEND, key, &minimal()).await.status, 202);
        }
    }
}

#[tokio::test]
async fn many_at_once_are_carried_out_once() {
    for server in servers().await {
        let other_node = crate::router(server.domain.second_node().await);
        let body = minimal();
        let posts = (0..40).map(|n| {
            let request = Request::post(SEND)
                .header("authorization", format!("Bearer {}", server.key))
                .header("content-type", "application/json")
                .header("idempotency-key", "k")
                .body(Body::from(body.to_string()))
                .unwrap();
            let node = if n % 2 == 0 {
                server.router.clone()
            } else {
                other_node.clone()
            };
            server.call_on(node, request)
        });
        let answers = futures::future::join_all(posts).await;
        let mut first = Vec::new();
        let mut bodies = std::collections::HashSet::<Bytes>::new();
        for answer in answers {
            if answer.status == 202 {
                bodies.insert(answer.body.clone());
                if answer.header("idempotent-replayed").is_empty() {
                    first.push(answer);
                }
            } else {
                assert_eq!(answer.error(), (409, "idempotency_conflict".to_owned()));
                assert_eq!(answer.json()["error"]["retryable"], true);
                assert_eq!(answer.header("retry-after"), "1");
            }
        }
        assert_eq!((first.len(), bodies.len()), (1, 1));
        assert_eq!(stored(&server).await, 1);
        is_replay_of(&post(&server, SEND, "k", &body).await, &first[0]);
    }
}

#[tokio::test]
async fn the_key_is_free_again_when_the_client_goes_away() {
    for server in servers().await {
        let never = Body::from_stream(futures::stream::pending::<Result<Bytes, Infallible>>());
        let stalled = server.post_to(SEND, &[("idempotency-key", "k")], never);
        drop(tokio::time::timeout(Duration::from_millis(50), stalled).await);
        assert_eq!(post(&server, SEND, "k", &minimal()).await.status, 202);
    }
}
