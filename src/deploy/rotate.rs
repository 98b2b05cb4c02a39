//! Rotation: another value for the credentials of apps that run, and nothing else about them.

use super::apply::{Limits, Outcome, apply};
use super::begin::{Hold, begin};
use super::desired;
use super::prepare;
use super::ready::Ready;
use super::report::{DatabaseAccessReport, DeployFailure, RotatedApp, RotationReport};
use super::resolve::DATABASE_URL;
use super::rotation;
use super::run::session;
use crate::env::PostgresAddress;
use crate::plan::{
    Blueprint, DeployPlan, Desired, DesiredApp, DesiredDatabase, DesiredEnv, DesiredImage, DesiredRegistry,
    DesiredRotation, Observed, ObservedApplication, Ownership, draw_rotation, recover,
};
use crate::secrets::{Secret, generate_secret};
use crate::state::{SharedState, State};
use crate::{DeployError, DeployEvent, ErrorCode, Phase};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Which kinds of credentials are rotated.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// The passwords of the database logins.
    pub(super) passwords: bool,
    /// These generated variables.
    pub(super) secrets: Vec<String>,
}

/// What was found, and what is to be done about it.
struct Drawn {
    /// With everything that is new.
    state: State,
    observed: Observed,
    desired: Desired,
    blueprint: Blueprint,
}

/// Plans a rotation.
///
/// # Errors
///
/// As [`rotate`], for everything that is found before the first change.
pub(super) async fn plan(ready: &Ready, choice: &Choice) -> Result<DeployPlan, DeployError> {
    Ok(look(ready, choice).await?.blueprint.plan)
}

/// Rotates credentials, and finishes the rotations that an interrupted run began.
///
/// # Errors
///
/// Every failure of the run, with what was rotated.
pub(super) async fn rotate(ready: &Ready, hold: &Hold, choice: &Choice) -> Result<RotationReport, DeployFailure> {
    let started = Instant::now();
    let journal = begin(ready, hold).await?;
    let Drawn { state, observed, desired, blueprint } = look(ready, choice).await?;
    ready.check_expected(&blueprint.plan)?;
    if blueprint.plan.changes == 0 {
        return Ok(report(&desired, &Outcome::default(), &state, started.elapsed()));
    }
    let shared = SharedState::start(ready.provider(), state).under(hold.lock()?);
    // Durable before the first request that carries any of it (I2).
    shared.update(|_| ()).await?;
    let session = session(ready, hold, shared, journal, &observed, desired, ready.no_resolver(), None);
    ready.phase(Phase::Apply);
    let events = ready.options.events.as_ref();
    let outcome = apply(&blueprint, &session, events, &ready.options.cancel, Limits::default()).await?;
    session.journal.compact().await?;
    let mut report = report(&session.desired, &outcome, &session.state.snapshot(), started.elapsed());
    if let Some(taken) = session.world().database_access.take() {
        report.database_access = Some(DatabaseAccessReport { way: taken.way, reason: taken.why });
    }
    if outcome.failed.is_empty() {
        return Ok(report);
    }
    Err(DeployFailure::of_rotation(DeployError::join(outcome.failed.into_values().collect()), &report))
}

/// Finds out what would have to be done. Makes only reads; what is new is in the state that it returns, and nowhere else.
async fn look(ready: &Ready, choice: &Choice) -> Result<Drawn, DeployError> {
    check_names(ready)?;
    let kept = ready.state().await?;
    ready.phase(Phase::Observe);
    let (observed, _) = ready.look(kept.as_ref()).await?;
    let mut state = kept.unwrap_or_else(|| State::new(ready.stage()));
    let entropy = ready.options.surroundings.entropy.as_ref();
    let recovered = recover(&mut state, &observed, &rotation::logins(&ready.declared), entropy)?;
    if !recovered.is_empty() {
        ready.warn("state-recovered", &format!("recovered from the server: {}", recovered.join(", ")), None);
    }
    let rotations = Selection { ready, choice, state: &state, observed: &observed }.rotations()?;
    rotation::begin(&mut state, &rotations, entropy);
    renew_secrets(ready, &mut state, &rotations);
    prepare::know_state(&ready.redactor, &state);
    let desired = want(ready, &state, &observed, rotations)?;
    ready.phase(Phase::Plan);
    let blueprint = draw_rotation(&desired, &observed, &state)?;
    ready.options.events.emit(DeployEvent::planned(&blueprint.plan));
    Ok(Drawn { state, observed, desired, blueprint })
}

/// Refuses apps that the workspace does not have.
fn check_names(ready: &Ready) -> Result<(), DeployError> {
    prepare::selected_apps(&ready.request.workspace, &ready.request.settings).map(drop)
}

/// Makes another value for every generated variable that gets one; one that an interrupted run made is kept.
fn renew_secrets(ready: &Ready, state: &mut State, rotations: &BTreeMap<String, DesiredRotation>) {
    for (app, rotation) in rotations {
        for name in &rotation.secrets {
            let begun = state.deploy_native.rotations.entry(app.clone()).or_default();
            if begun.secrets.insert(name.clone()) {
                let fresh = generate_secret(ready.options.surroundings.entropy.as_ref());
                state.generated_secrets.entry(app.clone()).or_default().insert(name.clone(), fresh);
            }
        }
    }
}

/// Which credentials of which apps are rotated.
struct Selection<'a> {
    ready: &'a Ready,
    choice: &'a Choice,
    state: &'a State,
    observed: &'a Observed,
}

impl Selection<'_> {
    /// The rotations that are asked for, and those that an interrupted run began.
    fn rotations(&self) -> Result<BTreeMap<String, DesiredRotation>, DeployError> {
        let named = self.ready.request.settings.apps.as_ref();
        let apps = || self.ready.declared.iter().filter(|app| named.is_none_or(|named| named.contains(app)));
        let mut rotations = rotation::unfinished(self.state, self.observed, apps());
        let mut faults = Vec::new();
        for app in apps() {
            if self.choice.passwords {
                match self.login(app) {
                    Ok(rotation) => drop(rotations.insert(app.clone(), rotation)),
                    Err(fault) if named.is_some() => faults.push(fault),
                    Err(_) => {}
                }
            }
            for name in &self.choice.secrets {
                match self.generated(app, name) {
                    Ok(()) => drop(rotations.entry(app.clone()).or_default().secrets.insert(name.clone())),
                    Err(fault) if named.is_some() => faults.push(fault),
                    Err(_) => {}
                }
            }
            self.add_begun_secrets(app, &mut rotations);
        }
        let nowhere = |name: &&String| !rotations.values().any(|rotation| rotation.secrets.contains(*name));
        if named.is_none() {
            faults.extend(self.choice.secrets.iter().filter(nowhere).map(|name| {
                format!("generatedSecrets: no app has a value of {name} that was generated: what you give is yours to change")
            }));
        }
        faults.extend(rotations.keys().filter_map(|app| self.unreadable(app)));
        if faults.is_empty() { Ok(rotations) } else { Err(refused(&faults)) }
    }

    /// Refuses an app of whose environment not everything is known: it could not stay as it is.
    fn unreadable(&self, app: &str) -> Option<String> {
        let templated = &self.observed.applications.get(app)?.templated;
        let names: Vec<&str> = templated.iter().map(String::as_str).collect();
        let reason = "were given a template of Docker Swarm on the server; a deployment puts back what is wanted";
        (!names.is_empty()).then(|| format!("apps: {} of {app} {reason}", names.join(", ")))
    }

    fn add_begun_secrets(&self, app: &str, rotations: &mut BTreeMap<String, DesiredRotation>) {
        let begun = self.state.deploy_native.rotations.get(app).filter(|begun| !begun.secrets.is_empty());
        if let Some(begun) = begun {
            rotations.entry(app.to_owned()).or_default().secrets.extend(begun.secrets.iter().cloned());
        }
    }

    fn login(&self, app: &str) -> Result<DesiredRotation, String> {
        if self.ready.request.workspace.services.db.is_none() {
            return Err(format!(
                "apps: {app} has no database user of ours: the workspace declares no services.db, so its DATABASE_URL is yours"
            ));
        }
        rotation::of_login(self.state, self.observed, app)
            .ok_or_else(|| format!("apps: {app} has no database user whose password could change; deploy it first"))
    }

    fn generated(&self, app: &str, name: &str) -> Result<(), String> {
        let begun = self.state.deploy_native.rotations.get(app).is_some_and(|begun| begun.secrets.contains(name));
        let generated = self.state.generated_secrets.get(app).and_then(|generated| generated.get(name));
        let stored = self.observed.applications.get(app).and_then(|found| found.env.get(name));
        match (generated, stored) {
            (Some(_), _) if begun => Ok(()),
            (Some(generated), Some(stored)) if generated != stored => Err(format!(
                "generatedSecrets: {name} of {app} is not generated: it runs with a value of yours, which is yours to change"
            )),
            (Some(_), _) => Ok(()),
            (None, _) => Err(format!(
                "generatedSecrets: {name} of {app} is not generated: change it where you keep it, and deploy"
            )),
        }
    }
}

fn refused(faults: &[String]) -> DeployError {
    DeployError::new(ErrorCode::InvalidRequest, faults.join("\n")).reason("not-rotatable").hint(
        "Only the passwords of database users that a deployment made, and values that it generated, can be rotated",
    )
}

/// What is to stand on the server: what stands there, with other credentials.
fn want(
    ready: &Ready,
    state: &State,
    observed: &Observed,
    rotations: BTreeMap<String, DesiredRotation>,
) -> Result<Desired, DeployError> {
    let mut desired = ready.nothing_desired();
    for (app, rotation) in &rotations {
        let found = observed.applications.get(app).filter(|found| found.newest_title.is_some());
        let Some((found, image)) = found.and_then(|found| Some((found, found.image.clone()?))) else { continue };
        if found.ownership == Ownership::Ours {
            let values = environment(state, observed, app, found, rotation);
            known(ready, &values);
            desired.apps.insert(app.clone(), running(ready, app, found, image, values));
        }
    }
    let route = desired::database_route(&ready.request, observed.postgres.as_ref(), state);
    let database = observed.postgres.as_ref().map(|found| (found.database.as_str(), found.user.as_str()));
    let (database, master) = database.unwrap_or_default();
    let roles = if database.is_empty() { None } else { ready.no_resolver().roles(state, database, master)? };
    desired.database = roles.map(|roles| DesiredDatabase {
        fingerprint: roles.fingerprint(),
        roles: BTreeMap::new(),
        retired: BTreeMap::new(),
        way: route.planned(),
    });
    desired.rotations = rotations;
    Ok(desired)
}

/// Adds what an app's environment holds to what must never be shown (I6): what of it is a secret is not known here.
fn known(ready: &Ready, env: &IndexMap<String, Secret>) {
    let plain = |name: &str| matches!(name, "PORT" | "NODE_ENV" | "STAGE");
    env.iter().filter(|(name, _)| !plain(name)).for_each(|(_, value)| ready.redactor.add(value));
}

/// The app as it is deployed.
fn running(
    ready: &Ready,
    app: &str,
    found: &ObservedApplication,
    image: String,
    values: IndexMap<String, Secret>,
) -> DesiredApp {
    let declared = &ready.request.workspace.apps[app];
    let registry = found.registry.clone();
    DesiredApp {
        name: app.to_owned(),
        app_type: declared.app_type,
        port: declared.port,
        host: ready.hosts.get(app).cloned().unwrap_or_default(),
        dependencies: Vec::new(),
        image: DesiredImage::Given { reference: image, exact: true },
        env: DesiredEnv { values, unknown: BTreeSet::new() },
        registry: registry.map(|(url, username, password)| DesiredRegistry { url, username, password }),
    }
}

/// The environment that the server stores for an app, with what of its credentials is new already.
fn environment(
    state: &State,
    observed: &Observed,
    app: &str,
    found: &ObservedApplication,
    rotation: &DesiredRotation,
) -> IndexMap<String, Secret> {
    let mut env = found.env.clone();
    let generated = state.generated_secrets.get(app);
    for name in &rotation.secrets {
        if let Some(value) = generated.and_then(|generated| generated.get(name)) {
            env.insert(name.clone(), value.clone());
        }
    }
    let login = state.app_credentials.get(app).filter(|_| rotation.login.is_some() && env.contains_key(DATABASE_URL));
    if let (Some(login), Some(postgres)) = (login, &observed.postgres) {
        let (host, database) = (Some(postgres.app_name.clone()), postgres.database.clone());
        let own = PostgresAddress::new(host, database, login.db_user.clone(), login.db_password.clone());
        env.extend(own.url().map(|url| (DATABASE_URL.to_owned(), url)));
    }
    env
}

fn report(desired: &Desired, outcome: &Outcome, state: &State, duration: Duration) -> RotationReport {
    let apps = desired.rotations.iter().map(|(app, rotation)| {
        let left = state.deploy_native.rotations.get(app);
        let mut credentials: Vec<String> = rotation.login.iter().map(|_| DATABASE_URL.to_owned()).collect();
        credentials.extend(rotation.secrets.iter().cloned());
        let error = outcome.failed.values().find(|error| error.app_name() == Some(app));
        RotatedApp {
            app_name: app.clone(),
            credentials,
            finished: left.is_none(),
            reason: error.map(|error| error.message().to_owned()),
        }
    });
    RotationReport {
        apps: apps.collect(),
        changes: outcome.changed.len(),
        database_access: None,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    }
}
