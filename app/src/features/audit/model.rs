//! Entries of the audit log, and their filter.

use crate::model::Moment;
use crate::url::query_value;
use serde::{Deserialize, Serialize};

/// Filter of a list of entries, as it stands in the address. Empty texts select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditQuery {
    /// An action (`key.revoked`), or the kind of it (`key`).
    pub action: String,
    /// A part of the actor.
    pub actor: String,
    /// A part of the rest.
    pub q: String,
    /// The first day, `YYYY-MM-DD`, in UTC.
    pub since: String,
    /// The last day, `YYYY-MM-DD`, in UTC.
    pub until: String,
}

impl AuditQuery {
    /// True if it selects everything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// `path` with the filter, and with the cursor `before` unless that is empty.
    pub fn href(&self, path: &str, before: &str) -> String {
        let parts = [
            ("action", &*self.action),
            ("actor", &*self.actor),
            ("q", &*self.q),
            ("since", &*self.since),
            ("until", &*self.until),
            ("before", before),
        ];
        let query: Vec<String> = parts
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", query_value(value)))
            .collect();
        if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", query.join("&"))
        }
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditItem {
    /// Time of the change.
    pub at: Moment,
    /// Name of the team, in the operator's list.
    pub team: Option<String>,
    /// The actor in words.
    pub actor: String,
    /// The action: `key.revoked`.
    pub action: String,
    /// Public id of what was changed.
    pub target: String,
    /// The change: `name: Relay; weight: 3`.
    pub detail: String,
    /// Address of the client.
    pub address: Option<String>,
    /// Id of the request.
    pub request: Option<String>,
}
