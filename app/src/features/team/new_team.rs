//! `/team/new`: another team.

use super::api::{CreateTeam, NEW_TEAM};
use crate::components::{Crumbs, Field, Notice, PageHeader, SubmitOrCancel, WithFlash, use_form};
use leptos::prelude::*;

/// Makes another team.
#[component]
pub fn NewTeam() -> impl IntoView {
    view! {
        <Crumbs path=&[("/team", "Team")] />
        <PageHeader
            title="New team"
            lead="A team has its own providers, groups, keys and messages; nothing is shared with your other teams. You own it, and can invite others."
        />
        <WithFlash>
            <NewForm />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn NewForm() -> impl IntoView {
    let form = use_form(NEW_TEAM, ServerAction::<CreateTeam>::new());
    view! {
        <div class="card-surface max-w-2xl p-5 sm:p-6">
            <Notice form />
            // A plain form: the whole page, and all that it remembers, is of one team.
            <form method="post" action="/fn/create_team">
                <div class="space-y-5">
                    <Field form name="name" label="Name" hint="Its address on the managed route is made of it." required=true />
                    <SubmitOrCancel form label="Create team" busy="Creating…" cancel="/team" />
                </div>
            </form>
        </div>
    }
    .into_any()
}
