//! Amazon SES accounts of teams.

mod account;

pub(crate) use account::SesAccounts;
pub use account::{SesAccount, managed_ses_account, ses_account};

use super::{Configuration, SecretChange, Settings, Stored, Valid, credential};
use crate::error::{Error, FieldError, Result};
use crate::host;
use crate::names::check_name;
use crate::secrets::Secret;
use crate::settings::SesAccess;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use url::Url;

/// The form of an Amazon SES account, as typed.
#[derive(Clone, Default)]
pub struct SesForm {
    /// Name of the provider.
    pub name: String,
    /// The AWS region: `eu-central-1`.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret that belongs to it; none or empty keeps the stored one.
    pub secret_access_key: Option<String>,
    /// A role that is assumed with the key; empty for none.
    pub role_arn: String,
    /// The external id that the role asks for; empty for none.
    pub external_id: String,
    /// The configuration set that messages are sent with; empty for none.
    pub configuration_set: String,
    /// The address of the API instead of Amazon's; empty for Amazon's.
    pub endpoint: String,
}

impl fmt::Debug for SesForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SesForm")
            .field("name", &self.name)
            .field("region", &self.region)
            .finish_non_exhaustive()
    }
}

/// The stored settings of an Amazon SES account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SesConfig {
    /// The AWS region.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The role that is assumed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The configuration set that messages are sent with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration_set: Option<String>,
    /// The address of the API instead of Amazon's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

impl SesConfig {
    /// Credentials and settings to use the account.
    pub(super) fn access(self, secret_access_key: Option<Secret>) -> Result<SesAccess> {
        Ok(SesAccess {
            region: self.region,
            access_key_id: self.access_key_id,
            secret_access_key: secret_access_key
                .ok_or_else(|| Error::Internal("an SES account has no secret".to_owned()))?,
            role_arn: self.role_arn,
            external_id: self.external_id,
            configuration_set: self.configuration_set,
            endpoint: self.endpoint,
        })
    }
}

impl Settings for SesConfig {
    type Form = SesForm;

    fn of(configuration: &Configuration) -> Option<&Self> {
        match configuration {
            Configuration::Ses(config) => Some(config),
            _ => None,
        }
    }

    fn form(&self, name: &str) -> SesForm {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        SesForm {
            name: name.to_owned(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: None,
            role_arn: or_empty(&self.role_arn),
            external_id: or_empty(&self.external_id),
            configuration_set: or_empty(&self.configuration_set),
            endpoint: or_empty(&self.endpoint),
        }
    }

    fn check(form: SesForm, stored: Option<Stored<&Self>>, installation: &crate::Settings) -> Result<Valid<Self>> {
        let mut errors = Vec::new();
        let mut note = |error| errors.push(error);
        let name = check_name("name", "a name for the provider", &form.name)
            .map_err(&mut note)
            .ok();
        let region = check_region(&form.region).map_err(&mut note).ok();
        let access_key_id = check_key_id(&form.access_key_id).map_err(&mut note).ok();
        let endpoint = check_endpoint(&form.endpoint, installation.allow_private_hosts)
            .map_err(&mut note)
            .ok();
        let target = access_key_id.as_deref().zip(endpoint.as_ref());
        let secret = check_secret(&form, stored.map(|stored| stored.config), target)
            .map_err(&mut note)
            .ok();
        let role_arn = check_role(&form.role_arn).map_err(&mut note).ok();
        let external_id = check_external_id(&form).map_err(&mut note).ok();
        let configuration_set = check_configuration_set(&form.configuration_set).map_err(&mut note).ok();
        let config = (|| {
            Some(Self {
                region: region?,
                access_key_id: access_key_id?,
                role_arn: role_arn?,
                external_id: external_id?,
                configuration_set: configuration_set?,
                endpoint: endpoint?,
            })
        })();
        match (name, config, secret) {
            (Some(name), Some(config), Some(secret)) => Ok(Valid { name, config, secret }),
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn audit(&self, secret: &SecretChange, stored: Option<Stored<&Self>>) -> Value {
        let mut audit = json!({ "region": self.region, "access_key_id": self.access_key_id });
        if stored.is_some() {
            audit["role_arn"] = json!(self.role_arn);
            audit["configuration_set"] = json!(self.configuration_set);
            audit["secret_changed"] = json!(matches!(secret, SecretChange::Set(_)));
        }
        audit
    }
}

/// Names of regions are lower-case words and a number, separated by hyphens. Which there are changes too often to know.
fn check_region(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        let message = "enter the AWS region of the account, for example eu-central-1";
        return Err(FieldError::new("region", "required", message));
    }
    let parts: Vec<&str> = text.split('-').collect();
    let sound = (3..=5).contains(&parts.len())
        && text.len() <= 32
        && parts
            .last()
            .is_some_and(|last| is_of(last, |byte| byte.is_ascii_digit()))
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| is_of(part, |byte| byte.is_ascii_lowercase()));
    if !sound {
        let message = "this is no AWS region: they are written like eu-central-1";
        return Err(FieldError::new("region", "invalid", message));
    }
    Ok(text.to_owned())
}

/// 16 to 128 word characters (IAM's API reference, AccessKey).
fn check_key_id(text: &str) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        let message = "enter the id of the access key, for example AKIAIOSFODNN7EXAMPLE";
        return Err(FieldError::new("access_key_id", "required", message));
    }
    if !(16..=128).contains(&text.len()) || !is_of(text, |byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        let message = "this is no access key id: it has 16 to 128 letters and digits and usually begins with AKIA";
        return Err(FieldError::new("access_key_id", "invalid", message));
    }
    Ok(text.to_owned())
}

fn check_secret(
    form: &SesForm,
    stored: Option<&SesConfig>,
    target: Option<(&str, &Option<String>)>,
) -> Result<SecretChange, FieldError> {
    // Space around it is an accident of copying: a secret access key has none.
    let typed = form.secret_access_key.as_deref().map(str::trim).unwrap_or_default();
    if !typed.is_empty() {
        credential::check("secret_access_key", "the secret access key", typed)?;
        return Ok(SecretChange::Set(Secret::from(typed)));
    }
    let required = |message| Err(FieldError::new("secret_access_key", "required", message));
    let Some(stored) = stored else {
        return required("enter the secret that belongs to the access key");
    };
    match target {
        Some((key_id, _)) if key_id != stored.access_key_id => {
            required("enter the secret that belongs to the new access key")
        }
        // Whoever may edit a provider must not be able to use its stored secret at a place of their own.
        Some((_, endpoint)) if *endpoint != stored.endpoint => {
            required("enter the secret again: the stored one is only used at the address it was entered for")
        }
        _ => Ok(SecretChange::Keep),
    }
}

/// `arn:aws:iam::123456789012:role/name` (IAM's API reference, AssumeRole).
fn check_role(text: &str) -> Result<Option<String>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let sound = match parts[..] {
        ["arn", partition, "iam", "", account, name] => {
            partition.starts_with("aws")
                && account.len() == 12
                && is_of(account, |byte| byte.is_ascii_digit())
                && name
                    .strip_prefix("role/")
                    .is_some_and(|name| is_of(name, |byte| byte.is_ascii_graphic()))
        }
        _ => false,
    };
    if !sound || text.len() > 2_048 {
        let message = "this is no role: it is written like arn:aws:iam::123456789012:role/sendmux";
        return Err(FieldError::new("role_arn", "invalid", message));
    }
    Ok(Some(text.to_owned()))
}

/// 2 to 1,224 characters (IAM's API reference, AssumeRole).
fn check_external_id(form: &SesForm) -> Result<Option<String>, FieldError> {
    let text = form.external_id.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if form.role_arn.trim().is_empty() {
        let message = "an external id belongs to a role: enter the role too, or remove it";
        return Err(FieldError::new("external_id", "invalid", message));
    }
    let of_alphabet = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    if !(2..=1_224).contains(&text.len()) || !is_of(text, of_alphabet) {
        let message = "an external id has 2 to 1224 letters, digits and _+=,.@:/-";
        return Err(FieldError::new("external_id", "invalid", message));
    }
    Ok(Some(text.to_owned()))
}

/// Up to 64 letters, digits, underscores and hyphens (SES's API reference, CreateConfigurationSet).
fn check_configuration_set(text: &str) -> Result<Option<String>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    if text.len() > 64 || !is_of(text, |byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) {
        let message = "the name of a configuration set has at most 64 letters, digits, underscores and hyphens";
        return Err(FieldError::new("configuration_set", "invalid", message));
    }
    Ok(Some(text.to_owned()))
}

fn check_endpoint(text: &str, allow_private: bool) -> Result<Option<String>, FieldError> {
    let text = text.trim().trim_end_matches('/');
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = |code, message: &str| Err(FieldError::new("endpoint", code, message));
    if !allow_private {
        return wrong(
            "private",
            "this installation reaches Amazon SES at Amazon's own addresses only: leave this empty",
        );
    }
    let Ok(url) = Url::parse(text) else {
        return wrong(
            "invalid",
            "this is no address: it is written like https://host or http://host:port",
        );
    };
    let plain =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return wrong(
            "invalid",
            "this is no address: it is written like https://host or http://host:port",
        );
    }
    host::check(url.host_str().unwrap_or_default(), allow_private)
        .map_err(|error| FieldError::new("endpoint", error.code, error.message))?;
    Ok(Some(text.to_owned()))
}

fn is_of(text: &str, alphabet: impl Fn(u8) -> bool) -> bool {
    !text.is_empty() && text.bytes().all(alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AKIAIOSFODNN7EXAMPLE";

    fn form() -> SesForm {
        SesForm {
            name: "SES".to_owned(),
            region: "eu-central-1".to_owned(),
            access_key_id: KEY.to_owned(),
            secret_access_key: Some("planted".to_owned()),
            ..SesForm::default()
        }
    }

    fn wrong(form: SesForm, stored: Option<&SesConfig>, allow_private: bool) -> Vec<(String, &'static str)> {
        let stored = stored.map(|config| Stored {
            config,
            has_secret: true,
        });
        let installation = crate::Settings {
            allow_private_hosts: allow_private,
            ..crate::Settings::default()
        };
        match SesConfig::check(form, stored, &installation) {
            Err(Error::Invalid(errors)) => errors.into_iter().map(|error| (error.field, error.code)).collect(),
            Err(error) => panic!("{error}"),
            Ok(_) => Vec::new(),
        }
    }

    fn one(form: SesForm) -> Vec<(String, &'static str)> {
        wrong(form, None, true)
    }

    #[test]
    fn a_right_form_is_taken_without_the_accidents_of_copying() {
        let valid = SesConfig::check(
            SesForm {
                access_key_id: format!(" {KEY}\n"),
                secret_access_key: Some(" planted ".to_owned()),
                role_arn: "arn:aws-us-gov:iam::123456789012:role/path/sendmux".to_owned(),
                external_id: "a-b:c".to_owned(),
                configuration_set: "sendmux".to_owned(),
                endpoint: "http://127.0.0.1:4579/".to_owned(),
                ..form()
            },
            None,
            &crate::Settings::default(),
        )
        .unwrap();
        assert_eq!(valid.config.access_key_id, KEY);
        assert_eq!(valid.secret, SecretChange::Set(Secret::from("planted")));
        assert_eq!(valid.config.endpoint.as_deref(), Some("http://127.0.0.1:4579"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        assert_eq!(
            one(SesForm::default()),
            ["name", "region", "access_key_id", "secret_access_key"].map(|field| (field.to_owned(), "required"))
        );
        for region in [
            "eu central 1",
            "EU-CENTRAL-1",
            "eu-central",
            "1",
            "eu--1",
            "a-b-c-d-e-1",
        ] {
            let region = region.to_owned();
            assert_eq!(one(SesForm { region, ..form() })[0].0, "region");
        }
        for role_arn in ["sendmux", "arn:aws:iam::12:role/a", "arn:aws:iam::123456789012:user/a"] {
            let role_arn = role_arn.to_owned();
            assert_eq!(one(SesForm { role_arn, ..form() })[0].0, "role_arn");
        }
        for endpoint in [
            "localhost:80",
            "ftp://a",
            "http://u:p@a",
            "http://a/?q",
            "http://exa mple",
        ] {
            let endpoint = endpoint.to_owned();
            assert_eq!(one(SesForm { endpoint, ..form() })[0].0, "endpoint");
        }
        let external_id = "without a role".to_owned();
        assert_eq!(one(SesForm { external_id, ..form() })[0].0, "external_id");
        let configuration_set = "a b".to_owned();
        assert_eq!(
            one(SesForm {
                configuration_set,
                ..form()
            })[0]
                .0,
            "configuration_set"
        );
        let access_key_id = "AKIA".to_owned();
        assert_eq!(
            one(SesForm {
                access_key_id,
                ..form()
            })[0]
                .0,
            "access_key_id"
        );
    }

    #[test]
    fn an_address_of_its_own_is_for_installations_that_allow_private_ones() {
        let endpoint = "https://ses.example.com".to_owned();
        let wrong = wrong(SesForm { endpoint, ..form() }, None, false);
        assert_eq!(wrong, [("endpoint".to_owned(), "private")]);
    }

    #[test]
    fn the_stored_secret_stays_with_the_key_and_the_address_it_was_entered_for() {
        let stored = SesConfig::check(form(), None, &crate::Settings::default())
            .unwrap()
            .config;
        let kept = SesForm {
            secret_access_key: Some(String::new()),
            region: "us-east-1".to_owned(),
            ..form()
        };
        let before = Stored {
            config: &stored,
            has_secret: true,
        };
        let changed = SesConfig::check(kept.clone(), Some(before), &crate::Settings::default()).unwrap();
        assert_eq!(changed.secret, SecretChange::Keep);
        let other_key = SesForm {
            access_key_id: KEY.replace("AKIA", "ASIA"),
            ..kept.clone()
        };
        let elsewhere = SesForm {
            endpoint: "https://collector.example".to_owned(),
            ..kept
        };
        for form in [other_key, elsewhere] {
            let expected = [("secret_access_key".to_owned(), "required")];
            assert_eq!(wrong(form, Some(&stored), true), expected);
        }
    }
}
