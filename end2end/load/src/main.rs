//! A load generator for SMTP submission, the same for every measured server: one message a connection, with STARTTLS
//! and AUTH PLAIN, by concurrent clients. `end2end/bench-smtp.mjs` runs it.
//!
//!     smtp-load send 127.0.0.1:2587 --user x --password KEY --clients 20 --seconds 10 --size 2048
//!     smtp-load hold 127.0.0.1:2587 --user x --password KEY --clients 5000
//!
//! `send` prints its measurements as JSON. `hold` opens and logs in this many connections, reports it, and keeps them
//! until its input ends. Certificates are not checked and no TLS session is resumed, as with new clients.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use std::error::Error;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

// One thread is enough for any measured server, and leaves more of a shared machine to it.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    let number = |name: &str, otherwise: u64| -> Result<u64> {
        Ok(option(name).map(|text| text.parse()).transpose()?.unwrap_or(otherwise))
    };
    let [_, what, address, ..] = arguments.as_slice() else {
        return Err("smtp-load send|hold ADDRESS --user NAME --password KEY …".into());
    };
    let user = option("--user").unwrap_or_default();
    let password = option("--password").unwrap_or_default();
    let size = usize::try_from(number("--size", 2_048)?)?;
    let client = Arc::new(Client {
        address: address.parse()?,
        tls: connector()?,
        login: STANDARD.encode(format!("\0{user}\0{password}")),
        message: message(size),
    });
    let clients = number("--clients", 20)?;
    match what.as_str() {
        "send" => send(&client, clients, Duration::from_secs(number("--seconds", 10)?)).await,
        "hold" => hold(&client, clients).await,
        other => Err(format!("{other} is neither send nor hold").into()),
    }
}

/// Sends as fast as the server accepts.
async fn send(client: &Arc<Client>, clients: u64, duration: Duration) -> Result<()> {
    let began = Instant::now();
    let end = began + duration;
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let client = client.clone();
        running.spawn(async move {
            let (mut took, mut failed, mut why) = (Vec::new(), 0_u64, None);
            while Instant::now() < end {
                let began = Instant::now();
                match client.deliver().await {
                    Ok(()) => took.push(began.elapsed()),
                    Err(error) => {
                        failed += 1;
                        why = Some(error.to_string());
                    }
                }
            }
            (took, failed, why)
        });
    }
    let (mut took, mut failed) = (Vec::new(), 0);
    while let Some(one) = running.join_next().await {
        let (some, others, why) = one?;
        took.extend(some);
        failed += others;
        if let Some(why) = why {
            eprintln!("{why}");
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    took.sort_unstable();
    let part = |percent: usize| {
        let at = (took.len() * percent / 100).min(took.len().saturating_sub(1));
        took.get(at).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    };
    println!(
        r#"{{"sent": {}, "failed": {failed}, "rate": {:.1}, "p50": {:.1}, "p99": {:.1}}}"#,
        took.len(),
        took.len() as f64 / seconds,
        part(50),
        part(99),
    );
    Ok(())
}

/// Concurrent handshakes while many connections are opened.
const OPENING: usize = 50;

/// Logs in with this many connections and keeps them.
async fn hold(client: &Arc<Client>, connections: u64) -> Result<()> {
    let (began, mut held, mut opening) = (Instant::now(), Vec::new(), JoinSet::new());
    for _ in 0..connections {
        while opening.len() >= OPENING {
            if let Some(one) = opening.join_next().await {
                held.push(one??);
            }
        }
        let client = client.clone();
        opening.spawn(async move { client.log_in().await });
    }
    while let Some(one) = opening.join_next().await {
        held.push(one??);
    }
    println!(
        r#"{{"held": {}, "rate": {:.1}}}"#,
        held.len(),
        held.len() as f64 / began.elapsed().as_secs_f64()
    );
    // Until the caller closes the input.
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

struct Client {
    address: SocketAddr,
    tls: TlsConnector,
    login: String,
    message: Vec<u8>,
}

impl Client {
    /// Sends one message in a connection of its own.
    async fn deliver(&self) -> Result<()> {
        let mut session = self.log_in().await?;
        let envelope = b"MAIL FROM:<sender@example.com> BODY=8BITMIME\r\nRCPT TO:<recipient@example.net>\r\nDATA\r\n";
        session.write(envelope).await?;
        session.expect("250").await?;
        session.expect("250").await?;
        session.expect("354").await?;
        session.write(&self.message).await?;
        session.expect("250").await?;
        session.write(b"QUIT\r\n").await?;
        session.expect("221").await
    }

    async fn log_in(&self) -> Result<Session<TlsStream<TcpStream>>> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let mut plain = Session::new(stream);
        plain.expect("220").await?;
        plain.say("EHLO client.example").await?;
        plain.write(b"STARTTLS\r\n").await?;
        plain.expect("220").await?;
        let name = ServerName::try_from("localhost")?;
        let mut session = Session::new(self.tls.connect(name, plain.stream).await?);
        session.say("EHLO client.example").await?;
        session
            .write(format!("AUTH PLAIN {}\r\n", self.login).as_bytes())
            .await?;
        session.expect("235").await?;
        Ok(session)
    }
}

/// A dialogue.
struct Session<S> {
    stream: S,
    heard: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            heard: Vec::new(),
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<()> {
        self.stream.write_all(octets).await?;
        Ok(self.stream.flush().await?)
    }

    /// Sends a command and expects the reply 250.
    async fn say(&mut self, line: &str) -> Result<()> {
        self.write(format!("{line}\r\n").as_bytes()).await?;
        self.expect("250").await
    }

    /// Reads one reply, of one or more lines.
    async fn expect(&mut self, code: &str) -> Result<()> {
        loop {
            while let Some(end) = self.heard.iter().position(|octet| *octet == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                if line.get(3) == Some(&b'-') {
                    continue;
                }
                if line.starts_with(code.as_bytes()) {
                    return Ok(());
                }
                return Err(format!("{} instead of {code}", String::from_utf8_lossy(&line).trim_end()).into());
            }
            let mut buffer = [0; 2_048];
            match self.stream.read(&mut buffer).await? {
                0 => return Err(format!("closed instead of {code}").into()),
                read => self.heard.extend_from_slice(&buffer[..read]),
            }
        }
    }
}

/// A message of about this size, with its final dot.
fn message(size: usize) -> Vec<u8> {
    let mut message = String::from(
        "From: Sender <sender@example.com>\r\nTo: recipient@example.net\r\nSubject: A message\r\n\
         Date: Wed, 25 Nov 2026 12:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n",
    );
    while message.len() < size {
        message.push_str("Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod.\r\n");
    }
    message.push_str(".\r\n");
    message.into_bytes()
}

fn connector() -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Unchecked))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

/// Accepts every certificate: only the server is measured.
#[derive(Debug)]
struct Unchecked;

impl ServerCertVerifier for Unchecked {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::RSA_PSS_SHA256]
    }
}
