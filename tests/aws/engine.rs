//! Deployments whose state, records and backups are at AWS.

use crate::moto::{Moto, SECRET, moto};
use crate::relay::{Fault, Relay};
use crate::unique;
use deploy_native::ErrorCode;
use deploy_native::deploy::{UndeployRequest, undeploy};
use deploy_native::dns::DnsProvider as _;
use deploy_native::state::{PushedImage, SsmStateOptions, SsmStateStore, State, StateProvider as _};
use deploy_native_test_support::{SERVER_IP, STAGE, World};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

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
        images[app] = format!("ghcr.io/our-organization/shop-{app}@sha256:{}", hash(app)).into();
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
    let options = SsmStateOptions::default().aws(crate::moto::account(&moto.url));
    SsmStateStore::new(name, options).unwrap().read(STAGE).await.unwrap()
}

/// How much a state takes in the parameter store's free tier.
fn packed(state: &State) -> usize {
    state.to_json_within(4096).to_string().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_of_seven_apps_fits_into_the_parameter_stores_free_tier() {
    let Some(moto) = moto("a state of seven apps") else { return };
    let (world, relay, name) = (World::start().await, Relay::before(&moto.url).await, unique("shop"));
    let mut request = seven_apps(&world, &relay, &name);
    request["workspace"]["deploy"]["backups"] = json!({ "type": "s3", "region": "eu-central-1" });
    let report = world.deploy(request.clone()).await.unwrap();
    let mut state = kept(moto, &name).await.unwrap();
    let writes = relay.count(&format!("PutParameter {{\"Name\":\"/gkm/{name}/{STAGE}/state\","));
    let plain = serde_json::to_string(&state).unwrap().len();
    assert!(packed(&state) <= 4096, "{} bytes", packed(&state));
    // The same, had we built the images.
    for (app, _) in APPS {
        let fingerprint = hash(&format!("source of {app}"))[..32].to_owned();
        let reference = format!("ghcr.io/our-organization/shop-{app}@sha256:{}", hash(&format!("image of {app}")));
        let image = PushedImage { reference, fingerprint: fingerprint.clone(), ..PushedImage::default() };
        state.deploy_native.images.insert(app.to_owned(), image);
        let deployed = state.deploy_native.deployed.get_mut(app).unwrap();
        deployed.title = deployed.title.replace(" run=", &format!(" source={fingerprint} run="));
    }
    assert!(packed(&state) <= 4096, "{} bytes of {plain}, with images", packed(&state));
    assert!(writes <= 25, "{writes} writes");

    // Backups are set up as well, and nothing of it is done twice.
    let bucket = &state.backups.as_ref().unwrap().bucket_name;
    assert_eq!(&report.backups.unwrap().bucket, bucket);
    let before = (world.simulator.mutations().len(), relay.count("PutParameter"), relay.count("Action=Create"));
    assert_eq!(world.deploy(request).await.unwrap().changes, 0);
    let after = (world.simulator.mutations().len(), relay.count("PutParameter"), relay.count("Action=Create"));
    assert_eq!(before, after, "i9: a second run writes");
    let told = format!("{:?}", world.events.lock().unwrap());
    assert!(!told.contains("canary"), "i6: the key is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn i1_a_state_that_will_not_fit_is_told_before_the_first_change() {
    let Some(moto) = moto("a state that will not fit") else { return };
    let (world, relay, name) = (World::start().await, Relay::before(&moto.url).await, unique("shop"));
    let mut request = seven_apps(&world, &relay, &name);
    let api = request["workspace"]["apps"]["api"].clone();
    for number in 0..5 {
        let app = format!("worker-{number}");
        request["workspace"]["apps"][&app] = api.clone();
        request["images"][&app] = format!("ghcr.io/our-organization/shop@sha256:{}", hash(&app)).into();
    }
    let error = world.deploy(request.clone()).await.unwrap_err().error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateIo, Some("too-large")), "{error:?}");
    assert_eq!((world.simulator.mutations().len(), relay.count("PutParameter")), (0, 0));
    request["workspace"]["state"]["tier"] = "advanced".into();
    world.plan(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_backup_is_made_before_the_data_goes_and_the_bucket_stays() {
    let Some(moto) = moto("a last backup") else { return };
    let (world, relay, name) = (World::start().await, Relay::before(&moto.url).await, unique("shop"));
    let mut request = seven_apps(&world, &relay, &name);
    request["workspace"]["deploy"]["backups"] = json!({ "type": "s3", "region": "eu-central-1" });
    request["apps"] = json!(["api"]);
    world.deploy(request.clone()).await.unwrap();
    let bucket = kept(moto, &name).await.unwrap().backups.unwrap().bucket_name;
    let objects = async || {
        let listed = reqwest::get(format!("{}/{bucket}?versions", moto.url)).await.unwrap().text().await.unwrap();
        listed.matches("<Version>").count()
    };

    let undeployment = |more: Value| {
        let mut removal = json!({
            "workspace": request["workspace"], "stage": STAGE, "credentials": request["credentials"],
            "databaseHost": "127.0.0.1", "deleteData": true,
        });
        removal.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Box::pin(undeploy(UndeployRequest::from_json(removal).unwrap(), world.options()))
    };
    // A last backup that fails keeps the data.
    relay.spoil_times("PUT /", 0, 100, Fault::Answer(403, String::new()));
    let error = undeployment(json!({})).await.unwrap_err().error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::BackupFailed, Some("final-backup")), "{error:?}");
    assert_eq!(world.simulator.count("postgres.remove"), 0);
    relay.calm();
    let report = undeployment(json!({})).await.unwrap();
    assert_eq!(objects().await, 1);
    assert!(report.kept.iter().any(|kept| kept.contains(&bucket)), "{report:?}");
    let (destinations, postgres) =
        (world.simulator.snapshot()["destinations"].clone(), world.simulator.snapshot()["postgres"].clone());
    assert_eq!((destinations, postgres), (json!([]), json!([])));
    let report = undeployment(json!({ "deleteBackups": true })).await.unwrap();
    assert!(report.removed.iter().any(|removed| removed.contains(&bucket)), "{report:?}");
    assert_eq!((objects().await, kept(moto, &name).await.unwrap().backups), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_written_at_route_53() {
    let Some(moto) = moto("records at Route 53") else { return };
    let (world, relay, name) = (World::start().await, Relay::before(&moto.url).await, unique("shop"));
    let zone = format!("{name}.test");
    crate::route53::make_zone(moto, &zone, false).await;
    let mut request = seven_apps(&world, &relay, &name);
    request["workspace"]["deploy"]["dns"] = json!({ &zone: { "provider": "route53" } });
    request["workspace"]["deploy"]["dokploy"]["domains"][STAGE] = format!("staging.{zone}").into();
    request["dnsTimeoutSeconds"] = 0.into();
    request["apps"] = json!(["api"]);
    world.deploy(request).await.unwrap();
    let records = crate::route53::provider(&moto.url).get_records(&zone).await.unwrap();
    let record = records.iter().find(|record| record.name == "api.staging").unwrap();
    assert_eq!((record.record_type.as_str(), record.values.as_slice()), ("A", &[SERVER_IP.to_owned()][..]));
}

fn hash(text: &str) -> String {
    let digits = Sha256::digest(text.as_bytes()).into_iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}
