//! Dialogues in which all goes well, and those in which single recipients or the message are refused.

use std::sync::Arc;

use bytes::Bytes;
use sendmux_providers::Connector;
use sendmux_rules::{Class, Hint, Stage};

use super::script::{Script, Server};
use super::{MESSAGE, classes, connector, job, overall, settings, text};

const PIPELINING: &[&str] = &["PIPELINING"];

#[tokio::test]
async fn a_message_goes_out_command_by_command() {
    let server = Server::start([Script::greeting(&[]).message(&["a@example.com"]).on("QUIT", "221 Bye")]).await;
    let connector = connector(&server);
    let report = connector.send(&job(&["a@example.com"], MESSAGE)).await;
    connector.close().await;

    assert_eq!(overall(&report), (Class::Accepted, Stage::Body));
    assert_eq!(classes(&report), [Class::Accepted]);
    assert_eq!(report.provider_message_id.as_deref(), Some("4Xk2QJ1c6H"));
    assert_eq!(report.detail, None);
    let heard = &server.heard().await[0];
    assert_eq!(
        heard.lines,
        [
            "EHLO client.example",
            "MAIL FROM:<me@sender.example>",
            "RCPT TO:<a@example.com>",
            "DATA",
            "QUIT"
        ]
    );
    assert_eq!(heard.contents, [format!("{MESSAGE}.\r\n").into_bytes()]);
}

#[tokio::test]
async fn with_pipelining_the_envelope_goes_out_at_once() {
    // Nothing is answered before DATA was heard: a client that waits for each reply would wait for ever.
    let script = Script::greeting(PIPELINING)
        .hear("MAIL FROM:<me@sender.example>")
        .hear("RCPT TO:<a@example.com>")
        .hear("RCPT TO:<b@example.com>")
        .hear("DATA")
        .say("250 Ok\r\n250 Ok\r\n550 5.1.1 <b@example.com>: no such user\r\n")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let report = connector(&server)
        .send(&job(&["a@example.com", "b@example.com"], MESSAGE))
        .await;
    assert_eq!(classes(&report), [Class::Accepted, Class::RecipientRefused]);
    server.heard().await;
}

#[tokio::test]
async fn every_recipient_has_an_outcome_of_its_own() {
    for pipelining in [false, true] {
        let replies = [
            "250 2.1.5 Ok",
            "550 5.1.1 No such user",
            "450 4.2.1 Greylisted, come back later",
            "251 2.1.5 Will forward",
        ];
        let recipients = ["a@example.com", "b@example.com", "c@example.com", "d@example.com"];
        let mut script = Script::greeting(if pipelining { PIPELINING } else { &[] });
        if pipelining {
            script = script.hear("MAIL");
            script = recipients
                .iter()
                .fold(script, |script, to| script.hear(&format!("RCPT TO:<{to}>")));
            script = script.hear("DATA").say("250 Ok\r\n");
            script = replies
                .iter()
                .fold(script, |script, reply| script.say(&format!("{reply}\r\n")));
        } else {
            script = script.on("MAIL", "250 Ok");
            for (to, reply) in recipients.iter().zip(replies) {
                script = script.on(&format!("RCPT TO:<{to}>"), reply);
            }
            script = script.hear("DATA");
        }
        let server = Server::start([script.content("250 Ok: queued as ABC123")]).await;
        let report = connector(&server).send(&job(&recipients, MESSAGE)).await;
        assert_eq!(
            classes(&report),
            [
                Class::Accepted,
                Class::RecipientRefused,
                Class::Deferred,
                Class::Accepted
            ]
        );
        let positions: Vec<_> = report.outcomes.iter().map(|recipient| recipient.position).collect();
        assert_eq!(positions, [0, 1, 2, 3]);
        assert_eq!(text(&report.outcomes[1].outcome), "550 5.1.1 No such user");
        assert_eq!(overall(&report), (Class::Accepted, Stage::Body));
        server.heard().await;
    }
}

#[tokio::test]
async fn without_a_recipient_nothing_is_sent_and_the_session_goes_on() {
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "550 5.1.1 No such user")
        .on("RSET", "250 Ok")
        .message(&["b@example.com"]);
    let server = Server::start([script]).await;
    let connector = connector(&server);
    let refused = connector.send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(overall(&refused), (Class::RecipientRefused, Stage::RcptTo));
    let sent = connector.send(&job(&["b@example.com"], MESSAGE)).await;
    assert_eq!(sent.overall.class, Class::Accepted);
    server.heard().await;
}

#[tokio::test]
async fn a_pipelined_data_without_recipients_gets_no_content() {
    for (answer_to_data, then) in [
        ("554 5.5.1 No valid recipients\r\n", None),
        ("354 Go ahead\r\n", Some("554 5.5.1 No valid recipients\r\n")),
    ] {
        let mut script = Script::greeting(PIPELINING)
            .hear("MAIL")
            .hear("RCPT")
            .hear("DATA")
            .say("250 Ok\r\n550 5.1.1 No such user\r\n")
            .say(answer_to_data);
        if let Some(answer) = then {
            script = script.hear(".").say(answer);
        }
        let server = Server::start([script.on("RSET", "250 Ok")]).await;
        let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
        assert_eq!(overall(&report), (Class::RecipientRefused, Stage::RcptTo));
        server.heard().await;
    }
}

#[tokio::test]
async fn a_pipelined_group_behind_a_refused_mail_is_read_to_its_end() {
    let script = Script::greeting(PIPELINING)
        .hear("MAIL")
        .hear("RCPT")
        .hear("DATA")
        .say("553 5.7.1 <me@sender.example>: not yours\r\n503 5.5.1 MAIL first\r\n503 5.5.1 RCPT first\r\n")
        .hear("MAIL")
        .hear("RCPT")
        .hear("DATA")
        .say("250 Ok\r\n250 Ok\r\n")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let connector = connector(&server);
    let refused = connector.send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(overall(&refused), (Class::SenderRefused, Stage::MailFrom));
    let sent = connector.send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(sent.overall.class, Class::Accepted);
    server.heard().await;
}

#[tokio::test]
async fn more_recipients_than_a_transaction_takes_go_in_another() {
    for too_many in ["452 4.5.3 Too many recipients", "552 Too many recipients"] {
        let script = Script::greeting(&[])
            .on("MAIL", "250 Ok")
            .on("RCPT TO:<a@example.com>", "250 Ok")
            .on("RCPT TO:<b@example.com>", "250 Ok")
            .on("RCPT TO:<c@example.com>", too_many)
            .on("RCPT TO:<d@example.com>", too_many)
            .on("RCPT TO:<e@example.com>", too_many)
            .hear("DATA")
            .content("250 Ok: queued as FIRST1")
            .on("MAIL", "250 Ok")
            .on("RCPT TO:<c@example.com>", "250 Ok")
            .on("RCPT TO:<d@example.com>", "550 5.1.1 No such user")
            .hear("DATA")
            .content("250 Ok: queued as SECOND2")
            .on("MAIL", "250 Ok")
            .on("RCPT TO:<e@example.com>", "250 Ok")
            .hear("DATA")
            .content("250 Ok: queued as THIRD3");
        let server = Server::start([script]).await;
        let recipients = ["a", "b", "c", "d", "e"].map(|name| format!("{name}@example.com"));
        let recipients = recipients.each_ref().map(String::as_str);
        let report = connector(&server).send(&job(&recipients, MESSAGE)).await;
        use Class::{Accepted, RecipientRefused};
        assert_eq!(
            classes(&report),
            [Accepted, Accepted, Accepted, RecipientRefused, Accepted]
        );
        assert_eq!(report.provider_message_id.as_deref(), Some("FIRST1, SECOND2, THIRD3"));
        server.heard().await;
    }
}

#[tokio::test]
async fn too_many_when_none_was_taken_is_a_deferral() {
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "452 4.5.3 Too many recipients")
        .on("RSET", "250 Ok");
    let server = Server::start([script]).await;
    let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(overall(&report), (Class::Deferred, Stage::RcptTo));
    server.heard().await;
}

#[tokio::test]
async fn too_many_at_data_halves_the_transaction() {
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT TO:<a@example.com>", "250 Ok")
        .on("RCPT TO:<b@example.com>", "250 Ok")
        .on("DATA", "550 5.5.3 Too many recipients")
        .on("RSET", "250 Ok")
        .message(&["a@example.com"])
        .message(&["b@example.com"]);
    let server = Server::start([script]).await;
    let report = connector(&server)
        .send(&job(&["a@example.com", "b@example.com"], MESSAGE))
        .await;
    assert_eq!(classes(&report), [Class::Accepted; 2]);
    server.heard().await;
}

#[tokio::test]
async fn transactions_keep_to_the_configured_and_the_announced_number_of_recipients() {
    let recipients = ["a@example.com", "b@example.com", "c@example.com"];
    for (configured, announced) in [(2, "HELP"), (100, "LIMITS RCPTMAX=2")] {
        let script = Script::greeting(&[announced])
            .message(&recipients[..2])
            .message(&recipients[2..]);
        let server = Server::start([script]).await;
        let connector = sendmux_providers::SmtpConnector::new(sendmux_providers::SmtpSettings {
            max_recipients: configured,
            ..settings(&server)
        });
        let report = connector.send(&job(&recipients, MESSAGE)).await;
        assert_eq!(classes(&report), [Class::Accepted; 3]);
        server.heard().await;
    }
}

#[tokio::test]
async fn content_arrives_byte_for_byte() {
    let mut content = b"Subject: x\r\n\r\n.one\r\n..two\r\n.\r\ncaf\xe9 \x00\xff\r\n".to_vec();
    content.extend(std::iter::repeat_n(&b"A line of text.\r\n.dotted\r\n"[..], 20_000).flatten());
    let mut wire = b"Subject: x\r\n\r\n..one\r\n...two\r\n..\r\ncaf\xe9 \x00\xff\r\n".to_vec();
    wire.extend(std::iter::repeat_n(&b"A line of text.\r\n..dotted\r\n"[..], 20_000).flatten());
    wire.extend_from_slice(b".\r\n");

    let script = Script::greeting(&["8BITMIME", "SIZE 50000000"])
        .on(
            &format!("MAIL FROM:<me@sender.example> SIZE={} BODY=8BITMIME", content.len()),
            "250 Ok",
        )
        .on("RCPT", "250 Ok")
        .hear("DATA")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let report = connector(&server).send(&job(&["a@example.com"], content)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert!(server.heard().await[0].contents[0] == wire);
}

#[tokio::test]
async fn parameters_are_given_only_where_they_are_offered_and_needed() {
    for (extensions, content, mail) in [
        (&[][..], "caf\u{e9}\r\n", "MAIL FROM:<me@sender.example>"),
        (&["8BITMIME"][..], "plain\r\n", "MAIL FROM:<me@sender.example>"),
        (&["SIZE"][..], "plain\r\n", "MAIL FROM:<me@sender.example> SIZE=7"),
        (
            &["SMTPUTF8", "8BITMIME"][..],
            "plain\r\n",
            "MAIL FROM:<me@sender.example>",
        ),
    ] {
        let script = Script::greeting(extensions).message(&["a@example.com"]);
        let server = Server::start([script]).await;
        connector(&server).send(&job(&["a@example.com"], content)).await;
        assert_eq!(server.heard().await[0].lines[1], mail);
    }
}

#[tokio::test]
async fn eight_bit_content_is_converted_for_servers_that_take_seven_bits() {
    let message = |extra: &str| format!("{extra}Subject: x\r\n\r\nThe cheapest hotel is in K\u{f6}ln.\r\n");
    let converted = "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
                     Content-Transfer-Encoding: quoted-printable\r\n\r\nThe cheapest hotel is in K=C3=B6ln.\r\n";
    let signed = message("DKIM-Signature: v=1; b=x\r\n");
    for (extensions, sent, arrives, note) in [
        (
            &["SIZE"][..],
            message(""),
            converted.to_owned(),
            Some("one part was converted"),
        ),
        (
            &["SIZE"][..],
            signed.clone(),
            signed,
            Some("what is signed was sent as it is"),
        ),
        (&["SIZE", "8BITMIME"][..], message(""), message(""), None),
        (&["SIZE"][..], MESSAGE.to_owned(), MESSAGE.to_owned(), None),
    ] {
        let script = Script::greeting(extensions)
            .on(
                &format!("MAIL FROM:<me@sender.example> SIZE={}", arrives.len()),
                "250 Ok",
            )
            .on("RCPT", "250 Ok")
            .hear("DATA")
            .content("250 Ok");
        let server = Server::start([script]).await;
        let report = connector(&server).send(&job(&["a@example.com"], sent)).await;
        assert_eq!(report.overall.class, Class::Accepted);
        let said = report.note.as_deref();
        assert_eq!(said.is_some(), note.is_some(), "{said:?}");
        assert!(said.unwrap_or_default().contains(note.unwrap_or_default()), "{said:?}");
        assert_eq!(
            server.heard().await[0].contents,
            [format!("{arrives}.\r\n").into_bytes()]
        );
    }
}

#[tokio::test]
async fn a_message_that_grows_over_the_announced_size_is_left_to_other_providers() {
    let content = format!("Subject: x\r\n\r\n{}\r\n", "\u{f6}".repeat(500));
    let server = Server::start([Script::greeting(&["SIZE 1100"])]).await;
    let report = connector(&server).send(&job(&["a@example.com"], content)).await;
    assert_eq!(overall(&report), (Class::MessageRefused, Stage::MailFrom));
    assert_eq!(report.overall.hint, Some(Hint::TooLarge));
    server.heard().await;
}

#[tokio::test]
async fn the_null_return_path_and_a_content_without_final_line_end() {
    let script = Script::greeting(&[])
        .on("MAIL FROM:<>", "250 Ok")
        .on("RCPT", "250 Ok")
        .hear("DATA")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let mut bounce = job(&["a@example.com"], "no line end");
    bounce.return_path = None;
    assert_eq!(connector(&server).send(&bounce).await.overall.class, Class::Accepted);
    assert_eq!(server.heard().await[0].contents, [b"no line end\r\n.\r\n"]);
}

#[tokio::test]
async fn a_message_over_the_announced_size_is_left_to_other_providers() {
    let server = Server::start([Script::greeting(&["SIZE 10"]).on("QUIT", "221 Bye")]).await;
    let connector = connector(&server);
    let report = connector.send(&job(&["a@example.com"], MESSAGE)).await;
    connector.close().await;
    assert_eq!(overall(&report), (Class::MessageRefused, Stage::MailFrom));
    assert_eq!(report.overall.hint, Some(Hint::TooLarge));
    assert!(text(&report.overall).starts_with("552 5.3.4 "), "{report:?}");
    server.heard().await;
}

#[tokio::test]
async fn international_addresses() {
    // Offered: sent with it, addresses as they are.
    let script = Script::greeting(&["SMTPUTF8", "8BITMIME"])
        .on("MAIL FROM:<me@sender.example> SMTPUTF8", "250 Ok")
        .on("RCPT TO:<用户@bücher.example>", "250 Ok")
        .hear("DATA")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let report = connector(&server).send(&job(&["用户@bücher.example"], MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    server.heard().await;

    // Not offered: a domain has an ASCII form, a local part has none.
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT TO:<info@xn--bcher-kva.example>", "250 Ok")
        .hear("DATA")
        .content("250 Ok");
    let server = Server::start([script]).await;
    let report = connector(&server)
        .send(&job(&["用户@example.com", "info@bücher.example"], MESSAGE))
        .await;
    assert_eq!(classes(&report), [Class::MessageRefused, Class::Accepted]);
    assert_eq!(
        report.outcomes[0].outcome.hint,
        Some(Hint::NoSmtputf8),
        "another provider may take it"
    );
    assert!(text(&report.outcomes[0].outcome).starts_with("550 5.6.7 "));
    server.heard().await;

    // Not offered, and the header itself needs it.
    let server = Server::start([Script::greeting(&[])]).await;
    let mut international = job(&["a@example.com"], "Subject: größe\r\n\r\nx\r\n".as_bytes());
    international.smtputf8 = true;
    let report = connector(&server).send(&international).await;
    assert_eq!(overall(&report), (Class::MessageRefused, Stage::MailFrom));
    server.heard().await;
}

#[tokio::test]
async fn addresses_that_would_break_out_of_a_command_stay_here() {
    let script = Script::greeting(&[]).message(&["a@example.com"]);
    let server = Server::start([script]).await;
    let recipients = ["x@example.com>\r\nRCPT TO:<y@example.com", "a@example.com", "nobody"];
    let report = connector(&server).send(&job(&recipients, MESSAGE)).await;
    assert_eq!(
        classes(&report),
        [Class::RecipientRefused, Class::Accepted, Class::RecipientRefused]
    );
    server.heard().await;
}

#[tokio::test]
async fn odd_replies_are_understood() {
    let script = Script::default()
        .say("220-mail.example\r\n220-\r\n220-Be kind.\r\n220 ESMTP\r\n")
        .hear("EHLO")
        .say("250-mail.example\n250-pipelining\n250 size\t100000\n")
        .hear("MAIL")
        .hear("RCPT")
        .hear("DATA")
        .say("250\r\n250-\r\n250 \r\n")
        .content("250-Ok\r\n250-2.0.0 queued as\r\n250 2.0.0 XYZ789");
    let server = Server::start([script]).await;
    let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    assert_eq!(report.provider_message_id.as_deref(), Some("XYZ789"));
    server.heard().await;
}

#[tokio::test]
async fn a_server_without_ehlo_is_greeted_the_old_way() {
    let script = Script::default()
        .say("220 mail.example SMTP\r\n")
        .on("EHLO", "502 Command not implemented")
        .on("HELO client.example", "250 mail.example")
        .message(&["a@example.com"]);
    let server = Server::start([script]).await;
    let report = connector(&server).send(&job(&["a@example.com"], MESSAGE)).await;
    assert_eq!(report.overall.class, Class::Accepted);
    server.heard().await;
}

#[tokio::test]
async fn a_message_taken_back_is_not_completed() {
    let script = Script::greeting(&[])
        .on("MAIL", "250 Ok")
        .on("RCPT", "250 Ok")
        .on("DATA", "354 Go ahead")
        .hear_end();
    let server = Server::start([script]).await;
    let report = connector(&server)
        .send_if(&job(&["a@example.com"], MESSAGE), &|| false)
        .await;
    assert_eq!(overall(&report), (Class::Deferred, Stage::Data));
    assert_eq!(server.heard().await[0].end, b"", "neither content nor QUIT");
}

#[tokio::test]
async fn sends_at_the_same_time_keep_to_the_number_of_connections() {
    let taken = || {
        Script::greeting(&[])
            .message(&["a@example.com"])
            .message(&["a@example.com"])
    };
    let server = Server::start([taken()]).await;
    let connector = Arc::new(sendmux_providers::SmtpConnector::new(sendmux_providers::SmtpSettings {
        max_connections: 1,
        ..settings(&server)
    }));
    let message = job(&["a@example.com"], Bytes::from_static(MESSAGE.as_bytes()));
    let (first, second) = tokio::join!(connector.send(&message), connector.send(&message));
    assert_eq!(
        (first.overall.class, second.overall.class),
        (Class::Accepted, Class::Accepted)
    );
    assert_eq!(connector.pool_stats().opened, 1);
    server.heard().await;
}
