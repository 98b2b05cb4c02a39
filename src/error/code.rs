//! The kinds of failures.

use serde::{Deserialize, Deserializer, de};
use std::fmt;

/// What kind of failure it was; stable across versions, so that a caller can narrow on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ErrorCode {
    /// A field of the request or of its options is wrong or unknown.
    InvalidRequest,
    /// The workspace is wrong; the message lists every fault with its path.
    InvalidWorkspace,
    /// At least one app needs a variable that nothing provides.
    MissingEnv,
    /// A value cannot reach the app byte for byte through Dokploy's `env` text.
    EnvNotRepresentable,
    /// An app could not be sniffed.
    SniffFailed,
    /// Another run of the same stage is under way.
    StateLocked,
    /// The state file cannot be read as a state.
    StateCorrupt,
    /// The state file cannot be read or written.
    StateIo,
    /// Somebody else has written the state since it was read; what they wrote stays.
    StateConflict,
    /// The server holds resources of ours whose secrets neither the state nor the server knows.
    StateLost,
    /// Another checkout has deployed since this state was written, and the run would put back what that has replaced.
    StateOutdated,
    /// A provider the workspace names is not built in, and no hook was given for it.
    ProviderUnsupported,
    /// Dokploy did not answer.
    DokployUnreachable,
    /// Dokploy refused the key: invalid, expired or rate-limited.
    DokployUnauthorized,
    /// The key is valid but may not do a kind of call that the plan needs.
    DokployForbidden,
    /// The server's version or contract is not one we can speak to.
    DokployUnsupported,
    /// Dokploy refused or failed a call.
    DokployRequest,
    /// A resource that is not ours stands where ours should be.
    ResourceNotOurs,
    /// Several resources of the same name exist and none can be chosen.
    ResourceAmbiguous,
    /// The DNS zone of a host name does not exist at its provider.
    DnsZoneNotFound,
    /// A DNS provider refused or failed a call.
    DnsProvider,
    /// A DNS record that we did not write stands in the way, and the request protects it.
    DnsRecordForeign,
    /// The server's address could not be found.
    DnsResolution,
    /// The database could not be reached.
    PostgresUnreachable,
    /// The database refused our password.
    PostgresAuthentication,
    /// The database refused or failed a statement.
    PostgresQuery,
    /// An app role can reach what it must not, or cannot reach what it must.
    IsolationBroken,
    /// The database port could not be opened or closed.
    DatabasePort,
    /// An image could not be built.
    ImageBuild,
    /// An image could not be pushed.
    ImagePush,
    /// An image reference could not be resolved or is refused by its registry.
    ImageRegistry,
    /// What was deployed is not what runs.
    DeploymentFailed,
    /// Backups could not be set up, made or removed.
    BackupFailed,
    /// The command that an app has run before it is deployed did not end well.
    ReleaseFailed,
    /// There is no earlier deployment to go back to.
    NoEarlierDeployment,
    /// The world changed between plan and apply.
    PlanStale,
    /// The caller cancelled the run.
    Cancelled,
    /// A hook of the caller failed.
    HookFailed,
    /// This platform lacks something that is needed: a native part that is published for it, or a feature of its system.
    PlatformUnsupported,
    /// A package that belongs to this one is not installed. Only the Node.js package raises it.
    PackageMissing,
    /// Several steps failed; [`DeployError::errors`](crate::DeployError::errors) has each.
    Multiple,
    /// A defect of this library.
    Internal,
}

impl ErrorCode {
    /// Every code, in the order of the documentation.
    pub const ALL: &[Self] = &[
        Self::InvalidRequest,
        Self::InvalidWorkspace,
        Self::MissingEnv,
        Self::EnvNotRepresentable,
        Self::SniffFailed,
        Self::StateLocked,
        Self::StateCorrupt,
        Self::StateIo,
        Self::StateConflict,
        Self::StateLost,
        Self::StateOutdated,
        Self::ProviderUnsupported,
        Self::DokployUnreachable,
        Self::DokployUnauthorized,
        Self::DokployForbidden,
        Self::DokployUnsupported,
        Self::DokployRequest,
        Self::ResourceNotOurs,
        Self::ResourceAmbiguous,
        Self::DnsZoneNotFound,
        Self::DnsProvider,
        Self::DnsRecordForeign,
        Self::DnsResolution,
        Self::PostgresUnreachable,
        Self::PostgresAuthentication,
        Self::PostgresQuery,
        Self::IsolationBroken,
        Self::DatabasePort,
        Self::ImageBuild,
        Self::ImagePush,
        Self::ImageRegistry,
        Self::DeploymentFailed,
        Self::BackupFailed,
        Self::ReleaseFailed,
        Self::NoEarlierDeployment,
        Self::PlanStale,
        Self::Cancelled,
        Self::HookFailed,
        Self::PlatformUnsupported,
        Self::PackageMissing,
        Self::Multiple,
        Self::Internal,
    ];

    /// The code as JavaScript sees it, in `SCREAMING_SNAKE_CASE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "INVALID_REQUEST",
            Self::InvalidWorkspace => "INVALID_WORKSPACE",
            Self::MissingEnv => "MISSING_ENV",
            Self::EnvNotRepresentable => "ENV_NOT_REPRESENTABLE",
            Self::SniffFailed => "SNIFF_FAILED",
            Self::StateLocked => "STATE_LOCKED",
            Self::StateCorrupt => "STATE_CORRUPT",
            Self::StateIo => "STATE_IO",
            Self::StateConflict => "STATE_CONFLICT",
            Self::StateLost => "STATE_LOST",
            Self::StateOutdated => "STATE_OUTDATED",
            Self::ProviderUnsupported => "PROVIDER_UNSUPPORTED",
            Self::DokployUnreachable => "DOKPLOY_UNREACHABLE",
            Self::DokployUnauthorized => "DOKPLOY_UNAUTHORIZED",
            Self::DokployForbidden => "DOKPLOY_FORBIDDEN",
            Self::DokployUnsupported => "DOKPLOY_UNSUPPORTED",
            Self::DokployRequest => "DOKPLOY_REQUEST",
            Self::ResourceNotOurs => "RESOURCE_NOT_OURS",
            Self::ResourceAmbiguous => "RESOURCE_AMBIGUOUS",
            Self::DnsZoneNotFound => "DNS_ZONE_NOT_FOUND",
            Self::DnsProvider => "DNS_PROVIDER",
            Self::DnsRecordForeign => "DNS_RECORD_FOREIGN",
            Self::DnsResolution => "DNS_RESOLUTION",
            Self::PostgresUnreachable => "POSTGRES_UNREACHABLE",
            Self::PostgresAuthentication => "POSTGRES_AUTHENTICATION",
            Self::PostgresQuery => "POSTGRES_QUERY",
            Self::IsolationBroken => "ISOLATION_BROKEN",
            Self::DatabasePort => "DATABASE_PORT",
            Self::ImageBuild => "IMAGE_BUILD",
            Self::ImagePush => "IMAGE_PUSH",
            Self::ImageRegistry => "IMAGE_REGISTRY",
            Self::DeploymentFailed => "DEPLOYMENT_FAILED",
            Self::BackupFailed => "BACKUP_FAILED",
            Self::ReleaseFailed => "RELEASE_FAILED",
            Self::NoEarlierDeployment => "NO_EARLIER_DEPLOYMENT",
            Self::PlanStale => "PLAN_STALE",
            Self::Cancelled => "CANCELLED",
            Self::HookFailed => "HOOK_FAILED",
            Self::PlatformUnsupported => "PLATFORM_UNSUPPORTED",
            Self::PackageMissing => "PACKAGE_MISSING",
            Self::Multiple => "MULTIPLE",
            Self::Internal => "INTERNAL",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|code| code.as_str() == name);
        known.copied().ok_or_else(|| de::Error::custom("expected the code of an error"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_screaming() {
        let names: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
        assert!(names.iter().all(|name| name.chars().all(|c| c.is_ascii_uppercase() || c == '_')));
    }
}
