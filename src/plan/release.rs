//! The step that runs what an app wants run before it is deployed.

use super::blueprint::Draft;
use super::desired::{DesiredApp, LoginStage};
use super::fingerprint::release_fingerprint;
use super::observed::{Ownership, Twin};
use super::operation::Operation;
use super::rotation;
use super::step::{Action, Step};
use crate::workspace::{Release, ReleaseLogin};

/// Drops the logins that interrupted releases have left open.
const CLOSE_LOGINS: &str = "database:owner-logins";

/// The id of the step.
pub(super) fn id(app: &str) -> String {
    format!("app:{app}:release")
}

/// Adds the step, where it is due. `image`: where it is known already.
pub(super) fn add(draft: &mut Draft<'_>, desired: &DesiredApp, image: Option<&str>) {
    let Some(release) = &desired.release else { return };
    let name = &desired.name;
    let resource = format!("release of {name}");
    let Some(reason) = due(draft, desired, release, image) else {
        return draft.keep(&id(name), &resource, "it was run for this image and environment");
    };
    let mut step = Step::new(&id(name), Action::Update, &resource, &reason).of(name);
    step.details.push(format!("runs {}, for at most {} s", shown(&release.command), release.timeout_seconds));
    if release.login == ReleaseLogin::Owner {
        step.details.push("as the owner of the database, with a login that exists for that time only".to_owned());
    }
    let mut first = vec![format!("app:{name}:image"), "environment".to_owned(), CLOSE_LOGINS.to_owned()];
    first.extend(finishing(draft));
    if desired.uses("DATABASE_URL") || release.login == ReleaseLogin::Owner {
        first.extend(["service:postgres", "database:close-port", "database:roles"].map(str::to_owned));
    }
    if desired.uses("REDIS_URL") {
        first.push("service:redis".to_owned());
    }
    first.extend(before_release(draft, name));
    // What an app depends on has migrated, and may have to answer, before it does.
    first.extend(desired.dependencies.iter().map(|dependency| id(dependency)));
    step.depends_on = draft.only_changing(first.iter().map(String::as_str));
    let early = dependencies(draft, desired);
    draft.push_early(step, Operation::Release { app: name.clone() }, early);
}

/// The deployments of the apps that an app calls: it waits until those answer, not until they have proven stable.
pub(super) fn dependencies(draft: &Draft<'_>, desired: &DesiredApp) -> Vec<String> {
    let deployments: Vec<String> = desired.dependencies.iter().map(|app| format!("app:{app}:deploy")).collect();
    draft.only_changing(deployments.iter().map(String::as_str))
}

/// What a release waits for, where the app's password is being changed: that its login is certain to be let in.
fn before_release(draft: &Draft<'_>, app: &str) -> Option<String> {
    let login = draft.desired.rotations.get(app)?.login?;
    matches!(login, LoginStage::Change | LoginStage::Idle).then(|| rotation::CHANGE.to_owned())
}

/// The steps that find out how releases ended.
fn finishing(draft: &Draft<'_>) -> Vec<String> {
    draft.steps_that(|operation| matches!(operation, Operation::FinishRelease(_)))
}

/// Adds the step that finds out how a release ended which an interrupted run has begun.
pub(super) fn finish(draft: &mut Draft<'_>, twin: &Twin) {
    let (id, resource) = (format!("release:{}", twin.id), format!("release of {}", twin.name));
    let reason = "an interrupted run has begun it: how it ended is found out first";
    let step = Step::new(&id, Action::Update, &resource, reason).of(&twin.name);
    draft.push(step, Operation::FinishRelease(twin.clone()));
}

/// Adds the step that drops the logins which releases of an interrupted run have left open.
pub(super) fn close_logins(draft: &mut Draft<'_>) {
    let open = &draft.state.deploy_native.owner_logins;
    let stands = draft.observed.postgres.as_ref().is_some_and(|found| found.ownership == Ownership::Ours);
    let Some(database) = draft.desired.database.as_ref().filter(|_| stands && !open.is_empty()) else { return };
    let reason = "an interrupted run has left them open";
    let mut step = Step::new(CLOSE_LOGINS, Action::Delete, "logins of releases", reason);
    step.details = open.iter().cloned().collect();
    step.depends_on = draft.only_changing(["database:close-port", "database:roles"]);
    step.depends_on.extend(finishing(draft));
    database.way.show_in(&mut step);
    draft.push(step, Operation::CloseOwnerLogins { apps: open.iter().cloned().collect() });
}

/// Why it has to be run; `None` when it was.
fn due(draft: &Draft<'_>, desired: &DesiredApp, release: &Release, image: Option<&str>) -> Option<String> {
    let ran = draft.state.deploy_native.released.get(&desired.name);
    let reason = match (image, ran) {
        (_, None) => "it was not run before",
        (None, Some(_)) => "its image is built anew",
        (Some(image), Some(ran)) if *ran != release_fingerprint(image, &desired.env, release) => {
            "it was run for another image, environment or command"
        }
        (Some(_), Some(_)) => return None,
    };
    Some(reason.to_owned())
}

/// A command as a plan shows it: the arguments may be long, and hold blanks.
fn shown(command: &[String]) -> String {
    const LONGEST: usize = 80;
    let quoted = |word: &String| {
        if word.contains(|c: char| c.is_whitespace() || c == '"') || word.is_empty() {
            format!("{word:?}")
        } else {
            word.clone()
        }
    };
    let text = command.iter().map(quoted).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{desired, image, settled};
    use super::super::{Blueprint, Desired, DesiredImage, Observed, TwinKind, WorkKind, draw};
    use super::*;
    use crate::image::ImageBuild;
    use crate::state::State;
    use crate::workspace::{Health, HealthCheck, HealthProbe};
    use std::collections::BTreeMap;

    /// The workspace, whose API has migrations.
    fn with_release() -> Desired {
        let mut desired = desired(Some("postgresql://api@db/shop"));
        let command = ["npm", "run", "migrate all"].map(str::to_owned).into();
        let release = Release { command, login: ReleaseLogin::Owner, timeout_seconds: 60 };
        desired.apps["api"].release = Some(release);
        desired
    }

    fn released(desired: &Desired, state: &mut State) {
        let api = &desired.apps["api"];
        let fingerprint = release_fingerprint(&image("api"), &api.env, api.release.as_ref().unwrap());
        state.deploy_native.released.insert("api".into(), fingerprint);
    }

    fn build() -> ImageBuild {
        ImageBuild {
            app: "api".into(),
            reference: "registry.test/shop-api:1".into(),
            dockerfile: "/shop/Dockerfile".into(),
            context: "/shop".into(),
            build_args: BTreeMap::new(),
            platform: "linux/amd64".into(),
        }
    }

    fn step<'a>(blueprint: &'a Blueprint, id: &str) -> Option<&'a Step> {
        blueprint.plan.steps.iter().find(|step| step.id == id && step.action != Action::Keep)
    }

    #[test]
    fn a_release_comes_after_the_roles_and_before_its_app_and_those_that_call_it() {
        let desired = with_release();
        let blueprint = draw(&desired, &Observed::default(), &State::new("staging")).unwrap();
        let release = step(&blueprint, "app:api:release").unwrap();
        assert_eq!(release.depends_on, ["environment", "service:postgres", "database:roles"]);
        assert_eq!(release.details[0], "runs npm run \"migrate all\", for at most 60 s");
        for later in ["app:api:configure", "app:api:deploy", "app:web:deploy"] {
            assert!(step(&blueprint, later).unwrap().depends_on.contains(&release.id), "{later}");
        }
        assert_eq!(blueprint.operations["app:api:release"].kind(), WorkKind::Database, "one at a time");
    }

    #[test]
    fn i9_one_that_was_run_for_this_image_and_environment_is_not_run_again() {
        let desired = with_release();
        let (observed, mut state) = settled(&desired);
        let blueprint = draw(&desired, &observed, &state).unwrap();
        assert_eq!(blueprint.plan.changes, 1, "an app that runs is released once its release is declared");
        assert!(step(&blueprint, "app:api:release").is_some());
        released(&desired, &mut state);
        assert_eq!(draw(&desired, &observed, &state).unwrap().plan.changes, 0);
    }

    #[test]
    fn another_image_is_released_before_anything_of_the_app_changes() {
        let mut desired = with_release();
        let (observed, mut state) = settled(&desired);
        released(&desired, &mut state);
        desired.apps["api"].image = DesiredImage::Given { reference: "other".into(), exact: true };
        let blueprint = draw(&desired, &observed, &state).unwrap();
        let ids: Vec<&str> =
            blueprint.plan.steps.iter().map(|step| step.id.as_str()).filter(|id| id.starts_with("app:api:")).collect();
        assert_eq!(ids[1..4], ["app:api:release", "app:api:configure", "app:api:deploy"]);
        desired.apps["api"].image = DesiredImage::Build { build: build(), fingerprint: None };
        let blueprint = draw(&desired, &observed, &state).unwrap();
        assert_eq!(step(&blueprint, "app:api:release").unwrap().reason, "its image is built anew");
        assert!(step(&blueprint, "app:api:release").unwrap().depends_on.contains(&"app:api:image".to_owned()));
    }

    #[test]
    fn what_an_interrupted_run_has_begun_is_found_out_before_anything_is_released() {
        let desired = with_release();
        let (mut observed, mut state) = settled(&desired);
        observed.twins.push(Twin { kind: TwinKind::Release, id: "r1".into(), name: "api".into() });
        state.deploy_native.owner_logins.insert("api".into());
        let blueprint = draw(&desired, &observed, &state).unwrap();
        assert_eq!(step(&blueprint, CLOSE_LOGINS).unwrap().depends_on, ["release:r1"]);
        let first = &step(&blueprint, "app:api:release").unwrap().depends_on;
        assert!(first.contains(&CLOSE_LOGINS.to_owned()) && first.contains(&"release:r1".to_owned()), "{first:?}");
    }

    #[test]
    fn a_health_check_that_changes_is_told_and_deployed_and_one_of_others_stays() {
        let mut desired = desired(Some("postgresql://api@db/shop"));
        let (mut observed, mut state) = settled(&desired);
        let check = HealthCheck {
            probe: HealthProbe::Path("/health".into()),
            grace_seconds: 30,
            retries: 3,
            interval_seconds: 5,
        };
        let container = desired.apps["api"].check();
        assert_eq!(container, None);
        desired.apps["api"].health = Health::Check(check);
        let blueprint = draw(&desired, &observed, &state).unwrap();
        assert_eq!(step(&blueprint, "app:api:configure").unwrap().reason, "the health check of its containers changed");
        assert!(matches!(blueprint.operations["app:api:configure"], Operation::Configure { check: true, .. }));
        assert!(step(&blueprint, "app:api:deploy").is_some());

        observed.applications.get_mut("api").unwrap().check = desired.apps["api"].check();
        let blueprint = draw(&desired, &observed, &state).unwrap();
        let deploy = step(&blueprint, "app:api:deploy").unwrap();
        assert_eq!(deploy.reason, "its newest deployment is of something else", "it was stored and never deployed");

        desired.apps["api"].health = Health::default();
        assert_eq!(draw(&desired, &observed, &state).unwrap().plan.changes, 0, "somebody else's check stays");
        state.deploy_native.deployed.get_mut("api").unwrap().checked = true;
        assert!(step(&draw(&desired, &observed, &state).unwrap(), "app:api:configure").is_some(), "ours goes");
    }
}
