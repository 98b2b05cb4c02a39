//! The `docker` program: whether it works, and which builder it has.

use super::process::{self, Unfinished};
use crate::image::login::DockerConfig;
use crate::{DeployError, ErrorCode};
use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::process::Command;

/// How long a question to Docker may take.
const QUESTION_TIME: Duration = Duration::from_secs(30);

/// What Docker answers to which client it is and which protocol its daemon speaks.
const VERSIONS: &str = "{{.Client.Version}} {{.Server.APIVersion}}";

/// From this version on the client has BuildKit only through the plugin.
const FIRST_WITHOUT_BUILDKIT: u32 = 23;

/// From this protocol (minor version of 1) on the daemon has BuildKit.
const FIRST_WITH_BUILDKIT: u32 = 39;

/// Which builder is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    /// BuildKit, through the buildx plugin.
    Buildx,
    /// BuildKit, in the client and the daemon themselves (clients before 23).
    Embedded,
    /// The builder before BuildKit.
    Classic,
}

impl Flavor {
    /// The arguments that start a build.
    pub(super) const fn build_words(self) -> &'static [&'static str] {
        match self {
            // A builder in a container keeps its result to itself unless it is told to load it.
            Self::Buildx => &["buildx", "build", "--load", "--progress", "plain"],
            Self::Embedded => &["build", "--progress", "plain"],
            Self::Classic => &["build"],
        }
    }
}

/// The program, and the daemon it talks to.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) program: PathBuf,
    pub(super) host: Option<String>,
}

impl Client {
    /// The command with its surroundings.
    pub(super) fn command(
        &self,
        arguments: &[OsString],
        config: Option<&DockerConfig>,
        flavor: Option<Flavor>,
    ) -> Command {
        let mut command = Command::new(&self.program);
        // An attestation would list the build arguments, and make an index of a plain image.
        command.args(arguments).env("BUILDX_NO_DEFAULT_ATTESTATIONS", "1").env("DOCKER_CLI_HINTS", "false");
        if let Some(flavor) = flavor {
            command.env("DOCKER_BUILDKIT", if flavor == Flavor::Classic { "0" } else { "1" });
        }
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
        if let Some(config) = config {
            command.env("DOCKER_CONFIG", config.path());
        }
        command
    }

    /// Runs a short command and returns what it said, or what it complained about.
    pub(super) async fn ask(&self, command: Command) -> Result<String, Refusal> {
        let lines = Mutex::new(Vec::new());
        let take = |line: &str| lines.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_owned());
        match process::run(command, None, QUESTION_TIME, &take).await {
            Ok(finished) if finished.status.success() => {
                Ok(lines.into_inner().unwrap_or_else(PoisonError::into_inner).join("\n"))
            }
            Ok(finished) => Err(Refusal::Said(finished.tail)),
            Err(Unfinished::NotStarted(error)) => Err(Refusal::NotStarted(error)),
            Err(Unfinished::Lost(error)) => Err(Refusal::Said(error.to_string())),
            Err(Unfinished::TooLong { .. }) => Err(Refusal::Said("it did not answer".to_owned())),
        }
    }

    /// Finds out which builder the machine has, and that Docker works at all.
    pub(super) async fn flavor(&self) -> Result<Flavor, DeployError> {
        let question = ["version", "--format", VERSIONS].map(OsString::from);
        let versions = match self.ask(self.command(&question, None, None)).await {
            Ok(versions) => versions,
            Err(Refusal::NotStarted(error)) => return Err(spawn_failure(&self.program, &error)),
            Err(Refusal::Said(complaint)) => return Err(daemon_failure(&complaint)),
        };
        // What the user has switched off stays off.
        if std::env::var_os("DOCKER_BUILDKIT").is_some_and(|value| value == "0") {
            return Ok(Flavor::Classic);
        }
        let question = ["buildx", "version"].map(OsString::from);
        if self.ask(self.command(&question, None, None)).await.is_ok() {
            return Ok(Flavor::Buildx);
        }
        Ok(if has_embedded(&versions) { Flavor::Embedded } else { Flavor::Classic })
    }
}

/// Why a question had no answer.
#[derive(Debug)]
pub(super) enum Refusal {
    NotStarted(io::Error),
    Said(String),
}

/// Whether a client and a daemon of these versions have BuildKit without a plugin.
fn has_embedded(versions: &str) -> bool {
    let mut words = versions.lines().last().unwrap_or_default().split_whitespace();
    let client = words.next().and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    let protocol = words.next().and_then(|version| version.strip_prefix("1.")?.parse::<u32>().ok());
    client.is_some_and(|major| major < FIRST_WITHOUT_BUILDKIT) && protocol.is_some_and(|it| it >= FIRST_WITH_BUILDKIT)
}

/// The error of a program that cannot be started.
pub(super) fn spawn_failure(program: &Path, error: &io::Error) -> DeployError {
    let hint = "Install Docker, pass ready images in `images`, or build them yourself with `buildImage`";
    let message = match error.kind() {
        ErrorKind::NotFound => format!("Docker is not installed: `{}` was not found", program.display()),
        _ => format!("`{}` cannot be started: {error}", program.display()),
    };
    DeployError::new(ErrorCode::ImageBuild, message).reason("docker-missing").hint(hint).caused_by(error)
}

/// The error of a daemon that does not answer.
fn daemon_failure(complaint: &str) -> DeployError {
    let error = DeployError::new(ErrorCode::ImageBuild, "Docker's daemon does not answer").log(complaint);
    if complaint.to_lowercase().contains("permission denied") {
        return error.reason("daemon-forbidden").hint("Let this user use Docker, for instance by the group `docker`");
    }
    error.reason("daemon-unreachable").retryable(true).hint("Start Docker, or set DOCKER_HOST to a daemon that runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_clients_with_new_daemons_have_buildkit_themselves() {
        let table = [
            ("20.10.24+dfsg1 1.41", true),
            ("18.09.1 1.39", true),
            ("18.06.0 1.38", false),
            ("28.2.2 1.50", false),
            ("WARNING: something\n20.10.5 1.41", true),
            ("", false),
            ("podman", false),
        ];
        for (versions, expected) in table {
            assert_eq!(has_embedded(versions), expected, "{versions}");
        }
    }
}
