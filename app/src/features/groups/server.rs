//! Delivery groups: the list, and the form.

use super::api::{DELETE_GROUP, GROUP};
use super::convert;
use super::model::{GroupItem, GroupView};
use crate::model::{AppError, FormReply, NotANumber, weight_of};
use crate::server::context::{Current, current, error_response};
use crate::server::form::{Done, Sent, renamed};
use sendmux_domain::error::FieldError;
use sendmux_domain::groups::{self, Group, Members};
use sendmux_domain::{Error, providers};
use std::collections::BTreeMap;

const LIST: &str = "/groups";
const NEW: &str = "/groups/new";

/// The team's groups.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn list() -> Result<Vec<GroupItem>, AppError> {
    let current = current().await?;
    let groups = groups::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    Ok(groups.into_iter().map(convert::group).collect())
}

/// One group, or an empty one without an id, with the providers that could be in it.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn get(id: String) -> Result<GroupView, AppError> {
    let current = current().await?;
    let group = if id.is_empty() {
        None
    } else {
        Some(
            groups::get(&current.domain, current.team_id(), &id)
                .await
                .map_err(error_response)?,
        )
    };
    let providers = providers::list(&current.domain, current.team_id())
        .await
        .map_err(error_response)?;
    Ok(GroupView {
        group: group.map(convert::group).unwrap_or_default(),
        providers: convert::group_candidates(providers, current.now()),
    })
}

/// Makes or changes a group.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn save(
    id: String,
    name: String,
    member: BTreeMap<String, String>,
    weight: BTreeMap<String, String>,
) -> Result<FormReply, AppError> {
    let page = if id.is_empty() { NEW.to_owned() } else { page_of(&id) };
    let typed = std::iter::once(("name".to_owned(), name.clone()))
        .chain(member.keys().map(|id| (format!("member[{id}]"), "true".to_owned())))
        .chain(weight.iter().map(|(id, weight)| (weight_field(id), weight.clone())));
    let sent = Sent::back(GROUP, &page, LIST).typed(typed);
    sent.run(|current| async move {
        let group = write(&current, &id, &name, &member, &weight).await?;
        Ok(if id.is_empty() {
            Done::from("The group is ready. A key that is scoped to it sends through its members alone.")
                .on(page_of(&group.public_id))
        } else {
            Done::from("Saved. It counts at once, for messages that wait already too.")
        })
    })
    .await
}

/// Deletes a group, and shows the list.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn delete(id: String, back: String) -> Result<FormReply, AppError> {
    let sent = Sent::back(DELETE_GROUP, &back, LIST);
    sent.run(|current| async move {
        groups::delete(&current.domain, &current.actor(), &id).await?;
        Ok(Done::from("The group is deleted. Its providers stay as they are.").on(LIST))
    })
    .await
}

fn page_of(id: &str) -> String {
    format!("{LIST}/{id}")
}

async fn write(
    current: &Current,
    id: &str,
    name: &str,
    member: &BTreeMap<String, String>,
    weight: &BTreeMap<String, String>,
) -> Result<Group, Error> {
    let members = members_of(member, weight)?;
    let written = if id.is_empty() {
        groups::create(&current.domain, &current.actor(), name, members.clone()).await
    } else {
        groups::update(&current.domain, &current.actor(), id, Some(name), Some(members.clone())).await
    };
    written.map_err(|error| at_the_inputs(error, &members))
}

/// The ticked providers with their weights as numbers.
fn members_of(member: &BTreeMap<String, String>, weight: &BTreeMap<String, String>) -> Result<Members, Error> {
    let mut wrong = Vec::new();
    let mut members = Members::new();
    for id in member.keys() {
        let typed = weight.get(id).map_or("", String::as_str);
        match weight_of(typed) {
            Ok(weight) => members.push((id.clone(), weight)),
            Err(NotANumber) => wrong.push(FieldError::new(
                weight_field(id),
                "invalid",
                "enter a whole number from 0 up, or nothing for an equal split",
            )),
        }
    }
    if wrong.is_empty() {
        Ok(members)
    } else {
        Err(Error::Invalid(wrong))
    }
}

/// The domain names members by their place in the list (`members[1].weight`); the form names its inputs by provider.
fn at_the_inputs(error: Error, members: &Members) -> Error {
    renamed(error, |field| {
        let place: usize = field.strip_prefix("members[")?.split(']').next()?.parse().ok()?;
        members.get(place).map(|(id, _)| weight_field(id))
    })
}

fn weight_field(id: &str) -> String {
    format!("weight[{id}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(id, value)| ((*id).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn only_ticked_providers_are_members() {
        let members = members_of(
            &map(&[("prv_a", "true"), ("prv_b", "true")]),
            &map(&[("prv_a", " 30 "), ("prv_b", ""), ("prv_c", "x")]),
        );
        let expected = vec![("prv_a".to_owned(), Some(30)), ("prv_b".to_owned(), None)];
        assert_eq!(members.unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_said_at_the_input_of_the_provider() {
        let fields = |error: Error| match error {
            Error::Invalid(errors) => errors.into_iter().map(|error| error.field).collect::<Vec<_>>(),
            error => panic!("{error}"),
        };
        let not_a_number = members_of(&map(&[("prv_a", "true")]), &map(&[("prv_a", "many")]));
        assert_eq!(fields(not_a_number.unwrap_err()), ["weight[prv_a]"]);
        let members = vec![("prv_a".to_owned(), Some(1)), ("prv_b".to_owned(), None)];
        let error = Error::Invalid(vec![
            FieldError::new("name", "taken", "taken"),
            FieldError::new("members[1].weight", "half_weighted", "half"),
        ]);
        assert_eq!(fields(at_the_inputs(error, &members)), ["name", "weight[prv_b]"]);
    }
}
