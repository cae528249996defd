//! A server that plays one script for each connection and keeps what it heard.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{Certificate, CertificateParams, KeyPair};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// Ends a test that hangs; nothing is measured by it.
const TIMEOUT: Duration = Duration::from_secs(30);

#[derive(Clone)]
enum Step {
    /// Writes text.
    Say(String),
    /// Reads a line that begins with this.
    Hear(String),
    /// Reads content up to and with the final dot.
    HearContent,
    /// Reads so many bytes.
    HearBytes(usize),
    /// Shakes hands.
    Tls(Arc<ServerConfig>),
    /// Closes with RST.
    Reset,
    /// Reads until the client closes, and keeps what comes.
    HearEnd,
    /// Does nothing until it is told to go on.
    Wait(Arc<Notify>),
}

/// Actions of a server on one connection. When the script is over the connection is closed.
#[derive(Clone, Default)]
pub struct Script(Vec<Step>);

impl Script {
    /// Greets and answers EHLO with these extensions.
    pub fn greeting(extensions: &[&str]) -> Self {
        Self::default().say("220 mail.example ESMTP\r\n").ehlo(extensions)
    }

    /// Answers EHLO with these extensions.
    pub fn ehlo(self, extensions: &[&str]) -> Self {
        let mut lines: Vec<_> = std::iter::once("mail.example")
            .chain(extensions.iter().copied())
            .collect();
        let last = lines.pop().unwrap();
        let mut reply: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
        reply.push_str(&format!("250 {last}\r\n"));
        self.hear("EHLO client.example").say(&reply)
    }

    pub fn say(self, text: &str) -> Self {
        self.then(Step::Say(text.to_owned()))
    }

    pub fn hear(self, line: &str) -> Self {
        self.then(Step::Hear(line.to_owned()))
    }

    /// Hears a line and answers it.
    pub fn on(self, line: &str, answer: &str) -> Self {
        self.hear(line).say(&format!("{answer}\r\n"))
    }

    /// Plays the end of a transaction: 354, the content, and this answer to the final dot.
    pub fn content(self, answer: &str) -> Self {
        self.say("354 Go ahead\r\n")
            .then(Step::HearContent)
            .say(&format!("{answer}\r\n"))
    }

    /// Takes a message for these recipients, one command at a time.
    pub fn message(self, recipients: &[&str]) -> Self {
        let begun = self.on("MAIL FROM:<me@sender.example>", "250 2.1.0 Ok");
        recipients
            .iter()
            .fold(begun, |script, address| {
                script.on(&format!("RCPT TO:<{address}>"), "250 2.1.5 Ok")
            })
            .hear("DATA")
            .content("250 2.0.0 Ok: queued as 4Xk2QJ1c6H")
    }

    pub fn hear_content(self) -> Self {
        self.then(Step::HearContent)
    }

    pub fn hear_bytes(self, count: usize) -> Self {
        self.then(Step::HearBytes(count))
    }

    pub fn tls(self, config: &Arc<ServerConfig>) -> Self {
        self.then(Step::Tls(Arc::clone(config)))
    }

    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    /// Says nothing more and waits for the client to go.
    pub fn hear_end(self) -> Self {
        self.then(Step::HearEnd)
    }

    /// Does nothing, not even read, until it is notified.
    pub fn wait(self, nudge: &Arc<Notify>) -> Self {
        self.then(Step::Wait(Arc::clone(nudge)))
    }

    fn then(mut self, step: Step) -> Self {
        self.0.push(step);
        self
    }
}

/// Input of a server on one connection.
#[derive(Debug, Default)]
pub struct Heard {
    /// Commands, without CRLF.
    pub lines: Vec<String>,
    /// Contents as they were on the wire, the final dot included.
    pub contents: Vec<Vec<u8>>,
    /// Bytes that came before the client closed.
    pub end: Vec<u8>,
}

/// A scripted server.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<Vec<Heard>>,
}

impl Server {
    /// Plays one script for each connection, in the order in which they come. Further connections are refused.
    pub async fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        let scripts: Vec<_> = scripts.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut playing = JoinSet::new();
            let count = scripts.len();
            for (number, script) in scripts.into_iter().enumerate() {
                let (stream, _) = within(listener.accept()).await.unwrap();
                playing.spawn(async move { (number, play(stream, script.0).await) });
            }
            drop(listener);
            let mut heard: Vec<_> = (0..count).map(|_| Heard::default()).collect();
            while let Some(done) = playing.join_next().await {
                let (number, what) = done.unwrap();
                heard[number] = what;
            }
            heard
        });
        Self { address, task }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Waits until all scripts are played, and fails if one could not be.
    pub async fn heard(self) -> Vec<Heard> {
        within(self.task).await.unwrap()
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future)
        .await
        .expect("the other side keeps silent")
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

async fn play(stream: TcpStream, script: Vec<Step>) -> Heard {
    let mut heard = Heard::default();
    let mut stream: Option<Box<dyn Stream>> = Some(Box::new(stream));
    for step in script {
        let io = stream.as_mut().expect("a step after the end");
        match step {
            Step::Say(text) => within(io.write_all(text.as_bytes())).await.unwrap(),
            Step::Hear(start) => {
                let line = String::from_utf8(read_until(io, b"\r\n").await).unwrap();
                let line = line.trim_end_matches("\r\n").to_owned();
                assert!(line.starts_with(&start), "{start:?} was expected, {line:?} came");
                heard.lines.push(line);
            }
            Step::HearContent => {
                let content = read_content(io).await;
                heard.contents.push(content);
            }
            Step::HearBytes(count) => {
                let mut bytes = vec![0; count];
                within(io.read_exact(&mut bytes)).await.unwrap();
                heard.contents.push(bytes);
            }
            Step::Tls(config) => {
                let plain = stream.take().unwrap();
                // A client that does not like the certificate ends the script here.
                match within(TlsAcceptor::from(config).accept(plain)).await {
                    Ok(encrypted) => stream = Some(Box::new(encrypted)),
                    Err(_) => return heard,
                }
            }
            Step::Reset => {
                // Closing while input is unread makes the kernel send RST.
                let mut one = [0];
                within(io.read_exact(&mut one)).await.unwrap();
                stream = None;
            }
            Step::Wait(nudge) => within(nudge.notified()).await,
            Step::HearEnd => {
                let _ = within(io.read_to_end(&mut heard.end)).await;
            }
        }
    }
    heard
}

/// One byte at a time, so that nothing is taken that belongs to the next step.
async fn read_until(io: &mut Box<dyn Stream>, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let byte = within(io.read_u8()).await;
        bytes.push(byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&bytes))));
    }
    bytes
}

async fn read_content(io: &mut Box<dyn Stream>) -> Vec<u8> {
    let mut content = Vec::new();
    let mut space = vec![0; 64 * 1024];
    while !(content.ends_with(b"\r\n.\r\n") || content == b".\r\n") {
        let count = within(io.read(&mut space)).await.unwrap();
        assert!(count > 0, "the client hung up in the content");
        content.extend_from_slice(&space[..count]);
    }
    content
}

/// A self-signed certificate for these names, as server configuration and as PEM to be trusted.
pub fn certificate(names: &[&str]) -> (Arc<ServerConfig>, String) {
    let names: Vec<_> = names.iter().map(ToString::to_string).collect();
    self_signed(&CertificateParams::new(names).unwrap())
}

/// A certificate that vouches for itself, made of these parameters.
pub fn self_signed(params: &CertificateParams) -> (Arc<ServerConfig>, String) {
    let key = KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    (serving(&made, &key), made.pem())
}

/// A server that shows this certificate.
pub fn serving(certificate: &Certificate, key: &KeyPair) -> Arc<ServerConfig> {
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    Arc::new(config)
}
