//! STARTTLS and TLS from the start.

use sendmux_providers::{Connector, Security, SendReport, SmtpConnector, SmtpSettings};
use sendmux_rules::{Class, IoFault, Stage};

use super::script::{Script, Server, certificate};
use super::{MESSAGE, credentials, job, overall, settings};

const TO: &[&str] = &["a@example.com"];

async fn send(server: &Server, change: impl FnOnce(&mut SmtpSettings)) -> SendReport {
    let mut settings = settings(server);
    settings.security = Security::StartTls;
    change(&mut settings);
    SmtpConnector::new(settings).send(&job(TO, MESSAGE)).await
}

#[tokio::test]
async fn starttls_then_everything_again_under_tls() {
    let (config, pem) = certificate(&["127.0.0.1"]);
    // What is offered in plain text, here SIZE, does not count.
    let script = Script::greeting(&["STARTTLS", "SIZE 1"])
        .on("STARTTLS", "220 Go ahead")
        .tls(&config)
        .ehlo(&["AUTH PLAIN", "PIPELINING"])
        .on("AUTH PLAIN", "235 Ok")
        .hear("MAIL FROM:<me@sender.example>")
        .hear("RCPT")
        .hear("DATA")
        .say("250 Ok\r\n250 Ok\r\n")
        .content("250 Ok: queued as TLS123");
    let server = Server::start([script]).await;
    let report = send(&server, |settings| {
        settings.extra_roots = Some(pem);
        settings.credentials = credentials();
    })
    .await;
    assert_eq!(overall(&report), (Class::Accepted, Stage::Body), "{report:?}");
    let heard = &server.heard().await[0];
    assert_eq!(heard.lines[3], "AUTH PLAIN AHVzZXJAZXhhbXBsZS5jb20AaHVudGVyMiE=");
    assert_eq!(heard.contents, [format!("{MESSAGE}.\r\n").into_bytes()]);
}

#[tokio::test]
async fn a_large_message_arrives_whole_under_tls() {
    let (config, pem) = certificate(&["127.0.0.1"]);
    let content = b".A line that begins with a dot, over and over.\r\n".repeat(40_000);
    let script = Script::default()
        .tls(&config)
        .say("220 mail.example\r\n")
        .ehlo(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "250 Ok")
        .hear("DATA")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        security: Security::Implicit,
        extra_roots: Some(pem),
        ..settings(&server)
    });
    let report = connector.send(&job(TO, content)).await;
    assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
    let mut wire = b"..A line that begins with a dot, over and over.\r\n".repeat(40_000);
    wire.extend_from_slice(b".\r\n");
    assert!(server.heard().await[0].contents[0] == wire);
}

#[tokio::test]
async fn a_drop_in_the_content_under_tls_lost_no_message() {
    let (config, pem) = certificate(&["127.0.0.1"]);
    let script = Script::default()
        .tls(&config)
        .say("220 mail.example\r\n")
        .ehlo(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "250 Ok")
        .on("DATA", "354 Go ahead")
        .hear_bytes(100_000);
    let server = Server::start([script]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        security: Security::Implicit,
        extra_roots: Some(pem),
        ..settings(&server)
    });
    let report = connector.send(&job(TO, b"A line of text.\r\n".repeat(1_500_000))).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Data));
    server.heard().await;
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_plain_text() {
    for (extensions, reply, stage, class) in [
        (&["AUTH PLAIN"][..], None, Stage::StartTls, Class::Config),
        (
            &["STARTTLS"][..],
            Some("454 4.7.0 TLS not available"),
            Stage::StartTls,
            Class::Connection,
        ),
        (
            &["STARTTLS"][..],
            Some("502 5.5.1 Not implemented"),
            Stage::StartTls,
            Class::Config,
        ),
    ] {
        let mut script = Script::greeting(extensions);
        if let Some(reply) = reply {
            script = script.on("STARTTLS", reply);
        }
        let server = Server::start([script.hear_end()]).await;
        let report = send(&server, |settings| settings.credentials = credentials()).await;
        assert_eq!(overall(&report), (class, stage));
        assert_eq!(server.heard().await[0].end, b"");
    }
}

#[tokio::test]
async fn what_comes_in_plain_text_behind_the_go_ahead_is_not_taken_for_an_answer() {
    let script = Script::greeting(&["STARTTLS"])
        .hear("STARTTLS")
        .say("220 Go ahead\r\n250-mail.example\r\n250 AUTH PLAIN\r\n")
        .hear_end();
    let server = Server::start([script]).await;
    let report = send(&server, |settings| settings.credentials = credentials()).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::StartTls));
    assert_eq!(report.overall.fault, Some(IoFault::Tls));
    assert_eq!(server.heard().await[0].end, b"");
}

#[tokio::test]
async fn a_certificate_that_is_not_for_this_host_is_a_matter_of_configuration() {
    let (config, pem) = certificate(&["other.example"]);
    let script = || {
        Script::greeting(&["STARTTLS"])
            .on("STARTTLS", "220 Go ahead")
            .tls(&config)
    };
    let server = Server::start([script()]).await;
    let report = send(&server, |settings| settings.extra_roots = Some(pem)).await;
    assert_eq!(overall(&report), (Class::Config, Stage::Tls));
    assert_eq!(report.overall.fault, Some(IoFault::CertificateMismatch));
    let detail = report.detail.unwrap();
    assert!(
        detail.contains("other.example") && detail.contains("127.0.0.1"),
        "{detail}"
    );
    server.heard().await;

    // Of an unknown authority.
    let server = Server::start([script()]).await;
    let report = send(&server, |_| {}).await;
    assert_eq!(overall(&report), (Class::Config, Stage::Tls));
    assert!(report.detail.unwrap().contains("self-signed"));
    server.heard().await;
}

#[tokio::test]
async fn any_certificate_does_when_the_user_says_so() {
    let (config, _) = certificate(&["other.example"]);
    let script = Script::greeting(&["STARTTLS"])
        .on("STARTTLS", "220 Go ahead")
        .tls(&config)
        .ehlo(&[])
        .message(TO);
    let server = Server::start([script]).await;
    let report = send(&server, |settings| settings.accept_invalid_certs = true).await;
    assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
    server.heard().await;
}

#[tokio::test]
async fn a_name_is_checked_against_the_certificate() {
    // `localhost` has addresses of both families; the server listens on one of them.
    let (config, pem) = certificate(&["localhost"]);
    let script = Script::default()
        .tls(&config)
        .say("220 mail.example\r\n")
        .ehlo(&[])
        .message(TO);
    let server = Server::start([script]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        host: "localhost".to_owned(),
        security: Security::Implicit,
        extra_roots: Some(pem),
        ..settings(&server)
    });
    let report = connector.send(&job(TO, MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
    server.heard().await;
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_is_a_fault_of_the_connection() {
    let server = Server::start([Script::default().say("220 mail.example ESMTP\r\n").hear_end()]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        security: Security::Implicit,
        ..settings(&server)
    });
    let report = connector.send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Tls));
    assert_eq!(report.overall.fault, Some(IoFault::Tls));
    server.heard().await;
}
