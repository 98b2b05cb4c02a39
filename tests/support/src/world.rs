//! A world to deploy into: a simulated Dokploy with a real PostgreSQL behind it, and DNS zones served for real.

use crate::images::digest;
use crate::postgres::bundled_postgres;
use deploy_native::deploy::{DeployFailure, DeployReport, DeployRequest, RunOptions, Surroundings, deploy, plan};
use deploy_native::dokploy::WaitSettings;
use deploy_native::plan::DeployPlan;
use deploy_native::state::{LocalStateStore, State, StateProvider as _};
use deploy_native::{DeployError, DeployEvent};
use deploy_native_simulator::dns::DnsSimulator;
use deploy_native_simulator::postgres::PostgresBackend;
use deploy_native_simulator::{Simulator, SimulatorBuilder};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How much faster than a real server the simulated one is.
pub const TIME_SCALE: f64 = 0.02;
/// The address that records are to have.
pub const SERVER_IP: &str = "192.0.2.10";
/// The stage that is deployed.
pub const STAGE: &str = "staging";
/// How long a request whose answer was lost may still take effect.
pub const LANDING: Duration = Duration::from_millis(400);
/// How long a database may take to become reachable: long, since the machine may be busy.
pub const DATABASE_DEADLINE: Duration = Duration::from_mins(1);
/// The token for the zone's vendor.
const DNS_TOKEN: &str = "dns-token-canary";

/// A simulated server, its DNS, and a workspace to deploy.
pub struct World {
    /// The server.
    pub simulator: Simulator,
    /// The zones, and the vendors' APIs.
    pub dns: DnsSimulator,
    /// The databases behind the server.
    pub postgres: Arc<PostgresBackend>,
    /// The workspace's folder.
    pub root: tempfile::TempDir,
    /// Every event so far.
    pub events: Arc<Mutex<Vec<DeployEvent>>>,
    /// How each request wants the database to be reached; none: the default.
    access: Option<&'static str>,
}

impl World {
    /// Starts a world as most tests want it.
    pub async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// Starts a world whose server is set up as `change` says.
    pub async fn with(change: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let postgres = Arc::new(PostgresBackend::new(bundled_postgres()));
        let builder = Simulator::builder().time_scale(TIME_SCALE).backend(postgres.clone());
        let simulator = change(builder).start().await.unwrap();
        let dns = DnsSimulator::builder().zone("example.com").cloudflare_token(DNS_TOKEN).start().await.unwrap();
        let (root, events) = (tempfile::tempdir().unwrap(), Arc::default());
        Self { simulator, dns, postgres, root, events, access: None }
    }

    /// The same world, each request to which wants the database to be reached through its port.
    #[must_use]
    pub fn by_port(self) -> Self {
        Self { access: Some("external-port"), ..self }
    }

    /// The seed's workspace; each app says itself what it needs, so that no sniffing is involved.
    pub fn request(&self) -> Value {
        let auth = ["DATABASE_URL", "BETTER_AUTH_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_TRUSTED_ORIGINS"];
        let image = |app: &str| format!("registry.test/shop-{app}@sha256:{}", digest(app));
        let mut request = json!({
            "workspace": {
                "name": "shop",
                "root": self.root.path(),
                "apps": {
                    "api": { "type": "backend", "path": "apps/api", "port": 3000, "requiredEnv": ["DATABASE_URL", "REDIS_URL"] },
                    "auth": { "type": "backend", "path": "apps/auth", "port": 3001, "requiredEnv": auth },
                    "admin-auth": { "type": "backend", "path": "apps/admin-auth", "port": 3002, "requiredEnv": auth },
                    "web": { "type": "web", "path": "apps/web", "port": 3003, "framework": "vite", "dependencies": ["api", "auth"] },
                    "admin": { "type": "web", "path": "apps/admin", "port": 3004, "framework": "vite", "dependencies": ["api", "admin-auth"] },
                },
                "services": { "db": true, "cache": true },
                "deploy": {
                    "dokploy": { "endpoint": self.simulator.url(), "domains": { STAGE: "staging.example.com" } },
                    "dns": { "example.com": { "provider": "cloudflare" } },
                },
            },
            "stage": STAGE,
            "credentials": {
                "dokploy": { "token": self.simulator.token() },
                "cloudflare": { "token": DNS_TOKEN, "baseUrl": self.dns.cloudflare_url() },
            },
            "images": {
                "api": image("api"), "auth": image("auth"), "admin-auth": image("admin-auth"),
                "web": image("web"), "admin": image("admin"),
            },
            "serverIp": SERVER_IP,
            "databaseHost": "127.0.0.1",
            "stabilitySeconds": 0,
            "dnsTimeoutSeconds": 10,
        });
        if let Some(access) = self.access {
            request["databaseAccess"] = access.into();
        }
        request
    }

    /// Options with which a run talks to this world.
    pub fn options(&self) -> RunOptions {
        let events = Arc::clone(&self.events);
        RunOptions::default()
            .events(Arc::new(move |event: DeployEvent| events.lock().unwrap().push(event)))
            .surroundings(
                Surroundings::default()
                    .name_servers(vec![self.dns.resolver_addr()])
                    .authoritative_port(self.dns.authoritative_port())
                    .landing(LANDING)
                    .database_deadline(DATABASE_DEADLINE)
                    .wait(scaled_waits(TIME_SCALE)),
            )
    }

    /// Deploys into the world.
    pub async fn deploy(&self, request: Value) -> Result<DeployReport, DeployFailure> {
        Box::pin(deploy(DeployRequest::from_json(request)?, self.options())).await
    }

    /// Plans a deployment into the world.
    pub async fn plan(&self, request: Value) -> Result<DeployPlan, DeployError> {
        Box::pin(plan(DeployRequest::from_json(request)?, self.options())).await
    }

    /// The state that is kept of the stage.
    pub async fn state(&self) -> State {
        LocalStateStore::new(self.root.path()).read(STAGE).await.unwrap().expect("a state")
    }
}

/// As patient as by default, in the time of a server whose delays are scaled.
pub fn scaled_waits(scale: f64) -> WaitSettings {
    let usual = WaitSettings::default();
    WaitSettings::default()
        .settled(usual.settled.mul_f64(scale))
        .unplaceable_after(usual.unplaceable_after.mul_f64(scale))
        .first_pause(usual.first_pause.mul_f64(scale))
        .longest_pause(usual.longest_pause.mul_f64(scale))
        // The machine that runs the tests may itself be slow.
        .lost_after(Duration::from_secs(2))
}
