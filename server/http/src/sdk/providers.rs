//! `/sdk/v1/providers`: providers, as the dialect shows them. The sandbox is no provider there.

use super::{page_size, require_read};
use crate::answer::{Deleted, List, is_outdated, tagged, written};
use crate::auth::Caller;
use crate::error::{ApiError, Code};
use crate::fields::{self, Object};
use crate::issue::{IssueCode, Issues};
use crate::json::{Json as JsonValue, short};
use crate::manage::providers::Fields;
use crate::parameters::{self, Id};
use crate::state::Api;
use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use sendmux_domain::keys::Permission;
use sendmux_domain::providers::{self, CapsForm, Form, ProviderView, SmtpForm, Variables};
use sendmux_domain::{Error, Timestamp, stats};
use sendmux_rules::{ProviderKind, ProviderStatus, SmtpSecurity};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

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

pub(crate) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<List<Item>>, ApiError> {
    require_read(&caller)?;
    let asked = parameters::tolerant_query(&uri, |parameters| {
        (
            parameters.text("cursor"),
            parameters.text("status"),
            parameters.text("type"),
            page_size(parameters),
        )
    });
    let Some((cursor, only_status, only_kind, limit)) = asked else {
        return Ok(Json(List::whole(Vec::new())));
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
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

pub(crate) async fn get(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    require_read(&caller)?;
    let view = find(&api, &caller, &id).await?;
    let detail = Detail::of(&api, &caller, view).await?;
    Ok(tagged(&headers, &detail))
}

/// What a request says of a provider.
#[derive(Default)]
struct Change {
    smtp: Fields,
    weight: Option<i64>,
    caps: Option<CapsForm>,
    /// All of them; none leaves those that there are.
    variables: Option<Variables>,
}

impl Change {
    fn read(object: &mut Object<'_>, issues: &mut Issues) -> Self {
        let mut text = |name| object.take_text(name, issues).map(|text| text.into_owned());
        let smtp = Fields {
            name: text("name"),
            host: text("smtp_host"),
            username: text("smtp_username"),
            password: text("smtp_password"),
            security: text("smtp_protocol"),
            ..Fields::default()
        };
        let mut change = Self {
            smtp,
            ..Self::default()
        };
        change.smtp.port = object.take_integer("smtp_port", issues);
        change.weight = object.take_integer("percentage", issues);
        if change.weight.is_some_and(|weight| !(0..=100).contains(&weight)) {
            issues.add("percentage", IssueCode::InvalidValue, "must be from 0 to 100");
        }
        if let Some(json) = object.take("quotas")
            && let Some(mut quotas) = Object::read(json, "quotas", issues)
        {
            change.caps = Some(CapsForm {
                second: quota(&mut quotas, "per_second", issues),
                minute: quota(&mut quotas, "per_minute", issues),
                hour: quota(&mut quotas, "per_hour", issues),
                day: quota(&mut quotas, "per_day", issues),
            });
            quotas.finish(issues);
        }
        change.variables = variables(object, issues);
        for absent in [
            "from_email",
            "from_name",
            "reply_to_email",
            "reply_to_name",
            "tracking_domain",
        ] {
            if object.take_text(absent, issues).is_some_and(|text| !text.is_empty()) {
                let message = "is not supported here: leave it out, and set it in the message";
                issues.add(absent, IssueCode::InvalidValue, message);
            }
        }
        change
    }

    fn is_of_smtp(&self) -> bool {
        self.smtp != Fields::default()
    }

    fn is_only_name(&self) -> bool {
        let nameless = Fields {
            name: None,
            ..self.smtp.clone()
        };
        nameless == Fields::default()
    }

    /// The form that makes a provider, or changes one: what is absent is as in `before`.
    fn form(&self, before: SmtpForm) -> SmtpForm {
        let form = self.smtp.clone().form(before);
        // `ssl` is TLS from the first byte; `tls` is that on its own port, and STARTTLS on others.
        let security = match self.smtp.security.as_deref() {
            Some("ssl") => "tls".to_owned(),
            Some("tls") if form.port != "465" => "starttls".to_owned(),
            _ => form.security,
        };
        SmtpForm { security, ..form }
    }
}

/// The variables: an object of names and texts.
fn variables(object: &mut Object<'_>, issues: &mut Issues) -> Option<Variables> {
    const FIELD: &str = "variables";
    let members = match object.take(FIELD)? {
        JsonValue::Object(members) => members,
        other => {
            fields::wrong_type(issues, FIELD, "an object of names and texts", &other);
            return None;
        }
    };
    let mut variables = Variables::new();
    for (name, value) in members {
        let field = format!("{FIELD}.{}", short(&name).escape_default());
        if let Some(text) = fields::text(value, &field, issues) {
            variables.insert(name.into_owned(), text.into_owned());
        }
    }
    for error in providers::check_variables(&variables) {
        issues.add(error.field, IssueCode::Domain(error.code), error.message);
    }
    Some(variables)
}

/// A cap: a number, or a range, of which the most counts.
fn quota(quotas: &mut Object<'_>, name: &'static str, issues: &mut Issues) -> Option<i64> {
    let field = quotas.path(name);
    match quotas.take(name)? {
        json @ JsonValue::Object(_) => {
            let mut range = Object::read(json, &field, issues)?;
            let least = range.take_integer("min", issues);
            let most = range.take_integer("max", issues);
            range.finish(issues);
            if least > most {
                issues.add(&field, IssueCode::InvalidValue, "min must not be more than max");
            }
            most
        }
        number => fields::integer(number, &field, issues),
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

pub(crate) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<impl IntoResponse, ApiError> {
    // The dialect knows no 422 here.
    let as_400 =
        |error: ApiError| in_its_words(error).instead(StatusCode::UNPROCESSABLE_ENTITY, StatusCode::BAD_REQUEST);
    caller.require(Permission::Manage)?;
    let change = parameters::body(&api, request, Change::read).await.map_err(as_400)?;
    let actor = caller.actor();
    let form = Form::Smtp(change.form(SmtpForm::default()));
    let created = providers::create(&api.domain, &actor, ProviderKind::Smtp, form).await;
    let mut view = created.map_err(|error| as_400(error.into()))?;
    if change.weight.is_some() || change.caps.is_some() {
        let caps = change.caps.unwrap_or_default();
        match providers::set_routing(&api.domain, &actor, &view.public_id, change.weight, caps, None).await {
            Ok(changed) => view = changed,
            Err(error) => {
                // Refused as a whole: nothing of it stays.
                providers::delete(&api.domain, &actor, &view.public_id).await?;
                return Err(as_400(error.into()));
            }
        }
    }
    if let Some(variables) = change.variables.filter(|variables| !variables.is_empty()) {
        providers::set_variables(&api.domain, &actor, &view.public_id, &variables).await?;
    }
    let location = [(LOCATION, format!("/sdk/v1/providers/{}", view.public_id))];
    let detail = Detail::of(&api, &caller, view).await?;
    Ok((StatusCode::CREATED, location, Json(detail)))
}

pub(crate) async fn update(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    request: Request,
) -> Result<Json<Detail>, ApiError> {
    caller.require(Permission::Manage)?;
    let headers = request.headers().clone();
    let change = parameters::body(&api, request, Change::read).await?;
    let actor = caller.actor();
    let mut view = find(&api, &caller, &id).await?;
    if is_outdated(&headers, &Detail::of(&api, &caller, view.clone()).await?) {
        let message = "this provider was changed since: read it again, then decide";
        return Err(ApiError::new(Code::Conflict, message));
    }
    if change.is_of_smtp() {
        let form = match (view.form(), &change.smtp.name) {
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
    if change.weight.is_some() || change.caps.is_some() {
        let cap = |cap: Option<u32>| cap.map(i64::from);
        let caps = change.caps.unwrap_or(CapsForm {
            second: cap(view.caps.second),
            minute: cap(view.caps.minute),
            hour: cap(view.caps.hour),
            day: cap(view.caps.day),
        });
        let weight = change.weight.or(view.weight.map(i64::from));
        let version = Some(view.version);
        let updated = providers::set_routing(&api.domain, &actor, &id, weight, caps, version).await;
        view = updated.map_err(|error| in_its_words(error.into()))?;
    }
    if let Some(variables) = &change.variables {
        providers::set_variables(&api.domain, &actor, &id, variables).await?;
    }
    Ok(Json(Detail::of(&api, &caller, view).await?))
}

pub(crate) async fn activate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Detail>, ApiError> {
    switch(&api, &caller, &id, true).await
}

pub(crate) async fn deactivate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Detail>, ApiError> {
    switch(&api, &caller, &id, false).await
}

async fn switch(api: &Api, caller: &Caller, id: &str, on: bool) -> Result<Json<Detail>, ApiError> {
    caller.require(Permission::Manage)?;
    find(api, caller, id).await?;
    let view = providers::set_active(&api.domain, &caller.actor(), id, on).await?;
    Ok(Json(Detail::of(api, caller, view).await?))
}

pub(crate) async fn delete(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Deleted>, ApiError> {
    caller.require(Permission::Manage)?;
    find(&api, &caller, &id).await?;
    let deleted = providers::delete(&api.domain, &caller.actor(), &id).await;
    deleted.map_err(|error| ApiError::from(error).instead(StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY))?;
    Ok(Json(Deleted::of(id)))
}

pub(crate) async fn test(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
) -> Result<Json<Value>, ApiError> {
    caller.require(Permission::Manage)?;
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

pub(crate) async fn stats(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    require_read(&caller)?;
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

pub(crate) async fn usage(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, ApiError> {
    const DAY_MS: i64 = 24 * 3_600_000;
    require_read(&caller)?;
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
