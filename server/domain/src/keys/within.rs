//! Limits on keys that a key creates, changes and revokes: never more rights than its own, so that a weak key cannot be
//! turned into a strong one, nor take its place.

use super::{KeyContext, Permission, Scope, get};
use crate::Domain;
use crate::error::{Error, Result};
use crate::ids;
use sendmux_rules::Mode;

/// Checks that a new key is no wider than `maker` in permissions, mode and scope.
///
/// # Errors
/// [`Error::Forbidden`], which names what is wider; [`Error::NotFound`] when `maker` was deleted meanwhile.
pub async fn check_within(
    domain: &Domain,
    maker: &KeyContext,
    mode: Mode,
    permissions: &[Permission],
    scope: &Scope,
) -> Result<()> {
    if !permissions.iter().all(|one| maker.may(*one)) {
        return Err(Error::Forbidden(
            "permissions: a key cannot give a permission that it does not have itself",
        ));
    }
    if maker.mode == Mode::Test && mode != Mode::Test {
        return Err(Error::Forbidden("mode: a test key can only give keys of the mode test"));
    }
    check_scope_within(domain, maker, scope).await
}

/// Checks that the key with this id, which `changer` is to change or revoke, is no wider than `changer`.
///
/// # Errors
/// [`Error::Forbidden`]; [`Error::NotFound`], for keys of other teams too.
pub async fn check_key_within(domain: &Domain, changer: &KeyContext, public_id: &str) -> Result<()> {
    let key = get(domain, changer.team_id, public_id).await?;
    match check_within(domain, changer, key.mode, &key.permissions, &key.scope).await {
        Err(Error::Forbidden(_)) => Err(Error::Forbidden(
            "this key is wider than the one that asks, in permissions, mode or scope: change or revoke it in the dashboard",
        )),
        checked => checked,
    }
}

/// [`check_within`] for the scope alone.
///
/// # Errors
/// As [`check_within`].
pub async fn check_scope_within(domain: &Domain, maker: &KeyContext, scope: &Scope) -> Result<()> {
    let own = get(domain, maker.team_id, &maker.public_id).await?.scope;
    if covers(&own, scope) {
        return Ok(());
    }
    Err(Error::Forbidden(
        "scope: a key cannot give a scope that reaches beyond its own; name providers or groups that its own scope names",
    ))
}

/// True if everything that `scope` can ever reach is within `own`. The members of a group change, so neither is a group
/// within providers nor a provider within a group.
fn covers(own: &Scope, scope: &Scope) -> bool {
    match (own, scope) {
        (Scope::All, _) => true,
        (Scope::Providers(own), Scope::Providers(named)) => named.iter().all(|id| own.contains(id)),
        (Scope::Groups(own), Scope::Groups(named)) => named
            .iter()
            .all(|id| own.iter().any(|one| ids::group(one) == ids::group(id))),
        (Scope::Providers(_) | Scope::Groups(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{self, NewKey};
    use crate::testing::{databases, smtp_provider};
    use proptest::prelude::*;

    fn scope() -> impl Strategy<Value = Scope> {
        let ids = || proptest::collection::btree_set(0u8..4, 1..4).prop_map(|ids| ids.into_iter());
        prop_oneof![
            Just(Scope::All),
            ids().prop_map(|ids| Scope::Providers(ids.map(|id| format!("prv_{id}")).collect())),
            ids().prop_map(|ids| Scope::Groups(ids.map(|id| format!("dgrp_{id}")).collect())),
        ]
    }

    proptest! {
        #[test]
        fn a_chain_of_keys_never_reaches_further_than_its_first(chain in proptest::collection::vec(scope(), 2..6)) {
            prop_assert!(chain.iter().all(|scope| covers(scope, scope) && covers(&Scope::All, scope)));
            if chain.windows(2).all(|pair| covers(&pair[0], &pair[1])) {
                prop_assert!(covers(&chain[0], &chain[chain.len() - 1]));
            }
            if covers(&chain[0], &chain[1]) && covers(&chain[1], &chain[0]) {
                prop_assert_eq!(&chain[0], &chain[1]);
            }
        }
    }

    #[tokio::test]
    async fn nothing_that_a_key_gives_is_wider_than_itself() {
        use Permission::{KeysWrite, Manage, Read, Send};
        for test in databases().await {
            let session = test.owner("Acme").await;
            let one = smtp_provider(&test, &session, "one").await.public_id;
            let two = smtp_provider(&test, &session, "two").await.public_id;
            let of = |ids: &[&String]| Scope::Providers(ids.iter().map(|id| (*id).clone()).collect());
            let maker = async |mode: Mode, permissions: &[Permission], scope: Scope| {
                let new = NewKey {
                    name: "Maker".to_owned(),
                    mode,
                    permissions: permissions.to_vec(),
                    scope,
                };
                let secret = keys::create(&test, &session.actor(None), new).await.unwrap().secret;
                keys::authenticate(&test, &secret).await.unwrap().unwrap()
            };
            let all = maker(Mode::Live, Permission::ALL, Scope::All).await;
            let manager = maker(Mode::Live, &[Manage], Scope::All).await;
            let tester = maker(Mode::Test, Permission::ALL, Scope::All).await;
            let narrow = maker(Mode::Live, Permission::ALL, of(&[&one])).await;
            for (maker, mode, permissions, scope, wrong) in [
                (&all, Mode::Live, Permission::ALL, Scope::All, None),
                (&all, Mode::Test, &[Send], of(&[&one, &two]), None),
                (&manager, Mode::Live, &[Manage], Scope::All, None),
                (&manager, Mode::Live, &[Send, Manage], Scope::All, Some("permissions: ")),
                (&manager, Mode::Live, &[KeysWrite], Scope::All, Some("permissions: ")),
                (&manager, Mode::Test, &[Read], Scope::All, Some("permissions: ")),
                (&tester, Mode::Test, Permission::ALL, of(&[&two]), None),
                (&tester, Mode::Live, &[Send], Scope::All, Some("mode: ")),
                (&narrow, Mode::Test, &[Send], of(&[&one]), None),
                (&narrow, Mode::Live, &[Send], of(&[&one, &two]), Some("scope: ")),
                (&narrow, Mode::Live, &[Send], Scope::All, Some("scope: ")),
            ] {
                let checked = check_within(&test, maker, mode, permissions, &scope).await;
                match wrong {
                    None => checked.unwrap(),
                    Some(wrong) => {
                        let error = checked.unwrap_err().to_string();
                        assert!(error.contains(wrong), "{error}");
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn a_key_changes_no_key_that_is_wider_than_itself() {
        for test in databases().await {
            let session = test.owner("Acme").await;
            let provider = smtp_provider(&test, &session, "one").await.public_id;
            let make = async |mode: Mode, permissions: &[Permission], scope: Scope| {
                let new = NewKey {
                    name: "Key".to_owned(),
                    mode,
                    permissions: permissions.to_vec(),
                    scope,
                };
                let made = keys::create(&test, &session.actor(None), new).await.unwrap();
                keys::authenticate(&test, &made.secret).await.unwrap().unwrap()
            };
            let most = make(Mode::Live, Permission::ALL, Scope::All).await;
            let tester = make(Mode::Test, Permission::ALL, Scope::All).await;
            let narrow = make(Mode::Live, Permission::ALL, Scope::Providers(vec![provider])).await;
            let writer = make(Mode::Live, &[Permission::KeysWrite], Scope::All).await;
            for weaker in [&tester, &narrow, &writer] {
                let refused = check_key_within(&test, weaker, &most.public_id).await;
                assert!(matches!(refused, Err(Error::Forbidden(_))), "{weaker:?}");
                check_key_within(&test, &most, &weaker.public_id).await.unwrap();
                check_key_within(&test, weaker, &weaker.public_id).await.unwrap();
            }
            let stranger = test.owner("Bolt").await;
            let theirs = test.key(&stranger, Mode::Test, Scope::All).await.key.public_id;
            let refused = check_key_within(&test, &most, &theirs).await;
            assert!(matches!(refused, Err(Error::NotFound(_))));
        }
    }
}
