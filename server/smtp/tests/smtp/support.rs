//! A server on ports of its own, and a scripted client.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use sea_orm::{EntityTrait, QueryOrder};
use sendmux_domain::Settings;
use sendmux_domain::accounts::Session;
use sendmux_domain::entities::{messages, recipients};
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_domain::messages::content;
use sendmux_domain::metrics;
use sendmux_domain::testing::{TestDomain, sqlite};
use sendmux_rules::Mode;
use sendmux_smtp::{Handle, Security, SmtpConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Ends a test that hangs; nothing is measured by it.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A server that runs until it is stopped or the test ends.
pub(crate) struct Server {
    pub(crate) domain: TestDomain,
    pub(crate) owner: Session,
    /// A live key with the permission to send.
    pub(crate) key: String,
    pub(crate) starttls: SocketAddr,
    pub(crate) implicit: SocketAddr,
    /// The server's certificate, in PEM.
    pub(crate) pem: String,
    handle: Option<Handle>,
    connector: TlsConnector,
}

/// A message as stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) row: messages::Model,
    pub(crate) content: Vec<u8>,
    /// Field and address, in order.
    pub(crate) recipients: Vec<(String, String)>,
}

pub(crate) async fn server() -> Server {
    server_with(|_, _| ()).await
}

pub(crate) async fn server_with(change: impl FnOnce(&mut Settings, &mut SmtpConfig)) -> Server {
    let (mut settings, mut config) = (Settings::default(), SmtpConfig::default());
    settings.public_url = "https://mail.example.com".to_owned();
    change(&mut settings, &mut config);
    let domain = sqlite(settings).await;
    let owner = domain.owner("Acme").await;
    let key = new_key(&domain, &owner, Mode::Live, Permission::Send).await;

    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let private = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();

    let bind = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (starttls, implicit) = (bind().await, bind().await);
    let addresses = (starttls.local_addr().unwrap(), implicit.local_addr().unwrap());
    let listeners = vec![(starttls, Security::StartTls), (implicit, Security::Implicit)];
    Server {
        handle: Some(sendmux_smtp::Server::start(
            domain.domain.clone(),
            listeners,
            config,
            Arc::new(tls),
        )),
        domain,
        owner,
        key,
        starttls: addresses.0,
        implicit: addresses.1,
        pem: made.cert.pem(),
        connector: TlsConnector::from(Arc::new(client)),
    }
}

pub(crate) async fn new_key(domain: &TestDomain, owner: &Session, mode: Mode, permission: Permission) -> String {
    let key = NewKey {
        name: "Key".to_owned(),
        mode,
        permissions: vec![permission],
        scope: Scope::All,
    };
    keys::create(domain, &owner.actor(None), key).await.unwrap().secret
}

impl Server {
    /// The server, and its handle for stopping it.
    pub(crate) fn split(mut self) -> (Self, Handle) {
        let handle = self.handle.take().unwrap();
        (self, handle)
    }

    /// A client in plain text that has read the greeting.
    pub(crate) async fn plain(&self) -> Client {
        let stream = TcpStream::connect(self.starttls).await.unwrap();
        let mut client = Client::new(stream, self.connector.clone());
        client.expect("220 mail.example.com ESMTP").await;
        client
    }

    /// A connection to the port of STARTTLS, or of implicit TLS, that begins with these octets. No greeting was read,
    /// and no handshake made.
    pub(crate) async fn connected(&self, address: SocketAddr, octets: &[u8]) -> Client {
        let stream = TcpStream::connect(address).await.unwrap();
        let mut client = Client::new(stream, self.connector.clone());
        client.send(octets).await;
        client
    }

    /// A client under implicit TLS that has read the greeting.
    pub(crate) async fn secure(&self) -> Client {
        let stream = TcpStream::connect(self.implicit).await.unwrap();
        let mut client = Client::new(stream, self.connector.clone());
        client.start_tls().await;
        client.expect("220 mail.example.com ESMTP").await;
        client
    }

    /// A client that has logged in.
    pub(crate) async fn logged_in(&self) -> Client {
        let mut client = self.secure().await;
        client.say("EHLO client.example", "250").await;
        client.say(&format!("AUTH PLAIN {}", plain(&self.key)), "235").await;
        client
    }

    /// A client that has received the 354 to `DATA`.
    pub(crate) async fn in_data(&self) -> Client {
        let mut client = self.logged_in().await;
        client.say("MAIL FROM:<me@example.com>", "250 2.1.0").await;
        client.say("RCPT TO:<ana@example.org>", "250 2.1.5").await;
        client.say("DATA", "354").await;
        client
    }

    /// Waits until every session is over.
    pub(crate) async fn idle(&self) {
        let over = |metrics: &str| metrics.lines().any(|line| line == "sendmux_smtp_sessions_open 0");
        while !over(&metrics::render(&self.domain).await.unwrap()) {
            tokio::task::yield_now().await;
        }
    }

    /// All messages that were stored, the oldest first.
    pub(crate) async fn stored(&self) -> Vec<Stored> {
        let db = self.domain.db.read();
        let rows = messages::Entity::find()
            .order_by_asc(messages::Column::Id)
            .all(db)
            .await
            .unwrap();
        let mut stored = Vec::new();
        for row in rows {
            let content = content::load(&self.domain, &row).await.unwrap();
            let all = recipients::Entity::find()
                .order_by_asc(recipients::Column::Position)
                .all(db)
                .await
                .unwrap();
            stored.push(Stored {
                recipients: all
                    .into_iter()
                    .filter(|recipient| recipient.message_id == row.id)
                    .map(|recipient| (recipient.field.to_string(), recipient.address))
                    .collect(),
                content: content.to_vec(),
                row,
            });
        }
        stored
    }

    /// The one message that was stored.
    pub(crate) async fn only(&self) -> Stored {
        let mut stored = self.stored().await;
        assert_eq!(stored.len(), 1);
        stored.remove(0)
    }
}

impl Stored {
    /// The content as the client sent it: without the trace line, and without Date and Message-ID if they were added.
    pub(crate) fn sent(&self) -> &[u8] {
        let mut rest = &self.content[..];
        assert!(rest.starts_with(b"Received: from "));
        for name in [&b"Received:"[..], b"Date:", b"Message-ID: <eml_"] {
            if !rest.starts_with(name) {
                continue;
            }
            loop {
                let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap() + 2;
                rest = &rest[end..];
                if !rest.starts_with(b"\t") {
                    break;
                }
            }
        }
        rest
    }
}

/// The message of PLAIN, in base64.
pub(crate) fn plain(key: &str) -> String {
    STANDARD.encode(format!("\0any name\0{key}"))
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A client.
pub(crate) struct Client {
    stream: Option<Box<dyn Stream>>,
    heard: Vec<u8>,
    connector: TlsConnector,
}

impl Client {
    fn new(stream: TcpStream, connector: TlsConnector) -> Self {
        stream.set_nodelay(true).unwrap();
        Self {
            stream: Some(Box::new(stream)),
            heard: Vec::new(),
            connector,
        }
    }

    fn stream(&mut self) -> &mut dyn Stream {
        self.stream.as_mut().unwrap()
    }

    /// Makes the handshake.
    pub(crate) async fn start_tls(&mut self) {
        assert!(self.heard.is_empty(), "the server said more than it should before TLS");
        let stream = self.stream.take().unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let secured = timeout(TIMEOUT, self.connector.connect(name, stream)).await;
        self.stream = Some(Box::new(secured.unwrap().unwrap()));
    }

    /// Writes these octets. A server that has disconnected is not an error here: the reply shows it.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let write = async {
            let stream = self.stream.as_mut().unwrap();
            stream.write_all(bytes.as_ref()).await?;
            stream.flush().await
        };
        drop(timeout(TIMEOUT, write).await.expect("the server reads"));
    }

    /// Reads one reply, of one or more lines; none when the connection is closed.
    pub(crate) async fn reply(&mut self) -> Option<String> {
        let (mut reply, mut from) = (String::new(), 0);
        loop {
            while let Some(len) = self.heard[from..].windows(2).position(|pair| pair == b"\r\n") {
                let line = String::from_utf8(self.heard[from..from + len].to_vec()).unwrap();
                from += len + 2;
                let last = line.as_bytes().get(3) != Some(&b'-');
                reply.push_str(&line);
                reply.push('\n');
                if last {
                    self.heard.drain(..from);
                    return Some(reply.trim_end().to_owned());
                }
            }
            let mut buffer = [0; 4096];
            let read = timeout(TIMEOUT, self.stream().read(&mut buffer)).await;
            match read.expect("the server answers") {
                Ok(0) | Err(_) => {
                    assert!(self.heard.is_empty(), "half a reply: {:?}", self.heard);
                    return None;
                }
                Ok(read) => self.heard.extend_from_slice(&buffer[..read]),
            }
        }
    }

    /// Reads a reply that begins like this.
    pub(crate) async fn expect(&mut self, start: &str) -> String {
        let reply = self.reply().await;
        let reply = reply.unwrap_or_else(|| panic!("closed instead of {start}"));
        assert!(reply.starts_with(start), "{reply:?} instead of {start:?}");
        reply
    }

    /// Says one line and reads a reply that begins like this.
    pub(crate) async fn say(&mut self, line: &str, start: &str) -> String {
        self.send(format!("{line}\r\n")).await;
        let reply = self.reply().await;
        let reply = reply.unwrap_or_else(|| panic!("closed instead of {start} to {line:?}"));
        assert!(reply.starts_with(start), "{reply:?} instead of {start:?} to {line:?}");
        reply
    }

    /// True if the server has sent something, by now or within 5 ms.
    pub(crate) async fn has_heard(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match timeout(Duration::from_millis(5), self.stream().read(&mut buffer)).await {
            Ok(read) => {
                self.heard.extend_from_slice(&buffer[..read.unwrap()]);
                true
            }
            Err(_) => false,
        }
    }

    /// Asserts that the server has closed the connection.
    pub(crate) async fn closed(&mut self) {
        assert_eq!(self.reply().await, None);
    }
}
