//! Actions on the connection of a mailbox or of an Amazon SES account, and their results.

use super::api::{CONNECTION, DisconnectMailbox, PROVIDER, SaveMailbox, SaveSes, get_ses_facts, get_ways_to_add};
use super::model::{SesFacts, WaysToAdd};
use crate::components::{Form, use_form};
use crate::model::AppError;
use leptos::prelude::*;

/// The actions of the kinds that are more than a server's name.
#[derive(Clone, Copy)]
pub struct ConnectActions {
    /// Changes an Amazon SES account.
    pub save_ses: ServerAction<SaveSes>,
    /// Its reply.
    pub saved_ses: Form,
    /// Changes a mailbox.
    pub save_mailbox: ServerAction<SaveMailbox>,
    /// Its reply.
    pub saved_mailbox: Form,
    /// Disconnects a mailbox.
    pub disconnect: ServerAction<DisconnectMailbox>,
    /// Its reply, or that of a sign-in that came back.
    pub connection: Form,
}

impl ConnectActions {
    /// The actions of one page.
    pub fn new() -> Self {
        let (save_ses, save_mailbox, disconnect) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
        Self {
            save_ses,
            saved_ses: use_form(PROVIDER, save_ses),
            save_mailbox,
            saved_mailbox: use_form(PROVIDER, save_mailbox),
            disconnect,
            connection: use_form(CONNECTION, disconnect),
        }
    }

    /// Grows with every action that was done, so that what is shown is fetched again.
    pub fn version(self) -> usize {
        self.save_ses.version().get() + self.save_mailbox.version().get() + self.disconnect.version().get()
    }
}

/// Data of the page of a mailbox or of an Amazon SES account beside its settings.
///
/// It is asked for where the page begins: of what is asked for by a part that itself waits, server and browser may count
/// differently, and then scripts cannot take the page over.
#[derive(Clone, Copy)]
pub struct ConnectFacts {
    /// Ways in which providers can be added here, and their faults.
    pub ways: Resource<Result<WaysToAdd, AppError>>,
    /// Facts about an Amazon SES account; none of other kinds.
    pub ses: Resource<Option<SesFacts>>,
}

impl ConnectFacts {
    /// Of the provider with the id that `asked` gives; asked for again whenever that changes.
    pub fn new(asked: impl Fn() -> (String, usize) + Copy + Send + Sync + 'static) -> Self {
        Self {
            ways: Resource::new(asked, |_| get_ways_to_add()),
            ses: Resource::new(asked, |(id, _)| async move { get_ses_facts(id).await.ok().flatten() }),
        }
    }
}

/// Address at which the browser begins the sign-in of this provider.
pub fn connect_path(id: &str) -> String {
    format!("/oauth/connect?provider={id}")
}
