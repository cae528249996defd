use super::*;

fn form() -> SmtpForm {
    SmtpForm {
        name: "Relay".to_owned(),
        host: "smtp.example.com".to_owned(),
        port: "587".to_owned(),
        security: "starttls".to_owned(),
        username: "apikey".to_owned(),
        password: Some("hunter2".to_owned()),
        ..SmtpForm::default()
    }
}

fn wrong(form: SmtpForm, stored: Option<Stored<&SmtpConfig>>) -> Vec<(String, &'static str)> {
    match SmtpConfig::check(form, stored, &crate::Settings::default()) {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|error| (error.field, error.code)).collect(),
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn a_right_form_is_taken() {
    let valid = SmtpConfig::check(
        SmtpForm {
            port: " 465 ".into(),
            security: "tls".into(),
            ..form()
        },
        None,
        &crate::Settings::default(),
    )
    .unwrap();
    assert_eq!(
        (valid.config.port, valid.config.security),
        (465, SmtpSecurity::Implicit)
    );
    assert_eq!(valid.secret, SecretChange::Set(Secret::from("hunter2")));
    let open = SmtpForm {
        username: " ".into(),
        password: Some(String::new()),
        ..form()
    };
    assert_eq!(
        SmtpConfig::check(open, None, &crate::Settings::default())
            .unwrap()
            .secret,
        SecretChange::None
    );
}

#[test]
fn every_wrong_field_is_named() {
    assert_eq!(
        wrong(SmtpForm::default(), None),
        ["name", "host", "port", "security"].map(|field| (field.to_owned(), "required"))
    );
    for port in ["0", "65536", "-1", "587a", "5 8 7", "58.7"] {
        assert_eq!(
            wrong(
                SmtpForm {
                    port: port.into(),
                    ..form()
                },
                None
            ),
            [("port".to_owned(), "invalid")],
            "{port}"
        );
    }
    let both = SmtpForm {
        security: "ssl".into(),
        host: "https://x".into(),
        ..form()
    };
    assert_eq!(
        wrong(both, None),
        [("host".to_owned(), "invalid"), ("security".to_owned(), "invalid")]
    );
    let alone = SmtpForm {
        username: String::new(),
        ..form()
    };
    assert_eq!(wrong(alone, None), [("username".to_owned(), "required")]);
    let alone = SmtpForm {
        password: None,
        ..form()
    };
    assert_eq!(wrong(alone, None), [("password".to_owned(), "required")]);
    let nul = SmtpForm {
        username: "a\0b".into(),
        password: Some("x\n".into()),
        ..form()
    };
    assert_eq!(
        wrong(nul, None),
        [("username".to_owned(), "invalid"), ("password".to_owned(), "invalid")]
    );
}

#[test]
fn the_dialogue_has_defaults_and_keeps_what_is_set() {
    let config = SmtpConfig::check(form(), None, &crate::Settings::default())
        .unwrap()
        .config;
    assert_eq!((&config.helo_name, config.timeouts), (&None, SmtpTimeouts::default()));
    // What is stored of an older provider, and of one that sets nothing, is the same.
    let stored = serde_json::to_string(&config).unwrap();
    assert_eq!(
        stored,
        r#"{"host":"smtp.example.com","port":587,"security":"starttls","username":"apikey"}"#
    );
    assert_eq!(serde_json::from_str::<SmtpConfig>(&stored).unwrap(), config);

    let set = SmtpForm {
        helo_name: "Mail.Example.com".into(),
        command_timeout: "120".into(),
        ..form()
    };
    let config = SmtpConfig::check(set, None, &crate::Settings::default())
        .unwrap()
        .config;
    assert_eq!(config.helo_name.as_deref(), Some("mail.example.com"));
    let timeouts = SmtpTimeouts {
        command: 120,
        ..SmtpTimeouts::default()
    };
    assert_eq!(config.timeouts, timeouts);
    assert_eq!(
        serde_json::from_str::<SmtpConfig>(&serde_json::to_string(&config).unwrap()).unwrap(),
        config
    );

    let odd = SmtpForm {
        helo_name: "localhost".into(),
        connect_timeout: "0".into(),
        command_timeout: "x".into(),
        data_timeout: "301".into(),
        ..form()
    };
    assert_eq!(
        wrong(odd, None),
        ["helo_name", "connect_timeout", "command_timeout", "data_timeout"].map(|field| (field.to_owned(), "invalid"))
    );
}

#[test]
fn the_stored_password_stays_where_it_was_entered_for() {
    let config = SmtpConfig::check(form(), None, &crate::Settings::default())
        .unwrap()
        .config;
    let stored = Stored {
        config: &config,
        has_secret: true,
    };
    let keep = SmtpForm {
        password: None,
        ..form()
    };
    for harmless in [
        keep.clone(),
        SmtpForm {
            host: "SMTP.example.com.".into(),
            ..keep.clone()
        },
        SmtpForm {
            port: "465".into(),
            security: "tls".into(),
            ..keep.clone()
        },
        SmtpForm {
            username: "other".into(),
            ..keep.clone()
        },
    ] {
        assert_eq!(
            SmtpConfig::check(harmless, Some(stored), &crate::Settings::default())
                .unwrap()
                .secret,
            SecretChange::Keep
        );
    }
    let required = [("password".to_owned(), "required")];
    assert_eq!(
        wrong(
            SmtpForm {
                host: "evil.example".into(),
                ..keep.clone()
            },
            Some(stored)
        ),
        required
    );
    assert_eq!(
        wrong(
            SmtpForm {
                security: "none".into(),
                ..keep.clone()
            },
            Some(stored)
        ),
        required
    );
    let none = Stored {
        config: &config,
        has_secret: false,
    };
    assert_eq!(wrong(keep.clone(), Some(none)), required);
    let moved = SmtpForm {
        host: "new.example".into(),
        ..form()
    };
    assert_eq!(
        SmtpConfig::check(moved, Some(stored), &crate::Settings::default())
            .unwrap()
            .secret,
        SecretChange::Set(Secret::from("hunter2"))
    );
    let opened = SmtpForm {
        username: String::new(),
        host: "new.example".into(),
        ..keep
    };
    assert_eq!(
        SmtpConfig::check(opened, Some(stored), &crate::Settings::default())
            .unwrap()
            .secret,
        SecretChange::None
    );
}

#[test]
fn the_password_does_not_show_in_debug_output() {
    assert!(!format!("{:?}", form()).contains("hunter2"));
}

#[test]
fn where_private_hosts_are_not_allowed_the_ports_are_those_of_mail() {
    let guarded = crate::Settings {
        allow_private_hosts: false,
        ..crate::Settings::default()
    };
    let check = |port: &str, installation: &crate::Settings| {
        let port = port.to_owned();
        match SmtpConfig::check(SmtpForm { port, ..form() }, None, installation) {
            Err(Error::Invalid(errors)) => Some((errors[0].field.clone(), errors[0].code, errors[0].message.clone())),
            Err(error) => panic!("{error}"),
            Ok(_) => None,
        }
    };
    for port in ["25", "465", "587", "2525"] {
        assert_eq!(check(port, &guarded), None, "{port}");
    }
    for port in ["6379", "1", "26"] {
        let (field, code, message) = check(port, &guarded).expect(port);
        assert_eq!((field.as_str(), code), ("port", "not_allowed"));
        assert!(message.contains("25, 465, 587, 2525"), "{message}");
        assert_eq!(check(port, &crate::Settings::default()), None, "{port}");
    }
    let chosen = crate::Settings {
        smtp_ports: vec![6379],
        ..guarded
    };
    assert_eq!(check("6379", &chosen), None);
    assert!(check("587", &chosen).is_some());
}
