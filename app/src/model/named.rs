//! A thing by its name.

use serde::{Deserialize, Serialize};

/// A thing with its name, to be linked to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Public id.
    pub id: String,
    /// Name given by people.
    pub name: String,
}
