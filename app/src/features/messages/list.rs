//! `/messages`: the log. Its filters live in the address.

use super::api::list_messages;
use super::model::MessageItem;
use crate::browser;
use crate::components::{
    EmptyState, ErrorView, Icon, ModeBadge, PageHeader, Pagination, Rows, StatusBadge, SubjectLink, Time,
};
use crate::model::Page;
use crate::url::query_value;
use leptos::ev::SubmitEvent;
use leptos::html::{Input, Select};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

/// Value and label of the statuses that can be chosen.
const STATUSES: &[(&str, &str)] = &[
    ("", "Any status"),
    ("queued", "Queued"),
    ("sending", "Sending"),
    ("sent", "Sent"),
    ("partially_sent", "Partly sent"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("bounced", "Bounced afterwards"),
    ("complained", "Complained about"),
    ("rejected", "Rejected afterwards"),
];

const MODES: &[(&str, &str)] = &[("", "Live and test"), ("live", "Live"), ("test", "Test")];

/// Filters in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Filter {
    status: String,
    mode: String,
    query: String,
    before: String,
}

impl Filter {
    fn is_empty(&self) -> bool {
        self.status.is_empty() && self.mode.is_empty() && self.query.is_empty()
    }

    /// The address of the page from `before` on.
    fn href(&self, before: &str) -> String {
        let mut query = Vec::new();
        let parts = [
            ("status", &*self.status),
            ("mode", &*self.mode),
            ("q", &*self.query),
            ("before", before),
        ];
        for (name, value) in parts {
            if !value.is_empty() {
                query.push(format!("{name}={}", query_value(value)));
            }
        }
        if query.is_empty() {
            "/messages".to_owned()
        } else {
            format!("/messages?{}", query.join("&"))
        }
    }
}

/// The messages of the team. The newest page refreshes while it is looked at.
#[component]
pub fn Messages() -> impl IntoView {
    let query = use_query_map();
    let filter = Memo::new(move |_| {
        query.with(|query| {
            let get = |name| query.get(name).unwrap_or_default();
            Filter {
                status: get("status"),
                mode: get("mode"),
                query: get("q"),
                before: get("before"),
            }
        })
    });
    let messages = Resource::new(
        move || filter.get(),
        |filter| list_messages(filter.status, filter.mode, filter.query, filter.before),
    );
    browser::while_visible(4, move || {
        if filter.with_untracked(|filter| filter.before.is_empty()) {
            messages.refetch();
        }
    });
    view! {
        <PageHeader title="Messages" lead="What your keys have sent, newest first." />
        {move || view! { <Filters filter=filter.get() /> }}
        <section class="card-surface" aria-label="Messages">
            <Transition>
                {move || Suspend::new(async move {
                    match messages.await {
                        Ok(page) => view! { <List page filter=filter.get_untracked() /> }.into_any(),
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })}
            </Transition>
        </section>
    }
    .into_any()
}

#[component]
fn Filters(filter: Filter) -> impl IntoView {
    let options = |options: &'static [(&'static str, &'static str)], chosen: &str| {
        options
            .iter()
            .map(|(value, label)| view! { <option value=*value selected=*value == chosen>{*label}</option> })
            .collect_view()
    };
    let is_filtered = !filter.is_empty();
    let (query, status, mode) = (
        NodeRef::<Input>::new(),
        NodeRef::<Select>::new(),
        NodeRef::<Select>::new(),
    );
    let navigate = use_navigate();
    // With scripts: the same, without loading the page anew, and with only those filters in the address that are set.
    let apply = move |event: SubmitEvent| {
        if let (Some(query), Some(status), Some(mode)) = (query.get(), status.get(), mode.get()) {
            event.prevent_default();
            let filter = Filter {
                status: status.value(),
                mode: mode.value(),
                query: query.value(),
                before: String::new(),
            };
            navigate(&filter.href(""), NavigateOptions::default());
        }
    };
    view! {
        <form method="get" action="/messages" on:submit=apply>
            <div class="mb-4 flex flex-wrap items-end gap-3" role="search">
                <div class="min-w-48 flex-1">
                    <label class="mb-1 block text-sm font-medium" for="q">"Search"</label>
                    <input
                        id="q"
                        name="q"
                        node_ref=query
                        type="search"
                        class="input w-full"
                        value=filter.query.clone()
                        placeholder="Recipient, sender, subject or message id"
                    />
                </div>
                <div>
                    <label class="mb-1 block text-sm font-medium" for="status">"Status"</label>
                    <select id="status" name="status" node_ref=status class="select w-40">{options(STATUSES, &filter.status)}</select>
                </div>
                <div>
                    <label class="mb-1 block text-sm font-medium" for="mode">"Mode"</label>
                    <select id="mode" name="mode" node_ref=mode class="select w-36">{options(MODES, &filter.mode)}</select>
                </div>
                <button class="btn">"Filter"</button>
                {is_filtered.then(|| view! { <a class="btn btn-ghost" href="/messages">"Clear"</a> })}
            </div>
        </form>
    }
    .into_any()
}

#[component]
fn List(page: Page<MessageItem>, filter: Filter) -> impl IntoView {
    if page.rows.is_empty() {
        return if filter.is_empty() && filter.before.is_empty() {
            view! {
                <EmptyState
                    glyph=Icon::Mail
                    title="No messages yet"
                    text="The overview has a snippet that sends your first one. It appears here as soon as it is accepted."
                >
                    <a class="btn btn-primary btn-sm" href="/overview">"Send a message"</a>
                </EmptyState>
            }
            .into_any()
        } else {
            view! {
                <EmptyState
                    glyph=Icon::Mail
                    title="No message matches"
                    text="Change the filters, or clear them to see every message."
                >
                    <a class="btn btn-sm" href="/messages">"Clear the filters"</a>
                </EmptyState>
            }
            .into_any()
        };
    }
    let older = page.older.map(|before| filter.href(&before));
    let newest = (!filter.before.is_empty()).then(|| filter.href(""));
    view! {
        <Rows columns=&["Subject", "Status", "To", "From", "Accepted"]>
            {page.rows.into_iter().map(|message| view! { <Row message /> }).collect_view()}
        </Rows>
        <Pagination older newest />
    }
    .into_any()
}

#[component]
fn Row(message: MessageItem) -> impl IntoView {
    let is_test = message.mode == "test";
    view! {
        <tr data-message=message.id.clone()>
            <th scope="row">
                <SubjectLink text=message.subject href=format!("/messages/{}", message.id) />
                {message
                    .last_error
                    .map(|error| view! { <span class="mt-0.5 block truncate text-sm font-normal text-muted">{error}</span> })}
            </th>
            <td data-label="Status">
                <span class="flex flex-wrap gap-1.5">
                    <StatusBadge status=message.status />
                    {is_test.then(|| view! { <ModeBadge mode="test" /> })}
                </span>
            </td>
            <td data-label="To" class="break-words">{message.to}</td>
            <td data-label="From" class="break-words">{message.from}</td>
            <td data-label="Accepted"><Time at=message.created /></td>
        </tr>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_survive_paging() {
        let filter = Filter {
            status: "failed".to_owned(),
            query: "a&b".to_owned(),
            ..Filter::default()
        };
        assert_eq!(filter.href("eml_1"), "/messages?status=failed&q=a%26b&before=eml_1");
        assert_eq!(Filter::default().href(""), "/messages");
    }
}
