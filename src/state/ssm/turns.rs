//! How the writers of one state take turns.

use std::time::Duration;

/// How the writers of one state take turns.
#[derive(Debug, Clone)]
pub struct Turns {
    /// How old the turn of a writer must be to be taken from it; longer than any write. Default 60 s.
    pub stale: Duration,
    /// How long a turn is waited for; default 90 s.
    pub patience: Duration,
}

impl Default for Turns {
    fn default() -> Self {
        Self { stale: Duration::from_mins(1), patience: Duration::from_secs(90) }
    }
}
