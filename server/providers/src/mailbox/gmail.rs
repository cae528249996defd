//! The Gmail kind: a Gmail or Google Workspace mailbox, through the Gmail API.
//!
//! `users.messages.send` takes the message as it is at its upload address, up to 36,700,160 bytes. It has no envelope:
//! it sends to the To, Cc and Bcc headers, and takes the Bcc header out. So recipients that stand in no header get one,
//! and a message whose headers name anybody else is for other providers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use sendmux_rules::ProviderKind;
use serde::Deserialize;

use super::{MailboxIdentity, Way, prepare, probe};
use crate::connector::{Connector, MayCommit, TestReport};
use crate::http::{Answer, Http};
use crate::job::{SendJob, SendReport};
use crate::oauth::{OAuthEndpoints, OAuthService, TokenSource};

/// A Gmail mailbox's settings. [`GmailSettings::new`] fills in the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GmailSettings {
    /// Sender that it sends as.
    pub mailbox: MailboxIdentity,
    /// URL of the Gmail API.
    pub api: String,
    /// URL at which Google names the account of a token: [`OAuthEndpoints::identity`].
    pub identity: String,
}

impl GmailSettings {
    /// Settings with Google's own addresses.
    pub fn new(mailbox: MailboxIdentity) -> Self {
        Self {
            mailbox,
            api: "https://gmail.googleapis.com".to_owned(),
            identity: OAuthEndpoints::google().identity,
        }
    }
}

/// A connector to one Gmail mailbox.
pub struct GmailConnector {
    settings: GmailSettings,
    send_url: String,
    tokens: Arc<dyn TokenSource>,
    http: Http,
}

impl fmt::Debug for GmailConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GmailConnector")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl GmailConnector {
    /// Prepares a connector; nothing is connected to yet.
    pub fn new(settings: GmailSettings, tokens: Arc<dyn TokenSource>, http: Http) -> Self {
        let api = settings.api.trim_end_matches('/');
        Self {
            send_url: format!("{api}/upload/gmail/v1/users/me/messages/send?uploadType=media"),
            settings,
            tokens,
            http,
        }
    }
}

#[async_trait]
impl Connector for GmailConnector {
    async fn send_if(&self, job: &SendJob, may_commit: MayCommit<'_>) -> SendReport {
        let body = match prepare(ProviderKind::Gmail, &self.settings.mailbox, job) {
            Ok(body) => body,
            Err(fault) => return fault.report(job),
        };
        let way = Way {
            kind: ProviderKind::Gmail,
            url: &self.send_url,
            content_type: "message/rfc822",
            http: &self.http,
            tokens: &*self.tokens,
        };
        way.send(job, body, may_commit, message_id).await
    }

    async fn test(&self) -> TestReport {
        probe(
            OAuthService::Google,
            &self.settings.mailbox,
            &self.settings.identity,
            &*self.tokens,
            &self.http,
        )
        .await
    }

    /// Connections belong to the client, which other connectors use too, and are dropped when they stay idle.
    async fn close(&self) {}
}

/// The `id` of the Message resource that Gmail answers with.
fn message_id(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Message {
        id: String,
    }
    answer.json().map(|message: Message| message.id)
}
