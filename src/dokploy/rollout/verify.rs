//! Takes snapshots of what runs, and verifies that it is what was deployed (I7).

use super::advice::advice;
use super::log;
use super::monitor::{Expected, RolloutMonitor, RolloutStatus};
use super::polling::{OnProgress, Polling, WaitSettings};
use super::progress::RolloutFailure;
use super::snapshot::{Observation, ServiceSnapshot, classify};
use super::task::{Task, TaskState};
use crate::DeployError;
use crate::dokploy::api::{Container, ContainerConfig};
use crate::dokploy::client::Dokploy;
use crate::dokploy::transport::ApiError;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

impl Dokploy {
    /// Reads once what a service runs, by its `appName`.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn observe_running(&self, app_name: &str) -> Result<Observation, ApiError> {
        Ok(classify(&self.snapshot(app_name, &mut KnownContainers::default()).await?))
    }

    /// Lists the tasks of a service, past ones included.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn tasks(&self, app_name: &str) -> Result<Vec<Task>, ApiError> {
        Ok(self.docker().service_tasks(app_name).await?.iter().map(Task::parse).collect())
    }

    /// Waits until what was deployed runs, with its image and its variables, and has done so through the stability window.
    ///
    /// Call it when the deployment is done. It only reads, and may be dropped at any time. What is returned is a moment since
    /// which nothing else has run: what answers after it is what was deployed.
    ///
    /// # Errors
    ///
    /// `DEPLOYMENT_FAILED` with the tail of the app's log and a reason of [`RolloutFailure::reason`]; else as [`ApiError`].
    pub async fn prove_running(
        &self,
        application_id: &str,
        app_name: &str,
        expected: Expected,
        settings: &WaitSettings,
        on_progress: OnProgress<'_>,
    ) -> Result<Instant, DeployError> {
        let mut polling = Polling::start(settings, settings.running_deadline, on_progress);
        let started = Instant::now();
        let mut monitor = RolloutMonitor::new(expected, settings);
        let mut containers = KnownContainers::default();
        loop {
            let snapshot = self.snapshot(app_name, &mut containers).await;
            if let Some(snapshot) = polling.tolerate_outage(snapshot)? {
                match monitor.observe(polling.elapsed(), &snapshot) {
                    RolloutStatus::Verified => {
                        let since = monitor.alone_since().map(|since| started + since);
                        return Ok(since.unwrap_or_else(Instant::now));
                    }
                    RolloutStatus::Failed(failure) => {
                        return Err(self.run_failure(application_id, app_name, failure).await);
                    }
                    RolloutStatus::InProgress(progress) => polling.report(progress),
                }
            }
            if polling.is_past_deadline() {
                return Err(self.run_failure(application_id, app_name, monitor.timeout_failure()).await);
            }
            // The next snapshot comes when the stability window ends, and no later.
            let remaining = monitor.remaining_stability(polling.elapsed());
            polling.pause_at_most(remaining.unwrap_or(Duration::MAX)).await;
        }
    }

    /// Reads the last lines of an application's log, in the order of time, without the secrets that the run knows.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; the server fails also where no container has a log yet.
    pub async fn read_log(&self, application_id: &str, tail: u16) -> Result<String, ApiError> {
        let log = self.application().read_logs(application_id, tail).await?;
        Ok(self.redact(&log::sorted_by_time(log.expose())))
    }

    /// Takes a snapshot of a service.
    async fn snapshot(&self, app_name: &str, known: &mut KnownContainers) -> Result<ServiceSnapshot, ApiError> {
        let (tasks, containers) = if known.listed {
            (self.tasks(app_name).await?, Vec::new())
        } else {
            // The first snapshot is often the only one, so tasks and containers are read side by side.
            futures_util::try_join!(self.tasks(app_name), self.docker().containers(app_name))?
        };
        known.listed = true;
        let mut snapshot = ServiceSnapshot { tasks, ..ServiceSnapshot::default() };
        let current: Vec<String> = snapshot
            .current()
            .into_iter()
            .filter(|task| task.state == TaskState::Running)
            .map(|task| task.id.clone())
            .collect();
        self.inspect(app_name, &current, containers, known).await?;
        for task in current {
            if let Some(config) = known.configs.get(&task) {
                snapshot.containers.insert(task, config.clone());
            }
        }
        if snapshot.current().is_empty() {
            let apps = self.swarm().node_apps().await?;
            snapshot.replicas = apps.into_iter().find(|app| app.name == app_name).map(|app| app.replicas);
        }
        Ok(snapshot)
    }

    /// Reads what the containers of running tasks were started with. `containers` may be older than the tasks.
    async fn inspect(
        &self,
        app_name: &str,
        tasks: &[String],
        mut containers: Vec<Container>,
        known: &mut KnownContainers,
    ) -> Result<(), ApiError> {
        let new: Vec<&String> = tasks.iter().filter(|task| !known.configs.contains_key(*task)).collect();
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
                known.configs.insert(task, config);
            }
        }
        Ok(())
    }

    async fn run_failure(&self, application_id: &str, app_name: &str, failure: RolloutFailure) -> DeployError {
        if !failure.has_log() {
            return advised(failure, app_name, "");
        }
        // The failure itself matters more than a log that cannot be read.
        let log = self.read_log(application_id, log::TAIL).await.unwrap_or_default();
        let error = advised(failure, app_name, &log);
        if log.trim().is_empty() { error } else { error.log(log::tail(&log, usize::from(log::TAIL))) }
    }
}

/// The error of a failure, with a hint that fits what it and the log say, where one does.
fn advised(failure: RolloutFailure, app_name: &str, log: &str) -> DeployError {
    let known = advice(&failure.to_string()).or_else(|| advice(log));
    let error = failure.into_error(app_name);
    match known {
        Some(known) => error.hint(known),
        None => error,
    }
}

/// What earlier snapshots of a service found out about its containers.
#[derive(Default)]
struct KnownContainers {
    /// Whether the containers were listed before.
    listed: bool,
    /// What containers were started with, by the id of their task; that never changes.
    configs: BTreeMap<String, ContainerConfig>,
}

/// The id of a task's container, where it can be seen.
fn container_of<'a>(containers: &'a [Container], task: &str) -> Option<&'a str> {
    let ending = format!(".{task}");
    containers.iter().find(|it| it.name.ends_with(&ending)).map(|it| it.container_id.as_str())
}
