//! Domains: attached once their DNS answers, so that no certificate is asked for too early.

use crate::DeployError;
use crate::deploy::apply::graph::StepOutcome;
use crate::deploy::apply::resources::HostCheck;
use crate::deploy::changes::{StepContext, remove};
use crate::deploy::context::ApplicationRef;
use crate::deploy::report::DomainStatus;
use crate::dokploy::{Certificate, CreateDomain, UpdateDomain};
use crate::plan::DesiredApp;
use crate::state::{Intent, Outcome, ResourceKind};

/// Attaches an app's domain, or sets an existing one right; makes known how far it came.
pub(super) async fn attach(
    cx: &StepContext<'_>,
    desired: &DesiredApp,
    existing: Option<&str>,
    application: &ApplicationRef,
    check: Option<HostCheck>,
) -> Result<StepOutcome<DomainStatus>, DeployError> {
    if let Some(HostCheck::Unverified(reason)) = check {
        let reason = format!("waits for DNS: {reason}");
        return Ok(StepOutcome::Unchanged { value: DomainStatus::Pending, reason });
    }
    match existing {
        Some(id) => {
            let (resource, name) = (ResourceKind::Domain, desired.host.clone());
            cx.journaled(Intent::Update { resource, name, id: id.to_owned() }, set_right(cx, desired, id)).await?;
        }
        None => create(cx, desired, application).await?,
    }
    Ok(StepOutcome::Changed(DomainStatus::Attached))
}

async fn set_right(cx: &StepContext<'_>, desired: &DesiredApp, id: &str) -> Result<(), DeployError> {
    let update = UpdateDomain {
        domain_id: id,
        host: &desired.host,
        port: desired.port,
        https: true,
        certificate_type: Certificate::Letsencrypt,
        path: "/",
    };
    cx.client.repeat(|| async { cx.client.domain().update(&update).await }).await?;
    remember(cx, &desired.host, id).await
}

async fn create(cx: &StepContext<'_>, desired: &DesiredApp, application: &ApplicationRef) -> Result<(), DeployError> {
    let host = desired.host.as_str();
    let create = CreateDomain {
        host,
        application_id: &application.id,
        port: desired.port,
        https: true,
        certificate_type: Certificate::Letsencrypt,
    };
    let send = || async { Ok(cx.client.domain().create(&create).await?.domain_id) };
    let find = || async {
        let attached = cx.client.domain().by_application_id(&application.id).await?;
        Ok(attached.into_iter().find(|domain| domain.host == host).map(|domain| domain.domain_id))
    };
    let intent = Intent::AttachDomain { application_id: application.id.clone(), host: host.to_owned() };
    let (id, entry) = cx.create_unsettled(intent, send, find).await?;
    remember(cx, host, &id).await?;
    // Until the state says whose it is, the journal does.
    cx.journal.settle(&entry, Outcome::Done).await
}

async fn remember(cx: &StepContext<'_>, host: &str, id: &str) -> Result<(), DeployError> {
    cx.state.update(|state| state.deploy_native.domains.insert(host.to_owned(), id.to_owned())).await
}

/// Detaches a domain that we attached, once the host name in its place answers: until then the app is reached by this one.
pub(super) async fn detach(
    cx: &StepContext<'_>,
    id: &str,
    host: &str,
    successor: &str,
    check: Option<HostCheck>,
) -> Result<StepOutcome, DeployError> {
    if let Some(HostCheck::Unverified(_)) = check {
        return Ok(StepOutcome::Deferred(format!("it stays until {successor} answers")));
    }
    let intent = Intent::Delete { resource: ResourceKind::Domain, name: host.to_owned(), id: id.to_owned() };
    let change = async {
        remove(&cx.client, || async { cx.client.domain().delete(id).await }).await?;
        cx.state.update(|state| state.deploy_native.domains.remove(id)).await
    };
    cx.journaled(intent, change).await?;
    Ok(StepOutcome::Changed(()))
}
