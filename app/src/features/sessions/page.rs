//! `/settings/sessions`: the browsers in which the viewer is signed in.

use super::api::{EndOtherSessions, EndSession, SESSIONS, list_sessions};
use super::model::SessionItem;
use crate::components::{
    Crumbs, ErrorView, Form, PageHeader, Rows, Submit, Time, WithFlash, latest, reply_notice, use_form,
};
use leptos::prelude::*;

/// The sessions of the viewer.
#[component]
pub fn Sessions() -> impl IntoView {
    view! {
        <Crumbs path=&[("/settings", "Settings")] />
        <PageHeader title="Sessions" lead="The browsers in which you are signed in." />
        <WithFlash>
            <Content />
        </WithFlash>
    }
    .into_any()
}

#[derive(Clone, Copy)]
struct Actions {
    end: ServerAction<EndSession>,
    ended: Form,
    end_others: ServerAction<EndOtherSessions>,
    others_ended: Form,
}

#[component]
fn Content() -> impl IntoView {
    let (end, end_others) = (ServerAction::new(), ServerAction::new());
    let actions = Actions {
        end,
        ended: use_form(SESSIONS, end),
        end_others,
        others_ended: use_form(SESSIONS, end_others),
    };
    let last = latest([actions.ended, actions.others_ended]);
    let sessions = Resource::new(
        move || end.version().get() + end_others.version().get(),
        |_| list_sessions(),
    );
    view! {
        <div aria-live="polite">{move || last.get().and_then(|reply| reply_notice(&reply))}</div>
        <Transition>
            {move || Suspend::new(async move {
                match sessions.await {
                    Ok(sessions) => view! { <List sessions actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
    }
    .into_any()
}

#[component]
fn List(sessions: Vec<SessionItem>, actions: Actions) -> impl IntoView {
    let has_others = sessions.iter().any(|session| !session.is_current);
    view! {
        <section class="card-surface mb-6" aria-label="Sessions">
            <Rows columns=&["Browser", "Address", "Signed in", "Last used"] actions=true>
                {sessions.into_iter().map(|session| view! { <Row session actions /> }).collect_view()}
            </Rows>
        </section>
        {has_others
            .then(|| {
                view! {
                    <ActionForm action=actions.end_others>
                        <Submit form=actions.others_ended label="Sign out everywhere else" busy="Signing out…" class="btn" />
                    </ActionForm>
                }
            })}
    }
    .into_any()
}

#[component]
fn Row(session: SessionItem, actions: Actions) -> impl IntoView {
    let SessionItem {
        id,
        browser,
        address,
        signed_in,
        last_used,
        is_current,
    } = session;
    let name = browser.clone();
    let end = (!is_current).then(|| {
        view! {
            <ActionForm action=actions.end>
                <input type="hidden" name="id" value=id />
                <Submit form=actions.ended label="Sign out" busy="Signing out…" class="btn btn-sm" of=name />
            </ActionForm>
        }
    });
    view! {
        <tr data-current=is_current.to_string()>
            <th scope="row" class="font-medium">{browser} {is_current.then_some(" (this one)")}</th>
            <td data-label="Address" class="break-all">{address.unwrap_or_else(|| "–".to_owned())}</td>
            <td data-label="Signed in"><Time at=signed_in /></td>
            <td data-label="Last used"><Time at=last_used /></td>
            <td class="actions">{end}</td>
        </tr>
    }
    .into_any()
}
