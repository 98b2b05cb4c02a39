//! Host names that change: an app is reached by one of them at every moment, and what is left behind is taken away.

use deploy_native::deploy::{AppStatus, DomainStatus};
use deploy_native_simulator::dns::ZoneRecord;
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::{SERVER_IP, STAGE, World, host, of, rows};
use serde_json::{Value, json};
use std::time::Duration;

/// The application that each domain leads to, as host name and app.
fn attached(world: &World) -> Vec<(String, String)> {
    let snapshot = world.simulator.snapshot();
    let app = |id: &Value| {
        let found = rows(&snapshot["applications"]).into_iter().find(|it| it["applicationId"] == *id);
        found.map_or_else(String::new, |it| it["name"].as_str().unwrap().to_owned())
    };
    let mut domains: Vec<(String, String)> = rows(&snapshot["domains"])
        .iter()
        .map(|it| (it["host"].as_str().unwrap().to_owned(), app(&it["applicationId"])))
        .collect();
    domains.sort();
    domains
}

/// The host names that lead to an app.
fn hosts_of(world: &World, app: &str) -> Vec<String> {
    attached(world).into_iter().filter(|(_, it)| it == app).map(|(host, _)| host).collect()
}

/// Asserts that the state knows every domain on the server as ours, and no other one.
async fn assert_all_known(world: &World) {
    let state = world.state().await;
    let on_server = rows(&world.simulator.snapshot()["domains"]);
    for domain in &on_server {
        let (host, id) = (domain["host"].as_str().unwrap(), domain["domainId"].as_str().unwrap());
        assert_eq!(state.deploy_native.domains.ids(host), [id], "{host}");
    }
    assert_eq!(state.deploy_native.domains.hosts().count(), on_server.len());
}

fn lag(world: &World, lag: Duration) {
    (1..=world.dns.name_server_count()).for_each(|server| world.dns.set_lag(server, lag));
}

/// The request in which these apps have host names of their own.
fn renamed(world: &World, hosts: &[(&str, &str)]) -> Value {
    let mut request = world.light();
    for (app, host) in hosts {
        request["workspace"]["apps"][app]["domain"] = json!(host);
    }
    request
}

#[tokio::test]
async fn a_renamed_app_is_reached_by_its_old_name_until_the_new_one_answers() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    lag(&world, Duration::from_hours(1));
    let mut request = renamed(&world, &[("jobs", "work.example.com")]);
    request["dnsTimeoutSeconds"] = json!(0);
    let report = world.deploy(request.clone()).await.unwrap();
    assert_eq!((of(&report, "jobs").status, of(&report, "jobs").domain), (AppStatus::Running, DomainStatus::Pending));
    assert_eq!(hosts_of(&world, "jobs"), [host("jobs")], "it is not taken offline");
    assert_eq!(world.addresses()["jobs.staging"], SERVER_IP, "nor is its record");
    assert_eq!(world.addresses()["work"], SERVER_IP);
    lag(&world, Duration::ZERO);
    let report = world.deploy(request.clone()).await.unwrap();
    assert_eq!(of(&report, "jobs").domain, DomainStatus::Attached);
    assert_eq!(hosts_of(&world, "jobs"), ["work.example.com"]);
    assert!(!world.addresses().contains_key("jobs.staging"), "the record of the old name is gone");
    assert_all_known(&world).await;
    let state = world.state().await;
    assert!(!state.dns_records.contains_key("jobs.staging:A") && !state.dns_verified.contains_key(&host("jobs")));
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_name_that_is_attached_already_and_does_not_answer_does_not_replace_the_old_one() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    lag(&world, Duration::from_hours(1));
    let by_hand = json!({ "host": "work.example.com", "applicationId": world.application_id("jobs"), "port": 3005,
        "https": true, "certificateType": "letsencrypt" });
    world.somebody_posts("domain.create", by_hand).await;
    let mut request = renamed(&world, &[("jobs", "work.example.com")]);
    request["dnsTimeoutSeconds"] = json!(0);
    world.deploy(request).await.unwrap();
    assert!(hosts_of(&world, "jobs").contains(&host("jobs")), "{:?}", attached(&world));
}

#[tokio::test]
async fn a_domain_that_a_hand_changed_is_set_right_in_its_place() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let id = world.state().await.deploy_native.domains.ids(&host("jobs"))[0].clone();
    world
        .somebody_posts(
            "domain.update",
            json!({ "domainId": id, "host": host("jobs"), "port": 9999, "https": false, "path": "/v1" }),
        )
        .await;
    let plan = world.plan(world.light()).await.unwrap();
    let step = plan.steps.iter().find(|step| step.id == "app:jobs:domain").unwrap();
    assert_eq!((plan.changes, step.action), (1, deploy_native::plan::Action::Update));
    let before = world.moment();
    world.deploy(world.light()).await.unwrap();
    assert_eq!(world.endpoints_since(&before), ["domain.update"]);
    let domains = rows(&world.simulator.snapshot()["domains"]);
    let domain = domains.iter().find(|it| it["domainId"] == id.as_str()).unwrap();
    assert_eq!((&domain["port"], &domain["https"], &domain["path"]), (&json!(3005), &json!(true), &json!("/")));
    assert_all_known(&world).await;
    assert_eq!(world.plan(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i8_a_domain_that_somebody_switched_off_stays_off_and_is_told() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let id = world.state().await.deploy_native.domains.ids(&host("jobs"))[0].clone();
    world.somebody_posts("domain.update", json!({ "domainId": id, "host": host("jobs"), "enabled": false })).await;
    let plan = world.plan(world.light()).await.unwrap();
    assert_eq!(plan.changes, 0);
    assert!(plan.notes.iter().any(|note| note.contains(&host("jobs")) && note.contains("switched off")), "{plan:#?}");
}

#[tokio::test]
async fn two_apps_that_swap_their_host_names_end_with_the_right_one_each() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let request = renamed(&world, &[("api", &host("jobs")), ("jobs", &host("api"))]);
    let before = world.dns_writes().len();
    world.deploy(request.clone()).await.unwrap();
    assert_eq!((hosts_of(&world, "api"), hosts_of(&world, "jobs")), (vec![host("jobs")], vec![host("api")]));
    assert_all_known(&world).await;
    assert_eq!(world.dns_writes().len(), before, "both records lead where they must");
    let state = world.state().await;
    assert_eq!(state.dns_records["jobs.staging:A"].app.as_deref(), Some("api"));
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i3_a_swap_of_host_names_that_stops_in_the_middle_is_finished_by_the_next_run() {
    for (endpoint, nth) in [("domain.create", 1), ("domain.create", 2), ("domain.delete", 1), ("domain.delete", 2)] {
        let world = World::start().await;
        world.deploy(world.light()).await.unwrap();
        let request = renamed(&world, &[("api", &host("jobs")), ("jobs", &host("api"))]);
        let refused = FaultAction::Fail { status: 400, body: json!({ "message": "no", "code": "BAD_REQUEST" }) };
        world.simulator.fault(Fault::new(endpoint, refused).nth(nth));
        assert!(world.deploy(request.clone()).await.is_err(), "{endpoint} {nth}");
        world.simulator.clear_faults();
        world.deploy(request.clone()).await.unwrap();
        assert_eq!((hosts_of(&world, "api"), hosts_of(&world, "jobs")), (vec![host("jobs")], vec![host("api")]));
        assert_all_known(&world).await;
        assert_eq!(world.plan(request).await.unwrap().changes, 0);
    }
}

#[tokio::test]
async fn an_app_whose_name_another_one_takes_gives_it_up_once_that_one_has_it() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    lag(&world, Duration::from_hours(1));
    let mut request = renamed(&world, &[("api", &host("jobs")), ("jobs", "work.example.com")]);
    request["dnsTimeoutSeconds"] = json!(0);
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(hosts_of(&world, "api"), [host("jobs")], "a host name leads to one app");
    assert_eq!(hosts_of(&world, "jobs"), Vec::<String>::new());
    lag(&world, Duration::ZERO);
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(hosts_of(&world, "jobs"), ["work.example.com"]);
    assert!(!world.addresses().contains_key("api.staging"));
    assert_all_known(&world).await;
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

/// A world in which a run has attached the domain of `jobs` and did not live to write that down.
async fn killed_after_attaching() -> World {
    let world = World::start().await;
    let mut request = world.light();
    request["domains"] = json!(false);
    world.deploy(request).await.unwrap();
    let application = world.application_id("jobs");
    let domain = json!({ "host": host("jobs"), "applicationId": application, "port": 3005, "https": true,
        "certificateType": "letsencrypt" });
    world.somebody_posts("domain.create", domain).await;
    let entry = json!({ "intend": { "id": 1, "at": "2026-11-23T12:00:00Z", "step": "app:jobs:domain",
        "intent": { "kind": "attach-domain", "applicationId": application, "host": host("jobs") } } });
    let journal = world.root.path().join(format!(".gkm/deploy-{STAGE}.journal"));
    std::fs::write(journal, format!("{entry}\n")).unwrap();
    world
}

#[tokio::test]
async fn i3_a_domain_that_a_killed_run_attached_is_ours_also_when_the_app_is_renamed_since() {
    let world = killed_after_attaching().await;
    let request = renamed(&world, &[("jobs", "work.example.com")]);
    let plan = world.plan(request.clone()).await.unwrap();
    let detach = format!("app:jobs:domain:{}", host("jobs"));
    assert!(plan.steps.iter().any(|step| step.id == detach), "a plan knows it as well: {plan:#?}");
    assert!(world.state().await.deploy_native.domains.is_empty(), "and writes nothing");
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(hosts_of(&world, "jobs"), ["work.example.com"]);
    assert_all_known(&world).await;
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i3_a_domain_that_a_killed_run_attached_is_remembered_by_the_next() {
    let world = killed_after_attaching().await;
    world.deploy(world.light()).await.unwrap();
    assert_all_known(&world).await;
    assert_eq!(world.plan(world.light()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i8_after_a_lost_state_a_domain_as_we_make_it_is_ours_and_another_one_is_not() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let by_hand = json!({ "host": "by-hand.test", "applicationId": world.application_id("jobs"), "port": 3005,
        "https": true, "certificateType": "letsencrypt" });
    world.somebody_posts("domain.create", by_hand).await;
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    world.deploy(world.light()).await.unwrap();
    let known = world.state().await.deploy_native.domains;
    assert_eq!(known.hosts().collect::<Vec<_>>(), [host("api"), host("jobs"), host("web")]);
    let request = renamed(&world, &[("jobs", "work.example.com")]);
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(hosts_of(&world, "jobs"), ["by-hand.test", "work.example.com"]);
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i8_the_record_of_a_name_that_an_app_gave_up_is_put_back_as_it_was_before_us() {
    let world = World::start().await;
    world.dns.put_record("example.com", ZoneRecord::new("jobs.staging", "A", 60, "203.0.113.9"));
    world.deploy(world.light()).await.unwrap();
    let mut request = renamed(&world, &[("jobs", "work.example.com")]);
    request["apps"] = json!(["api"]);
    assert_eq!(
        world.plan(request.clone()).await.unwrap().changes,
        0,
        "an app that is not of the run keeps what it has"
    );
    request["apps"] = json!(["jobs"]);
    let plan = world.plan(request.clone()).await.unwrap();
    let step = plan.steps.iter().find(|step| step.id == format!("dns:{}", host("jobs"))).unwrap();
    assert!(step.reason.contains("puts back 203.0.113.9"), "{}", step.reason);
    assert!(step.depends_on.contains(&format!("app:jobs:domain:{}", host("jobs"))), "{:?}", step.depends_on);
    world.deploy(request.clone()).await.unwrap();
    assert_eq!(world.addresses()["jobs.staging"], "203.0.113.9");
    assert_eq!(world.addresses()["api.staging"], SERVER_IP);
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn a_record_stays_while_a_domain_of_somebody_else_needs_it_or_another_stage_has_its_name() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let by_hand = json!({ "host": host("jobs"), "applicationId": world.application_id("api"), "port": 1, "https": true,
        "certificateType": "letsencrypt" });
    world.somebody_posts("domain.create", by_hand).await;
    let mut request = renamed(&world, &[("jobs", "work.example.com"), ("web", "www.example.com")]);
    request["workspace"]["apps"]["api"]["domain"] = json!({ "production": host("web") });
    let plan = world.plan(request.clone()).await.unwrap();
    let notes = plan.notes.join("\n");
    assert!(
        notes.contains(&format!("{} A", host("jobs"))) && notes.contains("a domain that this run does not detach"),
        "{notes}"
    );
    assert!(notes.contains(&format!("{} A", host("web"))) && notes.contains("another stage"), "{notes}");
    world.deploy(request.clone()).await.unwrap();
    assert!(world.addresses().contains_key("jobs.staging") && world.addresses().contains_key("web.staging"));
    assert_eq!(world.plan(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i8_an_old_file_that_says_of_no_record_whose_it_is_is_understood() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    let path = world.root.path().join(format!(".gkm/deploy-{STAGE}.json"));
    let mut file: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(file["dnsRecords"]["jobs.staging:A"]["app"], "jobs");
    for record in file["dnsRecords"].as_object_mut().unwrap().values_mut() {
        record.as_object_mut().unwrap().shift_remove("app");
    }
    std::fs::write(&path, file.to_string()).unwrap();
    world.deploy(renamed(&world, &[("jobs", "work.example.com")])).await.unwrap();
    assert!(!world.addresses().contains_key("jobs.staging"), "{:?}", world.addresses());
}

#[tokio::test]
async fn an_address_that_may_be_our_own_former_one_is_said() {
    let world = World::start().await;
    world.deploy(world.light()).await.unwrap();
    std::fs::remove_dir_all(world.root.path().join(".gkm")).unwrap();
    let mut request = world.light();
    request["serverIp"] = json!("192.0.2.77");
    for lost_before in [true, false] {
        let plan = world.plan(request.clone()).await.unwrap();
        let note = plan.notes.iter().find(|note| note.contains(&host("jobs")));
        assert!(note.is_some_and(|note| note.contains("may be what we wrote ourselves")), "{lost_before}: {plan:#?}");
        world.deploy(world.light()).await.unwrap();
    }
}
