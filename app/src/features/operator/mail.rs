//! `/operator/mail`: the mails that the installation sent itself.

use super::api::{MAIL_SERVER, TestMailServer, UnblockMailServer, get_system_mail, list_system_mail};
use super::model::SystemMailPage;
use crate::components::{
    Card, Crumbs, Detail, EmptyState, ErrorView, Form, Icon, Loading, MailContent, PageHeader, PagePosition, Rows,
    StatusBadge, SubjectLink, Submit, TestResult, Time, WithFlash, latest, paged_after, reply_notice, use_form,
};
use crate::features::providers::model::ProviderItem;
use crate::model::{FormExtra, FormReply};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The list of the system's mails.
#[component]
pub fn SystemMail() -> impl IntoView {
    view! {
        <WithFlash>
            <Content />
        </WithFlash>
    }
    .into_any()
}

/// Actions on the mail server of the configuration.
#[derive(Clone, Copy)]
struct ServerActions {
    unblock: ServerAction<UnblockMailServer>,
    unblocked: Form,
    test: ServerAction<TestMailServer>,
    tested: Form,
}

#[component]
fn Content() -> impl IntoView {
    let (unblock, test) = (ServerAction::new(), ServerAction::new());
    let actions = ServerActions {
        unblock,
        unblocked: use_form(MAIL_SERVER, unblock),
        test,
        tested: use_form(MAIL_SERVER, test),
    };
    paged_after(
        "/operator/mail",
        5,
        move || unblock.version().get() + test.version().get(),
        list_system_mail,
        move |page, position| view! { <Shown page position actions /> }.into_any(),
    )
}

#[component]
fn Shown(page: SystemMailPage, position: PagePosition, actions: ServerActions) -> impl IntoView {
    view! {
        <PageHeader title="System mail" lead="What this installation sends itself: verifications, invitations, outcomes, alerts." />
        <p class="mb-4 text-sm text-muted">{page.via}</p>
        {page.server.map(|server| view! { <MailServer server actions /> })}
        <section class="card-surface" aria-label="Mails">
            {if page.rows.is_empty() {
                view! { <EmptyState glyph=Icon::Mail title="Nothing was sent yet" text="The first mail shows here, with what became of it." /> }
                    .into_any()
            } else {
                view! {
                    <Rows columns=&["Subject", "To", "Status", "Written"]>
                        {page
                            .rows
                            .into_iter()
                            .map(|mail| {
                                view! {
                                    <tr data-message=mail.id.clone()>
                                        <th scope="row">
                                            <SubjectLink text=mail.subject href=format!("/operator/mail/{}", mail.id) />
                                        </th>
                                        <td data-label="To" class="break-all">{mail.to}</td>
                                        <td data-label="Status">
                                            <StatusBadge status=mail.status />
                                            {mail.error.map(|error| view! { <span class="mt-1 block max-w-xs text-sm text-muted">{error}</span> })}
                                        </td>
                                        <td data-label="Written"><Time at=mail.created /></td>
                                    </tr>
                                }
                            })
                            .collect_view()}
                    </Rows>
                    {position.links(page.older)}
                }
                    .into_any()
            }}
        </section>
    }
    .into_any()
}

/// The mail server of the configuration: how it is, and what can be done about it.
#[component]
fn MailServer(server: ProviderItem, actions: ServerActions) -> impl IntoView {
    let ServerActions {
        unblock,
        unblocked,
        test,
        tested,
    } = actions;
    let last = latest([unblocked, tested]);
    let is_held = matches!(server.state.as_str(), "blocked" | "paused");
    view! {
        <div aria-live="polite">
            {move || match last.get()? {
                FormReply { extra: Some(FormExtra::Test(test)), .. } => Some(view! { <TestResult test /> }.into_any()),
                reply => reply_notice(&reply),
            }}
        </div>
        <Card title="Mail server">
            <div class="flex flex-wrap items-start justify-between gap-3" data-mail-server>
                <div class="min-w-0 text-sm">
                    <StatusBadge status=server.state />
                    {server.reason.map(|reason| view! { <p class="mt-2 break-words">{reason}</p> })}
                </div>
                <div class="flex flex-wrap gap-2">
                    {is_held
                        .then(|| {
                            view! {
                                <ActionForm action=unblock>
                                    <Submit
                                        form=unblocked
                                        label="Use again now"
                                        busy="Unblocking…"
                                        class="btn btn-sm"
                                        of="the mail server"
                                    />
                                </ActionForm>
                            }
                        })}
                    <ActionForm action=test>
                        <Submit form=tested label="Test" busy="Testing…" class="btn btn-sm" of="the mail server" />
                    </ActionForm>
                </div>
            </div>
        </Card>
    }
    .into_any()
}

/// One of the system's mails.
#[component]
pub fn SystemMailMessage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.with(|params| params.get("id")).unwrap_or_default());
    let message = Resource::new(move || id.get(), get_system_mail);
    view! {
        <Suspense fallback=Loading>
            {move || Suspend::new(async move {
                let (item, mail) = match message.await {
                    Ok(found) => found,
                    Err(error) => return view! { <ErrorView error /> }.into_any(),
                };
                let files = format!("/files/system/{}", item.id);
                view! {
                    <Crumbs path=&[("/operator/mail", "System mail")] />
                    <PageHeader title=item.subject />
                    <Card title="Envelope">
                        <dl class="-my-2 divide-y divide-base-300">
                            <Detail name="To"><span class="break-all">{item.to}</span></Detail>
                            <Detail name="Status">
                                <StatusBadge status=item.status /> {item.error.map(|error| format!(" {error}"))}
                            </Detail>
                            <Detail name="Written"><Time at=item.created /></Detail>
                        </dl>
                    </Card>
                    {mail.map(|mail| view! { <Card title="Content"><MailContent mail files /></Card> })}
                }
                    .into_any()
            })}
        </Suspense>
    }
    .into_any()
}
