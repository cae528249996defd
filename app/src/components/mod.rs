//! Components that pages are built of.

mod badge;
mod code;
mod configure;
mod copy;
mod empty;
mod error;
mod field;
mod flash;
mod form;
mod icon;
mod key;
mod list;
mod mail;
mod page;
mod share;
mod test_result;
mod time;

pub use badge::{Badge, ModeBadge, StatusBadge};
pub use code::CodeBlock;
pub use configure::NewButton;
pub use copy::CopyButton;
pub use empty::EmptyState;
pub use error::{ErrorView, Loading};
pub use field::{Choice, Field, FieldError, NewPassword, NumberField};
pub use form::{Confirm, Form, Notice, Submit, SubmitOrCancel, WithFlash, latest, reply_notice, use_form};
pub use icon::{Icon, icon};
pub use key::{KeyShown, made_key};
pub use list::{Detail, PagePosition, Pagination, Rows, paged, paged_after};
pub use mail::{MailContent, SubjectLink, subject};
pub use page::{Card, Crumbs, PageHeader};
pub use share::ShareBar;
pub use test_result::TestResult;
pub use time::{Countdown, Time};
