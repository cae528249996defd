//! Results of connection tests.

use sendmux_rules::{Class, Timestamp};
use serde::{Deserialize, Serialize};

/// Result of a connection test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestResult {
    /// All steps passed.
    pub ok: bool,
    /// The steps in the order in which they were taken; the last is the one that failed, when one did.
    pub steps: Vec<TestStep>,
    /// The class of the failure. `auth` and `config` pull the provider from rotation.
    #[serde(default)]
    pub class: Option<Class>,
    /// Advice on the failure, in plain words.
    #[serde(default)]
    pub advice: Option<String>,
}

/// One step of a connection test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStep {
    /// Name: `connect`, `tls`, `auth`.
    pub name: String,
    /// It worked.
    pub ok: bool,
    /// Observation; holds no credentials.
    pub detail: String,
}

/// The last connection test of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastTest {
    /// End of the test.
    pub at: Timestamp,
    /// Version of the settings that it tested: with a later one it may end otherwise.
    pub version: i32,
    /// Its result.
    #[serde(flatten)]
    pub result: TestResult,
}

impl TestResult {
    pub(super) fn passed(step: &str, detail: &str) -> Self {
        let step = TestStep {
            name: step.to_owned(),
            ok: true,
            detail: detail.to_owned(),
        };
        Self {
            ok: true,
            steps: vec![step],
            class: None,
            advice: None,
        }
    }

    /// The failure in one line, for the reason of a block.
    pub(super) fn cause(&self) -> String {
        let failed = self.steps.iter().rev().find(|step| !step.ok);
        match failed {
            Some(step) if !step.detail.is_empty() => format!("connection test, {}: {}", step.name, step.detail),
            Some(step) => format!("connection test failed at {}", step.name),
            None => "connection test failed".to_owned(),
        }
    }
}
