//! TLS.

use crate::support::server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn starttls_works_like_implicit_tls() {
    let server = server().await;
    let mut client = server.plain().await;
    client.say("EHLO c", "250").await;
    client.say("STARTTLS", "220").await;
    client.start_tls().await;
    client.say("EHLO c", "250").await;
    client
        .say(&format!("AUTH PLAIN {}", crate::support::plain(&server.key)), "235")
        .await;
    for (line, reply) in [
        ("MAIL FROM:<>", "250"),
        ("RCPT TO:<a@b.example>", "250"),
        ("DATA", "354"),
        (".", "250"),
    ] {
        client.say(line, reply).await;
    }
    client.say("QUIT", "221").await;
    client.closed().await;
    assert_eq!(server.stored().await.len(), 1);
}

#[tokio::test]
async fn plain_text_where_tls_is_implicit() {
    let server = server().await;
    let mut client = TcpStream::connect(server.implicit).await.unwrap();
    client.write_all(b"EHLO client.example\r\n").await.unwrap();
    let mut heard = Vec::new();
    drop(client.read_to_end(&mut heard).await);
    assert!(!heard.starts_with(b"220"), "nothing of SMTP is said in plain text");
}
