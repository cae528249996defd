//! Readiness: a check that messages can be accepted now.

use crate::Domain;
use crate::error::{Error, Result};
use sendmux_rules::Timestamp;
use std::time::Duration;
use tokio::sync::Mutex;

/// Time for the database to commit a row.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Time for which a result is kept, so that frequent checks cost no commits.
const MAX_AGE: Duration = Duration::from_secs(1);

/// The last result.
#[derive(Debug, Default)]
pub(crate) struct Readiness(Mutex<Option<(Timestamp, std::result::Result<(), String>)>>);

/// Writes a row and commits it, or returns the result of the last second.
///
/// # Errors
/// [`Error::Unavailable`] with the reason, for the log.
pub async fn check(domain: &Domain) -> Result<()> {
    let mut last = domain.readiness.0.lock().await;
    let now = domain.clock.now();
    let result = match &*last {
        // After a clock was set back, an earlier result counts as old.
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
