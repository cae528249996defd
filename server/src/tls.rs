//! The certificate for SMTP: from PEM files, read again when they change, or self-signed for development, made once and
//! kept in the data folder.

use anyhow::Context;
use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Interval between two looks at the files.
const WATCH_EVERY: Duration = Duration::from_secs(5);

/// Paths of a certificate and its key.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// The self-signed certificate in `data_dir`. It is made when there is none, and made anew when it cannot be used: an
/// earlier start was cut off while it wrote one of the two files, or one of them was damaged since.
pub fn self_signed(data_dir: &Path, host: &str) -> anyhow::Result<CertificateFiles> {
    let files = CertificateFiles {
        certificate: data_dir.join("self-signed.crt"),
        key: data_dir.join("self-signed.key"),
    };
    let before = files.certificate.exists() || files.key.exists();
    match files.read() {
        Ok(_) => return Ok(files),
        Err(error) if before => tracing::warn!(
            error = format!("{error:#}"),
            "the self-signed certificate cannot be used; a new one is made"
        ),
        Err(_) => {}
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let made = rcgen::generate_simple_self_signed(names).context("cannot make a self-signed certificate")?;
    for (path, content) in [
        (&files.key, made.signing_key.serialize_pem()),
        (&files.certificate, made.cert.pem()),
    ] {
        sendmux_domain::files::replace(path, content.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(files)
}

/// A certificate that new connections are shown, replaced when its files change.
#[derive(Debug)]
pub struct Certificate {
    files: CertificateFiles,
    current: RwLock<Arc<CertifiedKey>>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// A file that cannot be read, is no PEM, or does not belong to the other.
    pub fn load(files: CertificateFiles) -> anyhow::Result<Arc<Self>> {
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Arc::new(Self { files, current }))
    }

    /// TLS 1.2 and 1.3 with this certificate, and with a ticket, so that clients who come again save a signature.
    pub fn server_config(self: &Arc<Self>) -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.ticketer = ring::Ticketer::new().context("cannot make keys for TLS tickets")?;
        // A client has one connection at a time as a rule, and gets a new ticket with each.
        config.send_tls13_tickets = 1;
        config.ignore_client_order = true;
        Ok(Arc::new(config))
    }

    /// Watches the files, for ever. What is wrong with new ones is said once, and the old certificate stays.
    pub async fn watch(self: Arc<Self>) {
        let mut seen = self.files.stamp();
        loop {
            tokio::time::sleep(WATCH_EVERY).await;
            let stamp = self.files.stamp();
            if stamp == seen {
                continue;
            }
            seen = stamp;
            match self.files.read() {
                Ok(new) => {
                    *self.current.write() = Arc::new(new);
                    tracing::info!(certificate = %self.files.certificate.display(), "read the new certificate");
                }
                // Between the writing of the one file and of the other they do not fit: their next change is seen too.
                Err(error) => tracing::warn!(error = format!("{error:#}"), "kept the old certificate"),
            }
        }
    }
}

/// Cipher suites that a handshake may agree on, in order of preference: those with SHA-256 first, which processors compute
/// for us, while a handshake with SHA-384 costs a good part more. AES-128 is strong enough for as long as anything here is
/// (RFC 9325 section 4.2 recommends both).
fn provider() -> rustls::crypto::CryptoProvider {
    let mut provider = ring::default_provider();
    // A stable sort: the order among the others stays rustls' own.
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite().as_str().is_none_or(|name| name.contains("SHA384")));
    provider
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().clone())
    }
}

/// Time and length of a file, which change when it is written.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl CertificateFiles {
    fn read(&self) -> anyhow::Result<CertifiedKey> {
        let of = |path: &Path| path.display().to_string();
        let chain = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read the certificate {}", of(&self.certificate)))?;
        anyhow::ensure!(
            !chain.is_empty(),
            "there is no certificate in {}",
            of(&self.certificate)
        );
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .with_context(|| format!("cannot read the private key {}", of(&self.key)))?;
        CertifiedKey::from_der(chain, key, &ring::default_provider()).with_context(|| {
            format!(
                "the certificate {} and the key {} do not fit",
                of(&self.certificate),
                of(&self.key)
            )
        })
    }

    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_read_with_its_own_key_only() {
        let folder = |name: &str| {
            let folder = std::env::temp_dir().join(format!("sendmux-tls-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            folder
        };
        let (one, other) = (folder("one"), folder("other"));
        let files = self_signed(&one, "mail.example.com").unwrap();
        let others = self_signed(&other, "mail.example.com").unwrap();
        let stamp = files.stamp();
        Certificate::load(files.clone()).unwrap().server_config().unwrap();
        let mixed = CertificateFiles {
            key: others.key,
            ..files.clone()
        };
        let error = Certificate::load(mixed).unwrap_err().to_string();
        assert!(error.contains("do not fit"), "{error}");
        std::fs::write(&files.certificate, "no certificate").unwrap();
        assert_ne!(files.stamp(), stamp);
        let error = Certificate::load(files).unwrap_err().to_string();
        assert!(error.contains("self-signed.crt"), "{error}");
        for folder in [one, other] {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn it_is_made_once_and_its_key_is_private() {
        let folder = std::env::temp_dir().join(format!("sendmux-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = self_signed(&folder, "mail.example.com").unwrap();
        let before = files.stamp();
        self_signed(&folder, "mail.example.com").unwrap();
        assert_eq!(files.stamp(), before);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&files.key).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_a_power_cut_has_left_of_it_is_made_anew() {
        let folder = std::env::temp_dir().join(format!("sendmux-tls-{}-cut", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let files = self_signed(&folder, "mail.example.com").unwrap();
        let (certificate, key) = (&files.certificate, &files.key);
        let old = std::fs::read(key).unwrap();
        let damage: [(&str, &dyn Fn()); 6] = [
            ("an empty certificate", &|| std::fs::write(certificate, "").unwrap()),
            ("an empty key", &|| std::fs::write(key, "").unwrap()),
            ("half a certificate", &|| {
                let whole = std::fs::read(certificate).unwrap();
                std::fs::write(certificate, &whole[..whole.len() / 2]).unwrap();
            }),
            ("no certificate", &|| std::fs::remove_file(certificate).unwrap()),
            ("no key", &|| std::fs::remove_file(key).unwrap()),
            ("the key of another", &|| std::fs::write(key, &old).unwrap()),
        ];
        for (what, damaged) in damage {
            damaged();
            assert!(files.read().is_err(), "{what}");
            let again = self_signed(&folder, "mail.example.com").unwrap();
            assert!(again.read().is_ok(), "{what}");
            let names = std::fs::read_dir(&folder).unwrap().count();
            assert_eq!(names, 2, "nothing else is left behind after {what}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
