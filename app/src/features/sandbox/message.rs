//! `/sandbox/:id`: one captured message.

use super::api::get_sandbox_message;
use super::model::SandboxView;
use crate::components::{
    Card, Crumbs, Detail, ErrorView, Icon, Loading, MailContent, ModeBadge, PageHeader, Time, icon, subject,
};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// A captured message, as its recipients would have got it.
#[component]
pub fn SandboxMessage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let message = Resource::new(move || id.get(), get_sandbox_message);
    view! {
        <Crumbs path=&[("/sandbox", "Sandbox")] />
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
        from,
        return_path,
        recipients,
        mail,
    } = view;
    let title = subject(item.subject);
    let sent_by = (from != item.from).then_some(item.from);
    let (timeline, files) = (format!("/messages/{}", item.id), format!("/files/sandbox/{}", item.id));
    view! {
        <PageHeader title>
            <a class="btn" href=timeline>{icon(Icon::Clock, "size-4")} "Timeline"</a>
        </PageHeader>
        <Card title="Envelope">
            <dl class="-my-2 divide-y divide-base-300">
                <Detail name="From"><Sender mailbox=from /></Detail>
                {sent_by.map(|mailbox| view! { <Detail name="Sent by"><Sender mailbox /></Detail> })}
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

/// `Name <address>` with the address on a line of its own.
#[component]
fn Sender(mailbox: String) -> impl IntoView {
    match split_mailbox(&mailbox) {
        Some((name, address)) => view! {
            <span class="block">{name.to_owned()}</span>
            <span class="block break-all text-muted">{address.to_owned()}</span>
        }
        .into_any(),
        None => view! { <span class="break-all">{mailbox}</span> }.into_any(),
    }
}

/// The name and the address of a single mailbox; none for a bare address, or for several mailboxes.
fn split_mailbox(mailbox: &str) -> Option<(&str, &str)> {
    let (name, address) = mailbox.strip_suffix('>')?.split_once(" <")?;
    (!name.is_empty() && !address.contains(['<', '>', ','])).then_some((name, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_named_mailbox_is_split() {
        assert_eq!(split_mailbox("Ana <ana@example.com>"), Some(("Ana", "ana@example.com")));
        assert_eq!(split_mailbox("ana@example.com"), None);
        assert_eq!(split_mailbox("Ana <ana@example.com>, Bo <bo@example.com>"), None);
    }
}
