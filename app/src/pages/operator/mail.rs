//! `/operator/mail`: the mails that the installation sent itself.

use crate::api::{get_system_mail, list_system_mail};
use crate::components::{
    Card, Crumbs, Detail, EmptyState, ErrorView, Icon, Loading, MailContent, PageHeader, Place, Rows, StatusBadge,
    SubjectLink, Time, paged,
};
use crate::model::SystemMailPage;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

/// The list of the system's mails.
#[component]
pub fn SystemMail() -> impl IntoView {
    paged("/operator/mail", 5, list_system_mail, |page, place| {
        view! { <Shown page place /> }.into_any()
    })
}

#[component]
fn Shown(page: SystemMailPage, place: Place) -> impl IntoView {
    view! {
        <PageHeader title="System mail" lead="What this installation sends itself: verifications, invitations, outcomes, alerts." />
        <p class="mb-4 text-sm text-muted">
            {page.via}
            {page
                .server
                .map(|server| {
                    view! {
                        " "
                        <StatusBadge status=server.state />
                        {server.reason.map(|reason| view! { <span class="mt-1 block">{reason}</span> })}
                    }
                })}
        </p>
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
                    {place.links(page.older)}
                }
                    .into_any()
            }}
        </section>
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
