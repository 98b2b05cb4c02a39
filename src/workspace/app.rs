//! Reads one app of a workspace.

use super::fault::{Faults, Path};
use super::read::{self, Fields};
use super::release;
use super::{App, AppType, ConfigFiles, Domain};
use crate::DeployError;
use serde_json::{Value, json};

/// The port that Expo's own server uses; a mobile app is never deployed, so it need not say one.
const MOBILE_PORT: u16 = 8081;

/// The fields in which globs of constructs stand.
const CONSTRUCTS: [&str; 7] = ["routes", "constructs", "functions", "crons", "queues", "topics", "subscribers"];

impl App {
    /// Reads one app of the CLI's normalised workspace by itself; what it refers to is not checked.
    ///
    /// # Errors
    ///
    /// `INVALID_WORKSPACE`, naming the path and the value of every fault.
    pub fn from_json(name: &str, value: &Value) -> Result<Self, DeployError> {
        let document = json!({ "apps": { name: value } });
        let mut faults = Faults::default();
        let app = read(&document["apps"][name], &Path::default().key("apps").key(name), Around::default(), &mut faults);
        app.filter(|_| faults.is_empty()).ok_or_else(|| faults.into_error(&document))
    }
}

/// What the workspace around an app says, as far as it is known.
#[derive(Clone, Copy, Default)]
pub(super) struct Around<'a> {
    /// The workspace's root.
    pub(super) root: Option<&'a std::path::Path>,
    /// The deploy target of apps that name none.
    pub(super) default_target: Option<&'a str>,
}

/// Reads an app; what it refers to is checked later.
pub(super) fn read(value: &Value, path: &Path, around: Around<'_>, faults: &mut Faults) -> Option<App> {
    let fields = Fields::of(Some(value), path, "an object", faults)?;
    let app_type = fields.optional("type", faults, app_type).unwrap_or(AppType::Backend);
    let expected = "the app's folder, relative to the workspace's root";
    let folder = fields.required("path", expected, faults, |value| read::folder(value, around.root));
    let port = match app_type {
        AppType::Mobile => fields.optional("port", faults, read::port).or(Some(MOBILE_PORT)),
        _ => fields.required("port", read::PORT, faults, read::port),
    };
    if app_type != AppType::Mobile {
        check_target(&fields, around.default_target, faults);
    }
    Some(App {
        app_type,
        dependencies: names(&fields, "dependencies", faults),
        framework: fields.optional("framework", faults, |value| framework(value, app_type)),
        entry: fields.optional("entry", faults, read::text),
        routes: CONSTRUCTS.iter().flat_map(|key| fields.globs(key, faults)).collect(),
        env_parser: fields.optional("envParser", faults, read::text),
        // Other forms are settings of the CLI that no deployment depends on.
        logger: fields.get("logger").and_then(|logger| read::text(logger).ok()),
        server_hooks: fields.get("hooks").and_then(|hooks| read::text(hooks.get("server")?).ok()),
        config: config(&fields, faults),
        required_env: fields.list("requiredEnv", "a list of variable names", faults, read::variable),
        domain: domain(&fields, faults),
        shared_with: names(&fields, "sharedWith", faults),
        dockerfile: fields.optional("dockerfile", faults, read::text),
        release: release::release(&fields, faults),
        health: release::health(&fields, faults),
        path: folder.unwrap_or_default(),
        port: port.unwrap_or_default(),
    })
}

fn app_type(value: &Value) -> Result<AppType, &'static str> {
    match value.as_str() {
        Some("backend") => Ok(AppType::Backend),
        Some("web") => Ok(AppType::Web),
        Some("mobile") => Ok(AppType::Mobile),
        _ => Err("\"backend\", \"web\" or \"mobile\""),
    }
}

/// The framework decides the prefix of public variables, so one we do not know cannot pass for a front end.
fn framework(value: &Value, app_type: AppType) -> Result<String, &'static str> {
    match app_type {
        AppType::Backend => read::text(value),
        AppType::Web => read::one_of(
            value,
            &["nextjs", "remix", "vite", "tanstack-start"],
            "\"nextjs\", \"remix\", \"vite\" or \"tanstack-start\"",
        ),
        AppType::Mobile => read::one_of(value, &["expo"], "\"expo\""),
    }
}

fn names(fields: &Fields<'_>, key: &str, faults: &mut Faults) -> Vec<String> {
    let mut names = fields.list(key, "a list of app names", faults, read::text).unwrap_or_default();
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn config(fields: &Fields<'_>, faults: &mut Faults) -> ConfigFiles {
    let Some(config) = fields.object("config", faults) else { return ConfigFiles::default() };
    ConfigFiles {
        client: config.optional("client", faults, read::text),
        server: config.optional("server", faults, read::text),
    }
}

fn domain(fields: &Fields<'_>, faults: &mut Faults) -> Option<Domain> {
    match fields.get("domain")? {
        Value::Object(_) => Some(Domain::PerStage(fields.map("domain", faults, read::host))),
        _ => fields.optional("domain", faults, read::host).map(Domain::Always),
    }
}

/// Only Dokploy is a target; the app's own choice counts, else the resolved one, else the workspace's default.
fn check_target(fields: &Fields<'_>, default_target: Option<&str>, faults: &mut Faults) {
    let (key, target) = match (fields.get("deploy"), fields.get("resolvedDeployTarget")) {
        (Some(own), _) => ("deploy", Some(own.clone())),
        (None, Some(resolved)) => ("resolvedDeployTarget", Some(resolved.clone())),
        (None, None) => ("deploy", default_target.map(Value::from)),
    };
    if let Some(target) = target
        && target != "dokploy"
    {
        faults.expected(&fields.at(key), "\"dokploy\", the only supported target", Some(&target));
    }
}
