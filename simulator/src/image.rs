//! An image: whether it exists, and how its containers behave.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::behaviour::{Behaviour, CRASH_AT_ONCE, Listening};
use crate::catalogue::{derived_digest, repository};
use crate::program::Program;

/// What the catalogue knows about one image reference.
///
/// A reference that nobody declared exists, is pulled at once, runs healthy, accepts connections on any port at once and
/// answers every path with 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    reference: String,
    #[serde(default)]
    absent: bool,
    #[serde(default)]
    behaviour: Behaviour,
    #[serde(default)]
    crash_env: Vec<(String, String)>,
    #[serde(default)]
    pull_millis: u64,
    #[serde(default)]
    login: Option<(String, String)>,
    #[serde(default)]
    psql: Option<bool>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    cached: bool,
    #[serde(default)]
    fits_no_node: bool,
    #[serde(default)]
    listens: Listening,
    #[serde(default)]
    deaf_env: Vec<(String, String)>,
    #[serde(default)]
    answers: Vec<(String, u16)>,
    #[serde(default)]
    lacks: Vec<String>,
    #[serde(default)]
    programs: Vec<Program>,
}

impl Image {
    /// An image that exists, is public and runs healthy.
    pub fn new(reference: impl Into<String>) -> Self {
        Self {
            reference: reference.into(),
            absent: false,
            behaviour: Behaviour::Healthy,
            crash_env: Vec::new(),
            pull_millis: 0,
            login: None,
            psql: None,
            digest: None,
            cached: false,
            fits_no_node: false,
            listens: Listening::default(),
            deaf_env: Vec::new(),
            answers: Vec::new(),
            lacks: Vec::new(),
            programs: Vec::new(),
        }
    }

    /// Pulling it fails with `manifest unknown`.
    #[must_use]
    pub fn absent(mut self) -> Self {
        self.absent = true;
        self
    }

    /// Its container exits with status 1 at once.
    #[must_use]
    pub fn crashes(self) -> Self {
        self.crashes_after(0)
    }

    /// Its container exits with status 1 after `millis` of simulated time.
    #[must_use]
    pub fn crashes_after(mut self, millis: u64) -> Self {
        self.behaviour = Behaviour::Crash { after_millis: millis };
        self
    }

    /// Its container exits with status 1 at once when its environment has `name` with exactly this `value`.
    #[must_use]
    pub fn crashes_with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.crash_env.push((name.into(), value.into()));
        self
    }

    /// Its first pull takes `millis` of simulated time; later ones find it in the server's cache.
    #[must_use]
    pub fn pull_takes(mut self, millis: u64) -> Self {
        self.pull_millis = millis;
        self
    }

    /// Pulling it needs this login at its registry.
    #[must_use]
    pub fn login(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some((username.into(), password.into()));
        self
    }

    /// Whether it contains `psql`. Default: images called `postgres` do.
    #[must_use]
    pub fn psql(mut self, contains: bool) -> Self {
        self.psql = Some(contains);
        self
    }

    /// The digest that its tag stands for now (`sha256:…`), as after a push of other content.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }

    /// The server has pulled it before.
    #[must_use]
    pub fn cached(mut self) -> Self {
        self.cached = true;
        self
    }

    /// It is for another platform than that of the only node, so that its tasks stay pending.
    #[must_use]
    pub fn fits_no_node(mut self) -> Self {
        self.fits_no_node = true;
        self
    }

    /// Its container accepts connections only `millis` of simulated time after its start.
    #[must_use]
    pub fn listens_after(mut self, millis: u64) -> Self {
        let port = self.listens.port();
        self.listens = Listening::Accepting { after_millis: millis, port };
        self
    }

    /// Its container accepts connections on this port and no other one.
    #[must_use]
    pub fn listens_on(mut self, port: u16) -> Self {
        let after_millis = self.listens.after_millis();
        self.listens = Listening::Accepting { after_millis, port: Some(port) };
        self
    }

    /// Its container runs and accepts no connection.
    #[must_use]
    pub fn never_listens(mut self) -> Self {
        self.listens = Listening::Never;
        self
    }

    /// Its container runs and accepts no connection when its environment has `name` with exactly this `value`.
    #[must_use]
    pub fn deaf_with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.deaf_env.push((name.into(), value.into()));
        self
    }

    /// Its container answers requests for `path` with this status; others with 200.
    #[must_use]
    pub fn answers(mut self, path: impl Into<String>, status: u16) -> Self {
        self.answers.push((path.into(), status));
        self
    }

    /// It does not contain this program (`sh`, `bash`, `nc`, `curl`, `wget`, …).
    #[must_use]
    pub fn lacks(mut self, program: impl Into<String>) -> Self {
        self.lacks.push(program.into());
        self
    }

    /// It contains a program that ends, for a service whose command runs it.
    #[must_use]
    pub fn program(mut self, program: Program) -> Self {
        self.programs.push(program);
        self
    }

    /// Whether Swarm finds a node for it.
    pub(crate) fn is_placeable(&self) -> bool {
        !self.fits_no_node
    }

    /// The reference this entry is about.
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// The same image under another reference.
    pub(crate) fn called(&self, reference: &str) -> Self {
        Self { reference: reference.to_owned(), ..self.clone() }
    }

    /// Whether the server has pulled it before.
    pub(crate) fn is_cached(&self) -> bool {
        self.cached
    }

    /// The login of its own that pulling it needs.
    pub(crate) fn own_login(&self) -> Option<&(String, String)> {
        self.login.as_ref()
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.absent
    }

    pub(crate) fn pull_millis(&self) -> u64 {
        self.pull_millis
    }

    /// When a container with `env` (`KEY=value` lines) exits by itself, in milliseconds after its start.
    pub(crate) fn crash_after(&self, env: &[String]) -> Option<u64> {
        if has_any(&self.crash_env, env) {
            return Some(CRASH_AT_ONCE);
        }
        match self.behaviour {
            Behaviour::Healthy => None,
            Behaviour::Crash { after_millis: 0 } => Some(CRASH_AT_ONCE),
            Behaviour::Crash { after_millis } => Some(after_millis),
        }
    }

    /// Whether a container with `env`, which has been up for so long, accepts connections on `port`.
    pub(crate) fn listens(&self, env: &[String], port: u16, up: Duration) -> bool {
        let listens = !has_any(&self.deaf_env, env) && self.crash_after(env) != Some(CRASH_AT_ONCE);
        listens && self.listens.accepts(port, up)
    }

    /// With which status a request for `path` is answered.
    pub(crate) fn status(&self, path: &str) -> u16 {
        let declared = self.answers.iter().rev().find(|(known, _)| known == path);
        declared.map_or(200, |(_, status)| *status)
    }

    pub(crate) fn has_psql(&self) -> bool {
        self.psql.unwrap_or_else(|| repository(&self.reference).rsplit('/').next() == Some("postgres"))
    }

    /// Whether it contains a program of this name.
    pub(crate) fn has(&self, program: &str) -> bool {
        let name = program.rsplit('/').next().unwrap_or(program);
        if name == "psql" { self.has_psql() } else { !self.lacks.iter().any(|lacking| lacking == name) }
    }

    /// The declared program that this command runs.
    pub(crate) fn program_of(&self, command: &[String]) -> Option<&Program> {
        self.programs.iter().find(|program| program.command() == command)
    }

    pub(crate) fn manifest_digest(&self) -> String {
        if let Some((_, digest)) = self.reference.split_once('@') {
            return digest.to_owned();
        }
        self.digest.clone().unwrap_or_else(|| derived_digest(&self.reference))
    }
}

/// Whether `env` (`KEY=value` lines) has one of these variables with exactly its value.
fn has_any(variables: &[(String, String)], env: &[String]) -> bool {
    variables.iter().any(|(name, value)| env.contains(&format!("{name}={value}")))
}
