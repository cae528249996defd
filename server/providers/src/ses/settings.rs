//! Settings of an Amazon SES account.

use std::fmt;

use aws_credential_types::Credentials;
use sendmux_mime::ValidEmail;
use sendmux_rules::ProviderKind;

/// An access key of AWS. Debug shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct AwsKeys {
    /// `AKIA…`
    pub access_key_id: String,
    /// The secret that goes with it.
    pub secret_access_key: String,
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AwsKeys(redacted)")
    }
}

impl AwsKeys {
    pub(super) fn credentials(&self) -> Credentials {
        Credentials::new(&self.access_key_id, &self.secret_access_key, None, None, "sendmux")
    }
}

/// A role of another account that trusts the keys' account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumedRole {
    /// `arn:aws:iam::<account>:role/<name>`
    pub arn: String,
    /// The id that the role's trust policy asks for, so that nobody else can have this installation assume it.
    pub external_id: Option<String>,
}

/// A sender in place of the message's own: the display name stays, and the original goes to Reply-To when there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SendAs {
    /// The address in From.
    pub address: String,
    /// Address for bounces; SES must have verified it. `None` leaves it to SES, which sends them to `address`.
    pub return_path: Option<String>,
}

/// An SES account's settings. [`SesSettings::new`] fills in the defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SesSettings {
    /// `eu-west-1`
    pub region: String,
    /// Signs with these, or assumes [`SesSettings::role`] with them.
    pub keys: AwsKeys,
    /// Sends with the rights of this role.
    pub role: Option<AssumedRole>,
    /// The configuration set that publishes events.
    pub configuration_set: Option<String>,
    /// Sends everything as this address: the managed route.
    pub send_as: Option<SendAs>,
    /// URL of SES, in place of the region's own.
    pub endpoint: Option<String>,
    /// URL of STS, in place of the region's own.
    pub sts_endpoint: Option<String>,
}

impl SesSettings {
    /// Settings with all defaults.
    pub fn new(region: impl Into<String>, keys: AwsKeys) -> Self {
        Self {
            region: region.into(),
            keys,
            role: None,
            configuration_set: None,
            send_as: None,
            endpoint: None,
            sts_endpoint: None,
        }
    }

    /// The kind that it is.
    pub fn kind(&self) -> ProviderKind {
        match self.send_as {
            Some(_) => ProviderKind::ManagedSes,
            None => ProviderKind::Ses,
        }
    }

    /// Errors in the settings: the field's name, and advice. Empty when all is well.
    ///
    /// It looks at the form only; [`crate::Connector::test`] finds out whether AWS knows the keys.
    pub fn validate(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let mut check = |field, ok: bool, advice: &str| {
            if !ok {
                wrong.push((field, advice.to_owned()));
            }
        };
        // The region becomes part of the address that is connected to.
        check("region", is_region(&self.region), "Enter a region such as eu-west-1.");
        let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        check(
            "access_key_id",
            is_word(&self.keys.access_key_id),
            "Enter the access key id; it usually begins with AKIA.",
        );
        check(
            "secret_access_key",
            is_word(&self.keys.secret_access_key),
            "Enter the secret access key that goes with the id.",
        );
        if let Some(role) = &self.role {
            let is_arn = role.arn.starts_with("arn:") && role.arn.contains(":role/") && is_word(&role.arn);
            check(
                "role_arn",
                is_arn,
                "Enter the ARN of a role, such as arn:aws:iam::123456789012:role/sendmux.",
            );
            let external_id = role.external_id.as_deref();
            check(
                "external_id",
                external_id.is_none_or(|id| is_word(id) && (2..=1224).contains(&id.len())),
                "Enter the external id without spaces, 2 to 1,224 characters.",
            );
        }
        let is_set_name = |name: &str| {
            (1..=64).contains(&name.len())
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
        };
        check(
            "configuration_set",
            self.configuration_set.as_deref().is_none_or(is_set_name),
            "Enter the name of a configuration set: up to 64 letters, digits, - and _.",
        );
        for (field, address) in [("endpoint", &self.endpoint), ("sts_endpoint", &self.sts_endpoint)] {
            let is_url = |text: &str| url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            check(
                field,
                address.as_deref().is_none_or(is_url),
                "Enter an address that begins with https://.",
            );
        }
        if let Some(send_as) = &self.send_as {
            let is_email = |text: &str| ValidEmail::parse(text).is_ok();
            check("send_as", is_email(&send_as.address), "Enter an email address.");
            check(
                "return_path",
                send_as.return_path.as_deref().is_none_or(is_email),
                "Enter an email address.",
            );
        }
        wrong
    }
}

/// `us-gov-west-1`: what can be one label of a host name.
fn is_region(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
