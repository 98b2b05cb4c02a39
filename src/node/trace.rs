//! The option `trace`: the spans of a run, a line of JSON each time that one begins or ends.

use crate::{DeployError, ErrorCode};
use std::fs::OpenOptions;
use std::path::Path;
use std::sync::Mutex;
use tracing::Dispatch;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::{self, format::FmtSpan};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// Makes what takes the spans of one run and appends them to a file.
///
/// Only our own spans pass: those of the HTTP libraries show headers.
///
/// # Errors
///
/// `INVALID_REQUEST` when the file cannot be written.
pub(super) fn to_file(path: &Path) -> Result<Dispatch, DeployError> {
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| {
        let message = format!("options.trace: {} cannot be written: {error}", path.display());
        DeployError::new(ErrorCode::InvalidRequest, message)
            .hint("Name a file in a folder that exists and that you may write to")
            .caused_by(&error)
    })?;
    let lines = fmt::layer().json().with_span_events(FmtSpan::NEW | FmtSpan::CLOSE).with_writer(Mutex::new(file));
    let ours = Targets::new().with_target(env!("CARGO_CRATE_NAME"), LevelFilter::TRACE);
    Ok(Dispatch::new(tracing_subscriber::registry().with(lines.with_filter(ours))))
}
