//! The first steps of a new team, with a snippet that works as it stands.

use super::model::OverviewView;
use crate::components::{CodeBlock, Form, Icon, KeyShown, Notice, Submit, icon, made_key};
use crate::features::keys::api::CreateKey;
use crate::layout::model::Viewer;
use crate::model::{AppError, KeySecret};
use leptos::prelude::*;

/// The checklist. It goes once everything on it is done.
#[component]
pub fn FirstRun(
    /// The viewer.
    viewer: Viewer,
    /// Steps that are done.
    overview: Resource<Result<OverviewView, AppError>>,
    /// Makes a key.
    create: ServerAction<CreateKey>,
    /// The state of that form.
    form: Form,
) -> impl IntoView {
    let made = Memo::new(move |_| made_key(form));
    let steps = Memo::new(move |_| {
        let view = overview.get().and_then(Result::ok).unwrap_or_default();
        (view.checklist, view.managed_in_sandbox)
    });
    let can_configure = viewer.can_configure;
    view! {
        {move || {
            let (steps, managed_in_sandbox) = steps.get();
            // The key that was just made is shown even when it was the last step.
            (!steps.is_done() || made.get().is_some())
                .then(|| {
                    let viewer = viewer.clone();
                    let snippet = curl(&viewer, made.get().as_ref());
                    let knows_key = made.get().is_some();
                    view! {
                        <section class="card-surface mb-6" aria-labelledby="first-run">
                            <div class="border-b border-base-300 px-5 py-4">
                                <h2 id="first-run" class="text-sm font-semibold">"Send your first message"</h2>
                                <p class="mt-0.5 text-sm text-muted">
                                    {if managed_in_sandbox {
                                        "Your team can send at once: as long as this installation has no Amazon SES account, the managed route keeps what it is given in the sandbox."
                                    } else {
                                        "Your team can send at once, through the managed route."
                                    }}
                                </p>
                            </div>
                            <ol class="divide-y divide-base-300">
                                <Step done=steps.has_key title="Create an API key">
                                    <KeyShown form />
                                    {(!steps.has_key && can_configure)
                                        .then(|| {
                                            view! {
                                                <Notice form />
                                                <ActionForm action=create>
                                                    <input type="hidden" name="name" value="First key" />
                                                    <input type="hidden" name="mode" value="live" />
                                                    <input type="hidden" name="permission[send]" value="true" />
                                                    <input type="hidden" name="back" value="/overview" />
                                                    <Submit form label="Create a key" busy="Creating…" glyph=Icon::Key />
                                                </ActionForm>
                                            }
                                        })}
                                </Step>
                                <Step done=steps.has_sent title="Send a message with it">
                                    <Snippets snippet knows_key />
                                </Step>
                                <Step done=steps.has_provider title="Add a provider of your own">
                                    <p class="mb-3 text-sm text-muted">
                                        "With an SMTP server of yours, messages leave under your own sender address."
                                    </p>
                                    <a class="btn btn-sm" href="/providers/new">{icon(Icon::Plus, "size-4")} "Add a provider"</a>
                                </Step>
                            </ol>
                        </section>
                    }
                })
        }}
    }
    .into_any()
}

#[component]
fn Step(done: bool, title: &'static str, children: Children) -> impl IntoView {
    let (class, glyph, state) = if done {
        ("size-5 shrink-0 text-success", Icon::CheckCircle, "Done: ")
    } else {
        ("size-5 shrink-0 text-muted", Icon::ChevronRight, "To do: ")
    };
    view! {
        <li class="flex gap-3 px-5 py-4">
            {icon(glyph, class)}
            <div class="min-w-0 flex-1 [&_.notice]:mb-0">
                <h3 class="mb-2 text-sm font-medium"><span class="sr-only">{state}</span>{title}</h3>
                {children()}
            </div>
        </li>
    }
    .into_any()
}

/// The ways to send, one beside the other.
#[component]
fn Snippets(snippet: String, knows_key: bool) -> impl IntoView {
    view! {
        <div class="min-w-0" data-snippet="curl">
            <p class="mb-2 text-sm text-muted">
                {if knows_key {
                    "The key is filled in. Run this in a terminal, then open the message under "
                } else {
                    "Put your key in the place of smx_live_…, run this in a terminal, then open the message under "
                }} <a class="link" href="/messages">"Messages"</a> "."
            </p>
            <CodeBlock code=snippet what="curl snippet" />
            <p class="mt-3 text-sm text-muted">
                "Or send over SMTP with the same key: " <a class="link" href="/smtp">"host, ports and snippets"</a>
                " for swaks, Node.js, Python, PHP, Rails, Django and Postfix."
            </p>
        </div>
    }
    .into_any()
}

/// A message to the viewer's own address, sent with this key.
fn curl(viewer: &Viewer, key: Option<&KeySecret>) -> String {
    let secret = key.map_or("smx_live_…", |key| key.secret.as_str());
    let (url, address, name) = (
        &viewer.public_url,
        json_in_shell(&viewer.email),
        json_in_shell(&viewer.name),
    );
    format!(
        r#"curl {url}/api/v1/emails/send \
  -H 'Authorization: Bearer {secret}' \
  -H 'Content-Type: application/json' \
  -d '{{
    "from": {{ "email": "{address}", "name": "{name}" }},
    "to": {{ "email": "{address}" }},
    "subject": "Hello from Sendmux",
    "text_body": "It works.",
    "html_body": "<h1>It works</h1><p>Sent with Sendmux.</p>"
  }}'"#
    )
}

/// Escapes text for a JSON string that stands between single quotes of a shell.
fn json_in_shell(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\'' => "\\u0027".to_owned(),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_breaks_neither_shell_nor_json() {
        assert_eq!(json_in_shell(r#"O'Neil "Al" \"#), r#"O\u0027Neil \"Al\" \\"#);
    }

    #[test]
    fn the_snippet_holds_the_key() {
        let viewer = Viewer {
            public_url: "http://localhost:3000".to_owned(),
            ..Viewer::default()
        };
        let key = KeySecret {
            id: String::new(),
            name: String::new(),
            mode: "live".to_owned(),
            secret: "smx_live_abc".to_owned(),
        };
        let snippet = curl(&viewer, Some(&key));
        assert!(snippet.starts_with("curl http://localhost:3000/api/v1/emails/send \\\n"));
        assert!(snippet.contains("Bearer smx_live_abc'"));
    }
}
