//! Texts that a team keeps with a provider of its own. Nothing here reads them: they are for the programs that ask.

use super::rows::{NOT_FOUND, of_team};
use crate::actor::Actor;
use crate::column::Json;
use crate::entities::provider_variables::{ActiveModel, Column, Entity};
use crate::error::{Error, FieldError, Result};
use crate::{Domain, audit};
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait;
use sea_orm::sea_query::OnConflict;
use serde_json::json;
use std::collections::BTreeMap;

/// Texts by name.
pub type Variables = BTreeMap<String, String>;

/// Variables of a provider.
const MAX_VARIABLES: usize = 50;
/// Characters of a name, and of a text.
const MAX_NAME: usize = 64;
const MAX_TEXT: usize = 4_096;

/// Errors in these variables, as fields: `variables`, `variables.name`.
pub fn check_variables(variables: &Variables) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if variables.len() > MAX_VARIABLES {
        let message = format!("has {} variables; there can be {MAX_VARIABLES}", variables.len());
        errors.push(FieldError::new("variables", "too_many", message));
    }
    for (name, text) in variables {
        let field = || {
            format!(
                "variables.{}",
                name.chars().take(MAX_NAME).collect::<String>().escape_default()
            )
        };
        if !is_name(name) {
            let message = format!(
                "must be a name of small letters and digits, joined by single underscores, beginning with a letter, of \
                 {MAX_NAME} characters at most"
            );
            errors.push(FieldError::new(field(), "invalid", message));
        } else if text.chars().count() > MAX_TEXT {
            let message = format!("is longer than {MAX_TEXT} characters");
            errors.push(FieldError::new(field(), "too_long", message));
        }
    }
    errors
}

/// `^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$`
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .split('_')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// The variables of a provider, by its public id; none when nothing was ever set.
///
/// # Errors
/// [`Error::NotFound`], for those of other teams too.
pub async fn variables(domain: &Domain, team_id: i64, public_id: &str) -> Result<Variables> {
    let db = domain.db.read();
    let row = of_team(team_id, public_id).one(db).await?.ok_or(NOT_FOUND)?;
    let stored = Entity::find_by_id(row.id).one(db).await?;
    Ok(stored.map(|stored| stored.variables.0).unwrap_or_default())
}

/// Makes these the variables of a provider of the team's own, in the place of all that there were.
///
/// # Errors
/// [`Error::Invalid`] with every wrong field; [`Error::Conflict`] for a provider that is not the team's own;
/// [`Error::NotFound`]; [`Error::Forbidden`].
pub async fn set_variables(domain: &Domain, actor: &Actor, public_id: &str, variables: &Variables) -> Result<()> {
    actor.require_configure()?;
    let errors = check_variables(variables);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let tx = domain.db.begin().await?;
    let row = of_team(actor.team_id, public_id).one(&tx).await?.ok_or(NOT_FOUND)?;
    if !row.kind.is_own() {
        return Err(Error::Conflict(
            "only providers of the team's own have variables".to_owned(),
        ));
    }
    if variables.is_empty() {
        Entity::delete_by_id(row.id).exec(&tx).await?;
    } else {
        let stored = ActiveModel {
            provider_id: Set(row.id),
            variables: Set(Json(variables.clone())),
        };
        let over = OnConflict::column(Column::ProviderId)
            .update_column(Column::Variables)
            .to_owned();
        Entity::insert(stored)
            .on_conflict(over)
            .exec_without_returning(&tx)
            .await?;
    }
    let names: Vec<&String> = variables.keys().collect();
    let detail = json!({ "name": row.name, "variables": names });
    audit::record(
        &tx,
        domain.clock.now(),
        actor,
        "provider.variables_changed",
        public_id,
        detail,
    )
    .await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_joined_by_underscores() {
        for name in ["a", "a1", "first_name", "x_1_b", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "A", "1a", "_a", "a_", "a__b", "a-b", "ä", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        let mut variables: Variables = (0..49).map(|n| (format!("v{n}"), String::new())).collect();
        variables.insert("fits".to_owned(), "ü".repeat(MAX_TEXT));
        assert_eq!(check_variables(&variables), []);
        variables.insert("long".to_owned(), "ü".repeat(MAX_TEXT + 1));
        variables.insert("No\n".to_owned(), String::new());
        let wrong: Vec<_> = check_variables(&variables)
            .into_iter()
            .map(|error| (error.field, error.code))
            .collect();
        let expected = [
            ("variables", "too_many"),
            ("variables.No\\n", "invalid"),
            ("variables.long", "too_long"),
        ];
        assert_eq!(wrong, expected.map(|(field, code)| (field.to_owned(), code)));
    }
}
