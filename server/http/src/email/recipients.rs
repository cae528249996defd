//! From, To, Cc, Bcc and Reply-To, and the envelope that follows from them.

use super::schema::{self, EmailRequest};
use crate::input::{self, Schemas, UpTo, Value};
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use sendmux_domain::messages::{NewRecipient, RecipientField};
use sendmux_mime::{Address, Outgoing, ValidEmail};
use std::collections::HashSet;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{OneOfBuilder, Schema};

/// Addresses in each of `to`, `cc` and `bcc`.
pub(crate) const MAX_LIST: usize = 100;
/// Recipients in all.
pub(crate) const MAX_RECIPIENTS: usize = 201;

/// The fields that hold one address where there can be a list.
#[derive(Clone, Copy, Default)]
pub(super) struct Shapes {
    one_to: bool,
    one_reply_to: bool,
}

impl Shapes {
    pub(super) fn of(request: &EmailRequest) -> Self {
        Self {
            one_to: !request.to.is_list,
            one_reply_to: request.reply_to.as_ref().is_some_and(|reply_to| !reply_to.is_list),
        }
    }

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

/// An address in a request.
#[derive(Clone, Default, PartialEq)]
pub(crate) struct Party(pub(super) Address);

/// A list of addresses.
pub(super) type Parties = UpTo<MAX_LIST, Party>;

impl Party {
    pub(super) fn addresses(parties: Vec<Self>) -> Vec<Address> {
        parties.into_iter().map(|Self(address)| address).collect()
    }
}

impl Value for Party {
    fn schema() -> RefOr<Schema> {
        <schema::Address as Value>::schema()
    }

    fn schemas(schemas: &mut Schemas) {
        <schema::Address as Value>::schemas(schemas);
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        if let Json::String(_) = json {
            issues.add(
                at,
                IssueCode::InvalidType,
                r#"must be an object such as {"email": "ana@example.com"}, not a string"#,
            );
            return None;
        }
        let schema::Address { email, name } = schema::Address::read(json, at, issues)?;
        Some(Self(Address { email, name }))
    }
}

/// An address, or a list of `MIN` to [`MAX_LIST`].
#[derive(Clone, Default, PartialEq)]
pub(crate) struct OneOrMore<const MIN: usize> {
    pub(super) parties: Vec<Party>,
    is_list: bool,
}

impl<const MIN: usize> Value for OneOrMore<MIN> {
    fn schema() -> RefOr<Schema> {
        let list = input::list_of::<Party>(MAX_LIST).min_items((MIN > 0).then_some(MIN));
        OneOfBuilder::new().item(Party::schema()).item(list).into()
    }

    fn schemas(schemas: &mut Schemas) {
        Party::schemas(schemas);
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let is_list = matches!(json, Json::Array(_));
        let parties = if is_list {
            Parties::read(json, at, issues)?.0
        } else {
            vec![Party::read(json, at, issues).unwrap_or_default()]
        };
        if parties.len() < MIN && !issues.covers(at) {
            issues.add(at, IssueCode::Empty, "must have at least one address");
        }
        Some(Self { parties, is_list })
    }
}

/// Notes where the recipients become too many.
pub(super) fn check_number(request: &EmailRequest, issues: &mut Issues) {
    let mut count = request.to.parties.len();
    for (name, copies) in [("cc", &request.cc), ("bcc", &request.bcc)] {
        let fitted = count <= MAX_RECIPIENTS;
        count += copies.as_ref().map_or(0, |UpTo(parties)| parties.len());
        if fitted && count > MAX_RECIPIENTS {
            let message = format!("a message can have {MAX_RECIPIENTS} recipients in to, cc and bcc together");
            issues.add(name, IssueCode::TooMany, message);
        }
    }
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
