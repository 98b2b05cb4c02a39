//! How far a deployment is, and how its rollout can fail although Dokploy calls it done.

use crate::{DeployError, ErrorCode};
use std::fmt;

/// How far a deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It is in the queue: the server deploys one application at a time.
    Queued,
    /// The server pulls the image and updates the service.
    Pulling,
    /// Swarm starts the containers.
    Starting,
    /// The containers run, and have to stay so through the stability window.
    Running,
}

impl Progress {
    /// The name in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Pulling => "pulling",
            Self::Starting => "starting",
            Self::Running => "running",
        }
    }
}

/// How the rollout of a deployment failed that Dokploy calls done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RolloutFailure {
    /// The app exits again and again.
    CrashLoop {
        /// How it exited last.
        error: Option<String>,
        /// How often it was seen to exit.
        times: usize,
    },
    /// Something else runs: Swarm rolled back to what ran before, or somebody else deployed.
    RolledBack {
        /// Whether the image is another.
        image: bool,
        /// The variables that differ.
        variables: Vec<String>,
        /// How the new task ended.
        error: Option<String>,
    },
    /// The container could not be created.
    Rejected {
        /// Why.
        error: Option<String>,
    },
    /// Swarm finds no node for it.
    Unplaceable {
        /// Why.
        error: Option<String>,
    },
    /// The service was stopped.
    Stopped,
    /// The deadline passed before it had run long enough.
    TimedOut {
        /// How far it was.
        last: Progress,
    },
}

impl RolloutFailure {
    /// What tells it apart from other failures of a deployment.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::CrashLoop { .. } => "crash-loop",
            Self::RolledBack { .. } => "rollback",
            Self::Rejected { .. } => "rejected",
            Self::Unplaceable { .. } => "unplaceable",
            Self::Stopped => "stopped",
            Self::TimedOut { .. } => "timeout",
        }
    }

    /// Whether the server still shows the log of what failed: while a container runs, it shows the log of that one only.
    pub(super) const fn has_log(&self) -> bool {
        !matches!(self, Self::RolledBack { .. })
    }

    /// The failure of the service `app_name`.
    pub(super) fn into_error(self, app_name: &str) -> DeployError {
        let hint = match self {
            Self::CrashLoop { .. } => {
                "See the log for why the app ends; what ran before may still run, if anything did".to_owned()
            }
            Self::RolledBack { .. } => format!(
                "Dokploy shows the log of what runs now only; on the server, `docker service logs {app_name}` has that of \
                 the task that ended"
            ),
            Self::Rejected { .. } => "Check that the server can pull the image and has what the app mounts".to_owned(),
            Self::Unplaceable { .. } => {
                "Free the port or the resources that the app asks for, then deploy again".to_owned()
            }
            Self::Stopped => "Somebody stopped the application while it was deployed; deploy again".to_owned(),
            Self::TimedOut { .. } => "Look at the server's load and at the app's log, then deploy again".to_owned(),
        };
        DeployError::new(ErrorCode::DeploymentFailed, self.to_string()).reason(self.reason()).hint(hint)
    }
}

impl fmt::Display for RolloutFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = |error: &Option<String>| error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        match self {
            Self::CrashLoop { error, times: 1 } => write!(formatter, "The app ended{}", why(error)),
            Self::CrashLoop { error, times } => write!(formatter, "The app ended {times} times{}", why(error)),
            Self::RolledBack { image, variables, error } => {
                formatter.write_str("What runs is not what was deployed")?;
                match (image, variables.is_empty()) {
                    (true, _) => formatter.write_str(", but another image")?,
                    (false, false) => write!(formatter, "; other values have {}", variables.join(", "))?,
                    (false, true) => {}
                }
                match error {
                    Some(error) => write!(formatter, ". The new task ended, and Swarm rolled it back: {error}"),
                    None => Ok(()),
                }
            }
            Self::Rejected { error } => write!(formatter, "The container could not be created{}", why(error)),
            Self::Unplaceable { error } => write!(formatter, "Swarm finds no node for the app{}", why(error)),
            Self::Stopped => formatter.write_str("The application was stopped"),
            Self::TimedOut { last: Progress::Running } => {
                formatter.write_str("The app runs, but its deadline passed before the stability window did")
            }
            Self::TimedOut { .. } => formatter.write_str("The app did not run in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_say_what_happened() {
        let error = Some("task: non-zero exit (1)".to_owned());
        let rolled_back = RolloutFailure::RolledBack {
            image: false,
            variables: vec!["A".to_owned(), "B".to_owned()],
            error: error.clone(),
        };
        assert_eq!(
            rolled_back.to_string(),
            "What runs is not what was deployed; other values have A, B. The new task ended, and Swarm rolled it back: \
             task: non-zero exit (1)"
        );
        let crash = RolloutFailure::CrashLoop { error, times: 3 }.into_error("shop-api-lvqtn3");
        assert_eq!(crash.message(), "The app ended 3 times: task: non-zero exit (1)");
        assert_eq!((crash.code(), crash.reason_name()), (ErrorCode::DeploymentFailed, Some("crash-loop")));
    }
}
