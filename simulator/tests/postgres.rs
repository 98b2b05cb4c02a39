//! The clusters are real servers, and the doors really open and close.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use deploy_native_simulator::postgres::{Binaries, Cluster, ClusterOptions, PostgresBackend};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::net::TcpStream;

/// Every PostgreSQL that this machine has.
fn installations() -> Vec<Binaries> {
    Binaries::installations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

fn environment(password: &str) -> BTreeMap<String, String> {
    [("PGUSER", "owner"), ("PGPASSWORD", password), ("PGDATABASE", "shop")]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn free_port() -> u16 {
    tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port()
}

#[tokio::test]
async fn a_service_has_its_database_and_keeps_its_data_over_restarts() {
    for binaries in installations() {
        let backend = PostgresBackend::new(binaries);
        backend.deploy("db-1", "owner", "first", "shop").await.unwrap();
        let env = environment("first");
        let made = "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, NULL), (2, 'x'); SELECT * FROM t";
        assert_eq!(backend.run_sql("db-1", &env, made).await.unwrap(), "1|\n2|x\n");
        backend.restart("db-1").await.unwrap();
        backend.deploy("db-1", "owner", "ignored", "shop").await.unwrap();
        assert_eq!(backend.run_sql("db-1", &env, "SELECT count(*) FROM t").await.unwrap(), "2\n");
        backend.change_password("db-1", "owner", "second").await.unwrap();
        let refused = backend.run_sql("db-1", &env, "SELECT 1").await.unwrap_err();
        assert!(refused.contains("password authentication failed"), "{refused}");
        let env = environment("second");
        let failed = backend.run_sql("db-1", &env, "SELECT * FROM nothing").await.unwrap_err();
        assert_eq!(failed, "ERROR:  42P01: relation \"nothing\" does not exist");
        backend.remove("db-1").await.unwrap();
        assert!(backend.run_sql("db-1", &env, "SELECT 1").await.is_err());
    }
}

#[tokio::test]
async fn i4_a_closed_door_refuses_connections_and_cuts_those_that_stand() {
    let backend = PostgresBackend::new(installations().remove(0));
    backend.deploy("db", "owner", "secret", "shop").await.unwrap();
    let port = free_port().await;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    assert!(TcpStream::connect(address).await.is_err());
    backend.open_port("db", port).await.unwrap();
    let config = format!("host=127.0.0.1 port={port} user=owner password=secret dbname=shop");
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    assert_eq!(client.query_one("SELECT 7", &[]).await.unwrap().get::<_, i32>(0), 7);
    backend.restart("db").await.unwrap();
    assert!(connection.await.unwrap().is_err(), "a restart ends every session");
    let (client, connection) = tokio_postgres::connect(&config, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    backend.close_port("db").await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
    assert!(client.query_one("SELECT 7", &[]).await.is_err());
    let _ = connection.await.unwrap();
    backend.close_port("db").await.unwrap();
}

#[tokio::test]
async fn a_dropped_cluster_leaves_no_process_and_no_folder() {
    for binaries in installations() {
        let cluster = Cluster::start(&binaries, ClusterOptions::new("owner", "secret", "shop")).await.unwrap();
        let admin = cluster.admin("shop").await.unwrap();
        let row = admin.query_one("SELECT current_setting('data_directory'), pg_postmaster_start_time()::text", &[]);
        let data: String = row.await.unwrap().get(0);
        let postmaster: String = std::fs::read_to_string(Path::new(&data).join("postmaster.pid")).unwrap();
        let process = PathBuf::from("/proc").join(postmaster.lines().next().unwrap());
        assert!(process.exists());
        drop(cluster);
        assert!(!process.exists());
        assert!(!Path::new(&data).exists());
    }
}

/// Not a test of its own: what [`a_cluster_ends_with_a_killed_process`] runs in a process that it kills.
#[tokio::test]
async fn cluster_in_a_process_that_is_killed() {
    let Some(note) = std::env::var_os("CLUSTER_NOTE") else { return };
    let binaries = installations().remove(0);
    let cluster = Cluster::start(&binaries, ClusterOptions::new("owner", "secret", "shop")).await.unwrap();
    std::fs::write(note, cluster.address().to_string()).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_cluster_ends_with_a_killed_process() {
    let folder = tempfile::tempdir().unwrap();
    let note = folder.path().join("note");
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cluster_in_a_process_that_is_killed"])
        .env("CLUSTER_NOTE", &note)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let address: SocketAddr = loop {
        match std::fs::read_to_string(&note).unwrap_or_default().parse() {
            Ok(address) => break address,
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    };
    assert!(TcpStream::connect(address).await.is_ok());
    child.kill().await.unwrap();
    for _ in 0..500 {
        if TcpStream::connect(address).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the server outlived its process by ten seconds");
}
