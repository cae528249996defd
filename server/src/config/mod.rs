//! Configuration of the process: settings declared here, in `sendmux_smtp` and in `sendmux_domain`, read from a TOML file
//! and from environment variables, which win.

mod file;
pub mod print;

use crate::tls::CertificateFiles;
use anyhow::bail;
use sendmux_domain::secrets::Secret;
use sendmux_domain::settings::{InForce, Reader, Submission, Value};
use sendmux_domain::{Settings, TrustedProxies};
use sendmux_smtp::SmtpConfig;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

sendmux_domain::settings! {
    /// Configuration of one process. Not `Debug`: it holds secrets.
    #[derive(Clone)]
    pub struct Config {
        in "Server" {
            /// Folder of the embedded database, the secret key and the development certificate.
            data_dir: PathBuf = "data",
            /// `postgres://user:password@host/database` (15 or later), for several nodes. Empty: SQLite in `data_dir`.
            database: Option<Secret> = "" as "database_url" env "DATABASE_URL",
            /// Address and port of the dashboard and the API. `0.0.0.0:3000` for all interfaces.
            http_addr: SocketAddr = "127.0.0.1:3000",
            /// URL at which people and clients reach this installation; `https://…` makes cookies Secure. Empty:
            /// `http://localhost` and the port of `http_addr`.
            public_url: Option<String> = "" by web_address,
            /// Reverse proxies, as networks and addresses by commas. Their `X-Forwarded-For` or `Forwarded` header, or with
            /// `smtp_proxy_protocol` the PROXY protocol, tells the client's address. `none`: no proxy is trusted.
            trusted_proxies: TrustedProxies = "127.0.0.0/8,::1",
            /// Address and port of `/metrics` for Prometheus, without a password: keep it off public networks. `off`: none.
            metrics_addr: Option<SocketAddr> = "127.0.0.1:9464" by listen_or_off,
            /// 32 bytes in base64 that encrypt credentials; several, separated by commas, to rotate (the first encrypts).
            /// Empty: a key file in `data_dir`, made at the first start. Nodes that share a database need the same key.
            secret_keys: Vec<Secret> = "" as "secret_key",
            /// Folder of the dashboard's built files.
            site_root: PathBuf = "target/site",
            /// Name of this node in logs. Empty: the host name.
            node_name: String = "" by node_name,
            /// Level of the log: `error`, `warn`, `info`, `debug`, `trace`, or filters such as `info,sendmux_engine=debug`.
            log: String = "info",
            /// Format of the log on standard error: `text` or `json`.
            log_json: bool = "text" as "log_format" by json_or_text,
        }
        in "SMTP submission" {
            /// Address and port of SMTP submission with STARTTLS; port 587 is the standard's. `off`: none.
            smtp_addr: Option<SocketAddr> = "127.0.0.1:2587" by listen_or_off,
            /// Address and port of SMTP submission with implicit TLS; port 465 is the standard's. `off`: none.
            smtps_addr: Option<SocketAddr> = "127.0.0.1:2465" by listen_or_off,
            /// Host at which clients reach SMTP submission, as the dashboard shows it. Empty: that of `public_url`.
            smtp_public_host: Option<String> = "",
            /// Port at which clients reach `smtp_addr`, where a forward or a container's port mapping stands in between.
            /// Empty: its own.
            smtp_public_port: Option<u16> = "",
            /// Port at which clients reach `smtps_addr`, likewise. Empty: its own.
            smtps_public_port: Option<u16> = "",
            /// Certificate chain in PEM for SMTP, read again when it changes. Empty: a self-signed one in `data_dir`.
            tls_cert: Option<PathBuf> = "",
            /// Private key in PEM that belongs to `tls_cert`.
            tls_key: Option<PathBuf> = "",
            /// PROXY protocol (version 1 or 2) on every SMTP connection from `trusted_proxies`, as load balancers send it; a
            /// connection without its header is closed.
            smtp_proxy_protocol: bool = "false",
        }
        with {
            /// The limits of SMTP submission.
            smtp: SmtpConfig = SmtpConfig::default(),
            /// Settings that the domain goes by.
            settings: Settings = Settings::default(),
            /// All settings with their values and sources, for `config check`.
            in_force: Vec<InForce> = Vec::new(),
        }
    }
}

impl Config {
    /// Reads the file (when given, or `sendmux.toml` when there is one) and the environment.
    ///
    /// # Errors
    /// Every key that is wrong, with what to do.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let default_file = Path::new("sendmux.toml");
        let file = file.or_else(|| default_file.exists().then_some(default_file));
        let from_file = file.map(file::read).transpose()?.unwrap_or_default();
        Self::from_sources(&from_file, &|name| std::env::var(name).ok())
    }

    fn from_sources(
        file: &BTreeMap<String, String>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> anyhow::Result<Self> {
        let mut reader = Reader::new(file, variable);
        let mut config = Self::declared(&mut reader);
        config.smtp = SmtpConfig::declared(&mut reader);
        config.settings = Settings::read(&mut reader);
        config.settings.public_url = match config.public_url.clone() {
            Some(url) => url,
            None => format!("http://localhost:{}", config.http_addr.port()),
        };
        config.settings.submission = config.submission();
        let is_local = config.listens_on_loopback_only();
        config.settings.allow_private_hosts = config.settings.private_hosts.unwrap_or(is_local);
        config.settings.needs_setup_token = !config.http_addr.ip().is_loopback();
        if config.tls_cert.is_some() != config.tls_key.is_some() {
            reader.wrong("tls_cert (SENDMUX_TLS_CERT) and tls_key (SENDMUX_TLS_KEY): give both or none");
        }
        if config.smtp_proxy_protocol {
            if config.trusted_proxies.is_empty() {
                reader.wrong(
                    "smtp_proxy_protocol (SENDMUX_SMTP_PROXY_PROTOCOL): put the load balancer into trusted_proxies \
                     (SENDMUX_TRUSTED_PROXIES), or no connection has the header",
                );
            }
            config.smtp.proxies = config.trusted_proxies.clone();
        }
        match reader.finish() {
            Ok(in_force) => config.in_force = in_force,
            Err(errors) => bail!("the configuration is wrong:\n  {}", errors.join("\n  ")),
        }
        Ok(config)
    }

    /// Addresses at which clients reach SMTP submission. A port that is set stands for a forward from elsewhere, also to
    /// other nodes.
    fn submission(&self) -> Submission {
        let is_forwarded = self.smtp_public_port.is_some() || self.smtps_public_port.is_some();
        let port = |address: Option<SocketAddr>| address.map(|address| address.port());
        Submission {
            host: self.smtp_public_host.clone(),
            starttls_port: self.smtp_public_port.or(port(self.smtp_addr)),
            tls_port: self.smtps_public_port.or(port(self.smtps_addr)),
            is_self_signed: self.certificate().is_none(),
            is_local: !is_forwarded
                && [self.smtp_addr, self.smtps_addr]
                    .into_iter()
                    .flatten()
                    .all(|address| address.ip().is_loopback()),
        }
    }

    /// True if only this machine reaches the listeners for clients.
    fn listens_on_loopback_only(&self) -> bool {
        [Some(self.http_addr), self.smtp_addr, self.smtps_addr]
            .into_iter()
            .flatten()
            .all(|address| address.ip().to_canonical().is_loopback())
    }

    /// The certificate for SMTP; none for a self-signed one.
    pub fn certificate(&self) -> Option<CertificateFiles> {
        let (certificate, key) = (self.tls_cert.clone()?, self.tls_key.clone()?);
        Some(CertificateFiles { certificate, key })
    }

    /// True if the database is the embedded one.
    pub fn is_embedded(&self) -> bool {
        self.database.is_none()
    }

    /// URL of the database, which may hold a password.
    pub fn database_url(&self) -> String {
        match &self.database {
            Some(url) => url.expose().to_owned(),
            None => format!("sqlite:{}", self.database_file().display()),
        }
    }

    /// File of the embedded database.
    pub fn database_file(&self) -> PathBuf {
        self.data_dir.join("sendmux.sqlite3")
    }
}

fn web_address(text: &str) -> Result<Option<String>, String> {
    match text.trim_end_matches('/') {
        "" => Ok(None),
        url if url.starts_with("http://") || url.starts_with("https://") => Ok(Some(url.to_owned())),
        url => Err(format!("`{url}` must begin with http:// or https://")),
    }
}

fn listen_or_off(text: &str) -> Result<Option<SocketAddr>, String> {
    match text {
        "off" => Ok(None),
        text => SocketAddr::parse(text)
            .map(Some)
            .map_err(|wrong| format!("{wrong}, nor off")),
    }
}

fn json_or_text(text: &str) -> Result<bool, String> {
    match text {
        "text" => Ok(false),
        "json" => Ok(true),
        other => Err(format!("`{other}` must be text or json")),
    }
}

fn node_name(text: &str) -> Result<String, String> {
    let host = || std::fs::read_to_string("/etc/hostname").map(|name| name.trim().to_owned());
    let mut names = std::iter::once(text.to_owned()).chain(host().ok());
    Ok(names.find(|name| !name.is_empty()).unwrap_or_else(|| "node".to_owned()))
}

#[cfg(test)]
mod tests;
