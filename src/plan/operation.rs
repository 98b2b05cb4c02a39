//! What a step really does: the typed counterpart of its words.

use super::observed::Twin;

/// What a step does when it is applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation {
    /// Nothing; the resource stays as it is.
    Keep,
    /// Closes a database port that an interrupted run left open.
    ClosePort,
    /// Creates the project.
    CreateProject,
    /// Creates the environment, or takes the default one of a project that this run creates.
    CreateEnvironment,
    /// Puts our mark on the environment.
    MarkEnvironment,
    /// Creates the Postgres service where it is missing, and deploys it.
    ProvisionPostgres,
    /// Creates the Redis service where it is missing, and deploys it.
    ProvisionRedis,
    /// Sets the backups of the database up, or makes them right.
    SetUpBackups,
    /// Makes a last backup of the database, and waits for it.
    BackUpLast,
    /// Takes schedule and destination of the backups away; the bucket stays.
    RemoveBackups,
    /// Deletes the bucket with every backup in it.
    DeleteBackups,
    /// Applies roles and schemas, and proves that they are isolated.
    ApplyRoles,
    /// Proves that the roles are isolated, and changes nothing.
    ProveIsolation,
    /// Removes an idle twin.
    RemoveTwin(Twin),
    /// Writes a host name's A record.
    WriteRecord {
        /// The host name.
        host: String,
    },
    /// Waits until a host name's authoritative servers answer.
    VerifyRecord {
        /// The host name.
        host: String,
    },
    /// Builds and pushes an app's image.
    BuildImage {
        /// The app.
        app: String,
    },
    /// Creates an app's application.
    CreateApplication {
        /// The app.
        app: String,
    },
    /// Puts our mark on an application that lacks it.
    MarkApplication {
        /// The app.
        app: String,
        /// What its description says, which stays.
        description: String,
    },
    /// Finds out how a release ended that an interrupted run has begun, and remembers it.
    FinishRelease(Twin),
    /// Drops the logins of releases that an interrupted run has left open.
    CloseOwnerLogins {
        /// The apps.
        apps: Vec<String>,
    },
    /// Runs what an app wants run before it is deployed, with its new image.
    Release {
        /// The app.
        app: String,
    },
    /// Tells the server an app's image and environment.
    Configure {
        /// The app.
        app: String,
        /// The database login in its environment.
        login: DatabaseLogin,
        /// The image with which it runs as wanted already: when the build gives that one, nothing is to be done.
        unless: Option<String>,
        /// Whether it is told the health check of its containers as well.
        check: bool,
    },
    /// Deploys an app and follows it until it runs.
    Deploy {
        /// The app.
        app: String,
        /// The database login in its environment.
        login: DatabaseLogin,
        /// As in [`Operation::Configure`].
        unless: Option<String>,
    },
    /// Gives apps a second database login that acts as their own role.
    OpenSecondLogins {
        /// The apps.
        apps: Vec<String>,
    },
    /// Gives the roles of apps their new password, of those that were seen running with their second login.
    ChangePasswords {
        /// The apps.
        apps: Vec<String>,
    },
    /// Drops the second logins of apps that were seen running with their own again.
    CloseSecondLogins {
        /// The apps.
        apps: Vec<String>,
    },
    /// Attaches an app's domain, or sets it right.
    AttachDomain {
        /// The app.
        app: String,
        /// The domain to set right; `None`: a new one.
        existing: Option<String>,
    },
    /// Detaches a domain that we attached and that the app no longer has.
    DetachDomain {
        /// The app.
        app: String,
        /// The domain's id.
        id: String,
        /// Its host name.
        host: String,
        /// The host name that has to answer before: that of the app now, or this one where another app has taken it.
        waits_for: String,
    },
    /// Removes an app's application, and with it its domains.
    RemoveApplication {
        /// The app.
        app: String,
        /// The application's id.
        id: String,
    },
    /// Takes our A record away, and puts back what stood there before (I8).
    RestoreRecord {
        /// Its key in the state.
        key: String,
        /// The app that has another host name now, which has to answer first; `None`: its app goes.
        moved: Option<String>,
    },
    /// Drops the roles and schemas of apps, with their data.
    DropRoles {
        /// The apps.
        apps: Vec<String>,
    },
    /// Removes the Postgres service, with its data.
    RemovePostgres,
    /// Removes the Redis service, with its data.
    RemoveRedis,
    /// Removes the environment, which is empty.
    RemoveEnvironment,
    /// Removes the project, which is empty.
    RemoveProject,
}

/// A database login of an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatabaseLogin {
    /// Its role's own.
    Own,
    /// The second one, which it has while the password of its own changes.
    Second,
}

/// The kind of work of an operation, by which apply limits what runs side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkKind {
    /// Calls of the server's API.
    Api,
    /// Image builds.
    Build,
    /// Calls of a DNS vendor's API.
    Dns,
    /// Waiting for DNS or for the server; costs nothing.
    Wait,
    /// Work in the database.
    Database,
}

impl Operation {
    /// What kind of work it is.
    pub const fn kind(&self) -> WorkKind {
        match self {
            Self::BuildImage { .. } => WorkKind::Build,
            Self::WriteRecord { .. } | Self::RestoreRecord { .. } => WorkKind::Dns,
            Self::VerifyRecord { .. } | Self::Deploy { .. } | Self::Keep | Self::BackUpLast => WorkKind::Wait,
            // Two releases never run at once: they may have one database.
            Self::Release { .. }
            | Self::FinishRelease(_)
            | Self::CloseOwnerLogins { .. }
            | Self::ApplyRoles
            | Self::ProveIsolation
            | Self::ClosePort
            | Self::DropRoles { .. }
            | Self::OpenSecondLogins { .. }
            | Self::ChangePasswords { .. }
            | Self::CloseSecondLogins { .. } => WorkKind::Database,
            Self::CreateProject
            | Self::CreateEnvironment
            | Self::MarkEnvironment
            | Self::ProvisionPostgres
            | Self::ProvisionRedis
            | Self::SetUpBackups
            | Self::RemoveBackups
            | Self::DeleteBackups
            | Self::RemoveTwin(_)
            | Self::CreateApplication { .. }
            | Self::MarkApplication { .. }
            | Self::Configure { .. }
            | Self::AttachDomain { .. }
            | Self::DetachDomain { .. }
            | Self::RemoveApplication { .. }
            | Self::RemovePostgres
            | Self::RemoveRedis
            | Self::RemoveEnvironment
            | Self::RemoveProject => WorkKind::Api,
        }
    }
}
