//! `/routing`: where would a message go now, and why? The question stands in the address.

use super::api::dry_run;
use super::candidates::Candidates;
use super::model::DryRunView;
use crate::components::{Card, Countdown, EmptyState, ErrorView, Icon, PageHeader, icon};
use crate::features::keys::api::list_keys;
use crate::features::keys::model::KeyItem;
use leptos::prelude::*;
use leptos_router::components::Form;
use leptos_router::hooks::use_query_map;

/// Query of the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Question {
    key: String,
    from: String,
    recipients: String,
    kilobytes: String,
}

/// Asks the selection about a message that is only thought of.
#[component]
pub fn Routing() -> impl IntoView {
    let query = use_query_map();
    let question = Memo::new(move |_| {
        query.with(|query| {
            let get = |name, otherwise: &str| {
                query
                    .get(name)
                    .filter(|text| !text.is_empty())
                    .unwrap_or_else(|| otherwise.to_owned())
            };
            Question {
                key: get("key", ""),
                from: get("from", ""),
                recipients: get("recipients", "1"),
                kilobytes: get("kb", "10"),
            }
        })
    });
    let keys = Resource::new(|| (), |()| list_keys());
    view! {
        <PageHeader
            title="Where would it go?"
            lead="Shows where a message would go now, and why. Nothing is sent or counted."
        />
        <Suspense>
            {move || Suspend::new(async move {
                match keys.await {
                    Ok(page) if page.active.is_empty() => view! { <NoKeys /> }.into_any(),
                    Ok(page) => view! { <DryRunPanel keys=page.active question /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn DryRunPanel(keys: Vec<KeyItem>, question: Memo<Question>) -> impl IntoView {
    // Without a key in the address the newest one is asked for.
    let first = keys.first().map(|key| key.id.clone()).unwrap_or_default();
    let asked = Memo::new(move |_| {
        let mut asked = question.get();
        if asked.key.is_empty() {
            asked.key.clone_from(&first);
        }
        asked
    });
    let answer = Resource::new(
        move || asked.get(),
        |asked| dry_run(asked.key, asked.from, asked.recipients, asked.kilobytes),
    );
    view! {
        <div class="grid items-start gap-x-6 xl:grid-cols-[22rem_1fr]">
            <QuestionForm keys asked=asked.get_untracked() />
            <div class="min-w-0">
                <Transition>
                    {move || Suspend::new(async move {
                        match answer.await {
                            Ok(view) => view! { <Answer view /> }.into_any(),
                            Err(error) => view! { <ErrorView error /> }.into_any(),
                        }
                    })}
                </Transition>
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn QuestionForm(keys: Vec<KeyItem>, asked: Question) -> impl IntoView {
    view! {
        <Card title="The message">
            <Form method="GET" action="/routing">
                <div class="space-y-4">
                    <div>
                        <label class="mb-1 block text-sm font-medium" for="key">"Sent with the key"</label>
                        <select class="select w-full" id="key" name="key">
                            {keys
                                .into_iter()
                                .map(|key| {
                                    let is_asked = key.id == asked.key;
                                    view! { <option value=key.id selected=is_asked>{key.name} " (" {key.prefix} "…)"</option> }
                                })
                                .collect_view()}
                        </select>
                    </div>
                    <div>
                        <label class="mb-1 block text-sm font-medium" for="from">
                            "From " <span class="font-normal text-muted">"(optional)"</span>
                        </label>
                        <input
                            class="input w-full"
                            id="from"
                            name="from"
                            value=asked.from
                            placeholder="shop@example.com"
                            autocomplete="off"
                            aria-describedby="from-hint"
                        />
                        <p id="from-hint" class="mt-1 text-sm text-muted">"A provider may have refused its domain."</p>
                    </div>
                    <div class="grid grid-cols-2 gap-4">
                        <div>
                            <label class="mb-1 block text-sm font-medium" for="recipients">"Recipients"</label>
                            <input class="input w-full" id="recipients" name="recipients" type="number" min="1" max="1000" value=asked.recipients />
                        </div>
                        <div>
                            <label class="mb-1 block text-sm font-medium" for="kb">"Size in KB"</label>
                            <input class="input w-full" id="kb" name="kb" type="number" min="1" max="100000" value=asked.kilobytes />
                        </div>
                    </div>
                    <button type="submit" class="btn btn-primary">{icon(Icon::Route, "size-4")} "Ask"</button>
                </div>
            </Form>
        </Card>
    }
    .into_any()
}

#[component]
fn Answer(view: DryRunView) -> impl IntoView {
    let (class, glyph) = match view.tone.as_str() {
        "success" => ("notice tone-success", Icon::CheckCircle),
        "warning" => ("notice tone-warning", Icon::Clock),
        _ => ("notice tone-error", Icon::XCircle),
    };
    let candidates = view.candidates;
    view! {
        <div class=class data-verdict>
            {icon(glyph, "mt-0.5 size-4 shrink-0")}
            <div class="min-w-0 flex-1">
                <p class="font-medium">
                    // Not what is counted down: that would be read out every second.
                    <span aria-live="polite">{view.verdict}</span> {view.opens.map(|at| view! { <span>", and go " <Countdown at /></span> })}
                </p>
                <p class="mt-1 break-words">{view.detail}</p>
            </div>
        </div>
        <Card title="The providers in its scope" lead="With the chance of each that the draw falls on it, or why it is left out.">
            {if candidates.is_empty() {
                view! { <p class="text-sm text-muted">"There is none."</p> }.into_any()
            } else {
                view! { <div class="-my-2"><Candidates candidates /></div> }.into_any()
            }}
        </Card>
    }
    .into_any()
}

#[component]
fn NoKeys() -> impl IntoView {
    view! {
        <section class="card-surface" aria-label="The message">
            <EmptyState
                glyph=Icon::Key
                title="No key yet"
                text="Where a message goes follows from the scope of its key. Create one first."
            >
                <a class="btn btn-primary" href="/keys">"API keys"</a>
            </EmptyState>
        </section>
    }
    .into_any()
}
