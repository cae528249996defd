//! Signing in: AUTH PLAIN and LOGIN (RFC 4954, RFC 4616).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::transport::smtp::authentication::{Credentials as SaslCredentials, Mechanism};
use lettre::transport::smtp::commands::Auth;
use sendmux_rules::Stage;

use super::capabilities::Capabilities;
use super::fault::{Broken, Cause, Fault};
use super::session::say;
use super::settings::Credentials;
use super::stream::Wire;
use super::timeouts::Timeouts;

/// AUTH with the best mechanism that both sides know.
pub(super) async fn sign_in(
    wire: &mut Wire,
    offered: &Capabilities,
    credentials: &Credentials,
    timeouts: Timeouts,
) -> Result<Mechanism, Fault> {
    let Some(mechanism) = offered.mechanism() else {
        let detail = match offered.auth.as_deref() {
            Some(names) if !names.is_empty() => {
                format!(
                    "the server offers none of the sign-in methods PLAIN and LOGIN, only {}",
                    names.join(", ")
                )
            }
            _ => "the server does not offer signing in, yet a user name and a password are set".to_owned(),
        };
        return Err(Fault::config(Stage::Auth, "local.auth_not_offered", detail));
    };
    match mechanism {
        Mechanism::Login => sign_in_login(wire, credentials, timeouts).await,
        _ => sign_in_plain(wire, credentials, timeouts).await,
    }
    .map(|()| mechanism)
    .map_err(|fault| without_secrets(fault, credentials))
}

async fn sign_in_plain(wire: &mut Wire, credentials: &Credentials, timeouts: Timeouts) -> Result<(), Fault> {
    let sasl = SaslCredentials::new(credentials.username.clone(), credentials.password.clone());
    let command = Auth::new(Mechanism::Plain, sasl, None)
        .map_err(|error| Fault::config(Stage::Auth, "local.auth_plain", error.to_string()))?;
    say(wire, &command.to_string(), Stage::Auth, timeouts).await.map(drop)
}

/// LOGIN asks twice. Whatever it asks, the user name is wanted first: servers word the questions in their own ways, and
/// lettre's mechanism only answers those it knows.
async fn sign_in_login(wire: &mut Wire, credentials: &Credentials, timeouts: Timeouts) -> Result<(), Fault> {
    let mut line = format!("AUTH {}\r\n", Mechanism::Login);
    for answer in [&credentials.username, &credentials.password] {
        let at = |broken: Broken| broken.at(Stage::Auth);
        wire.write(line.as_bytes(), timeouts.command).await.map_err(at)?;
        let question = wire.read_reply(timeouts.command).await.map_err(at)?;
        if question.code != 334 {
            return Err(Fault::reply(Stage::Auth, question.reply()));
        }
        line = format!("{}\r\n", BASE64.encode(answer));
    }
    say(wire, &line, Stage::Auth, timeouts).await.map(drop)
}

/// A server that repeats what it was told must not bring credentials into logs and pages.
fn without_secrets(mut fault: Fault, credentials: &Credentials) -> Fault {
    let Credentials { username, password } = credentials;
    let secrets = [
        BASE64.encode(format!("\0{username}\0{password}")),
        BASE64.encode(password),
        password.clone(),
    ];
    if let Cause::Reply(reply) = &mut fault.cause {
        for secret in secrets.iter().filter(|secret| secret.len() > 3) {
            if reply.text.contains(secret.as_str()) {
                reply.text = reply.text.replace(secret.as_str(), "[redacted]");
            }
        }
    }
    fault
}
