//! Any stream of octets, however it is cut into pieces, gets the same replies as when it comes at once.

use crate::config::SmtpConfig;
use crate::connection::{Security, Service};
use crate::dialogue::Agent;
use crate::tls::{Agreed, Handshake};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use samotop_core::io::ConnectionInfo;
use samotop_core::io::tls::TlsCapable;
use sea_orm::{EntityTrait, PaginatorTrait};
use sendmux_domain::Settings;
use sendmux_domain::entities::messages;
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_domain::testing::{TestDomain, sqlite};
use sendmux_rules::Mode;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A connection whose client says these pieces, one a read, and then goes away.
struct Pieces {
    pieces: VecDeque<Vec<u8>>,
    replies: Arc<Mutex<Vec<u8>>>,
}

impl AsyncRead for Pieces {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return Poll::Ready(Ok(0));
        };
        let len = piece.len().min(buffer.len());
        let rest = piece.split_off(len);
        buffer[..len].copy_from_slice(&piece);
        if !rest.is_empty() {
            self.pieces.push_front(rest);
        }
        Poll::Ready(Ok(len))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        self.replies.lock().extend_from_slice(octets);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

struct Bench {
    domain: TestDomain,
    service: Service,
    /// The message of PLAIN with a valid key.
    login: String,
    clients: u32,
}

impl Bench {
    async fn new() -> Self {
        let domain = sqlite(Settings {
            rate_limit_per_minute: u32::MAX,
            ..Settings::default()
        })
        .await;
        let owner = domain.owner("Acme").await;
        let key = NewKey {
            name: "Key".to_owned(),
            mode: Mode::Live,
            permissions: vec![Permission::Send],
            scope: Scope::All,
        };
        let key = keys::create(&domain, &owner.actor(None), key).await.unwrap().secret;
        let config = SmtpConfig {
            messages_per_connection: 2,
            max_commands: 40,
            ..SmtpConfig::default()
        };
        let agent = Arc::new(Agent::new(domain.domain.clone(), config));
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = CertificateDer::from(made.cert.der().to_vec());
        let private = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], private)
            .unwrap();
        Self {
            domain,
            service: Service::new(agent, TlsAcceptor::from(Arc::new(tls)), CancellationToken::new()),
            login: STANDARD.encode(format!("\0any\0{key}")),
            clients: 0,
        }
    }

    async fn stored(&self) -> u64 {
        messages::Entity::find().count(self.domain.db.read()).await.unwrap()
    }

    /// What the server says to these pieces, as from inside TLS, and how many messages it keeps.
    async fn replies(&mut self, pieces: Vec<Vec<u8>>) -> (String, u64) {
        // Each from an address of its own, so that nobody is throttled for what others did.
        self.clients += 1;
        let peer = IpAddr::V4(Ipv4Addr::from_bits(self.clients));
        let handshake = Handshake::default();
        let agreed = Agreed {
            version: "TLSv1.3".to_owned(),
            cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
        };
        handshake.set(agreed).unwrap();
        let replies = Arc::new(Mutex::new(Vec::new()));
        let io = Pieces {
            pieces: pieces.into(),
            replies: replies.clone(),
        };
        let before = self.stored().await;
        let io = TlsCapable::encrypted(Box::new(io));
        let info = ConnectionInfo::default();
        let mut context = self.service.greet(info, peer, handshake, Security::Implicit);
        self.service.driver(Box::new(io)).drive(&mut context).await;
        let text = String::from_utf8(replies.lock().clone()).unwrap();
        (without_ids(&text), self.stored().await - before)
    }
}

/// Ids are drawn anew each time.
fn without_ids(replies: &str) -> String {
    let lines = replies.lines().map(|line| match line.split_once("eml_") {
        Some((before, _)) => before,
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Streams that get far: what clients say, in any order, with what nobody says in between. `<KEY>` stands for a valid login.
fn stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let start = Just(b"EHLO client.example\r\nAUTH PLAIN <KEY>\r\n".to_vec());
    let start = prop_oneof![4 => start, 1 => Just(Vec::new())];
    let token = prop_oneof![
        4 => Just(&b"MAIL FROM:<me@example.com> SIZE=1000\r\nRCPT TO:<ana@example.org>\r\nDATA\r\n"[..]),
        3 => Just(&b"\r\n.\r\n"[..]),
        2 => Just(&b"MAIL FROM:<>\r\n"[..]),
        2 => Just(&b"RCPT TO:<b@example.org>\r\n"[..]),
        2 => Just(&b"DATA\r\n"[..]),
        2 => Just(&b"Subject: x\r\n\r\n..\r\n"[..]),
        1 => Just(&b"RSET\r\n"[..]),
        1 => Just(&b"EHLO client.example\r\n"[..]),
        1 => Just(&b"AUTH PLAIN\r\n<KEY>\r\n"[..]),
        1 => Just(&b"AUTH LOGIN\r\n"[..]),
        1 => Just(&b"AUTH PLAIN AHgAeA==\r\n"[..]),
        1 => Just(&b"STARTTLS\r\n"[..]),
        1 => Just(&b"NOOP\r\nQUIT\r\n"[..]),
        1 => Just(&b"BDAT 3\r\nabc"[..]),
        2 => Just(&b"\r\n"[..]),
        2 => Just(&b"."[..]),
        1 => Just(&b"\r"[..]),
        1 => Just(&b"\n"[..]),
        1 => Just(&b"\0\xff\xfe"[..]),
    ];
    let tokens = proptest::collection::vec(token.prop_map(<[u8]>::to_vec), 0..25);
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    let rest = prop_oneof![6 => tokens, 1 => noise.prop_map(|noise| vec![noise])];
    (start, rest).prop_map(|(start, mut rest)| {
        rest.insert(0, start);
        rest
    })
}

/// Cuts octets into pieces of these lengths, again and again.
fn cut(octets: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let (mut rest, mut pieces) = (octets, Vec::new());
    for len in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, others) = rest.split_at((*len).min(rest.len()));
        pieces.push(piece.to_vec());
        rest = others;
    }
    pieces
}

#[test]
fn how_a_stream_comes_makes_no_difference() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::new());
    let bench = std::cell::RefCell::new(bench);
    let lengths = proptest::collection::vec(1..40_usize, 1..5);
    let lengths = prop_oneof![1 => Just(vec![1]), 3 => lengths];
    let mut runner = TestRunner::new(Config {
        cases: 300,
        ..Config::default()
    });
    let case = |(tokens, lengths): (Vec<Vec<u8>>, Vec<usize>)| {
        let mut bench = bench.borrow_mut();
        let login = bench.login.clone();
        let spelt_out = tokens.into_iter().map(|token| match String::from_utf8(token) {
            Ok(text) => text.replace("<KEY>", &login).into_bytes(),
            Err(error) => error.into_bytes(),
        });
        let octets = spelt_out.collect::<Vec<_>>().concat();
        let whole = runtime.block_on(bench.replies(vec![octets.clone()]));
        let pieces = runtime.block_on(bench.replies(cut(&octets, &lengths)));
        let queued = whole.0.matches("Ok: queued as").count() as u64;
        prop_assert_eq!(queued, whole.1, "what is acknowledged is stored, and nothing else");
        prop_assert_eq!(whole, pieces);
        Ok(())
    };
    runner.run(&(stream(), lengths), case).unwrap();
    assert!(
        runtime.block_on(bench.borrow().stored()) > 20,
        "the streams get far enough"
    );
}
