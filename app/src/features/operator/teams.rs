//! `/operator/teams`: every team of the installation.

use super::api::{LIFT, LiftSuspension, list_teams};
use super::model::TeamItem;
use crate::browser;
use crate::components::{
    Confirm, EmptyState, ErrorView, Form, Icon, Notice, PageHeader, Pagination, Rows, StatusBadge, Submit, Time,
    WithFlash, use_form,
};
use crate::features::managed::{FeedbackNumbers, UsageBar};
use crate::model::Page;
use crate::url::query_value;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// The list of teams, with what they send through the managed route.
#[component]
pub fn TeamsPage() -> impl IntoView {
    view! {
        <WithFlash>
            <Content />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn Content() -> impl IntoView {
    let query = use_query_map();
    let of = move |name: &'static str| Memo::new(move |_| query.with(|query| query.get(name)).unwrap_or_default());
    let (search, before) = (of("search"), of("before"));
    let lift = ServerAction::<LiftSuspension>::new();
    let form = use_form(LIFT, lift);
    let teams = Resource::new(
        move || (search.get(), before.get(), lift.version().get()),
        |(search, before, _)| list_teams(search, before),
    );
    Effect::watch(move || lift.version().get(), |_, _, _| browser::close_confirms(), false);
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let page = match teams.await {
                    Ok(page) => page,
                    Err(error) => return view! { <ErrorView error /> }.into_any(),
                };
                let wanted = search.get_untracked();
                view! {
                    <PageHeader title="Teams" lead="Every team of this installation, and what it sends through the managed route." />
                    <Notice form />
                    <form method="get" action="/operator/teams" class="mb-4 flex flex-wrap gap-2" role="search">
                        <input
                            class="input min-w-0 flex-1 sm:max-w-xs"
                            type="search"
                            name="search"
                            value=wanted.clone()
                            placeholder="Name or id"
                            aria-label="Search teams"
                        />
                        <button class="btn">"Search"</button>
                    </form>
                    <section class="card-surface" aria-label="Teams">
                        <List page search=wanted is_first=before.with_untracked(String::is_empty) lift form />
                    </section>
                }
                    .into_any()
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn List(
    page: Page<TeamItem>,
    search: String,
    is_first: bool,
    lift: ServerAction<LiftSuspension>,
    form: Form,
) -> impl IntoView {
    if page.rows.is_empty() {
        return view! {
            <EmptyState glyph=Icon::Users title="No team is called like this" text="Search for a part of a name, or for a whole id." />
        }
        .into_any();
    }
    let at = |before: Option<String>| {
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        format!("/operator/teams?search={}{before}", query_value(&search))
    };
    let older = page.older.map(|before| at(Some(before)));
    let newest = (!is_first).then(|| at(None));
    view! {
        <Rows columns=&["Team", "Managed route", "Today", "Last 7 days", "Created"] actions=true>
                {page
                    .rows
                    .into_iter()
                    .map(|team| {
                        let lifting = (team.state == "suspended")
                            .then(|| {
                                let id = team.id.clone();
                                view! {
                                    <Confirm
                                        label="Lift suspension"
                                        of=team.name.clone()
                                        glyph=Icon::Refresh
                                        question="What waits for the route goes out at once, and bounces and complaints are counted anew."
                                    >
                                        <ActionForm action=lift>
                                            <input type="hidden" name="id" value=id />
                                            <Submit form label="Lift it" busy="Lifting…" class="btn btn-sm btn-primary" />
                                        </ActionForm>
                                    </Confirm>
                                }
                            });
                        view! {
                            <tr data-team=team.id>
                                <th scope="row">
                                    <span class="font-medium break-words">{team.name}</span>
                                    <span class="block text-sm font-normal break-all text-muted">{team.owners.join(", ")}</span>
                                    <span class="block text-sm font-normal break-all text-muted">{team.address}</span>
                                </th>
                                <td data-label="Managed route">
                                    <StatusBadge status=team.state />
                                    {team.suspended.map(|why| view! { <span class="mt-1 block max-w-xs text-sm text-muted">{why}</span> })}
                                </td>
                                <td data-label="Today"><UsageBar used=team.used cap=team.cap /></td>
                                <td data-label="Last 7 days"><FeedbackNumbers feedback=team.feedback /></td>
                                <td data-label="Created"><Time at=team.created /></td>
                                <td class="actions">{lifting}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
        </Rows>
        <Pagination older newest />
    }
    .into_any()
}
