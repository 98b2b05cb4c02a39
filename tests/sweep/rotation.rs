//! The rotation sweep: another database password, interrupted at every request, at any event, and by `SIGKILL`.

use crate::child::{Running, played};
use crate::flight::{Flight, Secrets, start};
use crate::interruption::{at_event, change_goes_wrong};
use crate::reference::{sample, sweep};
use deploy_native::deploy::RunOptions;
use deploy_native::postgres::second_login_name;
use deploy_native::state::State;
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::FaultAction;
use deploy_native_test_support::{Seen, World};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;

/// The way to the database.
type Access = &'static str;

/// Both ways.
const WAYS: [Access; 2] = ["internal", "external-port"];
/// The app whose password changes.
const APP: &str = "auth";
/// How long a child may take to come to its point, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// The request for the rotation that is interrupted.
fn request(world: &World, access: Access) -> Value {
    let mut request = Flight::Rotation.request(world);
    request["databaseAccess"] = access.into();
    request
}

async fn rotate(world: &World, access: Access, options: RunOptions) -> Result<usize, DeployError> {
    Flight::Rotation.run(request(world, access), options).await
}

/// A world that is deployed.
async fn deployed() -> World {
    let world = start().await;
    let mut request = world.request();
    // Only what follows is tried, so the quicker way will do.
    request["databaseAccess"] = json!(WAYS[0]);
    world.deploy(request).await.unwrap();
    world
}

/// What a rotation makes of changes of the server and tells of events, by either way.
async fn reference() -> &'static [(Access, usize, usize); 2] {
    static REFERENCE: OnceCell<[(Access, usize, usize); 2]> = OnceCell::const_new();
    let make = || async {
        let world = deployed().await;
        let mut made = WAYS.map(|access| (access, 0, 0));
        for (access, changes, events) in &mut made {
            let before = (world.simulator.mutations().len(), world.events.lock().unwrap().len());
            rotate(&world, access, world.options()).await.unwrap();
            *changes = world.simulator.mutations().len() - before.0;
            *events = world.events.lock().unwrap().len() - before.1;
        }
        made
    };
    REFERENCE.get_or_init(make).await
}

/// Every change of the server, by either way.
async fn changes() -> Vec<(Access, usize)> {
    let points = reference().await.iter().map(|(access, changes, _)| (1..=*changes).map(|nth| (*access, nth)));
    points.flatten().collect()
}

/// Every password that the state knows for the app, by the user it may belong to.
fn known(state: &State) -> Vec<(String, String)> {
    let own = &state.app_credentials[APP];
    let mut known = vec![(own.db_user.clone(), own.db_password.expose().to_owned())];
    let rotation = state.deploy_native.rotations.get(APP).and_then(|rotation| rotation.login.as_ref());
    if let Some(login) = rotation {
        known.push((own.db_user.clone(), login.next.expose().to_owned()));
        known.push((second_login_name(&own.db_user), login.interim.expose().to_owned()));
    }
    known
}

/// The state knows the password of every login that the database has (I2).
async fn nothing_is_lost(world: &World) -> Result<(), String> {
    let state = world.state().await;
    let mut users = vec![APP.to_owned()];
    if world.has_second_login(APP).await {
        users.push(second_login_name(APP));
    }
    for user in users {
        let mut opens = false;
        for (_, password) in known(&state).iter().filter(|(of, _)| *of == user) {
            opens |= world.lets_in(&user, password).await;
        }
        // A job on the server outlives who started it, and may have dropped the login meanwhile.
        if !opens && (user == APP || world.has_second_login(APP).await) {
            return Err(format!("i2: the state does not know the password of {user}"));
        }
    }
    Ok(())
}

/// What holds after an interruption: nothing is lost, the app is let in, and the next run finishes, be it a deployment.
async fn recovers(world: &World, access: Access, by_deployment: bool) -> Result<(), String> {
    world.simulator.clear_faults();
    nothing_is_lost(world).await?;
    world.knock(&[APP], &mut Seen::default()).await;
    if by_deployment {
        let deploy = || Flight::First.fly(world);
        world.in_use(&[APP], again(deploy)).await.0?;
    } else {
        let rotate = || rotate(world, access, world.options());
        world.in_use(&[APP], again(rotate)).await.0?;
    }
    let state = world.state().await;
    if !state.deploy_native.rotations.is_empty() || world.has_second_login(APP).await {
        return Err("i3: the rotation is not over".to_owned());
    }
    Flight::First.converges(world, &Secrets::new()).await
}

/// Runs again; waits for the lock of a cancelled run that is still cleaning up.
async fn again<T, F: Future<Output = Result<T, DeployError>>>(run: impl Fn() -> F) -> Result<(), String> {
    let started = Instant::now();
    loop {
        match run().await {
            Err(error) if error.code() == ErrorCode::StateLocked && started.elapsed() < PATIENCE => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(format!("i3: the next run fails: {error:?}")),
            Ok(_) => return Ok(()),
        }
    }
}

async fn calls_go_wrong(kind: &str, action: FaultAction, lasts: bool, offset: usize) {
    let points = sample(changes().await, 3, offset);
    sweep(kind, points, |(access, nth)| {
        let action = action.clone();
        async move {
            let world = deployed().await;
            change_goes_wrong(&world, nth, action, lasts);
            // Whether it comes through is not the question.
            let _ = world.in_use(&[APP], rotate(&world, access, world.options())).await;
            recovers(&world, access, nth % 2 == 0).await
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rotation_of_which_a_call_is_dropped_before_its_effect() {
    calls_go_wrong("rotation: drop before the effect", FaultAction::DropBefore, false, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rotation_of_which_a_call_is_dropped_after_its_effect() {
    calls_go_wrong("rotation: drop after the effect", FaultAction::DropAfter, false, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rotation_of_which_a_call_is_refused() {
    let refusal = FaultAction::Fail { status: 400, body: json!({ "message": "no", "code": "BAD_REQUEST" }) };
    calls_go_wrong("rotation: refused", refusal, false, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rotation_whose_server_is_lost_from_some_change_on() {
    calls_go_wrong("rotation: outage after the effect", FaultAction::DropAfter, true, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i10_a_rotation_that_is_cancelled() {
    let points = reference().await.iter().map(|(access, _, events)| (1..=*events).map(|nth| (*access, nth)));
    let points = sample(points.flatten().collect(), 4, 1);
    sweep("rotation: cancelled", points, |(access, nth)| async move {
        let world = deployed().await;
        let mut options = world.options();
        let cancel = options.cancel.clone();
        options.events = at_event(nth, move || cancel.cancel());
        let _ = world.in_use(&[APP], rotate(&world, access, options)).await;
        recovers(&world, access, nth % 2 == 1).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn i3_a_rotation_whose_process_is_killed() {
    const NAME: &str = "rotation::i3_a_rotation_whose_process_is_killed";
    if played().await {
        return;
    }
    let points = sample(changes().await, 3, 4);
    sweep("rotation: SIGKILL at a change", points, |(access, nth)| async move {
        let world = deployed().await;
        let before = world.simulator.mutations().len();
        let child = Running::start_with(NAME, &world, Flight::Rotation, &request(&world, access));
        let deadline = Instant::now() + PATIENCE;
        while world.simulator.mutations().len() < before + nth && child.ended().is_none() {
            if Instant::now() > deadline {
                return Err("the child did not come to its point".to_owned());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // Before, within and after the call's effect, as it happens.
        tokio::time::sleep(Duration::from_millis(u64::try_from(nth % 4).unwrap_or_default() * 4)).await;
        child.kill();
        recovers(&world, access, nth % 2 == 0).await
    })
    .await;
}
