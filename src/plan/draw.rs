//! The planner: compares the desired state with the observed one, and writes down the steps.

use super::blueprint::{Blueprint, Draft};
use super::desired::Desired;
use super::observed::{Observed, Ownership, TwinKind, Vanished};
use super::operation::Operation;
use super::step::{Action, Step};
use super::{app, backup, domain, record, release, rotation, service};
use crate::DeployError;
use crate::state::State;

/// Compares what is wanted with what is observed and writes down the steps, in an order that respects their dependencies.
///
/// # Errors
///
/// `RESOURCE_NOT_OURS` and `DNS_RECORD_FOREIGN` (I8), all of them at once.
pub fn draw(desired: &Desired, observed: &Observed, state: &State) -> Result<Blueprint, DeployError> {
    let mut draft = Draft::new(desired, observed, state);
    draft.interrupted(|_| true);
    draft.surprises();
    draft.project();
    service::add(&mut draft);
    draft.database();
    backup::add(&mut draft);
    release::close_logins(&mut draft);
    record::add(&mut draft);
    for name in desired.apps.keys() {
        app::add(&mut draft, name);
    }
    domain::detach_former(&mut draft);
    record::retire(&mut draft);
    rotation::add(&mut draft);
    draft.finish()
}

/// Writes down the steps that change the credentials of `desired.rotations`, and nothing else.
///
/// # Errors
///
/// `RESOURCE_NOT_OURS` (I8).
pub fn draw_rotation(desired: &Desired, observed: &Observed, state: &State) -> Result<Blueprint, DeployError> {
    let mut draft = Draft::new(desired, observed, state);
    // A job still carries the database's master password.
    draft.interrupted(|kind| kind == TwinKind::Job);
    for name in desired.apps.keys() {
        app::renew(&mut draft, name);
    }
    rotation::add(&mut draft);
    draft.finish()
}

impl Draft<'_> {
    /// What an interrupted run left behind: an open port, and the twins that `concerns` picks.
    fn interrupted(&mut self, concerns: impl Fn(TwinKind) -> bool) {
        if self.observed.open_port.is_some() {
            let mut step = Step::new(
                "database:close-port",
                Action::Update,
                "external port of the database",
                "an interrupted run left it open",
            );
            step.restarts.push("postgres".to_owned());
            self.push(step, Operation::ClosePort);
        }
        for twin in self.observed.twins.iter().filter(|twin| concerns(twin.kind)) {
            match twin.kind {
                TwinKind::Release => release::finish(self, twin),
                _ => self.push(Step::removing(twin), Operation::RemoveTwin(twin.clone())),
            }
        }
    }

    /// What the user should know of what was found.
    fn surprises(&mut self) {
        if let Some(former) = &self.observed.former_server {
            self.note(format!(
                "the state is of {former}, and this server does not have its project: everything is made anew here, and \
                 what stands there stays"
            ));
        }
        for name in &self.observed.orphans {
            self.note(format!(
                "application {name} is ours and the workspace no longer declares it: it stays; undeploy it with apps: ['{name}']"
            ));
        }
        for gone in &self.observed.vanished {
            let (resource, desired) = match gone {
                Vanished::Application(app) => (format!("application {app}"), self.desired.apps.contains_key(app)),
                Vanished::Postgres => ("postgres db, with its data,".to_owned(), self.desired.postgres.is_some()),
                Vanished::Redis => ("redis cache".to_owned(), self.desired.redis.is_some()),
            };
            let then = if desired { ": it is created again" } else { "; this run is not asked for it" };
            self.note(format!("{resource} was removed from the server behind our back{then}"));
        }
    }

    fn project(&mut self) {
        let resource = format!("project {}", self.desired.workspace);
        match &self.observed.project {
            None => self.push(
                Step::new("project", Action::Create, &resource, "there is none of this name"),
                Operation::CreateProject,
            ),
            Some(project) => {
                let reason = match project.ownership {
                    Ownership::Ours => "exists",
                    Ownership::Foreign => "exists and is not ours: it is used and never changed or removed",
                };
                self.keep("project", &resource, reason);
            }
        }
        let resource = format!("environment {}", self.desired.stage);
        match &self.observed.environment {
            None => {
                let mut step = Step::new("environment", Action::Create, &resource, "there is none of this name");
                step.depends_on = self.only_changing(["project"]);
                self.push(step, Operation::CreateEnvironment);
            }
            Some(environment) if environment.ownership == Ownership::Ours && !environment.marked => self.push(
                Step::new("environment", Action::Update, &resource, "it lacks our mark"),
                Operation::MarkEnvironment,
            ),
            Some(_) => self.keep("environment", &resource, "exists"),
        }
    }

    fn database(&mut self) {
        let Some(desired) = self.desired.database.as_ref() else { return };
        let applied = self.state.deploy_native.database.as_deref() == Some(desired.fingerprint.as_str());
        if applied && !self.changes("service:postgres") {
            self.keep("database:roles", "database roles", "roles and schemas are as they were last applied and proven");
            for (app, role) in &desired.retired {
                self.note(format!(
                    "role \"{role}\" may not log in, and its data stays: the workspace no longer declares {app}; undeploy it \
                     with apps: ['{app}'] and deleteData to remove both"
                ));
            }
            return;
        }
        let reason = if self.state.deploy_native.database.is_some() {
            "roles or schemas changed"
        } else {
            "they were never applied"
        };
        let mut step = Step::new("database:roles", Action::Update, "database roles", reason);
        step.depends_on = self.only_changing(["service:postgres", "database:close-port"]);
        step.details = desired.roles.iter().map(|(app, role)| format!("{app}: {role}")).collect();
        step.details.extend(desired.retired.iter().map(|(app, role)| {
            format!(
                "{app}: role \"{role}\" may no longer log in, its data stays: the workspace no longer declares the app"
            )
        }));
        desired.way.show_in(&mut step);
        self.push(step, Operation::ApplyRoles);
    }
}
