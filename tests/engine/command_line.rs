//! What a command line around the engine relies on: early refusals, what is told, and results as data.

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use deploy_native::deploy::{
    AppStatus, DeployRequest, DomainStatus, HostReason, RecordStatus, RemovalOutcome, RunOptions, UndeployRequest,
    deploy, undeploy,
};
use deploy_native::{DeployError, DeployEvent, ErrorCode};
use deploy_native_test_support::image;
use deploy_native_test_support::{SERVER_IP, STAGE, World, digest};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

/// Deploys, which must fail before its first change.
async fn refused(world: &World, request: Value, options: RunOptions) -> DeployError {
    let before = world.moment();
    let failure = Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await.unwrap_err();
    world.assert_untouched_since(&before);
    assert!(failure.report.is_none(), "nothing was begun");
    failure.error
}

/// The light workspace, its images built by Docker; each app has a Dockerfile of these lines.
fn built(world: &World, dockerfile: &str) -> Value {
    let mut request = world.light();
    request.as_object_mut().unwrap().remove("images");
    request["workspace"]["deploy"]["dokploy"]["registry"] = json!("registry.test/shop");
    let folder = world.root.path().join(".gkm/docker");
    fs::create_dir_all(&folder).unwrap();
    for app in ["api", "web", "jobs"] {
        fs::write(folder.join(format!("Dockerfile.{app}")), dockerfile).unwrap();
    }
    request
}

/// Options with a `docker` of another path.
fn with_docker(world: &World, docker: &str) -> RunOptions {
    let mut options = world.options();
    options.surroundings.docker = docker.into();
    options
}

/// A registry that refuses every login.
async fn closed_registry() -> SocketAddr {
    let answer = |_: Request| async move {
        let challenge = [("www-authenticate", "Basic realm=\"x\"")];
        (StatusCode::UNAUTHORIZED, challenge, "").into_response() as Response
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

fn warnings(world: &World) -> Vec<(String, String)> {
    let events = world.events.lock().unwrap();
    let told = events.iter().filter_map(|event| match event {
        DeployEvent::Warning { code, message, .. } => Some((code.clone(), message.clone())),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn every_app_is_told_the_stage_as_it_is_told_its_port() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    for (app, port) in [("jobs", "3005"), ("web", "3003")] {
        let (_, env) = world.runs(app).unwrap();
        assert_eq!(
            (env["STAGE"].as_str(), env["PORT"].as_str(), env["NODE_ENV"].as_str()),
            (STAGE, port, "production")
        );
    }
    assert_eq!(world.deploy(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn without_domains_no_host_names_are_needed() {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["apps"]["web"]["dependencies"] = json!([]);
    request["workspace"]["deploy"]["dokploy"]["domains"] = json!({});
    assert_eq!(world.deploy(request.clone()).await.unwrap_err().error.code(), ErrorCode::InvalidWorkspace);
    request["domains"] = json!(false);
    let report = world.deploy(request.clone()).await.unwrap();
    for app in &report.apps {
        assert_eq!(
            (app.status, app.domain, &app.host, &app.url),
            (AppStatus::Running, DomainStatus::None, &None, &None)
        );
    }
    assert!(report.dns.hosts.is_empty());
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i1_an_empty_list_of_apps_is_an_error_that_says_so() {
    let world = World::start().await;
    let mut request = world.light();
    request["apps"] = json!([]);
    let error = refused(&world, request.clone(), world.options()).await;
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert!(error.message().starts_with("apps: ") && error.hint_text().is_some(), "{error}");
    let removal =
        json!({ "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"], "apps": [] });
    let failure = undeploy(UndeployRequest::from_json(removal).unwrap(), world.options()).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn i1_a_build_argument_that_a_dockerfile_does_not_declare_stops_the_plan() {
    let world = World::start().await;
    let docker = with_docker(&world, "true");
    let request = built(&world, "FROM scratch\nARG NEXT_PUBLIC_API_URL\n");
    let error = refused(&world, request.clone(), docker.clone()).await;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("argument-undeclared")));
    assert_eq!(error.app_name(), Some("web"));
    assert!(error.message().contains("VITE_API_URL") && error.message().contains("NEXT_PUBLIC_API_URL"), "{error}");

    fs::remove_file(world.root.path().join(".gkm/docker/Dockerfile.jobs")).unwrap();
    let error = refused(&world, request, docker).await;
    assert_eq!((error.reason_name(), error.app_name()), (Some("dockerfile-missing"), Some("jobs")));
}

#[tokio::test]
async fn i1_a_missing_docker_is_found_before_the_first_change() {
    let world = World::start().await;
    let request = built(&world, "FROM scratch\nARG VITE_API_URL\n");
    let error = refused(&world, request, with_docker(&world, "/nowhere/docker")).await;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("docker-missing")));
}

#[tokio::test]
async fn i1_a_registry_that_refuses_the_login_is_found_before_the_first_change() {
    let world = World::start().await;
    let registry = closed_registry().await;
    let mut request = world.light();
    request["credentials"]["registry"] = json!({ "url": registry.to_string(), "username": "ci", "password": "canary" });
    let reference = format!("{registry}/shop/jobs@sha256:{}", digest("jobs"));
    request["images"]["jobs"] = json!(reference);
    let error = refused(&world, request.clone(), world.options()).await;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageRegistry, Some("login-refused")));
    assert!(error.message().contains(&registry.to_string()) && !format!("{error:?}").contains("canary"), "{error:?}");
    // Of an image from elsewhere that registry says nothing.
    request["images"]["jobs"] = json!(image("jobs", "1"));
    world.deploy(request).await.unwrap();
}

#[tokio::test]
async fn the_registry_that_the_workspace_names_by_its_id_lends_its_login() {
    let world = World::with(|it| it.registry("registry.test", "ci", "right-canary").granted_token("granted")).await;
    let mut request = world.light();
    request["workspace"]["deploy"]["dokploy"]["registryId"] = json!("nothing");
    let error = refused(&world, request.clone(), world.options()).await;
    assert_eq!(error.code(), ErrorCode::InvalidWorkspace);
    assert!(error.message().contains("deploy.dokploy.registryId") && error.message().contains("nothing"), "{error}");

    let registry = json!({ "registryName": "ours", "username": "ci", "password": "right-canary",
        "registryUrl": "registry.test", "registryType": "cloud", "imagePrefix": null });
    world.somebody_posts("registry.create", registry).await;
    let id = world.simulator.snapshot()["registries"][0]["registryId"].clone();
    request["workspace"]["deploy"]["dokploy"]["registryId"] = id;
    let mut granted = request.clone();
    granted["credentials"]["dokploy"]["token"] = json!("granted");
    let error = refused(&world, granted, world.options()).await;
    assert!(error.message().contains("registryId") && error.hint_text().unwrap().contains("owner"), "{error:?}");

    world.deploy(request.clone()).await.unwrap();
    let stored = world.application("jobs");
    assert_eq!((&stored["username"], &stored["registryUrl"]), (&json!("ci"), &json!("registry.test")));
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
    let events = format!("{:?}", world.events.lock().unwrap());
    assert!(!events.contains("right-canary"));
}

#[tokio::test]
async fn what_the_workspace_declares_in_vain_and_a_host_in_no_zone_are_told() {
    let world = World::start().await;
    let mut request = world.light();
    request["workspace"]["services"] = json!({ "mail": true });
    request["workspace"]["apps"]["jobs"]["domain"] = json!("jobs.elsewhere.test");
    let report = world.deploy(request).await.unwrap();
    let told = warnings(&world);
    assert!(told.iter().any(|(code, text)| code == "workspace" && text.starts_with("services.mail: ")), "{told:?}");
    let zone = |(code, text): &&(String, String)| code == "dns-zone" && text.contains("jobs.elsewhere.test");
    assert_eq!(told.iter().filter(zone).count(), 1, "{told:?}");
    let jobs = report.dns.hosts.iter().find(|host| host.app_name == "jobs").unwrap();
    assert_eq!((jobs.record, jobs.reason, jobs.verified), (RecordStatus::None, Some(HostReason::NoZone), false));
    assert!(jobs.message.as_deref().unwrap().contains(&format!("jobs.elsewhere.test A {SERVER_IP}")), "{jobs:?}");
    let api = report.dns.hosts.iter().find(|host| host.app_name == "api").unwrap();
    let place = (api.zone.as_deref(), api.name.as_deref(), api.value.as_deref());
    assert_eq!(place, (Some("example.com"), Some("api.staging"), Some(SERVER_IP)));
}

#[tokio::test]
async fn i10_a_cancelled_run_reports_what_was_done() {
    let world = World::start().await;
    let mut options = world.options();
    let (events, cancel) = (Arc::clone(&options.events), options.cancel.clone());
    options.events = Arc::new(move |event: DeployEvent| {
        if matches!(&event, DeployEvent::StepFinished { step, .. } if step == "app:jobs:create") {
            cancel.cancel();
        }
        events.emit(event);
    });
    let request = DeployRequest::from_json(world.light()).unwrap();
    let failure = Box::pin(deploy(request, options)).await.unwrap_err();
    assert_eq!((failure.error.code(), failure.error.stage_name()), (ErrorCode::Cancelled, Some(STAGE)));
    let report = failure.report.expect("what was done");
    assert!(!report.project_id.is_empty() && report.changes > 0, "{report:?}");
    let jobs = report.apps.iter().find(|app| app.app_name == "jobs").unwrap();
    assert_eq!((jobs.status, jobs.changed), (AppStatus::Failed, true));
    assert_eq!(jobs.application_id.as_deref(), Some(world.application_id("jobs").as_str()));
    assert!(jobs.reason.contains("cancelled"), "{jobs:?}");
    world.deploy(world.light()).await.unwrap();
}

#[tokio::test]
async fn steps_say_what_they_do_and_what_they_have_done() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let events = world.events.lock().unwrap();
    let started = events.iter().find_map(|event| match event {
        DeployEvent::StepStarted { step, resource, reason, title, .. } if step == "project" => {
            Some((resource.clone(), reason.clone(), title.clone()))
        }
        _ => None,
    });
    let expected = ("project shop", "there is none of this name", "Creating project shop");
    assert_eq!(started.unwrap(), (expected.0.to_owned(), expected.1.to_owned(), expected.2.to_owned()));
    let finished = |id: &str| {
        events.iter().find_map(|event| match event {
            DeployEvent::StepFinished { step, title, .. } if step == id => Some(title.clone()),
            _ => None,
        })
    };
    assert_eq!(finished("project").as_deref(), Some("Created project shop"));
    assert_eq!(finished("app:jobs:deploy").as_deref(), Some("Deployed jobs"));
    let planned = events.iter().find_map(|event| match event {
        DeployEvent::Planned { plan, .. } => Some(plan.steps.len()),
        _ => None,
    });
    assert!(planned.unwrap() > 5);
}

#[tokio::test]
async fn an_undeployment_says_as_data_what_became_of_each_resource() {
    let world = World::start().await;
    let request = world.light();
    world.deploy(request.clone()).await.unwrap();
    let removal = json!({ "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"] });
    let report = undeploy(UndeployRequest::from_json(removal).unwrap(), world.options()).await.unwrap();
    assert_eq!(report.resources.len(), report.removed.len() + report.restored.len());
    let jobs = report.resources.iter().find(|it| it.resource == "application jobs").unwrap();
    assert_eq!((jobs.app.as_deref(), jobs.outcome), (Some("jobs"), RemovalOutcome::Removed));
}

#[tokio::test]
async fn errors_name_the_stage_and_the_server() {
    let world = World::start().await;
    let mut request = world.light();
    request["credentials"]["dokploy"]["token"] = json!("wrong");
    let error = refused(&world, request, world.options()).await;
    assert_eq!((error.stage_name(), error.endpoint_url()), (Some(STAGE), Some(world.simulator.url())));
    let mut request = world.light();
    request["secrets"] = json!({});
    let error = refused(&world, request, world.options()).await;
    let text = error.format(&deploy_native::FormatOptions::default().style(deploy_native::CommandStyle::Cli));
    assert!(text.contains("gkm secrets:set GREETING <value> --stage staging"), "{text}");
}
