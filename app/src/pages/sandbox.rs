//! `/sandbox`: an inbox that nothing leaves.

use crate::api::list_sandbox;
use crate::browser;
use crate::components::{EmptyState, ErrorView, Icon, ModeBadge, PageHeader, Pagination, Time};
use crate::model::{Page, SandboxItem};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

/// What the sandbox captured.
#[component]
pub fn Sandbox() -> impl IntoView {
    let query = use_query_map();
    let before = Memo::new(move |_| query.with(|query| query.get("before")).unwrap_or_default());
    let messages = Resource::new(move || before.get(), list_sandbox);
    browser::while_visible(4, move || {
        if before.with_untracked(String::is_empty) {
            messages.refetch();
        }
    });
    view! {
        <PageHeader
            title="Sandbox"
            lead="What test keys send, and what the managed route is given while it is not set up. Nothing here left this installation."
        />
        <section class="card-surface" aria-label="Captured messages">
            <Transition>
                {move || Suspend::new(async move {
                    match messages.await {
                        Ok(page) => view! { <List page is_first=before.with_untracked(String::is_empty) /> }.into_any(),
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn List(page: Page<SandboxItem>, is_first: bool) -> impl IntoView {
    if page.rows.is_empty() {
        return view! {
            <EmptyState
                glyph=Icon::Inbox
                title="Nothing was captured yet"
                text="Send something with a test key: it is checked and stored like every message, and shown here instead of being sent."
            >
                <a class="btn btn-sm" href="/keys">"Create a test key"</a>
            </EmptyState>
        }
        .into_any();
    }
    let older = page.older.map(|before| format!("/sandbox?before={before}"));
    let newest = (!is_first).then(|| "/sandbox".to_owned());
    view! {
        <table class="rows">
            <thead>
                <tr>
                    <th scope="col">"Subject"</th>
                    <th scope="col">"Sent by"</th>
                    <th scope="col">"To"</th>
                    <th scope="col">"Mode"</th>
                    <th scope="col">"Size"</th>
                    <th scope="col">"Captured"</th>
                </tr>
            </thead>
            <tbody>
                {page
                    .rows
                    .into_iter()
                    .map(|message| {
                        let subject = if message.subject.is_empty() { "(no subject)".to_owned() } else { message.subject };
                        view! {
                            <tr data-message=message.id.clone()>
                                <th scope="row">
                                    <a class="font-medium break-words hover:underline" href=format!("/sandbox/{}", message.id)>
                                        {subject}
                                    </a>
                                </th>
                                <td data-label="Sent by" class="break-words">{message.from}</td>
                                <td data-label="To" class="break-words">{message.to}</td>
                                <td data-label="Mode"><ModeBadge mode=message.mode /></td>
                                <td data-label="Size">{message.size}</td>
                                <td data-label="Captured"><Time at=message.captured /></td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </table>
        <Pagination older newest />
    }
    .into_any()
}
