//! Contents are stored unchanged.

use crate::support::{plain, server, server_with};
use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use sendmux_domain::entities::providers;

#[tokio::test]
async fn contents_are_kept_byte_for_byte() {
    let server = server_with(|_, config| config.messages_per_connection = 100).await;
    let mut client = server.logged_in().await;
    let header = b"From: me@example.com\r\nDate: today\r\nMessage-ID: <1@example.com>\r\n";
    let long = vec![b'x'; 100_000];
    let bodies: [&[u8]; 7] = [
        b"\r\nplain\r\n",
        b"\r\n\xff\xfe\x80 not UTF-8\r\n",
        b"X: \xe4\xf6\r\n\r\nnul \0 and \x01\x7f\r\n",
        b"\r\n.\r\n..\r\n...\r\n.a\r\n. \r\n",
        &[b"\r\n", &long[..], b"\r\n"].concat(),
        &[b"\r\n", &b".\r\n".repeat(50_000)[..]].concat(),
        b"\tfolded and odd\r\n \r\n\r\n\r\nnot a header\r\n",
    ];
    for body in bodies {
        client.say("MAIL FROM:<me@example.com> BODY=8BITMIME", "250").await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client.say("DATA", "354").await;
        let content = [&header[..], body].concat();
        let mut wire = Vec::new();
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                wire.push(b'.');
            }
            wire.extend_from_slice(line);
        }
        client.send(wire).await;
        client.say(".", "250").await;
        let stored = server.stored().await.pop().unwrap();
        assert!(
            stored.sent() == content,
            "{:?}",
            String::from_utf8_lossy(&stored.content)
        );
        assert_eq!(stored.row.size as usize, stored.content.len());
    }
}

#[tokio::test]
async fn a_header_that_is_none_is_refused_and_an_mbox_line_dropped() {
    let server = server_with(|_, config| config.messages_per_connection = 100).await;
    let mut client = server.logged_in().await;
    for (content, reply) in [
        (
            "X Mailer: PHP\r\nFrom: me@example.com\r\nBcc: b@example.org\r\n\r\nx\r\n.",
            "554 5.6.0 Line 1",
        ),
        (
            "From: me@example.com\r\nHello there\r\nBcc: b@example.org\r\n\r\nx\r\n.",
            "554 5.6.0 Line 2",
        ),
        (
            ">From me Mon Jan 1 10:00:00 2026\r\nBcc: b@example.org\r\nSubject: x\r\n\r\nx\r\n.",
            "250",
        ),
    ] {
        client.say("MAIL FROM:<me@example.com>", "250").await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client.say("DATA", "354").await;
        client.say(content, reply).await;
    }
    let stored = server.only().await;
    assert_eq!(stored.row.subject, "x");
    let text = String::from_utf8(stored.content.clone()).unwrap();
    assert!(!text.contains("Bcc") && !text.contains("From me"), "{text}");
}

#[tokio::test]
async fn the_trace_line_says_where_it_came_from_and_not_who() {
    let server = server().await;
    let mut client = server.in_data().await;
    client
        .say("Bcc: hidden@example.org\r\nSubject: x\r\n\r\n.", "250")
        .await;
    let stored = server.only().await;
    let text = String::from_utf8(stored.content.clone()).unwrap();
    let id = &stored.row.public_id;
    let mark = server.domain.sealer.marks().next().unwrap();
    assert_eq!(
        text,
        format!(
            "Received: from client.example ([127.0.0.1])\r\n\tby mail.example.com (Sendmux {mark}) with ESMTPSA id {id} tls \
             TLS_AES_256_GCM_SHA384;\r\n\tThu, 01 Jan 2026 00:00:00 +0000\r\n\
             Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{id}@mail.example.com>\r\nSubject: x\r\n\r\n"
        )
    );
    assert!(!text.contains(&server.key) && !text.contains("any name"));
}

/// RFC 5321 section 6.3.
#[tokio::test]
async fn a_message_that_goes_round_is_refused() {
    let server = server_with(|_, config| {
        config.messages_per_connection = 100;
        config.max_hops = 5;
    })
    .await;
    let mut client = server.logged_in().await;
    let mut hand_over = async |content: &str, answer: &str| {
        client.say("MAIL FROM:<me@example.com>", "250").await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client.say("DATA", "354").await;
        client.say(&format!("{content}\r\nhello\r\n."), answer).await;
    };
    hand_over(&"Received: from a by b\r\n".repeat(5), "250 2.0.0").await;
    hand_over(&"Received: from a by b\r\n".repeat(6), "554 5.4.6 Mail loop").await;

    // A stored message is submitted again, several times.
    let mut content = "Subject: round\r\n".to_owned();
    for answer in ["250", "250", "250", "554 5.4.6 Mail loop"] {
        hand_over(&content, answer).await;
        let stored = server.stored().await.pop().unwrap().content;
        let (header, _) = std::str::from_utf8(&stored).unwrap().split_once("\r\n\r\n").unwrap();
        content = format!("{header}\r\n");
    }
}

#[tokio::test]
async fn international_addresses() {
    let server = server().await;
    let mut client = server.logged_in().await;
    client.say("MAIL FROM:<jörg@bücher.example> SMTPUTF8", "250").await;
    client.say("RCPT TO:<用户@例え.テスト>", "250").await;
    client.say("DATA", "354").await;
    client.say("Subject: Grüße\r\n\r\n.", "250").await;
    let stored = server.only().await;
    assert!(stored.row.smtputf8);
    assert_eq!(stored.row.return_path.as_deref(), Some("jörg@xn--bcher-kva.example"));
    assert_eq!(stored.recipients[0].1, "用户@xn--r8jz45g.xn--zckzah");
    assert_eq!(stored.row.subject, "Grüße");
    assert!(stored.content.windows(15).any(|part| part == b"with UTF8SMTPSA"));
}

#[tokio::test]
async fn a_large_message_is_stored_whole_and_one_octet_more_is_refused() {
    let server = server_with(|_, config| config.messages_per_connection = 2).await;
    let mut client = server.logged_in().await;
    let begin = async |client: &mut crate::support::Client| {
        client.say("MAIL FROM:<me@example.com>", "250").await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client.say("DATA", "354").await;
    };
    let header = "From: a@b.example\r\nDate: x\r\nMessage-ID: <a@b>\r\n\r\n";
    let largest = [header.as_bytes(), &vec![b'x'; 26_214_400 - header.len() - 2], b"\r\n"].concat();

    begin(&mut client).await;
    client.send([b"x", &largest[..], b".\r\n"].concat()).await;
    client.expect("552 5.3.4").await;
    assert!(server.stored().await.is_empty());

    begin(&mut client).await;
    client.send(&largest).await;
    client.say(".", "250").await;
    assert!(server.only().await.sent() == largest);
}

#[tokio::test]
async fn content_without_end_does_not_go_on_for_ever() {
    let server = server().await;
    let mut client = server.in_data().await;
    let megabyte = b"x".repeat(1024 * 1024);
    for _ in 0..110 {
        client.send(&megabyte).await;
    }
    client.expect("552 5.3.4").await;
    client.closed().await;
    assert!(server.stored().await.is_empty());
}

#[tokio::test]
async fn large_messages_share_a_budget() {
    let server = server_with(|_, config| {
        config.content_memory = 1024 * 1024;
        config.timeouts.content_memory = std::time::Duration::from_millis(1);
    })
    .await;
    let begin = async |size: usize| {
        let mut client = server.logged_in().await;
        client
            .say(&format!("MAIL FROM:<me@example.com> SIZE={size}"), "250")
            .await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client
    };
    let mut first = begin(1_000_000).await;
    first.say("DATA", "354").await;
    let mut second = begin(1_000_000).await;
    second.say("DATA", "452 4.3.1").await;
    let mut small = begin(1_000).await;
    small.say("DATA", "354").await;
    small.say(".", "250").await;
    // A message without an announced size.
    let mut unannounced = begin(0).await;
    unannounced.say("DATA", "354").await;
    unannounced.send("x".repeat(70_000)).await;
    unannounced.say("\r\n.", "452 4.3.1").await;
    first.say(".", "250").await;
    second.say("DATA", "354").await;
    second.say(".", "250").await;
    assert_eq!(server.stored().await.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_delivered_is_said_at_the_final_dot() {
    let server = server().await;
    let tx = server.domain.db.begin().await.unwrap();
    providers::Entity::update_many()
        .col_expr(providers::Column::Status, Expr::value("inactive"))
        .exec(&tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    server.domain.signals.config_changed();
    let mut client = server.in_data().await;
    client.say(".", "451 4.3.0 No active provider").await;
    assert!(server.stored().await.is_empty());
    // Nothing was accepted: the connection may try again.
    client.say("MAIL FROM:<me@example.com>", "250").await;
}

#[tokio::test]
async fn a_client_that_leaves_leaves_nothing_behind() {
    let server = server().await;
    drop(server.plain().await);
    let mut before_tls = server.plain().await;
    before_tls.say("STARTTLS", "220").await;
    drop(before_tls);
    let mut in_handshake = server.plain().await;
    in_handshake.say("STARTTLS", "220").await;
    // The beginning of a ClientHello.
    in_handshake.send([22, 3, 1, 2, 0, 1, 0]).await;
    drop(in_handshake);
    let mut greeted = server.secure().await;
    greeted.send("EHLO").await;
    drop(greeted);
    let mut login = server.secure().await;
    login.say("EHLO c", "250").await;
    login.say("AUTH PLAIN", "334").await;
    login.send(&plain(&server.key)[..10]).await;
    drop(login);
    let mut mail = server.logged_in().await;
    mail.say("MAIL FROM:<me@example.com>", "250").await;
    drop(mail);
    let mut rcpt = server.logged_in().await;
    rcpt.say("MAIL FROM:<me@example.com>", "250").await;
    rcpt.say("RCPT TO:<ana@example.org>", "250").await;
    rcpt.send("DATA\r").await;
    drop(rcpt);
    for content in [
        "",
        "Subject: x",
        "Subject: x\r\n\r\nbody\r\n",
        "Subject: x\r\n\r\nbody\r\n.",
        "\r\n.\r",
    ] {
        let mut client = server.in_data().await;
        client.send(content).await;
        drop(client);
    }
    server.idle().await;
    assert!(server.stored().await.is_empty());
    // A client that does not wait for the reply has submitted its message nevertheless.
    let mut client = server.in_data().await;
    client.send("Subject: done\r\n\r\n.\r\n").await;
    drop(client);
    server.idle().await;
    assert_eq!(server.only().await.row.subject, "done");
}
