//! Actor of a change: the person, key or command behind it, and the rights of their role.

use crate::error::{Error, Result};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Role of a member in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything; there is always one.
    Owner,
    /// Everything except what is reserved to owners.
    Admin,
    /// Providers, groups, keys and webhooks.
    Developer,
    /// Read-only.
    Member,
}

impl Role {
    /// All roles, the most powerful first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Developer, Self::Member];

    /// Name in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Member => "member",
        }
    }

    /// True if the role may change providers, groups, keys and webhooks.
    pub const fn can_configure(self) -> bool {
        matches!(self, Self::Owner | Self::Admin | Self::Developer)
    }

    /// True if the role may change the team itself and its members.
    pub const fn can_manage_team(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| Error::Internal(format!("{name:?} is no role")))
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
            Role::ALL.map(powers),
            [(true, true), (true, true), (false, true), (false, false)]
        );
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert!("king".parse::<Role>().is_err());
    }
}
