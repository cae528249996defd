//! The settings of an SMTP provider: the form, and what is stored of it.

mod dialogue;

pub use dialogue::{SmtpTimeouts, check_helo_name};

use super::{credential, host};
use crate::accounts::check_name;
use crate::error::{Error, FieldError, Result};
use crate::secrets::Secret;
use dialogue::check_timeout;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SmtpSecurity {
    /// Begins in plain text and must turn to TLS before anything else is said (RFC 3207); usually port 587.
    #[serde(rename = "starttls")]
    StartTls,
    /// TLS from the first byte (RFC 8314); usually port 465.
    #[serde(rename = "tls")]
    Implicit,
    /// No encryption: for servers on the same machine or a trusted network.
    #[serde(rename = "none")]
    None,
}

impl SmtpSecurity {
    /// Every value.
    pub const ALL: [Self; 3] = [Self::StartTls, Self::Implicit, Self::None];

    /// The word in forms, the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartTls => "starttls",
            Self::Implicit => "tls",
            Self::None => "none",
        }
    }
}

impl fmt::Display for SmtpSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SmtpSecurity {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|security| security.as_str() == name)
            .ok_or_else(|| Error::Internal(format!("{name:?} is no kind of connection security")))
    }
}

/// The form of an SMTP provider, as typed.
#[derive(Clone, Default)]
pub struct SmtpForm {
    /// What the provider is called.
    pub name: String,
    /// The server's name or address.
    pub host: String,
    /// The port, 1 to 65535.
    pub port: String,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// The user name; empty for a server that wants no login.
    pub username: String,
    /// The password; none or empty keeps the stored one.
    pub password: Option<String>,
    /// The name in EHLO; empty for the installation's.
    pub helo_name: String,
    /// [`SmtpTimeouts::connect`]; empty for the default.
    pub connect_timeout: String,
    /// [`SmtpTimeouts::command`]; empty for the default.
    pub command_timeout: String,
    /// [`SmtpTimeouts::data`]; empty for the default.
    pub data_timeout: String,
}

impl fmt::Debug for SmtpForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpForm")
            .field("name", &self.name)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// What is stored of an SMTP provider in clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SmtpConfig {
    pub host: String,
    pub port: u16,
    pub security: SmtpSecurity,
    /// Empty: no login.
    #[serde(default)]
    pub username: String,
    /// The name in EHLO; none for the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo_name: Option<String>,
    #[serde(default, skip_serializing_if = "SmtpTimeouts::is_default")]
    pub timeouts: SmtpTimeouts,
}

impl SmtpConfig {
    /// Reads what is stored.
    pub(super) fn parse(stored: &str) -> Result<Self> {
        serde_json::from_str(stored).map_err(|error| Error::Internal(format!("settings of an SMTP provider: {error}")))
    }
}

/// A form whose fields are right.
pub(super) struct Valid {
    pub name: String,
    pub config: SmtpConfig,
    pub password: Password,
}

/// What becomes of the password.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Password {
    /// There is none, since there is no user name.
    None,
    /// The stored one stays.
    Keep,
    /// This is the new one.
    Set(Secret),
}

/// What is stored before a change.
pub(super) struct Stored<'a> {
    pub config: &'a SmtpConfig,
    pub has_password: bool,
}

/// Checks every field of a form; `stored` is what it changes.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field.
pub(super) fn validate(form: SmtpForm, stored: Option<&Stored<'_>>, allow_private: bool) -> Result<Valid> {
    let mut errors = Vec::new();
    let mut note = |error| errors.push(error);
    let name = check_name("name", "a name for the provider", &form.name)
        .map_err(&mut note)
        .ok();
    let host = host::check(&form.host, allow_private).map_err(&mut note).ok();
    let port = check_port(&form.port).map_err(&mut note).ok();
    let security = check_security(&form.security).map_err(&mut note).ok();
    let username = check_username(&form.username).map_err(&mut note).ok();
    let target = host.as_deref().zip(security);
    let password = check_password(&form, stored, target).map_err(&mut note).ok();
    let helo_name = check_helo_name(&form.helo_name).map_err(&mut note).ok();
    let usual = SmtpTimeouts::default();
    let mut timeout = |field, text: &str, usual| check_timeout(field, text, usual).map_err(&mut note).ok();
    let connect = timeout("connect_timeout", &form.connect_timeout, usual.connect);
    let command = timeout("command_timeout", &form.command_timeout, usual.command);
    let data = timeout("data_timeout", &form.data_timeout, usual.data);
    let config = (|| {
        Some(SmtpConfig {
            host: host?,
            port: port?,
            security: security?,
            username: username?,
            helo_name: helo_name?,
            timeouts: SmtpTimeouts {
                connect: connect?,
                command: command?,
                data: data?,
            },
        })
    })();
    match (name, config, password) {
        (Some(name), Some(config), Some(password)) => Ok(Valid { name, config, password }),
        _ => Err(Error::Invalid(errors)),
    }
}

fn check_port(text: &str) -> Result<u16, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::new(
            "port",
            "required",
            "enter the port: usually 587 for STARTTLS, 465 for TLS",
        ));
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(FieldError::new(
            "port",
            "invalid",
            "the port must be a whole number from 1 to 65535",
        )),
        Ok(port) => Ok(port),
    }
}

fn check_security(text: &str) -> Result<SmtpSecurity, FieldError> {
    match text.trim() {
        "" => Err(FieldError::new(
            "security",
            "required",
            "choose how the connection is encrypted",
        )),
        text => text.parse().map_err(|_| {
            FieldError::new(
                "security",
                "invalid",
                "the connection security must be starttls, tls or none",
            )
        }),
    }
}

fn check_username(text: &str) -> Result<String, FieldError> {
    // Space around it is an accident of copying, as no server has such user names; a password may have it.
    let username = text.trim();
    credential::check("username", "the user name", username)?;
    Ok(username.to_owned())
}

fn check_password(
    form: &SmtpForm,
    stored: Option<&Stored<'_>>,
    target: Option<(&str, SmtpSecurity)>,
) -> Result<Password, FieldError> {
    let typed = form.password.as_deref().filter(|password| !password.is_empty());
    match (form.username.trim().is_empty(), typed) {
        (true, None) => Ok(Password::None),
        (true, Some(_)) => Err(FieldError::new(
            "username",
            "required",
            "a password needs a user name: enter one, or remove both",
        )),
        (false, Some(password)) => {
            credential::check("password", "the password", password)?;
            Ok(Password::Set(Secret::from(password)))
        }
        (false, None) => {
            let Some(Stored {
                config,
                has_password: true,
            }) = stored
            else {
                return Err(FieldError::new(
                    "password",
                    "required",
                    "enter the password of this user name",
                ));
            };
            // Whoever may edit a provider must not be able to have its stored password sent to a place of their own.
            let elsewhere = target.is_some_and(|(host, _)| host != config.host);
            let exposed = target
                .is_some_and(|(_, security)| security == SmtpSecurity::None && config.security != SmtpSecurity::None);
            if elsewhere {
                let message = "enter the password again: the stored one is only sent to the server it was entered for";
                return Err(FieldError::new("password", "required", message));
            }
            if exposed {
                let message = "enter the password again: the stored one is only sent over an encrypted connection";
                return Err(FieldError::new("password", "required", message));
            }
            Ok(Password::Keep)
        }
    }
}

#[cfg(test)]
mod tests;
