//! SQL from inside the server's network: a short-lived application of ours runs `psql`, and its log is the answer.
//!
//! No port opens and the database is not restarted (facts: Running SQL from inside the server's network). The master
//! password stands in the application's environment for as long as the application exists, and nowhere else.

use super::create::{create_once, remove, repeat};
use super::session::{PostgresService, Session};
use crate::dokploy::{
    ApiError, Application, CreateApplication, DeploymentStatus, Dokploy, Mark, MarkKind, Progress, RestartCondition,
    RestartPolicy, SaveDockerProvider, SaveEnvironment, UpdateApplication,
};
use crate::env::encode_env;
use crate::plan::Step;
use crate::postgres::{SqlTransport, psql_error};
use crate::secrets::{Secret, generate_secret};
use crate::state::{Intent, ResourceKind};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use indexmap::IndexMap;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

/// The longest argument that Linux passes to a program, without its final zero byte. It is less than what Dokploy takes
/// in the body of a request (1 MB), also when every character of it is escaped. The longer script of ten apps takes 30 kB,
/// and each further app some 200 bytes.
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;
/// How long `psql` may take to answer once its application is deployed: a new database initialises its volume first.
const ANSWER_LIMIT: Duration = Duration::from_mins(3);
/// The pause after the first look at the log; it grows by half each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two looks at the log.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many lines of the log are read; the most that the server gives.
const LINES: u16 = 10_000;
/// How long a deployment that is under way is waited for before its application is deleted.
const LEAVE_LIMIT: Duration = Duration::from_mins(2);

/// Runs scripts by `psql` in an application of our own beside the database, a new one for each script.
pub(super) struct InsideTransport<'a> {
    session: &'a Session,
    step: &'a Step,
    service: PostgresService,
    image: String,
    password: Secret,
}

impl<'a> InsideTransport<'a> {
    /// Describes the transport; nothing is made yet.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*` when the database's image cannot be read.
    pub(super) async fn new(
        session: &'a Session,
        step: &'a Step,
        service: &PostgresService,
        password: Secret,
    ) -> Result<Self, DeployError> {
        let stored = session.client.postgres().one(&service.id).await?.docker_image;
        let wanted = || session.wanted.postgres.as_ref().map(|wanted| wanted.image.clone());
        let image = stored.or_else(wanted).unwrap_or_default();
        Ok(Self { session, step, service: service.clone(), image, password })
    }

    /// Tells the application what to run, deploys it, and waits for the answer.
    async fn run(&self, job: &Job, database: &str, sql: &str) -> Result<String, DeployError> {
        let made = job.made()?;
        self.configure(made, database, sql, &job.name).await?;
        let api = self.session.client.application();
        let description = format!("stage {}", self.session.wanted.stage);
        repeat(|| async { api.deploy(&made.id, &job.name, &description).await }).await?;
        let progress = |state: Progress| {
            let state = match state {
                Progress::Queued => "waiting in the server's deployment queue",
                _ => "starting psql beside the database",
            };
            self.session.progress(self.step, state);
        };
        let settings = &self.session.surroundings.wait;
        let followed = self.session.client.follow_deployment(&made.id, &job.name, settings, &progress).await;
        // Not to be tried again at once: it has waited long enough.
        followed.map_err(|error| error.resource(format!("application {}", job.name)).retryable(false))?;
        self.session.progress(self.step, "waiting for psql");
        self.answer(made, &job.name).await
    }

    async fn configure(&self, made: &Made, database: &str, sql: &str, end: &str) -> Result<(), DeployError> {
        let (api, application_id) = (self.session.client.application(), made.id.as_str());
        let provider = SaveDockerProvider {
            application_id,
            docker_image: Some(&self.image),
            username: None,
            password: None,
            registry_url: None,
        };
        repeat(|| async { api.save_docker_provider(&provider).await }).await?;
        let variables: IndexMap<String, Secret> = [
            ("PGHOST", Secret::new(&*self.service.app_name)),
            ("PGUSER", Secret::new(&*self.service.user)),
            ("PGPASSWORD", self.password.clone()),
            ("PGDATABASE", Secret::new(database)),
            ("PGCONNECT_TIMEOUT", Secret::new("10")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let env = Secret::new(encode_env(end, &variables)?);
        repeat(|| async { api.save_environment(&SaveEnvironment { application_id, env: &env }).await }).await?;
        // The second command runs only after the first has succeeded: its line says that the answer is complete.
        let end = format!("SELECT '{end}'");
        let options = ["-AtqX", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-c", sql, "-c", &end];
        let args = options.map(Secret::new);
        let update = UpdateApplication {
            application_id,
            command: Some("psql"),
            args: Some(&args),
            restart_policy_swarm: Some(RestartPolicy { condition: RestartCondition::OnFailure }),
            ..UpdateApplication::default()
        };
        repeat(|| async { api.update(&update).await }).await?;
        Ok(())
    }

    /// Reads the log until the answer is complete, `psql` was refused, or the time is up.
    async fn answer(&self, made: &Made, end: &str) -> Result<String, DeployError> {
        let deadline = Instant::now() + ANSWER_LIMIT;
        let mut pause = FIRST_PAUSE;
        let mut last = None;
        loop {
            let client = &self.session.client;
            match client.application().read_logs(&made.id, LINES).await {
                Ok(log) => match read(log.expose(), end) {
                    Reading::Complete => return Ok(log.expose().to_owned()),
                    Reading::Refused(error) => return Err(error),
                    Reading::NotYet(error) => last = error.or(last),
                },
                Err(error) if error.is_transient() => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(error) = self.lacks_psql(made).await {
                return Err(error);
            }
            if Instant::now() >= deadline {
                return Err(too_late(last));
            }
            sleep(pause).await;
            pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
        }
    }

    /// The error of an image without `psql`; none when that is not known, as with a key that may not see tasks.
    async fn lacks_psql(&self, made: &Made) -> Option<DeployError> {
        let tasks = self.session.client.tasks(&made.app_name).await.ok()?;
        let told = tasks.into_iter().filter_map(|task| task.error);
        told.into_iter().find(|error| error.contains("executable file not found")).map(|_| {
            DeployError::new(ErrorCode::PostgresUnreachable, format!("The image {} has no psql", self.image))
                .resource("postgres")
                .reason("no-psql")
                .hint("Set databaseAccess to 'external-port'")
        })
    }
}

#[async_trait]
impl SqlTransport for InsideTransport<'_> {
    async fn execute(&self, database: &str, sql: &str) -> Result<String, DeployError> {
        if sql.len() > LONGEST_ARGUMENT {
            let message = format!("The SQL takes {} bytes, and psql can be given {LONGEST_ARGUMENT}", sql.len());
            return Err(DeployError::new(ErrorCode::PostgresQuery, message)
                .reason("too-long")
                .hint("Set databaseAccess to 'external-port'"));
        }
        let job = Job::create(self.session, self.step).await?;
        let result = self.run(&job, database, sql).await;
        match (result, job.remove().await) {
            (Ok(output), Ok(())) => Ok(output),
            (Err(error), Ok(())) | (Ok(_), Err(error)) => Err(error),
            (Err(first), Err(second)) => Err(DeployError::join(vec![first, second])),
        }
    }
}

/// What a log says of the answer.
enum Reading {
    Complete,
    Refused(DeployError),
    /// Nothing yet, or only that the database does not answer: `psql` is started again until it does.
    NotYet(Option<DeployError>),
}

fn read(log: &str, end: &str) -> Reading {
    if log.lines().any(|line| line.trim_end().ends_with(end)) {
        return Reading::Complete;
    }
    let (passing, refusals): (Vec<_>, Vec<_>) =
        log.lines().filter_map(psql_error).partition(|error| error.code() == ErrorCode::PostgresUnreachable);
    match refusals.into_iter().next() {
        Some(refusal) => Reading::Refused(refusal),
        None => Reading::NotYet(passing.into_iter().last()),
    }
}

fn too_late(last: Option<DeployError>) -> DeployError {
    let error = last.unwrap_or_else(|| {
        let message = format!("psql gave no answer within {} s", ANSWER_LIMIT.as_secs());
        DeployError::new(ErrorCode::PostgresUnreachable, message).reason("timed-out")
    });
    // Not to be tried again at once: it has been tried all the time.
    error.resource("postgres").retryable(false).hint("Look at the database's log in Dokploy, then deploy again")
}

/// An application that was made.
#[derive(Debug, Clone)]
struct Made {
    id: String,
    app_name: String,
}

impl From<Application> for Made {
    fn from(application: Application) -> Self {
        Self { id: application.application_id, app_name: application.app_name }
    }
}

/// A short-lived application that exists, or is about to: dropped, it is deleted in the background.
struct Job {
    name: String,
    client: Dokploy,
    cleanup: TaskTracker,
    /// The call that makes it; it goes on when we are dropped, because what it makes must be deleted.
    making: Option<JoinHandle<Result<Made, DeployError>>>,
    made: Option<Made>,
}

impl Job {
    /// Creates an application of a name that no other has; the intent is journaled first.
    async fn create(session: &Session, step: &Step) -> Result<Self, DeployError> {
        let nonce = generate_secret(session.surroundings.entropy.as_ref());
        let name = format!("sql-{}", nonce.expose().chars().take(12).collect::<String>());
        session.progress(step, "creating a short-lived application for psql");
        let mark = session.scope().mark(MarkKind::Job, &name);
        let making = making(session, step, name.clone(), mark)?;
        let (client, cleanup) = (session.client.clone(), session.cleanup.clone());
        let mut job = Self { name, client, cleanup, making: Some(making), made: None };
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

    fn made(&self) -> Result<&Made, DeployError> {
        self.made.as_ref().ok_or_else(|| DeployError::new(ErrorCode::Internal, "The application was not made"))
    }

    /// Deletes it, in a task of its own, so that a cancelled run still does.
    async fn remove(mut self) -> Result<(), DeployError> {
        let Some(made) = self.made.take() else { return Ok(()) };
        let client = self.client.clone();
        let task = self.cleanup.spawn(async move { delete(&client, &made.id).await });
        task.await.map_err(|error| stopped(&error))?
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

/// Deletes a job's application; that it is gone already is success.
///
/// A deployment of it that is under way is waited for: it would leave a service behind that belongs to no application.
///
/// # Errors
///
/// `DOKPLOY_*`.
pub(super) async fn delete(client: &Dokploy, application_id: &str) -> Result<(), DeployError> {
    let deadline = Instant::now() + LEAVE_LIMIT;
    while Instant::now() < deadline {
        let deployments = repeat(|| async { client.deployment().all(application_id).await }).await;
        let under_way = |status: DeploymentStatus| status == DeploymentStatus::Running;
        match deployments {
            Ok(deployments) if deployments.iter().any(|it| under_way(it.status)) => sleep(FIRST_PAUSE).await,
            _ => break,
        }
    }
    Ok(remove(|| async { client.application().delete(application_id).await }).await?)
}

fn stopped(error: &tokio::task::JoinError) -> DeployError {
    DeployError::new(ErrorCode::Internal, "A background task stopped").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &str =
        "2026-01-01T00:00:00Z psql: error: connection to server at \"db\" failed: Connection refused\n";

    #[test]
    fn a_database_that_does_not_answer_yet_is_waited_for() {
        assert!(matches!(read("", "sql-1"), Reading::NotYet(None)));
        assert!(matches!(read(REFUSED, "sql-1"), Reading::NotYet(Some(_))));
    }

    #[test]
    fn the_end_counts_whatever_stands_before_it() {
        let log = format!("{REFUSED}2026-01-01T00:00:05Z n:1:0:0:null\n2026-01-01T00:00:05Z sql-1\r\n");
        assert!(matches!(read(&log, "sql-1"), Reading::Complete));
        assert!(matches!(read(&log, "sql-2"), Reading::NotYet(_)));
    }

    #[test]
    fn a_refused_statement_counts_also_after_failed_attempts() {
        let log = format!("{REFUSED}2026-01-01T00:00:05Z ERROR:  42501: permission denied\n");
        let Reading::Refused(error) = read(&log, "sql-1") else { panic!("not refused") };
        assert_eq!(error.reason_name(), Some("42501"));
    }
}
