//! Providers that do what their mood makes them do, and the book in which everything that they were handed is written.

use async_trait::async_trait;
use parking_lot::Mutex;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use sendmux_domain::clock::SharedClock;
use sendmux_domain::{Result, Timestamp};
use sendmux_engine::{Channel, Channels};
use sendmux_providers::connector::MayCommit;
use sendmux_providers::job::overall;
use sendmux_providers::{Connector, RecipientOutcome, SendJob, SendReport, TestReport};
use sendmux_rules::{Class, IoFault, Outcome, ProviderKind, Reply, Stage};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Mood of a provider for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Takes everything at once.
    Healthy,
    /// Takes everything after a while.
    Slow,
    /// Says nothing for minutes, then the connection times out.
    Hangs,
    /// Refuses connections.
    Down,
    /// Takes some, fails for others.
    Flaky,
    /// Defers what it sees for the first time.
    Greylists,
    /// Takes some recipients, refuses some, defers some.
    Picky,
    /// Refuses the content.
    Refuses,
    /// Asks to be left alone for a while.
    Throttles,
    /// The connection dies after the final dot; half of the messages were taken.
    Cuts,
    /// The day's allowance is used up.
    QuotaGone,
    /// The password is wrong.
    Locked,
    /// The certificate is for another host.
    Misconfigured,
    /// Does not let this sender send.
    SenderRefused,
    /// Takes the first recipients of a message and stops there, for any of the reasons that there are.
    StopsHalfway,
    /// The machine that sends often has no file descriptors left to connect with.
    Starved,
}

impl Mood {
    pub const ALL: [Self; 14] = [
        Self::Healthy,
        Self::Slow,
        Self::Hangs,
        Self::Down,
        Self::Flaky,
        Self::Greylists,
        Self::Picky,
        Self::Refuses,
        Self::Throttles,
        Self::Cuts,
        Self::QuotaGone,
        Self::Locked,
        Self::Misconfigured,
        Self::SenderRefused,
    ];

    /// Those of stories in which more goes wrong.
    pub const FAULTS: [Self; 2] = [Self::StopsHalfway, Self::Starved];
}

/// End of an attempt, as the provider knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Not yet.
    UnderWay,
    /// It said what became of it; these recipients were accepted.
    Reported(Vec<String>),
    /// The sender cannot know. The provider does.
    Unknown { taken: bool },
    /// The node that was sending it was killed before it had written down what it was told.
    Killed,
}

/// A message that a provider was handed.
#[derive(Clone, Debug)]
pub struct Handed {
    pub node: usize,
    pub provider: usize,
    pub message: String,
    pub recipients: Vec<String>,
    pub at: Timestamp,
    pub end: End,
}

impl Handed {
    /// True if the charge for it stays.
    pub fn counts(&self) -> bool {
        !matches!(&self.end, End::Reported(accepted) if accepted.is_empty())
    }

    /// The charge for it.
    pub fn units(&self, kind: ProviderKind) -> u32 {
        kind.cap_units(u32::try_from(self.recipients.len()).unwrap())
    }
}

/// Everything that the providers were handed.
pub struct Book {
    clock: SharedClock,
    seed: u64,
    moods: Mutex<Vec<Mood>>,
    handed: Mutex<Vec<Handed>>,
    /// Times at which waiting attempts are answered, by place in `handed`, with their node.
    waiting: Mutex<BTreeMap<usize, (Timestamp, usize)>>,
    changes: watch::Sender<u64>,
}

impl Book {
    pub fn new(clock: SharedClock, seed: u64) -> Arc<Self> {
        Arc::new(Self {
            clock,
            seed,
            moods: Mutex::default(),
            handed: Mutex::default(),
            waiting: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub fn add_provider(&self) -> usize {
        let mut moods = self.moods.lock();
        moods.push(Mood::Healthy);
        moods.len() - 1
    }

    pub fn set_mood(&self, provider: usize, mood: Mood) {
        self.moods.lock()[provider] = mood;
    }

    pub fn handed(&self) -> Vec<Handed> {
        self.handed.lock().clone()
    }

    /// Attempts at this node that answer later than now.
    pub fn parked(&self, node: usize) -> usize {
        let now = self.clock.now();
        let waiting = self.waiting.lock();
        waiting
            .values()
            .filter(|(until, at)| *until > now && *at == node)
            .count()
    }

    /// Attempts at this node and provider that are under way.
    pub fn under_way(&self, node: usize, provider: usize) -> u32 {
        let handed = self.handed.lock();
        let waiting = self.waiting.lock();
        let here = waiting.iter().filter(|(_, (_, at))| *at == node);
        u32::try_from(here.filter(|(place, _)| handed[**place].provider == provider).count()).unwrap()
    }

    pub fn next_answer(&self) -> Option<Timestamp> {
        self.waiting.lock().values().map(|(until, _)| *until).min()
    }

    /// A node was killed: nobody learns what became of what it was sending, or had not written down yet (message,
    /// provider, since when; it may not have come to handing it over).
    pub fn killed(&self, node: usize, unwritten: &[(String, usize, Timestamp)]) {
        let mut handed = self.handed.lock();
        for one in handed.iter_mut().filter(|one| one.node == node) {
            if one.end == End::UnderWay {
                one.end = End::Killed;
            }
        }
        for (message, provider, since) in unwritten {
            let is_it = |one: &&mut Handed| {
                one.message == *message && one.node == node && one.provider == *provider && one.at >= *since
            };
            if let Some(last) = handed.iter_mut().rfind(is_it) {
                last.end = End::Killed;
            }
        }
    }

    fn begin(&self, node: usize, provider: usize, job: &SendJob) -> (usize, u64) {
        let recipients: Vec<String> = job.recipients.iter().map(|one| one.address.clone()).collect();
        let mut handed = self.handed.lock();
        let before = handed
            .iter()
            .filter(|one| one.provider == provider && one.message == job.message_id)
            .count();
        handed.push(Handed {
            node,
            provider,
            message: job.message_id.clone(),
            recipients,
            at: self.clock.now(),
            end: End::UnderWay,
        });
        (handed.len() - 1, before as u64)
    }

    fn end(&self, place: usize, end: End) {
        self.handed.lock()[place].end = end;
        self.changes.send_modify(|count| *count += 1);
    }
}

/// The way from one node to all providers.
pub struct Ways {
    pub node: usize,
    pub book: Arc<Book>,
    pub providers: Arc<Mutex<HashMap<i64, usize>>>,
}

#[async_trait]
impl Channels for Ways {
    async fn channel(&self, provider_id: i64, _version: i32) -> Result<Channel> {
        Ok(match self.providers.lock().get(&provider_id) {
            Some(provider) => Channel::Connector(Arc::new(Way {
                node: self.node,
                provider: *provider,
                book: self.book.clone(),
            })),
            None => Channel::Sandbox { send_as: None },
        })
    }

    async fn close(&self) {}
}

struct Way {
    node: usize,
    provider: usize,
    book: Arc<Book>,
}

/// Takes an attempt out of those that wait, however its future ends.
struct Waiting<'b>(&'b Book, usize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.lock().remove(&self.1);
    }
}

#[async_trait]
impl Connector for Way {
    async fn send_if(&self, job: &SendJob, _may_commit: MayCommit<'_>) -> SendReport {
        let mood = self.book.moods.lock()[self.provider];
        let (place, before) = self.book.begin(self.node, self.provider, job);
        // By what is handed over for which time, not by the order in which attempts happen to run.
        let addresses: u64 = job
            .recipients
            .iter()
            .flat_map(|one| one.address.bytes())
            .map(u64::from)
            .sum();
        let seed = self.book.seed ^ (self.provider as u64) << 48 ^ before << 32 ^ addresses;
        let mut rng = SmallRng::seed_from_u64(seed);
        let wait = match mood {
            Mood::Slow => Duration::from_millis(rng.random_range(100..90_000)),
            Mood::Hangs => Duration::from_secs(rng.random_range(60..600)),
            Mood::Cuts | Mood::Flaky => Duration::from_millis(rng.random_range(0..5_000)),
            _ => Duration::ZERO,
        };
        let until = self.book.clock.now().plus(wait);
        self.book.waiting.lock().insert(place, (until, self.node));
        let waiting = Waiting(&self.book, place);
        self.book.changes.send_modify(|count| *count += 1);
        self.book.clock.sleep_until(until).await;
        drop(waiting);
        let (report, end) = answer(mood, before, job, &mut rng);
        self.book.end(place, end);
        report
    }

    async fn test(&self) -> TestReport {
        TestReport::passed(Vec::new())
    }

    async fn close(&self) {}
}

fn answer(mood: Mood, before: u64, job: &SendJob, rng: &mut SmallRng) -> (SendReport, End) {
    let reply = |stage, code, text: &str| Outcome::from_smtp(stage, Reply::parse(code, [text]));
    let accepted = || Outcome::accepted(Stage::Body, Reply::parse(250, ["2.0.0 Ok: queued as X"]));
    let deferred = || reply(Stage::RcptTo, 451, "4.7.1 Greylisted, try again later");
    let outcome = match mood {
        Mood::Healthy | Mood::Slow => accepted(),
        Mood::Hangs => Outcome::from_io(Stage::Data, IoFault::Timeout),
        Mood::Down => Outcome::from_io(Stage::Connect, IoFault::Refused),
        Mood::Flaky => match rng.random_range(0..10) {
            0..5 => accepted(),
            5 => Outcome::from_io(Stage::Data, IoFault::Reset),
            6 => Outcome::from_io(Stage::AfterBody, IoFault::Reset),
            7 => reply(Stage::Greeting, 421, "4.3.2 Service not available"),
            8 => deferred(),
            _ => reply(
                Stage::MailFrom,
                450,
                "4.7.1 too many messages, try again after 45 seconds",
            ),
        },
        Mood::Greylists if before == 0 => deferred(),
        Mood::Greylists => accepted(),
        Mood::Picky => return picky(job, rng),
        Mood::StopsHalfway => return halfway(job, rng),
        Mood::Starved if rng.random_bool(0.6) => Outcome::from_io(Stage::Connect, IoFault::Local),
        Mood::Starved => accepted(),
        Mood::Refuses => reply(Stage::Body, 554, "5.7.1 Message content rejected as spam"),
        Mood::Throttles => reply(Stage::Body, 421, "4.7.0 try again after 90 seconds"),
        Mood::Cuts => Outcome::from_io(Stage::AfterBody, IoFault::Reset),
        Mood::QuotaGone => reply(Stage::Body, 454, "Throttling failure: Daily message quota exceeded."),
        Mood::Locked => Outcome {
            confirmed: true,
            ..reply(Stage::Auth, 535, "5.7.8 Credentials invalid")
        },
        Mood::Misconfigured => Outcome::from_io(Stage::Tls, IoFault::CertificateMismatch),
        Mood::SenderRefused => reply(Stage::MailFrom, 553, "5.7.1 Sender address rejected: not owned by user"),
    };
    let end = match outcome.class {
        Class::Accepted => End::Reported(job.recipients.iter().map(|one| one.address.clone()).collect()),
        Class::Unknown => End::Unknown {
            taken: rng.random_bool(0.5),
        },
        _ => End::Reported(Vec::new()),
    };
    (SendReport::same_for_all(job, outcome, None), end)
}

/// The first recipients are taken in a call of their own, and what comes next stops the rest.
fn halfway(job: &SendJob, rng: &mut SmallRng) -> (SendReport, End) {
    let reply = |stage, code, text: &str| Outcome::from_smtp(stage, Reply::parse(code, [text]));
    let stop = match rng.random_range(0..9) {
        0 => reply(
            Stage::RcptTo,
            450,
            "4.7.1 rate limit exceeded, try again after 45 seconds",
        ),
        1 => reply(Stage::MailFrom, 451, "4.7.0 daily sending limit exceeded"),
        2 => reply(Stage::Body, 550, "5.4.5 Daily user sending quota exceeded"),
        3 => reply(Stage::RcptTo, 451, "4.7.1 Greylisted, try again later"),
        4 => Outcome::from_io(Stage::Data, IoFault::Reset),
        5 => Outcome::from_io(Stage::AfterBody, IoFault::Reset),
        6 => reply(Stage::MailFrom, 421, "4.3.2 Service not available"),
        7 => Outcome::from_io(Stage::Connect, IoFault::Local),
        _ => Outcome {
            confirmed: true,
            ..reply(Stage::Auth, 535, "5.7.8 Credentials invalid")
        },
    };
    let taken = rng.random_range(0..=job.recipients.len());
    let outcome = |place: usize| match place < taken {
        true => Outcome::accepted(Stage::Body, Reply::parse(250, ["2.0.0 Ok"])),
        false => stop.clone(),
    };
    let outcomes = job
        .recipients
        .iter()
        .enumerate()
        .map(|(place, recipient)| RecipientOutcome {
            position: recipient.position,
            outcome: outcome(place),
        });
    let accepted = job.recipients[..taken].iter().map(|one| one.address.clone()).collect();
    let end = match stop.class {
        Class::Unknown if taken == 0 => End::Unknown { taken: false },
        _ => End::Reported(accepted),
    };
    (report_of(outcomes.collect()), end)
}

fn report_of(outcomes: Vec<RecipientOutcome>) -> SendReport {
    let overall = overall(outcomes.iter().map(|one| &one.outcome)).unwrap().clone();
    SendReport {
        outcomes,
        overall,
        provider_message_id: None,
        detail: None,
        note: None,
    }
}

fn picky(job: &SendJob, rng: &mut SmallRng) -> (SendReport, End) {
    let mut accepted = Vec::new();
    let outcomes: Vec<RecipientOutcome> = job
        .recipients
        .iter()
        .map(|recipient| {
            let outcome = match rng.random_range(0..3) {
                0 => {
                    accepted.push(recipient.address.clone());
                    Outcome::accepted(Stage::Body, Reply::parse(250, ["2.0.0 Ok"]))
                }
                1 => Outcome::from_smtp(Stage::RcptTo, Reply::parse(550, ["5.1.1 No such user"])),
                _ => Outcome::from_smtp(Stage::RcptTo, Reply::parse(450, ["4.2.1 Mailbox busy"])),
            };
            RecipientOutcome {
                position: recipient.position,
                outcome,
            }
        })
        .collect();
    (report_of(outcomes), End::Reported(accepted))
}
