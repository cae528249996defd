//! Forms that answer in place with scripts, and by a redirect without.

use crate::components::flash::take_flash;
use crate::components::{ErrorView, Icon, icon};
use crate::model::{AppError, FormReply};
use leptos::prelude::*;
use leptos::server_fn::ServerFn;

/// State of a form after its last sending.
#[derive(Clone, Copy)]
pub struct Form {
    reply: Signal<Option<FormReply>>,
    flash: StoredValue<Option<FormReply>>,
    /// Number of times that it was sent.
    version: Signal<usize>,
    /// It is being sent.
    pub pending: Memo<bool>,
}

/// The reply that waited in the session for this page.
#[derive(Clone, Default)]
struct Flash(Option<FormReply>);

/// The state of the form `name`, which is sent by `action`: its result, or the flash that waited for it.
pub fn use_form<S>(name: &'static str, action: ServerAction<S>) -> Form
where
    S: ServerFn<Output = FormReply, Error = AppError> + Clone + Send + Sync + 'static,
{
    let flash = use_context::<Flash>()
        .unwrap_or_default()
        .0
        .filter(|reply| reply.form == name);
    let flash = StoredValue::new(flash);
    let value = action.value();
    let reply = Signal::derive(move || match value.get() {
        Some(Ok(reply)) => Some(reply),
        Some(Err(error)) => Some(FormReply::from_error(name, &error)),
        None => flash.get_value(),
    });
    Form {
        reply,
        flash,
        version: Signal::derive(move || action.version().get()),
        pending: action.pending(),
    }
}

impl Form {
    /// The reply to the last sending.
    pub fn reply(self) -> Option<FormReply> {
        self.reply.get()
    }

    /// Fault of this field.
    pub fn error(self, field: &str) -> Option<String> {
        self.reply
            .with(|reply| reply.as_ref()?.error(field).map(ToOwned::to_owned))
    }

    /// Value of the field when the page is rendered: the one that was typed before a redirect, or `initial`.
    pub fn value(self, field: &str, initial: &str) -> String {
        self.flash.with_value(|flash| {
            let typed = flash
                .as_ref()
                .filter(|reply| !reply.ok)
                .and_then(|reply| reply.values.get(field));
            typed.map_or_else(|| initial.to_owned(), Clone::clone)
        })
    }

    /// State of the box with this name and value when the page is rendered: as it was before a redirect, or
    /// `initial`. Of a box that is not ticked nothing is sent, so that its absence says it too.
    pub fn ticked(self, field: &str, initial: bool) -> bool {
        self.flash.with_value(|flash| match flash {
            Some(reply) if !reply.ok => reply.values.contains_key(field),
            _ => initial,
        })
    }
}

/// Takes the flash of the session before it renders the forms that may show it.
#[component]
pub fn WithFlash(
    /// Renders what may hold forms.
    children: ChildrenFn,
) -> impl IntoView {
    let flash = Resource::new(|| (), |()| take_flash());
    view! {
        <Suspense>
            {move || {
                let children = children.clone();
                Suspend::new(async move {
                    match flash.await {
                        Ok(flash) => {
                            provide_context(Flash(flash));
                            children()
                        }
                        Err(error) => view! { <ErrorView error /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
    .into_any()
}

/// The last reply of several forms on one page.
pub fn latest<const N: usize>(forms: [Form; N]) -> Memo<Option<FormReply>> {
    let seen = Memo::new(move |before: Option<&([usize; N], Option<FormReply>)>| {
        let versions = forms.map(|form| form.version.get());
        let replies = forms.map(Form::reply);
        let reply = match before {
            Some((versions_before, reply)) => {
                match versions
                    .iter()
                    .zip(versions_before)
                    .position(|(now, before)| now != before)
                {
                    Some(changed) => replies[changed].clone(),
                    None => reply.clone(),
                }
            }
            None => replies.into_iter().flatten().next(),
        };
        (versions, reply)
    });
    Memo::new(move |_| seen.with(|(_, reply)| reply.clone()))
}

/// Reply to a form, announced to screen readers.
#[component]
pub fn Notice(
    /// The form.
    form: Form,
) -> impl IntoView {
    view! { <div aria-live="polite">{move || form.reply().and_then(|reply| reply_notice(&reply))}</div> }.into_any()
}

/// A reply in a box; none when the fields say it all.
pub fn reply_notice(reply: &FormReply) -> Option<AnyView> {
    let (class, glyph) = if reply.ok {
        ("notice tone-success", Icon::CheckCircle)
    } else {
        ("notice tone-error", Icon::Alert)
    };
    let message = match reply.message.as_str() {
        "" if reply.errors.is_empty() => return None,
        "" => "Nothing was saved yet. Correct the marked fields and send the form again.",
        message => message,
    };
    let message = message.to_owned();
    Some(view! { <div class=class>{icon(glyph, "mt-0.5 size-4 shrink-0")} <p>{message}</p></div> }.into_any())
}

/// The button that sends a form. While it is being sent it says so, and cannot be pressed again.
#[component]
pub fn Submit(
    /// The form.
    form: Form,
    /// Label of the button.
    label: &'static str,
    /// Label while the form is being sent.
    busy: &'static str,
    /// Its look.
    #[prop(default = "btn btn-primary")]
    class: &'static str,
    /// Its icon.
    #[prop(optional)]
    glyph: Option<Icon>,
    /// Object of the action, for screen readers.
    #[prop(optional, into)]
    of: String,
    /// Of several buttons of one form: whether it is this one that was pressed.
    #[prop(optional, into)]
    pressed: Option<Signal<bool>>,
) -> impl IntoView {
    let is_busy = move || form.pending.get() && pressed.is_none_or(|pressed| pressed.get());
    view! {
        <button type="submit" class=class disabled=form.pending>
            {glyph.map(|glyph| icon(glyph, "size-4"))}
            {move || if is_busy() { busy } else { label }}
            {(!of.is_empty()).then(|| view! { <span class="sr-only">" " {of}</span> })}
        </button>
    }
    .into_any()
}

/// The end of a form that has a page of its own: its button, and the way out.
#[component]
pub fn SubmitOrCancel(
    /// The form.
    form: Form,
    /// Label of the button.
    label: &'static str,
    /// Label while the form is being sent.
    busy: &'static str,
    /// Target of the way out.
    cancel: &'static str,
) -> impl IntoView {
    view! {
        <div class="flex flex-wrap items-center gap-3">
            <Submit form label busy />
            <a class="btn btn-ghost" href=cancel>"Cancel"</a>
        </div>
    }
    .into_any()
}

/// A button that asks before it does something that cannot be taken back. It opens without scripts too.
#[component]
pub fn Confirm(
    /// Label of the button.
    label: &'static str,
    /// Object of the action, for screen readers.
    #[prop(into)]
    of: String,
    /// Its icon.
    glyph: Icon,
    /// Its look.
    #[prop(default = "btn btn-sm btn-ghost text-danger")]
    class: &'static str,
    /// Consequence, as a question.
    #[prop(into)]
    question: String,
    /// The form that does it.
    children: Children,
) -> impl IntoView {
    view! {
        <details class="popup confirm">
            <summary class=class>
                {icon(glyph, "size-4")} {label} <span class="sr-only">" " {of}</span>
            </summary>
            <div class="popup-box confirm-box">
                <p class="mb-3 text-sm">{question}</p>
                {children()}
            </div>
        </details>
    }
    .into_any()
}
