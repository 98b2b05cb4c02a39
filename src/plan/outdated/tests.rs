use super::*;
use crate::image::ImageBuild;
use crate::plan::{DesiredEnv, GeneratedNeeds, ObservedPostgres, Runs, recover};
use crate::secrets::SystemEntropy;
use crate::state::{AppCredentials, Deployed, LoginRotation, PushedImage, Rotation, RotationPhase};
use indexmap::IndexMap;
use serde_json::Map;
use std::collections::BTreeSet;

const OLD: &str = "r/api@sha256:old";
const NEW: &str = "r/api@sha256:new";

/// A server on which run 7 has deployed `api`, with other values than the state's.
fn observed() -> Observed {
    let env = [
        ("DATABASE_URL", "postgresql://api:new@shop-db-abc:5432/shop"),
        ("BETTER_AUTH_SECRET", "new"),
        ("PORT", "3000"),
    ];
    let application = ObservedApplication {
        id: "app-1".into(),
        ownership: Ownership::Ours,
        env: env.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect(),
        image: Some(NEW.into()),
        serial: Some(7),
        newest_title: Some("deploy-native config=f source=new-source run=n serial=7".into()),
        newest_done: true,
        runs: Runs::AsStored { after_crash: false },
        ..ObservedApplication::default()
    };
    Observed {
        applications: BTreeMap::from([("api".to_owned(), application)]),
        postgres: Some(ObservedPostgres {
            id: "pg".into(),
            app_name: "shop-db-abc".into(),
            ownership: Ownership::Ours,
            password: Some("master".into()),
            ..ObservedPostgres::default()
        }),
        ..Observed::default()
    }
}

/// The state of a checkout that was used last for run 5.
fn state() -> State {
    let mut state = State::new("staging");
    state.applications.insert("api".into(), "app-1".into());
    state.services.postgres_id = Some("pg".into());
    let login =
        |password: &str| AppCredentials { db_user: "api".into(), db_password: password.into(), unknown: Map::new() };
    state.app_credentials.insert("api".into(), login("old"));
    let secrets = [("BETTER_AUTH_SECRET", "old"), ("RETIRED_SECRET", "kept")];
    let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect();
    state.generated_secrets.insert("api".into(), secrets);
    let ours = &mut state.deploy_native;
    ours.serial = 5;
    ours.passwords.postgres = Some("master".into());
    ours.database = Some("proven".into());
    let deployed = Deployed { image: OLD.into(), title: "t5".into(), fingerprint: "f5".into(), ..Deployed::default() };
    ours.deployed.insert("api".into(), deployed);
    let pushed = PushedImage { reference: OLD.into(), fingerprint: "old-source".into(), unknown: Map::new() };
    ours.images.insert("api".into(), pushed);
    let login =
        LoginRotation { interim: "i".into(), next: "n".into(), phase: RotationPhase::Changed, unknown: Map::new() };
    ours.rotations.insert("api".into(), Rotation { login: Some(login), ..Rotation::default() });
    state
}

fn needs() -> BTreeMap<String, GeneratedNeeds> {
    let needs = GeneratedNeeds {
        database: true,
        secrets: BTreeSet::from(["BETTER_AUTH_SECRET".to_owned()]),
        role: "api".into(),
        second_login: "api--next".into(),
        adopted: false,
    };
    BTreeMap::from([("api".to_owned(), needs)])
}

fn desired(image: DesiredImage) -> DesiredApp {
    DesiredApp {
        name: "api".into(),
        app_type: crate::workspace::AppType::Backend,
        port: 3000,
        image,
        release: None,
        health: crate::workspace::Health::default(),
        env: DesiredEnv { values: IndexMap::new(), unknown: BTreeSet::new(), sources: BTreeMap::new() },
        registry: None,
        host: "api.example.com".into(),
        dependencies: Vec::new(),
    }
}

fn given(reference: &str) -> DesiredApp {
    desired(DesiredImage::Given { reference: reference.into(), exact: true })
}

fn built(fingerprint: Option<&str>) -> DesiredApp {
    let build = ImageBuild {
        app: "api".into(),
        reference: "r/api:tag".into(),
        dockerfile: "/w/Dockerfile".into(),
        context: "/w".into(),
        build_args: BTreeMap::new(),
        platform: "linux/amd64".into(),
    };
    desired(DesiredImage::Build { build, fingerprint: fingerprint.map(str::to_owned) })
}

fn refusal(desired: &DesiredApp) -> Option<DeployError> {
    let (state, observed) = (state(), observed());
    find_outdated(&state, &observed)?.refuse_older_images(&state, &observed, [desired]).err()
}

#[test]
fn i2_a_state_is_outdated_when_a_later_run_has_deployed() {
    let outdated = find_outdated(&state(), &observed()).unwrap();
    assert_eq!(outdated.apps().collect::<Vec<_>>(), ["api"]);
    assert_eq!(newest_serial(&observed()), 7);
    // Two checkouts that count on from the same number are told apart by their runs.
    for (run, outdated) in [(None, false), (Some("ours12"), false), (Some("theirs"), true)] {
        let (mut state, mut observed) = (state(), observed());
        state.deploy_native.serial = 7;
        state.deploy_native.run = run.map(str::to_owned);
        let found = observed.applications.get_mut("api").unwrap();
        let title = DeploymentTitle::parse("deploy-native config=f run=ours12abcdef serial=7").unwrap();
        found.serial_run = Some(title.run().to_owned());
        assert_eq!(find_outdated(&state, &observed).is_some(), outdated, "{run:?}");
    }
    for (known, serial, ownership) in [
        (7, Some(7), Ownership::Ours),
        (8, Some(7), Ownership::Ours),
        (5, None, Ownership::Ours),
        (5, Some(7), Ownership::Foreign),
    ] {
        let (mut state, mut observed) = (state(), observed());
        state.deploy_native.serial = known;
        let found = observed.applications.get_mut("api").unwrap();
        (found.serial, found.ownership) = (serial, ownership);
        assert_eq!(find_outdated(&state, &observed), None, "{known} {serial:?} {ownership:?}");
    }
}

#[test]
fn i2_an_outdated_state_takes_passwords_and_secrets_from_the_server() {
    let (mut state, observed) = (state(), observed());
    find_outdated(&state, &observed).unwrap().forget(&mut state, &observed);
    recover(&mut state, &observed, &needs(), &SystemEntropy).unwrap();
    assert_eq!(state.app_credentials["api"].db_password.expose(), "new");
    assert_eq!(state.generated_secrets["api"]["BETTER_AUTH_SECRET"].expose(), "new");
    assert_eq!(state.generated_secrets["api"]["RETIRED_SECRET"].expose(), "kept", "the server does not know it");
    let ours = &state.deploy_native;
    assert_eq!((ours.deployed["api"].image.as_str(), ours.images["api"].reference.as_str()), (NEW, NEW));
    assert_eq!((ours.rotations.len(), &ours.database), (0, &None), "what another run has finished is not gone on with");
    assert_eq!(ours.passwords.postgres, Some("master".into()));
    assert_eq!(state.applications["api"], "app-1");
}

#[test]
fn i2_a_rotation_that_another_run_is_in_the_middle_of_is_taken_up_from_the_server() {
    let (mut state, mut observed) = (state(), observed());
    let url = "postgresql://api--next:interim@shop-db-abc:5432/shop";
    observed.applications.get_mut("api").unwrap().env.insert("DATABASE_URL".into(), url.into());
    find_outdated(&state, &observed).unwrap().forget(&mut state, &observed);
    recover(&mut state, &observed, &needs(), &SystemEntropy).unwrap();
    let login = state.deploy_native.rotations["api"].login.as_ref().unwrap();
    assert_eq!((login.interim.expose(), login.phase), ("interim", RotationPhase::SecondRuns));
    assert_ne!(state.app_credentials["api"].db_password.expose(), "old");
}

#[test]
fn i2_the_password_of_a_database_that_was_made_anew_comes_from_the_server() {
    let (mut state, mut observed) = (state(), observed());
    let postgres = observed.postgres.as_mut().unwrap();
    (postgres.id, postgres.password) = ("pg-2".into(), Some("master-2".into()));
    find_outdated(&state, &observed).unwrap().forget(&mut state, &observed);
    recover(&mut state, &observed, &needs(), &SystemEntropy).unwrap();
    assert_eq!(state.deploy_native.passwords.postgres, Some("master-2".into()));
}

#[test]
fn i2_an_older_image_is_refused_by_name() {
    let error = refusal(&given(OLD)).unwrap();
    assert_eq!(error.code(), ErrorCode::StateOutdated);
    let message = error.message();
    for part in ["stage `staging` is of run 5", "api: ", NEW, "run 7", OLD] {
        assert!(message.contains(part), "{part}: {message}");
    }
    let error = refusal(&built(Some("old-source"))).unwrap();
    assert!(error.message().contains(OLD), "{error}");
}

#[test]
fn i2_what_runs_and_what_is_new_is_not_refused() {
    for wanted in
        [given(NEW), given("r/api@sha256:newest"), built(Some("new-source")), built(Some("newest-source")), built(None)]
    {
        assert!(refusal(&wanted).is_none(), "{:?}", wanted.image);
    }
    let other = DesiredApp { name: "web".into(), ..given(OLD) };
    assert!(refusal(&other).is_none());
}
