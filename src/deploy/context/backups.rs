//! What a run does about the backups of the database.

use super::amazon::aws_options;
use super::run::RunContext;
use super::scope::RunScope;
use crate::aws::AwsOptions;
use crate::backup::BackupPlan;
use crate::state::State;
use crate::workspace::AwsAccount;

/// What a run does about the backups of the database: what is declared, and with whose account.
pub(crate) struct Backups {
    /// What is to be backed up; `None` when the workspace declares none or the run is about something else.
    pub(crate) plan: Option<BackupPlan>,
    /// The account.
    pub(crate) aws: AwsOptions,
}

impl Backups {
    /// Those of a run; a bucket that the state knows is reached with the same account when none is declared any more.
    pub(crate) fn of(context: &RunContext, state: Option<&State>) -> Self {
        let (workspace, settings) = (&context.request.workspace, &context.request.settings);
        let declared = workspace.deploy.backups.as_ref();
        let region = || Some(state?.backups.as_ref()?.region.clone());
        let account = declared.map_or_else(
            || AwsAccount { region: region(), ..AwsAccount::default() },
            |declared| declared.account.clone(),
        );
        let wanted = declared.filter(|_| context.scope == RunScope::Workspace && workspace.services.db.is_some());
        let plan = wanted.map(|declared| BackupPlan {
            workspace: workspace.name.clone(),
            stage: settings.stage.clone(),
            schedule: declared.schedule.clone(),
            retention: declared.retention,
            database: workspace.database_name(),
        });
        Self { plan, aws: aws_options(&account, &settings.credentials, &context.options.surroundings) }
    }
}
