//! The settings of an SMTP provider: the form, and what is stored of it.

mod timeouts;

pub use timeouts::SmtpTimeouts;

use super::{Configuration, SecretChange, Settings, Stored, Valid, credential};
use crate::error::{Error, FieldError, Result};
use crate::host;
use crate::names::check_name;
use crate::secrets::Secret;
use sendmux_rules::SmtpSecurity;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use timeouts::check_timeout;

/// The form of an SMTP provider, as typed.
#[derive(Clone, Default)]
pub struct SmtpForm {
    /// Name of the provider.
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

/// The stored settings of an SMTP provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpConfig {
    /// The server's name, as A-labels, or its address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Protection of the connection.
    pub security: SmtpSecurity,
    /// The user name; empty where there is no login.
    #[serde(default)]
    pub username: String,
    /// The name in EHLO; none for the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helo_name: Option<String>,
    /// Most time for each step.
    #[serde(default, skip_serializing_if = "SmtpTimeouts::is_default")]
    pub timeouts: SmtpTimeouts,
}

/// An SMTP server, and how to sign in to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpAccess {
    /// Its settings.
    pub config: SmtpConfig,
    /// The password of [`SmtpConfig::username`]; none where there is no login.
    pub password: Option<Secret>,
}

impl Settings for SmtpConfig {
    type Form = SmtpForm;

    fn of(configuration: &Configuration) -> Option<&Self> {
        match configuration {
            Configuration::Smtp(config) => Some(config),
            _ => None,
        }
    }

    fn form(&self, name: &str) -> SmtpForm {
        SmtpForm {
            name: name.to_owned(),
            host: self.host.clone(),
            port: self.port.to_string(),
            security: self.security.to_string(),
            username: self.username.clone(),
            password: None,
            helo_name: self.helo_name.clone().unwrap_or_default(),
            connect_timeout: self.timeouts.connect.to_string(),
            command_timeout: self.timeouts.command.to_string(),
            data_timeout: self.timeouts.data.to_string(),
        }
    }

    fn check(form: SmtpForm, stored: Option<Stored<&Self>>, installation: &crate::Settings) -> Result<Valid<Self>> {
        let mut errors = Vec::new();
        let mut note = |error| errors.push(error);
        let name = check_name("name", "a name for the provider", &form.name)
            .map_err(&mut note)
            .ok();
        let host = host::check(&form.host, installation.allow_private_hosts)
            .map_err(&mut note)
            .ok();
        let port = check_port(&form.port, installation.allowed_smtp_ports())
            .map_err(&mut note)
            .ok();
        let security = check_security(&form.security).map_err(&mut note).ok();
        let username = check_username(&form.username).map_err(&mut note).ok();
        let target = host.as_deref().zip(security);
        let secret = check_password(&form, stored, target).map_err(&mut note).ok();
        let helo_name = host::check_helo_name(&form.helo_name).map_err(&mut note).ok();
        let usual = SmtpTimeouts::default();
        let mut timeout = |field, text: &str, usual| check_timeout(field, text, usual).map_err(&mut note).ok();
        let connect = timeout("connect_timeout", &form.connect_timeout, usual.connect);
        let command = timeout("command_timeout", &form.command_timeout, usual.command);
        let data = timeout("data_timeout", &form.data_timeout, usual.data);
        let config = (|| {
            Some(Self {
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
        match (name, config, secret) {
            (Some(name), Some(config), Some(secret)) => Ok(Valid { name, config, secret }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn audit(&self, secret: &SecretChange, stored: Option<Stored<&Self>>) -> Value {
        let mut audit = json!({ "host": self.host, "port": self.port });
        if let Some(Stored { config, has_secret }) = stored {
            audit["security"] = json!(self.security);
            audit["helo_name"] = json!(self.helo_name);
            audit["timeouts"] = json!(self.timeouts);
            audit["username_changed"] = json!(self.username != config.username);
            audit["password_changed"] = json!(match secret {
                SecretChange::Set(_) => true,
                SecretChange::Keep => false,
                SecretChange::None => has_secret,
            });
        }
        audit
    }
}

/// `allowed` are the ports that servers may be on, none for all.
fn check_port(text: &str, allowed: Option<&[u16]>) -> Result<u16, FieldError> {
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
        Ok(port) => match allowed {
            Some(allowed) if !allowed.contains(&port) => {
                let allowed: Vec<_> = allowed.iter().map(ToString::to_string).collect();
                let allowed = allowed.join(", ");
                Err(FieldError::new(
                    "port",
                    "not_allowed",
                    format!("this installation connects only to these ports: {allowed}"),
                ))
            }
            _ => Ok(port),
        },
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
    stored: Option<Stored<&SmtpConfig>>,
    target: Option<(&str, SmtpSecurity)>,
) -> Result<SecretChange, FieldError> {
    let typed = form.password.as_deref().filter(|password| !password.is_empty());
    match (form.username.trim().is_empty(), typed) {
        (true, None) => Ok(SecretChange::None),
        (true, Some(_)) => Err(FieldError::new(
            "username",
            "required",
            "a password needs a user name: enter one, or remove both",
        )),
        (false, Some(password)) => {
            credential::check("password", "the password", password)?;
            Ok(SecretChange::Set(Secret::from(password)))
        }
        (false, None) => {
            let Some(Stored {
                config,
                has_secret: true,
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
            Ok(SecretChange::Keep)
        }
    }
}

#[cfg(test)]
mod tests;
