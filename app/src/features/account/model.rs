//! Visitors: who is not signed in yet.

use serde::{Deserialize, Serialize};

/// State of a visitor, for the pages outside the dashboard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitorState {
    /// Somebody is signed in already.
    pub signed_in: bool,
    /// An account can be made.
    pub sign_up_open: bool,
    /// Nobody has an account yet: the next one becomes the operator.
    pub first_account: bool,
    /// That takes the setup token.
    pub needs_setup_token: bool,
}

/// An invitation as the one sees it who opens its link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitedView {
    /// The team.
    pub team: String,
    /// Whom it was sent to.
    pub email: String,
    /// The role that it gives.
    pub role: String,
    /// There is an account with that address.
    pub has_account: bool,
    /// The signed-in user.
    pub signed_in_as: Option<String>,
}
