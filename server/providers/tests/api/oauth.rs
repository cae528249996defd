//! OAuth, as Google's and Microsoft's documents of the authorization code flow say.

use std::collections::HashMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sendmux_providers::oauth::{CallbackError, ConnectError, OAuthApp, OAuthClient, OAuthEndpoints, OAuthService};
use sendmux_rules::{Class, Hint};

use crate::http;
use crate::server::{Act, Server, answer};

pub fn client(service: OAuthService, url: &str) -> OAuthClient {
    let endpoints = OAuthEndpoints {
        authorization: format!("{url}/authorize"),
        token: format!("{url}/token"),
        identity: format!("{url}/me"),
        revocation: (service == OAuthService::Google).then(|| format!("{url}/revoke")),
        admin_consent: (service == OAuthService::Microsoft).then(|| format!("{url}/adminconsent")),
    };
    let app = OAuthApp {
        service,
        client_id: "client-1".to_owned(),
        client_secret: "planted-client-secret".to_owned(),
        redirect_uri: "https://sendmux.example/oauth/callback".to_owned(),
        endpoints,
    };
    OAuthClient::new(app, http()).unwrap()
}

fn query(url: &str) -> HashMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn google_tokens(scope: &str, refresh: Option<&str>) -> Act {
    let mut body = serde_json::json!({
        "access_token": "planted-access", "expires_in": 3599, "token_type": "Bearer", "scope": scope,
    });
    if let Some(refresh) = refresh {
        body["refresh_token"] = refresh.into();
    }
    answer(200, body.to_string()).into()
}

const SEND: &str = "openid https://www.googleapis.com/auth/gmail.send https://www.googleapis.com/auth/userinfo.email";

#[tokio::test]
async fn google_is_asked_for_offline_access_with_pkce() {
    let client = client(OAuthService::Google, "http://127.0.0.1:9");
    let begun = client.begin(Some("box@example.com"));
    let query = query(&begun.url);
    assert!(begun.url.starts_with("http://127.0.0.1:9/authorize?"));
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", "client-1"),
        ("redirect_uri", "https://sendmux.example/oauth/callback"),
        ("scope", "https://www.googleapis.com/auth/gmail.send openid email"),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("login_hint", "box@example.com"),
        ("code_challenge_method", "S256"),
        ("state", &begun.state),
    ] {
        assert_eq!(query[name], value, "{name}");
    }
    assert_ne!(query["code_challenge"], begun.pkce_verifier);
    assert_ne!(client.begin(None).state, begun.state);
    assert!(client.admin_consent_url("x").is_none());
}

#[tokio::test]
async fn microsoft_is_asked_for_mail_send_and_has_admin_consent() {
    let client = client(OAuthService::Microsoft, "http://127.0.0.1:9");
    assert_eq!(
        query(&client.begin(None).url)["scope"],
        "Mail.Send User.Read offline_access openid email"
    );
    let consent = query(&client.admin_consent_url("state-1").unwrap());
    assert_eq!(
        (consent["client_id"].as_str(), consent["state"].as_str()),
        ("client-1", "state-1")
    );
    let real = OAuthEndpoints::microsoft("common");
    assert_eq!(
        real.admin_consent.unwrap(),
        "https://login.microsoftonline.com/organizations/v2.0/adminconsent"
    );
}

#[tokio::test]
async fn a_code_becomes_tokens_and_an_identity() {
    let server = Server::plays([
        google_tokens(SEND, Some("planted-refresh")),
        answer(200, r#"{"sub":"42","email":"box@example.com","hd":"example.com"}"#).into(),
    ])
    .await;
    let grant = client(OAuthService::Google, &server.url)
        .connect("code-1", "verifier-1")
        .await
        .unwrap();
    assert_eq!(grant.identity.subject, "42");
    assert_eq!(grant.identity.email, "box@example.com");
    assert_eq!(grant.identity.tenant.as_deref(), Some("example.com"));
    assert_eq!(grant.refresh_token.0, "planted-refresh");
    assert_eq!(grant.tokens.expires_in, Duration::from_secs(3599));
    let seen = server.seen();
    let form = seen[0].form();
    for (name, value) in [
        ("grant_type", "authorization_code"),
        ("code", "code-1"),
        ("code_verifier", "verifier-1"),
        ("redirect_uri", "https://sendmux.example/oauth/callback"),
        ("client_id", "client-1"),
        ("client_secret", "planted-client-secret"),
    ] {
        assert_eq!(form[name], value, "{name}");
    }
    assert_eq!(seen[1].headers["authorization"], "Bearer planted-access");
}

#[tokio::test]
async fn microsofts_tenant_is_in_the_id_token() {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"tid":"tenant-1","sub":"x"}"#);
    let tokens = serde_json::json!({
        "token_type": "Bearer", "expires_in": 4799, "access_token": "a", "refresh_token": "r1",
        "scope": "https://graph.microsoft.com/mail.send https://graph.microsoft.com/User.Read",
        "id_token": format!("e30.{claims}.sig"),
    });
    let user = r#"{"id":"87d349ed","mail":"box@example.com","userPrincipalName":"b@t.onmicrosoft.com"}"#;
    let server = Server::plays([answer(200, tokens.to_string()), answer(200, user)]).await;
    let grant = client(OAuthService::Microsoft, &server.url)
        .connect("c", "v")
        .await
        .unwrap();
    assert_eq!(grant.identity.tenant.as_deref(), Some("tenant-1"));
    assert_eq!(grant.identity.email, "box@example.com");
}

#[tokio::test]
async fn a_personal_microsoft_account_is_at_the_name_that_it_signs_in_with() {
    let tokens = serde_json::json!({
        "token_type": "Bearer", "expires_in": 3600, "access_token": "a", "refresh_token": "r1", "scope": "Mail.Send",
    });
    for (user, email) in [
        (
            r#"{"id":"1","mail":null,"userPrincipalName":"me@outlook.com"}"#,
            Some("me@outlook.com"),
        ),
        (
            r#"{"id":"1","mail":"","userPrincipalName":"me@outlook.com"}"#,
            Some("me@outlook.com"),
        ),
        (
            r#"{"id":"1","userPrincipalName":"me@outlook.com"}"#,
            Some("me@outlook.com"),
        ),
        (
            r##"{"id":"1","mail":null,"userPrincipalName":"me_example.com#EXT#@t.onmicrosoft.com"}"##,
            None,
        ),
        (r#"{"id":"1","mail":null,"userPrincipalName":"me"}"#, None),
        (r#"{"id":"1","mail":null}"#, None),
    ] {
        let server = Server::plays([answer(200, tokens.to_string()), answer(200, user)]).await;
        let connected = client(OAuthService::Microsoft, &server.url).connect("c", "v").await;
        match (connected, email) {
            (Ok(grant), Some(email)) => assert_eq!(grant.identity.email, email),
            (Err(error), None) => assert_eq!(error, ConnectError::NoMailbox(OAuthService::Microsoft)),
            (connected, _) => panic!("{user}: {connected:?}"),
        }
    }
}

#[tokio::test]
async fn without_the_right_to_send_nothing_is_connected_and_the_token_goes_back() {
    let server = Server::plays([
        google_tokens("openid https://www.googleapis.com/auth/userinfo.email", Some("r")),
        answer(200, "{}").into(),
    ])
    .await;
    let client = client(OAuthService::Google, &server.url);
    let error = client.connect("c", "v").await.unwrap_err();
    assert_eq!(error, ConnectError::MayNotSend(OAuthService::Google));
    let seen = server.seen();
    assert_eq!(
        (seen[1].path.as_str(), seen[1].form()["token"].as_str()),
        ("/revoke", "planted-access")
    );
    let server = Server::plays([google_tokens(SEND, None)]).await;
    let error = crate::oauth::client(OAuthService::Google, &server.url)
        .connect("c", "v")
        .await
        .unwrap_err();
    assert_eq!(error, ConnectError::NoRefreshToken(OAuthService::Google));
}

#[tokio::test]
async fn a_refresh_may_bring_a_new_refresh_token() {
    let server = Server::plays([google_tokens(SEND, Some("rotated")), google_tokens(SEND, None)]).await;
    let client = client(OAuthService::Microsoft, &server.url);
    let first = client.refresh("old").await.unwrap();
    assert_eq!(first.refresh.as_deref(), Some("rotated"));
    assert_eq!(first.access.expose(), "planted-access");
    assert_eq!(client.refresh("rotated").await.unwrap().refresh, None);
    let form = server.seen()[0].form();
    assert_eq!(
        (form["grant_type"].as_str(), form["refresh_token"].as_str()),
        ("refresh_token", "old")
    );
}

#[tokio::test]
async fn the_documented_errors_of_token_endpoints() {
    let error = |status: u16, code: &str, text: &str| -> Act {
        let body = serde_json::json!({"error": code, "error_description": text});
        answer(status, body.to_string()).into()
    };
    for (act, class, hint, confirmed) in [
        (
            error(400, "invalid_grant", "Token has been expired or revoked."),
            Class::Auth,
            None,
            true,
        ),
        (
            error(
                400,
                "invalid_grant",
                "AADSTS700082: The refresh token has expired due to inactivity.",
            ),
            Class::Auth,
            None,
            true,
        ),
        (
            error(
                400,
                "interaction_required",
                "AADSTS50076: you must use multi-factor authentication.",
            ),
            Class::Auth,
            None,
            true,
        ),
        (
            error(
                400,
                "invalid_grant",
                "AADSTS50196: The server terminated an operation because it encountered a loop while processing a request.",
            ),
            Class::Throttled,
            None,
            false,
        ),
        (
            error(400, "invalid_grant", "AADSTS90033: A transient error has occurred."),
            Class::Connection,
            None,
            false,
        ),
        (
            error(400, "admin_policy_enforced", "Unable to authorize one or more scopes."),
            Class::Config,
            None,
            false,
        ),
        (
            error(401, "invalid_client", "AADSTS7000215: Invalid client secret provided."),
            Class::Config,
            Some(Hint::Installation),
            false,
        ),
        (
            error(401, "invalid_client", "The OAuth client was not found."),
            Class::Config,
            Some(Hint::Installation),
            false,
        ),
        (error(429, "rate_limit_exceeded", ""), Class::Throttled, None, false),
        (
            error(503, "temporarily_unavailable", ""),
            Class::Connection,
            None,
            false,
        ),
        (answer(502, "<html>").into(), Class::Connection, None, false),
        (answer(500, "").into(), Class::Connection, None, false),
        (answer(200, "not a token").into(), Class::Connection, None, false),
        (Act::CutAfterBody, Class::Connection, None, false),
        (Act::CutBeforeBody, Class::Connection, None, false),
    ] {
        let server = Server::plays([act.clone()]).await;
        let fault = client(OAuthService::Microsoft, &server.url)
            .refresh("r")
            .await
            .unwrap_err();
        assert_eq!(fault.outcome.class, class, "{act:?}");
        assert_eq!(
            (fault.outcome.hint, fault.outcome.confirmed),
            (hint, confirmed),
            "{act:?}"
        );
    }
}

#[tokio::test]
async fn revoking_is_a_success_when_nothing_was_left_to_revoke() {
    let server = Server::plays([
        answer(200, "{}"),
        answer(
            400,
            r#"{"error":"invalid_token","error_description":"Token expired or revoked"}"#,
        ),
        answer(503, ""),
    ])
    .await;
    let google = client(OAuthService::Google, &server.url);
    assert_eq!(google.revoke("t").await, Ok(true));
    assert_eq!(google.revoke("t").await, Ok(true));
    assert_eq!(google.revoke("t").await.unwrap_err().outcome.class, Class::Connection);
    assert_eq!(
        client(OAuthService::Microsoft, &server.url).revoke("t").await,
        Ok(false)
    );
}

#[test]
fn what_the_browser_brings_back_is_explained() {
    let read = |error, description| CallbackError::read(OAuthService::Microsoft, error, description);
    assert_eq!(read("access_denied", ""), CallbackError::Cancelled);
    assert_eq!(
        read(
            "access_denied",
            "AADSTS65004: User declined to consent to access the app."
        ),
        CallbackError::Cancelled
    );
    assert_eq!(
        read("access_denied", "AADSTS90094: The grant requires admin permission."),
        CallbackError::AdminConsentRequired
    );
    assert!(matches!(
        read("redirect_uri_mismatch", ""),
        CallbackError::Application(_)
    ));
    assert!(matches!(read("server_error", ""), CallbackError::TryAgain(_)));
}
