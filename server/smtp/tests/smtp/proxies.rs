//! Clients behind a load balancer that speaks the PROXY protocol.

use crate::support::{Server, Stored, plain, server_with};
use sendmux_domain::TrustedProxies;
use sendmux_smtp::SmtpConfig;
use std::time::Duration;

async fn behind_a_proxy(change: impl FnOnce(&mut SmtpConfig)) -> Server {
    server_with(|_, config| {
        config.proxies = TrustedProxies::loopback();
        change(config);
    })
    .await
}

fn v1(address: &str) -> Vec<u8> {
    format!("PROXY TCP4 {address} 192.0.2.250 4711 587\r\n").into_bytes()
}

fn v2(address: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
    header.extend(address);
    header.extend([192, 0, 2, 250, 0x12, 0x67, 0x02, 0x4b]);
    header
}

const HEALTH_CHECK: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";

fn remote(stored: &Stored) -> Option<String> {
    stored.row.origin.0.remote_address.clone()
}

#[tokio::test]
async fn the_client_is_whom_the_proxy_says() {
    for (header, address) in [
        (v1("203.0.113.7"), "203.0.113.7"),
        (v2([203, 0, 113, 8]), "203.0.113.8"),
        (
            b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 465\r\n".to_vec(),
            "2001:db8::7",
        ),
        (HEALTH_CHECK.to_vec(), "127.0.0.1"),
        (b"PROXY UNKNOWN\r\n".to_vec(), "127.0.0.1"),
    ] {
        let server = behind_a_proxy(|_| ()).await;
        let mut client = server.connected(server.implicit, &header).await;
        client.start_tls().await;
        client.expect("220").await;
        client.say("EHLO client.example", "250").await;
        client.say(&format!("AUTH PLAIN {}", plain(&server.key)), "235").await;
        client.say("MAIL FROM:<me@example.com>", "250").await;
        client.say("RCPT TO:<ana@example.org>", "250").await;
        client.say("DATA", "354").await;
        client.say("Subject: a\r\n\r\nb\r\n.", "250").await;
        let stored = server.only().await;
        assert_eq!(remote(&stored).as_deref(), Some(address));
        let received = String::from_utf8_lossy(&stored.content);
        let received = received.split("\r\n").next().unwrap();
        let literal = address.replace("2001:", "IPv6:2001:");
        assert!(received.contains(&format!("[{literal}]")), "{received}");
    }
}

#[tokio::test]
async fn limits_are_those_of_the_client_and_not_of_the_proxy() {
    let server = behind_a_proxy(|config| config.max_connections_per_address = 1).await;
    let mut first = server.connected(server.starttls, &v1("203.0.113.7")).await;
    first.expect("220").await;
    let mut again = server.connected(server.starttls, &v2([203, 0, 113, 7])).await;
    again.expect("421 4.7.0").await;
    again.closed().await;
    let mut other = server.connected(server.starttls, &v1("203.0.113.8")).await;
    other.expect("220").await;
}

#[tokio::test]
async fn a_header_may_come_with_what_the_client_says_or_in_pieces() {
    let server = behind_a_proxy(|_| ()).await;
    let together = [&v1("203.0.113.7")[..], b"EHLO client.example\r\n"].concat();
    let mut client = server.connected(server.starttls, &together).await;
    client.expect("220").await;
    client.expect("250").await;
    let mut client = server.connected(server.starttls, b"").await;
    for octet in v2([203, 0, 113, 7]) {
        client.send([octet]).await;
    }
    client.expect("220").await;
}

#[tokio::test]
async fn a_connection_of_a_proxy_without_a_header_is_closed() {
    let server = behind_a_proxy(|_| ()).await;
    for octets in [
        &b"EHLO client.example\r\n"[..],
        b"PROXY TCP4 nonsense 192.0.2.250 4711 587\r\n",
        b"PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
    ] {
        let mut client = server.connected(server.starttls, octets).await;
        client.closed().await;
    }
    let server = behind_a_proxy(|config| config.timeouts.proxy_header = Duration::ZERO).await;
    let mut silent = server.connected(server.starttls, b"").await;
    silent.closed().await;
}

#[tokio::test]
async fn one_header_is_all_that_counts() {
    let server = behind_a_proxy(|_| ()).await;
    let twice = [v1("203.0.113.7"), v1("203.0.113.8")].concat();
    let mut client = server.connected(server.starttls, &twice).await;
    client.expect("220").await;
    client.expect("500").await;
}

#[tokio::test]
async fn whoever_is_no_trusted_proxy_cannot_say_who_it_is() {
    let trusted = TrustedProxies::parse("10.0.0.0/8").unwrap();
    for proxies in [TrustedProxies::default(), trusted] {
        let server = behind_a_proxy(|config| config.proxies = proxies).await;
        let mut direct = server.plain().await;
        direct.say("EHLO client.example", "250").await;
        let mut liar = server.connected(server.starttls, &v1("203.0.113.7")).await;
        liar.expect("220").await;
        liar.expect("500").await;
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_header() {
    let server = behind_a_proxy(|config| config.timeouts.proxy_header = Duration::from_secs(3_600)).await;
    let (server, handle) = server.split();
    let mut silent = server.connected(server.starttls, b"PROXY").await;
    handle.shutdown().await;
    silent.closed().await;
}
