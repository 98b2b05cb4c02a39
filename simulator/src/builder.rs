//! How a simulator is configured.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::backend::{DatabaseBackend, PlainPorts};
use crate::catalogue::Catalogue;
use crate::clock::{Clock, WallClock};
use crate::dokploy::schema;
use crate::fault::Fault;
use crate::image::Image;
use crate::random;
use crate::simulator::Simulator;
use crate::world::{Access, Key, Settings, World};

/// The settings of a [`Simulator`] that is about to start.
#[must_use]
pub struct SimulatorBuilder {
    token: String,
    keys: HashMap<String, Key>,
    time_scale: f64,
    latency: Duration,
    version: String,
    ip: String,
    openapi: Option<PathBuf>,
    backend: Arc<dyn DatabaseBackend>,
    catalogue: Catalogue,
    faults: Vec<Fault>,
    keep_history: bool,
    clock_ahead: time::Duration,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            token: random::letters(64),
            keys: HashMap::new(),
            time_scale: 1.0,
            latency: Duration::ZERO,
            version: "v0.30.2".into(),
            ip: "127.0.0.1".into(),
            openapi: None,
            backend: Arc::new(PlainPorts::default()),
            catalogue: Catalogue::default(),
            faults: Vec::new(),
            keep_history: false,
            clock_ahead: time::Duration::ZERO,
        }
    }
}

impl Simulator {
    /// Begins the configuration of a simulator.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }
}

impl SimulatorBuilder {
    /// The owner's key. Default: 64 random letters.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = token.into();
        self
    }

    /// Adds a key of a member without any grants.
    pub fn member_token(mut self, token: impl Into<String>) -> Self {
        self.keys.insert(token.into(), Key { access: Access::Member, remaining: None });
        self
    }

    /// Adds a key of a member who may do everything with projects and services, and may not look at containers.
    pub fn granted_token(mut self, token: impl Into<String>) -> Self {
        self.keys.insert(token.into(), Key { access: Access::Granted, remaining: None });
        self
    }

    /// Adds an owner's key that is refused after `requests` requests, as a rate-limited one is.
    pub fn limited_token(mut self, token: impl Into<String>, requests: u64) -> Self {
        self.keys.insert(token.into(), Key { access: Access::Owner, remaining: Some(requests) });
        self
    }

    /// The factor of every simulated delay: 1 (the default) is the real server's pace, 0.02 is fifty times faster.
    pub fn time_scale(mut self, scale: f64) -> Self {
        self.time_scale = scale;
        self
    }

    /// How long every call takes on top. Real time, not scaled. Default: none.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The server version. Default: `v0.30.2`.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// What `settings.getIp` answers. Default: `127.0.0.1`.
    pub fn ip(mut self, ip: impl Into<String>) -> Self {
        self.ip = ip.into();
        self
    }

    /// An `OpenAPI` document to serve and to check requests against, instead of the built-in one that covers only what
    /// the simulator has.
    pub fn openapi(mut self, path: impl Into<PathBuf>) -> Self {
        self.openapi = Some(path.into());
        self
    }

    /// What stands behind Postgres services. Default: [`PlainPorts`].
    pub fn backend(mut self, backend: Arc<dyn DatabaseBackend>) -> Self {
        self.backend = backend;
        self
    }

    /// Declares an image.
    pub fn image(mut self, image: Image) -> Self {
        self.catalogue.declare(image);
        self
    }

    /// Makes every image of a registry (`host[:port]`) private.
    pub fn registry(mut self, host: &str, username: &str, password: &str) -> Self {
        self.catalogue.registry(host, username, password);
        self
    }

    /// Adds a fault.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// By how many seconds the server's clock is ahead of this machine's; negative when it is behind. Default: 0.
    pub fn clock_ahead(mut self, seconds: i64) -> Self {
        self.clock_ahead = time::Duration::seconds(seconds);
        self
    }

    /// Keeps every state of every application for [`Simulator::history`].
    pub fn keep_history(mut self) -> Self {
        self.keep_history = true;
        self
    }

    /// Starts the server on a free port of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// When no port can be bound, or the `OpenAPI` document cannot be read.
    pub async fn start(mut self) -> io::Result<Simulator> {
        self.keys.insert(self.token.clone(), Key { access: Access::Owner, remaining: None });
        let document = match &self.openapi {
            None => schema::document().clone(),
            Some(path) => serde_json::from_slice::<Value>(&tokio::fs::read(path).await?)?,
        };
        let settings = Settings {
            version: self.version,
            ip: self.ip,
            latency_millis: self.latency.as_millis().try_into().unwrap_or(u64::MAX),
            keep_history: self.keep_history,
            wall_clock: WallClock::ahead_by(self.clock_ahead),
        };
        let clock = Clock::new(self.time_scale);
        let world = World::new(settings, clock, self.backend, self.catalogue, self.keys, document);
        for fault in self.faults {
            world.faults.add(fault);
        }
        Simulator::launch(world, self.token).await
    }
}

impl std::fmt::Debug for SimulatorBuilder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SimulatorBuilder").field("time_scale", &self.time_scale).finish_non_exhaustive()
    }
}
