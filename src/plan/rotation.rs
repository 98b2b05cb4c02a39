//! The steps by which the database password of an app changes while it runs, with no moment at which it is refused.
//!
//! Every app goes its own way through the three steps in the database, which are shared: what one app fails at holds up no
//! other one.

use super::blueprint::Draft;
use super::desired::{DesiredApp, DesiredRotation, LoginStage};
use super::operation::{DatabaseLogin, Operation};
use super::step::{Action, Step};
use crate::env::{VariableChange, VariableChangeKind};

/// Gives apps their second login.
const OPEN: &str = "database:second-logins";
/// Changes the passwords of their own.
pub(super) const CHANGE: &str = "database:passwords";
/// Drops the second logins.
const CLOSE: &str = "database:close-second-logins";

/// Adds the steps in the database.
pub(super) fn add(draft: &mut Draft<'_>) {
    let rotations = &draft.desired.rotations;
    let at = |stages: &[LoginStage]| -> Vec<(&String, &DesiredRotation)> {
        let concerned =
            |(_, rotation): &(&String, &DesiredRotation)| rotation.login.is_some_and(|it| stages.contains(&it));
        rotations.iter().filter(concerned).collect()
    };
    let open = at(&[LoginStage::Whole]);
    let change = at(&[LoginStage::Whole, LoginStage::Change, LoginStage::Idle]);
    let close = at(&[LoginStage::Whole, LoginStage::Change, LoginStage::Return, LoginStage::Close]);
    second_logins(draft, &open);
    passwords(draft, &change);
    close_second_logins(draft, &close);
}

/// Says how a step reaches the database, and what that restarts.
fn show_way(draft: &Draft<'_>, step: &mut Step) {
    if let Some(database) = &draft.desired.database {
        database.way.show_in(step);
    }
}

fn names(apps: &[(&String, &DesiredRotation)]) -> Vec<String> {
    apps.iter().map(|(app, _)| (*app).clone()).collect()
}

fn second_logins(draft: &mut Draft<'_>, apps: &[(&String, &DesiredRotation)]) {
    if apps.is_empty() {
        return;
    }
    let reason = "the apps keep a way in while their passwords change";
    let mut step = Step::new(OPEN, Action::Create, "second database logins", reason);
    let detail = |(app, it): &(&String, &DesiredRotation)| {
        format!("{app}: login \"{}\", which acts as role \"{}\"", it.second, it.role)
    };
    step.details = apps.iter().map(detail).collect();
    step.depends_on = draft.only_changing(["database:roles", "database:close-port"]);
    show_way(draft, &mut step);
    draft.push(step, Operation::OpenSecondLogins { apps: names(apps) });
}

fn passwords(draft: &mut Draft<'_>, apps: &[(&String, &DesiredRotation)]) {
    if apps.is_empty() {
        return;
    }
    let reason = "nothing runs with the old ones any more";
    let mut step = Step::new(CHANGE, Action::Update, "database passwords", reason);
    step.details = apps.iter().map(|(app, it)| format!("{app}: role \"{}\"", it.role)).collect();
    step.depends_on = draft.only_changing(["database:roles", "database:close-port", OPEN]);
    show_way(draft, &mut step);
    let whole = apps.iter().filter(|(_, it)| it.login == Some(LoginStage::Whole));
    let soft = whole.map(|(app, _)| deploy_second(app)).collect();
    draft.push_despite(step, Operation::ChangePasswords { apps: names(apps) }, soft);
}

fn close_second_logins(draft: &mut Draft<'_>, apps: &[(&String, &DesiredRotation)]) {
    if apps.is_empty() {
        return;
    }
    let reason = "the apps run with their own again";
    let mut step = Step::new(CLOSE, Action::Delete, "second database logins", reason);
    step.details = apps.iter().map(|(app, it)| format!("{app}: login \"{}\"", it.second)).collect();
    step.depends_on = draft.only_changing(["database:roles", "database:close-port", OPEN]);
    show_way(draft, &mut step);
    let deploys: Vec<String> = apps.iter().map(|(app, _)| format!("app:{app}:deploy")).collect();
    let soft = draft.only_changing(deploys.iter().map(String::as_str));
    draft.push_despite(step, Operation::CloseSecondLogins { apps: names(apps) }, soft);
}

fn deploy_second(app: &str) -> String {
    format!("app:{app}:deploy-second")
}

/// What an app's own deployment waits for.
pub(super) fn first(draft: &Draft<'_>, app: &str) -> Vec<String> {
    match draft.desired.rotations.get(app).and_then(|rotation| rotation.login) {
        Some(LoginStage::Whole) => vec![CHANGE.to_owned(), deploy_second(app)],
        Some(LoginStage::Change | LoginStage::Idle) => vec![CHANGE.to_owned()],
        Some(LoginStage::Return | LoginStage::Close) | None => Vec::new(),
    }
}

/// Why an app has to be deployed with its own login, whatever else is as it should be.
pub(super) fn reason(draft: &Draft<'_>, app: &str) -> Option<String> {
    let rotation = draft.desired.rotations.get(app)?;
    let role = &rotation.role;
    match rotation.login? {
        LoginStage::Whole | LoginStage::Change | LoginStage::Return => {
            Some(format!("it logs in as \"{role}\" with its new password"))
        }
        LoginStage::Idle | LoginStage::Close => None,
    }
}

/// Adds the steps by which an app comes to run with its second login, when it has to.
pub(super) fn second(draft: &mut Draft<'_>, desired: &DesiredApp) {
    let name = &desired.name;
    let Some(rotation) = draft.desired.rotations.get(name) else { return };
    if rotation.login != Some(LoginStage::Whole) {
        return;
    }
    let reason = format!("it logs in as \"{}\" while the password of \"{}\" changes", rotation.second, rotation.role);
    let configure = format!("app:{name}:configure-second");
    let login = DatabaseLogin::Second;
    let mut step = Step::new(&configure, Action::Update, &format!("settings of {name}"), &reason).of(name);
    step.variables.push(database_url());
    let before = [
        format!("app:{name}:create"),
        format!("app:{name}:image"),
        format!("app:{name}:release"),
        "service:redis".to_owned(),
    ];
    // What is stored must always let the app in, also when somebody else deploys it.
    step.depends_on = vec![OPEN.to_owned()];
    step.depends_on.extend(draft.only_changing(before.iter().map(String::as_str)));
    draft.push(step, Operation::Configure { app: name.clone(), login, unless: None, check: false });
    let mut step = Step::new(&deploy_second(name), Action::Update, &format!("deployment of {name}"), &reason).of(name);
    step.restarts.push(name.clone());
    step.depends_on = vec![configure];
    step.depends_on.extend(draft.only_changing(["database:roles", "service:redis"]));
    draft.push(step, Operation::Deploy { app: name.clone(), login, unless: None });
}

/// That an app's `DATABASE_URL` changes.
pub(super) fn database_url() -> VariableChange {
    VariableChange { name: "DATABASE_URL".to_owned(), change: VariableChangeKind::Changed }
}
