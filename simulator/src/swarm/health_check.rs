//! What a health check is, and what it can find.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

/// Docker's defaults.
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(30);
const RETRIES: u64 = 3;

/// `healthCheckSwarm`; times in nanoseconds, 0 and absent stand for Docker's defaults.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct HealthCheck {
    test: Vec<String>,
    interval: Option<f64>,
    timeout: Option<f64>,
    start_period: Option<f64>,
    retries: Option<f64>,
}

impl HealthCheck {
    /// Whether it checks anything.
    pub(crate) fn is_one(&self) -> bool {
        self.test.first().is_some_and(|kind| kind != "NONE")
    }

    /// The command that is run in the container.
    pub(super) fn command(&self) -> Vec<String> {
        match self.test.split_first() {
            Some((kind, rest)) if kind == "CMD-SHELL" => {
                ["/bin/sh", "-c"].into_iter().map(str::to_owned).chain(rest.iter().cloned()).collect()
            }
            Some((kind, rest)) if kind == "CMD" => rest.to_vec(),
            _ => self.test.clone(),
        }
    }

    /// How often it is run.
    pub(super) fn interval(&self) -> Duration {
        nanos(self.interval, INTERVAL)
    }

    /// How long one run may take.
    pub(super) fn timeout(&self) -> Duration {
        nanos(self.timeout, TIMEOUT)
    }

    /// For how long after the start a failure does not count.
    pub(super) fn start_period(&self) -> Duration {
        nanos(self.start_period, Duration::ZERO)
    }

    pub(super) fn retries(&self) -> u64 {
        whole(self.retries).filter(|retries| *retries > 0).unwrap_or(RETRIES)
    }

    /// As `docker inspect` shows it.
    pub(super) fn shown(&self) -> Value {
        json!({
            "Test": self.test, "Interval": whole(self.interval), "Timeout": whole(self.timeout),
            "StartPeriod": whole(self.start_period), "Retries": whole(self.retries),
        })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a saturating cast is meant")]
fn whole(number: Option<f64>) -> Option<u64> {
    number.map(|number| number as u64)
}

/// What stands for `default` where it is not more than nothing.
fn nanos(value: Option<f64>, default: Duration) -> Duration {
    let given = value.filter(|nanos| *nanos > 0.0).and_then(|nanos| Duration::try_from_secs_f64(nanos / 1e9).ok());
    given.unwrap_or(default)
}

/// What the checks of a container have found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Health {
    pub(crate) status: Status,
    /// How many checks have failed in a row.
    pub(crate) failing: u64,
}

impl Health {
    /// Nothing yet.
    pub(super) const STARTING: Self = Self { status: Status::Starting, failing: 0 };
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Starting,
    Healthy,
    Unhealthy,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Healthy => "healthy",
            Self::Unhealthy => "unhealthy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value) -> HealthCheck {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_check_is_read_as_docker_reads_it() {
        let given = check(json!({ "Test": ["CMD-SHELL", "a || b"], "Interval": 2e9, "Retries": 0 }));
        assert_eq!(given.command(), ["/bin/sh", "-c", "a || b"]);
        assert_eq!((given.interval(), given.timeout()), (Duration::from_secs(2), TIMEOUT));
        assert_eq!(given.retries(), RETRIES);
        assert_eq!(check(json!({ "Test": ["CMD", "a", "b"] })).command(), ["a", "b"]);
        for none in [json!({}), json!({ "Test": [] }), json!({ "Test": ["NONE"] })] {
            assert!(!check(none).is_one());
        }
    }
}
