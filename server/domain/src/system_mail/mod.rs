//! The mails that the installation sends itself: verifications, password resets, invitations, outcomes, alerts.
//!
//! They are messages like all others, of a team that nobody belongs to: stored in the transaction of what they tell of,
//! queued, retried and shown with their attempts. That team has the mail server of the configuration as its provider;
//! without one they go by the managed route, and where that is not set up either, into the sandbox, which the operator's
//! page "System mail" shows. A mail with a one-time link is sealed where it is stored, and not shown where mails leave.

pub mod letters;
#[cfg(test)]
mod sealed_tests;
mod team;
#[cfg(test)]
mod tests;

pub use letters::Letter;
pub(crate) use letters::Mail;
pub(crate) use team::SystemTeam;
pub use team::{Via, test_server, unblock_server, via};

use crate::accounts;
use crate::actor::Role;
use crate::context::Domain;
use crate::db::Transaction;
use crate::entities::{memberships, users};
use crate::error::{Error, Result};
use crate::keys::KeyContext;
use crate::messages::{self, Arrived, NewRecipient, Origin, RecipientField, Source, Submission, new_message_id};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_mime::{Address, Outgoing, ValidEmail};
use sendmux_rules::Mode;
use std::sync::Arc;
use time::OffsetDateTime;

/// The name in From.
const SENDER_NAME: &str = "Sendmux";

/// Mails that were stored in a transaction. The delivery engine is told of them once that is committed.
#[derive(Debug, Default)]
#[must_use = "after the commit the engine is to be woken"]
pub struct Mails(Vec<Arrived>);

impl Mails {
    /// Tells the engine. To be called after the commit; without it the mails go a few seconds later.
    pub fn wake(self, domain: &Domain) {
        for arrived in self.0 {
            arrived.wake(domain);
        }
    }

    /// Adds others of the same transaction.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

/// Makes sure that the team of the system's mail is there and has the configured server. To be called before the
/// transaction in which a mail is sent, and at every start; it does its work once a process.
pub async fn prepare(domain: &Domain) -> Result<()> {
    domain.system_team.get_or_try_init(|| team::make(domain)).await?;
    Ok(())
}

/// Database id of the team of the system's mail, once [`prepare`] was called.
pub fn known_team(domain: &Domain) -> Option<i64> {
    domain.system_team.get().map(|team| team.team_id)
}

/// As [`known_team`], where [`prepare`] must have been called.
pub(crate) fn team_id(domain: &Domain) -> Result<i64> {
    known_team(domain).ok_or_else(|| Error::Internal("the team of the system's mail is not known yet".to_owned()))
}

/// True for the team of the system's mail.
pub fn is_system(domain: &Domain, team_id: i64) -> bool {
    known_team(domain) == Some(team_id)
}

/// True if mails leave this installation, rather than end in its sandbox.
pub fn leaves(domain: &Domain) -> bool {
    domain.settings.mail.server.is_some() || domain.settings.managed_ses.is_some()
}

/// Sends a letter to users. Disabled accounts get none.
pub(crate) async fn to_users(
    tx: &Transaction,
    domain: &Domain,
    user_ids: impl IntoIterator<Item = i64>,
    letter: &Letter,
) -> Result<Mails> {
    let users = users::Entity::find()
        .filter(users::Column::Id.is_in(user_ids))
        .filter(users::Column::DisabledAt.is_null())
        .order_by_asc(users::Column::Id)
        .all(tx)
        .await?;
    let mut mails = Mails::default();
    for user in users {
        mails.extend(to_address(tx, domain, &user.email, letter).await?);
    }
    Ok(mails)
}

/// Sends a letter to the owners of a team.
pub(crate) async fn to_owners(tx: &Transaction, domain: &Domain, team_id: i64, letter: &Letter) -> Result<Mails> {
    let owners = memberships::Entity::find()
        .filter(memberships::Column::TeamId.eq(team_id))
        .filter(memberships::Column::Role.eq(Role::Owner))
        .all(tx)
        .await?;
    to_users(tx, domain, owners.into_iter().map(|owner| owner.user_id), letter).await
}

/// Sends a letter to everybody who operates the installation.
pub(crate) async fn to_operators(tx: &Transaction, domain: &Domain, letter: &Letter) -> Result<Mails> {
    let operators = users::Entity::find()
        .filter(users::Column::IsOperator.eq(true))
        .all(tx)
        .await?;
    to_users(tx, domain, operators.into_iter().map(|user| user.id), letter).await
}

/// Sends a letter to one address; one with a link only within the day's budget. No name stands beside it: whoever signs up
/// or invites would choose it, and so write to strangers through this installation.
pub(crate) async fn to_address(tx: &Transaction, domain: &Domain, email: &str, letter: &Letter) -> Result<Mails> {
    let team = domain
        .system_team
        .get()
        .ok_or_else(|| Error::Internal("a mail of the system was sent before it was prepared".to_owned()))?;
    if letter.has_link {
        accounts::count_mail_with_link(tx, domain).await?;
    }
    let submission = submission(domain, team, email, letter)?;
    Ok(Mails(vec![
        messages::submit_within(tx, domain, submission, letter.has_link).await?,
    ]))
}

fn submission(domain: &Domain, team: &SystemTeam, email: &str, letter: &Letter) -> Result<Submission> {
    let invalid = |what: &str| Error::Internal(format!("a mail of the system: {what}"));
    let from = domain
        .settings
        .mail
        .from
        .clone()
        .unwrap_or_else(|| team.address.clone());
    let from = ValidEmail::parse(&from).map_err(|error| invalid(&error.to_string()))?;
    let to = ValidEmail::parse(email).map_err(|error| invalid(&error.to_string()))?;
    let public_id = new_message_id();
    let now = domain.clock.now();
    let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now.as_millis()) * 1_000_000)
        .map_err(|error| invalid(&error.to_string()))?;
    let outgoing = Outgoing {
        from: Address {
            email: from.to_string(),
            name: Some(SENDER_NAME.to_owned()),
        },
        to: vec![Address {
            email: to.to_string(),
            name: None,
        }],
        cc: Vec::new(),
        bcc: Vec::new(),
        reply_to: Vec::new(),
        subject: letter.subject.clone(),
        html_body: Some(letter.html.clone()),
        text_body: Some(letter.text.clone()),
        // RFC 3834 section 5: nobody's out-of-office is to answer.
        headers: vec![("Auto-Submitted".to_owned(), "auto-generated".to_owned())],
        attachments: Vec::new(),
        message_id: format!("<{public_id}@{}>", domain.settings.message_id_host()),
        date,
    };
    let built = sendmux_mime::build(&outgoing).map_err(|errors| invalid(&format!("{errors:?}")))?;
    Ok(Submission {
        public_id,
        key: Arc::new(KeyContext {
            key_id: 0,
            public_id: String::new(),
            team_id: team.team_id,
            lane_id: team.lane_id,
            mode: Mode::Live,
            permissions: Vec::new(),
        }),
        source: Source::System,
        origin: Origin::default(),
        subject: letter.subject.clone(),
        from_email: from.to_string(),
        from_name: SENDER_NAME.to_owned(),
        return_path: Some(from.to_string()),
        header_message_id: outgoing.message_id,
        recipients: vec![NewRecipient {
            field: RecipientField::To,
            address: to.to_string(),
            name: String::new(),
        }],
        content: built.raw.into(),
        smtputf8: built.smtputf8,
    })
}
