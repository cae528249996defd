//! `/api/v1/providers`: the accounts that the team sends through.

use super::messages::when;
use super::provider_settings::{self, NewProvider, ProviderChange, Version};
use crate::answer::{Deleted, List, written};
use crate::auth::{Caller, Permitted, ToManage, ToRead};
use crate::error::{ApiError, ErrorAnswer};
use crate::input::{self, input};
use crate::parameters::{self, Body, Id, Unread};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use sendmux_domain::Error;
use sendmux_domain::providers::{self, CapsForm, ProviderView, TestResult};
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
    /// Its name.
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
    /// The recipients that went through it in the windows that count now.
    pub used: Used,
    /// The groups that it is in.
    pub groups: Vec<Named>,
    /// The reason why it is pulled from rotation.
    pub block: Option<BlockAnswer>,
    /// Until when it is left alone, as it asked.
    #[schema(format = "date-time")]
    pub paused_until: Option<String>,
    /// The last connection test.
    pub last_test: Option<Test>,
    /// Time at which a message was last handed to it.
    #[schema(format = "date-time")]
    pub last_used_at: Option<String>,
    /// Raised by every change. A change that names it fails with `conflict` when somebody else was quicker.
    pub version: i32,
    /// Time at which it was added.
    #[schema(format = "date-time")]
    pub created_at: String,
    /// Time of the last change.
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
    /// True when a password is stored.
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
    /// The page where somebody connects it, or authorises it again, in a browser.
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

/// Recipients that went through in each window.
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
    /// Its name.
    pub name: String,
}

/// A block: a provider is pulled from rotation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockAnswer {
    /// `quota`, `connection`, `auth` or `config`.
    pub kind: String,
    /// The cause: what the provider said or did.
    pub cause: String,
    /// Since when.
    #[schema(format = "date-time")]
    pub since: String,
    /// Time at which it comes back by itself; null is by hand only.
    #[schema(format = "date-time")]
    pub until: Option<String>,
}

/// The outcome of a connection test.
#[derive(Debug, Serialize, ToSchema)]
pub struct Test {
    /// Every step passed.
    pub ok: bool,
    /// The steps, in the order in which they were taken.
    pub steps: Vec<Step>,
    /// The class of the failure.
    pub class: Option<String>,
    /// Advice on what to do about it.
    pub advice: Option<String>,
    /// Time at which it ended.
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
    /// The observation.
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

input! {
    /// Weight and caps of a provider: all of them, what is absent is unset.
    pub(crate) struct ProviderRouting {
        /// From 0 up; 0 drains the provider, null counts as 100.
        weight: Option<i64> as input::whole(0, 1_000_000),
        /// The version that this change was made on.
        version: Option<Version>,
        /// The most that goes through it.
        caps: Option<CapsRequest>,
    }

    /// The most in each window; absent or null is no cap.
    pub(crate) struct CapsRequest {
        /// A second.
        second: Option<i64> as input::whole(1, 1_000_000_000),
        /// A minute.
        minute: Option<i64> as input::whole(1, 1_000_000_000),
        /// An hour.
        hour: Option<i64> as input::whole(1, 1_000_000_000),
        /// The last 24 hours.
        day: Option<i64> as input::whole(1, 1_000_000_000),
    }
}

impl From<CapsRequest> for CapsForm {
    fn from(caps: CapsRequest) -> Self {
        Self {
            second: caps.second,
            minute: caps.minute,
            hour: caps.hour,
            day: caps.day,
        }
    }
}

/// Lists the providers of the team, in the order in which they were added.
#[utoipa::path(get, path = "/providers", operation_id = "listProviders", tag = "Providers",
    responses((status = 200, description = "The providers", body = List<Provider>)))]
pub(crate) async fn list(caller: Permitted<ToRead>, State(api): State<Api>) -> Result<Json<List<Provider>>, ApiError> {
    let views = providers::list(&api.domain, caller.key.team_id).await?;
    Ok(Json(List::whole(
        views.into_iter().map(|view| answer(&api, view)).collect(),
    )))
}

/// Shows a provider.
#[utoipa::path(get, path = "/providers/{id}", operation_id = "getProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider)))]
pub(crate) async fn get(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    let view = providers::get(&api.domain, caller.key.team_id, &id).await?;
    Ok(Json(answer(&api, view)))
}

/// Adds a provider. An SMTP server or an Amazon SES account is switched on; a mailbox is `pending` until somebody connects
/// it in a browser, at its `connect_url`.
#[utoipa::path(post, path = "/providers", operation_id = "createProvider", tag = "Providers",
    responses((status = 201, description = "The provider", body = Provider)))]
pub(crate) async fn create(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    new: Unread<NewProvider>,
) -> Result<(StatusCode, Json<Provider>), ApiError> {
    let new = parameters::body(&api, new.request, provider_settings::read_new).await?;
    let (kind, form) = new.ok_or_else(of_no_team)?;
    let view = providers::create(&api.domain, &caller.actor(), kind, form).await?;
    Ok((StatusCode::CREATED, Json(answer(&api, view))))
}

/// Changes the settings of a provider.
#[utoipa::path(patch, path = "/providers/{id}", operation_id = "updateProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: somebody else was quicker, or it is not the team's to change", body = ErrorAnswer)))]
pub(crate) async fn update(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
    change: Unread<ProviderChange>,
) -> Result<Json<Provider>, ApiError> {
    let before = providers::get(&api.domain, caller.key.team_id, &id).await?;
    let form = before.form().ok_or_else(of_no_team)?;
    let (form, version) = parameters::body(&api, change.request, |object, issues| {
        let form = provider_settings::read(form, object, issues);
        (form, Version::take(object, issues))
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
#[utoipa::path(put, path = "/providers/{id}/routing", operation_id = "setProviderRouting", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: somebody else was quicker, or it is not the team's to set", body = ErrorAnswer)))]
pub(crate) async fn set_routing(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
    Body(routing): Body<ProviderRouting>,
) -> Result<Json<Provider>, ApiError> {
    let caps = routing.caps.map(CapsForm::from).unwrap_or_default();
    let version = routing.version.map(|Version(version)| version);
    let actor = caller.actor();
    let view = providers::set_routing(&api.domain, &actor, &id, routing.weight, caps, version).await?;
    Ok(Json(answer(&api, view)))
}

/// Switches a provider on.
#[utoipa::path(post, path = "/providers/{id}/activate", operation_id = "activateProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: it is not connected yet", body = ErrorAnswer)))]
pub(crate) async fn activate(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    switch(&api, &caller, &id, true).await
}

/// Switches a provider off. What waits for it goes to the others of its scope.
#[utoipa::path(post, path = "/providers/{id}/deactivate", operation_id = "deactivateProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: it is always on", body = ErrorAnswer)))]
pub(crate) async fn deactivate(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    switch(&api, &caller, &id, false).await
}

async fn switch(api: &Api, caller: &Caller, id: &str, on: bool) -> Result<Json<Provider>, ApiError> {
    let view = providers::set_active(&api.domain, &caller.actor(), id, on).await?;
    Ok(Json(answer(api, view)))
}

/// Deletes a provider and forgets its credentials.
#[utoipa::path(delete, path = "/providers/{id}", operation_id = "deleteProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "It is gone.", body = Deleted),
        (status = 409, description = "`conflict`: it belongs to every team", body = ErrorAnswer)))]
pub(crate) async fn delete(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    providers::delete(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(Deleted::of(id)))
}

/// Tests the connection to a provider: as far as a message would go, without sending one. May take a minute. A test that
/// passes puts a blocked provider back into rotation.
#[utoipa::path(post, path = "/providers/{id}/test", operation_id = "testProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "What the test found; a failed one too", body = Test),
        (status = 409, description = "`conflict`: it is a mailbox that is not connected yet", body = ErrorAnswer)))]
pub(crate) async fn test(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Test>, ApiError> {
    let result = providers::test(&api.domain, &caller.actor(), &id).await?;
    Ok(Json(Test::of(result, written(api.domain.clock.now()))))
}

/// Puts a pulled or paused provider back into rotation.
#[utoipa::path(post, path = "/providers/{id}/unblock", operation_id = "unblockProvider", tag = "Providers",
    params(("id" = String, Path, description = "`prv_…`")),
    responses((status = 200, description = "The provider", body = Provider),
        (status = 409, description = "`conflict`: it is the managed route, which only the operator puts back", body = ErrorAnswer)))]
pub(crate) async fn unblock(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Provider>, ApiError> {
    providers::unblock(&api.domain, &caller.actor(), &id).await?;
    let view = providers::get(&api.domain, caller.key.team_id, &id).await?;
    Ok(Json(answer(&api, view)))
}
