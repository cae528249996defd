//! Parts of a whole.

use crate::model::percent;
use leptos::prelude::*;

/// A part of the traffic: a bar and its number. None: there is none to tell.
#[component]
pub fn ShareBar(
    /// From 0 to 100.
    #[prop(into)]
    share: Signal<Option<f64>>,
) -> impl IntoView {
    view! {
        <span class="share">
            <progress
                class="share-bar"
                class:invisible=move || share.get().is_none()
                max="100"
                value=move || format!("{:.1}", share.get().unwrap_or(0.0))
                aria-hidden="true"
            ></progress>
            <span class="tabular-nums">{move || share.get().map_or_else(|| "–".to_owned(), percent)}</span>
        </span>
    }
    .into_any()
}
