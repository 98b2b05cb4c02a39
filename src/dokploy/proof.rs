//! Looking at what runs, and proving that it is what was deployed (I7).

use super::client::Dokploy;
use super::docker::ContainerConfig;
use super::error::ApiError;
use super::log;
use super::outcome::RunFailure;
use super::running::{Look, Observation, Task, TaskState, classify};
use super::wait::{OnProgress, Wait, WaitSettings};
use super::watch::{Expected, Verdict, Watch};
use crate::DeployError;
use std::collections::BTreeMap;

impl Dokploy {
    /// Looks once at what a service runs, by its `appName`. Only reads.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn observe_running(&self, app_name: &str) -> Result<Observation, ApiError> {
        Ok(classify(&self.look(app_name, &mut BTreeMap::new()).await?))
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
        let mut containers = BTreeMap::new();
        loop {
            let look = self.look(app_name, &mut containers).await;
            if let Some(look) = wait.answered(look)? {
                match watch.look(wait.elapsed(), &look) {
                    Verdict::Proven => return Ok(()),
                    Verdict::Failed(failure) => return Err(self.run_failure(application_id, failure).await),
                    Verdict::Wait(progress) => wait.tell(progress),
                }
            }
            if wait.is_over() {
                return Err(self.run_failure(application_id, watch.time_is_up()).await);
            }
            wait.pause().await;
        }
    }

    /// Looks at a service. `known` keeps what containers were started with, because that never changes.
    async fn look(&self, app_name: &str, known: &mut BTreeMap<String, ContainerConfig>) -> Result<Look, ApiError> {
        let tasks = self.tasks(app_name).await?;
        let mut look = Look { tasks, ..Look::default() };
        let current: Vec<String> = look
            .current()
            .into_iter()
            .filter(|task| task.state == TaskState::Running)
            .map(|task| task.id.clone())
            .collect();
        if current.iter().any(|task| !known.contains_key(task)) {
            self.inspect(app_name, &current, known).await?;
        }
        for task in current {
            if let Some(config) = known.get(&task) {
                look.containers.insert(task, config.clone());
            }
        }
        if look.current().is_empty() {
            let apps = self.swarm().node_apps().await?;
            look.replicas = apps.into_iter().find(|app| app.name == app_name).map(|app| app.replicas);
        }
        Ok(look)
    }

    async fn inspect(
        &self,
        app_name: &str,
        tasks: &[String],
        known: &mut BTreeMap<String, ContainerConfig>,
    ) -> Result<(), ApiError> {
        let containers = self.docker().containers(app_name).await?;
        for task in tasks.iter().filter(|task| !known.contains_key(*task)).cloned().collect::<Vec<_>>() {
            let ending = format!(".{task}");
            let container = containers.iter().find(|container| container.name.ends_with(&ending));
            // On another node the container cannot be seen; the task's own description can.
            let id = container.map_or(task.as_str(), |container| container.container_id.as_str());
            let config = self.docker().config(id).await?;
            if let Some(config) = config.filter(|config| config.task_id.as_deref().is_none_or(|other| other == task)) {
                known.insert(task, config);
            }
        }
        Ok(())
    }

    async fn run_failure(&self, application_id: &str, failure: RunFailure) -> DeployError {
        let log = self.application().read_logs(application_id, log::TAIL).await;
        // The failure itself matters more than a log that cannot be read.
        let log = log.map(|log| self.redact(&log::sorted_by_time(log.expose()))).unwrap_or_default();
        let error = DeployError::from(failure);
        if log.trim().is_empty() { error } else { error.log(log::tail(&log, usize::from(log::TAIL))) }
    }
}
