//! What a second run does: only what changed, and only to what it changed.

use deploy_native::deploy::{AppStatus, DomainStatus};
use deploy_native_test_support::{STAGE, World, host, image, of};
use serde_json::{Value, json};

/// The applications that requests of an endpoint were about.
fn targets(sent: &[(String, Value)], endpoint: &str) -> Vec<String> {
    let of_endpoint = sent.iter().filter(|(it, _)| it == endpoint);
    of_endpoint.map(|(_, body)| body["applicationId"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn i9_one_changed_app_is_the_only_one_that_is_configured_and_deployed() {
    let world = World::start().await;
    let mut request = world.light();
    world.deploy(request.clone()).await.unwrap();
    let before = world.moment();
    request["images"]["api"] = json!(image("api", "2"));
    let report = world.deploy(request.clone()).await.unwrap();
    let sent = world.sent_since(&before);
    let api = vec![world.application_id("api")];
    for endpoint in ["application.saveDockerProvider", "application.saveEnvironment", "application.deploy"] {
        assert_eq!(targets(&sent, endpoint), api, "{endpoint}");
    }
    assert_eq!(sent.len(), 3, "{sent:?}");
    assert_eq!(world.runs("api").unwrap().0, image("api", "2"));
    assert!(of(&report, "api").changed && !of(&report, "web").changed && !of(&report, "jobs").changed);
    assert!(of(&report, "jobs").reason.starts_with("unchanged"), "{report:#?}");
    assert!(report.apps.iter().all(|app| app.status == AppStatus::Running));
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_changed_value_deploys_the_apps_that_have_it() {
    let world = World::start().await;
    let mut request = world.light();
    world.deploy(request.clone()).await.unwrap();
    request["secrets"] = json!({ "shared": { "GREETING": "hello" }, "apps": { "jobs": { "GREETING": "salut" } } });
    let plan = world.plan(request.clone()).await.unwrap();
    let step = plan.steps.iter().find(|step| step.id == "app:jobs:configure").unwrap();
    assert_eq!(step.variables.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["GREETING"]);
    assert!(!step.variables.is_empty() && plan.notes.is_empty(), "the user's own change is no drift: {plan:#?}");
    let before = world.moment();
    world.deploy(request).await.unwrap();
    assert_eq!(targets(&world.sent_since(&before), "application.deploy"), [world.application_id("jobs")]);
    assert_eq!(world.runs("jobs").unwrap().1["GREETING"], "salut");
    assert_eq!(world.runs("api").unwrap().1["GREETING"], "hello");
}

#[tokio::test]
async fn a_subset_leaves_what_the_others_have_and_still_knows_their_urls() {
    let world = World::start().await;
    let request = world.request();
    world.deploy(request.clone()).await.unwrap();
    let state = world.state().await;
    let mut subset = request.clone();
    subset["apps"] = json!(["web"]);
    subset["images"]["web"] = json!(image("web", "2"));
    let before = world.moment();
    let report = world.deploy(subset).await.unwrap();
    assert_eq!(targets(&world.sent_since(&before), "application.deploy"), [world.application_id("web")]);
    assert_eq!(world.runs("web").unwrap().1["VITE_API_URL"], format!("https://{}", host("api")));
    assert_eq!(of(&report, "web").status, AppStatus::Running);
    assert_eq!(of(&report, "auth").status, AppStatus::Skipped);
    let now = world.state().await;
    assert_eq!(now.applications, state.applications);
    assert_eq!(now.app_credentials, state.app_credentials);
    assert_eq!(now.generated_secrets, state.generated_secrets);
    assert_eq!(now.dns_verified, state.dns_verified);
    let plan = world.plan(request).await.unwrap();
    assert!(
        plan.steps.iter().all(|step| step.app.as_deref().is_none_or(|app| app == "web")
            || plan.changes == 0
            || step.action == deploy_native::plan::Action::Keep),
        "only web would go back: {plan:#?}"
    );
}

#[tokio::test]
async fn a_first_run_of_a_subset_is_completed_by_the_next() {
    let world = World::start().await;
    let request = world.request();
    let mut subset = request.clone();
    subset["apps"] = json!(["auth"]);
    world.deploy(subset).await.unwrap();
    let secret = world.state().await.generated_secrets["auth"]["BETTER_AUTH_SECRET"].clone();
    let password = world.state().await.app_credentials["auth"].db_password.clone();
    assert_eq!(world.state().await.applications.len(), 1);
    let before = world.moment();
    let report = world.deploy(request).await.unwrap();
    assert!(report.apps.iter().all(|app| app.status == AppStatus::Running), "{report:#?}");
    let state = world.state().await;
    assert_eq!(state.generated_secrets["auth"]["BETTER_AUTH_SECRET"], secret);
    assert_eq!(state.app_credentials["auth"].db_password, password);
    assert!(!targets(&world.sent_since(&before), "application.deploy").contains(&world.application_id("auth")));
    world.assert_port_closed();
}

#[tokio::test]
async fn a_new_app_has_only_its_own_dns_verified() {
    let world = World::start().await;
    let whole = world.light();
    let mut request = whole.clone();
    request["workspace"]["apps"].as_object_mut().unwrap().shift_remove("jobs");
    request["images"].as_object_mut().unwrap().shift_remove("jobs");
    world.deploy(request).await.unwrap();
    let verified = world.state().await.dns_verified;
    let (before, asked) = (world.moment(), world.dns.queries().len());
    world.deploy(whole).await.unwrap();
    let now = world.state().await.dns_verified;
    assert_eq!(now[&host("api")], verified[&host("api")], "seed: what is verified is skipped");
    assert!(now.contains_key(&host("jobs")));
    assert_eq!(world.dns_writes_since(&before), 1);
    let names: Vec<String> = world.dns.queries().into_iter().skip(asked).map(|query| query.name).collect();
    assert!(names.iter().any(|name| name.contains("jobs")), "{names:?}");
    assert!(!names.iter().any(|name| name.contains("api") || name.contains("web")), "{names:?}");
    assert_eq!(targets(&world.sent_since(&before), "application.deploy"), [world.application_id("jobs")]);
}

#[tokio::test]
async fn a_new_server_address_rewrites_and_verifies_every_record_and_restarts_nothing() {
    let world = World::start().await;
    let mut request = world.light();
    world.deploy(request.clone()).await.unwrap();
    let before = world.moment();
    request["serverIp"] = json!("192.0.2.77");
    let report = world.deploy(request.clone()).await.unwrap();
    assert_eq!(world.addresses().len(), 3);
    assert!(world.addresses().values().all(|value| value == "192.0.2.77"), "{:?}", world.addresses());
    let state = world.state().await;
    assert_eq!(state.dns_verified.len(), 3);
    assert!(state.dns_verified.values().all(|it| it.server_ip == "192.0.2.77"));
    assert!(state.dns_records.values().all(|it| it.value == "192.0.2.77" && it.previous.is_none()), "our own value");
    assert_eq!(world.endpoints_since(&before), Vec::<String>::new());
    assert!(report.dns.hosts.iter().all(|it| it.verified));
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn two_stages_share_a_project_and_nothing_else() {
    let world = World::start().await;
    let staging = world.light();
    let mut production = staging.clone();
    production["stage"] = json!("production");
    production["workspace"]["deploy"]["dokploy"]["domains"] =
        json!({ STAGE: "staging.example.com", "production": "example.com" });
    let first = world.deploy(staging.clone()).await.unwrap();
    let second = world.deploy(production.clone()).await.unwrap();
    assert_eq!(first.project_id, second.project_id);
    assert_ne!(first.environment_id, second.environment_id);
    assert_eq!(world.applications("api").len(), 2);
    assert_eq!(of(&second, "api").url.as_deref(), Some("https://api.example.com"));
    assert_eq!(of(&second, "api").domain, DomainStatus::Attached);
    assert_eq!(world.addresses().len(), 6);
    assert_eq!(world.deploy(staging).await.unwrap().changes, 0);
    assert_eq!(world.deploy(production).await.unwrap().changes, 0);
    assert_eq!(world.simulator.count("project.create"), 1);
}
