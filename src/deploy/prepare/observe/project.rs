//! The project and the environment of a stage.

use super::ownership::{Candidate, Selection, select};
use super::scope::ServerScope;
use crate::DeployError;
use crate::deploy::context::DEFAULT_ENVIRONMENT;
use crate::dokploy::{Dokploy, Environment, MarkKind};
use crate::plan::{Observed, ObservedEnvironment, ObservedProject, Ownership, TwinKind};
use crate::state::State;

/// Finds project and environment; returns the environment with its services.
pub(super) async fn project(
    client: &Dokploy,
    scope: ServerScope<'_>,
    state: Option<&State>,
    observed: &mut Observed,
) -> Result<Option<Environment>, DeployError> {
    let projects = client.project().all().await?;
    let known = state.map(|state| state.project_id.as_str()).filter(|id| !id.is_empty());
    let marked = |description: Option<&str>| scope.marked(description, MarkKind::Project, &scope.marks.workspace);
    let candidates: Vec<Candidate> = projects
        .iter()
        .map(|project| Candidate {
            id: project.project_id.clone(),
            name: project.name.clone(),
            marked: marked(project.description.as_deref()),
            idle: project.is_unused(),
            created_at: project.created_at.clone(),
        })
        .collect();
    let Selection { chosen, twins } = select(TwinKind::Project, &scope.marks.workspace, known, &candidates)?;
    let Some((id, ownership)) = chosen else { return Ok(None) };
    observed.twins.extend(twins);
    let environments = client.environment().by_project_id(&id).await?;
    let found = environment(scope, state, ownership, &environments, observed)?;
    let others = environments.iter().filter(|other| {
        Some(&other.environment_id) != found.as_ref().map(|found| &found.environment_id)
            && !(other.is_default && other.is_empty())
            && observed.twins.iter().all(|twin| twin.id != other.environment_id)
    });
    let other_environments = others.map(|other| other.name.clone()).collect();
    observed.project = Some(ObservedProject { id, ownership, other_environments });
    Ok(found)
}

fn environment(
    scope: ServerScope<'_>,
    state: Option<&State>,
    project: Ownership,
    environments: &[Environment],
    observed: &mut Observed,
) -> Result<Option<Environment>, DeployError> {
    let marked = |environment: &Environment| {
        scope.marked(environment.description.as_deref(), MarkKind::Environment, &scope.marks.stage)
    };
    let candidates: Vec<Candidate> = environments
        .iter()
        .map(|environment| Candidate {
            id: environment.environment_id.clone(),
            name: environment.name.clone(),
            marked: marked(environment),
            idle: environment.is_empty(),
            created_at: environment.environment_id.clone(),
        })
        .collect();
    let known = state.map(|state| state.environment_id.as_str()).filter(|id| !id.is_empty());
    let Selection { chosen, twins } = select(TwinKind::Environment, &scope.marks.stage, known, &candidates)?;
    observed.twins.extend(twins);
    let Some((id, ownership)) = chosen else { return Ok(None) };
    let Some(found) = environments.iter().find(|environment| environment.environment_id == id) else { return Ok(None) };
    // The default environment of our own project came with it, and is ours as long as nobody else uses it.
    let came_with_it = found.is_default && project == Ownership::Ours && found.name == DEFAULT_ENVIRONMENT;
    let ownership = if came_with_it { Ownership::Ours } else { ownership };
    observed.environment = Some(ObservedEnvironment {
        id,
        ownership,
        marked: marked(found),
        is_default: found.is_default,
        others: Vec::new(),
    });
    Ok(Some(found.clone()))
}
