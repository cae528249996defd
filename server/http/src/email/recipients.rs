//! From, To, Cc, Bcc and Reply-To, and the envelope that follows from them.

use crate::fields::{self, Object};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use sendmux_domain::messages::{NewRecipient, RecipientField};
use sendmux_mime::{Address, Outgoing, ValidEmail};
use std::borrow::Cow;
use std::collections::HashSet;

/// Addresses in each of `to`, `cc` and `bcc`.
pub(crate) const MAX_LIST: usize = 100;
/// Recipients in all.
pub(crate) const MAX_RECIPIENTS: usize = 201;

/// The lists of addresses of a message. An entry that is no address object stays as an empty one, so that the others
/// keep their numbers.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) to: Vec<Address>,
    pub(super) cc: Vec<Address>,
    pub(super) bcc: Vec<Address>,
    pub(super) shapes: Shapes,
}

/// Which fields hold one address where there can be a list.
#[derive(Clone, Copy, Default)]
pub(super) struct Shapes {
    one_to: bool,
    one_reply_to: bool,
}

impl Shapes {
    /// A path that counts through a list, as the caller knows it who wrote a single address.
    pub(super) fn as_the_caller_wrote(self, field: String) -> String {
        let single = |name: &str, is: bool| {
            let rest = field.strip_prefix(name).filter(|_| is)?.strip_prefix("[0]")?;
            Some(format!("{name}{rest}"))
        };
        single("to", self.one_to)
            .or_else(|| single("reply_to", self.one_reply_to))
            .unwrap_or(field)
    }
}

impl Lists {
    pub(super) fn sender(&mut self, request: &mut Object<'_>, issues: &mut Issues) -> Address {
        match request.take_required("from", issues) {
            Some(json) => address(json, "from", issues),
            None => Address::default(),
        }
    }

    pub(super) fn recipients(&mut self, request: &mut Object<'_>, issues: &mut Issues) {
        let mut count = 0;
        if let Some(json) = request.take_required("to", issues) {
            (self.to, self.shapes.one_to) = one_or_many(json, "to", issues);
            if self.to.is_empty() && !issues.covers("to") {
                issues.add("to", IssueCode::Empty, "must have at least one address");
            }
            count = self.to.len();
        }
        for (name, addresses) in [("cc", &mut self.cc), ("bcc", &mut self.bcc)] {
            if let Some(json) = request.take(name) {
                *addresses = many(json, name, issues);
            }
            let fitted = count <= MAX_RECIPIENTS;
            count += addresses.len();
            if fitted && count > MAX_RECIPIENTS {
                let message = format!("a message can have {MAX_RECIPIENTS} recipients in to, cc and bcc together");
                issues.add(name, IssueCode::TooMany, message);
            }
        }
    }

    pub(super) fn reply_to(&mut self, request: &mut Object<'_>, issues: &mut Issues) -> Vec<Address> {
        let Some(json) = request.take("reply_to") else {
            return Vec::new();
        };
        let (addresses, one) = one_or_many(json, "reply_to", issues);
        self.shapes.one_reply_to = one;
        addresses
    }
}

fn one_or_many(json: Json<'_>, field: &str, issues: &mut Issues) -> (Vec<Address>, bool) {
    match json {
        Json::Array(_) => (many(json, field, issues), false),
        one => (vec![address(one, field, issues)], true),
    }
}

fn many(json: Json<'_>, field: &str, issues: &mut Issues) -> Vec<Address> {
    let list = fields::list(json, field, MAX_LIST, issues);
    list.into_iter()
        .enumerate()
        .map(|(index, json)| address(json, &format!("{field}[{index}]"), issues))
        .collect()
}

fn address(json: Json<'_>, path: &str, issues: &mut Issues) -> Address {
    if let Json::String(_) = json {
        issues.add(
            path,
            IssueCode::InvalidType,
            r#"must be an object such as {"email": "ana@example.com"}, not a string"#,
        );
        return Address::default();
    }
    let Some(mut object) = Object::read(json, path, issues) else {
        return Address::default();
    };
    let email = object
        .take_required_text("email", issues)
        .map(Cow::into_owned)
        .unwrap_or_default();
    let name = object.take_text("name", issues).map(Cow::into_owned);
    object.finish(issues);
    Address { email, name }
}

/// The sender and everyone it goes to: an address that stands in several places gets one copy, for the first of them.
/// None when one is not an address, which a message that was built cannot have.
pub(super) fn envelope(message: &Outgoing) -> Option<(ValidEmail, Vec<NewRecipient>)> {
    let lists = [
        (RecipientField::To, &message.to),
        (RecipientField::Cc, &message.cc),
        (RecipientField::Bcc, &message.bcc),
    ];
    let mut seen = HashSet::new();
    let mut recipients = Vec::new();
    for (field, addresses) in lists {
        for address in addresses {
            let email = ValidEmail::parse(&address.email).ok()?;
            let address = NewRecipient {
                field,
                address: email.to_string(),
                name: address.name.clone().unwrap_or_default(),
            };
            if seen.insert(email) {
                recipients.push(address);
            }
        }
    }
    Some((ValidEmail::parse(&message.from.email).ok()?, recipients))
}
