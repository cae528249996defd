//! Provider settings in requests, by the provider's kind. A setting stands once, for a new provider and for a change of one.

use crate::fields::{self, Object};
use crate::input::{self, Input, Property, Schemas, TEXT, UpTo, VISIBLE, Value, input};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use sendmux_domain::providers::{Form, MailboxForm, SesForm, SmtpForm};
use sendmux_rules::ProviderKind;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AnyOfBuilder, ObjectBuilder, OneOfBuilder, RefBuilder, Schema, SchemaType};
use utoipa::{PartialSchema, ToSchema};

/// Characters of a password, or of a secret access key.
const MAX_SECRET: usize = 1_024;

/// A domain name: labels of letters, digits, hyphens and underscores, the last of them no number.
const HOST: &str = concat!(
    r"^(?=[^.]{1,63}(?:\.[^.]{1,63}){0,3}\.?$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.)*",
    r"(?![0-9]+\.?$)[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?\.?$"
);

input! {
    /// The settings of an SMTP server.
    pub(crate) struct Smtp {
        /// Its name in the team.
        pub(crate) name: Option<String> as input::name(),
        /// The server's name, an international one in ASCII (`xn--…`), or its address. With another server the password must
        /// be given again.
        pub(crate) host: Option<String> as host(),
        /// `starttls`, `tls` or `none`.
        pub(crate) security: Option<String> as input::one_of(["starttls", "tls", "none"]),
        /// The user name; empty for a server that wants no login.
        pub(crate) username: Option<String> as input::pattern(TEXT).max_length(Some(MAX_SECRET)),
        /// The password.
        pub(crate) password: Option<String> as input::pattern(TEXT).max_length(Some(MAX_SECRET)),
        /// The name that it is greeted with (EHLO): a full domain name, or an address in brackets; empty for the
        /// installation's.
        pub(crate) helo_name: Option<String> as input::pattern(
            "^(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?){1,3})?$"
        ),
        /// Its port.
        pub(crate) port: Option<i64> as input::whole(1, 65_535),
        /// Seconds that name resolution and TCP may take; 10 unless it is set.
        pub(crate) connect_timeout: Option<i64> as input::whole(1, 300),
        /// Seconds that TLS, the greeting and the answer to each command may take; 30 unless it is set.
        pub(crate) command_timeout: Option<i64> as input::whole(1, 300),
        /// Seconds that the answer to DATA, and each 64 KiB of the content, may take; 60 unless it is set.
        pub(crate) data_timeout: Option<i64> as input::whole(1, 300),
    }
    check has_plain_names;

    /// The settings of an Amazon SES account.
    pub(crate) struct Ses {
        /// Its name in the team.
        name: Option<String> as input::name(),
        /// The AWS region.
        region: Option<String> as input::pattern("^[a-z]+(?:-[a-z]+){1,3}-[0-9]+$").max_length(Some(32)),
        /// The id of an access key that may send. With another one its secret must be given too.
        access_key_id: Option<String> as input::pattern("^[A-Za-z0-9_]{16,128}$"),
        /// The secret that belongs to the access key.
        secret_access_key: Option<Secret>,
        /// A role that is assumed with the key; an empty one is none.
        role_arn: Option<String> as
            input::pattern(r"^(?:arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+)?$").max_length(Some(2_048)),
        /// The external id that the role asks for; an empty one is none.
        external_id: Option<String> as input::pattern(r"^(?:[A-Za-z0-9_+=,.@:/-]{2,1224})?$"),
        /// The configuration set that messages are sent with; an empty one is none.
        configuration_set: Option<String> as input::pattern("^[A-Za-z0-9_-]{0,64}$"),
        /// The address of the API instead of Amazon's, where the installation allows that; an empty one is Amazon's.
        endpoint: Option<String> as input::pattern(
            r"^(?:https?://(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\.){0,3}[a-z]{1,63}(?::[1-9][0-9]{0,3})?/*)?$"
        ),
    }

    /// The settings of a mailbox.
    pub(crate) struct Mailbox {
        /// Its name in the team.
        name: Option<String> as input::name(),
        /// Addresses that it may send as besides its own.
        aliases: Option<UpTo<50, Alias>>,
    }
}

fn host() -> AnyOfBuilder {
    let host = AnyOfBuilder::new().item(input::pattern(HOST));
    host.item(input::format("ipv4")).item(input::format("ipv6"))
}

/// A form may have what people type; a program knows the one way to write a name.
fn has_plain_names(smtp: &Smtp, object: &Object<'_>, issues: &mut Issues) {
    let is_plain = |host: &String| host.bytes().all(|byte| byte.is_ascii_graphic());
    for (field, name) in [("host", &smtp.host), ("helo_name", &smtp.helo_name)] {
        if !name.as_ref().is_none_or(is_plain) {
            let message = "must be in ASCII without spaces: write an international name as xn--…";
            issues.add(object.path(field), IssueCode::InvalidCharacters, message);
        }
    }
}

impl Smtp {
    /// The form that makes a provider, or changes one: what is absent is as in `before`.
    pub(crate) fn form(self, before: SmtpForm) -> SmtpForm {
        let number = |given: Option<i64>, before| given.map_or(before, |number| number.to_string());
        SmtpForm {
            name: self.name.unwrap_or(before.name),
            host: self.host.unwrap_or(before.host),
            port: number(self.port, before.port),
            security: self.security.unwrap_or(before.security),
            username: self.username.unwrap_or(before.username),
            password: self.password,
            helo_name: self.helo_name.unwrap_or(before.helo_name),
            connect_timeout: number(self.connect_timeout, before.connect_timeout),
            command_timeout: number(self.command_timeout, before.command_timeout),
            data_timeout: number(self.data_timeout, before.data_timeout),
        }
    }
}

impl Ses {
    /// The form that makes an account, or changes one: what is absent is as in `before`.
    fn form(self, before: SesForm) -> SesForm {
        SesForm {
            name: self.name.unwrap_or(before.name),
            region: self.region.unwrap_or(before.region),
            access_key_id: self.access_key_id.unwrap_or(before.access_key_id),
            secret_access_key: self.secret_access_key.map(|Secret(secret)| secret),
            role_arn: self.role_arn.unwrap_or(before.role_arn),
            external_id: self.external_id.unwrap_or(before.external_id),
            configuration_set: self.configuration_set.unwrap_or(before.configuration_set),
            endpoint: self.endpoint.unwrap_or(before.endpoint),
        }
    }
}

impl Mailbox {
    /// As [`Ses::form`].
    pub(crate) fn form(self, before: MailboxForm) -> MailboxForm {
        let joined = |UpTo(aliases): UpTo<50, Alias>| {
            let aliases: Vec<_> = aliases.into_iter().map(|Alias(alias)| alias).collect();
            aliases.join(",")
        };
        MailboxForm {
            name: self.name.unwrap_or(before.name),
            aliases: self.aliases.map_or(before.aliases, joined),
        }
    }
}

/// A secret access key; an empty one stays as it is in a change.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Secret(String);

impl Value for Secret {
    fn schema() -> RefOr<Schema> {
        input::pattern(TEXT).max_length(Some(MAX_SECRET)).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let secret = String::read(json, at, issues)?;
        // Space around it is taken away before it is stored, and counts here.
        if secret.chars().count() > MAX_SECRET {
            issues.add(
                at,
                IssueCode::TooLong,
                format!("is longer than {MAX_SECRET} characters"),
            );
        }
        Some(Self(secret))
    }
}

/// An address that a mailbox may send as.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Alias(String);

impl Value for Alias {
    fn schema() -> RefOr<Schema> {
        input::format("email").into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let alias = String::read(json, at, issues)?;
        // The form has all of them in one text, with commas between.
        if alias.trim().is_empty() || alias.contains(',') {
            issues.add(at, IssueCode::InvalidAddress, "must be one email address");
        }
        Some(Self(alias))
    }
}

/// The version of a provider that a change was made on.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) struct Version(pub(crate) i32);

impl Version {
    const FIELD: &str = "version";

    /// The version in a change.
    pub(crate) fn take(object: &mut Object<'_>, issues: &mut Issues) -> Option<i32> {
        let version: Option<Self> = input::take(object, Self::FIELD, issues);
        version.map(|Self(version)| version)
    }
}

impl Value for Version {
    fn schema() -> RefOr<Schema> {
        input::integer().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let version = fields::integer(json, at, issues)?;
        // A number that is too large is a version that there never was.
        Some(Self(i32::try_from(version).unwrap_or(-1)))
    }
}

/// Reads a provider that is to be added: its kind, and its form. None: of no kind that can be.
pub(crate) fn read_new(object: &mut Object<'_>, issues: &mut Issues) -> Option<(ProviderKind, Form)> {
    let kind = input::take::<Option<String>>(object, "kind", issues);
    let kind = kind.as_deref().unwrap_or(ProviderKind::Smtp.as_str());
    let new = kind.parse().ok().and_then(|kind| Some((kind, Form::new(kind)?)));
    if new.is_none() {
        let own = ProviderKind::ALL.iter().filter(|kind| kind.is_own());
        let names: Vec<&str> = own.map(|kind| kind.as_str()).collect();
        issues.add("kind", IssueCode::InvalidValue, input::must_be(&names));
    }
    new.map(|(kind, form)| (kind, read(form, object, issues)))
}

/// Reads the settings of a request over a form: what is absent is as it was there.
pub(crate) fn read(before: Form, object: &mut Object<'_>, issues: &mut Issues) -> Form {
    match before {
        Form::Smtp(before) => Form::Smtp(Smtp::take(object, issues).form(before)),
        Form::Mailbox(before) => Form::Mailbox(Mailbox::take(object, issues).form(before)),
        Form::Ses(before) => Form::Ses(Ses::take(object, issues).form(before)),
    }
}

/// A provider to add, of the kind that `kind` names; `smtp` when it is absent.
pub(crate) struct NewProvider;

impl NewProvider {
    /// The schema of each kind: its name, its description, and the schema itself.
    fn kinds() -> [(&'static str, &'static str, ObjectBuilder); 3] {
        let smtp = new(
            "An SMTP server to send through.",
            &["smtp"],
            Smtp::properties(),
            &["name", "host", "port", "security"],
        );
        let mut ses = Ses::properties();
        for property in ses.iter_mut().filter(|property| property.name == "secret_access_key") {
            property.schema = input::pattern(VISIBLE).max_length(Some(MAX_SECRET)).into();
        }
        let required = ["kind", "name", "region", "access_key_id", "secret_access_key"];
        let ses = new("An Amazon SES account to send through.", &["ses"], ses, &required);
        let mailbox = new(
            "A mailbox to send through. It is connected in the browser, on the provider's page of the dashboard.",
            &["gmail", "microsoft365"],
            Mailbox::properties(),
            &["kind", "name"],
        );
        [
            ("NewSmtpProvider", "An SMTP server.", with_both_or_neither(smtp)),
            ("NewSesProvider", "An Amazon SES account.", ses),
            ("NewMailbox", "A mailbox.", mailbox),
        ]
    }
}

/// The schema of a new provider that has these settings.
fn new(about: &str, kinds: &[&str], settings: Vec<Property>, required: &[&str]) -> ObjectBuilder {
    let kind = Property {
        name: "kind",
        schema: input::one_of(kinds.iter().copied()).into(),
        optional: true,
        about: kinds
            .iter()
            .map(|kind| format!("`{kind}`"))
            .collect::<Vec<_>>()
            .join(" or "),
    };
    let mut properties = vec![kind];
    properties.extend(settings);
    for property in &mut properties {
        property.optional = !required.contains(&property.name);
    }
    input::object(about, properties)
}

/// Either both of user name and password, or neither.
fn with_both_or_neither(smtp: ObjectBuilder) -> ObjectBuilder {
    let any = ObjectBuilder::new;
    let any_type = || any().schema_type(SchemaType::AnyValue);
    let both = any()
        .property("username", input::pattern(r"\S"))
        .property("password", input::text().min_length(Some(1)))
        .required("username")
        .required("password");
    let neither = any()
        .property("username", any_type().pattern(Some("^ *$")))
        .property("password", any_type().max_length(Some(0)));
    input::any_of(smtp, [both, neither])
}

impl PartialSchema for NewProvider {
    fn schema() -> RefOr<Schema> {
        let kinds = Self::kinds().into_iter();
        let one_of = kinds.fold(OneOfBuilder::new(), |one_of, (name, about, _)| {
            let kind = RefBuilder::new().ref_location_from_schema_name(name);
            one_of.item(kind.description(Some(about)))
        });
        one_of
            .description(Some(
                "A provider to add, of the kind that `kind` names; `smtp` when it is absent.",
            ))
            .into()
    }
}

impl ToSchema for NewProvider {
    fn schemas(schemas: &mut Schemas) {
        schemas.extend(Self::kinds().map(|(name, _, schema)| (name.to_owned(), schema.into())));
    }
}

/// A change of a provider, by its kind; what is absent stays.
pub(crate) struct ProviderChange;

impl PartialSchema for ProviderChange {
    fn schema() -> RefOr<Schema> {
        let mut properties: Vec<Property> = Vec::new();
        for (kinds, settings) in [
            ("", Smtp::properties()),
            ("`ses`: ", Ses::properties()),
            ("`gmail`, `microsoft365`: ", Mailbox::properties()),
        ] {
            for mut property in settings {
                // The name is one of all kinds.
                if properties.iter().all(|other| other.name != property.name) {
                    property.about.insert_str(0, kinds);
                    properties.push(property);
                }
            }
        }
        properties.push(Property {
            name: Version::FIELD,
            schema: Version::schema(),
            optional: true,
            about: "The version that this change was made on; without one, whatever the version is now.".to_owned(),
        });
        input::object("A change of a provider, by its kind; what is absent stays.", properties).into()
    }
}

impl ToSchema for ProviderChange {}
