//! What an app wants run once before it is deployed, and how it is found out that it works.

use super::fault::{Faults, Path};
use super::read::{self, Fields};
use derive_setters::Setters;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// How long a release may take by default, in seconds.
const RELEASE_TIMEOUT: u32 = 600;
/// The longest that one may be given, in seconds: a day.
const LONGEST_RELEASE: u32 = 86_400;
/// The most bytes of an argument: Linux takes no longer one, and what does not fit is better refused here.
const LONGEST_ARGUMENT: usize = 64 * 1024;
/// For how long after its start a failing health check does not count by default, in seconds.
const GRACE: u32 = 30;
/// The longest grace, in seconds: an hour.
const LONGEST_GRACE: u32 = 3600;
/// How many checks in a row have to fail by default.
const RETRIES: u32 = 3;
/// How often a health check runs by default, in seconds.
const INTERVAL: u32 = 5;

/// A command that is run once, with the new image, before an app is deployed: its migrations.
#[derive(Debug, Clone, PartialEq, Eq, Setters)]
#[non_exhaustive]
pub struct Release {
    /// The program and its arguments, in place of the image's own entry point and command.
    pub command: Vec<String>,
    /// As whom it is in the database.
    pub login: ReleaseLogin,
    /// How long it may take, in seconds; default 600.
    pub timeout_seconds: u32,
}

impl Release {
    /// A program with its arguments, run as the app itself.
    pub fn new(command: Vec<String>) -> Self {
        Self { command, login: ReleaseLogin::default(), timeout_seconds: RELEASE_TIMEOUT }
    }
}

/// As whom a release is in the database.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReleaseLogin {
    /// As the app itself.
    #[default]
    App,
    /// As the owner of the database, by a login that exists for that time only.
    Owner,
}

impl ReleaseLogin {
    /// The name in the workspace file.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Owner => "owner",
        }
    }
}

/// How it is found out that an app works once it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Its port accepts connections within the server's network.
    Port {
        /// How long after its start that may take, in seconds; `None`: as long as it may take to run at all.
        grace_seconds: Option<u32>,
    },
    /// Its container is checked, again and again.
    Check(HealthCheck),
    /// Nothing is asked of it but to run: it does not listen.
    Unchecked,
}

impl Default for Health {
    fn default() -> Self {
        Self::Port { grace_seconds: None }
    }
}

/// The health check of a container. Swarm keeps the task before until it succeeds, and replaces a container that fails it.
#[derive(Debug, Clone, PartialEq, Eq, Setters)]
#[non_exhaustive]
pub struct HealthCheck {
    /// What is tried.
    pub probe: HealthProbe,
    /// For how long after the container's start a failure does not count, in seconds; default 30.
    pub grace_seconds: u32,
    /// How many failures in a row make it unhealthy; default 3.
    pub retries: u32,
    /// How often it is tried, in seconds; default 5.
    pub interval_seconds: u32,
}

impl HealthCheck {
    /// Tries `probe` as often and as patiently as by default.
    pub fn new(probe: HealthProbe) -> Self {
        Self { probe, grace_seconds: GRACE, retries: RETRIES, interval_seconds: INTERVAL }
    }
}

/// What a health check tries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthProbe {
    /// A request for this path, at the app's port from within its container, is answered with a status below 400.
    Path(String),
    /// This program, run in the container, ends with status 0.
    Command(Vec<String>),
}

/// Reads the `release` of an app.
pub(super) fn release(app: &Fields<'_>, faults: &mut Faults) -> Option<Release> {
    let fields = app.object("release", faults)?;
    let command = command(&fields, faults);
    if fields.get("command").is_none() {
        faults.expected(&fields.at("command"), COMMAND, None);
    }
    let login = fields.optional("as", faults, login).unwrap_or_default();
    let timeout = fields.optional("timeoutSeconds", faults, |value| {
        read::whole(value, 1, LONGEST_RELEASE).ok_or("a whole number of seconds from 1 to 86400")
    });
    Some(Release { command: command.unwrap_or_default(), login, timeout_seconds: timeout.unwrap_or(RELEASE_TIMEOUT) })
}

/// The fields of `release`.
const RELEASE_FIELDS: &[&str] = &["command", "as", "timeoutSeconds"];
/// The fields of `health`.
const HEALTH_FIELDS: &[&str] = &["path", "command", "graceSeconds", "retries", "intervalSeconds"];

impl<'de> Deserialize<'de> for Release {
    /// Reads what a request says; there an unknown field is an error.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let release = strictly(deserializer, "release", RELEASE_FIELDS, release)?;
        release.ok_or_else(|| D::Error::custom("expected an object"))
    }
}

impl<'de> Deserialize<'de> for Health {
    /// Reads what a request says; there an unknown field is an error.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        strictly(deserializer, "health", HEALTH_FIELDS, health)
    }
}

/// Reads a value as the field of an app; an error says all that is wrong with it.
fn strictly<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    field: &str,
    known: &[&str],
    read: fn(&Fields<'_>, &mut Faults) -> T,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let mut keys = value.as_object().into_iter().flat_map(|fields| fields.keys());
    if let Some(unknown) = keys.find(|key| !known.contains(&key.as_str())) {
        return Err(D::Error::custom(format!("unknown field `{unknown}`, expected one of {}", known.join(", "))));
    }
    let document = json!({ field: value });
    let mut faults = Faults::default();
    let Some(app) = Fields::of(Some(&document), &Path::default(), "an object", &mut faults) else {
        return Err(D::Error::custom("expected an object"));
    };
    let read = read(&app, &mut faults);
    let found: Vec<String> = faults.take_faults(&document).iter().map(ToString::to_string).collect();
    if found.is_empty() { Ok(read) } else { Err(D::Error::custom(found.join("; "))) }
}

fn login(value: &Value) -> Result<ReleaseLogin, &'static str> {
    match value.as_str() {
        Some("app") => Ok(ReleaseLogin::App),
        Some("owner") => Ok(ReleaseLogin::Owner),
        _ => Err("\"app\" or \"owner\""),
    }
}

/// Reads the `health` of an app; absent, its port is what counts.
pub(super) fn health(app: &Fields<'_>, faults: &mut Faults) -> Health {
    match app.get("health") {
        None => return Health::default(),
        Some(Value::Bool(false)) => return Health::Unchecked,
        Some(Value::Object(_)) => {}
        Some(other) => {
            faults.expected(&app.at("health"), "false or { path | command, graceSeconds?, retries? }", Some(other));
            return Health::default();
        }
    }
    let Some(fields) = app.object("health", faults) else { return Health::default() };
    let grace = fields.optional("graceSeconds", faults, |value| {
        read::whole(value, 0, LONGEST_GRACE).ok_or("a whole number of seconds from 0 to 3600")
    });
    let retries =
        fields.optional("retries", faults, |value| read::whole(value, 1, 1000).ok_or("a whole number from 1 to 1000"));
    let interval = fields.optional("intervalSeconds", faults, |value| {
        read::whole(value, 1, LONGEST_GRACE).ok_or("a whole number of seconds from 1 to 3600")
    });
    let path = fields.optional("path", faults, path).map(HealthProbe::Path);
    let command = command(&fields, faults).map(HealthProbe::Command);
    if fields.get("path").is_some() && fields.get("command").is_some() {
        faults.push(&fields.at("command"), "a health check has a path or a command, not both");
    }
    match path.or(command) {
        None => Health::Port { grace_seconds: grace },
        Some(probe) => Health::Check(HealthCheck {
            probe,
            grace_seconds: grace.unwrap_or(GRACE),
            retries: retries.unwrap_or(RETRIES),
            interval_seconds: interval.unwrap_or(INTERVAL),
        }),
    }
}

const COMMAND: &str = "a list of a program and its arguments";

/// A program and its arguments, if they are given.
fn command(fields: &Fields<'_>, faults: &mut Faults) -> Option<Vec<String>> {
    let command = fields.list("command", COMMAND, faults, argument)?;
    let path = fields.at("command");
    match command.first() {
        None => faults.push(&path, "it names no program"),
        // The server cuts the program's name at blanks.
        Some(program) if program.is_empty() || program.contains(char::is_whitespace) => {
            faults.push(&path.index(0), "the name of a program has no blanks; its arguments are items of their own");
        }
        Some(_) => {}
    }
    Some(command)
}

fn argument(value: &Value) -> Result<String, &'static str> {
    let text = value.as_str().filter(|text| !text.contains('\0') && text.len() < LONGEST_ARGUMENT);
    text.map(str::to_owned).ok_or("a text of less than 64 KiB")
}

/// A path as it stands in a request: what is special there is percent-encoded already.
fn path(value: &Value) -> Result<String, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~/?%!$&'()*+,;=:@".contains(c);
    let text = value.as_str().filter(|text| text.starts_with('/') && text.chars().all(allowed));
    text.map(str::to_owned).ok_or("a path such as /health")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::App;

    fn app(fields: &Value) -> App {
        let mut app = json!({ "path": "apps/api", "port": 3000 });
        app.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        App::from_json("api", &app).unwrap()
    }

    #[test]
    fn a_release_has_a_command_and_defaults() {
        let release =
            app(&json!({ "release": { "command": ["npm", "run", "migrate"], "later": true } })).release.unwrap();
        assert_eq!((release.command.len(), release.login, release.timeout_seconds), (3, ReleaseLogin::App, 600));
        let release =
            app(&json!({ "release": { "command": ["sh", "-c", "a\nb"], "as": "owner", "timeoutSeconds": 5 } }));
        let release = release.release.unwrap();
        assert_eq!((release.login, release.timeout_seconds), (ReleaseLogin::Owner, 5));
        assert_eq!(app(&json!({ "release": null })).release, None);
    }

    #[test]
    fn a_request_says_the_same_and_no_other_fields() {
        let release: Release = serde_json::from_value(json!({ "command": ["a"], "timeoutSeconds": 9 })).unwrap();
        assert_eq!((release.timeout_seconds, release.login), (9, ReleaseLogin::App));
        assert_eq!(serde_json::from_value::<Health>(json!(false)).unwrap(), Health::Unchecked);
        let error = |value: Value| serde_json::from_value::<Release>(value).unwrap_err().to_string();
        assert!(error(json!({ "command": ["a"], "timeout": 9 })).contains("unknown field `timeout`"));
        assert!(
            error(json!({ "command": ["a b"] })).contains("release.command[0]: the name of a program has no blanks")
        );
        assert!(error(json!(null)).contains("expected an object"));
        let unknown = serde_json::from_value::<Health>(json!({ "url": "/" })).unwrap_err().to_string();
        assert!(unknown.contains("unknown field `url`"), "{unknown}");
    }

    #[test]
    fn the_port_counts_unless_something_else_is_said() {
        assert_eq!(app(&json!({})).health, Health::Port { grace_seconds: None });
        assert_eq!(app(&json!({ "health": { "graceSeconds": 90 } })).health, Health::Port { grace_seconds: Some(90) });
        assert_eq!(app(&json!({ "health": false })).health, Health::Unchecked);
        let Health::Check(check) = app(&json!({ "health": { "path": "/health?deep=1", "retries": 5 } })).health else {
            panic!("a check")
        };
        assert_eq!(check.probe, HealthProbe::Path("/health?deep=1".to_owned()));
        assert_eq!((check.grace_seconds, check.retries, check.interval_seconds), (30, 5, 5));
        let health = app(&json!({ "health": { "command": ["node", "check.js"], "graceSeconds": 0 } })).health;
        assert!(matches!(health, Health::Check(HealthCheck { probe: HealthProbe::Command(_), grace_seconds: 0, .. })));
    }
}
