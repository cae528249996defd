//! Copying to the clipboard.

use crate::browser;
use crate::components::{Icon, icon};
use leptos::prelude::*;
use leptos::task::spawn_local;

/// A button that copies `text`. It needs scripts, so it appears with them.
#[component]
pub fn CopyButton(
    /// Text to copy.
    #[prop(into)]
    text: String,
    /// Kind of text, for the button's name: `key`, `snippet`.
    what: &'static str,
) -> impl IntoView {
    let ready = RwSignal::new(false);
    let said = RwSignal::new("Copy");
    Effect::new(move |_| ready.set(true));
    let copy = move |_| {
        let text = text.clone();
        spawn_local(async move {
            said.set(if browser::copy(&text).await {
                "Copied"
            } else {
                "Select the text to copy it"
            });
        });
    };
    view! {
        <button type="button" class="btn btn-sm" class:hidden=move || !ready.get() on:click=copy>
            {icon(Icon::Copy, "size-4")}
            <span aria-live="polite">{said}</span>
            <span class="sr-only">{what}</span>
        </button>
    }
    .into_any()
}
