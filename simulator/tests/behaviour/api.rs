//! A small client of the simulated API.

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use deploy_native_simulator::{Simulator, SimulatorBuilder};
use serde_json::{Value, json};

pub(crate) const SCALE: f64 = 0.02;

/// A simulator with a project and its default environment.
pub(crate) struct Api {
    pub(crate) simulator: Simulator,
    pub(crate) environment: String,
    client: reqwest::Client,
}

/// Status and body; a body that is not JSON is a string.
pub(crate) type Answer = (u16, Value);

impl Api {
    pub(crate) async fn start(builder: SimulatorBuilder) -> Self {
        let simulator = builder.start().await.unwrap();
        let api = Self { simulator, environment: String::new(), client: reqwest::Client::new() };
        let (_, created) = api.post("project.create", json!({ "name": "shop" })).await;
        let environment = created["environment"]["environmentId"].as_str().unwrap().to_owned();
        Self { environment, ..api }
    }

    pub(crate) async fn fast() -> Self {
        Self::start(Simulator::builder().time_scale(SCALE)).await
    }

    pub(crate) fn request(&self, method: reqwest::Method, endpoint: &str) -> reqwest::RequestBuilder {
        let url = format!("{}/api/{endpoint}", self.simulator.url());
        self.client.request(method, url).header("x-api-key", self.simulator.token())
    }

    pub(crate) async fn try_post(&self, endpoint: &str, body: Value) -> reqwest::Result<Answer> {
        let request = self.request(reqwest::Method::POST, endpoint).json(&body);
        answer(request.send().await?).await
    }

    pub(crate) async fn post(&self, endpoint: &str, body: Value) -> Answer {
        self.try_post(endpoint, body).await.unwrap()
    }

    /// Sends a request, and closes the connection as soon as it has arrived.
    pub(crate) async fn give_up(&self, endpoint: &str, body: Value) {
        let before = self.simulator.count(endpoint);
        let sending = tokio::spawn(self.request(reqwest::Method::POST, endpoint).json(&body).send());
        wait_for("the request to arrive", async || (self.simulator.count(endpoint) > before).then_some(())).await;
        sending.abort();
        assert!(sending.await.unwrap_err().is_cancelled(), "it was not answered before");
    }

    pub(crate) async fn get(&self, endpoint: &str, query: &[(&str, &str)]) -> Answer {
        let request = self.request(reqwest::Method::GET, endpoint).query(query);
        answer(request.send().await.unwrap()).await.unwrap()
    }

    /// Creates an application with an image and an environment text, not deployed. Returns id and appName.
    pub(crate) async fn application(&self, name: &str, image: &str, env: &str) -> (String, String) {
        let body = json!({ "name": name, "appName": name, "environmentId": self.environment });
        let (_, created) = self.post("application.create", body).await;
        let id = created["applicationId"].as_str().unwrap().to_owned();
        self.set_image(&id, image).await;
        self.set_env(&id, env).await;
        (id, created["appName"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn set_image(&self, id: &str, image: &str) {
        let body = json!({ "applicationId": id, "dockerImage": image, "username": null, "password": null, "registryUrl": null });
        assert_eq!(self.post("application.saveDockerProvider", body).await, (200, json!(true)));
    }

    pub(crate) async fn set_env(&self, id: &str, env: &str) {
        let body =
            json!({ "applicationId": id, "env": env, "buildArgs": null, "buildSecrets": null, "createEnvFile": false });
        assert_eq!(self.post("application.saveEnvironment", body).await, (200, json!(true)));
    }

    /// Deploys and waits for the deployment of this title to end. Returns its status.
    pub(crate) async fn deploy(&self, id: &str, title: &str) -> String {
        let body = json!({ "applicationId": id, "title": title });
        assert_eq!(self.post("application.deploy", body).await, (200, json!("")));
        let row = wait_for("the deployment to end", async || {
            let (_, rows) = self.get("deployment.all", &[("applicationId", id)]).await;
            let row = rows.as_array()?.iter().find(|row| row["title"] == title)?.clone();
            (row["status"] != "running").then_some(row)
        })
        .await;
        row["status"].as_str().unwrap().to_owned()
    }

    /// The swarm service of this name, as it really is.
    pub(crate) fn service(&self, app_name: &str) -> Value {
        let snapshot = self.simulator.snapshot();
        let services = snapshot["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == app_name).cloned().unwrap_or_default()
    }

    /// Waits until the service's newest running container has this image and environment line.
    pub(crate) async fn runs(&self, app_name: &str, image: &str, env: &str) {
        wait_for(&format!("{app_name} to run {image} with {env}"), async || {
            let service = self.service(app_name);
            let runs = service["runs"].as_array()?.clone();
            let [only] = runs.as_slice() else { return None };
            let has_env = env.is_empty() || only["env"].as_array()?.iter().any(|line| line == env);
            (only["image"] == image && has_env).then_some(())
        })
        .await;
    }

    pub(crate) async fn postgres(&self, name: &str) -> (String, String) {
        let body = json!({
            "name": name, "appName": name, "environmentId": self.environment, "databaseName": "shop",
            "databaseUser": "postgres", "databasePassword": "Abc123Abc123",
        });
        let (_, created) = self.post("postgres.create", body).await;
        let id = created["postgresId"].as_str().unwrap().to_owned();
        assert_eq!(self.post("postgres.deploy", json!({ "postgresId": id })).await.0, 200);
        // What replaces its container before that breaks its volume.
        wait_for("the database to initialise", async || {
            let log = self.get("postgres.readLogs", &[("postgresId", &id)]).await.1;
            log.as_str()?.contains("init process complete").then_some(())
        })
        .await;
        (id, created["appName"].as_str().unwrap().to_owned())
    }
}

async fn answer(response: reqwest::Response) -> reqwest::Result<Answer> {
    let status = response.status().as_u16();
    let text = response.text().await?;
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::String(text))))
}

/// Polls until there is a value.
pub(crate) async fn wait_for<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(value) = poll().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A port below the range that the system gives to other processes, and each one only once.
pub(crate) fn free_port() -> u16 {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let begin = 10_000 + u16::try_from(std::process::id() * 64 % 22_000).unwrap();
    loop {
        let port = begin + TAKEN.fetch_add(1, Ordering::Relaxed);
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

pub(crate) async fn connects(port: u16) -> bool {
    tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()
}
