//! Removing what is ours. Each resource leaves the state as it goes.

use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::{StepContext, becomes_idle, delete_application, remove};
use crate::deploy::context::{POSTGRES_NAME, PostgresService, REDIS_NAME, RedisService};
use crate::state::{Intent, ResourceKind, State};
use crate::{DeployError, ErrorCode};
use std::future::Future;

/// Removes something between its journal entries, and forgets it.
async fn removed<E: Into<DeployError>>(
    cx: &StepContext<'_>,
    resource: ResourceKind,
    name: &str,
    id: &str,
    removal: impl Future<Output = Result<(), E>>,
    forget: impl FnOnce(&mut State),
) -> Result<StepOutcome, DeployError> {
    let change = async {
        removal.await.map_err(Into::into)?;
        cx.state.update(forget).await
    };
    cx.journaled(Intent::Delete { resource, name: name.to_owned(), id: id.to_owned() }, change).await?;
    Ok(StepOutcome::Changed(()))
}

/// Removes an app's application, and with it its domains.
///
/// A deployment that is under way is waited for.
pub(super) async fn application(
    cx: &StepContext<'_>,
    app: &str,
    id: &str,
    domains: &[String],
) -> Result<StepOutcome, DeployError> {
    let removal = async {
        if !becomes_idle(&cx.client, id, cx.surroundings.wait.deployment_deadline).await {
            let message = format!("A deployment of {app} does not come to its end");
            return Err(DeployError::new(ErrorCode::DokployRequest, message)
                .reason("deployment-under-way")
                .hint("Cancel it on the server, or wait for it, then undeploy again"));
        }
        Ok(delete_application(&cx.client, id).await?)
    };
    let forget = |state: &mut State| {
        state.applications.shift_remove(app);
        state.deploy_native.deployed.remove(app);
        for id in domains {
            state.deploy_native.domains.remove(id);
        }
    };
    removed(cx, ResourceKind::Application, app, id, removal, forget).await
}

/// Removes the Postgres service, with its data.
pub(super) async fn postgres(cx: &StepContext<'_>, service: &PostgresService) -> Result<StepOutcome, DeployError> {
    let removal = remove(&cx.client, || async { cx.client.postgres().remove(&service.id).await });
    let forget = |state: &mut State| {
        state.services.postgres_id = None;
        state.app_credentials.clear();
        state.deploy_native.rotations.clear();
        state.deploy_native.passwords.postgres = None;
        state.deploy_native.database = None;
    };
    removed(cx, ResourceKind::Postgres, POSTGRES_NAME, &service.id, removal, forget).await
}

/// Removes the Redis service, with its data.
pub(super) async fn redis(cx: &StepContext<'_>, service: &RedisService) -> Result<StepOutcome, DeployError> {
    let removal = remove(&cx.client, || async { cx.client.redis().remove(&service.id).await });
    let forget = |state: &mut State| {
        state.services.redis_id = None;
        state.deploy_native.passwords.redis = None;
    };
    removed(cx, ResourceKind::Redis, REDIS_NAME, &service.id, removal, forget).await
}

/// Removes the environment, after a last look that nothing lives in it: the server would refuse.
pub(super) async fn environment(cx: &StepContext<'_>, id: &str) -> Result<StepOutcome, DeployError> {
    match cx.client.environment().one(id).await {
        Ok(found) if !found.is_empty() => return Ok(StepOutcome::unchanged("services live in it")),
        Err(error) if !error.is_not_found() => return Err(error.into()),
        _ => {}
    }
    let removal = remove(&cx.client, || async { cx.client.environment().remove(id).await });
    let forget = |state: &mut State| state.environment_id = String::new();
    removed(cx, ResourceKind::Environment, &cx.marks.stage, id, removal, forget).await
}

/// Removes the project, after a last look that no service runs in it: the server would leave them running as orphans.
pub(super) async fn project(cx: &StepContext<'_>, id: &str) -> Result<StepOutcome, DeployError> {
    let environments = cx.client.environment().by_project_id(id).await?;
    if environments.iter().any(|environment| !environment.is_empty()) {
        return Ok(StepOutcome::unchanged("services live in it"));
    }
    let removal = remove(&cx.client, || async { cx.client.project().remove(id).await });
    let forget = |state: &mut State| {
        state.project_id = String::new();
        state.environment_id = String::new();
    };
    removed(cx, ResourceKind::Project, &cx.marks.workspace, id, removal, forget).await
}
