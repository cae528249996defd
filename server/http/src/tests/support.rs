//! A server without a network: requests go straight into the router.

use crate::router;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use sendmux_domain::Settings;
use sendmux_domain::accounts::Session;
use sendmux_domain::entities::providers;
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_domain::testing::{TestDomain, databases_with};
use sendmux_rules::Mode;
use serde_json::{Value, json};
use tower::ServiceExt;

pub(crate) struct Server {
    pub(crate) domain: TestDomain,
    pub(crate) router: Router,
    pub(crate) owner: Session,
    /// A live key that may send.
    pub(crate) key: String,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// One on each database.
pub(crate) async fn servers() -> Vec<Server> {
    servers_with(Settings::default()).await
}

pub(crate) async fn servers_with(settings: Settings) -> Vec<Server> {
    let mut servers = Vec::new();
    for domain in databases_with(settings).await {
        let owner = domain.owner("Acme").await;
        let router = router(domain.domain.clone());
        let mut server = Server {
            domain,
            router,
            owner,
            key: String::new(),
        };
        server.key = server.new_key(Mode::Live, Permission::Send).await.1;
        servers.push(server);
    }
    servers
}

/// A message with everything optional left out.
pub(crate) fn minimal() -> Value {
    json!({
        "from": {"email": "shop@example.com"},
        "to": {"email": "ana@example.org"},
        "subject": "Hello",
        "text_body": "Hi",
    })
}

impl Server {
    /// Switches all providers off.
    pub(crate) async fn switch_providers_off(&self) {
        let tx = self.domain.db.begin().await.unwrap();
        providers::Entity::update_many()
            .col_expr(providers::Column::Status, Expr::value("inactive"))
            .exec(&tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        self.domain.signals.config_changed();
    }

    /// A key for the whole team: its public id and its secret.
    pub(crate) async fn new_key(&self, mode: Mode, permission: Permission) -> (String, String) {
        let key = NewKey {
            name: "Key".to_owned(),
            mode,
            permissions: vec![permission],
            scope: Scope::All,
        };
        let created = keys::create(&self.domain, &self.owner.actor(None), key).await.unwrap();
        (created.key.public_id, created.secret)
    }

    /// A key that may do everything, in the team of this session.
    pub(crate) async fn full_key(&self, session: &Session, mode: Mode) -> String {
        let key = NewKey {
            name: "Key".to_owned(),
            mode,
            permissions: Permission::ALL.to_vec(),
            scope: Scope::All,
        };
        let created = keys::create(&self.domain, &session.actor(None), key).await;
        created.unwrap().secret
    }

    /// A live key of another team.
    pub(crate) async fn rival_key(&self, permission: Permission) -> String {
        let rival = self.domain.owner("Rival").await;
        let key = NewKey {
            name: "Key".to_owned(),
            mode: Mode::Live,
            permissions: vec![permission],
            scope: Scope::All,
        };
        keys::create(&self.domain, &rival.actor(None), key)
            .await
            .unwrap()
            .secret
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        self.call_on(self.router.clone(), request).await
    }

    /// As [`Server::call`], on a router of another node.
    pub(crate) async fn call_on(&self, router: Router, request: Request<Body>) -> Answer {
        let response = router.oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Answer {
            status: head.status,
            headers: head.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    /// Posts this to be sent, with the key.
    pub(crate) async fn post(&self, body: impl Into<Body>) -> Answer {
        self.post_with(&self.key, body).await
    }

    pub(crate) async fn post_with(&self, key: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post("/api/v1/emails/send")
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        self.call(request.body(body.into()).unwrap()).await
    }

    /// Posts a body to a path, with the live key and these further headers.
    pub(crate) async fn post_to(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path)
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.call(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn send(&self, message: &Value) -> Answer {
        self.post(message.to_string()).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Checks that this is an error in the one shape there is, and gives its code.
    pub(crate) fn error(&self) -> (u16, String) {
        let json = self.json();
        let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["error", "request_id"], "{json}");
        assert_eq!(json["request_id"], self.header("x-request-id"));
        let error = &json["error"];
        for name in error.as_object().unwrap().keys() {
            assert!(
                ["code", "message", "param", "errors", "doc_url", "retryable"].contains(&name.as_str()),
                "{name}"
            );
        }
        assert!(!error["message"].as_str().unwrap().is_empty());
        assert!(error["errors"].is_array() && error["retryable"].is_boolean(), "{json}");
        assert_eq!(error["param"], error["errors"][0]["field"]);
        let code = error["code"].as_str().unwrap();
        assert_eq!(error["doc_url"], format!("http://localhost:3000/docs#error-{code}"));
        assert_eq!(self.header("content-type"), "application/json");
        (self.status.as_u16(), code.to_owned())
    }
}
