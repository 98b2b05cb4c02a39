//! Whether a state is older than what stands on the server: another checkout has deployed since (I2).
//!
//! Each run that changes something counts on: its state has the next number, and so has the title of each deployment that it
//! makes. A title with a higher number than the state's is of a run that the state has not seen; so is one with the same
//! number and another run, where two checkouts have counted on from the same one.

use super::desired::{DesiredApp, DesiredImage};
use super::fingerprint::DeploymentTitle;
use super::observed::{Observed, ObservedApplication, Ownership};
use crate::secrets::Secret;
use crate::state::State;
use crate::{DeployError, ErrorCode};
use std::collections::BTreeMap;

/// What of a state is older than the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    /// The number of the state.
    state: u64,
    /// The apps that a later run has deployed, and its number.
    apps: BTreeMap<String, u64>,
}

/// The highest number that a deployment of ours on the server has.
pub fn newest_serial(observed: &Observed) -> u64 {
    ours(observed).filter_map(|(_, found)| found.serial).max().unwrap_or_default()
}

/// The run that made the newest deployment of ours on the server.
pub fn newest_run(observed: &Observed) -> Option<&str> {
    ours(observed).max_by_key(|(_, found)| found.serial)?.1.serial_run.as_deref()
}

/// Finds what of `state` is older than the server; `None` when nothing is.
pub fn find_outdated(state: &State, observed: &Observed) -> Option<Outdated> {
    let (known, run) = (state.deploy_native.serial, state.deploy_native.run.as_deref());
    let of_another =
        |found: &ObservedApplication| run.is_some() && found.serial_run.is_some() && found.serial_run.as_deref() != run;
    let later = |(app, found): (&String, &ObservedApplication)| {
        let serial = found.serial.filter(|serial| *serial > known || *serial == known && of_another(found))?;
        Some((app.clone(), serial))
    };
    let apps: BTreeMap<String, u64> = ours(observed).filter_map(later).collect();
    (!apps.is_empty()).then_some(Outdated { state: known, apps })
}

fn ours(observed: &Observed) -> impl Iterator<Item = (&String, &ObservedApplication)> {
    observed.applications.iter().filter(|(_, found)| found.ownership == Ownership::Ours)
}

impl Outdated {
    /// The apps that a later run has deployed.
    pub fn apps(&self) -> impl Iterator<Item = &str> {
        self.apps.keys().map(String::as_str)
    }

    /// Refuses to put back an image that a later run has replaced: one that the state takes for what runs, and that this run
    /// wants for no other reason.
    ///
    /// # Errors
    ///
    /// `STATE_OUTDATED`, naming each app with both images.
    pub fn refuse_older_images<'a>(
        &self,
        state: &State,
        observed: &Observed,
        desired: impl IntoIterator<Item = &'a DesiredApp>,
    ) -> Result<(), DeployError> {
        let refused = desired.into_iter().filter_map(|desired| {
            let (serial, found) = (self.apps.get(&desired.name)?, observed.applications.get(&desired.name)?);
            let image = image_put_back(state, found, desired)?;
            let runs = found.image.as_deref().unwrap_or("none");
            Some(format!("{}: {runs} of run {serial} would become {image} again", desired.name))
        });
        let refused: Vec<String> = refused.collect();
        if refused.is_empty() { Ok(()) } else { Err(self.error(&state.stage, &refused)) }
    }

    fn error(&self, stage: &str, refused: &[String]) -> DeployError {
        let message = format!(
            "The state of stage `{stage}` is of run {}, and another checkout has deployed since:\n  {}",
            self.state,
            refused.join("\n  ")
        );
        DeployError::new(ErrorCode::StateOutdated, message).hint(format!(
            "Fetch the newest .gkm/deploy-{stage}.json, or move this one away, so that the run recovers it from the server; \
             update the checkout as well. If the older image is meant, deploy it after that"
        ))
    }

    /// Takes out of `state` what a later run may have changed, so that it is recovered from the server as if it had been lost;
    /// generated values that the server shows come from there. What it does not show is kept.
    pub fn forget(&self, state: &mut State, observed: &Observed) {
        for app in self.apps.keys() {
            let Some(found) = observed.applications.get(app) else { continue };
            take_secrets(state, app, found);
            // Without a login of its own on the server, the one of the state is the newest that there is.
            if found.env.contains_key("DATABASE_URL") {
                state.app_credentials.shift_remove(app);
            }
            state.applications.shift_remove(app);
            let ours = &mut state.deploy_native;
            ours.deployed.remove(app);
            ours.images.remove(app);
            ours.rotations.remove(app);
        }
        let ours = &mut state.deploy_native;
        // What was proven was proven of other roles.
        ours.database = None;
        let replaced = |known: &Option<String>, found: Option<&str>| found.is_some() && known.as_deref() != found;
        if replaced(&state.services.postgres_id, observed.postgres.as_ref().map(|found| found.id.as_str())) {
            ours.passwords.postgres = None;
        }
        if replaced(&state.services.redis_id, observed.redis.as_ref().map(|found| found.id.as_str())) {
            ours.passwords.redis = None;
        }
    }
}

/// Takes the values that the server stores for variables that were generated for an app.
fn take_secrets(state: &mut State, app: &str, found: &ObservedApplication) {
    let known = state.generated_secrets.get_mut(app).into_iter().flat_map(|secrets| secrets.iter_mut());
    for (variable, value) in known {
        if let Some(stored) = found.env.get(variable) {
            *value = Secret::clone(stored);
        }
    }
}

/// The image that would take the place of the one that a later run has deployed, where the state is all that speaks for it.
fn image_put_back(state: &State, found: &ObservedApplication, desired: &DesiredApp) -> Option<String> {
    let ours = &state.deploy_native;
    match &desired.image {
        DesiredImage::Given { reference, .. } => {
            let is_former = ours.deployed.get(&desired.name).is_some_and(|deployed| deployed.image == *reference);
            let runs = found.image.as_deref() == Some(reference);
            (is_former && !runs).then(|| reference.clone())
        }
        DesiredImage::Build { fingerprint: Some(fingerprint), .. } => {
            let former = ours.images.get(&desired.name).filter(|pushed| pushed.fingerprint == *fingerprint)?;
            let source = DeploymentTitle::parse(found.newest_title.as_deref()?)?.image;
            (source.as_ref() != Some(fingerprint)).then(|| former.reference.clone())
        }
        DesiredImage::Build { fingerprint: None, .. } => None,
    }
}

#[cfg(test)]
mod tests;
