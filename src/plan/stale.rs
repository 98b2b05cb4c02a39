//! Whether a plan that a caller was shown is still what would be done.

use super::step::{Action, DeployPlan, Step};
use crate::{DeployError, ErrorCode};
use std::collections::{BTreeMap, BTreeSet};

/// What a run does by itself before it looks, so that its own plan never has it (I1).
const DONE_BEFORE: &str = "database:close-port";

/// Compares a plan that was shown with the one of today: their changes, why each is made, and what it comes to.
///
/// What may differ: the order, what stays, the notes, and the tag of an image that is yet to be built.
///
/// # Errors
///
/// `PLAN_STALE`, naming every step that differs.
pub fn check_still_true(shown: &DeployPlan, today: &DeployPlan) -> Result<(), DeployError> {
    if shown.stage != today.stage {
        let message = format!("The plan that was shown is for stage `{}`, not `{}`", shown.stage, today.stage);
        return Err(stale(message));
    }
    let (shown, today) = (changes(shown), changes(today));
    let ids: BTreeSet<&str> = shown.keys().chain(today.keys()).copied().collect();
    let differences: Vec<String> = ids
        .into_iter()
        .filter_map(|id| match (shown.get(id), today.get(id)) {
            (Some(shown), Some(today)) => differs(shown, today).map(|how| format!("{id}: {how}")),
            (Some(_), None) => Some(format!("{id}: nothing to do any more")),
            (None, Some(today)) => Some(format!("{id}: new ({})", today.reason)),
            (None, None) => None,
        })
        .collect();
    if differences.is_empty() {
        return Ok(());
    }
    Err(stale(format!("What would be done is no longer what was shown:\n  {}", differences.join("\n  "))))
}

fn stale(message: String) -> DeployError {
    DeployError::new(ErrorCode::PlanStale, message)
        .hint("Nothing was changed. Plan again, look at what differs, and pass the new plan")
}

/// The steps of a plan that change something, by id.
fn changes(plan: &DeployPlan) -> BTreeMap<&str, &Step> {
    let changing = plan.steps.iter().filter(|step| step.action != Action::Keep && step.id != DONE_BEFORE);
    changing.map(|step| (step.id.as_str(), step)).collect()
}

/// How a step differs from the one that was shown.
fn differs(shown: &Step, today: &Step) -> Option<String> {
    if shown.action != today.action || shown.reason != today.reason {
        return Some(format!("it was \"{}\" and is \"{}\"", shown.reason, today.reason));
    }
    let variables =
        |step: &Step| step.variables.iter().map(|it| (it.name.clone(), it.change)).collect::<BTreeMap<_, _>>();
    if variables(shown) != variables(today) {
        return Some("other variables change".to_owned());
    }
    if shown.opens_port != today.opens_port || shown.restarts != today.restarts {
        return Some("other services restart, or another port opens".to_owned());
    }
    (shown.details != today.details).then(|| today.details.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{VariableChange, VariableChangeKind};

    fn plan(steps: &[(&str, &str)]) -> DeployPlan {
        let steps = steps.iter().map(|(id, reason)| Step::new(id, Action::Update, id, reason)).collect();
        DeployPlan { stage: "staging".into(), steps, ..DeployPlan::default() }
    }

    fn message(shown: &DeployPlan, today: &DeployPlan) -> String {
        let error = check_still_true(shown, today).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PlanStale);
        error.message().to_owned()
    }

    #[test]
    fn the_same_changes_are_not_stale_whatever_stays_and_in_whatever_order() {
        let shown = plan(&[("a", "new"), ("b", "new"), (DONE_BEFORE, "left open")]);
        let mut today = plan(&[("b", "new"), ("a", "new")]);
        today.steps.push(Step::new("c", Action::Keep, "c", "exists"));
        today.notes.push("look".into());
        check_still_true(&shown, &today).unwrap();
    }

    #[test]
    fn every_step_that_differs_is_named() {
        let shown = plan(&[("a", "new"), ("b", "new"), ("same", "new")]);
        let message = message(&shown, &plan(&[("b", "changed"), ("d", "drift"), ("same", "new")]));
        let lines: Vec<&str> = message.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            lines,
            ["a: nothing to do any more", "b: it was \"new\" and is \"changed\"", "d: new (drift)"],
            "{message}"
        );
    }

    #[test]
    fn what_a_step_comes_to_counts_as_well() {
        let shown = plan(&[("a", "new")]);
        let changed = |change: fn(&mut Step)| {
            let mut plan = shown.clone();
            change(&mut plan.steps[0]);
            plan
        };
        let variable = || VariableChange { name: "PORT".into(), change: VariableChangeKind::Changed };
        for today in [
            changed(|step| step.opens_port = true),
            changed(|step| step.restarts.push("postgres".into())),
            changed(|step| step.details.push("192.0.2.1 for 300 s".into())),
            changed(|step| step.action = Action::Delete),
        ] {
            assert!(message(&shown, &today).contains("a: "));
        }
        let mut today = shown.clone();
        today.steps[0].variables.push(variable());
        assert!(message(&shown, &today).contains("other variables"));
        let other = DeployPlan { stage: "production".into(), ..shown.clone() };
        assert!(message(&other, &shown).contains("`production`"));
    }
}
