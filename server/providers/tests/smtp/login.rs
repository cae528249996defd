//! Signing in.

use sendmux_providers::{Connector, SmtpConnector, SmtpSettings};
use sendmux_rules::{Class, Stage};

use super::script::{Script, Server};
use super::{MESSAGE, credentials, job, overall, settings};

const TO: &[&str] = &["a@example.com"];
/// `\0user@example.com\0hunter2!`, `user@example.com` and `hunter2!` in base64.
const PLAIN: &str = "AHVzZXJAZXhhbXBsZS5jb20AaHVudGVyMiE=";
const USER: &str = "dXNlckBleGFtcGxlLmNvbQ==";
const PASSWORD: &str = "aHVudGVyMiE=";

fn connector(server: &Server) -> SmtpConnector {
    SmtpConnector::new(SmtpSettings {
        credentials: credentials(),
        ..settings(server)
    })
}

#[tokio::test]
async fn plain_is_preferred() {
    let script = Script::greeting(&["AUTH LOGIN PLAIN"])
        .on(&format!("AUTH PLAIN {PLAIN}"), "235 2.7.0 Welcome")
        .message(TO);
    let server = Server::start([script]).await;
    let report = connector(&server).send(&job(TO, MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    server.heard().await;
}

#[tokio::test]
async fn login_is_used_where_nothing_else_is_offered_whatever_it_asks() {
    for (first, second) in [
        ("334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"),
        ("334 ", "334"),
        ("334 QmVudXR6ZXI/", "334 not base64"),
    ] {
        let script = Script::greeting(&["AUTH LOGIN"])
            .on("AUTH LOGIN", first)
            .on(USER, second)
            .on(PASSWORD, "235 Ok")
            .message(TO);
        let server = Server::start([script]).await;
        let report = connector(&server).send(&job(TO, MESSAGE)).await;
        assert_eq!(report.overall.class, Class::Accepted);
        server.heard().await;
    }
}

#[tokio::test]
async fn no_method_in_common_is_a_matter_of_configuration() {
    for (extensions, said) in [
        (&["AUTH GSSAPI CRAM-MD5"][..], "GSSAPI, CRAM-MD5"),
        (&[][..], "does not offer signing in"),
    ] {
        let server = Server::start([Script::greeting(extensions)]).await;
        let report = connector(&server).send(&job(TO, MESSAGE)).await;
        assert_eq!(overall(&report), (Class::Config, Stage::Auth));
        assert!(report.detail.unwrap().contains(said));
        server.heard().await;
    }
}

fn refusing(reply: &str) -> Script {
    Script::greeting(&["AUTH PLAIN"]).on("AUTH PLAIN", reply)
}

#[tokio::test]
async fn a_refused_login_is_confirmed_on_a_fresh_connection() {
    let refused = || refusing("535 5.7.8 Bad credentials");
    let server = Server::start([refused(), refused()]).await;
    let report = connector(&server).send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Auth, Stage::Auth));
    assert!(report.overall.confirmed && report.outcomes[0].outcome.confirmed);
    server.heard().await;
}

#[tokio::test]
async fn a_login_refused_only_once_is_forgiven() {
    let accepting = Script::greeting(&["AUTH PLAIN"]).on("AUTH PLAIN", "235 Ok").message(TO);
    let server = Server::start([refusing("535 5.7.8 Bad credentials"), accepting]).await;
    let report = connector(&server).send(&job(TO, MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    server.heard().await;
}

#[tokio::test]
async fn a_login_that_cannot_be_checked_now_is_no_refusal() {
    let server = Server::start([refusing("454 4.7.0 Temporary authentication failure")]).await;
    let report = connector(&server).send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Deferred, Stage::Auth));
    server.heard().await;
}

#[tokio::test]
async fn credentials_refused_as_late_as_mail_are_confirmed_too() {
    let late = || Script::greeting(&[]).on("MAIL", "530 5.7.0 Authentication required");
    let server = Server::start([late(), late()]).await;
    let report = super::connector(&server).send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Auth, Stage::MailFrom));
    assert!(report.overall.confirmed);
    server.heard().await;
}

#[tokio::test]
async fn a_server_that_repeats_secrets_does_not_bring_them_into_the_report() {
    for echo in [PLAIN, PASSWORD, "hunter2!"] {
        let refused = || refusing(&format!("535 5.7.8 Bad credentials: {echo}"));
        let server = Server::start([refused(), refused()]).await;
        let report = connector(&server).send(&job(TO, MESSAGE)).await;
        let shown = format!("{report:?}");
        assert!(!shown.contains(echo), "{shown}");
        assert!(shown.contains("Bad credentials: [redacted]"), "{shown}");
        server.heard().await;
    }
}
