//! STARTTLS and TLS from the start.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use sendmux_providers::{Connector, SendReport, SmtpConnector, SmtpSettings};
use sendmux_rules::{Class, IoFault, SmtpSecurity, Stage};

use super::script::{Script, Server, certificate, self_signed, serving};
use super::{MESSAGE, credentials, job, overall, settings};

const TO: &[&str] = &["a@example.com"];

async fn send(server: &Server, change: impl FnOnce(&mut SmtpSettings)) -> SendReport {
    let mut settings = settings(server);
    settings.security = SmtpSecurity::StartTls;
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
        security: SmtpSecurity::Implicit,
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
        security: SmtpSecurity::Implicit,
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

/// Certificate as `openssl req -x509` makes it: an authority (CA:TRUE) with the server's name in the subject, and in the
/// alternative names only when these are asked for.
fn by_hand(common_name: &str, alternative_names: &[&str]) -> CertificateParams {
    let names: Vec<_> = alternative_names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params
}

/// Sends a message to a server that shows a certificate, with this PEM trusted.
async fn shown(config: &std::sync::Arc<rustls::ServerConfig>, trusted: Option<String>) -> SendReport {
    let script = Script::greeting(&["STARTTLS"])
        .on("STARTTLS", "220 Go ahead")
        .tls(config)
        .ehlo(&[])
        .message(TO);
    let server = Server::start([script]).await;
    let report = send(&server, |settings| settings.extra_roots = trusted).await;
    if report.overall.class == Class::Accepted {
        server.heard().await;
    }
    report
}

#[tokio::test]
async fn an_extra_certificate_is_trusted_when_the_server_itself_shows_it() {
    for params in [by_hand("mail", &["127.0.0.1"]), by_hand("127.0.0.1", &[])] {
        let (config, pem) = self_signed(&params);
        let (_, other) = certificate(&["other.example"]);
        let report = shown(&config, Some(format!("{other}{pem}"))).await;
        assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
    }
    // The certificate that a private authority issued, without the authority.
    let authority = Issuer::new(by_hand("Private CA", &[]), KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let issued = params.signed_by(&key, &authority).unwrap();
    let report = shown(&serving(&issued, &key), Some(issued.pem())).await;
    assert_eq!(report.overall.class, Class::Accepted, "{report:?}");
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_says_why() {
    let authority_key = KeyPair::generate().unwrap();
    let authority = Issuer::new(by_hand("Private CA", &[]), authority_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let issued = serving(&params.signed_by(&key, &authority).unwrap(), &key);
    let (own, _) = self_signed(&by_hand("mail", &["127.0.0.1"]));
    let (_, renewed) = self_signed(&by_hand("mail", &["127.0.0.1"]));
    let (elsewhere, of_elsewhere) = self_signed(&by_hand("mail.example", &["mail.example"]));
    let mut old = by_hand("mail", &["127.0.0.1"]);
    old.not_before = rcgen::date_time_ymd(2001, 1, 1);
    old.not_after = rcgen::date_time_ymd(2002, 1, 1);
    let (expired, of_expired) = self_signed(&old);
    let config = (Class::Config, IoFault::CertificateMismatch);
    for (server, trusted, outcome, said, advice) in [
        (
            &own,
            None,
            config,
            "is self-signed, and not trusted here",
            "add it to the file",
        ),
        (
            &own,
            Some(renewed),
            config,
            "of which another certificate is trusted here",
            "may have been renewed",
        ),
        (
            &issued,
            None,
            config,
            "issued by CN=Private CA, an authority",
            "does not show its whole chain",
        ),
        (
            &elsewhere,
            Some(of_elsewhere),
            config,
            "is for mail.example, not for 127.0.0.1",
            "under the name",
        ),
        (
            &expired,
            Some(of_expired),
            (Class::Connection, IoFault::Tls),
            "has expired",
            "has to renew",
        ),
    ] {
        let report = shown(server, trusted.clone()).await;
        assert_eq!(
            (report.overall.class, report.overall.fault),
            (outcome.0, Some(outcome.1)),
            "{report:?}"
        );
        assert!(report.detail.as_deref().unwrap().contains(said), "{report:?}");

        let script = Script::greeting(&["STARTTLS"])
            .on("STARTTLS", "220 Go ahead")
            .tls(server);
        let tested = Server::start([script]).await;
        let report = SmtpConnector::new(SmtpSettings {
            security: SmtpSecurity::StartTls,
            extra_roots: trusted,
            ..settings(&tested)
        })
        .test()
        .await;
        assert!(report.advice.as_deref().unwrap().contains(advice), "{report:?}");
    }
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
        security: SmtpSecurity::Implicit,
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
        security: SmtpSecurity::Implicit,
        ..settings(&server)
    });
    let report = connector.send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Tls));
    assert_eq!(report.overall.fault, Some(IoFault::Tls));
    server.heard().await;
}
