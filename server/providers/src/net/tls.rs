//! Whom TLS trusts, and what is wrong with a certificate that it does not.

use std::fmt;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, RootCertStore};
use sendmux_rules::IoFault;

/// The public authorities, and those of a PEM text beside them.
pub(crate) fn trusted_roots(extra: Option<&str>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for certificate in extra.map(certificates).transpose()?.unwrap_or_default() {
        roots
            .add(certificate)
            .map_err(|error| format!("An extra certificate cannot be used: {error}."))?;
    }
    Ok(roots)
}

/// The certificates of a PEM text, at least one.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("This is not a certificate in PEM form: {error}."))?;
    if found.is_empty() {
        return Err("This holds no certificate; it should begin with -----BEGIN CERTIFICATE-----.".to_owned());
    }
    Ok(found)
}

/// The fault that a certificate is.
///
/// An expired certificate is renewed by whoever runs the server, without anybody touching the settings: that passes like
/// an outage. A wrong name or an unknown authority does not, and may be somebody in between.
pub(crate) fn certificate_fault(wrong: &CertificateError) -> IoFault {
    match wrong {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => IoFault::Tls,
        _ => IoFault::CertificateMismatch,
    }
}

/// What is wrong with the certificate of a server that was reached as `host`.
pub(crate) fn certificate_text(host: &dyn fmt::Display, wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::NotValidForName => format!("the certificate is not for {host}"),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            format!("the certificate names no host, so it is not for {host}")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("the certificate is for {}, not for {host}", presented.join(", "))
        }
        // `Other` is how the verifier reports, among rarer things, a certificate that is its own authority, which is what
        // `openssl req -x509` makes.
        CertificateError::UnknownIssuer | CertificateError::Other(_) => {
            "the certificate was issued by an unknown authority, or is self-signed".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet".to_owned()
        }
        other => format!("the certificate is not acceptable: {other}"),
    }
}
