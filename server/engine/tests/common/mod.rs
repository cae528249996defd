//! A team with scripted providers, an engine that delivers to them, and a clock that the test moves.

#![allow(dead_code, reason = "each test file uses its part")]

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use sendmux_domain::accounts::Session;
use sendmux_domain::clock::Clock;
use sendmux_domain::keys::{self, KeyContext, NewKey, Permission, Scope};
use sendmux_domain::messages::{self, NewRecipient, Origin, RecipientField, Source, Submission};
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::testing::TestDomain;
pub use sendmux_domain::testing::smtp_provider;
use sendmux_domain::{Domain, Result, Timestamp, nodes};
use sendmux_engine::{Channel, Channels, Engine, EngineConfig, Stepped};
use sendmux_providers::connector::MayCommit;
use sendmux_providers::{Connector, RecipientOutcome, SendJob, SendReport, TestReport};
use sendmux_rules::{Class, Hint, IoFault, MessageStatus, Mode, Outcome, ProviderKind, Reply, Stage, WaitReason};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// The same draws each time: a weight of 1 beside 1,000 is drawn one time in a thousand.
fn config() -> EngineConfig {
    EngineConfig {
        draws: Some(0),
        ..EngineConfig::default()
    }
}

/// Answer of a scripted provider to a message.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Takes it.
    Accept,
    /// Replies this at this stage, for all recipients.
    Reply(Stage, u16, &'static str),
    /// Answers as an HTTP API of this kind does: status, code, message.
    Api(ProviderKind, u16, &'static str, &'static str),
    /// Says that it lacks this for the message.
    Lacks(Hint),
    /// Replies to each RCPT, in order; those with 250 are accepted.
    PerRecipient(Vec<(u16, &'static str)>),
    /// Breaks at this stage.
    Break(Stage, IoFault),
    /// Says nothing until the end of the test.
    Hang,
    /// Says nothing until it is told to, then this.
    When(Arc<Notify>, Box<Answer>),
}

/// A provider that plays a script, then accepts everything.
#[derive(Default)]
pub struct Scripted {
    name: Mutex<String>,
    script: Mutex<VecDeque<Answer>>,
    always: Mutex<Option<Answer>>,
    /// Messages that it was handed: time, message, recipients.
    pub handed: Mutex<Vec<(Timestamp, String, Vec<String>)>>,
    domain: Mutex<Option<Domain>>,
    /// Changes whenever any provider is handed something.
    events: Mutex<Option<watch::Sender<u64>>>,
}

impl Scripted {
    pub fn then(self: &Arc<Self>, answer: Answer) -> Arc<Self> {
        self.script.lock().push_back(answer);
        self.clone()
    }

    pub fn always(self: &Arc<Self>, answer: Option<Answer>) {
        *self.always.lock() = answer;
    }

    pub fn count(&self) -> usize {
        self.handed.lock().len()
    }
}

#[async_trait]
impl Connector for Scripted {
    async fn send_if(&self, job: &SendJob, _may_commit: MayCommit<'_>) -> SendReport {
        let at = self
            .domain
            .lock()
            .as_ref()
            .map_or(Timestamp::from_millis(0), |domain| domain.clock.now());
        let recipients = job
            .recipients
            .iter()
            .map(|recipient| recipient.address.clone())
            .collect();
        self.handed.lock().push((at, job.message_id.clone(), recipients));
        if let Some(events) = &*self.events.lock() {
            events.send_modify(|count| *count += 1);
        }
        let scripted = self.script.lock().pop_front();
        let mut answer = scripted
            .or_else(|| self.always.lock().clone())
            .unwrap_or(Answer::Accept);
        while let Answer::When(told, then) = answer {
            told.notified().await;
            answer = *then;
        }
        match answer {
            Answer::Accept => {
                let accepted = Outcome::accepted(Stage::Body, Reply::parse(250, ["2.0.0 Ok: queued as X"]));
                SendReport::same_for_all(job, accepted, None)
            }
            Answer::Reply(stage, code, text) => SendReport::same_for_all(
                job,
                confirmed(Outcome::from_smtp(stage, Reply::parse(code, [text]))),
                None,
            ),
            Answer::Api(kind, status, code, message) => SendReport::same_for_all(
                job,
                confirmed(Outcome::from_api(kind, status, code, message, None)),
                None,
            ),
            Answer::Lacks(hint) => {
                let refused = Outcome {
                    hint: Some(hint),
                    ..Outcome::from_smtp(Stage::MailFrom, Reply::parse(550, ["5.6.0 not here"]))
                };
                SendReport::same_for_all(job, refused, None)
            }
            Answer::Break(stage, fault) => SendReport::same_for_all(job, Outcome::from_io(stage, fault), None),
            Answer::PerRecipient(replies) => {
                let outcomes: Vec<RecipientOutcome> = job
                    .recipients
                    .iter()
                    .zip(replies)
                    .map(|(recipient, (code, text))| {
                        let reply = Reply::parse(code, [text]);
                        let outcome = if code == 250 {
                            Outcome::accepted(Stage::Body, reply)
                        } else {
                            Outcome::from_smtp(Stage::RcptTo, reply)
                        };
                        RecipientOutcome {
                            position: recipient.position,
                            outcome,
                        }
                    })
                    .collect();
                let overall = sendmux_providers::job::overall(outcomes.iter().map(|one| &one.outcome))
                    .unwrap()
                    .clone();
                SendReport {
                    outcomes,
                    overall,
                    provider_message_id: None,
                    detail: None,
                    note: None,
                }
            }
            Answer::Hang | Answer::When(..) => std::future::pending().await,
        }
    }

    async fn test(&self) -> TestReport {
        TestReport::passed(Vec::new())
    }

    async fn close(&self) {}
}

fn confirmed(outcome: Outcome) -> Outcome {
    Outcome {
        confirmed: outcome.class == Class::Auth,
        ..outcome
    }
}

#[derive(Default)]
struct ScriptedChannels {
    /// Held while a provider is made, so that the engine does not meet it without its script.
    making: tokio::sync::Mutex<()>,
    providers: Mutex<HashMap<i64, Arc<Scripted>>>,
}

#[async_trait]
impl Channels for ScriptedChannels {
    async fn channel(&self, provider_id: i64, _version: i32) -> Result<Channel> {
        let _made = self.making.lock().await;
        match self.providers.lock().get(&provider_id) {
            Some(scripted) => Ok(Channel::Connector(scripted.clone())),
            None => Ok(Channel::Sandbox { send_as: None }),
        }
    }

    async fn close(&self) {}
}

/// A team, its key, its scripted providers, and the engine.
pub struct World {
    pub test: TestDomain,
    pub session: Session,
    pub key: Arc<KeyContext>,
    channels: Arc<ScriptedChannels>,
    engine: Option<Engine>,
    events: watch::Sender<u64>,
}

impl World {
    /// A team without providers of its own; the engine is not started yet.
    pub async fn new(test: TestDomain) -> Self {
        let session = test.owner("Acme").await;
        let key = key(&test, &session, Mode::Live).await;
        Self {
            test,
            session,
            key,
            channels: Arc::default(),
            engine: None,
            events: watch::Sender::new(0),
        }
    }

    pub async fn start(&mut self) {
        let incarnation = nodes::register(&self.test.db, "test", self.test.clock.now())
            .await
            .unwrap();
        let engine = Engine::start(self.test.domain.clone(), incarnation, self.channels.clone(), config())
            .await
            .unwrap();
        self.engine = Some(engine);
    }

    pub async fn caps(&self, provider: &str, caps: CapsForm) {
        providers::set_caps(&self.test, &self.session.actor(None), provider, caps)
            .await
            .unwrap();
    }

    /// A provider that takes one message a day.
    pub async fn one_a_day(&self, provider: &str) {
        let caps = CapsForm {
            day: Some(1),
            ..CapsForm::default()
        };
        self.caps(provider, caps).await;
    }

    /// A key whose messages go through these providers only.
    pub async fn key_for(&self, providers: &[&str]) -> Arc<KeyContext> {
        let scope = Scope::Providers(providers.iter().map(|id| (*id).to_owned()).collect());
        scoped_key(&self.test, &self.session, Mode::Live, scope).await
    }

    /// A node that moves only when it is told to, on this domain of the world's database.
    pub async fn stepped(&self, domain: Domain) -> Stepped {
        let now = domain.clock.now();
        let incarnation = nodes::register(&domain.db, "stepped", now).await.unwrap();
        Stepped::start(domain, incarnation, self.channels.clone(), config())
            .await
            .unwrap()
    }

    pub async fn stop(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.shutdown().await.unwrap();
        }
    }

    /// Drops the engine as a crash would: nothing is settled or given back.
    pub fn crash(&mut self) {
        self.engine.take().unwrap().crash();
    }

    pub async fn provider(&self, name: &str) -> (String, Arc<Scripted>) {
        let _making = self.channels.making.lock().await;
        let view = smtp_provider(&self.test, &self.session, name).await;
        let id = view.id;
        let scripted = Arc::new(Scripted::default());
        *scripted.name.lock() = name.to_owned();
        *scripted.domain.lock() = Some(self.test.domain.clone());
        *scripted.events.lock() = Some(self.events.clone());
        self.channels.providers.lock().insert(id, scripted.clone());
        (view.public_id, scripted)
    }

    pub async fn submit(&self, recipients: &[&str]) -> String {
        submit(&self.test, &self.key, recipients).await
    }

    pub async fn detail(&self, id: &str) -> messages::query::MessageDetail {
        messages::query::get(&self.test, self.session.team.id, id)
            .await
            .unwrap()
    }

    pub async fn status(&self, id: &str) -> MessageStatus {
        self.detail(id).await.row.status
    }

    /// Waits until the condition holds, looking again after each thing the engine has done.
    pub async fn until<F: AsyncFn() -> bool>(&self, what: &str, condition: F) {
        let mut progress = self.engine.as_ref().unwrap().progress();
        let mut handed = self.events.subscribe();
        let wait = async {
            loop {
                progress.mark_unchanged();
                handed.mark_unchanged();
                if condition().await {
                    return;
                }
                tokio::select! {
                    changed = progress.changed() => changed.unwrap(),
                    changed = handed.changed() => changed.unwrap(),
                }
            }
        };
        // A guard against a hang of the test, not a measure of time.
        if tokio::time::timeout(Duration::from_secs(60), wait).await.is_err() {
            panic!("never happened: {what}");
        }
    }

    pub async fn until_it_waits(&self, id: &str, reason: WaitReason) {
        self.until(&format!("{id} waits for {reason}"), async || {
            self.detail(id)
                .await
                .waiting
                .is_some_and(|waiting| waiting.reason == Some(reason))
        })
        .await;
    }

    pub async fn until_status(&self, id: &str, status: MessageStatus) {
        self.until(&format!("{id} is {status}"), async || self.status(id).await == status)
            .await;
    }
}

pub async fn key(test: &TestDomain, session: &Session, mode: Mode) -> Arc<KeyContext> {
    scoped_key(test, session, mode, Scope::All).await
}

pub async fn scoped_key(test: &TestDomain, session: &Session, mode: Mode, scope: Scope) -> Arc<KeyContext> {
    try_scoped_key(test, session, mode, scope).await.unwrap()
}

pub async fn try_scoped_key(test: &TestDomain, session: &Session, mode: Mode, scope: Scope) -> Result<Arc<KeyContext>> {
    let form = NewKey {
        name: "test".to_owned(),
        mode,
        permissions: vec![Permission::Send],
        scope,
    };
    let created = keys::create(test, &session.actor(None), form).await?;
    Ok(keys::authenticate(test, &created.secret).await?.unwrap())
}

pub async fn submit(domain: &Domain, key: &Arc<KeyContext>, recipients: &[&str]) -> String {
    try_submit(domain, key, recipients).await.unwrap()
}

pub async fn try_submit(domain: &Domain, key: &Arc<KeyContext>, recipients: &[&str]) -> Result<String> {
    submit_from(domain, key, "sender@example.com", recipients).await
}

pub async fn submit_from(domain: &Domain, key: &Arc<KeyContext>, from: &str, recipients: &[&str]) -> Result<String> {
    let public_id = messages::new_message_id();
    let recipients = recipients
        .iter()
        .map(|address| NewRecipient {
            field: RecipientField::To,
            address: (*address).to_owned(),
            name: String::new(),
        })
        .collect();
    let submission = Submission {
        header_message_id: format!("<{public_id}@localhost>"),
        public_id,
        key: key.clone(),
        source: Source::Http,
        origin: Origin::default(),
        subject: "Hello".to_owned(),
        from_email: from.to_owned(),
        from_name: String::new(),
        return_path: Some(from.to_owned()),
        recipients,
        content: Bytes::from_static(b"From: sender@example.com\r\nSubject: Hello\r\n\r\nHi.\r\n"),
        smtputf8: false,
    };
    Ok(messages::submit(domain, submission).await?.message_id)
}
