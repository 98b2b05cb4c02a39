//! What a step does, in words: while it does it, and when it has done it.

use super::operation::Operation;
use super::step::{Action, Step};

/// A step in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// What it is doing, for instance `Creating project shop`.
    pub doing: String,
    /// What it has done, for instance `Created project shop`.
    pub done: String,
}

impl Step {
    /// Says what this step does, which `operation` carries out.
    pub fn wording(&self, operation: &Operation) -> Wording {
        let resource = self.resource.as_str();
        let (doing, done, what) = match operation {
            Operation::MarkEnvironment | Operation::MarkApplication { .. } => {
                let doing = format!("Marking {resource} as ours");
                return Wording { doing, done: format!("Marked {resource} as ours") };
            }
            Operation::Keep => ("Keeping", "Kept", resource),
            Operation::ClosePort => ("Closing", "Closed", resource),
            Operation::SetUpBackups => ("Setting up", "Set up", resource),
            Operation::BackUpLast => ("Making", "Made", resource),
            Operation::ApplyRoles => ("Setting up", "Set up", "database users and schemas"),
            Operation::ProveIsolation => ("Proving", "Proved", "the isolation of the apps' roles"),
            Operation::WriteRecord { .. } if self.action == Action::Update => ("Replacing", "Replaced", resource),
            Operation::VerifyRecord { host } => {
                ("Waiting for the name servers of", "The name servers know", host.as_str())
            }
            Operation::BuildImage { .. } => ("Building", "Built", resource),
            Operation::Configure { .. } => ("Saving", "Saved", resource),
            Operation::Release { app } => {
                return Wording {
                    doing: format!("Running the release of {app}"),
                    done: format!("Ran the release of {app}"),
                };
            }
            Operation::FinishRelease(twin) => {
                let what = &twin.name;
                return Wording {
                    doing: format!("Finding out how {what} ended"),
                    done: format!("Found out how {what} ended"),
                };
            }
            Operation::Deploy { app, .. } => ("Deploying", "Deployed", app.as_str()),
            Operation::ProvisionPostgres | Operation::ProvisionRedis if self.action == Action::Update => {
                ("Deploying", "Deployed", resource)
            }
            Operation::ChangePasswords { .. } => ("Changing", "Changed", resource),
            Operation::AttachDomain { existing: None, .. } => ("Attaching", "Attached", resource),
            Operation::AttachDomain { .. } => ("Setting right", "Set right", resource),
            Operation::DetachDomain { .. } => ("Detaching", "Detached", resource),
            Operation::CreateProject
            | Operation::CreateEnvironment
            | Operation::ProvisionPostgres
            | Operation::ProvisionRedis
            | Operation::WriteRecord { .. }
            | Operation::CreateApplication { .. }
            | Operation::OpenSecondLogins { .. } => ("Creating", "Created", resource),
            Operation::RemoveTwin(_)
            | Operation::CloseSecondLogins { .. }
            | Operation::CloseOwnerLogins { .. }
            | Operation::RemoveApplication { .. }
            | Operation::RestoreRecord { .. }
            | Operation::DropRoles { .. }
            | Operation::RemoveBackups
            | Operation::DeleteBackups
            | Operation::RemovePostgres
            | Operation::RemoveRedis
            | Operation::RemoveEnvironment
            | Operation::RemoveProject => ("Removing", "Removed", resource),
        };
        Wording { doing: format!("{doing} {what}"), done: format!("{done} {what}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::DatabaseLogin;

    fn done(action: Action, resource: &str, operation: &Operation) -> String {
        Step::new("id", action, resource, "there is none of this name").wording(operation).done
    }

    #[test]
    fn a_finished_step_says_what_it_did_and_not_why() {
        let app = || "auth".to_owned();
        for (action, resource, operation, expected) in [
            (Action::Create, "project shop", Operation::CreateProject, "Created project shop"),
            (Action::Update, "postgres db", Operation::ProvisionPostgres, "Deployed postgres db"),
            (Action::Update, "environment staging", Operation::MarkEnvironment, "Marked environment staging as ours"),
            (Action::Update, "record a.b A", Operation::WriteRecord { host: "a.b".into() }, "Replaced record a.b A"),
            (Action::Delete, "postgres db", Operation::RemovePostgres, "Removed postgres db"),
            (
                Action::Update,
                "deployment of auth",
                Operation::Deploy { app: app(), login: DatabaseLogin::Own, unless: None },
                "Deployed auth",
            ),
        ] {
            assert_eq!(done(action, resource, &operation), expected);
        }
    }
}
