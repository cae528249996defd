//! The members of the team, and the teams of the viewer.

use super::api::{INVITE, MEMBER, NEW_TEAM};
use super::model::{InvitationItem, MemberItem, TeamPage};
use crate::features::account::server as account;
use crate::layout::server::teams;
use crate::model::{AppError, FormReply};
use crate::server::context::{current, error_response, parts, session};
use crate::server::form::Sent;
use crate::server::words::moment;
use sendmux_domain::{Error, Role, accounts};

const PAGE: &str = "/team";

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

/// Looks at another team from now on.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn switch(id: String) -> Result<(), AppError> {
    let current = current().await?;
    let team = accounts::own_team(&current.domain, current.account.user.id, &id)
        .await
        .map_err(error_response)?;
    account::switch_team(&session(&parts()?)?, &team).await?;
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
            account::switch_team(&session(&parts()?)?, &team).await?;
            leptos_axum::redirect("/overview");
            Ok(FormReply::done(NEW_TEAM, ""))
        }
        Err(error) => {
            let sent = Sent::to(NEW_TEAM, "/team/new").typed([("name", name)]);
            sent.refuse(error).await
        }
    }
}

/// Leaves the team that is being looked at; where it was the only one, the session ends with it.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn leave() -> Result<FormReply, AppError> {
    let current = current().await?;
    let sent = Sent::to(MEMBER, PAGE);
    let me = &current.account.user.public_id;
    if let Err(error) = accounts::remove_member(&current.domain, &current.actor(), me).await {
        return sent.refuse(error).await;
    }
    let left = format!("You have left {}.", current.account.team.name);
    match teams(&current).await?.first() {
        Some((team, _)) => {
            account::switch_team(&session(&parts()?)?, team).await?;
            sent.finish(Ok(format!("{left} This is {}.", team.name))).await
        }
        None => {
            account::leave(&format!(
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
    let sent = Sent::on(INVITE, PAGE).typed([("email", &email), ("role", &role)]);
    sent.run(|current| async move {
        accounts::invite(&current.domain, &current.actor(), &email, &role).await?;
        Ok(format!("The invitation to {} is on its way.", email.trim()))
    })
    .await
}

/// Takes an invitation back.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn take_back(email: String) -> Result<FormReply, AppError> {
    let sent = Sent::on(MEMBER, PAGE);
    sent.run(|current| async move {
        accounts::take_back_invitation(&current.domain, &current.actor(), &email)
            .await
            .map_err(as_a_whole)?;
        Ok("The invitation is taken back.")
    })
    .await
}

/// Changes a role.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn set_role(id: String, role: String) -> Result<FormReply, AppError> {
    let sent = Sent::on(MEMBER, PAGE);
    sent.run(|current| async move {
        accounts::set_role(&current.domain, &current.actor(), &id, &role)
            .await
            .map_err(as_a_whole)?;
        Ok("The role is changed.")
    })
    .await
}

/// Removes a member.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn remove(id: String) -> Result<FormReply, AppError> {
    let sent = Sent::on(MEMBER, PAGE);
    sent.run(|current| async move {
        accounts::remove_member(&current.domain, &current.actor(), &id)
            .await
            .map_err(as_a_whole)?;
        Ok("The member is removed.")
    })
    .await
}

/// These forms have no place for the fault of a field.
fn as_a_whole(error: Error) -> Error {
    match error {
        Error::Invalid(fields) => {
            let messages: Vec<String> = fields.into_iter().map(|field| field.message).collect();
            Error::Conflict(messages.join("; "))
        }
        error => error,
    }
}
