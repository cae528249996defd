//! `/messages/:id`: what became of a message.

use super::api::{get_message, get_message_mail};
use super::model::{AttemptItem, MessageView, RecipientItem, TimelineItem, WaitingView};
use crate::browser;
use crate::components::{
    Card, Countdown, Crumbs, Detail, ErrorView, Icon, Loading, MailContent, ModeBadge, PageHeader, Rows, StatusBadge,
    Time, icon, subject,
};
use crate::features::routing::Candidates;
use crate::features::routing::model::CandidateItem;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// One message. It refreshes while it is looked at, until nothing more can happen.
#[component]
pub fn Message() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let message = Resource::new(move || id.get(), get_message);
    let mail = Resource::new(move || id.get(), get_message_mail);
    browser::while_visible(3, move || {
        let is_open = message.with_untracked(|message| match message {
            Some(Ok(view)) => matches!(view.item.status.as_str(), "queued" | "sending"),
            _ => false,
        });
        if is_open {
            message.refetch();
        }
    });
    view! {
        <Crumbs path=&[("/messages", "Messages")] />
        <Transition fallback=Loading>
            {move || Suspend::new(async move {
                match message.await {
                    Ok(view) => view! { <Shown view /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                match mail.await {
                    Ok(Some(mail)) => {
                        Some(view! {
                            <Card title="Content">
                                <MailContent mail files=format!("/files/messages/{}", id.get_untracked()) />
                            </Card>
                        }.into_any())
                    }
                    Ok(None) => {
                        Some(view! {
                            <Card title="Content">
                                <p class="text-sm text-muted">"The content was removed when its time was over."</p>
                            </Card>
                        }.into_any())
                    }
                    // The message itself could not be had either, and says so.
                    Err(_) => None,
                }
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Shown(view: MessageView) -> impl IntoView {
    let MessageView {
        item,
        return_path,
        header_message_id,
        source,
        size,
        recipients,
        attempts,
        timeline,
        waiting,
        in_sandbox,
    } = view;
    let title = subject(item.subject);
    let in_sandbox = in_sandbox.then(|| format!("/sandbox/{}", item.id));
    view! {
        <PageHeader title>
            {in_sandbox
                .map(|href| {
                    view! {
                        <a class="btn" href=href>{icon(Icon::Inbox, "size-4")} "Open in the sandbox"</a>
                    }
                })}
        </PageHeader>
        <div class="-mt-3 mb-6 flex flex-wrap items-center gap-2 text-sm text-muted" aria-live="polite">
            <StatusBadge status=item.status.clone() />
            <ModeBadge mode=item.mode.clone() />
            <span>"Accepted " <Time at=item.created.clone() /></span>
        </div>
        {waiting.map(|waiting| view! { <WaitingNotice waiting /> })}
        <div class="grid items-start gap-x-6 xl:grid-cols-[1fr_22rem]">
            <div class="min-w-0">
                <Recipients recipients />
                <Attempts attempts />
                <Card title="Details">
                    <dl class="-my-2 divide-y divide-base-300">
                        <Detail name="Message id"><code>{item.id}</code></Detail>
                        <Detail name="From">{item.from}</Detail>
                        <Detail name="Return path">{return_path.unwrap_or_else(|| "<> (none)".to_owned())}</Detail>
                        <Detail name="Message-ID header"><code class="break-all">{header_message_id}</code></Detail>
                        <Detail name="Came in over">{source}</Detail>
                        <Detail name="Size">{size}</Detail>
                    </dl>
                </Card>
            </div>
            <Timeline entries=timeline />
        </div>
    }
    .into_any()
}

#[component]
fn WaitingNotice(waiting: WaitingView) -> impl IntoView {
    let candidates = waiting.candidates;
    view! {
        <div class="notice tone-info" data-waiting>
            {icon(Icon::Clock, "mt-0.5 size-4 shrink-0")}
            <div class="min-w-0 flex-1">
                <p>
                    {waiting.reason}
                    {waiting.expected.map(|at| view! { <span>" It is expected to go " <Countdown at /> "."</span> })}
                </p>
                {(!candidates.is_empty())
                    .then(|| {
                        view! {
                            <details class="mt-2" open=true>
                                <summary class="cursor-pointer font-medium">"The providers in its scope"</summary>
                                <div class="mt-1 rounded-field bg-base-100 px-3 text-base-content">
                                    <Candidates candidates />
                                </div>
                            </details>
                        }
                    })}
            </div>
        </div>
    }
    .into_any()
}

#[component]
fn Recipients(recipients: Vec<RecipientItem>) -> impl IntoView {
    view! {
        <section class="card-surface mb-6">
            <h2 class="border-b border-base-300 px-5 py-4 text-sm font-semibold">"Recipients"</h2>
            <Rows columns=&["Address", "Field", "Status", "Answer"]>
                {recipients
                    .into_iter()
                    .map(|recipient| {
                        view! {
                            <tr>
                                <th scope="row" class="font-normal break-all">{recipient.address}</th>
                                <td data-label="Field">{recipient.field}</td>
                                <td data-label="Status">
                                    <span class="flex flex-wrap gap-1">
                                        <StatusBadge status=recipient.status />
                                        {recipient.delivery_status.map(|status| view! { <StatusBadge status /> })}
                                    </span>
                                </td>
                                <td data-label="Answer" class="break-words">
                                    {recipient.detail.unwrap_or_else(|| "–".to_owned())}
                                    {recipient.settled.map(|at| view! { <span class="block text-muted"><Time at /></span> })}
                                </td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </Rows>
        </section>
    }
    .into_any()
}

#[component]
fn Attempts(attempts: Vec<AttemptItem>) -> impl IntoView {
    if attempts.is_empty() {
        return view! {
            <Card title="Attempts">
                <p class="text-sm text-muted">"No provider was tried yet."</p>
            </Card>
        }
        .into_any();
    }
    view! {
        <section class="card-surface mb-6">
            <h2 class="border-b border-base-300 px-5 py-4 text-sm font-semibold">"Attempts"</h2>
            <Rows columns=&["Provider", "Outcome", "Answer", "Duration", "Started"]>
                {attempts.into_iter().map(|attempt| view! { <Attempt attempt /> }).collect_view()}
            </Rows>
        </section>
    }
    .into_any()
}

#[component]
fn Attempt(attempt: AttemptItem) -> impl IntoView {
    let (tone, glyph) = match (attempt.ok, attempt.partly) {
        (_, true) => ("warning", Icon::Alert),
        (true, false) => ("success", Icon::Check),
        (false, false) => ("error", Icon::XCircle),
    };
    let candidates = attempt.candidates;
    let has_more = !candidates.is_empty();
    let summary = choice(&candidates);
    view! {
        <tr data-attempt=attempt.id class:has-more=has_more>
            <th scope="row" class="font-medium">
                {attempt.provider}
                <span class="block font-normal text-muted">"Round " {attempt.round}</span>
            </th>
            <td data-label="Outcome">
                <crate::components::Badge tone glyph label=attempt.class />
                <span class="mt-1 block text-muted">{attempt.accepted}</span>
            </td>
            <td data-label="Answer" class="break-words">
                {(!attempt.code.is_empty()).then(|| view! { <code class="text-sm">{attempt.code} " "</code> })}
                {attempt.text}
                {attempt
                    .provider_message_id
                    .map(|id| view! { <span class="block break-all text-muted">"Its id there: " {id}</span> })}
            </td>
            <td data-label="Duration" class="whitespace-nowrap">{attempt.duration}</td>
            <td data-label="Started"><Time at=attempt.started /></td>
        </tr>
        {has_more
            .then(|| {
                view! {
                    <tr class="more">
                        <td colspan="5">
                            <details class="fold">
                                <summary>
                                    {icon(Icon::ChevronRight, "fold-mark size-4")}
                                    <span>"Why this provider?"</span>
                                    <span class="text-muted">{summary}</span>
                                </summary>
                                <Candidates candidates />
                            </details>
                        </td>
                    </tr>
                }
            })}
    }
    .into_any()
}

/// The choice in a sentence.
fn choice(candidates: &[CandidateItem]) -> String {
    let open = candidates
        .iter()
        .filter(|candidate| candidate.left_out.is_none())
        .count();
    match (open, candidates.len()) {
        (_, 1) => "It is the only one in the scope.".to_owned(),
        (0 | 1, all) => format!("It was the only one of {all} that could take it."),
        (open, all) if open == all => format!("Drawn by weight among {open}."),
        (open, all) => format!("Drawn by weight among {open} of {all}; the others were left out."),
    }
}

#[component]
fn Timeline(entries: Vec<TimelineItem>) -> impl IntoView {
    view! {
        <Card title="Timeline">
            <ol class="timeline-list">
                {entries
                    .into_iter()
                    .map(|entry| {
                        let class = match entry.tone.as_str() {
                            "success" => "timeline-mark bg-success",
                            "warning" => "timeline-mark bg-warning",
                            "error" => "timeline-mark bg-error",
                            _ => "timeline-mark bg-primary",
                        };
                        view! {
                            <li>
                                <span class=class></span>
                                <p class="text-sm font-medium">{entry.title}</p>
                                {entry
                                    .detail
                                    .map(|detail| view! { <p class="text-sm break-words text-muted">{detail}</p> })}
                                <p class="text-sm text-muted"><Time at=entry.at /></p>
                            </li>
                        }
                    })
                    .collect_view()}
            </ol>
        </Card>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_told_in_a_sentence() {
        let candidate = |left_out: Option<&str>| CandidateItem {
            left_out: left_out.map(str::to_owned),
            ..CandidateItem::default()
        };
        let told = |left_out: &[Option<&str>]| choice(&left_out.iter().copied().map(candidate).collect::<Vec<_>>());
        assert_eq!(told(&[None]), "It is the only one in the scope.");
        assert_eq!(
            told(&[None, Some("off")]),
            "It was the only one of 2 that could take it."
        );
        assert_eq!(told(&[None, None]), "Drawn by weight among 2.");
        assert_eq!(
            told(&[None, None, Some("off")]),
            "Drawn by weight among 2 of 3; the others were left out."
        );
    }
}
