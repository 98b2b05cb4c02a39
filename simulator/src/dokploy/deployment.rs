//! `deployment.*`

use serde_json::{Value, json};

use super::error::ApiError;
use super::model::{Deployment, State, find, text};
use super::{Answer, Call, Reply};
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
fn newest_first<'a>(state: &'a State, application: &'a str) -> impl Iterator<Item = &'a Deployment> {
    state.deployments.iter().rev().filter(move |row| text(&row.record, "applicationId") == application)
}

/// Titles and states, newest first.
pub(crate) fn titles(state: &State, application: &str) -> Value {
    newest_first(state, application).map(|row| json!([row.record["title"], row.record["status"]])).collect()
}

fn all(call: &Call) -> Answer {
    call.world.read(|state| {
        let id = call.text("applicationId");
        find(&state.applications, "applicationId", id).ok_or_else(|| ApiError::not_found("Application"))?;
        Ok(newest_first(state, id).map(|row| Value::Object(row.record.clone())).collect::<Vec<_>>().into())
    })
}

fn all_by_type(call: &Call) -> Reply {
    // The names of the columns are those of the types.
    let column = format!("{}Id", call.text("type"));
    call.world.read(|state| {
        let of_type = state.deployments.iter().rev().filter(|row| text(&row.record, &column) == call.text("id"));
        let rows = of_type.map(|row| {
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
