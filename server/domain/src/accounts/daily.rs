//! Accounts, teams, invitations and mails of the system that strangers may have within 24 hours. All are counted when they
//! are made, so that removing or handing over what was made gives nothing back.

use super::throttle::{self, DAILY, digest, network};
use crate::Domain;
use crate::actor::Actor;
use crate::db::Transaction;
use crate::error::{Error, Result};
use std::net::IpAddr;
use std::time::Duration;

/// Sign-ups from one network: more than one, since offices share a network.
pub(super) const SIGN_UPS_OF_NETWORK: i32 = 20;
/// Teams that one person makes, besides the one of the sign-up.
pub(super) const TEAMS_OF_PERSON: i32 = 10;
/// Invitations to one address, by whomever.
pub(super) const INVITATIONS_TO_ADDRESS: i32 = 5;
/// Invitations by one person, in all their teams.
pub(super) const INVITATIONS_BY_PERSON: i32 = 50;
/// Invitations to one team.
pub(super) const INVITATIONS_OF_TEAM: i32 = 100;
/// Invitations from one network.
pub(super) const INVITATIONS_OF_NETWORK: i32 = 100;

/// Counts a sign-up, in a transaction of its own: an address that has an account already counts like one that has none.
///
/// # Errors
/// [`Error::Conflict`] when there were too many.
pub(super) async fn count_sign_up(domain: &Domain, remote: Option<IpAddr>) -> Result<()> {
    let in_all = limit(domain.settings.sign_ups_per_day);
    let tx = domain.db.begin().await?;
    if let Some(remote) = remote {
        let subject = format!("sign_up:{}", network(remote));
        let refusal = "too many accounts were made from your network";
        charge(&tx, domain, &subject, SIGN_UPS_OF_NETWORK, refusal).await?;
    }
    let refusal = "this installation takes no more new accounts today";
    let counted = charge(&tx, domain, "sign_up", in_all, refusal).await;
    if matches!(counted, Err(Error::Conflict(_))) {
        tracing::warn!(
            sign_ups_per_day = in_all,
            "sign-ups are refused: there were too many in all"
        );
    }
    counted?;
    tx.commit().await?;
    Ok(())
}

/// Mails with links to all addresses.
const MAILS: &str = "mail";

/// Counts a mail of the system with a link, which anybody can cause.
///
/// # Errors
/// [`Error::Conflict`] when there were too many.
pub(crate) async fn count_mail_with_link(tx: &Transaction, domain: &Domain) -> Result<()> {
    let most = limit(domain.settings.system_mails_per_day);
    let refusal = "this installation has sent as many mails as it may within a day";
    let counted = charge(tx, domain, MAILS, most, refusal).await;
    if matches!(counted, Err(Error::Conflict(_))) {
        tracing::warn!(
            system_mails_per_day = most,
            "a mail of the system is not sent: there were too many"
        );
    }
    counted
}

/// Mails of the system with links that were sent within the last 24 hours at most.
///
/// # Errors
/// Errors of the database.
pub async fn mails_with_links(domain: &Domain) -> Result<u32> {
    let counted = throttle::counted(domain, &format!("{DAILY}{MAILS}")).await?;
    Ok(u32::try_from(counted).unwrap_or(0))
}

fn limit(setting: u32) -> i32 {
    i32::try_from(setting).unwrap_or(i32::MAX)
}

/// Counts a team that somebody makes.
///
/// # Errors
/// [`Error::Conflict`] when there were too many.
pub(super) async fn count_team(tx: &Transaction, domain: &Domain, user_id: i64) -> Result<()> {
    let refusal = "you made many teams within a day";
    charge(tx, domain, &format!("team:{user_id}"), TEAMS_OF_PERSON, refusal).await
}

/// Counts an invitation to the address with this key.
///
/// # Errors
/// [`Error::Conflict`] when there were too many.
pub(super) async fn count_invitation(
    tx: &Transaction,
    domain: &Domain,
    actor: &Actor,
    inviter: i64,
    email_key: &str,
) -> Result<()> {
    let refusal = "too many invitations were sent from your network";
    if let Some(remote) = actor.remote {
        let subject = format!("invitation:network:{}", network(remote));
        charge(tx, domain, &subject, INVITATIONS_OF_NETWORK, refusal).await?;
    }
    let by = [
        (
            format!("invitation:team:{}", actor.team_id),
            INVITATIONS_OF_TEAM,
            "too many people were invited to this team",
        ),
        (
            format!("invitation:person:{inviter}"),
            INVITATIONS_BY_PERSON,
            "you invited too many people",
        ),
        (
            format!("invitation:address:{}", digest(email_key)),
            INVITATIONS_TO_ADDRESS,
            "this address was invited too often",
        ),
    ];
    for (subject, limit, refusal) in by {
        charge(tx, domain, &subject, limit, refusal).await?;
    }
    Ok(())
}

async fn charge(tx: &Transaction, domain: &Domain, subject: &str, limit: i32, refusal: &str) -> Result<()> {
    let subject = format!("{DAILY}{subject}");
    match throttle::charge(tx, domain.clock.now(), &subject, limit).await? {
        None => Ok(()),
        Some(wait) => Err(Error::Conflict(format!("{refusal}: try again in {}", hours(wait)))),
    }
}

fn hours(wait: Duration) -> String {
    match wait.as_secs().div_ceil(3_600) {
        0 | 1 => "an hour".to_owned(),
        hours => format!("{hours} hours"),
    }
}

#[cfg(test)]
mod tests;
