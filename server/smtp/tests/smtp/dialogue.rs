//! Commands and their order.

use crate::support::{plain, server, server_with};
use sendmux_domain::keys;

/// The answer to EHLO, without the installation's mark at the end.
const EHLO_PLAIN: &str = "250-mail.example.com
250-8BITMIME
250-ENHANCEDSTATUSCODES
250-LIMITS MAILMAX=1 RCPTMAX=201
250-PIPELINING
250-SIZE 26214400
250-SMTPUTF8
250-STARTTLS
";

#[tokio::test]
async fn what_is_offered_depends_on_tls() {
    let server = server().await;
    let mut client = server.plain().await;
    let mark = format!("250 XSENDMUX {}", server.domain.sealer.marks().next().unwrap());
    let offered = format!("{EHLO_PLAIN}{mark}");
    assert_eq!(client.say("EHLO client.example", "250").await, offered);
    client.say("STARTTLS", "220 2.0.0").await;
    client.start_tls().await;
    client.say("MAIL FROM:<a@example.com>", "503 5.5.1").await;
    let secured = offered
        .replace("250-STARTTLS\n", "")
        .replace("250-ENHANCED", "250-AUTH PLAIN LOGIN\n250-ENHANCED");
    assert_eq!(client.say("EHLO client.example", "250").await, secured);
    client.say("STARTTLS", "503 5.5.1").await;
    assert_eq!(server.secure().await.say("EHLO [IPv6:::1]", "250").await, secured);
    assert_eq!(
        server.plain().await.say("HELO my_pc", "250").await,
        "250 mail.example.com"
    );
}

#[tokio::test]
async fn every_command_has_its_place() {
    let server = server().await;
    let mut client = server.plain().await;
    for (line, reply) in [
        ("MAIL FROM:<a@example.com>", "530 5.7.0"),
        ("RCPT TO:<a@example.com>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("NOOP", "250 2.0.0"),
        ("RSET", "250 2.0.0"),
        ("VRFY ana", "252 2.5.2"),
        ("HELP", "214 2.0.0"),
        ("EXPN list", "502 5.5.1"),
        ("FOO", "500 5.5.1"),
        ("QUIT now", "501 5.5.4"),
        ("QUIT", "221 2.0.0"),
    ] {
        client.say(line, reply).await;
    }
    client.closed().await;

    let mut client = server.secure().await;
    for (line, reply) in [
        ("MAIL FROM:<a@example.com>", "503 5.5.1"),
        ("EHLO client.example", "250"),
        ("MAIL FROM:<a@example.com>", "530 5.7.0"),
        ("AUTH PLAIN =", "501 5.5.2"),
        (&format!("AUTH PLAIN {}", plain(&server.key)), "235 2.7.0"),
        ("RCPT TO:<a@example.com>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<a@example.com>", "250 2.1.0"),
        ("MAIL FROM:<a@example.com>", "503 5.5.1"),
        ("DATA", "554 5.5.1"),
        ("RCPT TO:<a@example.com>", "250 2.1.5"),
        ("RSET", "250 2.0.0"),
        ("DATA", "503 5.5.1"),
        ("MAIL FROM:<a@example.com>", "250 2.1.0"),
        ("EHLO again.example", "250"),
        ("RCPT TO:<a@example.com>", "503 5.5.1"),
        ("MAIL FROM:<a@example.com>", "250 2.1.0"),
    ] {
        client.say(line, reply).await;
    }
    assert!(server.stored().await.is_empty());
}

#[tokio::test]
async fn addresses_are_checked_and_each_counts_once() {
    let server = server().await;
    let mut client = server.logged_in().await;
    for (line, reply) in [
        ("MAIL FROM:<a@b>", "553 5.1.7"),
        ("MAIL FROM:<ü@example.com>", "553 5.6.7"),
        ("MAIL FROM:<a@example.com> SIZE=26214401", "552 5.3.4"),
        ("MAIL FROM:<a@example.com> SIZE=184467440737095516150", "552 5.3.4"),
        ("MAIL FROM:<a@example.com> BODY=BINARYMIME", "555 5.5.4"),
        (
            "MAIL FROM:<a@example.com> SIZE=26214400 BODY=8BITMIME AUTH=<>",
            "250 2.1.0",
        ),
        ("RCPT TO:<>", "553 5.1.3"),
        ("RCPT TO:<postmaster>", "553 5.1.3"),
        ("RCPT TO:<a b@example.org>", "553 5.1.3"),
        ("RCPT TO:<a@[127.0.0.1]>", "553 5.1.3"),
        ("RCPT TO:<a@bücher.example>", "553 5.6.7"),
        ("RCPT TO:<a@example.org> NOTIFY=NEVER", "555 5.5.4"),
        ("RCPT TO:<a@example.org>", "250 2.1.5"),
        ("RCPT TO:<a@EXAMPLE.org>", "250 2.1.5"),
        ("RCPT TO:<@relay.example:\"b b\"@example.org>", "250 2.1.5"),
        ("DATA", "354"),
        ("\r\n.", "250 2.0.0 Ok: queued as eml_"),
    ] {
        client.say(line, reply).await;
    }
    let stored = server.only().await;
    let envelope = |address: &str| ("envelope".to_owned(), address.to_owned());
    assert_eq!(
        stored.recipients,
        [envelope("a@example.org"), envelope("\"b b\"@example.org")]
    );
    assert_eq!(stored.row.return_path.as_deref(), Some("a@example.com"));
}

#[tokio::test]
async fn one_message_a_connection() {
    let server = server().await;
    let mut client = server.in_data().await;
    client
        .say("Subject: one\r\n\r\nx\r\n.", "250 2.0.0 Ok: queued as eml_")
        .await;
    client.say("NOOP", "250").await;
    client.say("MAIL FROM:<me@example.com>", "421 4.7.0").await;
    client.closed().await;
    assert_eq!(server.stored().await.len(), 1);
}

#[tokio::test]
async fn an_operator_can_allow_more_messages() {
    let server = server_with(|_, config| config.messages_per_connection = 3).await;
    let mut client = server.logged_in().await;
    for _ in 0..3 {
        client.say("MAIL FROM:<>", "250").await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client.say("DATA", "354").await;
        client.say(".", "250 2.0.0 Ok: queued as eml_").await;
    }
    client.say("MAIL FROM:<>", "421 4.7.0").await;
    client.closed().await;
    let stored = server.stored().await;
    assert_eq!(stored.len(), 3);
    assert_eq!(stored[0].row.return_path, None, "the null reverse-path");
}

#[tokio::test]
async fn everything_may_be_pipelined() {
    let server = server().await;
    let mut client = server.secure().await;
    client
        .send(format!(
            "EHLO c\r\nAUTH PLAIN {}\r\nMAIL FROM:<me@example.com>\r\nRCPT TO:<a@example.org>\r\n\
             RCPT TO:<nobody>\r\nDATA\r\nSubject: all at once\r\n\r\n..\r\n.\r\nQUIT\r\nNOOP\r\n",
            plain(&server.key)
        ))
        .await;
    for code in [
        "250-",
        "235",
        "250",
        "250",
        "553",
        "354",
        "250 2.0.0 Ok: queued as eml_",
        "221",
    ] {
        client.expect(code).await;
    }
    client.closed().await;
    assert_eq!(server.only().await.sent(), b"Subject: all at once\r\n\r\n.\r\n");
}

#[tokio::test]
async fn what_is_pipelined_behind_a_refused_mail_is_no_error() {
    let server = server().await;
    let mut client = server.logged_in().await;
    let rcpt = "RCPT TO:<a@example.org>\r\n".repeat(50);
    client
        .send(format!("MAIL FROM:<nobody>\r\n{rcpt}DATA\r\nNOOP\r\n"))
        .await;
    client.expect("553 5.1.7").await;
    for _ in 0..51 {
        client.expect("503 5.5.1").await;
    }
    client.expect("250").await;
}

#[tokio::test]
async fn the_reply_names_the_message_that_was_stored() {
    let server = server().await;
    let mut client = server.in_data().await;
    let reply = client
        .say("From: Me <me@example.com>\r\nSubject: Hi\r\n\r\n.", "250")
        .await;
    let row = server.only().await.row;
    assert_eq!(reply, format!("250 2.0.0 Ok: queued as {}", row.public_id));
    assert_eq!((row.source.as_str(), row.mode.as_str()), ("smtp", "live"));
    assert_eq!((row.subject.as_str(), row.from_name.as_str()), ("Hi", "Me"));
    assert_eq!(row.header_message_id, format!("<{}@mail.example.com>", row.public_id));
    let origin = row.origin.0;
    assert_eq!(origin.remote_address.as_deref(), Some("127.0.0.1"));
    assert_eq!(origin.tls.as_deref(), Some("TLSv1.3"));
    assert!(
        origin.request_id.unwrap().starts_with("req_"),
        "the session's id in the log"
    );
    let key = keys::authenticate(&server.domain, &server.key).await.unwrap().unwrap();
    assert_eq!((row.team_id, row.key_id), (server.owner.team.id, Some(key.key_id)));
}
