//! The whole of what HTTP serves, behind a reverse proxy on the same machine.

use super::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use sendmux_domain::entities::audit_log;
use sendmux_domain::testing::{PASSWORD, TestDomain, sqlite};
use sendmux_domain::{Settings, TrustedProxies};
use std::net::IpAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const WRONG: &str = "not the password";
const PROXY: [u8; 4] = [127, 0, 0, 1];

/// An installation whose proxies are those.
struct Installation {
    test: TestDomain,
    router: Router,
    clients: Arc<Clients>,
}

impl Installation {
    async fn new(proxies: TrustedProxies) -> Self {
        let test = sqlite(Settings::default()).await;
        let router = router(&Config::default(), &test);
        let clients = Arc::new(Clients::new(proxies));
        Self { test, router, clients }
    }

    /// The whole answer to a request over a connection from this address.
    async fn ask(&self, peer: impl Into<IpAddr>, request: &str) -> String {
        let (mut ours, theirs) = duplex(64 * 1024);
        let peer = SocketAddr::new(peer.into(), 4711);
        let (router, clients) = (self.router.clone(), self.clients.clone());
        let served = http::connection(theirs, peer, router, clients, CancellationToken::new());
        let talk = async {
            ours.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            ours.read_to_end(&mut answer).await.unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        };
        let (answer, ()) = tokio::join!(talk, served);
        answer
    }

    /// The answer to a sign-in whose request has these lines in its head.
    async fn sign_in(&self, peer: impl Into<IpAddr>, lines: &str, email: &str, password: &str) -> String {
        let form = format!("email={email}&password={password}&next=").replace(' ', "+");
        let request = format!(
            "POST /fn/sign_in HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\nAccept: application/json\r\n\
             Sec-Fetch-Site: same-origin\r\n{lines}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        self.ask(peer, &request).await
    }

    /// 55 wrong sign-ins to accounts that do not exist.
    async fn guess(&self, peer: impl Into<IpAddr> + Copy, lines: impl Fn(u8) -> String) -> Vec<String> {
        let mut answers = Vec::new();
        for n in 0..55 {
            let email = format!("nobody{n}@example.com");
            answers.push(self.sign_in(peer, &lines(n), &email, WRONG).await);
        }
        answers
    }
}

fn is_in(answer: &str) -> bool {
    answer.to_lowercase().contains("set-cookie: sendmux_session=")
        && !answer.contains("is wrong")
        && !is_throttled(answer)
}

fn is_throttled(answer: &str) -> bool {
    answer.contains("Too many attempts failed")
}

#[tokio::test]
async fn wrong_sign_ins_lock_out_their_own_address_behind_a_proxy_and_no_other() {
    for name in ["X-Forwarded-For: ", "Forwarded: for="] {
        let sendmux = Installation::new(TrustedProxies::loopback()).await;
        let owner = sendmux.test.owner("Acme").await;
        let header = |address: &str| format!("{name}{address}\r\n");
        // Each time another address that it makes up stands before its own.
        let claims = |n: u8| match name {
            "Forwarded: for=" => format!("Forwarded: for=\"192.0.2.{n}\r\nForwarded: for=198.51.100.9\r\n"),
            _ => format!("X-Forwarded-For: 192.0.2.{n}, 198.51.100.9\r\nForwarded: for=192.0.2.{n}\r\n"),
        };
        let answers = sendmux.guess(PROXY, claims).await;
        assert!(answers[49].contains("is wrong"), "{}", answers[49]);
        assert!(
            answers[50..].iter().all(|answer| is_throttled(answer)),
            "{}",
            answers[50]
        );

        let email = &owner.user.email;
        let same = sendmux.sign_in(PROXY, &header("198.51.100.9"), email, PASSWORD).await;
        assert!(is_throttled(&same), "{same}");
        let other = sendmux.sign_in(PROXY, &header("203.0.113.7"), email, PASSWORD).await;
        assert!(is_in(&other), "{other}");
        let told = audit_log::Entity::find()
            .filter(audit_log::Column::Action.eq("user.signed_in"))
            .all(sendmux.test.db.read())
            .await
            .unwrap();
        let told: Vec<_> = told.iter().map(|row| row.remote_address.as_deref()).collect();
        assert_eq!(told, [Some("203.0.113.7")]);
    }
}

#[tokio::test]
async fn headers_of_whoever_is_no_trusted_proxy_are_not_heard() {
    let sendmux = Installation::new(TrustedProxies::loopback()).await;
    let owner = sendmux.test.owner("Acme").await;
    let attacker = [198, 51, 100, 9];
    let claims = |n: u8| format!("X-Forwarded-For: 203.0.113.{n}\r\nForwarded: for=203.0.113.{n}\r\n");
    let answers = sendmux.guess(attacker, claims).await;
    assert!(answers[50..].iter().all(|answer| is_throttled(answer)));
    for n in 0..3 {
        let other = format!("X-Forwarded-For: 203.0.113.{n}\r\n");
        let answer = sendmux.sign_in(PROXY, &other, &owner.user.email, PASSWORD).await;
        assert!(is_in(&answer), "{answer}");
    }
}

#[tokio::test]
async fn wrong_keys_count_by_the_client_too() {
    let sendmux = Installation::new(TrustedProxies::loopback()).await;
    let ask = async |address: &str| {
        let request = format!(
            "GET /api/v1/me HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\n\
             X-Forwarded-For: {address}\r\nAuthorization: Bearer nonsense\r\n\r\n"
        );
        sendmux.ask(PROXY, &request).await
    };
    for _ in 0..60 {
        let answer = ask("198.51.100.9").await;
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    let answer = ask("198.51.100.9").await;
    assert!(answer.starts_with("HTTP/1.1 429"), "{answer}");
    let answer = ask("203.0.113.7").await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}
