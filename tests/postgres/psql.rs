//! Scripts as the real `psql` runs them, where this machine has one; and in parts over one session, everywhere.

use crate::database::*;
use async_trait::async_trait;
use deploy_native::DeployError;
use deploy_native::postgres::{DatabaseRoles, Script, SqlTransport, prove, provision, provision_script, psql_error};
use deploy_native_simulator::postgres::Cluster;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// So short that every script takes many arguments.
const SHORT: usize = 20 * 1024;

/// The `psql` of this machine, if it has one.
fn psql() -> Option<PathBuf> {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&paths).map(|folder| folder.join("psql")).find(|program| program.exists())
}

/// Runs each script by a process of `psql`, in arguments of at most so many bytes.
struct Psql<'a>(&'a Cluster, PathBuf, usize);

impl Psql<'_> {
    fn command(&self, database: &str, arguments: &[String]) -> Command {
        let address = self.0.address();
        let mut command = Command::new(&self.1);
        command.args(arguments).stdin(Stdio::null()).kill_on_drop(true).env("PGDATABASE", database);
        command.env("PGHOST", address.ip().to_string()).env("PGPORT", address.port().to_string());
        command.env("PGUSER", MASTER).env("PGPASSWORD", MASTER_PASSWORD);
        command
    }
}

#[async_trait]
impl SqlTransport for Psql<'_> {
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError> {
        let arguments = script.psql_arguments(self.2).unwrap();
        let finished = self.command(database, &arguments).output().await.unwrap();
        let errors = String::from_utf8(finished.stderr).unwrap();
        if finished.status.success() {
            return Ok(String::from_utf8(finished.stdout).unwrap());
        }
        Err(psql_error(&errors).unwrap_or_else(|| panic!("{errors}")))
    }
}

/// Runs the parts of each script one after the other in one session.
struct Parts<'a>(&'a Cluster, usize);

#[async_trait]
impl SqlTransport for Parts<'_> {
    async fn execute(&self, database: &str, script: &Script) -> Result<String, DeployError> {
        let session = connect(self.0, MASTER, MASTER_PASSWORD, database).await.unwrap();
        let parts = script.parts(self.1).unwrap();
        assert!(parts.len() > 1, "it is in parts");
        let mut output = String::new();
        for part in parts {
            for message in session.simple_query(&part).await.unwrap() {
                if let tokio_postgres::SimpleQueryMessage::Row(row) = message {
                    output.push_str(row.get(0).unwrap_or_default());
                    output.push('\n');
                }
            }
        }
        Ok(output)
    }
}

fn wanted() -> DatabaseRoles {
    roles(&["api", "auth", "admin-auth", "ä\u{1F600}'\\\"$x$"])
}

#[tokio::test]
async fn a_script_in_parts_does_what_it_does_as_a_whole() {
    let mut reports = Vec::new();
    for in_parts in [true, false] {
        let cluster = cluster(&embedded()).await;
        let (parts, whole) = (Parts(&cluster, SHORT), master(&cluster));
        let transport: &dyn SqlTransport = if in_parts { &parts } else { &whole };
        let changes = provision(transport, &wanted()).await.unwrap().changes;
        reports.push((changes, prove(transport, &wanted()).await.unwrap()));
    }
    assert_eq!(reports[0], reports[1]);
    assert!(reports[0].1.is_isolated() && reports[0].1.checks > 100);
}

#[tokio::test]
async fn what_is_wanted_arrives_also_where_one_statement_cannot_carry_it() {
    let names: Vec<String> = (0..40).map(|number| format!("app-{}-{number}", "\u{e9}".repeat(20))).collect();
    let wanted = roles_with(&names.iter().map(String::as_str).collect::<Vec<_>>(), |apps| {
        for app in apps {
            app.shared_with = names.iter().filter(|other| **other != app.app).cloned().collect();
        }
    });
    let script = provision_script(&wanted).await.unwrap();
    assert!(script.sql().len() > 150 * 1024, "{}", script.sql().len());
    assert!(script.psql_arguments(128 * 1024 - 1).unwrap().iter().all(|argument| argument.len() < 128 * 1024));
    let cluster = cluster(&embedded()).await;
    let transport = Parts(&cluster, 128 * 1024 - 1);
    provision(&transport, &wanted).await.unwrap();
    assert!(provision(&master(&cluster), &wanted).await.unwrap().changes.is_empty());
}

#[tokio::test]
async fn the_real_psql_takes_scripts_in_many_arguments_and_keeps_all_or_nothing() {
    let Some(program) = psql() else { return };
    for binaries in installations() {
        let cluster = cluster(&binaries).await;
        let transport = Psql(&cluster, program.clone(), SHORT);
        assert!(provision_script(&wanted()).await.unwrap().parts(SHORT).unwrap().len() > 1);
        provision(&transport, &wanted()).await.unwrap();
        assert!(prove(&transport, &wanted()).await.unwrap().is_isolated());
        assert!(provision(&transport, &wanted()).await.unwrap().changes.is_empty());
        // Fails in the middle of the transaction, which began in an earlier argument.
        let admin = cluster.admin(DATABASE).await.unwrap();
        let both = "CREATE SCHEMA \"late-app\"; CREATE TABLE \"late-app\".t (); CREATE SCHEMA late_app; CREATE TABLE late_app.t ()";
        admin.batch_execute(both).await.unwrap();
        let error = provision(&transport, &roles(&["api", "late-app"])).await.unwrap_err();
        assert_eq!(error.reason_name(), Some("schema-conflict"), "{error:?}");
        assert_eq!(value(&admin, "SELECT count(*) FROM pg_roles WHERE rolname = 'late-app'").await, "0");
    }
}

#[tokio::test]
async fn the_real_psql_prints_the_answer_before_the_command_that_makes_it_stay() {
    let Some(program) = psql() else { return };
    let cluster = cluster(&embedded()).await;
    let transport = Psql(&cluster, program, 128 * 1024);
    let script = provision_script(&wanted()).await.unwrap();
    let mut arguments = script.psql_arguments(128 * 1024).unwrap();
    arguments.extend(["-c".to_owned(), "SELECT pg_catalog.pg_sleep(60)".to_owned()]);
    let mut child = transport.command(DATABASE, &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (started, mut output) = (Instant::now(), String::new());
    while script.answer(&output).is_none() {
        let line = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await.unwrap().unwrap();
        output.push_str(&line.unwrap());
        output.push('\n');
    }
    assert!(child.try_wait().unwrap().is_none(), "it stays");
    assert!(started.elapsed() < Duration::from_secs(30));
}
