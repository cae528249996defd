//! API keys.

use crate::model::{Moment, Named};
use serde::{Deserialize, Serialize};

/// A key in the list and on its page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyItem {
    /// Public id.
    pub id: String,
    /// Name given by people.
    pub name: String,
    /// `live` or `test`.
    pub mode: String,
    /// The visible beginning.
    pub prefix: String,
    /// Providers that it may use.
    pub scope: ScopeItem,
    /// Permissions, in words.
    pub permissions: String,
    /// Time at which it was made.
    pub created: Moment,
    /// Time of its last use.
    pub last_used: Option<Moment>,
    /// Time at which it ends by itself: it was rotated.
    pub expires: Option<Moment>,
    /// That time is over.
    pub is_expired: bool,
    /// Time of its revocation.
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

/// Providers and groups that a scope can name.
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
    /// Name given by people.
    pub name: String,
    /// Kind of the provider, or members of the group.
    pub detail: String,
}

/// A key's page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// The key.
    pub key: KeyItem,
    /// Choices for its scope.
    pub choices: ScopeChoices,
}
