//! Which credentials a run changes, and how far an interrupted one came with them.

use super::resolver::DATABASE_URL;
use crate::plan::{DesiredRotation, GeneratedNeeds, LoginStage, Observed, ObservedApplication, Ownership, Runs};
use crate::postgres::second_login_name;
use crate::secrets::{Entropy, generate_password};
use crate::state::{LoginRotation, RotationPhase, State};
use serde_json::Map;
use std::collections::BTreeMap;
use url::Url;

/// The logins of apps of which nothing is generated, by which a lost state is recovered.
pub(crate) fn logins<'a>(apps: impl IntoIterator<Item = &'a String>) -> BTreeMap<String, GeneratedNeeds> {
    let login = |app: &String| GeneratedNeeds {
        role: app.clone(),
        second_login: second_login_name(app),
        ..GeneratedNeeds::default()
    };
    apps.into_iter().map(|app| (app.clone(), login(app))).collect()
}

/// The rotations of apps that an interrupted run began: the next one finishes them.
pub(super) fn unfinished<'a>(
    state: &State,
    observed: &Observed,
    apps: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<String, DesiredRotation> {
    let begun = apps
        .into_iter()
        .filter(|app| state.deploy_native.rotations.get(*app).is_some_and(|rotation| rotation.login.is_some()));
    begun.filter_map(|app| Some((app.clone(), of_login(state, observed, app)?))).collect()
}

/// What the database login of an app has to go through until it has another password; `None` when it has none.
pub(super) fn of_login(state: &State, observed: &Observed, app: &str) -> Option<DesiredRotation> {
    let role = state.app_credentials.get(app)?.db_user.clone();
    let second = second_login_name(&role);
    observed.postgres.as_ref().filter(|found| found.ownership == Ownership::Ours)?;
    let found = observed.applications.get(app).filter(|found| found.ownership == Ownership::Ours);
    let begun = state.deploy_native.rotations.get(app).and_then(|rotation| rotation.login.as_ref());
    let phase = begun.map(|login| login.phase);
    let user = found.and_then(|found| user_of(observed, found));
    let login = match phase {
        Some(RotationPhase::Changed) if user.is_some() => LoginStage::Return,
        Some(RotationPhase::Changed | RotationPhase::Returned) => LoginStage::Close,
        Some(RotationPhase::SecondRuns)
            if user.as_deref() == Some(&second)
                && found.is_some_and(|found| found.newest_done && matches!(found.runs, Runs::AsStored { .. })) =>
        {
            LoginStage::Change
        }
        _ if user.is_some() => LoginStage::Whole,
        _ => LoginStage::Idle,
    };
    Some(DesiredRotation { login: Some(login), role, second, ..DesiredRotation::default() })
}

/// The user with whom an application that was deployed logs in to our database, as the server stores it.
fn user_of(observed: &Observed, found: &ObservedApplication) -> Option<String> {
    found.newest_title.as_ref()?;
    let url = Url::parse(found.env.get(DATABASE_URL)?.expose()).ok()?;
    let ours = observed.postgres.as_ref()?.app_name.as_str();
    let user = percent_encoding::percent_decode_str(url.username()).decode_utf8().ok()?;
    (url.host_str() == Some(ours)).then(|| user.into_owned())
}

/// Puts the new passwords of `rotations` into the state, where they are not from an earlier run.
///
/// An app that has to go the whole way again has not been seen running with its second login.
pub(crate) fn begin(state: &mut State, rotations: &BTreeMap<String, DesiredRotation>, entropy: &dyn Entropy) {
    for (app, desired) in rotations {
        let Some(stage) = desired.login else { continue };
        let rotation = state.deploy_native.rotations.entry(app.clone()).or_default();
        let login = rotation.login.get_or_insert_with(|| LoginRotation {
            interim: generate_password(entropy),
            next: generate_password(entropy),
            phase: RotationPhase::Begun,
            unknown: Map::new(),
        });
        if matches!(stage, LoginStage::Whole | LoginStage::Idle) {
            login.phase = RotationPhase::Begun;
        }
    }
}
