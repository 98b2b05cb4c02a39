//! Passing the log of an application on while it is written.

use crate::deploy::changes::StepContext;
use std::collections::BTreeSet;

/// How many lines are read at a look; what is written faster than that is seen in part.
const LINES: u16 = 1000;
/// How many lines get into an error.
const TAIL: usize = 50;

/// Passes on the lines of an application's log, each of them once.
pub(super) struct LogStream<'a> {
    cx: &'a StepContext<'a>,
    application_id: &'a str,
    /// The lines that were passed on, with their times.
    seen: BTreeSet<String>,
}

impl<'a> LogStream<'a> {
    pub(super) const fn new(cx: &'a StepContext<'a>, application_id: &'a str) -> Self {
        Self { cx, application_id, seen: BTreeSet::new() }
    }

    /// Passes on what is new. A log that cannot be read now is read at the next look.
    pub(super) async fn pass_on(&mut self) {
        let Ok(log) = self.cx.client.read_log(self.application_id, LINES).await else { return };
        self.take(&log);
    }

    /// Passes on the last lines, and returns the end of the log.
    pub(super) async fn rest(&mut self) -> String {
        // The failure itself matters more than a log that cannot be read.
        let log = self.cx.client.read_log(self.application_id, LINES).await.unwrap_or_default();
        self.take(&log);
        let lines: Vec<&str> = log.trim_end().lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    fn take(&mut self, log: &str) {
        for line in log.lines().filter(|line| !line.trim().is_empty()) {
            if self.seen.insert(line.to_owned()) {
                self.cx.log(line);
            }
        }
    }
}
