//! `/operator/requests`: requests for a higher cap on the managed route.

use super::api::{DECIDE, DecideRequest, list_requests};
use super::model::RequestItem;
use crate::components::{
    Card, EmptyState, ErrorView, Form, Icon, Notice, PageHeader, Rows, StatusBadge, Time, WithFlash, icon, use_form,
};
use crate::features::managed::{FeedbackNumbers, UsageBar};
use leptos::prelude::*;

/// The queue of requests.
#[component]
pub fn RequestsPage() -> impl IntoView {
    view! {
        <WithFlash>
            <Queue />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn Queue() -> impl IntoView {
    let decide = ServerAction::<DecideRequest>::new();
    let form = use_form(DECIDE, decide);
    let done = move || form.reply().is_some_and(|reply| reply.ok);
    // Only a decision changes what is listed: what is typed into a form stays while the page is looked at.
    let requests = Resource::new(
        move || decide.version().get() * usize::from(done()),
        |_| list_requests(),
    );
    view! {
        <Transition>
            {move || Suspend::new(async move {
                let page = match requests.await {
                    Ok(page) => page,
                    Err(error) => return view! { <ErrorView error /> }.into_any(),
                };
                view! {
                    <PageHeader
                        title="Quota requests"
                        lead="Teams that reached 80% of their daily cap on the managed route ask for a higher one here."
                    />
                    <Notice form />
                    {if page.pending.is_empty() {
                        view! {
                            <div class="card-surface mb-6">
                                <EmptyState
                                    glyph=Icon::CheckCircle
                                    title="Nothing to decide"
                                    text="A request appears here, and you get a mail, as soon as a team asks for more."
                                />
                            </div>
                        }
                            .into_any()
                    } else {
                        page.pending
                            .into_iter()
                            .map(|request| view! { <Pending request decide form /> })
                            .collect_view()
                            .into_any()
                    }}
                    <Recent requests=page.recent />
                }
                    .into_any()
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn Pending(request: RequestItem, decide: ServerAction<DecideRequest>, form: Form) -> impl IntoView {
    let RequestItem {
        id,
        team,
        team_created,
        requested_by,
        created,
        cap,
        used,
        feedback,
        suspended,
        ..
    } = request;
    let (cap_id, note_id) = (format!("cap-{id}"), format!("note-{id}"));
    let mine = {
        let id = id.clone();
        move || form.reply().filter(|reply| reply.values.get("id") == Some(&id))
    };
    let error = move |field: &'static str| {
        let mine = mine.clone();
        move || {
            mine()
                .and_then(|reply| reply.error(field).map(ToOwned::to_owned))
                .map(|text| {
                    view! {
                        <p class="mt-1 flex gap-1.5 text-sm text-danger">
                            {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")} {text}
                        </p>
                    }
                })
        }
    };
    let typed = |field: &str, otherwise: String| {
        if form.value("id", "") == id {
            form.value(field, &otherwise)
        } else {
            otherwise
        }
    };
    let (cap_value, note_value) = (
        typed("cap", cap.saturating_mul(4).to_string()),
        typed("note", String::new()),
    );
    let row = id.clone();
    view! {
        <Card title=team.clone()>
            <div class="grid gap-6 md:grid-cols-2" data-request=row>
                <div>
                    <UsageBar used cap />
                    <p class="mt-3 text-sm"><FeedbackNumbers feedback /> " within 7 days."</p>
                    <p class="mt-3 text-sm text-muted">
                        "Requested " <Time at=created /> " by " <span class="break-all">{requested_by}</span>
                        ". The team was made " <Time at=team_created /> "."
                    </p>
                    {suspended
                        .then(|| {
                            view! {
                                <p class="mt-3"><StatusBadge status="suspended" /></p>
                            }
                        })}
                </div>
                <ActionForm action=decide>
                    <input type="hidden" name="id" value=id />
                    <label class="mb-1 block text-sm font-medium" for=cap_id.clone()>"New cap, recipients a day"</label>
                    <input
                        class="input w-full"
                        type="number"
                        id=cap_id
                        name="cap"
                        inputmode="numeric"
                        min=cap.saturating_add(1)
                        value=cap_value
                    />
                    {error("cap")}
                    <label class="mt-3 mb-1 block text-sm font-medium" for=note_id.clone()>
                        "Note to the team" <span class="font-normal text-muted">" (needed to deny)"</span>
                    </label>
                    <textarea class="textarea w-full" id=note_id name="note" rows="3" maxlength="1000">{note_value}</textarea>
                    {error("note")}
                    <div class="mt-3 flex flex-wrap gap-2">
                        <button type="submit" class="btn btn-primary btn-sm" name="decision" value="approve" disabled=form.pending>
                            "Approve"
                            <span class="sr-only">" the request of " {team.clone()}</span>
                        </button>
                        <button type="submit" class="btn btn-sm" name="decision" value="deny" disabled=form.pending formnovalidate>
                            "Deny"
                            <span class="sr-only">" the request of " {team}</span>
                        </button>
                    </div>
                </ActionForm>
            </div>
        </Card>
    }
    .into_any()
}

#[component]
fn Recent(requests: Vec<RequestItem>) -> impl IntoView {
    if requests.is_empty() {
        return ().into_any();
    }
    view! {
        <section class="card-surface" aria-label="Decided requests">
            <h2 class="border-b border-base-300 px-5 py-4 text-sm font-semibold">"Decided"</h2>
            <Rows columns=&["Team", "Outcome", "Cap", "Note", "When"]>
                {requests
                    .into_iter()
                    .map(|request| {
                        let cap = match request.granted {
                            Some(granted) => format!("{} → {granted}", request.current_cap),
                            None => request.current_cap.to_string(),
                        };
                        view! {
                            <tr>
                                <th scope="row" class="break-words">{request.team}</th>
                                <td data-label="Outcome"><StatusBadge status=request.status /></td>
                                <td data-label="Cap" class="tabular-nums">{cap}</td>
                                <td data-label="Note" class="break-words whitespace-pre-line">{request.note.unwrap_or_else(|| "–".to_owned())}</td>
                                <td data-label="When">{request.decided.map(|at| view! { <Time at /> })}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </Rows>
        </section>
    }
    .into_any()
}
