//! `deployment.*`

use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::ApiError;
use crate::dokploy::model::{find, text};
use crate::swarm::view::tail;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "all" => all(call),
        "allByType" => Ok(all_by_type(call)),
        "readLogs" => read_logs(call),
        "queueList" => Ok(queue_list(call)),
        _ => Err(ApiError::no_endpoint()),
    }
}

/// An application's deployments, newest first.
fn all(call: &Call) -> Answer {
    call.world.read(|state| {
        let id = call.text("applicationId");
        find(&state.applications, "applicationId", id).ok_or_else(|| ApiError::not_found("Application"))?;
        Ok(state.deployments_of(id).map(|row| Value::Object(row.record.clone())).collect::<Vec<_>>().into())
    })
}

fn all_by_type(call: &Call) -> Reply {
    call.world.read(|state| {
        let rows = state.deployments_of(call.text("id")).map(|row| {
            let mut record = row.record.clone();
            record.insert("rollback".into(), Value::Null);
            Value::Object(record)
        });
        rows.collect::<Vec<_>>().into()
    })
}

fn read_logs(call: &Call) -> Answer {
    call.world.read(|state| {
        let id = call.text("deploymentId");
        let row = state.deployments.iter().find(|row| text(&row.record, "deploymentId") == id);
        let row = row.ok_or_else(|| ApiError::not_found("Deployment"))?;
        Ok(tail(&row.log, call.input.get("tail")).into())
    })
}

fn queue_list(call: &Call) -> Reply {
    call.world.read(|state| {
        let waiting = state.queue.iter().filter(|job| !job.active);
        let active = state.queue.iter().filter(|job| job.active);
        let jobs = waiting.chain(active).map(|job| {
            json!({
                "id": job.id.to_string(), "name": "deployments",
                "data": {
                    "applicationId": job.application_id, "titleLog": job.title, "descriptionLog": job.description,
                    "type": job.kind, "applicationType": "application", "server": false,
                },
                "timestamp": job.queued_at, "state": if job.active { "active" } else { "waiting" },
            })
        });
        jobs.collect::<Vec<_>>().into()
    })
}
