//! Accounts: people, their teams, signing up and signing in.

mod daily;
mod known_browser;
#[cfg(test)]
mod links_tests;
mod members;
mod password;
mod provision;
mod session;
mod sign_in;
mod sign_up;
mod teams;
#[cfg(test)]
mod tests;
mod throttle;
mod tokens;
mod verify;

pub use crate::actor::Role;
pub(crate) use daily::count_mail_with_link;
pub use daily::mails_with_links;
pub use known_browser::{Client, known_browser_token};
pub use members::{
    Invitation, Invited, Member, accept_invitation, accept_invitation_signed_out, invitations, invite, invited,
    members, remove_member, set_role, take_back_invitation,
};
pub use password::{can_reset, change_password, forgot_password, reset_password};
pub(crate) use provision::system_team as provision_system_team;
pub use session::{Session, SignedIn, session_user};
pub use sign_in::{SignInError, minutes, sign_in};
pub use sign_up::{NewUser, SignUp, SignUpState, create_user, sign_up, sign_up_state};
pub use teams::{create_team, find_team, managed_address, may_create_team, own_team, rename_team, teams_of};
pub(crate) use throttle::DELAYED_AT_ONCE;
pub use throttle::forget_old_failures;
pub(crate) use throttle::set_back_failures;
pub use tokens::{Purpose, forget_old_links};
pub(crate) use verify::awaits_verification;
pub use verify::{is_verified, send_verification_again, verify_email};

use crate::entities::{teams as team_rows, users};

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Database id.
    pub id: i64,
    /// Public id (`usr_…`).
    pub public_id: String,
    /// The address they sign in with.
    pub email: String,
    /// Display name.
    pub name: String,
    /// True for an operator of the installation.
    pub is_operator: bool,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Database id.
    pub id: i64,
    /// Public id (`team_…`).
    pub public_id: String,
    /// Display name.
    pub name: String,
    /// The local part of its address on the managed route.
    pub slug: String,
}

impl From<users::Model> for User {
    fn from(row: users::Model) -> Self {
        Self {
            id: row.id,
            public_id: row.public_id,
            email: row.email,
            name: row.name,
            is_operator: row.is_operator,
        }
    }
}

impl From<team_rows::Model> for Team {
    fn from(row: team_rows::Model) -> Self {
        Self {
            id: row.id,
            public_id: row.public_id,
            name: row.name,
            slug: row.slug,
        }
    }
}
