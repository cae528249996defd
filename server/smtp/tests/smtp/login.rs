//! Logging in.

use crate::support::{new_key, plain, server, server_with};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sendmux_domain::keys::{self, Permission};
use sendmux_domain::settings::MailServer;
use sendmux_rules::{Mode, SmtpSecurity};

#[tokio::test]
async fn plain_and_login_with_and_without_an_initial_response() {
    let server = server().await;
    let secret = plain(&server.key);
    let (user, password) = (STANDARD.encode("whoever"), STANDARD.encode(&server.key));
    let dialogues: [&[(&str, &str)]; 4] = [
        &[(&format!("AUTH PLAIN {secret}"), "235 2.7.0")],
        &[("AUTH PLAIN", "334"), (&secret, "235 2.7.0")],
        &[
            ("AUTH LOGIN", "334 VXNlcm5hbWU6"),
            (&user, "334 UGFzc3dvcmQ6"),
            (&password, "235 2.7.0"),
        ],
        &[
            (&format!("auth login {user}"), "334 UGFzc3dvcmQ6"),
            (&password, "235 2.7.0"),
        ],
    ];
    for dialogue in dialogues {
        let mut client = server.secure().await;
        client.say("EHLO c", "250").await;
        for (line, reply) in dialogue {
            client.say(line, reply).await;
        }
        client.say(&format!("AUTH PLAIN {secret}"), "503 5.5.1").await;
        client.say("MAIL FROM:<me@example.com>", "250").await;
    }
}

#[tokio::test]
async fn no_login_in_plain_text() {
    let server = server().await;
    let mut client = server.plain().await;
    client.say("EHLO c", "250").await;
    client
        .say(&format!("AUTH PLAIN {}", plain(&server.key)), "538 5.7.11")
        .await;
    client.say("AUTH LOGIN", "538 5.7.11").await;
    client.say("MAIL FROM:<me@example.com>", "530 5.7.0").await;
}

#[tokio::test]
async fn what_is_no_login() {
    let server = server_with(|_, config| config.max_failed_logins = 100).await;
    let mut client = server.secure().await;
    client
        .say(&format!("AUTH PLAIN {}", plain(&server.key)), "503 5.5.1")
        .await;
    client.say("EHLO c", "250").await;
    for (line, reply) in [
        ("AUTH", "501 5.5.4"),
        ("AUTH CRAM-MD5", "504 5.5.4"),
        ("AUTH PLAIN !", "501 5.5.2"),
        ("AUTH PLAIN AAAA", "501 5.5.2"),
        ("AUTH LOGIN", "334"),
        ("*", "501 5.7.0"),
        (&format!("AUTH PLAIN {}", plain("smx_live_wrong")), "535 5.7.8"),
        ("AUTH LOGIN =", "334"),
        (&STANDARD.encode("\0\0"), "535 5.7.8"),
    ] {
        client.say(line, reply).await;
    }
    // After any failure the right key is still accepted.
    client.say(&format!("AUTH PLAIN {}", plain(&server.key)), "235").await;
}

#[tokio::test]
async fn a_key_must_be_allowed_to_send() {
    let server = server().await;
    let key = new_key(&server.domain, &server.owner, Mode::Live, Permission::Manage).await;
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    let refused = client.say(&format!("AUTH PLAIN {}", plain(&key)), "535 5.7.8").await;
    assert!(refused.contains("permission"), "{refused}");
}

#[tokio::test]
async fn before_the_owners_address_is_verified_nothing_live_is_taken() {
    let server = server_with(|settings, _| {
        settings.mail.server = Some(MailServer {
            host: "mx.example.com".to_owned(),
            port: 25,
            security: SmtpSecurity::None,
            credentials: None,
        });
    })
    .await;
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    client.say(&format!("AUTH PLAIN {}", plain(&server.key)), "235").await;
    for (line, reply) in [
        ("MAIL FROM:<a@b.example>", "250"),
        ("RCPT TO:<a@b.example>", "250"),
        ("DATA", "354"),
        (".", "550 5.7.1 Verify"),
    ] {
        client.say(line, reply).await;
    }
}

#[tokio::test]
async fn a_test_key_sends_into_the_sandbox() {
    let server = server().await;
    let key = new_key(&server.domain, &server.owner, Mode::Test, Permission::Send).await;
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    client.say(&format!("AUTH PLAIN {}", plain(&key)), "235").await;
    for (line, reply) in [
        ("MAIL FROM:<>", "250"),
        ("RCPT TO:<a@b.example>", "250"),
        ("DATA", "354"),
        (".", "250"),
    ] {
        client.say(line, reply).await;
    }
    assert_eq!(server.only().await.row.mode, Mode::Test);
}

#[tokio::test]
async fn wrong_keys_end_the_connection_and_are_throttled_by_address() {
    let server = server().await;
    let wrong = format!("AUTH PLAIN {}", plain(&format!("smx_live_{}", "x".repeat(32))));
    // Sixty at once, then one a second; the clock stands still.
    for _ in 0..20 {
        let mut client = server.secure().await;
        client.say("EHLO c", "250").await;
        client.say(&wrong, "535 5.7.8").await;
        client.say(&wrong, "535 5.7.8").await;
        client.say(&wrong, "421 4.7.0").await;
        client.closed().await;
    }
    let mut client = server.secure().await;
    client.say("EHLO c", "250").await;
    client.say(&wrong, "421 4.7.0").await;
    client.closed().await;
    // Other clients at the same address are not locked out.
    server.logged_in().await.say("MAIL FROM:<me@example.com>", "250").await;
}

#[tokio::test]
async fn a_revoked_key_ends_where_it_is() {
    let server = server().await;
    let mut client = server.logged_in().await;
    client.say("NOOP", "250").await;
    let actor = server.owner.actor(None);
    let key = keys::list(&server.domain, server.owner.team.id)
        .await
        .unwrap()
        .remove(0);
    keys::revoke(&server.domain, &actor, &key.public_id).await.unwrap();
    client.say("MAIL FROM:<me@example.com>", "530 5.7.0").await;
    client.say("MAIL FROM:<me@example.com>", "530 5.7.0").await;
    client
        .say(&format!("AUTH PLAIN {}", plain(&server.key)), "535 5.7.8")
        .await;
}
