//! Queries of the audit log: a team's, for its owners and admins, and the whole installation's, for its operator.

use crate::actor::Actor;
use crate::entities::audit_log::{Column, Entity, Model};
use crate::entities::{memberships, teams, users};
use crate::error::Result;
use crate::messages::query::{Page, decode_cursor, encode_cursor};
use crate::{Domain, Operator};
use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr};
use sea_orm::{ColumnTrait, Condition, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use sendmux_rules::Timestamp;
use std::collections::{HashMap, HashSet};

/// The operator in the log of a team that they do not belong to. Who it is, and from where, is not the team's business.
const OPERATOR: &str = "operator of the installation";

/// Selection of entries. Empty texts select everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// An action (`key.revoked`), or the kind of it (`key`).
    pub action: String,
    /// A part of the actor, in any case.
    pub actor: String,
    /// A part of the action, the target, the detail, the address or the request id, in any case.
    pub text: String,
    /// The earliest time.
    pub since: Option<Timestamp>,
    /// The end, which is not part of it.
    pub until: Option<Timestamp>,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Time of the change.
    pub at: Timestamp,
    /// Name of the team, in the operator's list; none for what concerns no team, or one that is gone.
    pub team: Option<String>,
    /// The actor in words.
    pub actor: String,
    /// The action: `key.revoked`.
    pub action: String,
    /// Public id of what was changed.
    pub target: String,
    /// The change, without secrets.
    pub detail: serde_json::Value,
    /// Address of the client.
    pub remote_address: Option<String>,
    /// Id of the request.
    pub request_id: Option<String>,
}

/// Entries of the actor's team, the newest first: at most `limit`, older than the cursor `before`.
///
/// # Errors
/// [`crate::Error::Forbidden`] for all but owners and admins; [`crate::Error::Invalid`] for a malformed cursor.
pub async fn of_team(
    domain: &Domain,
    actor: &Actor,
    filter: &AuditFilter,
    before: Option<&str>,
    limit: u64,
) -> Result<Page<AuditEntry>> {
    actor.require_manage_team()?;
    let find = Entity::find().filter(Column::TeamId.eq(actor.team_id));
    let db = domain.db.read();
    let (rows, next) = page(db, find, filter, before, limit).await?;
    let operators = operators_among(db, actor.team_id, &rows).await?;
    let rows = rows
        .into_iter()
        .map(|row| {
            let is_operator = row.user_id.is_some_and(|id| operators.contains(&id));
            let mut entry = entry(row, None);
            if is_operator {
                OPERATOR.clone_into(&mut entry.actor);
                entry.remote_address = None;
            }
            entry
        })
        .collect();
    Ok(Page { rows, next })
}

/// Entries of all teams and of the installation itself, as [`of_team`].
///
/// # Errors
/// [`crate::Error::Invalid`] for a malformed cursor.
pub async fn of_installation(
    domain: &Domain,
    _: &Operator,
    filter: &AuditFilter,
    before: Option<&str>,
    limit: u64,
) -> Result<Page<AuditEntry>> {
    let db = domain.db.read();
    let (rows, next) = page(db, Entity::find(), filter, before, limit).await?;
    let ids: HashSet<i64> = rows.iter().filter_map(|row| row.team_id).collect();
    let names: HashMap<i64, String> = teams::Entity::find()
        .filter(teams::Column::Id.is_in(ids))
        .all(db)
        .await?
        .into_iter()
        .map(|team| (team.id, team.name))
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| {
            let team = row.team_id.and_then(|id| names.get(&id).cloned());
            entry(row, team)
        })
        .collect();
    Ok(Page { rows, next })
}

/// Rows of one page, and the cursor of the next.
async fn page(
    db: &DatabaseConnection,
    find: Select<Entity>,
    filter: &AuditFilter,
    before: Option<&str>,
    limit: u64,
) -> Result<(Vec<Model>, Option<String>)> {
    let mut wanted = matching(filter);
    if let Some(cursor) = before {
        wanted = wanted.add(Column::Id.lt(decode_cursor(cursor)?));
    }
    let mut rows = find
        .filter(wanted)
        .order_by_desc(Column::Id)
        .limit(limit + 1)
        .all(db)
        .await?;
    let mut next = None;
    if rows.len() as u64 > limit {
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        next = rows.last().map(|row| encode_cursor(row.id));
    }
    Ok((rows, next))
}

fn matching(filter: &AuditFilter) -> Condition {
    let [action, actor, text] = [&filter.action, &filter.actor, &filter.text].map(|text| text.trim());
    let mut all = Condition::all()
        .add_option(filter.since.map(|at| Column::CreatedAt.gte(at)))
        .add_option(filter.until.map(|at| Column::CreatedAt.lt(at)));
    if !action.is_empty() {
        let kind = LikeExpr::new(format!("{}.%", escaped(action))).escape('\\');
        all = all.add(
            Condition::any()
                .add(Column::Action.eq(action))
                .add(Expr::col(Column::Action).like(kind)),
        );
    }
    if !actor.is_empty() {
        all = all.add(has(Column::Actor, actor));
    }
    if !text.is_empty() {
        let columns = [
            Column::Action,
            Column::Target,
            Column::Detail,
            Column::RemoteAddress,
            Column::RequestId,
        ];
        let any = columns.into_iter().map(|column| has(column, text));
        all = all.add(any.fold(Condition::any(), Condition::add));
    }
    all
}

fn has(column: Column, part: &str) -> Expr {
    let pattern = format!("%{}%", escaped(&part.to_lowercase()));
    Expr::expr(Func::lower(Expr::col(column))).like(LikeExpr::new(pattern).escape('\\'))
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_")
}

/// Operators who made some of these entries and do not belong to the team.
async fn operators_among(db: &DatabaseConnection, team_id: i64, rows: &[Model]) -> Result<HashSet<i64>> {
    let ids: HashSet<i64> = rows.iter().filter_map(|row| row.user_id).collect();
    let operators = users::Entity::find()
        .filter(users::Column::Id.is_in(ids))
        .filter(users::Column::IsOperator.eq(true))
        .all(db)
        .await?;
    let mut operators: HashSet<i64> = operators.into_iter().map(|user| user.id).collect();
    let members = memberships::Entity::find()
        .filter(memberships::Column::TeamId.eq(team_id))
        .filter(memberships::Column::UserId.is_in(operators.clone()))
        .all(db)
        .await?;
    for member in members {
        operators.remove(&member.user_id);
    }
    Ok(operators)
}

fn entry(row: Model, team: Option<String>) -> AuditEntry {
    AuditEntry {
        at: row.created_at,
        team,
        actor: row.actor,
        action: row.action,
        target: row.target,
        detail: row.detail.0,
        remote_address: row.remote_address,
        request_id: row.request_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{self, Session};
    use crate::actor::Role;
    use crate::audit;
    use crate::error::Error;
    use crate::testing::{PASSWORD, TestDomain, databases};
    use serde_json::json;
    use std::net::IpAddr;
    use std::time::Duration;

    const LIMIT: u64 = 50;

    fn remote() -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, 7]))
    }

    async fn record(test: &TestDomain, actor: &Actor, action: &'static str, target: &str) {
        let tx = test.db.begin().await.unwrap();
        let detail = json!({ "name": "100% Relay_1" });
        audit::record(&tx, test.domain.clock.now(), actor, action, target, detail)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn targets(test: &TestDomain, actor: &Actor, filter: AuditFilter) -> Vec<String> {
        let page = of_team(test, actor, &filter, None, LIMIT).await.unwrap();
        page.rows.into_iter().map(|entry| entry.target).collect()
    }

    async fn operator(test: &TestDomain) -> (Session, Operator) {
        // The first account operates the installation.
        let first = test.owner("First").await;
        let operator = Operator::of(&first.user, remote()).unwrap();
        (first, operator)
    }

    #[tokio::test]
    async fn entries_are_found_by_action_actor_text_and_time() {
        for test in databases().await {
            let actor = test.owner("Acme").await.actor(remote());
            test.clock.advance(Duration::from_secs(60));
            record(&test, &actor, "key.created", "key_1").await;
            record(&test, &actor, "keyring.created", "other").await;
            test.clock.advance(Duration::from_secs(60));
            record(&test, &actor, "key.revoked", "key_2").await;

            let by = |action: &str, actor: &str, text: &str| AuditFilter {
                action: action.to_owned(),
                actor: actor.to_owned(),
                text: text.to_owned(),
                ..AuditFilter::default()
            };
            assert_eq!(targets(&test, &actor, by("key", "", "")).await, ["key_2", "key_1"]);
            assert_eq!(targets(&test, &actor, by("key.created", "", "")).await, ["key_1"]);
            assert_eq!(targets(&test, &actor, by("key%", "", "")).await, [""; 0]);
            let label = actor.label.to_uppercase();
            assert_eq!(targets(&test, &actor, by("keyring", &label, "")).await, ["other"]);
            assert_eq!(targets(&test, &actor, by("", "somebody else", "")).await, [""; 0]);
            for text in ["KEY_2", "key.rev"] {
                assert_eq!(targets(&test, &actor, by("", "", text)).await, ["key_2"], "{text}");
            }
            for text in ["100% relay_1", "192.0.2.7"] {
                assert!(targets(&test, &actor, by("", "", text)).await.len() >= 3, "{text}");
            }
            assert_eq!(targets(&test, &actor, by("", "", "100_")).await, [""; 0]);

            let now = test.domain.clock.now();
            let minute = Duration::from_secs(60);
            let between = |since, until| AuditFilter {
                since: Some(since),
                until: Some(until),
                ..AuditFilter::default()
            };
            let found = targets(&test, &actor, between(now.minus(minute), now)).await;
            assert_eq!(found, ["other", "key_1"]);
            let found = targets(&test, &actor, between(now, now.plus(minute))).await;
            assert_eq!(found, ["key_2"]);
        }
    }

    #[tokio::test]
    async fn pages_follow_one_another() {
        for test in databases().await {
            let actor = test.owner("Acme").await.actor(None);
            for target in ["1", "2", "3", "4", "5"] {
                record(&test, &actor, "test.done", target).await;
            }
            let filter = AuditFilter {
                action: "test".to_owned(),
                ..AuditFilter::default()
            };
            let mut seen = Vec::new();
            let mut before = None;
            loop {
                let page = of_team(&test, &actor, &filter, before.as_deref(), 2).await.unwrap();
                assert!(page.rows.len() <= 2);
                seen.extend(page.rows.into_iter().map(|entry| entry.target));
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            assert_eq!(seen, ["5", "4", "3", "2", "1"]);
            let refused = of_team(&test, &actor, &filter, Some("no cursor"), 2).await;
            assert!(matches!(refused, Err(Error::Invalid(_))));
        }
    }

    #[tokio::test]
    async fn a_team_sees_its_own_and_the_operator_sees_all() {
        for test in databases().await {
            let (first, operator) = operator(&test).await;
            let acme = test.owner("Acme").await;
            let bolt = test.owner("Bolt").await;
            for session in [&first, &acme, &bolt] {
                record(&test, &session.actor(None), "test.done", &session.team.name).await;
            }
            let filter = AuditFilter {
                action: "test.done".to_owned(),
                ..AuditFilter::default()
            };
            assert_eq!(targets(&test, &acme.actor(None), filter.clone()).await, ["Acme"]);
            let all = of_installation(&test, &operator, &filter, None, LIMIT).await.unwrap();
            let teams: Vec<_> = all.rows.into_iter().filter_map(|entry| entry.team).collect();
            assert_eq!(teams, ["Bolt", "Acme", "First"]);

            for role in [Role::Developer, Role::Member] {
                let actor = Actor {
                    role,
                    ..acme.actor(None)
                };
                let refused = of_team(&test, &actor, &filter, None, LIMIT).await;
                assert!(matches!(refused, Err(Error::Forbidden(_))), "{role}");
            }
        }
    }

    #[tokio::test]
    async fn a_team_does_not_learn_who_the_operator_is_and_from_where() {
        for test in databases().await {
            let (first, operator) = operator(&test).await;
            let acme = test.owner("Acme").await;
            record(&test, &operator.actor(acme.team.id), "test.decided", "Acme").await;
            record(&test, &operator.actor(first.team.id), "test.decided", "First").await;
            let filter = AuditFilter {
                action: "test.decided".to_owned(),
                ..AuditFilter::default()
            };
            let page = of_team(&test, &acme.actor(None), &filter, None, LIMIT).await.unwrap();
            let seen = (&*page.rows[0].actor, &page.rows[0].remote_address);
            assert_eq!(seen, (OPERATOR, &None));
            let page = of_team(&test, &first.actor(None), &filter, None, LIMIT).await.unwrap();
            assert_eq!(page.rows[0].actor, first.user.email);
            assert_eq!(page.rows[0].remote_address.as_deref(), Some("192.0.2.7"));
        }
    }

    #[tokio::test]
    async fn sign_ins_and_wrong_passwords_are_recorded_with_address_and_request() {
        for test in databases().await {
            let acme = test.owner("Acme").await;
            let filter = AuditFilter {
                text: "req_0001".to_owned(),
                ..AuditFilter::default()
            };
            let work = async {
                accounts::sign_in(&test, &acme.user.email, "wrong", remote())
                    .await
                    .unwrap_err();
                accounts::sign_in(&test, "nobody@example.com", "wrong", remote())
                    .await
                    .unwrap_err();
                accounts::sign_in(&test, &acme.user.email, PASSWORD, remote())
                    .await
                    .unwrap();
            };
            audit::in_request("req_0001".into(), work).await;
            let page = of_team(&test, &acme.actor(None), &filter, None, LIMIT).await.unwrap();
            let actions: Vec<_> = page.rows.iter().map(|entry| entry.action.as_str()).collect();
            assert_eq!(actions, ["user.signed_in", "user.sign_in_failed"]);
            for entry in page.rows {
                assert_eq!(entry.actor, acme.user.email);
                assert_eq!(entry.remote_address.as_deref(), Some("192.0.2.7"));
                assert_eq!(entry.request_id.as_deref(), Some("req_0001"));
            }
        }
    }
}
