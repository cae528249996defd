//! The viewer of the page.

use super::model::{OwnTeam, Theme, Viewer};
use crate::model::AppError;
use crate::server::context::{Current, current, error_response};
use crate::server::theme;
use crate::server::words::label;
use sendmux_domain::Role;
use sendmux_domain::accounts::{self, Team};

/// The viewer of the page, and their current team.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn viewer() -> Result<Viewer, AppError> {
    let current = current().await?;
    let can_create = accounts::may_create_team(&current.domain, &current.account.user)
        .await
        .map_err(error_response)?;
    let teams = teams(&current).await?;
    Ok(shown(&current, theme::chosen(), teams, can_create))
}

/// The teams that the viewer can look at.
///
/// # Errors
/// [`AppError::Internal`].
pub async fn teams(current: &Current) -> Result<Vec<(Team, Role)>, AppError> {
    accounts::teams_of(&current.domain, current.account.user.id)
        .await
        .map_err(error_response)
}

fn shown(current: &Current, theme: Theme, teams: Vec<(Team, Role)>, can_create_team: bool) -> Viewer {
    let (account, settings) = (&current.account, &current.domain.settings);
    Viewer {
        name: account.user.name.clone(),
        email: account.user.email.clone(),
        team_id: account.team.public_id.clone(),
        team: account.team.name.clone(),
        managed_address: format!("{}@{}", account.team.slug, settings.managed_domain),
        role: label(account.role.as_str()),
        can_configure: account.role.can_configure(),
        can_manage_team: account.role.can_manage_team(),
        teams: teams
            .into_iter()
            .map(|(team, role)| OwnTeam {
                id: team.public_id,
                name: team.name,
                role: label(role.as_str()),
            })
            .collect(),
        can_create_team,
        is_operator: account.user.is_operator,
        theme,
        public_url: settings.public_url.clone(),
    }
}
