//! `delivery_group`: the delivery groups that a message names, one or several.

use crate::error::ApiError;
use crate::fields::{self, Object};
use crate::issue::{IssueCode, Issues};
use crate::json::{Json, short};
use sendmux_domain::Domain;
use sendmux_domain::keys::{self, KeyContext, Narrowed, OutsideScope};

/// Groups of one message.
pub(crate) const MAX_GROUPS: usize = 50;
const FIELD: &str = "delivery_group";

/// The groups, as they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct NamedGroups {
    ids: Vec<String>,
    is_list: bool,
}

impl NamedGroups {
    pub(super) fn read(request: &mut Object<'_>, issues: &mut Issues) -> Self {
        match request.take(FIELD) {
            None => Self::default(),
            Some(Json::String(id)) => Self {
                ids: vec![id.into_owned()],
                is_list: false,
            },
            Some(json @ Json::Array(_)) => {
                let list = fields::list(json, FIELD, MAX_GROUPS, issues);
                if list.is_empty() {
                    let message = "must name at least one group; leave it out instead";
                    issues.add(FIELD, IssueCode::Empty, message);
                }
                // An entry of another type keeps the place of the others.
                let text = |(index, json)| fields::text(json, &format!("{FIELD}[{index}]"), issues);
                let ids = list.into_iter().enumerate().map(text);
                Self {
                    ids: ids.map(|id| id.unwrap_or_default().into_owned()).collect(),
                    is_list: true,
                }
            }
            Some(other) => {
                fields::wrong_type(issues, FIELD, "the id of a delivery group, or a list of them", &other);
                Self::default()
            }
        }
    }

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
