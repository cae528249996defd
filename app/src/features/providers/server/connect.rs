//! The forms of mailboxes and of Amazon SES accounts, and what their pages show.

use super::{LIST, SAVED, added, page_of};
use crate::features::operator::convert;
use crate::features::providers::api::{CONNECTION, PROVIDER};
use crate::features::providers::model::{Registration, SesFacts, SesQuota, WaysToAdd};
use crate::model::{AppError, FormReply};
use crate::server::context::{current, error_response, to_app_error};
use crate::server::form::Sent;
use sendmux_domain::providers::{self, Form, MailboxForm, SesAccount, SesForm};
use sendmux_domain::{Error, feedback, installation};
use sendmux_rules::ProviderKind;

/// Page on which an account that was refused is typed again.
const NEW_SES: &str = "/providers/new/ses";

/// Ways in which providers can be added here.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn ways_to_add() -> Result<WaysToAdd, AppError> {
    let current = current().await?;
    let settings = &current.domain.settings;
    let is_operator = current.account.user.is_operator;
    let faults = installation::faults(&current.domain).await.map_err(error_response)?;
    let registration = |kind: ProviderKind, is_there: bool| Registration {
        is_there,
        admin_consent: providers::admin_consent_url(&current.domain, kind),
        fault: faults.iter().find(|fault| fault.kind == kind).map(|fault| {
            if is_operator {
                fault.cause.clone()
            } else {
                String::new()
            }
        }),
    };
    Ok(WaysToAdd {
        gmail: registration(ProviderKind::Gmail, settings.google.app.is_some()),
        microsoft: registration(ProviderKind::Microsoft365, settings.microsoft.app.is_some()),
        may_set_endpoint: settings.allow_private_hosts,
        is_operator,
        redirect_uri: settings.oauth_redirect_uri(),
    })
}

/// Facts about an Amazon SES account beside its settings; none for other providers, and for those who may not configure
/// it. The page stands without it, so nothing that is wrong with it is an error.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn ses_facts(id: String) -> Result<Option<SesFacts>, AppError> {
    let current = current().await?;
    let (domain, team_id) = (&current.domain, current.team_id());
    let is_ses = match providers::get(domain, team_id, &id).await {
        Ok(provider) => provider.kind == ProviderKind::Ses,
        Err(Error::NotFound(_)) => false,
        Err(error) => return Err(error_response(error)),
    };
    if !is_ses || !current.account.role.can_configure() {
        return Ok(None);
    }
    let (quota, no_quota) = match providers::ses_account(domain, team_id, &id).await {
        Ok(account) => (Some(quota(&account)), None),
        Err(error) => (None, Some(to_app_error(error).to_string())),
    };
    let endpoint = feedback::endpoint_of_provider(domain, team_id, &id)
        .await
        .map_err(error_response)?;
    Ok(Some(SesFacts {
        quota,
        no_quota,
        endpoint: convert::endpoint(endpoint, current.now()),
    }))
}

/// Quota of an account, in words.
pub fn quota(account: &SesAccount) -> SesQuota {
    let sent = account.sent_in_24_hours;
    let mut notes = Vec::new();
    if !account.sending_enabled {
        notes.push("AWS has stopped this account's sending in this region.".to_owned());
    }
    if !account.production_access {
        notes.push(
            "The account is in the sandbox of Amazon SES: it sends to verified addresses alone. Request production access \
             in the SES console."
                .to_owned(),
        );
    }
    match account.standing.as_deref() {
        Some("PROBATION") => notes.push("AWS has the account under review.".to_owned()),
        Some("SHUTDOWN") => notes.push("AWS has shut the account's sending down.".to_owned()),
        _ => {}
    }
    SesQuota {
        day: match account.max_in_24_hours {
            Some(most) => format!("{sent} of {most} recipients in 24 hours"),
            None => format!("{sent} recipients in 24 hours, without a limit"),
        },
        rate: format!("{} recipients a second", account.max_a_second),
        notes,
    }
}

/// Adds or changes an Amazon SES account. A new one is tested at once, and stays whatever the test says.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn save_ses(id: String, version: String, form: SesForm) -> Result<FormReply, AppError> {
    if id.is_empty() {
        let sent = Sent::on(PROVIDER, NEW_SES).typed(ses_values(&form, &version));
        let current = current().await?;
        let created = providers::create(&current.domain, &current.actor(), ProviderKind::Ses, Form::Ses(form)).await;
        return added(sent, &current, created).await;
    }
    let sent = Sent::back(PROVIDER, &page_of(&id), LIST).typed(ses_values(&form, &version));
    sent.run(|current| async move {
        let version = version.parse().unwrap_or(0);
        providers::update(&current.domain, &current.actor(), &id, Form::Ses(form), version).await?;
        Ok(SAVED)
    })
    .await
}

/// Values to fill the form with again: everything but the secret.
fn ses_values<'a>(form: &'a SesForm, version: &'a str) -> [(&'static str, &'a str); 8] {
    [
        ("name", &form.name),
        ("region", &form.region),
        ("access_key_id", &form.access_key_id),
        ("role_arn", &form.role_arn),
        ("external_id", &form.external_id),
        ("configuration_set", &form.configuration_set),
        ("endpoint", &form.endpoint),
        ("version", version),
    ]
}

/// Changes what a mailbox is called, and its other addresses.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn save_mailbox(id: String, version: String, form: MailboxForm) -> Result<FormReply, AppError> {
    let sent = Sent::back(PROVIDER, &page_of(&id), LIST).typed([
        ("name", form.name.as_str()),
        ("aliases", &form.aliases),
        ("version", &version),
    ]);
    sent.run(|current| async move {
        let version = version.parse().unwrap_or(0);
        providers::update(&current.domain, &current.actor(), &id, Form::Mailbox(form), version).await?;
        Ok(SAVED)
    })
    .await
}

/// Disconnects a mailbox.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn disconnect(id: String, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(CONNECTION, &back, LIST);
    sent.run(|current| async move {
        let is_revoked = providers::disconnect(&current.domain, &current.actor(), &id).await?;
        Ok(if is_revoked {
            "The mailbox is disconnected, and its tokens are deleted."
        } else {
            "The mailbox is disconnected, and its tokens are deleted here. To take the consent back as well, remove \
             Sendmux from the apps in the settings of the account."
        })
    })
    .await
}
