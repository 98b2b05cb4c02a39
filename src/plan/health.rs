//! The health check of a container, as Docker is to be told.

use crate::workspace::{HealthCheck, HealthProbe};
use std::time::Duration;

/// Asks for the address that is its argument, with whatever program the image has.
const ASK: &str = "if command -v curl >/dev/null 2>&1; then exec curl -fsS -o /dev/null \"$1\"; \
                   elif command -v wget >/dev/null 2>&1; then exec wget -q -O /dev/null \"$1\"; \
                   else exec node -e \"fetch(process.argv[1]).then(r=>process.exit(r.ok?0:1),()=>process.exit(1))\" \"$1\"; fi";

/// How long a single check may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The health check of a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContainerCheck {
    /// The command that is run in the container, with Docker's own word for how before it.
    pub test: Vec<String>,
    /// How often.
    pub interval: Duration,
    /// How long it may take.
    pub timeout: Duration,
    /// For how long after the start a failure does not count.
    pub start_period: Duration,
    /// How many failures in a row make the container unhealthy.
    pub retries: u32,
}

impl ContainerCheck {
    /// The check that an app on this port is to have.
    pub fn of(check: &HealthCheck, port: u16) -> Self {
        let test = match &check.probe {
            HealthProbe::Command(command) => command.clone(),
            // 127.0.0.1: `localhost` may be an IPv6 address, at which few apps listen. The address is an argument of its
            // own, and no part of what the shell reads.
            HealthProbe::Path(path) => {
                let address = format!("http://127.0.0.1:{port}{path}");
                ["sh", "-c", ASK, "health", &address].map(str::to_owned).into()
            }
        };
        Self {
            test: std::iter::once("CMD".to_owned()).chain(test).collect(),
            interval: Duration::from_secs(check.interval_seconds.into()),
            timeout: TIMEOUT,
            start_period: Duration::from_secs(check.grace_seconds.into()),
            retries: check.retries,
        }
    }

    /// The longest time from the start of a container until it is healthy, or known not to be.
    pub fn longest(&self) -> Duration {
        self.start_period + (self.interval + self.timeout) * (self.retries + 1)
    }

    /// What identifies it, as parts of a fingerprint.
    pub(super) fn parts(&self) -> Vec<String> {
        let times = [self.interval, self.timeout, self.start_period].map(|time| time.as_nanos().to_string());
        self.test.iter().cloned().chain(times).chain([self.retries.to_string()]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(probe: HealthProbe) -> ContainerCheck {
        let check = HealthCheck { probe, grace_seconds: 30, retries: 3, interval_seconds: 5 };
        ContainerCheck::of(&check, 3000)
    }

    #[test]
    fn a_path_is_an_argument_and_never_part_of_the_shells_text() {
        let path = "/health?a=$(b)&c='d'";
        let test = check(HealthProbe::Path(path.to_owned())).test;
        assert_eq!(test.last().map(String::as_str), Some("http://127.0.0.1:3000/health?a=$(b)&c='d'"));
        assert!(test[..test.len() - 1].iter().all(|part| !part.contains("health?")));
    }

    #[test]
    fn a_command_is_run_without_a_shell() {
        let found = check(HealthProbe::Command(["node", "check.js"].map(str::to_owned).into()));
        assert_eq!(found.test, ["CMD", "node", "check.js"]);
        assert_eq!(found.longest(), Duration::from_secs(30 + 40));
    }
}
