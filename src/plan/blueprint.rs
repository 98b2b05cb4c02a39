//! A plan in the making: its steps, and what each of them does.

use super::desired::Desired;
use super::observed::Observed;
use super::operation::Operation;
use super::step::{Action, DeployPlan, Step};
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
    /// Of those a step depends on, the ones of which it only waits until what they bring about serves, by its id.
    pub early: BTreeMap<String, Vec<String>>,
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

    /// The steps of which `is` says that they do this.
    pub(super) fn steps_that(&self, is: impl Fn(&Operation) -> bool) -> Vec<String> {
        self.blueprint.operations.iter().filter(|(_, operation)| is(operation)).map(|(step, _)| step.clone()).collect()
    }

    /// Those of `ids` that are in the plan and change something.
    pub(super) fn only_changing<'i>(&self, ids: impl IntoIterator<Item = &'i str>) -> Vec<String> {
        ids.into_iter().filter(|id| self.changes(id)).map(str::to_owned).collect()
    }

    /// Adds a step that only waits until each of `early` serves.
    pub(super) fn push_early(&mut self, mut step: Step, operation: Operation, early: Vec<String>) {
        step.depends_on.extend(early.iter().cloned());
        self.blueprint.early.insert(step.id.clone(), early);
        self.push(step, operation);
    }

    /// Adds a step that goes on when one of `soft`, which it waits for, did not succeed.
    pub(super) fn push_despite(&mut self, mut step: Step, operation: Operation, soft: Vec<String>) {
        step.depends_on.extend(soft.iter().cloned());
        self.blueprint.soft.insert(step.id.clone(), soft);
        self.push(step, operation);
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
