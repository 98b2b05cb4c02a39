//! The services: Postgres and Redis.

use super::select::{Selection, select};
use super::{POSTGRES_NAME, REDIS_NAME, Scope};
use crate::DeployError;
use crate::dokploy::{Dokploy, Environment, MarkKind, ServiceStatus};
use crate::plan::{ObservedPostgres, ObservedRedis, Twin, TwinKind};
use crate::state::State;

pub(super) async fn postgres(
    client: &Dokploy,
    scope: Scope<'_>,
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
        deployed: record.application_status == ServiceStatus::Done,
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
    scope: Scope<'_>,
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
        deployed: record.application_status == ServiceStatus::Done,
        id: record.redis_id,
        app_name: record.app_name,
        ownership,
        image: record.docker_image.unwrap_or_default(),
        password: Some(record.database_password).filter(|password| !password.expose().is_empty()),
    };
    Ok((Some(found), twins))
}
