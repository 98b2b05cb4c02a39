//! Health checks of containers, as Docker takes and tells them.

use crate::plan::ContainerCheck;
use serde::{Deserialize, Deserializer, Serialize};
use std::time::Duration;

/// `healthCheckSwarm`: times in nanoseconds; what is absent is Docker's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HealthCheckSwarm {
    test: Vec<String>,
    interval: u64,
    timeout: u64,
    start_period: u64,
    retries: u64,
}

impl From<&ContainerCheck> for HealthCheckSwarm {
    fn from(check: &ContainerCheck) -> Self {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            test: check.test.clone(),
            interval: nanoseconds(check.interval),
            timeout: nanoseconds(check.timeout),
            start_period: nanoseconds(check.start_period),
            retries: check.retries.into(),
        }
    }
}

impl From<&HealthCheckSwarm> for ContainerCheck {
    fn from(stored: &HealthCheckSwarm) -> Self {
        Self {
            test: stored.test.clone(),
            interval: Duration::from_nanos(stored.interval),
            timeout: Duration::from_nanos(stored.timeout),
            start_period: Duration::from_nanos(stored.start_period),
            retries: stored.retries.try_into().unwrap_or(u32::MAX),
        }
    }
}

/// Reads what the server stores; somebody else's check that is not of this kind is one that equals none of ours.
pub(super) fn stored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HealthCheckSwarm>, D::Error> {
    let value = Option::<serde_json::Value>::deserialize(deserializer)?;
    Ok(value.map(|value| serde_json::from_value(value).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_check_comes_back_as_it_was_sent() {
        let check = ContainerCheck {
            test: ["CMD", "true"].map(str::to_owned).into(),
            interval: Duration::from_secs(5),
            timeout: Duration::from_millis(1500),
            start_period: Duration::from_hours(1),
            retries: 3,
        };
        let sent = HealthCheckSwarm::from(&check);
        let json = serde_json::to_string(&sent).unwrap();
        assert_eq!(serde_json::from_str::<HealthCheckSwarm>(&json).unwrap(), sent);
        let stored = json!({ "Test": ["CMD", "true"], "Interval": 5_000_000_000_u64, "Timeout": 1_500_000_000,
            "StartPeriod": 3_600_000_000_000_u64, "Retries": 3 });
        assert_eq!(serde_json::from_value::<HealthCheckSwarm>(stored).unwrap(), sent);
        assert_ne!(HealthCheckSwarm::default(), sent);
        assert_eq!(ContainerCheck::from(&sent), check);
    }
}
