//! The Microsoft 365 kind: an Exchange Online mailbox, through Microsoft Graph.
//!
//! `/me/sendMail` takes the message in base64 as `text/plain`, in a request of 4 MB at most, and answers 202. It has no
//! envelope: it sends to the To, Cc and Bcc headers, as Gmail does. A mailbox takes four calls at a time.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sendmux_rules::ProviderKind;
use tokio::sync::Semaphore;

use super::{MailboxIdentity, Way, prepare, probe};
use crate::connector::{Connector, MayCommit, TestReport};
use crate::http::{Answer, Http};
use crate::job::{SendJob, SendReport};
use crate::oauth::{OAuthService, TokenSource};

/// A Microsoft 365 mailbox's settings. [`GraphSettings::new`] fills in the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphSettings {
    /// Sender that it sends as.
    pub mailbox: MailboxIdentity,
    /// URL of Microsoft Graph, with its version.
    pub api: String,
}

impl GraphSettings {
    /// Settings with Microsoft's own address.
    pub fn new(mailbox: MailboxIdentity) -> Self {
        Self {
            mailbox,
            api: "https://graph.microsoft.com/v1.0".to_owned(),
        }
    }
}

/// A connector to one Microsoft 365 mailbox. Make one for each mailbox and keep it: it counts the calls under way.
pub struct GraphConnector {
    settings: GraphSettings,
    send_url: String,
    identity_url: String,
    tokens: Arc<dyn TokenSource>,
    http: Http,
    slots: Semaphore,
}

impl fmt::Debug for GraphConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphConnector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl GraphConnector {
    /// Prepares a connector; nothing is connected to yet.
    pub fn new(settings: GraphSettings, tokens: Arc<dyn TokenSource>, http: Http) -> Self {
        let api = settings.api.trim_end_matches('/');
        let calls = ProviderKind::Microsoft365.capability().max_concurrent;
        let slots = calls.and_then(|calls| usize::try_from(calls).ok());
        Self {
            send_url: format!("{api}/me/sendMail"),
            identity_url: format!("{api}/me"),
            settings,
            tokens,
            http,
            slots: Semaphore::new(slots.unwrap_or(Semaphore::MAX_PERMITS)),
        }
    }
}

#[async_trait]
impl Connector for GraphConnector {
    async fn send_if(&self, job: &SendJob, may_commit: MayCommit<'_>) -> SendReport {
        let body = match prepare(ProviderKind::Microsoft365, &self.settings.mailbox, job) {
            Ok(raw) => STANDARD.encode(raw).into(),
            Err(fault) => return fault.report(job),
        };
        let way = Way {
            kind: ProviderKind::Microsoft365,
            url: &self.send_url,
            content_type: "text/plain",
            http: &self.http,
            tokens: &*self.tokens,
        };
        // The semaphore is never closed, so there always is a slot.
        let _slot = self.slots.acquire().await.ok();
        way.send(job, body, may_commit, request_id).await
    }

    async fn test(&self) -> TestReport {
        probe(
            OAuthService::Microsoft,
            &self.settings.mailbox,
            &self.identity_url,
            &*self.tokens,
            &self.http,
        )
        .await
    }

    /// Connections belong to the client, which other connectors use too, and are dropped when they stay idle.
    async fn close(&self) {}
}

/// Graph says nothing of the message, but gives each request an id that its support can look up.
fn request_id(answer: &Answer) -> Option<String> {
    answer.header("request-id").map(str::to_owned)
}
