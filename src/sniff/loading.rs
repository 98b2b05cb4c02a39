//! Loads the files that stand for an app and gathers what they asked for.

use super::app_paths::AppPaths;
use super::cache::Cache;
use super::findings::gather;
use super::options::SniffOptions;
use super::protocol::Target;
use super::requirement::{SniffFailure, SniffedEntry};
use super::worker::{Unstarted, run};
use crate::DeployError;

/// Loads `targets` and gathers what they asked for, or takes it from the cache; says which.
pub(super) async fn sniff_targets(
    targets: Vec<Target>,
    paths: &AppPaths,
    options: &SniffOptions,
) -> Result<(SniffedEntry, bool), DeployError> {
    let cache = Cache::of(&targets, paths, options);
    if let Some(answer) = cache.as_ref().and_then(Cache::look_up) {
        return Ok((answer, true));
    }
    match run(targets, &paths.app, &paths.root, options).await {
        Ok(run) => {
            let answer = gather(&run, &paths.root);
            if let Some(cache) = cache {
                cache.keep(&answer, &run.records, paths);
            }
            Ok((answer, false))
        }
        Err(Unstarted::NoNode(error)) => {
            let message = format!("{} could not be run: {error}", options.node.display());
            Ok((SniffedEntry::failed(SniffFailure::new("no-node", message)), false))
        }
        Err(Unstarted::Failed(error)) => Err(error),
    }
}
