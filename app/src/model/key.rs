//! API keys.

use super::Moment;
use serde::{Deserialize, Serialize};

/// A key in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    /// Public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// The visible beginning.
    pub prefix: String,
    /// Which providers it may use, in words.
    pub scope: String,
    /// What it may do, in words.
    pub permissions: String,
    /// When it was made.
    pub created: Moment,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// When it was revoked.
    pub revoked: Option<Moment>,
}

/// The keys page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysPage {
    /// Those that work, newest first.
    pub active: Vec<KeyItem>,
    /// Those that were revoked.
    pub revoked: Vec<KeyItem>,
}

/// A key that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySecret {
    /// Public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// The key itself.
    pub secret: String,
}

impl std::fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeySecret")
            .field("id", &self.id)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}
