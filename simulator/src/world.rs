//! Everything one simulated server consists of, shared by all its tasks.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::backend::{DatabaseBackend, PlainPorts};
use crate::catalogue::Catalogue;
use crate::clock::{Clock, WallClock};
use crate::dokploy::model::{State, text};
use crate::fault::Faults;
use crate::record::Recorder;
use crate::swarm::{Database, view};

/// Who a key belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Owner,
    /// A member with access to every project and service, and to nothing else.
    Granted,
    /// A member without any grants.
    Member,
}

/// A key and how many more requests it may make.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) access: Access,
    pub(crate) remaining: Option<u64>,
}

/// What does not change while a server lives.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) version: String,
    pub(crate) ip: String,
    pub(crate) latency_millis: u64,
    pub(crate) keep_history: bool,
    pub(crate) wall_clock: WallClock,
}

/// One simulated server.
pub(crate) struct World {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) backend: Arc<dyn DatabaseBackend>,
    pub(crate) images: Mutex<Catalogue>,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    pub(crate) keys: Mutex<HashMap<String, Key>>,
    /// The document that requests are checked against and `settings.getOpenApiDocument` answers.
    pub(crate) document: Value,
    /// Wakes the queue's worker.
    pub(crate) job_queued: Notify,
    /// Ends every task of the server.
    pub(crate) stopped: CancellationToken,
    /// Ends the queue's worker and what it is working on; replaced at a restart.
    pub(crate) worker: Mutex<CancellationToken>,
    plain_ports: PlainPorts,
    /// What `domain.validateDomain` finds, by host.
    resolves: Mutex<HashMap<String, Vec<String>>>,
    state: Mutex<State>,
    history: Mutex<HashMap<String, Vec<Value>>>,
}

impl World {
    pub(crate) fn new(
        settings: Settings,
        clock: Clock,
        backend: Arc<dyn DatabaseBackend>,
        catalogue: Catalogue,
        keys: HashMap<String, Key>,
        document: Value,
    ) -> Self {
        let stopped = CancellationToken::new();
        let wall_clock = settings.wall_clock;
        Self {
            settings,
            clock,
            backend,
            images: Mutex::new(catalogue),
            faults: Faults::default(),
            recorder: Recorder::new(),
            keys: Mutex::new(keys),
            document,
            job_queued: Notify::new(),
            worker: Mutex::new(stopped.child_token()),
            stopped,
            plain_ports: PlainPorts::default(),
            resolves: Mutex::default(),
            state: Mutex::new(State { wall_clock, ..State::default() }),
            history: Mutex::default(),
        }
    }

    /// The server's time of day, as Dokploy writes it.
    pub(crate) fn timestamp(&self) -> String {
        self.settings.wall_clock.timestamp()
    }

    /// Looks at the state.
    pub(crate) fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state, in one step for everybody else.
    pub(crate) fn write<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        if self.settings.keep_history {
            self.note(&state);
        }
        result
    }

    /// The image catalogue.
    pub(crate) fn images<R>(&self, look: impl FnOnce(&mut Catalogue) -> R) -> R {
        look(&mut self.images.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What stands behind a database service: the backend for Postgres, a plain port for Redis.
    pub(crate) fn backend_of(&self, database: &Database) -> &dyn DatabaseBackend {
        if database.is_postgres { &*self.backend } else { &self.plain_ports }
    }

    /// Runs a task that ends with the server.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(self.stopped.clone().run_until_cancelled_owned(task));
    }

    /// The token of the current worker.
    pub(crate) fn worker_token(&self) -> CancellationToken {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the current worker; the next one gets a token of its own.
    pub(crate) fn replace_worker(&self) {
        let fresh = self.stopped.child_token();
        let mut worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *worker, fresh).cancel();
    }

    /// Sets what a host resolves to.
    pub(crate) fn resolve(&self, host: &str, addresses: Vec<String>) {
        self.resolves.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned(), addresses);
    }

    /// What a host resolves to.
    pub(crate) fn resolved(&self, host: &str) -> Vec<String> {
        self.resolves.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned().unwrap_or_default()
    }

    /// Every state that an application was seen in, oldest first. Empty unless the history is kept.
    pub(crate) fn history(&self, app_name: &str) -> Vec<Value> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner).get(app_name).cloned().unwrap_or_default()
    }

    fn note(&self, state: &State) {
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        for app in &state.applications {
            let name = text(app, "appName");
            let frame = json!({
                "deployments": state.deployment_titles(text(app, "applicationId")),
                "status": app["applicationStatus"],
                "tasks": view::task_states(state, name),
                "node": view::node_row(state, name),
                "queue": state.queue_titles(),
            });
            let frames = history.entry(name.to_owned()).or_default();
            if frames.last() != Some(&frame) {
                frames.push(frame);
            }
        }
    }
}
