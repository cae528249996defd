//! The forms of providers.

use super::context::{Current, current, local_path};
use super::{convert, flash};
use crate::api::forms::{DELETE_PROVIDER, PROVIDER, SWITCH_PROVIDER, TEST_PROVIDER, UNBLOCK_PROVIDER};
use crate::model::{AppError, ConnectionTest, FormExtra, FormReply};
use sendmux_domain::Error;
use sendmux_domain::providers::{self, ProviderView, SmtpForm};

/// The SMTP form as it was typed.
pub struct Typed {
    /// Public id; empty for a new one.
    pub id: String,
    /// The version that was edited.
    pub version: String,
    /// Name.
    pub name: String,
    /// Host.
    pub host: String,
    /// Port, not a number yet.
    pub port: String,
    /// `starttls`, `tls` or `none`.
    pub security: String,
    /// User name.
    pub username: String,
    /// Password; empty keeps the stored one.
    pub password: String,
    /// The name in EHLO; empty for the installation's.
    pub helo_name: String,
    /// Seconds to connect, not a number yet; empty for the default.
    pub connect_timeout: String,
    /// Seconds for the greeting and each command.
    pub command_timeout: String,
    /// Seconds for DATA and each piece of the content.
    pub data_timeout: String,
}

impl Typed {
    /// What is typed again for the user after a redirect: everything but the password.
    fn values(&self) -> [(&'static str, &str); 10] {
        [
            ("name", &self.name),
            ("host", &self.host),
            ("port", &self.port),
            ("security", &self.security),
            ("username", &self.username),
            ("helo_name", &self.helo_name),
            ("connect_timeout", &self.connect_timeout),
            ("command_timeout", &self.command_timeout),
            ("data_timeout", &self.data_timeout),
            ("version", &self.version),
        ]
    }
}

/// Adds or changes an SMTP provider. A new one is tested at once, and stays whatever the test says.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn save(typed: Typed) -> Result<FormReply, AppError> {
    let current = current().await?;
    if typed.id.is_empty() {
        return match add(&current, &typed).await {
            Ok(provider) => {
                let (id, name) = (provider.public_id, provider.name);
                let reply = match providers::test(&current.domain, &current.actor(), &id).await {
                    Ok(result) => {
                        let ok = result.ok;
                        let test = convert::test_result(&id, &name, result);
                        tested(ok, test)
                    }
                    Err(error) => flash::refusal(TEST_PROVIDER, error)?,
                };
                flash::answer_on(reply, local_path(&format!("/providers/{id}"), "/providers")).await
            }
            Err(error) => refuse(&typed, error, "/providers/new/smtp").await,
        };
    }
    let page = format!("/providers/{}", typed.id);
    let page = local_path(&page, "/providers");
    match change(&current, &typed).await {
        Ok(_) => {
            let reply = FormReply::done(PROVIDER, "Saved. Messages use the new settings from now on.");
            flash::answer(reply, page).await
        }
        Err(error) => refuse(&typed, error, page).await,
    }
}

/// Tests a provider.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn test(id: String, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match run_test(&current, &id).await {
        Ok(test) => tested(test.ok, test),
        Err(error) => flash::refusal(TEST_PROVIDER, error)?,
    };
    flash::answer(reply, local_path(&back, "/providers")).await
}

/// Switches a provider on or off.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn set_active(id: String, active: bool, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match providers::set_active(&current.domain, &current.actor(), &id, active).await {
        Ok(_) if active => FormReply::done(SWITCH_PROVIDER, "The provider is switched on: it takes messages again."),
        Ok(_) => FormReply::done(
            SWITCH_PROVIDER,
            "The provider is switched off: it takes no more messages.",
        ),
        Err(error) => flash::refusal(SWITCH_PROVIDER, error)?,
    };
    flash::answer(reply, local_path(&back, "/providers")).await
}

/// Ends a block by hand.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn unblock(id: String, back: String) -> Result<FormReply, AppError> {
    let current = current().await?;
    let reply = match providers::unblock(&current.domain, &current.actor(), &id).await {
        Ok(()) => FormReply::done(
            UNBLOCK_PROVIDER,
            "The provider is back in rotation, with a clean record.",
        ),
        Err(error) => flash::refusal(UNBLOCK_PROVIDER, error)?,
    };
    flash::answer(reply, local_path(&back, "/providers")).await
}

/// Deletes a provider, and shows the list.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn delete(id: String, back: String) -> Result<FormReply, AppError> {
    const LIST: &str = "/providers";
    let current = current().await?;
    match providers::delete(&current.domain, &current.actor(), &id).await {
        Ok(()) => {
            let reply = FormReply::done(DELETE_PROVIDER, "The provider is deleted.");
            if back == LIST {
                flash::answer(reply, LIST).await
            } else {
                flash::answer_on(reply, LIST).await
            }
        }
        Err(error) => flash::answer(flash::refusal(DELETE_PROVIDER, error)?, local_path(&back, LIST)).await,
    }
}

async fn run_test(current: &Current, id: &str) -> Result<ConnectionTest, Error> {
    let provider = providers::get(&current.domain, current.team_id(), id).await?;
    let result = providers::test(&current.domain, &current.actor(), id).await?;
    Ok(convert::test_result(id, &provider.name, result))
}

pub(super) fn tested(ok: bool, test: ConnectionTest) -> FormReply {
    let reply = if ok {
        FormReply::done(TEST_PROVIDER, "")
    } else {
        FormReply::failed(TEST_PROVIDER, "")
    };
    reply.with_extra(FormExtra::Test(test))
}

async fn add(current: &Current, typed: &Typed) -> Result<ProviderView, Error> {
    let form = smtp_form(typed)?;
    providers::create_smtp(&current.domain, &current.actor(), form).await
}

async fn change(current: &Current, typed: &Typed) -> Result<ProviderView, Error> {
    let version = typed.version.parse().unwrap_or(0);
    let form = smtp_form(typed)?;
    providers::update_smtp(&current.domain, &current.actor(), &typed.id, form, version).await
}

async fn refuse(typed: &Typed, error: Error, page: &str) -> Result<FormReply, AppError> {
    flash::answer(flash::refusal(PROVIDER, error)?.with_values(typed.values()), page).await
}

fn smtp_form(typed: &Typed) -> Result<SmtpForm, Error> {
    Ok(SmtpForm {
        name: typed.name.clone(),
        host: typed.host.clone(),
        port: typed.port.clone(),
        security: typed.security.clone(),
        username: typed.username.clone(),
        password: Some(typed.password.clone()).filter(|password| !password.is_empty()),
        helo_name: typed.helo_name.clone(),
        connect_timeout: typed.connect_timeout.clone(),
        command_timeout: typed.command_timeout.clone(),
        data_timeout: typed.data_timeout.clone(),
    })
}
