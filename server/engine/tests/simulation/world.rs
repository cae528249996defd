//! Teams, providers and keys as chance makes them, what happens to them, and the engine that delivers through it all.

use crate::checks::Checks;
use crate::common::{smtp_provider, try_scoped_key, try_submit};
use crate::provider::{Book, Mood, Ways};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use sendmux_domain::accounts::Session;
use sendmux_domain::clock::Clock;
use sendmux_domain::db::LostCommit;
use sendmux_domain::entities::{messages, queue};
use sendmux_domain::keys::{KeyContext, Scope};
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::testing::{START, TestDomain};
use sendmux_domain::{Domain, Operator, Timestamp, groups, managed, nodes};
use sendmux_engine::{EngineConfig, Step, Stepped};
use sendmux_rules::caps::Caps;
use sendmux_rules::{Mode, ProviderKind};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Parts of a simulation.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// For how long things happen, before everything is well again.
    pub days: u32,
    /// Bursts of messages, each of one to eight.
    pub bursts: usize,
    /// Things that happen besides.
    pub happenings: usize,
    /// Providers that are deleted, and as many that are added.
    pub replaced: u32,
    /// Nodes on the database.
    pub nodes: usize,
    /// Providers stop halfway, the machine runs out of descriptors, and answers to commits are lost.
    pub faults: bool,
}

pub struct Provider {
    pub team: usize,
    pub id: i64,
    pub public_id: String,
    pub kind: ProviderKind,
    pub active: bool,
    /// It is of no use to anybody any more; it is not active either.
    pub deleted: bool,
    pub weight: u32,
    pub caps: Caps,
    /// State before the last change, which other nodes see a moment later.
    pub before: (Timestamp, bool, u32, Caps),
}

pub struct Group {
    pub team: usize,
    pub public_id: String,
    pub members: BTreeMap<usize, Option<i64>>,
    /// State before the last change.
    pub before: (Timestamp, BTreeMap<usize, Option<i64>>),
}

#[derive(Clone, Debug)]
pub enum Reach {
    All,
    Providers(Vec<usize>),
    Groups(Vec<usize>),
}

pub struct Key {
    pub team: usize,
    pub reach: Reach,
    pub context: Arc<KeyContext>,
}

pub struct Accepted {
    pub id: String,
    pub key: usize,
}

struct Node {
    engine: Stepped,
    incarnation: i64,
    domain: Domain,
}

#[derive(Clone, Debug)]
enum Happening {
    Burst(usize),
    Mood,
    Switch,
    Weight,
    Caps,
    Members,
    Delete,
    Add,
    Unblock,
    Cancel,
    Kill,
    Start(usize),
    Heal,
    /// Nothing: the nodes look at what others have done.
    Look,
}

pub struct World {
    pub test: TestDomain,
    pub seed: u64,
    pub teams: Vec<Session>,
    pub providers: Vec<Provider>,
    pub groups: Vec<Group>,
    pub keys: Vec<Key>,
    pub accepted: Vec<Accepted>,
    pub book: Arc<Book>,
    /// Times in which no node ran: from, until.
    pub down: Vec<(Timestamp, Timestamp)>,
    pub several: bool,
    pub healed: bool,
    rng: StdRng,
    /// Draws the commits whose answers are lost, where some are.
    losses: Option<StdRng>,
    ways: Arc<Mutex<HashMap<i64, usize>>>,
    nodes: Vec<Option<Node>>,
    happenings: BTreeMap<Timestamp, Vec<Happening>>,
    /// A node that is to be killed right after its next claim.
    doomed: Option<usize>,
    pub checks: Checks,
}

impl World {
    pub async fn new(test: TestDomain, seed: u64, plan: Plan) -> Self {
        let book = Book::new(test.clock.clone(), seed);
        let mut world = Self {
            seed,
            teams: Vec::new(),
            providers: Vec::new(),
            groups: Vec::new(),
            keys: Vec::new(),
            accepted: Vec::new(),
            book,
            down: Vec::new(),
            several: plan.nodes > 1,
            healed: false,
            rng: StdRng::seed_from_u64(seed),
            losses: plan.faults.then(|| StdRng::seed_from_u64(seed ^ 0xfa17)),
            ways: Arc::default(),
            nodes: (0..plan.nodes).map(|_| None).collect(),
            happenings: BTreeMap::new(),
            doomed: None,
            checks: Checks::default(),
            test,
        };
        for _ in 0..world.rng.random_range(1..=2) {
            world.add_team().await;
        }
        world.schedule(plan);
        for node in 0..plan.nodes {
            world.start(node).await;
        }
        world
    }

    pub fn now(&self) -> Timestamp {
        self.test.clock.now()
    }

    pub fn runs(&self, node: usize) -> bool {
        self.nodes[node].is_some()
    }

    /// A node that runs, for whoever wants something of it; the first before the start.
    fn domain(&self) -> Domain {
        let running = self.nodes.iter().flatten().next();
        running.map_or_else(|| self.test.domain.clone(), |node| node.domain.clone())
    }

    pub fn has_faults(&self) -> bool {
        self.losses.is_some()
    }

    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    async fn add_team(&mut self) {
        let team = self.teams.len();
        let session = self.test.owner(&format!("Team {team}")).await;
        let managed = providers::list(&self.test, session.team.id)
            .await
            .unwrap()
            .into_iter()
            .find(|view| view.kind == ProviderKind::ManagedSes)
            .unwrap();
        let cap = self.test.settings.managed_daily_cap;
        let caps = Caps {
            day: Some(cap),
            ..ProviderKind::ManagedSes.default_caps()
        };
        self.add_provider(team, managed.id, managed.public_id, managed.kind, caps);
        self.teams.push(session);
        let first = self.providers.len();
        for _ in 0..self.rng.random_range(0..=3) {
            let provider = self.add_own_provider(team).await;
            if self.rng.random_bool(0.6) {
                self.set_caps(provider).await;
            }
            if self.rng.random_bool(0.3) {
                self.set_weight(provider).await;
            }
        }
        let own: Vec<usize> = (first..self.providers.len()).collect();
        self.add_key(team, Reach::All).await;
        if !own.is_empty() {
            let some = self.some_of(&own);
            self.add_key(team, Reach::Providers(some)).await;
            for _ in 0..self.rng.random_range(0..=2) {
                self.add_group(team, &own).await;
            }
        }
    }

    async fn add_own_provider(&mut self, team: usize) -> usize {
        let place = self.providers.len();
        let view = smtp_provider(&self.domain(), &self.teams[team], &format!("Provider {place}")).await;
        self.add_provider(team, view.id, view.public_id, view.kind, Caps::NONE);
        place
    }

    fn add_provider(&mut self, team: usize, id: i64, public_id: String, kind: ProviderKind, caps: Caps) {
        let place = self.book.add_provider();
        self.ways.lock().insert(id, place);
        self.providers.push(Provider {
            team,
            id,
            public_id,
            kind,
            active: true,
            deleted: false,
            weight: 100,
            caps,
            // It was not there before.
            before: (self.now(), false, 100, caps),
        });
    }

    fn some_of(&mut self, all: &[usize]) -> Vec<usize> {
        let mut some: Vec<usize> = all.iter().copied().filter(|_| self.rng.random_bool(0.6)).collect();
        if some.is_empty() {
            some.push(all[self.rng.random_range(0..all.len())]);
        }
        some
    }

    async fn add_group(&mut self, team: usize, own: &[usize]) {
        let members = self.members(own);
        let name = format!("Group {}", self.groups.len());
        let actor = self.teams[team].actor(None);
        let written = self.written(&members);
        let Ok(group) = groups::create(&self.test, &actor, &name, written).await else {
            return;
        };
        self.groups.push(Group {
            team,
            public_id: group.public_id,
            before: (Timestamp::MIN, members.clone()),
            members,
        });
        self.add_key(team, Reach::Groups(vec![self.groups.len() - 1])).await;
    }

    fn members(&mut self, own: &[usize]) -> BTreeMap<usize, Option<i64>> {
        let equal = self.rng.random_bool(0.5);
        self.some_of(own)
            .into_iter()
            .map(|member| (member, (!equal).then(|| self.rng.random_range(0..100))))
            .collect()
    }

    fn written(&self, members: &BTreeMap<usize, Option<i64>>) -> groups::Members {
        members
            .iter()
            .map(|(member, weight)| (self.providers[*member].public_id.clone(), *weight))
            .collect()
    }

    async fn add_key(&mut self, team: usize, reach: Reach) {
        let scope = match &reach {
            Reach::All => Scope::All,
            Reach::Providers(list) => {
                Scope::Providers(list.iter().map(|one| self.providers[*one].public_id.clone()).collect())
            }
            Reach::Groups(list) => Scope::Groups(list.iter().map(|one| self.groups[*one].public_id.clone()).collect()),
        };
        // A scope in which every weight is 0 is refused.
        if let Ok(context) = try_scoped_key(&self.test, &self.teams[team], Mode::Live, scope).await {
            self.keys.push(Key { team, reach, context });
        }
    }

    fn schedule(&mut self, plan: Plan) {
        let end = DAY * plan.days;
        let at = |rng: &mut StdRng| START.plus(Duration::from_millis(rng.random_range(0..end.as_millis() as u64)));
        let mut add = |at, what| self.happenings.entry(at).or_default().push(what);
        for _ in 0..plan.bursts {
            let size = self.rng.random_range(1..=8);
            add(at(&mut self.rng), Happening::Burst(size));
        }
        for _ in 0..plan.happenings {
            let what = match self.rng.random_range(0..20) {
                0..9 => Happening::Mood,
                9..11 => Happening::Switch,
                11..13 => Happening::Weight,
                13..15 => Happening::Caps,
                15 => Happening::Members,
                16..18 => Happening::Unblock,
                18 => Happening::Cancel,
                _ => Happening::Kill,
            };
            add(at(&mut self.rng), what);
        }
        for _ in 0..plan.replaced {
            add(at(&mut self.rng), Happening::Delete);
            add(at(&mut self.rng), Happening::Add);
        }
        add(START.plus(end), Happening::Heal);
    }

    /// Lets everything happen, until every message has come to its end.
    pub async fn run(&mut self) {
        // The number of instants is bounded by what happens, not by how long anything waits.
        for _ in 0..20_000 {
            self.instant().await;
            let asleep = self.nodes.iter().all(Option::is_none);
            if self.healed && !asleep && self.left().await == 0 {
                Checks::at_the_end(self).await;
                return;
            }
            let now = self.now();
            let next = [self.next_happening(), self.book.next_answer(), self.checks.next_wake()]
                .into_iter()
                .flatten()
                .min();
            let Some(next) = next else {
                let left = queue::Entity::find().all(self.test.db.read()).await.unwrap();
                panic!("seed {}: at {now} nothing moves what is left: {left:#?}", self.seed);
            };
            assert!(next > now, "seed {}: a busy loop at {now}", self.seed);
            self.test.clock.advance(next.since(now));
        }
        panic!("seed {}: no end in sight", self.seed);
    }

    async fn left(&self) -> u64 {
        queue::Entity::find().count(self.test.db.read()).await.unwrap()
    }

    fn next_happening(&self) -> Option<Timestamp> {
        self.happenings.keys().next().copied()
    }

    /// Everything that happens at one instant.
    async fn instant(&mut self) {
        let now = self.now();
        // Whatever starts at this instant is not to take those for dead who only could not speak while time jumped.
        for node in self.nodes.iter_mut().flatten() {
            node.engine.beat().await;
        }
        while let Some((at, _)) = self.happenings.first_key_value()
            && *at <= now
        {
            let (_, due) = self.happenings.pop_first().unwrap();
            for what in due {
                self.happen(what).await;
            }
        }
        for node in 0..self.nodes.len() {
            self.settle(node).await;
        }
        let mut moves = 0;
        loop {
            let mut moved = false;
            self.checks.forget_wakes();
            for node in 0..self.nodes.len() {
                Checks::before_claim(self).await;
                let lost = self.lose_commits();
                let Some(running) = &mut self.nodes[node] else { continue };
                let db = running.domain.db.clone();
                db.lose_commits(lost);
                match running.engine.step().await {
                    Step::Moved => moved = true,
                    Step::Quiet(next) => self.checks.wakes_at(next),
                }
                if moved && self.doomed == Some(node) {
                    self.doomed = None;
                    db.lose_commits([]);
                    self.kill(node).await;
                    continue;
                }
                self.settle(node).await;
                db.lose_commits([]);
                Checks::after_claim(self);
            }
            if !moved {
                break;
            }
            moves += 1;
            assert!(moves < 2_000, "seed {}: a busy loop at {now}", self.seed);
        }
        if moves > 0 && self.several {
            self.happenings
                .entry(now.plus(SECOND * 6))
                .or_default()
                .push(Happening::Look);
        }
        if self.nodes.iter().any(Option::is_some) {
            Checks::when_quiet(self).await;
        }
    }

    /// The commits of the next step whose answers are lost, the last in the list first; none in most steps.
    fn lose_commits(&mut self) -> Vec<Option<LostCommit>> {
        let Some(rng) = self.losses.as_mut().filter(|_| !self.healed) else {
            return Vec::new();
        };
        if rng.random_bool(0.8) {
            return Vec::new();
        }
        let mut lost = vec![Some(match rng.random_bool(0.5) {
            true => LostCommit::Before,
            false => LostCommit::After,
        })];
        // Those before it are answered.
        lost.extend((0..rng.random_range(0..4)).map(|_| None));
        lost
    }

    /// Waits until every attempt of the node is either with its provider or written down.
    async fn settle(&self, node: usize) {
        let Some(running) = &self.nodes[node] else { return };
        let mut progress = running.engine.progress();
        let mut changes = self.book.changes();
        let quiet = async {
            loop {
                progress.mark_unchanged();
                changes.mark_unchanged();
                if running.engine.under_way() == self.book.parked(node) && running.engine.unwritten() == 0 {
                    return;
                }
                tokio::select! {
                    changed = progress.changed() => changed.unwrap(),
                    changed = changes.changed() => changed.unwrap(),
                }
            }
        };
        // A guard against a hang of the test, not a measure of time.
        if tokio::time::timeout(Duration::from_secs(60), quiet).await.is_err() {
            panic!("seed {}: an attempt is neither under way nor written", self.seed);
        }
    }

    async fn happen(&mut self, what: Happening) {
        let any_runs = self.nodes.iter().any(Option::is_some);
        match what {
            Happening::Start(node) => self.start(node).await,
            Happening::Look => {}
            Happening::Heal if any_runs => self.heal().await,
            Happening::Heal => {
                let later = self.now().plus(SECOND);
                self.happenings.entry(later).or_default().push(Happening::Heal);
            }
            // Whoever would do it cannot.
            _ if !any_runs => {}
            Happening::Burst(size) => self.burst(size).await,
            Happening::Kill => self.plan_kill().await,
            Happening::Mood => {
                let moods: &[Mood] = match self.losses.is_some() && self.rng.random_bool(0.3) {
                    true => &Mood::FAULTS,
                    false => &Mood::ALL,
                };
                let mood = moods[self.rng.random_range(0..moods.len())];
                let provider = self.any_provider();
                self.book.set_mood(provider, mood);
            }
            Happening::Switch => {
                let provider = self.any_provider();
                let active = !self.providers[provider].active;
                self.switch(provider, active).await;
            }
            Happening::Weight => {
                let provider = self.any_provider();
                self.set_weight(provider).await;
            }
            Happening::Caps => {
                let provider = self.any_provider();
                self.set_caps(provider).await;
            }
            Happening::Members => self.set_members().await,
            Happening::Delete => {
                let provider = self.any_provider();
                self.delete(provider).await;
            }
            Happening::Add => {
                let team = self.rng.random_range(0..self.teams.len());
                self.add_own_provider(team).await;
            }
            Happening::Unblock => {
                let provider = self.any_provider();
                self.unblock(provider).await;
            }
            Happening::Cancel => {
                if !self.accepted.is_empty() {
                    let place = self.rng.random_range(0..self.accepted.len());
                    let message = &self.accepted[place];
                    let actor = self.teams[self.keys[message.key].team].actor(None);
                    // It may be on its way, or finished.
                    drop(sendmux_domain::messages::cancel(&self.domain(), &actor, &message.id).await);
                }
            }
        }
    }

    fn any_provider(&mut self) -> usize {
        self.rng.random_range(0..self.providers.len())
    }

    async fn burst(&mut self, size: usize) {
        let key = self.rng.random_range(0..self.keys.len());
        for _ in 0..size {
            let number = self.accepted.len();
            let recipients: Vec<String> = (0..self.rng.random_range(1..=3))
                .map(|one| format!("m{number}-{one}@example.net"))
                .collect();
            let borrowed: Vec<&str> = recipients.iter().map(String::as_str).collect();
            let context = self.keys[key].context.clone();
            // Refused is refused: nothing was promised.
            if let Ok(id) = try_submit(&self.domain(), &context, &borrowed).await {
                self.accepted.push(Accepted { id, key });
            }
        }
    }

    async fn switch(&mut self, provider: usize, active: bool) {
        let actor = self.teams[self.providers[provider].team].actor(None);
        let public_id = self.providers[provider].public_id.clone();
        if providers::set_active(&self.domain(), &actor, &public_id, active)
            .await
            .is_ok()
        {
            self.changing(provider).active = active;
        }
    }

    /// Deletes it, unless a scope would be left without a provider.
    async fn delete(&mut self, provider: usize) {
        let actor = self.teams[self.providers[provider].team].actor(None);
        let public_id = self.providers[provider].public_id.clone();
        if providers::delete(&self.domain(), &actor, &public_id).await.is_ok() {
            let provider = self.changing(provider);
            provider.active = false;
            provider.deleted = true;
        }
    }

    fn changing(&mut self, provider: usize) -> &mut Provider {
        let now = self.now();
        let provider = &mut self.providers[provider];
        // Several changes at once are one to those who see them later.
        if now.since(provider.before.0) > SECOND * 2 {
            provider.before = (now, provider.active, provider.weight, provider.caps);
        }
        provider
    }

    async fn set_weight(&mut self, provider: usize) {
        let weight = match self.rng.random_range(0..3) {
            0 => 0,
            _ => self.rng.random_range(1..200),
        };
        let actor = self.teams[self.providers[provider].team].actor(None);
        let public_id = self.providers[provider].public_id.clone();
        let set = providers::set_weight(&self.domain(), &actor, &public_id, Some(i64::from(weight))).await;
        if set.is_ok() {
            self.changing(provider).weight = weight;
        }
    }

    async fn set_caps(&mut self, provider: usize) {
        let mut cap = |most: u32| self.rng.random_bool(0.5).then(|| self.rng.random_range(1..=most));
        let caps = Caps {
            second: cap(3),
            minute: cap(6),
            hour: cap(8),
            day: cap(12),
            ..Caps::NONE
        };
        self.write_caps(provider, caps).await;
    }

    async fn write_caps(&mut self, provider: usize, caps: Caps) {
        let form = CapsForm {
            second: caps.second.map(i64::from),
            minute: caps.minute.map(i64::from),
            hour: caps.hour.map(i64::from),
            day: caps.day.map(i64::from),
        };
        let actor = self.teams[self.providers[provider].team].actor(None);
        let public_id = self.providers[provider].public_id.clone();
        if providers::set_caps(&self.domain(), &actor, &public_id, form)
            .await
            .is_ok()
        {
            self.changing(provider).caps = caps;
        }
    }

    async fn set_members(&mut self) {
        if self.groups.is_empty() {
            return;
        }
        let group = self.rng.random_range(0..self.groups.len());
        let team = self.groups[group].team;
        let own: Vec<usize> = (0..self.providers.len())
            .filter(|place| {
                let provider = &self.providers[*place];
                provider.team == team && provider.kind.is_own() && !provider.deleted
            })
            .collect();
        if own.is_empty() {
            return;
        }
        let members = self.members(&own);
        let written = self.written(&members);
        let actor = self.teams[team].actor(None);
        let public_id = self.groups[group].public_id.clone();
        if groups::set_members(&self.domain(), &actor, &public_id, written)
            .await
            .is_ok()
        {
            let now = self.now();
            let group = &mut self.groups[group];
            group.before = (now, std::mem::replace(&mut group.members, members));
        }
    }

    /// A team puts back its own; the account of the managed routes is put back by the operator, who owns the first team.
    async fn unblock(&self, provider: usize) {
        if self.providers[provider].deleted {
            return;
        }
        if !self.providers[provider].kind.is_own() {
            let operator = Operator::of(&self.teams[0].user, None).unwrap();
            managed::unblock(&self.domain(), &operator).await.unwrap();
            return;
        }
        let actor = self.teams[self.providers[provider].team].actor(None);
        providers::unblock(&self.domain(), &actor, &self.providers[provider].public_id)
            .await
            .unwrap();
    }

    /// From here on nothing goes wrong any more, and nothing holds anything back.
    async fn heal(&mut self) {
        for provider in 0..self.providers.len() {
            self.book.set_mood(provider, Mood::Healthy);
            self.switch(provider, true).await;
            if self.providers[provider].kind.is_own() {
                self.write_caps(provider, Caps::NONE).await;
            }
            self.unblock(provider).await;
        }
        self.healed = true;
    }

    async fn start(&mut self, node: usize) {
        let now = self.now();
        let incarnation = nodes::register(&self.test.db, "simulated", now).await.unwrap();
        let domain = match node {
            0 => self.test.domain.clone(),
            _ => self.test.node(incarnation).await,
        };
        let ways = Ways {
            node,
            book: self.book.clone(),
            providers: self.ways.clone(),
        };
        let config = EngineConfig {
            draws: Some(self.rng.next_u64()),
            // Few wait in a story.
            requeued_per_turn: 2,
            ..EngineConfig::default()
        };
        let engine = Stepped::start(domain.clone(), incarnation, Arc::new(ways), config)
            .await
            .unwrap();
        self.nodes[node] = Some(Node {
            engine,
            incarnation,
            domain,
        });
        if let Some((_, until)) = self.down.last_mut().filter(|(_, until)| *until > now) {
            *until = now;
        }
    }

    async fn plan_kill(&mut self) {
        let alive: Vec<usize> = (0..self.nodes.len()).filter(|node| self.runs(*node)).collect();
        let node = alive[self.rng.random_range(0..alive.len())];
        match self.rng.random_range(0..3) {
            // Whatever it does next is the last thing it does.
            0 => self.doomed = Some(node),
            // What was answered at this instant may be written or not.
            1 => {
                tokio::task::yield_now().await;
                self.kill(node).await;
            }
            _ => self.kill(node).await,
        }
    }

    async fn kill(&mut self, node: usize) {
        let Some(Node {
            engine,
            incarnation,
            domain,
        }) = self.nodes[node].take()
        else {
            return;
        };
        engine.crash();
        let now = self.now();
        // The writing connection comes back when what was under way on it has ended.
        domain.db.begin().await.unwrap().rollback().await.unwrap();
        let leased = queue::Entity::find()
            .filter(queue::Column::Lease.eq(incarnation))
            .all(self.test.db.read())
            .await
            .unwrap();
        let mut unwritten = Vec::with_capacity(leased.len());
        for row in leased {
            let provider = self.ways.lock()[&row.provider_id.unwrap()];
            let since = row.started_at.unwrap();
            let message = messages::Entity::find_by_id(row.message_id)
                .one(self.test.db.read())
                .await
                .unwrap()
                .unwrap();
            unwritten.push((message.public_id, provider, since));
        }
        self.book.killed(node, &unwritten);
        if self.nodes.iter().all(Option::is_none) {
            self.down.push((now, Timestamp::from_millis(i64::MAX)));
        }
        let pause = match self.rng.random_range(0..3) {
            0 => SECOND,
            1 => SECOND * 60,
            _ => HOUR * 3,
        };
        let mut add = |at, what| self.happenings.entry(at).or_default().push(what);
        add(now.plus(pause), Happening::Start(node));
        // Long enough for the others to see that it is dead.
        for after in [nodes::DEAD_AFTER + SECOND, nodes::DEAD_AFTER + SECOND * 7] {
            add(now.plus(after), Happening::Look);
        }
    }
}

impl World {
    /// True if this provider may take a message of this key now, by what was configured, or a moment ago.
    pub fn may_serve(&self, key: usize, provider: usize) -> bool {
        let since = self.now().minus(if self.several { SECOND * 2 } else { Duration::ZERO });
        let one = &self.providers[provider];
        let key = &self.keys[key];
        if one.team != key.team {
            return false;
        }
        // As they are, and as they were if that is not long ago.
        let variants = |one: &Provider| {
            let (at, active, weight, _) = one.before;
            let mut all = vec![(one.active, one.weight)];
            if self.several && at >= since {
                all.push((active, weight));
            }
            all
        };
        let active = variants(one).iter().any(|(active, _)| *active);
        let weighs = variants(one).iter().any(|(_, weight)| *weight > 0);
        active
            && match &key.reach {
                Reach::All if one.kind.is_own() => weighs,
                // The managed route serves while no other is active.
                Reach::All => {
                    let mut own = self
                        .providers
                        .iter()
                        .filter(|other| other.team == one.team && other.kind.is_own());
                    own.all(|other| variants(other).iter().any(|(active, _)| !active))
                }
                Reach::Providers(list) => weighs && list.contains(&provider),
                Reach::Groups(list) => list.iter().any(|group| {
                    let group = &self.groups[*group];
                    let takes = |members: &BTreeMap<usize, Option<i64>>| {
                        members.get(&provider).is_some_and(|weight| *weight != Some(0))
                    };
                    takes(&group.members) || self.several && group.before.0 >= since && takes(&group.before.1)
                }),
            }
    }
}
