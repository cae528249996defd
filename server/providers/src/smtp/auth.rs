//! Signing in: AUTH PLAIN and LOGIN (RFC 4954, RFC 4616).

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::transport::smtp::authentication::Mechanism;
use parking_lot::Mutex;
use sendmux_rules::{Class, Reply, Stage};

use super::capabilities::Capabilities;
use super::fault::{Cause, ConnectionFailure, Fault};
use super::reply::RawReply;
use super::settings::Credentials;
use super::stream::Wire;
use super::timeouts::Timeouts;

/// Longest command line, its CRLF included (RFC 5321 section 4.5.3.1.4).
const MAX_COMMAND: usize = 512;

/// The mechanism to begin with at this server, which sessions learn from one another: servers offer mechanisms that they
/// do not accept, and count refused logins.
#[derive(Debug, Default)]
pub(super) struct FirstMechanism(Mutex<Option<Mechanism>>);

impl FirstMechanism {
    pub fn get(&self) -> Option<Mechanism> {
        *self.0.lock()
    }

    fn set(&self, mechanism: Mechanism) {
        *self.0.lock() = Some(mechanism);
    }
}

/// Mechanism and result of a sign-in.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub mechanism: Mechanism,
    /// The mechanism that was refused before, and in what words.
    pub refused: Option<(Mechanism, Reply)>,
}

/// AUTH with a mechanism that both sides know. When the server refuses one, the next that it offers is tried before its
/// answer is taken for a word about the credentials.
pub(super) async fn sign_in(
    wire: &mut Wire,
    offered: &Capabilities,
    credentials: &Credentials,
    timeouts: Timeouts,
    first: &FirstMechanism,
) -> Result<SignedIn, Fault> {
    let mut mechanisms = offered.mechanisms();
    if let Some(first) = first.get() {
        mechanisms.sort_by_key(|mechanism| *mechanism != first);
    }
    let mut refusals: Vec<(Mechanism, Fault)> = Vec::new();
    for mechanism in mechanisms {
        let signed_in = match mechanism {
            Mechanism::Login => sign_in_login(wire, credentials, timeouts).await,
            _ => sign_in_plain(wire, credentials, timeouts).await,
        };
        match signed_in.map_err(|fault| without_secrets(fault, credentials)) {
            Ok(()) => {
                first.set(mechanism);
                return Ok(SignedIn {
                    mechanism,
                    refused: refusals.into_iter().find_map(|(mechanism, fault)| match fault.cause {
                        Cause::Reply(reply) => Some((mechanism, reply)),
                        _ => None,
                    }),
                });
            }
            Err(fault) if is_refusal(&fault) => refusals.push((mechanism, fault)),
            Err(fault) if refusals.is_empty() => return Err(fault),
            Err(_) => {
                // It hangs up on whoever was refused: a fresh connection begins with this one.
                first.set(mechanism);
                break;
            }
        }
    }
    Err(blamed(refusals.into_iter().map(|(_, fault)| fault)).unwrap_or_else(|| nothing_in_common(offered)))
}

/// A lasting no, which another mechanism may turn into a yes: 504 and 534 are about the mechanism (RFC 4954 sections 4 and
/// 6), and servers that cannot check a password in one way say 535 too.
fn is_refusal(fault: &Fault) -> bool {
    matches!(&fault.cause, Cause::Reply(reply) if reply.code >= 500)
        && !matches!(fault.outcome().class, Class::Throttled | Class::Quota)
}

/// Of several refusals the first that is about the credentials; those of a mechanism say less.
fn blamed(refusals: impl Iterator<Item = Fault>) -> Option<Fault> {
    // `min_by_key` keeps the first of equals.
    refusals.min_by_key(|fault| fault.outcome().class != Class::Auth)
}

fn nothing_in_common(offered: &Capabilities) -> Fault {
    let detail = match offered.auth.as_deref() {
        Some(names) if !names.is_empty() => {
            format!(
                "the server offers none of the sign-in methods PLAIN and LOGIN, only {}",
                names.join(", ")
            )
        }
        _ => "the server does not offer signing in, yet a user name and a password are set".to_owned(),
    };
    Fault::config(Stage::Auth, "local.auth_not_offered", detail)
}

/// PLAIN says everything at once, unless that makes too long a line (RFC 4954 section 4) or the server asks first, as some
/// do that overlook what came with the command.
async fn sign_in_plain(wire: &mut Wire, credentials: &Credentials, timeouts: Timeouts) -> Result<(), Fault> {
    let Credentials { username, password } = credentials;
    let message = BASE64.encode(format!("\0{username}\0{password}"));
    let mut line = format!("AUTH {} {message}\r\n", Mechanism::Plain);
    if line.len() > MAX_COMMAND {
        line = format!("AUTH {}\r\n", Mechanism::Plain);
    }
    let mut answer = exchange(wire, &line, timeouts).await?;
    if answer.code == 334 {
        answer = exchange(wire, &format!("{message}\r\n"), timeouts).await?;
    }
    done(&answer)
}

/// LOGIN asks twice. Whatever it asks, the user name is wanted first: servers word the questions in their own ways, and
/// lettre's mechanism only answers those it knows.
async fn sign_in_login(wire: &mut Wire, credentials: &Credentials, timeouts: Timeouts) -> Result<(), Fault> {
    let mut line = format!("AUTH {}\r\n", Mechanism::Login);
    for answer in [&credentials.username, &credentials.password] {
        let question = exchange(wire, &line, timeouts).await?;
        if question.code != 334 {
            return Err(Fault::reply(Stage::Auth, question.reply()));
        }
        line = format!("{}\r\n", BASE64.encode(answer));
    }
    done(&exchange(wire, &line, timeouts).await?)
}

async fn exchange(wire: &mut Wire, line: &str, timeouts: Timeouts) -> Result<RawReply, Fault> {
    let at = |failure: ConnectionFailure| failure.at(Stage::Auth);
    wire.write(line.as_bytes(), timeouts.command).await.map_err(at)?;
    wire.read_reply(timeouts.command).await.map_err(at)
}

fn done(answer: &RawReply) -> Result<(), Fault> {
    match answer.is_completion() {
        true => Ok(()),
        false => Err(Fault::reply(Stage::Auth, answer.reply())),
    }
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
