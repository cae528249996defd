//! The connection test of a mailbox: gets a token and asks whose it is. Neither service has a way to go further without
//! sending a message, with the rights that Sendmux asks for.

use sendmux_rules::{Class, Hint};

use super::MailboxIdentity;
use super::message::is_same;
use crate::connector::{TestReport, TestStep};
use crate::fault::ApiFault;
use crate::http::Http;
use crate::oauth::{Identity, OAuthService, TokenSource, identity_at, with_token};

pub(super) async fn probe(
    service: OAuthService,
    mailbox: &MailboxIdentity,
    identity_url: &str,
    tokens: &dyn TokenSource,
    http: &Http,
) -> TestReport {
    let name = service.name();
    let mut steps = Vec::new();
    let mut step = |name, ok, detail| steps.push(TestStep { name, ok, detail });
    let result = match tokens.access_token().await {
        Ok(_) => {
            step("token", true, format!("{name} still lets Sendmux in."));
            let call = |token: crate::oauth::AccessToken| async move {
                identity_at(http, service, identity_url, &token).await
            };
            with_token(tokens, call).await.map_err(|fault| ("auth", fault))
        }
        Err(fault) => Err(("token", fault)),
    };
    let (class, advice) = match result {
        Ok(identity) if is_same(&identity.email, &mailbox.address) => {
            step("auth", true, format!("Signed in as {}.", identity.email));
            (None, None)
        }
        Ok(identity) => {
            step(
                "auth",
                false,
                format!("Signed in as {}, not as {}.", shown(&identity), mailbox.address),
            );
            let advice = format!(
                "The account's address has changed, or it has no mailbox any more. Connect {} again with the right account.",
                mailbox.address
            );
            (Some(Class::Config), Some(advice))
        }
        Err((at, fault)) => {
            step(at, false, format!("{name} said: {fault}."));
            // A fault of the installation is none of the mailbox's: it must not pull it from rotation.
            let class = match fault.outcome.hint {
                Some(Hint::Installation) => Class::Other,
                _ => fault.outcome.class,
            };
            (Some(class), Some(advice(service, &fault)))
        }
    };
    TestReport {
        ok: class.is_none(),
        steps,
        class,
        advice,
    }
}

fn shown(identity: &Identity) -> &str {
    match identity.email.as_str() {
        "" => "an account without a mailbox",
        email => email,
    }
}

fn advice(service: OAuthService, fault: &ApiFault) -> String {
    let name = service.name();
    match (fault.outcome.class, fault.outcome.hint) {
        (_, Some(Hint::Installation)) => format!(
            "{name} does not accept this installation's application. The operator has to check its client id and secret."
        ),
        (Class::Auth, _) => format!("Re-authorise the mailbox: {name} no longer accepts what was granted."),
        (Class::Config, _) => format!("Ask the operator to check how {name} is set up here."),
        (Class::Throttled, _) => format!("{name} asks to slow down. Test again in a few minutes."),
        _ => format!("{name} could not be reached, or is busy. Test again in a moment."),
    }
}
