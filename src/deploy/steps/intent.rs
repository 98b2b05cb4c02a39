//! What the journal says of an operation that makes its changes in one go (I3).

use crate::deploy::observe::{POSTGRES_NAME, REDIS_NAME};
use crate::deploy::session::Session;
use crate::plan::{Operation, Twin, TwinKind};
use crate::state::{Intent, ResourceKind};

/// The intent of an operation; none where it changes nothing on the server, or keeps the journal itself: those that
/// create, deploy, or write a record.
pub(super) fn intent(session: &Session, operation: &Operation) -> Option<Intent> {
    let world = session.world();
    let application = |app: &str| world.applications.get(app).map(|(id, _)| id.clone()).unwrap_or_default();
    let postgres = || world.postgres.as_ref().map(|found| found.id.clone()).unwrap_or_default();
    let redis = || world.redis.as_ref().map(|(id, _)| id.clone()).unwrap_or_default();
    let intent = match operation {
        Operation::MarkEnvironment => {
            update(ResourceKind::Environment, &session.desired.stage, world.environment.clone().unwrap_or_default())
        }
        Operation::ClosePort => update(ResourceKind::Postgres, POSTGRES_NAME, postgres()),
        Operation::ApplyRoles => update(ResourceKind::Role, POSTGRES_NAME, postgres()),
        Operation::MarkApplication { app, .. } | Operation::Configure { app, .. } => {
            update(ResourceKind::Application, app, application(app))
        }
        Operation::AttachDomain { app, existing: Some(id) } => {
            let host = session.desired.apps.get(app).map(|desired| desired.host.as_str());
            update(ResourceKind::Domain, host.unwrap_or_default(), id.clone())
        }
        Operation::DetachDomain { id, host, .. } => delete(ResourceKind::Domain, host, id.clone()),
        Operation::RemoveApplication { app, id } => delete(ResourceKind::Application, app, id.clone()),
        Operation::RemoveTwin(Twin { kind, id, name }) => delete(kind_of(*kind), name, id.clone()),
        Operation::OpenSecondLogins { apps } | Operation::ChangePasswords { apps } => {
            update(ResourceKind::Role, &apps.join(", "), postgres())
        }
        Operation::DropRoles { apps } | Operation::CloseSecondLogins { apps } => {
            delete(ResourceKind::Role, &apps.join(", "), postgres())
        }
        Operation::RemovePostgres => delete(ResourceKind::Postgres, POSTGRES_NAME, postgres()),
        Operation::RemoveRedis => delete(ResourceKind::Redis, REDIS_NAME, redis()),
        Operation::RemoveEnvironment => {
            let id = world.environment.clone().unwrap_or_default();
            delete(ResourceKind::Environment, &session.desired.stage, id)
        }
        Operation::RemoveProject => {
            let id = world.project.clone().unwrap_or_default();
            delete(ResourceKind::Project, &session.desired.workspace, id)
        }
        Operation::RestoreRecord { key, .. } => {
            let state = session.state.snapshot();
            Intent::DnsDelete { host: state.dns_records.get(key)?.host() }
        }
        Operation::Keep
        | Operation::CreateProject
        | Operation::CreateEnvironment
        | Operation::ProvisionPostgres
        | Operation::ProvisionRedis
        | Operation::WriteRecord { .. }
        | Operation::VerifyRecord { .. }
        | Operation::BuildImage { .. }
        | Operation::CreateApplication { .. }
        | Operation::Deploy { .. }
        | Operation::AttachDomain { existing: None, .. } => return None,
    };
    Some(intent)
}

fn update(resource: ResourceKind, name: &str, id: String) -> Intent {
    Intent::Update { resource, name: name.to_owned(), id }
}

fn delete(resource: ResourceKind, name: &str, id: String) -> Intent {
    Intent::Delete { resource, name: name.to_owned(), id }
}

fn kind_of(twin: TwinKind) -> ResourceKind {
    match twin {
        TwinKind::Project => ResourceKind::Project,
        TwinKind::Environment => ResourceKind::Environment,
        TwinKind::Application | TwinKind::Job => ResourceKind::Application,
        TwinKind::Postgres => ResourceKind::Postgres,
        TwinKind::Redis => ResourceKind::Redis,
        TwinKind::Domain => ResourceKind::Domain,
    }
}
