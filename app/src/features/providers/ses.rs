//! An Amazon SES account: its settings, and what Amazon lets it send.

use super::api::{SaveSes, get_ways_to_add};
use super::connect::{ConnectActions, ConnectFacts};
use super::model::{ProviderItem, SesFacts, SesQuota, SesValues, WaysToAdd};
use crate::components::{Card, Crumbs, Detail, Field, Form, Icon, Notice, PageHeader, SubmitOrCancel, WithFlash, icon};
use crate::features::operator::Endpoint;
use crate::model::AppError;
use leptos::prelude::*;

/// Adds an Amazon SES account.
#[component]
pub fn NewSes() -> impl IntoView {
    view! {
        <Crumbs path=&[("/providers", "Providers"), ("/providers/new", "Add a provider")] />
        <PageHeader
            title="Add an Amazon SES account"
            lead="An access key whose policy allows ses:SendEmail and ses:SendRawEmail, and ses:GetAccount to show the quota."
        />
        <WithFlash>
            <NewForm />
        </WithFlash>
    }
    .into_any()
}

#[component]
fn NewForm() -> impl IntoView {
    let actions = ConnectActions::new();
    let ways = Resource::new(|| (), |()| get_ways_to_add());
    view! {
        <div class="card-surface max-w-2xl p-5 sm:p-6">
            <SesForm provider=ProviderItem::default() action=actions.save_ses form=actions.saved_ses ways />
        </div>
    }
    .into_any()
}

/// The settings of an Amazon SES account.
#[component]
pub fn SesSettings(
    /// The account.
    provider: ProviderItem,
    /// The actions of the page.
    actions: ConnectActions,
    /// Further data of the page.
    facts: ConnectFacts,
) -> impl IntoView {
    view! {
        <Card title="Connection">
            <SesForm provider action=actions.save_ses form=actions.saved_ses ways=facts.ways />
        </Card>
        <Quota facts=facts.ses />
        <Notifications facts=facts.ses />
    }
    .into_any()
}

/// URL to which Amazon SNS posts notifications; only for those who may configure the account.
#[component]
fn Notifications(facts: Resource<Option<SesFacts>>) -> impl IntoView {
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                let endpoint = facts.await?.endpoint;
                Some(view! {
                    <Card
                        title="Bounces and complaints"
                        lead="Subscribe this address to the Amazon SNS topic that your SES identity or configuration set publishes to: bounces, complaints and deliveries then stand on the timelines of your messages. The subscription confirms itself."
                    >
                        <Endpoint endpoint />
                    </Card>
                })
            })}
        </Suspense>
    }
    .into_any()
}

#[component]
fn SesForm(
    provider: ProviderItem,
    action: ServerAction<SaveSes>,
    form: Form,
    ways: Resource<Result<WaysToAdd, AppError>>,
) -> impl IntoView {
    let is_new = provider.id.is_empty();
    let ses = provider.ses.unwrap_or_default();
    let SesValues {
        region,
        access_key_id,
        role_arn,
        external_id,
        configuration_set,
        endpoint,
    } = ses;
    let has_secret = !access_key_id.is_empty();
    let secret_hint = if has_secret {
        "A secret is stored. Leave this empty to keep it."
    } else {
        "Encrypted where it is stored, and never shown again."
    };
    let version = form.value("version", &provider.version.to_string());
    let has_endpoint = !endpoint.is_empty();
    view! {
        <Notice form />
        <ActionForm action=action>
            <div class="space-y-5">
                <input type="hidden" name="id" value=provider.id />
                <input type="hidden" name="version" value=version />
                <div class="grid gap-5 sm:grid-cols-2">
                    <Field form name="name" label="Name" value=provider.name placeholder="SES, Frankfurt" required=true />
                    <Field form name="region" label="Region" value=region placeholder="eu-central-1" required=true />
                </div>
                <div class="grid gap-5 sm:grid-cols-2">
                    <Field
                        form
                        name="access_key_id"
                        label="Access key id"
                        value=access_key_id
                        placeholder="AKIA…"
                        required=true
                    />
                    <Field
                        form
                        name="secret_access_key"
                        label="Secret access key"
                        kind="password"
                        autocomplete="new-password"
                        hint=secret_hint
                        hint_yields=has_secret
                        required=!has_secret
                    />
                </div>
                <div class="grid gap-5 sm:grid-cols-2">
                    <Field
                        form
                        name="role_arn"
                        label="Role"
                        value=role_arn
                        placeholder="arn:aws:iam::123456789012:role/sendmux"
                        hint="Assumed with the key, for an account of somebody else."
                    />
                    <Field form name="external_id" label="External id" value=external_id hint="When the role asks for one." />
                </div>
                <Field
                    form
                    name="configuration_set"
                    label="Configuration set"
                    value=configuration_set
                    hint="Its event destination tells of bounces and complaints."
                />
                <Suspense>
                    {move || {
                        let endpoint = endpoint.clone();
                        Suspend::new(async move {
                            let shown = has_endpoint || ways.await.is_ok_and(|ways| ways.may_set_endpoint);
                            shown
                                .then(|| {
                                    view! {
                                        <Field
                                            form
                                            name="endpoint"
                                            label="Address of the API"
                                            value=endpoint
                                            hint="Empty for the region's own."
                                        />
                                    }
                                })
                        })
                    }}
                </Suspense>
                <SubmitOrCancel
                    form
                    label=if is_new { "Add and test" } else { "Save" }
                    busy=if is_new { "Connecting…" } else { "Saving…" }
                    cancel="/providers"
                />
            </div>
        </ActionForm>
    }
    .into_any()
}

/// Amazon's quota of the account, beside the caps that are set here.
#[component]
fn Quota(facts: Resource<Option<SesFacts>>) -> impl IntoView {
    view! {
        <Card title="Quota at Amazon" lead="What AWS lets this account send in its region. Your caps count on top of it.">
            <Suspense fallback=|| "Asking AWS…">
                {move || Suspend::new(async move {
                    let SesFacts { quota, no_quota, .. } = facts.await?;
                    let shown = match quota {
                        Some(SesQuota { day, rate, notes }) => {
                            view! {
                                <dl class="-my-2 divide-y divide-base-300" data-ses-quota="">
                                    <Detail name="Last 24 hours">{day}</Detail>
                                    <Detail name="Rate">{rate}</Detail>
                                </dl>
                                {notes
                                    .into_iter()
                                    .map(|note| {
                                        view! {
                                            <p class="notice tone-warning mt-4">
                                                {icon(Icon::Alert, "mt-0.5 size-4 shrink-0")} <span>{note}</span>
                                            </p>
                                        }
                                    })
                                    .collect_view()}
                            }
                                .into_any()
                        }
                        None => {
                            let why = no_quota.unwrap_or_default();
                            view! { <p class="text-sm text-muted">"It cannot be shown: " {why}</p> }.into_any()
                        }
                    };
                    Some(shown)
                })}
            </Suspense>
        </Card>
    }
    .into_any()
}
