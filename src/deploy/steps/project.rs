//! The project and the environment.

use crate::DeployError;
use crate::deploy::apply::Done;
use crate::deploy::create::create_once;
use crate::deploy::observe::DEFAULT_ENVIRONMENT;
use crate::deploy::session::Session;
use crate::dokploy::{Environment, Mark, MarkKind, UpdateEnvironment};
use crate::plan::Step;
use crate::state::{Intent, ResourceKind};

/// Creates the project. A stage that is called like the default environment uses that one.
pub(super) async fn create(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let name = session.desired.workspace.as_str();
    let mark = session.scope().project_mark();
    let description = mark.put_into("Deployed by gkm");
    let send = || async {
        let created = session.client.project().create(name, Some(&description)).await?;
        Ok(created.project.project_id)
    };
    let find = || async {
        let projects = session.client.project().all().await?;
        let ours = |text: Option<&str>| text.and_then(Mark::parse).is_some_and(|found| found == mark);
        Ok(projects
            .into_iter()
            .find(|project| project.name == name && ours(project.description.as_deref()))
            .map(|project| project.project_id))
    };
    let intent = Intent::Create { resource: ResourceKind::Project, name: name.to_owned(), mark: mark.format() };
    let landing = session.surroundings.landing;
    let id = create_once(&session.journal, &step.id, intent, landing, send, find).await?;
    session.world().project = Some(id.clone());
    session
        .state
        .update(|state| {
            state.project_id = id;
            state.deploy_native.endpoint = Some(session.client.origin());
        })
        .await?;
    Ok(Done::Changed)
}

/// Creates the environment, or takes the default one of our project when the stage is called like it.
pub(super) async fn create_environment(session: &Session, step: &Step) -> Result<Done, DeployError> {
    let project = session.world().project.clone().unwrap_or_default();
    let stage = session.desired.stage.as_str();
    let mark = session.scope().mark(MarkKind::Environment, stage);
    let description = mark.put_into(&format!("Stage {stage} of {}", session.desired.workspace));
    let id = if stage == DEFAULT_ENVIRONMENT {
        let environments = session.client.environment().by_project_id(&project).await?;
        environments.into_iter().find(|it| it.name == stage).map(|it| it.environment_id)
    } else {
        None
    };
    let id = if let Some(id) = id {
        set_mark(session, &id, &description).await?;
        id
    } else {
        create_named(session, step, &project, &mark, &description).await?
    };
    session.world().environment = Some(id.clone());
    session.state.update(|state| state.environment_id = id).await?;
    Ok(Done::Changed)
}

async fn create_named(
    session: &Session,
    step: &Step,
    project: &str,
    mark: &Mark,
    description: &str,
) -> Result<String, DeployError> {
    let stage = session.desired.stage.as_str();
    let send = || async {
        let made = session.client.environment().create(stage, project, Some(description)).await?;
        Ok(made.environment_id)
    };
    let find = || async {
        let environments = session.client.environment().by_project_id(project).await?;
        Ok(environments.into_iter().find(|it| is_ours(it, stage, mark)).map(|it| it.environment_id))
    };
    let intent = Intent::Create { resource: ResourceKind::Environment, name: stage.to_owned(), mark: mark.format() };
    create_once(&session.journal, &step.id, intent, session.surroundings.landing, send, find).await
}

fn is_ours(environment: &Environment, stage: &str, mark: &Mark) -> bool {
    environment.name == stage && environment.description.as_deref().and_then(Mark::parse).as_ref() == Some(mark)
}

/// Puts our mark on an environment that is ours and lacks it.
pub(super) async fn mark_environment(session: &Session) -> Result<Done, DeployError> {
    let stage = session.desired.stage.as_str();
    let mark = session.scope().mark(MarkKind::Environment, stage);
    let id = session.environment()?;
    set_mark(session, &id, &mark.put_into(&format!("Stage {stage} of {}", session.desired.workspace))).await?;
    session.state.update(|state| state.environment_id.clone_from(&id)).await?;
    Ok(Done::Changed)
}

async fn set_mark(session: &Session, id: &str, description: &str) -> Result<(), DeployError> {
    let update =
        UpdateEnvironment { environment_id: id, description: Some(description), ..UpdateEnvironment::default() };
    session.client.repeat(|| async { session.client.environment().update(&update).await }).await?;
    Ok(())
}
