//! Tasks and containers: what really runs. A member's key may not read them.

use super::nullable::null_as_default;
use crate::dokploy::transport::{ApiError, Call, Transport};
use crate::env::expand_template;
use crate::secrets::Secret;
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) const SERVICE_TASKS: Call = Call::get("docker.getServiceContainersByAppName", &["appName"]);
pub(super) const CONTAINERS: Call = Call::get("docker.getContainersByAppNameMatch", &["appName"]);
pub(super) const CONFIG: Call = Call::get("docker.getConfig", &["containerId"]);

/// A task of a Swarm service, in the words of `docker service ps`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceTask {
    /// The task's id; the server calls it the container's.
    #[serde(rename = "containerId")]
    pub task_id: String,
    /// Service and slot: `shop-api-lvqtn3.1`.
    pub name: String,
    /// The state it is to have, in lower case.
    pub state: String,
    /// The state it has, and since when: `Running 8 seconds ago`.
    #[serde(default)]
    pub current_state: String,
    /// Why it failed; `Error:` stands for nothing.
    #[serde(default)]
    pub error: String,
}

/// A container on the server, in the words of `docker ps`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Its id.
    pub container_id: String,
    /// Its name; that of a task's container ends with a dot and the task's id.
    pub name: String,
    /// Its state, for instance `running`.
    #[serde(default)]
    pub state: String,
}

/// What a container was started with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Wire")]
pub struct ContainerConfig {
    /// The image as the service names it.
    pub image: String,
    /// Its variables, those of the image included.
    pub env: BTreeMap<String, Secret>,
    /// The task it belongs to.
    pub task_id: Option<String>,
}

/// `docker inspect` describes whatever has the id: a container, or a task.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wire {
    config: Option<WireConfig>,
    #[serde(rename = "ID")]
    id: Option<String>,
    spec: Option<WireSpec>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireSpec {
    container_spec: WireConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireConfig {
    image: String,
    #[serde(default, deserialize_with = "null_as_default")]
    env: Vec<String>,
    #[serde(default, deserialize_with = "null_as_default")]
    labels: BTreeMap<String, String>,
}

impl TryFrom<Wire> for ContainerConfig {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let (config, task_id) = match (wire.config, wire.spec) {
            (Some(config), _) => {
                let task_id = config.labels.get("com.docker.swarm.task.id").cloned();
                (config, task_id)
            }
            (None, Some(WireSpec { container_spec: mut spec })) => {
                // A task's description is what was asked for: Swarm expands it only for the container.
                for pair in &mut spec.env {
                    if let Some(expanded) = expand_template(pair) {
                        *pair = expanded;
                    }
                }
                (spec, wire.id)
            }
            (None, None) => return Err("neither a container nor a task"),
        };
        let pairs = config.env.iter().map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let env = pairs.map(|(name, value)| (name.to_owned(), Secret::new(value))).collect();
        Ok(Self { image: config.image, env, task_id })
    }
}

/// The calls of the docker router.
#[derive(Debug, Clone, Copy)]
pub struct DockerApi<'a>(pub(in crate::dokploy) &'a Transport);

impl DockerApi<'_> {
    /// Lists the tasks of a service, past ones too: by slot, newest first. None for a service that does not exist.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn service_tasks(self, app_name: &str) -> Result<Vec<ServiceTask>, ApiError> {
        let tasks: Option<Vec<ServiceTask>> = self.0.get(&SERVICE_TASKS, &[("appName", app_name)]).await?;
        Ok(tasks.unwrap_or_default())
    }

    /// Lists the containers whose names begin with `app_name`, stopped ones too.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`].
    pub async fn containers(self, app_name: &str) -> Result<Vec<Container>, ApiError> {
        let containers: Option<Vec<Container>> = self.0.get(&CONTAINERS, &[("appName", app_name)]).await?;
        Ok(containers.unwrap_or_default())
    }

    /// Reads what a container was started with, by its id or that of its task; `None` when it is gone.
    ///
    /// A task's own description lacks the variables of the image; it is there also when the container is on another node.
    ///
    /// # Errors
    ///
    /// Every [`ApiError`]; forbidden for a member's key.
    pub async fn config(self, container_id: &str) -> Result<Option<ContainerConfig>, ApiError> {
        self.0.get(&CONFIG, &[("containerId", container_id)]).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn i7_a_task_on_another_node_has_its_templates_still_to_be_expanded() {
        let env = json!(["A={{\"{{\"}}name}}", "B={{.Node.Hostname}}", "C=1"]);
        let task = json!({ "ID": "t1", "Spec": { "ContainerSpec": { "Image": "app:1", "Env": env } } });
        let config: ContainerConfig = serde_json::from_value(task).unwrap();
        let value = |name: &str| config.env[name].expose();
        assert_eq!((value("A"), value("B"), value("C")), ("{{name}}", "{{.Node.Hostname}}", "1"));
        let labels = json!({ "com.docker.swarm.task.id": "t1" });
        let container = json!({ "Config": { "Image": "app:1", "Env": ["A={{\"{{\"}}name}}"], "Labels": labels } });
        let config: ContainerConfig = serde_json::from_value(container).unwrap();
        assert_eq!(config.env["A"].expose(), "{{\"{{\"}}name}}", "a container's are as the app sees them");
    }
}
