//! Connection tests, for the button in the dashboard and the API.

use crate::channel;
use crate::services::Services;
use async_trait::async_trait;
use sendmux_domain::Domain;
use sendmux_domain::providers::{ConnectionTester, ProviderConnection, SesAccount, TestResult, TestStep};
use sendmux_domain::settings::SesAccess;

/// Tests connections with the connectors that deliver.
#[derive(Debug)]
pub struct Tester {
    domain: Domain,
    services: Services,
}

impl Tester {
    /// A tester for the providers of this domain.
    pub fn new(domain: Domain, services: Services) -> Self {
        Self { domain, services }
    }
}

#[async_trait]
impl ConnectionTester for Tester {
    async fn test(&self, provider: &ProviderConnection) -> TestResult {
        // A connector of its own: a test says nothing of pooled connections, and must not disturb them.
        match channel::open(&self.domain, &self.services, provider).await {
            Ok(channel::Channel::Connector(connector)) => {
                let report = connector.test().await;
                connector.close().await;
                TestResult {
                    ok: report.ok,
                    steps: report
                        .steps
                        .into_iter()
                        .map(|step| TestStep {
                            name: step.name.to_owned(),
                            ok: step.ok,
                            detail: step.detail,
                        })
                        .collect(),
                    class: report.class,
                    advice: report.advice,
                }
            }
            Ok(channel::Channel::Sandbox { .. }) => TestResult {
                ok: true,
                steps: vec![TestStep {
                    name: "sandbox".to_owned(),
                    ok: true,
                    detail: "What goes here is kept in the sandbox; there is no server to reach.".to_owned(),
                }],
                class: None,
                advice: None,
            },
            Err(error) => TestResult {
                ok: false,
                steps: Vec::new(),
                class: None,
                advice: Some(error.to_string()),
            },
        }
    }

    async fn ses_account(&self, access: &SesAccess, of_installation: bool) -> Result<SesAccount, String> {
        let account = self.services.account(access, of_installation).quota().await;
        let account = account.map_err(|fault| fault.to_string())?;
        Ok(SesAccount {
            max_in_24_hours: account.max_24h,
            sent_in_24_hours: account.sent_24h,
            max_a_second: account.max_rate,
            sending_enabled: account.sending_enabled,
            production_access: account.production_access,
            standing: account.enforcement_status,
        })
    }
}
