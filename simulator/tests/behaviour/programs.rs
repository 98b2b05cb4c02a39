//! Services whose command does its work and ends, and connections within the network.

use deploy_native_simulator::{Image, Program, Simulator};
use serde_json::json;

use crate::api::{Api, SCALE, wait_for};

/// An application that runs `command` once.
async fn once(api: &Api, image: &str, command: &str, args: &[&str]) -> (String, String) {
    let (id, app) = api.application("job", image, "").await;
    let policy = json!({ "Condition": "none" });
    let body = json!({ "applicationId": id, "command": command, "args": args, "restartPolicySwarm": policy });
    assert_eq!(api.post("application.update", body).await, (200, json!(true)));
    assert_eq!(api.deploy(&id, "once").await, "done");
    (id, app)
}

/// Waits until the only task of a service has ended; its state and its error, as the server tells them.
async fn ended(api: &Api, app: &str) -> (String, String) {
    wait_for("the end of the task", async || {
        let (_, tasks) = api.get("docker.getServiceContainersByAppName", &[("appName", app)]).await;
        let [task] = tasks.as_array()?.as_slice() else { return None };
        let state = task["currentState"].as_str()?.split(' ').next()?.to_owned();
        let over = !["Pending", "Assigned", "Preparing", "Starting", "Running"].contains(&state.as_str());
        over.then(|| (state, task["error"].as_str().unwrap_or_default().to_owned()))
    })
    .await
}

async fn log(api: &Api, id: &str) -> String {
    api.get("application.readLogs", &[("applicationId", id)]).await.1.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_declared_program_prints_over_time_and_its_status_can_be_seen() {
    let migrate = Program::new(["node", "migrate.js"]).prints(500, "applied 1").prints(5_000, "applied 2");
    let image = Image::new("r.test/api:1").program(migrate.exits(3).ends_after(6_000));
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(image)).await;
    let (id, app) = once(&api, "r.test/api:1", "node", &["migrate.js"]).await;
    let first =
        wait_for("the first line", async || Some(log(&api, &id).await).filter(|log| log.contains("applied 1"))).await;
    assert!(!first.contains("applied 2"), "{first}");
    assert_eq!(ended(&api, &app).await, ("Failed".to_owned(), "\"task: non-zero exit (3)\"".to_owned()));
    assert!(log(&api, &id).await.contains("applied 2"), "the log of what has ended is still there");
    let (_, containers) = api.get("docker.getContainersByAppNameMatch", &[("appName", &app)]).await;
    let container = containers[0]["containerId"].as_str().unwrap().to_owned();
    let (_, config) = api.get("docker.getConfig", &[("containerId", &container)]).await;
    assert_eq!(config["State"]["ExitCode"], 3);
    let task = api.get("docker.getServiceContainersByAppName", &[("appName", &app)]).await.1[0]["containerId"].clone();
    let (_, config) = api.get("docker.getConfig", &[("containerId", task.as_str().unwrap())]).await;
    assert_eq!(
        (&config["Status"]["State"], &config["Status"]["ContainerStatus"]["ExitCode"]),
        (&json!("failed"), &json!(3))
    );
}

#[tokio::test]
async fn one_that_ends_well_is_complete_and_runs_once() {
    let api = Api::start(Simulator::builder().time_scale(SCALE)).await;
    let (_, app) = once(&api, "r.test/api:1", "npm", &["run", "migrate"]).await;
    assert_eq!(ended(&api, &app).await, ("Complete".to_owned(), "Error:".to_owned()));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(api.service(&app)["tasks"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn one_that_hangs_ends_with_its_application() {
    let image = Image::new("r.test/api:1").program(Program::new(["node", "migrate.js"]).prints(0, "waiting").hangs());
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(image)).await;
    let (id, app) = once(&api, "r.test/api:1", "node", &["migrate.js"]).await;
    wait_for("its line", async || log(&api, &id).await.contains("waiting").then_some(())).await;
    assert_eq!(api.service(&app)["tasks"][0][2], "Running");
    api.post("application.delete", json!({ "applicationId": id })).await;
    let (_, containers) = api.get("docker.getContainersByAppNameMatch", &[("appName", &app)]).await;
    assert_eq!(containers, json!([]));
}

#[tokio::test]
async fn a_program_that_the_image_lacks_cannot_be_started() {
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(Image::new("r.test/api:1").lacks("sh"))).await;
    let (_, app) = once(&api, "r.test/api:1", "sh", &["-c", "true"]).await;
    let (state, error) = ended(&api, &app).await;
    assert!(state == "Failed" && error.contains("exec: \"sh\": executable file not found in $PATH"), "{error}");
}

/// Tries each target, given as `host port`, with what the image has.
const PROBE: &str = "if command -v nc >/dev/null; then
  while :; do for target; do if nc -z -w 3 $target 2>/dev/null; then echo \"nc $target\"; fi; done; sleep 1; done
else
  while :; do for target; do if timeout 3 bash -c ': </dev/tcp/$0/$1' $target; then echo \"bash $target\"; fi; done; sleep 1; done
fi";

#[tokio::test]
async fn a_port_is_probed_from_within_the_network() {
    for (tool, probe) in [("nc", Image::new("r.test/probe:1")), ("bash", Image::new("r.test/probe:1").lacks("nc"))] {
        let late = Image::new("r.test/late:1").listens_on(3000);
        let not_yet = late.clone().listens_after(u64::from(u32::MAX));
        let deaf = Image::new("r.test/deaf:1").never_listens();
        let builder = Simulator::builder().time_scale(SCALE).image(not_yet).image(deaf).image(probe);
        let api = Api::start(builder).await;
        let (late_id, late_app) = api.application("late", "r.test/late:1", "").await;
        let (deaf_id, deaf_app) = api.application("deaf", "r.test/deaf:1", "").await;
        api.deploy(&late_id, "late").await;
        api.deploy(&deaf_id, "deaf").await;
        let targets =
            [format!("{late_app} 3000"), format!("{late_app} 3001"), format!("{deaf_app} 3000"), "nobody 1".into()];
        let args: Vec<&str> = ["-c", PROBE, "probe"].into_iter().chain(targets.iter().map(String::as_str)).collect();
        let (id, _) = once(&api, "r.test/probe:1", "sh", &args).await;
        assert_eq!(log(&api, &id).await, "");
        api.simulator.image(late);
        let log = wait_for("an answer", async || Some(log(&api, &id).await).filter(|log| !log.is_empty())).await;
        let expected = format!(" {tool} {late_app} 3000");
        assert!(log.lines().all(|line| line.ends_with(&expected)), "{log}");
    }
}
