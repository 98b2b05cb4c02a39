//! What the Dokploy server knows: its tables, kept as JSON records with the fields and their order of the real answers.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use crate::clock::WallClock;
use crate::random;
use crate::swarm::Service;

/// One row of a table.
pub(crate) type Record = Map<String, Value>;

/// The organization that every key belongs to.
pub(crate) const ORGANIZATION: &str = "SimOrganization000001";

/// A row of `deployments` with its log.
#[derive(Debug, Clone)]
pub(crate) struct Deployment {
    pub(crate) record: Record,
    pub(crate) log: String,
}

/// A waiting or running job of the deployment queue.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) application_id: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) kind: &'static str,
    pub(crate) active: bool,
    pub(crate) queued_at: String,
}

/// All tables, the deployment queue and the swarm.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// What dates the rows.
    pub(crate) wall_clock: WallClock,
    pub(crate) projects: Vec<Record>,
    pub(crate) environments: Vec<Record>,
    pub(crate) applications: Vec<Record>,
    pub(crate) postgres: Vec<Record>,
    pub(crate) redis: Vec<Record>,
    pub(crate) domains: Vec<Record>,
    pub(crate) registries: Vec<Record>,
    pub(crate) ports: Vec<Record>,
    pub(crate) mounts: Vec<Record>,
    pub(crate) tags: Vec<Record>,
    pub(crate) deployments: Vec<Deployment>,
    pub(crate) queue: Vec<Job>,
    pub(crate) jobs_made: u64,
    pub(crate) domains_made: u64,
    /// Swarm services by name; one may outlive its record.
    pub(crate) services: BTreeMap<String, Service>,
    /// `docker login`s of the server, by registry host.
    pub(crate) logins: BTreeMap<String, (String, String)>,
    /// Applications made with a caller's own key: all that `*.search` shows.
    pub(crate) created_by_key: HashSet<String>,
}

/// A string field, or the empty string.
pub(crate) fn text<'a>(record: &'a Record, field: &str) -> &'a str {
    record.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The row whose `key` is `id`.
pub(crate) fn find<'a>(table: &'a [Record], key: &str, id: &str) -> Option<&'a Record> {
    table.iter().find(|record| text(record, key) == id)
}

/// The row whose `key` is `id`, to change it.
pub(crate) fn find_mut<'a>(table: &'a mut [Record], key: &str, id: &str) -> Option<&'a mut Record> {
    table.iter_mut().find(|record| text(record, key) == id)
}

/// The rows whose `key` is `id`.
pub(crate) fn rows<'a>(table: &'a [Record], key: &'a str, id: &'a str) -> impl Iterator<Item = &'a Record> {
    table.iter().filter(move |record| text(record, key) == id)
}

/// Overwrites fields of a record.
pub(crate) fn assign(record: &mut Record, fields: Record) {
    for (name, value) in fields {
        record.insert(name, value);
    }
}

/// A record from JSON; anything but an object is empty.
pub(crate) fn record(value: Value) -> Record {
    match value {
        Value::Object(record) => record,
        _ => Record::new(),
    }
}

macro_rules! templates {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)+) => {$(
        $(#[$doc])*
        pub(crate) fn $name() -> Record {
            static TEMPLATE: LazyLock<Record> =
                LazyLock::new(|| serde_json::from_str(include_str!($file)).expect("the template is valid JSON"));
            TEMPLATE.clone()
        }
    )+};
}

templates! {
    /// A new application, as the real server fills it.
    application_template = "record/application.json";
    /// A new Postgres service.
    postgres_template = "record/postgres.json";
    /// A new Redis service.
    redis_template = "record/redis.json";
    /// A new domain.
    domain_template = "record/domain.json";
    /// A new row of `deployments`.
    deployment_template = "record/deployment.json";
    /// A new mount.
    mount_template = "record/mount.json";
}

impl State {
    /// Adds a project with its default environment.
    pub(crate) fn add_project(&mut self, name: &str, description: &Value, env: &str) -> (Record, Record) {
        let project = record(json!({
            "projectId": random::nanoid(), "name": name, "description": description, "createdAt": self.wall_clock.timestamp(),
            "organizationId": ORGANIZATION, "env": env,
        }));
        let id = text(&project, "projectId").to_owned();
        self.projects.push(project.clone());
        let environment = self.add_environment("production", &"Production environment".into(), &id, true);
        (project, environment)
    }

    /// Adds an environment.
    pub(crate) fn add_environment(&mut self, name: &str, description: &Value, project: &str, default: bool) -> Record {
        let environment = record(json!({
            "environmentId": random::nanoid(), "name": name, "description": description, "createdAt": self.wall_clock.timestamp(),
            "env": "", "projectId": project, "isDefault": default,
        }));
        self.environments.push(environment.clone());
        environment
    }

    /// Adds an application to an environment.
    pub(crate) fn add_application(&mut self, environment: &str, fields: Record) -> Record {
        let mut application = application_template();
        let app_name = app_name(&fields, "app");
        assign(&mut application, fields);
        assign(
            &mut application,
            record(json!({
                "applicationId": random::nanoid(), "appName": app_name, "createdAt": self.wall_clock.timestamp(),
                "refreshToken": random::letters(21), "environmentId": environment,
            })),
        );
        self.applications.push(application.clone());
        application
    }

    /// The environment with its project inside, as the `*.one` calls nest it.
    pub(crate) fn nested_environment(&self, environment: &str) -> Value {
        let Some(mut found) = find(&self.environments, "environmentId", environment).cloned() else {
            return Value::Null;
        };
        let project = find(&self.projects, "projectId", text(&found, "projectId")).cloned();
        found.insert("project".into(), project.map_or(Value::Null, Value::Object));
        found.into()
    }

    /// Whether anything lives in an environment.
    pub(crate) fn has_services(&self, environment: &str) -> bool {
        [&self.applications, &self.postgres, &self.redis]
            .into_iter()
            .any(|table| rows(table, "environmentId", environment).next().is_some())
    }

    /// Deletes an environment's row and those of its services. The swarm is not told, as on the real server.
    pub(crate) fn cascade_environment(&mut self, environment: &str) {
        let gone: Vec<String> = rows(&self.applications, "environmentId", environment)
            .map(|app| text(app, "applicationId").to_owned())
            .collect();
        for application in gone {
            self.forget_application(&application);
        }
        for table in [&mut self.postgres, &mut self.redis, &mut self.environments] {
            table.retain(|record| text(record, "environmentId") != environment);
        }
    }

    /// The deployments of an application, newest first.
    pub(crate) fn deployments_of<'a>(&'a self, application: &'a str) -> impl Iterator<Item = &'a Deployment> {
        self.deployments.iter().rev().filter(move |row| text(&row.record, "applicationId") == application)
    }

    /// Titles and states of an application's deployments, newest first.
    pub(crate) fn deployment_titles(&self, application: &str) -> Value {
        self.deployments_of(application).map(|row| json!([row.record["title"], row.record["status"]])).collect()
    }

    /// Titles and states of the queue, waiting jobs first.
    pub(crate) fn queue_titles(&self) -> Value {
        let waiting = self.queue.iter().filter(|job| !job.active).map(|job| json!([job.title, "waiting"]));
        let active = self.queue.iter().filter(|job| job.active).map(|job| json!([job.title, "active"]));
        waiting.chain(active).collect()
    }

    /// Deletes an application's rows in every table.
    pub(crate) fn forget_application(&mut self, application: &str) {
        for table in [&mut self.applications, &mut self.domains, &mut self.ports, &mut self.mounts] {
            table.retain(|record| text(record, "applicationId") != application);
        }
        self.deployments.retain(|deployment| text(&deployment.record, "applicationId") != application);
    }
}

/// The final appName: the caller's base or words, and a random suffix.
pub(crate) fn app_name(fields: &Record, prefix: &str) -> String {
    let base = fields.get("appName").and_then(Value::as_str).map_or_else(
        || random::app_name_words(prefix),
        |base| base.trim().replace(char::is_whitespace, "-").to_lowercase(),
    );
    base + &random::app_name_suffix()
}
