//! Going back when the state has to fit into a store of four kilobytes, as AWS's parameter store in its free tier is.

use async_trait::async_trait;
use deploy_native::deploy::{
    DeployFailure, DeployReport, DeployRequest, RollbackRequest, RunOptions, deploy, rollback,
};
use deploy_native::state::{State, StateProvider};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::Image;
use deploy_native_test_support::{STAGE, World};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::{Arc, Mutex};

const LIMIT: usize = 4096;
const APPS: [&str; 7] = ["api", "auth", "admin-auth", "billing", "notifications", "web", "admin"];

/// An image whose digest packs as badly as a real one.
fn image(app: &str, version: &str) -> String {
    let digest = hex::encode(Sha256::digest(format!("{app} {version}")));
    format!("ghcr.io/our-organization/shop-{app}@sha256:{digest}")
}

/// Keeps a text of so many bytes, and counts the writes.
#[derive(Default)]
struct SmallStore {
    kept: Mutex<Option<Value>>,
    writes: Mutex<usize>,
}

impl SmallStore {
    fn state(&self) -> State {
        State::from_json(self.kept.lock().unwrap().clone().unwrap(), STAGE).unwrap()
    }
}

#[async_trait]
impl StateProvider for SmallStore {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        let kept = self.kept.lock().unwrap().clone();
        Ok(kept.map(|kept| State::from_json(kept, stage).unwrap()))
    }

    async fn write(&self, _stage: &str, state: &State) -> Result<(), DeployError> {
        self.check_size(state)?;
        *self.kept.lock().unwrap() = Some(state.to_json_within(LIMIT));
        *self.writes.lock().unwrap() += 1;
        Ok(())
    }

    fn check_size(&self, state: &State) -> Result<(), DeployError> {
        let size = state.to_json_within(LIMIT).to_string().len();
        if size <= LIMIT { Ok(()) } else { Err(DeployError::new(ErrorCode::StateIo, format!("{size} bytes"))) }
    }
}

/// Seven apps, five of them with a database user, a generated secret and a value of the user's.
fn request(world: &World, number: &str) -> Value {
    let mut request = world.request();
    let (mut apps, mut images) = (json!({}), json!({}));
    for (index, app) in APPS.iter().enumerate() {
        let web = *app == "web" || *app == "admin";
        let required: &[&str] =
            if web { &[] } else { &["DATABASE_URL", "REDIS_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_URL", "GREETING"] };
        apps[app] = json!({
            "type": if web { "web" } else { "backend" }, "path": format!("apps/{app}"), "port": 3000 + index,
            "requiredEnv": required,
        });
        if web {
            apps[app]["framework"] = "nextjs".into();
        }
        images[app] = image(app, number).into();
    }
    request["workspace"]["apps"] = apps;
    request["images"] = images;
    request["secrets"] = json!({ "shared": { "GREETING": format!("hello from {number}") } });
    request["databaseAccess"] = json!("internal");
    request
}

fn options(world: &World, store: &Arc<SmallStore>) -> RunOptions {
    world.options().state_provider(Arc::clone(store) as Arc<dyn StateProvider>)
}

async fn run(world: &World, store: &Arc<SmallStore>, request: Value) -> Result<DeployReport, DeployFailure> {
    Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options(world, store))).await
}

async fn go_back(world: &World, store: &Arc<SmallStore>, app: &str) -> DeployReport {
    let asked = request(world, "2");
    let back = json!({
        "workspace": asked["workspace"], "credentials": asked["credentials"], "stage": STAGE, "apps": [app],
        "stabilitySeconds": 0, "databaseHost": "127.0.0.1", "databaseAccess": "internal",
    });
    Box::pin(rollback(RollbackRequest::from_json(back).unwrap(), options(world, store))).await.unwrap()
}

#[tokio::test]
async fn seven_apps_fit_and_each_of_them_can_go_back() {
    let (world, store) = (World::start().await, Arc::new(SmallStore::default()));
    for number in ["1", "2"] {
        run(&world, &store, request(&world, number)).await.unwrap();
    }
    let (writes, mutations) = (*store.writes.lock().unwrap(), world.simulator.mutations().len());
    assert_eq!(run(&world, &store, request(&world, "2")).await.unwrap().changes, 0);
    assert_eq!((*store.writes.lock().unwrap(), world.simulator.mutations().len()), (writes, mutations), "i9");

    let history = store.state().deploy_native.history;
    let before = |app: &&str| history.deployments(app).iter().any(|past| past.image == image(app, "1"));
    assert_eq!(APPS.iter().copied().filter(before).count(), APPS.len());
    let report = go_back(&world, &store, "billing").await;
    assert!(report.rolled_back[0].restored, "{report:#?}");
    let (runs, env) = world.runs("billing").unwrap();
    assert_eq!((runs, env["GREETING"].as_str()), (image("billing", "1"), "hello from 1"));
}

#[tokio::test]
async fn what_ran_last_is_not_passed_by_though_the_store_had_no_room_for_it() {
    let (world, store) = (World::start().await, Arc::new(SmallStore::default()));
    for number in ["1", "2", "3"] {
        run(&world, &store, request(&world, number)).await.unwrap();
    }
    let report = go_back(&world, &store, "billing").await;
    assert!(report.rolled_back[0].restored, "{report:#?}");
    let (runs, env) = world.runs("billing").unwrap();
    assert_eq!((runs, env["GREETING"].as_str()), (image("billing", "2"), "hello from 2"));
}

#[tokio::test]
async fn what_ran_is_kept_when_the_server_has_it_no_more() {
    let (world, store) = (World::start().await, Arc::new(SmallStore::default()));
    run(&world, &store, request(&world, "1")).await.unwrap();
    world.simulator.image(Image::new(image("auth", "2")).crashes());
    let mut failing = request(&world, "2");
    failing["stabilitySeconds"] = json!(1);
    run(&world, &store, failing).await.unwrap_err();
    let report = go_back(&world, &store, "auth").await;
    assert!(report.rolled_back[0].restored, "{report:#?}");
    let (runs, env) = world.runs("auth").unwrap();
    assert_eq!((runs, env["GREETING"].as_str()), (image("auth", "1"), "hello from 1"));
}
