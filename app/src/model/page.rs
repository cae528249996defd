//! One page of a list.

use serde::{Deserialize, Serialize};

/// Some rows and the way to the older ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// Newest first.
    pub rows: Vec<T>,
    /// The cursor of the next page; none when these are the last.
    pub older: Option<String>,
}
