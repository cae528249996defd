//! A server that plays what a provider does: it answers, cuts the connection, or keeps silent, and remembers what came.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answer to one request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Reads it and answers.
    Answer(Answer),
    /// Answers when the head has come, without reading the body.
    AnswerEarly(Answer),
    /// Hangs up when the head has come.
    CutBeforeBody,
    /// Reads it and hangs up.
    CutAfterBody,
    /// Reads it and says nothing.
    Silence,
}

#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// A JSON answer.
pub fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer {
        status,
        headers: vec![("content-type", "application/json".to_owned())],
        body: body.into(),
    }
}

impl Answer {
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl From<Answer> for Act {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// A request as it came.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// All of the body came.
    pub complete: bool,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn form(&self) -> HashMap<String, String> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

type Decide = dyn Fn(&Seen) -> Act + Send + Sync;

/// The server. Listens until it is dropped.
pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    listening: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Server {
    /// Plays these acts, one a request, and the last again and again.
    pub async fn plays(acts: impl IntoIterator<Item = impl Into<Act>>) -> Self {
        let acts: Vec<Act> = acts.into_iter().map(Into::into).collect();
        let next = Mutex::new(0);
        Self::decides(move |_| {
            let mut next = next.lock();
            let act = acts[(*next).min(acts.len() - 1)].clone();
            *next += 1;
            act
        })
        .await
    }

    /// Does what a function says for each request, of which it sees the head.
    pub async fn decides(decide: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let decide: Arc<Decide> = Arc::new(decide);
        let listening = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                loop {
                    let Ok((stream, _)) = listener.accept().await else {
                        return;
                    };
                    tokio::spawn(serve(stream, Arc::clone(&decide), Arc::clone(&seen)));
                }
            }
        });
        Self { url, seen, listening }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().clone()
    }

    /// The only request that came.
    pub fn only(&self) -> Seen {
        let seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.into_iter().next().unwrap()
    }
}

async fn serve(mut stream: TcpStream, decide: Arc<Decide>, all: Arc<Mutex<Vec<Seen>>>) {
    let mut buffer = Vec::new();
    loop {
        let Some((mut seen, length)) = head(&mut stream, &mut buffer).await else {
            return;
        };
        let act = decide(&seen);
        match &act {
            Act::CutBeforeBody => {
                all.lock().push(seen);
                return;
            }
            Act::AnswerEarly(answer) => {
                all.lock().push(seen);
                write(&mut stream, answer).await;
                // What is on its way must not turn the answer into a reset.
                let mut rest = [0; 64 * 1024];
                while matches!(stream.read(&mut rest).await, Ok(1..)) {}
                return;
            }
            _ => {}
        }
        while buffer.len() < length {
            if !matches!(stream.read_buf(&mut buffer).await, Ok(1..)) {
                break;
            }
        }
        seen.complete = buffer.len() >= length;
        seen.body = buffer.drain(..length.min(buffer.len())).collect();
        let complete = seen.complete;
        all.lock().push(seen);
        match act {
            Act::Answer(answer) if complete => write(&mut stream, &answer).await,
            Act::Silence if complete => std::future::pending().await,
            _ => return,
        }
    }
}

async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(Seen, usize)> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if !matches!(stream.read_buf(buffer).await, Ok(1..)) {
            return None;
        }
    };
    let text = String::from_utf8(buffer.drain(..end + 4).collect()).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next()?.split(' ');
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let seen = Seen {
        method: first.next()?.to_owned(),
        path: first.next()?.to_owned(),
        headers,
        ..Seen::default()
    };
    Some((seen, length))
}

async fn write(stream: &mut TcpStream, answer: &Answer) {
    let mut text = format!(
        "HTTP/1.1 {} X\r\ncontent-length: {}\r\n",
        answer.status,
        answer.body.len()
    );
    for (name, value) in &answer.headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(&answer.body);
    let _ = stream.write_all(text.as_bytes()).await;
}
