//! The server's version: too old is refused, newer than we know is checked against its own contract.

use super::call::Call;
use super::client::Dokploy;
use super::contract;
use super::error::ApiError;
use crate::{DeployError, ErrorCode};
use std::fmt;

/// The version of a Dokploy server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number; contracts have changed with it.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

/// The oldest version that has every endpoint we need: `deployment.readLogs` came with it.
pub(super) const OLDEST: Version = Version { major: 0, minor: 29, patch: 5 };

/// The version whose contract this client was written against; newer patches of it are trusted.
pub(super) const KNOWN: Version = Version { major: 0, minor: 30, patch: 2 };

impl Version {
    /// Reads a version as the server writes it, for instance `v0.30.2`; a suffix such as `-canary.1` is passed by.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let numbers = text.strip_prefix('v').unwrap_or(text).split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(str::parse);
        let (major, minor, patch) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        parts.next().is_none().then_some(Self { major, minor, patch })
    }

    /// Whether contracts may have changed since the version that we know.
    pub fn is_newer_than_known(self) -> bool {
        (self.major, self.minor) > (KNOWN.major, KNOWN.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_server_writes_them() {
        let version = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(version("v0.30.2").as_deref(), Some("0.30.2"));
        assert_eq!(version("0.31.0-canary.4").as_deref(), Some("0.31.0"));
        for text in ["", "canary", "v0.30", "v0.30.2.1", "v0.x.1", "v-1.0.0"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn a_newer_patch_is_trusted_and_a_newer_minor_is_not() {
        let newer = |text| Version::parse(text).unwrap().is_newer_than_known();
        assert!(!newer("v0.30.9") && !newer("v0.29.5"));
        assert!(newer("v0.31.0") && newer("v1.0.0"));
        assert!(Version::parse("v0.29.4").unwrap() < OLDEST && Version::parse("v0.30.0").unwrap() > OLDEST);
    }
}
