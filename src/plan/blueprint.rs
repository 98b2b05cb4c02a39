//! The planner: compares what is wanted with what is observed, and writes down the steps.

use super::desired::Desired;
use super::observed::{Observed, Ownership, Twin, TwinKind, Vanished};
use super::operation::Operation;
use super::step::{Action, DeployPlan, Step, VariableChange};
use super::{app, domain, record, rotation, service};
use crate::state::State;
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::BTreeMap;

/// A plan together with what its steps really do.
#[derive(Debug, Clone, Default)]
pub struct Blueprint {
    /// The plan as users see it.
    pub plan: DeployPlan,
    /// What each step does, by its id.
    pub operations: IndexMap<String, Operation>,
    /// Of those a step depends on, the ones that it waits for and whose failure does not stop it, by its id.
    pub soft: BTreeMap<String, Vec<String>>,
    /// Why each app that has nothing to do has nothing to do.
    pub unchanged: BTreeMap<String, String>,
}

/// Collects steps while the plan is made.
pub(super) struct Draft<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) state: &'a State,
    blueprint: Blueprint,
    pub(super) errors: Vec<DeployError>,
}

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
    record::add(&mut draft);
    for name in desired.apps.keys() {
        app::add(&mut draft, name);
    }
    domain::detach_former(&mut draft);
    record::retire(&mut draft);
    rotation::add(&mut draft);
    draft.finish()
}

impl<'a> Draft<'a> {
    /// A draft of a plan, without steps.
    pub(super) fn new(desired: &'a Desired, observed: &'a Observed, state: &'a State) -> Self {
        let mut draft = Self { desired, observed, state, blueprint: Blueprint::default(), errors: Vec::new() };
        draft.blueprint.plan.stage.clone_from(&desired.stage);
        draft
    }
}

impl Draft<'_> {
    /// Adds a step with its operation.
    pub(super) fn push(&mut self, step: Step, operation: Operation) {
        self.blueprint.operations.insert(step.id.clone(), operation);
        self.blueprint.plan.steps.push(step);
    }

    /// Adds a step that changes nothing.
    pub(super) fn keep(&mut self, id: &str, resource: &str, reason: &str) {
        self.push(Step::new(id, Action::Keep, resource, reason), Operation::Keep);
    }

    /// Tells the user something that is not a step.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        self.blueprint.plan.notes.push(note.into());
    }

    /// Says why an app has nothing to do.
    pub(super) fn unchanged(&mut self, app: &str, reason: &str) {
        self.blueprint.unchanged.insert(app.to_owned(), reason.to_owned());
    }

    /// Whether a step of this id is in the plan and changes something.
    pub(super) fn changes(&self, id: &str) -> bool {
        self.blueprint.operations.get(id).is_some_and(|operation| *operation != Operation::Keep)
    }

    /// The step that detaches a domain, by the domain's id.
    pub(super) fn detaches(&self, domain: &str) -> Option<String> {
        let detach = |operation: &Operation| matches!(operation, Operation::DetachDomain { id, .. } if id == domain);
        self.blueprint.operations.iter().find(|(_, operation)| detach(operation)).map(|(step, _)| step.clone())
    }

    /// Those of `ids` that are in the plan and change something.
    pub(super) fn only_changing<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Vec<String> {
        ids.into_iter().filter(|id| self.changes(id)).map(str::to_owned).collect()
    }

    /// Adds a step that goes on when one of `soft`, which it waits for, did not succeed.
    pub(super) fn push_despite(&mut self, mut step: Step, operation: Operation, soft: Vec<String>) {
        step.depends_on.extend(soft.iter().cloned());
        self.blueprint.soft.insert(step.id.clone(), soft);
        self.push(step, operation);
    }

    /// What an interrupted run left behind: an open port, and the twins that `concerns` picks.
    pub(super) fn interrupted(&mut self, concerns: impl Fn(TwinKind) -> bool) {
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
            self.push(Step::removing(twin), Operation::RemoveTwin(twin.clone()));
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

    pub(super) fn finish(mut self) -> Result<Blueprint, DeployError> {
        if !self.errors.is_empty() {
            return Err(DeployError::join(self.errors));
        }
        if !self.desired.rotations.is_empty() {
            self.blueprint.plan.steps = in_order(std::mem::take(&mut self.blueprint.plan.steps));
        }
        self.blueprint.plan.recount();
        if self.blueprint.plan.changes == 0 {
            self.blueprint.operations.clear();
        }
        Ok(self.blueprint)
    }
}

/// Puts every step behind those that it depends on, and leaves the order as it is otherwise.
fn in_order(steps: Vec<Step>) -> Vec<Step> {
    let (mut waiting, mut ordered) = (steps, Vec::<Step>::new());
    while !waiting.is_empty() {
        let open = |step: &Step| step.depends_on.iter().any(|id| waiting.iter().any(|other| other.id == *id));
        let Some(next) = waiting.iter().position(|step| !open(step)) else {
            // A circle cannot be drawn; it would wait forever wherever it stands.
            ordered.append(&mut waiting);
            break;
        };
        ordered.push(waiting.remove(next));
    }
    ordered
}

/// The error of a resource that stands where ours should be.
pub(super) fn not_ours(resource: &str) -> DeployError {
    DeployError::new(
        ErrorCode::ResourceNotOurs,
        format!(
            "{resource} exists on the server and is not ours: neither the state names it nor does it carry our mark"
        ),
    )
    .resource(resource)
}

impl Step {
    /// A step without dependencies, variables or details.
    pub fn new(id: &str, action: Action, resource: &str, reason: &str) -> Self {
        Self {
            id: id.to_owned(),
            action,
            resource: resource.to_owned(),
            app: None,
            reason: reason.to_owned(),
            depends_on: Vec::new(),
            variables: Vec::<VariableChange>::new(),
            restarts: Vec::new(),
            opens_port: false,
            details: Vec::new(),
        }
    }

    /// The step that removes an idle twin.
    pub(super) fn removing(twin: &Twin) -> Self {
        let resource = format!("{:?} {}", twin.kind, twin.name).to_lowercase();
        let reason = match twin.kind {
            TwinKind::Job => "an interrupted run left it behind",
            _ => "an interrupted create left it idle beside the one in use",
        };
        Self::new(&format!("twin:{}", twin.id), Action::Delete, &resource, reason)
    }
}
