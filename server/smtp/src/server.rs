//! Listening: accepting connections within limits, and stopping without losing what is in `DATA`.

use crate::config::SmtpConfig;
use crate::connection::{Security, Service};
use crate::dialogue::Agent;
use crate::slots::Slots;
use sendmux_domain::Domain;
use sendmux_domain::ids::IdKind;
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

/// After an accept that failed for want of something (files, memory), it is tried again this much later.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// How long a client that is turned away may take to hear it.
const TURN_AWAY: Duration = Duration::from_secs(2);

/// The SMTP submission server.
#[derive(Debug)]
pub struct Server;

/// A running server. Dropping it stops nothing; [`Handle::shutdown`] does.
#[derive(Debug)]
pub struct Handle {
    stopping: CancellationToken,
    cut: CancellationToken,
    tasks: TaskTracker,
    shutdown_grace: Duration,
}

impl Server {
    /// Serves submission on the given listeners. `tls` decides which certificate is shown, anew for each connection.
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
                listener,
                security,
                service: service.clone(),
                slots: slots.clone(),
                tasks: handle.tasks.clone(),
            };
            handle.tasks.spawn(task.run());
        }
        handle.tasks.close();
        handle
    }
}

impl Handle {
    /// Stops: takes no more connections, says 421 to those that are idle, and lets messages that are in `DATA` finish
    /// for as long as the configuration allows. Returns when all connections are closed.
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
struct ListenerTask {
    listener: TcpListener,
    security: Security,
    service: Service,
    slots: Slots,
    tasks: TaskTracker,
}

impl ListenerTask {
    async fn run(self) {
        loop {
            let accepted = tokio::select! {
                () = self.service.stopping.cancelled() => return,
                accepted = self.listener.accept() => accepted,
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
        // An id like that of an HTTP request: the messages that it brings carry it too.
        let id = IdKind::Request.generate();
        let span = tracing::info_span!("smtp", id, remote = %peer);
        let Some(slot) = self.slots.take(peer.ip()) else {
            tracing::debug!(parent: &span, "too many connections");
            self.service.agent.domain.metrics.smtp.turned_away();
            if self.security == Security::StartTls {
                self.tasks.spawn(turn_away(stream));
            }
            return;
        };
        let (service, security) = (self.service.clone(), self.security);
        let serve = async move {
            let _slot = slot;
            // Replies are written at once and whole: there is nothing to wait for. Where it cannot be set, it is slower.
            drop(stream.set_nodelay(true));
            let local = match stream.local_addr() {
                Ok(local) => local,
                Err(_) => return,
            };
            service.serve(stream, id, peer, local, security).await;
        };
        self.tasks.spawn(serve.instrument(span));
    }
}

/// Says why there is no service. Under implicit TLS nobody would understand it.
async fn turn_away(mut stream: TcpStream) {
    let farewell = async {
        stream
            .write_all(b"421 4.7.0 Too many connections; try again later\r\n")
            .await?;
        stream.shutdown().await?;
        io::Result::Ok(())
    };
    // The client is gone either way.
    drop(timeout(TURN_AWAY, farewell).await);
}
