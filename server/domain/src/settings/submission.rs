//! Addresses of SMTP submission, as clients are told them.

/// Addresses at which clients reach SMTP submission: behind a forward of ports this is not where it listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// The host; none: that of the public URL.
    pub host: Option<String>,
    /// The port with STARTTLS; none: there is no such listener.
    pub starttls_port: Option<u16>,
    /// The port with implicit TLS; none: there is no such listener.
    pub tls_port: Option<u16>,
    /// The certificate is the self-signed one of development, which clients do not trust.
    pub is_self_signed: bool,
    /// Only programs on the server's own machine can connect.
    pub is_local: bool,
}
