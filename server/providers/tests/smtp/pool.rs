//! Connections that serve more than one message.

use std::time::Duration;

use sendmux_providers::smtp::PoolStats;
use sendmux_providers::{Connector, SmtpConnector, SmtpSettings};
use sendmux_rules::{Class, Stage};

use super::script::{Script, Server};
use super::{MESSAGE, connector, job, overall, settings};

const TO: &[&str] = &["a@example.com"];

fn stats(opened: u64, reused: u64, idle: usize) -> PoolStats {
    PoolStats { opened, reused, idle }
}

async fn sent(connector: &SmtpConnector) {
    let report = connector.send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Accepted, Stage::Body), "{report:?}");
}

#[tokio::test]
async fn messages_share_a_connection() {
    let script = Script::greeting(&[])
        .message(TO)
        .message(TO)
        .message(TO)
        .on("QUIT", "221 Bye");
    let server = Server::start([script]).await;
    let connector = connector(&server);
    for _ in 0..3 {
        sent(&connector).await;
    }
    assert_eq!(connector.pool_stats(), stats(1, 2, 1));
    connector.close().await;
    assert_eq!(connector.pool_stats().idle, 0);
    server.heard().await;
}

#[tokio::test]
async fn a_connection_takes_leave_after_its_number_of_messages() {
    for (configured, announced) in [(2, "HELP"), (100, "LIMITS MAILMAX=2")] {
        let two = Script::greeting(&[announced])
            .message(TO)
            .message(TO)
            .on("QUIT", "221 Bye");
        let server = Server::start([two, Script::greeting(&[]).message(TO)]).await;
        let connector = SmtpConnector::new(SmtpSettings {
            max_messages: configured,
            ..settings(&server)
        });
        for _ in 0..3 {
            sent(&connector).await;
        }
        assert_eq!(connector.pool_stats(), stats(2, 1, 1));
        drop(connector);
        server.heard().await;
    }
}

#[tokio::test]
async fn a_connection_that_waited_too_long_is_not_used() {
    let one = || Script::greeting(&[]).message(TO).on("QUIT", "221 Bye");
    let server = Server::start([one(), one()]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        max_idle: Duration::ZERO,
        ..settings(&server)
    });
    sent(&connector).await;
    sent(&connector).await;
    assert_eq!(connector.pool_stats().opened, 2);
    connector.close().await;
    server.heard().await;
}

#[tokio::test]
async fn an_idle_connection_takes_leave_by_itself() {
    let server = Server::start([Script::greeting(&[]).message(TO).on("QUIT", "221 Bye").hear_end()]).await;
    let connector = SmtpConnector::new(SmtpSettings {
        max_idle: Duration::from_millis(50),
        ..settings(&server)
    });
    sent(&connector).await;
    // The script only ends when the client has said QUIT and closed.
    server.heard().await;
    assert_eq!(connector.pool_stats(), stats(1, 0, 0));
}

#[tokio::test]
async fn a_connection_that_died_while_it_waited_costs_nothing() {
    // The server hangs up after the first message, in silence or with 421, and takes the second on a new connection.
    for farewell in ["", "421 4.4.2 Idle for too long\r\n"] {
        let first = Script::greeting(&[]).message(TO).say(farewell);
        let server = Server::start([first, Script::greeting(&[]).message(TO)]).await;
        let connector = connector(&server);
        sent(&connector).await;
        sent(&connector).await;
        assert_eq!(connector.pool_stats().opened, 2);
        server.heard().await;
    }
}

#[tokio::test]
async fn a_used_connection_refused_at_mail_is_replaced_once() {
    let ends: [fn(Script) -> Script; 4] = [
        |first| first.hear("MAIL"),
        |first| first.on("MAIL", "421 4.7.0 One message a connection"),
        |first| first.hear("MAI").say("421-4.7.0 Too\r\n421 4.7.0 many messages\r\n"),
        |first| first.reset(),
    ];
    for extensions in [&[][..], &["PIPELINING"]] {
        for end in ends {
            let message = |script: Script| match extensions {
                [] => script.message(TO),
                _ => script
                    .hear("MAIL")
                    .hear("RCPT")
                    .hear("DATA")
                    .say("250 Ok\r\n250 Ok\r\n")
                    .content("250 Ok"),
            };
            let first = end(message(Script::greeting(extensions)));
            let second = message(Script::greeting(extensions));
            let server = Server::start([first, second]).await;
            let connector = connector(&server);
            sent(&connector).await;
            sent(&connector).await;
            assert_eq!(connector.pool_stats().opened, 2);
            server.heard().await;
        }
    }
}

#[tokio::test]
async fn a_fresh_connection_refused_at_mail_is_not_replaced() {
    let script = Script::greeting(&[]).on("MAIL", "421 4.7.0 Not now");
    let server = Server::start([script]).await;
    let connector = connector(&server);
    let report = connector.send(&job(TO, MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Connection, Stage::MailFrom));
    assert_eq!(connector.pool_stats(), stats(1, 0, 0));
    server.heard().await;
}

#[tokio::test]
async fn nothing_is_tried_again_once_the_server_has_taken_up_the_message() {
    let mail = |script: Script| script.on("MAIL", "250 Ok");
    let data = |script: Script| mail(script).on("RCPT", "250 Ok").on("DATA", "354 Go ahead");
    let first = || Script::greeting(&[]).message(TO);
    for (script, class) in [
        (mail(first()).hear("RCPT"), Class::Connection),
        (data(first()).hear_content(), Class::Unknown),
    ] {
        // A further connection would be refused, and counted.
        let server = Server::start([script]).await;
        let connector = connector(&server);
        sent(&connector).await;
        let report = connector.send(&job(TO, MESSAGE)).await;
        assert_eq!(report.overall.class, class);
        assert_eq!(connector.pool_stats(), stats(1, 1, 0));
        server.heard().await;
    }
}

#[tokio::test]
async fn a_split_message_survives_a_server_that_closes_after_each() {
    let one = |to: &'static str| Script::greeting(&["LIMITS RCPTMAX=1"]).message(&[to]);
    let server = Server::start([one("a@example.com"), one("b@example.com")]).await;
    let connector = connector(&server);
    let report = connector.send(&job(&["a@example.com", "b@example.com"], MESSAGE)).await;
    assert_eq!(super::classes(&report), [Class::Accepted; 2]);
    server.heard().await;
}

#[tokio::test]
async fn a_closed_connector_keeps_nothing() {
    let server = Server::start([Script::greeting(&[]).message(TO).on("QUIT", "221 Bye")]).await;
    let connector = connector(&server);
    connector.close().await;
    sent(&connector).await;
    assert_eq!(connector.pool_stats(), stats(1, 0, 0));
    server.heard().await;
}
