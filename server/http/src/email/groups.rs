//! `delivery_group`: the delivery groups that a message names, one or several.

use crate::error::ApiError;
use crate::fields;
use crate::input::{self, UpTo, Value};
use crate::issue::{IssueCode, Issues};
use crate::json::{Json, short};
use sendmux_domain::Domain;
use sendmux_domain::keys::{self, KeyContext, Narrowed, OutsideScope};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};

/// Groups of one message.
pub(crate) const MAX_GROUPS: usize = 50;
const FIELD: &str = "delivery_group";

/// The groups, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedGroups {
    ids: Vec<String>,
    is_list: bool,
}

impl Value for NamedGroups {
    fn schema() -> RefOr<Schema> {
        let id = || input::id("d?grp");
        let list = ArrayBuilder::new()
            .items(id())
            .min_items(Some(1))
            .max_items(Some(MAX_GROUPS));
        OneOfBuilder::new().item(id()).item(list).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        match json {
            Json::String(id) => Some(Self {
                ids: vec![id.into_owned()],
                is_list: false,
            }),
            Json::Array(_) => {
                let UpTo(ids) = UpTo::<MAX_GROUPS, String>::read(json, at, issues)?;
                if ids.is_empty() {
                    let message = "must name at least one group; leave it out instead";
                    issues.add(at, IssueCode::Empty, message);
                }
                Some(Self { ids, is_list: true })
            }
            other => {
                fields::wrong_type(issues, at, "the id of a delivery group, or a list of them", &other);
                None
            }
        }
    }
}

impl NamedGroups {
    /// Looks the groups up. None when the message named none; what is not within the scope of the key is an issue.
    pub(crate) async fn within(
        &self,
        domain: &Domain,
        key: &KeyContext,
    ) -> Result<Result<Option<Narrowed>, Issues>, ApiError> {
        if self.ids.is_empty() {
            return Ok(Ok(None));
        }
        Ok(match keys::narrow(domain, key, &self.ids).await? {
            Ok(narrowed) => Ok(Some(narrowed)),
            Err(OutsideScope(places)) => Err(self.outside(&places)),
        })
    }

    fn outside(&self, places: &[usize]) -> Issues {
        let mut issues = Issues::default();
        for &place in places {
            let field = if self.is_list {
                format!("{FIELD}[{place}]")
            } else {
                FIELD.to_owned()
            };
            let id = self.ids.get(place).map_or("", |id| short(id));
            let message = format!(
                "there is no delivery group {id:?} in the scope of this key: name one that is, or use a key whose scope is \
                 everything or has this group in it"
            );
            issues.add(field, IssueCode::OutsideScope, message);
        }
        issues
    }
}
