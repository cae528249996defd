use super::*;
use std::time::Duration;

fn load(file: &[(&str, &str)], env: &[(&str, &str)]) -> anyhow::Result<Config> {
    let file = file
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Config::from_sources(&file, &|name| {
        env.iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
}

fn error(file: &[(&str, &str)], env: &[(&str, &str)]) -> String {
    load(file, env).err().unwrap().to_string()
}

#[test]
fn the_defaults_run() {
    let config = load(&[], &[]).unwrap();
    assert_eq!(config.settings.public_url, "http://localhost:3000");
    assert_eq!(config.database_url(), "sqlite:data/sendmux.sqlite3");
    assert_eq!(
        config.settings.retry_delays,
        [300, 7_200, 43_200].map(Duration::from_secs)
    );
}

#[test]
fn the_first_account_takes_a_token_unless_only_this_machine_reaches_the_dashboard() {
    for (address, needed) in [
        ("127.0.0.1:3000", false),
        ("[::1]:3000", false),
        ("0.0.0.0:3000", true),
        ("192.0.2.1:80", true),
    ] {
        let config = load(&[], &[("SENDMUX_HTTP_ADDR", address)]).unwrap();
        assert_eq!(config.settings.needs_setup_token, needed, "{address}");
    }
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
    let wrong = error(
        &[("http_addr", "here")],
        &[("SENDMUX_RETRY_DELAYS", "5 parsecs"), ("SENDMUX_SIGN_UP", "maybe")],
    );
    for part in [
        "http_addr (SENDMUX_HTTP_ADDR, from file)",
        "SENDMUX_RETRY_DELAYS",
        "open or closed",
    ] {
        assert!(wrong.contains(part), "{wrong}");
    }
    assert!(error(&[("rate_limits", "5")], &[]).contains("unknown key `rate_limits`"));
}

#[test]
fn smtp_can_be_switched_off_and_needs_both_files_of_a_certificate() {
    let config = load(&[("smtp_addr", "off")], &[("SENDMUX_SMTPS_ADDR", "0.0.0.0:465")]).unwrap();
    assert_eq!((config.smtp_addr, config.smtps_addr.unwrap().port()), (None, 465));
    assert!(config.certificate().is_none());
    let error = error(&[("smtp_addr", "587"), ("tls_cert", "/a.pem")], &[]);
    for part in ["smtp_addr (SENDMUX_SMTP_ADDR, from file)", "give both or none"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn private_hosts_are_allowed_only_while_nobody_else_reaches_the_listeners() {
    let allowed = |file: &[(&str, &str)]| load(file, &[]).unwrap().settings.allow_private_hosts;
    assert!(allowed(&[]));
    assert!(allowed(&[
        ("http_addr", "[::1]:3000"),
        ("smtp_addr", "off"),
        ("smtps_addr", "off")
    ]));
    for (key, address) in [
        ("http_addr", "0.0.0.0:3000"),
        ("smtp_addr", "[::]:587"),
        ("smtps_addr", "192.168.1.2:465"),
    ] {
        assert!(!allowed(&[(key, address)]), "{key}");
        assert!(allowed(&[(key, address), ("allow_private_hosts", "true")]), "{key}");
    }
    assert!(!allowed(&[("allow_private_hosts", "false")]));
}

#[test]
fn proxies_are_networks_or_none() {
    let trusted = |value: &str| load(&[], &[("SENDMUX_TRUSTED_PROXIES", value)]).map(|config| config.trusted_proxies);
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
        let error = error(&[("smtps_public_port", wrong)], &[]);
        assert!(
            error.contains("smtps_public_port") && error.contains("from 1 to 65535"),
            "{error}"
        );
    }
}

#[test]
fn lengths_of_time_may_have_parts() {
    let settings = load(&[("retry_delays", "90s, 1h 30m")], &[]).unwrap().settings;
    assert_eq!(settings.retry_delays, [90, 5_400].map(Duration::from_secs));
}

#[test]
fn a_misspelt_key_is_answered_with_the_right_one_beside_all_other_errors() {
    let error = error(&[("http_adr", "127.0.0.1:1"), ("log_format", "xml")], &[]);
    for part in [
        "unknown key `http_adr` in the configuration file: did you mean `http_addr`?",
        "log_format (SENDMUX_LOG_FORMAT, from file): `xml` must be text or json",
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn the_address_of_the_installation_is_given_or_follows_from_the_port() {
    let url = |file: &[(&str, &str)]| load(file, &[]).map(|config| config.settings.public_url);
    assert_eq!(url(&[("http_addr", "0.0.0.0:8080")]).unwrap(), "http://localhost:8080");
    assert_eq!(
        url(&[("public_url", "https://mail.example.com/")]).unwrap(),
        "https://mail.example.com"
    );
    let error = error(&[("public_url", "mail.example.com")], &[]);
    assert!(
        error.contains("`mail.example.com` must begin with http:// or https://"),
        "{error}"
    );
}
