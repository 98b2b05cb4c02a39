//! Canaries: every kind of secret has a known value, and everything that a run puts out is searched for it.

use crate::check::secrets;
use crate::child::{Running, played};
use crate::flight::{Flight, Secrets, start};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use deploy_native::deploy::DeployFailure;
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::{STAGE, World};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::error::Error as _;
use std::fmt::Write as _;

const REGISTRY: &str = "registry-canary-\"Zq\\7 #$";
const SHARED: &str = "shared-canary-\"Yw\\8 +/&";
const OWN: &str = "own-canary-\u{e9}Xk=9 '%";

fn request(world: &World) -> Value {
    let mut request = world.request();
    request["credentials"]["registry"] = json!({ "url": "registry.test", "username": "ci", "password": REGISTRY });
    request["secrets"] = json!({ "shared": { "SHARED_KEY": SHARED }, "apps": { "api": { "OWN_KEY": OWN } } });
    request["workspace"]["apps"]["api"]["requiredEnv"] = json!(["DATABASE_URL", "REDIS_URL", "SHARED_KEY", "OWN_KEY"]);
    request
}

/// The forms in which a secret could be seen.
fn forms(secret: &str) -> Vec<String> {
    let json = json!(secret).to_string();
    let twice = json!(json).to_string();
    let bytes = secret.as_bytes();
    let hex = hex::encode(bytes);
    vec![
        secret.to_owned(),
        json[1..json.len() - 1].to_owned(),
        twice[3..twice.len() - 3].to_owned(),
        hex.to_uppercase(),
        hex,
        STANDARD.encode(bytes),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        secret.escape_debug().to_string(),
    ]
}

/// Every secret of a world: those of the request, and those in its state.
async fn canaries(world: &World) -> Secrets {
    let mut canaries = secrets(&world.state().await);
    let request = request(world);
    let token = |place: &str| request.pointer(place).and_then(Value::as_str).unwrap().to_owned();
    canaries.insert("API key".into(), token("/credentials/dokploy/token"));
    canaries.insert("DNS token".into(), token("/credentials/cloudflare/token"));
    for (name, value) in [("registry", REGISTRY), ("shared", SHARED), ("own", OWN)] {
        canaries.insert(name.into(), value.into());
    }
    canaries
}

/// The first canary that a text shows, and how.
fn leak(text: &str, canaries: &Secrets) -> Option<String> {
    let shown = |(name, value): (&String, &String)| {
        let form = forms(value).into_iter().find(|form| text.contains(form))?;
        Some(format!("the secret `{name}` as {form}"))
    };
    canaries.iter().find_map(shown)
}

fn search(place: &str, text: &str, canaries: &Secrets) {
    assert!(text.len() > 20, "{place} says nothing: {text}");
    let leak = leak(text, canaries);
    assert!(leak.is_none(), "i6: {place} shows {}", leak.unwrap_or_default());
}

fn told(failure: &DeployFailure) -> String {
    let mut text = format!("{failure} {failure:?} {failure:#?} {} {:?}", failure.error, failure.error);
    let mut cause = failure.error.source();
    while let Some(error) = cause {
        write!(text, " {error} {error:?}").unwrap();
        cause = error.source();
    }
    write!(text, " {:?} {:?}", failure.error.message(), failure.error.log_tail()).unwrap();
    text
}

fn events(world: &World) -> String {
    let events = world.events.lock().unwrap();
    format!("{} {:?}", serde_json::to_string(&*events).unwrap(), *events)
}

/// What lies beside the state: the journal, the lock, whatever else.
fn beside_the_state(world: &World) -> String {
    let folder = world.root.path().join(".gkm");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let beside = files.filter(|path| !path.to_string_lossy().contains(&format!("deploy-{STAGE}.json")));
    beside.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
}

/// The canaries that a run sends, and where: each must have been sent, or searching for it proves nothing.
fn sent(world: &World) -> Vec<&'static str> {
    let bodies: String =
        world.simulator.mutations().into_iter().filter_map(|it| it.body).map(|it| it.to_string()).collect();
    let logins = world.simulator.mutations().into_iter().filter(|it| it.endpoint() == "application.saveDockerProvider");
    // The database's own image, in a job, needs no login.
    let apps = |body: &Value| body["dockerImage"].as_str().is_some_and(|image| image.starts_with("registry.test/"));
    let logged_in = logins.filter_map(|it| it.body).filter(apps).all(|body| body["password"] == REGISTRY);
    let seen = |value: &str| forms(value).iter().any(|form| bodies.contains(form));
    [("registry", logged_in && seen(REGISTRY)), ("shared", seen(SHARED)), ("own", seen(OWN))]
        .into_iter()
        .filter_map(|(name, sent)| sent.then_some(name))
        .collect()
}

#[test]
fn i6_a_canary_is_found_in_every_form_and_in_every_place() {
    let canaries = Secrets::from([("own".to_owned(), OWN.to_owned()), ("other".to_owned(), SHARED.to_owned())]);
    for value in [OWN, SHARED] {
        for form in forms(value) {
            for text in [form.clone(), format!("{{\"a\":\"{form}\"}}"), format!("postgresql://user:{form}@host/db")] {
                assert!(leak(&text, &canaries).is_some(), "{text}");
            }
        }
    }
    assert_eq!(leak("nothing of the kind, not even a canary", &canaries), None);
}

/// The journal of a run that was killed in the middle, when nothing had been forgotten yet.
#[tokio::test(flavor = "multi_thread")]
async fn i6_the_files_beside_the_state_tell_no_secret() {
    const NAME: &str = "canary::i6_the_files_beside_the_state_tell_no_secret";
    if played().await {
        return;
    }
    let world = start().await;
    let child = Running::start_with(NAME, &world, Flight::First, &request(&world));
    while sent(&world).len() < 3 && child.ended().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    child.kill();
    assert_eq!(sent(&world), ["registry", "shared", "own"]);
    let files = beside_the_state(&world);
    let intents = files.lines().filter(|line| line.contains("\"intend\"")).count();
    assert!(intents > 10, "only {intents} in {files}");
    search("the journal", &files, &canaries(&world).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_deployment_tells_no_secret() {
    let world = start().await;
    let plan = world.plan(request(&world)).await.unwrap();
    world.simulator.fault(Fault::new("domain.create", FaultAction::DropBefore));
    let failure = world.deploy(request(&world)).await.unwrap_err();
    let canaries = canaries(&world).await;
    assert!(canaries.len() >= 12, "{:?}", canaries.keys());
    search("the error", &told(&failure), &canaries);
    world.simulator.clear_faults();
    let report = world.deploy(request(&world)).await.unwrap();
    assert_eq!(sent(&world), ["registry", "shared", "own"], "searching for what was never sent proves nothing");
    search("the plan", &format!("{} {plan:?}", serde_json::to_string(&plan).unwrap()), &canaries);
    search("the report", &format!("{} {report:?}", serde_json::to_string(&report).unwrap()), &canaries);
    search("the state's Debug", &format!("{:?}", world.state().await), &canaries);
    search("the events", &events(&world), &canaries);
    let requests = world.simulator.requests();
    let urls: Vec<String> = requests.iter().map(|it| format!("{} {:?}", it.path, it.query)).collect();
    search("the requested URLs", &urls.join("\n"), &canaries);
}

/// A server that answers with everything it was sent must not make us repeat it.
#[tokio::test(flavor = "multi_thread")]
async fn i6_a_server_that_echoes_secrets_makes_us_tell_none() {
    for endpoint in ["application.saveEnvironment", "application.saveDockerProvider", "postgres.create", "redis.create"]
    {
        let world = start().await;
        // Makes the generated ones known, so that the answer can hold them.
        world
            .simulator
            .fault(Fault::new("project.create", FaultAction::Fail { status: 400, body: json!({ "message": "no" }) }));
        world.deploy(request(&world)).await.unwrap_err();
        world.simulator.clear_faults();
        let known = canaries(&world).await;
        let echo = known.values().cloned().collect::<Vec<_>>().join(" ");
        let body = json!({ "message": format!("refused: {echo}"), "code": "BAD_REQUEST" });
        world.simulator.fault(Fault::new(endpoint, FaultAction::Fail { status: 400, body }));
        let failure = world.deploy(request(&world)).await.unwrap_err();
        let text = told(&failure);
        assert!(text.contains("refused: ***"), "{endpoint}: {text}");
        search(&format!("the error of {endpoint}"), &text, &known);
        search(&format!("the events of {endpoint}"), &events(&world), &known);
    }
}
