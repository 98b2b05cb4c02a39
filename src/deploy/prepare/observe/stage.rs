//! Observing a stage: the server, the DNS zones and the server's address.

use super::address::address_for_records;
use super::scope::ServerScope;
use super::server::observe_server;
use super::zones::observe_records;
use crate::DeployError;
use crate::backup::{BackupPlan, look_at_backups};
use crate::deploy::context::{Backups, Marks, RunContext};
use crate::deploy::request::WaitFor;
use crate::dokploy::Call;
use crate::plan::{Observed, ObservedPostgres, Ownership};
use crate::state::State;
use std::net::IpAddr;

/// Observes the server, the DNS zones and the server's address, side by side.
///
/// # Errors
///
/// `DOKPLOY_*`, `RESOURCE_AMBIGUOUS`, `DNS_*`.
pub(crate) async fn observe_stage(
    context: &RunContext,
    state: Option<&State>,
) -> Result<(Observed, Option<IpAddr>), DeployError> {
    let marks = context.marks();
    let scope = ServerScope {
        marks: &marks,
        apps: &context.declared,
        containers: context.looks_at_containers(),
        pending: context.request.settings.wait_for == WaitFor::Queued,
    };
    let (mut observed, records, server_ip, ()) = tokio::try_join!(
        observe_server(&context.client, scope, state),
        observe_records(context),
        address_for_records(context),
        check_server(context),
    )?;
    observed.records = records;
    let ours = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
    observed.backups = backups(context, ours, state).await?;
    observed.open_port = ours.filter(|found| found.external_port.is_some()).map(|found| found.id.clone());
    Ok((observed, server_ip))
}

/// What of the declared backups is not as it should be.
async fn backups(
    context: &RunContext,
    postgres: Option<&ObservedPostgres>,
    state: Option<&State>,
) -> Result<Vec<String>, DeployError> {
    let Backups { plan: Some(plan), aws } = Backups::of(context, state) else { return Ok(Vec::new()) };
    let database = postgres.map_or_else(|| plan.database.clone(), |found| found.database.clone());
    let plan = BackupPlan { database, ..plan };
    let id = postgres.map(|found| found.id.as_str());
    let known = state.and_then(|state| state.backups.as_ref());
    Ok(look_at_backups(&plan, id, &context.client, &aws, known).await?.reasons)
}

/// Observes the server alone: everything that is deployed, whatever the workspace declares today.
///
/// # Errors
///
/// `DOKPLOY_*`, `RESOURCE_AMBIGUOUS`.
pub(crate) async fn observe_deployed(context: &RunContext, state: Option<&State>) -> Result<Observed, DeployError> {
    check_server(context).await?;
    let marks: Marks = context.marks();
    let mut apps = context.declared.clone();
    apps.extend(state.into_iter().flat_map(|state| state.applications.keys().cloned()));
    apps.extend(context.request.settings.apps.iter().flatten().cloned());
    loop {
        let scope = ServerScope { marks: &marks, apps: &apps, containers: false, pending: false };
        let observed = observe_server(&context.client, scope, state).await?;
        if observed.orphans.is_empty() {
            return Ok(observed);
        }
        // Ours, and neither declared nor in the state: they are observed as well.
        apps.extend(observed.orphans);
    }
}

/// Finds out that the server is one that we can speak to, and that our key may do what the request needs (I1).
async fn check_server(context: &RunContext) -> Result<(), DeployError> {
    let backups = context.request.workspace.deploy.backups.is_some();
    let backups = Call::BACKUPS.iter().filter(|_| backups);
    let needed: Vec<&'static Call> = Call::ALL.iter().chain(backups).copied().collect();
    context.client.check_server(&needed, context.access()).await.map(drop)
}
