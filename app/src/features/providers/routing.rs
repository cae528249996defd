//! The form of a provider's weight and caps. With scripts the share follows the weight while it is typed.

use super::actions::ProviderActions;
use super::model::{CapItem, ProviderPage};
use crate::browser;
use crate::components::{Card, Notice, NumberField, ShareBar, Submit};
use crate::features::groups::model::own_share;
use crate::model::grouped;
use leptos::html;
use leptos::prelude::*;

/// Changes how much goes through a provider.
#[component]
pub fn RoutingForm(
    /// The provider and its neighbours.
    page: ProviderPage,
    /// The actions of the page.
    actions: ProviderActions,
) -> impl IntoView {
    let ProviderPage { provider, others } = page;
    let form = actions.routed;
    let version = form.value("version", &provider.version.to_string());
    let stored = provider.weight.map(|weight| weight.to_string()).unwrap_or_default();
    let weight = RwSignal::new(form.value("weight", &stored));
    let node = NodeRef::<html::Form>::new();
    // The form itself knows best: the browser may have filled it in, and what was typed outlives a refresh.
    let read = move || {
        if let Some(typed) = node.get().and_then(|node| browser::typed(&node, "weight")) {
            weight.set(typed);
        }
    };
    Effect::new(move |_| read());
    let is_off = provider.state == "inactive";
    let share = Signal::derive(move || {
        if is_off {
            None
        } else {
            own_share(&weight.read(), &others)
        }
    });
    view! {
        <Card
            title="Weight and caps"
            lead="The weight decides its share among your providers, for keys that send through every provider or through chosen ones. Groups have weights of their own."
        >
            <Notice form />
            <ActionForm action=actions.route node_ref=node>
                <div class="space-y-5" on:input=move |_| read()>
                    <input type="hidden" name="id" value=provider.id />
                    <input type="hidden" name="version" value=version />
                    <div class="grid gap-5 @md:grid-cols-[10rem_1fr]">
                        <NumberField form name="weight" label="Weight" value=stored placeholder="100" hint="0 drains it." />
                        <div>
                            <span class="mb-1 block text-sm font-medium">"Share of keys of every provider"</span>
                            <span class="flex min-h-10 max-w-48 items-center text-sm" data-own-share>
                                {if is_off { "None while it is switched off".into_any() } else { view! { <ShareBar share /> }.into_any() }}
                            </span>
                        </div>
                    </div>
                    <fieldset>
                        <legend class="mb-1 block text-sm font-medium">"Caps: the most messages that go through it"</legend>
                        <div class="grid grid-cols-2 gap-4 @2xl:grid-cols-4">
                            {provider.caps.into_iter().map(|cap| view! { <CapField form cap /> }).collect_view()}
                        </div>
                        <p class="mt-2 text-sm text-muted">
                            "What is above a cap waits for room; it never fails for it. Second, minute and hour are those of the clock, a day is any 24 hours."
                        </p>
                    </fieldset>
                    <Submit form label="Apply weight and caps" busy="Saving…" />
                </div>
            </ActionForm>
        </Card>
    }
    .into_any()
}

#[component]
fn CapField(form: crate::components::Form, cap: CapItem) -> impl IntoView {
    let label = match cap.window.as_str() {
        "second" => "In a second",
        "minute" => "In a minute",
        "hour" => "In an hour",
        _ => "In a day",
    };
    let hint = match cap.default {
        Some(default) => format!("Default: {}", grouped(default)),
        None => "Default: none".to_owned(),
    };
    view! {
        <NumberField
            form
            name=cap.window
            label
            value=cap.cap.map(|cap| cap.to_string()).unwrap_or_default()
            placeholder="no cap"
            hint
        />
    }
    .into_any()
}
