//! Any stream of octets, however it is cut and wherever it ends, gets the same replies as when it comes at once, and
//! exactly the acknowledged messages are stored.

use crate::config::SmtpConfig;
use crate::in_memory::{InMemory, cut};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_orm::{EntityTrait, PaginatorTrait};
use sendmux_domain::Settings;
use sendmux_domain::entities::messages;
use sendmux_domain::keys::Scope;
use sendmux_domain::testing::{TestDomain, sqlite};
use sendmux_rules::Mode;
use std::cell::RefCell;
use tokio::runtime::Runtime;

struct Bench {
    domain: TestDomain,
    server: InMemory,
    /// Message of PLAIN with a valid key.
    login: String,
}

impl Bench {
    async fn new() -> Self {
        let domain = sqlite(Settings {
            rate_limit_per_minute: u32::MAX,
            ..Settings::default()
        })
        .await;
        let owner = domain.owner("Acme").await;
        let key = domain.key(&owner, Mode::Live, Scope::All).await.secret;
        let config = SmtpConfig {
            messages_per_connection: 2,
            max_commands: 40,
            ..SmtpConfig::default()
        };
        Self {
            server: InMemory::new(domain.domain.clone(), config),
            domain,
            login: STANDARD.encode(format!("\0any\0{key}")),
        }
    }

    async fn stored(&self) -> u64 {
        messages::Entity::find().count(self.domain.db.read()).await.unwrap()
    }

    /// Replies to these pieces, and the number of messages stored.
    async fn replies(&mut self, secured: bool, pieces: Vec<Vec<u8>>) -> (String, u64) {
        let before = self.stored().await;
        let replies = self.server.replies(secured, pieces).await;
        (replies, self.stored().await - before)
    }
}

fn queued(replies: &str) -> u64 {
    replies.matches("Ok: queued as").count() as u64
}

/// Streams that get far: usual commands in any order, with unusual input between them. `<KEY>` is replaced by a valid
/// login.
fn stream() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let start = Just(b"EHLO client.example\r\nAUTH PLAIN <KEY>\r\n".to_vec());
    let start = prop_oneof![4 => start, 1 => Just(Vec::new())];
    let token = prop_oneof![
        4 => Just(&b"MAIL FROM:<me@example.com> SIZE=1000\r\nRCPT TO:<ana@example.org>\r\nDATA\r\n"[..]),
        3 => Just(&b"\r\n.\r\n"[..]),
        2 => Just(&b"MAIL FROM:<>\r\n"[..]),
        2 => Just(&b"RCPT TO:<b@example.org>\r\n"[..]),
        2 => Just(&b"DATA\r\n"[..]),
        2 => Just(&b"Subject: x\r\n\r\n..\r\n"[..]),
        1 => Just(&b"RSET\r\n"[..]),
        1 => Just(&b"EHLO client.example\r\n"[..]),
        1 => Just(&b"AUTH PLAIN\r\n<KEY>\r\n"[..]),
        1 => Just(&b"AUTH LOGIN\r\n"[..]),
        1 => Just(&b"AUTH PLAIN AHgAeA==\r\n"[..]),
        1 => Just(&b"STARTTLS\r\n"[..]),
        1 => Just(&b"NOOP\r\nQUIT\r\n"[..]),
        1 => Just(&b"BDAT 3\r\nabc"[..]),
        2 => Just(&b"\r\n"[..]),
        2 => Just(&b"."[..]),
        1 => Just(&b"\r"[..]),
        1 => Just(&b"\n"[..]),
        1 => Just(&b"\0\xff\xfe"[..]),
    ];
    let tokens = proptest::collection::vec(token.prop_map(<[u8]>::to_vec), 0..25);
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    let rest = prop_oneof![6 => tokens, 1 => noise.prop_map(|noise| vec![noise])];
    (start, rest).prop_map(|(start, mut rest)| {
        rest.insert(0, start);
        rest
    })
}

#[test]
fn how_a_stream_comes_makes_no_difference() {
    let runtime = Runtime::new().unwrap();
    let bench = RefCell::new(runtime.block_on(Bench::new()));
    let lengths = proptest::collection::vec(1..40_usize, 1..5);
    let lengths = prop_oneof![1 => Just(vec![1]), 3 => lengths];
    let mut runner = TestRunner::new(Config {
        cases: 300,
        ..Config::default()
    });
    let case = |(tokens, lengths, secured): (Vec<Vec<u8>>, Vec<usize>, bool)| {
        let mut bench = bench.borrow_mut();
        let login = bench.login.clone();
        let spelt_out = tokens.into_iter().map(|token| match String::from_utf8(token) {
            Ok(text) => text.replace("<KEY>", &login).into_bytes(),
            Err(error) => error.into_bytes(),
        });
        let octets = spelt_out.collect::<Vec<_>>().concat();
        let whole = runtime.block_on(bench.replies(secured, vec![octets.clone()]));
        let pieces = runtime.block_on(bench.replies(secured, cut(&octets, &lengths)));
        prop_assert_eq!(
            queued(&whole.0),
            whole.1,
            "what is acknowledged is stored, and nothing else"
        );
        prop_assert!(secured || whole.1 == 0, "nothing is taken in plain text");
        prop_assert_eq!(whole, pieces);
        Ok(())
    };
    let secured = prop::bool::weighted(0.8);
    runner.run(&(stream(), lengths, secured), case).unwrap();
    assert!(
        runtime.block_on(bench.borrow().stored()) > 20,
        "the streams get far enough"
    );
}

#[tokio::test]
async fn a_client_may_leave_after_any_octet() {
    let mut bench = Bench::new().await;
    let octets = format!(
        "EHLO client.example\r\nAUTH LOGIN\r\nYW55\r\n*\r\nAUTH PLAIN\r\n{}\r\nMAIL FROM:<me@example.com> SIZE=100\r\n\
         RCPT TO:<ana@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..\r\nbody\r\n.\r\nQUIT\r\n",
        bench.login
    );
    let whole = bench.replies(true, vec![octets.clone().into_bytes()]).await;
    assert_eq!(whole.1, 1, "{}", whole.0);
    let done = octets.find("\r\n.\r\n").unwrap() + 5;
    for end in 0..octets.len() {
        let (replies, stored) = bench.replies(true, vec![octets.as_bytes()[..end].to_vec()]).await;
        assert!(whole.0.starts_with(replies.trim_end()), "after {end}: {replies}");
        assert_eq!(
            (queued(&replies), stored),
            (u64::from(end >= done), u64::from(end >= done)),
            "after {end}"
        );
    }
}
