//! Every call that this client can make.

use crate::dokploy::transport::Call;

impl Call {
    /// The calls that say whose key it is. Nothing is deployed with them, so that no deployment depends on them.
    pub const IDENTITY: &[&'static Self] = &[&super::user::GET, &super::user::PERMISSIONS];

    /// The calls that lease a stage; a deployment can do without them.
    pub const LEASE: &[&'static Self] =
        &[&super::tag::ALL, &super::tag::CREATE, &super::tag::UPDATE, &super::tag::REMOVE];

    /// The calls that back a database up; only a workspace that declares backups needs them.
    pub const BACKUPS: &[&'static Self] = &[
        &super::destination::ALL,
        &super::destination::ONE,
        &super::destination::CREATE,
        &super::destination::TEST_CONNECTION,
        &super::destination::UPDATE,
        &super::destination::REMOVE,
        &super::backup::CREATE,
        &super::backup::UPDATE,
        &super::backup::REMOVE,
        &super::backup::MANUAL_POSTGRES,
        &super::backup::DEPLOYMENTS,
    ];

    /// Every call that a deployment cannot do without.
    pub const ALL: &[&'static Self] = &[
        &super::project::ALL,
        &super::project::ONE,
        &super::project::CREATE,
        &super::project::UPDATE,
        &super::project::REMOVE,
        &super::environment::ONE,
        &super::environment::BY_PROJECT_ID,
        &super::environment::CREATE,
        &super::environment::UPDATE,
        &super::environment::REMOVE,
        &super::application::CREATE,
        &super::application::ONE,
        &super::application::UPDATE,
        &super::application::SAVE_DOCKER_PROVIDER,
        &super::application::SAVE_ENVIRONMENT,
        &super::application::DEPLOY,
        &super::application::STOP,
        &super::application::START,
        &super::application::DELETE,
        &super::application::READ_LOGS,
        &super::postgres::CREATE,
        &super::postgres::ONE,
        &super::postgres::DEPLOY,
        &super::postgres::SAVE_EXTERNAL_PORT,
        &super::postgres::CHANGE_PASSWORD,
        &super::postgres::REMOVE,
        &super::postgres::READ_LOGS,
        &super::redis::CREATE,
        &super::redis::ONE,
        &super::redis::DEPLOY,
        &super::redis::REMOVE,
        &super::domain::CREATE,
        &super::domain::BY_APPLICATION_ID,
        &super::domain::UPDATE,
        &super::domain::DELETE,
        &super::registry::ALL,
        &super::registry::CREATE,
        &super::deployment::ALL,
        &super::deployment::READ_LOGS,
        &super::deployment::QUEUE_LIST,
        &super::docker::SERVICE_TASKS,
        &super::docker::CONTAINERS,
        &super::docker::CONFIG,
        &super::swarm::NODE_APPS,
        &super::settings::VERSION,
        &super::settings::OPEN_API_DOCUMENT,
        &super::settings::IP,
    ];
}
