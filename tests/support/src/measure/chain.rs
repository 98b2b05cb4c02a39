//! What a chain of apps takes, each of which depends on the one before.

use crate::world::World;
use serde_json::json;
use std::time::Duration;

/// How long the first deployment of a chain of three apps takes.
#[derive(Debug, Clone, Copy)]
pub struct ChainTimes {
    /// Without a stability window: the longest chain of pulls and starts, and everything around it.
    pub bare: Duration,
    /// With the window for each app.
    pub watched: Duration,
    /// The window.
    pub window: Duration,
}

impl ChainTimes {
    /// Deploys the chain twice, each time into a world of its own.
    pub async fn measure(window_seconds: u32) -> Self {
        let (bare, watched) = (chain(0).await, chain(window_seconds).await);
        Self { bare, watched, window: Duration::from_secs(window_seconds.into()) }
    }

    /// How much longer it takes than the chain and one window.
    pub fn ratio(&self) -> f64 {
        self.watched.as_secs_f64() / (self.bare + self.window).as_secs_f64()
    }

    /// How much longer it would take if the windows followed each other.
    pub fn ratio_in_a_row(&self) -> f64 {
        (self.bare + 3 * self.window).as_secs_f64() / (self.bare + self.window).as_secs_f64()
    }
}

async fn chain(stability_seconds: u32) -> Duration {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["apps"]["jobs"]["dependencies"] = json!(["web"]);
    request["stabilitySeconds"] = json!(stability_seconds);
    let report = world.deploy(request).await.unwrap();
    assert_eq!(report.apps.len(), 3);
    Duration::from_millis(report.duration_ms)
}
