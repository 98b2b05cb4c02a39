//! What a journal remembers of a change: typed, so that no secret can be among it (I6).

use super::state::PreviousRecord;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A change that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Intent {
    /// A resource is created; if the outcome is unknown, it is looked for by its mark.
    Create {
        /// What kind it is.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// The ownership mark that it carries; empty where the kind has no place for one.
        mark: String,
    },
    /// A domain is attached to an application. It has no place for a mark: that this was under way is what says later that
    /// it is ours (I8).
    AttachDomain {
        /// The application's id on the server.
        application_id: String,
        /// The host name.
        host: String,
    },
    /// A resource is changed; repeating the change is safe.
    Update {
        /// What kind it is.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// Its id on the server.
        id: String,
    },
    /// A resource is removed.
    Delete {
        /// What kind it is.
        resource: ResourceKind,
        /// Its name.
        name: String,
        /// Its id on the server.
        id: String,
    },
    /// The database's external port is opened. It is settled when the port is closed again (I4).
    OpenDatabasePort {
        /// The Postgres service.
        postgres_id: String,
        /// The port.
        port: u16,
        /// When an open that is still under way has landed at the latest, as ISO 8601.
        until: String,
    },
    /// An application is deployed.
    Deploy {
        /// The app.
        app: String,
        /// The title by which the deployment is found.
        title: String,
    },
    /// What an app wants run before it is deployed is started; how it ends is told by its application.
    Release {
        /// The app.
        app: String,
        /// The title by which it is found.
        title: String,
    },
    /// The address records of a host name are replaced.
    DnsUpsert {
        /// The host name.
        host: String,
        /// What stood there before; absent where nothing did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        previous: Option<PreviousRecord>,
    },
    /// The address records of a host name are removed.
    DnsDelete {
        /// The host name.
        host: String,
    },
    /// A lease is held on the server. It is settled when it is given back.
    HoldLease {
        /// What is leased, for people.
        lease: String,
        /// The run that holds it.
        run: String,
    },
    /// Written by a later version of us; kept as it is.
    #[serde(untagged)]
    Other(Map<String, Value>),
}

/// What kind of resource it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// A project.
    Project,
    /// An environment of a project.
    Environment,
    /// An application.
    Application,
    /// A domain of an application.
    Domain,
    /// A Postgres service.
    Postgres,
    /// A Redis service.
    Redis,
    /// A registry login.
    Registry,
    /// The backups of a database.
    Backup,
    /// A role of a database.
    Role,
}

/// A change that was begun, and of which it may not be known whether it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number in the journal.
    pub id: u64,
    /// When it was begun, as ISO 8601.
    pub at: String,
    /// The step it belongs to.
    pub step: String,
    /// What was to be done.
    pub intent: Intent,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It happened.
    Done,
    /// It is certain that it did not happen, for instance because the server refused it.
    NotDone,
}
