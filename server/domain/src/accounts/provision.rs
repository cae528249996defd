//! Provisioning of a new team: its address, the managed route, the sandbox, and the lanes of its first keys.

use super::Team;
use crate::db::Transaction;
use crate::entities::teams;
use crate::error::{Error, Result};
use crate::ids::{IdKind, random_into};
use crate::lanes::{self, ScopeKind};
use crate::providers::{Configuration, NewProvider};
use crate::settings::Settings;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{EntityTrait, TryInsertResult};
use sendmux_rules::{Mode, ProviderStatus, Timestamp};

/// Local part of the installation's own mail; reserved, so that no team gets it.
const SYSTEM_SLUG: &str = "noreply";

/// Longest slug, so that a suffix still fits into a local part (64 octets, RFC 5321 section 4.5.3.1.1).
const MAX_SLUG: usize = 40;

/// Addresses that belong to the domain itself (RFC 2142, and names that recipients associate with the operator).
const RESERVED: &[&str] = &[
    "abuse",
    "admin",
    "administrator",
    "billing",
    "bounce",
    "bounces",
    "ftp",
    "hostmaster",
    "info",
    "mailer-daemon",
    "marketing",
    "news",
    "no-reply",
    "noc",
    "noreply",
    "operator",
    "postmaster",
    "root",
    "sales",
    "security",
    "sendmux",
    "support",
    "team",
    "usenet",
    "uucp",
    "webmaster",
    "www",
];

/// Makes a team with everything needed to send at once. Without `managed_opens` its managed route is pending until the
/// address of its owner is verified.
pub(super) async fn team(
    tx: &Transaction,
    settings: &Settings,
    now: Timestamp,
    name: &str,
    managed_opens: bool,
) -> Result<Team> {
    let team = insert_team(tx, now, name).await?;
    let managed = if managed_opens {
        ProviderStatus::Active
    } else {
        ProviderStatus::Pending
    };
    insert_providers(tx, now, team.id, Some(settings.managed_daily_cap), managed).await?;
    lanes::intern(tx, team.id, Mode::Live, ScopeKind::All, &[]).await?;
    lanes::intern(tx, team.id, Mode::Test, ScopeKind::All, &[]).await?;
    Ok(team)
}

/// Makes the team of the installation's own mail. It has no members, and no cap on the managed route.
pub(crate) async fn system_team(tx: &Transaction, now: Timestamp) -> Result<Team> {
    let public_id = IdKind::Team.generate();
    let row = teams::ActiveModel {
        id: NotSet,
        public_id: Set(public_id.clone()),
        name: Set("System".to_owned()),
        slug: Set(SYSTEM_SLUG.to_owned()),
        created_at: Set(now),
    };
    let team = Team {
        id: teams::Entity::insert(row).exec(tx).await?.last_insert_id,
        public_id,
        name: "System".to_owned(),
        slug: SYSTEM_SLUG.to_owned(),
    };
    insert_providers(tx, now, team.id, None, ProviderStatus::Active).await?;
    Ok(team)
}

/// Gives a team its managed route, with this cap a day, and its sandbox.
async fn insert_providers(
    tx: &Transaction,
    now: Timestamp,
    team_id: i64,
    cap_day: Option<u32>,
    managed: ProviderStatus,
) -> Result<()> {
    let mut route = NewProvider::new("Managed route".to_owned(), &Configuration::ManagedSes)?;
    route.status = managed;
    route.caps.day = cap_day;
    route.insert(tx, team_id, now).await?;
    let sandbox = NewProvider::new("Sandbox".to_owned(), &Configuration::Sandbox)?;
    sandbox.insert(tx, team_id, now).await?;
    Ok(())
}

async fn insert_team(tx: &Transaction, now: Timestamp, name: &str) -> Result<Team> {
    let public_id = IdKind::Team.generate();
    for slug in slugs(name) {
        let row = teams::ActiveModel {
            id: NotSet,
            public_id: Set(public_id.clone()),
            name: Set(name.to_owned()),
            slug: Set(slug.clone()),
            created_at: Set(now),
        };
        let inserted = teams::Entity::insert(row)
            .on_conflict_do_nothing_on([teams::Column::Slug])
            .exec(tx)
            .await?;
        if let TryInsertResult::Inserted(inserted) = inserted {
            return Ok(Team {
                id: inserted.last_insert_id,
                public_id,
                name: name.to_owned(),
                slug,
            });
        }
    }
    Err(Error::Internal(format!("no free short name for the team {name:?}")))
}

/// Slugs to try for a team, the best first.
fn slugs(name: &str) -> impl Iterator<Item = String> {
    let base = slug(name);
    let plain = (!RESERVED.contains(&base.as_str())).then(|| base.clone());
    let counted = (2..=5).map({
        let base = base.clone();
        move |n| format!("{base}-{n}")
    });
    let random = std::iter::repeat_with(move || {
        let mut slug = format!("{base}-");
        random_into(&mut slug, b"abcdefghijkmnpqrstuvwxyz23456789", 6);
        slug
    });
    plain.into_iter().chain(counted).chain(random.take(8))
}

/// A name as the local part of an address: `[a-z0-9]`, single hyphens inside.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().flat_map(char::to_lowercase) {
        let plain = match letter {
            'a'..='z' | '0'..='9' => {
                slug.push(letter);
                continue;
            }
            'à'..='å' | 'ā' | 'ă' | 'ą' => "a",
            'æ' => "ae",
            'ç' | 'ć' | 'č' => "c",
            'ď' | 'đ' | 'ð' => "d",
            'è'..='ë' | 'ē' | 'ę' | 'ě' => "e",
            'ğ' => "g",
            'ì'..='ï' | 'ī' | 'ı' => "i",
            'ł' => "l",
            'ñ' | 'ń' | 'ň' => "n",
            'ò'..='ö' | 'ø' | 'ō' | 'ő' => "o",
            'œ' => "oe",
            'ř' => "r",
            'ś' | 'š' | 'ş' | 'ș' => "s",
            'ß' => "ss",
            'ť' | 'ţ' | 'ț' => "t",
            'þ' => "th",
            'ù'..='ü' | 'ū' | 'ů' | 'ű' => "u",
            'ý' | 'ÿ' => "y",
            'ź' | 'ż' | 'ž' => "z",
            // Apostrophes and combining accents are removed: "O'Reilly" is one word.
            '\'' | '’' | '\u{300}'..='\u{36f}' => continue,
            _ if slug.is_empty() || slug.ends_with('-') => continue,
            _ => "-",
        };
        slug.push_str(plain);
    }
    slug.truncate(MAX_SLUG);
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "team".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_local_part() {
        for (name, expected) in [
            ("Acme", "acme"),
            ("Müller & Söhne GmbH", "muller-sohne-gmbh"),
            ("  --O'Reilly--  ", "oreilly"),
            ("Zoe\u{308}'s 2nd team", "zoes-2nd-team"),
            ("株式会社", "team"),
            ("İstanbul Ðør", "istanbul-dor"),
            ("a.b_c", "a-b-c"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
        assert_eq!(slug(&"ab ".repeat(40)), "ab-".repeat(13) + "a");
    }

    #[test]
    fn reserved_addresses_are_given_to_nobody() {
        assert!(!slugs("Postmaster").any(|slug| slug == "postmaster"));
        assert_eq!(slugs("Acme").take(2).collect::<Vec<_>>(), ["acme", "acme-2"]);
        assert!(slugs("株式会社").all(|slug| slug.starts_with("team-")));
        assert_eq!(
            RESERVED.iter().filter(|name| slug(name) == **name).count(),
            RESERVED.len()
        );
    }
}
