//! Provisioning that is interrupted, repeated, run twice at once, or large.

use crate::database::*;
use crate::proxy::Proxy;
use deploy_native::postgres::{prove, provision, provision_script};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[tokio::test]
async fn i11_runs_at_once_end_as_one_would_have() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles(&["api", "auth", "admin-auth"]);
        let transports: Vec<_> = (0..4).map(|_| master(&cluster)).collect();
        let runs = transports.iter().map(|transport| provision(transport, &wanted));
        for outcome in futures_util::future::join_all(runs).await {
            outcome.unwrap();
        }
        prove(&transports[0], &wanted).await.unwrap();
        as_app(&cluster, "auth").await;
    }
}

#[tokio::test]
async fn a_row_of_the_catalogue_that_another_tool_changes_meanwhile_is_tried_again() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles(&["api", "auth"]);
        let transport = master(&cluster);
        provision(&transport, &wanted).await.unwrap();
        let other = cluster.admin(DATABASE).await.unwrap();
        other.batch_execute("BEGIN; GRANT USAGE ON SCHEMA auth TO api").await.unwrap();
        let counted = Counted { inner: &transport, round_trips: AtomicUsize::new(0) };
        let commit = async {
            let waiting = "SELECT count(*) FROM pg_stat_activity \
                           WHERE application_name = 'deploy-native' AND wait_event_type = 'Lock'";
            let watcher = cluster.admin(DATABASE).await.unwrap();
            while value(&watcher, waiting).await != "1" {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            other.batch_execute("COMMIT").await.unwrap();
        };
        let (provisioned, ()) = tokio::join!(provision(&counted, &wanted), commit);
        provisioned.unwrap();
        assert!(counted.round_trips.load(Ordering::SeqCst) > 1, "the first try met `tuple concurrently updated`");
        prove(&transport, &wanted).await.unwrap();
    }
}

#[tokio::test]
async fn i11_runs_proofs_and_migrations_at_once_do_not_disturb_each_other() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let wanted = roles(&["api", "auth", "admin-auth"]);
        let transports: Vec<_> = (0..4).map(|_| master(&cluster)).collect();
        provision(&transports[0], &wanted).await.unwrap();
        let migrations = wanted.apps().iter().map(|app| async {
            let client = as_app(&cluster, &app.user).await;
            for number in 0..10 {
                let migration = format!(
                    "CREATE TABLE t{number} (id serial PRIMARY KEY, v text); ALTER TABLE t{number} ADD w text; \
                     CREATE VIEW v{number} AS SELECT v FROM t{number}; DROP VIEW v{number}"
                );
                client.batch_execute(&migration).await.unwrap();
            }
        });
        let runs = transports.iter().map(|transport| async {
            for _ in 0..2 {
                provision(transport, &wanted).await.unwrap();
                prove(transport, &wanted).await.unwrap();
            }
        });
        tokio::join!(futures_util::future::join_all(migrations), futures_util::future::join_all(runs));
        prove(&transports[0], &wanted).await.unwrap();
    }
}

#[tokio::test]
async fn fifty_apps_take_one_connection_and_at_most_three_round_trips_each() {
    let cluster = Arc::new(cluster(&embedded()).await);
    let names: Vec<String> = (0..50).map(|number| format!("app-{number}")).collect();
    let wanted = roles(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let proxy = Proxy::before(&cluster).await;
    let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
    let tally = &proxy.tally;
    let transport = through(&proxy);
    let begun = Instant::now();
    provision(&transport, &wanted).await.unwrap();
    let (provisioned, turns, queries) = (begun.elapsed(), count(&tally.turns), count(&tally.queries));
    let begun = Instant::now();
    let report = prove(&transport, &wanted).await.unwrap();
    let size = provision_script(&wanted).await.unwrap().sql().len();
    println!(
        "50 apps: {} connection(s), {turns} round trip(s) with the login, {queries} of them for {} KB of SQL, {} ms; the \
         proof: {} more, {} checks, {} ms",
        count(&tally.connections),
        size / 1024,
        provisioned.as_millis(),
        count(&tally.turns) - turns,
        report.checks,
        begun.elapsed().as_millis()
    );
    assert_eq!((count(&tally.connections), count(&tally.extended)), (1, 0));
    assert!(turns <= 3 * 50 && queries == 1, "{turns} round trips, {queries} queries");
    assert_eq!(count(&tally.queries), 2, "one script provisions and one proves");
    // One argument of a program takes 128 KB; `psql` is given the script as one.
    assert!(size < 128 * 1024);
}
