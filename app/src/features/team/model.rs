//! The team and its members.

use crate::model::Moment;
use serde::{Deserialize, Serialize};

/// The page of the team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamPage {
    /// In the order in which they joined.
    pub members: Vec<MemberItem>,
    /// Those that wait, the newest first.
    pub invitations: Vec<InvitationItem>,
    /// The viewer may invite and change members.
    pub can_manage: bool,
    /// The viewer is an owner.
    pub is_owner: bool,
    /// The viewer belongs to no other team.
    pub is_only_team: bool,
}

/// A member of the team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberItem {
    /// Public id of the user.
    pub id: String,
    /// Display name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// `owner`, `admin`, `developer` or `member`.
    pub role: String,
    /// Since when.
    pub since: Moment,
    /// The viewer.
    pub is_self: bool,
    /// The viewer may change the role.
    pub can_change: bool,
}

/// An invitation that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationItem {
    /// Whom it was sent to.
    pub email: String,
    /// The role that it gives.
    pub role: String,
    /// Time at which it was sent.
    pub sent: Moment,
    /// Until when it can be accepted.
    pub expires: Moment,
}
