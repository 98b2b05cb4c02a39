//! The handle that tests hold.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use crate::dokploy::model::{self, Record, State, find_mut, text};
use crate::dokploy::queue;
use crate::fault::Fault;
use crate::image::Image;
use crate::record::RequestRecord;
use crate::server;
use crate::swarm::{rollout, view};
use crate::world::World;

/// A running simulated Dokploy server.
///
/// It lives on a thread of its own, so it keeps serving while the test's runtime is busy. One thread, so that what
/// is due earlier happens earlier also when the machine is slow. Dropping it stops everything.
pub struct Simulator {
    world: Arc<World>,
    runtime: Handle,
    /// Ends the runtime.
    ended: CancellationToken,
    thread: Option<JoinHandle<()>>,
    url: String,
    token: String,
}

impl Simulator {
    pub(crate) async fn launch(world: World, token: String) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (handle, ended) = (runtime.handle().clone(), CancellationToken::new());
        let until = ended.clone();
        let run = move || runtime.block_on(until.cancelled());
        let thread = std::thread::Builder::new().name("simulator".into()).spawn(run)?;
        let world = Arc::new(world);
        let serving = Arc::clone(&world);
        let mut simulator =
            Self { world, runtime: handle.clone(), ended, thread: Some(thread), url: String::new(), token };
        let start = handle.spawn(async move {
            queue::start(&serving);
            server::start(serving).await
        });
        let address = start.await.map_err(io::Error::other)??;
        simulator.url = format!("http://{address}");
        Ok(simulator)
    }

    /// The server's base URL without a trailing slash: `http://127.0.0.1:{port}`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The owner's API key.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Every request so far, in the order of arrival.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.world.recorder.all()
    }

    /// The requests that were mutations.
    pub fn mutations(&self) -> Vec<RequestRecord> {
        self.requests().into_iter().filter(RequestRecord::is_mutation).collect()
    }

    /// How many requests `endpoint` (`project.create`) has had.
    pub fn count(&self, endpoint: &str) -> usize {
        self.requests().iter().filter(|request| request.endpoint() == endpoint).count()
    }

    /// Every departure of a request from the API's published schema, as `endpoint: what`.
    pub fn violations(&self) -> Vec<String> {
        let describe = |request: RequestRecord| {
            let endpoint = request.endpoint().to_owned();
            request.violations.into_iter().map(move |violation| format!("{endpoint}: {violation}"))
        };
        self.requests().into_iter().flat_map(describe).collect()
    }

    /// Adds a fault. The first one that applies to a request decides.
    pub fn fault(&self, fault: Fault) {
        self.world.faults.add(fault);
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// Declares an image, or declares it anew.
    pub fn image(&self, image: Image) {
        self.world.images(|catalogue| catalogue.declare(image));
    }

    /// Makes every image of a registry (`host[:port]`) private.
    pub fn registry(&self, host: &str, username: &str, password: &str) {
        self.world.images(|catalogue| catalogue.registry(host, username, password));
    }

    /// Sets what `domain.validateDomain` resolves `host` to.
    pub fn resolve(&self, host: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|&address| address.to_owned()).collect();
        self.world.resolve(host, addresses);
    }

    /// Everything the server knows, and what its swarm really runs.
    pub fn snapshot(&self) -> Value {
        self.world.read(snapshot)
    }

    /// Every state an application was in, oldest first, as objects with `deployments`, `status`, `tasks`, `node` and
    /// `queue`. Empty without [`keep_history`](crate::SimulatorBuilder::keep_history).
    pub fn history(&self, app_name: &str) -> Vec<Value> {
        self.world.history(app_name)
    }

    /// Changes fields of an application's record, as somebody does in the web interface.
    ///
    /// Returns whether it exists.
    pub fn edit_application(&self, application_id: &str, fields: Value) -> bool {
        self.world.write(|state| {
            let application = find_mut(&mut state.applications, "applicationId", application_id);
            application.map(|application| model::assign(application, model::record(fields))).is_some()
        })
    }

    /// Adds an application that somebody else made. Returns its id.
    pub fn create_application(&self, environment_id: &str, name: &str) -> String {
        let fields = model::record(json!({ "name": name, "appName": name }));
        let application = self.world.write(|state| state.add_application(environment_id, fields));
        text(&application, "applicationId").to_owned()
    }

    /// Removes a tag behind the caller's back. Returns whether it existed.
    pub fn remove_tag(&self, name: &str) -> bool {
        self.world.write(|state| {
            let before = state.tags.len();
            state.tags.retain(|tag| text(tag, "name") != name);
            state.tags.len() < before
        })
    }

    /// Deletes an application behind the caller's back. Returns whether it existed.
    pub fn delete_application(&self, application_id: &str) -> bool {
        let app_name = self.app_name(application_id);
        self.world.write(|state| state.forget_application(application_id));
        self.in_runtime(|world| app_name.as_deref().map(|name| rollout::remove(world, name)));
        app_name.is_some()
    }

    /// Stops an application's containers behind the caller's back. Returns whether it exists.
    pub fn stop_application(&self, application_id: &str) -> bool {
        let app_name = self.app_name(application_id);
        self.edit_application(application_id, json!({ "applicationStatus": "idle" }));
        self.in_runtime(|world| app_name.as_deref().map(|name| rollout::scale(world, name, 0)));
        app_name.is_some()
    }

    /// Restarts the Dokploy server: waiting deployments vanish, the running one becomes `cancelled`. What runs in the
    /// swarm keeps running.
    pub fn restart_server(&self) {
        self.in_runtime(queue::restart);
    }

    /// Stops everything, and waits until the database backend has stopped.
    pub async fn shutdown(self) {
        self.world.stopped.cancel();
        let backend = Arc::clone(&self.world.backend);
        // On the simulator's own runtime, where the backend has started what it now stops.
        let stopping = self.runtime.spawn(async move { backend.shutdown().await });
        // A backend that panics has nothing left to wait for.
        let _ = stopping.await;
    }

    fn app_name(&self, application_id: &str) -> Option<String> {
        self.world.read(|state| {
            model::find(&state.applications, "applicationId", application_id).map(|app| text(app, "appName").to_owned())
        })
    }

    fn in_runtime<R>(&self, act: impl FnOnce(&Arc<World>) -> R) -> R {
        let _entered = self.runtime.enter();
        act(&self.world)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.world.stopped.cancel();
        self.ended.cancel();
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was printed when it happened.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Simulator").field("url", &self.url).finish_non_exhaustive()
    }
}

fn snapshot(state: &State) -> Value {
    let deployments = state.deployments.iter().map(|row| {
        let mut record = row.record.clone();
        record.insert("log".into(), row.log.clone().into());
        record
    });
    let services = state.services.values().map(|service| {
        json!({
            "name": service.name, "image": service.spec.image, "env": service.spec.env,
            "replicas": service.spec.replicas, "running": service.is_running(),
            "publishedPorts": service.spec.host_ports, "tasks": view::task_states(state, &service.name),
            "runs": service.tasks.iter().rev().filter(|task| task.is_up()).map(|task| {
                let env = task.container.as_ref().map(|container| &container.env);
                json!({ "taskId": task.id, "image": task.spec.image, "env": env })
            }).collect::<Vec<_>>(),
        })
    });
    json!({
        "projects": state.projects, "environments": state.environments, "applications": state.applications,
        "postgres": state.postgres, "redis": state.redis, "domains": state.domains, "registries": state.registries,
        "ports": state.ports, "mounts": state.mounts, "tags": state.tags, "deployments": deployments.collect::<Vec<Record>>(),
        "queue": state.queue_titles(), "services": services.collect::<Vec<_>>(),
    })
}
