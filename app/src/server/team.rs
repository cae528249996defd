//! The members of the team, and the teams of the viewer.

use super::context::{Current, current, error_response, parts, session};
use super::{authentication, convert, flash, theme};
use crate::api::forms::{INVITE, MEMBER, NEW_TEAM};
use crate::model::{AppError, FormReply, InvitationItem, MemberItem, TeamPage, Viewer};
use crate::server::moment::moment;
use sendmux_domain::accounts::{self, Team};
use sendmux_domain::{Error, Role};

const PAGE: &str = "/team";

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
    Ok(convert::viewer(&current, theme::chosen(), teams, can_create))
}

/// The members, and the invitations that wait.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn page() -> Result<TeamPage, AppError> {
    let current = current().await?;
    let (domain, now, role) = (&current.domain, current.now(), current.account.role);
    let members = accounts::members(domain, current.team_id())
        .await
        .map_err(error_response)?;
    let can_manage = role.can_manage_team();
    let invitations = if can_manage {
        accounts::invitations(domain, current.team_id())
            .await
            .map_err(error_response)?
    } else {
        Vec::new()
    };
    Ok(TeamPage {
        members: members
            .into_iter()
            .map(|member| MemberItem {
                is_self: member.user_id == current.account.user.public_id,
                can_change: can_manage && (member.role != Role::Owner || role == Role::Owner),
                id: member.user_id,
                name: member.name,
                email: member.email,
                role: member.role.as_str().to_owned(),
                since: moment(member.since, now),
            })
            .collect(),
        invitations: invitations
            .into_iter()
            .map(|invitation| InvitationItem {
                email: invitation.email,
                role: invitation.role.as_str().to_owned(),
                sent: moment(invitation.created_at, now),
                expires: moment(invitation.expires_at, now),
            })
            .collect(),
        can_manage,
        is_owner: role == Role::Owner,
        is_only_team: teams(&current).await?.len() == 1,
    })
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

/// Looks at another team from now on.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn switch(id: String) -> Result<(), AppError> {
    let current = current().await?;
    let team = accounts::own_team(&current.domain, current.account.user.id, &id)
        .await
        .map_err(error_response)?;
    authentication::switch_team(&session(&parts()?)?, &team).await?;
    // What is on the page is the other team's.
    leptos_axum::redirect("/overview");
    Ok(())
}

/// Makes another team, and looks at it from now on.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn create(name: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let remote = current.actor().remote;
    match accounts::create_team(&current.domain, &current.account, &name, remote).await {
        Ok(team) => {
            authentication::switch_team(&session(&parts()?)?, &team).await?;
            leptos_axum::redirect("/overview");
            Ok(FormReply::done(NEW_TEAM, ""))
        }
        Err(error) => {
            let reply = flash::refusal(NEW_TEAM, error)?.with_values([("name", name.as_str())]);
            flash::answer_on(reply, "/team/new").await
        }
    }
}

/// Leaves the team that is being looked at; where it was the only one, the session ends with it.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn leave() -> Result<FormReply, AppError> {
    let current = current().await?;
    let me = &current.account.user.public_id;
    if let Err(error) = accounts::remove_member(&current.domain, &current.actor(), me).await {
        return flash::answer_on(flash::refusal(MEMBER, error)?, PAGE).await;
    }
    let left = format!("You have left {}.", current.account.team.name);
    match teams(&current).await?.first() {
        Some((team, _)) => {
            authentication::switch_team(&session(&parts()?)?, team).await?;
            flash::answer_on(FormReply::done(MEMBER, format!("{left} This is {}.", team.name)), PAGE).await
        }
        None => {
            authentication::leave(&format!(
                "{left} You belong to no team now: an invitation brings you back."
            ))
            .await
        }
    }
}

/// Invites somebody.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn invite(email: String, role: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match accounts::invite(&current.domain, &current.actor(), &email, &role).await {
        Ok(()) => FormReply::done(INVITE, format!("The invitation to {} is on its way.", email.trim())),
        Err(error) => flash::refusal(INVITE, error)?,
    };
    flash::answer(
        reply.with_values([("email", email.as_str()), ("role", role.as_str())]),
        PAGE,
    )
    .await
}

/// Takes an invitation back.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn take_back(email: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let done = accounts::take_back_invitation(&current.domain, &current.actor(), &email).await;
    changed(done, "The invitation is taken back.").await
}

/// Changes a role.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn set_role(id: String, role: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let done = accounts::set_role(&current.domain, &current.actor(), &id, &role).await;
    changed(done, "The role is changed.").await
}

/// Removes a member.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn remove(id: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let done = accounts::remove_member(&current.domain, &current.actor(), &id).await;
    changed(done, "The member is removed.").await
}

async fn changed(done: Result<(), Error>, message: &str) -> Result<FormReply, AppError> {
    let reply = match done {
        Ok(()) => FormReply::done(MEMBER, message),
        // The forms have no place for the fault of a field.
        Err(Error::Invalid(fields)) => FormReply::failed(
            MEMBER,
            fields
                .into_iter()
                .map(|field| field.message)
                .collect::<Vec<_>>()
                .join("; "),
        ),
        Err(error) => flash::refusal(MEMBER, error)?,
    };
    flash::answer(reply, PAGE).await
}
