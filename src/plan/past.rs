//! What is remembered of a deployment so that an app can go back to it, and what of going back cannot be undone.

use super::desired::{DesiredApp, DesiredRegistry};
use super::fingerprint::{app_fingerprint, env_fingerprint, fingerprint};
use super::observed::{ObservedApplication, Ownership, Runs};
use crate::env::is_automatic;
use crate::secrets::Secret;
use crate::state::{Deployed, PastDeployment, State, Verified};
use crate::workspace::{Health, HealthCheck, HealthProbe};
use indexmap::IndexMap;
use serde_json::{Value, json};

/// How many hexadecimal digits tell credentials and releases apart here.
const LENGTH: usize = 8;

/// The deployment of an app that was seen running with this image and environment; `None` where it is not known which of
/// its values the user gave, as in a rotation, which changes nothing else.
pub fn verified(desired: &DesiredApp, image: &str, env: &IndexMap<String, Secret>) -> Option<Verified> {
    if desired.env.sources.is_empty() && !env.is_empty() {
        return None;
    }
    let given = desired.env.given(env);
    let credentials = env.iter().filter(|(name, _)| desired.env.is_credential(name));
    Some(Verified {
        image: image.to_owned(),
        ours: env.keys().filter(|name| !given.contains_key(*name)).cloned().collect(),
        given,
        credentials: credentials_digest(credentials),
        health: health_json(&desired.health),
        ..Verified::default()
    })
}

/// What tells one set of credentials from another; empty where there are none.
fn credentials_digest<'a>(credentials: impl Iterator<Item = (&'a String, &'a Secret)>) -> String {
    let mut pairs: Vec<(&str, &str)> = credentials.map(|(name, value)| (name.as_str(), value.expose())).collect();
    if pairs.is_empty() {
        return String::new();
    }
    pairs.sort_unstable();
    shortened(&fingerprint(pairs.into_iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])))
}

/// A fingerprint in as many digits as are kept with a past deployment.
pub fn shortened(fingerprint: &str) -> String {
    fingerprint.chars().take(LENGTH).collect()
}

/// What the workspace says of an app, as far as it tells what runs of it.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// How it is found out that it works.
    pub health: &'a Health,
    /// The apps that it depends on.
    pub dependencies: &'a [String],
}

/// Whether the server still stores of an app what was deployed.
fn stores_deployed(found: &ObservedApplication, deployed: &Deployed) -> bool {
    if !deployed.environment.is_empty() {
        return env_fingerprint(&found.env) == deployed.environment;
    }
    // The store of the state had no room for it; what was deployed as a whole tells.
    let registry = found.registry.clone().map(|(url, username, password)| DesiredRegistry { url, username, password });
    let check = found.check.as_ref().filter(|_| deployed.checked);
    let stored = |image: &String| app_fingerprint(image, &found.env, registry.as_ref(), check);
    found.image.as_ref().map(stored).as_ref() == Some(&deployed.fingerprint)
}

/// Learns from the server what runs of an app, where the state has not kept that: it was written by an older version, or
/// its store is too small. `at`: a moment before the run.
pub fn complete_history(state: &mut State, app: &str, found: &ObservedApplication, declared: &Declared<'_>, at: &str) {
    let Declared { health, dependencies } = *declared;
    let deployed = state.deploy_native.deployed.get(app);
    let proven = deployed.is_some_and(|deployed| {
        found.newest_title.as_deref() == Some(deployed.title.as_str()) && stores_deployed(found, deployed)
    });
    let stands = found.ownership == Ownership::Ours && matches!(found.runs, Runs::AsStored { .. });
    let (Some(image), true, true) = (&found.image, stands, proven) else { return };
    let history = &mut state.deploy_native.history;
    if let Some(current) = history.current(app)
        && let Some(known) = history.environment(current)
        && current.image == *image
        && known.given.iter().all(|(name, value)| found.env.get(name) == Some(value))
    {
        return;
    }
    // Which values the user gave is told by the deployments before, else by the names.
    let earlier = history.deployments(app).iter().rev().find_map(|past| history.environment(past));
    let ours = |name: &String| match &earlier {
        Some(known) if known.given.contains_key(name) => false,
        Some(known) if known.ours.contains(name) => true,
        _ => is_automatic(name, dependencies),
    };
    let checked = matches!(health, Health::Check(_)) == found.check.is_some();
    let release = state.deploy_native.released.get(app).map(|released| shortened(released));
    let (ours, given): (Vec<_>, Vec<_>) = found.env.iter().partition(|(name, _)| ours(name));
    let running = Verified {
        id: shortened(&fingerprint([deployed.map(|it| it.title.as_bytes()).unwrap_or_default()])),
        at: at.to_owned(),
        image: image.clone(),
        given: given.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        ours: ours.into_iter().map(|(name, _)| name.clone()).collect(),
        release: release.unwrap_or_default(),
        health: health_json(health).filter(|_| checked),
        credentials: String::new(),
    };
    history.learn(app, running);
}

/// What stays as it is although an app goes back to this deployment, in words.
pub fn not_undone(state: &State, app: &str, past: &PastDeployment) -> Vec<String> {
    let released = state.deploy_native.released.get(app).map(|released| shortened(released)).unwrap_or_default();
    let ran = released != past.release;
    let migrations = ran.then(|| {
        format!("{app}: a release has run since {}, and what it changed in the database stays as it is", past.at)
    });
    migrations.into_iter().collect()
}

/// Health settings as the workspace writes them; `None` for the default.
fn health_json(health: &Health) -> Option<Value> {
    match health {
        Health::Port { grace_seconds: None } => None,
        Health::Port { grace_seconds: Some(grace) } => Some(json!({ "graceSeconds": grace })),
        Health::Unchecked => Some(Value::Bool(false)),
        Health::Check(HealthCheck { probe, grace_seconds, retries, interval_seconds }) => {
            let mut value = json!({
                "graceSeconds": grace_seconds, "retries": retries, "intervalSeconds": interval_seconds,
            });
            match probe {
                HealthProbe::Path(path) => value["path"] = json!(path),
                HealthProbe::Command(command) => value["command"] = json!(command),
            }
            Some(value)
        }
    }
}

/// The health settings that a deployment had.
pub fn past_health(past: &PastDeployment) -> Health {
    let stored = past.health.clone();
    stored.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::EnvSource;
    use crate::plan::tests::{desired, settled};

    #[test]
    fn health_settings_come_back_as_they_were() {
        let check = |probe| Health::Check(HealthCheck { probe, grace_seconds: 9, retries: 2, interval_seconds: 4 });
        for health in [
            Health::default(),
            Health::Port { grace_seconds: Some(7) },
            Health::Unchecked,
            check(HealthProbe::Path("/health".into())),
            check(HealthProbe::Command(vec!["true".into()])),
        ] {
            let value = health_json(&health).unwrap_or(Value::Null);
            let stored = json!({ "id": "a", "at": "t", "image": "i", "env": "e", "health": value });
            let past: PastDeployment = serde_json::from_value(stored).unwrap();
            assert_eq!(past_health(&past), health);
        }
    }

    #[test]
    fn what_the_user_gave_is_kept_and_what_follows_from_the_deployment_only_named() {
        let mut desired = desired(Some("postgresql://api@db/shop"));
        let api = &mut desired.apps["api"];
        api.env.values.insert("KEY".into(), "mine".into());
        let sources = [("KEY", EnvSource::User), ("DATABASE_URL", EnvSource::Database)];
        api.env.sources = sources.map(|(name, source)| (name.to_owned(), source)).into();
        let env = api.env.values.clone();
        let verified = super::verified(api, "image", &env).unwrap();
        assert_eq!(verified.given.keys().collect::<Vec<_>>(), ["KEY"]);
        assert!(verified.ours.contains("DATABASE_URL"));
        let mut other = env.clone();
        other.insert("DATABASE_URL".into(), "postgresql://other".into());
        assert_ne!(super::verified(api, "image", &other).unwrap().credentials, verified.credentials);
        api.env.sources.clear();
        assert_eq!(super::verified(api, "image", &env), None, "a rotation knows no sources");
    }

    #[test]
    fn what_runs_is_learnt_from_the_server_where_it_was_verified() {
        let desired = desired(Some("postgresql://api@db/shop"));
        let (observed, state) = settled(&desired);
        let mut known = state.clone();
        let (declared, at) = (Declared { health: &Health::default(), dependencies: &[] }, "2026-11-01T00:00:00Z");
        complete_history(&mut known, "api", &observed.applications["api"], &declared, at);
        let current = known.deploy_native.history.current("api").unwrap();
        assert_eq!(Some(&current.image), observed.applications["api"].image.as_ref());
        let environment = known.deploy_native.history.environment(current).unwrap();
        assert!(environment.ours.contains("DATABASE_URL") && !environment.given.contains_key("DATABASE_URL"));
        let mut crashed = state;
        let found = ObservedApplication { runs: Runs::Something, ..observed.applications["api"].clone() };
        complete_history(&mut crashed, "api", &found, &declared, at);
        assert!(crashed.deploy_native.history.is_empty());
    }

    #[test]
    fn what_runs_is_learnt_also_where_the_store_had_no_room_for_its_environment() {
        let mut desired = desired(Some("postgresql://api@db/shop"));
        for (name, value) in [("API_URL", "https://api"), ("NEXT_PUBLIC_API_URL", "https://api"), ("CRM_URL", "mine")] {
            desired.apps["web"].env.values.insert(name.into(), value.into());
        }
        let (mut observed, mut state) = settled(&desired);
        let deployed = state.deploy_native.deployed.get_mut("web").unwrap();
        (deployed.environment, deployed.image) = (String::new(), String::new());
        let declared = Declared { health: &Health::default(), dependencies: &["api".to_owned()] };
        let mut known = state.clone();
        complete_history(&mut known, "web", &observed.applications["web"], &declared, "2026-11-01T00:00:00Z");
        let history = &known.deploy_native.history;
        let environment = history.environment(history.current("web").unwrap()).unwrap();
        assert!(["API_URL", "NEXT_PUBLIC_API_URL"].iter().all(|name| environment.ours.contains(*name)));
        assert!(environment.given.contains_key("CRM_URL"), "no app that it depends on is called so");
        let web = observed.applications.get_mut("web").unwrap();
        web.env.insert("CRM_URL".into(), "edited".into());
        complete_history(&mut state, "web", &observed.applications["web"], &declared, "2026-11-01T00:00:00Z");
        assert!(state.deploy_native.history.is_empty());
    }
}
