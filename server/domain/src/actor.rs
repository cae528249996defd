//! Actor of a change: the person, key or command behind it, and the rights of their role.

use crate::entities::users;
use crate::error::{Error, Result};
use sendmux_rules::named_enum;
use std::net::IpAddr;

named_enum! {
    /// Role of a member in a team.
    pub enum Role {
        /// Everything; there is always one.
        Owner = "owner",
        /// Everything except what is reserved to owners.
        Admin = "admin",
        /// Providers, groups, keys and webhooks.
        Developer = "developer",
        /// Read-only.
        Member = "member",
    }
}

impl Role {
    /// True if the role may change providers, groups, keys and webhooks.
    pub const fn can_configure(self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Developer)
    }

    /// True if the role may change the team itself and its members.
    pub const fn can_manage_team(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

/// Actor of a change, and the team that it is made in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The changed team.
    pub team_id: i64,
    /// The signed-in user; `None` for keys and commands.
    pub user_id: Option<i64>,
    /// Name of the actor, in words that outlive the account: an email address, a key's prefix, `command line`.
    pub label: String,
    /// Remote address of the request.
    pub remote: Option<IpAddr>,
    /// Role of the actor in the team.
    pub role: Role,
}

impl Actor {
    /// The command line of the server, which may do everything.
    pub fn cli(team_id: i64) -> Self {
        Self {
            team_id,
            user_id: None,
            label: "command line".to_owned(),
            remote: None,
            role: Role::Owner,
        }
    }

    /// A signed-in user.
    pub(crate) fn user(user: &users::Model, team_id: i64, role: Role, remote: Option<IpAddr>) -> Self {
        Self {
            team_id,
            user_id: Some(user.id),
            label: user.email.clone(),
            remote,
            role,
        }
    }

    /// Requires the right to change providers, groups and keys.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_configure(&self) -> Result<()> {
        if self.role.can_configure() {
            return Ok(());
        }
        Err(Error::Forbidden(
            "your role in this team does not let you change its configuration; ask an owner or admin",
        ))
    }

    /// Requires the right to change the team itself.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_manage_team(&self) -> Result<()> {
        if self.role.can_manage_team() {
            return Ok(());
        }
        Err(Error::Forbidden("only an owner or admin of this team can do this"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_below_may() {
        let powers = |role: Role| (role.can_manage_team(), role.can_configure());
        assert_eq!(
            Role::ALL.iter().copied().map(powers).collect::<Vec<_>>(),
            [(true, true), (true, true), (false, true), (false, false)]
        );
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), *role);
        }
        assert!("king".parse::<Role>().is_err());
    }
}
