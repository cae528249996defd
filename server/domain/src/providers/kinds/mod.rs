//! The kinds of provider, a folder each: form, validation, stored settings, and what it takes to connect.
//!
//! A kind whose settings are typed into a form implements [`Settings`]. [`Configuration`], [`Form`] and [`Access`] are
//! what the rest of the domain and the interfaces hold of any of them; this module alone tells the kinds apart.

mod credential;
pub(super) mod mailbox;
pub(super) mod ses;
pub(super) mod smtp;

use crate::entities::{mailboxes, providers};
use crate::error::{Error, Result};
use crate::secrets::Secret;
use crate::settings::SesAccess;
use mailbox::{MailboxAccess, MailboxConfig, MailboxForm};
use sendmux_rules::ProviderKind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use ses::{SesConfig, SesForm};
use smtp::{SmtpAccess, SmtpConfig, SmtpForm};

/// The kind of a provider and its settings in clear, as its row holds them in `kind` and `config`. Its secret stands
/// beside it, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Configuration {
    /// An SMTP server.
    Smtp(SmtpConfig),
    /// A Gmail mailbox.
    Gmail(MailboxConfig),
    /// A Microsoft 365 mailbox.
    Microsoft365(MailboxConfig),
    /// An Amazon SES account of the team.
    Ses(SesConfig),
    /// The managed route, whose account is the installation's.
    ManagedSes,
    /// The sandbox.
    Sandbox,
}

/// The form of a provider, as typed.
#[derive(Clone, Debug)]
pub enum Form {
    /// An SMTP server.
    Smtp(SmtpForm),
    /// A mailbox of either kind.
    Mailbox(MailboxForm),
    /// An Amazon SES account.
    Ses(SesForm),
}

/// A provider's settings with its secrets in clear: what it takes to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// An SMTP server.
    Smtp(SmtpAccess),
    /// A Gmail mailbox, through [`access_token`](super::access_token).
    Gmail(MailboxAccess),
    /// A Microsoft 365 mailbox, likewise.
    Microsoft365(MailboxAccess),
    /// An Amazon SES account of the team.
    Ses(SesAccess),
    /// The installation's own Amazon SES account, or the sandbox while it has none.
    ManagedSes,
    /// The sandbox.
    Sandbox,
}

impl Configuration {
    /// Reads the configuration of a provider.
    pub(in crate::providers) fn of(row: &providers::Model) -> Result<Self> {
        let read = match row.kind {
            ProviderKind::Smtp => serde_json::from_str(&row.config).map(Self::Smtp),
            ProviderKind::Gmail => serde_json::from_str(&row.config).map(Self::Gmail),
            ProviderKind::Microsoft365 => serde_json::from_str(&row.config).map(Self::Microsoft365),
            ProviderKind::Ses => serde_json::from_str(&row.config).map(Self::Ses),
            ProviderKind::ManagedSes => Ok(Self::ManagedSes),
            ProviderKind::Sandbox => Ok(Self::Sandbox),
        };
        read.map_err(|error| Error::Internal(format!("settings of provider {}: {error}", row.public_id)))
    }

    /// The kind, and the settings as they are stored.
    pub(in crate::providers) fn stored(&self) -> Result<(ProviderKind, String)> {
        let (kind, written) = match self {
            Self::Smtp(config) => (ProviderKind::Smtp, serde_json::to_string(config)),
            Self::Gmail(config) => (ProviderKind::Gmail, serde_json::to_string(config)),
            Self::Microsoft365(config) => (ProviderKind::Microsoft365, serde_json::to_string(config)),
            Self::Ses(config) => (ProviderKind::Ses, serde_json::to_string(config)),
            Self::ManagedSes => (ProviderKind::ManagedSes, Ok("{}".to_owned())),
            Self::Sandbox => (ProviderKind::Sandbox, Ok("{}".to_owned())),
        };
        let written = written.map_err(|error| Error::Internal(format!("settings of a provider: {error}")))?;
        Ok((kind, written))
    }

    /// A form that changes nothing; none for a kind without settings of the team's.
    pub(in crate::providers) fn form(&self, name: &str) -> Option<Form> {
        match self {
            Self::Smtp(config) => Some(Form::Smtp(config.form(name))),
            Self::Gmail(config) | Self::Microsoft365(config) => Some(Form::Mailbox(config.form(name))),
            Self::Ses(config) => Some(Form::Ses(config.form(name))),
            Self::ManagedSes | Self::Sandbox => None,
        }
    }

    /// Credentials and settings to connect, from the provider's opened secret and the row of its mailbox.
    ///
    /// # Errors
    /// [`Error::Conflict`] for a mailbox that is not connected; [`Error::Internal`] where a secret is missing.
    pub(in crate::providers) fn access(
        self,
        secret: Option<Secret>,
        mailbox: Option<mailboxes::Model>,
    ) -> Result<Access> {
        Ok(match self {
            Self::Smtp(config) => Access::Smtp(SmtpAccess {
                config,
                password: secret,
            }),
            Self::Gmail(config) => Access::Gmail(config.access(mailbox)?),
            Self::Microsoft365(config) => Access::Microsoft365(config.access(mailbox)?),
            Self::Ses(config) => Access::Ses(config.access(secret)?),
            Self::ManagedSes => Access::ManagedSes,
            Self::Sandbox => Access::Sandbox,
        })
    }
}

impl Form {
    /// The empty form of a kind; none for one without settings of the team's.
    pub fn new(kind: ProviderKind) -> Option<Self> {
        match kind {
            ProviderKind::Smtp => Some(Self::Smtp(SmtpForm::default())),
            ProviderKind::Gmail | ProviderKind::Microsoft365 => Some(Self::Mailbox(MailboxForm::default())),
            ProviderKind::Ses => Some(Self::Ses(SesForm::default())),
            ProviderKind::ManagedSes | ProviderKind::Sandbox => None,
        }
    }

    /// The name of the provider.
    pub fn name_mut(&mut self) -> &mut String {
        match self {
            Self::Smtp(form) => &mut form.name,
            Self::Mailbox(form) => &mut form.name,
            Self::Ses(form) => &mut form.name,
        }
    }

    /// True for the form of this kind.
    pub(in crate::providers) fn is_of(&self, kind: ProviderKind) -> bool {
        Self::new(kind).is_some_and(|of_kind| std::mem::discriminant(&of_kind) == std::mem::discriminant(self))
    }

    /// Checks every field of a form for a provider of this kind; `stored` is what it changes.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every wrong field; [`Error::Conflict`] for the form of another kind.
    pub(in crate::providers) fn check(
        self,
        kind: ProviderKind,
        stored: Option<&Stored<Configuration>>,
        installation: &crate::Settings,
    ) -> Result<Checked> {
        match (self, kind) {
            (Self::Smtp(form), ProviderKind::Smtp) => check(form, stored, installation, Configuration::Smtp),
            (Self::Mailbox(form), ProviderKind::Gmail) => check(form, stored, installation, Configuration::Gmail),
            (Self::Mailbox(form), ProviderKind::Microsoft365) => {
                check(form, stored, installation, Configuration::Microsoft365)
            }
            (Self::Ses(form), ProviderKind::Ses) => check(form, stored, installation, Configuration::Ses),
            _ => Err(of_another_kind()),
        }
    }
}

pub(super) fn of_another_kind() -> Error {
    Error::Conflict("this provider is of another kind and has no such settings".to_owned())
}

/// Settings of a kind that are typed into a form, as they are stored.
pub(super) trait Settings: Serialize + DeserializeOwned {
    /// The form that they are typed into.
    type Form;

    /// Those of a configuration of this kind.
    fn of(configuration: &Configuration) -> Option<&Self>;

    /// A form that changes nothing.
    fn form(&self, name: &str) -> Self::Form;

    /// Checks every field of a form; `stored` is what it changes, `installation` says where providers may be.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every wrong field.
    fn check(form: Self::Form, stored: Option<Stored<&Self>>, installation: &crate::Settings) -> Result<Valid<Self>>;

    /// Settings for the audit log. A change is logged with all that may be known of it, and whether the secret changed.
    fn audit(&self, secret: &SecretChange, stored: Option<Stored<&Self>>) -> Value;
}

/// A provider's configuration before a change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored<C> {
    pub config: C,
    /// A secret is stored with it.
    pub has_secret: bool,
}

/// A form whose fields are right.
pub(super) struct Valid<C> {
    pub name: String,
    pub config: C,
    pub secret: SecretChange,
}

/// Change of a provider's stored secret.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SecretChange {
    /// There is to be none.
    None,
    /// The stored one stays.
    Keep,
    /// This is the new one.
    Set(Secret),
}

/// A form whose fields are right, of any kind.
pub(super) struct Checked {
    pub name: String,
    pub configuration: Configuration,
    pub secret: SecretChange,
    /// Settings for the audit log.
    pub audit: Value,
}

fn check<C: Settings>(
    form: C::Form,
    stored: Option<&Stored<Configuration>>,
    installation: &crate::Settings,
    wrap: fn(C) -> Configuration,
) -> Result<Checked> {
    let stored = match stored {
        Some(Stored { config, has_secret }) => Some(Stored {
            config: C::of(config).ok_or_else(of_another_kind)?,
            has_secret: *has_secret,
        }),
        None => None,
    };
    let Valid { name, config, secret } = C::check(form, stored, installation)?;
    let audit = config.audit(&secret, stored);
    Ok(Checked {
        name,
        configuration: wrap(config),
        secret,
        audit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_rules::{ProviderStatus, Timestamp};

    fn row(kind: ProviderKind, config: &str) -> providers::Model {
        providers::Model {
            id: 1,
            public_id: "prv_1".to_owned(),
            team_id: 1,
            kind,
            name: "One".to_owned(),
            status: ProviderStatus::Active,
            weight: None,
            cap_second: None,
            cap_minute: None,
            cap_hour: None,
            cap_day: None,
            config: config.to_owned(),
            secret: None,
            version: 1,
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
            deleted_at: None,
        }
    }

    #[test]
    fn what_is_stored_is_read_and_written_as_it_always_was() {
        let smtp = concat!(
            r#"{"host":"smtp.example.com","port":587,"security":"starttls","username":"apikey","#,
            r#""helo_name":"mail.example.com","timeouts":{"connect":10,"command":120,"data":60}}"#
        );
        let ses = concat!(
            r#"{"region":"eu-central-1","access_key_id":"AKIAIOSFODNN7EXAMPLE","#,
            r#""role_arn":"arn:aws:iam::123456789012:role/sendmux","external_id":"a-b","configuration_set":"c"}"#
        );
        for (kind, config) in [
            (ProviderKind::Smtp, smtp),
            (ProviderKind::Gmail, r#"{"aliases":["news@example.com"]}"#),
            (ProviderKind::Microsoft365, "{}"),
            (ProviderKind::Ses, ses),
            (ProviderKind::ManagedSes, "{}"),
            (ProviderKind::Sandbox, "{}"),
        ] {
            let configuration = Configuration::of(&row(kind, config)).unwrap();
            assert_eq!(configuration.stored().unwrap(), (kind, config.to_owned()));
        }
        let unreadable = Configuration::of(&row(ProviderKind::Ses, "{}")).unwrap_err();
        assert!(unreadable.to_string().contains("prv_1"), "{unreadable}");
    }

    #[test]
    fn a_form_is_of_the_kinds_that_it_is_made_for() {
        for kind in ProviderKind::ALL {
            assert_eq!(Form::new(*kind).is_some(), kind.is_own());
            assert!(Form::new(*kind).is_none_or(|form| form.is_of(*kind)));
        }
        assert!(Form::Mailbox(MailboxForm::default()).is_of(ProviderKind::Microsoft365));
        assert!(!Form::Ses(SesForm::default()).is_of(ProviderKind::Smtp));
        let refused = Form::Ses(SesForm::default()).check(ProviderKind::Smtp, None, &crate::Settings::default());
        assert!(matches!(refused, Err(Error::Conflict(_))));
    }
}
