//! Placeholder of an empty list.

use crate::components::{Icon, icon};
use leptos::prelude::*;

/// Says that there is nothing, and what to do next.
#[component]
pub fn EmptyState(
    /// The icon.
    glyph: Icon,
    /// That there is nothing.
    title: &'static str,
    /// The next step.
    text: &'static str,
    /// The button that does it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="flex flex-col items-center px-6 py-14 text-center">
            <span class="mb-4 rounded-full bg-base-200 p-3 text-muted">{icon(glyph, "size-6")}</span>
            <p class="font-medium">{title}</p>
            <p class="mt-1 max-w-md text-sm text-muted">{text}</p>
            {children.map(|children| view! { <div class="mt-5 flex flex-wrap justify-center gap-2">{children()}</div> })}
        </div>
    }
    .into_any()
}
