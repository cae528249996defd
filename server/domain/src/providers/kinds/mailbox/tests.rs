use super::tokens::Tokens;
use super::*;
use crate::accounts::Session;
use crate::actor::Actor;
use crate::db::DbBackend;
use crate::entities::mailbox_sign_ins;
use crate::providers::{Form, connection, create, get, list, update};
use crate::secrets::Secret;
use crate::testing::{TestDomain, databases, sqlite};
use crate::{Domain, Settings, installation, runtime};
use async_trait::async_trait;
use futures::future::join_all;
use parking_lot::Mutex;
use sea_orm::EntityTrait;
use sendmux_rules::caps::Caps;
use sendmux_rules::health::{Block, Health};
use sendmux_rules::{BlockKind, Class, ProviderKind, ProviderStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const HOUR: Duration = Duration::from_secs(3_600);
const BROWSER: &str = "a browser";

/// An identity provider that counts what it gives out. It rotates refresh tokens, as Microsoft does.
#[derive(Debug, Default)]
struct Fake {
    signed_in: Mutex<(String, String)>,
    begun: AtomicUsize,
    refreshed: AtomicUsize,
    revoked: Mutex<Vec<String>>,
    refuses: Mutex<Option<TokenFault>>,
    /// Refreshing waits for this, when it is there.
    slow: Mutex<Option<Arc<Notify>>>,
    asked: Notify,
}

#[async_trait]
impl MailboxServices for Fake {
    fn begin(&self, kind: ProviderKind, login_hint: Option<&str>) -> Option<SignIn> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        (kind == ProviderKind::Gmail).then(|| SignIn {
            url: format!("https://id.example/?hint={}", login_hint.unwrap_or_default()),
            state: format!("state-{number}").into(),
            verifier: format!("verifier-{number}").into(),
        })
    }

    fn admin_consent_url(&self, _: ProviderKind) -> Option<String> {
        Some("https://id.example/admin".to_owned())
    }

    fn callback_error(&self, _: ProviderKind, error: &str, _: &str) -> String {
        format!("nothing was connected: {error}")
    }

    async fn connect(&self, _: ProviderKind, code: &str, verifier: &Secret) -> Result<Granted, String> {
        let Some(number) = verifier.expose().strip_prefix("verifier-") else {
            return Err("wrong verifier".to_owned());
        };
        let (subject, email) = self.signed_in.lock().clone();
        Ok(Granted {
            subject,
            email,
            tenant: None,
            scopes: vec!["send".to_owned()],
            refresh: format!("refresh-of-{code}-{number}").into(),
            access: format!("access-of-{code}-{number}").into(),
            expires_in: HOUR,
        })
    }

    async fn refresh(&self, _: ProviderKind, refresh_token: &Secret) -> Result<Renewed, TokenFault> {
        let number = self.refreshed.fetch_add(1, Ordering::SeqCst) + 1;
        self.asked.notify_one();
        let slow = self.slow.lock().clone();
        if let Some(slow) = slow {
            slow.notified().await;
        }
        if let Some(fault) = self.refuses.lock().clone() {
            return Err(fault);
        }
        Ok(Renewed {
            access: format!("access-{number}").into(),
            refresh: Some(format!("{}+{number}", refresh_token.expose()).into()),
            expires_in: HOUR,
        })
    }

    async fn revoke(&self, _: ProviderKind, refresh_token: &Secret) -> Result<bool, String> {
        self.revoked.lock().push(refresh_token.expose().to_owned());
        Ok(true)
    }
}

impl Fake {
    fn sign_in_as(&self, subject: &str, email: &str) {
        *self.signed_in.lock() = (subject.to_owned(), email.to_owned());
    }
}

/// A domain with such an identity provider, and somebody who connects mailboxes.
async fn with_fake(test: &TestDomain) -> (Arc<Fake>, Session) {
    let fake = Arc::new(Fake::default());
    fake.sign_in_as("1", "ada@example.com");
    test.set_mailbox_services(fake.clone());
    (fake, test.owner("Acme").await)
}

async fn sign_in(
    domain: &Domain,
    fake: &Fake,
    actor: &Actor,
    target: Target,
) -> Result<Connected, sign_in::NotConnected> {
    let number = fake.begun.load(Ordering::SeqCst);
    begin_sign_in(domain, actor, BROWSER, &target).await?;
    complete_sign_in(domain, actor, Some(BROWSER), came_back(number)).await
}

fn came_back(number: usize) -> Callback {
    Callback {
        state: format!("state-{number}"),
        code: Some("code".to_owned()),
        error: None,
    }
}

async fn added(test: &TestDomain, fake: &Fake, session: &Session) -> Connected {
    let target = Target::New(ProviderKind::Gmail);
    sign_in(test, fake, &session.actor(None), target).await.unwrap()
}

async fn token(domain: &Domain, session: &Session, public_id: &str) -> Result<String, TokenFault> {
    let id = get(domain, session.team.id, public_id).await.unwrap().id;
    access_token(domain, id).await.map(|token| token.expose().to_owned())
}

async fn stored(test: &TestDomain) -> (mailboxes::Model, Tokens) {
    let row = mailboxes::Entity::find().one(test.db.read()).await.unwrap().unwrap();
    let tokens = Tokens::open(&test.sealer, &row).unwrap();
    (row, tokens)
}

fn invalid_grant() -> TokenFault {
    TokenFault::here(Class::Auth, "token.invalid_grant", "invalid_grant")
}

#[tokio::test]
async fn a_mailbox_is_connected_and_its_tokens_sealed() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        assert!(connected.added);
        let view = get(&test, session.team.id, &connected.public_id).await.unwrap();
        assert_eq!(
            (view.status, view.name.as_str()),
            (ProviderStatus::Active, "ada@example.com")
        );
        assert_eq!(
            view.caps,
            Caps {
                second: Some(5),
                minute: Some(100),
                hour: Some(1_800),
                day: Some(2_000),
                ..Caps::NONE
            },
            "those that the kind begins with"
        );
        assert_eq!(view.mailbox.unwrap().email.as_deref(), Some("ada@example.com"));
        assert_eq!(view.caps.day, Some(2_000));
        assert_eq!(
            token(&test, &session, &connected.public_id).await.unwrap(),
            "access-of-code-0"
        );
        let (row, _) = stored(&test).await;
        assert!(
            !row.tokens
                .windows(7)
                .any(|part| part == b"refresh" || part == b"access-")
        );
        let access = connection(&test, view.id).await.unwrap().access;
        let crate::providers::Access::Gmail(mailbox) = access else {
            panic!("{access:?}")
        };
        assert_eq!(mailbox.email, "ada@example.com");
    }
}

#[tokio::test]
async fn a_sign_in_comes_back_once_to_the_browser_and_the_user_that_began_it() {
    for test in databases().await {
        let (_, session) = with_fake(&test).await;
        let other = test.owner("Other").await;
        let actor = session.actor(None);
        let target = Target::New(ProviderKind::Gmail);
        begin_sign_in(&test, &actor, BROWSER, &target).await.unwrap();
        for (browser, who, state) in [
            (None, &actor, 0),
            (Some("another browser"), &actor, 0),
            (Some(BROWSER), &other.actor(None), 0),
            (Some(BROWSER), &actor, 1),
        ] {
            let refused = complete_sign_in(&test, who, browser, came_back(state))
                .await
                .unwrap_err();
            assert!(matches!(refused.why, Error::Conflict(_)), "{refused:?}");
        }
        complete_sign_in(&test, &actor, Some(BROWSER), came_back(0))
            .await
            .unwrap();
        let again = complete_sign_in(&test, &actor, Some(BROWSER), came_back(0))
            .await
            .unwrap_err();
        assert!(again.why.to_string().contains("used already"), "{again:?}");

        begin_sign_in(&test, &actor, BROWSER, &target).await.unwrap();
        test.clock.advance(Duration::from_secs(10 * 60));
        let late = complete_sign_in(&test, &actor, Some(BROWSER), came_back(1))
            .await
            .unwrap_err();
        assert!(late.why.to_string().contains("ten minutes"), "{late:?}");
        begin_sign_in(&test, &actor, BROWSER, &target).await.unwrap();
        let left = mailbox_sign_ins::Entity::find().all(test.db.read()).await.unwrap();
        assert_eq!(left.len(), 1, "what has expired is removed");
    }
}

#[tokio::test]
async fn a_sign_in_that_was_cancelled_changes_nothing() {
    for test in databases().await {
        let (_, session) = with_fake(&test).await;
        let actor = session.actor(None);
        for (number, error) in ["access_denied", "consent_required"].into_iter().enumerate() {
            begin_sign_in(&test, &actor, BROWSER, &Target::New(ProviderKind::Gmail))
                .await
                .unwrap();
            let callback = Callback {
                code: None,
                error: Some((error.to_owned(), String::new())),
                ..came_back(number)
            };
            let refused = complete_sign_in(&test, &actor, Some(BROWSER), callback)
                .await
                .unwrap_err();
            assert_eq!(refused.why.to_string(), format!("nothing was connected: {error}"));
        }
        let own = list(&test, session.team.id).await.unwrap().into_iter();
        assert_eq!(own.filter(|view| view.kind.is_own()).count(), 0);
        let unregistered = Target::New(ProviderKind::Microsoft365);
        let refused = begin_sign_in(&test, &actor, BROWSER, &unregistered).await.unwrap_err();
        assert!(refused.to_string().contains("microsoft_client_id"), "{refused}");
    }
}

#[tokio::test]
async fn another_account_is_refused_and_named_when_a_mailbox_is_authorised_again() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let (before, _) = stored(&test).await;
        fake.sign_in_as("2", "eve@example.com");
        let again = Target::Existing(connected.public_id.clone());
        let refused = sign_in(&test, &fake, &session.actor(None), again.clone())
            .await
            .unwrap_err();
        let why = refused.why.to_string();
        assert!(
            why.contains("ada@example.com") && why.contains("eve@example.com"),
            "{why}"
        );
        assert_eq!(refused.provider.as_deref(), Some(connected.public_id.as_str()));
        assert_eq!(stored(&test).await.0, before);
        assert_eq!(
            *fake.revoked.lock(),
            ["refresh-of-code-1"],
            "what nobody uses is given back"
        );

        // The same account under a new address is the same account.
        fake.sign_in_as("1", "ada.lovelace@example.com");
        let connected = sign_in(&test, &fake, &session.actor(None), again).await.unwrap();
        assert!(!connected.added);
        assert_eq!(stored(&test).await.0.email, "ada.lovelace@example.com");
    }
}

#[tokio::test]
async fn a_mailbox_is_in_a_team_once() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let first = added(&test, &fake, &session).await;
        let second = added(&test, &fake, &session).await;
        assert!(!second.added);
        assert_eq!(second.public_id, first.public_id);
        assert_eq!(
            token(&test, &session, &first.public_id).await.unwrap(),
            "access-of-code-1"
        );

        let form = MailboxForm {
            name: "Empty".to_owned(),
            ..MailboxForm::default()
        };
        let actor = session.actor(None);
        let empty = create(&test, &actor, ProviderKind::Gmail, Form::Mailbox(form))
            .await
            .unwrap();
        assert_eq!(empty.status, ProviderStatus::Pending);
        assert!(matches!(connection(&test, empty.id).await, Err(Error::Conflict(_))));
        let refused = sign_in(&test, &fake, &actor, Target::Existing(empty.public_id))
            .await
            .unwrap_err();
        assert!(refused.why.to_string().contains("connected already"), "{refused:?}");
        assert!(fake.revoked.lock().is_empty(), "the consent is in use");

        let other = test.owner("Other").await;
        assert!(added(&test, &fake, &other).await.added, "another team has its own");
    }
}

#[tokio::test]
async fn disconnecting_forgets_and_gives_back_what_no_other_team_lives_on() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let other = test.owner("Other").await;
        let mine = added(&test, &fake, &session).await;
        let theirs = added(&test, &fake, &other).await;
        assert!(disconnect(&test, &session.actor(None), &mine.public_id).await.unwrap());
        assert!(fake.revoked.lock().is_empty());
        let view = get(&test, session.team.id, &mine.public_id).await.unwrap();
        assert_eq!(
            (view.status, view.mailbox.unwrap().email),
            (ProviderStatus::Pending, None)
        );
        assert_eq!(
            access_token(&test, view.id).await.unwrap_err().outcome.class,
            Class::Connection
        );
        assert!(disconnect(&test, &session.actor(None), &mine.public_id).await.is_err());

        crate::providers::delete(&test, &other.actor(None), &theirs.public_id)
            .await
            .unwrap();
        assert_eq!(*fake.revoked.lock(), ["refresh-of-code-1"]);
        assert!(mailboxes::Entity::find().one(test.db.read()).await.unwrap().is_none());

        let again = Target::Existing(mine.public_id.clone());
        sign_in(&test, &fake, &session.actor(None), again).await.unwrap();
        let view = get(&test, session.team.id, &mine.public_id).await.unwrap();
        assert_eq!(view.status, ProviderStatus::Active);
    }
}

#[tokio::test]
async fn authorising_again_ends_a_block() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let id = get(&test, session.team.id, &connected.public_id).await.unwrap().id;
        let tx = test.db.begin().await.unwrap();
        let states = runtime::lock(&tx, test.db.backend(), [id]).await.unwrap();
        let mut state = states.into_values().next().unwrap();
        state.health = Health {
            block: Some(Block {
                kind: BlockKind::Auth,
                since: test.domain.clock.now(),
                until: None,
                cause: "invalid_grant".to_owned(),
            }),
            ..Health::default()
        };
        runtime::save(&tx, &state).await.unwrap();
        installation::note_fault(&tx, id, "invalid_client", test.domain.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert_eq!(installation::faults(&test).await.unwrap().len(), 1);
        let again = Target::Existing(connected.public_id.clone());
        sign_in(&test, &fake, &session.actor(None), again).await.unwrap();
        let view = get(&test, session.team.id, &connected.public_id).await.unwrap();
        assert_eq!(view.block, None);
        assert_eq!(installation::faults(&test).await.unwrap(), []);

        let tx = test.db.begin().await.unwrap();
        installation::note_fault(&tx, id, "invalid_client", test.domain.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        test.clock.advance(Duration::from_secs(24 * 3_600));
        assert_eq!(
            installation::faults(&test).await.unwrap(),
            [],
            "it was not met for a day"
        );
    }
}

#[tokio::test]
async fn a_token_is_renewed_once_however_many_wait_for_it() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let before = get(&test, session.team.id, &connected.public_id).await.unwrap();
        test.clock.advance(HOUR - Duration::from_secs(31));
        assert_eq!(
            token(&test, &session, &connected.public_id).await.unwrap(),
            "access-of-code-0"
        );
        test.clock.advance(Duration::from_secs(1));
        let all = join_all((0..50).map(|_| access_token(&test, before.id))).await;
        assert!(
            all.iter().all(|token| *token == Ok(Secret::from("access-1"))),
            "{all:?}"
        );
        assert_eq!(fake.refreshed.load(Ordering::SeqCst), 1);
        let (_, tokens) = stored(&test).await;
        assert_eq!(
            tokens.refresh().expose(),
            "refresh-of-code-0+1",
            "the rotated one is kept"
        );

        // One that the provider rejects is renewed before its time, and by the first who notices.
        let rejected = Secret::from("access-1");
        let all = join_all((0..50).map(|_| other_access_token(&test, before.id, &rejected))).await;
        assert!(
            all.iter().all(|token| *token == Ok(Secret::from("access-2"))),
            "{all:?}"
        );
        assert_eq!(fake.refreshed.load(Ordering::SeqCst), 2);
        assert_eq!(
            get(&test, session.team.id, &connected.public_id).await.unwrap().version,
            before.version,
            "a renewed token is no change of the provider"
        );
    }
}

#[tokio::test]
async fn two_nodes_renew_a_token_once() {
    for test in databases().await {
        if test.db.backend() != DbBackend::Postgres {
            continue;
        }
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let id = get(&test, session.team.id, &connected.public_id).await.unwrap().id;
        let second = test.second_node().await;
        second.set_mailbox_services(fake.clone());
        test.clock.advance(HOUR);
        let gate = Arc::new(Notify::new());
        *fake.slow.lock() = Some(gate.clone());
        let asking = {
            let first = test.domain.clone();
            tokio::spawn(async move { access_token(&first, id).await })
        };
        fake.asked.notified().await;
        let others = (0..10).map(|number| {
            let domain = if number % 2 == 0 {
                test.domain.clone()
            } else {
                second.clone()
            };
            tokio::spawn(async move { access_token(&domain, id).await })
        });
        let others: Vec<_> = others.collect();
        gate.notify_one();
        assert_eq!(asking.await.unwrap().unwrap().expose(), "access-1");
        for other in others {
            assert_eq!(other.await.unwrap().unwrap().expose(), "access-1");
        }
        assert_eq!(fake.refreshed.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn a_renewal_never_replaces_what_a_new_authorisation_brought() {
    // In PostgreSQL the row is locked for as long as a renewal lasts.
    let test = sqlite(Settings::default()).await;
    let (fake, session) = with_fake(&test).await;
    let connected = added(&test, &fake, &session).await;
    let id = get(&test, session.team.id, &connected.public_id).await.unwrap().id;
    for refuses in [None, Some(invalid_grant())] {
        test.clock.advance(HOUR);
        let gate = Arc::new(Notify::new());
        *fake.slow.lock() = Some(gate.clone());
        *fake.refuses.lock() = refuses;
        let asking = {
            let domain = test.domain.clone();
            tokio::spawn(async move { access_token(&domain, id).await })
        };
        fake.asked.notified().await;
        let number = fake.begun.load(Ordering::SeqCst);
        added(&test, &fake, &session).await;
        gate.notify_one();
        let new = format!("access-of-code-{number}");
        assert_eq!(asking.await.unwrap().unwrap().expose(), new);
        assert_eq!(
            stored(&test).await.1.refresh().expose(),
            format!("refresh-of-code-{number}")
        );
    }
}

#[tokio::test]
async fn all_who_wait_learn_that_a_grant_was_taken_back() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let id = get(&test, session.team.id, &connected.public_id).await.unwrap().id;
        test.clock.advance(HOUR);
        *fake.refuses.lock() = Some(invalid_grant());
        let gate = Arc::new(Notify::new());
        *fake.slow.lock() = Some(gate.clone());
        let all_wait = async {
            while test.renewals.waiting(id) < 20 {
                tokio::task::yield_now().await;
            }
            gate.notify_one();
        };
        let all = join_all((0..20).map(|_| access_token(&test, id)));
        let (all, ()) = tokio::join!(all, all_wait);
        assert!(all.iter().all(|token| *token == Err(invalid_grant())), "{all:?}");
        assert_eq!(fake.refreshed.load(Ordering::SeqCst), 1);
        assert_eq!(stored(&test).await.1.refresh().expose(), "refresh-of-code-0");
    }
}

#[tokio::test]
async fn a_renewal_goes_on_when_the_send_that_began_it_is_given_up() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let id = get(&test, session.team.id, &connected.public_id).await.unwrap().id;
        test.clock.advance(HOUR);
        let gate = Arc::new(Notify::new());
        *fake.slow.lock() = Some(gate.clone());
        let asking = {
            let domain = test.domain.clone();
            tokio::spawn(async move { access_token(&domain, id).await })
        };
        fake.asked.notified().await;
        asking.abort();
        assert!(asking.await.is_err());
        gate.notify_one();
        assert_eq!(access_token(&test, id).await.unwrap().expose(), "access-1");
        assert_eq!(fake.refreshed.load(Ordering::SeqCst), 1);
    }
}

#[tokio::test]
async fn names_and_aliases_are_edited_and_tokens_are_left_alone() {
    for test in databases().await {
        let (fake, session) = with_fake(&test).await;
        let connected = added(&test, &fake, &session).await;
        let (before, _) = stored(&test).await;
        let actor = session.actor(None);
        let form = MailboxForm {
            name: "Ada".to_owned(),
            aliases: "news@example.com, News@example.com\nada@example.org".to_owned(),
        };
        let view = get(&test, session.team.id, &connected.public_id).await.unwrap();
        let form = Form::Mailbox(form);
        let view = update(&test, &actor, &connected.public_id, form, view.version)
            .await
            .unwrap();
        assert_eq!(
            view.mailbox.as_ref().unwrap().aliases,
            ["news@example.com", "ada@example.org"]
        );
        assert_eq!(view.form().unwrap().name_mut(), "Ada");
        assert_eq!(stored(&test).await.0, before);
        let wrong = MailboxForm {
            name: String::new(),
            aliases: "not an address".to_owned(),
        };
        let wrong = Form::Mailbox(wrong);
        let refused = update(&test, &actor, &connected.public_id, wrong, view.version).await;
        assert!(matches!(refused, Err(Error::Invalid(errors)) if errors.len() == 2));
    }
}
