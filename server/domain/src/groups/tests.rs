use super::*;
use crate::actor::{Actor, Role};
use crate::entities::audit_log;
use crate::keys::{self, Scope};
use crate::providers as providers_domain;
use crate::routing::tests::{key, of_kind, pool_of, relay, submit, wrong_fields};
use crate::testing::databases;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeSet;

fn with(members: &[(&str, Option<i64>)]) -> Members {
    members.iter().map(|(id, weight)| ((*id).to_owned(), *weight)).collect()
}

#[tokio::test]
async fn a_group_is_made_changed_and_deleted() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        let group = create(&test, &actor, "  Bulk ", Members::new()).await.unwrap();
        assert_eq!((group.name.as_str(), group.members.len()), ("Bulk", 0));
        assert!(crate::ids::IdKind::Group.matches(&group.public_id));

        let generation = test.signals.config_generation();
        let members = with(&[(&one.public_id, Some(3)), (&two.public_id, Some(1))]);
        let group = set_members(&test, &actor, &group.public_id, members).await.unwrap();
        assert!(test.signals.config_generation() > generation);
        let shown: Vec<_> = group
            .members
            .iter()
            .map(|member| (member.name.as_str(), member.weight, member.share))
            .collect();
        assert_eq!(shown, [("one", Some(3), 75.0), ("two", Some(1), 25.0)]);

        // A provider that is switched off has no share, and keeps its weight.
        providers_domain::set_active(&test, &actor, &one.public_id, false)
            .await
            .unwrap();
        let group = get(&test, session.team.id, &group.public_id).await.unwrap();
        let shares: Vec<_> = group
            .members
            .iter()
            .map(|member| (member.weight, member.share))
            .collect();
        assert_eq!(shares, [(Some(3), 0.0), (Some(1), 100.0)]);

        // Without weights it is an equal split; a provider may be in several groups, with a weight in each.
        let even = with(&[(&one.public_id, None), (&two.public_id, None)]);
        create(&test, &actor, "Even", even).await.unwrap();
        let renamed = rename(&test, &actor, &group.public_id, "Alerts").await.unwrap();
        assert_eq!((renamed.name.as_str(), renamed.members.len()), ("Alerts", 2));
        let names: Vec<String> = list(&test, session.team.id)
            .await
            .unwrap()
            .into_iter()
            .map(|group| group.name)
            .collect();
        assert_eq!(names, ["Alerts", "Even"]);
        let of_two = providers_domain::get(&test, session.team.id, &two.public_id)
            .await
            .unwrap();
        let groups: Vec<&str> = of_two.groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(groups, ["Alerts", "Even"]);

        delete(&test, &actor, &group.public_id).await.unwrap();
        assert!(matches!(
            get(&test, session.team.id, &group.public_id).await,
            Err(Error::NotFound(_))
        ));
        let left = group_members::Entity::find().all(test.db.read()).await.unwrap();
        assert_eq!(left.len(), 2, "only the other group's");
        let log: Vec<String> = audit_log::Entity::find()
            .order_by_asc(audit_log::Column::Id)
            .all(test.db.read())
            .await
            .unwrap()
            .into_iter()
            .map(|entry| entry.action)
            .filter(|action| action.starts_with("group."))
            .collect();
        assert_eq!(
            log,
            [
                "group.created",
                "group.updated",
                "group.created",
                "group.updated",
                "group.deleted"
            ]
        );
    }
}

#[tokio::test]
async fn everything_wrong_is_named_at_once() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let mut ids = Vec::new();
        for name in ["one", "two", "three"] {
            ids.push(relay(&test, &session, name).await.public_id);
        }
        create(&test, &actor, "Taken", Members::new()).await.unwrap();
        let wrong = async |name: &str, members: Members| {
            let error = create(&test, &actor, name, members).await.unwrap_err();
            wrong_fields(error)
        };
        let at = |field: &str, code: &'static str| (field.to_owned(), code);

        assert_eq!(wrong("", Members::new()).await, [at("name", "required")]);
        assert_eq!(wrong(" Taken ", Members::new()).await, [at("name", "taken")]);
        let members = with(&[(&ids[0], Some(5)), (&ids[1], None), (&ids[2], None)]);
        assert_eq!(
            wrong("Taken", members).await,
            [
                at("name", "taken"),
                at("members[1].weight", "half_weighted"),
                at("members[2].weight", "half_weighted")
            ]
        );
        let members = with(&[(&ids[0], Some(-1)), (&ids[1], Some(1_000_001)), ("prv_nobody", Some(1))]);
        assert_eq!(
            wrong("x", members).await,
            [
                at("members[2].provider", "unknown"),
                at("members[0].weight", "negative"),
                at("members[1].weight", "too_large")
            ]
        );
        let members = with(&[(&ids[0], Some(0)), (&ids[1], Some(0))]);
        assert_eq!(
            wrong("x", members).await,
            [at("members[0].weight", "all_zero"), at("members[1].weight", "all_zero")]
        );
        let members = with(&[(&ids[0], None), (&ids[0], None)]);
        assert_eq!(wrong("x", members).await, [at("members[1].provider", "duplicate")]);
        let many = vec![(ids[0].clone(), None); 101];
        assert_eq!(wrong("x", many).await, [at("members", "too_many")]);
        assert_eq!(list(&test, session.team.id).await.unwrap().len(), 1, "nothing was made");
    }
}

#[tokio::test]
async fn the_managed_route_and_the_sandbox_join_no_group() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let managed = of_kind(&test, &session, ProviderKind::ManagedSes).await;
        let sandbox = of_kind(&test, &session, ProviderKind::Sandbox).await;
        let members = with(&[(&managed.public_id, None), (&sandbox.public_id, None)]);
        let error = create(&test, &session.actor(None), "x", members).await.unwrap_err();
        let not_allowed = |field: &str| (field.to_owned(), "not_allowed");
        assert_eq!(
            wrong_fields(error),
            [not_allowed("members[0].provider"), not_allowed("members[1].provider")]
        );
    }
}

#[tokio::test]
async fn groups_belong_to_their_team_and_members_only_look_on() {
    for test in databases().await {
        let (acme, other) = (test.owner("Acme").await, test.owner("Other").await);
        let group = create(&test, &acme.actor(None), "Bulk", Members::new()).await.unwrap();
        let foreign = relay(&test, &acme, "one").await.public_id;
        create(&test, &other.actor(None), "Bulk", Members::new()).await.unwrap();
        let id = &group.public_id;
        assert!(matches!(get(&test, other.team.id, id).await, Err(Error::NotFound(_))));
        let renamed = rename(&test, &other.actor(None), id, "Mine").await;
        assert!(matches!(renamed, Err(Error::NotFound(_))));
        let deleted = delete(&test, &other.actor(None), id).await;
        assert!(matches!(deleted, Err(Error::NotFound(_))));
        let error = create(&test, &other.actor(None), "x", with(&[(&foreign, None)]))
            .await
            .unwrap_err();
        assert_eq!(wrong_fields(error), [("members[0].provider".to_owned(), "unknown")]);

        let member = Actor {
            role: Role::Member,
            ..acme.actor(None)
        };
        let forbidden = set_members(&test, &member, id, Members::new()).await;
        assert!(matches!(forbidden, Err(Error::Forbidden(_))));
    }
}

#[tokio::test]
async fn what_is_sent_for_an_empty_group_is_refused() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let one = relay(&test, &session, "one").await;
        let group = create(&test, &actor, "Bulk", Members::new()).await.unwrap().public_id;
        let created = key(&test, &session, "k", Scope::Groups(vec![group.clone()])).await;
        assert!(matches!(
            submit(&test, &created.secret).await,
            Err(Error::NoActiveProviders)
        ));
        set_members(&test, &actor, &group, with(&[(&one.public_id, None)]))
            .await
            .unwrap();
        submit(&test, &created.secret).await.unwrap();
    }
}

#[tokio::test]
async fn a_group_is_not_deleted_under_those_who_need_it() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let one = relay(&test, &session, "one").await;
        let group = create(&test, &actor, "Bulk", with(&[(&one.public_id, None)]))
            .await
            .unwrap()
            .public_id;
        let created = key(&test, &session, "backend", Scope::Groups(vec![group.clone()])).await;
        submit(&test, &created.secret).await.unwrap();
        let used_by = get(&test, session.team.id, &group).await.unwrap().used_by;
        assert_eq!(used_by[0].name, "backend");
        let Err(Error::Conflict(why)) = delete(&test, &actor, &group).await else {
            panic!("deleted")
        };
        assert!(why.contains("backend"), "{why}");

        keys::revoke(&test, &actor, &created.key.public_id).await.unwrap();
        let Err(Error::Conflict(why)) = delete(&test, &actor, &group).await else {
            panic!("deleted")
        };
        assert!(why.contains("wait"), "{why}");
        let tx = test.db.begin().await.unwrap();
        crate::entities::queue::Entity::delete_many().exec(&tx).await.unwrap();
        tx.commit().await.unwrap();
        delete(&test, &actor, &group).await.unwrap();
    }
}

#[tokio::test]
async fn deleting_a_provider_takes_it_from_its_groups_unless_only_zeros_are_left() {
    for test in databases().await {
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let (one, two) = (relay(&test, &session, "one").await, relay(&test, &session, "two").await);
        let members = with(&[(&one.public_id, Some(0)), (&two.public_id, Some(5))]);
        let group = create(&test, &actor, "Bulk", members).await.unwrap().public_id;
        let Err(Error::Conflict(why)) = providers_domain::delete(&test, &actor, &two.public_id).await else {
            panic!("deleted")
        };
        assert!(why.contains("Bulk"), "{why}");
        providers_domain::delete(&test, &actor, &one.public_id).await.unwrap();
        providers_domain::delete(&test, &actor, &two.public_id).await.unwrap();
        let members = get(&test, session.team.id, &group).await.unwrap().members;
        assert_eq!(members, [], "an empty group is left");
    }
}

/// After any changes of groups and providers, a key of groups never leads to a provider outside them, and every
/// configured pool can be drawn from as long as one of its members is switched on.
#[tokio::test]
async fn a_key_never_leads_out_of_its_groups() {
    for (round, test) in databases().await.into_iter().enumerate() {
        let mut rng = SmallRng::seed_from_u64(round as u64);
        let session = test.owner("Acme").await;
        let actor = session.actor(None);
        let mut providers = Vec::new();
        for n in 0..5 {
            providers.push(relay(&test, &session, &format!("p{n}")).await.public_id);
        }
        let mut group_ids = Vec::new();
        for n in 0..3 {
            let group = create(&test, &actor, &format!("g{n}"), Members::new()).await.unwrap();
            group_ids.push(group.public_id);
        }
        let mut scopes = vec![vec![0], vec![1, 2]];
        let mut keys = Vec::new();
        for groups in &scopes {
            let scope = Scope::Groups(groups.iter().map(|n: &usize| group_ids[*n].clone()).collect());
            keys.push(key(&test, &session, "k", scope).await);
        }
        for step in 0..120 {
            let at = rng.random_range(0..group_ids.len());
            let provider = providers[rng.random_range(0..providers.len())].clone();
            // A refused change has no effect, which the check below would notice as well.
            match rng.random_range(0..10) {
                0..5 => {
                    let weighted = rng.random_range(0..4) > 0;
                    let mut members = Members::new();
                    for id in &providers {
                        if rng.random_range(0..2) == 0 {
                            members.push((id.clone(), weighted.then(|| rng.random_range(-1..4))));
                        }
                    }
                    drop(set_members(&test, &actor, &group_ids[at], members).await);
                }
                5 => {
                    let weight = Some(rng.random_range(-1..3));
                    drop(providers_domain::set_weight(&test, &actor, &provider, weight).await);
                }
                6 => {
                    let on = rng.random_range(0..3) > 0;
                    drop(providers_domain::set_active(&test, &actor, &provider, on).await);
                }
                7 => {
                    let n = rng.random_range(0..scopes.len());
                    scopes[n] = vec![at, (at + 1) % group_ids.len()];
                    let named = scopes[n].iter().map(|n| group_ids[*n].clone()).collect();
                    keys::set_scope(&test, &actor, &keys[n].key.public_id, Scope::Groups(named))
                        .await
                        .unwrap();
                }
                8 if providers.len() > 2 => {
                    if providers_domain::delete(&test, &actor, &provider).await.is_ok() {
                        providers.retain(|id| *id != provider);
                    }
                }
                _ => providers.push(relay(&test, &session, &format!("new{step}")).await.public_id),
            }
            let all = list(&test, session.team.id).await.unwrap();
            for (groups, key) in scopes.iter().zip(&keys) {
                let named: Vec<&Group> = groups
                    .iter()
                    .filter_map(|n| all.iter().find(|group| group.public_id == group_ids[*n]))
                    .collect();
                let members: BTreeSet<&str> = named
                    .iter()
                    .flat_map(|group| group.members.iter().map(|member| member.name.as_str()))
                    .collect();
                let pool = pool_of(&test, &key.secret).await;
                let reached: BTreeSet<&str> = pool.iter().map(|(name, _)| name.as_str()).collect();
                assert_eq!(reached, members, "step {step}");
                assert!(
                    pool.is_empty() || pool.iter().any(|(_, weight)| *weight > 0),
                    "step {step}: {pool:?}"
                );
            }
        }
    }
}
