//! Parts of a whole.

use crate::model::{CapItem, grouped, percent};
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

/// How much of a cap is used: a bar that changes its colour towards the end, and the numbers.
#[component]
pub fn CapBar(
    /// The window.
    cap: CapItem,
    /// What is counted, to be named behind the number.
    #[prop(optional, into)]
    unit: String,
) -> impl IntoView {
    let percent = cap.percent();
    let class = match percent {
        Some(percent) if percent >= 100.0 => "share-bar is-full",
        Some(percent) if percent >= 80.0 => "share-bar is-near",
        _ => "share-bar",
    };
    let numbers = match cap.cap {
        Some(most) => format!("{} of {}", grouped(cap.used), grouped(most)),
        None => grouped(cap.used),
    };
    view! {
        <span class="share">
            {percent
                .map(|percent| view! { <progress class=class max="100" value=format!("{percent:.1}") aria-hidden="true"></progress> })}
            <span class="whitespace-nowrap tabular-nums">
                {numbers} {(!unit.is_empty()).then(|| format!(" {unit}"))}
            </span>
        </span>
    }
    .into_any()
}
