//! The steps of an app: image, application, configuration, deployment, domain.

use super::blueprint::{Draft, not_ours};
use super::desired::{DesiredApp, DesiredImage};
use super::domain;
use super::fingerprint::{DeploymentTitle, app_fingerprint, env_fingerprint};
use super::observed::{ObservedApplication, Ownership, Runs};
use super::operation::{DatabaseLogin, Operation};
use super::release;
use super::rotation;
use super::step::{Action, Step};
use crate::env::{VariableChange, VariableChangeKind};
use crate::state::State;

/// Adds the steps of one app.
pub(super) fn add(draft: &mut Draft<'_>, name: &str) {
    let desired = &draft.desired.apps[name];
    let found = draft.observed.applications.get(name);
    if is_foreign(draft, name, found) {
        return;
    }
    create(draft, desired, found);
    let image = image(draft, desired);
    release::add(draft, desired, image.as_deref());
    let why = Reasons::of(draft, desired, found, image.as_deref());
    configure_and_deploy(draft, desired, &why);
    domain::attach(draft, desired, found);
}

/// Adds the steps by which an app that runs gets other credentials, and nothing else.
pub(super) fn renew(draft: &mut Draft<'_>, name: &str) {
    let desired = &draft.desired.apps[name];
    let found = draft.observed.applications.get(name);
    if is_foreign(draft, name, found) {
        return;
    }
    let image = image(draft, desired);
    let why = Reasons::of(draft, desired, found, image.as_deref());
    configure_and_deploy(draft, desired, &why);
}

/// Refuses an application that is not ours and that we were not told to take.
fn is_foreign(draft: &mut Draft<'_>, name: &str, found: Option<&ObservedApplication>) -> bool {
    if let Some(application) = found
        && application.ownership == Ownership::Foreign
        && !draft.desired.adopt.contains(name)
    {
        let error = not_ours(&format!("application {name}"))
            .app(name)
            .hint(format!("Rename or remove it on the server, or take it over with adopt: ['{name}']"));
        draft.errors.push(error);
        return true;
    }
    false
}

fn create(draft: &mut Draft<'_>, desired: &DesiredApp, found: Option<&ObservedApplication>) {
    let id = format!("app:{}:create", desired.name);
    let resource = format!("application {}", desired.name);
    let (action, reason, operation) = match found {
        None => {
            (Action::Create, "there is none of this name", Operation::CreateApplication { app: desired.name.clone() })
        }
        Some(found) if found.ownership == Ownership::Foreign || !found.marked => {
            let reason =
                if found.ownership == Ownership::Foreign { "it is taken over, as asked" } else { "it lacks our mark" };
            let description = found.description.clone().unwrap_or_default();
            (Action::Update, reason, Operation::MarkApplication { app: desired.name.clone(), description })
        }
        Some(_) => return draft.keep(&id, &resource, "exists"),
    };
    let mut step = Step::new(&id, action, &resource, reason).of(&desired.name);
    step.depends_on = draft.only_changing(["environment"]);
    draft.push(step, operation);
}

/// Adds the build step where one is needed; returns the image where it is known already.
fn image(draft: &mut Draft<'_>, desired: &DesiredApp) -> Option<String> {
    let (build, fingerprint) = match &desired.image {
        DesiredImage::Given { reference, exact } => {
            if !exact {
                draft.note(format!(
                    "{}: the registry does not tell the digest of {reference}; the tag itself counts as the image",
                    desired.name
                ));
            }
            return Some(reference.clone());
        }
        DesiredImage::Build { build, fingerprint } => (build, fingerprint),
    };
    let pushed = draft.state.deploy_native.images.get(&desired.name);
    if let (Some(pushed), Some(fingerprint)) = (pushed, fingerprint)
        && pushed.fingerprint == *fingerprint
    {
        return Some(pushed.reference.clone());
    }
    let reason = match (pushed, fingerprint) {
        (_, None) => "nothing says what makes it unchanged, so it is always built",
        (None, _) => "it was never built",
        (Some(_), _) => "its Dockerfile, context, build arguments or platform changed",
    };
    let mut step = Step::new(
        &format!("app:{}:image", desired.name),
        Action::Create,
        &format!("image {}", build.reference),
        reason,
    )
    .of(&desired.name);
    step.details.push(format!("its digest is known after apply; for {}", build.platform));
    draft.push(step, Operation::BuildImage { app: desired.name.clone() });
    None
}

/// Why an app has to be configured and deployed; empty when it has not.
struct Reasons {
    configure: Vec<String>,
    deploy: Vec<String>,
    variables: Vec<VariableChange>,
    /// The image with which it runs as wanted already, where only the build tells whether it is still that one.
    unless: Option<String>,
    /// Whether the same is queued or under way already.
    pending: bool,
    /// Whether the health check of its containers is another one.
    check: bool,
}

impl Reasons {
    fn of(
        draft: &mut Draft<'_>,
        desired: &DesiredApp,
        found: Option<&ObservedApplication>,
        image: Option<&str>,
    ) -> Self {
        let mut variables = variable_changes(desired, found);
        let rotates = rotation::reason(draft, &desired.name);
        if rotates.is_some() {
            // What stands there now is of no account: both logins are set on the way.
            variables.retain(|change| change.name != rotation::database_url().name);
        }
        let check = check_differs(draft.state, desired, found);
        let mut reasons =
            Self { configure: Vec::new(), deploy: Vec::new(), variables, unless: None, pending: false, check };
        let Some(found) = found else {
            reasons.configure.push("it is new".to_owned());
            return reasons;
        };
        match image {
            None => {
                let stored = found.image.as_deref().filter(|_| reasons.variables.is_empty());
                let stored = stored.filter(|_| rotates.is_none() && !check && !login_differs(desired, found));
                let as_desired = |image: &&str| {
                    not_running(draft.state, desired, found, Some(image), draft.desired.follows).is_empty()
                };
                reasons.unless = stored.filter(as_desired).map(str::to_owned);
                reasons.configure.push("its image is built anew".to_owned());
            }
            Some(image) if found.image.as_deref() != Some(image) => {
                reasons.configure.push("its image changed".to_owned());
                image_drift(draft, desired, found, image);
            }
            Some(_) => {}
        }
        if !reasons.variables.is_empty() {
            let names: Vec<&str> = reasons.variables.iter().map(|change| change.name.as_str()).collect();
            reasons.configure.push(format!("variables changed: {}", names.join(", ")));
            drift(draft, desired, &names);
        }
        if login_differs(desired, found) {
            reasons.configure.push("the login that pulls its image changed".to_owned());
        }
        if check {
            reasons.configure.push("the health check of its containers changed".to_owned());
        }
        if let Some(reason) = rotates {
            reasons.configure.push(reason);
            reasons.variables.push(rotation::database_url());
            return reasons;
        }
        reasons.pending = is_pending(desired, found, image);
        if !reasons.pending {
            reasons.deploy = not_running(draft.state, desired, found, image, draft.desired.follows);
        }
        reasons
    }

    fn is_empty(&self) -> bool {
        self.configure.is_empty() && self.deploy.is_empty()
    }
}

/// Tells the user when the server's environment was edited by somebody else.
fn drift(draft: &mut Draft<'_>, desired: &DesiredApp, names: &[&str]) {
    let Some(deployed) = draft.state.deploy_native.deployed.get(&desired.name) else { return };
    if deployed.environment == env_fingerprint(&desired.env.values) {
        draft.note(format!(
            "{}: {} changed on the server behind our back; the deployment puts back what is wanted",
            desired.name,
            names.join(", ")
        ));
    }
}

/// Tells the user when the server's image was changed by somebody else.
fn image_drift(draft: &mut Draft<'_>, desired: &DesiredApp, found: &ObservedApplication, image: &str) {
    let deployed = draft.state.deploy_native.deployed.get(&desired.name);
    let unchanged = deployed.is_some_and(|deployed| match deployed.image.as_str() {
        // The store of the state had no room for it; what was deployed as a whole tells.
        "" => {
            let (env, registry, check) = (&desired.env.values, desired.registry.as_ref(), desired.check());
            deployed.fingerprint == app_fingerprint(image, env, registry, check.as_ref())
        }
        known => known == image,
    });
    if unchanged {
        draft.note(format!(
            "{}: its image became {} on the server behind our back; the deployment puts back what is wanted",
            desired.name,
            found.image.as_deref().unwrap_or("none")
        ));
    }
}

/// Whether all that waits or is under way is what is wanted: several need not come in the order in which they were sent.
fn is_pending(desired: &DesiredApp, found: &ObservedApplication, image: Option<&str>) -> bool {
    let Some(image) = image else { return false };
    let today = app_fingerprint(image, &desired.env.values, desired.registry.as_ref(), desired.check().as_ref());
    let same = |title: &String| DeploymentTitle::parse(title).is_some_and(|parsed| parsed.fingerprint == today);
    !found.pending.is_empty() && found.pending.iter().all(same)
}

/// What speaks against the app running as wanted already (I9).
fn not_running(
    state: &State,
    desired: &DesiredApp,
    found: &ObservedApplication,
    image: Option<&str>,
    follows: bool,
) -> Vec<String> {
    let Some(image) = image else { return Vec::new() };
    let today = app_fingerprint(image, &desired.env.values, desired.registry.as_ref(), desired.check().as_ref());
    let Some(title) = found.newest_title.as_deref() else { return vec!["it was never deployed".to_owned()] };
    let Some(parsed) = DeploymentTitle::parse(title) else {
        return vec!["its newest deployment is not ours".to_owned()];
    };
    if parsed.fingerprint != today {
        return vec!["its newest deployment is of something else".to_owned()];
    }
    if !found.newest_done {
        return vec!["its newest deployment did not succeed".to_owned()];
    }
    let verified = state
        .deploy_native
        .deployed
        .get(&desired.name)
        .is_some_and(|deployed| deployed.fingerprint == today && deployed.title == title);
    if follows && !verified {
        return vec!["its newest deployment was not seen running".to_owned()];
    }
    match found.runs {
        Runs::Nothing => vec!["nothing of it runs".to_owned()],
        Runs::Something if follows => vec!["what runs has another image or environment".to_owned()],
        Runs::Something | Runs::AsStored { .. } => Vec::new(),
    }
}

fn login_differs(desired: &DesiredApp, found: &ObservedApplication) -> bool {
    let stored = found.registry.as_ref().map(|(url, user, password)| (url.as_str(), user.as_str(), password));
    let ours = desired.registry.as_ref().map(|login| (login.url.as_str(), login.username.as_str(), &login.password));
    stored != ours
}

/// Whether the server stores another health check than is wanted. Where none is wanted, one that we did not set stays.
fn check_differs(state: &State, desired: &DesiredApp, found: Option<&ObservedApplication>) -> bool {
    let stored = found.and_then(|found| found.check.as_ref());
    if let Some(check) = desired.check() {
        stored != Some(&check)
    } else {
        let deployed = state.deploy_native.deployed.get(&desired.name);
        stored.is_some() && deployed.is_some_and(|deployed| deployed.checked)
    }
}

/// Which variables of the server's environment differ from what is wanted.
fn variable_changes(desired: &DesiredApp, found: Option<&ObservedApplication>) -> Vec<VariableChange> {
    let change = |name: &str, change| VariableChange { name: name.to_owned(), change };
    let stored = found.map(|found| &found.env);
    let templated = found.map(|found| found.templated.clone()).unwrap_or_default();
    let mut changes: Vec<VariableChange> = desired
        .env
        .values
        .iter()
        .filter_map(|(name, value)| match stored.and_then(|stored| stored.get(name)) {
            None if templated.contains(name) => Some(change(name, VariableChangeKind::Changed)),
            None => Some(change(name, VariableChangeKind::Added)),
            Some(old) if old != value => Some(change(name, VariableChangeKind::Changed)),
            Some(_) => None,
        })
        .collect();
    changes.extend(desired.env.unknown.iter().map(|name| change(name, VariableChangeKind::Unknown)));
    let gone = stored.into_iter().flat_map(|stored| stored.keys()).chain(&templated);
    changes.extend(
        gone.filter(|name| !desired.env.values.contains_key(*name) && !desired.env.unknown.contains(*name))
            .map(|name| change(name, VariableChangeKind::Removed)),
    );
    changes
}

fn configure_and_deploy(draft: &mut Draft<'_>, desired: &DesiredApp, why: &Reasons) {
    let name = &desired.name;
    if why.is_empty() && why.pending {
        draft.keep(&format!("app:{name}:deploy"), &format!("deployment of {name}"), "the same is queued or under way");
        draft.unchanged(name, "a deployment of the same image, environment and settings is queued or under way");
        return;
    }
    if why.is_empty() {
        draft.keep(&format!("app:{name}:deploy"), &format!("deployment of {name}"), "runs as wanted");
        draft.unchanged(name, "its image, environment and settings are those that run");
        return;
    }
    rotation::second(draft, desired);
    let configure = format!("app:{name}:configure");
    if !why.configure.is_empty() {
        let mut step =
            Step::new(&configure, Action::Update, &format!("settings of {name}"), &why.configure.join("; ")).of(name);
        step.variables.clone_from(&why.variables);
        let mut first = vec![format!("app:{name}:create"), format!("app:{name}:image"), release::id(name)];
        if desired.env.unknown.contains("DATABASE_URL") {
            first.push("service:postgres".to_owned());
        }
        if desired.env.unknown.contains("REDIS_URL") {
            first.push("service:redis".to_owned());
        }
        step.depends_on = draft.only_changing(first.iter().map(String::as_str));
        step.depends_on.extend(rotation::first(draft, name));
        draft.push(
            step,
            Operation::Configure {
                app: name.clone(),
                login: DatabaseLogin::Own,
                unless: why.unless.clone(),
                check: why.check,
            },
        );
    }
    let reasons: Vec<&str> = why.configure.iter().chain(&why.deploy).map(String::as_str).collect();
    let mut step =
        Step::new(&format!("app:{name}:deploy"), Action::Update, &format!("deployment of {name}"), &reasons.join("; "))
            .of(name);
    step.restarts.push(name.clone());
    let mut first = vec![configure, release::id(name)];
    if desired.uses("DATABASE_URL") {
        // Closing a port restarts the database, and an app that is started meanwhile may end for want of it.
        first.extend(["service:postgres", "database:close-port", "database:roles"].map(str::to_owned));
    }
    if desired.uses("REDIS_URL") {
        first.push("service:redis".to_owned());
    }
    first.extend(desired.dependencies.iter().map(|dependency| release::id(dependency)));
    step.depends_on = draft.only_changing(first.iter().map(String::as_str));
    step.depends_on.extend(rotation::first(draft, name));
    let operation = Operation::Deploy { app: name.clone(), login: DatabaseLogin::Own, unless: why.unless.clone() };
    draft.push_early(step, operation, release::dependencies(draft, desired));
}

impl Step {
    /// The same step, of an app.
    #[must_use]
    pub(super) fn of(mut self, app: &str) -> Self {
        self.app = Some(app.to_owned());
        self
    }
}
