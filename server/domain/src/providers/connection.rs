//! Connection settings of a provider, with its credentials in clear.

use super::mailbox::{self, MailboxConfig};
use super::ses::SesConfig;
use super::smtp::{SmtpConfig, SmtpSecurity, SmtpTimeouts};
use crate::Domain;
use crate::db::Db;
use crate::entities::{mailboxes, providers};
use crate::error::{Error, Result};
use crate::secrets::{Sealer, Secret};
use crate::settings::SesAccess;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::ProviderKind;

/// A provider as those see it who connect to it. Debug shows no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConnection {
    /// Database id.
    pub provider_id: i64,
    /// Public id (`prv_…`), for logs.
    pub public_id: String,
    /// Its team.
    pub team_id: i64,
    /// What it is called.
    pub name: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// The version of these settings: connections made with another are outdated.
    pub version: i32,
    /// What it takes to connect.
    pub access: Access,
}

/// What it takes to connect to a provider, by its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// An SMTP server.
    Smtp(SmtpConnection),
    /// A mailbox, through [`access_token`](super::access_token).
    Mailbox(MailboxAccess),
    /// An Amazon SES account of the team.
    Ses(SesAccess),
    /// The managed route and the sandbox: nothing that the team has.
    Installation,
}

/// A connected mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxAccess {
    /// Its address.
    pub email: String,
    /// Other addresses of its own.
    pub aliases: Vec<String>,
}

/// What it takes to connect to an SMTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpConnection {
    /// The server's name, as A-labels, or its address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// User name and password; none where there is no login.
    pub credentials: Option<(String, Secret)>,
    /// The name in EHLO; none where nothing has one, for an address in brackets.
    pub helo_name: Option<String>,
    /// How long it may take.
    pub timeouts: SmtpTimeouts,
}

/// What it takes to connect to a provider, by its database id, whichever team it belongs to and whether or not it is
/// switched on.
///
/// # Errors
/// [`Error::NotFound`] when it was deleted; [`Error::Conflict`] for a mailbox that is not connected;
/// [`Error::Internal`] when its credentials do not open.
pub async fn connection(domain: &Domain, provider_id: i64) -> Result<ProviderConnection> {
    let row = providers::Entity::find_by_id(provider_id)
        .filter(providers::Column::DeletedAt.is_null())
        .one(domain.db.read())
        .await?
        .ok_or(super::NOT_FOUND)?;
    connection_of(domain, row).await
}

pub(super) async fn connection_of(domain: &Domain, row: providers::Model) -> Result<ProviderConnection> {
    let sealer = &domain.sealer;
    let kind = super::kind_of(&row)?;
    let access = match kind {
        ProviderKind::Smtp => {
            let SmtpConfig {
                host,
                port,
                security,
                username,
                helo_name,
                timeouts,
            } = SmtpConfig::parse(&row.config)?;
            let credentials = match &row.secret {
                Some(sealed) => Some((username, open(sealer, sealed, &row.public_id)?)),
                None => None,
            };
            Access::Smtp(SmtpConnection {
                host,
                port,
                security,
                credentials,
                helo_name: helo_name.or_else(|| domain.settings.helo_name()),
                timeouts,
            })
        }
        ProviderKind::Ses => {
            let sealed = row
                .secret
                .as_deref()
                .ok_or_else(|| Error::Internal(format!("{} has no secret", row.public_id)))?;
            Access::Ses(SesConfig::parse(&row.config)?.access(open(sealer, sealed, &row.public_id)?))
        }
        ProviderKind::Gmail | ProviderKind::Microsoft365 => {
            let mailbox = mailboxes::Entity::find_by_id(row.id).one(domain.db.read()).await?;
            let mailbox = mailbox.ok_or_else(|| Error::Conflict("this mailbox is not connected yet".to_owned()))?;
            Access::Mailbox(MailboxAccess {
                email: mailbox.email,
                aliases: MailboxConfig::parse(&row.config)?.aliases,
            })
        }
        ProviderKind::ManagedSes | ProviderKind::Sandbox => Access::Installation,
    };
    Ok(ProviderConnection {
        provider_id: row.id,
        public_id: row.public_id,
        team_id: row.team_id,
        name: row.name,
        kind,
        version: row.version,
        access,
    })
}

/// Whether there are credentials that only the secret key opens.
///
/// # Errors
/// What the database says.
pub async fn any_sealed(db: &Db) -> Result<bool> {
    let password = providers::Entity::find()
        .filter(providers::Column::Secret.is_not_null())
        .select_only()
        .column(providers::Column::Id)
        .into_tuple::<i64>()
        .one(db.read())
        .await?;
    if password.is_some() {
        return Ok(true);
    }
    let mailbox = mailboxes::Entity::find()
        .select_only()
        .column(mailboxes::Column::ProviderId)
        .into_tuple::<i64>()
        .one(db.read())
        .await?;
    Ok(mailbox.is_some())
}

/// Seals anew what an older key sealed, and gives how many providers that were. To be called at every start: afterwards
/// keys but the first are needed no more.
///
/// # Errors
/// [`Error::Internal`] when credentials do not open with any key.
pub async fn reseal(domain: &Domain) -> Result<u64> {
    let sealed = providers::Entity::find()
        .filter(providers::Column::Secret.is_not_null())
        .all(domain.db.read())
        .await?;
    let mut count = mailbox::reseal(domain).await?;
    for row in sealed {
        let Some(old) = row.secret.filter(|secret| !domain.sealer.is_current(secret)) else {
            continue;
        };
        let new = seal(
            &domain.sealer,
            &open(&domain.sealer, &old, &row.public_id)?,
            &row.public_id,
        )?;
        let tx = domain.db.begin().await?;
        // A password that was changed in the meantime stays changed.
        let updated = providers::Entity::update_many()
            .col_expr(providers::Column::Secret, Expr::value(new))
            .filter(providers::Column::Id.eq(row.id))
            .filter(providers::Column::Secret.eq(old))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        count += updated.rows_affected;
    }
    Ok(count)
}

/// Seals a password so that it opens in the row of this provider alone.
pub(super) fn seal(sealer: &Sealer, password: &Secret, public_id: &str) -> Result<Vec<u8>> {
    sealer.seal(password.expose().as_bytes(), &place(public_id))
}

fn open(sealer: &Sealer, sealed: &[u8], public_id: &str) -> Result<Secret> {
    let password = sealer.open(sealed, &place(public_id))?;
    String::from_utf8(password)
        .map(Secret::from)
        .map_err(|_| Error::Internal(format!("the secret of {public_id} is no text")))
}

fn place(public_id: &str) -> String {
    format!("providers.secret/{public_id}")
}
