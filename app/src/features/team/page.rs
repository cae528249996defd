//! `/team`: the members of the team, and inviting others.

use super::api::{INVITE, InviteMember, MEMBER, RemoveMember, SetRole, TakeBackInvitation, get_team};
use super::model::{InvitationItem, MemberItem, TeamPage};
use crate::browser;
use crate::components::{
    Card, Confirm, ErrorView, Field, Form, Icon, Notice, PageHeader, Rows, Submit, Time, WithFlash, latest,
    reply_notice, use_form,
};
use leptos::prelude::*;

/// The roles, with what they let people do.
const ROLES: [(&str, &str); 4] = [
    ("owner", "Owner: everything"),
    ("admin", "Admin: everything but what concerns owners"),
    ("developer", "Developer: providers, groups, keys and webhooks"),
    ("member", "Member: looks on"),
];

/// The members of the team.
#[component]
pub fn Team() -> impl IntoView {
    view! {
        <PageHeader title="Team" lead="Who belongs to your team, and what they may do." />
        <WithFlash>
            <Content />
        </WithFlash>
    }
    .into_any()
}

#[derive(Clone, Copy)]
struct Actions {
    role: ServerAction<SetRole>,
    remove: ServerAction<RemoveMember>,
    take_back: ServerAction<TakeBackInvitation>,
    role_form: Form,
    remove_form: Form,
    take_back_form: Form,
}

#[component]
fn Content() -> impl IntoView {
    let invite = ServerAction::<InviteMember>::new();
    let (role, remove, take_back) = (ServerAction::new(), ServerAction::new(), ServerAction::new());
    let form = use_form(INVITE, invite);
    let actions = Actions {
        role,
        remove,
        take_back,
        role_form: use_form(MEMBER, role),
        remove_form: use_form(MEMBER, remove),
        take_back_form: use_form(MEMBER, take_back),
    };
    let last = latest([actions.role_form, actions.remove_form, actions.take_back_form]);
    let version =
        move || invite.version().get() + role.version().get() + remove.version().get() + take_back.version().get();
    let team = Resource::new(version, |_| get_team());
    Effect::watch(version, |_, _, _| browser::close_confirms(), false);
    view! {
        <div aria-live="polite">{move || last.get().and_then(|reply| reply_notice(&reply))}</div>
        <Transition>
            {move || Suspend::new(async move {
                match team.await {
                    Ok(team) => view! { <Members team actions /> }.into_any(),
                    Err(error) => view! { <ErrorView error /> }.into_any(),
                }
            })}
        </Transition>
        <Suspense>
            {move || Suspend::new(async move {
                // Untracked: what is typed stays when the list is fetched again.
                let is_manager = team.await.is_ok_and(|team| team.can_manage);
                is_manager.then(|| view! { <Invite invite form /> })
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn Members(team: TeamPage, actions: Actions) -> impl IntoView {
    let TeamPage {
        members,
        invitations,
        can_manage,
        is_owner,
        is_only_team,
    } = team;
    view! {
        {can_manage.then(|| view! { <p class="mb-4 text-sm"><a class="link" href="/team/audit">"Audit log"</a></p> })}
        <section class="card-surface mb-6" aria-label="Members">
            <Rows columns=&["Member", "Role", "Since"] actions=true>
                {members.into_iter().map(|member| view! { <Row member is_owner is_only_team actions /> }).collect_view()}
            </Rows>
        </section>
        {(!invitations.is_empty()).then(|| view! { <PendingInvitations invitations actions /> })}
    }
    .into_any()
}

#[component]
fn Row(member: MemberItem, is_owner: bool, is_only_team: bool, actions: Actions) -> impl IntoView {
    let MemberItem {
        id,
        name,
        email,
        role,
        since,
        is_self,
        can_change,
    } = member;
    let select_id = format!("role-{id}");
    let (row, removed, person) = (id.clone(), id.clone(), name.clone());
    let role_cell = if can_change {
        let options = ROLES
            .iter()
            .filter(|(value, _)| *value != "owner" || is_owner)
            .map(|(value, label)| {
                view! { <option value=*value selected=*value == role>{*label}</option> }
            })
            .collect_view();
        view! {
            <ActionForm action=actions.role>
                <div class="flex flex-wrap items-center gap-2">
                    <input type="hidden" name="id" value=id />
                    <label class="sr-only" for=select_id.clone()>"Role of " {name.clone()}</label>
                    <select class="select select-sm max-w-48" id=select_id name="role">{options}</select>
                    <Submit form=actions.role_form label="Change" busy="Changing…" class="btn btn-sm" of=format!("the role of {name}") />
                </div>
            </ActionForm>
        }
        .into_any()
    } else {
        view! { <span class="capitalize">{role}</span> }.into_any()
    };
    let removal = if is_self {
        Some(view! { <Leave is_only_team /> }.into_any())
    } else {
        can_change.then(|| {
            view! {
                <Confirm
                    label="Remove"
                    of=person.clone()
                    glyph=Icon::Trash
                    question="They will no longer see this team. Its keys stay as they are."
                >
                    <ActionForm action=actions.remove>
                        <input type="hidden" name="id" value=removed />
                        <Submit form=actions.remove_form label="Yes" busy="Removing…" class="btn btn-sm btn-error" />
                    </ActionForm>
                </Confirm>
            }
            .into_any()
        })
    };
    view! {
        <tr data-member=row>
            <th scope="row">
                <span class="font-medium break-words">{person}</span>
                {is_self.then_some(" (you)")}
                <span class="block text-sm font-normal break-all text-muted">{email}</span>
            </th>
            <td data-label="Role">{role_cell}</td>
            <td data-label="Since"><Time at=since /></td>
            <td class="actions">{removal}</td>
        </tr>
    }
    .into_any()
}

#[component]
fn Leave(is_only_team: bool) -> impl IntoView {
    let question = if is_only_team {
        "You will no longer see this team. You belong to no other: you are signed out, and come back only by an invitation."
    } else {
        "You will no longer see this team. Its keys stay as they are."
    };
    view! {
        <Confirm label="Leave" of="this team" glyph=Icon::Logout question>
            // A plain form: the whole page, and all that it remembers, is of one team.
            <form method="post" action="/fn/leave_team">
                <button class="btn btn-sm btn-error">"Leave the team"</button>
            </form>
        </Confirm>
    }
    .into_any()
}

#[component]
fn PendingInvitations(invitations: Vec<InvitationItem>, actions: Actions) -> impl IntoView {
    view! {
        <section class="card-surface mb-6" aria-label="Invitations">
            <h2 class="border-b border-base-300 px-5 py-4 text-sm font-semibold">"Invited, and not here yet"</h2>
            <Rows columns=&["Address", "Role", "Sent", "Expires"] actions=true>
                {invitations
                    .into_iter()
                    .map(|invitation| {
                        view! {
                            <tr>
                                <th scope="row" class="break-all">{invitation.email.clone()}</th>
                                <td data-label="Role" class="capitalize">{invitation.role}</td>
                                <td data-label="Sent"><Time at=invitation.sent /></td>
                                <td data-label="Expires"><Time at=invitation.expires /></td>
                                <td class="actions">
                                    <ActionForm action=actions.take_back>
                                        <input type="hidden" name="email" value=invitation.email.clone() />
                                        <Submit
                                            form=actions.take_back_form
                                            label="Take back"
                                            busy="Taking back…"
                                            class="btn btn-sm btn-ghost"
                                            of=format!("the invitation to {}", invitation.email)
                                        />
                                    </ActionForm>
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
fn Invite(invite: ServerAction<InviteMember>, form: Form) -> impl IntoView {
    let chosen = form.value("role", "developer");
    view! {
        <Card title="Invite somebody" lead="They get a mail with a link, which works for 7 days.">
            <Notice form />
            <ActionForm action=invite>
                <div class="grid items-start gap-4 sm:grid-cols-[1fr_24rem_auto]">
                    <Field form name="email" label="Email address" kind="email" required=true />
                    <div>
                        <label class="mb-1 block text-sm font-medium" for="role">"Role"</label>
                        <select class="select w-full" id="role" name="role">
                            {ROLES
                                .iter()
                                .rev()
                                .map(|(value, label)| {
                                    view! { <option value=*value selected=*value == chosen>{*label}</option> }
                                })
                                .collect_view()}
                        </select>
                    </div>
                    <div class="sm:pt-6"><Submit form label="Invite" busy="Inviting…" /></div>
                </div>
            </ActionForm>
        </Card>
    }
    .into_any()
}
