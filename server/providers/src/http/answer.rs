//! A server's answer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use sendmux_rules::classify::asked_until;
use sendmux_rules::{Class, Outcome, ProviderKind, Stage};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::last_byte::Progress;

/// Bytes of an answer that are read. What is asked for here is far shorter.
const MAX_BODY: usize = 256 * 1024;

/// A server's answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The server had the whole request when it answered.
    pub request_was_sent: bool,
}

impl Answer {
    /// Reads an answer. The status says what came of the request, so what comes of the body matters little: it is read
    /// as far as it comes within the time.
    pub(super) async fn read(mut response: reqwest::Response, within: Duration) -> Self {
        let mut body = BytesMut::new();
        let reading = async {
            while let Ok(Some(piece)) = response.chunk().await {
                body.extend_from_slice(&piece);
                if body.len() >= MAX_BODY {
                    break;
                }
            }
        };
        // Too late is as good as cut off.
        let _ = tokio::time::timeout(within, reading).await;
        Self {
            status: response.status().as_u16(),
            headers: std::mem::take(response.headers_mut()),
            body: body.freeze(),
            request_was_sent: true,
        }
    }

    pub(super) fn after(mut self, progress: Progress) -> Self {
        self.request_was_sent = progress == Progress::Sent;
        self
    }

    /// The value of a header, when there is one that is text.
    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    /// The body as JSON of a certain form.
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Time for which the server asks to be left alone (RFC 9110 section 10.2.3): a number of seconds, or a date, which is
    /// compared with the server's own (section 6.6.1) so that no clock of this side is needed.
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header(RETRY_AFTER)?;
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        self.until(OffsetDateTime::parse(value, &Rfc2822).ok()?)
    }

    /// Time until an instant, by the server's own date.
    fn until(&self, instant: OffsetDateTime) -> Option<Duration> {
        let now = OffsetDateTime::parse(self.header(DATE)?, &Rfc2822).ok()?;
        Some((instant - now).try_into().unwrap_or_default())
    }

    /// Outcome for a message that was to be handed over: see [`Outcome::from_api`]. Gmail asks to be left
    /// alone until an instant, in words.
    pub fn outcome(&self, kind: ProviderKind, code: &str, message: &str) -> Outcome {
        let in_words = || {
            let nanos = i128::from(asked_until(message)?.as_millis()) * 1_000_000;
            self.until(OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?)
        };
        let retry_after = self.retry_after().or_else(in_words);
        let outcome = Outcome::from_api(kind, self.status, code, message, retry_after);
        if self.request_was_sent || outcome.class == Class::Accepted {
            return outcome;
        }
        // An answer that came before the message was there cannot leave its fate unknown.
        Outcome {
            class: match outcome.class {
                Class::Unknown => Class::Connection,
                class => class,
            },
            stage: Stage::Request,
            ..outcome
        }
    }
}
