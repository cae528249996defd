//! Limits.

use crate::support::{plain, server, server_with};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn thousands_of_bad_commands() {
    let server = server().await;
    let mut client = server.secure().await;
    client.send("NONSENSE\r\n".repeat(5_000)).await;
    for _ in 0..10 {
        client.expect("500 5.5.1").await;
    }
    client.expect("421 4.7.0").await;
    client.closed().await;
}

#[tokio::test]
async fn thousands_of_good_ones() {
    let server = server().await;
    let mut client = server.logged_in().await;
    client.send("NOOP\r\n".repeat(998)).await;
    for _ in 0..998 {
        client.expect("250").await;
    }
    client.say("NOOP", "421 4.7.0").await;
    client.closed().await;
}

#[tokio::test]
async fn endless_lines() {
    let server = server().await;
    let mut client = server.logged_in().await;
    client.send("x".repeat(12_287)).await;
    client.expect("500 5.5.6").await;
    client.closed().await;
    for mut client in [server.plain().await, server.secure().await, server.logged_in().await] {
        client.send("x".repeat(1_000_000)).await;
        client.expect("500 5.5.6").await;
        client.closed().await;
    }
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    client.say("AUTH PLAIN", "334").await;
    client.send("A".repeat(20_000)).await;
    client.expect("500 5.5.6").await;
    client.closed().await;
}

#[tokio::test]
async fn two_hundred_and_one_recipients() {
    let server = server().await;
    let mut client = server.logged_in().await;
    client.say("MAIL FROM:<me@example.com>", "250").await;
    let commands: String = (0..202).map(|n| format!("RCPT TO:<r{n}@example.org>\r\n")).collect();
    client.send(commands).await;
    for _ in 0..201 {
        client.expect("250 2.1.5").await;
    }
    client.expect("452 4.5.3").await;
    client.say("RCPT TO:<r7@example.org>", "250 2.1.5").await;
    client.say("DATA", "354").await;
    client.say(".", "552 5.3.4").await;
}

#[tokio::test]
async fn the_rate_limit_counts_messages() {
    let server = server_with(|settings, config| {
        settings.rate_limit_per_minute = 2;
        config.messages_per_connection = 100;
    })
    .await;
    let mut client = server.logged_in().await;
    client.say("MAIL FROM:<nobody>", "553").await;
    for _ in 0..2 {
        client.say("MAIL FROM:<me@example.com>", "250").await;
        client.say("RSET", "250").await;
    }
    let refused = client.say("MAIL FROM:<me@example.com>", "451 4.7.0").await;
    assert!(refused.ends_with("try again in 60 s"), "{refused}");
    let key = sendmux_domain::keys::authenticate(&server.domain, &server.key).await;
    let taken = sendmux_domain::rate_limit::take(&server.domain, &key.unwrap().unwrap()).await;
    assert!(!taken.unwrap().allowed, "HTTP counts together with SMTP");
    server.domain.clock.advance(Duration::from_secs(60));
    client.say("MAIL FROM:<me@example.com>", "250").await;
}

#[tokio::test]
async fn slow_clients() {
    let server = server_with(|_, config| config.timeouts.idle = Duration::from_millis(200)).await;
    for mut client in [server.plain().await, server.logged_in().await, server.in_data().await] {
        client.send("some").await;
        client.expect("421 4.4.2").await;
        client.closed().await;
    }
    let server = server_with(|_, config| config.timeouts.login = Duration::from_millis(300)).await;
    let mut busy = server.secure().await;
    let mut last = String::new();
    while let Some(reply) = {
        busy.send("NOOP\r\n").await;
        busy.reply().await
    } {
        tokio::time::sleep(Duration::from_millis(10)).await;
        last = reply;
    }
    assert!(last.starts_with("421 4.4.2"), "{last}");
}

#[tokio::test]
async fn content_that_trickles() {
    let server = server_with(|_, config| config.timeouts.content_grace = Duration::from_millis(300)).await;
    let mut client = server.in_data().await;
    while !client.has_heard().await {
        client.send("x").await;
    }
    client.expect("421 4.4.2").await;
    client.closed().await;
    assert!(server.stored().await.is_empty());
}

#[tokio::test]
async fn a_handshake_that_does_not_come() {
    let server = server_with(|_, config| config.timeouts.handshake = Duration::from_millis(100)).await;
    let mut silent = TcpStream::connect(server.implicit).await.unwrap();
    assert_eq!(silent.read(&mut [0; 10]).await.unwrap_or(0), 0);
    let mut client = server.plain().await;
    client.say("STARTTLS", "220").await;
    client.closed().await;
}

#[tokio::test]
async fn connections_in_all_and_from_one_address() {
    let server = server_with(|_, config| config.max_connections_per_address = 2).await;
    let (mut first, _second) = (server.plain().await, server.secure().await);
    let mut turned_away = TcpStream::connect(server.starttls).await.unwrap();
    let mut reply = String::new();
    turned_away.read_to_string(&mut reply).await.unwrap();
    assert_eq!(reply, "421 4.7.0 Too many connections; try again later\r\n");
    first.say("QUIT", "221").await;
    first.closed().await;
    drop(first);
    // The slot is free as soon as the server has seen the end.
    loop {
        let mut again = TcpStream::connect(server.starttls).await.unwrap();
        let mut greeting = [0; 3];
        again.read_exact(&mut greeting).await.unwrap();
        if &greeting == b"220" {
            break;
        }
    }
}

#[tokio::test]
async fn a_line_of_a_login_may_be_long() {
    let server = server().await;
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    client
        .say(&format!("AUTH PLAIN {}", plain(&"x".repeat(9_000))), "535")
        .await;
}
