//! Signing up.

use super::verify::send_link;
use super::{SignedIn, User, daily, provision};
use crate::actor::{Actor, Role};
use crate::db::Transaction;
use crate::entities::{memberships, settings, users};
use crate::error::{Error, FieldError, Result};
use crate::ids::IdKind;
use crate::names::check_name;
use crate::settings::SignUpPolicy;
use crate::system_mail::{self, Mails};
use crate::{Domain, audit, passwords};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect, SqlErr, TryInsertResult};
use sendmux_mime::ValidEmail;
use sendmux_rules::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;

/// The sign-up form, as typed.
#[derive(Clone, Default)]
pub struct SignUp {
    /// Name of the person.
    pub name: String,
    /// Address to sign in with.
    pub email: String,
    /// The password.
    pub password: String,
    /// Name of the team.
    pub team_name: String,
    /// The setup token, for the first account where it is needed.
    pub setup_token: String,
}

impl fmt::Debug for SignUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignUp")
            .field("email", &self.email)
            .field("team_name", &self.team_name)
            .finish_non_exhaustive()
    }
}

/// An account to be made by the command line.
#[derive(Clone, Default)]
pub struct NewUser {
    /// Address to sign in with.
    pub email: String,
    /// Name of the person; if empty, the part of the address before the `@`.
    pub name: String,
    /// The password.
    pub password: String,
    /// True for an operator of the installation. The first account is one in any case.
    pub operator: bool,
    /// Name of the team; if empty, the name of the person.
    pub team_name: String,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewUser")
            .field("email", &self.email)
            .field("operator", &self.operator)
            .finish_non_exhaustive()
    }
}

/// State of signing up in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignUpState {
    /// True if an account can be made.
    pub open: bool,
    /// True if there is no account yet: the next one becomes the operator.
    pub first_account: bool,
    /// True if that takes the setup token.
    pub needs_setup_token: bool,
}

/// Name of the row in `settings` that only the first account of the installation inserts.
const FIRST_ACCOUNT: &str = "first_account";

const CLOSED: Error =
    Error::Forbidden("signing up is closed on this installation: ask its operator for an account or an invitation");

/// State of signing up in the browser.
pub async fn sign_up_state(domain: &Domain) -> Result<SignUpState> {
    let claimed = settings::Entity::find_by_id(FIRST_ACCOUNT)
        .one(domain.db.read())
        .await?;
    let first_account = claimed.is_none();
    Ok(SignUpState {
        open: first_account || domain.settings.sign_up == SignUpPolicy::Open,
        first_account,
        needs_setup_token: first_account && domain.settings.needs_setup_token,
    })
}

/// Makes an account and its team. The first account of an installation becomes its operator, even where sign-up is
/// closed.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Forbidden`] where signing up is closed; [`Error::Conflict`] when
/// there were too many sign-ups within a day, from the client's network or in all.
pub async fn sign_up(domain: &Domain, form: SignUp, remote: Option<IpAddr>) -> Result<SignedIn> {
    let state = sign_up_state(domain).await?;
    if !state.open {
        return Err(CLOSED);
    }
    // Whether an account is the first cannot become true later, so that this holds when it is made.
    if state.needs_setup_token {
        check_setup_token(domain, form.setup_token.trim())?;
    }
    let valid = validate(domain, &form).await;
    // What says that an address has an account counts too, so that addresses are not tried one after the other.
    if valid.as_ref().err().is_none_or(tells_of_an_account) {
        daily::count_sign_up(domain, remote).await?;
    }
    create(
        domain,
        valid?,
        form.password,
        false,
        domain.settings.sign_up == SignUpPolicy::Closed,
        true,
        |email| Origin {
            label: email.to_owned(),
            remote,
            action: "user.signed_up",
        },
    )
    .await
}

fn check_setup_token(domain: &Domain, typed: &str) -> Result<()> {
    let right = domain.sealer.setup_token().map(|token| Sha256::digest(token.expose()));
    // Digests are compared, so that the time it takes tells nothing of the token.
    if right.is_some_and(|right| right == Sha256::digest(typed)) {
        return Ok(());
    }
    let (code, message) = if typed.is_empty() {
        (
            "required",
            "enter the setup token that the server printed when it started",
        )
    } else {
        (
            "invalid",
            "this is not the setup token: the server printed it when it started",
        )
    };
    Err(Error::field("setup_token", code, message))
}

/// Makes an account with a team of its own, even where sign-up is closed. Its address counts as verified: whoever uses the
/// command line vouches for it.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field.
pub async fn create_user(domain: &Domain, new: NewUser) -> Result<User> {
    let local_part = new.email.split('@').next().unwrap_or_default();
    let or = |text: &str, otherwise: &str| {
        if text.trim().is_empty() {
            otherwise.to_owned()
        } else {
            text.to_owned()
        }
    };
    let name = or(&new.name, local_part);
    let form = SignUp {
        team_name: or(&new.team_name, &name),
        name,
        email: new.email.clone(),
        password: new.password,
        setup_token: String::new(),
    };
    let origin = |_: &str| Origin {
        label: "command line".to_owned(),
        remote: None,
        action: "user.created",
    };
    let valid = validate(domain, &form).await?;
    let made = create(domain, valid, form.password, new.operator, false, false, origin).await?;
    Ok(made.user)
}

/// Actor of a new account in the audit log.
struct Origin {
    label: String,
    remote: Option<IpAddr>,
    action: &'static str,
}

/// A validated sign-up form.
struct Valid {
    person: Person,
    team_name: String,
}

/// The person of a validated form.
pub(super) struct Person {
    name: String,
    email: ValidEmail,
}

async fn create(
    domain: &Domain,
    valid: Valid,
    password: String,
    operator: bool,
    only_first: bool,
    verify: bool,
    origin: impl FnOnce(&str) -> Origin,
) -> Result<SignedIn> {
    // Where mail can be sent, the address must be verified; the command line is trusted.
    let vouched = !verify || !system_mail::leaves(domain);
    if !vouched {
        system_mail::prepare(domain).await?;
    }
    let password_hash = passwords::hash(password).await?;
    let now = domain.clock.now();

    let tx = domain.db.begin().await?;
    let first = claim_first(&tx, now).await?;
    if only_first && !first {
        return Err(CLOSED);
    }
    let verified_at = (!verify).then_some(now);
    let user = insert_user(&tx, now, &valid.person, password_hash, operator || first, verified_at).await?;
    let team = provision::team(&tx, &domain.settings, now, &valid.team_name, vouched).await?;
    insert_member(&tx, team.id, user.id, Role::Owner, now).await?;
    let mails = if vouched {
        Mails::default()
    } else {
        send_link(&tx, domain, user.id, &user.email, now).await?
    };

    let Origin { label, remote, action } = origin(&user.email);
    let actor = Actor {
        team_id: team.id,
        user_id: Some(user.id),
        label,
        remote,
        role: Role::Owner,
    };
    let detail = json!({ "email": user.email, "operator": user.is_operator });
    audit::record(&tx, now, &actor, action, &user.public_id, detail).await?;
    let detail = json!({ "name": team.name, "slug": team.slug });
    audit::record(&tx, now, &actor, "team.created", &team.public_id, detail).await?;
    tx.commit().await?;
    mails.wake(domain);
    Ok(SignedIn::new(user, team))
}

async fn validate(domain: &Domain, form: &SignUp) -> Result<Valid> {
    let person = validate_person(domain, form).await;
    let team_name = check_name("team_name", "the team's name", &form.team_name);
    match (person, team_name) {
        (Ok(person), Ok(team_name)) => Ok(Valid { person, team_name }),
        (Ok(_), Err(error)) => Err(Error::Invalid(vec![error])),
        (Err(Error::Invalid(mut errors)), team_name) => {
            errors.extend(team_name.err());
            Err(Error::Invalid(errors))
        }
        (Err(error), _) => Err(error),
    }
}

/// Checks name, address and password.
pub(super) async fn validate_person(domain: &Domain, form: &SignUp) -> Result<Person> {
    let name = check_name("name", "your name", &form.name);
    let email = match ValidEmail::parse(form.email.trim()) {
        Ok(email) if is_taken(domain, &email).await? => Err(taken()),
        Ok(email) => Ok(email),
        Err(sendmux_mime::AddressError::Empty) => Err(FieldError::new("email", "required", "enter your email address")),
        Err(error) => Err(FieldError::new("email", "invalid", error.to_string())),
    };
    let password = passwords::check(&form.password, &form.email, &form.name);
    match (name, email, password) {
        (Ok(name), Ok(email), Ok(())) => Ok(Person { name, email }),
        (name, email, password) => Err(Error::Invalid(
            [name.err(), email.err(), password.err()]
                .into_iter()
                .flatten()
                .collect(),
        )),
    }
}

/// Makes somebody a member of a team.
pub(super) async fn insert_member(
    tx: &Transaction,
    team_id: i64,
    user_id: i64,
    role: Role,
    now: Timestamp,
) -> Result<()> {
    let membership = memberships::ActiveModel {
        team_id: Set(team_id),
        user_id: Set(user_id),
        role: Set(role),
        created_at: Set(now),
    };
    memberships::Entity::insert(membership)
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

fn taken() -> FieldError {
    FieldError::new(
        "email",
        "taken",
        "there is an account with this email address already: sign in instead",
    )
}

/// True for a refusal that says that the address has an account.
fn tells_of_an_account(error: &Error) -> bool {
    matches!(error, Error::Invalid(fields) if fields.iter().any(|field| field.code == "taken"))
}

/// Key by which addresses are compared, without letter case: people do not expect two accounts that differ only in it.
pub(super) fn email_key(email: &ValidEmail) -> String {
    email.as_str().to_lowercase()
}

async fn is_taken(domain: &Domain, email: &ValidEmail) -> Result<bool> {
    let found: Option<i64> = users::Entity::find()
        .select_only()
        .column(users::Column::Id)
        .filter(users::Column::EmailKey.eq(email_key(email)))
        .into_tuple()
        .one(domain.db.read())
        .await?;
    Ok(found.is_some())
}

/// True for the first account of the installation. Of two concurrent calls, the second waits for the first to commit
/// and returns false.
async fn claim_first(tx: &Transaction, now: Timestamp) -> Result<bool> {
    let row = settings::ActiveModel {
        name: Set(FIRST_ACCOUNT.to_owned()),
        value: Set("true".to_owned()),
        updated_at: Set(now),
    };
    let inserted = settings::Entity::insert(row)
        .on_conflict_do_nothing_on([settings::Column::Name])
        .exec_without_returning(tx)
        .await?;
    Ok(matches!(inserted, TryInsertResult::Inserted(1..)))
}

pub(super) async fn insert_user(
    tx: &Transaction,
    now: Timestamp,
    valid: &Person,
    password_hash: String,
    is_operator: bool,
    verified_at: Option<Timestamp>,
) -> Result<users::Model> {
    let row = users::ActiveModel {
        id: NotSet,
        public_id: Set(IdKind::User.generate()),
        email: Set(valid.email.as_str().to_owned()),
        email_key: Set(email_key(&valid.email)),
        name: Set(valid.name.clone()),
        password_hash: Set(password_hash),
        is_operator: Set(is_operator),
        email_verified_at: Set(verified_at),
        created_at: Set(now),
        disabled_at: Set(None),
    };
    match users::Entity::insert(row).exec_with_returning(tx).await {
        Ok(row) => Ok(row),
        // The address was taken since it was looked up.
        Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => {
            Err(Error::Invalid(vec![taken()]))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
