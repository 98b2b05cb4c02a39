//! The services: Postgres and Redis.

use super::ownership::{Selection, select};
use super::scope::ServerScope;
use crate::DeployError;
use crate::deploy::context::{POSTGRES_NAME, REDIS_NAME};
use crate::dokploy::{ApiError, Dokploy, Environment, Failure, MarkKind, ServiceStatus, TaskState};
use crate::plan::{ObservedPostgres, ObservedRedis, ServiceDeployment, Twin, TwinKind};
use crate::state::State;

pub(super) async fn postgres(
    client: &Dokploy,
    scope: ServerScope<'_>,
    state: Option<&State>,
    environment: &Environment,
) -> Result<(Option<ObservedPostgres>, Vec<Twin>), DeployError> {
    let known = state.and_then(|state| state.services.postgres_id.as_deref());
    let listed = scope.candidates(&environment.postgres, MarkKind::Postgres, POSTGRES_NAME);
    let Selection { chosen, twins } = select(TwinKind::Postgres, POSTGRES_NAME, known, &listed)?;
    let Some((id, ownership)) = chosen else { return Ok((None, twins)) };
    let record = match client.postgres().one(&id).await {
        Err(error) if error.is_not_found() => return Ok((None, twins)),
        record => record?,
    };
    let found = ObservedPostgres {
        external_port: record.open_port(),
        deployment: deployment(client, record.application_status, &record.app_name).await?,
        id: record.postgres_id,
        app_name: record.app_name,
        ownership,
        image: record.docker_image.unwrap_or_default(),
        database: record.database_name,
        user: record.database_user,
        password: Some(record.database_password).filter(|password| !password.expose().is_empty()),
    };
    Ok((Some(found), twins))
}

pub(super) async fn redis(
    client: &Dokploy,
    scope: ServerScope<'_>,
    state: Option<&State>,
    environment: &Environment,
) -> Result<(Option<ObservedRedis>, Vec<Twin>), DeployError> {
    let known = state.and_then(|state| state.services.redis_id.as_deref());
    let listed = scope.candidates(&environment.redis, MarkKind::Redis, REDIS_NAME);
    let Selection { chosen, twins } = select(TwinKind::Redis, REDIS_NAME, known, &listed)?;
    let Some((id, ownership)) = chosen else { return Ok((None, twins)) };
    let record = match client.redis().one(&id).await {
        Err(error) if error.is_not_found() => return Ok((None, twins)),
        record => record?,
    };
    let found = ObservedRedis {
        deployment: deployment(client, record.application_status, &record.app_name).await?,
        id: record.redis_id,
        app_name: record.app_name,
        ownership,
        image: record.docker_image.unwrap_or_default(),
        password: Some(record.database_password).filter(|password| !password.expose().is_empty()),
    };
    Ok((Some(found), twins))
}

/// What became of a service's newest deployment. What really runs counts where the server does not say that it is done: a
/// deployment that failed, for instance since its image could not be pulled, leaves running what ran before.
async fn deployment(client: &Dokploy, status: ServiceStatus, app_name: &str) -> Result<ServiceDeployment, DeployError> {
    let otherwise = match status {
        ServiceStatus::Done => return Ok(ServiceDeployment::Done),
        ServiceStatus::Idle => ServiceDeployment::Never,
        ServiceStatus::Running => ServiceDeployment::UnderWay,
        ServiceStatus::Error | ServiceStatus::Unknown => ServiceDeployment::Failed,
    };
    Ok(if has_running_task(client, app_name).await? { ServiceDeployment::Outlived } else { otherwise })
}

/// Whether a task of a service runs; a key that may not look at tasks sees none.
///
/// # Errors
///
/// `DOKPLOY_*` when the server fails.
pub(crate) async fn has_running_task(client: &Dokploy, app_name: &str) -> Result<bool, ApiError> {
    match client.tasks(app_name).await {
        Ok(tasks) => Ok(tasks.iter().any(|task| task.desired && task.state == TaskState::Running)),
        Err(error) if matches!(error.failure(), Failure::Forbidden { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
