//! Host-mode ports: who holds one, and the check that Dokploy makes before it publishes one.

use tokio::net::TcpStream;

use super::model::TaskState;
use crate::dokploy::error::ApiError;
use crate::dokploy::model::State;
use crate::world::World;

/// Whether another task holds one of the ports, so that Swarm finds no suitable node.
pub(super) fn held(state: &State, wanted: &[i64], except_task: &str) -> bool {
    let tasks = state.services.values().flat_map(|service| &service.tasks);
    tasks
        .filter(|task| task.id != except_task && task.state.holds_ports())
        .any(|task| task.spec.host_ports.iter().any(|port| wanted.contains(port)))
}

/// Dokploy's check: published ports of containers (by prefix, as its grep does), then processes of the host.
///
/// # Errors
///
/// 409 when the port is taken.
pub(crate) async fn check(world: &World, port: f64) -> Result<(), ApiError> {
    world.clock.sleep(100).await;
    if let Some(container) = world.read(|state| publisher(state, port)) {
        return Err(ApiError::conflict(format!("Port {port} is already in use by container \"{container}\"")));
    }
    // `docker run --rm --net=host busybox nc -z` takes its time.
    world.clock.sleep(450).await;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a whole port number")]
    let number = (port.fract() == 0.0 && (1.0..=65_535.0).contains(&port)).then_some(port as u16);
    if let Some(number) = number
        && TcpStream::connect(("127.0.0.1", number)).await.is_ok()
    {
        return Err(ApiError::conflict(format!("Port {port} is already in use by a host-level service")));
    }
    Ok(())
}

/// The name of the running container that publishes a port whose decimal digits begin with those of `port`.
fn publisher(state: &State, port: f64) -> Option<String> {
    let prefix = port.to_string();
    state.services.values().find_map(|service| {
        let task = service.tasks.iter().find(|task| {
            task.state == TaskState::Running
                && task.spec.host_ports.iter().any(|published| published.to_string().starts_with(&prefix))
        })?;
        Some(format!("{}.1.{}", service.name, task.id))
    })
}
