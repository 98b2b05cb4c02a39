//! The server's version: too old is refused, newer than we know is checked against its own contract.

use super::contract;
use super::version::{OLDEST, Version};
use crate::dokploy::client::Dokploy;
use crate::dokploy::transport::{ApiError, Call};
use crate::{DeployError, ErrorCode};

/// What a key must be allowed to look at beyond projects and services; a member's may lack it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Access {
    /// Tasks and containers: what really runs. Refused to every member.
    pub containers: bool,
    /// The queue of deployments, in which one waits that is followed.
    pub queue: bool,
}

impl Access {
    /// Everything.
    pub const ALL: Self = Self { containers: true, queue: true };

    /// What of it `other` has not.
    #[must_use]
    pub const fn beyond(self, other: Self) -> Self {
        Self { containers: self.containers && !other.containers, queue: self.queue && !other.queue }
    }
}

impl Dokploy {
    /// Makes sure that the server speaks an API we know, and that the key has the `access` that is needed.
    ///
    /// Reads only. A version newer than we know is checked against the server's own `OpenAPI` document: each of `calls`
    /// must be there, with every field we send, and must require none that we do not send. Returns the version, or
    /// `None` when the server calls itself something else, for instance `canary`.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_UNSUPPORTED` for a version or contract that we cannot speak to, and as [`Self::check_access`].
    pub async fn check_server(&self, calls: &[&'static Call], access: Access) -> Result<Option<Version>, DeployError> {
        let settings = self.settings();
        // Read side by side, judged in order: of a server that is too old, the access says nothing.
        let (text, access) = futures_util::join!(settings.dokploy_version(), self.check_access(access));
        let text = text?;
        let version = Version::parse(&text);
        if let Some(old) = version.filter(|version| *version < OLDEST) {
            return Err(unsupported(&format!(
                "Dokploy {old} is too old; {OLDEST} is the oldest version that we can use"
            ))
            .hint(format!("Update Dokploy to {OLDEST} or newer, on its Web Server page or with its install script")));
        }
        if version.is_none_or(Version::is_newer_than_known) {
            let document = settings.open_api_document().await?;
            let mismatches = contract::check(&document, calls);
            if !mismatches.is_empty() {
                let lines: Vec<String> = mismatches.iter().map(|mismatch| format!("- {mismatch}")).collect();
                let text = self.redact(&text);
                let message = format!("Dokploy {text} has changed calls that we make:\n{}", lines.join("\n"));
                return Err(unsupported(&message).hint("Update this tool, or deploy with Dokploy 0.30"));
            }
        }
        access?;
        Ok(version)
    }

    /// Makes the reads that a lesser key is refused; no service has the name that is asked for.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_FORBIDDEN` for a key that may not do what is needed, `DOKPLOY_UNAUTHORIZED` and `DOKPLOY_UNREACHABLE`.
    pub async fn check_access(&self, access: Access) -> Result<(), DeployError> {
        let (docker, swarm, deployment) = (self.docker(), self.swarm(), self.deployment());
        let containers = async {
            if access.containers {
                let tasks = docker.service_tasks("deploy-native-access-check");
                futures_util::try_join!(tasks, swarm.node_apps())?;
            }
            Ok::<_, ApiError>(())
        };
        let queue = async {
            if access.queue {
                deployment.queue_list().await?;
            }
            Ok(())
        };
        futures_util::try_join!(containers, queue)?;
        Ok(())
    }
}

fn unsupported(message: &str) -> DeployError {
    DeployError::new(ErrorCode::DokployUnsupported, message)
}
