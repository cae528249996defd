//! The mail server of the configuration, as the provider of the team that the system's mail belongs to.

use super::connection::{Access, connection_of, seal};
use super::manage::{change, json_of};
use super::smtp::{SmtpConfig, SmtpTimeouts};
use super::view::ProviderStatus;
use crate::Domain;
use crate::accounts::insert_runtime;
use crate::db::Transaction;
use crate::entities::providers;
use crate::error::Result;
use crate::ids::IdKind;
use crate::runtime;
use crate::settings::MailServer;
use sea_orm::ActiveValue::{NotSet, Set};
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
        .filter(providers::Column::Kind.eq(ProviderKind::Smtp.as_str()))
        .filter(providers::Column::DeletedAt.is_null())
        .one(tx)
        .await?;
    match (row, server) {
        (None, None) => Ok(()),
        (None, Some(server)) => insert(tx, domain, team_id, server, now).await,
        (Some(row), None) => {
            change(&row, now)
                .col_expr(providers::Column::Secret, Expr::value(None::<Vec<u8>>))
                .col_expr(providers::Column::DeletedAt, Expr::value(now.as_millis()))
                .exec(tx)
                .await?;
            Ok(())
        }
        (Some(row), Some(server)) => {
            let config = json_of(&config_of(server))?;
            let password = server.credentials.as_ref().map(|(_, password)| password.expose());
            let stored = match connection_of(domain, row.clone())
                .await
                .map(|connection| connection.access)
            {
                Ok(Access::Smtp(smtp)) => smtp.credentials,
                _ => None,
            };
            let same = row.config == config && stored.as_ref().map(|(_, password)| password.expose()) == password;
            if same {
                return Ok(());
            }
            let secret = secret_of(domain, server, &row.public_id)?;
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
    let public_id = IdKind::Provider.generate();
    let row = providers::ActiveModel {
        id: NotSet,
        public_id: Set(public_id.clone()),
        team_id: Set(team_id),
        kind: Set(ProviderKind::Smtp.as_str().to_owned()),
        name: Set("Mail server".to_owned()),
        status: Set(ProviderStatus::Active.as_str().to_owned()),
        weight: Set(None),
        cap_second: Set(None),
        cap_minute: Set(None),
        cap_hour: Set(None),
        cap_day: Set(None),
        config: Set(json_of(&config_of(server))?),
        secret: Set(secret_of(domain, server, &public_id)?),
        version: Set(1),
        created_at: Set(now.as_millis()),
        updated_at: Set(now.as_millis()),
        deleted_at: Set(None),
    };
    let provider_id = providers::Entity::insert(row).exec(tx).await?.last_insert_id;
    insert_runtime(tx, provider_id, ProviderKind::Smtp).await
}

fn config_of(server: &MailServer) -> SmtpConfig {
    SmtpConfig {
        host: server.host.clone(),
        port: server.port,
        security: server.security,
        username: server
            .credentials
            .as_ref()
            .map(|(username, _)| username.clone())
            .unwrap_or_default(),
        helo_name: None,
        timeouts: SmtpTimeouts::default(),
    }
}

fn secret_of(domain: &Domain, server: &MailServer, public_id: &str) -> Result<Option<Vec<u8>>> {
    server
        .credentials
        .as_ref()
        .map(|(_, password)| seal(&domain.sealer, password, public_id))
        .transpose()
}
