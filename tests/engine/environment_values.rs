//! Values arrive byte for byte in the container, or the plan refuses them by name.

use deploy_native::plan::render;
use deploy_native::{DeployEvent, ErrorCode};
use deploy_native_test_support::World;
use serde_json::json;

const AWKWARD: &[&str] = &[
    "a#b",
    " # not a comment",
    "it's",
    "say \"hi\"",
    "`tick`",
    "'\"`",
    "line one\nline two\n",
    "\r\n",
    "$HOME ${HOME} $$",
    "back\\slash \\n",
    "  padded  ",
    "päßwörd 🦀 漢字",
    "a=b=c",
    "export X=1",
    "{{ curly }}",
    "{{.Node.Hostname}}",
    "Dear {{name}}, it's `{{#if x}}` #1 {{{raw}}} {{",
    "$",
    "tab\there",
];

#[tokio::test]
async fn awkward_values_arrive_byte_for_byte_and_stay_unchanged() {
    let world = World::start().await;
    let mut request = world.light();
    request["apps"] = json!(["jobs"]);
    let names: Vec<String> = (0..AWKWARD.len()).map(|n| format!("VALUE_{n}")).collect();
    request["workspace"]["apps"]["jobs"]["requiredEnv"] = json!(names);
    for (name, value) in names.iter().zip(AWKWARD) {
        request["secrets"]["shared"][name] = json!(value);
    }
    world.deploy(request.clone()).await.unwrap();
    let (_, env) = world.runs("jobs").unwrap();
    for (name, value) in names.iter().zip(AWKWARD) {
        assert_eq!(&env[name], value, "{name}");
    }
    assert_eq!(world.deploy(request).await.unwrap().changes, 0, "read back, they are what was meant");
}

#[tokio::test]
async fn i1_a_value_that_dokploy_would_replace_is_refused_by_name() {
    let world = World::start().await;
    let mut request = world.light();
    request["secrets"] =
        json!({ "shared": { "GREETING": "fine" }, "apps": { "jobs": { "GREETING": "${{project.X}}" } } });
    let before = world.moment();
    for error in [world.deploy(request.clone()).await.unwrap_err().error, world.plan(request).await.unwrap_err()] {
        assert_eq!((error.code(), error.app_name()), (ErrorCode::EnvNotRepresentable, Some("jobs")));
        assert!(error.message().contains("GREETING") && !error.message().contains("project.X"), "{error}");
    }
    world.assert_untouched_since(&before);
}

#[tokio::test]
async fn i6_a_plan_names_everything_holds_no_value_and_changes_nothing() {
    let world = World::start().await.by_port();
    let mut request = world.request();
    request["workspace"]["apps"]["api"]["requiredEnv"].as_array_mut().unwrap().push(json!("STRIPE_SECRET_KEY"));
    request["secrets"] = json!({ "apps": { "api": { "STRIPE_SECRET_KEY": "sk_live_canary" } } });
    let before = world.moment();
    let plan = world.plan(request.clone()).await.unwrap();
    world.assert_untouched_since(&before);
    assert!(!world.root.path().join(".gkm/deploy-staging.json").exists());
    let text = render(&plan);
    for part in [
        "project shop",
        "environment staging",
        "postgres db",
        "redis cache",
        "database roles",
        "application auth",
        "STRIPE_SECRET_KEY (added)",
        "DATABASE_URL (known after apply)",
        "domain auth.staging.example.com",
        "record auth.staging.example.com A",
        "opens the database's external port",
        "restarts",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(!text.contains("sk_live_canary") && !serde_json::to_string(&plan).unwrap().contains("sk_live_canary"));
    world.deploy(request).await.unwrap();
    let state = world.state().await;
    let password = state.app_credentials["auth"].db_password.expose().to_owned();
    let seen = format!("{:?}", world.told());
    assert!(!seen.contains("sk_live_canary") && !seen.contains(&password), "i6: nothing in the events either");
    assert_eq!(world.simulator.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_secret_that_gives_way_to_a_computed_value_is_said() {
    let world = World::start().await;
    let mut request = world.light();
    request["apps"] = json!(["jobs"]);
    request["secrets"] = json!({ "shared": { "GREETING": "hi" }, "apps": { "jobs": { "PORT": "9" } } });
    world.deploy(request).await.unwrap();
    let warned = world.events.lock().unwrap().iter().any(|event| {
        matches!(event, DeployEvent::Warning { code, app, message, .. }
            if code == "secret-overridden" && app.as_deref() == Some("jobs") && message.contains("PORT"))
    });
    assert!(warned, "{:?}", world.events.lock().unwrap());
    assert_ne!(world.runs("jobs").unwrap().1["PORT"], "9");
}
