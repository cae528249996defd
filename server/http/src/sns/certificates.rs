//! The certificates that Amazon SNS signs with: fetched from its own hosts alone, kept, and checked with.

use super::envelope::Envelope;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use parking_lot::Mutex;
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use sendmux_domain::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use url::{Host, Url};
use x509_parser::pem::parse_x509_pem;

/// A certificate in PEM has about 2 KB; what SNS answers to a confirmation is not larger.
const MAX_ANSWER: usize = 64 * 1024;
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// SNS has one certificate a region at a time.
const MAX_KEYS: usize = 64;

/// Why a message was not believed.
#[derive(Debug)]
pub(super) enum Fault {
    /// It could not be found out now.
    Unreachable(String),
    /// It is not Amazon's.
    Wrong(String),
}

fn wrong(why: impl Into<String>) -> Fault {
    Fault::Wrong(why.into())
}

/// The public key of a certificate.
#[derive(Debug)]
struct SigningKey {
    /// `RSAPublicKey` in DER (RFC 8017 appendix A.1.1).
    rsa: Vec<u8>,
    /// The certificate's time, in seconds since the epoch.
    valid: std::ops::RangeInclusive<i64>,
}

/// Fetches and keeps keys.
pub(super) struct Certificates {
    /// Stands in for Amazon's hosts.
    instead: Option<Url>,
    client: Option<reqwest::Client>,
    keys: Mutex<HashMap<String, Arc<SigningKey>>>,
    /// One certificate is fetched at a time: whoever waits finds it then.
    fetching: tokio::sync::Mutex<()>,
}

impl Certificates {
    /// For Amazon's hosts, or what stands in for them.
    pub(super) fn new(instead: Option<&str>) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_WITHIN)
            .no_proxy()
            .build()
            .inspect_err(|error| tracing::error!(%error, "no HTTP client for Amazon SNS"))
            .ok();
        Self {
            instead: instead.and_then(|url| Url::parse(url).ok()),
            client,
            keys: Mutex::default(),
            fetching: tokio::sync::Mutex::default(),
        }
    }

    /// Checks the signature of a message.
    pub(super) async fn verify(&self, envelope: &Envelope, now: Timestamp) -> Result<(), Fault> {
        let algorithm: &dyn VerificationAlgorithm = match envelope.signature_version.as_str() {
            "1" => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            "2" => &RSA_PKCS1_2048_8192_SHA256,
            version => return Err(wrong(format!("signature version {version:?} is not known"))),
        };
        let signature = STANDARD
            .decode(&envelope.signature)
            .map_err(|_| wrong("the signature is not base64"))?;
        let key = self.key(&envelope.signing_cert_url).await?;
        let seconds = now.as_millis().div_euclid(1_000);
        if !key.valid.contains(&seconds) {
            return Err(wrong("the certificate is not valid now"));
        }
        UnparsedPublicKey::new(algorithm, &key.rsa)
            .verify(envelope.signed_text().as_bytes(), &signature)
            .map_err(|_| wrong("the signature does not match"))
    }

    async fn key(&self, url: &str) -> Result<Arc<SigningKey>, Fault> {
        let checked = self.checked(url)?;
        if !checked.path().ends_with(".pem") {
            return Err(wrong(format!("{url} is no certificate")));
        }
        let known = || self.keys.lock().get(checked.as_str()).cloned();
        if let Some(key) = known() {
            return Ok(key);
        }
        let _turn = self.fetching.lock().await;
        if let Some(key) = known() {
            return Ok(key);
        }
        let key = Arc::new(read(&self.get(checked.clone()).await?)?);
        let mut keys = self.keys.lock();
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        keys.insert(checked.to_string(), key.clone());
        Ok(key)
    }

    /// Visits the address that confirms a subscription.
    pub(super) async fn visit(&self, url: &str) -> Result<(), Fault> {
        let url = self.checked(url)?;
        self.get(url).await.map(drop)
    }

    /// An address of Amazon SNS, or of what stands in for it.
    fn checked(&self, text: &str) -> Result<Url, Fault> {
        let url = Url::parse(text).map_err(|_| wrong(format!("{text:?} is no address")))?;
        let is_ours = match &self.instead {
            Some(instead) => url.origin() == instead.origin(),
            None => is_amazon(&url),
        };
        if is_ours && url.username().is_empty() && url.password().is_none() {
            return Ok(url);
        }
        Err(wrong(format!("{text:?} is no address of Amazon SNS")))
    }

    async fn get(&self, url: Url) -> Result<Vec<u8>, Fault> {
        let unreachable = |error: reqwest::Error| Fault::Unreachable(error.without_url().to_string());
        let client = self
            .client
            .as_ref()
            .ok_or_else(|| Fault::Unreachable("there is no HTTP client".to_owned()))?;
        let answer = client.get(url).send().await.map_err(unreachable)?;
        if !answer.status().is_success() {
            return Err(Fault::Unreachable(format!("it answered {}", answer.status())));
        }
        let mut bytes = Vec::new();
        let mut stream = answer.bytes_stream();
        while let Some(piece) = stream.next().await {
            bytes.extend_from_slice(&piece.map_err(unreachable)?);
            if bytes.len() > MAX_ANSWER {
                return Err(wrong("the answer is too large"));
            }
        }
        Ok(bytes)
    }
}

/// `https://sns.<region>.amazonaws.com`, or `.com.cn` in China, on the usual port.
fn is_amazon(url: &Url) -> bool {
    let Some(Host::Domain(host)) = url.host() else {
        return false;
    };
    let region = host.strip_prefix("sns.").and_then(|rest| {
        rest.strip_suffix(".amazonaws.com")
            .or_else(|| rest.strip_suffix(".amazonaws.com.cn"))
    });
    let is_region = |region: &str| {
        !region.is_empty()
            && region
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    url.scheme() == "https" && url.port().is_none() && region.is_some_and(is_region)
}

fn read(pem: &[u8]) -> Result<SigningKey, Fault> {
    let unreadable = |error: &dyn std::fmt::Display| wrong(format!("the certificate cannot be read: {error}"));
    let (_, pem) = parse_x509_pem(pem).map_err(|error| unreadable(&error))?;
    let certificate = pem.parse_x509().map_err(|error| unreadable(&error))?;
    let validity = certificate.validity();
    Ok(SigningKey {
        rsa: certificate.public_key().subject_public_key.data.to_vec(),
        valid: validity.not_before.timestamp()..=validity.not_after.timestamp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_amazons_own_hosts_are_asked() {
        let certificates = Certificates::new(None);
        for url in [
            "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
            "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
            "https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
        ] {
            assert!(certificates.checked(url).is_ok(), "{url}");
        }
        for url in [
            "http://sns.eu-central-1.amazonaws.com/x.pem",
            "https://sns.eu-central-1.amazonaws.com:8443/x.pem",
            "https://sns.eu-central-1.amazonaws.com.evil.example/x.pem",
            "https://evil.example/sns.eu-central-1.amazonaws.com/x.pem",
            "https://sns.evil.example.amazonaws.com/x.pem",
            "https://x@sns.eu-central-1.amazonaws.com/x.pem",
            "https://s3.eu-central-1.amazonaws.com/x.pem",
            "https://sns..amazonaws.com/x.pem",
            "https://127.0.0.1/x.pem",
            "file:///etc/passwd",
            "",
        ] {
            assert!(certificates.checked(url).is_err(), "{url}");
        }
        let local = Certificates::new(Some("http://127.0.0.1:4000"));
        assert!(local.checked("http://127.0.0.1:4000/x.pem").is_ok());
        assert!(local.checked("http://127.0.0.1:4001/x.pem").is_err());
        assert!(local.checked("https://sns.eu-central-1.amazonaws.com/x.pem").is_err());
    }
}
