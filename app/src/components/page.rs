//! The frame of a page.

use leptos::prelude::*;
use leptos_meta::Title;

/// The title of a page, what it is for, and what can be done on it.
#[component]
pub fn PageHeader(
    /// The title, also of the browser's tab.
    #[prop(into)]
    title: String,
    /// Purpose, in a sentence.
    #[prop(optional, into)]
    lead: String,
    /// Buttons.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <Title text=title.clone() />
        <header class="mb-6 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
            <div class="min-w-0">
                <h1 class="text-xl font-semibold tracking-tight break-words">{title}</h1>
                {(!lead.is_empty()).then(|| view! { <p class="mt-1 max-w-2xl text-sm text-muted">{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="flex flex-wrap gap-2">{children()}</div> })}
        </header>
    }
    .into_any()
}

/// A part of a page.
#[component]
pub fn Card(
    /// Its heading.
    #[prop(into)]
    title: String,
    /// Purpose.
    #[prop(optional, into)]
    lead: String,
    /// Its content.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="card-surface mb-6">
            <div class="border-b border-base-300 px-5 py-4">
                <h2 class="text-sm font-semibold">{title}</h2>
                {(!lead.is_empty()).then(|| view! { <p class="mt-0.5 text-sm text-muted">{lead}</p> })}
            </div>
            <div class="p-5">{children()}</div>
        </section>
    }
    .into_any()
}

/// The way back to the lists that a page belongs to.
#[component]
pub fn Crumbs(
    /// Address and name of each list, the outermost first.
    path: &'static [(&'static str, &'static str)],
) -> impl IntoView {
    view! {
        <nav class="mb-2 text-sm" aria-label="Breadcrumb">
            <ol class="flex flex-wrap gap-x-1.5">
                {path
                    .iter()
                    .map(|(href, list)| {
                        view! {
                            <li>
                                <a class="link-quiet" href=*href>{*list}</a>
                                <span class="text-muted" aria-hidden="true">" /"</span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </nav>
    }
    .into_any()
}
