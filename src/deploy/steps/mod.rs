//! What each operation does, one file per kind of resource.

mod application;
mod database;
mod domain;
mod image;
mod intent;
mod project;
mod record;
mod removal;
mod rotation;
mod service;

pub(super) use database::prove_isolation;

use super::apply::Done;
use super::session::Session;
use crate::DeployError;
use crate::plan::{Operation, Step};

/// Carries out one operation, between its journal entries.
///
/// # Errors
///
/// Whatever the operation fails with.
pub(super) async fn run(session: &Session, step: &Step, operation: &Operation) -> Result<Done, DeployError> {
    match intent::intent(session, operation) {
        Some(intent) => session.journaled(step, intent, carry_out(session, step, operation)).await,
        None => carry_out(session, step, operation).await,
    }
}

async fn carry_out(session: &Session, step: &Step, operation: &Operation) -> Result<Done, DeployError> {
    match operation {
        Operation::Keep => Ok(Done::Nothing("unchanged".to_owned())),
        Operation::ClosePort => database::close_leftover(session, step).await,
        Operation::CreateProject => project::create(session, step).await,
        Operation::CreateEnvironment => project::create_environment(session, step).await,
        Operation::MarkEnvironment => project::mark_environment(session).await,
        Operation::ProvisionPostgres => service::postgres(session, step).await,
        Operation::ProvisionRedis => service::redis(session, step).await,
        Operation::ApplyRoles => database::apply_roles(session, step).await,
        Operation::RemoveTwin(twin) => removal::twin(session, step, twin).await,
        Operation::WriteRecord { host } => record::write(session, step, host).await,
        Operation::VerifyRecord { host } => record::verify(session, step, host).await,
        Operation::BuildImage { app } => image::build(session, step, app).await,
        Operation::CreateApplication { app } => application::create(session, step, app).await,
        Operation::MarkApplication { app, description } => application::mark(session, app, description).await,
        Operation::Configure { app, login, unless } => {
            application::configure(session, app, *login, unless.as_deref()).await
        }
        Operation::Deploy { app, login, unless } => {
            application::deploy(session, step, app, *login, unless.as_deref()).await
        }
        Operation::OpenSecondLogins { apps } => rotation::open(session, step, apps).await,
        Operation::ChangePasswords { apps } => rotation::change(session, step, apps).await,
        Operation::CloseSecondLogins { apps } => rotation::close(session, step, apps).await,
        Operation::AttachDomain { app, existing } => domain::attach(session, step, app, existing.as_deref()).await,
        Operation::DetachDomain { id, host, .. } => domain::detach(session, id, host).await,
        Operation::RemoveApplication { app, id } => removal::application(session, app, id).await,
        Operation::RestoreRecord { key } => removal::record(session, key).await,
        Operation::DropRoles { apps } => database::drop_roles(session, step, apps).await,
        Operation::RemovePostgres => removal::postgres(session).await,
        Operation::RemoveRedis => removal::redis(session).await,
        Operation::RemoveEnvironment => removal::environment(session).await,
        Operation::RemoveProject => removal::project(session).await,
    }
}
