//! The engine: observes, plans, applies, and tells what happens.
//!
//! A request flows through its rooms from top to bottom:
//!
//! | room | what happens in it |
//! |---|---|
//! | `request` | what a caller gives |
//! | `context` | the checked request, with clients, zones, names and the lock |
//! | `recovery` | what an interrupted run left in the middle is set right |
//! | `prepare` | sniff, resolve, observe, recover a lost state, plan: a draft |
//! | `apply` | the steps of the plan, side by side where nothing depends on another |
//! | `changes` | how a step changes the server: journaled, once, with a lost answer looked for |
//! | `database_access` | the way to the database: its external port, or from inside |
//! | `release` | what an app wants run before it is deployed: run once, found again, accounted for |
//! | `report` | what a run returns |
//! | `commands` | the order of all this for each command |

mod apply;
mod changes;
mod commands;
mod context;
mod database_access;
mod prepare;
mod recovery;
mod release;
mod report;
mod request;

pub use commands::{
    deploy, initialize_postgres_users, plan, plan_rollback, plan_rotate_credentials, plan_undeploy, provision_services,
    rollback, rotate_credentials, undeploy, verify_dns, verify_isolation,
};
pub use report::{
    AppReport, AppStatus, BackupReport, DatabaseAccessReport, DeployFailure, DeployReport, DnsReport, DomainStatus,
    HostReason, HostReport, RecordStatus, RemovalOutcome, RemovedResource, RetiredRole, RolledBackApp, RotatedApp,
    RotationReport, UndeployReport,
};
pub use request::{
    AwsCredentials, Credentials, DatabaseAccess, DeployRequest, DeploySettings, DokployCredentials, OnFailure,
    OnSniffError, RegistryCredentials, RollbackRequest, RollbackSettings, RotateRequest, RotateSettings, RunHooks,
    RunOptions, Surroundings, UndeployRequest, UndeploySettings, VendorCredentials, WaitFor,
};
