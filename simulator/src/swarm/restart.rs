//! What follows when a container has ended by itself.

use std::time::Duration;

use super::model::{Desired, Service, Spec, Task, TaskState};

/// A task that ends this soon after its start makes the update fail.
const MONITOR: Duration = Duration::from_secs(5);
/// How long Swarm waits before it starts a task again.
const RESTART_DELAY_MILLIS: u64 = 5_000;

/// What follows when a container has ended by itself.
pub(super) enum Next {
    Nothing,
    Restart {
        task: String,
        delay_millis: u64,
    },
    /// The update goes back to what was before, by a new task beside the one that waits to be restarted.
    RollBack {
        generation: u64,
    },
}

/// Rolls back a failing update, restarts, or leaves it.
///
/// Two ways of rolling back were seen. When the image is the same, the task that waits to be restarted already has the
/// old environment. When it differs, that task is of the bad image, and a second one is started beside it.
pub(super) fn decide(service: &mut Service, spec: &Spec, generation: u64, code: i64, uptime: Duration) -> Next {
    let policy = spec.restart.clone();
    let delay_millis = policy.delay.map_or(RESTART_DELAY_MILLIS, |nanos| {
        Duration::from_secs_f64((nanos / 1e9).max(0.0)).as_millis().try_into().unwrap_or(u64::MAX)
    });
    let restarts = match policy.condition.as_deref() {
        Some("none") => false,
        Some("on-failure") => code != 0,
        _ => true,
    } && policy.max_attempts.is_none_or(|most| most == 0 || service.attempts < most);
    let fails_update = generation == service.generation && spec.database.is_none() && uptime < MONITOR;
    let back = if fails_update { service.previous.take() } else { None };
    let Some(back) = back else {
        return if restarts { wait_to_restart(service, spec, delay_millis) } else { Next::Nothing };
    };
    let same_image = back.image == service.spec.image;
    service.spec = back;
    service.generation += 1;
    // The new task was never up, so that the one before was not told to stop: it is what the service goes back to.
    if service.is_running() {
        return Next::Nothing;
    }
    if same_image && restarts {
        let rolled_back = service.spec.clone();
        return wait_to_restart(service, &rolled_back, delay_millis);
    }
    if restarts {
        wait_to_restart(service, spec, delay_millis);
    }
    Next::RollBack { generation: service.generation }
}

fn wait_to_restart(service: &mut Service, spec: &Spec, delay_millis: u64) -> Next {
    service.attempts += 1;
    let task = Task::new(spec, service.generation, Desired::Ready, TaskState::Ready);
    let id = task.id.clone();
    service.tasks.push(task);
    Next::Restart { task: id, delay_millis }
}
