//! A plan and its steps.

use super::observed::{Twin, TwinKind};
use crate::env::VariableChange;
use serde::{Deserialize, Serialize};

/// The ordered graph of steps that turns what is observed into what is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DeployPlan {
    /// The stage.
    pub stage: String,
    /// The steps; one depends only on earlier ones.
    pub steps: Vec<Step>,
    /// How many of them change something.
    pub changes: usize,
    /// What changed behind our back, and what the user should know.
    pub notes: Vec<String>,
}

impl DeployPlan {
    /// Counts the changes anew; a plan that changes nothing has no steps.
    pub(crate) fn recount(&mut self) {
        self.changes = self.steps.iter().filter(|step| step.action != Action::Keep).count();
        if self.changes == 0 {
            self.steps.clear();
        }
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Step {
    /// Stable between runs, for instance `app:auth:deploy`.
    pub id: String,
    /// What it does.
    pub action: Action,
    /// To what, for instance `application auth`.
    pub resource: String,
    /// The app it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Why.
    pub reason: String,
    /// The ids of the steps that come first.
    pub depends_on: Vec<String>,
    /// The variables that change, without their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<VariableChange>,
    /// What restarts because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restarts: Vec<String>,
    /// Whether it opens the database's external port for a while; one that does so only if another way fails says no.
    pub opens_port: bool,
    /// What it does, further: what is replaced, what is known only after apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
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
            variables: Vec::new(),
            restarts: Vec::new(),
            opens_port: false,
            details: Vec::new(),
        }
    }

    /// The step that removes an idle twin.
    pub(super) fn removing(twin: &Twin) -> Self {
        let resource = format!("{:?} {}", twin.kind, twin.name).to_lowercase();
        let reason = match twin.kind {
            TwinKind::Job | TwinKind::Release => "an interrupted run left it behind",
            _ => "an interrupted create left it idle beside the one in use",
        };
        Self::new(&format!("twin:{}", twin.id), Action::Delete, &resource, reason)
    }
}

/// What a step does to its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Action {
    /// Makes it.
    Create,
    /// Changes it.
    Update,
    /// Leaves it as it is.
    Keep,
    /// Removes it.
    Delete,
}

impl Action {
    /// The name in a plan.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Keep => "keep",
            Self::Delete => "delete",
        }
    }
}
