//! Switcher between the viewer's teams.

use super::model::{OwnTeam, Viewer};
use crate::components::{Icon, icon};
use leptos::prelude::*;

/// The name of the team; for those who have others, or may make one, the way there.
#[component]
pub fn TeamSwitch(
    /// The viewer.
    viewer: Viewer,
) -> impl IntoView {
    let Viewer {
        team,
        team_id,
        teams,
        can_create_team,
        ..
    } = viewer;
    if teams.len() < 2 && !can_create_team {
        return view! { <p class="truncate text-sm text-muted" title=team.clone()>{team.clone()}</p> }.into_any();
    }
    view! {
        <details class="popup" data-team=team_id.clone()>
            <summary class="team-current">
                <span class="sr-only">"Team: "</span>
                <span class="min-w-0 flex-1 truncate" title=team.clone()>{team.clone()}</span>
                {icon(Icon::ChevronDown, "size-4 shrink-0 text-muted")}
            </summary>
            <div class="popup-box inset-x-0 p-1.5">
                // A plain form: the whole page, and all that it remembers, is of one team.
                <form method="post" action="/fn/switch_team">
                    <ul aria-label="Your teams">
                        {teams.into_iter().map(|team| view! { <Choice is_current=team.id == team_id team /> }).collect_view()}
                    </ul>
                </form>
                {can_create_team
                    .then(|| {
                        view! {
                            <div class="mt-1.5 border-t border-base-300 pt-1.5">
                                <a class="nav-link" href="/team/new">{icon(Icon::Plus, "size-4 shrink-0")} "New team"</a>
                            </div>
                        }
                    })}
            </div>
        </details>
    }
    .into_any()
}

#[component]
fn Choice(team: OwnTeam, is_current: bool) -> impl IntoView {
    view! {
        <li>
            <button
                class="nav-link w-full text-left"
                name="id"
                value=team.id
                aria-current=is_current.then_some("true")
            >
                <span class="min-w-0 flex-1">
                    <span class="block truncate">{team.name}</span>
                    <span class="block text-xs font-normal text-muted">{team.role}</span>
                </span>
                {is_current.then(|| icon(Icon::Check, "size-4 shrink-0"))}
            </button>
        </li>
    }
    .into_any()
}
