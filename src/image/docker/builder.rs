//! Builds and pushes images with the `docker` of the machine.

use super::client::{Client, Flavor, spawn_failure};
use super::preconditions::{build_hint, check_dockerfiles};
use super::process::{self, Finished, Input, Unfinished};
use crate::image::build::ImageBuild;
use crate::image::builder::{BuiltImage, ImageBuilder, LogLine};
use crate::image::context::{BuildContext, failed};
use crate::image::login::{DockerConfig, RegistryLogin, user_config};
use crate::image::reference::{ImageReference, is_digest};
use crate::secrets::Redactor;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use std::ffi::OsString;
use std::io::{self, BufWriter, ErrorKind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

/// How long a build may take by default.
const BUILD_TIME: Duration = Duration::from_hours(1);

/// How long a push may take by default.
const PUSH_TIME: Duration = Duration::from_mins(30);

/// Builds images with `docker build` and pushes them with `docker push`.
///
/// BuildKit builds where the machine has it, the classic builder where not. The build context is a stream that we
/// make: it holds what the user's ignore rules leave in, and never our state, the stage secrets, `.env` files or the
/// repository's own folder (I6). A registry login reaches Docker in a private folder only.
#[derive(Debug)]
pub struct DockerBuilder {
    client: Client,
    login: Option<RegistryLogin>,
    redactor: Arc<Redactor>,
    build_time: Duration,
    push_time: Duration,
    flavor: OnceCell<Flavor>,
}

impl DockerBuilder {
    /// Builds with the program `docker`, a path or a name that is looked for in the `PATH`.
    pub fn new(docker: impl Into<PathBuf>) -> Self {
        Self {
            client: Client { program: docker.into(), host: None },
            login: None,
            redactor: Arc::new(Redactor::new()),
            build_time: BUILD_TIME,
            push_time: PUSH_TIME,
            flavor: OnceCell::new(),
        }
    }

    /// Logs in at a registry for pushing and for base images; default: the logins of the user's own Docker.
    #[must_use]
    pub fn login(mut self, login: RegistryLogin) -> Self {
        self.login = Some(login);
        self
    }

    /// Removes the secrets that `redactor` knows from log lines and errors.
    #[must_use]
    pub fn redactor(mut self, redactor: Arc<Redactor>) -> Self {
        self.redactor = redactor;
        self
    }

    /// The daemon to build on, for instance `unix:///run/docker.sock`; default: what `DOCKER_HOST` or the user's context
    /// says.
    #[must_use]
    pub fn daemon(mut self, host: impl Into<String>) -> Self {
        self.client.host = Some(host.into());
        self
    }

    /// How long one build and one push may take; default one hour and 30 minutes.
    #[must_use]
    pub fn time_limits(mut self, build: Duration, push: Duration) -> Self {
        (self.build_time, self.push_time) = (build, push);
        self
    }

    /// Which builder the machine has; asked once.
    async fn flavor(&self, build: &ImageBuild) -> Result<Flavor, DeployError> {
        let asked = self.flavor.get_or_try_init(|| self.client.flavor()).await;
        asked.copied().map_err(|error| error.app(&build.app))
    }

    /// The private configuration, when there is a login to keep in it.
    async fn config(&self, build: &ImageBuild) -> Result<Option<DockerConfig>, DeployError> {
        let Some(login) = self.login.clone() else { return Ok(None) };
        self.redactor.add(&login.password);
        self.redactor.add(&login.basic());
        let made = blocking(move || DockerConfig::create(user_config().as_deref(), &login)).await;
        made.map(Some).map_err(|error| failed(build, format!("Cannot keep the registry login: {error}")))
    }

    async fn docker_build(
        &self,
        build: &ImageBuild,
        config: Option<&DockerConfig>,
        log: LogLine<'_>,
    ) -> Result<(), DeployError> {
        let flavor = self.flavor(build).await?;
        let (context, cancel) = self.read_context(build).await?;
        if context.withheld > 0 {
            log(&format!("Kept back from the build: {} entries that may hold secrets (.env*, …)", context.withheld));
        }
        let command = self.client.command(&build_arguments(build, flavor, &context), config, Some(flavor));
        let input: Input = Box::new(move |pipe| context.write_tar(BufWriter::with_capacity(1 << 16, pipe)));
        let finished = self.run(command, Some(input), self.build_time, log).await;
        drop(cancel);
        let finished =
            finished.map_err(|unfinished| self.unfinished(build, ErrorCode::ImageBuild, "build", unfinished))?;
        // A stream that ended early may still look whole to the builder.
        if let Some(error) = finished.input.as_ref().filter(|error| error.kind() != ErrorKind::BrokenPipe) {
            let message = format!("{}: cannot send the build context: {error}", build.app);
            return Err(failed(build, message).reason("context-unreadable").retryable(true));
        }
        if finished.status.success() {
            return Ok(());
        }
        let message = format!("{}: `docker build` failed ({})", build.app, finished.status);
        let error = self.with_tail(failed(build, message), &finished.tail);
        Err(error.reason("build-failed").hint(build_hint(build, &finished.tail)))
    }

    /// Reads the context off the threads that serve the network; dropping the guard stops that and the sending.
    async fn read_context(
        &self,
        build: &ImageBuild,
    ) -> Result<(BuildContext, tokio_util::sync::DropGuard), DeployError> {
        let cancel = CancellationToken::new();
        let (guard, build) = (cancel.clone().drop_guard(), build.clone());
        let read = tokio::task::spawn_blocking(move || BuildContext::read(&build, cancel)).await;
        let stopped =
            |error| DeployError::new(ErrorCode::Internal, "Reading a build context stopped").caused_by(&error);
        Ok((read.map_err(stopped)??, guard))
    }

    async fn docker_push(
        &self,
        build: &ImageBuild,
        reference: &ImageReference,
        config: Option<&DockerConfig>,
        log: LogLine<'_>,
    ) -> Result<String, DeployError> {
        let digest = Mutex::new(None);
        let take = |line: &str| {
            if let Some(found) = pushed_digest(line) {
                *digest.lock().unwrap_or_else(PoisonError::into_inner) = Some(found.to_owned());
            }
            log(line);
        };
        let arguments = ["push".into(), reference.to_string().into()];
        let command = self.client.command(&arguments, config, None);
        let finished = self.run(command, None, self.push_time, &take).await;
        let finished =
            finished.map_err(|unfinished| self.unfinished(build, ErrorCode::ImagePush, "push", unfinished))?;
        if !finished.status.success() {
            return Err(self.push_failure(build, reference, &finished));
        }
        let told = digest.lock().unwrap_or_else(PoisonError::into_inner).take();
        match told {
            Some(digest) => Ok(digest),
            None => self.inspect_digest(build, reference, config).await,
        }
    }

    /// Asks Docker for the digest, where the push did not tell it.
    async fn inspect_digest(
        &self,
        build: &ImageBuild,
        reference: &ImageReference,
        config: Option<&DockerConfig>,
    ) -> Result<String, DeployError> {
        let arguments = ["image", "inspect", "--format", "{{json .RepoDigests}}"].map(OsString::from);
        let arguments = [&arguments[..], &[reference.to_string().into()]].concat();
        let output = self.client.ask(self.client.command(&arguments, config, None)).await;
        let digests: Vec<String> = output.ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let ours = |text: &String| {
            let found = ImageReference::parse(text).ok()?;
            let same = found.registry() == reference.registry() && found.repository() == reference.repository();
            found.digest().filter(|_| same).map(str::to_owned)
        };
        digests.iter().find_map(ours).ok_or_else(|| {
            let message = format!("{}: Docker does not say which digest {reference} was pushed as", build.app);
            DeployError::new(ErrorCode::ImagePush, message).app(&build.app).reason("digest-unknown")
        })
    }

    async fn run(
        &self,
        command: tokio::process::Command,
        input: Option<Input>,
        time: Duration,
        log: LogLine<'_>,
    ) -> Result<Finished, Unfinished> {
        process::run(command, input, time, &|line| log(&self.redactor.redact(line))).await
    }

    fn unfinished(&self, build: &ImageBuild, code: ErrorCode, what: &str, unfinished: Unfinished) -> DeployError {
        let error = match unfinished {
            Unfinished::NotStarted(error) => spawn_failure(&self.client.program, &error),
            Unfinished::Lost(error) => DeployError::new(code, format!("`docker {what}` was lost")).caused_by(&error),
            Unfinished::TooLong { tail } => {
                let message = format!("{}: `docker {what}` took too long and was stopped", build.app);
                self.with_tail(DeployError::new(code, message).reason("timeout").retryable(true), &tail)
            }
        };
        error.app(&build.app).resource(format!("image {}", build.reference))
    }

    fn push_failure(&self, build: &ImageBuild, reference: &ImageReference, finished: &Finished) -> DeployError {
        let tail = finished.tail.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| tail.contains(word));
        let registry = reference.registry();
        let message = format!("{}: {reference} could not be pushed", build.app);
        let error =
            DeployError::new(ErrorCode::ImagePush, message).app(&build.app).resource(format!("image {reference}"));
        let error = if says(&["unauthorized", "denied", "authentication required", "no basic auth", "forbidden"]) {
            error.reason("login-refused").hint(format!(
                "Check credentials.registry, and that it may push to {} at {registry}",
                reference.repository()
            ))
        } else if says(&["no such host", "connection refused", "timeout", "unreachable", "server misbehaving"]) {
            let hint = format!("Check that {registry} can be reached from this machine");
            error.reason("registry-unreachable").retryable(true).hint(hint)
        } else {
            error.reason("push-failed").retryable(true).hint("The log says what the registry answered")
        };
        self.with_tail(error, &finished.tail)
    }

    fn with_tail(&self, error: DeployError, tail: &str) -> DeployError {
        error.log(self.redactor.redact(tail))
    }
}

#[async_trait]
impl ImageBuilder for DockerBuilder {
    async fn fingerprint(&self, build: &ImageBuild) -> Result<Option<String>, DeployError> {
        let (context, _guard) = self.read_context(build).await?;
        let (subject, build) = (build.clone(), build);
        let hashed = blocking(move || context.fingerprint(&subject)).await;
        hashed.map(Some).map_err(|error| {
            failed(build, format!("{}: cannot read the build context: {error}", build.app)).reason("context-unreadable")
        })
    }

    async fn check(&self, builds: &[&ImageBuild]) -> Result<(), DeployError> {
        let owned: Vec<ImageBuild> = builds.iter().map(|build| (*build).clone()).collect();
        let checked = tokio::task::spawn_blocking(move || check_dockerfiles(&owned)).await;
        checked.map_err(|error| DeployError::new(ErrorCode::Internal, "A check stopped").caused_by(&error))??;
        match builds.first() {
            Some(build) => self.flavor(build).await.map(drop),
            None => Ok(()),
        }
    }

    async fn build(&self, build: &ImageBuild, log: LogLine<'_>) -> Result<BuiltImage, DeployError> {
        let reference = check(build)?;
        let config = self.config(build).await?;
        self.docker_build(build, config.as_ref(), log).await?;
        let digest = self.docker_push(build, &reference, config.as_ref(), log).await?;
        Ok(BuiltImage { reference: reference.pinned(&digest)?.to_string() })
    }
}

/// Does file work off the threads that serve the network.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

/// Checks what becomes an argument.
fn check(build: &ImageBuild) -> Result<ImageReference, DeployError> {
    let wrong = |message: String| DeployError::new(ErrorCode::InvalidRequest, message).app(&build.app);
    let reference = ImageReference::parse(&build.reference).map_err(|error| error.app(&build.app))?;
    if reference.tag().is_none() || reference.digest().is_some() {
        return Err(wrong(format!("{}: an image is built as a tag, not as `{reference}`", build.app)));
    }
    let platform = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '.');
    if build.platform.is_empty() || !build.platform.chars().all(platform) {
        let shown = build.platform.escape_debug();
        return Err(wrong(format!("platform: `{shown}` is not a platform")).hint("Write it as linux/amd64"));
    }
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if let Some(bad) = build.build_args.keys().find(|key| key.is_empty() || !key.chars().all(name)) {
        return Err(wrong(format!("{}: `{}` is no name of a build argument", build.app, bad.escape_debug())));
    }
    Ok(reference)
}

fn build_arguments(build: &ImageBuild, flavor: Flavor, context: &BuildContext) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = flavor.build_words().iter().map(OsString::from).collect();
    arguments.extend(["--platform".into(), build.platform.clone().into()]);
    arguments.extend(["-t".into(), build.reference.clone().into()]);
    arguments.extend(["-f".into(), context.dockerfile_name.as_os_str().to_owned()]);
    for (name, value) in &build.build_args {
        arguments.extend(["--build-arg".into(), format!("{name}={value}").into()]);
    }
    arguments.push("-".into());
    arguments
}

/// The digest in a line of a push: `tag: digest: sha256:… size: 527`.
fn pushed_digest(line: &str) -> Option<&str> {
    let digest = line.split_once("digest: ")?.1.split_whitespace().next()?;
    is_digest(digest).then_some(digest)
}
