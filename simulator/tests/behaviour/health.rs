//! Health checks, and updates that wait for them.

use deploy_native_simulator::{Image, Simulator};
use serde_json::{Value, json};

use crate::api::{Api, wait_for};

const SCALE: f64 = 0.01;
const SECOND: u64 = 1_000_000_000;

/// Asks for `/health`, as a container's own health check does.
fn check(retries: u64) -> Value {
    let test = [
        "CMD",
        "sh",
        "-c",
        "if command -v curl >/dev/null; then exec curl -fsS \"$1\"; else exec wget -q \"$1\"; fi",
        "health",
    ];
    let mut test: Vec<&str> = test.to_vec();
    test.push("http://127.0.0.1:3000/health");
    json!({ "Test": test, "Interval": 2 * SECOND, "Timeout": SECOND, "StartPeriod": 0, "Retries": retries })
}

async fn set_check(api: &Api, id: &str, check: Value) {
    let body = json!({ "applicationId": id, "healthCheckSwarm": check });
    assert_eq!(api.post("application.update", body).await, (200, json!(true)));
}

/// The newest task: desired state, state and error.
fn newest(api: &Api, app: &str) -> (String, String, String) {
    let task = api.service(app)["tasks"][0].clone();
    let text = |index: usize| task[index].as_str().unwrap_or_default().to_owned();
    (text(1), text(2), text(3))
}

#[tokio::test]
async fn a_task_is_starting_until_its_container_is_healthy() {
    let image = Image::new("r.test/api:1").lacks("curl");
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(image.clone().never_listens())).await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    set_check(&api, &id, check(1_000)).await;
    assert_eq!(api.deploy(&id, "first").await, "done");
    let status = async || {
        let (_, containers) = api.get("docker.getContainersByAppNameMatch", &[("appName", &app)]).await;
        Some(containers[0]["status"].as_str()?.to_owned())
    };
    wait_for("the first checks", async || status().await?.contains("(health: starting)").then_some(())).await;
    let (_, tasks) = api.get("docker.getServiceContainersByAppName", &[("appName", &app)]).await;
    assert!(tasks[0]["currentState"].as_str().unwrap().starts_with("Starting "), "{tasks}");
    let (_, nodes) = api.get("swarm.getNodeApps", &[]).await;
    assert_eq!(nodes[0]["Replicas"], "0/1");
    api.simulator.image(image);
    wait_for("health", async || status().await?.contains("(healthy)").then_some(())).await;
    wait_for("the task to run", async || (newest(&api, &app).1 == "Running").then_some(())).await;
    let (_, containers) = api.get("docker.getContainersByAppNameMatch", &[("appName", &app)]).await;
    let id = containers[0]["containerId"].as_str().unwrap().to_owned();
    let (_, config) = api.get("docker.getConfig", &[("containerId", &id)]).await;
    assert_eq!(
        (&config["State"]["Health"]["Status"], &config["Config"]["Healthcheck"]["Retries"]),
        (&json!("healthy"), &json!(1_000))
    );
}

#[tokio::test]
async fn an_update_that_never_gets_healthy_goes_back_while_the_old_task_runs_on() {
    let api =
        Api::start(Simulator::builder().time_scale(SCALE).image(Image::new("r.test/api:2").never_listens())).await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    set_check(&api, &id, check(3)).await;
    api.deploy(&id, "good").await;
    api.runs(&app, "r.test/api:1", "").await;
    let old = api.service(&app)["runs"][0]["taskId"].clone();
    api.set_image(&id, "r.test/api:2").await;
    assert_eq!(api.deploy(&id, "bad").await, "done");
    wait_for("the unhealthy task", async || {
        (newest(&api, &app).2 == "\"task: non-zero exit (137): dockerexec: unhealthy container\"").then_some(())
    })
    .await;
    let service = api.service(&app);
    assert_eq!(service["image"], "r.test/api:1");
    assert_eq!(service["runs"].as_array().unwrap().len(), 1);
    assert_eq!(service["runs"][0]["taskId"], old, "what ran was never stopped");
}

#[tokio::test]
async fn the_old_task_is_stopped_when_the_new_one_is_healthy() {
    let api =
        Api::start(Simulator::builder().time_scale(SCALE).image(Image::new("r.test/api:2").never_listens())).await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    set_check(&api, &id, check(1_000)).await;
    api.deploy(&id, "good").await;
    api.runs(&app, "r.test/api:1", "").await;
    api.set_image(&id, "r.test/api:2").await;
    api.deploy(&id, "slow").await;
    wait_for("the new task to start", async || (newest(&api, &app).1 == "Starting").then_some(())).await;
    let service = api.service(&app);
    assert_eq!(service["runs"][0]["image"], "r.test/api:1", "{service}");
    assert_eq!(service["tasks"][1][1], "running", "nobody has told it to stop");
    api.simulator.image(Image::new("r.test/api:2"));
    api.runs(&app, "r.test/api:2", "").await;
}

#[tokio::test]
async fn a_container_that_becomes_unhealthy_is_replaced() {
    let api = Api::start(Simulator::builder().time_scale(SCALE)).await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    set_check(&api, &id, check(2)).await;
    api.deploy(&id, "first").await;
    api.runs(&app, "r.test/api:1", "").await;
    api.simulator.image(Image::new("r.test/api:1").answers("/health", 503));
    wait_for("the failure", async || {
        api.service(&app)["tasks"].to_string().contains("unhealthy container").then_some(())
    })
    .await;
    api.simulator.image(Image::new("r.test/api:1"));
    api.runs(&app, "r.test/api:1", "").await;
}
