//! The project and the environment.

use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::changes::StepContext;
use crate::deploy::context::{DEFAULT_ENVIRONMENT, carries};
use crate::dokploy::{Mark, MarkKind, UpdateEnvironment};
use crate::state::{Intent, ResourceKind};

/// Creates the project; makes its id known. A stage that is called like the default environment uses that one.
pub(super) async fn create(cx: &StepContext<'_>) -> Result<StepOutcome<String>, DeployError> {
    let name = cx.marks.workspace.as_str();
    let mark = cx.marks.of_project();
    let description = mark.put_into("Deployed by gkm");
    let send = || async {
        let created = cx.client.project().create(name, Some(&description)).await?;
        Ok(created.project.project_id)
    };
    let find = || async {
        let mut projects = cx.client.project().all().await?.into_iter();
        let ours = projects.find(|project| project.name == name && carries(project.description.as_deref(), &mark));
        Ok(ours.map(|project| project.project_id))
    };
    let intent = Intent::Create { resource: ResourceKind::Project, name: name.to_owned(), mark: mark.format() };
    let id = cx.create_once(intent, send, find).await?;
    cx.state
        .update(|state| {
            state.project_id.clone_from(&id);
            state.deploy_native.endpoint = Some(cx.client.origin());
        })
        .await?;
    Ok(StepOutcome::Changed(id))
}

/// Creates the environment, or takes the default one of our project when the stage is called like it; makes its id known.
pub(super) async fn create_environment(
    cx: &StepContext<'_>,
    project: &str,
) -> Result<StepOutcome<String>, DeployError> {
    let stage = cx.marks.stage.as_str();
    let mark = cx.marks.of(MarkKind::Environment, stage);
    let description = mark.put_into(&format!("Stage {stage} of {}", cx.marks.workspace));
    let default = if stage == DEFAULT_ENVIRONMENT {
        let environments = cx.client.environment().by_project_id(project).await?;
        environments.into_iter().find(|it| it.name == stage).map(|it| it.environment_id)
    } else {
        None
    };
    let id = match default {
        Some(id) => {
            let intent = Intent::Update { resource: ResourceKind::Environment, name: stage.to_owned(), id: id.clone() };
            cx.journaled(intent, set_mark(cx, &id, &description)).await?;
            id
        }
        None => create_named(cx, project, &mark, &description).await?,
    };
    cx.state.update(|state| state.environment_id.clone_from(&id)).await?;
    // From now on another stage sees that something lives in the project.
    cx.leases.project_is_settled();
    Ok(StepOutcome::Changed(id))
}

async fn create_named(
    cx: &StepContext<'_>,
    project: &str,
    mark: &Mark,
    description: &str,
) -> Result<String, DeployError> {
    let stage = cx.marks.stage.as_str();
    let send = || async {
        let made = cx.client.environment().create(stage, project, Some(description)).await?;
        Ok(made.environment_id)
    };
    let find = || async {
        let mut environments = cx.client.environment().by_project_id(project).await?.into_iter();
        let ours = environments.find(|it| it.name == stage && carries(it.description.as_deref(), mark));
        Ok(ours.map(|it| it.environment_id))
    };
    let intent = Intent::Create { resource: ResourceKind::Environment, name: stage.to_owned(), mark: mark.format() };
    cx.create_once(intent, send, find).await
}

/// Puts our mark on an environment that is ours and lacks it.
pub(super) async fn mark_environment(cx: &StepContext<'_>, id: &str) -> Result<StepOutcome, DeployError> {
    let stage = cx.marks.stage.as_str();
    let mark = cx.marks.of(MarkKind::Environment, stage);
    let description = mark.put_into(&format!("Stage {stage} of {}", cx.marks.workspace));
    let (resource, name) = (ResourceKind::Environment, stage.to_owned());
    let change = async {
        set_mark(cx, id, &description).await?;
        cx.state.update(|state| id.clone_into(&mut state.environment_id)).await
    };
    cx.journaled(Intent::Update { resource, name, id: id.to_owned() }, change).await?;
    Ok(StepOutcome::Changed(()))
}

async fn set_mark(cx: &StepContext<'_>, id: &str, description: &str) -> Result<(), DeployError> {
    let update =
        UpdateEnvironment { environment_id: id, description: Some(description), ..UpdateEnvironment::default() };
    cx.client.repeat(|| async { cx.client.environment().update(&update).await }).await?;
    Ok(())
}
