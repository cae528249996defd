//! What can be done to the connection of a mailbox or of an Amazon SES account, and what came of it.

use crate::api::{DisconnectMailbox, SaveMailbox, SaveSes, forms};
use crate::components::{Form, use_form};
use leptos::prelude::*;

/// The actions of the kinds that are more than a server's name.
#[derive(Clone, Copy)]
pub struct ConnectActions {
    /// Changes an Amazon SES account.
    pub save_ses: ServerAction<SaveSes>,
    /// What came of that.
    pub saved_ses: Form,
    /// Changes a mailbox.
    pub save_mailbox: ServerAction<SaveMailbox>,
    /// What came of that.
    pub saved_mailbox: Form,
    /// Disconnects a mailbox.
    pub disconnect: ServerAction<DisconnectMailbox>,
    /// What came of that, or of a sign-in that came back.
    pub connection: Form,
}

impl ConnectActions {
    /// The actions of one page.
    pub fn new() -> Self {
        let (save_ses, save_mailbox, disconnect) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
        Self {
            save_ses,
            saved_ses: use_form(forms::PROVIDER, save_ses),
            save_mailbox,
            saved_mailbox: use_form(forms::PROVIDER, save_mailbox),
            disconnect,
            connection: use_form(forms::CONNECTION, disconnect),
        }
    }

    /// Grows with every action that was done, so that what is shown is fetched again.
    pub fn version(self) -> usize {
        self.save_ses.version().get() + self.save_mailbox.version().get() + self.disconnect.version().get()
    }
}

/// Where the browser begins the sign-in of this provider.
pub fn connect_path(id: &str) -> String {
    format!("/oauth/connect?provider={id}")
}
