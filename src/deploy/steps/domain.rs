//! Domains: attached once their DNS answers, so that no certificate is asked for too early.

use crate::DeployError;
use crate::deploy::apply::Done;
use crate::deploy::create::{create_unsettled, remove};
use crate::deploy::report::DomainStatus;
use crate::deploy::session::Session;
use crate::dokploy::{Certificate, CreateDomain, UpdateDomain};
use crate::plan::Step;
use crate::state::{Entry, Intent, Outcome};

/// Attaches an app's domain, or sets an existing one right.
pub(super) async fn attach(
    session: &Session,
    step: &Step,
    app: &str,
    existing: Option<&str>,
) -> Result<Done, DeployError> {
    let desired = &session.desired.apps[app];
    let waits = session.world().unverified.get(&desired.host).cloned();
    if let Some(reason) = waits {
        session.world().domains.insert(app.to_owned(), DomainStatus::Pending);
        return Ok(Done::Nothing(format!("waits for DNS: {reason}")));
    }
    let (application, _) = session.application(app)?;
    let (id, created) = if let Some(id) = existing {
        let update = UpdateDomain {
            domain_id: id,
            host: &desired.host,
            port: desired.port,
            https: true,
            certificate_type: Certificate::Letsencrypt,
            path: "/",
        };
        session.client.repeat(|| async { session.client.domain().update(&update).await }).await?;
        (id.to_owned(), None)
    } else {
        let (id, entry) = create(session, step, &application, &desired.host, desired.port).await?;
        (id, Some(entry))
    };
    session.world().domains.insert(app.to_owned(), DomainStatus::Attached);
    session.state.update(|state| state.deploy_native.domains.insert(desired.host.clone(), id)).await?;
    // Until the state says whose it is, the journal does.
    if let Some(entry) = created {
        session.journal.settle(&entry, Outcome::Done).await?;
    }
    Ok(Done::Changed)
}

async fn create(
    session: &Session,
    step: &Step,
    application: &str,
    host: &str,
    port: u16,
) -> Result<(String, Entry), DeployError> {
    let create = CreateDomain {
        host,
        application_id: application,
        port,
        https: true,
        certificate_type: Certificate::Letsencrypt,
    };
    let send = || async { Ok(session.client.domain().create(&create).await?.domain_id) };
    let find = || async {
        let attached = session.client.domain().by_application_id(application).await?;
        Ok(attached.into_iter().find(|domain| domain.host == host).map(|domain| domain.domain_id))
    };
    let intent = Intent::AttachDomain { application_id: application.to_owned(), host: host.to_owned() };
    create_unsettled(&session.journal, &step.id, intent, session.surroundings.landing, send, find).await
}

/// Detaches a domain that we attached, once the host name in its place answers: until then the app is reached by this one.
pub(super) async fn detach(session: &Session, id: &str, waits_for: &str) -> Result<Done, DeployError> {
    if session.world().unverified.contains_key(waits_for) {
        return Ok(Done::Waits(format!("it stays until {waits_for} answers")));
    }
    remove(&session.client, || async { session.client.domain().delete(id).await }).await?;
    session.state.update(|state| state.deploy_native.domains.remove(id)).await?;
    Ok(Done::Changed)
}
