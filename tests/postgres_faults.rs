//! Provisioning that is interrupted, repeated, run twice at once, or large.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod postgres;

use deploy_native::postgres::{prove, provision, provision_script};
use deploy_native_simulator::postgres::Cluster;
use postgres::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Everything that provisioning can change, as one text.
async fn catalogue(cluster: &Cluster) -> String {
    let query = "SELECT jsonb_build_array(\
        (SELECT jsonb_agg(to_jsonb(role) - 'oid' - 'rolpassword' ORDER BY role.rolname) FROM pg_authid AS role), \
        (SELECT jsonb_agg(to_jsonb(base) - 'oid' - 'datfrozenxid' - 'datminmxid' ORDER BY base.datname) FROM pg_database AS base), \
        (SELECT jsonb_agg(to_jsonb(schema) - 'oid' ORDER BY schema.nspname) FROM pg_namespace AS schema \
          WHERE nspname !~ '^pg_'), \
        (SELECT count(*) FROM pg_default_acl), (SELECT count(*) FROM pg_db_role_setting))";
    value(&cluster.admin(DATABASE).await.unwrap(), query).await
}

#[tokio::test]
async fn i3_interrupted_at_any_statement_nothing_is_half_done_and_the_next_run_converges() {
    let cluster = cluster(&embedded()).await;
    let wanted = roles(&["api", "admin-auth"]);
    let untouched = catalogue(&cluster).await;
    let statements = provision_script(&wanted).await.unwrap().statements().to_vec();
    assert!(statements.len() > 15);
    for until in 0..statements.len() {
        let session = connect(&cluster, MASTER, MASTER_PASSWORD, DATABASE).await.unwrap();
        for statement in &statements[..until] {
            session.batch_execute(statement).await.unwrap();
        }
        let pid = value(&session, "SELECT pg_backend_pid()").await;
        let admin = cluster.admin(DATABASE).await.unwrap();
        value(&admin, &format!("SELECT pg_terminate_backend({pid}, 10000)")).await;
        let done = statements[..until].contains(&"COMMIT".to_owned());
        assert_eq!(catalogue(&cluster).await == untouched, !done, "after {until} statements");
    }
    let transport = master(&cluster);
    provision(&transport, &wanted).await.unwrap();
    prove(&transport, &wanted).await.unwrap();
    for app in ["api", "admin-auth"] {
        as_app(&cluster, app).await;
    }
}

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
async fn fifty_apps_take_one_connection_and_at_most_three_round_trips_each() {
    let cluster = cluster(&embedded()).await;
    let names: Vec<String> = (0..50).map(|number| format!("app-{number}")).collect();
    let wanted = roles(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let transport = master(&cluster);
    transport.wait_until_reachable(DATABASE).await.unwrap();
    let counted = Counted { inner: &transport, round_trips: AtomicUsize::new(0) };
    let begun = Instant::now();
    provision(&counted, &wanted).await.unwrap();
    let provisioned = begun.elapsed();
    let round_trips = counted.round_trips.load(Ordering::SeqCst);
    let begun = Instant::now();
    let report = prove(&counted, &wanted).await.unwrap();
    let size = provision_script(&wanted).await.unwrap().sql().len();
    println!(
        "50 apps: {round_trips} round trip(s), {} KB of SQL, {} ms; the proof: {} checks, {} ms",
        size / 1024,
        provisioned.as_millis(),
        report.checks,
        begun.elapsed().as_millis()
    );
    assert!(round_trips <= 3 * 50);
    // One argument of a program takes 128 KB; `psql` is given the script as one.
    assert!(size < 128 * 1024);
    let logins = cluster.log().unwrap().matches("SET deploy_native.frame").count();
    assert_eq!(logins, 2, "one script provisions and one proves");
}
