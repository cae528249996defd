//! `/sandbox`: an inbox that nothing leaves.

use super::api::list_sandbox;
use super::model::SandboxItem;
use crate::components::{EmptyState, Icon, ModeBadge, PageHeader, PagePosition, Rows, SubjectLink, Time, paged};
use crate::model::Page;
use leptos::prelude::*;

/// The list of captured messages.
#[component]
pub fn Sandbox() -> impl IntoView {
    view! {
        <PageHeader
            title="Sandbox"
            lead="What test keys send, and what the managed route is given while it is not set up. Nothing here left this installation."
        />
        <section class="card-surface" aria-label="Captured messages">
            {paged("/sandbox", 4, list_sandbox, |page, position| view! { <List page position /> }.into_any())}
        </section>
    }
    .into_any()
}

#[component]
fn List(page: Page<SandboxItem>, position: PagePosition) -> impl IntoView {
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
    view! {
        <Rows columns=&["Subject", "Sent by", "To", "Mode", "Size", "Captured"]>
            {page
                .rows
                .into_iter()
                .map(|message| {
                    view! {
                        <tr data-message=message.id.clone()>
                            <th scope="row">
                                <SubjectLink text=message.subject href=format!("/sandbox/{}", message.id) />
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
        </Rows>
        {position.links(page.older)}
    }
    .into_any()
}
