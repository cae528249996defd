//! Inputs with their labels, hints and errors.

use crate::components::{Form, Icon, icon};
use leptos::html::Input;
use leptos::prelude::*;

/// A text input.
#[component]
pub fn Field(
    /// The form it belongs to.
    form: Form,
    /// The name that it is sent under.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// Its type.
    #[prop(default = "text")]
    kind: &'static str,
    /// Initial value. Never given for passwords.
    #[prop(optional, into)]
    value: String,
    /// Advice on the value.
    #[prop(optional, into)]
    hint: String,
    /// The hint does not hold while there is an error, and gives way to it.
    #[prop(optional)]
    hint_yields: bool,
    /// The token of the browser's autofill.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// An example.
    #[prop(optional)]
    placeholder: &'static str,
    /// The keyboard that phones show.
    #[prop(default = "text")]
    inputmode: &'static str,
    /// It must be filled in.
    #[prop(optional)]
    required: bool,
    /// The page begins here.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    let (hint_id, error_id) = (format!("{name}-hint"), format!("{name}-error"));
    let has_hint = !hint.is_empty();
    let shows_hint = move || has_hint && !(hint_yields && form.error(name).is_some());
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        move || match (shows_hint(), form.error(name).is_some()) {
            (true, true) => Some(format!("{error_id} {hint_id}")),
            (true, false) => Some(hint_id.clone()),
            (false, true) => Some(error_id.clone()),
            (false, false) => None,
        }
    };
    let initial = if kind == "password" {
        String::new()
    } else {
        form.value(name, &value)
    };
    let input = NodeRef::<Input>::new();
    if kind == "password" {
        // What was saved must not be sent, or seen, once more.
        Effect::watch(
            move || form.reply().is_some_and(|reply| reply.ok),
            move |is_saved, _, _| {
                if let Some(input) = input.get_untracked().filter(|_| *is_saved) {
                    input.set_value("");
                }
            },
            false,
        );
    }
    view! {
        <div>
            <label class="mb-1 block text-sm font-medium" for=name>
                {label}
                {(!required).then(|| view! { <span class="font-normal text-muted">" (optional)"</span> })}
            </label>
            <input
                node_ref=input
                id=name
                name=name
                type=kind
                value=initial
                class="input w-full"
                class:input-error=move || form.error(name).is_some()
                autocomplete=autocomplete
                placeholder=placeholder
                inputmode=inputmode
                required=required
                autofocus=autofocus
                spellcheck="false"
                aria-invalid=move || form.error(name).is_some().then_some("true")
                aria-describedby=described
            />
            <FieldError form name id=error_id />
            {move || {
                shows_hint().then(|| view! { <p id=hint_id.clone() class="mt-1 text-sm text-muted">{hint.clone()}</p> })
            }}
        </div>
    }
    .into_any()
}

/// An input for a password that is to be chosen.
#[component]
pub fn NewPassword(
    /// The form it belongs to.
    form: Form,
    /// Its label.
    #[prop(default = "Password")]
    label: &'static str,
    /// The page begins here.
    #[prop(optional)]
    autofocus: bool,
) -> impl IntoView {
    view! {
        <Field
            form
            name="password"
            label
            kind="password"
            autocomplete="new-password"
            hint="At least 10 characters. A few words in a row are easy to remember."
            required=true
            autofocus
        />
    }
    .into_any()
}

/// A choice of one among a few, shown side by side.
#[component]
pub fn Choice(
    /// The form it belongs to.
    form: Form,
    /// The name that it is sent under.
    name: &'static str,
    /// Value and label of each choice.
    legend: &'static str,
    /// Value, label and explanation of each.
    options: &'static [(&'static str, &'static str, &'static str)],
    /// Initial choice.
    #[prop(into)]
    value: String,
) -> impl IntoView {
    let chosen = form.value(name, &value);
    view! {
        <fieldset>
            <legend class="mb-1 block text-sm font-medium">{legend}</legend>
            <div class="grid gap-2 sm:grid-flow-col sm:auto-cols-fr">
                {options
                    .iter()
                    .map(|(option, label, text)| {
                        view! {
                            <label class="choice">
                                <input
                                    type="radio"
                                    class="radio radio-sm radio-primary mt-0.5"
                                    name=name
                                    value=*option
                                    checked=chosen == *option
                                />
                                <span class="min-w-0">
                                    <span class="block text-sm font-medium">{*label}</span>
                                    <span class="block text-sm text-muted">{*text}</span>
                                </span>
                            </label>
                        }
                    })
                    .collect_view()}
            </div>
            <FieldError form name id=format!("{name}-error") />
        </fieldset>
    }
    .into_any()
}

/// A number in a row or beside others: narrow, with what hangs on it beneath.
#[component]
pub fn NumberField(
    /// The form it belongs to.
    form: Form,
    /// The name that it is sent under.
    #[prop(into)]
    name: String,
    /// Its label.
    #[prop(into)]
    label: String,
    /// The label is only heard: the column or the row says it to those who see.
    #[prop(optional)]
    label_is_heard: bool,
    /// Initial value.
    #[prop(optional, into)]
    value: String,
    /// Meaning of an empty field.
    #[prop(optional, into)]
    placeholder: String,
    /// Advice on the value.
    #[prop(optional, into)]
    hint: String,
) -> impl IntoView {
    let id = id_of(&name);
    let (hint_id, error_id) = (format!("{id}-hint"), format!("{id}-error"));
    let initial = form.value(&name, &value);
    let is_wrong = {
        let name = name.clone();
        Signal::derive(move || form.error(&name).is_some())
    };
    let described = {
        let (hint_id, error_id) = (hint_id.clone(), error_id.clone());
        let has_hint = !hint.is_empty();
        move || match (is_wrong.get(), has_hint) {
            (true, true) => Some(format!("{error_id} {hint_id}")),
            (true, false) => Some(error_id.clone()),
            (false, true) => Some(hint_id.clone()),
            (false, false) => None,
        }
    };
    view! {
        <div>
            <label class=if label_is_heard { "sr-only" } else { "mb-1 block text-sm font-medium" } for=id.clone()>
                {label}
            </label>
            <input
                id=id
                name=name.clone()
                value=initial
                class="input w-full max-w-40 tabular-nums"
                class:input-error=is_wrong
                inputmode="numeric"
                autocomplete="off"
                placeholder=placeholder
                aria-invalid=move || is_wrong.get().then_some("true")
                aria-describedby=described
            />
            <FieldError form name id=error_id />
            {(!hint.is_empty()).then(|| view! { <p id=hint_id class="mt-1 text-sm text-muted">{hint}</p> })}
        </div>
    }
    .into_any()
}

/// The id of the input with this name: `weight[prv_x]` is a name, and `weight-prv_x` its id.
fn id_of(name: &str) -> String {
    name.replace('[', "-").replace(']', "")
}

/// Fault of a field, beneath it.
#[component]
pub fn FieldError(
    /// The form it belongs to.
    form: Form,
    /// The name of the field.
    #[prop(into)]
    name: String,
    /// The id that the field is described by.
    id: String,
) -> impl IntoView {
    view! {
        {move || {
            form.error(&name)
                .map(|error| {
                    view! {
                        <p id=id.clone() class="mt-1 flex gap-1.5 text-sm text-danger">
                            {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")} {error}
                        </p>
                    }
                })
        }}
    }
    .into_any()
}
