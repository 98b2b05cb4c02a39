//! Setting right what an interrupted run left in the middle.

use super::domains::{Adoption, find_adoption};
use super::landing::wait_until_landed;
use crate::DeployError;
use crate::deploy::context::{RunContext, RunLock};
use crate::deploy::database_access::PortTarget;
use crate::state::{Entry, Intent, Journal, Outcome, ResourceKind, SharedState, StageLock, is_exposed_to_git};
use std::sync::Arc;

/// Sets right what an interrupted run left in the middle, as the journal tells.
///
/// # Errors
///
/// `STATE_CORRUPT`, `STATE_IO`, and what closing a port fails with.
pub(crate) async fn recover_interrupted(
    context: &RunContext,
    lock: &RunLock,
    journal: &Journal,
    unfinished: Vec<Entry>,
) -> Result<(), DeployError> {
    // First what must not stay as it is, whatever the server says to the rest.
    let (domains, others): (Vec<_>, Vec<_>) =
        unfinished.into_iter().partition(|entry| matches!(entry.intent, Intent::AttachDomain { .. }));
    for entry in others {
        settle(context, journal, &entry).await?;
    }
    for entry in domains {
        adopt_domain(context, lock.stage(), journal, &entry).await?;
    }
    let (git, root) = (&context.options.surroundings.git, &context.request.workspace.root);
    if is_exposed_to_git(git, root, context.stage()).await {
        let message = "git would not ignore the state file: add `.gkm/` to .gitignore";
        context.reporter.warn("state-exposed", message, None);
    }
    Ok(())
}

/// Sets right one thing that an interrupted run left in the middle.
async fn settle(context: &RunContext, journal: &Journal, entry: &Entry) -> Result<(), DeployError> {
    match &entry.intent {
        Intent::OpenDatabasePort { postgres_id, port, until } => {
            let message = "an interrupted run may have left the database's port open: closing it";
            context.reporter.warn("port-left-open", message, None);
            let (host, surroundings) = (context.database_host(), &context.options.surroundings);
            let target = PortTarget::new(&context.client, postgres_id, &host, surroundings);
            target.close_interrupted(*port, until).await?;
        }
        // Such a request may still take effect: looking before it can have would miss what it makes, takes away or
        // restarts (facts: aborted create).
        Intent::Create { .. }
        | Intent::Delete { .. }
        | Intent::Release { .. }
        | Intent::Update { resource: ResourceKind::Postgres | ResourceKind::Redis, .. } => {
            wait_until_landed(context, entry).await;
        }
        // Sending any of these again, or seeing that it is not needed, is what the plan is for.
        _ => {}
    }
    journal.settle(entry, Outcome::Done).await
}

/// Remembers that a domain is ours which an interrupted run has attached, and had no time to remember (I8).
async fn adopt_domain(
    context: &RunContext,
    lock: &StageLock,
    journal: &Journal,
    entry: &Entry,
) -> Result<(), DeployError> {
    wait_until_landed(context, entry).await;
    // Without a state there is nothing to write it to: the entry waits for one.
    let provider = Arc::clone(&context.state_provider);
    let Some(shared) = SharedState::load(provider, context.stage()).await? else { return Ok(()) };
    let shared = shared.under(lock.clone());
    match find_adoption(context, &shared.snapshot(), &entry.intent).await? {
        Adoption::Of { host, id } => shared.update(|state| state.deploy_native.domains.insert(host, id)).await?,
        Adoption::None => {}
        Adoption::Unknown => return Ok(()),
    }
    journal.settle(entry, Outcome::Done).await
}
