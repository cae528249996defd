//! The certificate for development: self-signed, made once, kept in the data folder.

use anyhow::Context;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub struct CertificateFiles {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

/// The self-signed certificate in `data_dir`, made now when there is none. True: it was made now.
pub fn self_signed(data_dir: &Path, host: &str) -> anyhow::Result<(CertificateFiles, bool)> {
    let files = CertificateFiles {
        certificate: data_dir.join("self-signed.crt"),
        key: data_dir.join("self-signed.key"),
    };
    if files.certificate.exists() && files.key.exists() {
        return Ok((files, false));
    }
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    let made = rcgen::generate_simple_self_signed(names).context("cannot make a self-signed certificate")?;
    write_private(&files.key, made.signing_key.serialize_pem().as_bytes())?;
    std::fs::write(&files.certificate, made.cert.pem())
        .with_context(|| format!("cannot write {}", files.certificate.display()))?;
    Ok((files, true))
}

fn write_private(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    file.write_all(content)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_its_key_is_private() {
        let folder = std::env::temp_dir().join(format!("sendmux-tls-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (files, made) = self_signed(&folder, "mail.example.com").unwrap();
        assert!(made);
        assert!(!self_signed(&folder, "mail.example.com").unwrap().1);
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&files.key).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
