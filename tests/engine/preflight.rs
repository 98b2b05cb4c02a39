//! What is checked before anything is changed (I1): every case asserts that nobody was asked for a change.

use deploy_native::deploy::UndeployRequest;
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::dns::ZoneRecord;
use deploy_native_test_support::{SERVER_IP, STAGE, World, host, image};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Deploys, which must fail before its first change.
async fn refused(world: &World, request: Value) -> DeployError {
    let before = world.moment();
    let failure = world.deploy(request.clone()).await.unwrap_err();
    world.assert_untouched_since(&before);
    assert!(failure.report.is_none(), "nothing was begun");
    let planned = world.plan(request).await.unwrap_err();
    assert_eq!(planned.code(), failure.error.code(), "a plan says the same: {planned}");
    failure.error
}

#[tokio::test]
async fn i1_missing_variables_of_all_apps_are_one_error_in_the_seeds_words() {
    let world = World::start().await;
    let mut request = world.request();
    let add = |app: &mut Value, names: &[&str]| {
        let list = app["requiredEnv"].as_array_mut().unwrap();
        list.extend(names.iter().map(|name| json!(name)));
    };
    add(&mut request["workspace"]["apps"]["auth"], &["STRIPE_SECRET_KEY", "SENDGRID_API_KEY"]);
    add(&mut request["workspace"]["apps"]["api"], &["WEATHER_KEY"]);
    let error = refused(&world, request).await;
    assert_eq!(error.code(), ErrorCode::MissingEnv);
    let text = format!("{error}");
    assert!(
        text.contains(
            "Deployment failed: auth is missing env vars: SENDGRID_API_KEY, STRIPE_SECRET_KEY\n\nAdd them with:\n  \
         gkm secrets set auth SENDGRID_API_KEY=SG.xxx\n  gkm secrets set auth STRIPE_SECRET_KEY=sk_live_xxx"
        ),
        "{text}"
    );
    assert!(text.contains("Deployment failed: api is missing env vars: WEATHER_KEY"), "{text}");
    assert!(text.contains("gkm secrets set api WEATHER_KEY=<value>"), "{text}");
    assert_eq!(world.simulator.requests().len(), 0, "not even read");
}

#[tokio::test]
async fn i1_a_wrong_token_is_unauthorized() {
    let world = World::start().await;
    let mut request = world.light();
    request["credentials"]["dokploy"]["token"] = json!("wrong");
    let error = refused(&world, request).await;
    assert_eq!(error.code(), ErrorCode::DokployUnauthorized);
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn i1_a_members_token_is_forbidden() {
    let world = World::with(|it| it.member_token("member-key")).await;
    let mut request = world.light();
    request["credentials"]["dokploy"]["token"] = json!("member-key");
    let error = refused(&world, request).await;
    assert_eq!(error.code(), ErrorCode::DokployForbidden);
    assert!(error.hint_text().is_some(), "{error:?}");
}

#[tokio::test]
async fn i1_a_key_that_may_not_look_at_containers_does_all_that_needs_no_such_look() {
    for wait_for in ["queued", "deployed"] {
        let world = World::with(|it| it.granted_token("granted-key")).await;
        let mut request = world.request();
        request["apps"] = json!(["auth"]);
        request["workspace"]["services"] = json!({ "db": true });
        request["credentials"]["dokploy"]["token"] = json!("granted-key");
        let error = refused(&world, request.clone()).await;
        assert_eq!(error.code(), ErrorCode::DokployForbidden);
        assert!(error.hint_text().is_some_and(|hint| hint.contains("waitFor")), "{error:?}");
        request["waitFor"] = json!(wait_for);
        assert!(world.plan(request.clone()).await.unwrap().changes > 0);
        world.deploy(request.clone()).await.unwrap();
        assert_eq!(world.deploy(request.clone()).await.unwrap().changes, 0, "{wait_for}");
        let undeploy = json!({
            "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"],
            "deleteData": true, "deleteProject": true,
        });
        let undeploy = UndeployRequest::from_json(undeploy).unwrap();
        deploy_native::deploy::undeploy(undeploy, world.options()).await.unwrap();
        assert_eq!(world.simulator.snapshot()["projects"], json!([]));
    }
}

#[tokio::test]
async fn i1_an_old_server_is_unsupported() {
    let world = World::with(|it| it.version("v0.28.0")).await;
    let error = refused(&world, world.light()).await;
    assert_eq!(error.code(), ErrorCode::DokployUnsupported);
    assert!(error.message().contains("0.28.0"), "{error}");
    assert!(error.hint_text().is_some());
}

#[tokio::test]
async fn a_run_is_over_when_its_work_is_and_frees_its_lock() {
    let world = World::start().await;
    let started = Instant::now();
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0);
    let last = world.simulator.requests().pop().unwrap().answered.unwrap();
    assert!(started.elapsed() < last + Duration::from_secs(3), "{:?}, {last:?}", started.elapsed());
    let lock = std::fs::read_to_string(world.root.path().join(".gkm/deploy-staging.lock")).unwrap();
    assert_eq!(lock, "", "nobody holds it");
}

#[tokio::test]
async fn i1_a_missing_zone_is_named() {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["deploy"]["dokploy"]["domains"]["staging"] = json!("staging.nowhere.test");
    request["workspace"]["deploy"]["dns"] = json!({ "nowhere.test": { "provider": "cloudflare" } });
    let error = refused(&world, request).await;
    assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
    assert!(error.message().contains("nowhere.test"), "{error}");
}

#[tokio::test]
async fn i1_a_server_that_nobody_reaches_is_unreachable() {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["deploy"]["dokploy"]["endpoint"] = json!("http://127.0.0.1:9");
    let error = refused(&world, request).await;
    assert_eq!(error.code(), ErrorCode::DokployUnreachable);
    assert!(error.is_retryable() || error.hint_text().is_some(), "{error:?}");
}

#[tokio::test]
async fn i1_an_invalid_workspace_names_path_and_value() {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["apps"]["api"]["port"] = json!("many");
    let before = world.moment();
    let failure = world.deploy(request).await.unwrap_err();
    world.assert_untouched_since(&before);
    assert_eq!(failure.error.code(), ErrorCode::InvalidWorkspace);
    assert!(failure.error.message().contains("apps.api.port"), "{}", failure.error);
}

#[tokio::test]
async fn i8_a_foreign_application_of_the_same_name_stops_the_run_and_adopt_takes_it() {
    let world = World::start().await;
    let mut request = world.light();
    request["apps"] = json!(["api"]);
    let environment = world.deploy(request.clone()).await.unwrap().environment_id;
    let foreign = world.simulator.create_application(&environment, "jobs");
    let error = refused(&world, world.light()).await;
    assert_eq!((error.code(), error.app_name()), (ErrorCode::ResourceNotOurs, Some("jobs")));
    assert!(error.hint_text().unwrap().contains("adopt"), "{error:?}");
    let mut adopting = world.light();
    adopting["adopt"] = json!(["jobs"]);
    world.deploy(adopting).await.unwrap();
    assert_eq!(world.application_id("jobs"), foreign);
    assert_eq!(world.state().await.applications["jobs"], foreign);
    assert_eq!(world.runs("jobs").unwrap().0, image("jobs", "1"));
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0, "ours from now on");
}

#[tokio::test]
async fn i2_what_is_taken_over_keeps_the_values_that_we_would_generate() {
    let world = World::start().await;
    let mut request = world.light();
    request["apps"] = json!(["api"]);
    let environment = world.deploy(request.clone()).await.unwrap().environment_id;
    let foreign = world.simulator.create_application(&environment, "jobs");
    let theirs = json!({ "env": "BETTER_AUTH_SECRET=\"theirs\"\n", "description": "Keeps the books" });
    assert!(world.simulator.edit_application(&foreign, theirs));
    let mut adopting = world.light();
    adopting["workspace"]["apps"]["jobs"]["requiredEnv"] = json!(["GREETING", "BETTER_AUTH_SECRET"]);
    adopting["adopt"] = json!(["jobs"]);
    world.deploy(adopting.clone()).await.unwrap();
    assert_eq!(world.runs("jobs").unwrap().1["BETTER_AUTH_SECRET"], "theirs");
    let description = world.application("jobs")["description"].clone();
    assert!(description.as_str().unwrap().starts_with("Keeps the books [deploy-native "), "{description}");
    adopting.as_object_mut().unwrap().remove("adopt");
    assert_eq!(world.deploy(adopting).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i8_an_application_that_only_the_state_knows_is_marked_and_survives_a_lost_state() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let id = world.application_id("jobs");
    assert!(world.simulator.edit_application(&id, json!({ "description": "Made by the command line" })));
    let plan = world.plan(world.light()).await.unwrap();
    let step = plan.steps.iter().find(|step| step.id == "app:jobs:create").expect("a step");
    assert_eq!((plan.changes, step.reason.as_str()), (1, "it lacks our mark"));
    let before = world.moment();
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.endpoints_since(&before), ["application.update"]);
    std::fs::remove_file(world.root.path().join(".gkm/deploy-staging.json")).unwrap();
    let before = world.moment();
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.endpoints_since(&before), Vec::<String>::new(), "i2: nothing is lost");
    assert_eq!(world.state().await.applications["jobs"], id);
}

#[tokio::test]
async fn i8_a_database_of_somebody_else_with_our_name_stops_the_run_and_stays_as_it_was() {
    let world = World::start().await;
    let environment = world.deploy(world.light()).await.unwrap().environment_id;
    let names = [("postgres", "db"), ("redis", "cache")];
    for (kind, name) in names {
        let create = json!({
            "name": name, "environmentId": environment, "databaseName": "theirs", "databaseUser": "them",
            "databasePassword": "Theirs123",
        });
        world.somebody_posts(&format!("{kind}.create"), create).await;
    }
    let before = world.simulator.snapshot();
    let error = refused(&world, world.request()).await;
    let errors = error.errors();
    assert_eq!(errors.len(), 2, "{error:?}");
    for (error, (kind, name)) in errors.iter().zip(names) {
        assert_eq!(error.code(), ErrorCode::ResourceNotOurs);
        assert!(error.message().contains(&format!("{kind} {name}")), "{error}");
        assert!(error.hint_text().is_some_and(|hint| hint.contains("Rename or remove")), "{error:?}");
    }
    for kind in ["postgres", "redis"] {
        assert_eq!(world.simulator.snapshot()[kind], before[kind]);
    }
}

#[tokio::test]
async fn several_projects_of_the_name_are_listed_and_never_guessed_at() {
    let world = World::start().await;
    for _ in 0..2 {
        world.somebody_posts("project.create", json!({ "name": "shop", "description": "somebody else's" })).await;
    }
    let error = refused(&world, world.light()).await;
    assert_eq!(error.code(), ErrorCode::ResourceAmbiguous);
    let ids: Vec<String> = world.simulator.snapshot()["projects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["projectId"].as_str().unwrap().to_owned())
        .collect();
    assert!(ids.iter().all(|id| error.message().contains(id.as_str())), "{error}");
}

#[tokio::test]
async fn i8_a_protected_foreign_record_stops_the_run_and_is_replaced_and_kept_otherwise() {
    let world = World::start().await;
    world.dns.put_record("example.com", ZoneRecord::new("api.staging", "A", 600, "203.0.113.9"));
    world.dns.put_record("example.com", ZoneRecord::new("mail", "A", 600, "203.0.113.8"));
    let mut request = world.light();
    request["protectForeignDns"] = json!(true);
    let error = refused(&world, request).await;
    assert_eq!(error.code(), ErrorCode::DnsRecordForeign);
    assert!(error.message().contains(&host("api")) && error.message().contains("203.0.113.9"), "{error}");
    let plan = world.plan(world.light()).await.unwrap();
    let step = plan.steps.iter().find(|step| step.id == format!("dns:{}", host("api"))).unwrap();
    assert!(step.reason.contains("replaces 203.0.113.9, which we did not write"), "{step:?}");
    world.deploy(world.light()).await.unwrap();
    let previous = world.state().await.dns_records["api.staging:A"].previous.clone().unwrap();
    assert_eq!(previous.values, ["203.0.113.9"]);
    assert_eq!(world.addresses()["mail"], "203.0.113.8");
    assert_eq!(world.addresses()["api.staging"], SERVER_IP);
}
