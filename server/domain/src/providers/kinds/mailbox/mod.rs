//! Mailboxes that are signed in to with OAuth: Gmail and Microsoft 365.

mod disconnect;
mod service;
mod sign_in;
#[cfg(test)]
mod tests;
mod tokens;

pub use disconnect::disconnect;
pub use service::{Granted, MailboxServices, Renewed, SignIn, TokenFault};
pub use sign_in::{
    Callback, Connected, NotConnected, Target, admin_consent_url, begin_sign_in, complete_sign_in, new_browser_secret,
};
pub(crate) use tokens::Renewals;
pub use tokens::{access_token, other_access_token};

pub(in crate::providers) use disconnect::forget;
pub(in crate::providers) use tokens::reseal;

use super::{Configuration, SecretChange, Settings, Stored, Valid};
use crate::entities::mailboxes;
use crate::error::{Error, FieldError, Result};
use crate::names::check_name;
use sendmux_mime::address::ValidEmail;
use sendmux_rules::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Most aliases of a mailbox.
const MAX_ALIASES: usize = 50;

/// The form of a mailbox, as typed. Whose it is, is found out when it is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxForm {
    /// The name of the provider.
    pub name: String,
    /// Addresses that it may send as besides its own, separated by commas, spaces or line ends.
    pub aliases: String,
}

/// The stored settings of a mailbox. Whose it is stands in a row of its own, once it is connected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxConfig {
    /// Addresses that the identity provider has verified as the mailbox's own too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A connected mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxAccess {
    /// Its address.
    pub email: String,
    /// Other addresses of its own.
    pub aliases: Vec<String>,
}

impl MailboxConfig {
    /// The mailbox to send through.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is not connected.
    pub(super) fn access(self, mailbox: Option<mailboxes::Model>) -> Result<MailboxAccess> {
        let mailbox = mailbox.ok_or_else(|| Error::Conflict("this mailbox is not connected yet".to_owned()))?;
        Ok(MailboxAccess {
            email: mailbox.email,
            aliases: self.aliases,
        })
    }
}

impl Settings for MailboxConfig {
    type Form = MailboxForm;

    fn of(configuration: &Configuration) -> Option<&Self> {
        match configuration {
            Configuration::Gmail(config) | Configuration::Microsoft365(config) => Some(config),
            _ => None,
        }
    }

    fn form(&self, name: &str) -> MailboxForm {
        MailboxForm {
            name: name.to_owned(),
            aliases: self.aliases.join(", "),
        }
    }

    fn check(form: MailboxForm, _: Option<Stored<&Self>>, _: &crate::Settings) -> Result<Valid<Self>> {
        let mut errors = Vec::new();
        let name = check_name("name", "a name for the provider", &form.name).map_err(|error| errors.push(error));
        let mut aliases: Vec<String> = Vec::new();
        let typed = form.aliases.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
        for alias in typed.filter(|alias| !alias.is_empty()) {
            match ValidEmail::parse(alias) {
                Ok(_) if aliases.iter().any(|known| known.eq_ignore_ascii_case(alias)) => {}
                Ok(_) => aliases.push(alias.to_owned()),
                Err(_) => {
                    errors.push(FieldError::new(
                        "aliases",
                        "invalid",
                        format!("{alias:?} is no email address: write the addresses with commas between them"),
                    ));
                    break;
                }
            }
        }
        if aliases.len() > MAX_ALIASES {
            let message = format!("a mailbox can have {MAX_ALIASES} other addresses here at most");
            errors.push(FieldError::new("aliases", "too_many", message));
        }
        match name {
            Ok(name) if errors.is_empty() => Ok(Valid {
                name,
                config: Self { aliases },
                secret: SecretChange::Keep,
            }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn audit(&self, _: &SecretChange, stored: Option<Stored<&Self>>) -> Value {
        match stored {
            Some(_) => json!({ "aliases": self.aliases }),
            None => json!({}),
        }
    }
}

/// Account of the connected mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxView {
    /// Its address; none while no mailbox is connected.
    pub email: Option<String>,
    /// Its other addresses that may stand in From.
    pub aliases: Vec<String>,
    /// Since when it is connected.
    pub connected_at: Option<Timestamp>,
}

impl MailboxView {
    pub(in crate::providers) fn of(config: &MailboxConfig, mailbox: Option<&mailboxes::Model>) -> Self {
        Self {
            email: mailbox.map(|mailbox| mailbox.email.clone()),
            aliases: config.aliases.clone(),
            connected_at: mailbox.map(|mailbox| mailbox.connected_at),
        }
    }
}
