//! Sniffs one file that asks for its variables when it is loaded.

use super::app_paths::AppPaths;
use super::loading::sniff_targets;
use super::options::SniffOptions;
use super::requirement::SniffedEntry;
use super::targets::entry as target;
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
    let found = AppPaths::find(app_dir, workspace_root)
        .and_then(|paths| target(&entry.to_string_lossy(), &paths).map(|target| (target, paths)));
    match found {
        Ok((target, paths)) => Ok(sniff_targets(vec![target], &paths, options).await?.0),
        Err(failure) => Ok(SniffedEntry::failed(*failure)),
    }
}
