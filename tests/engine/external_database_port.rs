//! The database's port is closed at rest, whatever happens on the way (I4).

use deploy_native::ErrorCode;
use deploy_native::deploy::{AppStatus, DeployRequest, deploy};
use deploy_native::secrets::{Entropy, SystemEntropy};
use deploy_native_simulator::{Fault, FaultAction};
use deploy_native_test_support::{World, image, of, rows};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket};

const PORT: &str = "postgres.saveExternalPort";

/// Only what needs the database.
fn auth_only(world: &World) -> Value {
    let mut request = world.request();
    request["apps"] = json!(["auth"]);
    request
}

async fn lands_closed(world: &World) {
    tokio::time::sleep(Duration::from_millis(700)).await;
    world.assert_port_closed();
}

#[tokio::test]
async fn i4_a_port_that_is_taken_leads_to_another_and_all_are_closed() {
    let conflict = FaultAction::Fail {
        status: 409,
        body: json!({ "message": "Port 23456 is already in use by container \"x\"", "code": "CONFLICT" }),
    };
    let world = World::with(|it| it.fault(Fault::new(PORT, conflict).nth(1))).await.by_port();
    let report = world.deploy(auth_only(&world)).await.unwrap();
    assert_eq!(of(&report, "auth").status, AppStatus::Running);
    let ports = world.opened_ports();
    assert_eq!(ports.len(), 2, "{ports:?}");
    assert!(ports[0] != ports[1] && ports.iter().all(|port| *port >= 10_000));
    lands_closed(&world).await;
}

#[tokio::test]
async fn i4_a_server_without_a_free_port_is_said_with_what_to_do() {
    let taken = FaultAction::Fail {
        status: 409,
        body: json!({ "message": "Port 23456 is already in use by container \"x\"", "code": "CONFLICT" }),
    };
    let world = World::with(|it| it.fault(Fault::new(PORT, taken))).await.by_port();
    let error = world.deploy(auth_only(&world)).await.unwrap_err().error;
    assert_eq!(error.code(), ErrorCode::DatabasePort, "{error:?}");
    assert!(error.hint_text().unwrap().contains("databaseAccess: 'internal'"), "{error:?}");
    world.assert_port_closed();
}

#[tokio::test]
async fn i4_an_open_whose_answer_is_lost_is_closed_after_it_has_landed() {
    for action in [FaultAction::LandLater { millis: 200 }, FaultAction::DropAfter, FaultAction::FailAfter] {
        let world = World::with(|it| it.fault(Fault::new(PORT, action.clone()).nth(1))).await.by_port();
        let outcome = world.deploy(auth_only(&world)).await;
        lands_closed(&world).await;
        if let Err(failure) = outcome {
            panic!("{action:?}: the open landed, so the run goes on: {failure:?}");
        }
        assert_eq!(world.deploy(auth_only(&world)).await.unwrap().changes, 0, "{action:?}");
    }
}

#[tokio::test]
async fn i4_a_close_that_fails_is_sent_again_until_the_port_is_closed() {
    for action in [
        FaultAction::DropBefore,
        FaultAction::DropAfter,
        FaultAction::LandLater { millis: 300 },
        FaultAction::Fail { status: 500, body: json!({ "message": "boom" }) },
    ] {
        let world = World::with(|it| it.fault(Fault::new(PORT, action.clone()).nth(2))).await.by_port();
        let report = world.deploy(auth_only(&world)).await;
        lands_closed(&world).await;
        assert!(report.is_ok(), "{action:?}: {:?}", report.unwrap_err());
    }
}

#[tokio::test]
async fn i4_a_leftover_open_port_is_closed_first_by_the_next_run() {
    let world = World::start().await.by_port();
    world.deploy(world.request()).await.unwrap();
    let id = rows(&world.simulator.snapshot()["postgres"])[0]["postgresId"].clone();
    world.somebody_posts(PORT, json!({ "postgresId": id, "externalPort": 23_457 })).await;
    let plan = world.plan(world.request()).await.unwrap();
    assert_eq!(plan.steps.first().map(|step| step.id.as_str()), Some("database:close-port"), "{plan:#?}");
    let before = world.moment();
    world.deploy(world.request()).await.unwrap();
    // Twice, where the open of somebody else took effect after the first close.
    let sent = world.endpoints_since(&before);
    assert!(!sent.is_empty() && sent.iter().all(|endpoint| endpoint == PORT), "{sent:?}");
    world.assert_port_closed();
    assert_eq!(world.deploy(world.request()).await.unwrap().changes, 0);
}

#[tokio::test]
async fn i4_a_port_behind_a_firewall_is_unreachable_and_closed() {
    let world = World::start().await.by_port();
    let mut request = auth_only(&world);
    // Nothing listens at this address of the loopback network, as behind a firewall that refuses.
    request["databaseHost"] = json!("127.0.0.9");
    let mut options = world.options();
    options.surroundings.database_deadline = Duration::from_secs(1);
    let failure = Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await.unwrap_err();
    assert_eq!(failure.error.code(), ErrorCode::PostgresUnreachable, "{failure:?}");
    assert!(failure.error.hint_text().is_some(), "{:?}", failure.error);
    assert_eq!(of(&failure.report.unwrap(), "auth").status, AppStatus::Skipped);
    lands_closed(&world).await;
    let report = world.deploy(auth_only(&world)).await.unwrap();
    assert_eq!(of(&report, "auth").status, AppStatus::Running);
}

/// Randomness of which the first choice of a port is known.
struct KnownPort(u16);

impl Entropy for KnownPort {
    fn fill(&self, bytes: &mut [u8]) {
        match bytes {
            [low, high] => [*low, *high] = (self.0 - 20_000).to_le_bytes(),
            _ => SystemEntropy.fill(bytes),
        }
    }
}

/// An address at which connections to a port hang, as behind a firewall that drops packets: a listener whose queue is
/// full and that takes nothing off it. What is returned keeps it so.
fn hangs(address: Ipv4Addr, port: u16) -> (TcpListener, Vec<TcpStream>) {
    let place = SocketAddr::from((address, port));
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(place).unwrap();
    let listener = socket.listen(1).unwrap();
    let connect = || TcpStream::connect_timeout(&place, Duration::from_millis(300)).ok();
    (listener, std::iter::from_fn(connect).collect())
}

#[tokio::test]
async fn i4_a_port_behind_a_firewall_that_drops_packets_is_unreachable_and_closed() {
    let world = World::start().await.by_port();
    let port = 23_471;
    let silent = Ipv4Addr::new(127, 0, 0, 10);
    let _held = hangs(silent, port);
    let mut request = auth_only(&world);
    request["databaseHost"] = json!(silent.to_string());
    let mut options = world.options();
    options.surroundings.database_deadline = Duration::from_secs(2);
    options.surroundings.entropy = Arc::new(KnownPort(port));
    let begun = Instant::now();
    let failure = Box::pin(deploy(DeployRequest::from_json(request).unwrap(), options)).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    let error = &failure.error;
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresUnreachable, Some("timed-out")), "{error:?}");
    let hint = error.hint_text().unwrap();
    assert!(hint.contains("firewall") && hint.contains("`databaseAccess` to `internal`"), "{hint}");
    assert_eq!(world.opened_ports(), [port]);
    lands_closed(&world).await;
    assert_eq!(of(&world.deploy(auth_only(&world)).await.unwrap(), "auth").status, AppStatus::Running);
}

/// Asserts that no close was sent beside an open whose answer was outstanding, or that had `landing` to take effect.
fn assert_no_close_beside_an_open(world: &World, landing: Duration) -> usize {
    let sent = world.simulator.mutations().into_iter().filter(|it| it.endpoint() == PORT);
    let (opens, closes): (Vec<_>, Vec<_>) = sent.partition(|it| it.body.as_ref().unwrap()["externalPort"].is_u64());
    for close in &closes {
        for open in opens.iter().filter(|open| open.index < close.index) {
            let over = open.answered.unwrap_or(open.at + landing);
            assert!(over <= close.at, "i4: a close was sent at {:?} beside an open that took until {over:?}", close.at);
        }
    }
    assert!(!opens.is_empty() && !closes.is_empty());
    closes.len()
}

#[tokio::test]
async fn i4_no_close_is_sent_beside_an_outstanding_open() {
    let landing = Duration::from_millis(300);
    for action in [FaultAction::Delay { millis: 900 }, FaultAction::LandLater { millis: 300 }] {
        for cancelled in [false, true] {
            let world = World::with(|it| it.fault(Fault::new(PORT, action.clone()).nth(1))).await.by_port();
            let mut options = world.options();
            let (cancel, simulator) = (options.cancel.clone(), &world.simulator);
            // Well within the open, whose answer takes its time.
            let cancelling = async move {
                while cancelled && simulator.count(PORT) == 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                if cancelled {
                    cancel.cancel();
                }
            };
            options.surroundings.database_deadline = Duration::from_secs(20);
            let run = deploy(DeployRequest::from_json(auth_only(&world)).unwrap(), options);
            let (outcome, ()) = tokio::join!(Box::pin(run), cancelling);
            assert_eq!(outcome.is_err(), cancelled, "{action:?}: {outcome:?}");
            let closing = async {
                while simulator.count(PORT) < 2 {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), closing).await.expect("the background closes it");
            world.deploy(auth_only(&world)).await.unwrap();
            lands_closed(&world).await;
            assert!(assert_no_close_beside_an_open(&world, landing) > 0);
        }
    }
}

#[tokio::test]
async fn i9_a_change_of_an_app_alone_opens_no_port() {
    let world = World::start().await.by_port();
    world.deploy(world.request()).await.unwrap();
    let before = world.moment();
    let mut request = world.request();
    request["images"]["auth"] = json!(image("auth", "2"));
    world.deploy(request).await.unwrap();
    assert!(!world.endpoints_since(&before).contains(&PORT.to_owned()));
}

#[tokio::test]
async fn i7_an_app_is_deployed_when_the_database_is_back_after_its_port_was_closed() {
    let world = World::start().await.by_port();
    world.deploy(auth_only(&world)).await.unwrap();
    let requests = world.simulator.requests();
    let at = |endpoint: &str| requests.iter().rposition(|request| request.endpoint() == endpoint).unwrap();
    let (closed, looked, deployed) = (at(PORT), at("postgres.readLogs"), at("application.deploy"));
    assert!(closed < looked && looked < deployed, "closed {closed}, looked {looked}, deployed {deployed}");
}
