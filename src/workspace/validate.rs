//! Reads a workspace from JSON and lists every fault with its path.

use super::aws;
use super::fault::{Faults, Path};
use super::read::{self, Fields};
use super::{
    App, AppType, AwsAccount, DeploySettings, DnsZone, DokploySettings, ReleaseLogin, Service, Services, StateSettings,
    Workspace,
};
use super::{app, name, references, undone};
use crate::DeployError;
use indexmap::IndexMap;
use serde_json::Value;
use std::path::PathBuf;

/// Seconds that DNS records live by default.
const DEFAULT_TTL: u32 = 300;

impl Workspace {
    /// Reads the CLI's normalised workspace; fields that we do not know are passed by.
    ///
    /// `null` counts as absent. Functions and regular expressions do not survive JSON: what the CLI holds as such
    /// (a custom provider's methods, a glob's `partition`) is expected to be gone.
    ///
    /// # Errors
    ///
    /// `INVALID_WORKSPACE`, naming the path and the value of every fault, in the order of the document.
    #[expect(clippy::needless_pass_by_value, reason = "as for requests, whose parts are moved out")]
    pub fn from_json(value: Value) -> Result<Self, DeployError> {
        let mut faults = Faults::default();
        let workspace = read_workspace(&value, &mut faults);
        match workspace {
            Some(workspace) if faults.is_empty() => Ok(workspace),
            _ => Err(faults.into_error(&value)),
        }
    }
}

/// Reads all there is, so that every fault is noted; `None` where a part is missing for a whole.
pub(super) fn read_workspace(value: &Value, faults: &mut Faults) -> Option<Workspace> {
    let document = Fields::of(Some(value), &Path::default(), "an object", faults)?;
    let name = document.required("name", NAME, faults, workspace_name);
    let root = document.required("root", ROOT, faults, absolute);
    let services = read_services(&document, faults);
    let default_target = document.object("deploy", faults).and_then(|deploy| {
        deploy.optional("default", faults, |value| read::text(value).map_err(|_| "the name of a deploy target"))
    });
    let around = app::Around { root: root.as_deref(), default_target: default_target.as_deref() };
    let apps = read_apps(&document, around, services.db.is_some(), faults);
    let deploy = read_deploy(&document, faults);
    let state = read_state(&document, faults);
    undone::note(&document, faults);
    let warnings = faults.take_warnings(value);
    Some(Workspace { name: name?, root: root?, apps: apps?, services, deploy, state, warnings })
}

const NAME: &str = "a name with at least one letter or digit, at most 100 characters";
const ROOT: &str = "the absolute path of the workspace's folder";

fn workspace_name(value: &Value) -> Result<String, &'static str> {
    let name = read::text(value).map_err(|_| NAME)?;
    let named = !super::workspace_slug(&name).is_empty() && name.chars().count() <= 100;
    if named { Ok(name) } else { Err(NAME) }
}

fn absolute(value: &Value) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(read::text(value).map_err(|_| ROOT)?);
    if path.is_absolute() { Ok(path) } else { Err(ROOT) }
}

fn read_apps(
    document: &Fields<'_>,
    around: app::Around<'_>,
    has_database: bool,
    faults: &mut Faults,
) -> Option<IndexMap<String, App>> {
    let value = document.get("apps");
    let declared = Fields::of(value, &document.at("apps"), "an object with at least one app", faults)?;
    let mut apps = IndexMap::new();
    for (name, value) in declared.entries() {
        let path = declared.at(name);
        let fault = name::app_name_fault(name);
        if let Some(fault) = &fault {
            faults.push(&path, fault.as_str());
        }
        let Some(app) = app::read(value, &path, around, faults) else { continue };
        // A backend may ask for a database of its own, which then carries its name.
        if fault.is_none()
            && has_database
            && app.app_type == AppType::Backend
            && let Some(reason) = name::database_name_fault(name)
        {
            faults.push(&path, format!("cannot be the name of a database role and schema: {reason}"));
        }
        if !has_database && app.release.as_ref().is_some_and(|release| release.login == ReleaseLogin::Owner) {
            let path = path.key("release").key("as");
            faults.push(&path, "the owner of the database is meant, and services.db declares none");
        }
        apps.insert(name.clone(), app);
    }
    if declared.entries().next().is_none() {
        faults.expected(&declared.path, "at least one app", value);
    }
    references::check(&apps, &declared, faults);
    Some(apps)
}

fn read_services(document: &Fields<'_>, faults: &mut Faults) -> Services {
    let Some(services) = document.object("services", faults) else { return Services::default() };
    Services { db: read_service(&services, "db", faults), cache: read_service(&services, "cache", faults) }
}

fn read_service(services: &Fields<'_>, key: &str, faults: &mut Faults) -> Option<Service> {
    match services.get(key)? {
        Value::Bool(wanted) => wanted.then(Service::default),
        value => {
            let service = Fields::of(Some(value), &services.at(key), "true, false or { version?, image? }", faults)?;
            Some(Service {
                version: service.optional("version", faults, read::version),
                image: service.optional("image", faults, read::image),
            })
        }
    }
}

fn read_deploy(document: &Fields<'_>, faults: &mut Faults) -> DeploySettings {
    // That `deploy` is an object was noted when the default target was read.
    let Some(deploy) = document.object("deploy", &mut Faults::default()) else { return DeploySettings::default() };
    let dokploy = read_dokploy(&deploy, faults);
    DeploySettings { dokploy, dns: read_dns(&deploy, faults), backups: aws::read_backups(&deploy, faults) }
}

fn read_dokploy(deploy: &Fields<'_>, faults: &mut Faults) -> Option<DokploySettings> {
    let dokploy = deploy.object("dokploy", faults)?;
    Some(DokploySettings {
        endpoint: dokploy.optional("endpoint", faults, read::endpoint),
        endpoints: dokploy.map("endpoints", faults, read::endpoint),
        registry: dokploy.optional("registry", faults, read::registry),
        registry_id: dokploy.optional("registryId", faults, read::text),
        domains: dokploy.map("domains", faults, read::host),
    })
}

/// Reads both forms: `{ provider, domain, ttl? }` for one zone, `{ 'example.com': { provider, ttl? } }` for several.
fn read_dns(deploy: &Fields<'_>, faults: &mut Faults) -> IndexMap<String, DnsZone> {
    let mut zones = IndexMap::new();
    let Some(dns) = deploy.object("dns", faults) else { return zones };
    let legacy = dns.get("domain").is_some() && dns.get("provider").is_some();
    if legacy || dns.get("provider").is_some_and(Value::is_string) {
        let domain = dns.required("domain", "the root domain of the zone", faults, read::host);
        if let (Some(domain), Some(zone)) = (domain, read_zone(&dns, faults)) {
            zones.insert(domain, zone);
        }
        return zones;
    }
    for (root, value) in dns.entries() {
        let path = dns.at(root);
        let domain = read::host(&Value::from(root.as_str()))
            .map_err(|expected| faults.push(&path, format!("expected {expected} as the name of a zone")))
            .ok();
        let zone = Fields::of(Some(value), &path, "an object with a provider", faults)
            .and_then(|fields| read_zone(&fields, faults));
        if let (Some(domain), Some(zone)) = (domain, zone)
            && zones.insert(domain, zone).is_some()
        {
            faults.push(&path, "this zone is declared twice");
        }
    }
    zones
}

fn read_zone(zone: &Fields<'_>, faults: &mut Faults) -> Option<DnsZone> {
    const EXPECTED: &str = "a DNS provider such as \"hostinger\", \"cloudflare\" or \"manual\"";
    let provider = zone.required("provider", EXPECTED, faults, |value| provider_name(value).ok_or(EXPECTED));
    let ttl = zone.optional("ttl", faults, read::ttl).unwrap_or(DEFAULT_TTL);
    // Of another provider they are fields of its own.
    let amazon = provider.as_deref() == Some("route53");
    let account = if amazon { aws::read_account(zone, faults) } else { AwsAccount::default() };
    let hosted_zone_id = if amazon { zone.optional("hostedZoneId", faults, aws::hosted_zone) } else { None };
    Some(DnsZone { provider: provider?, ttl, account, hosted_zone_id })
}

/// The name of a provider; one given as an object lost its methods on the way and goes by its `name`, else `custom`.
fn provider_name(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => match fields.get("name") {
            None | Some(Value::Null) => Some("custom".to_owned()),
            Some(name) => read::text(name).ok(),
        },
        value => read::text(value).ok(),
    }
}

fn read_state(document: &Fields<'_>, faults: &mut Faults) -> StateSettings {
    const EXPECTED: &str = "a state provider such as \"local\"";
    let Some(state) = document.object("state", faults) else { return StateSettings::Local };
    let provider = state.required("provider", EXPECTED, faults, |value| provider_name(value).ok_or(EXPECTED));
    match provider.as_deref() {
        None | Some("local") => StateSettings::Local,
        Some("ssm") => aws::read_ssm(&state, faults),
        Some("s3") => aws::read_s3(&state, faults).unwrap_or_default(),
        Some(name) => StateSettings::Named(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use crate::workspace::Domain;
    use serde_json::json;

    fn zone(provider: &str, ttl: u32) -> DnsZone {
        DnsZone { provider: provider.to_owned(), ttl, account: AwsAccount::default(), hosted_zone_id: None }
    }

    #[test]
    fn every_fault_is_named_with_path_and_value_in_the_order_of_the_document() {
        let cases: Value = serde_json::from_str(include_str!("../../fixtures/workspaces-invalid.json")).unwrap();
        for case in cases.as_array().unwrap() {
            let error = Workspace::from_json(case["workspace"].clone()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidWorkspace);
            let faults: Vec<&str> = error.message().lines().skip(1).map(|line| &line[4..]).collect();
            let expected: Vec<&str> = case["faults"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            assert_eq!(faults, expected, "{}", case["proves"]);
        }
    }

    #[test]
    fn the_seeds_workspace_is_read() {
        let workspace = crate::workspace::tests::multi_auth();
        let names: Vec<&str> = workspace.apps.keys().map(String::as_str).collect();
        assert_eq!(names, ["api", "auth", "admin-auth", "web", "admin"]);
        assert_eq!(workspace.apps["auth"].port, 3001);
        assert_eq!(workspace.apps["web"].config.client.as_deref(), Some("src/config/client.ts"));
        assert_eq!(workspace.services.db, Some(Service::default()));
        assert_eq!(workspace.deploy.dns["example.com"], zone("hostinger", 300));
        assert_eq!(workspace.state, StateSettings::Local);
    }

    #[test]
    fn every_form_of_the_cli_is_read_and_unknown_fields_are_passed_by() {
        let workspace = Workspace::from_json(json!({
            "name": "@org/Shop", "root": "/w", "whatever": { "a": [] }, "shared": null,
            "apps": {
                "api": {
                    "path": ".", "port": 3000.0, "routes": "src/**/*.ts", "functions": ["a", "b"], "crons": { "paths": ["c"] },
                    "queues": { "paths": "d" }, "topics": null, "subscribers": { "other": 1 },
                    "envParser": "src/env#parser", "requiredEnv": ["A"], "logger": true, "unknown": 1,
                    "domain": { "prod": "API.Example.com." }, "dependencies": ["auth", "auth"],
                },
                "auth": { "type": null, "path": "./auth/../auth", "port": 3000, "domain": "auth.example.com" },
                "phone": { "type": "mobile", "framework": "expo", "path": "phone", "resolvedDeployTarget": "vercel" },
            },
            "services": { "db": { "version": 17, "image": "postgis/postgis:17" }, "cache": false, "mail": true },
            "deploy": {
                "dokploy": { "endpoints": { "prod": "https://d.example.com/" }, "endpoint": "http://10.0.0.1:3000", "registryId": "x" },
                "dns": { "provider": { "name": "mine" }, "domain": "Example.com", "ttl": 60 }, "backups": null,
            },
            "state": { "provider": "ssm", "region": "eu-west-1" },
        }))
        .unwrap();
        let api = &workspace.apps["api"];
        assert_eq!(api.routes, ["src/**/*.ts", "a", "b", "c", "d"]);
        assert_eq!(api.dependencies, ["auth"]);
        assert_eq!(api.domain, Some(Domain::PerStage([("prod".to_owned(), "api.example.com".to_owned())].into())));
        assert_eq!(workspace.services.db.as_ref().and_then(|db| db.version.as_deref()), Some("17"));
        assert_eq!(workspace.services.cache, None);
        let dokploy = workspace.deploy.dokploy.as_ref().unwrap();
        assert_eq!(dokploy.endpoint("prod"), Some("https://d.example.com"));
        assert_eq!(dokploy.endpoint("staging"), Some("http://10.0.0.1:3000"));
        assert_eq!(workspace.deploy.dns["example.com"], zone("mine", 60));
        assert!(matches!(workspace.state, StateSettings::Ssm(_)), "{:?}", workspace.state);
        assert_eq!((workspace.slug().as_str(), workspace.database_name().as_str()), ("shop", "shop"));
    }

    #[test]
    fn custom_providers_that_lost_their_methods_are_named() {
        let workspace = Workspace::from_json(json!({
            "name": "w", "root": "/w", "apps": { "a": { "path": "a", "port": 1 } },
            "deploy": { "dns": { "example.com": { "provider": {} }, "example.org": { "provider": "route53" } } },
            "state": { "provider": {} },
        }))
        .unwrap();
        assert_eq!(workspace.state, StateSettings::Named("custom".to_owned()));
        let providers: Vec<&str> = workspace.deploy.dns.values().map(|zone| zone.provider.as_str()).collect();
        assert_eq!(providers, ["custom", "route53"]);
    }

    /// The JSON pointers of every node of a document.
    fn pointers(value: &Value, at: &str) -> Vec<String> {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(fields) => fields.iter().map(|(key, value)| (key.replace('/', "~1"), value)).collect(),
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
            _ => Vec::new(),
        };
        let below = children.into_iter().flat_map(|(key, child)| pointers(child, &format!("{at}/{key}")));
        std::iter::once(at.to_owned()).chain(below).collect()
    }

    #[test]
    fn whatever_stands_anywhere_is_read_or_named_once() {
        let document: Value = serde_json::from_str(include_str!("../../fixtures/workspace-multi-auth.json")).unwrap();
        let strange =
            json!([null, true, -1, 1.5, 1e300, "", "\u{0}", "ä/..", [], {}, [null, [[]]], { "": 1, "a b": {} }]);
        for pointer in pointers(&document, "") {
            for value in strange.as_array().unwrap() {
                let mut changed = document.clone();
                *changed.pointer_mut(&pointer).unwrap() = value.clone();
                let Err(error) = Workspace::from_json(changed) else { continue };
                let faults: Vec<&str> = error.message().lines().skip(1).collect();
                let distinct: std::collections::BTreeSet<&&str> = faults.iter().collect();
                assert!(!faults.is_empty() && distinct.len() == faults.len(), "{pointer} = {value}: {error}");
            }
        }
    }
}
