//! Containers of a Postgres image whose command runs `psql`.

use std::sync::Arc;

use super::Spec;
use crate::world::World;

/// The shell text of a service's command, when it mentions `psql`.
pub(super) fn of(spec: &Spec) -> Option<String> {
    let words: Vec<&str> = spec.command.iter().chain(&spec.args).map(String::as_str).collect();
    words.iter().any(|word| word.contains("psql")).then(|| words.join(" "))
}

/// Runs it and returns its exit status.
pub(super) async fn run(_world: &Arc<World>, _spec: &Spec, _script: &str, _output: &(dyn Fn(&str) + Sync)) -> i64 {
    std::future::pending().await
}
