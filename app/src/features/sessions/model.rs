//! Browser sessions of the viewer.

use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// A browser in which the viewer is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionItem {
    /// Id to end it by. It opens no session.
    pub id: String,
    /// Browser and system: `Firefox on Linux`.
    pub browser: String,
    /// Address of the sign-in.
    pub address: Option<String>,
    /// Time of the sign-in.
    pub signed_in: Moment,
    /// Time of the last use, at most ten minutes behind.
    pub last_used: Moment,
    /// It is the session of this request.
    pub is_current: bool,
}
