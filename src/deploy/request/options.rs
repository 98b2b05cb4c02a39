//! How a run is carried out, and what stands around it.

use crate::aws::AwsEnvironment;
use crate::deploy::report::AppReport;
use crate::dns::DnsProvider;
use crate::dokploy::{ClientSettings, WaitSettings};
use crate::http::HttpSettings;
use crate::image::ImageBuilder;
use crate::lease::LeaseSettings;
use crate::plan::DeployPlan;
use crate::secrets::{Entropy, SystemEntropy};
use crate::state::StateProvider;
use crate::{DeployError, EventSink, silent};
use async_trait::async_trait;
use derive_setters::Setters;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// What a caller does in the course of a run.
#[async_trait]
pub trait RunHooks: Send + Sync {
    /// Called with the plan before the first change; not when there is nothing to change. An error stops the run.
    ///
    /// It may be called again, when the plan has become another one by the time that the stage is this run's alone.
    ///
    /// # Errors
    ///
    /// Whatever is to be the run's error; [`DeployError::declined`] for a plan that is not agreed to.
    async fn before_apply(&self, _plan: &DeployPlan) -> Result<(), DeployError> {
        Ok(())
    }

    /// Called with what became of each app of a deployment or rollback, one after another, when all of them have ended. What
    /// goes wrong in it is a warning: the app is as it is.
    ///
    /// # Errors
    ///
    /// What the warning says.
    async fn after_app(&self, _report: &AppReport) -> Result<(), DeployError> {
        Ok(())
    }
}

/// How a run is carried out; none of it changes what is deployed.
#[derive(Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct RunOptions {
    /// Cancels the run (I10).
    pub cancel: CancellationToken,
    /// Takes the events.
    pub events: Arc<dyn EventSink>,
    /// Whether sniff results are cached; default true.
    pub cache: bool,
    /// Keeps the state instead of the local file.
    pub state_provider: Option<Arc<dyn StateProvider>>,
    /// DNS providers by root domain, in place of the built-in ones.
    pub dns_providers: BTreeMap<String, Arc<dyn DnsProvider>>,
    /// Builds images instead of `docker`.
    pub image_builder: Option<Arc<dyn ImageBuilder>>,
    /// What the caller does in the course of the run.
    pub hooks: Option<Arc<dyn RunHooks>>,
    /// The plan that the caller was shown: a run that applies another one stops with `PLAN_STALE` before it changes
    /// anything. Nothing but `deploy` and `undeploy` looks at it.
    pub expected_plan: Option<DeployPlan>,
    /// How long a run waits for another one of the same stage to end, on this machine or another; default not at all.
    pub wait_for_lock: Duration,
    /// What stands around us: programs, name servers, clock, randomness.
    pub surroundings: Surroundings,
}

/// What stands around a run and is different in tests and on other machines.
#[derive(Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct Surroundings {
    /// The `node` to sniff with; default `node` of the `PATH`.
    #[setters(into)]
    pub node: PathBuf,
    /// The folder of the sniffer's JavaScript; default: beside the package.
    #[setters(into)]
    pub sniffer: Option<PathBuf>,
    /// The `docker` to build with; default `docker` of the `PATH`.
    #[setters(into)]
    pub docker: PathBuf,
    /// The recursive name servers to ask; default: the system's.
    pub name_servers: Vec<SocketAddr>,
    /// The port on which authoritative name servers are asked; default 53.
    pub authoritative_port: u16,
    /// The `git` to ask whether the state file is ignored; default `git` of the `PATH`.
    #[setters(into)]
    pub git: PathBuf,
    /// How long a request whose answer was lost may still take effect; default 10 s (facts: aborted create, port races).
    pub landing: Duration,
    /// How long a database whose port was opened may take to become reachable; default 60 s.
    pub database_deadline: Duration,
    /// How long `psql` may take to reach the database from inside once its application is deployed; default 3 min. Half of
    /// it, and half of the wait for the deployment, where the external port is taken after it.
    pub answer_deadline: Duration,
    /// How the lease of a stage is kept on the server.
    pub lease: LeaseSettings,
    /// How long a call to Dokploy may take, and how often a read is repeated. Its `http` is not looked at: [`Self::http`] is.
    pub client: ClientSettings,
    /// Through which proxies Dokploy, DNS vendors and registries are reached, and which certificates are trusted; default: as
    /// the environment says.
    pub http: HttpSettings,
    /// How deployments are waited for; the request's `stabilitySeconds` takes the place of its `stability`.
    pub wait: WaitSettings,
    /// Where AWS's variables and the home folder with its profiles are looked up; default: this process's.
    pub aws: AwsEnvironment,
    /// The clock.
    pub now: fn() -> OffsetDateTime,
    /// The randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            node: PathBuf::from("node"),
            sniffer: None,
            docker: PathBuf::from("docker"),
            name_servers: Vec::new(),
            authoritative_port: 53,
            git: PathBuf::from("git"),
            landing: Duration::from_secs(10),
            database_deadline: Duration::from_mins(1),
            answer_deadline: Duration::from_mins(3),
            lease: LeaseSettings::default(),
            client: ClientSettings::default(),
            http: HttpSettings::default(),
            wait: WaitSettings::default(),
            aws: AwsEnvironment::default(),
            now: OffsetDateTime::now_utc,
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            cancel: CancellationToken::new(),
            events: silent(),
            cache: true,
            state_provider: None,
            dns_providers: BTreeMap::new(),
            image_builder: None,
            hooks: None,
            expected_plan: None,
            wait_for_lock: Duration::ZERO,
            surroundings: Surroundings::default(),
        }
    }
}
