//! The steps of the database's backups.

use super::blueprint::Draft;
use super::operation::Operation;
use super::step::{Action, Step};

/// The step that sets the backups up.
const ID: &str = "database:backups";

/// What it is about, in words.
const RESOURCE: &str = "backups of the database";

/// Adds the step that sets the backups up, or makes them right.
pub(super) fn add(draft: &mut Draft<'_>) {
    let Some(schedule) = &draft.desired.backups else { return };
    if draft.desired.postgres.is_none() {
        return draft.note("deploy.backups: the workspace declares no database, so there is nothing to back up");
    }
    let reasons = &draft.observed.backups;
    if reasons.is_empty() {
        return draft.keep(ID, RESOURCE, "are made as wanted");
    }
    let new = draft.state.backups.is_none();
    let action = if new { Action::Create } else { Action::Update };
    let mut step = Step::new(ID, action, RESOURCE, &reasons.join("; "));
    step.details.push(format!("{schedule}, in a bucket of their own"));
    step.depends_on = draft.only_changing(["environment", "service:postgres"]);
    draft.push(step, Operation::SetUpBackups);
}
