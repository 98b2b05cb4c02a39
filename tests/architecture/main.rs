//! The rules that keep the house in order, tried on its own sources: no circles among files, one direction of
//! dependency, rooms entered by their doors.
//!
//! A use is a `use` line or a path in the code, followed through every re-export to the file that defines the name.
//! A door (`mod.rs`) that only declares modules and re-exports defines nothing, so nobody uses it.

#![allow(clippy::unwrap_used, reason = "the functions beside the tests are tests as well")]

mod attributes;
mod checker;
mod graph;
mod imports;
mod mentions;
mod purity;
mod resolve;
mod rooms;
mod source;

use graph::Graph;
use source::Crate;
use std::path::Path;
use std::sync::LazyLock;

/// The library.
static LIBRARY: LazyLock<Crate> = LazyLock::new(|| read("src/lib.rs"));

/// The simulator.
static SIMULATOR: LazyLock<Crate> = LazyLock::new(|| read("simulator/src/lib.rs"));

fn read(root: &str) -> Crate {
    let base = Path::new(env!("CARGO_MANIFEST_DIR"));
    Crate::read(base, &base.join(root))
}

/// What the tests share.
static TEST_SUPPORT: LazyLock<Crate> = LazyLock::new(|| read("tests/support/src/lib.rs"));

/// The circles of a crate, described.
fn circles(graph: &Graph) -> Vec<String> {
    graph.circles().into_iter().map(|circle| graph.describe(&circle)).collect()
}

#[test]
fn no_files_of_the_library_use_each_other_in_a_circle() {
    let circles = circles(&Graph::of(&LIBRARY));
    assert!(circles.is_empty(), "{} circles\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn no_files_of_the_simulator_use_each_other_in_a_circle() {
    let circles = circles(&Graph::of(&SIMULATOR));
    assert!(circles.is_empty(), "{} circles\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn no_files_of_the_test_support_use_each_other_in_a_circle() {
    let circles = circles(&Graph::of(&TEST_SUPPORT));
    assert!(circles.is_empty(), "{} circles\n{}", circles.len(), circles.join("\n"));
}

#[test]
fn every_path_within_the_crate_leads_somewhere() {
    for sources in [&*LIBRARY, &*SIMULATOR, &*TEST_SUPPORT] {
        assert_eq!(sources.dead_ends(), Vec::<String>::new(), "the check does not understand these paths");
    }
}
