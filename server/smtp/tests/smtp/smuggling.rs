//! Octets that some servers take for an end and others do not.

use crate::support::{plain, server};

const BODY: &str = "Subject: outer\r\n\r\nouter";
const SMUGGLED: &str =
    "MAIL FROM:<boss@example.com>\r\nRCPT TO:<ana@example.org>\r\nDATA\r\nSubject: inner\r\n\r\n.\r\n";

#[tokio::test]
async fn no_sequence_but_crlf_dot_crlf_ends_the_content() {
    let server = server().await;
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r\n.\r",
        "\r.\r\n",
        "\r\n.\r\r\n",
        "\r\r\n.\r\r\n",
        "\n\n.\r\n",
        "\r\n.\r\n.\n\r",
        "\r\n\0.\r",
        "\n",
    ] {
        let mut client = server.in_data().await;
        client.send(format!("{BODY}{end}{SMUGGLED}")).await;
        // "\r\n.\r\n" ends the first message in one of them; whatever follows is refused as well.
        let first = client.reply().await.unwrap();
        if end.starts_with("\r\n.\r\n") {
            assert!(first.starts_with("250 "), "{end:?}: {first}");
            client.expect("500 5.5.2").await;
        } else {
            assert!(first.starts_with("554 5.6.0"), "{end:?}: {first}");
        }
        client.closed().await;
    }
    assert_eq!(server.stored().await.len(), 1, "nothing that was refused was stored");
}

#[tokio::test]
async fn sequences_that_come_apart_are_the_same() {
    let server = server().await;
    for end in ["\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r\r\n"] {
        let mut client = server.in_data().await;
        client.send(BODY).await;
        for octet in end.bytes() {
            client.send([octet]).await;
        }
        client.send("x").await;
        client.expect("554 5.6.0").await;
        client.closed().await;
    }
    assert!(server.stored().await.is_empty());
}

#[tokio::test]
async fn a_bare_cr_or_lf_in_a_command_ends_the_connection() {
    let server = server().await;
    for line in ["NOOP\n", "NOOP\r\r\n", "NOOP\rNOOP\r\n", "\n\r\n", "NOOP\n\r\n"] {
        let mut client = server.logged_in().await;
        client.send(line).await;
        client.expect("500 5.5.2").await;
        client.closed().await;
    }
    // Also during a login.
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    client.say("AUTH PLAIN", "334").await;
    client.send(format!("{}\n", plain(&server.key))).await;
    client.expect("500 5.5.2").await;
    client.closed().await;
}

#[tokio::test]
async fn content_behind_a_chunk_command_is_not_taken_for_commands() {
    let server = server().await;
    let mut client = server.logged_in().await;
    client.send(format!("BDAT 10 LAST\r\n{SMUGGLED}")).await;
    client.expect("502 5.5.1").await;
    client.closed().await;
    assert!(server.stored().await.is_empty());
}

#[tokio::test]
async fn what_stands_in_plain_text_behind_starttls_is_forgotten() {
    let server = server().await;
    let mut client = server.plain().await;
    client
        .send("EHLO evil.example\r\nSTARTTLS\r\nEHLO evil.example\r\nNOOP\r\nRSET\r\n")
        .await;
    client.expect("250-").await;
    client.expect("220 2.0.0").await;
    client.start_tls().await;
    // There is no reply to the injected command, and its greeting is not remembered.
    client
        .say("MAIL FROM:<a@example.com>", "503 5.5.1 Send EHLO first")
        .await;
}
