//! Whether the state is of another server than the one that is spoken to: then all that it names seems to be gone.

use crate::deploy::context::RunContext;
use crate::plan::Observed;
use crate::state::State;
use crate::{DeployError, ErrorCode};

/// The server that a state is of, in words, when it is another one than this: it holds what the state names, and this
/// one does not have the state's project.
pub(crate) fn former_server(context: &RunContext, state: &State, observed: &Observed) -> Option<String> {
    let holds_something =
        !state.applications.is_empty() || state.services.postgres_id.is_some() || state.services.redis_id.is_some();
    let here = observed.project.as_ref().is_some_and(|project| project.id == state.project_id);
    if state.project_id.is_empty() || !holds_something || here {
        return None;
    }
    match &state.deploy_native.endpoint {
        // Somebody has removed the project by hand.
        Some(endpoint) if *endpoint == context.client.origin() => None,
        Some(endpoint) => Some(endpoint.clone()),
        None => Some("a server that it does not name".to_owned()),
    }
}

/// Refuses to take what stands on another server for gone.
///
/// # Errors
///
/// `INVALID_REQUEST` with the reason `other-server`, naming both.
pub(crate) fn check_same_server(context: &RunContext, state: &State, observed: &Observed) -> Result<(), DeployError> {
    let Some(former) = former_server(context, state, observed) else { return Ok(()) };
    let here = context.client.origin();
    let message = format!(
        "credentials.dokploy.endpoint: {here} does not have the project that the state names; the state is of {former}"
    );
    Err(DeployError::new(ErrorCode::InvalidRequest, message).resource("project").reason("other-server").hint(format!(
        "Pass the endpoint of the server that the stage stands on. If it is {here} all the same, and somebody removed \
         the project there, set deployNative.endpoint in the state to it"
    )))
}
