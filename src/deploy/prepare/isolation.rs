//! The draft of a proof of isolation: observe, recover, one step. Makes only reads.

use super::desired_state::no_apps_desired;
use super::draft::Draft;
use super::login_rotation;
use super::observe::observe_deployed;
use super::outdated::refresh;
use super::resolver::{AppResolver, Generated};
use super::services::database_route;
use crate::deploy::context::{RunContext, hide_state, selected_apps};
use crate::plan::{Action, Blueprint, Observed, Operation, Ownership, Step, recover};
use crate::state::State;
use crate::{DeployError, ErrorCode, Phase};
use std::collections::BTreeMap;

/// Works out which roles a proof of isolation tries.
///
/// # Errors
///
/// `INVALID_REQUEST` with the reason `not-provisioned` when there is nothing to prove; `DOKPLOY_*`, `STATE_*`.
pub(crate) async fn draft_isolation_proof(context: &RunContext) -> Result<Draft, DeployError> {
    // Refuses apps that the workspace does not have.
    selected_apps(&context.request.workspace, &context.request.settings)?;
    context.reporter.phase(Phase::Observe);
    let kept = context.read_state().await?;
    let observed = observe_deployed(context, kept.as_ref()).await?;
    let mut state = kept.clone().unwrap_or_else(|| State::new(context.stage()));
    refresh(context, &mut state, &observed);
    // Nothing is generated or written here: what the server still knows of a lost state will do.
    recover(&mut state, &observed, &login_rotation::logins(&context.declared), context.entropy())?;
    hide_state(&context.redactor, &state);
    let resolver = AppResolver::for_no_app(context);
    let (database, master) = database_of(context, &observed)?;
    let roles = resolver.roles(&state, &database, &master)?.filter(|roles| !roles.apps().is_empty());
    let roles = roles.ok_or_else(|| nothing_to_prove(context, "no app has a role in the database"))?;
    let mut blueprint = Blueprint::default();
    let step = Step::new("database:isolation", Action::Keep, "database roles", "their isolation is to be proven");
    blueprint.operations.insert(step.id.clone(), Operation::ProveIsolation);
    blueprint.plan.steps.push(step);
    let route = database_route(&context.request, observed.postgres.as_ref(), &state);
    let (desired, generated, past) = (no_apps_desired(context), Generated::default(), BTreeMap::new());
    Ok(Draft { kept, state, observed, desired, blueprint, resolver, generated, roles: Some(roles), route, past })
}

/// The database's name and its master.
fn database_of(context: &RunContext, observed: &Observed) -> Result<(String, String), DeployError> {
    let ours = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
    let found = ours.ok_or_else(|| nothing_to_prove(context, "the server has no Postgres service of ours"))?;
    Ok((found.database.clone(), found.user.clone()))
}

/// A stage of which nothing can be proven: that is no success.
fn nothing_to_prove(context: &RunContext, why: &str) -> DeployError {
    DeployError::new(
        ErrorCode::InvalidRequest,
        format!("stage `{}`: there is no isolation to verify: {why}", context.stage()),
    )
    .resource("postgres")
    .reason("not-provisioned")
    .hint("Deploy the stage first, or call initializePostgresUsers")
}
