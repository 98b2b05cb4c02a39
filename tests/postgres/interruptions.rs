//! Whatever is interrupted, nothing is half done, and running it again ends as if nothing had happened.

use crate::database::*;
use crate::proxy::{Proxy, Stop, statements};
use deploy_native::DeployError;
use deploy_native::postgres::{
    DatabaseRoles, PortTransport, change_password, close_second_login, disable_role, drop_role, open_second_login,
    prove, provision, provision_script,
};
use deploy_native_simulator::postgres::Cluster;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The app whose password is changed and who goes, with something of its own.
const APP: &str = "admin-auth";
const SCHEMA: &str = "admin_auth";

/// What our SQL does to a database, in an order that comes back to its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Provision,
    OpenSecondLogin,
    ChangePassword,
    CloseSecondLogin,
    DisableRole,
    DropRole,
}

const ROUND: [Act; 7] = [
    Act::Provision,
    Act::OpenSecondLogin,
    Act::ChangePassword,
    Act::CloseSecondLogin,
    Act::DisableRole,
    Act::Provision,
    Act::DropRole,
];

impl Act {
    async fn play(self, transport: &PortTransport, roles: &DatabaseRoles) -> Result<(), DeployError> {
        let app = roles.apps().iter().find(|app| app.app == APP).unwrap();
        match self {
            Self::Provision => provision(transport, roles).await.map(drop),
            Self::OpenSecondLogin => open_second_login(transport, DATABASE, app, &"interim".into()).await,
            Self::ChangePassword => change_password(transport, DATABASE, APP, &"next".into()).await,
            Self::CloseSecondLogin => close_second_login(transport, DATABASE, APP).await,
            Self::DisableRole => disable_role(transport, DATABASE, APP).await.map(drop),
            Self::DropRole => drop_role(transport, DATABASE, APP, SCHEMA).await.map(drop),
        }
    }
}

/// The passwords with which the app can log in.
async fn passwords(cluster: &Cluster) -> Vec<String> {
    let mut taken = Vec::new();
    for password in [password(APP), "next".to_owned()] {
        if connect(cluster, APP, &password, DATABASE).await.is_ok() {
            taken.push(password);
        }
    }
    taken
}

#[tokio::test]
async fn i3_stopped_after_any_statement_a_script_is_taken_back_or_kept_as_a_whole_and_run_again() {
    let cluster = Arc::new(cluster(&embedded()).await);
    let wanted = roles(&["api", APP]);
    let proxy = Proxy::before(&cluster).await;
    let admin = cluster.admin(DATABASE).await.unwrap();
    let direct = master(&cluster);
    // What each act makes of the one before, when nothing stops it.
    let mut references = Vec::new();
    for _ in 0..2 {
        references.clear();
        for act in ROUND {
            act.play(&direct, &wanted).await.unwrap();
            references.push(catalogue(&cluster, false).await);
        }
    }
    let mut points = [0; ROUND.len()];
    let mut kept = [0; ROUND.len()];
    let longest = statements(&provision_script(&wanted).await.unwrap().sql()).len();
    for after in 0..=longest {
        for (number, act) in ROUND.into_iter().enumerate() {
            // Twice after its end is enough: with and without the answer.
            if kept[number] > 1 || number > ROUND.iter().position(|it| *it == act).unwrap() {
                act.play(&direct, &wanted).await.unwrap();
                continue;
            }
            let before = catalogue(&cluster, true).await;
            let how = if (after + number) % 2 == 0 { Stop::Cut } else { Stop::Terminate };
            let stopped = proxy.stop(after, how);
            let transport = through(&proxy);
            let (outcome, is_kept) = tokio::join!(act.play(&transport, &wanted), async {
                let is_kept = stopped.await.unwrap();
                let now = catalogue(&cluster, true).await;
                assert_eq!(now == before, !is_kept, "{act:?} stopped after {after} statements: {how:?}");
                if act == Act::ChangePassword {
                    assert_eq!(passwords(&cluster).await.len(), 1, "one password is taken, whichever");
                }
                proxy.resume();
                is_kept
            });
            outcome.unwrap_or_else(|error| panic!("{act:?} stopped after {after} statements: {error:?}"));
            assert_eq!(catalogue(&cluster, false).await, references[number], "{act:?} after {after} statements");
            points[number] += 1;
            kept[number] += usize::from(is_kept);
            if act == Act::Provision && after % 4 == 0 {
                prove(&transport, &wanted).await.unwrap();
                assert_eq!(passwords(&cluster).await, [password(APP)]);
            }
        }
    }
    assert_eq!(value(&admin, "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'").await, "0");
    for (act, (points, kept)) in ROUND.into_iter().zip(points.into_iter().zip(kept)) {
        assert!(points == 0 || kept == 2 && points > 12, "{act:?}: {kept} of {points} points after its end");
    }
    println!("{} points of interruption", points.into_iter().sum::<usize>());
}

/// Tells a child where its server is.
const PART: &str = "POSTGRES_TEST_SERVER";

/// What a child does until it is killed.
async fn play_for_ever(transport: &PortTransport, wanted: &DatabaseRoles) {
    loop {
        for act in &ROUND[..4] {
            act.play(transport, wanted).await.unwrap();
        }
    }
}

#[tokio::test]
async fn i3_a_process_that_is_killed_at_any_moment_leaves_nothing_half_done() {
    const NAME: &str = "interruptions::i3_a_process_that_is_killed_at_any_moment_leaves_nothing_half_done";
    let wanted = roles(&["api", APP]);
    if let Ok(address) = std::env::var(PART) {
        let (host, port) = address.split_once(' ').unwrap();
        let (login, options) = (master_at(host, port.parse().unwrap()), options());
        return play_for_ever(&PortTransport::new(login, options), &wanted).await;
    }
    let cluster = cluster(&embedded()).await;
    let transport = master(&cluster);
    let mut reference = None;
    for round in 0..12_u64 {
        let address = format!("{} {}", cluster.address().ip(), cluster.address().port());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME])
            .env(PART, address)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        let others = "SELECT count(*) FROM pg_stat_activity \
                      WHERE application_name = 'deploy-native' AND pid <> pg_backend_pid()";
        let none = async || transport.sql(DATABASE, others).await.unwrap() == "0\n";
        while none().await {
            assert!(begun.elapsed() < Duration::from_mins(1), "the child did not come");
        }
        // Some moment of its work, another in each round.
        tokio::time::sleep(Duration::from_millis(round * 37 % 300)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        // The server may still be at the last script; it finishes it or takes it back.
        while !none().await {
            assert!(begun.elapsed() < Duration::from_mins(1), "the killed child's session does not end");
        }
        if round > 0 {
            assert!(!passwords(&cluster).await.is_empty(), "round {round}: a password that we know is taken");
        }
        for act in &ROUND[..4] {
            act.play(&transport, &wanted).await.unwrap();
        }
        prove(&transport, &wanted).await.unwrap();
        assert_eq!(passwords(&cluster).await, ["next"]);
        let now = catalogue(&cluster, false).await;
        assert_eq!(now, *reference.get_or_insert_with(|| now.clone()), "round {round}");
    }
}
