//! Host names and addresses of apps, and the zones they lie in.

use super::fault::Path;
use super::name::{self, slug};
use super::{App, AppType, DnsZone, Domain, Workspace, WorkspaceFault};
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};

impl Workspace {
    /// The host name of an app: its own domain, else `{app}.{deploy.dokploy.domains[stage]}`.
    ///
    /// `main_frontend_at_apex` gives the main front end the bare domain of the stage.
    ///
    /// # Errors
    ///
    /// `INVALID_WORKSPACE` when no domain is set for the stage or the name is too long, `INVALID_REQUEST` when there is
    /// no such app.
    pub fn host(&self, app: &str, stage: &str, main_frontend_at_apex: bool) -> Result<String, DeployError> {
        let declared = self.apps.get(app).ok_or_else(|| {
            DeployError::new(ErrorCode::InvalidRequest, format!("There is no app \"{app}\" in the workspace")).app(app)
        })?;
        if let Some(host) = own_domain(declared, stage) {
            return Ok(host.to_owned());
        }
        let base = self
            .deploy
            .dokploy
            .as_ref()
            .and_then(|dokploy| dokploy.domains.get(stage))
            .ok_or_else(|| no_domain(app, stage))?;
        if main_frontend_at_apex && self.main_frontend() == Some(app) {
            return Ok(base.clone());
        }
        let host = format!("{}.{base}", slug(app));
        name::host_name(&host).map_err(|expected| {
            let message = format!("The host name of {app}, {host}, cannot be used: expected {expected}");
            DeployError::new(ErrorCode::InvalidWorkspace, message).app(app)
        })
    }

    /// The host names of all apps but mobile ones, in the order of declaration.
    ///
    /// # Errors
    ///
    /// As [`Self::host`], and `INVALID_WORKSPACE` when two apps would share a host name; all failures at once.
    pub fn hosts(&self, stage: &str, main_frontend_at_apex: bool) -> Result<IndexMap<String, String>, DeployError> {
        let (hosts, faults) = self.find_hosts(stage, main_frontend_at_apex);
        if faults.is_empty() { Ok(hosts) } else { Err(join(&faults)) }
    }

    /// The host names that the workspace gives its apps in a stage; an app without one is left out.
    pub fn known_hosts(&self, stage: &str, main_frontend_at_apex: bool) -> IndexMap<String, String> {
        self.find_hosts(stage, main_frontend_at_apex).0
    }

    /// What is wrong with the host names of a stage, at the place of the app's own domain.
    pub(super) fn host_faults(&self, stage: &str, main_frontend_at_apex: bool) -> Vec<WorkspaceFault> {
        let (_, faults) = self.find_hosts(stage, main_frontend_at_apex);
        let fault = |error: DeployError| {
            let path = Path::default().key("apps").key(error.app_name().unwrap_or_default()).key("domain").to_string();
            let hint = error.hint_text().map_or_else(String::new, |hint| format!(". {hint}"));
            WorkspaceFault { path, message: format!("{}{hint}", error.message()) }
        };
        faults.into_iter().map(fault).collect()
    }

    fn find_hosts(&self, stage: &str, main_frontend_at_apex: bool) -> (IndexMap<String, String>, Vec<DeployError>) {
        let mut hosts = IndexMap::new();
        let mut owners: BTreeMap<String, &str> = BTreeMap::new();
        let mut faults = Vec::new();
        for (app, _) in self.apps.iter().filter(|(_, app)| app.app_type != AppType::Mobile) {
            match self.host(app, stage, main_frontend_at_apex) {
                Ok(host) => {
                    if let Some(first) = owners.insert(host.clone(), app) {
                        faults.push(shared_host(first, app, &host));
                    }
                    hosts.insert(app.clone(), host);
                }
                Err(fault) => faults.push(fault),
            }
        }
        (hosts, faults)
    }

    /// Every host name that an app has, or may have, in another stage than this one.
    pub fn hosts_of_other_stages(&self, stage: &str) -> BTreeSet<String> {
        let based = self.deploy.dokploy.iter().flat_map(|dokploy| dokploy.domains.keys());
        let own = self.apps.values().filter_map(|app| match &app.domain {
            Some(Domain::PerStage(hosts)) => Some(hosts.keys()),
            _ => None,
        });
        let others: BTreeSet<&String> = based.chain(own.flatten()).filter(|other| *other != stage).collect();
        let hosts = others.into_iter().flat_map(|other| {
            let of_app = move |app: &String| [false, true].map(|apex| self.host(app, other, apex).ok());
            self.apps.keys().flat_map(of_app).flatten()
        });
        hosts.collect()
    }

    /// The address of an app: `https://` and its host name.
    ///
    /// # Errors
    ///
    /// As [`Self::host`].
    pub fn url(&self, app: &str, stage: &str, main_frontend_at_apex: bool) -> Result<String, DeployError> {
        self.host(app, stage, main_frontend_at_apex).map(|host| format!("https://{host}"))
    }

    /// The main front end: the web app named `web`, else the first web app.
    pub fn main_frontend(&self) -> Option<&str> {
        let is_web = |name: &str| self.apps.get(name).is_some_and(|app| app.app_type == AppType::Web);
        let first = || self.apps.keys().map(String::as_str).find(|name| is_web(name));
        if is_web("web") { Some("web") } else { first() }
    }

    /// The declared zone a host name lies in, the longest that fits, and the host's name in it (`@` for the zone itself).
    pub fn zone_of<'a>(&'a self, host: &str) -> Option<(&'a str, &'a DnsZone, String)> {
        let host = host.to_ascii_lowercase();
        self.deploy
            .dns
            .iter()
            .filter_map(|(root, zone)| {
                let rest = host.strip_suffix(root.as_str())?;
                let name = if rest.is_empty() { "@" } else { rest.strip_suffix('.')? };
                Some((root.as_str(), zone, name.to_owned()))
            })
            .max_by_key(|(root, ..)| root.len())
    }
}

/// The domain that an app sets for itself.
fn own_domain<'a>(app: &'a App, stage: &str) -> Option<&'a str> {
    match app.domain.as_ref()? {
        Domain::Always(host) => Some(host),
        Domain::PerStage(hosts) => hosts.get(stage).map(String::as_str),
    }
}

fn no_domain(app: &str, stage: &str) -> DeployError {
    let message = format!("No domain is set for {app} in the stage \"{stage}\"");
    let hint = format!(
        "Set deploy.dokploy.domains[\"{stage}\"] to the stage's base domain, or apps.{app}.domain to the app's own"
    );
    DeployError::new(ErrorCode::InvalidWorkspace, message).app(app).hint(hint)
}

fn shared_host(first: &str, second: &str, host: &str) -> DeployError {
    let message = format!("The apps {first} and {second} would share the host name {host}");
    let hint = format!("Give one of them a domain of its own: apps.{second}.domain");
    DeployError::new(ErrorCode::InvalidWorkspace, message).app(second).hint(hint)
}

/// One error for all: the single one as it is, several as one message with the first one's hint.
fn join(faults: &[DeployError]) -> DeployError {
    if let [only] = faults {
        return only.clone();
    }
    let lines: Vec<String> = faults.iter().map(|fault| format!("  - {fault}")).collect();
    let joined =
        DeployError::new(ErrorCode::InvalidWorkspace, format!("The host names are not valid:\n{}", lines.join("\n")));
    match faults.first().and_then(DeployError::hint_text) {
        Some(hint) => joined.hint(hint),
        None => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::multi_auth;
    use serde_json::json;

    fn workspace(apps: &serde_json::Value, domains: &serde_json::Value) -> Workspace {
        let deploy = json!({ "dokploy": { "domains": domains } });
        Workspace::from_json(json!({ "name": "w", "root": "/w", "apps": apps, "deploy": deploy })).unwrap()
    }

    #[test]
    fn hosts_are_those_of_the_seed() {
        let expected: serde_json::Value =
            serde_json::from_str(include_str!("../../fixtures/env-multi-auth.json")).unwrap();
        let hosts = serde_json::to_value(multi_auth().hosts("staging", false).unwrap()).unwrap();
        assert_eq!(hosts, expected["hosts"]);
        assert_eq!(multi_auth().url("web", "staging", false).unwrap(), "https://web.staging.example.com");
    }

    #[test]
    fn only_the_main_front_end_takes_the_bare_domain() {
        let apps = json!({
            "admin": { "type": "web", "path": "a", "port": 1 }, "web": { "type": "web", "path": "b", "port": 2 },
        });
        let hosts = workspace(&apps, &json!({ "s": "example.com" })).hosts("s", true).unwrap();
        assert_eq!((hosts["admin"].as_str(), hosts["web"].as_str()), ("admin.example.com", "example.com"));
    }

    #[test]
    fn names_are_folded_to_dns_labels_and_mobile_apps_have_no_host() {
        let apps = json!({
            "userApi": { "path": "a", "port": 1 }, "my_app": { "path": "b", "port": 2 },
            "phone": { "type": "mobile", "path": "c" },
        });
        let hosts = workspace(&apps, &json!({ "s": "example.com" })).hosts("s", false).unwrap();
        assert_eq!(hosts.values().collect::<Vec<_>>(), ["userapi.example.com", "my-app.example.com"]);
    }

    #[test]
    fn a_missing_domain_says_what_to_set() {
        let error = multi_auth().host("api", "production", false).unwrap_err();
        assert_eq!(error.message(), "No domain is set for api in the stage \"production\"");
        assert!(error.hint_text().unwrap().contains("deploy.dokploy.domains[\"production\"]"));
        let all = multi_auth().hosts("production", false).unwrap_err();
        assert_eq!(all.message().lines().count(), 6);
    }

    #[test]
    fn two_apps_never_share_a_host() {
        let apps = json!({
            "api": { "path": "a", "port": 1 }, "web": { "path": "b", "port": 2, "domain": "API.example.com" },
        });
        let error = workspace(&apps, &json!({ "s": "example.com" })).hosts("s", false).unwrap_err();
        assert_eq!(error.message(), "The apps api and web would share the host name api.example.com");
    }

    #[test]
    fn a_host_too_long_for_dns_is_refused() {
        let base = format!("{0}.{0}.{0}.example.com", "a".repeat(63));
        let apps = json!({ "b".repeat(63): { "path": "a", "port": 1 } });
        let error = workspace(&apps, &json!({ "s": base })).hosts("s", false).unwrap_err();
        assert!(error.message().contains("at most 253"), "{error}");
    }

    #[test]
    fn a_host_belongs_to_the_longest_zone_that_holds_it() {
        let mut workspace = multi_auth();
        let zone = workspace.deploy.dns["example.com"].clone();
        workspace.deploy.dns.insert("staging.example.com".to_owned(), zone);
        let found = |host| workspace.zone_of(host).map(|(root, _, name)| (root, name));
        assert_eq!(found("api.staging.example.com"), Some(("staging.example.com", "api".to_owned())));
        assert_eq!(found("Staging.example.com"), Some(("staging.example.com", "@".to_owned())));
        assert_eq!(found("a.b.example.com"), Some(("example.com", "a.b".to_owned())));
        assert_eq!(found("evilexample.com"), None);
    }
}
