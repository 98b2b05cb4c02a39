//! Apps that left the workspace: their role may not log in, their data stays, and they may come back.

use deploy_native::plan::{Action, render};
use deploy_native_test_support::{World, image};
use serde_json::{Value, json};

fn without(request: &Value, app: &str) -> Value {
    let mut request = request.clone();
    request["workspace"]["apps"].as_object_mut().unwrap().shift_remove(app);
    request["images"].as_object_mut().unwrap().shift_remove(app);
    request
}

fn request(world: &World) -> Value {
    let mut request = without(&without(&without(&world.request(), "api"), "web"), "admin");
    for app in ["auth", "admin-auth"] {
        request["workspace"]["apps"][app]["requiredEnv"] = json!(["DATABASE_URL"]);
    }
    request["workspace"]["services"] = json!({ "db": true });
    request["databaseAccess"] = json!("internal");
    request
}

#[tokio::test]
async fn a_removed_apps_role_is_barred_its_data_kept_and_its_login_given_back() {
    let world = World::start().await;
    let request = request(&world);
    world.deploy(request.clone()).await.unwrap();
    let logins = world.logins(&["auth"]);
    let (_, url) = logins.iter().next().unwrap();
    world.execute_as(url, "CREATE TABLE t (a int); INSERT INTO t VALUES (7)").await;
    let former = world.state().await;

    let fewer = without(&request, "auth");
    let plan = world.plan(fewer.clone()).await.unwrap();
    let text = render(&plan);
    assert!(text.contains("auth: role \"auth\" may no longer log in, its data stays"), "{text}");
    assert!(
        plan.notes.iter().any(|note| note.contains("application auth is ours")),
        "the application stays: {plan:#?}"
    );
    let before = world.moment();
    let report = world.deploy(fewer.clone()).await.unwrap();
    let retired = &report.retired_roles;
    assert_eq!(retired.len(), 1);
    assert_eq!((retired[0].app_name.as_str(), retired[0].role.as_str()), ("auth", "auth"));
    assert_eq!(retired[0].kept, ["schema auth: 1 tables"]);
    assert!(report.isolation.is_some_and(|isolation| isolation.is_isolated()));
    let sent = world.sent_since(&before);
    assert!(!sent.iter().any(|(_, body)| body["applicationId"] == world.application_id("auth")), "{sent:?}");
    assert!(matches!(world.log_in(url).await, Err(Some(_))), "it may not log in any more");
    assert_eq!(world.state().await.app_credentials, former.app_credentials);

    let plan = world.plan(fewer.clone()).await.unwrap();
    assert!(plan.steps.iter().all(|step| step.action == Action::Keep));
    assert!(plan.notes.iter().any(|note| note.contains("role \"auth\" may not log in")), "{plan:#?}");
    let report = world.deploy(fewer).await.unwrap();
    assert_eq!((report.changes, report.retired_roles.len()), (0, 0), "i9");

    world.deploy(request.clone()).await.unwrap();
    assert_eq!(world.state().await.app_credentials, former.app_credentials);
    assert_eq!(world.log_in(url).await.as_deref(), Ok("auth"));
    assert_eq!(world.execute_as(url, "SELECT a FROM t").await.trim(), "7");
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
}

#[tokio::test]
async fn the_last_apps_of_a_database_retire_too() {
    let world = World::start().await;
    let request = request(&world);
    world.deploy(request.clone()).await.unwrap();
    let logins = world.logins(&["auth", "admin-auth"]);
    let mut none = request.clone();
    none["workspace"]["apps"] =
        json!({ "jobs": { "type": "backend", "path": "apps/jobs", "port": 3009, "requiredEnv": [] } });
    none["images"] = json!({ "jobs": image("jobs", "1") });
    let report = world.deploy(none.clone()).await.unwrap();
    assert_eq!(report.retired_roles.len(), 2);
    for (_, url) in logins {
        assert!(matches!(world.log_in(&url).await, Err(Some(_))));
    }
    assert_eq!(world.deploy(none).await.unwrap().changes, 0);
}
