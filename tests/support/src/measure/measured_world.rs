//! A world behind relays, and what a run in it came to.

use super::relay::{Exchange, Log, Relay};
use crate::world::World;
use deploy_native::deploy::{DeployReport, DeployRequest, RunOptions, deploy, plan};
use deploy_native::plan::DeployPlan;
use deploy_native::{DeployEvent, Phase};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// So much faster than a real server that it imposes no waits.
const AT_ONCE: f64 = 0.0001;

/// A world whose servers are a way off.
pub struct MeasuredWorld {
    /// The world.
    pub world: World,
    /// Everything that passed its relays and was not taken yet.
    pub log: Log,
    dokploy: Relay,
    dns: Relay,
}

/// What one run did.
pub struct MeasuredRun {
    /// What was planned.
    pub plan: DeployPlan,
    /// What was reported.
    pub report: DeployReport,
    /// What was sent and answered.
    pub exchanges: Vec<Exchange>,
    /// What was told, and when.
    pub events: Vec<(Instant, DeployEvent)>,
    /// How long it took.
    pub took: Duration,
}

impl MeasuredRun {
    /// When the run began to apply its plan.
    pub fn applying(&self) -> Option<Instant> {
        let applying = |event: &DeployEvent| matches!(event, DeployEvent::PhaseStarted { phase: Phase::Apply, .. });
        self.events.iter().find(|(_, event)| applying(event)).map(|(at, _)| *at)
    }

    /// When a step began.
    pub fn began(&self, id: &str) -> Option<Instant> {
        let began = |event: &DeployEvent| matches!(event, DeployEvent::StepStarted { step, .. } if step == id);
        self.events.iter().find(|(_, event)| began(event)).map(|(at, _)| *at)
    }

    /// When a step ended.
    pub fn ended(&self, id: &str) -> Option<Instant> {
        let ended = |event: &DeployEvent| matches!(event, DeployEvent::StepFinished { step, .. } if step == id);
        self.events.iter().find(|(_, event)| ended(event)).map(|(at, _)| *at)
    }
}

impl MeasuredWorld {
    /// Starts a world in which each call of an API takes `latency` and the server does at once what it is told.
    pub async fn start(latency: Duration) -> Self {
        let world = World::with(|builder| builder.time_scale(AT_ONCE)).await;
        let log = Log::default();
        let dokploy = Relay::start(world.simulator.url(), "/api/", latency, &log).await;
        let dns = Relay::start(&world.dns.cloudflare_url(), "/client/v4/", latency, &log).await;
        Self { world, log, dokploy, dns }
    }

    /// The seed's workspace, by way of the relays.
    pub fn request(&self, access: &str) -> Value {
        self.aimed(self.world.request(), access)
    }

    /// A request whose servers are reached by way of the relays.
    pub fn aimed(&self, mut request: Value, access: &str) -> Value {
        request["workspace"]["deploy"]["dokploy"]["endpoint"] = json!(self.dokploy.url());
        request["credentials"]["cloudflare"]["baseUrl"] = json!(self.dns.url());
        request["databaseAccess"] = json!(access);
        request
    }

    /// Deploys, and tells what passed.
    pub async fn deploy(&self, request: Value) -> MeasuredRun {
        self.deploy_with(request, self.world.options()).await
    }

    /// Deploys as `options` say, and tells what passed.
    pub async fn deploy_with(&self, request: Value, options: RunOptions) -> MeasuredRun {
        let planned = DeployRequest::from_json(request.clone()).unwrap();
        let plan = plan(planned, options.clone().events(deploy_native::silent())).await.unwrap();
        self.log.take();
        let events = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&events);
        let options =
            options.events(Arc::new(move |event: DeployEvent| sink.lock().unwrap().push((Instant::now(), event))));
        let started = Instant::now();
        let report = deploy(DeployRequest::from_json(request).unwrap(), options).await.unwrap();
        let took = started.elapsed();
        let events = std::mem::take(&mut *events.lock().unwrap());
        MeasuredRun { plan, report, exchanges: self.log.take(), events, took }
    }
}
