//! The configuration: a table of keys, each with a default, read from a TOML file and from environment variables (which
//! win). `sendmux config check` prints what came out, `sendmux config example` a file to start from.

mod services;

use crate::tls::CertificateFiles;
use anyhow::{Context, anyhow, bail};
use sendmux_domain::providers::check_helo_name;
use sendmux_domain::settings::Submission;
use sendmux_domain::{Settings, SignUpPolicy, TrustedProxies};
use sendmux_smtp::SmtpConfig;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One key of the configuration.
pub struct Key {
    /// Its name in the TOML file.
    pub name: &'static str,
    /// The environment variable that overrides the file.
    pub env: &'static str,
    /// The value when neither says anything.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// Whether its value must not be printed.
    pub secret: bool,
}

const fn key(name: &'static str, env: &'static str, default: &'static str, help: &'static str) -> Key {
    Key {
        name,
        env,
        default,
        help,
        secret: false,
    }
}

const fn secret(name: &'static str, env: &'static str, help: &'static str) -> Key {
    Key {
        name,
        env,
        default: "",
        help,
        secret: true,
    }
}

/// All keys, in the order in which they are shown.
pub const KEYS: &[Key] = &[
    key(
        "data_dir",
        "SENDMUX_DATA_DIR",
        "data",
        "Folder of the embedded database, the secret key and the development certificate.",
    ),
    Key {
        secret: true,
        ..key(
            "database_url",
            "DATABASE_URL",
            "",
            "postgres://user:password@host/database for several nodes. Empty: SQLite in data_dir.",
        )
    },
    key(
        "http_addr",
        "SENDMUX_HTTP_ADDR",
        "127.0.0.1:3000",
        "Address and port of the dashboard and the API. 0.0.0.0:3000 for all interfaces.",
    ),
    key(
        "public_url",
        "SENDMUX_PUBLIC_URL",
        "",
        "Where people and clients reach this installation. Empty: http://localhost and the port of http_addr.",
    ),
    key(
        "trusted_proxies",
        "SENDMUX_TRUSTED_PROXIES",
        "127.0.0.0/8,::1",
        "Networks and addresses of reverse proxies, by commas, whose X-Forwarded-For or Forwarded header tells the address of \
         the client; so does the PROXY protocol with smtp_proxy_protocol. none: no proxy is.",
    ),
    key(
        "smtp_addr",
        "SENDMUX_SMTP_ADDR",
        "127.0.0.1:2587",
        "Address and port of SMTP submission with STARTTLS; port 587 is the standard's. off: none.",
    ),
    key(
        "smtps_addr",
        "SENDMUX_SMTPS_ADDR",
        "127.0.0.1:2465",
        "Address and port of SMTP submission with implicit TLS; port 465 is the standard's. off: none.",
    ),
    key(
        "smtp_public_host",
        "SENDMUX_SMTP_PUBLIC_HOST",
        "",
        "Host at which clients reach SMTP submission, as the dashboard shows it. Empty: that of public_url.",
    ),
    key(
        "smtp_public_port",
        "SENDMUX_SMTP_PUBLIC_PORT",
        "",
        "Port at which clients reach smtp_addr, where a forward or a container's port mapping stands in between. Empty: \
         its own.",
    ),
    key(
        "smtps_public_port",
        "SENDMUX_SMTPS_PUBLIC_PORT",
        "",
        "Port at which clients reach smtps_addr, likewise. Empty: its own.",
    ),
    key(
        "tls_cert",
        "SENDMUX_TLS_CERT",
        "",
        "Certificate chain in PEM for SMTP, read again when it changes. Empty: a self-signed one in data_dir.",
    ),
    key(
        "tls_key",
        "SENDMUX_TLS_KEY",
        "",
        "Private key in PEM that belongs to tls_cert.",
    ),
    key(
        "smtp_messages_per_connection",
        "SENDMUX_SMTP_MESSAGES_PER_CONNECTION",
        "1",
        "Messages that one SMTP connection may bring. Raise it for clients that are relays and reuse connections.",
    ),
    key(
        "smtp_max_connections",
        "SENDMUX_SMTP_MAX_CONNECTIONS",
        "10000",
        "SMTP connections that may be open at once.",
    ),
    key(
        "smtp_max_connections_per_address",
        "SENDMUX_SMTP_MAX_CONNECTIONS_PER_ADDRESS",
        "100",
        "SMTP connections that may be open at once from one address.",
    ),
    key(
        "smtp_max_hops",
        "SENDMUX_SMTP_MAX_HOPS",
        "100",
        "Received fields that a message may come with over SMTP. One with more is refused as a mail loop (554 5.4.6).",
    ),
    key(
        "smtp_proxy_protocol",
        "SENDMUX_SMTP_PROXY_PROTOCOL",
        "false",
        "Whether every SMTP connection from an address in trusted_proxies begins with a header of the PROXY protocol (version \
         1 or 2), as load balancers send it. One without is closed.",
    ),
    Key {
        secret: true,
        ..key(
            "secret_key",
            "SENDMUX_SECRET_KEY",
            "",
            "32 bytes in base64 that encrypt credentials; several, separated by commas, to rotate (the first encrypts). \
             Empty: a key file in data_dir, made at the first start. Nodes that share a database need the same key.",
        )
    },
    key(
        "managed_domain",
        "SENDMUX_MANAGED_DOMAIN",
        "sendmux.localhost",
        "The domain that the managed route sends from; each team has one address there.",
    ),
    key(
        "managed_daily_cap",
        "SENDMUX_MANAGED_DAILY_CAP",
        "50",
        "Recipients a day on the managed route for a new team.",
    ),
    key(
        "rate_limit",
        "SENDMUX_RATE_LIMIT",
        "1800",
        "Requests a key may make in a minute, HTTP and SMTP together.",
    ),
    key(
        "sign_up",
        "SENDMUX_SIGN_UP",
        "open",
        "Who may make an account: open (everyone) or closed (only the first account).",
    ),
    key(
        "allow_private_hosts",
        "SENDMUX_ALLOW_PRIVATE_HOSTS",
        "true",
        "Whether providers may be on private or local addresses. Set to false where strangers sign up.",
    ),
    key(
        "extra_ca",
        "SENDMUX_EXTRA_CA",
        "",
        "PEM file with certificates that providers' servers may show beside those of the public authorities.",
    ),
    key(
        "helo_name",
        "SENDMUX_HELO_NAME",
        "",
        "Name that this installation gives itself towards providers' SMTP servers (EHLO): one that resolves to the address \
         it sends from. Empty: the host of public_url.",
    ),
    key(
        "google_client_id",
        "SENDMUX_GOOGLE_CLIENT_ID",
        "",
        "Id of this installation's OAuth client at Google, for Gmail mailboxes. docs/PROVIDERS.md says how to get one.",
    ),
    secret(
        "google_client_secret",
        "SENDMUX_GOOGLE_CLIENT_SECRET",
        "Secret that belongs to google_client_id.",
    ),
    key(
        "google_url",
        "SENDMUX_GOOGLE_URL",
        "",
        "An address that stands in for all of Google's hosts, for tests and proxies.",
    ),
    key(
        "microsoft_client_id",
        "SENDMUX_MICROSOFT_CLIENT_ID",
        "",
        "Id of this installation's app registration at Microsoft, for Microsoft 365 mailboxes. docs/PROVIDERS.md says \
         how to get one.",
    ),
    secret(
        "microsoft_client_secret",
        "SENDMUX_MICROSOFT_CLIENT_SECRET",
        "Secret that belongs to microsoft_client_id. It expires: note the date.",
    ),
    key(
        "microsoft_tenant",
        "SENDMUX_MICROSOFT_TENANT",
        "common",
        "Whose mailboxes may be connected: common, organizations, or one tenant's id or domain.",
    ),
    key(
        "microsoft_login_url",
        "SENDMUX_MICROSOFT_LOGIN_URL",
        "",
        "Instead of https://login.microsoftonline.com, for national clouds and tests.",
    ),
    key(
        "microsoft_graph_url",
        "SENDMUX_MICROSOFT_GRAPH_URL",
        "",
        "Instead of https://graph.microsoft.com, for national clouds and tests.",
    ),
    key(
        "ses_region",
        "SENDMUX_SES_REGION",
        "",
        "AWS region of the Amazon SES account that the managed route sends through. Empty: it delivers into the sandbox.",
    ),
    key(
        "ses_access_key_id",
        "SENDMUX_SES_ACCESS_KEY_ID",
        "",
        "Access key of the managed route's Amazon SES account.",
    ),
    secret(
        "ses_secret_access_key",
        "SENDMUX_SES_SECRET_ACCESS_KEY",
        "Secret that belongs to ses_access_key_id.",
    ),
    key(
        "ses_role_arn",
        "SENDMUX_SES_ROLE_ARN",
        "",
        "Role that is assumed with the access key. Empty: the key itself is used.",
    ),
    key(
        "ses_external_id",
        "SENDMUX_SES_EXTERNAL_ID",
        "",
        "External id that ses_role_arn asks for, when it does.",
    ),
    key(
        "ses_endpoint",
        "SENDMUX_SES_ENDPOINT",
        "",
        "Address of the Amazon SES API instead of the region's own.",
    ),
    key(
        "ses_configuration_set",
        "SENDMUX_SES_CONFIGURATION_SET",
        "",
        "Configuration set of the managed route; its event destination reports bounces and complaints.",
    ),
    key(
        "sns_url",
        "SENDMUX_SNS_URL",
        "",
        "Address that Amazon SNS signs and confirms with, instead of https://sns.<region>.amazonaws.com, for tests.",
    ),
    key(
        "mail_from",
        "SENDMUX_MAIL_FROM",
        "",
        "Address that this installation's own mails come from. Empty: one on managed_domain.",
    ),
    secret(
        "mail_smtp_url",
        "SENDMUX_MAIL_SMTP_URL",
        "Server for this installation's own mails: smtp://user:password@host:587 (STARTTLS), smtps://… (TLS), or \
         smtp://host:25?tls=none. Empty: the managed route, or the sandbox.",
    ),
    key(
        "retry_delays",
        "SENDMUX_RETRY_DELAYS",
        "5m,2h,12h",
        "Waits before the second, third and fourth round of a message.",
    ),
    key(
        "blocked_expiry",
        "SENDMUX_BLOCKED_EXPIRY",
        "72h",
        "After this long of waiting for nothing but blocked providers a message fails.",
    ),
    key(
        "content_retention",
        "SENDMUX_CONTENT_RETENTION",
        "30d",
        "How long the content of a message is kept after its end: 30d, 12h; 0d: not at all; never: it is never removed.",
    ),
    key(
        "metrics_addr",
        "SENDMUX_METRICS_ADDR",
        "127.0.0.1:9464",
        "Address and port of /metrics for Prometheus. Whoever reaches it reads it: keep it off public networks. off: none.",
    ),
    key(
        "site_root",
        "SENDMUX_SITE_ROOT",
        "target/site",
        "Folder of the dashboard's built files.",
    ),
    key(
        "node_name",
        "SENDMUX_NODE_NAME",
        "",
        "Name of this node in logs. Empty: the host name.",
    ),
    key(
        "log",
        "SENDMUX_LOG",
        "info",
        "What is logged: error, warn, info, debug, trace, or filters such as info,sendmux_engine=debug.",
    ),
    key("log_format", "SENDMUX_LOG_FORMAT", "text", "text or json."),
];

/// The configuration of one process. Not `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Config {
    /// Folder of what the process keeps.
    pub data_dir: PathBuf,
    /// The database.
    pub database_url: String,
    /// Whether `database_url` is the embedded default.
    pub embedded: bool,
    /// Where HTTP is served.
    pub http_addr: SocketAddr,
    /// The reverse proxies that tell who a client is.
    pub trusted_proxies: TrustedProxies,
    /// Where SMTP submission with STARTTLS is served.
    pub smtp_addr: Option<SocketAddr>,
    /// Where SMTP submission with implicit TLS is served.
    pub smtps_addr: Option<SocketAddr>,
    /// The certificate for SMTP; none for a self-signed one.
    pub tls: Option<CertificateFiles>,
    /// The limits of SMTP submission.
    pub smtp: SmtpConfig,
    /// Where the metrics are served.
    pub metrics_addr: Option<SocketAddr>,
    /// Keys that encrypt credentials; empty for the key file.
    pub secret_keys: Vec<String>,
    /// Folder of the dashboard's built files.
    pub site_root: PathBuf,
    /// Name of this node.
    pub node_name: String,
    /// Filters of the log.
    pub log: String,
    /// JSON instead of text.
    pub log_json: bool,
    /// What the domain goes by.
    pub settings: Settings,
    /// Every key with its value and where it came from, for `config check`.
    pub effective: Vec<(&'static Key, String, &'static str)>,
}

impl Config {
    /// Reads the file (when given, or `sendmux.toml` when there is one) and the environment.
    ///
    /// # Errors
    /// Every key that is wrong, with what to do.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let default_file = Path::new("sendmux.toml");
        let file = file.or_else(|| default_file.exists().then_some(default_file));
        let from_file = file.map(read_file).transpose()?.unwrap_or_default();
        Self::from_sources(&from_file, |name| std::env::var(name).ok())
    }

    fn from_sources(file: &BTreeMap<String, String>, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        if let Some(unknown) = file
            .keys()
            .find(|name| !KEYS.iter().any(|key| key.name == name.as_str()))
        {
            let known: Vec<_> = KEYS.iter().map(|key| key.name).collect();
            bail!(
                "unknown key `{unknown}` in the configuration file; known keys: {}",
                known.join(", ")
            );
        }
        let mut effective = Vec::new();
        for key in KEYS {
            let (value, source) = match (env(key.env).filter(|value| !value.is_empty()), file.get(key.name)) {
                (Some(value), _) => (value, "environment"),
                (None, Some(value)) => (value.clone(), "file"),
                (None, None) => (key.default.to_owned(), "default"),
            };
            effective.push((key, value, source));
        }
        let reader = Reader {
            effective: &effective,
            errors: Vec::new(),
        };
        reader.read()
    }
}

#[cfg(test)]
impl Config {
    /// What counts where neither file nor environment says anything.
    pub fn defaults() -> Self {
        Self::from_sources(&BTreeMap::new(), |_| None).unwrap()
    }
}

fn read_file(path: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let table: toml::Table = text
        .parse()
        .with_context(|| format!("{} is not valid TOML", path.display()))?;
    table
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                toml::Value::String(text) => text,
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                toml::Value::Array(items) => items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| item.to_string(), ToOwned::to_owned))
                    .collect::<Vec<_>>()
                    .join(","),
                _ => bail!(
                    "`{name}` in {} must be a string, a number, true or false, or a list",
                    path.display()
                ),
            };
            Ok((name, value))
        })
        .collect()
}

/// Turns texts into values and collects what is wrong.
struct Reader<'a> {
    effective: &'a [(&'static Key, String, &'static str)],
    errors: Vec<String>,
}

impl Reader<'_> {
    fn text(&self, name: &str) -> String {
        self.effective
            .iter()
            .find(|(key, ..)| key.name == name)
            .map(|(_, value, _)| value.clone())
            .unwrap_or_default()
    }

    /// Parses one key; on failure notes the error and goes on with a stand-in.
    fn parse<T>(&mut self, name: &str, stand_in: T, parse: impl FnOnce(&str) -> anyhow::Result<T>) -> T {
        match parse(&self.text(name)) {
            Ok(value) => value,
            Err(error) => {
                let from = self.effective.iter().find(|(key, ..)| key.name == name);
                let (env, source) = from.map_or(("", ""), |(key, _, source)| (key.env, *source));
                self.errors.push(format!("{name} ({env}, from {source}): {error}"));
                stand_in
            }
        }
    }

    fn tls_files(&mut self) -> Option<CertificateFiles> {
        match (self.text("tls_cert"), self.text("tls_key")) {
            (certificate, key) if certificate.is_empty() && key.is_empty() => None,
            (certificate, key) => {
                if certificate.is_empty() || key.is_empty() {
                    let wrong = "tls_cert (SENDMUX_TLS_CERT) and tls_key (SENDMUX_TLS_KEY): give both or none";
                    self.errors.push(wrong.to_owned());
                }
                Some(CertificateFiles {
                    certificate: certificate.into(),
                    key: key.into(),
                })
            }
        }
    }

    /// Whose SMTP connections begin with a header of the PROXY protocol.
    fn smtp_proxies(&mut self, trusted: &TrustedProxies) -> TrustedProxies {
        if !self.parse("smtp_proxy_protocol", false, true_or_false) {
            return TrustedProxies::default();
        }
        if trusted.is_empty() {
            let wrong = "smtp_proxy_protocol (SENDMUX_SMTP_PROXY_PROTOCOL): put the load balancer into trusted_proxies \
                         (SENDMUX_TRUSTED_PROXIES), or no connection has the header";
            self.errors.push(wrong.to_owned());
        }
        trusted.clone()
    }

    /// What clients are told. A port that they reach it at stands for a forward from elsewhere, also to other nodes.
    fn submission(
        &mut self,
        smtp_addr: Option<SocketAddr>,
        smtps_addr: Option<SocketAddr>,
        is_self_signed: bool,
    ) -> Submission {
        let starttls_port = self.parse("smtp_public_port", None, port_or_none);
        let tls_port = self.parse("smtps_public_port", None, port_or_none);
        let is_forwarded = starttls_port.is_some() || tls_port.is_some();
        let port = |address: Option<SocketAddr>| address.map(|address| address.port());
        Submission {
            host: Some(self.text("smtp_public_host")).filter(|host| !host.is_empty()),
            starttls_port: starttls_port.or(port(smtp_addr)),
            tls_port: tls_port.or(port(smtps_addr)),
            is_self_signed,
            is_local: !is_forwarded
                && [smtp_addr, smtps_addr]
                    .into_iter()
                    .flatten()
                    .all(|address| address.ip().is_loopback()),
        }
    }

    fn read(mut self) -> anyhow::Result<Config> {
        let data_dir = PathBuf::from(self.text("data_dir"));
        let http_addr = self.parse("http_addr", SocketAddr::from(([127, 0, 0, 1], 3000)), |text| {
            text.parse()
                .map_err(|_| anyhow!("`{text}` is not an address and port such as 127.0.0.1:3000"))
        });
        let trusted_proxies = self.parse("trusted_proxies", TrustedProxies::loopback(), proxies_or_none);
        let smtp_addr = self.parse("smtp_addr", None, listen_or_off);
        let smtps_addr = self.parse("smtps_addr", None, listen_or_off);
        let metrics_addr = self.parse("metrics_addr", None, listen_or_off);
        let tls = self.tls_files();
        let submission = self.submission(smtp_addr, smtps_addr, tls.is_none());
        let smtp = SmtpConfig {
            messages_per_connection: self.parse("smtp_messages_per_connection", 1, positive),
            max_connections: self.parse("smtp_max_connections", 1, positive) as usize,
            max_connections_per_address: self.parse("smtp_max_connections_per_address", 1, positive) as usize,
            max_hops: self.parse("smtp_max_hops", 1, positive),
            proxies: self.smtp_proxies(&trusted_proxies),
            ..SmtpConfig::default()
        };
        let default_url = format!("http://localhost:{}", http_addr.port());
        let public_url = self.parse("public_url", default_url.clone(), |text| {
            match text.trim_end_matches('/') {
                "" => Ok(default_url),
                url if url.starts_with("http://") || url.starts_with("https://") => Ok(url.to_owned()),
                url => bail!("`{url}` must begin with http:// or https://"),
            }
        });
        let database_url = self.text("database_url");
        let embedded = database_url.is_empty();
        let rate_limit_per_minute = self.parse("rate_limit", 1, positive);
        let managed_daily_cap = self.parse("managed_daily_cap", 1, positive);
        let sign_up = self.parse("sign_up", SignUpPolicy::Open, |text| match text {
            "open" => Ok(SignUpPolicy::Open),
            "closed" => Ok(SignUpPolicy::Closed),
            other => bail!("`{other}` must be open or closed"),
        });
        let allow_private_hosts = self.parse("allow_private_hosts", true, true_or_false);
        let extra_ca = self.parse("extra_ca", None, |path| match path {
            "" => Ok(None),
            path => std::fs::read_to_string(path)
                .map(Some)
                .map_err(|error| anyhow!("cannot read `{path}`: {error}")),
        });
        let helo_name = self.parse("helo_name", None, |text| {
            check_helo_name(text).map_err(|error| anyhow!("`{text}`: {}", error.message))
        });
        let retry_delays = self.parse("retry_delays", Vec::new(), |text| {
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(duration)
                .collect()
        });
        let blocked_expiry = self.parse("blocked_expiry", Duration::ZERO, duration);
        let content_retention = self.parse("content_retention", None, |text| match text {
            "never" => Ok(None),
            text => duration(text)
                .map(Some)
                .map_err(|_| anyhow!("`{text}` must be a length of time such as 30d or 12h, or never")),
        });
        let google = self.google();
        let microsoft = self.microsoft();
        let managed_ses = self.managed_ses();
        let sns_url = self.sns_url();
        let mail = self.mail();
        let log_json = self.parse("log_format", false, |text| match text {
            "text" => Ok(false),
            "json" => Ok(true),
            other => bail!("`{other}` must be text or json"),
        });
        let node_name = match self.text("node_name") {
            name if name.is_empty() => host_name(),
            name => name,
        };
        let secret_keys = self
            .text("secret_key")
            .split(',')
            .map(str::trim)
            .filter(|key| !key.is_empty())
            .map(ToOwned::to_owned)
            .collect();
        if !self.errors.is_empty() {
            bail!("the configuration is wrong:\n  {}", self.errors.join("\n  "));
        }
        Ok(Config {
            database_url: if embedded {
                format!("sqlite:{}", data_dir.join("sendmux.sqlite3").display())
            } else {
                database_url
            },
            embedded,
            http_addr,
            trusted_proxies,
            smtp_addr,
            smtps_addr,
            tls,
            smtp,
            metrics_addr,
            secret_keys,
            site_root: PathBuf::from(self.text("site_root")),
            node_name,
            log: self.text("log"),
            log_json,
            settings: Settings {
                public_url,
                managed_domain: self.text("managed_domain"),
                rate_limit_per_minute,
                managed_daily_cap,
                allow_private_hosts,
                extra_ca,
                helo_name,
                retry_delays,
                blocked_expiry,
                content_retention,
                sign_up,
                google,
                microsoft,
                managed_ses,
                sns_url,
                mail,
                submission,
            },
            effective: self
                .effective
                .iter()
                .map(|(key, value, source)| (*key, value.clone(), *source))
                .collect(),
            data_dir,
        })
    }
}

fn listen_or_off(text: &str) -> anyhow::Result<Option<SocketAddr>> {
    if text == "off" {
        return Ok(None);
    }
    let address = text.parse();
    address
        .map(Some)
        .map_err(|_| anyhow!("`{text}` is not an address and port such as 127.0.0.1:2587, nor off"))
}

fn true_or_false(text: &str) -> anyhow::Result<bool> {
    text.parse().map_err(|_| anyhow!("`{text}` must be true or false"))
}

/// An empty list is none as well, where the configuration file can say so.
fn proxies_or_none(text: &str) -> anyhow::Result<TrustedProxies> {
    if text == "none" {
        return Ok(TrustedProxies::default());
    }
    TrustedProxies::parse(text).map_err(|wrong| anyhow!("{wrong}; none: trust no proxy"))
}

fn port_or_none(text: &str) -> anyhow::Result<Option<u16>> {
    match text.parse() {
        _ if text.is_empty() => Ok(None),
        Ok(0) | Err(_) => bail!("`{text}` must be a port, from 1 to 65535"),
        Ok(port) => Ok(Some(port)),
    }
}

fn positive(text: &str) -> anyhow::Result<u32> {
    match text.parse() {
        Ok(0) | Err(_) => bail!("`{text}` must be a whole number from 1 up"),
        Ok(number) => Ok(number),
    }
}

/// Reads `500ms`, `30s`, `5m`, `2h` or `3d`.
fn duration(text: &str) -> anyhow::Result<Duration> {
    let wrong = || anyhow!("`{text}` must be a length of time such as 30s, 5m, 2h or 3d");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit_ms: u64 = match text[digits..].trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit_ms).map(Duration::from_millis).ok_or_else(wrong)
}

fn host_name() -> String {
    std::fs::read_to_string("/etc/hostname")
        .ok()
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "node".to_owned())
}

/// A configuration file with every key, its default and what it is for.
pub fn example() -> String {
    let mut text = String::from("# Sendmux configuration. Every key is optional; this shows the defaults.\n");
    for key in KEYS {
        text.push_str(&format!(
            "\n# {}\n# Environment variable: {}\n#{} = \"{}\"\n",
            key.help, key.env, key.name, key.default
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn load(file: &[(&str, &str)], env: &[(&str, &str)]) -> anyhow::Result<Config> {
        let file = file
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Config::from_sources(&file, |name| {
            env.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_defaults_run() {
        let config = load(&[], &[]).unwrap();
        assert_eq!(config.settings.public_url, "http://localhost:3000");
        assert_eq!(config.database_url, "sqlite:data/sendmux.sqlite3");
        assert_eq!(
            config.settings.retry_delays,
            [300, 7_200, 43_200].map(Duration::from_secs)
        );
    }

    #[test]
    fn contents_are_kept_for_a_month_for_another_time_or_for_ever() {
        let kept =
            |value: &str| load(&[("content_retention", value)], &[]).map(|config| config.settings.content_retention);
        let day = Duration::from_secs(24 * 3_600);
        assert_eq!(load(&[], &[]).unwrap().settings.content_retention, Some(30 * day));
        assert_eq!(kept("7d").unwrap(), Some(7 * day));
        assert_eq!(kept("0d").unwrap(), Some(Duration::ZERO));
        assert_eq!(kept("never").unwrap(), None);
        assert!(kept("30").unwrap_err().to_string().contains("or never"));
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load(
            &[("rate_limit", "5"), ("node_name", "a")],
            &[("SENDMUX_RATE_LIMIT", "7")],
        )
        .unwrap();
        assert_eq!(
            (config.settings.rate_limit_per_minute, config.node_name.as_str()),
            (7, "a")
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once_and_names_the_key() {
        let error = load(
            &[("http_addr", "here")],
            &[("SENDMUX_RETRY_DELAYS", "5 parsecs"), ("SENDMUX_SIGN_UP", "maybe")],
        )
        .err()
        .unwrap()
        .to_string();
        for part in [
            "http_addr (SENDMUX_HTTP_ADDR, from file)",
            "SENDMUX_RETRY_DELAYS",
            "open or closed",
        ] {
            assert!(error.contains(part), "{error}");
        }
        assert!(
            load(&[("rate_limits", "5")], &[])
                .err()
                .unwrap()
                .to_string()
                .contains("unknown key `rate_limits`")
        );
    }

    #[test]
    fn smtp_can_be_switched_off_and_needs_both_files_of_a_certificate() {
        let config = load(&[("smtp_addr", "off")], &[("SENDMUX_SMTPS_ADDR", "0.0.0.0:465")]).unwrap();
        assert_eq!((config.smtp_addr, config.smtps_addr.unwrap().port()), (None, 465));
        assert!(config.tls.is_none());
        let error = load(&[("smtp_addr", "587"), ("tls_cert", "/a.pem")], &[])
            .err()
            .unwrap()
            .to_string();
        for part in ["smtp_addr (SENDMUX_SMTP_ADDR, from file)", "give both or none"] {
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn proxies_are_networks_or_none() {
        let trusted =
            |value: &str| load(&[], &[("SENDMUX_TRUSTED_PROXIES", value)]).map(|config| config.trusted_proxies);
        assert_eq!(load(&[], &[]).unwrap().trusted_proxies, TrustedProxies::loopback());
        assert_eq!(
            trusted("10.1.2.3, fd00::/8").unwrap().to_string(),
            "10.1.2.3/32,fd00::/8"
        );
        assert!(trusted("none").unwrap().is_empty());
        assert!(
            load(&[("trusted_proxies", "")], &[])
                .unwrap()
                .trusted_proxies
                .is_empty()
        );
        for wrong in ["proxy", "10.0.0.0/40", "0.0.0.0/0"] {
            let error = trusted(wrong).unwrap_err().to_string();
            for part in [
                "trusted_proxies (SENDMUX_TRUSTED_PROXIES, from environment)",
                wrong,
                "none",
            ] {
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn smtp_takes_the_word_of_proxies_only_when_told_to() {
        let proxies = |file: &[(&str, &str)]| load(file, &[]).map(|config| config.smtp.proxies);
        assert!(proxies(&[]).unwrap().is_empty());
        let on = ("smtp_proxy_protocol", "true");
        assert_eq!(proxies(&[on]).unwrap(), TrustedProxies::loopback());
        let named = proxies(&[on, ("trusted_proxies", "10.0.0.0/8")]).unwrap();
        assert_eq!(named, TrustedProxies::parse("10.0.0.0/8").unwrap());
        for (file, part) in [
            (
                &[on, ("trusted_proxies", "none")][..],
                "put the load balancer into trusted_proxies",
            ),
            (&[("smtp_proxy_protocol", "v2")], "`v2` must be true or false"),
        ] {
            let error = proxies(file).unwrap_err().to_string();
            assert!(error.contains("smtp_proxy_protocol") && error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_name_towards_smtp_servers_is_a_full_one() {
        let named = |name: &str| load(&[], &[("SENDMUX_HELO_NAME", name)]).map(|config| config.settings.helo_name);
        assert_eq!(named("Out.Example.com").unwrap().as_deref(), Some("out.example.com"));
        assert_eq!(named("").unwrap(), None);
        let error = named("mailer").unwrap_err().to_string();
        assert!(
            error.contains("helo_name") && error.contains("full domain name"),
            "{error}"
        );
    }

    #[test]
    fn clients_are_told_the_ports_at_which_they_reach_smtp() {
        let told = |env: &[(&str, &str)]| load(&[], env).unwrap().settings.submission;
        let own = told(&[]);
        assert_eq!((own.starttls_port, own.tls_port), (Some(2587), Some(2465)));
        assert!(own.is_local && own.host.is_none());
        let mapped = told(&[
            ("SENDMUX_SMTP_PUBLIC_PORT", "587"),
            ("SENDMUX_SMTPS_ADDR", "off"),
            ("SENDMUX_SMTP_PUBLIC_HOST", "smtp.example.com"),
        ]);
        assert_eq!((mapped.starttls_port, mapped.tls_port), (Some(587), None));
        assert_eq!(mapped.host.as_deref(), Some("smtp.example.com"));
        assert!(!mapped.is_local);
        for wrong in ["0", "70000", "587/tcp"] {
            let error = load(&[("smtps_public_port", wrong)], &[]).err().unwrap().to_string();
            assert!(
                error.contains("smtps_public_port") && error.contains("from 1 to 65535"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_example_is_valid_and_names_every_key() {
        let uncommented = example()
            .replace("\n#", "\n")
            .lines()
            .filter(|line| line.contains(" = \""))
            .collect::<Vec<_>>()
            .join("\n");
        let table: toml::Table = uncommented.parse().unwrap();
        assert_eq!(table.len(), KEYS.len());
    }
}
