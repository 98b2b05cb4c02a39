//! Sniffs one file that asks for its variables when it is loaded.

use super::records::{Target, TargetKind};
use super::run::{Place, sniff_targets};
use super::{SniffOptions, SniffedEntry};
use crate::DeployError;
use std::path::Path;

/// Finds the variables that an entry file asks for, by loading it in a process of its own.
///
/// `entry` is relative to `app_dir`, which is relative to `workspace_root`; absolute paths are taken as they are. What
/// goes wrong inside the app is not an error but the `error` of the result, beside the names that were captured before.
///
/// # Errors
///
/// `CANCELLED` when `options.cancel` is; `SNIFF_FAILED` when this machine refuses what is needed to sniff at all.
pub async fn sniff_entry_file(
    entry: &Path,
    app_dir: &Path,
    workspace_root: &Path,
    options: &SniffOptions,
) -> Result<SniffedEntry, DeployError> {
    let place = match Place::find(app_dir, workspace_root) {
        Ok(place) => place,
        Err(failure) => return Ok(SniffedEntry::failed(failure)),
    };
    let target = match place.file(entry) {
        Ok(file) => Target { kind: TargetKind::Entry, file, export: None },
        Err(failure) => return Ok(SniffedEntry::failed(failure)),
    };
    let (sniffed, _) = sniff_targets(vec![target], &place, options).await?;
    Ok(sniffed)
}
