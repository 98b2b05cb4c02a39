//! Proving isolation on its own, outside a deployment.

use super::begin::{Hold, begin};
use super::prepare;
use super::ready::Ready;
use super::rotation;
use super::run::session;
use super::steps;
use crate::plan::{Action, Observed, Ownership, Step, recover};
use crate::postgres::IsolationReport;
use crate::state::{SharedState, State, StateProvider};
use crate::{DeployError, ErrorCode, Phase};
use async_trait::async_trait;
use std::sync::Arc;

/// Runs the proof on the stage's database, by the way that its deployments take.
///
/// # Errors
///
/// As [`super::verify_isolation`].
pub(super) async fn verify(ready: &Ready, hold: &Hold) -> Result<IsolationReport, DeployError> {
    prepare::selected_apps(&ready.request.workspace, &ready.request.settings)?;
    let journal = begin(ready, hold).await?;
    ready.phase(Phase::Observe);
    let kept = ready.state().await?;
    let observed = ready.look_at_server(kept.as_ref()).await?;
    let mut state = kept.unwrap_or_else(|| State::new(ready.stage()));
    // Nothing is generated or written here: what the server still knows of a lost state will do.
    let entropy = ready.options.surroundings.entropy.as_ref();
    recover(&mut state, &observed, &rotation::logins(&ready.declared), entropy)?;
    prepare::know_state(&ready.redactor, &state);
    let resolver = ready.no_resolver();
    let (database, master) = database_of(ready, &observed)?;
    let roles = resolver.roles(&state, &database, &master)?;
    let roles = roles
        .filter(|roles| !roles.apps().is_empty())
        .ok_or_else(|| nothing_there(ready, "no app has a role in the database"))?;
    let shared = SharedState::start(Arc::new(Unwritten), state);
    let session = session(ready, hold, shared, journal, &observed, ready.nothing_desired(), resolver, Some(roles));
    let report = steps::prove_isolation(&session, &step()).await;
    session.journal.compact().await?;
    report
}

/// What is learned on the way is not kept.
struct Unwritten;

#[async_trait]
impl StateProvider for Unwritten {
    async fn read(&self, _stage: &str) -> Result<Option<State>, DeployError> {
        Ok(None)
    }

    async fn write(&self, _stage: &str, _state: &State) -> Result<(), DeployError> {
        Ok(())
    }
}

/// The database's name and its master.
fn database_of(ready: &Ready, observed: &Observed) -> Result<(String, String), DeployError> {
    let ours = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
    let found = ours.ok_or_else(|| nothing_there(ready, "the server has no Postgres service of ours"))?;
    Ok((found.database.clone(), found.user.clone()))
}

/// A stage of which nothing can be proven: that is no success.
fn nothing_there(ready: &Ready, why: &str) -> DeployError {
    DeployError::new(
        ErrorCode::InvalidRequest,
        format!("stage `{}`: there is no isolation to verify: {why}", ready.stage()),
    )
    .resource("postgres")
    .reason("not-provisioned")
    .hint("Deploy the stage first, or call initializePostgresUsers")
}

/// The one step of it, for its events and its journal.
fn step() -> Step {
    Step::new("database:isolation", Action::Keep, "database roles", "their isolation is to be proven")
}
