//! `/api/v1/providers`: the accounts that the team sends through.

use super::messages::when;
use super::provider_settings::{self, NewProvider};
use crate::answer::{Deleted, List, written};
use crate::auth::Caller;
use crate::error::{ApiError, ErrorAnswer};
use crate::fields::Object;
use crate::issue::{IssueCode, Issues};
use crate::parameters::{self, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::StatusCode;
use sendmux_domain::Error;
use sendmux_domain::keys::Permission;
use sendmux_domain::providers::{self, CapsForm, ProviderView, SmtpForm, TestResult};
use serde::Serialize;
use utoipa::ToSchema;

/// A provider with its state.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provider {
    /// Its id.
    #[schema(pattern = "^prv_[a-z0-9]{24}$")]
    pub id: String,
    /// `smtp`, `gmail`, `microsoft365`, `ses`, `managed_ses` or `sandbox`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// `active`, `inactive` or `pending`.
    pub status: String,
    /// The settings of an SMTP server, without its password.
    pub smtp: Option<SmtpSettings>,
    /// The settings of an Amazon SES account, without its secret.
    pub ses: Option<SesSettings>,
    /// Whose mailbox it is.
    pub mailbox: Option<Mailbox>,
    /// The weight outside groups; null counts as 100.
    pub weight: Option<u32>,
    /// Its part, 0 to 100, of what keys for the whole team send while all active providers are open.
    pub share: f64,
    /// The most that goes through it.
    pub caps: Windows,
    /// What went through it in the windows that count now.
    pub used: Used,
    /// The groups that it is in.
    pub groups: Vec<Named>,
    /// Why it is pulled from rotation.
    pub block: Option<BlockAnswer>,
    /// Until when it is left alone, as it asked.
    #[schema(format = "date-time")]
    pub paused_until: Option<String>,
    /// How the last connection test went.
    pub last_test: Option<Test>,
    /// When a message was last handed to it.
    #[schema(format = "date-time")]
    pub last_used_at: Option<String>,
    /// Raised by every change. A change that names it fails with `conflict` when somebody else was quicker.
    pub version: i32,
    /// When it was added.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// When it was last changed.
    #[schema(format = "date-time")]
    pub updated_at: String,
}

/// The settings of an SMTP server.
#[derive(Debug, Serialize, ToSchema)]
pub struct SmtpSettings {
    /// The server's name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// The user name; empty where there is no login.
    pub username: String,
    /// Whether a password is stored.
    pub has_password: bool,
    /// The name that it is greeted with (EHLO); null for the installation's.
    pub helo_name: Option<String>,
    /// Seconds that name resolution and TCP may take.
    pub connect_timeout: u32,
    /// Seconds that TLS, the greeting and the answer to each command may take.
    pub command_timeout: u32,
    /// Seconds that the answer to DATA, and each 64 KiB of the content, may take. The answer to the final dot has ten
    /// minutes, whatever is set here.
    pub data_timeout: u32,
}

/// The settings of an Amazon SES account.
#[derive(Debug, Serialize, ToSchema)]
pub struct SesSettings {
    /// The AWS region.
    pub region: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The role that is assumed with it.
    pub role_arn: Option<String>,
    /// The external id that the role asks for.
    pub external_id: Option<String>,
    /// The configuration set that messages are sent with.
    pub configuration_set: Option<String>,
    /// The address of the API instead of Amazon's.
    pub endpoint: Option<String>,
}

/// A Gmail or Microsoft 365 mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct Mailbox {
    /// Its address; null until it is connected.
    pub email: Option<String>,
    /// Addresses that it may send as besides.
    pub aliases: Vec<String>,
    /// Since when it is connected.
    #[schema(format = "date-time")]
    pub connected_at: Option<String>,
    /// Where somebody connects it, or authorises it again, in a browser.
    pub connect_url: String,
}

/// The most in each window; null is no cap.
#[derive(Debug, Serialize, ToSchema)]
pub struct Windows {
    /// A second.
    pub second: Option<u32>,
    /// A minute.
    pub minute: Option<u32>,
    /// An hour.
    pub hour: Option<u32>,
    /// A day: the last 24 hours, or for the managed route the UTC day.
    pub day: Option<u32>,
}

/// What went through in each window.
#[derive(Debug, Serialize, ToSchema)]
pub struct Used {
    /// In this second.
    pub second: u32,
    /// In this minute.
    pub minute: u32,
    /// In this hour.
    pub hour: u32,
    /// In the day.
    pub day: u32,
}

/// An id and what it is called.
#[derive(Debug, Serialize, ToSchema)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
}

/// Why a provider is pulled from rotation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockAnswer {
    /// `quota`, `connection`, `auth` or `config`.
    pub kind: String,
    /// What the provider said or did.
    pub cause: String,
    /// Since when.
    #[schema(format = "date-time")]
    pub since: String,
    /// When it comes back by itself; null is by hand only.
    #[schema(format = "date-time")]
    pub until: Option<String>,
}

/// What a connection test found.
#[derive(Debug, Serialize, ToSchema)]
pub struct Test {
    /// Every step passed.
    pub ok: bool,
    /// The steps, in the order in which they were taken.
    pub steps: Vec<Step>,
    /// The class of the failure.
    pub class: Option<String>,
    /// What to do about it.
    pub advice: Option<String>,
    /// When it ended.
    #[schema(format = "date-time")]
    pub tested_at: String,
}

/// One step of a connection test.
#[derive(Debug, Serialize, ToSchema)]
pub struct Step {
    /// `connect`, `tls`, `auth`.
    pub name: String,
    /// It worked.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
}

impl Test {
    fn of(result: TestResult, tested_at: String) -> Self {
        Self {
            ok: result.ok,
            steps: result
                .steps
                .into_iter()
                .map(|step| Step {
                    name: step.name,
                    ok: step.ok,
                    detail: step.detail,
                })
                .collect(),
            class: result.class.map(|class| class.to_string()),
            advice: result.advice,
            tested_at,
        }
    }
}

impl Provider {
    /// The answer; `public_url` is where this installation is reached.
    fn of(view: ProviderView, public_url: &str) -> Self {
        let (smtp, ses) = (view.smtp().cloned(), view.ses().cloned());
        Self {
            ses: ses.map(|ses| SesSettings {
                region: ses.region,
                access_key_id: ses.access_key_id,
                role_arn: ses.role_arn,
                external_id: ses.external_id,
                configuration_set: ses.configuration_set,
                endpoint: ses.endpoint,
            }),
            mailbox: view.mailbox.map(|mailbox| Mailbox {
                email: mailbox.email,
                aliases: mailbox.aliases,
                connected_at: when(mailbox.connected_at),
                connect_url: format!("{public_url}/providers/{}", view.public_id),
            }),
            id: view.public_id,
            kind: view.kind.to_string(),
            name: view.name,
            status: view.status.to_string(),
            smtp: smtp.map(|smtp| SmtpSettings {
                host: smtp.host,
                port: smtp.port,
                security: smtp.security.to_string(),
                username: smtp.username,
                has_password: view.has_secret,
                helo_name: smtp.helo_name,
                connect_timeout: smtp.timeouts.connect,
                command_timeout: smtp.timeouts.command,
                data_timeout: smtp.timeouts.data,
            }),
            weight: view.weight,
            share: view.share,
            caps: Windows {
                second: view.caps.second,
                minute: view.caps.minute,
                hour: view.caps.hour,
                day: view.caps.day,
            },
            used: Used {
                second: view.used.second,
                minute: view.used.minute,
                hour: view.used.hour,
                day: view.used.day,
            },
            groups: view
                .groups
                .into_iter()
                .map(|group| Named {
                    id: group.public_id,
                    name: group.name,
                })
                .collect(),
            block: view.block.map(|block| BlockAnswer {
                kind: block.kind.to_string(),
                cause: block.cause,
                since: written(block.since),
                until: when(block.until),
            }),
            paused_until: when(view.paused_until),
            last_test: view.last_test.map(|last| Test::of(last.result, written(last.at))),
            last_used_at: when(view.last_used_at),
            version: view.version,
            created_at: written(view.created_at),
            updated_at: written(view.updated_at),
        }
    }
}

/// An SMTP server to send through.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used: requests are read field by field")]
pub(crate) struct NewSmtpProvider {
    /// `smtp`
    #[schema(pattern = "^smtp$")]
    kind: Option<String>,
    /// What it is called.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The server's name, an international one in ASCII (`xn--…`), or its address.
    host: String,
    /// Its port.
    #[schema(minimum = 1, maximum = 65535)]
    port: u16,
    /// `starttls`, `tls` or `none`.
    #[schema(pattern = "^(?:starttls|tls|none)$")]
    security: String,
    /// The user name; absent for a server that wants no login.
    username: Option<String>,
    /// The password.
    password: Option<String>,
    /// The name that it is greeted with (EHLO): a full domain name, or an address in brackets; absent or empty for the installation's.
    #[schema(pattern = "^(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?){1,3})?$")]
    helo_name: Option<String>,
    /// Seconds that name resolution and TCP may take; 10 unless it is set.
    #[schema(minimum = 1, maximum = 300)]
    connect_timeout: Option<u32>,
    /// Seconds that TLS, the greeting and the answer to each command may take; 30 unless it is set.
    #[schema(minimum = 1, maximum = 300)]
    command_timeout: Option<u32>,
    /// Seconds that the answer to DATA, and each 64 KiB of the content, may take; 60 unless it is set.
    #[schema(minimum = 1, maximum = 300)]
    data_timeout: Option<u32>,
}

/// What to change of a provider, by its kind; what is absent stays.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ProviderChange {
    /// What it is called.
    name: Option<String>,
    /// The server's name or address. With another server the password must be given again.
    host: Option<String>,
    /// Its port.
    #[schema(minimum = 1, maximum = 65535)]
    port: Option<u16>,
    /// `starttls`, `tls` or `none`.
    #[schema(pattern = "^(?:starttls|tls|none)$")]
    security: Option<String>,
    /// The user name; an empty one is no login.
    username: Option<String>,
    /// The password.
    password: Option<String>,
    /// The name that it is greeted with (EHLO): a full domain name, or an address in brackets; an empty one is the installation's.
    #[schema(pattern = "^(?:[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\\.[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?){1,3})?$")]
    helo_name: Option<String>,
    /// Seconds that name resolution and TCP may take; 10 unless it is set.
    #[schema(minimum = 1, maximum = 300)]
    connect_timeout: Option<u32>,
    /// Seconds that TLS, the greeting and the answer to each command may take; 30 unless it is set.
    #[schema(minimum = 1, maximum = 300)]
    command_timeout: Option<u32>,
    /// Seconds that the answer to DATA, and each 64 KiB of the content, may take; 60 unless it is set.
    #[schema(minimum = 1, maximum = 300)]
    data_timeout: Option<u32>,
    /// `ses`: the AWS region.
    region: Option<String>,
    /// `ses`: the id of the access key. With another one its secret must be given too.
    access_key_id: Option<String>,
    /// `ses`: the secret that belongs to it.
    secret_access_key: Option<String>,
    /// `ses`: a role that is assumed with the key; an empty one is none.
    role_arn: Option<String>,
    /// `ses`: the external id that the role asks for; an empty one is none.
    external_id: Option<String>,
    /// `ses`: the configuration set; an empty one is none.
    configuration_set: Option<String>,
    /// `ses`: the address of the API instead of Amazon's; an empty one is Amazon's.
    endpoint: Option<String>,
    /// `gmail`, `microsoft365`: addresses that the mailbox may send as besides its own.
    aliases: Option<Vec<String>>,
    /// The version that this change was made on; without one, whatever the version is now.
    version: Option<i32>,
}

/// Weight and caps of a provider: all of them, what is absent is unset.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct ProviderRouting {
    /// From 0 up; 0 drains the provider, null counts as 100.
    #[schema(minimum = 0, maximum = 1_000_000)]
    weight: Option<u32>,
    /// The most that goes through it.
    caps: Option<CapsRequest>,
    /// The version that this change was made on.
    version: Option<i32>,
}

/// The most in each window; absent or null is no cap.
#[derive(ToSchema)]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct CapsRequest {
    /// A second.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    second: Option<u32>,
    /// A minute.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    minute: Option<u32>,
    /// An hour.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    hour: Option<u32>,
    /// The last 24 hours.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    day: Option<u32>,
}

/// The fields of an SMTP provider, those that are there.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Fields {
    pub(crate) name: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<i64>,
    pub(crate) security: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) helo_name: Option<String>,
    pub(crate) connect_timeout: Option<i64>,
    pub(crate) command_timeout: Option<i64>,
    pub(crate) data_timeout: Option<i64>,
}

impl Fields {
    pub(crate) fn read(object: &mut Object<'_>, issues: &mut Issues) -> Self {
        let mut text = |name| object.take_text(name, issues).map(|text| text.into_owned());
        Self {
            name: text("name"),
            host: text("host"),
            security: text("security"),
            username: text("username"),
            password: text("password"),
            helo_name: text("helo_name"),
            port: object.take_integer("port", issues),
            connect_timeout: object.take_integer("connect_timeout", issues),
            command_timeout: object.take_integer("command_timeout", issues),
            data_timeout: object.take_integer("data_timeout", issues),
        }
        .checked(issues)
    }

    /// A form may have what people type; a program knows the one way to write a name.
    fn checked(self, issues: &mut Issues) -> Self {
        let is_plain = |host: &String| host.bytes().all(|byte| byte.is_ascii_graphic());
        for (field, name) in [("host", &self.host), ("helo_name", &self.helo_name)] {
            if !name.as_ref().is_none_or(is_plain) {
                let message = "must be in ASCII without spaces: write an international name as xn--…";
                issues.add(field, IssueCode::InvalidCharacters, message);
            }
        }
        self
    }

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

fn version(object: &mut Object<'_>, issues: &mut Issues) -> Option<i32> {
    let version = object.take_integer("version", issues)?;
    // A number that is too large is a version that there never was.
    Some(i32::try_from(version).unwrap_or(-1))
}

/// Lists the providers of the team, in the order in which they were added.
#[utoipa::path(get, path = "/api/v1/providers", operation_id = "listProviders", tag = "Providers",
    responses((status = 200, description = "The providers", body = List<Provider>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<List<Provider>>, ApiError> {
    caller.require(Permission::Read)?;
    let views = providers::list(&api.domain, caller.key.team_id).await?;
    Ok(Json(List::whole(
        views.into_iter().map(|view| answer(&api, view)).collect(),
    )))
}

/// Shows a provider.
#[utoipa::path(get, path = "/api/v1/providers/{id}", operation_id = "getProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider)))]
pub(crate) async fn get(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    caller.require(Permission::Read)?;
    let view = providers::get(&api.domain, caller.key.team_id, &id).await?;
    Ok(Json(answer(&api, view)))
}

/// Adds a provider. An SMTP server or an Amazon SES account is switched on; a mailbox is `pending` until somebody connects
/// it in a browser, at its `connect_url`.
#[utoipa::path(post, path = "/api/v1/providers", operation_id = "createProvider", tag = "Providers",
    request_body = NewProvider,
    responses((status = 201, description = "The provider", body = Provider)))]
pub(crate) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    caller.require(Permission::Manage)?;
    let new = parameters::body(&api, request, provider_settings::read_new).await?;
    let (kind, form) = new.ok_or_else(of_no_team)?;
    let view = providers::create(&api.domain, &caller.actor(), kind, form).await?;
    Ok((StatusCode::CREATED, Json(answer(&api, view))))
}

/// Changes the settings of a provider.
#[utoipa::path(patch, path = "/api/v1/providers/{id}", operation_id = "updateProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    request_body = ProviderChange,
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: somebody else was quicker, or it is not the team's to change", body = ErrorAnswer)))]
pub(crate) async fn update(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Provider>, ApiError> {
    caller.require(Permission::Manage)?;
    let before = providers::get(&api.domain, caller.key.team_id, &id).await?;
    let form = before.form().ok_or_else(of_no_team)?;
    let (form, version) = parameters::body(&api, request, |object, issues| {
        (provider_settings::read(form, object, issues), version(object, issues))
    })
    .await?;
    let version = version.unwrap_or(before.version);
    let view = providers::update(&api.domain, &caller.actor(), &id, form, version).await?;
    Ok(Json(answer(&api, view)))
}

fn answer(api: &Api, view: ProviderView) -> Provider {
    Provider::of(view, &api.domain.settings.public_url)
}

fn of_no_team() -> Error {
    Error::Conflict("this provider is the installation's: it has no settings that a team can change".to_owned())
}

/// Sets the weight and the caps of a provider.
#[utoipa::path(put, path = "/api/v1/providers/{id}/routing", operation_id = "setProviderRouting", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    request_body = ProviderRouting,
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: somebody else was quicker, or it is not the team's to set", body = ErrorAnswer)))]
pub(crate) async fn set_routing(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Provider>, ApiError> {
    caller.require(Permission::Manage)?;
    let (weight, caps, version) = parameters::body(&api, request, |object, issues| {
        let weight = object.take_integer("weight", issues);
        let version = version(object, issues);
        let mut form = CapsForm::default();
        if let Some(json) = object.take("caps")
            && let Some(mut caps) = Object::read(json, "caps", issues)
        {
            form = CapsForm {
                second: caps.take_integer("second", issues),
                minute: caps.take_integer("minute", issues),
                hour: caps.take_integer("hour", issues),
                day: caps.take_integer("day", issues),
            };
            caps.finish(issues);
        }
        (weight, form, version)
    })
    .await?;
    let view = providers::set_routing(&api.domain, &caller.actor(), &id, weight, caps, version).await?;
    Ok(Json(answer(&api, view)))
}

/// Switches a provider on.
#[utoipa::path(post, path = "/api/v1/providers/{id}/activate", operation_id = "activateProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: it is not connected yet", body = ErrorAnswer)))]
pub(crate) async fn activate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    switch(&api, &caller, &id, true).await
}

/// Switches a provider off. What waits for it goes to the others of its scope.
#[utoipa::path(post, path = "/api/v1/providers/{id}/deactivate", operation_id = "deactivateProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: it is always on", body = ErrorAnswer)))]
pub(crate) async fn deactivate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    switch(&api, &caller, &id, false).await
}

async fn switch(api: &Api, caller: &Caller, id: &str, on: bool) -> Result<Json<Provider>, ApiError> {
    caller.require(Permission::Manage)?;
    let view = providers::set_active(&api.domain, &caller.actor(), id, on).await?;
    Ok(Json(answer(api, view)))
}

/// Deletes a provider and forgets its credentials.
#[utoipa::path(delete, path = "/api/v1/providers/{id}", operation_id = "deleteProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "It is gone.", body = Deleted),
        (status = 409, description = "`conflict`: it belongs to every team", body = ErrorAnswer)))]
pub(crate) async fn delete(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    caller.require(Permission::Manage)?;
    providers::delete(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(Deleted::of(id)))
}

/// Tests the connection to a provider: as far as a message would go, without sending one. May take a minute. A test that
/// passes puts a blocked provider back into rotation.
#[utoipa::path(post, path = "/api/v1/providers/{id}/test", operation_id = "testProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "What the test found; a failed one too", body = Test),
        (status = 409, description = "`conflict`: it is a mailbox that is not connected yet", body = ErrorAnswer)))]
pub(crate) async fn test(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Test>, ApiError> {
    caller.require(Permission::Manage)?;
    let result = providers::test(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(Test::of(result, written(api.domain.clock.now()))))
}

/// Puts a pulled or paused provider back into rotation.
#[utoipa::path(post, path = "/api/v1/providers/{id}/unblock", operation_id = "unblockProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: it is the managed route, which only the operator puts back", body = ErrorAnswer)))]
pub(crate) async fn unblock(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    caller.require(Permission::Manage)?;
    providers::unblock(&api.domain, &caller.actor(), &id).await?;
    let view = providers::get(&api.domain, caller.key.team_id, &id).await?;
    Ok(Json(answer(&api, view)))
}
