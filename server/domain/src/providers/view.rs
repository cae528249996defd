//! Views of providers, for the dashboard and the API.

use super::kinds::mailbox::{MailboxConfig, MailboxView};
use super::kinds::ses::SesConfig;
use super::kinds::smtp::SmtpConfig;
use super::kinds::{Configuration, Form, Settings};
use super::rows::NOT_FOUND;
use super::test_result::LastTest;
use crate::Domain;
use crate::entities::{delivery_groups, group_members, mailboxes, provider_runtime, providers};
use crate::error::Result;
use crate::routing::caps_of;
use crate::runtime;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sendmux_rules::caps::{Caps, Usage, Used};
use sendmux_rules::select::{Availability, Candidate, LeftOut, Need, prefer_own_providers, select};
use sendmux_rules::shares::{Member, shares};
use sendmux_rules::{Block, Health, ProviderKind, ProviderStatus, Timestamp};
use std::collections::HashMap;

/// A provider, with its state.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderView {
    /// Database id.
    pub id: i64,
    /// Public id (`prv_…`).
    pub public_id: String,
    /// Its kind.
    pub kind: ProviderKind,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: ProviderStatus,
    /// The weight outside groups; none is 100.
    pub weight: Option<u32>,
    /// The most that goes through it.
    pub caps: Caps,
    /// Usage in the windows that count now.
    pub used: Used,
    /// Rest of its caps in those windows.
    pub left: Left,
    /// Its part, 0 to 100, of what keys of the scope `all` send while all active providers are open.
    pub share: f64,
    /// The same as things are now: a blocked one is sent nothing, and the others take its part.
    pub share_now: f64,
    /// Reason that it takes no message now; of several, the one that lasts longest.
    pub hold: Option<Hold>,
    /// The groups it is in, by name.
    pub groups: Vec<GroupName>,
    /// Its settings, without secrets.
    pub configuration: Configuration,
    /// A secret is stored.
    pub has_secret: bool,
    /// Address of the mailbox, for those that are signed in to.
    pub mailbox: Option<MailboxView>,
    /// Its block, while it has one.
    pub block: Option<Block>,
    /// Until when it is left alone, as it asked.
    pub paused_until: Option<Timestamp>,
    /// Time at which a message was last handed to it.
    pub last_used_at: Option<Timestamp>,
    /// Its last connection test.
    pub last_test: Option<LastTest>,
    /// Raised by every change; an edit says which one it was made on.
    pub version: i32,
    /// Time at which it was added.
    pub created_at: Timestamp,
    /// Time at which its settings were last changed.
    pub updated_at: Timestamp,
    /// Run by the operator of the installation: the team can only switch it on and off.
    pub managed: bool,
    /// Its messages end in the sandbox: the managed route of an installation without an Amazon SES account.
    pub to_sandbox: bool,
}

/// Rest of the caps in the windows that count now, in the units that the caps count; none where there is no cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// In this second.
    pub second: Option<u32>,
    /// In this minute.
    pub minute: Option<u32>,
    /// In this hour.
    pub hour: Option<u32>,
    /// In the day.
    pub day: Option<u32>,
}

impl Left {
    fn of(caps: &Caps, used: &Used) -> Self {
        let left = |cap: Option<u32>, used: u32| cap.map(|cap| cap.saturating_sub(used));
        Self {
            second: left(caps.second, used.second),
            minute: left(caps.minute, used.minute),
            hour: left(caps.hour, used.hour),
            day: left(caps.day, used.day),
        }
    }
}

/// Reason that a provider takes no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Reason: inactive, drained, blocked, paused, or at a cap.
    pub reason: LeftOut,
    /// Until when; none when only somebody's hand ends it.
    pub opens_at: Option<Timestamp>,
}

/// A delivery group, to be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// `dgrp_…`
    pub public_id: String,
    /// Its name.
    pub name: String,
}

impl ProviderView {
    /// The settings of an SMTP provider.
    pub fn smtp(&self) -> Option<&SmtpConfig> {
        SmtpConfig::of(&self.configuration)
    }

    /// The settings of an Amazon SES account.
    pub fn ses(&self) -> Option<&SesConfig> {
        SesConfig::of(&self.configuration)
    }

    /// A form that changes nothing; none for a provider without settings of the team's.
    pub fn form(&self) -> Option<Form> {
        self.configuration.form(&self.name)
    }
}

/// The providers of a team in the order in which they were added, the managed route and the sandbox first.
pub async fn list(domain: &Domain, team_id: i64) -> Result<Vec<ProviderView>> {
    views(domain, team_id).await
}

/// One provider of a team.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound), for those of other teams too.
pub async fn get(domain: &Domain, team_id: i64, public_id: &str) -> Result<ProviderView> {
    // All of them: its share depends on the others.
    let views = views(domain, team_id).await?;
    let found = views.into_iter().find(|view| view.public_id == public_id);
    found.ok_or(NOT_FOUND)
}

async fn views(domain: &Domain, team_id: i64) -> Result<Vec<ProviderView>> {
    let db = domain.db.read();
    let rows = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
        .order_by_asc(providers::Column::Id)
        .all(db)
        .await?;
    let ids = || rows.iter().map(|row| row.id);
    let states = runtime::readable(db, ids()).await?;
    let mut states: HashMap<i64, provider_runtime::Model> =
        states.into_iter().map(|state| (state.provider_id, state)).collect();
    let names: HashMap<i64, GroupName> = delivery_groups::Entity::find()
        .filter(delivery_groups::Column::TeamId.eq(team_id))
        .all(db)
        .await?
        .into_iter()
        .map(|group| {
            let (public_id, name) = (group.public_id, group.name);
            (group.id, GroupName { public_id, name })
        })
        .collect();
    let mut groups: HashMap<i64, Vec<GroupName>> = HashMap::new();
    if !names.is_empty() {
        let members = group_members::Entity::find()
            .filter(group_members::Column::ProviderId.is_in(ids()))
            .all(db)
            .await?;
        for member in members {
            let of_provider = groups.entry(member.provider_id).or_default();
            of_provider.extend(names.get(&member.group_id).cloned());
        }
    }
    let mailbox_rows = mailboxes::Entity::find().filter(mailboxes::Column::TeamId.eq(team_id));
    let mailboxes: HashMap<i64, mailboxes::Model> = mailbox_rows
        .all(db)
        .await?
        .into_iter()
        .map(|mailbox| (mailbox.provider_id, mailbox))
        .collect();
    let now = domain.clock.now();
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let id = row.id;
        let mut view = view(states.remove(&id), row, mailboxes.get(&id), now)?;
        view.to_sandbox = view.managed && domain.settings.managed_ses.is_none();
        view.groups = groups.remove(&id).unwrap_or_default();
        view.groups.sort_by(|one, other| one.name.cmp(&other.name));
        views.push(view);
    }
    let (share, share_now) = (
        shares_of_all(&views, |_| true),
        shares_of_all(&views, |view| view.block.is_none()),
    );
    for view in &mut views {
        view.share = share.get(&view.id).copied().unwrap_or(0.0);
        view.share_now = share_now.get(&view.id).copied().unwrap_or(0.0);
    }
    Ok(views)
}

/// Under the scope `all` the team's own providers share the traffic; the managed route stands in while none is active.
/// Of those that serve, the ones that are `open` take part.
fn shares_of_all(views: &[ProviderView], open: impl Fn(&ProviderView) -> bool) -> HashMap<i64, f64> {
    let mut serving: Vec<&ProviderView> = views
        .iter()
        .filter(|view| view.status == ProviderStatus::Active && view.kind != ProviderKind::Sandbox)
        .collect();
    prefer_own_providers(&mut serving, |view| view.kind, |_| true);
    serving.retain(|view| open(view));
    let members: Vec<Member> = serving
        .into_iter()
        .map(|view| Member {
            id: view.id,
            weight: view.weight.map(i64::from),
        })
        .collect();
    shares(&members)
        .into_iter()
        .map(|share| (share.id, share.percent))
        .collect()
}

fn view(
    state: Option<provider_runtime::Model>,
    row: providers::Model,
    mailbox: Option<&mailboxes::Model>,
    now: Timestamp,
) -> Result<ProviderView> {
    let kind = row.kind;
    let state = state.as_ref();
    let id = row.public_id.as_str();
    let caps = caps_of(kind, [row.cap_second, row.cap_minute, row.cap_hour, row.cap_day]);
    let (health, usage): (Health, Usage) = state
        .map(|state| (state.health.0.clone(), state.usage.0.clone()))
        .unwrap_or_default();
    let configuration = Configuration::of(&row)?;
    let mailbox = MailboxConfig::of(&configuration).map(|config| MailboxView::of(config, mailbox));
    let status: ProviderStatus = row.status;
    let weight = row.weight.map(|weight| u32::try_from(weight).unwrap_or(0));
    let used = usage.used(caps.day_rule, now);
    let mut candidate = Candidate::new(row.id, kind, weight.unwrap_or(sendmux_rules::shares::DEFAULT_WEIGHT));
    candidate.active = status == ProviderStatus::Active;
    candidate.availability = Availability::of(&health, &caps, &usage, kind.cap_units(1), now);
    Ok(ProviderView {
        kind,
        status,
        weight,
        left: Left::of(&caps, &used),
        used,
        share: 0.0,
        share_now: 0.0,
        hold: hold(&candidate, now),
        groups: Vec::new(),
        caps,
        configuration,
        has_secret: row.secret.is_some(),
        mailbox,
        block: health.block_at(now).cloned(),
        paused_until: health.pause_at(now).map(|pause| pause.until),
        last_used_at: state.and_then(|state| state.last_used_at),
        last_test: state.and_then(|state| last_test(id, state.last_test.as_deref()?)),
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        managed: kind == ProviderKind::ManagedSes,
        to_sandbox: false,
        id: row.id,
        public_id: row.public_id,
        name: row.name,
    })
}

/// A test result that cannot be read is left out of the view.
fn last_test(provider: &str, stored: &str) -> Option<LastTest> {
    serde_json::from_str(stored)
        .inspect_err(|error| tracing::error!(provider, %error, "the last test of a provider cannot be read"))
        .ok()
}

/// Reason that a provider does not take the smallest message there is.
fn hold(candidate: &Candidate, now: Timestamp) -> Option<Hold> {
    let need = Need {
        bytes: 0,
        recipients: 1,
        headers_all_pending: true,
    };
    let selection = select(
        std::slice::from_ref(candidate),
        &need,
        now,
        &mut SmallRng::seed_from_u64(0),
    );
    selection.considered.first().and_then(|one| {
        Some(Hold {
            reason: one.left_out?,
            opens_at: one.opens_at,
        })
    })
}
