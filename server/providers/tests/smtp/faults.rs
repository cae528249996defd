//! Refusals, silence and lost connections at every stage of the dialogue.

use std::sync::Arc;
use std::time::Duration;

use sendmux_providers::{Connector, SmtpConnector, SmtpSettings, Timeouts};
use sendmux_rules::{Class, Hint, IoFault, Stage};
use tokio::sync::Notify;

use super::script::{Script, Server};
use super::{MESSAGE, classes, connector, job, overall, settings, text};

/// Scripts that stop right before the server's word at a stage, with the stage.
fn up_to() -> Vec<(Stage, Script)> {
    let greeted = || Script::greeting(&[]);
    let mail = || greeted().on("MAIL", "250 Ok");
    let rcpt = || mail().on("RCPT", "250 Ok");
    vec![
        (Stage::Greeting, Script::default()),
        (Stage::Ehlo, Script::default().say("220 mail.example\r\n").hear("EHLO")),
        (Stage::MailFrom, greeted().hear("MAIL")),
        (Stage::RcptTo, mail().hear("RCPT")),
        (Stage::Data, rcpt().hear("DATA")),
        (Stage::Body, rcpt().on("DATA", "354 Go ahead").hear_content()),
    ]
}

#[tokio::test]
async fn a_refusal_is_classified_by_its_stage() {
    let passing = |stage| match stage {
        Stage::RcptTo | Stage::Data | Stage::Body => Class::Deferred,
        _ => Class::Connection,
    };
    let lasting = |stage| match stage {
        Stage::RcptTo => Class::RecipientRefused,
        Stage::MailFrom | Stage::Data | Stage::Body => Class::MessageRefused,
        _ => Class::Connection,
    };
    let replies: [(&str, &dyn Fn(Stage) -> Class); 2] = [("451 Not now", &passing), ("554 5.6.0 No", &lasting)];
    for (reply, class) in replies {
        for (stage, script) in up_to() {
            let mut script = script.say(&format!("{reply}\r\n"));
            if matches!(stage, Stage::RcptTo | Stage::Data) {
                script = script.on("RSET", "250 Ok");
            }
            let server = Server::start([script]).await;
            let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
            assert_eq!(overall(&report), (class(stage), stage), "{reply}");
            assert_eq!(report.outcomes[0].outcome, report.overall);
            assert!(text(&report.overall).starts_with(reply));
            server.heard().await;
        }
    }
}

#[tokio::test]
async fn service_closing_is_a_fault_of_the_connection_at_every_stage() {
    for (stage, script) in up_to() {
        let server = Server::start([script.say("421 4.3.2 Closing down\r\n")]).await;
        let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
        assert_eq!(overall(&report), (Class::Connection, stage));
        server.heard().await;
    }
}

#[tokio::test]
async fn a_lost_connection_is_unknown_only_after_the_final_dot() {
    for (stage, script) in up_to() {
        let server = Server::start([script]).await;
        let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
        let expected = match stage {
            Stage::Body => (Class::Unknown, Stage::AfterBody),
            stage => (Class::Connection, stage),
        };
        assert_eq!(overall(&report), expected);
        assert_eq!(report.overall.fault, Some(IoFault::Reset));
        assert!(report.detail.is_some());
        server.heard().await;
    }
}

#[tokio::test]
async fn silence_ends_with_the_timeout_of_its_stage() {
    let short = Duration::from_millis(30);
    for (stage, script) in up_to() {
        let server = Server::start([script.hear_end()]).await;
        let mut timeouts = Timeouts::default();
        match stage {
            Stage::Greeting => timeouts.greeting = short,
            Stage::Ehlo => timeouts.command = short,
            Stage::MailFrom => timeouts.mail = short,
            Stage::RcptTo => timeouts.rcpt = short,
            Stage::Data => timeouts.data = short,
            _ => timeouts.data_end = short,
        }
        let connector = SmtpConnector::new(SmtpSettings {
            timeouts,
            ..settings(&server)
        });
        let report = connector.send(&job(&["a@example.com"], MESSAGE)).await;
        let expected = match stage {
            Stage::Body => (Class::Unknown, Stage::AfterBody),
            stage => (Class::Connection, stage),
        };
        assert_eq!(overall(&report), expected);
        assert_eq!(report.overall.fault, Some(IoFault::Timeout));
        assert_eq!(
            server.heard().await[0].end,
            b"",
            "nothing more is said on a connection that is out of step"
        );
    }
}

#[tokio::test]
async fn an_empty_message_to_nobody_is_not_waited_for() {
    // "Go ahead" without a recipient, and then silence: nothing can have become of the message.
    let script = Script::greeting(&["PIPELINING"])
        .hear("MAIL")
        .hear("RCPT")
        .hear("DATA")
        .say("250 Ok\r\n550 5.1.1 No such user\r\n354 Go ahead\r\n")
        .hear(".")
        .hear_end();
    let server = Server::start([script]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        timeouts: Timeouts {
            command: Duration::from_millis(200),
            ..Timeouts::default()
        },
        ..settings(&server)
    });
    let report = connector.send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(overall(&report), (Class::RecipientRefused, Stage::RcptTo));
    server.heard().await;
}

#[tokio::test]
async fn what_is_not_smtp_is_a_fault_of_the_connection() {
    let server = Server::start([Script::default().say("HTTP/1.1 400 Bad Request\r\n\r\n")]).await;
    let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Greeting));
    assert!(
        !report.detail.unwrap().contains("HTTP"),
        "what is no mail server is not quoted"
    );
    server.heard().await;
}

/// Larger than the buffers of a connection, so that the client is still writing when the server stops reading.
fn large() -> Vec<u8> {
    b"0123456789012345678901234567890123456789\r\n".repeat(600_000)
}

#[tokio::test]
async fn a_connection_lost_within_the_content_lost_no_message() {
    let begun = || {
        Script::greeting(&[])
            .on("MAIL", "250 Ok")
            .on("RCPT", "250 Ok")
            .on("DATA", "354 Go ahead")
    };
    for script in [begun(), begun().hear_bytes(100_000), begun().reset()] {
        let server = Server::start([script]).await;
        let report = connector(&server).send(&job(&["a@example.com"], large())).await;
        assert_eq!(overall(&report), (Class::Connection, Stage::Data));
        server.heard().await;
    }
}

#[tokio::test]
async fn a_server_that_stops_taking_content_times_out_before_the_final_dot() {
    let nudge = Arc::new(Notify::new());
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "250 Ok")
        .on("DATA", "354 Go ahead")
        .hear_bytes(100_000)
        .wait(&nudge);
    let server = Server::start([script]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        timeouts: Timeouts {
            data_block: Duration::from_millis(200),
            ..Timeouts::default()
        },
        ..settings(&server)
    });
    let report = connector.send(&job(&["a@example.com"], large())).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Data));
    assert_eq!(report.overall.fault, Some(IoFault::Timeout));
    nudge.notify_one();
    server.heard().await;
}

#[tokio::test]
async fn a_refusal_within_the_content_is_heard() {
    let begun = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "250 Ok")
        .on("DATA", "354 Go ahead")
        .hear_bytes(100_000);
    for (reply, class, hint) in [
        ("552 5.3.4 Message too big", Class::MessageRefused, Some(Hint::TooLarge)),
        ("421 4.3.0 Out of disk", Class::Connection, None),
        ("250 Ok already", Class::Connection, None),
    ] {
        let script = begun.clone().say(&format!("{reply}\r\n")).hear_end();
        let server = Server::start([script]).await;
        let report = connector(&server).send(&job(&["a@example.com"], large())).await;
        assert_eq!((report.overall.class, report.overall.hint), (class, hint), "{reply}");
        assert!(
            !server.heard().await[0].end.ends_with(b"\r\n.\r\n"),
            "the message was completed"
        );
    }
}

#[tokio::test]
async fn a_lost_connection_in_the_middle_keeps_what_was_said_before() {
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT TO:<a@example.com>", "550 5.1.1 No such user")
        .on("RCPT TO:<b@example.com>", "250 Ok")
        .on("RCPT TO:<c@example.com>", "421 4.4.5 Too busy");
    let server = Server::start([script]).await;
    let recipients = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"];
    let report = connector(&server).send(&job(&recipients, MESSAGE)).await;
    use Class::{Connection, RecipientRefused};
    assert_eq!(classes(&report), [RecipientRefused, Connection, Connection, Connection]);
    assert_eq!(overall(&report), (Connection, Stage::RcptTo));
    server.heard().await;
}

#[tokio::test]
async fn a_second_transaction_that_fails_leaves_the_first_accepted() {
    let script = Script::greeting(&["LIMITS RCPTMAX=1"])
        .message(&["a@example.com"])
        .on("MAIL", "250 Ok")
        .on("RCPT TO:<b@example.com>", "250 Ok")
        .on("DATA", "354 Go ahead")
        .hear_content();
    let server = Server::start([script]).await;
    let report = connector(&server)
        .send(&job(&["a@example.com", "b@example.com", "c@example.com"], MESSAGE))
        .await;
    assert_eq!(classes(&report), [Class::Accepted, Class::Unknown, Class::Unknown]);
    assert_eq!(report.overall.class, Class::Unknown);
    server.heard().await;
}

#[tokio::test]
async fn unreachable_servers() {
    // A port that nobody listens on.
    let server = Server::start([]).await;
    let settings = settings(&server);
    server.heard().await;
    let report = SmtpConnector::new(settings.clone())
        .send(&job(&["a@example.com"], MESSAGE))
        .await;
    assert_eq!(overall(&report), (Class::Connection, Stage::Connect));
    assert_eq!(report.overall.fault, Some(IoFault::Refused));

    // A private address that is not allowed.
    let guarded = SmtpSettings {
        allow_private_hosts: false,
        ..settings.clone()
    };
    let report = SmtpConnector::new(guarded)
        .send(&job(&["a@example.com"], MESSAGE))
        .await;
    assert_eq!(overall(&report), (Class::Config, Stage::Connect));
    assert!(report.detail.unwrap().contains("127.0.0.1"));

    // A port that is not allowed.
    let guarded = SmtpSettings {
        ports: Some(vec![25, 587]),
        ..settings.clone()
    };
    let report = SmtpConnector::new(guarded)
        .send(&job(&["a@example.com"], MESSAGE))
        .await;
    assert_eq!(overall(&report), (Class::Config, Stage::Connect));
    assert_eq!(report.overall.rule, "local.port");
    assert!(report.detail.unwrap().ends_with("25, 587"));

    // Settings that cannot be used at all.
    let bad = SmtpSettings {
        host: "not a host".to_owned(),
        ..settings
    };
    let report = SmtpConnector::new(bad).send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Config, Stage::Connect));
    assert_eq!(classes(&report), [Class::Config]);
}
