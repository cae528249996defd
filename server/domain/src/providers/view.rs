//! What people see of a provider.

use super::connection_test::LastTest;
use super::smtp::{SmtpConfig, SmtpSecurity};
use crate::Domain;
use crate::entities::{provider_runtime, providers};
use crate::error::{Error, Result};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::caps::{Caps, DayRule, Usage, Used};
use sendmux_rules::{Block, Health, ProviderKind, Timestamp};
use serde::de::DeserializeOwned;
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

/// Whether a provider is switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderStatus {
    /// It is; it may be blocked or paused all the same.
    Active,
    /// It is not.
    Inactive,
    /// It is not yet authorised, and cannot be switched on.
    Pending,
}

impl ProviderStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Pending];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }
}

impl fmt::Display for ProviderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ProviderStatus {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == name)
            .ok_or_else(|| Error::Internal(format!("{name:?} is no status of a provider")))
    }
}

/// A provider, with its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderView {
    /// Database id.
    pub id: i64,
    /// Public id (`prv_…`).
    pub public_id: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// What it is called.
    pub name: String,
    /// Whether it is switched on.
    pub status: ProviderStatus,
    /// The weight outside groups; none is 100.
    pub weight: Option<u32>,
    /// The most that goes through it.
    pub caps: Caps,
    /// What went through it in the windows that count now.
    pub used: Used,
    /// The settings of an SMTP provider, without its password.
    pub smtp: Option<SmtpConfigView>,
    /// Why it is pulled from rotation now.
    pub block: Option<Block>,
    /// Until when it is left alone, as it asked.
    pub paused_until: Option<Timestamp>,
    /// When a message was last handed to it.
    pub last_used_at: Option<Timestamp>,
    /// How the last connection test went.
    pub last_test: Option<LastTest>,
    /// Raised by every change; an edit says which one it was made on.
    pub version: i32,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its settings were last changed.
    pub updated_at: Timestamp,
    /// Run by the operator of the installation: the team can only switch it on and off.
    pub managed: bool,
}

/// The settings of an SMTP provider, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpConfigView {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// The user name; empty where there is no login.
    pub username: String,
    /// A password is stored.
    pub has_password: bool,
}

/// The providers of a team in the order in which they were added, the managed route and the sandbox first.
pub async fn list(domain: &Domain, team_id: i64) -> Result<Vec<ProviderView>> {
    let db = domain.db.read();
    let rows = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .order_by_asc(providers::Column::Id)
        .all(db)
        .await?;
    let mut states: HashMap<i64, provider_runtime::Model> = provider_runtime::Entity::find()
        .filter(provider_runtime::Column::ProviderId.is_in(rows.iter().map(|row| row.id)))
        .all(db)
        .await?
        .into_iter()
        .map(|state| (state.provider_id, state))
        .collect();
    let now = domain.clock.now();
    rows.into_iter()
        .map(|row| view(states.remove(&row.id), row, now))
        .collect()
}

/// One provider of a team.
///
/// # Errors
/// [`Error::NotFound`], for those of other teams too.
pub async fn get(domain: &Domain, team_id: i64, public_id: &str) -> Result<ProviderView> {
    let db = domain.db.read();
    let row = super::of_team(team_id, public_id)
        .one(db)
        .await?
        .ok_or(super::NOT_FOUND)?;
    let state = provider_runtime::Entity::find_by_id(row.id).one(db).await?;
    view(state, row, domain.clock.now())
}

fn view(state: Option<provider_runtime::Model>, row: providers::Model, now: Timestamp) -> Result<ProviderView> {
    let kind = super::kind_of(&row)?;
    let state = state.as_ref();
    let (id, caps) = (row.public_id.as_str(), caps_of(&row, kind));
    let health: Health = state
        .and_then(|state| readable(id, "health", &state.health))
        .unwrap_or_default();
    let usage: Usage = state
        .and_then(|state| readable(id, "usage", &state.usage))
        .unwrap_or_default();
    let smtp = match kind {
        ProviderKind::Smtp => {
            let SmtpConfig {
                host,
                port,
                security,
                username,
            } = SmtpConfig::parse(&row.config)?;
            Some(SmtpConfigView {
                host,
                port,
                security,
                username,
                has_password: row.secret.is_some(),
            })
        }
        _ => None,
    };
    Ok(ProviderView {
        kind,
        status: row.status.parse()?,
        weight: row.weight.map(|weight| u32::try_from(weight).unwrap_or(0)),
        used: usage.used(caps.day_rule, now),
        caps,
        smtp,
        block: health.block_at(now).cloned(),
        paused_until: health.pause_at(now).map(|pause| pause.until),
        last_used_at: state.and_then(|state| state.last_used_at).map(Timestamp::from_millis),
        last_test: state.and_then(|state| readable(id, "last_test", state.last_test.as_deref()?)),
        version: row.version,
        created_at: Timestamp::from_millis(row.created_at),
        updated_at: Timestamp::from_millis(row.updated_at),
        managed: kind == ProviderKind::ManagedSes,
        id: row.id,
        public_id: row.public_id,
        name: row.name,
    })
}

/// State that cannot be read is left out of the view: the page that would let somebody mend it must still open.
fn readable<T: DeserializeOwned>(provider: &str, column: &str, stored: &str) -> Option<T> {
    serde_json::from_str(stored)
        .inspect_err(|error| tracing::error!(provider, column, %error, "the state of a provider cannot be read"))
        .ok()
}

fn caps_of(row: &providers::Model, kind: ProviderKind) -> Caps {
    let cap = |stored: Option<i32>| stored.map(|cap| u32::try_from(cap).unwrap_or(0));
    Caps {
        second: cap(row.cap_second),
        minute: cap(row.cap_minute),
        hour: cap(row.cap_hour),
        day: cap(row.cap_day),
        day_rule: if kind == ProviderKind::ManagedSes {
            DayRule::UtcDay
        } else {
            DayRule::Rolling
        },
    }
}
