//! The team that the system's mail belongs to, and what it sends through.

use crate::accounts::provision_system_team;
use crate::context::Domain;
use crate::db::Transaction;
use crate::entities::{providers, settings};
use crate::error::{Error, Result};
use crate::lanes::{self, ScopeKind};
use crate::operator::Operator;
use crate::providers::{self as provider_domain, ProviderView, TestResult};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, TryInsertResult};
use sendmux_rules::{Mode, ProviderKind, Timestamp};

/// The row of `settings` with the team's id.
const SYSTEM_TEAM: &str = "system_team";

/// The team of the system's mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SystemTeam {
    pub team_id: i64,
    /// The lane of everything it may send through.
    pub lane_id: i64,
    /// Its address on the managed route.
    pub address: String,
}

/// Finds the team, or makes it, and brings its mail server up to date with the configuration.
pub(super) async fn make(domain: &Domain) -> Result<SystemTeam> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let team_id = find_or_make(&tx, now).await?;
    provider_domain::set_system_server(&tx, domain, team_id, domain.settings.mail.server.as_ref(), now).await?;
    let lane_id = lanes::intern(&tx, team_id, Mode::Live, ScopeKind::All, &[]).await?;
    tx.commit().await?;
    domain.signals.team_changed(team_id);
    Ok(SystemTeam {
        team_id,
        lane_id,
        address: crate::accounts::managed_address(domain, team_id).await?,
    })
}

/// Finds the team, or makes it. Of two nodes that ask at once, the second waits for the first to commit, and finds its team.
async fn find_or_make(tx: &Transaction, now: Timestamp) -> Result<i64> {
    let row = settings::ActiveModel {
        name: Set(SYSTEM_TEAM.to_owned()),
        value: Set(String::new()),
        updated_at: Set(now),
    };
    let inserted = settings::Entity::insert(row)
        .on_conflict_do_nothing_on([settings::Column::Name])
        .exec_without_returning(tx)
        .await?;
    if matches!(inserted, TryInsertResult::Inserted(1..)) {
        let team = provision_system_team(tx, now).await?;
        settings::Entity::update_many()
            .col_expr(settings::Column::Value, Expr::value(team.id.to_string()))
            .filter(settings::Column::Name.eq(SYSTEM_TEAM))
            .exec(tx)
            .await?;
        return Ok(team.id);
    }
    let found = settings::Entity::find_by_id(SYSTEM_TEAM).one(tx).await?;
    found
        .and_then(|row| row.value.parse().ok())
        .ok_or_else(|| Error::Internal("the setting system_team names no team".to_owned()))
}

/// Route of the system's mail.
#[derive(Clone, Debug, PartialEq)]
pub enum Via {
    /// The server of the configuration.
    Server(Box<ProviderView>),
    /// The managed route.
    ManagedRoute,
    /// The sandbox, where the operator reads it.
    Sandbox,
}

/// Puts the mail server of the configuration back into rotation, with a clean record.
///
/// # Errors
/// [`Error::NotFound`] when none is configured.
pub async fn unblock_server(domain: &Domain, operator: &Operator) -> Result<()> {
    let (team_id, server) = server(domain).await?;
    provider_domain::unblock(domain, &operator.actor(team_id), &server).await
}

/// Tests the connection to the mail server of the configuration; one that works ends a block.
///
/// # Errors
/// [`Error::NotFound`] when none is configured; [`Error::Unavailable`] where nothing can test connections.
pub async fn test_server(domain: &Domain, operator: &Operator) -> Result<TestResult> {
    let (team_id, server) = server(domain).await?;
    provider_domain::test(domain, &operator.actor(team_id), &server).await
}

/// The team, and the public id of the mail server of the configuration.
async fn server(domain: &Domain) -> Result<(i64, String)> {
    match via(domain).await? {
        Via::Server(view) => Ok((super::team_id(domain)?, view.public_id)),
        Via::ManagedRoute | Via::Sandbox => Err(Error::NotFound("mail server")),
    }
}

/// Route of the system's mail now.
pub async fn via(domain: &Domain) -> Result<Via> {
    super::prepare(domain).await?;
    if let Some(team_id) = super::known_team(domain)
        && domain.settings.mail.server.is_some()
    {
        let row = providers::Entity::find()
            .filter(providers::Column::TeamId.eq(team_id))
            .filter(providers::Column::Kind.eq(ProviderKind::Smtp))
            .filter(providers::Column::DeletedAt.is_null())
            .one(domain.db.read())
            .await?;
        if let Some(row) = row {
            let view = provider_domain::get(domain, team_id, &row.public_id).await?;
            return Ok(Via::Server(Box::new(view)));
        }
    }
    Ok(match domain.settings.managed_ses {
        Some(_) => Via::ManagedRoute,
        None => Via::Sandbox,
    })
}
