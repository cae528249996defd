//! Parts of lists.

use leptos::prelude::*;

/// The way to older rows, and back to the newest.
#[component]
pub fn Pagination(
    /// Where the older rows are; none on the last page.
    older: Option<String>,
    /// Where the newest rows are; none on the first page.
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
