//! Reading a body: not larger than allowed, not slower than sensible, and not more at once than there is memory for.

use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::issue::IssueCode;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures::stream;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

/// Bytes of a request's body, and so of everything in it.
pub const MAX_BODY: usize = 26_214_400;

/// True if a body comes with GET or HEAD, where none has a meaning (RFC 9110 section 9.3.1): a proxy on the way may take it for
/// the next request.
pub fn is_misplaced<B>(request: &axum::http::Request<B>) -> bool {
    let headers = request.headers();
    let has_body =
        headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0");
    has_body && matches!(*request.method(), Method::GET | Method::HEAD)
}

/// Layer: refuses a misplaced body, and closes the connection.
pub(crate) async fn refuse_misplaced(request: Request, next: Next) -> Response {
    if !is_misplaced(&request) {
        return next.run(request).await;
    }
    let text = format!("a {} request has no body: leave it out", request.method());
    let refused = ApiError::new(Code::InvalidParameter, text);
    ([(CONNECTION, "close")], refused).into_response()
}

/// Bodies up to this size are not counted: their connection costs about as much.
const UNCOUNTED: usize = 64 * 1024;
/// Bytes of all larger bodies in memory at once, and of those of one team, so that a team whose clients are slow, or many,
/// leaves memory to the others.
const BODY_MEMORY: usize = 256 * 1024 * 1024;
const TEAM_BODY_MEMORY: usize = BODY_MEMORY / 2;
/// The time that a request waits for its permit.
const PERMIT_WAIT: Duration = Duration::from_secs(10);
/// `Retry-After` of the answer when it got none.
const PERMIT_RETRY: Duration = Duration::from_secs(5);
/// A body must have come at this rate by all but this long: a stalled one ends after the grace, 25 MB may take four
/// minutes.
const BYTES_PER_SECOND: usize = 128 * 1024;
const GRACE: Duration = Duration::from_secs(30);

/// Reads bodies, within bounds that are shared by all requests.
pub(crate) struct Bodies {
    memory: Arc<Semaphore>,
    team_memories: Mutex<HashMap<i64, Weak<Semaphore>>>,
    large: Arc<Semaphore>,
}

/// Permit to hold a body of some size in memory; returned when dropped.
#[derive(Debug)]
pub(crate) struct BodyPermit {
    #[expect(dead_code, reason = "held for its drop")]
    of_all: OwnedSemaphorePermit,
    #[expect(dead_code, reason = "held for its drop")]
    of_team: Option<OwnedSemaphorePermit>,
}

/// A body that was read, and the permit for the memory that it holds.
#[derive(Debug)]
pub(crate) struct Payload {
    pub(crate) bytes: Bytes,
    #[expect(dead_code, reason = "held for its drop")]
    permit: Option<BodyPermit>,
}

impl Default for Bodies {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            memory: Arc::new(Semaphore::new(BODY_MEMORY)),
            team_memories: Mutex::default(),
            large: Arc::new(Semaphore::new(processors)),
        }
    }
}

impl Bodies {
    /// The whole body of a JSON request.
    pub(crate) async fn read(&self, request: Request) -> Result<Payload, ApiError> {
        let (head, body) = request.into_parts();
        check_media_type(&head.headers)?;
        let team_id = head.extensions.get::<Caller>().map(|caller| caller.key.team_id);
        let announced = announced(&head.headers);
        if let Some(length) = announced
            && length > MAX_BODY as u64
        {
            return Err(too_large());
        }
        self.collect(body, announced.map(|length| length as usize), team_id)
            .await
    }

    /// Reads at most [`MAX_BODY`] bytes. The permit is taken before the first byte, or, when the length is not known,
    /// for the whole limit once the body turns out not to be small: requests that hold part of what they need while they
    /// wait for more would end up waiting for each other.
    async fn collect(
        &self,
        mut body: Body,
        announced: Option<usize>,
        team_id: Option<i64>,
    ) -> Result<Payload, ApiError> {
        let expected = announced.unwrap_or(0);
        let mut permit = self.reserve(expected, team_id).await?;
        let started = Instant::now();
        let mut first: Option<Bytes> = None;
        let mut buffer = BytesMut::new();
        loop {
            let received = first.as_ref().map_or(0, Bytes::len) + buffer.len();
            let due = GRACE + Duration::from_secs_f64(received as f64 / BYTES_PER_SECOND as f64);
            let frame = timeout_at(started + due, body.frame()).await.map_err(|_| stalled())?;
            let Some(frame) = frame else { break };
            let Ok(data) = frame.map_err(|_| cut_short())?.into_data() else {
                continue;
            };
            if received + data.len() > MAX_BODY {
                return Err(too_large());
            }
            if announced.is_none() && permit.is_none() && received + data.len() > UNCOUNTED {
                permit = self.reserve(MAX_BODY, team_id).await?;
            }
            // Most bodies come in one piece, which needs no copy.
            if received == 0 {
                first = Some(data);
                continue;
            }
            if let Some(first) = first.take() {
                buffer.reserve(expected.max(first.len() + data.len()));
                buffer.extend_from_slice(&first);
            }
            buffer.extend_from_slice(&data);
        }
        Ok(Payload {
            bytes: first.unwrap_or_else(|| buffer.freeze()),
            permit,
        })
    }

    /// Permit for a body of this size, unless it is small, on behalf of a team.
    ///
    /// # Errors
    /// 503 when there was none for [`PERMIT_WAIT`].
    pub(crate) async fn reserve(&self, bytes: usize, team_id: Option<i64>) -> Result<Option<BodyPermit>, ApiError> {
        if bytes <= UNCOUNTED {
            return Ok(None);
        }
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let both = async {
            // First the team's: what waits for its own team holds nothing of what others could have.
            let of_team = match team_id {
                Some(team_id) => Some(self.team_memory(team_id).acquire_many_owned(permits).await.ok()?),
                None => None,
            };
            let of_all = self.memory.clone().acquire_many_owned(permits).await.ok()?;
            Some(BodyPermit { of_all, of_team })
        };
        match timeout(PERMIT_WAIT, both).await {
            Ok(Some(permit)) => Ok(Some(permit)),
            // Nobody closes the semaphores: only the time can be up.
            _ => Err(ApiError::new(
                Code::ServiceUnavailable,
                "too many large requests at once; try again in a moment",
            )
            .retry_after(PERMIT_RETRY)),
        }
    }

    /// Memory of a team, for as long as somebody holds or wants some of it.
    fn team_memory(&self, team_id: i64) -> Arc<Semaphore> {
        let mut memories = self.team_memories.lock();
        if let Some(memory) = memories.get(&team_id).and_then(Weak::upgrade) {
            return memory;
        }
        memories.retain(|_, memory| memory.strong_count() > 0);
        let memory = Arc::new(Semaphore::new(TEAM_BODY_MEMORY));
        memories.insert(team_id, Arc::downgrade(&memory));
        memory
    }

    /// Runs work on a body: at once when it is small, else where it does not hold up other connections, as many at a
    /// time as there are processors, since each may cost a few times its size.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        body: Bytes,
        work: impl FnOnce(Bytes) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        const LARGE: usize = 256 * 1024;
        if body.len() <= LARGE {
            return Ok(work(body));
        }
        let permit = self.large.clone().acquire_owned().await.map_err(ApiError::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(body)
        });
        done.await.map_err(ApiError::internal)
    }
}

/// The body of an answer, which holds its permit until the client has taken the last of it.
pub(crate) fn held(bytes: Bytes, permit: Option<BodyPermit>) -> Body {
    const PIECE: usize = 64 * 1024;
    Body::from_stream(stream::unfold((bytes, permit), async |(mut rest, permit)| {
        if rest.is_empty() {
            return None;
        }
        let piece = rest.split_to(rest.len().min(PIECE));
        Some((Ok::<_, Infallible>(piece), (rest, permit)))
    }))
}

/// JSON in UTF-8 (RFC 8259 section 8.1), not compressed.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let refuse = |field, message: &str| {
        Err(ApiError::about(
            Code::UnsupportedMediaType,
            field,
            IssueCode::UnsupportedMediaType,
            message,
        ))
    };
    let value = headers
        .get(CONTENT_TYPE)
        .map(|value| value.to_str().unwrap_or_default().to_ascii_lowercase());
    let mut parts = value.as_deref().unwrap_or_default().split(';').map(str::trim);
    if parts.next() != Some("application/json") {
        return refuse("Content-Type", "must be application/json");
    }
    let charset = parts.find_map(|parameter| parameter.strip_prefix("charset="));
    if charset.is_some_and(|charset| !matches!(charset.trim_matches('"'), "utf-8" | "utf8")) {
        return refuse("Content-Type", "the charset must be utf-8");
    }
    match headers.get(CONTENT_ENCODING) {
        Some(coding) if !coding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            refuse("Content-Encoding", "compressed bodies are not accepted")
        }
        _ => Ok(()),
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large() -> ApiError {
    let message = format!("the request is larger than {MAX_BODY} bytes (25 MB), attachments in base64 included");
    ApiError::about(Code::PayloadTooLarge, "body", IssueCode::PayloadTooLarge, message)
}

fn stalled() -> ApiError {
    let message = "the body came too slowly: it must come at 128 KB a second, with 30 seconds to spare";
    ApiError::about(Code::InvalidParameter, "body", IssueCode::MalformedBody, message).close()
}

fn cut_short() -> ApiError {
    let message = "the body ended before it was complete";
    ApiError::about(Code::InvalidParameter, "body", IssueCode::MalformedBody, message).close()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;

    fn request(headers: &[(&str, &str)], body: Body) -> Request {
        let mut request = Request::builder().header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).unwrap()
    }

    fn pieces(pieces: Vec<Vec<u8>>) -> Body {
        Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, Infallible>)))
    }

    async fn refused(bodies: &Bodies, request: Request) -> (Code, String) {
        let error = bodies.read(request).await.unwrap_err();
        (
            error.code(),
            error
                .issues()
                .first()
                .map(|issue| issue.field.clone())
                .unwrap_or_default(),
        )
    }

    #[tokio::test]
    async fn joins_what_comes_in_pieces() {
        let bodies = Bodies::default();
        for headers in [&[][..], &[("content-length", "5")]] {
            let body = pieces(vec![b"{\"".to_vec(), b"a".to_vec(), b"\"}".to_vec()]);
            assert_eq!(
                &bodies.read(request(headers, body)).await.unwrap().bytes[..],
                b"{\"a\"}"
            );
        }
        assert!(bodies.read(request(&[], Body::empty())).await.unwrap().bytes.is_empty());
    }

    #[tokio::test]
    async fn only_plain_json_is_read() {
        let bodies = Bodies::default();
        for (kind, coding, refused_for) in [
            ("application/json", "identity", None),
            ("Application/JSON; Charset=UTF-8", "", None),
            ("application/json;charset=\"utf-8\"", "", None),
            ("application/json; charset=latin1", "", Some("Content-Type")),
            ("text/json", "", Some("Content-Type")),
            ("application/jsonx", "", Some("Content-Type")),
            ("", "", Some("Content-Type")),
            ("application/x-www-form-urlencoded", "", Some("Content-Type")),
            ("application/json", "gzip", Some("Content-Encoding")),
        ] {
            let mut request = Request::builder().header("content-type", kind);
            if !coding.is_empty() {
                request = request.header("content-encoding", coding);
            }
            let read = bodies.read(request.body(Body::from("{}")).unwrap()).await;
            match refused_for {
                None => assert!(read.is_ok(), "{kind} {coding}"),
                Some(header) => {
                    let error = read.unwrap_err();
                    assert_eq!(
                        (error.code(), error.issues()[0].field.as_str()),
                        (Code::UnsupportedMediaType, header)
                    );
                }
            }
        }
        let untyped = Request::builder().body(Body::from("{}")).unwrap();
        assert_eq!(refused(&bodies, untyped).await.0, Code::UnsupportedMediaType);
    }

    #[tokio::test]
    async fn the_largest_body_is_read_and_no_larger_one() {
        let bodies = Bodies::default();
        let full = || vec![vec![b' '; MAX_BODY / 4]; 4];
        let length = MAX_BODY.to_string();
        for headers in [&[][..], &[("content-length", length.as_str())]] {
            let payload = bodies.read(request(headers, pieces(full()))).await.unwrap();
            assert_eq!(payload.bytes.len(), MAX_BODY);
            assert_eq!(bodies.memory.available_permits(), BODY_MEMORY - MAX_BODY);
        }
        assert_eq!(bodies.memory.available_permits(), BODY_MEMORY, "given back");

        let too_large = (Code::PayloadTooLarge, "body".to_owned());
        let mut one_more = full();
        one_more.push(vec![b' ']);
        assert_eq!(refused(&bodies, request(&[], pieces(one_more))).await, too_large);
        // Announced, it is refused without a byte having been read.
        let never = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        assert_eq!(
            refused(&bodies, request(&[("content-length", "26214401")], never)).await,
            too_large
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_body_is_given_up() {
        let bodies = Bodies::default();
        let stalls = |start: Vec<u8>| {
            let start = stream::iter([Ok::<_, Infallible>(Bytes::from(start))]);
            Body::from_stream(start.chain(stream::pending()))
        };
        let started = Instant::now();
        assert_eq!(
            refused(&bodies, request(&[], stalls(b"{".to_vec()))).await.0,
            Code::InvalidParameter
        );
        assert_eq!(started.elapsed().as_secs(), GRACE.as_secs());
        let started = Instant::now();
        let body = stalls(vec![b' '; 10 * BYTES_PER_SECOND]);
        assert_eq!(refused(&bodies, request(&[], body)).await.0, Code::InvalidParameter);
        assert_eq!(started.elapsed().as_secs(), GRACE.as_secs() + 10);
        assert_eq!(bodies.memory.available_permits(), BODY_MEMORY);
    }

    #[tokio::test(start_paused = true)]
    async fn drops_that_come_slowly_are_given_up_too() {
        let drops = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b" ")), ()))
        });
        let (code, _) = refused(&Bodies::default(), request(&[], Body::from_stream(drops))).await;
        assert_eq!(code, Code::InvalidParameter);
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_the_callers_fault() {
        let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset"))]);
        let (code, field) = refused(&Bodies::default(), request(&[], Body::from_stream(broken))).await;
        assert_eq!((code, field.as_str()), (Code::InvalidParameter, "body"));
    }

    #[tokio::test(start_paused = true)]
    async fn large_bodies_wait_for_room_and_small_ones_do_not() {
        let bodies = Bodies::default();
        let length = MAX_BODY.to_string();
        let headers = [("content-length", length.as_str())];
        let mut held = Vec::new();
        while bodies.memory.available_permits() >= MAX_BODY {
            held.push(bodies.read(request(&headers, Body::from("{}"))).await.unwrap());
        }
        assert_eq!(
            refused(&bodies, request(&headers, Body::from("{}"))).await.0,
            Code::ServiceUnavailable
        );
        // One that does not say its length takes all the memory it could need, or none while it is small.
        let grows = pieces(vec![vec![b' '; UNCOUNTED]; 2]);
        assert_eq!(refused(&bodies, request(&[], grows)).await.0, Code::ServiceUnavailable);
        assert!(bodies.read(request(&[], Body::from("{}"))).await.is_ok());
        held.pop();
        assert!(bodies.read(request(&headers, Body::from("{}"))).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn no_team_takes_the_room_of_the_others() {
        let bodies = Bodies::default();
        let mut held = Vec::new();
        while let Ok(permit) = bodies.reserve(MAX_BODY, Some(1)).await {
            held.push(permit);
        }
        assert_eq!(held.len(), TEAM_BODY_MEMORY / MAX_BODY);
        assert!(bodies.reserve(MAX_BODY, Some(2)).await.is_ok());
        assert!(bodies.reserve(UNCOUNTED, Some(1)).await.is_ok());
        held.pop();
        assert!(bodies.reserve(MAX_BODY, Some(1)).await.is_ok());
        drop(held);
        bodies.team_memory(3);
        assert_eq!(
            bodies.team_memories.lock().len(),
            1,
            "those that nobody wants are forgotten"
        );
        assert_eq!(bodies.memory.available_permits(), BODY_MEMORY);
    }

    #[tokio::test]
    async fn an_answer_holds_its_room_until_it_was_taken() {
        let bodies = Bodies::default();
        let bytes = Bytes::from(vec![b'x'; 3 * UNCOUNTED + 1]);
        let permit = bodies.reserve(bytes.len(), Some(1)).await.unwrap();
        let mut body = held(bytes.clone(), permit);
        let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(bodies.memory.available_permits(), BODY_MEMORY - bytes.len());
        let rest = body.collect().await.unwrap().to_bytes();
        assert_eq!(first.len() + rest.len(), bytes.len());
        assert_eq!(bodies.memory.available_permits(), BODY_MEMORY);
    }

    #[tokio::test]
    async fn a_panic_in_the_work_on_a_body_is_an_internal_error() {
        let large = Bytes::from(vec![0; 1024 * 1024]);
        let worked = Bodies::default()
            .work(large, |body| assert!(body.is_empty(), "not for the caller"))
            .await;
        let error = worked.unwrap_err();
        assert_eq!(error.code(), Code::InternalError);
        assert!(!error.detail("").message.contains("caller"));
    }
}
