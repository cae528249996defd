//! List of the candidates of a selection: why one provider and not another.

use super::model::CandidateItem;
use crate::components::{Countdown, Icon, ShareBar, icon};
use leptos::prelude::*;

/// The providers of a scope: which take part in the draw, with which chance, and why the others do not.
#[component]
pub fn Candidates(
    /// The providers.
    candidates: Vec<CandidateItem>,
) -> impl IntoView {
    view! {
        <ul class="divide-y divide-base-300" data-candidates>
            {candidates.into_iter().map(|candidate| view! { <Candidate candidate /> }).collect_view()}
        </ul>
    }
    .into_any()
}

#[component]
fn Candidate(candidate: CandidateItem) -> impl IntoView {
    let is_open = candidate.left_out.is_none();
    let (glyph, class, sign) = if is_open {
        (Icon::CheckCircle, "mt-0.5 size-4 shrink-0 text-success", "Takes part: ")
    } else {
        (Icon::Ban, "mt-0.5 size-4 shrink-0 text-muted", "Left out: ")
    };
    let chance = candidate.chance;
    view! {
        <li class="flex flex-wrap items-start gap-x-4 gap-y-1 py-2 text-sm">
            <span class="flex min-w-0 grow basis-48 gap-2">
                {icon(glyph, class)}
                <span class="min-w-0 break-words">
                    <span class="sr-only">{sign}</span>
                    <a class="font-medium hover:underline" href=format!("/providers/{}", candidate.id)>{candidate.name}</a>
                    {candidate.is_chosen.then(|| view! { <span class="ml-2 font-medium text-success">"chosen"</span> })}
                    <span class="block text-muted">"Weight " {candidate.weight}</span>
                </span>
            </span>
            <span class="min-w-0 basis-64">
                {match candidate.left_out {
                    None => view! { <ShareBar share=Some(chance) /> }.into_any(),
                    Some(reason) => {
                        view! {
                            <span class="text-muted">
                                {reason}
                                {candidate.opens.map(|at| view! { <span>"; opens " <Countdown at /></span> })}
                                "."
                            </span>
                        }
                            .into_any()
                    }
                }}
            </span>
        </li>
    }
    .into_any()
}
