//! Code to read and copy.

use crate::components::CopyButton;
use leptos::prelude::*;

/// A block of code with a button that copies it.
#[component]
pub fn CodeBlock(
    /// The code.
    #[prop(into)]
    code: String,
    /// Kind of text: `snippet`, `source`.
    what: &'static str,
) -> impl IntoView {
    view! {
        <div class="code-block">
            <div class="flex min-h-11 items-center justify-between gap-3 border-b border-base-300 py-1.5 pr-1.5 pl-4">
                <span class="text-sm text-muted">{what}</span>
                <CopyButton text=code.clone() what />
            </div>
            <pre tabindex="0" aria-label=what>
                <code>{code}</code>
            </pre>
        </div>
    }
    .into_any()
}
