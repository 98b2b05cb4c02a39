//! The rollback sweep: two of three apps go back, and a deployment with a release, interrupted at every change and event.

use crate::check::journal_is_empty;
use crate::interruption::{at_event, change_goes_wrong};
use crate::reference::{sample, sweep};
use deploy_native::ErrorCode;
use deploy_native::deploy::{
    DeployFailure, DeployReport, DeployRequest, RollbackRequest, RunOptions, deploy, rollback,
};
use deploy_native_simulator::{FaultAction, Image, Program};
use deploy_native_test_support::{STAGE, World, image};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

const APPS: [&str; 3] = ["api", "web", "jobs"];
/// What `api` runs before it is deployed.
const COMMAND: [&str; 2] = ["node", "migrate.js"];
/// How long a cancelled run may take to clean up, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// The run that is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// The version before, by one or by its name.
    Back { named: bool },
    /// A version whose release is due.
    Release,
}

const RUNS: [Run; 3] = [Run::Back { named: false }, Run::Back { named: true }, Run::Release];

/// The workspace at a version; its release is of that version as well.
fn version(world: &World, number: &str) -> Value {
    let mut request = world.light();
    for app in APPS {
        request["images"][app] = image(app, number).into();
    }
    request["secrets"] = json!({ "shared": { "GREETING": format!("hello from {number}") } });
    request["domains"] = json!(false);
    request["workspace"]["deploy"]["dns"] = json!({});
    request["workspace"]["apps"]["api"]["release"] = json!({ "command": COMMAND });
    world.simulator.image(Image::new(image("api", number)).program(Program::new(COMMAND).prints(10, "applied")));
    request
}

/// A world at its third version.
async fn deployed() -> World {
    let world = World::start().await;
    for number in ["1", "2", "3"] {
        world.deploy(version(&world, number)).await.unwrap();
    }
    world
}

impl Run {
    async fn start(self, world: &World, options: RunOptions) -> Result<DeployReport, DeployFailure> {
        let Self::Back { named } = self else {
            return Box::pin(deploy(DeployRequest::from_json(version(world, "4"))?, options)).await;
        };
        let request = version(world, "3");
        let mut back = json!({
            "workspace": request["workspace"], "credentials": request["credentials"], "stage": STAGE,
            "apps": ["api", "web"], "stabilitySeconds": 0, "domains": false,
        });
        if named {
            let state = world.state().await;
            let past =
                state.deploy_native.history.deployments("api").iter().find(|past| past.image == image("api", "2"));
            back["to"] = past.unwrap().id.clone().into();
        }
        Box::pin(rollback(RollbackRequest::from_json(back)?, options)).await
    }

    /// The versions that run when it is over.
    fn versions(self) -> [&'static str; 3] {
        if self == Self::Release { ["4"; 3] } else { ["2", "2", "3"] }
    }

    /// Runs it again where it has failed, and checks what it comes to.
    async fn converges(self, world: &World, came_through: bool) -> Result<(), String> {
        world.simulator.clear_faults();
        let started = Instant::now();
        let mut done = came_through;
        while !done {
            match self.start(world, world.options()).await {
                Ok(_) => done = true,
                Err(failure) if failure.error.code() == ErrorCode::StateLocked && started.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                // All had gone back by then: the one who asked for it by name is told so.
                Err(failure) if failure.error.code() == ErrorCode::NoEarlierDeployment => done = true,
                Err(failure) => return Err(format!("i3: the next run fails: {:?}", failure.error)),
            }
        }
        for (app, number) in APPS.into_iter().zip(self.versions()) {
            let (runs, env) = world.runs(app).ok_or_else(|| format!("i3: {app} does not run"))?;
            let greeting = env.get("GREETING").cloned();
            let expected = (app != "web").then(|| format!("hello from {number}"));
            if runs != image(app, number) || greeting != expected {
                return Err(format!("i3: {app} runs {runs} with {greeting:?} instead of version {number}"));
            }
        }
        let state = world.state().await;
        if !state.deploy_native.rolling_back.is_empty() {
            return Err(format!("i3: still going back: {:?}", state.deploy_native.rolling_back));
        }
        let next = if self == Self::Release { version(world, "4") } else { version(world, "3") };
        world.deploy(next.clone()).await.map_err(|failure| format!("the deployment after it: {:?}", failure.error))?;
        let again = world.deploy(next).await.map_err(|failure| format!("i9: {:?}", failure.error))?;
        // What an interrupted run left behind is taken away by the next one.
        let left = world.simulator.snapshot()["applications"].as_array().map_or(0, Vec::len);
        if left != APPS.len() {
            return Err(format!("i3: {left} applications instead of {}", APPS.len()));
        }
        journal_is_empty(world).await?;
        if again.changes == 0 { Ok(()) } else { Err("i9: a run after that changes something".to_owned()) }
    }
}

/// How many changes of the server each run makes, and how many events it tells.
async fn reference() -> &'static [(Run, usize, usize); 3] {
    static REFERENCE: OnceCell<[(Run, usize, usize); 3]> = OnceCell::const_new();
    let make = || async {
        let mut made = RUNS.map(|run| (run, 0, 0));
        for (run, changes, events) in &mut made {
            let world = deployed().await;
            let before = (world.simulator.mutations().len(), world.events.lock().unwrap().len());
            run.start(&world, world.options()).await.unwrap();
            *changes = world.simulator.mutations().len() - before.0;
            *events = world.events.lock().unwrap().len() - before.1;
        }
        made
    };
    REFERENCE.get_or_init(make).await
}

async fn calls_go_wrong(kind: &str, action: FaultAction, lasts: bool, offset: usize) {
    let points = reference().await.iter().flat_map(|(run, changes, _)| (1..=*changes).map(|nth| (*run, nth)));
    sweep(kind, sample(points.collect(), 4, offset), |(run, nth)| {
        let action = action.clone();
        async move {
            let world = deployed().await;
            change_goes_wrong(&world, nth, action, lasts);
            let came_through = run.start(&world, world.options()).await.is_ok();
            run.converges(&world, came_through).await
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rollback_of_which_a_call_is_dropped_before_its_effect() {
    calls_go_wrong("rollback: drop before the effect", FaultAction::DropBefore, false, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rollback_of_which_a_call_is_dropped_after_its_effect() {
    calls_go_wrong("rollback: drop after the effect", FaultAction::DropAfter, false, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rollback_of_which_a_call_is_refused() {
    let refusal = FaultAction::Fail { status: 400, body: json!({ "message": "no", "code": "BAD_REQUEST" }) };
    calls_go_wrong("rollback: refused", refusal, false, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rollback_whose_server_is_lost_from_some_change_on() {
    calls_go_wrong("rollback: outage after the effect", FaultAction::DropAfter, true, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_a_rollback_that_is_cancelled() {
    let points = reference().await.iter().flat_map(|(run, _, events)| (1..=*events).map(|nth| (*run, nth)));
    // Cancelled at its very end, it has gone back, and asked again it would go further.
    let points = points.filter(|(run, _)| *run != Run::Back { named: false });
    sweep("rollback: cancelled", sample(points.collect(), 4, 5), |(run, nth)| async move {
        let world = deployed().await;
        let mut options = world.options();
        let cancel = options.cancel.clone();
        options.events = at_event(nth, move || cancel.cancel());
        let came_through = run.start(&world, options).await.is_ok();
        run.converges(&world, came_through).await
    })
    .await;
}
