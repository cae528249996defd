//! Provider settings in requests, by the provider's kind.

use super::providers::Fields;
use crate::fields::Object;
use crate::issue::{IssueCode, Issues};
use sendmux_domain::providers::{Form, MailboxForm, SesForm};
use sendmux_rules::ProviderKind;
use utoipa::ToSchema;

/// A provider to add, of the kind that `kind` names; `smtp` when it is absent.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used: requests are read field by field")]
pub(crate) enum NewProvider {
    /// An SMTP server.
    Smtp(super::providers::NewSmtpProvider),
    /// An Amazon SES account.
    Ses(NewSesProvider),
    /// A mailbox.
    Mailbox(NewMailbox),
}

/// An Amazon SES account to send through.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct NewSesProvider {
    /// `ses`
    #[schema(pattern = "^ses$")]
    kind: String,
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The AWS region.
    #[schema(pattern = "^[a-z]+(?:-[a-z]+){1,3}-[0-9]+$", max_length = 32)]
    region: String,
    /// The id of an access key that may send.
    #[schema(pattern = "^[A-Za-z0-9_]{16,128}$")]
    access_key_id: String,
    /// The secret that belongs to it.
    secret_access_key: String,
    /// A role that is assumed with the key.
    #[schema(pattern = r"^(?:arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+)?$", max_length = 2048)]
    role_arn: Option<String>,
    /// The external id that the role asks for.
    #[schema(pattern = r"^(?:[A-Za-z0-9_+=,.@:/-]{2,1224})?$")]
    external_id: Option<String>,
    /// The configuration set that messages are sent with.
    #[schema(pattern = "^[A-Za-z0-9_-]{0,64}$")]
    configuration_set: Option<String>,
    /// The address of the API instead of Amazon's, where the installation allows that.
    #[schema(
        pattern = r"^(?:https?://(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.){0,3}[a-z]{1,63}(?::[1-9][0-9]{0,3})?/*)?$"
    )]
    endpoint: Option<String>,
}

/// A mailbox to send through. It is connected in the browser, on the provider's page of the dashboard.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct NewMailbox {
    /// `gmail` or `microsoft365`.
    #[schema(pattern = "^(?:gmail|microsoft365)$")]
    kind: String,
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Addresses that it may send as besides its own.
    #[schema(max_items = 50)]
    aliases: Option<Vec<String>>,
}

/// The fields of an Amazon SES account, those that are there.
struct SesFields {
    name: Option<String>,
    region: Option<String>,
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    role_arn: Option<String>,
    external_id: Option<String>,
    configuration_set: Option<String>,
    endpoint: Option<String>,
}

impl SesFields {
    /// Characters of a secret access key.
    const MAX_SECRET: usize = 1_024;

    fn read(object: &mut Object<'_>, issues: &mut Issues) -> Self {
        let mut text = |name| object.take_text(name, issues).map(|text| text.into_owned());
        let secret = text("secret_access_key");
        let fields = Self {
            name: text("name"),
            region: text("region"),
            access_key_id: text("access_key_id"),
            role_arn: text("role_arn"),
            external_id: text("external_id"),
            configuration_set: text("configuration_set"),
            endpoint: text("endpoint"),
            secret_access_key: secret,
        };
        // Space around it is taken away before it is stored, and counts here.
        let length = fields
            .secret_access_key
            .as_ref()
            .map_or(0, |secret| secret.chars().count());
        if length > Self::MAX_SECRET {
            let message = format!("is longer than {} characters", Self::MAX_SECRET);
            issues.add("secret_access_key", IssueCode::TooLong, message);
        }
        fields
    }

    /// The form that makes an account, or changes one: what is absent is as in `before`.
    fn form(self, before: SesForm) -> SesForm {
        SesForm {
            name: self.name.unwrap_or(before.name),
            region: self.region.unwrap_or(before.region),
            access_key_id: self.access_key_id.unwrap_or(before.access_key_id),
            secret_access_key: self.secret_access_key,
            role_arn: self.role_arn.unwrap_or(before.role_arn),
            external_id: self.external_id.unwrap_or(before.external_id),
            configuration_set: self.configuration_set.unwrap_or(before.configuration_set),
            endpoint: self.endpoint.unwrap_or(before.endpoint),
        }
    }
}

/// The fields of a mailbox, those that are there.
struct MailboxFields {
    name: Option<String>,
    aliases: Option<Vec<String>>,
}

impl MailboxFields {
    /// Most entries of `aliases` that are looked at.
    const MAX_ALIASES: usize = 50;

    fn read(object: &mut Object<'_>, issues: &mut Issues) -> Self {
        let name = object.take_text("name", issues).map(|text| text.into_owned());
        let aliases = object.take_texts("aliases", Self::MAX_ALIASES, issues);
        for (index, alias) in aliases.iter().flatten().enumerate() {
            // The form has all of them in one text, with commas between.
            if alias.trim().is_empty() || alias.contains(',') {
                let message = "must be one email address";
                issues.add(format!("aliases[{index}]"), IssueCode::InvalidAddress, message);
            }
        }
        Self { name, aliases }
    }

    /// As [`SesFields::form`].
    fn form(self, before: MailboxForm) -> MailboxForm {
        MailboxForm {
            name: self.name.unwrap_or(before.name),
            aliases: self.aliases.map_or(before.aliases, |aliases| aliases.join(",")),
        }
    }
}

/// Reads a provider that is to be added: its kind, and its form. None: of no kind that can be.
pub(crate) fn read_new(object: &mut Object<'_>, issues: &mut Issues) -> Option<(ProviderKind, Form)> {
    let kind = object.take_text("kind", issues);
    let kind = kind.as_deref().unwrap_or(ProviderKind::Smtp.as_str());
    let new = kind.parse().ok().and_then(|kind| Some((kind, Form::new(kind)?)));
    if new.is_none() {
        let own = ProviderKind::ALL.iter().filter(|kind| kind.is_own());
        let names: Vec<&str> = own.map(|kind| kind.as_str()).collect();
        let (last, others) = names.split_last().unwrap_or((&"", &[]));
        let message = format!("must be {} or {last}", others.join(", "));
        issues.add("kind", IssueCode::InvalidValue, message);
    }
    new.map(|(kind, form)| (kind, read(form, object, issues)))
}

/// Reads the settings of a request over a form: what is absent is as it was there.
pub(crate) fn read(before: Form, object: &mut Object<'_>, issues: &mut Issues) -> Form {
    match before {
        Form::Smtp(before) => Form::Smtp(Fields::read(object, issues).form(before)),
        Form::Mailbox(before) => Form::Mailbox(MailboxFields::read(object, issues).form(before)),
        Form::Ses(before) => Form::Ses(SesFields::read(object, issues).form(before)),
    }
}
