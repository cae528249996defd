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

/// The reason why a message was not believed.
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
    /// The common name of the certificate's subject.
    subject: String,
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
        let key = self.key(envelope).await?;
        let seconds = now.as_millis().div_euclid(1_000);
        if !key.valid.contains(&seconds) {
            return Err(wrong("the certificate is not valid now"));
        }
        UnparsedPublicKey::new(algorithm, &key.rsa)
            .verify(envelope.signed_text().as_bytes(), &signature)
            .map_err(|_| wrong("the signature does not match"))
    }

    async fn key(&self, envelope: &Envelope) -> Result<Arc<SigningKey>, Fault> {
        let url = &envelope.signing_cert_url;
        let checked = self.checked(url, &envelope.topic_arn)?;
        let names_one = match &self.instead {
            Some(_) => checked.path().ends_with(".pem"),
            None => is_certificate(&checked),
        };
        if !names_one {
            return Err(wrong(format!("{url:?} is no signing certificate of Amazon SNS")));
        }
        let known = || self.keys.lock().get(checked.as_str()).cloned();
        if let Some(key) = known() {
            return Ok(key);
        }
        let _turn = self.fetching.lock().await;
        if let Some(key) = known() {
            return Ok(key);
        }
        let key = read(&self.get(checked.clone()).await?)?;
        if self.instead.is_none() && !is_subject(&key.subject) {
            return Err(wrong(format!("the certificate is that of {:?}", key.subject)));
        }
        let key = Arc::new(key);
        let mut keys = self.keys.lock();
        if keys.len() >= MAX_KEYS {
            keys.clear();
        }
        keys.insert(checked.to_string(), key.clone());
        Ok(key)
    }

    /// Confirms the subscription that the message asks to confirm. Nothing else is asked of the address in it: it has to
    /// name that action, the topic and the token of the message.
    pub(super) async fn confirm(&self, envelope: &Envelope) -> Result<(), Fault> {
        let url = envelope
            .subscribe_url
            .as_deref()
            .ok_or_else(|| wrong("there is no SubscribeURL"))?;
        let url = self.checked(url, &envelope.topic_arn)?;
        let is = |name: &str, value: Option<&str>| {
            let mut values = url.query_pairs().filter(|(other, _)| other == name);
            value.is_some() && values.next().map(|(_, value)| value).as_deref() == value && values.next().is_none()
        };
        let confirms = url.path() == "/"
            && is("Action", Some("ConfirmSubscription"))
            && is("TopicArn", Some(&envelope.topic_arn))
            && is("Token", envelope.token.as_deref());
        if !confirms {
            return Err(wrong(format!("{url} does not confirm this subscription")));
        }
        self.get(url).await.map(drop)
    }

    /// An address of Amazon SNS in the region of the topic, or of its replacement.
    fn checked(&self, text: &str, topic_arn: &str) -> Result<Url, Fault> {
        let url = Url::parse(text).map_err(|_| wrong(format!("{text:?} is no address")))?;
        let is_ours = match &self.instead {
            Some(instead) => url.origin() == instead.origin(),
            None => is_amazon(&url, topic_arn),
        };
        if is_ours && url.username().is_empty() && url.password().is_none() {
            return Ok(url);
        }
        Err(wrong(format!(
            "{text:?} is no address of Amazon SNS in the region of {topic_arn:?}"
        )))
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

/// True for `https://sns.<region>.amazonaws.com`, or `.com.cn` in China, on the usual port, in the region of this topic
/// (`arn:aws:sns:<region>:<account>:<name>`).
fn is_amazon(url: &Url, topic_arn: &str) -> bool {
    let mut arn = topic_arn.split(':');
    let (Some("arn"), Some(partition), Some("sns"), Some(region)) = (arn.next(), arn.next(), arn.next(), arn.next())
    else {
        return false;
    };
    let end = if partition == "aws-cn" { ".cn" } else { "" };
    let is_region = !region.is_empty()
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_region
        && url.scheme() == "https"
        && url.port().is_none()
        && matches!(url.host(), Some(Host::Domain(host)) if host == format!("sns.{region}.amazonaws.com{end}"))
}

/// True for the path of a signing certificate: `/SimpleNotificationService-`, 32 hexadecimal digits and `.pem`.
fn is_certificate(url: &Url) -> bool {
    let id = url
        .path()
        .strip_prefix("/SimpleNotificationService-")
        .and_then(|rest| rest.strip_suffix(".pem"));
    let is_id = |id: &str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.is_some_and(is_id) && url.query().is_none() && url.fragment().is_none()
}

/// True for the common name of a signing certificate: `sns.amazonaws.com`, in some regions `sns-<region>.amazonaws.com` or
/// `sns-signing.<region>.amazonaws.com`, in China with `.cn` after it (the list in Amazon's SDK for Java,
/// `CertificateUrlValidator` and its neighbours).
fn is_subject(name: &str) -> bool {
    let name = name.strip_suffix(".cn").unwrap_or(name);
    name.strip_suffix(".amazonaws.com")
        .is_some_and(|host| host == "sns" || host.starts_with("sns-") || host.starts_with("sns."))
}

fn read(pem: &[u8]) -> Result<SigningKey, Fault> {
    let unreadable = |error: &dyn std::fmt::Display| wrong(format!("the certificate cannot be read: {error}"));
    let (_, pem) = parse_x509_pem(pem).map_err(|error| unreadable(&error))?;
    let certificate = pem.parse_x509().map_err(|error| unreadable(&error))?;
    let validity = certificate.validity();
    let subject = certificate
        .subject()
        .iter_common_name()
        .next()
        .and_then(|name| name.as_str().ok())
        .unwrap_or_default()
        .to_owned();
    Ok(SigningKey {
        subject,
        rsa: certificate.public_key().subject_public_key.data.to_vec(),
        valid: validity.not_before.timestamp()..=validity.not_after.timestamp(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:ses";

    #[test]
    fn only_amazons_own_hosts_in_the_topics_region_are_asked() {
        let certificates = Certificates::new(None);
        for (url, topic) in [
            (
                "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123.pem",
                TOPIC,
            ),
            (
                "https://sns.cn-north-1.amazonaws.com.cn/x.pem",
                "arn:aws-cn:sns:cn-north-1:1:a",
            ),
            (
                "https://sns.us-gov-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
                "arn:aws-us-gov:sns:us-gov-west-1:1:a",
            ),
        ] {
            assert!(certificates.checked(url, topic).is_ok(), "{url}");
        }
        for url in [
            "http://sns.eu-central-1.amazonaws.com/x.pem",
            "https://sns.eu-central-1.amazonaws.com:8443/x.pem",
            "https://sns.eu-west-1.amazonaws.com/x.pem",
            "https://sns.eu-central-1.amazonaws.com.cn/x.pem",
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
            assert!(certificates.checked(url, TOPIC).is_err(), "{url}");
        }
        for topic in ["", "arn:aws:sns", "arn:aws:sqs:eu-central-1:1:a", "arn:aws:sns::1:a"] {
            let url = "https://sns.eu-central-1.amazonaws.com/x.pem";
            assert!(certificates.checked(url, topic).is_err(), "{topic}");
        }
        let local = Certificates::new(Some("http://127.0.0.1:4000"));
        assert!(local.checked("http://127.0.0.1:4000/x.pem", TOPIC).is_ok());
        assert!(local.checked("http://127.0.0.1:4001/x.pem", TOPIC).is_err());
        assert!(
            local
                .checked("https://sns.eu-central-1.amazonaws.com/x.pem", TOPIC)
                .is_err()
        );
    }

    #[test]
    fn certificates_have_amazons_names() {
        let is = |path: &str| is_certificate(&Url::parse(&format!("https://sns.a.amazonaws.com{path}")).unwrap());
        let id = "0123456789abcdef0123456789ABCDEF";
        assert!(is(&format!("/SimpleNotificationService-{id}.pem")));
        for wrong in [
            format!("/a/SimpleNotificationService-{id}.pem"),
            format!("/SimpleNotificationService-{id}0.pem"),
            format!("/SimpleNotificationService-{}.pem", &id[1..]),
            format!("/SimpleNotificationService-{id}.pem?a"),
            "/SimpleNotificationService-../../bucket/evil-0123456789abcd.pem".to_owned(),
            "/x.pem".to_owned(),
        ] {
            assert!(!is(&wrong), "{wrong}");
        }
        for name in [
            "sns.amazonaws.com",
            "sns-us-gov-west-1.amazonaws.com",
            "sns-signing.ap-east-1.amazonaws.com",
            "sns-cn-north-1.amazonaws.com.cn",
        ] {
            assert!(is_subject(name), "{name}");
        }
        for name in [
            "",
            "s3.amazonaws.com",
            "amazonaws.com",
            "snsx.amazonaws.com",
            "sns.evil.example",
            "sns.amazonaws.com.evil",
        ] {
            assert!(!is_subject(name), "{name}");
        }
    }

    #[tokio::test]
    async fn an_address_that_does_not_confirm_is_not_visited() {
        let certificates = Certificates::new(Some("http://127.0.0.1:1"));
        let envelope = |url: &str| Envelope {
            kind: super::super::envelope::Kind::SubscriptionConfirmation,
            message_id: "1".to_owned(),
            topic_arn: TOPIC.to_owned(),
            subject: None,
            message: String::new(),
            timestamp: String::new(),
            signature_version: "2".to_owned(),
            signature: String::new(),
            signing_cert_url: String::new(),
            subscribe_url: Some(url.to_owned()),
            token: Some("t1".to_owned()),
        };
        let right = format!("http://127.0.0.1:1/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t1");
        let refused = certificates.confirm(&envelope(&right)).await.unwrap_err();
        assert!(
            matches!(refused, Fault::Unreachable(_)),
            "nobody listens there: {refused:?}"
        );
        for wrong in [
            right.replace("ConfirmSubscription", "DeleteTopic"),
            right.replace("t1", "t2"),
            right.replace(":ses", ":other"),
            right.replace("/?", "/other?"),
            format!("{right}&Action=DeleteTopic"),
            "http://127.0.0.1:1/".to_owned(),
        ] {
            let refused = certificates.confirm(&envelope(&wrong)).await.unwrap_err();
            assert!(matches!(refused, Fault::Wrong(_)), "{wrong}: {refused:?}");
        }
    }
}
