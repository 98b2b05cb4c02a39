//! Leases on a simulated server: taken, kept, inherited, lost and given back.

use deploy_native::dokploy::{ClientSettings, Dokploy};
use deploy_native::lease::{Lease, LeaseName, LeaseRequest, LeaseSettings, Leased, take};
use deploy_native::secrets::{Redactor, Secret};
use deploy_native::{DeployError, ErrorCode};
use deploy_native_simulator::{Fault, FaultAction, Simulator, SimulatorBuilder};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

const TIME_SCALE: f64 = 0.02;

/// Long against what a busy machine may take between two lines.
const LONG: LeaseSettings = LeaseSettings {
    term: Duration::from_secs(20),
    renewal: Duration::from_millis(300),
    poll: Duration::from_millis(50),
};
/// How long a request may take to have its effect.
const LANDING: Duration = Duration::from_secs(1);
/// Over soon after it is not renewed any more.
const SHORT: LeaseSettings = LeaseSettings { term: Duration::from_secs(1), ..LONG };

struct Stand {
    simulator: Simulator,
    cleanup: TaskTracker,
}

impl Stand {
    async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(SimulatorBuilder) -> SimulatorBuilder) -> Self {
        let simulator = change(Simulator::builder().time_scale(TIME_SCALE)).start().await.unwrap();
        Self { simulator, cleanup: TaskTracker::new() }
    }

    fn client(&self, token: &str) -> Dokploy {
        let settings = ClientSettings::default().retry_delay(Duration::from_millis(10));
        let token = Secret::new(token);
        Dokploy::with_settings(self.simulator.url(), &token, settings, Arc::new(Redactor::new())).unwrap()
    }

    /// Takes the lease as a machine of its own.
    async fn take(&self, request: &LeaseRequest) -> Result<Leased, DeployError> {
        take(&self.client(self.simulator.token()), request, &self.cleanup, |_| {}).await
    }

    async fn lease(&self, request: &LeaseRequest) -> Lease {
        match self.take(request).await.unwrap() {
            Leased::Ours(lease) => lease,
            Leased::Unavailable(why) => panic!("{why}"),
        }
    }

    fn tags(&self) -> Vec<Value> {
        self.simulator.snapshot()["tags"].as_array().unwrap().clone()
    }
}

fn request(run: &str, settings: LeaseSettings) -> LeaseRequest {
    LeaseRequest {
        name: LeaseName::stage("shop", "staging"),
        machine: format!("machine-of-{run}"),
        process: 4711,
        run: run.to_owned(),
        started_at: "2026-01-17T12:00:00.000Z".to_owned(),
        dead: Vec::new(),
        wait: Duration::ZERO,
        landing: LANDING,
        over: CancellationToken::new(),
        settings,
    }
}

fn waiting(run: &str, settings: LeaseSettings) -> LeaseRequest {
    LeaseRequest { wait: Duration::from_secs(30), ..request(run, settings) }
}

/// The error of a lease that is over, as soon as it is.
async fn lost(lease: &Lease, request: &LeaseRequest) -> DeployError {
    tokio::time::timeout(Duration::from_secs(20), request.over.cancelled()).await.expect("it is still ours");
    let error = lease.check().unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateLocked, Some("lease-lost")));
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_of_machines_that_come_at_once_one_gets_it_and_the_others_are_told_whose_it_is() {
    let stand = Stand::start().await;
    for round in 0..5 {
        let requests: Vec<LeaseRequest> = (0..6).map(|index| request(&format!("{round}-{index}"), LONG)).collect();
        let taken = join_all(requests.iter().map(|request| stand.take(request))).await;
        let mut leases = Vec::new();
        let mut refused = Vec::new();
        for taken in taken {
            match taken {
                Ok(Leased::Ours(lease)) => leases.push(lease),
                Ok(Leased::Unavailable(why)) => panic!("{why}"),
                Err(error) => refused.push(error),
            }
        }
        assert_eq!((leases.len(), refused.len()), (1, 5));
        let lease = leases.pop().unwrap();
        lease.check().unwrap();
        for error in refused {
            assert_eq!((error.code(), error.reason_name()), (ErrorCode::StateLocked, Some("lease")));
            let message = error.message();
            let holder = format!("process 4711 on machine-of-{} since 2026-01-17T12:00:00.000Z", lease.run());
            assert!(message.contains("stage `staging`") && message.contains(&holder), "{message}");
            assert!(message.contains("at the latest until 20"), "{message}");
        }
        assert!(lease.release().await);
        assert_eq!(stand.tags(), [] as [Value; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_free_lease_takes_one_request_and_giving_it_back_another() {
    let stand = Stand::start().await;
    let client = stand.client(stand.simulator.token());
    client.project().all().await.unwrap();
    let before = stand.simulator.requests().len();
    let leased = take(&client, &request("a", LONG), &stand.cleanup, |_| {}).await.unwrap();
    let Leased::Ours(lease) = leased else { panic!("{leased:?}") };
    for _ in 0..100 {
        lease.check().unwrap();
    }
    lease.release().await;
    let asked: Vec<String> =
        stand.simulator.requests().iter().skip(before).map(|request| request.endpoint().to_owned()).collect();
    assert_eq!(asked, ["tag.create", "tag.remove"]);
    assert_eq!(stand.simulator.violations(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_lease_is_ours_for_as_long_as_its_run_lives() {
    let stand = Stand::start().await;
    let short = LeaseSettings { term: Duration::from_secs(3), ..LONG };
    let lease = stand.lease(&request("a", short)).await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(8) {
        lease.check().unwrap();
        assert!(stand.take(&request("b", short)).await.is_err());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let renewals = stand.simulator.count("tag.update");
    assert!((8..=27).contains(&renewals), "{renewals} renewals in 8 s");
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_dead_holder_is_replaced_by_one_of_its_heirs_whatever_their_clocks_say() {
    for ahead in [0, 600, -600] {
        let stand = Stand::with(|builder| builder.clock_ahead(ahead)).await;
        drop(stand.lease(&request("dead", SHORT)).await);
        let died = Instant::now();
        let early = stand.take(&request("early", SHORT)).await.unwrap_err();
        assert!(early.message().contains("machine-of-dead"), "{early}");
        let heirs: Vec<LeaseRequest> = (0..4).map(|index| waiting(&format!("heir-{index}"), LONG)).collect();
        let got = Mutex::new(0);
        let inherit = heirs.iter().map(|request| async {
            let lease = stand.lease(request).await;
            let after = died.elapsed();
            assert!(after >= SHORT.term + LANDING, "{ahead}: after {after:?}");
            lease.check().unwrap();
            *got.lock().unwrap() += 1;
            // Long enough for another one to come, if one could.
            tokio::time::sleep(Duration::from_millis(150)).await;
            lease.check().unwrap();
            lease.release().await;
        });
        join_all(inherit).await;
        assert_eq!(*got.lock().unwrap(), 4, "each in turn");
        assert_eq!(stand.tags(), [] as [Value; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_run_that_is_known_to_be_dead_is_not_waited_for() {
    let stand = Stand::start().await;
    drop(stand.lease(&request("former", LONG)).await);
    let next = LeaseRequest { dead: vec!["former".to_owned()], ..request("next", LONG) };
    stand.lease(&next).await.check().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_who_waits_is_told_for_whom_and_gets_it_when_it_is_given_back() {
    let stand = Stand::start().await;
    let lease = stand.lease(&request("first", LONG)).await;
    let told = Mutex::new(Vec::new());
    let client = stand.client(stand.simulator.token());
    let second = waiting("second", LONG);
    let waits = take(&client, &second, &stand.cleanup, |holder| told.lock().unwrap().push(holder.to_owned()));
    let gives_back = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        lease.release().await
    };
    let (taken, released) = tokio::join!(waits, gives_back);
    assert!(released && matches!(taken, Ok(Leased::Ours(_))));
    let told = told.into_inner().unwrap();
    assert!(matches!(told.as_slice(), [only] if only.contains("machine-of-first")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_lease_that_somebody_took_stops_its_run_and_names_who_it_was() {
    let stand = Stand::start().await;
    let first = request("first", LONG);
    let lease = stand.lease(&first).await;
    assert!(stand.simulator.remove_tag(LeaseName::stage("shop", "staging").tag()));
    let second = stand.lease(&request("second", LONG)).await;
    let error = lost(&lease, &first).await;
    assert!(error.message().contains("taken by process 4711 on machine-of-second"), "{error}");
    assert!(lease.release().await, "it is as good as given back");
    second.check().unwrap();
    assert_eq!(stand.tags().len(), 1, "the heir's entry stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_lease_that_cannot_be_renewed_lapses() {
    let stand = Stand::start().await;
    let short = request("a", LeaseSettings { term: Duration::from_secs(2), ..LONG });
    let lease = stand.lease(&short).await;
    stand.simulator.fault(Fault::new("tag.update", FaultAction::DropBefore));
    let begun = Instant::now();
    let error = lost(&lease, &short).await;
    assert!(error.message().contains("not heard of for 2 s"), "{error}");
    assert!((1..4).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_renewal_that_fails_now_and_then_does_no_harm() {
    let stand = Stand::start().await;
    let lease = stand.lease(&request("a", LeaseSettings { term: Duration::from_secs(3), ..LONG })).await;
    for nth in [1, 2, 4, 7] {
        stand.simulator.fault(Fault::new("tag.update", FaultAction::DropAfter).nth(nth));
    }
    stand.simulator.fault(Fault::new("tag.update", FaultAction::Fail { status: 502, body: json!("bad") }).nth(9));
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(5) {
        lease.check().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(lease.release().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_lost_answer_loses_no_lease() {
    for action in [
        FaultAction::DropBefore,
        FaultAction::DropAfter,
        FaultAction::FailAfter,
        FaultAction::Fail { status: 502, body: json!("bad gateway") },
        FaultAction::LandLater { millis: 30 },
    ] {
        let stand = Stand::start().await;
        stand.simulator.fault(Fault::new("tag.create", action.clone()).nth(1));
        let lease = stand.lease(&request("a", LONG)).await;
        lease.check().unwrap();
        let tags = stand.tags();
        assert!(tags.len() == 1 && tags[0]["color"].as_str().unwrap().contains("run=a"), "{action:?}: {tags:?}");
        stand.simulator.clear_faults();
        stand.simulator.fault(Fault::new("tag.remove", action.clone()).nth(1));
        assert!(lease.release().await, "{action:?}");
        assert_eq!(stand.tags(), [] as [Value; 0], "{action:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_claim_that_is_dropped_leaves_nothing_behind() {
    let stand = Stand::start().await;
    stand.simulator.fault(Fault::new("tag.create", FaultAction::Delay { millis: 300 }));
    let dropped = request("a", LONG);
    tokio::select! {
        taken = stand.take(&dropped) => panic!("{taken:?}"),
        () = async {
            while stand.simulator.count("tag.create") == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        } => {}
    }
    stand.simulator.clear_faults();
    stand.cleanup.close();
    stand.cleanup.wait().await;
    assert_eq!(stand.simulator.count("tag.remove"), 1, "it landed, and was removed");
    assert_eq!(stand.tags(), [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_tag_that_does_not_say_whose_it_is_refuses_and_the_error_says_what_to_do() {
    let stand = Stand::start().await;
    let tag = LeaseName::stage("shop", "staging");
    stand.client(stand.simulator.token()).tag().create(tag.tag(), "#3b82f6").await.unwrap();
    let error = stand.take(&request("a", LONG)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateLocked);
    assert!(error.hint_text().unwrap().contains(tag.tag()), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_a_key_or_a_server_without_tags_is_unavailable_and_no_failure() {
    let stand = Stand::with(|builder| builder.granted_token("member")).await;
    let leased = take(&stand.client("member"), &request("a", LONG), &stand.cleanup, |_| {}).await.unwrap();
    assert!(matches!(leased, Leased::Unavailable(_)), "{leased:?}");
    let none =
        json!({ "message": "Not found", "code": "NOT_FOUND", "data": { "code": "NOT_FOUND", "httpStatus": 404 } });
    stand.simulator.fault(Fault::new("tag.*", FaultAction::Fail { status: 404, body: none }));
    let leased = stand.take(&request("a", LONG)).await.unwrap();
    assert!(matches!(leased, Leased::Unavailable(_)), "{leased:?}");
    for status in [400, 500] {
        stand.simulator.clear_faults();
        let refusal = json!({ "message": "Failed query: insert into \"tag\"", "code": "BAD_REQUEST" });
        stand.simulator.fault(Fault::new("tag.create", FaultAction::Fail { status, body: refusal }));
        let leased = stand.take(&request("a", LONG)).await.unwrap();
        assert!(matches!(leased, Leased::Unavailable(_)), "{status}: {leased:?}");
    }
    stand.simulator.clear_faults();
    let error = take(&stand.client("wrong"), &request("a", LONG), &stand.cleanup, |_| {}).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DokployUnauthorized, "that is no lesser key");
}

#[tokio::test(flavor = "multi_thread")]
async fn i11_other_stages_and_other_tags_are_no_hindrance() {
    let stand = Stand::start().await;
    stand.client(stand.simulator.token()).tag().create("deploy-native", "#fff").await.unwrap();
    let _production =
        stand.lease(&LeaseRequest { name: LeaseName::stage("shop", "production"), ..request("p", LONG) }).await;
    let _project = stand.lease(&LeaseRequest { name: LeaseName::project("shop"), ..request("q", LONG) }).await;
    stand.lease(&request("s", LONG)).await.check().unwrap();
}
