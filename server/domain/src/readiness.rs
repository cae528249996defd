//! Readiness: whether messages can be accepted now.

use crate::Domain;
use crate::error::{Error, Result};
use sendmux_rules::Timestamp;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long the database may take to commit a row.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer is kept: whoever asks more often costs no commit.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The last answer.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Timestamp, std::result::Result<(), String>)>>);

/// Writes a row and commits it, or tells what came of it within the last second.
///
/// # Errors
/// [`Error::Unavailable`] with the reason, for the log.
pub async fn check(domain: &Domain) -> Result<()> {
    let mut last = domain.readiness.0.lock().await;
    let now = domain.clock.now();
    let result = match &*last {
        // A clock that was set back makes an answer older, not younger.
        Some((at, result)) if *at <= now && now.since(*at) < MAX_AGE => result.clone(),
        _ => {
            let probed = tokio::time::timeout(TIMEOUT, domain.db.probe(now)).await;
            let result = match probed {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err(format!("no commit within {} s", TIMEOUT.as_secs())),
            };
            *last = Some((domain.clock.now(), result.clone()));
            result
        }
    };
    result.map_err(Error::Unavailable)
}
