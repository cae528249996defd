//! Result of the last form, for the page that comes after it.

use crate::model::{AppError, FormReply};
use leptos::prelude::*;

/// Reads and clears the flash of this session: the reply to a form that was sent without scripts, or before a redirect.
#[server(prefix = "/fn", endpoint = "take_flash")]
pub async fn take_flash() -> Result<Option<FormReply>, AppError> {
    crate::server::flash::take().await
}
