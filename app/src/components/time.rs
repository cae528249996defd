//! Points in time.

use crate::model::Moment;
use leptos::prelude::*;

/// A point in time: relative to read, in full in the tooltip, RFC 3339 for machines.
#[component]
pub fn Time(
    /// When.
    at: Moment,
) -> impl IntoView {
    view! {
        <time datetime=at.iso title=at.full class="whitespace-nowrap">
            {at.text}
        </time>
    }
    .into_any()
}
