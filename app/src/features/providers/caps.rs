//! Use of a cap.

use super::model::CapItem;
use crate::model::grouped;
use leptos::prelude::*;

/// Used part of a cap: a bar that changes its colour towards the end, and the numbers.
#[component]
pub fn CapBar(
    /// The window.
    cap: CapItem,
    /// Unit, to be named behind the number.
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
