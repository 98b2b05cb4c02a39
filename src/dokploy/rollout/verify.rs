//! Looking at what runs, and proving that it is what was deployed (I7).

use super::log;
use super::monitor::{Expected, Verdict, Watch};
use super::polling::{OnProgress, Wait, WaitSettings};
use super::progress::RunFailure;
use super::snapshot::{Look, Observation, classify};
use super::task::{Task, TaskState};
use crate::DeployError;
use crate::dokploy::api::{Container, ContainerConfig};
use crate::dokploy::client::Dokploy;
use crate::dokploy::transport::ApiError;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::time::Duration;

impl Dokploy {
    /// Looks once at what a service runs, by its `appName`. Only reads.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn observe_running(&self, app_name: &str) -> Result<Observation, ApiError> {
        Ok(classify(&self.look(app_name, &mut Seen::default()).await?))
    }

    /// Lists the tasks of a service, past ones too: what there was before a deployment.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn tasks(&self, app_name: &str) -> Result<Vec<Task>, ApiError> {
        Ok(self.docker().service_tasks(app_name).await?.iter().map(Task::parse).collect())
    }

    /// Waits until what was deployed runs, with its image and its variables, and has done so through the stability window.
    ///
    /// To be called when the deployment is done. Only reads; may be dropped at any time.
    ///
    /// # Errors
    ///
    /// `DEPLOYMENT_FAILED` with the tail of the app's log and a reason of [`RunFailure::reason`]; else as [`ApiError`].
    pub async fn prove_running(
        &self,
        application_id: &str,
        app_name: &str,
        expected: Expected,
        settings: &WaitSettings,
        on_progress: OnProgress<'_>,
    ) -> Result<(), DeployError> {
        let mut wait = Wait::begin(settings, settings.running_deadline, on_progress);
        let mut watch = Watch::new(expected, settings);
        let mut seen = Seen::default();
        loop {
            let look = self.look(app_name, &mut seen).await;
            if let Some(look) = wait.answered(look)? {
                match watch.look(wait.elapsed(), &look) {
                    Verdict::Proven => return Ok(()),
                    Verdict::Failed(failure) => return Err(self.run_failure(application_id, app_name, failure).await),
                    Verdict::Wait(progress) => wait.tell(progress),
                }
            }
            if wait.is_over() {
                return Err(self.run_failure(application_id, app_name, watch.time_is_up()).await);
            }
            // What has stayed right long enough is not left waiting for the next look.
            let left = watch.left(wait.elapsed());
            wait.pause_at_most(left.unwrap_or(Duration::MAX)).await;
        }
    }

    /// Looks at a service.
    async fn look(&self, app_name: &str, seen: &mut Seen) -> Result<Look, ApiError> {
        let (tasks, containers) = if seen.once {
            (self.tasks(app_name).await?, Vec::new())
        } else {
            // The first look is often the only one, so it does not wait for the tasks before it asks for containers.
            futures_util::try_join!(self.tasks(app_name), self.docker().containers(app_name))?
        };
        seen.once = true;
        let mut look = Look { tasks, ..Look::default() };
        let current: Vec<String> = look
            .current()
            .into_iter()
            .filter(|task| task.state == TaskState::Running)
            .map(|task| task.id.clone())
            .collect();
        self.inspect(app_name, &current, containers, seen).await?;
        for task in current {
            if let Some(config) = seen.configs.get(&task) {
                look.containers.insert(task, config.clone());
            }
        }
        if look.current().is_empty() {
            let apps = self.swarm().node_apps().await?;
            look.replicas = apps.into_iter().find(|app| app.name == app_name).map(|app| app.replicas);
        }
        Ok(look)
    }

    /// Finds out with what the containers of running tasks were started. `containers` may be older than the tasks.
    async fn inspect(
        &self,
        app_name: &str,
        tasks: &[String],
        mut containers: Vec<Container>,
        seen: &mut Seen,
    ) -> Result<(), ApiError> {
        let new: Vec<&String> = tasks.iter().filter(|task| !seen.configs.contains_key(*task)).collect();
        if new.iter().any(|task| container_of(&containers, task).is_none()) {
            containers = self.docker().containers(app_name).await?;
        }
        let containers = &containers;
        let reads = new.into_iter().map(|task| async move {
            // On another node the container cannot be seen; the task's own description can.
            let id = container_of(containers, task).unwrap_or(task);
            Ok::<_, ApiError>((task.clone(), self.docker().config(id).await?))
        });
        for (task, config) in try_join_all(reads).await? {
            if let Some(config) = config.filter(|config| config.task_id.as_ref().is_none_or(|other| *other == task)) {
                seen.configs.insert(task, config);
            }
        }
        Ok(())
    }

    async fn run_failure(&self, application_id: &str, app_name: &str, failure: RunFailure) -> DeployError {
        if !failure.has_log() {
            return failure.into_error(app_name);
        }
        let log = self.application().read_logs(application_id, log::TAIL).await;
        // The failure itself matters more than a log that cannot be read.
        let log = log.map(|log| self.redact(&log::sorted_by_time(log.expose()))).unwrap_or_default();
        let error = failure.into_error(app_name);
        if log.trim().is_empty() { error } else { error.log(log::tail(&log, usize::from(log::TAIL))) }
    }
}

/// What is known of a service from look to look.
#[derive(Default)]
struct Seen {
    /// Whether there was a look.
    once: bool,
    /// What containers were started with, by the id of their task; that never changes.
    configs: BTreeMap<String, ContainerConfig>,
}

/// The id of a task's container, where it can be seen.
fn container_of<'a>(containers: &'a [Container], task: &str) -> Option<&'a str> {
    let ending = format!(".{task}");
    containers.iter().find(|it| it.name.ends_with(&ending)).map(|it| it.container_id.as_str())
}
