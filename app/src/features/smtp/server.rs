//! SMTP submission.

use super::model::SmtpSetup;
use sendmux_domain::Settings;

/// Addresses of SMTP submission.
pub fn smtp_setup(settings: &Settings) -> SmtpSetup {
    let submission = &settings.submission;
    let host = submission.host.as_deref().unwrap_or_else(|| settings.public_host());
    let is_this_machine = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    SmtpSetup {
        // A mail client takes an IPv6 address without the brackets that a URL needs.
        host: host.trim_matches(['[', ']']).to_owned(),
        starttls_port: submission.starttls_port,
        tls_port: submission.tls_port,
        is_self_signed: submission.is_self_signed,
        is_out_of_reach: submission.is_local && !is_this_machine,
    }
}
