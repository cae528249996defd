//! Planted secrets come out nowhere: not in reports, not in errors, not in Debug.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use sendmux_providers::oauth::{AccessToken, OAuthService, TokenSource};
use sendmux_providers::{
    ApiFault, Connector, GmailConnector, GmailSettings, GraphConnector, GraphSettings, SesConnector,
};

use crate::server::{Act, Server, answer};
use crate::{http, job, mailbox};

struct Planted;

#[async_trait]
impl TokenSource for Planted {
    async fn access_token(&self) -> Result<AccessToken, ApiFault> {
        Ok("planted-token".to_owned().into())
    }

    async fn renew(&self, _: &AccessToken) -> Result<AccessToken, ApiFault> {
        self.access_token().await
    }
}

fn clean(shown: &dyn Debug) {
    let shown = format!("{shown:?}");
    assert!(!shown.contains("planted"), "{shown}");
}

#[tokio::test]
async fn planted_secrets_come_out_nowhere() {
    let failures = || -> Vec<Act> {
        vec![
            answer(
                401,
                r#"{"error":{"code":"InvalidAuthenticationToken","message":"refused"}}"#,
            )
            .into(),
            answer(500, "").into(),
            answer(307, "").header("location", "http://127.0.0.1:9/").into(),
            Act::CutBeforeBody,
            Act::CutAfterBody,
        ]
    };
    for act in failures() {
        let server = Server::plays([act]).await;
        let gmail = GmailConnector::new(
            GmailSettings {
                api: server.url.clone(),
                identity: server.url.clone(),
                ..GmailSettings::new(mailbox())
            },
            Arc::new(Planted),
            http(),
        );
        let graph = GraphConnector::new(
            GraphSettings {
                api: server.url.clone(),
                ..GraphSettings::new(mailbox())
            },
            Arc::new(Planted),
            http(),
        );
        let settings = crate::ses::settings(&server);
        clean(&settings);
        let ses = SesConnector::new(settings, http());
        clean(&(&gmail, &graph, &ses));
        for connector in [&gmail as &dyn Connector, &graph, &ses] {
            clean(&connector.send(&job(&["a@example.com"])).await);
            clean(&connector.test().await);
        }
        let client = crate::oauth::client(OAuthService::Google, &server.url);
        clean(&client);
        clean(&client.refresh("planted-refresh").await);
        clean(&client.connect("planted-code", "planted-verifier").await);
        clean(&client.revoke("planted-refresh").await);
    }
    let tokens = r#"{"access_token":"planted-a","refresh_token":"planted-r","token_type":"Bearer","expires_in":60}"#;
    let identity = r#"{"sub":"1","email":"box@example.com"}"#;
    let server = Server::plays([answer(200, tokens), answer(200, identity)]).await;
    let client = crate::oauth::client(OAuthService::Google, &server.url);
    let grant = client.connect("planted-code", "planted-verifier").await;
    assert!(grant.is_ok());
    clean(&grant);
}
