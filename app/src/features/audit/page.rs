//! `/team/audit` and `/operator/audit`: the audit log. Its filters live in the address.

use super::api::{list_installation_audit, list_team_audit};
use super::model::{AuditItem, AuditQuery};
use crate::components::{Crumbs, EmptyState, ErrorView, Icon, PageHeader, Pagination, Rows, Time, icon};
use crate::model::{AppError, Page};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use std::future::Future;

/// Value and label of the actions that can be chosen.
const ACTIONS: &[(&str, &str)] = &[
    ("", "Everything"),
    ("user.signed_in", "Sign-ins"),
    ("user.sign_in_failed", "Failed sign-ins"),
    ("user", "Accounts"),
    ("team", "Team and members"),
    ("key", "API keys"),
    ("provider", "Providers"),
    ("group", "Groups"),
    ("managed", "Managed route and quotas"),
    ("message", "Messages"),
];

/// Addresses of a log.
#[derive(Clone, Copy)]
struct Place {
    page: &'static str,
    export: &'static str,
    has_teams: bool,
}

/// The audit log of the team.
#[component]
pub fn TeamAudit() -> impl IntoView {
    let place = Place {
        page: "/team/audit",
        export: "/files/audit.csv",
        has_teams: false,
    };
    view! {
        <Crumbs path=&[("/team", "Team")] />
        {log(place, "Who did what in this team, newest first.", list_team_audit)}
    }
    .into_any()
}

/// The audit log of all teams and of the installation.
#[component]
pub fn InstallationAudit() -> impl IntoView {
    let place = Place {
        page: "/operator/audit",
        export: "/files/operator/audit.csv",
        has_teams: true,
    };
    log(
        place,
        "Who did what in all teams and in the installation, newest first.",
        list_installation_audit,
    )
}

fn log<F>(place: Place, lead: &'static str, fetch: fn(AuditQuery, String) -> F) -> AnyView
where
    F: Future<Output = Result<Page<AuditItem>, AppError>> + Send + 'static,
{
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|query| {
            let get = |name| query.get(name).unwrap_or_default();
            AuditQuery {
                action: get("action"),
                actor: get("actor"),
                q: get("q"),
                since: get("since"),
                until: get("until"),
            }
        })
    });
    let before = Memo::new(move |_| query.with(|query| query.get("before")).unwrap_or_default());
    let entries = Resource::new(
        move || (filter.get(), before.get()),
        move |(filter, before)| fetch(filter, before),
    );
    view! {
        <PageHeader title="Audit log" lead=lead>
            <a class="btn" href=move || filter.get().href(place.export, "") rel="external" download="audit.csv">
                {icon(Icon::Download, "size-4")}
                "Export as CSV"
            </a>
        </PageHeader>
        {move || view! { <Filters filter=filter.get() place /> }}
        <section class="card-surface" aria-label="Entries">
            <Transition>
                {move || Suspend::new(async move {
                    match entries.await {
                        Ok(page) => {
                            view! {
                                <List
                                    page
                                    filter=filter.get_untracked()
                                    is_first=before.with_untracked(String::is_empty)
                                    place
                                />
                            }
                                .into_any()
                        }
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Filters(filter: AuditQuery, place: Place) -> impl IntoView {
    let is_filtered = !filter.is_empty();
    let options = ACTIONS
        .iter()
        .map(|(value, label)| view! { <option value=*value selected=*value == filter.action>{*label}</option> })
        .collect_view();
    let field = |name: &'static str, label: &'static str, kind: &'static str, value: String| {
        view! {
            <div>
                <label class="mb-1 block text-sm font-medium" for=name>{label}</label>
                <input id=name name=name type=kind class="input w-40" value=value />
            </div>
        }
    };
    view! {
        <form method="get" action=place.page>
            <div class="mb-4 flex flex-wrap items-end gap-3" role="search">
                <div>
                    <label class="mb-1 block text-sm font-medium" for="action">"Action"</label>
                    <select id="action" name="action" class="select w-48">{options}</select>
                </div>
                {field("actor", "Actor", "search", filter.actor.clone())}
                {field("q", "Text", "search", filter.q.clone())}
                {field("since", "Since", "date", filter.since.clone())}
                {field("until", "Until", "date", filter.until.clone())}
                <button class="btn">"Filter"</button>
                {is_filtered.then(|| view! { <a class="btn btn-ghost" href=place.page>"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn List(page: Page<AuditItem>, filter: AuditQuery, is_first: bool, place: Place) -> impl IntoView {
    if page.rows.is_empty() {
        return view! {
            <EmptyState glyph=Icon::Info title="No entry matches" text="Change the filters, or clear them to see every entry." />
        }
        .into_any();
    }
    let older = page.older.map(|before| filter.href(place.page, &before));
    let newest = (!is_first).then(|| filter.href(place.page, ""));
    let columns: &'static [&'static str] = if place.has_teams {
        &["Action", "Team", "Actor", "Change", "From", "Time"]
    } else {
        &["Action", "Actor", "Change", "From", "Time"]
    };
    view! {
        <Rows columns=columns>
            {page.rows.into_iter().map(|entry| view! { <Row entry has_team=place.has_teams /> }).collect_view()}
        </Rows>
        <Pagination older newest />
    }
    .into_any()
}

#[component]
fn Row(entry: AuditItem, has_team: bool) -> impl IntoView {
    let AuditItem {
        at,
        team,
        actor,
        action,
        target,
        detail,
        address,
        request,
    } = entry;
    let label = action.clone();
    view! {
        <tr data-action=action>
            <th scope="row" class="font-medium break-words">{label}</th>
            {has_team
                .then(|| {
                    view! { <td data-label="Team" class="break-words">{team.unwrap_or_else(|| "Installation".to_owned())}</td> }
                })}
            <td data-label="Actor" class="break-all">{actor}</td>
            <td data-label="Change" class="break-words">
                <code class="break-all">{target}</code>
                {(!detail.is_empty()).then(|| view! { <span class="block text-sm text-muted">{detail}</span> })}
            </td>
            <td data-label="From" class="break-all">
                {address.unwrap_or_else(|| "–".to_owned())}
                {request.map(|id| view! { <span class="block text-sm text-muted">{id}</span> })}
            </td>
            <td data-label="Time"><Time at /></td>
        </tr>
    }
    .into_any()
}
