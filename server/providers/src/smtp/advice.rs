//! Advice after a failed connection test, in plain language.

use sendmux_rules::{Class, IoFault, Reply, SmtpSecurity, Stage};

use super::fault::{Cause, Fault};
use super::session::{OWN_SERVER, PORT, PRIVATE_HOST};
use super::settings::SmtpSettings;

/// The fault as one sentence about this server.
pub(super) fn what_happened(fault: &Fault, settings: &SmtpSettings) -> String {
    let server = format!("The server at {}:{}", settings.host, settings.port);
    let shown = |reply: &Reply| bounded(&reply.to_string());
    match (&fault.cause, fault.stage) {
        (Cause::Reply(reply), Stage::Auth) if fault.outcome().class == Class::Auth => {
            format!("{server} refused the user name or password ({}).", shown(reply))
        }
        (Cause::Reply(reply), Stage::Auth) => format!("{server} could not sign in ({}).", shown(reply)),
        (Cause::Reply(reply), Stage::Greeting) => format!("{server} turned the connection away ({}).", shown(reply)),
        (Cause::Reply(reply), Stage::StartTls) => format!("{server} refused to begin TLS ({}).", shown(reply)),
        (Cause::Reply(reply), _) => format!("{server} answered {}.", shown(reply)),
        (Cause::Io { detail, .. }, Stage::Connect) => format!("No connection to the server: {detail}."),
        (Cause::Io { detail, .. }, Stage::Tls | Stage::StartTls) => format!("No encrypted connection: {detail}."),
        (Cause::Io { detail, .. }, Stage::Greeting) => format!("{server} did not greet: {detail}."),
        (Cause::Io { detail, .. }, _) => format!("The connection was lost: {detail}."),
        (Cause::Here(refusal), _) => capitalised(&format!("{}.", refusal.detail)),
    }
}

/// The server's words as a test shows them: one line of the first [`WORDS`] printable characters.
pub(super) fn bounded(text: &str) -> String {
    text.chars().filter(|c| is_printable(*c)).take(WORDS).collect()
}

/// Most characters of a server's answer that a test shows: enough for any refusal, too few to read much with.
const WORDS: usize = 200;

/// False for control characters, and for those that break lines, turn the direction of text, or have no width.
fn is_printable(c: char) -> bool {
    let is_invisible =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    !c.is_control() && !is_invisible
}

/// Servers that mind an address for a name often say so only at RCPT, where no test goes.
pub(super) const NAMELESS: &str = "Sendmux greets this server with an address in brackets, since it has no name to give, \
     and many servers refuse that once a message comes. Enter the EHLO name of this provider, or ask the operator of this \
     installation to set helo_name.";

/// Advice on the fault.
pub(super) fn what_to_do(fault: &Fault, settings: &SmtpSettings) -> String {
    let advice = match (&fault.cause, fault.stage) {
        (
            Cause::Io {
                advice: Some(advice), ..
            },
            _,
        ) => advice,
        (Cause::Io { fault, .. }, Stage::Connect) => unreachable(*fault, settings),
        (Cause::Io { fault, .. }, Stage::Tls | Stage::StartTls) => no_tls(*fault, settings),
        (Cause::Io { fault, .. }, _) => silent(*fault, fault_is_first_word(*fault, settings), settings),
        (Cause::Reply(reply), Stage::Auth) => sign_in(fault.outcome().class, reply),
        (Cause::Reply(reply), Stage::Ehlo) if is_about_name(reply) => match settings.helo_name {
            None => NAMELESS,
            Some(_) => {
                "The server does not take the name that it was greeted with. Set the EHLO name to a full domain name that \
                 resolves to the address this machine sends from."
            }
        },
        (Cause::Reply(reply), _) if reply.code < 500 => "The server cannot take mail right now. Test again later.",
        (Cause::Reply(_), _) => {
            "Ask whoever runs the server whether it lets this machine send; its answer above says why it refused."
        }
        (Cause::Here(refusal), _) => match (refusal.rule, settings.security) {
            (PORT, _) => {
                "Use one of these ports, or ask the operator of this installation to add the server's to smtp_ports."
            }
            (PRIVATE_HOST, _) => {
                "Use a server with a public address, or ask the operator of this installation to allow private hosts."
            }
            (OWN_SERVER, _) => {
                "Enter the server of the mail service or the company that is to send the mail, not this installation."
            }
            ("local.starttls_not_offered", _) => {
                "Try TLS from the start (usually port 465). Without encryption only on a network you trust."
            }
            ("local.auth_not_offered", SmtpSecurity::None) => {
                "Many servers offer signing in only on an encrypted connection: choose STARTTLS or TLS."
            }
            ("local.auth_not_offered", _) => {
                "Check the port: servers offer signing in on 587 and 465, often not on 25. A server that wants no \
                 sign-in needs no user name and password here."
            }
            _ => "Correct the settings and test again.",
        },
    };
    advice.to_owned()
}

/// A lasting no to EHLO about what stands in it (RFC 5321 section 4.1.4), not about the client as a whole.
fn is_about_name(reply: &Reply) -> bool {
    let text = reply.text.to_ascii_lowercase();
    let about = [
        "helo",
        "hostname",
        "host name",
        "fully",
        "fqdn",
        "domain",
        "argument",
        "syntax",
    ];
    matches!(reply.code, 501 | 504 | 550 | 554) && about.iter().any(|word| text.contains(word))
}

fn unreachable(fault: IoFault, settings: &SmtpSettings) -> &'static str {
    match fault {
        IoFault::NoSuchName => "Check the spelling of the server's name.",
        IoFault::Local => {
            "This server has no file descriptors, memory or ports left to connect with; its operator has to look at it."
        }
        IoFault::Dns => "The name could not be looked up just now. Test again in a moment.",
        IoFault::Timeout if settings.port == 25 => {
            "Many networks block outgoing connections to port 25. Use 587 or 465 if the server has them."
        }
        IoFault::Timeout => "Check the name and the port. A firewall on the way may drop the connection.",
        _ => "Check the port: 587 is usual for STARTTLS and 465 for TLS. A firewall may also refuse the connection.",
    }
}

fn no_tls(fault: IoFault, settings: &SmtpSettings) -> &'static str {
    match (fault, settings.security) {
        (IoFault::Tls | IoFault::Timeout | IoFault::Reset, SmtpSecurity::Implicit) => {
            "The server may not begin with TLS on this port: STARTTLS is usual on 587 and 25, TLS from the start on 465."
        }
        _ => "Whoever runs the server has to look into its TLS: it may have only old versions.",
    }
}

/// A server that waits for TLS says nothing to a client that waits for a greeting.
fn fault_is_first_word(fault: IoFault, settings: &SmtpSettings) -> bool {
    settings.security != SmtpSecurity::Implicit && matches!(fault, IoFault::Timeout | IoFault::Reset)
}

fn silent(fault: IoFault, may_wait_for_tls: bool, settings: &SmtpSettings) -> &'static str {
    match fault {
        _ if may_wait_for_tls && settings.port == 465 => "Port 465 usually begins with TLS: choose TLS as security.",
        IoFault::Timeout if may_wait_for_tls => {
            "The server may be busy, or may expect TLS from the start (choose TLS as security, usually port 465)."
        }
        IoFault::Timeout => "The server may be busy. Test again later.",
        _ => {
            "The server hung up. It may be busy, may not let this machine connect, or may not speak SMTP on this port."
        }
    }
}

fn sign_in(class: Class, reply: &Reply) -> &'static str {
    let text = reply.text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if class != Class::Auth {
        return match reply.code {
            400..=499 => "The server cannot check the password right now. Test again later.",
            _ => "Check the port and the security setting: the server does not take a sign-in in this way.",
        };
    }
    if says(&["application-specific", "app password", "invalidsecondfactor"]) {
        return "This account needs an app password, made in its security settings, in place of its own password.";
    }
    if says(&[
        "smtpclientauthentication is disabled",
        "basic authentication is disabled",
    ]) {
        return "Microsoft has switched SMTP sign-in off for this mailbox. Add it as a Microsoft 365 mailbox instead.";
    }
    "Check the user name (often the whole email address) and the password. Many services want an API key or an app \
     password here, not the password of the account."
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
