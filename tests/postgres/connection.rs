//! The database is reached when it can be, and what stands in the way is told apart.

use crate::database::*;
use deploy_native::ErrorCode;
use deploy_native::postgres::{ConnectOptions, Login, PortTransport};
use deploy_native_simulator::postgres::{Cluster, ClusterOptions, PostgresBackend};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;

/// A transport to a port of this machine that gives up after a second.
fn impatient(port: u16, host: &str) -> PortTransport {
    let login = Login { host: host.to_owned(), port, user: MASTER.to_owned(), password: MASTER_PASSWORD.into() };
    let options = ConnectOptions::default()
        .attempt(Duration::from_millis(200))
        .deadline(Duration::from_secs(1))
        .pause(Duration::from_millis(20));
    PortTransport::new(login, options)
}

async fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_refused() {
    let error = impatient(free_port().await, "127.0.0.1").wait_until_reachable(DATABASE).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresUnreachable, Some("refused")));
    assert!(error.hint_text().unwrap().contains("databaseHost"));
}

#[tokio::test]
async fn a_port_that_does_not_answer_times_out() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let begun = Instant::now();
    let transport = impatient(listener.local_addr().unwrap().port(), "127.0.0.1");
    let error = transport.wait_until_reachable(DATABASE).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresUnreachable, Some("timed-out")));
    assert!(error.hint_text().unwrap().contains("internal"));
    assert!(begun.elapsed() < Duration::from_secs(10), "the deadline of a second holds");
}

#[tokio::test]
async fn a_host_without_an_address_is_unresolved() {
    let error = impatient(5432, "nothing.invalid").wait_until_reachable(DATABASE).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresUnreachable, Some("unresolved")));
}

#[tokio::test]
async fn a_port_that_hangs_up_is_closed() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = impatient(port, "127.0.0.1").wait_until_reachable(DATABASE).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresUnreachable, Some("closed")));
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_not_shown() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = PortTransport::new(login(&cluster, MASTER, "wrongCANARY"), options());
        let error = transport.wait_until_reachable(DATABASE).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresAuthentication, Some("28P01")));
        assert!(!format!("{error} {error:?} {transport:?}").contains("CANARY"));
        let error = master(&cluster).wait_until_reachable("nothing").await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresQuery, Some("3D000")));
    }
}

#[tokio::test]
async fn a_database_that_is_starting_up_is_waited_for() {
    let backend = PostgresBackend::new(embedded());
    backend.deploy("db", MASTER, MASTER_PASSWORD, DATABASE).await.unwrap();
    let port = free_port().await;
    let login = Login { host: "127.0.0.1".into(), port, user: MASTER.into(), password: MASTER_PASSWORD.into() };
    let transport = PortTransport::new(login, options());
    let opening = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        backend.open_port("db", port).await.unwrap();
        backend.restart("db").await.unwrap();
    };
    let (reached, ()) = tokio::join!(transport.wait_until_reachable(DATABASE), opening);
    reached.unwrap();
    // The restart may have ended the session that was reached; the next script makes another.
    let answer = match transport.sql(DATABASE, "SELECT 7").await {
        Err(error) if error.is_retryable() => transport.sql(DATABASE, "SELECT 7").await,
        answer => answer,
    };
    assert_eq!(answer.unwrap(), "7\n");
}

#[tokio::test]
async fn i10_a_dropped_script_is_taken_back() {
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = master(&cluster);
        transport.wait_until_reachable(DATABASE).await.unwrap();
        let script = "BEGIN; SET LOCAL client_connection_check_interval = '100ms'; CREATE TABLE t (a int); \
                      SELECT pg_sleep(600); COMMIT";
        let dropped = tokio::time::timeout(Duration::from_millis(300), transport.sql(DATABASE, script)).await;
        assert!(dropped.is_err());
        let busy = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'deploy-native' AND state = 'active' \
                    AND pid <> pg_backend_pid()";
        let begun = Instant::now();
        while transport.sql(DATABASE, busy).await.unwrap() != "0\n" {
            assert!(begun.elapsed() < Duration::from_secs(20), "the server still works on a dropped script");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(transport.sql(DATABASE, "SELECT to_regclass('t') IS NULL").await.unwrap(), "t\n");
    }
}

#[tokio::test]
async fn a_failed_script_leaves_a_usable_transport() {
    let cluster = cluster(&embedded()).await;
    let transport = master(&cluster);
    let error = transport.sql(DATABASE, "BEGIN; SELECT 1/0; COMMIT").await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresQuery, Some("22012")));
    assert_eq!(transport.sql(DATABASE, "SELECT 1, NULL, 'x'").await.unwrap(), "1||x\n");
}

#[tokio::test]
async fn i6_a_server_that_offers_tls_is_spoken_to_in_tls() {
    for binaries in installations() {
        // Self-made, for this test alone, as a server of Dokploy's would be.
        let (certificate, key) = (include_str!("server.crt"), include_str!("server.key"));
        let options = ClusterOptions::new(MASTER, MASTER_PASSWORD, DATABASE).certificate(certificate, key);
        let cluster = Cluster::start(&binaries, options).await.unwrap();
        let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert_eq!(master(&cluster).sql(DATABASE, encrypted).await.unwrap(), "t\n");
    }
}
