//! Deployments whose state, records and backups are at AWS.

use crate::moto::{Moto, SECRET, moto};
use crate::relay::Relay;
use crate::unique;
use crate::world::{SERVER_IP, STAGE, World, digest};
use deploy_native::ErrorCode;
use deploy_native::deploy::{DeployRequest, UndeployRequest, deploy, plan, undeploy};
use deploy_native::state::{SsmStateOptions, SsmStateStore, State, StateProvider};
use serde_json::{Value, json};

const APPS: [(&str, &str); 7] = [
    ("api", "backend"),
    ("auth", "backend"),
    ("admin-auth", "backend"),
    ("billing", "backend"),
    ("notifications", "backend"),
    ("web", "web"),
    ("admin", "web"),
];

/// A workspace of seven apps with everything in it: databases, secrets, domains, its state in the parameter store.
fn seven_apps(world: &World, relay: &Relay, name: &str) -> Value {
    let mut request = world.request();
    let (mut apps, mut images) = (json!({}), json!({}));
    for (number, (app, kind)) in APPS.iter().enumerate() {
        let mut declared = json!({ "type": kind, "path": format!("apps/{app}"), "port": 3000 + number });
        if *kind == "backend" {
            declared["requiredEnv"] = json!(["DATABASE_URL", "REDIS_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_URL"]);
        } else {
            declared["framework"] = "nextjs".into();
            declared["dependencies"] = json!(["api", "auth"]);
        }
        apps[app] = declared;
        images[app] = format!("ghcr.io/our-organization/shop-{app}@sha256:{}", digest(app)).into();
    }
    request["workspace"]["name"] = name.into();
    request["workspace"]["apps"] = apps;
    request["images"] = images;
    request["workspace"]["state"] = json!({ "provider": "ssm", "region": "eu-central-1" });
    request["credentials"]["aws"] =
        json!({ "accessKeyId": "AKIATEST", "secretAccessKey": SECRET, "baseUrl": relay.url });
    request
}

async fn kept(moto: &Moto, name: &str) -> Option<State> {
    let options = SsmStateOptions { aws: crate::moto::account(&moto.url), ..SsmStateOptions::default() };
    SsmStateStore::new(name, options).unwrap().read(STAGE).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_seven_apps_fits_into_the_parameter_stores_free_tier() {
    let Some(moto) = moto("a state of seven apps") else { return };
    let (world, relay, name) = (World::start().await, Relay::before(&moto.url).await, unique("shop"));
    let request = seven_apps(&world, &relay, &name);
    world.deploy(request.clone()).await.unwrap();
    let state = kept(moto, &name).await.unwrap();
    let text = serde_json::to_string(&state).unwrap();
    println!("{} bytes, {} writes\n{text}", text.len(), relay.count("PutParameter {\"Name\":\"/gkm/"));
    assert!(text.len() < 4096);
}
