//! Connection tests: reach the provider and log in, without sending anything.

use super::connection::{ProviderConnection, connection_of};
use super::health;
use super::kinds::ses::SesAccount;
use super::rows::{NOT_FOUND, of_team};
use super::test_result::{LastTest, TestResult, TestStep};
use crate::actor::Actor;
use crate::db::{DbBackend, Transaction};
use crate::entities::{provider_runtime, providers};
use crate::error::{Error, Result};
use crate::settings::SesAccess;
use crate::{Domain, audit, queue};
use async_trait::async_trait;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::{Class, HealthEvent, ProviderKind, Timestamp};
use serde_json::json;
use std::fmt::Debug;
use std::time::Duration;

/// A test that has not ended by then has failed: somebody is waiting for it.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Tests at once in one process, however many are asked for.
pub(crate) const TESTS_AT_ONCE: usize = 8;

/// Most time that a test waits for its turn.
const TURN: Duration = Duration::from_secs(30);

/// Tests connections; the program that holds the connectors brings one ([`Domain::set_tester`]).
#[async_trait]
pub trait ConnectionTester: Debug + Send + Sync + 'static {
    /// Goes as far as a message would without sending one.
    async fn test(&self, provider: &ProviderConnection) -> TestResult;

    /// Sending quota of an Amazon SES account, as Amazon reports it: a team's, or the installation's own.
    ///
    /// # Errors
    /// Amazon's refusal, or the reason that it could not be asked.
    async fn ses_account(&self, access: &SesAccess, of_installation: bool) -> Result<SesAccount, String> {
        let _ = (access, of_installation);
        Err("accounts cannot be looked at from here".to_owned())
    }
}

/// Tests the connection to a provider of the actor's team and keeps the result. A test that passes ends a block, except
/// for `quota`, about which it says nothing; one that fails for the credentials or the settings pulls the provider from
/// rotation.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Forbidden`]; [`Error::Conflict`] for a mailbox that is not connected;
/// [`Error::Unavailable`] where nothing can test connections. A failed test is no error.
pub async fn test(domain: &Domain, actor: &Actor, public_id: &str) -> Result<TestResult> {
    actor.require_configure()?;
    let row = of_team(actor.team_id, public_id)
        .one(domain.db.read())
        .await?
        .ok_or(NOT_FOUND)?;
    let provider = connection_of(domain, row).await?;
    let result = match provider.kind {
        ProviderKind::Sandbox => TestResult::passed("sandbox", "messages are kept here and never sent"),
        ProviderKind::ManagedSes if domain.tester().is_none() => TestResult::passed(
            "sandbox",
            "the managed route is not set up: its messages are kept in the sandbox",
        ),
        _ => {
            let tester = domain
                .tester()
                .ok_or_else(|| Error::Unavailable("connections cannot be tested from here".to_owned()))?;
            let _turn = tokio::time::timeout(TURN, domain.connection_tests.acquire())
                .await
                .map_err(|_| {
                    Error::Unavailable("many connections are being tested: test again in a moment".to_owned())
                })?;
            tokio::time::timeout(TEST_TIMEOUT, tester.test(&provider))
                .await
                .unwrap_or_else(|_| timed_out())
        }
    };

    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let events = record(&tx, domain, now, &provider, &result).await?;
    let detail = json!({ "ok": result.ok, "class": result.class });
    audit::record(&tx, now, actor, "provider.tested", public_id, detail).await?;
    if !events.is_empty() {
        match provider.kind {
            // Its account is that of all teams.
            ProviderKind::ManagedSes => queue::mark_all_for_requeue(&tx, now).await?,
            _ => queue::mark_for_requeue(&tx, provider.team_id, now).await?,
        }
    }
    tx.commit().await?;
    if !events.is_empty() {
        match provider.kind {
            ProviderKind::ManagedSes => domain.signals.config_changed(),
            _ => domain.signals.team_changed(provider.team_id),
        }
    }
    Ok(result)
}

fn timed_out() -> TestResult {
    TestResult {
        ok: false,
        steps: vec![TestStep {
            name: "connect".to_owned(),
            ok: false,
            detail: format!("no result within {} seconds", TEST_TIMEOUT.as_secs()),
        }],
        class: Some(Class::Connection),
        advice: Some("Check the server's name and port, and whether a firewall is in between.".to_owned()),
    }
}

/// Keeps a test's result and lets it count for the provider's health; gives what changed there. When the settings have
/// changed since the test began, the result is dropped: it tells nothing about the new ones.
async fn record(
    tx: &Transaction,
    domain: &Domain,
    now: Timestamp,
    provider: &ProviderConnection,
    result: &TestResult,
) -> Result<Vec<HealthEvent>> {
    let mut current = providers::Entity::find_by_id(provider.provider_id)
        .filter(providers::Column::Version.eq(provider.version))
        .filter(providers::Column::DeletedAt.is_null());
    if domain.db.backend() == DbBackend::Postgres {
        current = current.lock_shared();
    }
    if current.one(tx).await?.is_none() {
        return Ok(Vec::new());
    }
    let events = health::apply_test(tx, domain, now, provider.provider_id, result).await?;
    health::record_events(tx, domain, now, provider.team_id, provider.provider_id, &events).await?;
    let last = LastTest {
        at: now,
        version: provider.version,
        result: result.clone(),
    };
    let last = serde_json::to_string(&last).map_err(|error| Error::Internal(format!("a test result: {error}")))?;
    provider_runtime::Entity::update_many()
        .col_expr(provider_runtime::Column::LastTest, Expr::value(last))
        .filter(provider_runtime::Column::ProviderId.eq(provider.provider_id))
        .exec(tx)
        .await?;
    Ok(events)
}
