//! What somebody else changed meanwhile is said by name, and set right where it is ours.

use deploy_native::deploy::AppStatus;
use deploy_native_simulator::dns::ZoneRecord;
use deploy_native_test_support::{SERVER_IP, World, host, image, of};
use serde_json::json;

#[tokio::test]
async fn i9_an_application_stopped_by_hand_is_started_although_all_that_is_stored_matches() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    assert!(world.simulator.stop_application(&world.application_id("jobs")));
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(world.runs("jobs"), None);
    let before = world.moment();
    let report = world.deploy(world.light()).await.unwrap();
    assert_eq!(of(&report, "jobs").status, AppStatus::Running);
    assert!(world.runs("jobs").is_some(), "it runs again");
    assert_eq!(world.endpoints_since(&before), ["application.deploy"]);
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn an_application_deleted_by_hand_is_made_again_with_its_secrets_and_the_plan_says_so() {
    let world = World::start().await;
    world.deploy(world.request()).await.unwrap();
    let (state, env) = (world.state().await, world.runs("auth").unwrap().1);
    assert!(world.simulator.delete_application(&world.application_id("auth")));
    let plan = world.plan(world.request()).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("application auth was removed")), "{:?}", plan.notes);
    let before = world.moment();
    let report = world.deploy(world.request()).await.unwrap();
    assert_eq!(of(&report, "auth").status, AppStatus::Running);
    assert_eq!(world.runs("auth").unwrap().1, env, "the same secrets, the same password");
    assert_ne!(world.state().await.applications["auth"], state.applications["auth"]);
    let sent = world.endpoints_since(&before);
    assert!(!sent.iter().any(|it| it.starts_with("postgres.") || it.starts_with("redis.")), "{sent:?}");
    assert_eq!(sent.iter().filter(|it| *it == "application.deploy").count(), 1, "{sent:?}");
    assert_eq!(
        world.simulator.snapshot()["domains"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|it| it["host"] == host("auth").as_str() && it["applicationId"] == report_id(&report))
            .count(),
        1
    );
    assert_eq!(world.deploy(world.request()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn what_was_removed_is_told_apart_from_what_is_not_asked_for() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let mut without_jobs = world.light();
    for place in ["/workspace/apps", "/images"] {
        without_jobs.pointer_mut(place).unwrap().as_object_mut().unwrap().remove("jobs");
    }
    let jobs = world.application_id("jobs");
    assert!(world.simulator.edit_application(&jobs, json!({ "description": null })));
    let notes = world.plan(without_jobs.clone()).await.unwrap().notes;
    assert!(!notes.iter().any(|note| note.contains("removed")), "it stands, unmarked and undeclared: {notes:?}");
    assert!(world.simulator.delete_application(&jobs));
    let mut some = world.light();
    some["apps"] = json!(["api"]);
    for request in [without_jobs, some] {
        let notes = world.plan(request).await.unwrap().notes;
        let note = notes.iter().find(|note| note.contains("application jobs was removed")).expect("a note");
        assert!(!note.contains("created again"), "{note}");
    }
    let notes = world.plan(world.light()).await.unwrap().notes;
    assert!(notes.iter().any(|note| note.contains("jobs was removed") && note.contains("created again")), "{notes:?}");
}

fn report_id(report: &deploy_native::deploy::DeployReport) -> &str {
    of(report, "auth").application_id.as_deref().unwrap()
}

#[tokio::test]
async fn an_environment_edited_by_hand_is_named_and_put_back() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let edited = json!({ "env": "GREETING=\"edited-canary\"\nEXTRA=1\n" });
    assert!(world.simulator.edit_application(&world.application_id("jobs"), edited));
    let plan = world.plan(world.light()).await.unwrap();
    let note = plan.notes.iter().find(|note| note.starts_with("jobs:")).expect("a note");
    assert!(note.contains("GREETING") && note.contains("EXTRA") && note.contains("behind our back"), "{note}");
    assert!(!format!("{plan:?}").contains("edited-canary"), "i6: names, never values");
    let report = world.deploy(world.light()).await.unwrap();
    assert!(of(&report, "jobs").changed && !of(&report, "api").changed);
    let (_, env) = world.runs("jobs").unwrap();
    assert_eq!((env["GREETING"].as_str(), env.get("EXTRA")), ("hello", None));
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_value_that_somebody_wrote_as_a_template_is_put_back_although_its_text_is_the_one_meant() {
    let world = World::start().await;
    let mut request = world.light();
    request["secrets"] = json!({ "shared": { "GREETING": "{{.Node.Hostname}}" } });
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(world.runs("jobs").unwrap().1["GREETING"], "{{.Node.Hostname}}");
    let stored = world.application("jobs")["env"].as_str().unwrap().to_owned();
    let edited = json!({ "env": stored.replace(r#"{{"{{"}}"#, "{{") });
    assert!(world.simulator.edit_application(&world.application_id("jobs"), edited));
    let plan = world.plan(request.clone()).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("jobs:") && note.contains("GREETING")), "{:?}", plan.notes);
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(world.runs("jobs").unwrap().1["GREETING"], "{{.Node.Hostname}}");
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn an_image_edited_by_hand_is_put_back() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    world.simulator.edit_application(&world.application_id("jobs"), json!({ "dockerImage": "registry.test/other:1" }));
    let plan = world.plan(world.light()).await.unwrap();
    assert!(plan.notes.iter().any(|note| note.starts_with("jobs:") && note.contains("image")), "{:?}", plan.notes);
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.application("jobs")["dockerImage"], image("jobs", "1"));
}

#[tokio::test]
async fn a_record_of_ours_that_somebody_changed_is_said_and_set_right() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    world.dns.remove_record("example.com", "api.staging", "A");
    world.dns.put_record("example.com", ZoneRecord::new("api.staging", "A", 300, "203.0.113.66"));
    let plan = world.plan(world.light()).await.unwrap();
    assert!(
        plan.steps.iter().any(|step| step.id == format!("dns:{}", host("api")) && step.reason.contains("203.0.113.66"))
    );
    let before = world.moment();
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.addresses()["api.staging"], SERVER_IP);
    assert_eq!(world.endpoints_since(&before), Vec::<String>::new());
    assert_eq!(world.dns_writes_since(&before), 1);
}
