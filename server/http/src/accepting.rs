//! Steps that sending one message and sending a batch share: the body, the idempotency key, the one commit.

use crate::auth::Caller;
use crate::body::Payload;
use crate::email::{Composed, Email, Stamp};
use crate::error::{ApiError, Code};
use crate::input::{self, TEXT};
use crate::issue::IssueCode;
use crate::json::{self, Json};
use crate::operation::{About, Argument};
use crate::parameters::Unread;
use crate::request::RequestId;
use crate::state::Api;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use sendmux_domain::Timestamp;
use sendmux_domain::idempotency::{self, Admission, Answer, InFlightGuard, Operation};
use sendmux_domain::messages::{Accepted, Committed, Intake, Origin, Source, Submission};
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{ParameterBuilder, ParameterIn};

/// The header that makes a request safe to repeat.
const KEY_HEADER: &str = "Idempotency-Key";
/// Characters of an Idempotency-Key.
const MAX_KEY: usize = 255;
/// The time after which a client should ask again for the answer to a request that is in flight.
const IN_FLIGHT_RETRY: Duration = Duration::from_secs(1);

/// A request to send: who makes it, what it carries, and the right to carry it out.
pub(crate) struct Sending<'a> {
    api: &'a Api,
    caller: Caller,
    origin: Origin,
    guard: Option<InFlightGuard<'a>>,
    pub(crate) payload: Payload,
}

/// A request to send, admitted.
pub(crate) enum Admitted<'a> {
    /// It is to be carried out.
    Sending(Box<Sending<'a>>),
    /// It was, before.
    Answered(Answered),
}

/// The answer to an accepted request, new or replayed.
pub(crate) struct Answered {
    answer: Answer,
    replayed: bool,
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.answer.body));
        *response.status_mut() = StatusCode::from_u16(self.answer.status).unwrap_or(StatusCode::ACCEPTED);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

/// Extractor: a request that can be repeated under an Idempotency-Key; its body is a `T`.
pub(crate) struct Repeatable<T>(Unread<T>);

impl<T> FromRequest<Api> for Repeatable<T> {
    type Rejection = Infallible;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Infallible> {
        Unread::from_request(request, api).await.map(Self)
    }
}

impl<T: ToSchema> Argument for Repeatable<T> {
    fn describe(about: &mut About<'_>) {
        let key = input::pattern(TEXT).min_length(Some(1)).max_length(Some(MAX_KEY));
        let header = ParameterBuilder::new()
            .name(KEY_HEADER)
            .parameter_in(ParameterIn::Header)
            .description(Some(
                "Makes repeating this request safe: within 24 hours the same key and body get the first answer. Bodies are \
                 the same when they say the same: the order of members and blanks between them do not count.",
            ))
            .schema(Some(key));
        about
            .operation
            .parameters
            .get_or_insert_default()
            .push(RefOr::T(header.build()));
        about.error(
            Code::IdempotencyConflict,
            ": the key was used for another request, or (`retryable`) its request is still in flight",
        );
        Unread::<T>::describe(about);
    }
}

/// Checks the idempotency key, then reads the body.
pub(crate) async fn admit<T>(
    api: &Api,
    caller: Caller,
    request_id: RequestId,
    operation: Operation,
    Repeatable(Unread { request, .. }): Repeatable<T>,
) -> Result<Admitted<'_>, ApiError> {
    let key = idempotency_key(request.headers())?;
    let payload = api.bodies.read(request).await?;
    let guard = match key {
        Some(name) => {
            let key = caller.key.clone();
            let asked = api.bodies.work(payload.bytes.clone(), move |body| {
                idempotency::Request::new(&key, &name, operation, &json::meaning(&body))
            });
            match guard_or_answer(idempotency::begin(&api.domain, asked.await?).await?)? {
                Ok(guard) => Some(guard),
                Err(answered) => return Ok(Admitted::Answered(answered)),
            }
        }
        None => None,
    };
    let origin = Origin {
        remote_address: caller.remote.map(|address| address.to_string()),
        request_id: Some(request_id.0.to_string()),
        tls: None,
    };
    Ok(Admitted::Sending(Box::new(Sending {
        api,
        caller,
        origin,
        guard,
        payload,
    })))
}

/// Guard under which a request is carried out, or the answer that it already has.
fn guard_or_answer(admission: Admission<'_>) -> Result<Result<InFlightGuard<'_>, Answered>, ApiError> {
    match admission {
        Admission::Fresh(guard) => Ok(Ok(guard)),
        Admission::Replay(answer) => Ok(Err(Answered { answer, replayed: true })),
        Admission::InFlight => Err(ApiError::new(
            Code::IdempotencyConflict,
            "a request with this Idempotency-Key is still being carried out; ask again for its answer",
        )
        .retry_after(IN_FLIGHT_RETRY)),
        Admission::Conflict => Err(ApiError::about(
            Code::IdempotencyConflict,
            KEY_HEADER,
            IssueCode::Duplicate,
            "this Idempotency-Key was used for another request in the last 24 hours; use a new one for each",
        )),
    }
}

impl Sending<'_> {
    /// Makes a message part of what is committed, or tells everything that is wrong with it.
    pub(crate) async fn accept(&self, intake: &mut Intake<'_>, composed: Composed) -> Result<Accepted, ApiError> {
        let Composed {
            public_id,
            groups,
            email,
        } = composed;
        let narrowed = groups.within(&self.api.domain, &self.caller.key).await?;
        match (email, narrowed) {
            (Ok(email), Ok(narrowed)) => {
                let submission = self.submission(public_id, email);
                Ok(intake.add_within(submission, narrowed.as_ref()).await?)
            }
            (email, narrowed) => {
                let mut issues = email.err().unwrap_or_default();
                issues.extend(narrowed.err().unwrap_or_default());
                Err(issues.into())
            }
        }
    }

    /// A message of this request, ready to be stored.
    fn submission(&self, public_id: String, email: Email) -> Submission {
        Submission {
            public_id,
            key: self.caller.key.clone(),
            source: Source::Http,
            origin: self.origin.clone(),
            subject: email.subject,
            from_email: email.from_email,
            from_name: email.from_name,
            return_path: Some(email.return_path),
            header_message_id: email.header_message_id,
            recipients: email.recipients,
            content: email.raw.into(),
            smtputf8: email.smtputf8,
        }
    }

    /// Commits the messages of this request with the record of its answer, and gives that answer. Of a request none of whose
    /// messages was accepted nothing is recorded: it may be corrected and sent again under its key.
    pub(crate) async fn conclude(self, intake: Intake<'_>, answer: &impl Serialize) -> Result<Answered, ApiError> {
        let body = serde_json::to_string(answer).map_err(ApiError::internal)?;
        let answer = Answer {
            status: StatusCode::ACCEPTED.as_u16(),
            body,
        };
        let recorded = self.guard.as_ref().filter(|_| !intake.is_empty());
        let record = recorded.map(|guard| guard.record(&answer));
        match (intake.commit(record).await?, self.guard) {
            (Committed::KeyTaken, Some(ours)) => match guard_or_answer(ours.overtaken().await?)? {
                Err(answered) => Ok(answered),
                Ok(_) => Err(ApiError::internal("an overtaken request cannot be fresh")),
            },
            (Committed::KeyTaken, None) => Err(ApiError::internal("a key was taken that there was none of")),
            (Committed::Stored, _) => Ok(Answered {
                answer,
                replayed: false,
            }),
        }
    }

    /// The server's part of the messages of this request.
    pub(crate) fn mint(&self) -> Mint {
        Mint {
            host: self.api.domain.settings.message_id_host().to_owned(),
            date: date(self.api.domain.clock.now()),
        }
    }
}

/// The server's part of the messages of one request, but for their ids.
pub(crate) struct Mint {
    host: String,
    date: OffsetDateTime,
}

impl Mint {
    pub(crate) fn stamp<'s>(&'s self, public_id: &'s str) -> Stamp<'s> {
        Stamp {
            public_id,
            host: &self.host,
            date: self.date,
        }
    }
}

/// The key of the one `Idempotency-Key` header, taken as it is: 1 to 255 characters of any kind but control characters.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let refuse = |code, message: &str| Err(ApiError::about(Code::InvalidParameter, KEY_HEADER, code, message));
    let mut values = headers.get_all(KEY_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return refuse(IssueCode::Duplicate, "there is more than one Idempotency-Key header");
    }
    let Ok(key) = std::str::from_utf8(value.as_bytes()) else {
        return refuse(IssueCode::InvalidCharacters, "must be text in UTF-8");
    };
    match key.chars().count() {
        0 => refuse(IssueCode::Empty, "must have 1 to 255 characters"),
        1..=MAX_KEY if key.chars().any(char::is_control) => {
            refuse(IssueCode::InvalidCharacters, "must not have control characters")
        }
        1..=MAX_KEY => Ok(Some(key.to_owned())),
        _ => refuse(IssueCode::TooLong, "must have 1 to 255 characters"),
    }
}

/// The body as JSON, or where it is not.
pub(crate) fn parse(body: &[u8]) -> Result<Json<'_>, ApiError> {
    Json::parse(body).map_err(|error| {
        let message = if body.is_empty() {
            "the body is empty".to_owned()
        } else {
            format!("the body is not valid JSON: {error}")
        };
        ApiError::about(Code::InvalidParameter, "body", IssueCode::MalformedBody, message)
    })
}

/// A time as a Date header has it. One that no calendar has becomes the beginning of Unix time.
fn date(now: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(now.as_millis().div_euclid(1_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
