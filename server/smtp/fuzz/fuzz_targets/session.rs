//! Any stream of octets, however it is cut, gets the same replies as when it comes at once; nothing is accepted in
//! plain text; and the server neither panics nor hangs.
//!
//! The first octet decides if the client is inside TLS and logged in, the second how the stream is cut; the rest is the
//! stream. `<KEY>` in it is replaced by a valid login.

#![no_main]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use libfuzzer_sys::fuzz_target;
use sendmux_domain::Settings;
use sendmux_domain::keys::{self, NewKey, Permission, Scope};
use sendmux_domain::testing::{TestDomain, sqlite};
use sendmux_rules::Mode;
use sendmux_smtp::SmtpConfig;
use sendmux_smtp::in_memory::{InMemory, cut};
use std::sync::{LazyLock, Mutex};
use tokio::runtime::Runtime;

struct Bench {
    runtime: Runtime,
    server: InMemory,
    login: String,
    /// Kept, since its database is removed with it.
    _domain: TestDomain,
}

static BENCH: LazyLock<Mutex<Bench>> = LazyLock::new(|| {
    let runtime = Runtime::new().unwrap();
    let (domain, key) = runtime.block_on(async {
        let domain = sqlite(Settings {
            rate_limit_per_minute: u32::MAX,
            ..Settings::default()
        })
        .await;
        let owner = domain.owner("Fuzz").await;
        let key = NewKey {
            name: "Key".to_owned(),
            mode: Mode::Live,
            permissions: vec![Permission::Send],
            scope: Scope::All,
        };
        let key = keys::create(&domain, &owner.actor(None), key).await.unwrap().secret;
        (domain, key)
    });
    let config = SmtpConfig {
        messages_per_connection: 2,
        max_commands: 40,
        ..SmtpConfig::default()
    };
    Mutex::new(Bench {
        server: InMemory::new(domain.domain.clone(), config),
        login: STANDARD.encode(format!("\0any\0{key}")),
        _domain: domain,
        runtime,
    })
});

fuzz_target!(|data: &[u8]| {
    let [start, size, stream @ ..] = data else { return };
    let mut bench = BENCH.lock().unwrap();
    let Bench {
        runtime, server, login, ..
    } = &mut *bench;
    let secured = start & 1 == 0;
    let mut octets = Vec::new();
    if start & 2 == 0 {
        octets.extend_from_slice(format!("EHLO client.example\r\nAUTH PLAIN {login}\r\n").as_bytes());
    }
    if start & 4 == 0 {
        octets.extend_from_slice(b"MAIL FROM:<me@example.com>\r\nRCPT TO:<ana@example.org>\r\nDATA\r\n");
    }
    let mut rest = stream;
    while let Some(at) = rest.windows(5).position(|part| part == b"<KEY>") {
        octets.extend_from_slice(&rest[..at]);
        octets.extend_from_slice(login.as_bytes());
        rest = &rest[at + 5..];
    }
    octets.extend_from_slice(rest);
    let lengths = [usize::from(size & 15) + 1, usize::from(size >> 4) + 1];
    let whole = runtime.block_on(server.replies(secured, vec![octets.clone()]));
    let pieces = runtime.block_on(server.replies(secured, cut(&octets, &lengths)));
    assert_eq!(whole, pieces, "{:?}", String::from_utf8_lossy(&octets));
    assert!(secured || !whole.contains("queued as"), "taken in plain text");
});
