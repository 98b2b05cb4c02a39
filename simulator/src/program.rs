//! A program in an image that does its work and ends, such as a migration.

use serde::{Deserialize, Serialize};

/// A command that an image can run, what it prints and how it ends.
///
/// A service runs it whose command and arguments are these and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Program {
    command: Vec<String>,
    #[serde(default)]
    prints: Vec<(u64, String)>,
    #[serde(default)]
    sql: Option<String>,
    #[serde(default)]
    ends_after_millis: u64,
    #[serde(default)]
    exit_status: u8,
    #[serde(default)]
    hangs: bool,
}

impl Program {
    /// A program that prints nothing and ends at once with status 0.
    pub fn new<S: Into<String>>(command: impl IntoIterator<Item = S>) -> Self {
        Self {
            command: command.into_iter().map(Into::into).collect(),
            prints: Vec::new(),
            sql: None,
            ends_after_millis: 0,
            exit_status: 0,
            hangs: false,
        }
    }

    /// It prints `line` after `millis` of simulated time since its start; lines are given in the order of their times.
    #[must_use]
    pub fn prints(mut self, millis: u64, line: impl Into<String>) -> Self {
        self.prints.push((millis, line.into()));
        self
    }

    /// It first runs this SQL on the database that its `DATABASE_URL` names, and ends with status 1 when that fails.
    #[must_use]
    pub fn sql(mut self, sql: impl Into<String>) -> Self {
        self.sql = Some(sql.into());
        self
    }

    /// It ends after `millis` of simulated time; one that prints later ends when it has printed.
    #[must_use]
    pub fn ends_after(mut self, millis: u64) -> Self {
        self.ends_after_millis = millis;
        self
    }

    /// It ends with this status; 137 is what one is seen to end with that was killed.
    #[must_use]
    pub fn exits(mut self, status: u8) -> Self {
        self.exit_status = status;
        self
    }

    /// It never ends by itself.
    #[must_use]
    pub fn hangs(mut self) -> Self {
        self.hangs = true;
        self
    }

    pub(crate) fn command(&self) -> &[String] {
        &self.command
    }

    /// What it prints: when, in milliseconds after its start, and which line.
    pub(crate) fn lines(&self) -> &[(u64, String)] {
        &self.prints
    }

    pub(crate) fn statements(&self) -> Option<&str> {
        self.sql.as_deref()
    }

    /// When it ends, in milliseconds after its start, and with which status; `None` when it never does.
    pub(crate) fn end(&self) -> Option<(u64, i64)> {
        (!self.hangs).then(|| (self.ends_after_millis, i64::from(self.exit_status)))
    }
}
