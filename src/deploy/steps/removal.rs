//! Removing what is ours, and putting back what stood there before (I8). Each resource leaves the state as it goes.

use super::record::provider;
use crate::deploy::apply::Done;
use crate::deploy::create::remove;
use crate::deploy::delete::{becomes_idle, delete_now};
use crate::deploy::inside;
use crate::deploy::session::Session;
use crate::dns::DnsRecord;
use crate::plan::{HostZone, Step, Twin, TwinKind};
use crate::{DeployError, ErrorCode};

/// Removes an app's application, and with it its domains.
///
/// A deployment that is under way is waited for.
pub(super) async fn application(session: &Session, app: &str, id: &str) -> Result<Done, DeployError> {
    if !becomes_idle(&session.client, id, session.surroundings.wait.deployment_deadline).await {
        return Err(DeployError::new(
            ErrorCode::DokployRequest,
            format!("A deployment of {app} does not come to its end"),
        )
        .reason("deployment-under-way")
        .hint("Cancel it on the server, or wait for it, then undeploy again"));
    }
    delete_now(&session.client, id).await?;
    let domains: Vec<String> = session.domains.get(app).cloned().unwrap_or_default();
    session
        .state
        .update(|state| {
            state.applications.shift_remove(app);
            state.deploy_native.deployed.remove(app);
            for id in &domains {
                state.deploy_native.domains.remove(id);
            }
        })
        .await?;
    Ok(Done::Changed)
}

/// Takes our A record away, and puts back what stood there before. A record that somebody changed since is left alone, and
/// so is one whose app has `moved` to a host name that does not answer yet.
pub(super) async fn record(session: &Session, key: &str, moved: Option<&str>) -> Result<Done, DeployError> {
    if let Some(desired) = moved.and_then(|app| session.desired.apps.get(app))
        && session.world().unverified.contains_key(&desired.host)
    {
        return Ok(Done::Waits(format!("it stays until {} answers", desired.host)));
    }
    let state = session.state.snapshot();
    let Some(record) = state.dns_records.get(key) else { return Ok(Done::Nothing("it is gone already".to_owned())) };
    let zone = HostZone {
        root: record.domain.clone(),
        name: record.name.clone(),
        provider: String::new(),
        ttl: record.ttl,
        manual: false,
    };
    let provider = provider(session, &zone)?;
    let set = |values: Vec<String>, ttl: u32| DnsRecord {
        name: record.name.clone(),
        record_type: "A".to_owned(),
        ttl,
        values,
    };
    let now = provider.get_records(&zone.root).await?;
    let stands = now.iter().find(|set| set.name == record.name && set.record_type == "A");
    let ours = stands.is_some_and(|stands| stands.values == [record.value.as_str()]);
    let done = match (&record.previous, ours) {
        (_, false) => Done::Nothing("it no longer is as we wrote it".to_owned()),
        (Some(previous), true) => {
            provider.upsert_records(&zone.root, &[set(previous.values.clone(), previous.ttl)]).await?;
            Done::Changed
        }
        (None, true) => {
            provider.delete_records(&zone.root, &[set(vec![record.value.clone()], record.ttl)]).await?;
            Done::Changed
        }
    };
    let host = record.host();
    session
        .state
        .update(|state| {
            state.dns_records.shift_remove(key);
            state.dns_verified.shift_remove(&host);
        })
        .await?;
    Ok(done)
}

/// Removes the Postgres service, with its data.
pub(super) async fn postgres(session: &Session) -> Result<Done, DeployError> {
    let service = session.postgres()?;
    remove(&session.client, || async { session.client.postgres().remove(&service.id).await }).await?;
    session
        .state
        .update(|state| {
            state.services.postgres_id = None;
            state.app_credentials.clear();
            state.deploy_native.rotations.clear();
            state.deploy_native.passwords.postgres = None;
            state.deploy_native.database = None;
        })
        .await?;
    Ok(Done::Changed)
}

/// Removes the Redis service, with its data.
pub(super) async fn redis(session: &Session) -> Result<Done, DeployError> {
    let Some((id, _)) = session.world().redis.clone() else {
        return Ok(Done::Nothing("it is gone already".to_owned()));
    };
    remove(&session.client, || async { session.client.redis().remove(&id).await }).await?;
    session
        .state
        .update(|state| {
            state.services.redis_id = None;
            state.deploy_native.passwords.redis = None;
        })
        .await?;
    Ok(Done::Changed)
}

/// Removes the environment, after a last look that nothing lives in it: the server would refuse.
pub(super) async fn environment(session: &Session) -> Result<Done, DeployError> {
    let id = session.environment()?;
    match session.client.environment().one(&id).await {
        Ok(found) if !found.is_empty() => return Ok(Done::Nothing("services live in it".to_owned())),
        Err(error) if !error.is_not_found() => return Err(error.into()),
        _ => {}
    }
    remove(&session.client, || async { session.client.environment().remove(&id).await }).await?;
    session.state.update(|state| state.environment_id = String::new()).await?;
    Ok(Done::Changed)
}

/// Removes the project, after a last look that no service runs in it: the server would leave them running as orphans.
pub(super) async fn project(session: &Session) -> Result<Done, DeployError> {
    let Some(id) = session.world().project.clone() else { return Ok(Done::Nothing("it is gone already".to_owned())) };
    let environments = session.client.environment().by_project_id(&id).await?;
    if environments.iter().any(|environment| !environment.is_empty()) {
        return Ok(Done::Nothing("services live in it".to_owned()));
    }
    remove(&session.client, || async { session.client.project().remove(&id).await }).await?;
    session
        .state
        .update(|state| {
            state.project_id = String::new();
            state.environment_id = String::new();
        })
        .await?;
    Ok(Done::Changed)
}

/// Removes an idle twin, after a last look that it is idle.
pub(super) async fn twin(session: &Session, step: &Step, twin: &Twin) -> Result<Done, DeployError> {
    let used = || Ok(Done::Nothing("it is in use".to_owned()));
    session.progress(step, "looking whether it is idle");
    match twin.kind {
        TwinKind::Project => {
            let environments = session.client.environment().by_project_id(&twin.id).await?;
            if environments.iter().any(|environment| !(environment.is_default && environment.is_empty())) {
                return used();
            }
            remove(&session.client, || async { session.client.project().remove(&twin.id).await }).await?;
        }
        TwinKind::Environment => {
            remove(&session.client, || async { session.client.environment().remove(&twin.id).await }).await?;
        }
        TwinKind::Application => {
            if !session.client.deployment().all(&twin.id).await?.is_empty() {
                return used();
            }
            delete_now(&session.client, &twin.id).await?;
        }
        TwinKind::Postgres => {
            remove(&session.client, || async { session.client.postgres().remove(&twin.id).await }).await?;
        }
        TwinKind::Redis => remove(&session.client, || async { session.client.redis().remove(&twin.id).await }).await?,
        TwinKind::Job => inside::delete(&session.client, &twin.id).await?,
        TwinKind::Domain => {
            remove(&session.client, || async { session.client.domain().delete(&twin.id).await }).await?;
        }
    }
    Ok(Done::Changed)
}
