//! The result of a connection test.

use crate::components::{Icon, Time, icon};
use crate::model::ConnectionTest;
use leptos::prelude::*;

/// Steps of a connection test, and the remedy of the one that failed.
#[component]
pub fn TestResult(
    /// The result.
    test: ConnectionTest,
) -> impl IntoView {
    let (class, glyph, title) = if test.ok {
        ("notice tone-success", Icon::CheckCircle, "The connection works")
    } else {
        ("notice tone-error", Icon::XCircle, "The connection test failed")
    };
    view! {
        <div class="mb-6" data-test-result=if test.ok { "ok" } else { "failed" }>
            <div class=class>
                {icon(glyph, "mt-0.5 size-4 shrink-0")}
                <div class="min-w-0 flex-1">
                    <p class="font-medium">
                        {title} ": " {test.provider.clone()}
                        {test.at.map(|at| view! { <span class="font-normal">" · " <Time at /></span> })}
                    </p>
                    <ol class="mt-2 space-y-1">
                        {test
                            .steps
                            .into_iter()
                            .map(|step| {
                                view! {
                                    <li class="flex gap-2">
                                        {icon(if step.ok { Icon::Check } else { Icon::XCircle }, "mt-0.5 size-4 shrink-0")}
                                        <span class="min-w-0 break-words">
                                            <span class="sr-only">{if step.ok { "Done: " } else { "Failed: " }}</span>
                                            <span class="font-medium">{step.name}</span>
                                            {(!step.detail.is_empty()).then(|| format!(": {}", step.detail))}
                                        </span>
                                    </li>
                                }
                            })
                            .collect_view()}
                    </ol>
                    {test.advice.map(|advice| view! { <p class="mt-2">{advice}</p> })}
                </div>
            </div>
        </div>
    }
    .into_any()
}
