//! What is fixed about a call: its name, its method, the fields we send, how long it may take.

/// The HTTP method of a call: queries are read with GET, mutations are sent with POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; may be repeated.
    Get,
    /// Changes something; is never repeated once anything of it was sent.
    Post,
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// A read.
    Read,
    /// A change that the server makes at once.
    Write,
    /// A change during which the server may pull an image: the deployment of a database, a change of its port.
    Long,
}

/// One call of Dokploy's API as this client makes it.
///
/// The client sends from it, and the contract check compares it with the server's own `OpenAPI` document: both speak
/// of the same fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// Router and procedure, for instance `application.create`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: Method,
    /// The fields that every such request carries.
    pub always: &'static [&'static str],
    /// The fields that some such requests carry.
    pub sometimes: &'static [&'static str],
    /// How long it may take.
    pub patience: Patience,
}

impl Call {
    /// A query that carries these fields.
    pub(crate) const fn get(name: &'static str, always: &'static [&'static str]) -> Self {
        Self { name, method: Method::Get, always, sometimes: &[], patience: Patience::Read }
    }

    /// A mutation that carries these fields.
    pub(crate) const fn post(name: &'static str, always: &'static [&'static str]) -> Self {
        Self { name, method: Method::Post, always, sometimes: &[], patience: Patience::Write }
    }

    /// Some requests carry these fields as well.
    pub(crate) const fn sometimes(self, sometimes: &'static [&'static str]) -> Self {
        Self { sometimes, ..self }
    }

    /// The server may pull an image during the call.
    pub(crate) const fn long(self) -> Self {
        Self { patience: Patience::Long, ..self }
    }

    /// Whether `fields` are what a request of this call carries.
    pub(crate) fn carries<'a>(&self, fields: &(impl Iterator<Item = &'a str> + Clone)) -> bool {
        let known = |field: &str| self.always.contains(&field) || self.sometimes.contains(&field);
        fields.clone().all(known) && self.always.iter().all(|name| fields.clone().any(|field| field == *name))
    }

    /// Every call that this client can make.
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
