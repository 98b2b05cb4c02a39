//! A plan as text for people.

use super::step::{Action, DeployPlan, Step};
use crate::env::VariableChangeKind;
use std::fmt::Write as _;

/// Renders a plan: one line a step, details below it, what restarts and which ports open. Holds no secret values.
pub fn render(plan: &DeployPlan) -> String {
    let mut text = String::new();
    if plan.changes == 0 {
        text.push_str("Nothing to change.\n");
    } else {
        let plural = if plan.changes == 1 { "change" } else { "changes" };
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(text, "Plan for stage {}: {} {plural}", plan.stage, plan.changes);
        for step in plan.steps.iter().filter(|step| step.action != Action::Keep) {
            render_step(&mut text, step);
        }
        let kept = plan.steps.iter().filter(|step| step.action == Action::Keep).count();
        if kept > 0 {
            let _ = writeln!(text, "  = {kept} unchanged");
        }
    }
    for note in &plan.notes {
        let _ = writeln!(text, "  ! {note}");
    }
    text
}

fn render_step(text: &mut String, step: &Step) {
    let sign = match step.action {
        Action::Create => '+',
        Action::Update => '~',
        Action::Delete => '-',
        Action::Keep => '=',
    };
    let _ = writeln!(text, "  {sign} {}: {}", step.resource, step.reason);
    for detail in &step.details {
        let _ = writeln!(text, "      {detail}");
    }
    for variable in &step.variables {
        let word = match variable.change {
            VariableChangeKind::Added => "added",
            VariableChangeKind::Changed => "changed",
            VariableChangeKind::Removed => "removed",
            VariableChangeKind::Unknown => "known after apply",
        };
        let _ = writeln!(text, "      {} ({word})", variable.name);
    }
    if step.opens_port {
        text.push_str("      opens the database's external port, and closes it again\n");
    }
    if !step.restarts.is_empty() {
        let _ = writeln!(text, "      restarts {}", step.restarts.join(", "));
    }
}
