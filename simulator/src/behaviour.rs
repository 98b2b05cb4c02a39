//! How the containers of an image end, and when they accept connections.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a container that crashes at once was seen to last, in milliseconds.
pub(crate) const CRASH_AT_ONCE: u64 = 350;

/// How a container of an image ends.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Behaviour {
    /// It runs until it is stopped.
    #[default]
    Healthy,
    /// It exits with status 1 this long after its start. Milliseconds of simulated time.
    Crash {
        /// Milliseconds between start and exit; 0 takes the 350 ms that a real crash at once was seen to last.
        #[serde(default)]
        after_millis: u64,
    },
}

/// When a container accepts connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum Listening {
    /// It does.
    Accepting {
        /// Milliseconds of simulated time after its start.
        #[serde(default)]
        after_millis: u64,
        /// The only port on which it does; absent: any.
        #[serde(default)]
        port: Option<u16>,
    },
    /// It never does.
    Never,
}

impl Default for Listening {
    fn default() -> Self {
        Self::Accepting { after_millis: 0, port: None }
    }
}

impl Listening {
    pub(crate) fn after_millis(&self) -> u64 {
        if let Self::Accepting { after_millis, .. } = self { *after_millis } else { 0 }
    }

    pub(crate) fn port(&self) -> Option<u16> {
        if let Self::Accepting { port, .. } = self { *port } else { None }
    }

    /// Whether a container that has been up for so long accepts connections on `port`.
    pub(crate) fn accepts(&self, port: u16, up: Duration) -> bool {
        match self {
            Self::Never => false,
            Self::Accepting { after_millis, port: only } => {
                only.is_none_or(|only| only == port) && up >= Duration::from_millis(*after_millis)
            }
        }
    }
}
