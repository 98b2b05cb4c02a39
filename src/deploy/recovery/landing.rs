//! The time in which a request whose answer was lost may still take effect.

use crate::deploy::context::RunContext;
use crate::state::Entry;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Waits until a request that may still be under way has taken effect, if it ever does.
pub(super) async fn wait_until_landed(context: &RunContext, entry: &Entry) {
    let landing = context.options.surroundings.landing;
    let begun = OffsetDateTime::parse(&entry.at, &Rfc3339).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let rest = Duration::try_from(begun + landing - context.now()).unwrap_or_default();
    tokio::time::sleep(rest.min(landing)).await;
}
