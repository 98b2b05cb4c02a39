//! A run that failed, with what it did all the same.

use super::deploy::DeployReport;
use super::rotation::RotationReport;
use super::undeploy::UndeployReport;
use crate::DeployError;
use std::fmt;

/// A run that failed, with what succeeded all the same.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeployFailure {
    /// Why.
    pub error: DeployError,
    /// What became of each app; absent when nothing was begun.
    pub report: Option<Box<DeployReport>>,
}

impl fmt::Display for DeployFailure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl std::error::Error for DeployFailure {}

impl DeployFailure {
    /// The failure of an undeployment, with what was removed all the same.
    pub(crate) fn of_undeploy(error: DeployError, report: &UndeployReport) -> Self {
        let removed: Vec<&str> = report.removed.iter().chain(&report.restored).map(String::as_str).collect();
        let hint = if removed.is_empty() {
            "Nothing was removed; the next run tries again".to_owned()
        } else {
            format!("Removed all the same: {}; the next run removes the rest", removed.join(", "))
        };
        Self { error: if error.hint_text().is_none() { error.hint(hint) } else { error }, report: None }
    }
}

impl DeployFailure {
    /// The failure of a rotation, with what was finished all the same.
    pub(crate) fn of_rotation(error: DeployError, report: &RotationReport) -> Self {
        let names = |finished: bool| -> Vec<&str> {
            let apps = report.apps.iter().filter(|app| app.finished == finished);
            apps.map(|app| app.app_name.as_str()).collect()
        };
        let hint = format!(
            "Nothing is locked out. Run it again, or deploy, to finish {}{}",
            names(false).join(", "),
            if names(true).is_empty() { String::new() } else { format!("; finished: {}", names(true).join(", ")) }
        );
        let hint = error.hint_text().map_or_else(|| hint.clone(), |first| format!("{first}. {hint}"));
        Self { error: error.hint(hint), report: None }
    }
}

impl DeployFailure {
    /// The same, with an error whose texts are as `redact` leaves them.
    #[must_use]
    pub(crate) fn redacted(self, redact: &dyn Fn(&str) -> String) -> Self {
        Self { error: self.error.redacted(redact), ..self }
    }

    /// Names the stage of the run.
    #[must_use]
    pub(crate) fn of_stage(self, stage: &str) -> Self {
        Self { error: self.error.stage(stage), ..self }
    }
}

impl AsRef<DeployError> for DeployFailure {
    fn as_ref(&self) -> &DeployError {
        &self.error
    }
}

impl From<DeployFailure> for DeployError {
    /// Drops the report.
    fn from(failure: DeployFailure) -> Self {
        failure.error
    }
}

impl From<DeployError> for DeployFailure {
    fn from(error: DeployError) -> Self {
        Self { error, report: None }
    }
}
