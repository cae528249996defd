//! TLS towards the server.

use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sendmux_rules::IoFault;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::fault::ConnectionFailure;
use super::settings::SmtpSettings;
use super::stream::Transport;
use crate::net::{Host, verifier};

/// The TLS side of a provider's settings. Made once for each connector, since it holds the sessions to resume.
pub(super) fn client_config(settings: &SmtpSettings) -> Result<Arc<ClientConfig>, String> {
    // Named, not the process default: this crate then works in every binary and test.
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let verifier: Arc<dyn ServerCertVerifier> = match settings.accept_invalid_certs {
        true => Arc::new(AnyCertificate(provider)),
        false => verifier(settings.extra_roots.as_deref())?,
    };
    let config = builder.dangerous().with_custom_certificate_verifier(verifier);
    Ok(Arc::new(config.with_no_client_auth()))
}

/// Shakes hands over an open connection. The name in the certificate must be the configured host.
pub(super) async fn handshake(
    config: &Arc<ClientConfig>,
    host: &Host,
    transport: Box<dyn Transport>,
) -> Result<TlsStream<Box<dyn Transport>>, ConnectionFailure> {
    let name = match host {
        Host::Ip(address) => ServerName::from(*address),
        Host::Name(name) => ServerName::try_from(name.clone())
            .map_err(|_| ConnectionFailure::new(IoFault::Tls, format!("{name} cannot stand in a certificate")))?,
    };
    TlsConnector::from(Arc::clone(config))
        .connect(name, transport)
        .await
        .map_err(|error| tls_failure(host, error))
}

/// Tells a certificate that is wrong for this host, which somebody has to set right, from the faults that pass.
fn tls_failure(host: &Host, error: io::Error) -> ConnectionFailure {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                ConnectionFailure::new(IoFault::Reset, "the server closed the connection during TLS")
            }
            _ => error.into(),
        };
    };
    match tls {
        rustls::Error::InvalidCertificate(wrong) => ConnectionFailure::certificate(host, wrong),
        rustls::Error::InvalidMessage(_) | rustls::Error::InappropriateMessage { .. } => {
            ConnectionFailure::new(IoFault::Tls, "the server did not answer in TLS")
        }
        other => ConnectionFailure::new(IoFault::Tls, format!("TLS failed: {other}")),
    }
}

/// Facts about a TLS connection that a connection test shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsFacts {
    /// Protocol version and cipher suite.
    pub protocol: String,
    /// Subject, issuer and last day of the server's certificate.
    pub certificate: Option<String>,
}

impl TlsFacts {
    pub fn of(connection: &rustls::ClientConnection) -> Self {
        let version = connection
            .protocol_version()
            .and_then(|version| version.as_str())
            .unwrap_or("TLS");
        let suite = connection
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str());
        Self {
            protocol: match suite {
                Some(suite) => format!("{} with {suite}", version.replace("TLSv1_", "TLS 1.")),
                None => version.to_owned(),
            },
            certificate: connection
                .peer_certificates()
                .and_then(|chain| describe(chain.first()?)),
        }
    }
}

fn describe(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let until = parsed.validity().not_after.to_datetime().date();
    let subject = parsed.subject().to_string();
    let issuer = parsed.issuer().to_string();
    Some(format!(
        "certificate of {subject}, issued by {issuer}, valid until {until}"
    ))
}

/// Takes every certificate; still checks that the server holds its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
