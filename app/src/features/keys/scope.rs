//! Scope of a key: the picker, and how a scope is shown.

use super::model::{ScopeChoices, ScopeItem, ScopeOption};
use crate::components::{FieldError, Form};
use leptos::prelude::*;

/// Value, label and meaning of each scope.
const SCOPES: [(&str, &str, &str); 3] = [
    (
        "all",
        "Every provider",
        "All of the team's providers by their own weights, those added later too. The managed route stands in while none of your own is active.",
    ),
    (
        "providers",
        "Chosen providers",
        "Only these, by their own weights. When none of them can take a message, it waits.",
    ),
    (
        "groups",
        "Chosen groups",
        "Only the members of these groups, by their weights there. Who is a member is read anew for every message.",
    ),
];

/// Chooses a scope. The lists open with their choice without scripts too.
#[component]
pub fn ScopePicker(
    /// The form it belongs to.
    form: Form,
    /// The choices.
    choices: ScopeChoices,
    /// Initial choice.
    scope: ScopeItem,
) -> impl IntoView {
    let kind = match scope.kind.as_str() {
        "" => "all",
        kind => kind,
    };
    let chosen = form.value("scope", kind);
    let ScopeChoices { providers, groups } = choices;
    view! {
        <fieldset class="scope">
            <legend class="mb-1 block text-sm font-medium">"Sends through"</legend>
            <div class="grid gap-2 @2xl:grid-cols-3">
                {SCOPES
                    .into_iter()
                    .map(|(value, label, text)| {
                        view! {
                            <label class="choice">
                                <input
                                    type="radio"
                                    class="radio radio-sm radio-primary mt-0.5"
                                    name="scope"
                                    value=value
                                    checked=chosen == value
                                />
                                <span class="min-w-0">
                                    <span class="block text-sm font-medium">{label}</span>
                                    <span class="block text-sm text-muted">{text}</span>
                                </span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
            <FieldError form name="scope" id="scope-error".to_owned() />
            <div class="scope-list scope-providers">
                <Targets
                    form
                    list="provider"
                    legend="Providers"
                    options=providers
                    scope=scope.clone()
                    none="There is no provider to choose yet."
                />
                <FieldError form name="scope.providers" id="scope-providers-error".to_owned() />
            </div>
            <div class="scope-list scope-groups">
                <Targets form list="group" legend="Groups" options=groups scope none="There is no group yet. Make one under Groups first." />
                <FieldError form name="scope.groups" id="scope-groups-error".to_owned() />
            </div>
        </fieldset>
    }
    .into_any()
}

#[component]
fn Targets(
    form: Form,
    list: &'static str,
    legend: &'static str,
    options: Vec<ScopeOption>,
    scope: ScopeItem,
    none: &'static str,
) -> impl IntoView {
    if options.is_empty() {
        return view! { <p class="text-sm text-muted">{none}</p> }.into_any();
    }
    view! {
        <fieldset>
            <legend class="mb-1 block text-sm font-medium">{legend}</legend>
            <div class="grid gap-x-6 @2xl:grid-cols-2">
                {options
                    .into_iter()
                    .map(|option| {
                        let name = format!("{list}[{}]", option.id);
                        let is_named = scope.targets.iter().any(|target| target.id == option.id);
                        view! {
                            <label class="flex cursor-pointer items-start gap-3 py-1.5">
                                <input
                                    type="checkbox"
                                    class="checkbox checkbox-sm checkbox-primary mt-0.5"
                                    checked=form.ticked(&name, is_named)
                                    name=name
                                    value="true"
                                />
                                <span class="min-w-0 text-sm">
                                    <span class="block font-medium break-words">{option.name}</span>
                                    <span class="block break-words text-muted">{option.detail}</span>
                                </span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
        </fieldset>
    }
    .into_any()
}

/// A scope in words, each target with a link to its page.
#[component]
pub fn ScopeShown(
    /// The scope.
    scope: ScopeItem,
) -> impl IntoView {
    let (page, gone) = match scope.kind.as_str() {
        "providers" => ("/providers", "Providers that were deleted"),
        "groups" => ("/groups", "Groups that were deleted"),
        _ => return view! { <span>"Every provider"</span> }.into_any(),
    };
    if scope.targets.is_empty() {
        return view! { <span class="text-danger">{gone}</span> }.into_any();
    }
    let what = match (page, scope.targets.len()) {
        ("/groups", 1) => "Group",
        ("/groups", _) => "Groups",
        (_, 1) => "Provider",
        _ => "Providers",
    };
    view! {
        <span class="text-muted">{what} " "</span>
        {scope
            .targets
            .into_iter()
            .enumerate()
            .map(|(place, target)| {
                view! {
                    {(place > 0).then_some(", ")}
                    <a class="break-words hover:underline" href=format!("{page}/{}", target.id)>{target.name}</a>
                }
            })
            .collect_view()}
    }
    .into_any()
}
