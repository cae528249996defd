//! The form of a provider's weight and caps.

use super::{LIST, page_of};
use crate::features::providers::api::ROUTING;
use crate::model::{AppError, FormReply, NotANumber, weight_of};
use crate::server::form::{Sent, renamed};
use sendmux_domain::error::FieldError;
use sendmux_domain::providers::{self, CapsForm};
use sendmux_domain::{Actor, Domain, Error};

/// The form as it was typed.
pub struct Typed {
    /// Public id.
    pub id: String,
    /// The version that was edited.
    pub version: String,
    /// Empty for the default.
    pub weight: String,
    /// Most in a second; empty for no cap, as the others.
    pub second: String,
    /// Most in a minute.
    pub minute: String,
    /// Most in an hour.
    pub hour: String,
    /// Most in a day.
    pub day: String,
}

impl Typed {
    fn values(&self) -> [(&'static str, &str); 6] {
        [
            ("weight", &self.weight),
            ("second", &self.second),
            ("minute", &self.minute),
            ("hour", &self.hour),
            ("day", &self.day),
            ("version", &self.version),
        ]
    }

    fn read(&self) -> Result<(Option<i64>, CapsForm), Error> {
        let mut wrong = Vec::new();
        let mut number = |field: &str, typed: &str| {
            weight_of(typed).unwrap_or_else(|NotANumber| {
                wrong.push(FieldError::new(field, "invalid", "enter a whole number, or nothing"));
                None
            })
        };
        let weight = number("weight", &self.weight);
        let caps = CapsForm {
            second: number("second", &self.second),
            minute: number("minute", &self.minute),
            hour: number("hour", &self.hour),
            day: number("day", &self.day),
        };
        if wrong.is_empty() {
            Ok((weight, caps))
        } else {
            Err(Error::Invalid(wrong))
        }
    }
}

/// Sets weight and caps, on the provider's page.
///
/// # Errors
/// [`AppError::SignedOut`] or [`AppError::Internal`].
pub async fn save(typed: Typed) -> Result<FormReply, AppError> {
    let sent = Sent::back(ROUTING, &page_of(&typed.id), LIST).typed(typed.values());
    sent.run(|current| async move {
        write(&current.domain, &current.actor(), &typed)
            .await
            .map_err(at_the_inputs)?;
        Ok("Saved. It counts at once, for messages that wait already too.")
    })
    .await
}

/// The domain's field `caps.minute` is the input `minute`.
fn at_the_inputs(error: Error) -> Error {
    renamed(error, |field| field.strip_prefix("caps.").map(ToOwned::to_owned))
}

async fn write(domain: &Domain, actor: &Actor, typed: &Typed) -> Result<(), Error> {
    let (weight, caps) = typed.read()?;
    let version = typed.version.parse().unwrap_or(0);
    providers::set_routing(domain, actor, &typed.id, weight, caps, Some(version)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_no_number_is_said_at_once() {
        let typed = Typed {
            id: "prv_a".to_owned(),
            version: "1".to_owned(),
            weight: "heavy".to_owned(),
            second: String::new(),
            minute: "1.5".to_owned(),
            hour: " 100 ".to_owned(),
            day: String::new(),
        };
        let Err(Error::Invalid(errors)) = typed.read() else {
            panic!("it was read")
        };
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        assert_eq!(fields, ["weight", "minute"]);
        let right = Typed {
            weight: String::new(),
            minute: "30".to_owned(),
            ..typed
        };
        let (weight, caps) = right.read().unwrap();
        assert_eq!(
            (weight, caps.minute, caps.hour, caps.day),
            (None, Some(30), Some(100), None)
        );
    }
}
