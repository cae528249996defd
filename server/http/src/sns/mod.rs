//! `/hooks/ses/{token}`: what Amazon SES tells of messages, posted by Amazon SNS.
//!
//! Nothing in a request is believed before its signature is verified with a certificate from Amazon's own hosts; the
//! secret path only keeps strangers from making this server fetch certificates. A subscription confirms itself, and pins
//! its topic: no other topic is listened to from then on.

mod certificates;
mod envelope;
mod ses;
#[cfg(test)]
mod tests;

use crate::state::Api;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use certificates::Certificates;
use envelope::{Envelope, Kind};
use sendmux_domain::feedback::{self, Endpoint, Recorded};
use sendmux_domain::{Domain, Timestamp};
use std::time::Duration;
use tokio::time::timeout;

/// SNS sends up to 256 KB of text, which JSON may escape; twice.
const MAX_BODY: usize = 1024 * 1024;
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// The age from which a message is a replay: SNS retries for 23 days at the very most ("Amazon SNS message delivery
/// retries").
const MAX_AGE: Duration = Duration::from_secs(24 * 24 * 3_600);

/// The state of the endpoint between requests.
pub(crate) struct Sns {
    certificates: Certificates,
}

impl Sns {
    pub(crate) fn new(domain: &Domain) -> Self {
        Self {
            certificates: Certificates::new(domain.settings.sns_url.as_deref()),
        }
    }
}

/// The reason why a request was not taken.
type Refusal = (StatusCode, &'static str);

const UNREADABLE: Refusal = (StatusCode::BAD_REQUEST, "this is no message of Amazon SNS\n");
const NOT_SIGNED: Refusal = (
    StatusCode::FORBIDDEN,
    "the signature of Amazon SNS is missing or wrong\n",
);
const OTHER_TOPIC: Refusal = (StatusCode::FORBIDDEN, "this address does not listen to that topic\n");
const LATER: Refusal = (StatusCode::SERVICE_UNAVAILABLE, "try again later\n");

/// Takes a message of SNS. Everything that needs no repetition is answered with 200, what is not for us included.
pub(crate) async fn receive(
    State(api): State<Api>,
    Path(token): Path<String>,
    body: Body,
) -> Result<StatusCode, Refusal> {
    let endpoint = feedback::endpoint_by_token(&api.domain, &token)
        .await
        .map_err(unavailable)?
        .ok_or((StatusCode::NOT_FOUND, "there is nothing here\n"))?;
    let body = timeout(BODY_WITHIN, to_bytes(body, MAX_BODY))
        .await
        .map_err(|_| (StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n"))?
        .map_err(|_| (StatusCode::PAYLOAD_TOO_LARGE, "the body is too large\n"))?;
    let envelope = Envelope::read(&body).ok_or(UNREADABLE)?;
    let now = api.domain.clock.now();
    let sent_at = crate::answer::read_time(&envelope.timestamp).ok_or(UNREADABLE)?;
    if now.since(sent_at) > MAX_AGE {
        return Err((StatusCode::FORBIDDEN, "this message is too old\n"));
    }
    // Another topic need not have its certificate fetched.
    if let Some(topic) = &endpoint.topic_arn
        && *topic != envelope.topic_arn
    {
        tracing::warn!(
            topic = envelope.topic_arn,
            "a notification of another topic was refused"
        );
        return Err(OTHER_TOPIC);
    }
    verify(&api, &envelope, now).await?;
    match envelope.kind {
        Kind::SubscriptionConfirmation => subscribe(&api, &endpoint, &envelope).await?,
        Kind::UnsubscribeConfirmation => {
            tracing::warn!(topic = envelope.topic_arn, "the topic was unsubscribed");
            feedback::unsubscribed(&api.domain, &endpoint, &envelope.topic_arn)
                .await
                .map_err(unavailable)?;
        }
        Kind::Notification if endpoint.topic_arn.is_none() => return Err(OTHER_TOPIC),
        Kind::Notification => notify(&api.domain, &endpoint, &envelope).await?,
    }
    Ok(StatusCode::OK)
}

async fn verify(api: &Api, envelope: &Envelope, now: Timestamp) -> Result<(), Refusal> {
    match api.sns.certificates.verify(envelope, now).await {
        Ok(()) => Ok(()),
        Err(certificates::Fault::Unreachable(why)) => {
            tracing::error!(why, "the signing certificate of Amazon SNS could not be fetched");
            Err(LATER)
        }
        Err(certificates::Fault::Wrong(why)) => {
            tracing::warn!(why, "a message that Amazon SNS did not sign was refused");
            Err(NOT_SIGNED)
        }
    }
}

async fn subscribe(api: &Api, endpoint: &Endpoint, envelope: &Envelope) -> Result<(), Refusal> {
    match api.sns.certificates.confirm(envelope).await {
        Ok(()) => {}
        Err(certificates::Fault::Unreachable(why)) => {
            tracing::error!(why, "a subscription of Amazon SNS could not be confirmed");
            return Err(LATER);
        }
        Err(certificates::Fault::Wrong(why)) => {
            tracing::warn!(why, "a subscription was refused");
            return Err(NOT_SIGNED);
        }
    }
    let pinned = feedback::confirm(&api.domain, endpoint, &envelope.topic_arn)
        .await
        .map_err(unavailable)?;
    if !pinned {
        return Err(OTHER_TOPIC);
    }
    tracing::info!(topic = envelope.topic_arn, "subscribed to a topic of Amazon SNS");
    Ok(())
}

async fn notify(domain: &Domain, endpoint: &Endpoint, envelope: &Envelope) -> Result<(), Refusal> {
    let Some(notice) = ses::read(&envelope.message) else {
        // SES announces itself when a topic is set, and tells of things that nobody here asked about.
        tracing::debug!(id = envelope.message_id, "a notification that tells of no message");
        return Ok(());
    };
    match feedback::record(domain, endpoint, &envelope.message_id, &notice)
        .await
        .map_err(unavailable)?
    {
        Recorded::Event | Recorded::Duplicate => {}
        Recorded::Parked => tracing::debug!(
            id = notice.provider_message_id,
            "a notification about a message that is not known yet is kept"
        ),
        Recorded::UnknownMessage => tracing::debug!(
            id = notice.provider_message_id,
            "a notification about a message that was not sent from here"
        ),
    }
    Ok(())
}

fn unavailable(error: sendmux_domain::Error) -> Refusal {
    tracing::error!(%error, "a notification could not be taken");
    LATER
}
