//! Listening: accepting connections within limits, and stopping without losing messages in `DATA`.

use crate::config::SmtpConfig;
use crate::connection::{Security, Service};
use crate::dialogue::Agent;
use crate::proxy_header::{self, NoHeader};
use sendmux_domain::Domain;
use sendmux_domain::connections::{Slot, Slots};
use sendmux_domain::ids::IdKind;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Delay after an accept that failed for lack of files or memory.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// Time for a rejected client to read the reason.
const TURN_AWAY: Duration = Duration::from_secs(2);

/// The SMTP submission server.
#[derive(Debug)]
pub struct Server;

/// A running server. Dropping it does not stop the server; [`Handle::shutdown`] does.
#[derive(Debug)]
pub struct Handle {
    stopping: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
    shutdown_grace: Duration,
}

impl Server {
    /// Serves submission on the given listeners. `tls` chooses the certificate, anew for each connection.
    pub fn start(
        domain: Domain,
        listeners: Vec<(TcpListener, Security)>,
        config: SmtpConfig,
        tls: Arc<rustls::ServerConfig>,
    ) -> Handle {
        let handle = Handle {
            stopping: CancellationToken::new(),
            cut: CancellationToken::new(),
            tasks: TaskTracker::new(),
            shutdown_grace: config.timeouts.shutdown,
        };
        let slots = Slots::new(config.max_connections, config.max_connections_per_address);
        let agent = Arc::new(Agent::new(domain, config));
        let service = Service {
            stopping: handle.stopping.clone(),
            cut: handle.cut.clone(),
            ..Service::new(agent, TlsAcceptor::from(tls))
        };
        for (listener, security) in listeners {
            let task = ListenerTask {
                security,
                service: service.clone(),
                slots: slots.clone(),
                tasks: handle.tasks.clone(),
            };
            handle.tasks.spawn(task.run(listener));
        }
        handle.tasks.close();
        handle
    }
}

impl Handle {
    /// Stops: accepts no more connections, sends 421 to idle ones, and lets messages in `DATA` finish within the
    /// configured time. Returns when all connections are closed.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        if timeout(self.shutdown_grace, self.tasks.wait()).await.is_err() {
            tracing::warn!("cutting off connections that do not end; their clients will try again");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Accept loop of one listener.
#[derive(Clone)]
struct ListenerTask {
    security: Security,
    service: Service,
    slots: Slots,
    tasks: TaskTracker,
}

impl ListenerTask {
    async fn run(self, listener: TcpListener) {
        loop {
            let accepted = tokio::select! {
                () = self.service.stopping.cancelled() => return,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => self.admit(stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(slot) = self.slots.take() else {
            return self.refuse(stream, peer);
        };
        if self.service.agent.config.proxies.contains(peer.ip()) {
            self.tasks.spawn(self.clone().ask(stream, peer, slot));
        } else {
            self.welcome(stream, peer, slot);
        }
    }

    /// Reads the PROXY header. A connection without one is closed: to treat it as the proxy's own would let clients
    /// hide behind a misconfigured proxy.
    async fn ask(self, mut stream: TcpStream, peer: SocketAddr, slot: Slot) {
        let header = timeout(
            self.service.agent.config.timeouts.proxy_header,
            proxy_header::read(&mut stream),
        );
        let header = tokio::select! {
            () = self.service.stopping.cancelled() => return,
            header = header => header,
        };
        match header {
            Ok(Ok(client)) => self.welcome(stream, client.unwrap_or(peer), slot),
            Ok(Err(NoHeader::Gone)) => tracing::debug!(%peer, "a proxy came and went"),
            Ok(Err(wrong)) => no_header(peer, &wrong),
            Err(_) => no_header(peer, &"nothing in time"),
        }
    }

    fn welcome(&self, stream: TcpStream, client: SocketAddr, slot: Slot) {
        let Some(slot) = slot.of(client.ip()) else {
            return self.refuse(stream, client);
        };
        // An id like that of an HTTP request; the messages of the session carry it too.
        let id = IdKind::Request.generate();
        let span = tracing::info_span!("smtp", id, remote = %client);
        let (service, security) = (self.service.clone(), self.security);
        let serve = async move {
            let _slot = slot;
            // Replies are written whole, so there is nothing to wait for. Without this option they are only slower.
            drop(stream.set_nodelay(true));
            let local = match stream.local_addr() {
                Ok(local) => local,
                Err(_) => return,
            };
            service.serve(stream, id, client, local, security).await;
        };
        self.tasks.spawn(serve.instrument(span));
    }

    fn refuse(&self, stream: TcpStream, client: SocketAddr) {
        tracing::debug!(remote = %client, "too many connections");
        self.service.agent.domain.metrics.smtp.turned_away();
        if self.security == Security::StartTls {
            self.tasks.spawn(turn_away(stream));
        }
    }
}

fn no_header(peer: SocketAddr, what: &dyn fmt::Display) {
    tracing::warn!(
        %peer,
        "closed a connection from an address in trusted_proxies that did not begin with a header of the PROXY protocol, but \
         with: {what} (smtp_proxy_protocol, SENDMUX_SMTP_PROXY_PROTOCOL)"
    );
}

/// Sends the reason why there is no service. Not under implicit TLS, where the client could not read it.
async fn turn_away(mut stream: TcpStream) {
    let farewell = async {
        stream
            .write_all(b"421 4.7.0 Too many connections; try again later\r\n")
            .await?;
        stream.shutdown().await?;
        io::Result::Ok(())
    };
    // The client is disconnected either way.
    drop(timeout(TURN_AWAY, farewell).await);
}
