//! SMTP submission, as the dashboard explains it to those who send.

use serde::{Deserialize, Serialize};

/// Addresses of SMTP submission.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpSetup {
    /// The host.
    pub host: String,
    /// The port with STARTTLS; none: there is no such listener.
    pub starttls_port: Option<u16>,
    /// The port with implicit TLS; none: there is no such listener.
    pub tls_port: Option<u16>,
    /// Clients do not trust the certificate.
    pub is_self_signed: bool,
    /// Only programs on the server's own machine can connect, although the host is another.
    pub is_out_of_reach: bool,
}

impl SmtpSetup {
    /// The port that snippets use, and whether TLS begins with the connection.
    pub fn port(&self) -> Option<(u16, bool)> {
        let starttls = self.starttls_port.map(|port| (port, false));
        starttls.or_else(|| self.tls_port.map(|port| (port, true)))
    }
}
