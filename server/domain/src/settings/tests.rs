use super::*;
use std::collections::BTreeMap;

pub(super) fn load(file: &[(&str, &str)]) -> Result<Settings, String> {
    let file: BTreeMap<String, String> = file
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut reader = Reader::new(&file, &|_| None);
    let settings = Settings::read(&mut reader);
    reader.finish().map(|_| settings).map_err(|errors| errors.join("\n"))
}

#[test]
fn the_declared_defaults_are_valid() {
    let settings = Settings::default();
    let hours = |hours: u64| Duration::from_secs(hours * 3_600);
    assert_eq!(settings.retry_delays, [Duration::from_secs(300), hours(2), hours(12)]);
    assert_eq!(settings.blocked_expiry, hours(72));
    assert_eq!(settings.content_retention, Some(hours(30 * 24)));
    assert_eq!(
        (settings.rate_limit_per_minute, settings.managed_daily_cap),
        (1_800, 50)
    );
    assert_eq!(settings.sign_up, SignUpPolicy::Open);
    assert!(settings.allow_private_hosts && settings.extra_ca.is_none() && settings.helo_name.is_none());
}

#[test]
fn contents_are_kept_for_a_month_for_another_time_or_for_ever() {
    let kept = |value: &str| load(&[("content_retention", value)]).map(|settings| settings.content_retention);
    let day = Duration::from_secs(24 * 3_600);
    assert_eq!(kept("7d").unwrap(), Some(7 * day));
    assert_eq!(kept("0d").unwrap(), Some(Duration::ZERO));
    assert_eq!(kept("never").unwrap(), None);
    assert!(kept("30").unwrap_err().contains("or never"));
}

#[test]
fn the_name_towards_smtp_servers_is_a_full_one() {
    let named = |name: &str| load(&[("helo_name", name)]).map(|settings| settings.helo_name);
    assert_eq!(named("Out.Example.com").unwrap().as_deref(), Some("out.example.com"));
    assert_eq!(named("").unwrap(), None);
    let error = named("mailer").unwrap_err();
    assert!(
        error.contains("helo_name") && error.contains("full domain name"),
        "{error}"
    );
}

#[test]
fn every_setting_says_what_is_valid() {
    let error = load(&[
        ("sign_up", "maybe"),
        ("rate_limit", "0"),
        ("retry_delays", "5m,5 parsecs"),
        ("blocked_expiry", "72"),
        ("allow_private_hosts", "no"),
        ("smtp_ports", "25,smtp"),
        ("extra_ca", "/nowhere/at-all.pem"),
        ("managed_daily_cap", "-1"),
        ("sns_url", "ftp://example.com"),
    ])
    .unwrap_err();
    for part in [
        "sign_up (SENDMUX_SIGN_UP, from file): `maybe` must be open or closed",
        "rate_limit (SENDMUX_RATE_LIMIT, from file): `0` must be a whole number from 1 up",
        "retry_delays (SENDMUX_RETRY_DELAYS, from file): `5 parsecs` must be a length of time",
        "blocked_expiry (SENDMUX_BLOCKED_EXPIRY, from file): `72` must be a length of time",
        "allow_private_hosts (SENDMUX_ALLOW_PRIVATE_HOSTS, from file): `no` must be true or false",
        "smtp_ports (SENDMUX_SMTP_PORTS, from file): `smtp` must be a port, from 1 to 65535",
        "extra_ca (SENDMUX_EXTRA_CA, from file): cannot read `/nowhere/at-all.pem`",
        "managed_daily_cap (SENDMUX_MANAGED_DAILY_CAP, from file): `-1`",
        "sns_url (SENDMUX_SNS_URL, from file): `ftp://example.com` is not an address such as https://host",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(error.lines().count(), 9, "{error}");
}

#[test]
fn the_message_id_host_is_the_public_host() {
    let host = |url: &str| {
        Settings {
            public_url: url.to_owned(),
            ..Settings::default()
        }
        .message_id_host()
        .to_owned()
    };
    assert_eq!(host("https://mail.example.com"), "mail.example.com");
    assert_eq!(host("http://localhost:3000"), "localhost");
    assert_eq!(host("http://[::1]:3000/x"), "localhost");
}

#[test]
fn servers_are_greeted_with_the_public_host_where_it_means_something_elsewhere() {
    let name = |url: &str, set: Option<&str>| {
        Settings {
            public_url: url.to_owned(),
            helo_name: set.map(str::to_owned),
            ..Settings::default()
        }
        .helo_name()
    };
    let public = "https://mail.example.com:8443";
    assert_eq!(name(public, None).as_deref(), Some("mail.example.com"));
    assert_eq!(
        name(public, Some("out.example.com")).as_deref(),
        Some("out.example.com")
    );
    for local in [
        "http://localhost:3000",
        "http://sendmux.localhost",
        "http://127.0.0.1:3000",
        "http://[::1]:3000",
        "http://mailer",
    ] {
        assert_eq!(name(local, None), None, "{local}");
    }
}

#[test]
fn the_public_host_has_no_port() {
    let host = |url: &str| {
        Settings {
            public_url: url.to_owned(),
            ..Settings::default()
        }
        .public_host()
        .to_owned()
    };
    assert_eq!(host("https://mail.example.com/"), "mail.example.com");
    assert_eq!(host("http://[::1]:3000"), "[::1]");
    assert_eq!(host("http://[::1]"), "[::1]");
}
