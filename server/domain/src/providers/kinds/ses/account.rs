//! Sending quota of an Amazon SES account, as Amazon reports it, to be shown beside the caps.

use crate::Domain;
use crate::error::{Error, Result};
use crate::providers::Access;
use crate::providers::connection::connection_of;
use crate::providers::rows::{NOT_FOUND, of_team};
use crate::settings::SesAccess;
use parking_lot::Mutex;
use sendmux_rules::Timestamp;
use std::collections::HashMap;
use std::time::Duration;

/// Time for which an answer is shown before Amazon is asked again.
const FRESH: Duration = Duration::from_secs(60);

/// Most time that a page waits for an answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// The most answers that are kept.
const MAX_KEPT: usize = 1_000;

/// Sending quota and usage of an SES account in its region.
#[derive(Clone, Debug, PartialEq)]
pub struct SesAccount {
    /// Recipients in 24 hours; none is no limit.
    pub max_in_24_hours: Option<f64>,
    /// Recipients in the last 24 hours.
    pub sent_in_24_hours: f64,
    /// Recipients a second.
    pub max_a_second: f64,
    /// It may send at all.
    pub sending_enabled: bool,
    /// It may send to everybody; else only to addresses that are verified with it.
    pub production_access: bool,
    /// `HEALTHY`, `PROBATION` or `SHUTDOWN`, when Amazon says.
    pub standing: Option<String>,
}

/// The last answer of each account: by provider and version, or the installation's own.
#[derive(Debug, Default)]
pub(crate) struct SesAccounts(Mutex<HashMap<Whose, (Timestamp, SesAccount)>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Provider(i64, i32),
    Installation,
}

/// The account of an SES provider of this team.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Conflict`] for a provider of another kind; [`Error::Unavailable`] with what Amazon says,
/// or when it does not answer soon.
pub async fn ses_account(domain: &Domain, team_id: i64, public_id: &str) -> Result<SesAccount> {
    let row = of_team(team_id, public_id)
        .one(domain.db.read())
        .await?
        .ok_or(NOT_FOUND)?;
    let provider = connection_of(domain, row).await?;
    let Access::Ses(access) = &provider.access else {
        return Err(Error::Conflict("this provider is no Amazon SES account".to_owned()));
    };
    ask(domain, Whose::Provider(provider.provider_id, provider.version), access).await
}

/// The account that the managed route sends through; none where the installation has none.
///
/// # Errors
/// [`Error::Unavailable`] with what Amazon says, or when it does not answer soon.
pub async fn managed_ses_account(domain: &Domain) -> Result<Option<SesAccount>> {
    match &domain.settings.managed_ses {
        Some(access) => ask(domain, Whose::Installation, access).await.map(Some),
        None => Ok(None),
    }
}

async fn ask(domain: &Domain, whose: Whose, access: &SesAccess) -> Result<SesAccount> {
    let now = domain.clock.now();
    let known = domain.ses_accounts.0.lock().get(&whose).cloned();
    if let Some((at, account)) = known
        && at.is_within(FRESH, now)
    {
        return Ok(account);
    }
    let tester = domain
        .tester()
        .ok_or_else(|| Error::Unavailable("accounts cannot be looked at from here".to_owned()))?;
    let account = tokio::time::timeout(ANSWER_TIMEOUT, tester.ses_account(access, whose == Whose::Installation))
        .await
        .map_err(|_| Error::Unavailable("Amazon SES does not answer".to_owned()))?
        .map_err(Error::Unavailable)?;
    let mut kept = domain.ses_accounts.0.lock();
    if kept.len() >= MAX_KEPT {
        kept.retain(|_, (at, _)| at.is_within(FRESH, now));
    }
    kept.insert(whose, (now, account.clone()));
    Ok(account)
}
