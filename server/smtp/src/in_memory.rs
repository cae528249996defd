//! Sessions without a network, for tests and for the fuzzer: the replies to a stream of octets that is cut into pieces.

use crate::config::SmtpConfig;
use crate::connection::{Security, Service};
use crate::dialogue::Agent;
use crate::tls::{Agreed, Handshake, Upgrade};
use futures::io::{AsyncRead, AsyncWrite};
use parking_lot::Mutex;
use rustls::server::ResolvesServerCertUsingSni;
use samotop_core::io::ConnectionInfo;
use samotop_core::io::tls::TlsCapable;
use sendmux_domain::Domain;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_rustls::TlsAcceptor;

/// A connection whose client sends these pieces, one in each read, and then disconnects.
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

/// A server of sessions in memory.
pub struct InMemory {
    service: Service,
    clients: u32,
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory")
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}

impl InMemory {
    /// A server on this domain. It has no certificate, so every TLS handshake fails: sessions either begin inside TLS
    /// or never get there.
    pub fn new(domain: Domain, config: SmtpConfig) -> Self {
        let tls = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ResolvesServerCertUsingSni::new()));
        let agent = Arc::new(Agent::new(domain, config));
        Self {
            service: Service::new(agent, TlsAcceptor::from(Arc::new(tls))),
            clients: 0,
        }
    }

    /// All replies to a client that sends these pieces and then disconnects; `secured` begins inside TLS. Ids are
    /// removed, since they are random, and so is the text of a failed handshake.
    pub async fn replies(&mut self, secured: bool, pieces: Vec<Vec<u8>>) -> String {
        // Each from an address of its own, so that none is throttled because of another.
        self.clients += 1;
        let peer = IpAddr::V4(Ipv4Addr::from_bits(self.clients));
        let handshake = Handshake::default();
        let replies = Arc::new(Mutex::new(Vec::new()));
        let io = Box::new(Pieces {
            pieces: pieces.into(),
            replies: replies.clone(),
        });
        let (io, security) = if secured {
            // This is the first handshake, so nothing was set before.
            drop(handshake.set(Agreed {
                version: "TLSv1.3".to_owned(),
                cipher: "TLS_AES_256_GCM_SHA384".to_owned(),
            }));
            (TlsCapable::encrypted(io), Security::Implicit)
        } else {
            let upgrade = Upgrade {
                acceptor: self.service.acceptor.clone(),
                handshake: handshake.clone(),
            };
            (
                TlsCapable::enabled(io, Box::new(upgrade), String::new()),
                Security::StartTls,
            )
        };
        let info = ConnectionInfo::default();
        let mut context = self.service.greet(info, String::new(), peer, handshake, security);
        self.service.driver(Box::new(io)).drive(&mut context).await;
        let replies = replies.lock();
        let text = String::from_utf8_lossy(&replies);
        plain_text(&text)
    }
}

fn plain_text(replies: &str) -> String {
    let mut lines = Vec::new();
    for line in replies.lines() {
        match line.split_once("eml_") {
            Some((before, _)) => lines.push(before),
            None => lines.push(line),
        }
        if line.starts_with("220 2.0.0") {
            break;
        }
    }
    lines.join("\n")
}

/// Cuts octets into pieces of these lengths, repeated as often as needed.
pub fn cut(octets: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let (mut rest, mut pieces) = (octets, Vec::new());
    for len in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, others) = rest.split_at((*len).clamp(1, rest.len()));
        pieces.push(piece.to_vec());
        rest = others;
    }
    pieces
}
