//! `/sdk/v1/providers`: providers, as the dialect shows them. The sandbox is no provider there.

use super::{PageSize, text};
use crate::answer::{Deleted, List, is_outdated, tagged, written};
use crate::auth::{Caller, Permitted, ToManage, ToRead};
use crate::error::{ApiError, Code};
use crate::fields;
use crate::input::{self, Input, Parameter, Value, Whole, input};
use crate::issue::{IssueCode, Issues};
use crate::json::{Json as JsonValue, short};
use crate::manage::provider_settings::Smtp;
use crate::parameters::{self, Body, Id, Unread};
use crate::state::Api;
use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sendmux_domain::providers::{self, CapsForm, Form, ProviderView, SmtpForm, Variables};
use sendmux_domain::{Error, Timestamp, stats};
use sendmux_rules::{ProviderKind, ProviderStatus, SmtpSecurity};
use serde::Serialize;
use serde_json::json;
use std::time::Duration;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};

#[derive(Debug, Serialize)]
struct Actions {
    update: bool,
    update_variables: bool,
    delete: bool,
    activate: bool,
    deactivate: bool,
    test: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Range {
    min: u32,
    max: u32,
}

#[derive(Debug, Serialize)]
struct Quotas {
    per_second: Option<Range>,
    per_minute: Option<Range>,
    per_hour: Option<Range>,
    per_day: Option<Range>,
}

/// A provider. What Sendmux does not have (a sender of its own, a tracking domain) is null.
#[derive(Debug, Serialize)]
pub(crate) struct Item {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    status_reason: Option<String>,
    is_active: bool,
    is_shared: bool,
    is_editable: bool,
    allowed_actions: Actions,
    smtp_host: Option<String>,
    smtp_port: Option<u16>,
    smtp_protocol: Option<&'static str>,
    smtp_username: Option<String>,
    has_smtp_password: bool,
    from_email: Option<String>,
    from_name: Option<String>,
    reply_to_email: Option<String>,
    reply_to_name: Option<String>,
    oauth_email: Option<String>,
    has_refresh_token: bool,
    quotas: Quotas,
    percentage: Option<u32>,
    tracking_domain: Option<String>,
    created_at: String,
    updated_at: String,
    last_tested_at: Option<String>,
    last_used_at: Option<String>,
}

/// A provider by itself.
#[derive(Debug, Serialize)]
pub(crate) struct Detail {
    #[serde(flatten)]
    item: Item,
    variables: Variables,
}

impl Detail {
    async fn of(api: &Api, caller: &Caller, view: ProviderView) -> Result<Self, ApiError> {
        Ok(Self {
            variables: providers::variables(&api.domain, caller.key.team_id, &view.public_id).await?,
            item: Item::of(view).ok_or_else(not_found)?,
        })
    }
}

fn status(view: &ProviderView) -> &'static str {
    match view.status {
        ProviderStatus::Active if view.block.is_some() => "error",
        ProviderStatus::Active => "active",
        ProviderStatus::Inactive => "inactive",
        ProviderStatus::Pending => "pending",
        ProviderStatus::Suspended => "error",
    }
}

impl Item {
    /// None for the sandbox.
    fn of(view: ProviderView) -> Option<Self> {
        let kind = view.kind.sdk_name()?;
        let status = status(&view);
        let own = !view.managed;
        let editable = own;
        let switchable = !matches!(view.status, ProviderStatus::Pending | ProviderStatus::Suspended);
        let is_active = view.status == ProviderStatus::Active;
        let range = |cap: Option<u32>| cap.map(|cap| Range { min: cap, max: cap });
        let smtp = view.smtp().cloned();
        let mailbox = view.mailbox.and_then(|mailbox| mailbox.email);
        Some(Self {
            kind,
            status,
            status_reason: view.block.map(|block| block.cause),
            is_active,
            is_shared: view.managed,
            is_editable: editable,
            allowed_actions: Actions {
                update: editable,
                update_variables: editable,
                delete: own,
                activate: switchable && !is_active,
                deactivate: switchable && is_active,
                test: true,
            },
            smtp_port: smtp.as_ref().map(|smtp| smtp.port),
            smtp_protocol: smtp.as_ref().map(|smtp| match smtp.security {
                SmtpSecurity::StartTls => "starttls",
                SmtpSecurity::Implicit => "ssl",
                SmtpSecurity::None => "none",
            }),
            smtp_username: smtp
                .as_ref()
                .map(|smtp| smtp.username.clone())
                .filter(|name| !name.is_empty()),
            has_smtp_password: smtp.is_some() && view.has_secret,
            smtp_host: smtp.map(|smtp| smtp.host),
            from_email: None,
            from_name: None,
            reply_to_email: None,
            reply_to_name: None,
            has_refresh_token: mailbox.is_some(),
            oauth_email: mailbox,
            quotas: Quotas {
                per_second: range(view.caps.second),
                per_minute: range(view.caps.minute),
                per_hour: range(view.caps.hour),
                per_day: range(view.caps.day),
            },
            percentage: view.weight,
            tracking_domain: None,
            created_at: written(view.created_at),
            updated_at: written(view.updated_at),
            last_tested_at: view.last_test.map(|test| written(test.at)),
            last_used_at: view.last_used_at.map(written),
            id: view.public_id,
            name: view.name,
        })
    }
}

fn not_found() -> ApiError {
    Error::NotFound("provider").into()
}

/// A provider that the dialect knows.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<ProviderView, ApiError> {
    let view = providers::get(&api.domain, caller.key.team_id, id).await?;
    if view.kind.sdk_name().is_none() {
        return Err(not_found());
    }
    Ok(view)
}

input! {
    /// The query of the list of providers.
    struct ProvidersQuery {
        /// The end of the page before.
        cursor: Option<Parameter<String>>,
        /// The status here.
        status: Option<Parameter<String>>,
        /// The type here.
        r#type: Option<Parameter<String>>,
        /// Entries of a page.
        limit: Option<PageSize>,
    }
}

#[utoipa::path(get, path = "/providers")]
pub(crate) async fn list(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    uri: Uri,
) -> Result<Json<List<Item>>, ApiError> {
    let Some(asked) = parameters::tolerant_query::<ProvidersQuery>(&uri) else {
        return Ok(Json(List::whole(Vec::new())));
    };
    let (cursor, only_status, only_kind) = (text(asked.cursor), text(asked.status), text(asked.r#type));
    let limit = usize::try_from(asked.limit.unwrap_or_default().0).unwrap_or(usize::MAX);
    let views = providers::list(&api.domain, caller.key.team_id).await?;
    // The cursor is the id of the last one seen. After one that is none of the list's there is nothing.
    let begin = cursor.map_or(0, |last| {
        let at = views.iter().position(|view| view.public_id == last);
        at.map_or(views.len(), |at| at + 1)
    });
    let mut items: Vec<Item> = views
        .into_iter()
        .skip(begin)
        .filter_map(Item::of)
        .filter(|item| only_status.as_deref().is_none_or(|status| item.status == status))
        .filter(|item| only_kind.as_deref().is_none_or(|kind| item.kind == kind))
        .take(limit + 1)
        .collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|item| item.id.clone());
    Ok(Json(List::page(items, next)))
}

#[utoipa::path(get, path = "/providers/{id}")]
pub(crate) async fn get(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let view = find(&api, &caller, &id).await?;
    let detail = Detail::of(&api, &caller, view).await?;
    Ok(tagged(&headers, &detail))
}

input! {
    /// A provider to be made, or a change of one.
    pub(crate) struct Change {
        /// Its name.
        name: Option<String>,
        /// The server's name or address.
        smtp_host: Option<String>,
        /// The user name.
        smtp_username: Option<String>,
        /// The password.
        smtp_password: Option<String>,
        /// `starttls`, `tls`, `ssl` or `none`.
        smtp_protocol: Option<String>,
        /// The port.
        smtp_port: Option<i64>,
        /// Its weight.
        percentage: Option<Whole<0, 100>>,
        /// Its caps.
        quotas: Option<Limits>,
        /// All of its variables; none leaves those that there are.
        variables: Option<Texts>,
        /// Not supported.
        from_email: Option<Unsupported>,
        /// Not supported.
        from_name: Option<Unsupported>,
        /// Not supported.
        reply_to_email: Option<Unsupported>,
        /// Not supported.
        reply_to_name: Option<Unsupported>,
        /// Not supported.
        tracking_domain: Option<Unsupported>,
    }

    /// The caps of a provider.
    struct Limits {
        /// In a second.
        per_second: Option<Quota>,
        /// In a minute.
        per_minute: Option<Quota>,
        /// In an hour.
        per_hour: Option<Quota>,
        /// In a day.
        per_day: Option<Quota>,
    }

    /// A cap as a range.
    struct QuotaRange {
        /// The least; of no effect.
        min: Option<i64>,
        /// The most.
        max: Option<i64>,
    }
}

/// A cap: a number, or a range, of which the most counts.
#[derive(Clone, Default, PartialEq)]
struct Quota(Option<i64>);

impl Value for Quota {
    fn schema() -> RefOr<Schema> {
        OneOfBuilder::new()
            .item(i64::schema())
            .item(QuotaRange::schema())
            .into()
    }

    fn read(json: JsonValue<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        Some(Self(match json {
            json @ JsonValue::Object(_) => {
                let range = QuotaRange::read(json, at, issues)?;
                if range.min > range.max {
                    issues.add(at, IssueCode::InvalidValue, "min must not be more than max");
                }
                range.max
            }
            number => Some(i64::read(number, at, issues)?),
        }))
    }
}

impl From<Limits> for CapsForm {
    fn from(limits: Limits) -> Self {
        let cap = |quota: Option<Quota>| quota.and_then(|Quota(cap)| cap);
        Self {
            second: cap(limits.per_second),
            minute: cap(limits.per_minute),
            hour: cap(limits.per_hour),
            day: cap(limits.per_day),
        }
    }
}

/// The variables of a provider: an object of names and texts.
#[derive(Clone, Default, PartialEq)]
struct Texts(Variables);

impl Value for Texts {
    fn schema() -> RefOr<Schema> {
        let texts = ObjectBuilder::new().schema_type(Type::Object);
        texts.additional_properties(Some(input::text())).into()
    }

    fn read(json: JsonValue<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let members = match json {
            JsonValue::Object(members) => members,
            other => {
                fields::wrong_type(issues, at, "an object of names and texts", &other);
                return None;
            }
        };
        let mut variables = Variables::new();
        for (name, value) in members {
            let field = format!("{at}.{}", short(&name).escape_default());
            if let Some(text) = fields::text(value, &field, issues) {
                variables.insert(name.into_owned(), text.into_owned());
            }
        }
        for error in providers::check_variables(&variables) {
            issues.add(error.field, IssueCode::Domain(error.code), error.message);
        }
        Some(Self(variables))
    }
}

/// A field of the dialect for what Sendmux does not have.
#[derive(Clone, Default, PartialEq)]
struct Unsupported;

impl Value for Unsupported {
    fn schema() -> RefOr<Schema> {
        input::text().max_length(Some(0)).into()
    }

    fn read(json: JsonValue<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        if !String::read(json, at, issues)?.is_empty() {
            let message = "is not supported here: leave it out, and set it in the message";
            issues.add(at, IssueCode::InvalidValue, message);
        }
        Some(Self)
    }
}

impl Change {
    /// The settings of an SMTP server among it.
    fn smtp(&self) -> Smtp {
        Smtp {
            name: self.name.clone(),
            host: self.smtp_host.clone(),
            username: self.smtp_username.clone(),
            password: self.smtp_password.clone(),
            security: self.smtp_protocol.clone(),
            port: self.smtp_port,
            ..Smtp::default()
        }
    }

    fn weight(&self) -> Option<i64> {
        self.percentage.map(|Whole(weight)| weight)
    }

    fn caps(&self) -> Option<CapsForm> {
        self.quotas.clone().map(CapsForm::from)
    }

    fn is_of_smtp(&self) -> bool {
        self.smtp() != Smtp::default()
    }

    fn is_only_name(&self) -> bool {
        let nameless = Smtp {
            name: None,
            ..self.smtp()
        };
        nameless == Smtp::default()
    }

    /// The form that makes a provider, or changes one: what is absent is as in `before`.
    fn form(&self, before: SmtpForm) -> SmtpForm {
        let form = self.smtp().form(before);
        // `ssl` is TLS from the first byte; `tls` is that on its own port, and STARTTLS on others.
        let security = match self.smtp_protocol.as_deref() {
            Some("ssl") => "tls".to_owned(),
            Some("tls") if form.port != "465" => "starttls".to_owned(),
            _ => form.security,
        };
        SmtpForm { security, ..form }
    }
}

/// An error in the words of the dialect's fields.
fn in_its_words(error: ApiError) -> ApiError {
    error.rename(|field| {
        Some(match field {
            "host" => "smtp_host",
            "port" => "smtp_port",
            "security" => "smtp_protocol",
            "username" => "smtp_username",
            "password" => "smtp_password",
            "weight" => "percentage",
            "caps.second" => "quotas.per_second",
            "caps.minute" => "quotas.per_minute",
            "caps.hour" => "quotas.per_hour",
            "caps.day" => "quotas.per_day",
            _ => return None,
        })
    })
}

#[utoipa::path(post, path = "/providers")]
pub(crate) async fn create(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    new: Unread<Change>,
) -> Result<impl IntoResponse, ApiError> {
    // The dialect knows no 422 here.
    let as_400 =
        |error: ApiError| in_its_words(error).instead(StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST);
    let change = parameters::body(&api, new.request, Change::take)
        .await
        .map_err(as_400)?;
    let actor = caller.actor();
    let form = Form::Smtp(change.form(SmtpForm::default()));
    let created = providers::create(&api.domain, &actor, ProviderKind::Smtp, form).await;
    let mut view = created.map_err(|error| as_400(error.into()))?;
    let (weight, caps) = (change.weight(), change.caps());
    if weight.is_some() || caps.is_some() {
        let caps = caps.unwrap_or_default();
        match providers::set_routing(&api.domain, &actor, &view.public_id, weight, caps, None).await {
            Ok(changed) => view = changed,
            Err(error) => {
                // Refused as a whole: nothing of it stays.
                providers::delete(&api.domain, &actor, &view.public_id).await?;
                return Err(as_400(error.into()));
            }
        }
    }
    if let Some(Texts(variables)) = change.variables.filter(|Texts(variables)| !variables.is_empty()) {
        providers::set_variables(&api.domain, &actor, &view.public_id, &variables).await?;
    }
    let location = [(LOCATION, format!("/sdk/v1/providers/{}", view.public_id))];
    let detail = Detail::of(&api, &caller, view).await?;
    Ok((StatusCode::CREATED, location, Json(detail)))
}

#[utoipa::path(patch, path = "/providers/{id}")]
pub(crate) async fn update(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Json<Detail>, ApiError> {
    let actor = caller.actor();
    let mut view = find(&api, &caller, &id).await?;
    if is_outdated(&headers, &Detail::of(&api, &caller, view.clone()).await?) {
        let message = "this provider was changed since: read it again, then decide";
        return Err(ApiError::new(Code::Conflict, message));
    }
    if change.is_of_smtp() {
        let form = match (view.form(), &change.name) {
            (Some(Form::Smtp(before)), _) => Form::Smtp(change.form(before)),
            // Of other kinds the dialect knows only the name.
            (Some(mut form), Some(name)) if change.is_only_name() => {
                name.clone_into(form.name_mut());
                form
            }
            _ => Form::Smtp(change.form(SmtpForm::default())),
        };
        let updated = providers::update(&api.domain, &actor, &id, form, view.version).await;
        view = updated.map_err(|error| in_its_words(error.into()))?;
    }
    let (weight, caps) = (change.weight(), change.caps());
    if weight.is_some() || caps.is_some() {
        let cap = |cap: Option<u32>| cap.map(i64::from);
        let caps = caps.unwrap_or(CapsForm {
            second: cap(view.caps.second),
            minute: cap(view.caps.minute),
            hour: cap(view.caps.hour),
            day: cap(view.caps.day),
        });
        let weight = weight.or(view.weight.map(i64::from));
        let version = Some(view.version);
        let updated = providers::set_routing(&api.domain, &actor, &id, weight, caps, version).await;
        view = updated.map_err(|error| in_its_words(error.into()))?;
    }
    if let Some(Texts(variables)) = &change.variables {
        providers::set_variables(&api.domain, &actor, &id, variables).await?;
    }
    Ok(Json(Detail::of(&api, &caller, view).await?))
}

#[utoipa::path(post, path = "/providers/{id}/activate")]
pub(crate) async fn activate(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Detail>, ApiError> {
    switch(&api, &caller, &id, true).await
}

#[utoipa::path(post, path = "/providers/{id}/deactivate")]
pub(crate) async fn deactivate(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Detail>, ApiError> {
    switch(&api, &caller, &id, false).await
}

async fn switch(api: &Api, caller: &Caller, id: &str, on: bool) -> Result<Json<Detail>, ApiError> {
    find(api, caller, id).await?;
    let view = providers::set_active(&api.domain, &caller.actor(), id, on).await?;
    Ok(Json(Detail::of(api, caller, view).await?))
}

#[utoipa::path(delete, path = "/providers/{id}")]
pub(crate) async fn delete(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    find(&api, &caller, &id).await?;
    let deleted = providers::delete(&api.domain, &caller.actor(), &id).await;
    deleted.map_err(|error| ApiError::from(error).instead(StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY))?;
    Ok(Json(Deleted::of(id)))
}

#[utoipa::path(post, path = "/providers/{id}/test")]
pub(crate) async fn test(
    caller: Permitted<ToManage>,
    State(api): State<Api>,
    Id(id): Id,
) -> Result<Json<serde_json::Value>, ApiError> {
    find(&api, &caller, &id).await?;
    let began = api.domain.clock.now();
    let result = providers::test(&api.domain, &caller.actor(), &id).await;
    let result = result
        .map_err(|error| ApiError::from(error).instead(StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY))?;
    let ended = api.domain.clock.now();
    let message = match result.steps.iter().rev().find(|step| !step.ok) {
        Some(failed) if !result.ok => format!("{}: {}", failed.name, failed.detail),
        _ if result.ok => "the connection works".to_owned(),
        _ => "the connection test failed".to_owned(),
    };
    Ok(Json(json!({
        "success": result.ok,
        "message": message,
        "latency_ms": ended.since(began).as_millis() as u64,
        "tested_at": written(ended),
    })))
}

#[utoipa::path(get, path = "/providers/stats")]
pub(crate) async fn stats(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
) -> Result<Json<serde_json::Value>, ApiError> {
    let views = providers::list(&api.domain, caller.key.team_id).await?;
    let known: Vec<_> = views
        .iter()
        .filter_map(|view| Some((view.kind.sdk_name()?, status(view))))
        .collect();
    let of_status = |word: &str| known.iter().filter(|(_, status)| *status == word).count();
    let of_kind = |word: &str| known.iter().filter(|(kind, _)| *kind == word).count();
    let by_status = json!({
        "active": of_status("active"),
        "inactive": of_status("inactive"),
        "error": of_status("error"),
        "pending": of_status("pending"),
    });
    Ok(Json(json!({
        "total": known.len(),
        "active": by_status["active"],
        "inactive": by_status["inactive"],
        "error": by_status["error"],
        "pending": by_status["pending"],
        "by_type": {
            "smtp": of_kind("smtp"),
            "gmail_api": of_kind("gmail_api"),
            "outlook_api": of_kind("outlook_api"),
            "amazon_ses": of_kind("amazon_ses"),
        },
        "by_status": by_status,
    })))
}

#[utoipa::path(get, path = "/providers/usage")]
pub(crate) async fn usage(
    caller: Permitted<ToRead>,
    State(api): State<Api>,
) -> Result<Json<serde_json::Value>, ApiError> {
    const DAY_MS: i64 = 24 * 3_600_000;
    let team_id = caller.key.team_id;
    let now = api.domain.clock.now();
    let since = stats::hour_of(now.minus(Duration::from_secs(7 * 24 * 3_600)));
    let today = Timestamp::from_millis(now.as_millis().div_euclid(DAY_MS) * DAY_MS);
    let mut items = Vec::new();
    for view in providers::list(&api.domain, team_id).await? {
        if view.kind.sdk_name().is_none() {
            continue;
        }
        let hours = stats::hours(
            &api.domain,
            team_id,
            Some(view.id),
            since,
            Timestamp::from_millis(i64::MAX),
        )
        .await?;
        let sent = |from: Timestamp| -> i64 {
            let counted = hours.iter().filter(|hour| hour.hour_at >= from);
            counted.map(|hour| i64::from(hour.counts.sent)).sum()
        };
        let failed: i64 = hours.iter().map(|hour| i64::from(hour.counts.attempts_failed)).sum();
        items.push(json!({
            "provider_id": view.public_id,
            "sent_today": sent(today),
            "total_7d": sent(since) + failed,
            "sent_7d": sent(since),
            "failed_7d": failed,
            "rejected_7d": 0,
            "pending_7d": 0,
        }));
    }
    Ok(Json(json!({ "window_days": 7, "providers": items })))
}
