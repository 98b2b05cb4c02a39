//! What a failed run has changed goes back to what was seen running before.

use super::frame::or_cancelled;
use super::work::Work;
use crate::DeployError;
use crate::deploy::apply::{Applied, Outcome, Resources};
use crate::deploy::prepare::{Draft, PastKnown, begin_login_rotations, draft_past, observe_stage};
use crate::deploy::report::{AppReport, AppStatus, RolledBackApp};
use crate::plan::{Operation, not_undone};
use crate::state::{PastDeployment, State};
use std::collections::BTreeMap;

/// Puts back every app that a run has changed, or tried to, where one was not deployed; says what became of each.
pub(super) async fn put_back(work: &Work<'_>, draft: &Draft, outcome: &Outcome) -> Vec<RolledBackApp> {
    if all_deployed(draft, outcome) {
        return Vec::new();
    }
    let history = &draft.state.deploy_native.history;
    let mut past = BTreeMap::new();
    let mut apps = Vec::new();
    for app in draft.desired.apps.keys().filter(|app| is_touched(outcome, app)) {
        match history.current(app).filter(|past| history.is_complete(past)) {
            Some(before) => drop(past.insert(app.clone(), before.clone())),
            None => apps.push(unknown(app)),
        }
    }
    if past.is_empty() {
        return apps;
    }
    let names: Vec<&str> = past.keys().map(String::as_str).collect();
    let message = format!("The run has failed: {} go back to what was seen running before", names.join(", "));
    work.context.reporter.warn("rolling-back", &message, None);
    apps.extend(match Box::pin(carry_out(work, past.clone())).await {
        Ok((draft, applied)) => rolled_back(&draft, &applied.outcome, &applied.resources),
        Err(error) => not_begun(&past, &error),
    });
    apps
}

/// Whether every deployment of a plan came to its end. A host name that does not answer is no failure of an app.
fn all_deployed(draft: &Draft, outcome: &Outcome) -> bool {
    let mut deployments = draft.blueprint.operations.iter().filter(|(_, it)| matches!(it, Operation::Deploy { .. }));
    deployments.all(|(id, _)| outcome.changed.contains(id) || outcome.unchanged.contains(id))
}

/// Whether a run has changed what the server stores of an app, or may have.
fn is_touched(outcome: &Outcome, app: &str) -> bool {
    let steps = ["configure", "deploy"].map(|step| format!("app:{app}:{step}"));
    steps.iter().any(|step| outcome.changed.contains(step) || outcome.failed.contains_key(step))
}

async fn carry_out(work: &Work<'_>, past: BTreeMap<String, PastDeployment>) -> Result<(Draft, Applied), DeployError> {
    let draft = or_cancelled(work.context, Box::pin(prepare(work, past))).await?;
    let (applied, _) = work.apply(&draft).await?;
    Ok((draft, applied))
}

/// Works out how the apps go back, and saves that it has begun.
async fn prepare(work: &Work<'_>, past: BTreeMap<String, PastDeployment>) -> Result<Draft, DeployError> {
    let state = State::clone(&work.services.state.snapshot());
    let (observed, _) = observe_stage(work.context, Some(&state)).await?;
    let known = PastKnown { kept: Some(state.clone()), state, observed, past, notes: Vec::new() };
    let draft = draft_past(work.context, known).await?;
    let begin = |state: &mut State| {
        draft.generated.keep_in(state);
        state.deploy_native.rolling_back.clone_from(&draft.state.deploy_native.rolling_back);
        begin_login_rotations(state, &draft.desired.rotations, work.context.entropy());
    };
    work.services.state.update(begin).await?;
    Ok(draft)
}

/// What became of the apps that were to go back.
pub(super) fn rolled_back(draft: &Draft, outcome: &Outcome, resources: &Resources) -> Vec<RolledBackApp> {
    let of = |(app, past): (&String, &PastDeployment)| {
        let prefix = format!("app:{app}:");
        let failed = outcome.failed.iter().find(|(id, _)| id.starts_with(&prefix)).map(|(_, error)| error.message());
        let seen = resources.deployment(app).is_some_and(|made| made.status == AppStatus::Running);
        let unchanged = draft.blueprint.unchanged.contains_key(app);
        let restored = failed.is_none() && (seen || unchanged);
        let skipped = outcome.skipped.get(&format!("{prefix}deploy")).map(String::as_str);
        let why = failed.or(skipped).unwrap_or("the run ended before");
        RolledBackApp {
            restored,
            not_undone: not_undone(&draft.state, app, past),
            reason: (!restored).then(|| why.to_owned()),
            ..chosen(app, past)
        }
    };
    draft.past.iter().map(of).collect()
}

fn not_begun(past: &BTreeMap<String, PastDeployment>, error: &DeployError) -> Vec<RolledBackApp> {
    let of = |(app, past): (&String, &PastDeployment)| RolledBackApp {
        reason: Some(error.message().to_owned()),
        ..chosen(app, past)
    };
    past.iter().map(of).collect()
}

fn chosen(app: &str, past: &PastDeployment) -> RolledBackApp {
    RolledBackApp {
        app_name: app.to_owned(),
        deployment: Some(past.id.clone()),
        at: Some(past.at.clone()),
        image: Some(past.image.clone()),
        restored: false,
        not_undone: Vec::new(),
        reason: None,
    }
}

fn unknown(app: &str) -> RolledBackApp {
    RolledBackApp {
        app_name: app.to_owned(),
        deployment: None,
        at: None,
        image: None,
        restored: false,
        not_undone: Vec::new(),
        reason: Some("no earlier deployment of it is remembered that was seen running: it stays as it is".to_owned()),
    }
}

/// Says in the reports of apps that they went back.
pub(super) fn tell_apps(apps: &mut [AppReport], rolled_back: &[RolledBackApp]) {
    for report in apps {
        let Some(back) = rolled_back.iter().find(|back| back.app_name == report.app_name && back.restored) else {
            continue;
        };
        let went = format!("it went back to the deployment of {}", back.at.as_deref().unwrap_or_default());
        if report.status == AppStatus::Failed {
            report.reason = format!("{}; {went}", report.reason);
        } else {
            report.status = AppStatus::Running;
            report.reason = format!("{went}, because the run failed");
        }
        report.image.clone_from(&back.image);
    }
}
