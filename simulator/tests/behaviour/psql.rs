//! SQL from inside the server's network, by an application of a Postgres image.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use deploy_native_simulator::{DatabaseBackend, Simulator};
use serde_json::json;

use crate::api::{Api, SCALE, wait_for};

/// Notes each SQL text with the user and the password it came with.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

#[async_trait]
impl DatabaseBackend for Notes {
    async fn deploy(&self, _: &str, _: &str, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    async fn open_port(&self, _: &str, _: u16) -> Result<(), String> {
        Ok(())
    }
    async fn close_port(&self, _: &str) {}
    async fn restart(&self, _: &str) {}
    async fn change_password(&self, _: &str, _: &str, _: &str) -> Result<(), String> {
        Ok(())
    }
    async fn remove(&self, _: &str) {}
    async fn run_sql(&self, app: &str, env: &[(String, String)], sql: &str) -> Result<String, String> {
        let value = |name: &str| env.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let base = app.rsplit_once('-').map_or(app, |(base, _)| base);
        self.0.lock().unwrap().push(format!("{base} {}:{} {sql}", value("PGUSER"), value("PGPASSWORD")));
        if sql.contains("boom") { Err("ERROR:  boom".into()) } else { Ok("CREATE ROLE\n".into()) }
    }
}

struct Helper {
    api: Api,
    notes: Arc<Notes>,
    app: String,
    id: String,
}

/// Deploys a database and, at once, an application that runs `script` against it.
async fn run(script: &str, sql: &str, policy: serde_json::Value) -> Helper {
    let notes = Arc::new(Notes::default());
    let backend: Arc<dyn DatabaseBackend> = notes.clone();
    let api = Api::start(Simulator::builder().time_scale(SCALE).backend(backend)).await;
    let (_, db) = api.postgres("db").await;
    let env = format!("PGHOST={db}\nPGUSER=postgres\nPGPASSWORD=secret\nPGDATABASE=shop\nSQL='{sql}'");
    let (id, app) = api.application("sql", "postgres:18", &env).await;
    let body = json!({ "applicationId": id, "command": "sh", "args": ["-c", script], "restartPolicySwarm": policy });
    assert_eq!(api.post("application.update", body).await, (200, json!(true)));
    assert_eq!(api.deploy(&id, "sql").await, "done");
    Helper { api, notes, app, id }
}

impl Helper {
    async fn log_has(&self, text: &str) -> String {
        wait_for(&format!("{text} in the log"), async || {
            let (_, log) = self.api.get("application.readLogs", &[("applicationId", &self.id)]).await;
            let log = log.as_str()?.to_owned();
            log.contains(text).then_some(log)
        })
        .await
    }
}

const WAITS: &str = "until psql -c 'select 1' >/dev/null 2>&1; do sleep 0.3; done; ";

#[tokio::test]
async fn sql_given_as_an_argument_runs_once_without_a_restart() {
    let script = format!("{WAITS} psql -v ON_ERROR_STOP=1 -c \"$SQL\" && echo MARK");
    let helper = run(&script, "create role \"a\"", json!({ "Condition": "none" })).await;
    let log = helper.log_has("MARK").await;
    assert!(log.contains("CREATE ROLE"), "{log}");
    wait_for("the end", async || {
        helper.api.service(&helper.app)["tasks"].to_string().contains("Complete").then_some(())
    })
    .await;
    let notes = helper.notes.0.lock().unwrap().clone();
    assert_eq!(notes, ["db postgres:secret select 1", "db postgres:secret create role \"a\""]);
}

#[tokio::test]
async fn sql_piped_in_runs_again_whenever_the_container_is_restarted() {
    let script = format!("{WAITS} printf '%s' \"$SQL\" | psql -v ON_ERROR_STOP=1");
    let helper = run(&script, "select 2", json!(null)).await;
    wait_for("a second run", async || {
        let notes = helper.notes.0.lock().unwrap().clone();
        (notes.iter().filter(|note| note.ends_with("select 2")).count() >= 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_error_of_the_database_ends_the_container_with_its_status() {
    let helper = run(&format!("{WAITS} psql -c \"$SQL\" && echo MARK"), "boom", json!({ "Condition": "none" })).await;
    let log = helper.log_has("ERROR:  boom").await;
    assert!(!log.contains("MARK"));
    wait_for("the failure", async || {
        helper.api.service(&helper.app)["tasks"].to_string().contains("non-zero exit (1)").then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_image_without_psql_does_not_run_it() {
    let helper = run("true", "", json!(null)).await;
    let (id, app) = helper.api.application("node", "r.test/node:1", "").await;
    helper.api.post("application.update", json!({ "applicationId": id, "args": ["psql", "-c", "select 3"] })).await;
    helper.api.deploy(&id, "x").await;
    helper.api.runs(&app, "r.test/node:1", "").await;
    assert!(!helper.notes.0.lock().unwrap().iter().any(|note| note.contains("select 3")));
}
