//! How much of a workspace a run concerns.

use crate::deploy::request::WaitFor;
use crate::dokploy::Access;
use crate::plan::{Blueprint, Operation, TwinKind};

/// How much of a workspace a run concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunScope {
    /// Everything that the workspace declares.
    Workspace,
    /// Project, environment and services.
    Services,
    /// These, and the roles of the database.
    DatabaseUsers,
    /// The credentials of apps that run.
    Credentials,
    /// Apps that go back to an earlier deployment.
    Past,
    /// What stands on the server, whatever the workspace declares today.
    Deployed,
}

impl RunScope {
    /// Whether the run deploys apps that the workspace declares; one that only concerns what is deployed does not need
    /// them to be declared any more.
    pub(crate) const fn selects_apps(self) -> bool {
        matches!(self, Self::Workspace | Self::Services | Self::DatabaseUsers)
    }

    /// What our key must be allowed to look at, as far as the request tells.
    pub(crate) fn access(self, wait_for: WaitFor) -> Access {
        match self {
            Self::Deployed => Access::default(),
            Self::Credentials => Access::ALL,
            Self::Workspace | Self::Services | Self::DatabaseUsers | Self::Past => {
                Access { containers: wait_for == WaitFor::Running, queue: wait_for > WaitFor::Queued }
            }
        }
    }

    /// Leaves only the steps of this scope in a plan.
    pub(crate) fn narrow(self, blueprint: &mut Blueprint) {
        let Blueprint { plan, operations, .. } = blueprint;
        operations.retain(|_, operation| self.contains(operation));
        plan.steps.retain(|step| operations.contains_key(&step.id));
        plan.recount();
        if plan.changes == 0 {
            operations.clear();
        }
    }

    fn contains(self, operation: &Operation) -> bool {
        match self {
            Self::Workspace | Self::Credentials | Self::Past | Self::Deployed => true,
            Self::Services | Self::DatabaseUsers => match operation {
                Operation::ApplyRoles => self == Self::DatabaseUsers,
                // It still carries the database's master password.
                Operation::RemoveTwin(twin) => twin.kind == TwinKind::Job,
                Operation::Keep
                | Operation::ClosePort
                | Operation::CreateProject
                | Operation::CreateEnvironment
                | Operation::MarkEnvironment
                | Operation::ProvisionPostgres
                | Operation::ProvisionRedis => true,
                _ => false,
            },
        }
    }
}
