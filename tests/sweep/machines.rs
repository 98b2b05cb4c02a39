//! Runs of one stage on several machines at once: processes with folders and clocks of their own, some of which are killed,
//! and whose requests get lost. Whatever the order, there is never two of anything, no secret is lost, and whoever does not
//! come through is told (I11).

use crate::check::{closed, idle, journal_is_empty, same_resources, secrets, secrets_work};
use crate::child::{Running, played};
use crate::flight::{Flight, start_ahead};
use crate::reference::{sample, say, sweep};
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::{STAGE, World};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NAME: &str = "machines::i11_runs_on_several_machines_in_any_order";
/// How many orders of events there are to try.
const SCENARIOS: u64 = 200;
/// How many of them a plain test run tries.
const SAMPLED: usize = 6;
/// How long any of the runs may take, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// The changes whose requests get lost.
const LOST: [&str; 10] = [
    "tag.create",
    "tag.update",
    "tag.remove",
    "project.create",
    "environment.create",
    "postgres.create",
    "application.create",
    "application.deploy",
    "domain.create",
    "application.saveEnvironment",
];

/// What a machine has of the stage when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checkout {
    /// Nothing, as on a runner that starts afresh.
    Fresh,
    /// The state of the first deployment, however old that is by now.
    Kept,
}

#[derive(Debug, Clone)]
struct Plan {
    flight: Flight,
    checkout: Checkout,
    /// When it begins.
    after: Duration,
    /// When it is killed, counted from then.
    killed: Option<Duration>,
    /// By how many seconds its clock is ahead.
    clock_ahead: i64,
    /// For how many seconds it waits for another one.
    waits: u64,
}

#[derive(Debug, Clone)]
struct Scenario {
    /// Whether the stage was deployed before.
    deployed: bool,
    server_ahead: i64,
    machines: Vec<Plan>,
    faults: Vec<Fault>,
}

impl Scenario {
    fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let deployed = random.random_bool(0.4);
        let mut plan = |index: u64| Plan {
            flight: if deployed && random.random_bool(0.4) { Flight::Rotation } else { Flight::First },
            checkout: if deployed && (index == 0 || random.random_bool(0.5)) {
                Checkout::Kept
            } else {
                Checkout::Fresh
            },
            after: Duration::from_millis(random.random_range(0..1_200)),
            killed: random.random_bool(0.3).then(|| Duration::from_millis(random.random_range(200..4_000))),
            clock_ahead: random.random_range(-600..600),
            waits: if random.random_bool(0.5) { 60 } else { 0 },
        };
        let count = 2 + seed % 3;
        let machines = (0..count).map(&mut plan).collect();
        let faults = if random.random_bool(0.4) { lost_requests(&mut random) } else { Vec::new() };
        Self { deployed, server_ahead: random.random_range(-600..600), machines, faults }
    }
}

fn lost_requests(random: &mut StdRng) -> Vec<Fault> {
    let count = random.random_range(1..4);
    let fault = |_| {
        let action = match random.random_range(0..4) {
            0 => FaultAction::DropBefore,
            1 => FaultAction::DropAfter,
            2 => FaultAction::FailAfter,
            _ => FaultAction::LandLater { millis: 250 },
        };
        Fault::new(LOST[random.random_range(0..LOST.len())], action).nth(random.random_range(1..4))
    };
    (0..count).map(fault).collect()
}

/// A machine: its folder, and what became of its run.
struct Machine {
    root: TempDir,
    plan: Plan,
    outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Killed,
    /// The code of its error, or `well`.
    Ended(String),
}

fn request(world: &World, flight: Flight, root: &Path) -> Value {
    let mut request = flight.request(world);
    request["workspace"]["root"] = json!(root);
    request
}

fn copy_state(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join(".gkm")).unwrap();
    let file = format!(".gkm/deploy-{STAGE}.json");
    std::fs::copy(from.join(&file), to.join(&file)).unwrap();
}

/// Runs on a machine what is planned for it.
async fn run(world: &World, plan: Plan, first: &Path) -> Result<Machine, String> {
    let root = tempfile::tempdir().unwrap();
    if plan.checkout == Checkout::Kept {
        copy_state(first, root.path());
    }
    tokio::time::sleep(plan.after).await;
    let machine = json!({ "clockAhead": plan.clock_ahead, "waitForLock": plan.waits, "shortLease": true });
    let request = request(world, plan.flight, root.path());
    let child = Running::start_on(NAME, world, plan.flight, &request, &machine);
    let begun = Instant::now();
    loop {
        if let Some(code) = child.ended() {
            return Ok(Machine { root, plan, outcome: Outcome::Ended(code) });
        }
        if plan.killed.is_some_and(|after| begun.elapsed() >= after) {
            child.kill();
            return Ok(Machine { root, plan, outcome: Outcome::Killed });
        }
        if begun.elapsed() > PATIENCE {
            return Err("a run does not end".to_owned());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a run may end so.
fn is_told(scenario: &Scenario, outcome: &Outcome) -> bool {
    let Outcome::Ended(code) = outcome else { return true };
    let disturbed = !scenario.faults.is_empty();
    // Of what a killed rotation was in the middle of, its own machine alone knows all.
    let rotations = scenario.machines.iter().any(|plan| plan.flight == Flight::Rotation && plan.killed.is_some());
    match code.as_str() {
        "well" | "STATE_LOCKED" => true,
        "STATE_LOST" => rotations || disturbed,
        _ => disturbed,
    }
}

async fn converges(seed: u64) -> Result<BTreeMap<String, usize>, String> {
    let scenario = Scenario::of(seed);
    let mut world = start_ahead(scenario.server_ahead).await;
    if scenario.deployed {
        world.deploy(world.request()).await.map_err(|failure| format!("{failure:?}"))?;
    }
    scenario.faults.iter().for_each(|fault| world.simulator.fault(fault.clone()));
    let runs = scenario.machines.iter().map(|plan| run(&world, plan.clone(), world.root.path()));
    let mut machines = futures_util::future::try_join_all(runs).await?;
    world.simulator.clear_faults();
    for machine in &machines {
        let told = is_told(&scenario, &machine.outcome);
        if !told {
            return Err(format!("{:?} came of {scenario:?}", machine.outcome));
        }
    }
    // First whoever was killed, or failed in the middle: what it alone knows must not be lost.
    machines.sort_by_key(|machine| (machine.plan.flight != Flight::Rotation, machine.outcome != Outcome::Killed));
    let mut outcomes = BTreeMap::new();
    for machine in &mut machines {
        let outcome = match &machine.outcome {
            Outcome::Killed => "killed".to_owned(),
            Outcome::Ended(code) => code.clone(),
        };
        *outcomes.entry(outcome).or_default() += 1;
        std::mem::swap(&mut world.root, &mut machine.root);
        settled(&world).await.map_err(|fault| format!("{fault} ({scenario:?})"))?;
        std::mem::swap(&mut world.root, &mut machine.root);
    }
    for machine in &mut machines {
        std::mem::swap(&mut world.root, &mut machine.root);
        holds(&world).await.map_err(|fault| format!("{:?}: {fault} ({scenario:?})", machine.plan))?;
        std::mem::swap(&mut world.root, &mut machine.root);
    }
    let tags = world.simulator.snapshot()["tags"].clone();
    if tags != json!([]) {
        return Err(format!("i11: leases are left: {tags}"));
    }
    Ok(outcomes)
}

/// One more run of a machine, which waits for the leases of the dead to end.
async fn settled(world: &World) -> Result<(), String> {
    let options = world.options().wait_for_lock(Duration::from_secs(30));
    let result = Flight::First.run(Flight::First.request(world), options).await;
    result.map(drop).map_err(|error| format!("i3: the next run fails: {error:?}"))
}

/// What must hold on every machine in the end.
async fn holds(world: &World) -> Result<(), String> {
    same_resources(world, Flight::First).await?;
    closed(world)?;
    journal_is_empty(world).await?;
    secrets_work(world).await?;
    idle(world, Flight::First).await
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_runs_on_several_machines_in_any_order() {
    static OUTCOMES: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());
    if played().await {
        return;
    }
    let seeds: Vec<u64> = (0..SCENARIOS).collect();
    sweep("several machines", sample(seeds, SAMPLED, 5), |seed| async move {
        let outcomes = converges(seed).await?;
        let mut all = OUTCOMES.lock().unwrap();
        for (outcome, count) in outcomes {
            *all.entry(outcome).or_default() += count;
        }
        Ok(())
    })
    .await;
    say(&format!("several machines: {:?}", OUTCOMES.lock().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn i2_an_old_state_puts_back_neither_a_password_nor_an_image() {
    let mut world = start_ahead(0).await;
    world.deploy(world.request()).await.unwrap();
    let other = tempfile::tempdir().unwrap();
    copy_state(world.root.path(), other.path());
    // On this machine, the password of one app and the image of another change.
    Flight::Rotation.fly(&world).await.unwrap();
    let mut newer = world.request();
    newer["images"]["web"] = json!(newer["images"]["web"].as_str().unwrap().replace("@sha256:", "-new@sha256:"));
    world.deploy(newer.clone()).await.unwrap();
    let today = secrets(&world.state().await);
    let mut root = other;
    std::mem::swap(&mut world.root, &mut root);
    // On the other one, the same as it ever was.
    let asked = world.simulator.mutations().len();
    let failure = world.deploy(world.request()).await.unwrap_err();
    assert_eq!(failure.error.code().as_str(), "STATE_OUTDATED");
    let message = failure.error.message();
    assert!(message.contains("web: registry.test/shop-web-new@sha256:"), "{message}");
    assert!(!message.contains("auth"), "{message}");
    assert_eq!(world.simulator.mutations().len(), asked, "nothing was touched");
    // What is new for it is deployed, and what another run has changed is taken from the server.
    newer["workspace"]["root"] = json!(world.root.path());
    world.deploy(newer).await.unwrap();
    assert_eq!(secrets(&world.state().await), today);
    secrets_work(&world).await.unwrap();
    let told = world.events.lock().unwrap().iter().any(|event| {
        matches!(event, deploy_native::DeployEvent::Warning { code, message, .. }
            if code == "state-outdated" && message.contains("auth, web"))
    });
    assert!(told, "that the state was old is told");
}
