//! What is done in each scenario, and what came of it in words.

use crate::stand::{CHOOSE_TAKEN_PORT, Stand, TAKEN_PORT};
use deploy_native::DeployError;
use deploy_native::deploy::{AppReport, AppStatus, DeployReport, DeployRequest, UndeployRequest, deploy, undeploy};
use deploy_native::dokploy::{CreateApplication, CreatePostgres, Dokploy, Observation};
use deploy_native::secrets::{SystemEntropy, generate_password, generate_secret};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tempfile::TempDir;

/// A value with everything that gets lost on the way elsewhere.
const AWKWARD: &str = "# it's \"awkward\":\n\ta=b {{name}} $HOME \\n ü\n";

/// A play under way.
pub struct Play {
    stand: Stand,
    client: Dokploy,
    root: TempDir,
    /// The workspace, and so the project; a name that nobody has.
    name: String,
    request: Value,
    /// Somebody else's project and database.
    theirs: Option<(String, String)>,
}

type Run = Result<DeployReport, Box<DeployError>>;

impl Play {
    pub fn begin(stand: Stand) -> Self {
        let (client, root) = (stand.client(), tempfile::tempdir().unwrap());
        let name = format!("scenario-{}", &generate_secret(&SystemEntropy).expose()[..8]);
        let app = |name: &str, port: u16, required: &[&str]| json!({ "type": "backend", "path": format!("apps/{name}"), "port": port, "requiredEnv": required });
        let mut web = app("web", 3003, &[]);
        web["dependencies"] = json!(["api"]);
        let good = &stand.images.good;
        let request = json!({
            "workspace": {
                "name": name,
                "root": root.path(),
                "apps": { "api": app("api", 3000, &["DATABASE_URL", "GREETING"]), "web": web, "jobs": app("jobs", 3005, &["GREETING"]) },
                "services": { "db": stand.images.postgres.as_ref().map_or(json!(true), |image| json!({ "image": image })) },
                "deploy": { "dokploy": {
                    "endpoint": stand.endpoint,
                    "domains": { "one": format!("one.{name}.example.test"), "two": format!("two.{name}.example.test") },
                } },
            },
            "stage": "one",
            "credentials": { "dokploy": { "token": stand.token } },
            "images": { "api": good, "web": good, "jobs": good },
            "secrets": { "shared": { "GREETING": "hello" } },
            // The scenario of the port needs that one is opened.
            "databaseAccess": "external-port",
            "databaseHost": stand.database_host,
            "stabilitySeconds": stand.stability_seconds,
        });
        Self { client, root, name, request, theirs: None, stand }
    }

    /// Plays a scenario; returns what came of it.
    pub async fn scenario(&mut self, name: &str) -> String {
        match name {
            "first deployment" => self.first_deployment().await,
            "no-op" => format!("{} changes", self.deploys().await.changes),
            "one app changed" => self.one_app_changed().await,
            "an image that crashes" => self.bad_image(self.stand.images.crashing.clone()).await,
            "an environment that crashes" => self.bad_environment().await,
            "an image that does not exist" => self.bad_image(self.stand.images.absent.clone()).await,
            "a value with quotes and newlines" => self.awkward_value().await,
            "a port already taken" => self.taken_port().await,
            "an application deleted by hand" => self.deleted_by_hand().await,
            "a same-named application of somebody else" => self.same_name().await,
            "two environments in one project" => self.two_environments().await,
            "undeploy" => self.leave().await,
            other => panic!("{other}: no such scenario"),
        }
    }

    async fn first_deployment(&self) -> String {
        let report = self.deploys().await;
        let apps: Vec<_> = ["api", "jobs", "web"].map(|app| format!("{app}={:?}", of(&report, app).status)).into();
        assert_eq!(self.runs("one", "api").await.unwrap()["GREETING"], "hello");
        format!("{}; {}", apps.join(" "), self.port().await)
    }

    async fn one_app_changed(&mut self) -> String {
        self.request["images"]["jobs"] = json!(self.stand.images.other);
        let report = self.deploys().await;
        let changed: Vec<_> = report.apps.iter().filter(|app| app.changed).map(|app| app.app_name.as_str()).collect();
        format!("changed: {}", changed.join(" "))
    }

    /// Deploys `jobs` with an image that does not run, and then with the one from before.
    async fn bad_image(&mut self, image: String) -> String {
        let before = self.runs("one", "jobs").await;
        let good = std::mem::replace(&mut self.request["images"]["jobs"], json!(image));
        let outcome = failure(&self.run().await);
        let after = self.old_one_runs(before.as_ref()).await;
        self.request["images"]["jobs"] = good;
        self.deploys().await;
        format!("{outcome}; {after}")
    }

    async fn bad_environment(&mut self) -> String {
        let before = self.runs("one", "jobs").await;
        let good = self.request.clone();
        let (name, value) = &self.stand.images.crash;
        self.request["workspace"]["apps"]["jobs"]["requiredEnv"].as_array_mut().unwrap().push(json!(name));
        self.request["secrets"]["apps"]["jobs"][name] = json!(value);
        let outcome = failure(&self.run().await);
        let after = self.old_one_runs(before.as_ref()).await;
        self.request = good;
        self.deploys().await;
        format!("{outcome}; {after}")
    }

    async fn awkward_value(&mut self) -> String {
        self.request["secrets"]["shared"]["GREETING"] = json!(AWKWARD);
        self.deploys().await;
        let mut arrived = true;
        for app in ["api", "jobs"] {
            arrived &= self.runs("one", app).await.is_some_and(|env| env["GREETING"] == AWKWARD);
        }
        let arrived = if arrived { "arrived byte for byte" } else { "mangled" };
        format!("{arrived}; then {} changes", self.deploys().await.changes)
    }

    /// Another database has the port that is chosen first; a new role makes the run open one.
    async fn taken_port(&mut self) -> String {
        let project = self.client.project().create(&format!("{}-theirs", self.name), None).await.unwrap();
        let create = CreatePostgres {
            name: "theirs",
            environment_id: &project.environment.environment_id,
            database_name: "theirs",
            database_user: "theirs",
            database_password: &generate_password(&SystemEntropy),
            app_name: Some("theirs"),
            docker_image: self.stand.images.postgres.as_deref(),
            description: None,
        };
        let database = self.client.postgres().create(&create).await.unwrap().postgres_id;
        self.theirs = Some((project.project.project_id, database.clone()));
        self.client.postgres().save_external_port(&database, Some(TAKEN_PORT)).await.unwrap();
        self.until(|| self.answers(TAKEN_PORT)).await;
        self.request["workspace"]["apps"]["jobs"]["requiredEnv"].as_array_mut().unwrap().push(json!("DATABASE_URL"));
        CHOOSE_TAKEN_PORT.store(true, Ordering::SeqCst);
        let report = self.deploys().await;
        assert!(!CHOOSE_TAKEN_PORT.load(Ordering::SeqCst), "a port was chosen");
        let theirs = self.client.postgres().one(&database).await.unwrap().open_port();
        let untouched = theirs == Some(TAKEN_PORT.into()) && self.answers(TAKEN_PORT);
        let ours = self.port().await.replace("port ", "");
        let theirs = if untouched { "untouched" } else { "changed" };
        format!("jobs={:?}; another port, {ours}; theirs {theirs}", of(&report, "jobs").status)
    }

    async fn deleted_by_hand(&mut self) -> String {
        let before = self.runs("one", "api").await.unwrap();
        let id = self.application("one", "api").await.unwrap();
        self.client.application().delete(&id).await.unwrap();
        let report = self.deploys().await;
        assert_eq!(of(&report, "api").status, AppStatus::Running);
        let same = self.runs("one", "api").await.unwrap()["DATABASE_URL"] == before["DATABASE_URL"];
        format!("made again with {} secrets", if same { "the same" } else { "other" })
    }

    async fn same_name(&mut self) -> String {
        let environment = self.environment("one").await.unwrap();
        let create =
            CreateApplication { name: "reports", environment_id: &environment, app_name: None, description: None };
        let made = self.client.application().create(&create).await.unwrap();
        // The answer to a create does not have all that a record has.
        let theirs = self.client.application().one(&made.application_id).await.unwrap();
        let good = self.request.clone();
        self.request["workspace"]["apps"]["reports"] =
            json!({ "type": "backend", "path": "apps/reports", "port": 3006 });
        self.request["images"]["reports"] = json!(self.stand.images.good);
        let outcome = failure(&self.run().await);
        self.request = good;
        let after = self.client.application().one(&theirs.application_id).await.unwrap();
        self.client.application().delete(&theirs.application_id).await.unwrap();
        format!("{outcome}; theirs {}", if after == theirs { "untouched" } else { "changed" })
    }

    async fn two_environments(&mut self) -> String {
        self.request["stage"] = json!("two");
        let report = self.deploys().await;
        assert!(report.apps.iter().all(|app| app.status == AppStatus::Running), "{report:#?}");
        self.request["stage"] = json!("one");
        assert_eq!(self.deploys().await.changes, 0, "the other stage is as it was");
        let projects = self.projects(&self.name).await.len();
        let (one, two) = (self.environment("one").await.unwrap(), self.environment("two").await.unwrap());
        let url = async |stage| self.runs(stage, "api").await.unwrap()["DATABASE_URL"].clone();
        let (first, second) = (url("one").await, url("two").await);
        assert!(projects == 1 && one != two && first != second, "{projects} {one} {two}");
        "one project, two environments, other secrets".to_owned()
    }

    async fn leave(&mut self) -> String {
        for stage in ["one", "two"] {
            let request = json!({
                "workspace": self.request["workspace"], "stage": stage, "credentials": self.request["credentials"],
                "deleteData": true, "deleteProject": true,
            });
            let report = undeploy(UndeployRequest::from_json(request).unwrap(), self.stand.options()).await;
            report.unwrap_or_else(|failure| panic!("undeploy {stage}: {:?}", failure.error));
        }
        let ours = self.projects(&self.name).await;
        let (_, database) = self.theirs.as_ref().unwrap();
        let theirs = self.client.postgres().one(database).await.is_ok();
        match (ours.is_empty(), theirs) {
            (true, true) => "nothing of ours is left, theirs is".to_owned(),
            (ours_gone, theirs) => format!("ours gone: {ours_gone}; theirs left: {theirs}"),
        }
    }

    /// Removes what played somebody else's part.
    pub async fn clean_up(&mut self) {
        if let Some((project, database)) = self.theirs.take() {
            self.client.postgres().save_external_port(&database, None).await.unwrap();
            self.client.postgres().remove(&database).await.unwrap();
            self.client.project().remove(&project).await.unwrap();
        }
    }

    async fn run(&self) -> Run {
        let request = DeployRequest::from_json(self.request.clone()).unwrap();
        Box::pin(deploy(request, self.stand.options())).await.map_err(|failure| Box::new(failure.error))
    }

    async fn deploys(&self) -> DeployReport {
        self.run().await.unwrap_or_else(|error| panic!("the deployment must succeed ({:?}): {error:?}", self.root))
    }

    async fn projects(&self, name: &str) -> Vec<String> {
        let all = self.client.project().all().await.unwrap();
        all.into_iter().filter(|project| project.name == name).map(|project| project.project_id).collect()
    }

    async fn environment(&self, stage: &str) -> Option<String> {
        let project = self.projects(&self.name).await.pop()?;
        let environments = self.client.environment().by_project_id(&project).await.unwrap();
        environments.into_iter().find(|it| it.name == stage).map(|it| it.environment_id)
    }

    async fn application(&self, stage: &str, app: &str) -> Option<String> {
        let environment = self.client.environment().one(&self.environment(stage).await?).await.unwrap();
        environment.applications.into_iter().find(|it| it.name == app).map(|it| it.id)
    }

    /// The environment of what really runs of an app.
    async fn runs(&self, stage: &str, app: &str) -> Option<BTreeMap<String, String>> {
        let id = self.application(stage, app).await?;
        let app_name = self.client.application().one(&id).await.unwrap().app_name;
        for _ in 0..60 {
            if let Observation::Running { image, env, .. } = self.client.observe_running(&app_name).await.unwrap() {
                let env = env.into_iter().map(|(name, value)| (name, value.expose().to_owned()));
                return Some(env.chain([("(image)".to_owned(), image)]).collect());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }

    async fn old_one_runs(&self, before: Option<&BTreeMap<String, String>>) -> &'static str {
        let after = self.runs("one", "jobs").await;
        if after.is_some() && after.as_ref() == before { "the old one runs" } else { "something else runs" }
    }

    /// Whether the database's port is closed.
    async fn port(&self) -> String {
        let environment = self.client.environment().one(&self.environment("one").await.unwrap()).await.unwrap();
        let database = self.client.postgres().one(&environment.postgres[0].id).await.unwrap();
        database.open_port().map_or_else(|| "port closed".to_owned(), |port| format!("port {port} open"))
    }

    fn answers(&self, port: u16) -> bool {
        let host = self.stand.database_host.clone().unwrap_or_else(|| self.client.host().to_owned());
        TcpStream::connect((host, port)).is_ok()
    }

    async fn until(&self, condition: impl Fn() -> bool) {
        for _ in 0..120 {
            if condition() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        panic!("what was waited for did not come to pass within a minute");
    }
}

fn of<'a>(report: &'a DeployReport, app: &str) -> &'a AppReport {
    report.apps.iter().find(|it| it.app_name == app).unwrap()
}

/// What tells a failure apart.
fn failure(run: &Run) -> String {
    match run {
        Ok(_) => "no failure".to_owned(),
        Err(error) => [Some(error.code().as_str()), error.reason_name(), error.app_name()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" "),
    }
}
