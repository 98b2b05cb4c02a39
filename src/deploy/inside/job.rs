//! A short-lived application: made once, deleted on every way out, and found by the next run if we were killed.

use crate::deploy::create::create_once;
use crate::deploy::delete::{becomes_idle, delete_now};
use crate::deploy::session::Session;
use crate::dokploy::{ApiError, Application, CreateApplication, Dokploy, Mark, MarkKind};
use crate::plan::Step;
use crate::secrets::generate_secret;
use crate::state::{Intent, ResourceKind};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// How long a deployment that is under way is waited for before its application is deleted.
const LEAVE_LIMIT: Duration = Duration::from_mins(2);

/// An application that was made.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) id: String,
    pub(super) app_name: String,
}

impl From<Application> for Made {
    fn from(application: Application) -> Self {
        Self { id: application.application_id, app_name: application.app_name }
    }
}

/// A short-lived application that exists, or is about to: dropped, it is deleted in the background.
pub(super) struct Job {
    pub(super) name: String,
    client: Dokploy,
    cleanup: TaskTracker,
    /// The call that makes it; it goes on when we are dropped, because what it makes must be deleted.
    making: Option<JoinHandle<Result<Made, DeployError>>>,
    made: Option<Made>,
    /// Whether its only deployment is known to be over.
    deployed: bool,
}

impl Job {
    /// Creates an application of a name that no other has; the intent is journaled first.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`, `STATE_IO`.
    pub(super) async fn create(session: &Session, step: &Step) -> Result<Self, DeployError> {
        let nonce = generate_secret(session.surroundings.entropy.as_ref());
        let name = format!("sql-{}", nonce.expose().chars().take(12).collect::<String>());
        session.progress(step, "creating a short-lived application for psql");
        let mark = session.scope().mark(MarkKind::Job, &name);
        let making = making(session, step, name.clone(), mark)?;
        let (client, cleanup) = (session.client.clone(), session.cleanup.clone());
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

    pub(super) fn made(&self) -> Result<&Made, DeployError> {
        self.made.as_ref().ok_or_else(|| DeployError::new(ErrorCode::Internal, "The application was not made"))
    }

    /// Its deployment was seen to be over, and is not waited for when it is deleted.
    pub(super) fn deployed(&mut self) {
        self.deployed = true;
    }

    /// Begins to delete it, in a task of its own, so that a cancelled run still does.
    pub(super) fn leave(mut self) -> Leaving {
        let made = self.made.take();
        let (client, deployed) = (self.client.clone(), self.deployed);
        Leaving(self.cleanup.spawn(async move {
            match made {
                None => Ok(()),
                Some(made) if deployed => Ok(delete_now(&client, &made.id).await?),
                Some(made) => delete(&client, &made.id).await,
            }
        }))
    }
}

/// A job that is being deleted; that goes on when this is dropped.
pub(super) struct Leaving(JoinHandle<Result<(), DeployError>>);

impl Leaving {
    /// Waits until it is gone.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`: the next run finds it by its mark.
    pub(super) async fn gone(self) -> Result<(), DeployError> {
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
                let _ = delete(&client, &made.id).await;
            }
        });
    }
}

/// Starts the call that makes a job's application.
fn making(
    session: &Session,
    step: &Step,
    name: String,
    mark: Mark,
) -> Result<JoinHandle<Result<Made, DeployError>>, DeployError> {
    let (client, journal) = (session.client.clone(), session.journal.clone());
    let (environment, landing, step) = (session.environment()?, session.surroundings.landing, step.id.clone());
    let description = mark.put_into("Short-lived: works on the database");
    let intent = Intent::Create { resource: ResourceKind::Application, name: name.clone(), mark: mark.format() };
    Ok(session.cleanup.spawn(async move {
        let create = CreateApplication {
            name: &name,
            environment_id: &environment,
            app_name: Some(&name),
            description: Some(&description),
        };
        let send = || async { Ok::<_, ApiError>(Made::from(client.application().create(&create).await?)) };
        let find = || async {
            let listed = client.environment().one(&environment).await?.applications;
            let ours =
                listed.iter().find(|entry| entry.description.as_deref().and_then(Mark::parse).as_ref() == Some(&mark));
            let Some(ours) = ours else { return Ok(None) };
            Ok(Some(Made::from(client.application().one(&ours.id).await?)))
        };
        create_once(&journal, &step, intent, landing, send, find).await
    }))
}

/// Deletes a job's application, once no deployment of it is under way.
///
/// # Errors
///
/// `DOKPLOY_*`.
pub(in crate::deploy) async fn delete(client: &Dokploy, application_id: &str) -> Result<(), DeployError> {
    // Late or not: what it leaves running ends by itself.
    becomes_idle(client, application_id, LEAVE_LIMIT).await;
    Ok(delete_now(client, application_id).await?)
}

fn stopped(error: &tokio::task::JoinError) -> DeployError {
    DeployError::new(ErrorCode::Internal, "A background task stopped").caused_by(error)
}
