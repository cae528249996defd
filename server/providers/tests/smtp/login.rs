//! Signing in.

use sendmux_providers::{Connector, Credentials, SmtpConnector, SmtpSettings};
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

/// Servers that offer PLAIN, do not accept it, and sign in with LOGIN.
const REFUSED_PLAIN: &[&str] = &[
    "504 5.5.4 Unrecognized authentication type",
    "534 5.7.9 Authentication mechanism is too weak",
    "535 5.7.8 Error: authentication failed",
    "500 5.5.1 Unknown command",
];

fn login(script: Script) -> Script {
    script
        .on("AUTH LOGIN", "334 VXNlcm5hbWU6")
        .on(USER, "334 UGFzc3dvcmQ6")
        .on(PASSWORD, "235 Ok")
}

#[tokio::test]
async fn the_next_mechanism_is_tried_before_the_credentials_are_blamed() {
    for refusal in REFUSED_PLAIN {
        let offering = || Script::greeting(&["AUTH PLAIN LOGIN"]);
        let first = login(offering().on("AUTH PLAIN", refusal))
            .message(TO)
            .on("QUIT", "221 Bye");
        // What was learnt holds for the next session: the server counts refused logins.
        let second = login(offering()).message(TO).on("QUIT", "221 Bye");
        let server = Server::start([first, second]).await;
        let connector = SmtpConnector::new(SmtpSettings {
            credentials: credentials(),
            max_messages: 1,
            ..settings(&server)
        });
        for _ in 0..2 {
            let report = connector.send(&job(TO, MESSAGE)).await;
            assert_eq!(report.overall.class, Class::Accepted, "{refusal}: {report:?}");
        }
        server.heard().await;
    }
}

#[tokio::test]
async fn a_server_that_hangs_up_on_the_refused_hears_the_next_mechanism_on_a_fresh_connection() {
    let refused = Script::greeting(&["AUTH PLAIN LOGIN"]).on("AUTH PLAIN", "535 5.7.8 Bad credentials");
    for refused in [refused.clone(), refused.on("AUTH LOGIN", "421 4.7.0 Too many errors")] {
        let second = login(Script::greeting(&["AUTH PLAIN LOGIN"])).message(TO);
        let server = Server::start([refused, second]).await;
        let report = connector(&server).send(&job(TO, MESSAGE)).await;
        assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
        server.heard().await;
    }
}

#[tokio::test]
async fn refused_by_every_mechanism_the_answer_about_the_credentials_counts() {
    for (plain, login, shown) in [
        (
            "535 5.7.8 Bad credentials",
            "535 5.7.8 Bad again",
            "535 5.7.8 Bad credentials",
        ),
        (
            "504 5.5.4 What is PLAIN?",
            "535 5.7.8 Bad credentials",
            "535 5.7.8 Bad credentials",
        ),
        (
            "535 5.7.8 Bad credentials",
            "504 5.5.4 What is LOGIN?",
            "535 5.7.8 Bad credentials",
        ),
    ] {
        let refusing = || {
            Script::greeting(&["AUTH PLAIN LOGIN"])
                .on("AUTH PLAIN", plain)
                .on("AUTH LOGIN", login)
        };
        let server = Server::start([refusing(), refusing()]).await;
        let report = connector(&server).send(&job(TO, MESSAGE)).await;
        assert_eq!(overall(&report), (Class::Auth, Stage::Auth));
        assert!(report.overall.confirmed);
        assert_eq!(super::text(&report.overall), shown);
        server.heard().await;
    }
}

#[tokio::test]
async fn plain_waits_where_the_server_asks_first_or_the_line_would_be_too_long() {
    let asks = Script::greeting(&["AUTH PLAIN"])
        .on(&format!("AUTH PLAIN {PLAIN}"), "334 ")
        .on(PLAIN, "235 Ok")
        .message(TO);
    let server = Server::start([asks]).await;
    let report = connector(&server).send(&job(TO, MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    server.heard().await;

    let script = Script::greeting(&["AUTH PLAIN"])
        .on("AUTH PLAIN", "334 ")
        .on("AHRva2VuAHh4", "235 Ok")
        .message(TO);
    let server = Server::start([script]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        credentials: Some(Credentials {
            username: "token".to_owned(),
            password: "x".repeat(400),
        }),
        ..settings(&server)
    });
    let report = connector.send(&job(TO, MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert_eq!(server.heard().await[0].lines[1], "AUTH PLAIN");
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
