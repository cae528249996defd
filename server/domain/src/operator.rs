//! The operator of the installation, who sees every team and decides on requests.

use crate::accounts::User;
use crate::actor::{Actor, Role};
use crate::error::{Error, Result};
use std::net::IpAddr;

/// Somebody who operates the installation. Holding a value is the permission for an operator's actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// The signed-in user.
    pub user_id: i64,
    label: String,
    remote: Option<IpAddr>,
}

impl Operator {
    /// This user as an operator.
    ///
    /// # Errors
    /// [`Error::NotFound`] for anybody else: operators' data does not exist for others.
    pub fn of(user: &User, remote: Option<IpAddr>) -> Result<Self> {
        if !user.is_operator {
            return Err(Error::NotFound("page"));
        }
        Ok(Self {
            user_id: user.id,
            label: user.email.clone(),
            remote,
        })
    }

    /// The operator as the actor of a change in a team.
    pub fn actor(&self, team_id: i64) -> Actor {
        Actor {
            team_id,
            user_id: Some(self.user_id),
            label: self.label.clone(),
            remote: self.remote,
            role: Role::Owner,
        }
    }
}
