//! API keys.

use super::{Moment, Named};
use serde::{Deserialize, Serialize};

/// A key in the list and on its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    /// Public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// The visible beginning.
    pub prefix: String,
    /// Which providers it may use.
    pub scope: ScopeItem,
    /// What it may do, in words.
    pub permissions: String,
    /// When it was made.
    pub created: Moment,
    /// When it was last used.
    pub last_used: Option<Moment>,
    /// When it ends by itself: it was rotated.
    pub expires: Option<Moment>,
    /// That time is over.
    pub is_expired: bool,
    /// When it was revoked.
    pub revoked: Option<Moment>,
}

impl KeyItem {
    /// Requests with it are accepted.
    pub const fn is_in_force(&self) -> bool {
        self.revoked.is_none() && !self.is_expired
    }
}

/// The scope of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeItem {
    /// `all`, `providers` or `groups`.
    pub kind: String,
    /// The providers or groups that it names.
    pub targets: Vec<Named>,
}

/// The keys page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysPage {
    /// Those that work, newest first.
    pub active: Vec<KeyItem>,
    /// Those that were revoked or have expired.
    pub ended: Vec<KeyItem>,
}

/// What a scope can name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeChoices {
    /// The providers: all but the sandbox.
    pub providers: Vec<ScopeOption>,
    /// The delivery groups.
    pub groups: Vec<ScopeOption>,
}

/// Something that a scope can name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeOption {
    /// Public id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is or holds.
    pub detail: String,
}

/// A key's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// The key.
    pub key: KeyItem,
    /// What its scope can be changed to.
    pub choices: ScopeChoices,
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
