//! The content of a message: how it looks, its text, its attachments and its source.

use crate::components::{CodeBlock, Icon, icon};
use crate::model::MailView;
use leptos::prelude::*;

/// The subject of a message, or that it has none.
pub fn subject(text: String) -> String {
    if text.is_empty() {
        "(no subject)".to_owned()
    } else {
        text
    }
}

/// The subject of a message in a list, which leads to its page.
#[component]
pub fn SubjectLink(
    /// The subject.
    text: String,
    /// The page.
    href: String,
) -> impl IntoView {
    view! { <a class="font-medium break-words hover:underline" href=href>{subject(text)}</a> }.into_any()
}

/// The content of a stored message. Its HTML is never part of this page: it is loaded into a frame that may not run
/// scripts, reach this site or fetch anything.
#[component]
pub fn MailContent(
    /// The content.
    mail: MailView,
    /// Address under which its files are served: `/files/sandbox/eml_…`.
    files: String,
) -> impl IntoView {
    let has_text = mail.text.is_some();
    let frame = format!("{files}/html");
    let raw = format!("{files}/raw");
    let html = mail.has_html.then(|| {
        view! {
            <Section title="HTML" open=true>
                <iframe
                    class="block h-96 w-full rounded-field border border-base-300 bg-white scheme-light"
                    src=frame
                    sandbox=""
                    referrerpolicy="no-referrer"
                    title="HTML of the message"
                ></iframe>
                <p class="mt-2 text-sm text-muted">"Shown without scripts, and without fetching anything: pictures from other servers stay empty."</p>
            </Section>
        }
    });
    let text = mail.text.map(|text| {
        view! {
            <Section title="Text" open=!mail.has_html>
                <pre class="mail-text" tabindex="0" aria-label="Text of the message">{text}</pre>
            </Section>
        }
    });
    let attachments = (!mail.attachments.is_empty()).then(|| {
        view! {
            <Section title="Attachments" open=true>
                <ul class="divide-y divide-base-300">
                    {mail
                        .attachments
                        .into_iter()
                        .map(|attachment| {
                            let name = attachment.name.clone();
                            view! {
                                <li class="flex flex-wrap items-center gap-x-4 gap-y-1 py-2">
                                    {icon(Icon::Paperclip, "size-4 shrink-0 text-muted")}
                                    <span class="min-w-0 grow basis-40 text-sm break-words">{attachment.name.clone()}</span>
                                    <span class="text-sm text-muted">{attachment.media_type} " · " {attachment.size}</span>
                                    <a
                                        class="btn btn-sm"
                                        href=format!("{files}/attachments/{}", attachment.index)
                                        rel="external"
                                        download=attachment.name
                                    >
                                        {icon(Icon::Download, "size-4")}
                                        "Download"
                                        <span class="sr-only">{name}</span>
                                    </a>
                                </li>
                            }
                        })
                        .collect_view()}
                </ul>
            </Section>
        }
    });
    view! {
        {(!mail.has_html && !has_text)
            .then(|| view! { <p class="text-sm text-muted">"This message has neither HTML nor text."</p> })}
        {html}
        {text}
        {attachments}
        <Section title="Headers" open=false>
            <dl class="divide-y divide-base-300">
                {mail
                    .headers
                    .into_iter()
                    .map(|header| {
                        view! {
                            <div class="grid gap-0.5 py-1.5 sm:grid-cols-[12rem_1fr] sm:gap-4">
                                <dt class="text-sm text-muted break-words">{header.name}</dt>
                                <dd class="min-w-0 text-sm break-words">{header.value}</dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
        </Section>
        <Section title="Raw source" open=false>
            <div class="mb-3 flex flex-wrap items-center gap-3">
                <a class="btn btn-sm" href=raw rel="external" download="">
                    {icon(Icon::Download, "size-4")}
                    "Download as .eml"
                </a>
                {mail
                    .source_cut
                    .then(|| view! { <span class="text-sm text-muted">"Only the beginning is shown here."</span> })}
            </div>
            <CodeBlock code=mail.source what="raw source" />
        </Section>
    }
    .into_any()
}

#[component]
fn Section(title: &'static str, open: bool, children: Children) -> impl IntoView {
    view! {
        <details class="fold" open=open>
            <summary>{icon(Icon::ChevronRight, "fold-mark size-4")} <h3 class="text-sm font-semibold">{title}</h3></summary>
            <div class="pb-4">{children()}</div>
        </details>
    }
    .into_any()
}
