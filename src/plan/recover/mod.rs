//! Fills the gaps of a state from what the server stores, so that nothing live is ever regenerated silently (I2).

use super::fingerprint::{DeploymentTitle, env_fingerprint};
use super::observed::{Observed, ObservedApplication, ObservedPostgres, Ownership, Runs};
use crate::secrets::{Entropy, Secret, generate_password};
use crate::state::{AppCredentials, Deployed, LoginRotation, PushedImage, Rotation, RotationPhase, State};
use crate::{DeployError, ErrorCode};
use serde_json::Map;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// What an app needs that we generate, and that may therefore be lost with the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GeneratedNeeds {
    /// Whether it needs database credentials of its own.
    pub database: bool,
    /// The variables whose values we generate for it.
    pub secrets: BTreeSet<String>,
    /// The role that it has or would have.
    pub role: String,
    /// The name of that role's second login; empty where none is known.
    pub second_login: String,
    /// Whether an application of this name is taken over that is not ours.
    pub adopted: bool,
}

/// Fills the gaps of `state` from the server's answers; returns what was recovered, in words.
///
/// An app that runs with its second login is in the middle of a rotation, which is recovered as well: `entropy` then makes
/// the password that its own login gets, since nobody knows the former one.
///
/// # Errors
///
/// `STATE_LOST` when something live depends on a value that neither the state nor the server knows: it says what is
/// missing and what each choice costs.
pub fn recover(
    state: &mut State,
    observed: &Observed,
    needs: &BTreeMap<String, GeneratedNeeds>,
    entropy: &dyn Entropy,
) -> Result<Vec<String>, DeployError> {
    let mut recovered = Vec::new();
    let mut lost = Vec::new();
    let known = state.applications.clone();
    ids(state, observed, &mut recovered);
    services(state, observed, &mut recovered, &mut lost);
    for (name, application) in &observed.applications {
        let needs = needs.get(name).cloned().unwrap_or_default();
        let mut gone = Vec::new();
        if application.ownership != Ownership::Ours {
            if needs.adopted {
                // What it does not have it has never had.
                secrets(state, name, application, &needs.secrets, &mut recovered, &mut gone);
            }
            continue;
        }
        match stored_login(state, observed, name, application) {
            Some(second)
                if second.db_user == needs.second_login && matches!(application.runs, Runs::AsStored { .. }) =>
            {
                resume(state, name, needs.role.clone(), second, entropy);
                recovered.push(format!("the rotation of the database password of {name}"));
            }
            Some(own) if own.db_user != needs.second_login => {
                state.app_credentials.insert(name.clone(), own);
                recovered.push(format!("the database password of {name}"));
            }
            None if state.app_credentials.contains_key(name) || observed_database(observed).is_none() => {}
            stored if stored.is_some() || (needs.database && application.newest_title.is_some()) => {
                gone.push(format!("the database password of {name}"));
            }
            _ => {}
        }
        secrets(state, name, application, &needs.secrets, &mut recovered, &mut gone);
        // A state that knows the application has never had what it does not hold: the app has only begun to need it,
        // and its deployment was not seen to stay up.
        if known.get(name) != Some(&application.id) {
            lost.append(&mut gone);
            deployment(state, name, application);
        }
    }
    if lost.is_empty() { Ok(recovered) } else { Err(state_lost(&state.stage, &lost)) }
}

fn ids(state: &mut State, observed: &Observed, recovered: &mut Vec<String>) {
    if let Some(project) = &observed.project {
        state.project_id.clone_from(&project.id);
    }
    if let Some(environment) = &observed.environment {
        state.environment_id.clone_from(&environment.id);
    }
    for (name, application) in &observed.applications {
        if application.ownership == Ownership::Ours && state.applications.get(name) != Some(&application.id) {
            state.applications.insert(name.clone(), application.id.clone());
            recovered.push(format!("application {name}"));
        }
    }
}

fn services(state: &mut State, observed: &Observed, recovered: &mut Vec<String>, lost: &mut Vec<String>) {
    let postgres = observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours);
    if let Some(postgres) = postgres {
        state.services.postgres_id = Some(postgres.id.clone());
        let known = &mut state.deploy_native.passwords.postgres;
        password(known, postgres.password.as_ref(), "the master password of postgres", recovered, lost);
    }
    let redis = observed.redis.as_ref().filter(|found| found.ownership == Ownership::Ours);
    if let Some(redis) = redis {
        state.services.redis_id = Some(redis.id.clone());
        let known = &mut state.deploy_native.passwords.redis;
        password(known, redis.password.as_ref(), "the password of redis", recovered, lost);
    }
}

/// Takes the password of a service from the server, where the state has none.
fn password(
    known: &mut Option<Secret>,
    stored: Option<&Secret>,
    what: &str,
    recovered: &mut Vec<String>,
    lost: &mut Vec<String>,
) {
    if known.is_some() {
        return;
    }
    *known = stored.cloned();
    let told = if known.is_some() { recovered } else { lost };
    told.push(what.to_owned());
}

fn observed_database(observed: &Observed) -> Option<&ObservedPostgres> {
    observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours)
}

/// The database login that the server stores for an app of which the state knows none.
pub(super) fn stored_login(
    state: &State,
    observed: &Observed,
    name: &str,
    application: &ObservedApplication,
) -> Option<AppCredentials> {
    let postgres = observed_database(observed).filter(|_| !state.app_credentials.contains_key(name))?;
    application.env.get("DATABASE_URL").and_then(|url| from_url(url, &postgres.app_name))
}

/// Takes up a rotation of which only the second login is known, with which the app runs.
fn resume(state: &mut State, name: &str, role: String, second: AppCredentials, entropy: &dyn Entropy) {
    let next = generate_password(entropy);
    let login = LoginRotation {
        interim: second.db_password,
        next: next.clone(),
        phase: RotationPhase::SecondRuns,
        unknown: Map::new(),
    };
    let rotation = Rotation { login: Some(login), ..Rotation::default() };
    state.deploy_native.rotations.insert(name.to_owned(), rotation);
    let own = AppCredentials { db_user: role, db_password: next, unknown: Map::new() };
    state.app_credentials.insert(name.to_owned(), own);
}

/// Reads an app's credentials from the URL that the server stores, when it leads to our database.
fn from_url(url: &Secret, host: &str) -> Option<AppCredentials> {
    let url = Url::parse(url.expose()).ok()?;
    if url.host_str() != Some(host) {
        return None;
    }
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().ok().map(String::from);
    let db_user = decode(url.username()).filter(|user| !user.is_empty())?;
    let db_password = Secret::new(decode(url.password()?)?);
    Some(AppCredentials { db_user, db_password, unknown: Map::new() })
}

fn secrets(
    state: &mut State,
    name: &str,
    application: &ObservedApplication,
    needed: &BTreeSet<String>,
    recovered: &mut Vec<String>,
    lost: &mut Vec<String>,
) {
    for variable in needed {
        let known = state.generated_secrets.get(name).is_some_and(|secrets| secrets.contains_key(variable));
        if known {
            continue;
        }
        match application.env.get(variable) {
            Some(value) => {
                state.generated_secrets.entry(name.to_owned()).or_default().insert(variable.clone(), value.clone());
                recovered.push(format!("{variable} of {name}"));
            }
            None if application.newest_title.is_some() => lost.push(format!("{variable} of {name}")),
            None => {}
        }
    }
}

/// Recovers what the last deployment consisted of, when it runs as the server stores it and no task of it has ended (I7).
fn deployment(state: &mut State, name: &str, application: &ObservedApplication) {
    let Some(title) = application.newest_title.as_deref() else { return };
    let (Some(parsed), Some(image)) = (DeploymentTitle::parse(title), application.image.as_ref()) else { return };
    if !application.newest_done || application.runs != (Runs::AsStored { after_crash: false }) {
        return;
    }
    if let Some(fingerprint) = parsed.image {
        let pushed = PushedImage { reference: image.clone(), fingerprint, unknown: Map::new() };
        state.deploy_native.images.entry(name.to_owned()).or_insert(pushed);
    }
    if let Some(release) = parsed.release {
        state.deploy_native.released.entry(name.to_owned()).or_insert(release);
    }
    let deployed = Deployed {
        checked: application.check.is_some(),
        fingerprint: parsed.fingerprint,
        environment: env_fingerprint(&application.env),
        image: image.clone(),
        title: title.to_owned(),
        unknown: Map::new(),
    };
    state.deploy_native.deployed.entry(name.to_owned()).or_insert(deployed);
}

fn state_lost(stage: &str, lost: &[String]) -> DeployError {
    DeployError::new(
        ErrorCode::StateLost,
        format!(
            "The server holds resources of ours for stage `{stage}`, and neither the state nor the server knows: {}",
            lost.join(", ")
        ),
    )
    .hint(format!(
        "Restore .gkm/deploy-{stage}.json from a backup (costs nothing); or give the values as secrets where they are \
         variables; or undeploy the apps concerned and deploy them again (costs their sessions, and with deleteData their \
         data)"
    ))
}

#[cfg(test)]
mod tests;
