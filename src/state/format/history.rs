//! The deployments that were seen running, as far as they can be brought back.
//!
//! A state may have to fit into four kilobytes, and most deployments differ from the one before in their image alone. So
//! values, and the environments that consist of them, are kept once each, by the beginning of their digest.

use crate::secrets::{Secret, digest_parts};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How many deployments of an app are kept.
const KEPT: usize = 5;
/// How many hexadecimal digits of a digest name something here at least.
const SHORTEST_NAME: usize = 8;

/// The last deployments of each app that were seen running, five at most, with the values that they had.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What the user gave, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Secret>,
    /// Which variables there were, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environments: BTreeMap<String, Environment>,
    /// The apps.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    apps: BTreeMap<String, AppHistory>,
    /// Fields of other versions.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// The variables of a deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Environment {
    /// Those whose value the user gave, each with the name of its value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    given: BTreeMap<String, String>,
    /// Those whose value follows from the deployment, with blanks between them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ours: String,
}

/// The deployments of an app.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct AppHistory {
    /// The one that runs, where that is not the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    current: Option<String>,
    /// Whether the server may not have any more what the one that runs consists of.
    #[serde(default, skip_serializing_if = "is_false")]
    replaced: bool,
    /// Oldest first.
    #[serde(default)]
    deployments: Vec<PastDeployment>,
    /// Fields of other versions.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

/// A deployment that was seen running.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastDeployment {
    /// By which a user can name it.
    pub id: String,
    /// When the run began that made it, as ISO 8601; the same for every app of that run.
    pub at: String,
    /// Its image, as `name@sha256:…` where known; empty where the store had no room for what the server has as well.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub image: String,
    /// The name of its environment; empty as the image.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    env: String,
    /// Tells the credentials of then from those of today, of what we generate ourselves.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub credentials: String,
    /// Tells the release that had run by then from those that ran later; empty where none had.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub release: String,
    /// Its health settings as the workspace writes them; absent: the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Value>,
    /// Whether an app went back from it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left: bool,
    /// Fields of other versions.
    #[serde(flatten)]
    unknown: Map<String, Value>,
}

impl AppHistory {
    /// Adds a deployment as the newest one; one that is like it, or of which too little is known, goes.
    ///
    /// Of more than are kept, one that the app went back from goes first, then the oldest.
    fn push(&mut self, past: PastDeployment) {
        self.deployments.retain(|known| !known.image.is_empty() && !known.is_like(&past));
        self.deployments.push(past);
        self.current = None;
        while self.deployments.len() > KEPT {
            let surplus = self.deployments.iter().position(|known| known.left).unwrap_or_default();
            self.deployments.remove(surplus);
        }
    }
}

impl PastDeployment {
    /// Whether the user would call both the same: credentials may have been changed since.
    fn is_like(&self, other: &Self) -> bool {
        self.image == other.image && self.env == other.env && self.health == other.health
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde passes it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// What is to be remembered of a deployment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Verified {
    /// By which a user can name it.
    pub id: String,
    /// When the run began, as ISO 8601.
    pub at: String,
    /// Its image.
    pub image: String,
    /// What the user gave.
    pub given: BTreeMap<String, Secret>,
    /// The variables whose value follows from the deployment.
    pub ours: BTreeSet<String>,
    /// What [`PastDeployment::credentials`] is.
    pub credentials: String,
    /// What [`PastDeployment::release`] is.
    pub release: String,
    /// What [`PastDeployment::health`] is.
    pub health: Option<Value>,
}

/// The variables of a past deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastEnvironment {
    /// What the user gave.
    pub given: BTreeMap<String, Secret>,
    /// Those whose value follows from the deployment.
    pub ours: BTreeSet<String>,
}

impl History {
    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The deployments of an app, oldest first.
    pub fn deployments(&self, app: &str) -> &[PastDeployment] {
        self.apps.get(app).map(|history| history.deployments.as_slice()).unwrap_or_default()
    }

    /// The apps of which a deployment is remembered.
    pub fn apps(&self) -> impl Iterator<Item = &str> {
        self.apps.keys().map(String::as_str)
    }

    /// The deployment of an app that was seen running last.
    pub fn current(&self, app: &str) -> Option<&PastDeployment> {
        let history = self.apps.get(app)?;
        let named = |id: &String| history.deployments.iter().find(|past| past.id == *id);
        history.current.as_ref().and_then(named).or_else(|| history.deployments.last())
    }

    /// The deployment that runs, of each app.
    fn current_ids(&self) -> BTreeMap<String, String> {
        self.apps.keys().filter_map(|app| Some((app.clone(), self.current(app)?.id.clone()))).collect()
    }

    /// Every value that the user gave and that is kept here.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.values.values()
    }

    /// Whether enough is known of a deployment to bring it back.
    pub fn is_complete(&self, past: &PastDeployment) -> bool {
        !past.image.is_empty() && self.environment(past).is_some()
    }

    /// The variables that a deployment had; `None` when the state does not have all of them.
    pub fn environment(&self, past: &PastDeployment) -> Option<PastEnvironment> {
        let environment = self.environments.get(&past.env)?;
        let value = |(name, value): (&String, &String)| Some((name.clone(), self.values.get(value)?.clone()));
        Some(PastEnvironment {
            given: environment.given.iter().map(value).collect::<Option<_>>()?,
            ours: environment.ours.split_whitespace().map(str::to_owned).collect(),
        })
    }

    /// Remembers a deployment that was seen running.
    ///
    /// One with the image and the variables of the one that ran is that one again: what follows from the deployment, such
    /// as a password, does not make it another. One that is like an earlier one takes its place, as the newest.
    pub fn remember(&mut self, app: &str, verified: Verified) {
        let past = self.past(verified);
        let current = self.current(app).map(|current| current.id.clone());
        let history = self.apps.entry(app.to_owned()).or_default();
        history.replaced = false;
        if let Some(known) = history.deployments.iter_mut().find(|known| current.as_ref() == Some(&known.id))
            && known.is_like(&past)
        {
            known.credentials = past.credentials;
        } else {
            history.push(past);
        }
        self.drop_unused();
    }

    /// Remembers that an app went back to a deployment and was seen running: those after it count as left.
    pub fn remember_return(&mut self, app: &str, verified: Verified) {
        let past = self.past(verified);
        let history = self.apps.entry(app.to_owned()).or_default();
        history.replaced = false;
        if let Some(index) = history.deployments.iter().rposition(|known| known.is_like(&past)) {
            let last = index + 1 == history.deployments.len();
            history.deployments[index].credentials = past.credentials;
            history.deployments[index].left = false;
            history.current = (!last).then(|| history.deployments[index].id.clone());
            history.deployments[index + 1..].iter_mut().for_each(|later| later.left = true);
        } else {
            history.push(past);
        }
        self.drop_unused();
    }

    /// A deployment as it is kept; its environment is kept with it.
    fn past(&mut self, verified: Verified) -> PastDeployment {
        let Verified { id, at, image, given, ours, credentials, release, health } = verified;
        let env = self.name_environment(given, &ours);
        let (left, unknown) = (false, Map::new());
        PastDeployment { id, at, image, env, credentials, release, health, left, unknown }
    }

    /// Learns from the server what the deployment that runs consists of, where the store had no room for that; remembers
    /// one that is not known at all.
    pub fn learn(&mut self, app: &str, running: Verified) {
        let Some(current) = self.current(app).filter(|current| current.image.is_empty()).cloned() else {
            return self.remember(app, running);
        };
        let env = self.name_environment(running.given, &running.ours);
        let history = self.apps.entry(app.to_owned()).or_default();
        if let Some(past) = history.deployments.iter_mut().find(|past| past.id == current.id) {
            past.image = running.image;
            past.env = env;
            past.health = running.health;
        }
    }

    /// A run is about to tell the server another image or environment of an app.
    pub fn about_to_replace(&mut self, app: &str) {
        if let Some(history) = self.apps.get_mut(app) {
            history.replaced = true;
        }
    }

    /// Leaves out what the server has as well: of which image and environment the deployments consist that run.
    pub fn leave_out_current(&mut self) {
        for (app, id) in self.current_ids() {
            let Some(history) = self.apps.get_mut(&app).filter(|history| !history.replaced) else { continue };
            if let Some(past) = history.deployments.iter_mut().find(|past| past.id == id) {
                past.image = String::new();
                past.env = String::new();
                past.health = None;
            }
        }
        self.drop_unused();
    }

    /// Forgets the deployments of an app.
    pub fn forget(&mut self, app: &str) {
        if self.apps.remove(app).is_some() {
            self.drop_unused();
        }
    }

    /// Forgets a deployment that is not the one that runs, for a state that has to become smaller: the oldest that an app
    /// went back from, else the oldest of all; whether there was one.
    pub fn forget_oldest(&mut self) -> bool {
        let current = self.current_ids();
        let past = self.apps.iter().flat_map(|(app, history)| history.deployments.iter().map(move |past| (app, past)));
        let past = past.filter(|(app, past)| current.get(*app) != Some(&past.id));
        let Some((app, id)) = past
            .min_by(|(_, a), (_, b)| (!a.left, &a.at).cmp(&(!b.left, &b.at)))
            .map(|(app, past)| (app.clone(), past.id.clone()))
        else {
            return false;
        };
        if let Some(history) = self.apps.get_mut(&app) {
            history.deployments.retain(|past| past.id != id);
        }
        self.drop_unused();
        true
    }

    /// Keeps an environment; returns its name.
    fn name_environment(&mut self, given: BTreeMap<String, Secret>, ours: &BTreeSet<String>) -> String {
        let given = given.into_iter().map(|(name, value)| {
            let digest = digest_parts([value.expose()]);
            (name, insert(&mut self.values, &digest, value))
        });
        let given: BTreeMap<String, String> = given.collect();
        let ours = ours.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
        let parts = given.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
        let digest = digest_parts(std::iter::once(ours.as_str()).chain(parts));
        insert(&mut self.environments, &digest, Environment { given, ours })
    }

    /// Drops what no deployment has any more.
    fn drop_unused(&mut self) {
        let used: BTreeSet<&String> =
            self.apps.values().flat_map(|history| history.deployments.iter().map(|past| &past.env)).collect();
        self.environments.retain(|name, _| used.contains(name));
        let used: BTreeSet<&String> = self.environments.values().flat_map(|it| it.given.values()).collect();
        self.values.retain(|name, _| used.contains(name));
        self.apps.retain(|_, history| !history.deployments.is_empty());
    }
}

/// Keeps a value under the beginning of its digest, which grows where another value has that name; returns the name.
fn insert<T: PartialEq>(map: &mut BTreeMap<String, T>, digest: &str, value: T) -> String {
    let names = (SHORTEST_NAME..digest.len()).map(|length| &digest[..length]);
    let free = names.into_iter().find(|name| map.get(*name).is_none_or(|other| *other == value));
    let name = free.unwrap_or(digest).to_owned();
    map.insert(name.clone(), value);
    name
}

#[cfg(test)]
mod tests;
