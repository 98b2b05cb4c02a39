//! A short-lived application: made once, deleted on every way out, and found by the next run if we were killed.

use super::context::StepContext;
use super::create_once::create_once;
use super::deletion::{becomes_idle, delete_application};
use crate::deploy::context::{ApplicationRef, carries};
use crate::dokploy::{ApiError, CreateApplication, Dokploy, MarkKind};
use crate::secrets::generate_secret;
use crate::state::{Intent, ResourceKind};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How long a deployment that is under way is waited for before its application is deleted.
const IDLE_LIMIT: Duration = Duration::from_mins(2);

/// A short-lived application that exists, or is about to: dropped, it is deleted in the background.
pub(crate) struct Job {
    pub(crate) name: String,
    client: Dokploy,
    cleanup: TaskTracker,
    /// The call that makes it; it goes on when we are dropped, because what it makes must be deleted.
    making: Option<JoinHandle<Result<ApplicationRef, DeployError>>>,
    made: Option<ApplicationRef>,
    /// Whether its only deployment is known to be over.
    deployed: bool,
}

impl Job {
    /// Creates an application of a name that no other has, beginning with `prefix`; the intent is journaled first.
    /// `purpose`: what it does, as its description says it.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`, `STATE_IO`.
    pub(crate) async fn create(
        cx: StepContext<'_>,
        environment: &str,
        prefix: &str,
        purpose: &str,
    ) -> Result<Self, DeployError> {
        let nonce = generate_secret(cx.entropy());
        let name = format!("{prefix}-{}", nonce.expose().chars().take(12).collect::<String>());
        let making = making(cx, environment, name.clone(), purpose);
        let (client, cleanup) = (cx.client.clone(), cx.cleanup.clone());
        let mut job = Self { name, client, cleanup, making: Some(making), made: None, deployed: false };
        job.finish_making().await?;
        Ok(job)
    }

    /// Waits for the call that makes it; stays cancel-safe, since the call has a task of its own.
    async fn finish_making(&mut self) -> Result<(), DeployError> {
        if let Some(making) = self.making.as_mut() {
            let result = making.await;
            self.making = None;
            self.made = Some(result.map_err(|error| stopped(&error))??);
        }
        Ok(())
    }

    pub(crate) fn made(&self) -> Result<&ApplicationRef, DeployError> {
        self.made.as_ref().ok_or_else(|| DeployError::new(ErrorCode::Internal, "The application was not made"))
    }

    /// Its deployment was seen to be over, and is not waited for when it is deleted.
    pub(crate) fn deployed(&mut self) {
        self.deployed = true;
    }

    /// Begins to delete it, in a task of its own, so that a cancelled run still does.
    pub(crate) fn delete(mut self) -> JobDeletion {
        let made = self.made.take();
        let (client, deployed) = (self.client.clone(), self.deployed);
        JobDeletion(self.cleanup.spawn(async move {
            match made {
                None => Ok(()),
                Some(made) if deployed => Ok(delete_application(&client, &made.id).await?),
                Some(made) => delete_job(&client, &made.id).await,
            }
        }))
    }
}

/// A job that is being deleted; that goes on when this is dropped.
pub(crate) struct JobDeletion(JoinHandle<Result<(), DeployError>>);

impl JobDeletion {
    /// Waits until it is gone.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`: the next run finds it by its mark.
    pub(crate) async fn finished(self) -> Result<(), DeployError> {
        self.0.await.map_err(|error| stopped(&error))?
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let (making, made) = (self.making.take(), self.made.take());
        if (making.is_none() && made.is_none()) || tokio::runtime::Handle::try_current().is_err() {
            return;
        }
        let client = self.client.clone();
        self.cleanup.spawn(async move {
            let made = match (made, making) {
                (None, Some(making)) => making.await.ok().and_then(Result::ok),
                (made, _) => made,
            };
            // When this fails, the next run finds the application by its mark.
            if let Some(made) = made {
                let _ = delete_job(&client, &made.id).await;
            }
        });
    }
}

/// Starts the call that makes a job's application.
fn making(
    cx: StepContext<'_>,
    environment: &str,
    name: String,
    purpose: &str,
) -> JoinHandle<Result<ApplicationRef, DeployError>> {
    let (client, journal) = (cx.client.clone(), cx.journal.clone());
    let (environment, landing, step) = (environment.to_owned(), cx.surroundings.landing, cx.step.id.clone());
    let mark = cx.marks.of(MarkKind::Job, &name);
    let description = mark.put_into(&format!("Short-lived: {purpose}"));
    let intent = Intent::Create { resource: ResourceKind::Application, name: name.clone(), mark: mark.format() };
    cx.cleanup.spawn(async move {
        let create = CreateApplication {
            name: &name,
            environment_id: &environment,
            app_name: Some(&name),
            description: Some(&description),
        };
        let send = || async { Ok::<_, ApiError>(client.application().create(&create).await?.into()) };
        let find = || async {
            let listed = client.environment().one(&environment).await?.applications;
            let Some(ours) = listed.iter().find(|entry| carries(entry.description.as_deref(), &mark)) else {
                return Ok(None);
            };
            Ok(Some(client.application().one(&ours.id).await?.into()))
        };
        create_once(&journal, &step, intent, landing, send, find).await
    })
}

/// Deletes a job's application, once no deployment of it is under way.
///
/// # Errors
///
/// `DOKPLOY_*`.
pub(crate) async fn delete_job(client: &Dokploy, application_id: &str) -> Result<(), DeployError> {
    // Late or not: what it leaves running ends by itself.
    becomes_idle(client, application_id, IDLE_LIMIT).await;
    Ok(delete_application(client, application_id).await?)
}

fn stopped(error: &tokio::task::JoinError) -> DeployError {
    DeployError::new(ErrorCode::Internal, "A background task stopped").caused_by(error)
}
