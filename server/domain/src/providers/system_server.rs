//! The mail server of the configuration, as the provider of the team that the system's mail belongs to.

use super::kinds::Configuration;
use super::kinds::smtp::{SmtpConfig, SmtpTimeouts};
use super::rows::{NewProvider, change};
use super::secret;
use crate::Domain;
use crate::db::Transaction;
use crate::entities::providers;
use crate::error::Result;
use crate::runtime;
use crate::secrets::Secret;
use crate::settings::MailServer;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_rules::{ProviderKind, Timestamp, health};

/// Makes this server the only SMTP provider of the team, or takes it away. A changed one begins with a clean record.
pub(crate) async fn set_system_server(
    tx: &Transaction,
    domain: &Domain,
    team_id: i64,
    server: Option<&MailServer>,
    now: Timestamp,
) -> Result<()> {
    let row = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::Kind.eq(ProviderKind::Smtp))
        .filter(providers::Column::DeletedAt.is_null())
        .one(tx)
        .await?;
    match (row, server) {
        (None, None) => Ok(()),
        (None, Some(server)) => insert(tx, domain, team_id, server, now).await,
        (Some(row), None) => {
            change(&row, now)
                .col_expr(providers::Column::Secret, Expr::value(None::<Vec<u8>>))
                .col_expr(providers::Column::DeletedAt, Expr::value(now))
                .exec(tx)
                .await?;
            Ok(())
        }
        (Some(row), Some(server)) => {
            let configuration = configuration_of(server);
            let password = password_of(server);
            let stored = secret::open(&domain.sealer, &row).ok().flatten();
            let is_same = |stored: &Configuration| *stored == configuration;
            if Configuration::of(&row).as_ref().is_ok_and(is_same) && stored.as_ref() == password {
                return Ok(());
            }
            let (_, config) = configuration.stored()?;
            let secret = sealed(domain, password, &row.public_id)?;
            change(&row, now)
                .col_expr(providers::Column::Config, Expr::value(config))
                .col_expr(providers::Column::Secret, Expr::value(secret))
                .exec(tx)
                .await?;
            let states = runtime::lock(tx, domain.db.backend(), [row.id]).await?;
            for mut state in states.into_values() {
                state.health = health::unblock(state.health).0;
                runtime::save(tx, &state).await?;
            }
            Ok(())
        }
    }
}

async fn insert(tx: &Transaction, domain: &Domain, team_id: i64, server: &MailServer, now: Timestamp) -> Result<()> {
    let mut new = NewProvider::new("Mail server".to_owned(), &configuration_of(server))?;
    new.secret = sealed(domain, password_of(server), &new.public_id)?;
    new.insert(tx, team_id, now).await?;
    Ok(())
}

fn configuration_of(server: &MailServer) -> Configuration {
    let username = server.credentials.as_ref().map(|(username, _)| username.clone());
    Configuration::Smtp(SmtpConfig {
        host: server.host.clone(),
        port: server.port,
        security: server.security,
        username: username.unwrap_or_default(),
        helo_name: None,
        timeouts: SmtpTimeouts::default(),
    })
}

fn password_of(server: &MailServer) -> Option<&Secret> {
    server.credentials.as_ref().map(|(_, password)| password)
}

fn sealed(domain: &Domain, password: Option<&Secret>, public_id: &str) -> Result<Option<Vec<u8>>> {
    password
        .map(|password| secret::seal(&domain.sealer, password, public_id))
        .transpose()
}
