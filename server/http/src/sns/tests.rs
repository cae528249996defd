//! The endpoint, against a signer of our own that stands in for Amazon.

use crate::tests::support::{Server, servers_with};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, date_time_ymd};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use sendmux_domain::feedback::{self, EndpointView};
use sendmux_domain::{Operator, Settings, managed};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Made for these tests (`openssl genpkey -algorithm RSA`).
const KEY: &str = include_str!("tests/signer.pem");
const TOPIC: &str = "arn:aws:sns:eu-central-1:1:ses";

/// A stand-in for Amazon: it serves its certificate, and counts who confirms.
struct Signer {
    url: String,
    key: RsaKeyPair,
    confirmed: Arc<AtomicU32>,
}

impl Signer {
    async fn start() -> Self {
        let pair = KeyPair::from_pkcs8_pem_and_sign_algo(KEY, &PKCS_RSA_SHA256).unwrap();
        let mut params = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2025, 1, 1);
        params.not_after = date_time_ymd(2036, 1, 1);
        let pem = params.self_signed(&pair).unwrap().pem();
        params.not_after = date_time_ymd(2025, 2, 1);
        let expired = params.self_signed(&pair).unwrap().pem();
        let confirmed = Arc::new(AtomicU32::new(0));
        let counted = confirmed.clone();
        let router = Router::new()
            .route("/SimpleNotificationService-1.pem", get(move || async move { pem }))
            .route("/expired.pem", get(move || async move { expired }))
            .route("/large.pem", get(|| async { "x".repeat(100_000) }))
            .route(
                "/",
                get(move || async move {
                    counted.fetch_add(1, Ordering::Relaxed);
                    "<ConfirmSubscriptionResponse/>"
                }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let der = pem_bytes(KEY);
        Self {
            url,
            key: RsaKeyPair::from_pkcs8(&der).unwrap(),
            confirmed,
        }
    }

    /// A message of SNS with its signature (version 2).
    fn signed(&self, mut message: Value) -> Value {
        let names: &[&str] = if message["Type"] == "Notification" {
            &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        } else {
            &[
                "Message",
                "MessageId",
                "SubscribeURL",
                "Timestamp",
                "Token",
                "TopicArn",
                "Type",
            ]
        };
        let text: String = names
            .iter()
            .filter_map(|name| Some(format!("{name}\n{}\n", message[*name].as_str()?)))
            .collect();
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .unwrap();
        message["SignatureVersion"] = "2".into();
        message["Signature"] = STANDARD.encode(signature).into();
        if message["SigningCertURL"].is_null() {
            message["SigningCertURL"] = format!("{}/SimpleNotificationService-1.pem", self.url).into();
        }
        message
    }

    fn confirmation(&self, topic: &str) -> Value {
        self.signed(json!({
            "Type": "SubscriptionConfirmation", "MessageId": "confirm-1", "Token": "t", "TopicArn": topic,
            "Message": "You have chosen to subscribe", "SubscribeURL": format!(
                "{}/?Action=ConfirmSubscription&TopicArn={topic}&Token=t", self.url,
            ),
            "Timestamp": "2026-01-01T00:00:00.000Z",
        }))
    }

    fn notification(&self, id: &str, message: &Value) -> Value {
        self.signed(json!({
            "Type": "Notification", "MessageId": id, "TopicArn": TOPIC, "Subject": "Amazon SES Email Event Notification",
            "Message": message.to_string(), "Timestamp": "2026-01-01T00:00:00.000Z",
        }))
    }
}

fn pem_bytes(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

async fn started() -> (Signer, Vec<(Server, EndpointView)>) {
    let signer = Signer::start().await;
    let settings = Settings {
        sns_url: Some(signer.url.clone()),
        ..Settings::default()
    };
    let mut all = Vec::new();
    for server in servers_with(settings).await {
        let operator = Operator::of(&server.owner.user, None).unwrap();
        let endpoint = feedback::managed_endpoint(&server.domain, &operator).await.unwrap();
        all.push((server, endpoint));
    }
    (signer, all)
}

async fn post(server: &Server, endpoint: &EndpointView, body: impl Into<Body>) -> StatusCode {
    let path = endpoint.url.split_once("/hooks").unwrap().1;
    let request = Request::post(format!("/hooks{path}"))
        .header("content-type", "text/plain; charset=UTF-8")
        .body(body.into())
        .unwrap();
    server.call(request).await.status
}

async fn send(server: &Server, endpoint: &EndpointView, message: &Value) -> StatusCode {
    post(server, endpoint, message.to_string()).await
}

#[tokio::test]
async fn a_subscription_confirms_itself_and_pins_its_topic() {
    let (signer, servers) = started().await;
    for (n, (server, endpoint)) in (1..).zip(servers) {
        let early = signer.notification("early", &json!({}));
        assert_eq!(send(&server, &endpoint, &early).await, 403, "nothing is subscribed yet");
        assert_eq!(send(&server, &endpoint, &signer.confirmation(TOPIC)).await, 200);
        assert_eq!(signer.confirmed.load(Ordering::Relaxed), n);
        let other = signer.confirmation("arn:aws:sns:eu-central-1:2:other");
        assert_eq!(send(&server, &endpoint, &other).await, 403);
        assert_eq!(signer.confirmed.load(Ordering::Relaxed), n, "it was not confirmed");
        let mut elsewhere = signer.confirmation(TOPIC);
        elsewhere["SubscribeURL"] = "http://127.0.0.1:1/steal".into();
        assert_eq!(send(&server, &endpoint, &signer.signed(elsewhere)).await, 403);

        let operator = Operator::of(&server.owner.user, None).unwrap();
        let view = feedback::managed_endpoint(&server.domain, &operator).await.unwrap();
        assert_eq!(view.topic_arn.as_deref(), Some(TOPIC));
        let mut gone = signer.confirmation(TOPIC);
        gone["Type"] = "UnsubscribeConfirmation".into();
        assert_eq!(send(&server, &endpoint, &signer.signed(gone)).await, 200);
        let view = feedback::managed_endpoint(&server.domain, &operator).await.unwrap();
        assert_eq!(view.topic_arn, None, "another may be subscribed");
    }
}

#[tokio::test]
async fn only_what_is_signed_is_believed() {
    let (signer, servers) = started().await;
    for (server, endpoint) in servers {
        assert_eq!(send(&server, &endpoint, &signer.confirmation(TOPIC)).await, 200);
        let right = signer.notification("right", &json!({"eventType": "Send", "mail": {"messageId": "m"}}));
        for name in ["Message", "MessageId", "Subject", "Timestamp", "Signature"] {
            let mut wrong = right.clone();
            wrong[name] = match name {
                "Timestamp" => "2026-01-01T00:00:01.000Z".into(),
                "Signature" => STANDARD.encode([1; 256]).into(),
                _ => "changed".into(),
            };
            assert_eq!(send(&server, &endpoint, &wrong).await, 403, "{name}");
        }
        for (name, value, status) in [
            ("SigningCertURL", format!("{}/expired.pem", signer.url), 403),
            ("SigningCertURL", format!("{}/large.pem", signer.url), 403),
            ("SigningCertURL", format!("{}/confirm", signer.url), 403),
            ("SigningCertURL", "https://evil.example/x.pem".to_owned(), 403),
            ("SigningCertURL", format!("{}/missing.pem", signer.url), 503),
            ("SignatureVersion", "3".to_owned(), 403),
            ("Signature", "not base64!".to_owned(), 403),
            ("Type", "Something".to_owned(), 400),
        ] {
            let mut wrong = right.clone();
            wrong[name] = value.clone().into();
            assert_eq!(send(&server, &endpoint, &wrong).await, status, "{value}");
        }
        for body in ["", "{}", "[]", "nonsense"] {
            assert_eq!(post(&server, &endpoint, body).await, 400, "{body:?}");
        }
        assert_eq!(post(&server, &endpoint, vec![b'x'; 1024 * 1024 + 1]).await, 413);
        assert_eq!(send(&server, &endpoint, &right).await, 200);
        let mut elsewhere = endpoint.clone();
        elsewhere.url = format!("{}x", &endpoint.url[..endpoint.url.len() - 1]);
        if elsewhere.url != endpoint.url {
            assert_eq!(send(&server, &elsewhere, &right).await, 404);
        }
    }
}

#[tokio::test]
async fn the_older_signature_is_known_too() {
    let (signer, servers) = started().await;
    for (server, endpoint) in servers {
        assert_eq!(send(&server, &endpoint, &signer.confirmation(TOPIC)).await, 200);
        // Signed with `openssl dgst -sha1 -sign`, since nothing here signs with SHA-1.
        let mut old = json!({
            "Type": "Notification", "MessageId": "old-1", "TopicArn": TOPIC, "Timestamp": "2026-01-01T00:00:00.000Z",
            "Message": "Successfully validated SNS topic for Amazon SES event publishing.", "SignatureVersion": "1",
            "SigningCertURL": format!("{}/SimpleNotificationService-1.pem", signer.url),
            "Signature": "hCCa7/hd1v5vo8NBrfsXJUAEvwgsqVuFdbvLnKsdwPlCWFWpfI1/yk6xnik1sGtbttJZlzlJuF4QwBVbkPK6qhxseLn8K3IjGe3q0WIJM2egwD60L2YwGtHfiNJ6iJOG6s+Xg76BxKv6ivjLVykYf2LRobD1dnV9MemlbhbQzpAL1yNdT0w47/ONmySkWPm8QVl3OyrKI9EsQBNf9WfjldSZGl5HkE6x/0OE2lrzFvTdWQ9sm9JSRYZVG4gbNOfgT2EU8hEKnJpG5jIN+JscRAOyc1l1P9cOHyuSdr71LzDNKaPSls3SyoNNkVQZPMSKFh56QKSxXq6EIKNfrjrJgw==",
        });
        assert_eq!(send(&server, &endpoint, &old).await, 200);
        old["SignatureVersion"] = "2".into();
        assert_eq!(send(&server, &endpoint, &old).await, 403);
    }
}

#[tokio::test]
async fn a_replay_long_after_is_refused() {
    let (signer, servers) = started().await;
    for (server, endpoint) in servers {
        assert_eq!(send(&server, &endpoint, &signer.confirmation(TOPIC)).await, 200);
        let told = signer.notification("n", &json!({"eventType": "Send", "mail": {"messageId": "m"}}));
        assert_eq!(send(&server, &endpoint, &told).await, 200);
        server
            .domain
            .clock
            .advance(std::time::Duration::from_secs(25 * 24 * 3_600));
        assert_eq!(send(&server, &endpoint, &told).await, 403);
        let route = managed::route(&server.domain, server.owner.team.id).await.unwrap();
        assert_eq!(route.feedback.hard_bounces, 0);
    }
}
