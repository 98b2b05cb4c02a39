//! Following a deployment, and proving what runs.

use crate::server::{Reply, Server};
use deploy_native::dokploy::{Expected, Observation, Progress, WaitSettings};
use deploy_native::secrets::Secret;
use deploy_native::{DeployError, ErrorCode};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

/// Answers each path with its replies in turn, the last one again and again; other paths with `[]`.
async fn scripted(script: Vec<(&'static str, Vec<Reply>)>) -> Server {
    let script: BTreeMap<&str, Vec<Reply>> = script.into_iter().collect();
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    Server::start(move |request, _| {
        let path = request.path.trim_start_matches("/api/");
        let Some(replies) = script.get(path) else { return Reply::json(200, &json!([])) };
        let mut counts = counts.lock().unwrap();
        let count = counts.entry(path.to_owned()).or_default();
        *count += 1;
        replies[(*count - 1).min(replies.len() - 1)].clone()
    })
    .await
}

fn ok(bodies: impl IntoIterator<Item = Value>) -> Vec<Reply> {
    bodies.into_iter().map(|body| Reply::json(200, &body)).collect()
}

fn settings() -> WaitSettings {
    WaitSettings::default()
        .deployment_deadline(Duration::from_secs(20))
        .running_deadline(Duration::from_secs(20))
        .stability(Duration::from_millis(100))
        .lost_after(Duration::from_millis(300))
        .outage(Duration::from_secs(10))
        .first_pause(Duration::from_millis(5))
        .longest_pause(Duration::from_millis(20))
}

fn queue(titles: &[(&str, &str)]) -> Value {
    let job = |(title, state): &(&str, &str)| {
        json!({ "id": "1", "name": "deployments", "state": state,
        "timestamp": 1_700_000_000_000_u64, "data": { "applicationId": "app", "titleLog": title, "type": "deploy" } })
    };
    titles.iter().map(job).collect()
}

fn deployments(rows: &[(&str, &str)]) -> Value {
    let row = |(title, status): &(&str, &str)| {
        json!({ "deploymentId": format!("id of {title}"), "title": title,
        "description": "", "status": status, "createdAt": "2026-11-23T08:46:10.777Z", "errorMessage": null })
    };
    rows.iter().map(row).collect()
}

async fn follow(server: &Server, settings: &WaitSettings) -> (Result<(), DeployError>, Vec<Progress>) {
    let progress = Mutex::new(Vec::new());
    let tell = |step| progress.lock().unwrap().push(step);
    let client = server.client();
    let outcome = client.follow_deployment("app", "ours", settings, &tell).await.map(drop);
    (outcome, progress.into_inner().unwrap())
}

#[tokio::test]
async fn i7_a_deployment_is_followed_by_its_title_through_the_queue() {
    let old = ("theirs", "done");
    let server = scripted(vec![
        (
            "deployment.queueList",
            ok([
                queue(&[("ours", "waiting"), ("theirs", "active")]),
                queue(&[("ours", "waiting")]),
                queue(&[("ours", "active")]),
            ]),
        ),
        (
            "deployment.all",
            ok([deployments(&[old]), deployments(&[("ours", "running"), old]), deployments(&[("ours", "done"), old])]),
        ),
    ]);
    let server = server.await;
    let (outcome, progress) = follow(&server, &settings()).await;
    outcome.unwrap();
    assert_eq!(progress, [Progress::Queued, Progress::Pulling]);
    let reads = |path: &str| server.requests().iter().filter(|request| request.path.ends_with(path)).count();
    assert_eq!((reads("deployment.queueList"), reads("deployment.all")), (3, 3));
}

#[tokio::test]
async fn a_failed_deployment_says_why_and_brings_its_log() {
    let log = format!(
        "Pulling x\nError response from daemon: manifest unknown {}\n❌ Pulling image failed\n\n",
        crate::server::TOKEN
    );
    let server = scripted(vec![
        ("deployment.all", ok([deployments(&[("ours", "error")])])),
        ("deployment.readLogs", ok([json!(log)])),
    ]);
    let server = server.await;
    let error = follow(&server, &settings()).await.0.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DeploymentFailed, Some("deployment-error")));
    assert_eq!(error.message(), "Dokploy could not deploy: Error response from daemon: manifest unknown ***");
    assert!(error.log_tail().unwrap().ends_with("❌ Pulling image failed"));
    assert!(error.hint_text().unwrap().contains("tag"));
    assert_eq!(server.requests().last().unwrap().query["deploymentId"], "id of ours");
}

#[tokio::test]
async fn a_cancelled_and_a_lost_deployment_are_told_apart() {
    let server = scripted(vec![("deployment.all", ok([deployments(&[("ours", "cancelled")])]))]).await;
    let error = follow(&server, &settings()).await.0.unwrap_err();
    assert_eq!(error.reason_name(), Some("cancelled"));
    let server = scripted(vec![
        ("deployment.queueList", ok([queue(&[("ours", "waiting")]), queue(&[])])),
        ("deployment.all", ok([deployments(&[("theirs", "done")])])),
    ]);
    let (outcome, progress) = follow(&server.await, &settings()).await;
    assert_eq!(outcome.unwrap_err().reason_name(), Some("lost"));
    assert_eq!(progress, [Progress::Queued]);
}

#[tokio::test]
async fn a_deployment_that_nobody_works_on_any_more_is_lost_though_its_row_says_that_it_runs() {
    let running = || ("deployment.all", ok([deployments(&[("ours", "running")])]));
    let server = scripted(vec![running(), ("deployment.queueList", ok([queue(&[("theirs", "active")])]))]).await;
    let error = follow(&server, &settings()).await.0.unwrap_err();
    assert_eq!((error.reason_name(), error.is_retryable()), (Some("lost"), true));
    assert!(error.message().contains("queue"), "{error}");

    let server = scripted(vec![running(), ("deployment.queueList", ok([queue(&[("ours", "active")])]))]).await;
    let brief = settings().deployment_deadline(Duration::from_secs(1));
    let error = follow(&server, &brief).await.0.unwrap_err();
    assert_eq!(error.reason_name(), Some("timeout"), "worked on, it is waited for");
    let asked = |path: &str| server.requests().iter().filter(|request| request.path.ends_with(path)).count();
    assert!(asked("deployment.queueList") * 2 < asked("deployment.all"), "the queue is read seldom");
}

#[tokio::test]
async fn waiting_ends_at_the_deadline() {
    let server = scripted(vec![("deployment.queueList", ok([queue(&[("ours", "waiting")])]))]).await;
    let brief = settings().deployment_deadline(Duration::from_millis(200));
    let error = follow(&server, &brief).await.0.unwrap_err();
    assert_eq!(error.reason_name(), Some("timeout"));
    assert!(error.message().contains("still waits in Dokploy's queue"), "{error}");
}

#[tokio::test]
async fn a_restart_of_the_server_is_waited_out_but_a_dead_server_is_not() {
    let away = || Reply::text(502, "Bad Gateway");
    let mut rows = vec![Reply::json(200, &deployments(&[("ours", "running")]))];
    rows.extend(std::iter::repeat_with(away).take(9));
    let still_away = rows.clone();
    rows.push(Reply::json(200, &deployments(&[("ours", "done")])));
    let server = scripted(vec![("deployment.all", rows)]).await;
    follow(&server, &settings()).await.0.unwrap();
    let server = scripted(vec![("deployment.all", still_away)]).await;
    let brief = settings().outage(Duration::from_millis(100));
    let error = follow(&server, &brief).await.0.unwrap_err();
    assert!(error.is_retryable() && error.code() == ErrorCode::DokployRequest, "{error:?}");
}

#[tokio::test]
async fn a_key_that_is_refused_meanwhile_ends_the_wait() {
    let server =
        scripted(vec![("deployment.all", vec![Reply::json(401, &json!({ "message": "Unauthorized" }))])]).await;
    let error = follow(&server, &settings()).await.0.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DokployUnauthorized);
    assert_eq!(server.requests().len(), 2);
}

fn tasks(rows: &[(&str, &str, &str, &str)]) -> Value {
    let row = |(id, state, current, error): &(&str, &str, &str, &str)| {
        json!({ "containerId": id,
        "name": "shop-api-lvqtn3.1", "state": state, "currentState": current, "node": "vm", "error": error })
    };
    rows.iter().map(row).collect()
}

fn containers(tasks: &[&str]) -> Value {
    let container = |task: &&str| {
        json!({ "containerId": format!("c-{task}"),
        "name": format!("shop-api-lvqtn3.1.{task}"), "state": "running", "status": "Up 8 seconds" })
    };
    tasks.iter().map(container).collect()
}

fn config(task: &str, image: &str, env: &[&str]) -> Value {
    json!({ "Id": "x", "Config": { "Image": image, "Env": env, "Labels": { "com.docker.swarm.task.id": task } } })
}

const IMAGE: &str = "127.0.0.1:5000/app@sha256:new";

fn expected() -> Expected {
    let pairs = [("PORT", "3000"), ("KEY", "canary-new")];
    let former = [("PORT", "3000"), ("KEY", "canary-old")];
    let env = |pairs: [(&str, &str); 2]| pairs.map(|(name, value)| (name.to_owned(), Secret::new(value))).into();
    Expected {
        image: IMAGE.to_owned(),
        env: env(pairs),
        former_env: env(former),
        tasks_before: BTreeSet::from(["old".to_owned()]),
    }
}

async fn prove(server: &Server) -> (Result<(), DeployError>, Vec<Progress>) {
    let progress = Mutex::new(Vec::new());
    let tell = |step| progress.lock().unwrap().push(step);
    let client = server.client();
    let outcome = client.prove_running("app", "shop-api-lvqtn3", expected(), &settings(), &tell).await;
    (outcome.map(drop), progress.into_inner().unwrap())
}

const SERVICE: &str = "docker.getServiceContainersByAppName";
const CONTAINERS: &str = "docker.getContainersByAppNameMatch";

#[tokio::test]
async fn i7_what_runs_is_proven_by_the_container_itself() {
    let right = ["PORT=3000", "KEY=canary-new", "PATH=/bin"];
    let server = scripted(vec![
        (
            SERVICE,
            ok([
                tasks(&[("new", "running", "Assigned", ""), ("old", "running", "Running 1 hour ago", "Error:")]),
                tasks(&[("new", "running", "Running now", ""), ("old", "shutdown", "Shutdown", "Error:")]),
            ]),
        ),
        (CONTAINERS, ok([containers(&["old", "new"])])),
        ("docker.getConfig", ok([config("new", IMAGE, &right)])),
    ]);
    let server = server.await;
    let (outcome, progress) = prove(&server).await;
    outcome.unwrap();
    assert_eq!(progress, [Progress::Starting, Progress::Running]);
    let inspected: Vec<String> =
        server.requests().iter().filter_map(|request| request.query.get("containerId").cloned()).collect();
    assert_eq!(inspected, ["c-new"], "a container is inspected once, because what it was started with never changes");
    let observed = server.client().observe_running("shop-api-lvqtn3").await.unwrap();
    assert!(matches!(observed, Observation::Running { image, .. } if image == IMAGE));
}

#[tokio::test]
async fn i6_i7_an_environment_that_swarm_rolled_back_is_a_failure_that_names_the_variable_only() {
    let crashed = ("new", "shutdown", "Failed 2 seconds ago", "\"task: non-zero exit (1)\"");
    let server = scripted(vec![
        (
            SERVICE,
            ok([tasks(&[("back", "running", "Running now", ""), crashed, ("old", "shutdown", "Shutdown", "Error:")])]),
        ),
        (CONTAINERS, ok([containers(&["back"])])),
        ("docker.getConfig", ok([config("back", IMAGE, &["PORT=3000", "KEY=canary-old"])])),
        ("application.readLogs", ok([json!("2026-11-23T08:46:15.000000000Z of what runs now\n")])),
    ]);
    let error = prove(&server.await).await.0.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::DeploymentFailed, Some("rollback")));
    assert!(error.message().contains("other values have KEY"), "{error}");
    assert_eq!(error.log_tail(), None, "not that of the container that was put back");
    assert!(error.hint_text().unwrap().contains("docker service logs shop-api-lvqtn3"), "{error:?}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn i7_a_crash_loop_ends_the_wait_early() {
    let exit = "\"task: non-zero exit (1)\"";
    let failed = |id| (id, "shutdown", "Failed 5 seconds ago", exit);
    let log = "2026-11-23T08:46:15.000000000Z later\n2026-11-23T08:46:13.000000000Z earlier\n";
    let server = scripted(vec![
        (SERVICE, ok([tasks(&[("d", "ready", "Ready", ""), failed("c"), failed("b"), failed("a")])])),
        ("application.readLogs", ok([json!(log)])),
    ]);
    let error = prove(&server.await).await.0.unwrap_err();
    assert_eq!(error.reason_name(), Some("crash-loop"));
    let log = error.log_tail().unwrap();
    assert!(log.find("earlier") < log.find("later"), "{log}");
    assert_eq!(error.message(), "The app ended 3 times: task: non-zero exit (1)");
}

#[tokio::test]
async fn i7_an_app_that_nobody_runs_any_more_is_stopped() {
    let service = json!([{ "ID": "x", "Image": IMAGE, "Mode": "replicated", "Name": "shop-api-lvqtn3", "Ports": "",
        "Replicas": "0/0" }]);
    let server = scripted(vec![
        (SERVICE, ok([tasks(&[("old", "shutdown", "Shutdown 1 second ago", "")])])),
        ("swarm.getNodeApps", ok([service])),
    ]);
    assert_eq!(prove(&server.await).await.0.unwrap_err().reason_name(), Some("stopped"));
}

#[tokio::test]
async fn i7_a_container_on_another_node_is_proven_by_its_tasks_description() {
    let task = json!({ "ID": "new", "Spec": { "ContainerSpec": { "Image": IMAGE, "Env": ["PORT=3000", "KEY=canary-new"] } },
        "Status": { "State": "running" } });
    let server = scripted(vec![
        (SERVICE, ok([tasks(&[("new", "running", "Running now", "")])])),
        (CONTAINERS, ok([containers(&[])])),
        ("docker.getConfig", ok([task])),
    ]);
    let server = server.await;
    prove(&server).await.0.unwrap();
    assert!(server.requests().iter().any(|request| request.query.get("containerId").is_some_and(|id| id == "new")));
}
