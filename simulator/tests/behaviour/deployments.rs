//! The queue, crash loops, rollbacks, stops and restarts.

use deploy_native_simulator::{Image, Simulator};
use serde_json::json;

use crate::api::{Api, SCALE, wait_for};

#[tokio::test]
async fn a_waiting_job_has_no_row_and_shows_in_the_queue() {
    let slow = Image::new("r.test/slow:1").pull_takes(600_000);
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(slow)).await;
    let (slow, _) = api.application("slow", "r.test/slow:1", "").await;
    let (quick, _) = api.application("quick", "r.test/quick:1", "").await;
    api.post("application.deploy", json!({ "applicationId": slow, "title": "first" })).await;
    api.post("application.deploy", json!({ "applicationId": quick, "title": "second" })).await;
    let queue = wait_for("the first job to begin", async || {
        let (_, queue) = api.get("deployment.queueList", &[]).await;
        (queue[1]["state"] == "active").then_some(queue)
    })
    .await;
    assert_eq!((&queue[0]["state"], &queue[0]["data"]["titleLog"]), (&json!("waiting"), &json!("second")));
    assert_eq!(queue[0]["data"]["applicationId"], quick);
    assert_eq!(api.get("deployment.all", &[("applicationId", &quick)]).await.1, json!([]));
}

#[tokio::test]
async fn a_server_restart_loses_waiting_jobs_and_cancels_the_running_one() {
    let slow = Image::new("r.test/slow:1").pull_takes(600_000);
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(slow)).await;
    let (slow, _) = api.application("slow", "r.test/slow:1", "").await;
    let (lost, _) = api.application("lost", "r.test/lost:1", "").await;
    api.post("application.deploy", json!({ "applicationId": slow, "title": "first" })).await;
    api.post("application.deploy", json!({ "applicationId": lost, "title": "second" })).await;
    wait_for("the first job's row", async || {
        let (_, rows) = api.get("deployment.all", &[("applicationId", &slow)]).await;
        (rows[0]["status"] == "running").then_some(())
    })
    .await;
    api.simulator.restart_server();
    assert_eq!(api.get("deployment.queueList", &[]).await.1, json!([]));
    assert_eq!(api.get("deployment.all", &[("applicationId", &slow)]).await.1[0]["status"], "cancelled");
    assert_eq!(api.get("application.one", &[("applicationId", &slow)]).await.1["applicationStatus"], "idle");
    assert_eq!(api.get("deployment.all", &[("applicationId", &lost)]).await.1, json!([]));
    assert_eq!(api.deploy(&lost, "again").await, "done", "the new worker works");
}

#[tokio::test]
async fn a_crashing_environment_rolls_back_to_the_old_one_behind_done() {
    let image = Image::new("r.test/api:1").crashes_with("BAD", "1");
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(image)).await;
    let (id, app) = api.application("api", "r.test/api:1", "GOOD=1").await;
    assert_eq!(api.deploy(&id, "good").await, "done");
    api.runs(&app, "r.test/api:1", "GOOD=1").await;
    api.set_env(&id, "BAD=1").await;
    assert_eq!(api.deploy(&id, "bad").await, "done");
    wait_for("the crash", async || api.service(&app)["tasks"].to_string().contains("non-zero exit (1)").then_some(()))
        .await;
    api.runs(&app, "r.test/api:1", "GOOD=1").await;
    let (_, one) = api.get("application.one", &[("applicationId", &id)]).await;
    assert_eq!(
        (&one["applicationStatus"], &one["env"]),
        (&json!("done"), &json!("BAD=1")),
        "the record shows none of it"
    );
}

#[tokio::test]
async fn a_crashing_image_rolls_back_to_the_old_image() {
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(Image::new("r.test/api:2").crashes())).await;
    let (id, app) = api.application("api", "r.test/api:1", "A=1").await;
    api.deploy(&id, "good").await;
    api.runs(&app, "r.test/api:1", "A=1").await;
    api.set_image(&id, "r.test/api:2").await;
    assert_eq!(api.deploy(&id, "bad").await, "done");
    wait_for("the rollback", async || (api.service(&app)["image"] == "r.test/api:1").then_some(())).await;
    api.runs(&app, "r.test/api:1", "A=1").await;
}

#[tokio::test]
async fn a_first_deployment_that_crashes_loops_without_end() {
    let api = Api::start(Simulator::builder().time_scale(0.005).image(Image::new("r.test/api:1").crashes())).await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    assert_eq!(api.deploy(&id, "only").await, "done");
    wait_for("five failed tasks", async || {
        let tasks = api.service(&app)["tasks"].clone();
        let failed = tasks.as_array()?.iter().filter(|task| task[2] == "Failed").count();
        (failed >= 4).then_some(())
    })
    .await;
    assert!(api.service(&app)["tasks"].as_array().unwrap().len() <= 6, "Swarm forgets old tasks");
}

#[tokio::test]
async fn a_crash_after_the_watch_of_five_seconds_is_not_rolled_back() {
    let late = Image::new("r.test/api:2").crashes_after(6_000);
    let api = Api::start(Simulator::builder().time_scale(0.01).image(late)).await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    api.deploy(&id, "good").await;
    api.runs(&app, "r.test/api:1", "").await;
    api.set_image(&id, "r.test/api:2").await;
    api.deploy(&id, "late").await;
    wait_for("the crash", async || api.service(&app)["tasks"].to_string().contains("Failed").then_some(())).await;
    assert_eq!(api.service(&app)["image"], "r.test/api:2");
}

#[tokio::test]
async fn a_stopped_application_runs_nothing_although_image_and_env_still_match() {
    let api = Api::fast().await;
    let (id, app) = api.application("api", "r.test/api:1", "A=1").await;
    api.deploy(&id, "first").await;
    api.runs(&app, "r.test/api:1", "A=1").await;
    assert_eq!(api.post("application.stop", json!({ "applicationId": id })).await.0, 200);
    assert_eq!((&api.service(&app)["running"], &api.service(&app)["runs"]), (&json!(false), &json!([])));
    let (_, nodes) = api.get("swarm.getNodeApps", &[]).await;
    assert_eq!(nodes[0]["Replicas"], "0/0");
    assert_eq!(api.post("application.start", json!({ "applicationId": id })).await.0, 200);
    api.runs(&app, "r.test/api:1", "A=1").await;
}

#[tokio::test]
async fn a_private_image_needs_the_applications_login_or_a_registry_row() {
    let private = Image::new("r.test/api:1").login("bob", "secret");
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(private)).await;
    let (id, _) = api.application("api", "r.test/api:1", "").await;
    assert_eq!(api.deploy(&id, "without").await, "error");
    let registry = json!({
        "registryName": "r", "username": "bob", "password": "secret", "registryUrl": "r.test", "registryType": "cloud",
        "imagePrefix": null,
    });
    let (_, created) = api.post("registry.create", registry).await;
    assert_eq!(api.deploy(&id, "with row").await, "done");
    api.post("registry.remove", json!({ "registryId": created["registryId"] })).await;
    assert_eq!(api.deploy(&id, "row gone").await, "error");
    let provider = json!({
        "applicationId": id, "dockerImage": "r.test/api:1", "username": "bob", "password": "secret", "registryUrl": "r.test",
    });
    api.post("application.saveDockerProvider", provider).await;
    assert_eq!(api.deploy(&id, "own login").await, "done");
}

#[tokio::test]
async fn an_unresolved_reference_fails_the_deployment_and_leaves_what_runs() {
    let api = Api::fast().await;
    let (id, app) = api.application("api", "r.test/api:1", "A=1").await;
    api.deploy(&id, "good").await;
    api.runs(&app, "r.test/api:1", "A=1").await;
    api.set_env(&id, "A=${{project.NOPE}}").await;
    assert_eq!(api.deploy(&id, "bad").await, "error");
    let snapshot = api.simulator.snapshot();
    assert!(snapshot["deployments"].to_string().contains("Invalid project environment variable: project.NOPE"));
    api.runs(&app, "r.test/api:1", "A=1").await;
}

#[tokio::test]
async fn swarm_expands_templates_in_values_and_refuses_what_is_none() {
    let api = Api::fast().await;
    let (id, app) = api.application("api", "r.test/api:1", r#"A={{"{{"}}name}}"#).await;
    assert_eq!(api.deploy(&id, "literal").await, "done");
    api.runs(&app, "r.test/api:1", "A={{name}}").await;
    api.set_env(&id, "A={{.Service.Name}} on {{.Node.Hostname}}").await;
    assert_eq!(api.deploy(&id, "fields").await, "done");
    api.runs(&app, "r.test/api:1", &format!("A={app} on vm")).await;
    api.set_env(&id, "A={{name}}").await;
    assert_eq!(api.deploy(&id, "bad").await, "error");
    let log = api.simulator.snapshot()["deployments"][2]["log"].to_string();
    assert!(log.contains("expanding env failed") && log.contains("not defined"), "{log}");
    api.runs(&app, "r.test/api:1", &format!("A={app} on vm")).await;
}

#[tokio::test]
async fn an_image_of_another_platform_finds_no_node_beside_the_one_that_runs() {
    let image = Image::new("r.test/api:2").fits_no_node();
    let api = Api::start(Simulator::builder().time_scale(SCALE).image(image)).await;
    let (id, app) = api.application("api", "r.test/api:1", "A=1").await;
    api.deploy(&id, "good").await;
    api.runs(&app, "r.test/api:1", "A=1").await;
    api.set_image(&id, "r.test/api:2").await;
    assert_eq!(api.deploy(&id, "elsewhere").await, "done");
    let pending = "no suitable node (unsupported platform on 1 node)";
    wait_for("the pending task", async || api.service(&app)["tasks"].to_string().contains(pending).then_some(())).await;
    api.runs(&app, "r.test/api:1", "A=1").await;
}

#[tokio::test]
async fn a_pinned_image_shows_its_digest_and_a_tagged_one_hides_it() {
    let api = Api::fast().await;
    let digest = format!("sha256:{}", "a".repeat(64));
    let (pinned, pinned_app) = api.application("pinned", &format!("r.test/api@{digest}"), "").await;
    let (tagged, tagged_app) = api.application("tagged", &format!("r.test/api:1@{digest}"), "").await;
    api.deploy(&pinned, "x").await;
    api.deploy(&tagged, "x").await;
    let (_, nodes) = api.get("swarm.getNodeApps", &[]).await;
    let image = |app: &str| nodes.as_array().unwrap().iter().find(|row| row["Name"] == app).unwrap()["Image"].clone();
    assert_eq!(image(&pinned_app), format!("r.test/api@{digest}"));
    assert_eq!(image(&tagged_app), "r.test/api:1");
}

#[tokio::test]
async fn removing_a_project_orphans_its_services() {
    let api = Api::fast().await;
    let (id, app) = api.application("api", "r.test/api:1", "").await;
    api.deploy(&id, "x").await;
    api.runs(&app, "r.test/api:1", "").await;
    let project = api.simulator.snapshot()["projects"][0]["projectId"].clone();
    assert_eq!(api.post("project.remove", json!({ "projectId": project })).await.0, 200);
    assert_eq!(api.get("application.one", &[("applicationId", &id)]).await.0, 404);
    assert_eq!(api.service(&app)["running"], true);
}

#[tokio::test]
async fn a_name_that_docker_refuses_fails_at_deployment_only() {
    let api = Api::fast().await;
    for name in ["a.b".to_owned(), "x".repeat(60)] {
        let (id, _) = api.application(&name, "r.test/api:1", "").await;
        assert_eq!(api.deploy(&id, "x").await, "error", "{name}");
    }
}

#[tokio::test]
async fn hands_of_others_show_in_what_is_read() {
    let api = Api::fast().await;
    let (id, app) = api.application("api", "r.test/api:1", "A=1").await;
    api.deploy(&id, "x").await;
    api.runs(&app, "r.test/api:1", "A=1").await;
    assert!(api.simulator.edit_application(&id, json!({ "env": "A=2" })));
    assert_eq!(api.get("application.one", &[("applicationId", &id)]).await.1["env"], "A=2");
    let foreign = api.simulator.create_application(&api.environment, "api");
    assert_eq!(api.get("application.one", &[("applicationId", &foreign)]).await.1["name"], "api");
    assert_eq!(api.get("application.search", &[("name", "ap")]).await.1["total"], 1, "search hides what others made");
    assert!(api.simulator.stop_application(&id));
    wait_for("the container to stop", async || (api.service(&app)["runs"] == json!([])).then_some(())).await;
    assert!(api.simulator.delete_application(&id));
    assert_eq!(api.get("application.one", &[("applicationId", &id)]).await.0, 404);
    assert!(!api.simulator.delete_application(&id));
}
