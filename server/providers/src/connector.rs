//! Interface of every provider kind.

use async_trait::async_trait;
use sendmux_rules::Class;

use crate::job::{SendJob, SendReport};

/// Asked immediately before the step after which a message cannot be called back (the final dot of SMTP, the last byte
/// of an HTTP request). `false` abandons the attempt: the provider gets nothing.
pub type MayCommit<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// A configured provider: an account that messages can be handed to.
#[async_trait]
pub trait Connector: Send + Sync + 'static {
    /// Hands the message to the provider once.
    ///
    /// Every fault is an outcome in the report. A caller that drops the future does not know what became of the
    /// message.
    async fn send(&self, job: &SendJob) -> SendReport {
        self.send_if(job, &|| true).await
    }

    /// Like [`Connector::send`], but `may_commit` is asked before the point of no return, for example whether the
    /// caller still holds the lease on the message.
    async fn send_if(&self, job: &SendJob, may_commit: MayCommit<'_>) -> SendReport;

    /// Goes as far as a message would without sending one: reaches the server, signs in and takes leave.
    async fn test(&self) -> TestReport;

    /// Takes leave on idle connections and drops them. Sends that are under way finish, and keep nothing open.
    async fn close(&self);
}

/// Report of a connection test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// All steps passed.
    pub ok: bool,
    /// The steps in the order in which they were taken; the last is the one that failed, when one did.
    pub steps: Vec<TestStep>,
    /// The class of the failure.
    pub class: Option<Class>,
    /// Advice on the failure, or a caution in spite of success, in plain language.
    pub advice: Option<String>,
}

impl TestReport {
    /// Every step passed, and there is nothing to say.
    pub fn passed(steps: Vec<TestStep>) -> Self {
        Self {
            ok: true,
            steps,
            class: None,
            advice: None,
        }
    }
}

/// One step of a connection test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestStep {
    /// SMTP: `connect`, `tls`, `ehlo`, `auth` or `noop`. Mailboxes: `token` or `auth`. SES: `settings`, `auth` or
    /// `account`.
    pub name: &'static str,
    /// The step passed.
    pub ok: bool,
    /// Observation, in plain language. Holds no credentials.
    pub detail: String,
}
