//! What the log of a job, and what Swarm says of its tasks, mean.

use crate::postgres::{Script, psql_error};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use tokio::time::Instant;

/// What a log says of a script.
pub(super) enum Reading {
    /// It holds the whole answer.
    Complete,
    /// The database refused.
    Refused(DeployError),
    /// Nothing yet, or only that the database does not answer: `psql` is started again until it does.
    NotYet(Option<DeployError>),
}

/// How long an answer is waited for: until `psql` has reached the database, and from then on until it is done.
#[derive(Debug)]
pub(super) struct AnswerWait {
    deadline: Instant,
    begun: bool,
}

impl AnswerWait {
    /// Begins to wait, for as long as it may take until the database is reached.
    pub(super) fn begin(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, begun: false }
    }

    /// Takes note of a log: once the script runs, it has time of its own.
    pub(super) fn see(&mut self, log: &str, script: &Script, limit: Duration) {
        if !self.begun && script.has_begun(log) {
            *self = Self { deadline: Instant::now() + limit, begun: true };
        }
    }

    /// How much time is left.
    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Reads a log. An answer counts before what earlier attempts met, and a refusal before what passes by itself.
pub(super) fn read(log: &str, script: &Script) -> Reading {
    if script.answer(log).is_some() {
        return Reading::Complete;
    }
    let (passing, refusals): (Vec<_>, Vec<_>) =
        log.lines().filter_map(psql_error).partition(|error| error.code() == ErrorCode::PostgresUnreachable);
    match refusals.into_iter().next() {
        Some(refusal) => Reading::Refused(refusal),
        None => Reading::NotYet(passing.into_iter().last()),
    }
}

/// Why `psql` cannot be started at all, as the container runtimes say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unstartable {
    /// The image has none.
    NoPsql,
    /// Its arguments are too long.
    TooLong,
}

/// Reads the errors of tasks.
pub(super) fn unstartable<'a>(errors: impl Iterator<Item = &'a str>) -> Option<Unstartable> {
    let mut found = errors.filter_map(|error| {
        let error = error.to_lowercase();
        // runc: `exec: "psql": executable file not found in $PATH`; crun: "executable file `psql` not found in $PATH".
        if error.contains("executable file") && error.contains("not found") {
            Some(Unstartable::NoPsql)
        } else if error.contains("argument list too long") {
            Some(Unstartable::TooLong)
        } else {
            None
        }
    });
    found.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{AppRole, DatabaseRoles, app_names, provision_script};
    use crate::secrets::Secret;

    const REFUSED: &str =
        "2026-01-01T00:00:00Z psql: error: connection to server at \"db\" failed: Connection refused\n";

    async fn script() -> Script {
        let names = app_names(["auth"], None).unwrap();
        let apps = names.into_iter().map(|names| AppRole::new(names, Secret::new("secret"))).collect();
        provision_script(&DatabaseRoles::new("shop", "postgres", apps).unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_database_that_does_not_answer_yet_is_waited_for() {
        let script = script().await;
        assert!(matches!(read("", &script), Reading::NotYet(None)));
        assert!(matches!(read(REFUSED, &script), Reading::NotYet(Some(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_script_that_has_begun_has_time_of_its_own() {
        let (script, second) = (script().await, Duration::from_secs(1));
        let mut wait = AnswerWait::begin(second);
        wait.see(REFUSED, &script, second * 60);
        assert_eq!(wait.left(), second);
        let arguments = script.psql_arguments(usize::MAX).unwrap();
        let begun = arguments.iter().find_map(|it| it.strip_prefix("SELECT '")?.strip_suffix('\'')).unwrap();
        for _ in 0..2 {
            wait.see(&format!("{REFUSED}2026-01-01T00:00:05Z {begun}\n"), &script, second * 60);
            assert!(wait.left() > second * 58);
            tokio::time::advance(second).await;
        }
    }

    #[tokio::test]
    async fn a_refused_statement_counts_also_after_failed_attempts() {
        let log = format!("{REFUSED}2026-01-01T00:00:05Z ERROR:  42501: permission denied\n{REFUSED}");
        let Reading::Refused(error) = read(&log, &script().await) else { panic!("not refused") };
        assert_eq!(error.reason_name(), Some("42501"));
    }

    #[test]
    fn what_the_runtimes_say_of_a_missing_program_is_understood() {
        let runc = "\"starting container failed: failed to create task for container: failed to create shim task: OCI \
                    runtime create failed: runc create failed: unable to start container process: error during \
                    container init: exec: \"psql\": executable file not found in $PATH: unknown\"";
        let crun = "OCI runtime create failed: executable file `psql` not found in $PATH: No such file or directory";
        for error in [runc, crun] {
            assert_eq!(unstartable(["", error].into_iter()), Some(Unstartable::NoPsql), "{error}");
        }
        let long = "exec /usr/bin/psql: argument list too long";
        assert_eq!(unstartable([long].into_iter()), Some(Unstartable::TooLong));
        assert_eq!(unstartable(["task: non-zero exit (2)", "Error:"].into_iter()), None);
    }
}
