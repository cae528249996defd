//! The members of the team.

use super::context::{current, refused};
use super::flash;
use crate::api::forms::{INVITE, MEMBER};
use crate::model::{AppError, FormReply, InvitationItem, MemberItem, TeamPage};
use crate::server::moment::moment;
use sendmux_domain::{Error, Role, accounts};

const PAGE: &str = "/team";

/// The members, and the invitations that wait.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn page() -> Result<TeamPage, AppError> {
    let current = current().await?;
    let (domain, now, role) = (&current.domain, current.now(), current.account.role);
    let members = accounts::members(domain, current.team_id()).await.map_err(refused)?;
    let can_manage = role.can_manage_team();
    let invitations = if can_manage {
        accounts::invitations(domain, current.team_id())
            .await
            .map_err(refused)?
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
    })
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
