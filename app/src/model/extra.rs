//! Results of a form that are more than a message.

use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// Result of a form besides its message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FormExtra {
    /// A key that was just made. The only time that its secret is shown.
    Key(KeySecret),
    /// The result of a connection test.
    Test(ConnectionTest),
}

/// A key that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySecret {
    /// Public id.
    pub id: String,
    /// Name given by people.
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

/// Result of a connection test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionTest {
    /// Public id of the provider.
    pub provider_id: String,
    /// Its name.
    pub provider: String,
    /// It could send.
    pub ok: bool,
    /// Steps, in order.
    pub steps: Vec<TestStepItem>,
    /// Remedy of the step that failed.
    pub advice: Option<String>,
    /// Time of the test.
    pub at: Option<Moment>,
}

/// One step of a connection test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStepItem {
    /// Name of the step.
    pub name: String,
    /// It worked.
    pub ok: bool,
    /// Observation.
    pub detail: String,
}
