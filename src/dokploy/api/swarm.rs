//! Swarm services. A member's key may not read them.

use crate::dokploy::transport::{ApiError, Call, Transport};
use serde::{Deserialize, Deserializer};

pub(super) const NODE_APPS: Call = Call::get("swarm.getNodeApps", &[]);

/// A Swarm service, in the words of `docker service ls`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NodeApp {
    /// Its name: an `appName`.
    pub name: String,
    /// The image of its specification; after a rollback the old one.
    #[serde(default)]
    pub image: String,
    /// How many tasks run, and how many are to.
    #[serde(default)]
    pub replicas: Replicas,
}

/// How many tasks of a service run, and how many are to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replicas {
    /// How many run.
    pub running: u32,
    /// How many are to run.
    pub desired: u32,
}

impl<'de> Deserialize<'de> for Replicas {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // A global service or a limit adds text behind the numbers: `1/1 (max 1 per node)`.
        let numbers = text.split_whitespace().next().and_then(|numbers| numbers.split_once('/'));
        let parsed = numbers.and_then(|(running, desired)| {
            Some(Self { running: running.parse().ok()?, desired: desired.parse().ok()? })
        });
        Ok(parsed.unwrap_or_default())
    }
}

/// The calls of the swarm router.
#[derive(Debug, Clone, Copy)]
pub struct SwarmApi<'a>(pub(in crate::dokploy) &'a Transport);

impl SwarmApi<'_> {
    /// Lists the services of the server.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn node_apps(self) -> Result<Vec<NodeApp>, ApiError> {
        let apps: Option<Vec<NodeApp>> = self.0.get(&NODE_APPS, &[]).await?;
        Ok(apps.unwrap_or_default())
    }
}
