//! Canaries: every kind of secret has a known value, and everything that a run puts out is searched for it.

use crate::check::secrets;
use crate::flight::start;
use crate::world::{STAGE, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use deploy_native::deploy::DeployFailure;
use deploy_native_simulator::{Fault, FaultAction};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
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
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
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
async fn canaries(world: &World) -> BTreeMap<String, String> {
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

fn search(place: &str, text: &str, canaries: &BTreeMap<String, String>) {
    assert!(!text.is_empty(), "{place} is empty");
    for (name, value) in canaries {
        for form in forms(value) {
            assert!(!text.contains(&form), "i6: {place} shows the secret `{name}` as {form}");
        }
    }
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

fn journal(world: &World) -> String {
    let folder = world.root.path().join(".gkm");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let beside = files.filter(|path| !path.to_string_lossy().contains(&format!("deploy-{STAGE}.json")));
    beside.map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn i6_a_deployment_tells_no_secret() {
    let world = start().await;
    let plan = world.plan(request(&world)).await.unwrap();
    // Nothing settles this last change, so that the journal keeps what it says.
    world.simulator.fault(Fault::new("domain.create", FaultAction::DropBefore));
    let failure = world.deploy(request(&world)).await.unwrap_err();
    let canaries = canaries(&world).await;
    assert!(canaries.len() >= 12, "{:?}", canaries.keys());
    search("the journal", &format!("-{}", journal(&world)), &canaries);
    search("the error", &told(&failure), &canaries);
    world.simulator.clear_faults();
    let report = world.deploy(request(&world)).await.unwrap();
    let stored = world.simulator.snapshot().to_string();
    for value in [SHARED, OWN] {
        assert!(forms(value).iter().any(|form| stored.contains(form)), "the value was not even sent");
    }
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
            .fault(Fault::new("mutations", FaultAction::Fail { status: 400, body: json!({ "message": "no" }) }));
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
