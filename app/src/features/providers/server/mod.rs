//! The forms of providers.

pub mod connect;
pub mod oauth;
pub mod routing;

use crate::features::providers::api::{DELETE_PROVIDER, PROVIDER, SWITCH_PROVIDER, TEST_PROVIDER, UNBLOCK_PROVIDER};
use crate::features::providers::convert;
use crate::features::providers::model::{ProviderItem, ProviderPage};
use crate::model::{AppError, FormReply};
use crate::server::context::{Current, current, error_response};
use crate::server::form::{Done, Sent};
use sendmux_domain::Error;
use sendmux_domain::providers::{self, Form, ProviderView, SmtpForm};
use sendmux_rules::ProviderKind;

const LIST: &str = "/providers";

const SAVED: &str = "Saved. Messages use the new settings from now on.";

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
    /// Values to fill the form with again: everything but the password.
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

    fn form(&self) -> Form {
        Form::Smtp(SmtpForm {
            name: self.name.clone(),
            host: self.host.clone(),
            port: self.port.clone(),
            security: self.security.clone(),
            username: self.username.clone(),
            password: Some(self.password.clone()).filter(|password| !password.is_empty()),
            helo_name: self.helo_name.clone(),
            connect_timeout: self.connect_timeout.clone(),
            command_timeout: self.command_timeout.clone(),
            data_timeout: self.data_timeout.clone(),
        })
    }
}

/// The team's providers.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn list() -> Result<Vec<ProviderItem>, AppError> {
    let current = current().await?;
    let providers = providers::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    Ok(convert::providers(providers, current.now()))
}

/// One provider, with the others that its form is weighed against.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn get(id: String) -> Result<ProviderPage, AppError> {
    let current = current().await?;
    let providers = providers::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    let found = convert::provider_page(providers, &id, current.now());
    found.ok_or_else(|| error_response(Error::NotFound("provider")))
}

/// Adds or changes an SMTP provider. A new one is tested at once, and stays whatever the test says.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn save(typed: Typed) -> Result<FormReply, AppError> {
    let version = typed.version.parse().unwrap_or(0);
    if typed.id.is_empty() {
        let sent = Sent::on(PROVIDER, "/providers/new/smtp").typed(typed.values());
        let current = current().await?;
        let created = providers::create(&current.domain, &current.actor(), ProviderKind::Smtp, typed.form()).await;
        return added(sent, &current, created).await;
    }
    let sent = Sent::back(PROVIDER, &page_of(&typed.id), LIST).typed(typed.values());
    sent.run(|current| async move {
        providers::update(&current.domain, &current.actor(), &typed.id, typed.form(), version).await?;
        Ok(SAVED)
    })
    .await
}

/// Tests a provider.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn test(id: String, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(TEST_PROVIDER, &back, LIST);
    sent.run(|current| async move {
        let provider = providers::get(&current.domain, current.team_id(), &id).await?;
        run_test(&current, &id, &provider.name).await
    })
    .await
}

/// Switches a provider on or off.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn set_active(id: String, active: bool, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(SWITCH_PROVIDER, &back, LIST);
    sent.run(|current| async move {
        providers::set_active(&current.domain, &current.actor(), &id, active).await?;
        Ok(if active {
            "The provider is switched on: it takes messages again."
        } else {
            "The provider is switched off: it takes no more messages."
        })
    })
    .await
}

/// Ends a block by hand.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn unblock(id: String, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(UNBLOCK_PROVIDER, &back, LIST);
    sent.run(|current| async move {
        providers::unblock(&current.domain, &current.actor(), &id).await?;
        Ok("The provider is back in rotation, with a clean record.")
    })
    .await
}

/// Deletes a provider, and shows the list.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn delete(id: String, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(DELETE_PROVIDER, &back, LIST);
    sent.run(|current| async move {
        providers::delete(&current.domain, &current.actor(), &id).await?;
        Ok(Done::from("The provider is deleted.").on(LIST))
    })
    .await
}

/// A provider that was just added is tested at once, and stays whatever the test says.
async fn added(sent: Sent, current: &Current, created: Result<ProviderView, Error>) -> Result<FormReply, AppError> {
    let ProviderView { public_id, name, .. } = match created {
        Ok(provider) => provider,
        Err(error) => return sent.refuse(error).await,
    };
    let tested = run_test(current, &public_id, &name).await;
    Sent::to(TEST_PROVIDER, &page_of(&public_id)).finish(tested).await
}

async fn run_test(current: &Current, id: &str, name: &str) -> Result<Done, Error> {
    let result = providers::test(&current.domain, &current.actor(), id).await?;
    Ok(Done::tested(convert::test_result(id, name, result)))
}

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}
