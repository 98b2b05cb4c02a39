//! One run of `psql` in a short-lived application beside the database.

use super::answer::{AnswerWait, Reading, Unstartable, read, unstartable};
use super::limits::InternalLimits;
use crate::deploy::changes::{Job, StepContext};
use crate::deploy::context::ApplicationRef;
use crate::deploy::context::PostgresService;
use crate::dokploy::{
    Failure, Progress, RestartCondition, RestartPolicy, SaveDockerProvider, SaveEnvironment, UpdateApplication,
};
use crate::env::encode_env;
use crate::postgres::{ConnectOptions, Script};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::time::Duration;
use tokio::time::sleep;

/// The pause after the first look at the log; it grows by half each time.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause between two looks at the log.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How many lines of the log are read; the most that the server gives.
const LINES: u16 = 10_000;
/// A log of so many bytes may not be all of it: the server gives no more than its first MiB.
const LONG_LOG: usize = 1000 * 1000;
/// How long Swarm waits before it starts a `psql` again that failed; its default is 5 s.
const RESTART_DELAY: Duration = Duration::from_secs(1);

/// What every run of `psql` on a database has in common.
pub(super) struct Psql<'a> {
    pub(super) cx: StepContext<'a>,
    pub(super) service: PostgresService,
    /// The database's image.
    pub(super) image: String,
    pub(super) password: Secret,
    pub(super) limits: InternalLimits,
}

impl Psql<'_> {
    /// Tells the application what to run, deploys it, and waits for the answer.
    ///
    /// # Errors
    ///
    /// What the database refuses, and why `psql` did not answer.
    pub(super) async fn run(
        &self,
        job: &mut Job,
        database: &str,
        script: &Script,
        args: &[Secret],
    ) -> Result<String, DeployError> {
        let made = &job.made()?.clone();
        self.configure(made, database, args, &job.name).await?;
        let api = self.cx.client.application();
        let description = format!("stage {}", self.cx.marks.stage);
        self.cx.client.repeat(|| async { api.deploy(&made.id, &job.name, &description).await }).await?;
        let progress = |state: Progress| {
            let state = match state {
                Progress::Queued => "waiting in the server's deployment queue",
                _ => "starting psql beside the database",
            };
            self.cx.progress(state);
        };
        let settings = &self.limits.deployment;
        let followed = self.cx.client.follow_deployment(&made.id, &job.name, settings, &progress).await;
        // Not to be tried again at once: it has waited long enough.
        followed.map_err(|error| error.resource(format!("application {}", job.name)).retryable(false))?;
        job.deployed();
        self.cx.progress("waiting for psql");
        self.answer(made, script).await
    }

    async fn configure(
        &self,
        made: &ApplicationRef,
        database: &str,
        args: &[Secret],
        owner: &str,
    ) -> Result<(), DeployError> {
        let (api, application_id) = (self.cx.client.application(), made.id.as_str());
        // The server has pulled the database's image by a login of its own, if it needs one, and has it already.
        let provider = SaveDockerProvider {
            application_id,
            docker_image: Some(&self.image),
            username: None,
            password: None,
            registry_url: None,
        };
        let variables: IndexMap<String, Secret> = [
            ("PGHOST", Secret::new(&*self.service.app_name)),
            ("PGUSER", Secret::new(&*self.service.user)),
            ("PGPASSWORD", self.password.clone()),
            ("PGDATABASE", Secret::new(database)),
            ("PGCONNECT_TIMEOUT", Secret::new("10")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let env = Secret::new(encode_env(owner, &variables)?);
        // Dokploy splits the command at blanks and passes the arguments as they are; Swarm expands no templates in them.
        let update = UpdateApplication {
            application_id,
            command: Some("psql"),
            args: Some(args),
            restart_policy_swarm: Some(RestartPolicy {
                condition: RestartCondition::OnFailure,
                delay: Some(RESTART_DELAY),
            }),
            ..UpdateApplication::default()
        };
        let (image, env, command) = tokio::join!(
            self.cx.client.repeat(|| async { api.save_docker_provider(&provider).await }),
            self.cx
                .client
                .repeat(|| async { api.save_environment(&SaveEnvironment { application_id, env: &env }).await }),
            self.cx.client.repeat(|| async { api.update(&update).await }),
        );
        Ok(image.and(env).and(command)?)
    }

    /// Reads the log until the answer is complete, the database has refused, or the time is up.
    async fn answer(&self, made: &ApplicationRef, script: &Script) -> Result<String, DeployError> {
        let mut wait = AnswerWait::begin(self.limits.answer);
        let mut pause = FIRST_PAUSE;
        // Whether every log that was read was empty.
        let (mut last, mut silent) = (None, None);
        loop {
            match self.cx.client.application().read_logs(&made.id, LINES).await {
                Ok(log) => {
                    let log = self.whole(made, script, log).await;
                    silent = Some(silent.unwrap_or(true) && log.expose().trim().is_empty());
                    wait.see(log.expose(), script, ConnectOptions::default().script);
                    match read(log.expose(), script) {
                        Reading::Complete => return Ok(log.expose().to_owned()),
                        Reading::Refused(error) => return Err(error),
                        Reading::NotYet(error) => last = error.or(last),
                    }
                }
                // The server fails as well when no task has a log yet.
                Err(error) if error.is_transient() || matches!(error.failure(), Failure::ServerError { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            if let Some(error) = self.unstartable(made).await {
                return Err(error);
            }
            if wait.left().is_zero() {
                return Err(self.too_late(last, silent == Some(true)));
            }
            sleep(pause.min(wait.left())).await;
            pause = pause.mul_f32(1.5).min(LONGEST_PAUSE);
        }
    }

    /// The log with the rest of the answer, where it is too long to be given at once.
    async fn whole(&self, made: &ApplicationRef, script: &Script, log: Secret) -> Secret {
        if log.expose().len() < LONG_LOG || script.answer(log.expose()).is_some() {
            return log;
        }
        let mut all = log.expose().to_owned();
        for text in script.rest(log.expose()) {
            // What is not found now is looked for at the next look.
            if let Ok(found) = self.cx.client.application().search_logs(&made.id, LINES, &text).await {
                all.push('\n');
                all.push_str(found.expose());
            }
        }
        Secret::new(all)
    }

    /// The error of a `psql` that cannot be started; none when that is not known, as with a key that may not see tasks.
    async fn unstartable(&self, made: &ApplicationRef) -> Option<DeployError> {
        let tasks = self.cx.client.tasks(&made.app_name).await.ok()?;
        match unstartable(tasks.iter().filter_map(|task| task.error.as_deref()))? {
            Unstartable::NoPsql => Some(Self::no_psql(format!("The image {} has no psql", self.image))),
            Unstartable::TooLong => Some(too_long()),
        }
    }

    fn no_psql(message: String) -> DeployError {
        DeployError::new(ErrorCode::PostgresUnreachable, message).resource("postgres").reason("no-psql")
    }

    fn too_late(&self, last: Option<DeployError>, silent: bool) -> DeployError {
        let limit = self.limits.answer.as_secs();
        if silent {
            // `psql` always says something: an answer, or why it cannot connect.
            let message = format!("psql said nothing within {limit} s: the image {} may not have it", self.image);
            return Self::no_psql(message);
        }
        let error = last.unwrap_or_else(|| {
            let message = format!("psql gave no complete answer within {limit} s");
            DeployError::new(ErrorCode::PostgresUnreachable, message).reason("timed-out")
        });
        // Not to be tried again at once: it has been tried all the time.
        error.resource("postgres").retryable(false)
    }
}

/// The error of SQL that does not fit into the arguments of a program.
pub(super) fn too_long() -> DeployError {
    DeployError::new(ErrorCode::PostgresQuery, "The SQL is longer than psql can be given as arguments")
        .reason("too-long")
}
