//! The connection test.

use sendmux_providers::{Connector, SmtpConnector, SmtpSettings, TestReport};
use sendmux_rules::{Class, SmtpSecurity};

use super::script::{Script, Server, certificate};
use super::{MESSAGE, credentials, job, settings};

async fn test(server: &Server, change: impl FnOnce(&mut SmtpSettings)) -> TestReport {
    let mut settings = settings(server);
    change(&mut settings);
    SmtpConnector::new(settings).test().await
}

fn names(report: &TestReport) -> Vec<&'static str> {
    report.steps.iter().map(|step| step.name).collect()
}

#[tokio::test]
async fn all_steps_are_taken_and_no_message_is_sent() {
    let (config, pem) = certificate(&["127.0.0.1"]);
    let script = Script::greeting(&["STARTTLS"])
        .on("STARTTLS", "220 Go ahead")
        .tls(&config)
        .ehlo(&["SIZE 26214400", "AUTH PLAIN LOGIN", "PIPELINING"])
        .on("AUTH PLAIN", "235 Ok")
        .on("NOOP", "250 Ok")
        .on("QUIT", "221 Bye");
    let server = Server::start([script]).await;
    let report = test(&server, |settings| {
        settings.security = SmtpSecurity::StartTls;
        settings.extra_roots = Some(pem);
        settings.credentials = credentials();
    })
    .await;
    assert!(report.ok, "{report:?}");
    assert_eq!(names(&report), ["connect", "tls", "ehlo", "auth", "noop"]);
    assert_eq!((report.class, &report.advice), (None, &None));
    let detail = |step: usize| report.steps[step].detail.as_str();
    assert!(detail(0).starts_with("Connected to 127.0.0.1:"), "{}", detail(0));
    assert!(detail(1).starts_with("TLS 1.3 with "), "{}", detail(1));
    assert!(detail(1).contains("valid until"), "{}", detail(1));
    assert_eq!(
        detail(2),
        "The server takes messages of up to 26.2 MB, offers signing in with PLAIN, LOGIN, and has PIPELINING."
    );
    assert_eq!(detail(3), "Signed in with PLAIN.");
    server.heard().await;
}

#[tokio::test]
async fn a_provider_that_is_this_very_server_gets_nothing() {
    let own = || Script::greeting(&["STARTTLS", "XSENDMUX 0123456789abcdef"]);
    let server = Server::start([own(), own()]).await;
    let settings = SmtpSettings {
        own_marks: vec!["0123456789abcdef".to_owned()],
        security: SmtpSecurity::StartTls,
        credentials: credentials(),
        ..settings(&server)
    };
    let connector = SmtpConnector::new(settings);
    let report = connector.test().await;
    assert_eq!((report.ok, report.class), (false, Some(Class::Config)));
    assert_eq!(names(&report), ["connect", "ehlo"]);
    assert_eq!(
        report.steps[1].detail,
        "This host is this server itself: mail that it is handed would come back here."
    );
    assert!(report.advice.unwrap().contains("not this installation"));
    let sent = connector.send(&job(&["ana@example.org"], MESSAGE)).await;
    assert_eq!(
        (sent.overall.class, sent.overall.rule),
        (Class::Config, "local.own_server")
    );
    server.heard().await;
}

#[tokio::test]
async fn another_installation_of_this_kind_is_a_server_like_any_other() {
    let script = Script::greeting(&["XSENDMUX fedcba9876543210"])
        .on("NOOP", "250 Ok")
        .on("QUIT", "221 Bye");
    let server = Server::start([script]).await;
    let report = test(&server, |settings| {
        settings.own_marks = vec!["0123456789abcdef".to_owned()]
    })
    .await;
    assert!(report.ok, "{report:?}");
    server.heard().await;
}

#[tokio::test]
async fn the_mechanism_that_worked_is_named_with_the_one_that_did_not() {
    let offering = || Script::greeting(&["AUTH PLAIN LOGIN"]);
    let login = |script: Script| {
        script
            .on("AUTH LOGIN", "334 VXNlcm5hbWU6")
            .on("dXNlckBleGFtcGxlLmNvbQ==", "334 UGFzc3dvcmQ6")
            .on("aHVudGVyMiE=", "235 Ok")
            .on("NOOP", "250 Ok")
            .on("QUIT", "221 Bye")
    };
    let refused = offering().on("AUTH PLAIN", "535 5.7.8 No");
    for (scripts, said) in [
        (
            vec![login(refused.clone())],
            "Signed in with LOGIN, after PLAIN was refused (535 5.7.8 No).",
        ),
        // The server hangs up on the refused.
        (vec![refused, login(offering())], "Signed in with LOGIN."),
    ] {
        let server = Server::start(scripts).await;
        let report = test(&server, |settings| settings.credentials = credentials()).await;
        assert!(report.ok, "{report:?}");
        assert_eq!(names(&report), ["connect", "ehlo", "auth", "noop"]);
        assert_eq!(report.steps[2].detail, said);
        server.heard().await;
    }
}

#[tokio::test]
async fn a_refused_password_is_named_and_not_shown() {
    let script = Script::greeting(&["AUTH PLAIN"]).on("AUTH PLAIN", "535 5.7.8 Error: authentication failed");
    let server = Server::start([script]).await;
    let port = server.port();
    let report = test(&server, |settings| settings.credentials = credentials()).await;
    assert!(!report.ok);
    assert_eq!(report.class, Some(Class::Auth));
    assert_eq!(names(&report), ["connect", "ehlo", "auth"]);
    assert_eq!(
        report.steps[2].detail,
        format!(
            "The server at 127.0.0.1:{port} refused the user name or password (535 5.7.8 Error: authentication failed)."
        )
    );
    assert!(report.advice.as_deref().unwrap().starts_with("Check the user name"));
    assert!(!format!("{report:?}").contains("hunter2"));
    server.heard().await;
}

#[tokio::test]
async fn advice_fits_what_went_wrong() {
    let signing_in = |settings: &mut SmtpSettings| settings.credentials = credentials();
    let google = "534-5.7.9 Application-specific password required. For more\r\n534 5.7.9 information, go to";
    for (script, change, class, step, advice) in [
        (
            Script::greeting(&[]),
            (|settings| settings.security = SmtpSecurity::StartTls) as fn(&mut SmtpSettings),
            Class::Config,
            "tls",
            "Try TLS from the start",
        ),
        (
            Script::greeting(&["AUTH PLAIN"]).on("AUTH PLAIN", google),
            signing_in,
            Class::Auth,
            "auth",
            "This account needs an app password",
        ),
        (
            Script::greeting(&[]),
            signing_in,
            Class::Config,
            "auth",
            "Many servers offer signing in only on an encrypted connection",
        ),
        (
            Script::default().say("220 mail.example\r\n").hear_end(),
            |settings| settings.security = SmtpSecurity::Implicit,
            Class::Connection,
            "tls",
            "The server may not begin with TLS on this port",
        ),
        (
            Script::default().say("421 4.3.2 Busy\r\n"),
            |_| {},
            Class::Connection,
            "ehlo",
            "The server cannot take mail right now",
        ),
        (
            Script::default(),
            |settings| settings.timeouts.greeting = std::time::Duration::from_millis(1),
            Class::Connection,
            "ehlo",
            "The server ",
        ),
        (
            Script::greeting(&[]).on("NOOP", "500 What?"),
            |_| {},
            Class::Connection,
            "noop",
            "Ask whoever runs the server",
        ),
    ] {
        let server = Server::start([script]).await;
        let report = test(&server, change).await;
        let last = report.steps.last().unwrap();
        assert_eq!(
            (report.class, last.name, last.ok),
            (Some(class), step, false),
            "{report:?}"
        );
        assert!(report.advice.as_deref().unwrap().starts_with(advice), "{report:?}");
        assert!(last.detail.ends_with('.'), "{report:?}");
        server.heard().await;
    }
}

#[tokio::test]
async fn unreachable_and_unusable_servers() {
    let server = Server::start([]).await;
    let settings = settings(&server);
    server.heard().await;
    let test = |settings: SmtpSettings| async move { SmtpConnector::new(settings).test().await };

    let closed = test(settings.clone()).await;
    assert_eq!(
        (closed.class, names(&closed)),
        (Some(Class::Connection), vec!["connect"])
    );
    assert!(closed.advice.unwrap().starts_with("Check the port"));

    let private = test(SmtpSettings {
        allow_private_hosts: false,
        ..settings.clone()
    })
    .await;
    assert_eq!((private.class, names(&private)), (Some(Class::Config), vec!["connect"]));
    assert!(private.advice.unwrap().contains("allow private hosts"));

    let port = test(SmtpSettings {
        ports: Some(vec![25, 587]),
        ..settings.clone()
    })
    .await;
    assert_eq!((port.class, names(&port)), (Some(Class::Config), vec!["connect"]));
    assert!(port.advice.unwrap().contains("smtp_ports"));

    let nowhere = test(SmtpSettings {
        host: "smtp://x".to_owned(),
        ..settings
    })
    .await;
    assert_eq!((nowhere.class, names(&nowhere)), (Some(Class::Config), vec!["connect"]));
}

#[tokio::test]
async fn what_is_no_mail_server_is_not_quoted() {
    for said in [
        "SSH-2.0-planted\r\n",
        "-ERR planted\r\n",
        "HTTP/1.1 400 planted\r\n",
        "220planted\r\n",
        "220-x\r\nplanted\r\n",
    ] {
        let server = Server::start([Script::default().say(said)]).await;
        let report = test(&server, |_| {}).await;
        assert_eq!((report.ok, report.class), (false, Some(Class::Connection)), "{said}");
        let last = report.steps.last().unwrap();
        assert!(last.detail.ends_with("the server's answer is not SMTP."), "{report:?}");
        assert!(!format!("{report:?}").contains("planted"), "{report:?}");
        server.heard().await;
    }
}

#[tokio::test]
async fn a_refusal_is_quoted_in_one_line_of_200_characters() {
    let said = format!(
        "554-5.7.1 Go \u{202e}away\t{}\r\n554 5.7.1 planted\r\n",
        "x".repeat(300)
    );
    let server = Server::start([Script::default().say(&said)]).await;
    let port = server.port();
    let report = test(&server, |_| {}).await;
    let head = "554 5.7.1 Go away ";
    let quoted = format!("{head}{}", "x".repeat(200 - head.len()));
    assert_eq!(
        report.steps.last().unwrap().detail,
        format!("The server at 127.0.0.1:{port} turned the connection away ({quoted}).")
    );
    server.heard().await;
}

#[tokio::test]
async fn a_name_that_servers_refuse_is_worth_advice() {
    // Refused at once, without a name and with one.
    let refusing = |hello: &str| {
        Script::default()
            .say("220 mail.example ESMTP\r\n")
            .on(
                hello,
                "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname",
            )
            .on(
                "HELO",
                "504 5.5.2 <x>: Helo command rejected: need fully-qualified hostname",
            )
    };
    for (hello, name, advice) in [
        ("EHLO [127.0.0.1]", None, "Enter the EHLO name of this provider"),
        (
            "EHLO client.example",
            Some("client.example".to_owned()),
            "Set the EHLO name to a full domain name",
        ),
    ] {
        let server = Server::start([refusing(hello)]).await;
        let report = test(&server, |settings| settings.helo_name = name).await;
        assert!(
            !report.ok && report.advice.as_deref().unwrap().contains(advice),
            "{report:?}"
        );
        server.heard().await;
    }
    // Let in: the refusal may come with the first message.
    let script = Script::default()
        .say("220 mail.example ESMTP\r\n")
        .on("EHLO [127.0.0.1]", "250 mail.example")
        .on("NOOP", "250 Ok")
        .on("QUIT", "221 Bye");
    let server = Server::start([script]).await;
    let report = test(&server, |settings| settings.helo_name = None).await;
    assert!(
        report.ok && report.advice.as_deref().unwrap().contains("address in brackets"),
        "{report:?}"
    );
    server.heard().await;
}

#[tokio::test]
async fn an_unencrypted_password_is_worth_a_word_of_caution() {
    let script = Script::greeting(&["AUTH PLAIN"])
        .on("AUTH PLAIN", "235 Ok")
        .on("NOOP", "250 Ok")
        .on("QUIT", "221 Bye");
    let server = Server::start([script]).await;
    let report = test(&server, |settings| settings.credentials = credentials()).await;
    assert!(report.ok);
    assert!(report.advice.unwrap().contains("unencrypted"));
    server.heard().await;
}
