//! SQL from inside the server's network: a short-lived application of ours runs `psql`, and its log is the answer.
//!
//! No port opens and the database is not restarted (facts: Running SQL from inside the server's network). The master
//! password stands in the application's environment for as long as the application exists, and nowhere else.

mod answer;
mod job;

pub(super) use job::delete;

use super::session::{PostgresService, Session};
use crate::dokploy::{
    Failure, Progress, RestartCondition, RestartPolicy, SaveDockerProvider, SaveEnvironment, UpdateApplication,
    WaitSettings,
};
use crate::env::encode_env;
use crate::plan::Step;
use crate::postgres::{ConnectOptions, Script, SqlTransport};
use crate::secrets::Secret;
use crate::{DeployError, ErrorCode};
use answer::{Reading, Unstartable, Wait, read, unstartable};
use async_trait::async_trait;
use indexmap::IndexMap;
use job::{Job, Leaving, Made};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::time::sleep;

/// The longest argument that Linux passes to a program, without its final zero byte.
const LONGEST_ARGUMENT: usize = 128 * 1024 - 1;
/// The most bytes of all arguments: Dokploy takes 1 MB in the body of a request, where some are escaped. The longer script
/// of ten apps takes 30 kB, and each further app some 200 bytes.
const LONGEST_SCRIPT: usize = 800 * 1024;
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
/// What `psql` does when the answer is printed: it stays, for the server is seen to give the log of a container that runs.
const STAY: &str = "SET client_connection_check_interval = '1s'; SELECT pg_catalog.pg_sleep(30)";

/// How long the way from inside is waited for.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    /// For the deployment: the queue, and the image.
    pub(super) deployment: WaitSettings,
    /// For `psql` to reach the database, once it is deployed: a new one initialises its volume first. What the script
    /// takes from then on is limited as over the port.
    pub(super) answer: Duration,
}

/// Why this way did not lead to the database, where the database itself refused nothing.
#[derive(Debug, Clone)]
pub(super) struct Impasse {
    /// What went wrong.
    pub(super) message: String,
    /// Whether the image is to blame, so that it would be so again.
    pub(super) no_psql: bool,
}

/// Runs scripts by `psql` in an application of our own beside the database, a new one for each script.
pub(super) struct InsideTransport<'a> {
    session: &'a Session,
    step: &'a Step,
    service: PostgresService,
    image: String,
    password: Secret,
    patience: Patience,
    impasse: OnceLock<Impasse>,
    /// The job of the last script that was answered.
    leaving: Mutex<Option<Leaving>>,
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
        patience: Patience,
    ) -> Result<Self, DeployError> {
        let desired = session.desired.postgres.as_ref().map(|desired| desired.image.clone());
        let image = match desired {
            // The server has just been told.
            Some(desired) if service.new => desired,
            desired => session.client.postgres().one(&service.id).await?.docker_image.or(desired).unwrap_or_default(),
        };
        let (service, impasse, leaving) = (service.clone(), OnceLock::new(), Mutex::default());
        Ok(Self { session, step, service, image, password, patience, impasse, leaving })
    }

    fn leaving(&self) -> MutexGuard<'_, Option<Leaving>> {
        self.leaving.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing of it is left; to be called after the last script.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`: the next run finds by its mark what stayed. It still holds the master password: that is not to be
    /// passed over.
    pub(super) async fn close(&self) -> Result<(), DeployError> {
        let last = self.leaving().take();
        gone(last).await
    }

    /// The database's image, as the server stores it.
    pub(super) fn image(&self) -> &str {
        &self.image
    }

    /// Why the last script did not reach the database; none when it did, or when that says nothing of the way.
    pub(super) fn impasse(&self) -> Option<&Impasse> {
        self.impasse.get()
    }

    /// Tells the application what to run, deploys it, and waits for the answer.
    async fn run(
        &self,
        job: &mut Job,
        database: &str,
        script: &Script,
        args: &[Secret],
    ) -> Result<String, DeployError> {
        let made = &job.made()?.clone();
        self.configure(made, database, args, &job.name).await?;
        let api = self.session.client.application();
        let description = format!("stage {}", self.session.desired.stage);
        self.session.client.repeat(|| async { api.deploy(&made.id, &job.name, &description).await }).await?;
        let progress = |state: Progress| {
            let state = match state {
                Progress::Queued => "waiting in the server's deployment queue",
                _ => "starting psql beside the database",
            };
            self.session.progress(self.step, state);
        };
        let settings = &self.patience.deployment;
        let followed = self.session.client.follow_deployment(&made.id, &job.name, settings, &progress).await;
        // Not to be tried again at once: it has waited long enough.
        followed.map_err(|error| error.resource(format!("application {}", job.name)).retryable(false))?;
        job.deployed();
        self.session.progress(self.step, "waiting for psql");
        self.answer(made, script).await
    }

    async fn configure(&self, made: &Made, database: &str, args: &[Secret], owner: &str) -> Result<(), DeployError> {
        let (api, application_id) = (self.session.client.application(), made.id.as_str());
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
            self.session.client.repeat(|| async { api.save_docker_provider(&provider).await }),
            self.session
                .client
                .repeat(|| async { api.save_environment(&SaveEnvironment { application_id, env: &env }).await }),
            self.session.client.repeat(|| async { api.update(&update).await }),
        );
        Ok(image.and(env).and(command)?)
    }

    /// Reads the log until the answer is complete, the database has refused, or the time is up.
    async fn answer(&self, made: &Made, script: &Script) -> Result<String, DeployError> {
        let mut wait = Wait::begin(self.patience.answer);
        let mut pause = FIRST_PAUSE;
        // Whether every log that was read was empty.
        let (mut last, mut silent) = (None, None);
        loop {
            match self.session.client.application().read_logs(&made.id, LINES).await {
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
    async fn whole(&self, made: &Made, script: &Script, log: Secret) -> Secret {
        if log.expose().len() < LONG_LOG || script.answer(log.expose()).is_some() {
            return log;
        }
        let mut all = log.expose().to_owned();
        for text in script.rest(log.expose()) {
            // What is not found now is looked for at the next look.
            if let Ok(found) = self.session.client.application().search_logs(&made.id, LINES, &text).await {
                all.push('\n');
                all.push_str(found.expose());
            }
        }
        Secret::new(all)
    }

    /// The error of a `psql` that cannot be started; none when that is not known, as with a key that may not see tasks.
    async fn unstartable(&self, made: &Made) -> Option<DeployError> {
        let tasks = self.session.client.tasks(&made.app_name).await.ok()?;
        match unstartable(tasks.iter().filter_map(|task| task.error.as_deref()))? {
            Unstartable::NoPsql => Some(Self::no_psql(format!("The image {} has no psql", self.image))),
            Unstartable::TooLong => Some(too_long()),
        }
    }

    fn no_psql(message: String) -> DeployError {
        DeployError::new(ErrorCode::PostgresUnreachable, message).resource("postgres").reason("no-psql")
    }

    fn too_late(&self, last: Option<DeployError>, silent: bool) -> DeployError {
        let limit = self.patience.answer.as_secs();
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

    /// Takes down why this way does not lead to the database, where that is what an error says.
    fn note(&self, error: DeployError) -> DeployError {
        let of_the_way = match error.code() {
            ErrorCode::DokployRequest
            | ErrorCode::DokployForbidden
            | ErrorCode::DokployUnsupported
            | ErrorCode::DeploymentFailed
            | ErrorCode::PostgresUnreachable => true,
            ErrorCode::PostgresQuery => error.reason_name() == Some("too-long"),
            _ => false,
        };
        if !of_the_way {
            return error;
        }
        let no_psql = error.reason_name() == Some("no-psql");
        // Only the first counts: nothing is tried after it.
        let _ = self.impasse.set(Impasse { message: error.message().to_owned(), no_psql });
        error.retryable(false).hint(
            "Set databaseAccess to 'external-port' (or to 'auto', which falls back on it), or look at the database's log \
             in Dokploy and deploy again",
        )
    }
}

#[async_trait]
impl SqlTransport for InsideTransport<'_> {
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError> {
        let Some(args) = arguments(script) else { return Err(self.note(too_long())) };
        let mut job = Job::create(self.session, self.step).await.map_err(|error| self.note(error))?;
        let result = self.run(&mut job, database, script, &args).await;
        let leaving = job.leave();
        match result {
            Ok(output) => {
                // The next script need not wait for that.
                let before = self.leaving().replace(leaving);
                gone(before).await?;
                Ok(output)
            }
            Err(error) => match leaving.gone().await {
                Ok(()) => Err(self.note(error)),
                Err(second) => Err(DeployError::join(vec![error, second])),
            },
        }
    }
}

/// Waits until a job is gone.
async fn gone(job: Option<Leaving>) -> Result<(), DeployError> {
    match job {
        Some(job) => job.gone().await,
        None => Ok(()),
    }
}

/// The arguments of `psql`; none when they are too long.
fn arguments(script: &Script) -> Option<Vec<Secret>> {
    let arguments = script.psql_arguments(LONGEST_ARGUMENT)?;
    let length: usize = arguments.iter().map(String::len).sum();
    let stay = ["-c", STAY].map(Secret::new);
    (length <= LONGEST_SCRIPT).then(|| arguments.into_iter().map(Secret::new).chain(stay).collect())
}

fn too_long() -> DeployError {
    DeployError::new(ErrorCode::PostgresQuery, "The SQL is longer than psql can be given as arguments")
        .reason("too-long")
}
