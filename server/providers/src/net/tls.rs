//! Whom TLS trusts, and what is wrong with a certificate that it does not.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use sendmux_rules::IoFault;
use x509_parser::prelude::{FromDer, X509Certificate};

/// Characters of a name in a certificate that are shown: it is whatever the server says.
const MAX_SHOWN: usize = 200;

/// Checks servers' certificates against the public authorities and the certificates of a PEM text beside them.
///
/// # Errors
/// In plain words, when the text holds no certificates.
pub(crate) fn verifier(extra: Option<&str>) -> Result<Arc<dyn ServerCertVerifier>, String> {
    let exact = extra.map(certificates).transpose()?.unwrap_or_default();
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for certificate in &exact {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("An extra certificate cannot be used: {error}."))?;
    }
    // Named, not the process default: this crate then works in every binary and test.
    let by_authority = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
        .build()
        .map_err(|error| error.to_string())?;
    Ok(Arc::new(Trust { by_authority, exact }))
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

/// An extra certificate is an authority, and it is trusted itself when a server shows it: what `openssl req -x509` makes
/// says that it is an authority (CA:TRUE), which no server's certificate may be by RFC 5280 section 4.2.1.9, and the
/// certificate of a private authority's server is none.
#[derive(Debug)]
struct Trust {
    by_authority: Arc<WebPkiServerVerifier>,
    exact: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .by_authority
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            Err(rustls::Error::InvalidCertificate(wrong)) if is_about_trust(&wrong) => {
                if self.exact.contains(end_entity) {
                    check_itself(end_entity, server_name, now)?;
                    return Ok(ServerCertVerified::assertion());
                }
                let distrust = Distrust::of(end_entity, &self.exact, wrong);
                Err(CertificateError::Other(OtherError(Arc::new(distrust))).into())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.by_authority
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.by_authority
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.by_authority.supported_verify_schemes()
    }
}

/// True when the error is about the issuer of a certificate, not about its name or its time.
fn is_about_trust(wrong: &CertificateError) -> bool {
    !matches!(
        wrong,
        CertificateError::NotValidForName
            | CertificateError::NotValidForNameContext { .. }
            | CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. }
            | CertificateError::Revoked
            | CertificateError::BadEncoding
    )
}

/// Looks at the name and the time of a certificate that is trusted itself.
fn check_itself(
    certificate: &CertificateDer<'_>,
    server_name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), rustls::Error> {
    let (_, parsed) = X509Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < parsed.validity().not_before.timestamp() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > parsed.validity().not_after.timestamp() {
        return Err(CertificateError::Expired.into());
    }
    let named = verify_server_name(&ParsedCertificate::try_from(certificate)?, server_name);
    match named {
        // Made by hand, it often has its name in the subject alone, as in the times before RFC 6125.
        Err(_) if matches!(parsed.subject_alternative_name(), Ok(None)) && has_common_name(&parsed, server_name) => {
            Ok(())
        }
        named => named,
    }
}

fn has_common_name(certificate: &X509Certificate<'_>, server_name: &ServerName<'_>) -> bool {
    let wanted = server_name.to_str();
    let mut names = certificate.subject().iter_common_name();
    names.any(|name| name.as_str().is_ok_and(|name| name.eq_ignore_ascii_case(&wanted)))
}

/// Reason that a certificate has no trusted issuer. Displays as a clause about it.
#[derive(Debug)]
enum Distrust {
    /// It vouches for itself.
    SelfSigned { subject: String },
    /// One that is trusted has the same name as who vouches for it, and another key.
    OtherKey { issuer: String },
    /// Nobody knows who vouches for it.
    UnknownIssuer { issuer: String },
    /// It is not what a server may show, by itself.
    Unfit(CertificateError),
}

impl Distrust {
    fn of(certificate: &CertificateDer<'_>, trusted: &[CertificateDer<'static>], wrong: CertificateError) -> Self {
        let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
            return Self::Unfit(wrong);
        };
        let is_known = |name: &[u8]| {
            trusted
                .iter()
                .any(|one| X509Certificate::from_der(one).is_ok_and(|(_, trusted)| trusted.subject().as_raw() == name))
        };
        let issuer = shown(&parsed.issuer().to_string());
        if is_known(parsed.issuer().as_raw()) {
            return Self::OtherKey { issuer };
        }
        if parsed.subject().as_raw() == parsed.issuer().as_raw() {
            return Self::SelfSigned { subject: issuer };
        }
        match wrong {
            CertificateError::UnknownIssuer => Self::UnknownIssuer { issuer },
            wrong => Self::Unfit(wrong),
        }
    }
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SelfSigned { subject } => {
                write!(f, "the certificate ({subject}) is self-signed, and not trusted here")
            }
            Self::OtherKey { issuer } => write!(
                f,
                "the certificate is vouched for by {issuer}, of which another certificate is trusted here"
            ),
            Self::UnknownIssuer { issuer } => {
                write!(
                    f,
                    "the certificate was issued by {issuer}, an authority that is not known here"
                )
            }
            Self::Unfit(wrong) => write!(f, "the certificate is not acceptable: {wrong}"),
        }
    }
}

impl std::error::Error for Distrust {}

/// A text of the server's, fit for logs and pages.
fn shown(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(MAX_SHOWN).collect()
}

/// A name out of `DnsName("mail.example")` or `IpAddress(192.0.2.1)`, the form in which webpki gives it.
fn plain(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
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

/// Description of the error in the certificate of a server that was reached as `host`.
pub(crate) fn certificate_text(host: &dyn fmt::Display, wrong: &CertificateError) -> String {
    match wrong {
        CertificateError::NotValidForName => format!("the certificate is not for {host}"),
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            format!("the certificate names no host, so it is not for {host}")
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().map(|name| plain(name)).collect();
            format!("the certificate is for {}, not for {host}", shown(&names.join(", ")))
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet".to_owned()
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<Distrust>() {
            Some(distrust) => distrust.to_string(),
            None => format!("the certificate is not acceptable: {wrong}"),
        },
        other => format!("the certificate is not acceptable: {other}"),
    }
}

/// Advice on a refused certificate, in plain language.
pub(crate) fn certificate_advice(wrong: &CertificateError) -> &'static str {
    let distrust = match wrong {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            return "Enter the server under the name that its certificate is for.";
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            return "Whoever runs the server has to renew its certificate.";
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            return "Check the clocks of the server and of this machine: one of them may be wrong.";
        }
        CertificateError::Other(other) => other.0.downcast_ref::<Distrust>(),
        _ => None,
    };
    match distrust {
        Some(Distrust::SelfSigned { .. }) => {
            "If this is your own server, the operator of this installation can make its certificate trusted: add it to the \
             file that the setting extra_ca names, and restart."
        }
        Some(Distrust::OtherKey { .. }) => {
            "The server's certificate may have been renewed: the operator of this installation has to put the present one \
             into the file that the setting extra_ca names, and restart."
        }
        Some(Distrust::UnknownIssuer { .. }) => {
            "If it is a public authority, the server does not show its whole chain: whoever runs it has to add the \
             intermediate certificates. If it is your own, the operator of this installation can add its certificate to the \
             file that the setting extra_ca names, and restart."
        }
        Some(Distrust::Unfit(_)) | None => "Whoever runs the server has to get it another certificate.",
    }
}
