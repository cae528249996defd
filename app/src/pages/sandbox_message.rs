//! `/sandbox/:id`: one captured message.

use crate::api::get_sandbox_message;
use crate::components::{Card, Detail, ErrorView, Icon, Loading, MailContent, ModeBadge, PageHeader, Time, icon};
use crate::model::SandboxView;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// A captured message, as its recipients would have got it.
#[component]
pub fn SandboxMessage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let message = Resource::new(move || id.get(), get_sandbox_message);
    view! {
        <p class="mb-2 text-sm"><a class="link-quiet" href="/sandbox">"Sandbox"</a> <span class="text-muted">" /"</span></p>
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match message.await {
                    Ok(view) => view! { <Shown view /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Shown(view: SandboxView) -> impl IntoView {
    let SandboxView {
        item,
        return_path,
        recipients,
        mail,
    } = view;
    let title = if item.subject.is_empty() {
        "(no subject)".to_owned()
    } else {
        item.subject
    };
    let (timeline, files) = (format!("/messages/{}", item.id), format!("/files/sandbox/{}", item.id));
    view! {
        <PageHeader title>
            <a class="btn" href=timeline>{icon(Icon::Clock, "size-4")} "Timeline"</a>
        </PageHeader>
        <Card title="Envelope">
            <dl class="-my-2 divide-y divide-base-300">
                <Detail name="From">{item.from}</Detail>
                <Detail name="Return path">{return_path.unwrap_or_else(|| "<> (none)".to_owned())}</Detail>
                <Detail name="Recipients">
                    <ul>{recipients.into_iter().map(|address| view! { <li class="break-all">{address}</li> }).collect_view()}</ul>
                </Detail>
                <Detail name="Captured"><Time at=item.captured /></Detail>
                <Detail name="Mode"><ModeBadge mode=item.mode /></Detail>
                <Detail name="Size">{item.size}</Detail>
            </dl>
        </Card>
        <Card title="Content">
            <MailContent mail files />
        </Card>
    }
    .into_any()
}
