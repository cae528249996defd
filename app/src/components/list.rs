//! Parts of lists.

use crate::browser;
use crate::components::ErrorView;
use crate::model::AppError;
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;

/// A table. Where it is narrow, every row becomes a card, whose cells name their columns themselves (`data-label`).
#[component]
pub fn Rows(
    /// The names of the columns.
    columns: &'static [&'static str],
    /// One more column holds what can be done to a row.
    #[prop(optional)]
    actions: bool,
    /// The rows.
    children: Children,
) -> impl IntoView {
    view! {
        <table class="rows">
            <thead>
                <tr>
                    {columns.iter().map(|name| view! { <th scope="col">{*name}</th> }).collect_view()}
                    {actions.then(|| view! { <th scope="col"><span class="sr-only">"Actions"</span></th> })}
                </tr>
            </thead>
            <tbody>{children()}</tbody>
        </table>
    }
    .into_any()
}

/// Position of a page in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PagePosition {
    path: &'static str,
    is_first: bool,
}

impl PagePosition {
    /// The ways to the other pages; `older` is the cursor of the next one.
    pub fn links(self, older: Option<String>) -> impl IntoView {
        let Self { path, is_first } = self;
        let older = older.map(|before| format!("{path}?before={before}"));
        let newest = (!is_first).then(|| path.to_owned());
        view! { <Pagination older newest /> }
    }
}

/// The page of the list at `path` that the address asks for (`?before=CURSOR`), fetched and then shown. The newest rows are
/// fetched again every `seconds` while they are looked at.
pub fn paged<T, F>(
    path: &'static str,
    seconds: u64,
    fetch: fn(String) -> F,
    shown: fn(T, PagePosition) -> AnyView,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, AppError>> + Send + 'static,
{
    paged_after(path, seconds, || 0, fetch, shown)
}

/// As [`paged`], for a page on which something can be done: it is fetched again whenever `version` has changed.
pub fn paged_after<T, F>(
    path: &'static str,
    seconds: u64,
    version: impl Fn() -> usize + Send + Sync + 'static,
    fetch: fn(String) -> F,
    shown: impl Fn(T, PagePosition) -> AnyView + Copy + Send + Sync + 'static,
) -> impl IntoView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, AppError>> + Send + 'static,
{
    let query = use_query_map();
    let before = Memo::new(move |_| query.with(|query| query.get("before")).unwrap_or_default());
    let page = Resource::new(move || (before.get(), version()), move |(before, _)| fetch(before));
    browser::while_visible(seconds, move || {
        if before.with_untracked(String::is_empty) {
            page.refetch();
        }
    });
    view! {
        <Transition>
            {move || Suspend::new(async move {
                match page.await {
                    Ok(page) => {
                        let is_first = before.with_untracked(String::is_empty);
                        shown(page, PagePosition { path, is_first })
                    }
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

/// The way to older rows, and back to the newest.
#[component]
pub fn Pagination(
    /// Address of the older rows; none on the last page.
    older: Option<String>,
    /// Address of the newest rows; none on the first page.
    newest: Option<String>,
) -> impl IntoView {
    if older.is_none() && newest.is_none() {
        return ().into_any();
    }
    view! {
        <nav class="flex justify-end gap-2 border-t border-base-300 px-5 py-3" aria-label="Pages">
            {newest.map(|href| view! { <a class="btn btn-sm" href=href>"Newest"</a> })}
            {older.map(|href| view! { <a class="btn btn-sm" href=href rel="next">"Older"</a> })}
        </nav>
    }
    .into_any()
}

/// A name and a value in a list of details.
#[component]
pub fn Detail(
    /// The name.
    name: &'static str,
    /// The value.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="grid grid-cols-[6.5rem_1fr] gap-3 py-2 @md:grid-cols-[10rem_1fr]">
            <dt class="text-sm text-muted">{name}</dt>
            <dd class="min-w-0 text-sm break-words">{children()}</dd>
        </div>
    }
    .into_any()
}
