//! One application that tries ports: made, started, and its log read until it is taken away.

use super::endpoint::ProbeImage;
use super::script::{self, Reading, SCRIPT};
use crate::DeployError;
use crate::deploy::changes::{Job, StepContext};
use crate::deploy::context::ApplicationRef;
use crate::dokploy::{
    Dokploy, Once, RestartCondition, RestartPolicy, SaveDockerProvider, SaveEnvironment, UpdateApplication,
    WaitSettings,
};
use crate::env::encode_env;
use crate::secrets::Secret;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep};

/// How many lines are read at once.
const LINES: u16 = 500;
/// After an empty log was read so often it is asked whether the application runs at all.
const SILENT_LOOKS: u32 = 8;

/// An application that tries ports. Dropped, it is taken away in the background.
pub(super) struct Probe {
    pub(super) job: Job,
    pub(super) image: ProbeImage,
    /// The addresses that it tries.
    pub(super) targets: BTreeSet<String>,
    pub(super) observed: watch::Receiver<Observed>,
    reading: AbortOnDrop,
}

/// What its log has told so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Observed {
    /// Whether it has said anything new.
    pub(super) speaks: bool,
    /// Of each address that accepted a connection: a moment that the newest one came after.
    pub(super) accepted_after: BTreeMap<String, Instant>,
    /// Why it will tell no more.
    pub(super) failed: Option<String>,
}

/// Ends a task.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Probe {
    /// Makes and starts an application that tries these addresses.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`, `DEPLOYMENT_FAILED`, `STATE_IO`.
    pub(super) async fn start(
        cx: StepContext<'_>,
        environment: &str,
        image: ProbeImage,
        targets: BTreeSet<String>,
    ) -> Result<Self, DeployError> {
        let mut job = Job::create(cx, environment, "probe", "tries whether apps accept connections").await?;
        let made = job.made()?.clone();
        configure(&cx.client, &made, &image, &targets).await?;
        let title = job.name.clone();
        let description = format!("stage {}", cx.marks.stage);
        let deployed_at = Instant::now();
        let api = cx.client.application();
        cx.client.repeat(|| async { api.deploy(&made.id, &title, &description).await }).await?;
        cx.client.follow_deployment(&made.id, &title, &cx.surroundings.wait, &|_| ()).await?;
        job.deployed();
        let (tell, observed) = watch::channel(Observed::default());
        let reader = Reader {
            client: cx.client.clone(),
            application: made,
            settings: cx.surroundings.wait.clone(),
            last: (deployed_at, Reading::default()),
        };
        let reading = AbortOnDrop(tokio::spawn(async move { reader.read(tell).await }).abort_handle());
        Ok(Self { job, image, targets, observed, reading })
    }

    /// Stops reading, and takes the application away.
    pub(super) fn into_job(self) -> Job {
        drop(self.reading);
        self.job
    }
}

async fn configure(
    client: &Dokploy,
    made: &ApplicationRef,
    image: &ProbeImage,
    targets: &BTreeSet<String>,
) -> Result<(), DeployError> {
    let (api, id) = (client.application(), made.id.as_str());
    let login = image.registry.as_ref();
    let provider = SaveDockerProvider {
        application_id: id,
        docker_image: Some(&image.image),
        username: login.map(|login| login.username.as_str()),
        password: login.map(|login| &login.password),
        registry_url: login.map(|login| login.url.as_str()),
    };
    let variables = [("SIXTY".to_owned(), Secret::new(script::sixty()))].into();
    let env = Secret::new(encode_env("probe", &variables)?);
    let words = ["-c", SCRIPT, "probe"].into_iter().chain(targets.iter().map(String::as_str));
    let args: Vec<Secret> = words.map(Secret::new).collect();
    let update = UpdateApplication {
        application_id: id,
        command: Some("sh"),
        args: Some(&args),
        restart_policy_swarm: Some(RestartPolicy { condition: RestartCondition::None, delay: None }),
        ..UpdateApplication::default()
    };
    let (image, env, command) = tokio::join!(
        client.repeat(|| async { api.save_docker_provider(&provider).await }),
        client.repeat(|| async { api.save_environment(&SaveEnvironment { application_id: id, env: &env }).await }),
        client.repeat(|| async { api.update(&update).await }),
    );
    Ok(image.and(env).and(command)?)
}

/// Reads the log, again and again.
struct Reader {
    client: Dokploy,
    application: ApplicationRef,
    settings: WaitSettings,
    /// When the last look began, and what it showed.
    last: (Instant, Reading),
}

impl Reader {
    async fn read(mut self, tell: watch::Sender<Observed>) {
        let mut silent_looks = 0;
        loop {
            // One receiver stays with the probe: nobody waits for what the log says.
            if tell.receiver_count() > 1 {
                let observed = self.look().await;
                silent_looks = if observed.speaks { 0 } else { silent_looks + 1 };
                let mut failed = observed.failed.clone();
                if silent_looks == SILENT_LOOKS {
                    silent_looks = 0;
                    failed = self.why_it_ended().await;
                }
                let over = failed.is_some();
                tell.send_modify(|told| {
                    told.speaks |= observed.speaks;
                    told.accepted_after.extend(observed.accepted_after);
                    told.failed = failed;
                });
                if over {
                    return;
                }
            }
            sleep(self.pause()).await;
        }
    }

    /// Reads the log once; tells what is new in it.
    async fn look(&mut self) -> Observed {
        let begun = Instant::now();
        let log = self.client.application().read_logs(&self.application.id, LINES).await;
        // The server fails as well while there is no log yet.
        let Ok(reading) = log.map(|log| script::read(log.expose())) else { return Observed::default() };
        let (before, seen) = &self.last;
        let new = |target: &String, at: &String| seen.accepted.get(target).is_none_or(|known| known < at);
        let accepted = reading.accepted.iter().filter(|(target, at)| new(target, at));
        let observed = Observed {
            speaks: reading.newest > seen.newest,
            accepted_after: accepted.map(|(target, _)| (target.clone(), *before)).collect(),
            failed: reading.unable.then(|| "nothing in the image connects".to_owned()),
        };
        self.last = (begun, reading);
        observed
    }

    /// Why the application says nothing, where it does not run any more.
    async fn why_it_ended(&self) -> Option<String> {
        let tasks = self.client.tasks(&self.application.app_name).await.ok()?;
        match Once::of(&tasks) {
            Once::Failed { error } => Some(error.unwrap_or_else(|| "it was stopped".to_owned())),
            Once::Succeeded => Some("it ended".to_owned()),
            Once::NotBegun | Once::UnderWay { .. } => None,
        }
    }

    fn pause(&self) -> Duration {
        (self.settings.first_pause * 2).min(self.settings.longest_pause)
    }
}
