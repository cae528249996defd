//! A point in time as a page shows it.

use serde::{Deserialize, Serialize};

/// A point in time, worded by the server, so that hydration finds what was rendered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// RFC 3339 in UTC, for machines.
    pub iso: String,
    /// `5 min ago`, `in 2 h`, `21 Nov, 14:05`.
    pub text: String,
    /// In full, for a tooltip: `21 Nov 2026, 14:05:09 UTC`.
    pub full: String,
    /// Seconds from the server's now to then; below 0 when it is over.
    pub seconds: i64,
}
