//! TLS for a connection: samotop's upgrade hook over tokio-rustls.

use samotop_core::common::S3Fut;
use samotop_core::io::tls::{Io, TlsUpgrade};
use std::fmt;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsAcceptor;
use tokio_util::compat::{FuturesAsyncReadCompatExt, TokioAsyncReadCompatExt};

/// Result of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// Protocol version: `TLSv1.3`.
    pub(crate) version: String,
    /// The cipher suite by its registered name: `TLS_AES_256_GCM_SHA384`.
    pub(crate) cipher: String,
}

/// Outcome of a connection's handshake, once it is finished.
pub(crate) type Handshake = Arc<OnceLock<Agreed>>;

/// Upgrades one connection to TLS.
pub(crate) struct Upgrade {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) handshake: Handshake,
}

impl TlsUpgrade for Upgrade {
    fn upgrade_to_tls(&self, stream: Box<dyn Io>, _name: String) -> S3Fut<std::io::Result<Box<dyn Io>>> {
        let (acceptor, handshake) = (self.acceptor.clone(), self.handshake.clone());
        Box::pin(async move {
            let stream = acceptor.accept(stream.compat()).await?;
            let session = stream.get_ref().1;
            let agreed = Agreed {
                version: session.protocol_version().map_or_else(String::new, version),
                cipher: session
                    .negotiated_cipher_suite()
                    .map_or_else(String::new, |suite| cipher(suite.suite())),
            };
            // A connection has one handshake, so nothing was set before.
            drop(handshake.set(agreed));
            Ok(Box::new(stream.compat()) as Box<dyn Io>)
        })
    }
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade")
    }
}

/// The version as `TLSv1.3`; rustls calls it `TLSv1_3`.
fn version(version: rustls::ProtocolVersion) -> String {
    format!("{version:?}").replace('_', ".")
}

/// The suite by the name that IANA registered, `TLS_AES_256_GCM_SHA384`; rustls calls it `TLS13_AES_256_GCM_SHA384`.
fn cipher(suite: rustls::CipherSuite) -> String {
    format!("{suite:?}").replacen("TLS13_", "TLS_", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_registered_ones() {
        assert_eq!(version(rustls::ProtocolVersion::TLSv1_3), "TLSv1.3");
        assert_eq!(
            cipher(rustls::CipherSuite::TLS13_AES_256_GCM_SHA384),
            "TLS_AES_256_GCM_SHA384"
        );
        assert_eq!(
            cipher(rustls::CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        );
    }
}
