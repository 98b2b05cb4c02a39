//! Which credentials of which apps a rotation changes.

use super::login_rotation;
use crate::deploy::context::RunContext;
use crate::deploy::request::RotationChoice;
use crate::plan::{DesiredRotation, Observed};
use crate::state::State;
use crate::{DeployError, ErrorCode};
use std::collections::BTreeMap;

/// Which credentials of which apps are rotated.
pub(super) struct RotationSelection<'a> {
    pub(super) context: &'a RunContext,
    pub(super) choice: &'a RotationChoice,
    pub(super) state: &'a State,
    pub(super) observed: &'a Observed,
}

impl RotationSelection<'_> {
    /// The rotations that are asked for, and those that an interrupted run began.
    pub(super) fn rotations(&self) -> Result<BTreeMap<String, DesiredRotation>, DeployError> {
        let named = self.context.request.settings.apps.as_ref();
        let apps = || self.context.declared.iter().filter(|app| named.is_none_or(|named| named.contains(app)));
        let mut rotations = login_rotation::unfinished(self.state, self.observed, apps());
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
        if self.context.request.workspace.services.db.is_none() {
            return Err(format!(
                "apps: {app} has no database user of ours: the workspace declares no services.db, so its DATABASE_URL is yours"
            ));
        }
        login_rotation::of_login(self.state, self.observed, app)
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
