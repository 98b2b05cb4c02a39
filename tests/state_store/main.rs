//! The files of a stage, on real file systems and with real processes that are killed: store, lock, journal.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests as well")]

mod child;
mod faults;
mod git;
mod journal;
mod lock;
mod shared;
mod store;

use deploy_native::state::State;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The stage of every test.
const STAGE: &str = "staging";

/// Where a file of the stage lives.
fn file(root: &Path, ending: &str) -> PathBuf {
    root.join(".gkm").join(format!("deploy-{STAGE}.{ending}"))
}

/// The rights of a file.
fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// A state that is large enough to be torn and whose every part says which one it is.
fn generation(number: u64) -> State {
    let mut state = State::new(STAGE);
    state.last_deployed_at = number.to_string();
    for app in 0..200 {
        state.applications.insert(format!("app-{app}"), number.to_string());
    }
    state
}

/// Which generation a state is; fails when its parts do not belong together.
fn generation_of(state: &State) -> u64 {
    assert_eq!(state.applications.len(), 200);
    assert!(state.applications.values().all(|id| *id == state.last_deployed_at), "the state is a mixture");
    state.last_deployed_at.parse().unwrap()
}
