//! Services, their tasks and containers: what Swarm knows of them.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::health_check::{Health, HealthCheck};
use crate::random;

/// The only node.
pub(crate) const NODE_ID: &str = "eu2w59ar6h1kpgo97qpywoffo";
pub(crate) const NODE_NAME: &str = "vm";

/// In which order an update replaces a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Order {
    /// Applications: the new one starts before the old one stops.
    #[default]
    StartFirst,
    /// Databases: the old one stops before the new one starts.
    StopFirst,
}

/// `restartPolicySwarm`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct RestartPolicy {
    pub(crate) condition: Option<String>,
    /// Nanoseconds.
    pub(crate) delay: Option<f64>,
    pub(crate) max_attempts: Option<u64>,
}

/// What a database container is initialised with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Database {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) name: String,
    pub(crate) is_postgres: bool,
}

/// What a service shall be.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Spec {
    pub(crate) image: String,
    /// `KEY=value` lines.
    pub(crate) env: Vec<String>,
    pub(crate) replicas: u64,
    pub(crate) command: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) restart: RestartPolicy,
    /// How it is found out whether a container works; `None`: a container that runs does.
    pub(crate) health: Option<HealthCheck>,
    /// Ports published in host mode.
    pub(crate) host_ports: Vec<i64>,
    pub(crate) order: Order,
    pub(crate) database: Option<Database>,
}

/// What Swarm wants a task to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Desired {
    Ready,
    Running,
    Shutdown,
}

impl Desired {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Shutdown => "shutdown",
        }
    }
}

/// What a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskState {
    Pending,
    Assigned,
    Preparing,
    Ready,
    Starting,
    Running,
    Complete,
    Failed,
    Shutdown,
}

impl TaskState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Assigned => "Assigned",
            Self::Preparing => "Preparing",
            Self::Ready => "Ready",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Complete => "Complete",
            Self::Failed => "Failed",
            Self::Shutdown => "Shutdown",
        }
    }

    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Shutdown)
    }

    /// Whether a task in this state holds its host-mode ports.
    pub(super) fn holds_ports(self) -> bool {
        matches!(self, Self::Assigned | Self::Preparing | Self::Starting | Self::Running)
    }
}

/// A task's container.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub(crate) id: String,
    pub(crate) started: Instant,
    pub(crate) started_at: String,
    pub(crate) finished_at: Option<String>,
    pub(crate) exit_code: i64,
    /// `KEY=value` lines, expanded.
    pub(crate) env: Vec<String>,
    pub(crate) log: Vec<String>,
    /// Whether the database inside accepts connections.
    pub(crate) ready: bool,
    /// Whether the image's own program runs inside, which may listen.
    pub(crate) serves: bool,
    /// What its health check has found; `None` where there is none.
    pub(crate) health: Option<Health>,
    /// Ends what runs inside.
    pub(crate) stopped: CancellationToken,
}

/// One attempt to run the service's container.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) desired: Desired,
    pub(crate) state: TaskState,
    pub(crate) since: Instant,
    pub(crate) error: String,
    pub(crate) spec: Arc<Spec>,
    pub(crate) generation: u64,
    pub(crate) container: Option<Container>,
}

impl Task {
    pub(super) fn new(spec: &Spec, generation: u64, desired: Desired, state: TaskState) -> Self {
        Self {
            id: random::swarm_id(),
            desired,
            state,
            since: Instant::now(),
            error: String::new(),
            spec: Arc::new(spec.clone()),
            generation,
            container: None,
        }
    }

    /// Whether its container runs.
    pub(crate) fn is_up(&self) -> bool {
        self.state == TaskState::Running
    }

    pub(super) fn become_state(&mut self, state: TaskState) {
        self.state = state;
        self.since = Instant::now();
    }
}

/// What the data volume of a database service holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Volume {
    Empty,
    Initialised,
    /// The first part of a database, whose container was replaced before its initialisation was over.
    Broken,
}

/// A service with its tasks, oldest first.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) spec: Spec,
    /// What a failing update goes back to.
    pub(crate) previous: Option<Spec>,
    pub(crate) tasks: Vec<Task>,
    /// Counts the updates, so that a superseded one can notice.
    pub(crate) generation: u64,
    /// Restarts since the last update.
    pub(crate) attempts: u64,
    /// Connections to it, which its tasks take in turn.
    pub(crate) connections: usize,
    /// What its data volume holds.
    pub(crate) volume: Volume,
    /// Held while the backend is being called for this service.
    pub(crate) backend_lock: Arc<tokio::sync::Mutex<()>>,
}

impl Service {
    pub(super) fn new(name: &str, spec: Spec) -> Self {
        Self {
            id: random::swarm_id(),
            name: name.to_owned(),
            spec,
            previous: None,
            tasks: Vec::new(),
            generation: 0,
            attempts: 0,
            connections: 0,
            volume: Volume::Empty,
            backend_lock: Arc::default(),
        }
    }

    pub(super) fn task_mut(&mut self, id: &str) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.id == id)
    }

    /// Whether a database inside accepts connections.
    pub(crate) fn accepts_connections(&self) -> bool {
        let mut up = self.tasks.iter().filter(|task| task.is_up());
        up.any(|task| {
            task.container.as_ref().is_some_and(|container| container.ready && !container.stopped.is_cancelled())
        })
    }

    /// Whether a container that shall stay is up.
    pub(crate) fn is_running(&self) -> bool {
        self.tasks.iter().any(|task| task.state == TaskState::Running && task.desired == Desired::Running)
    }
}
