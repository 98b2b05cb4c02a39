use super::*;
use crate::plan::{ObservedEnvironment, ObservedProject};
use crate::secrets::SystemEntropy;
use indexmap::IndexMap;

fn observed(env: &[(&str, &str)]) -> Observed {
    let env: IndexMap<String, Secret> =
        env.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect();
    let application = ObservedApplication {
        id: "app-1".into(),
        ownership: Ownership::Ours,
        env,
        image: Some("r/api@sha256:1".into()),
        newest_title: Some("deploy-native config=f source=s run=n".into()),
        newest_done: true,
        runs: Runs::AsStored { after_crash: false },
        ..ObservedApplication::default()
    };
    Observed {
        project: Some(ObservedProject { id: "p".into(), ownership: Ownership::Ours, ..Default::default() }),
        environment: Some(ObservedEnvironment {
            id: "e".into(),
            ownership: Ownership::Ours,
            marked: true,
            ..Default::default()
        }),
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

fn needs() -> BTreeMap<String, GeneratedNeeds> {
    let secrets = BTreeSet::from(["BETTER_AUTH_SECRET".to_owned()]);
    BTreeMap::from([(
        "api".to_owned(),
        GeneratedNeeds {
            database: true,
            secrets,
            role: "api".into(),
            second_login: "api--next".into(),
            adopted: false,
        },
    )])
}

#[test]
fn i2_ids_passwords_and_generated_values_come_back_from_the_server() {
    let mut state = State::new("staging");
    let url = "postgresql://api:p%40ss@shop-db-abc:5432/shop";
    let recovered =
        recover(&mut state, &observed(&[("DATABASE_URL", url), ("BETTER_AUTH_SECRET", "s")]), &needs(), &SystemEntropy);
    assert_eq!(recovered.unwrap().len(), 4);
    assert_eq!(state.app_credentials["api"].db_password.expose(), "p@ss");
    assert_eq!(state.generated_secrets["api"]["BETTER_AUTH_SECRET"].expose(), "s");
    assert_eq!(state.deploy_native.passwords.postgres, Some("master".into()));
    assert_eq!(state.deploy_native.deployed["api"].fingerprint, "f");
    assert_eq!(state.deploy_native.images["api"].fingerprint, "s");
}

#[test]
fn i2_what_the_server_does_not_know_either_is_state_lost_and_named() {
    let error = recover(&mut State::new("staging"), &observed(&[]), &needs(), &SystemEntropy).unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateLost);
    assert!(error.message().contains("the database password of api, BETTER_AUTH_SECRET of api"), "{error}");
}

#[test]
fn i2_what_an_app_begins_to_need_is_no_loss() {
    let mut state = State::new("staging");
    state.applications.insert("api".into(), "app-1".into());
    recover(&mut state, &observed(&[]), &needs(), &SystemEntropy).unwrap();
    assert!(state.app_credentials.is_empty() && state.generated_secrets.is_empty(), "they are to be generated");
    state.applications.insert("api".into(), "another".into());
    assert!(recover(&mut state, &observed(&[]), &needs(), &SystemEntropy).is_err());
}

#[test]
fn i2_a_state_that_knows_is_never_overruled_by_the_server() {
    let mut state = State::new("staging");
    let known = AppCredentials { db_user: "api".into(), db_password: "mine".into(), unknown: Map::new() };
    state.app_credentials.insert("api".into(), known.clone());
    let url = "postgresql://api:other@shop-db-abc:5432/shop";
    recover(&mut state, &observed(&[("DATABASE_URL", url), ("BETTER_AUTH_SECRET", "s")]), &needs(), &SystemEntropy)
        .unwrap();
    assert_eq!(state.app_credentials["api"], known);
}

#[test]
fn i2_a_url_that_leads_elsewhere_is_not_taken_for_ours() {
    let url = "postgresql://api:p@neon.example:5432/shop";
    let error = recover(
        &mut State::new("s"),
        &observed(&[("DATABASE_URL", url), ("BETTER_AUTH_SECRET", "s")]),
        &needs(),
        &SystemEntropy,
    );
    assert!(error.unwrap_err().message().contains("the database password of api"));
}

#[test]
fn i2_an_app_that_runs_with_its_second_login_is_in_the_middle_of_a_rotation() {
    let url = "postgresql://api--next:interim@shop-db-abc:5432/shop";
    let observed = observed(&[("DATABASE_URL", url), ("BETTER_AUTH_SECRET", "s")]);
    let mut state = State::new("staging");
    recover(&mut state, &observed, &needs(), &SystemEntropy).unwrap();
    let login = state.deploy_native.rotations["api"].login.clone().unwrap();
    assert_eq!((login.interim.expose(), login.phase), ("interim", RotationPhase::SecondRuns));
    assert_eq!(state.app_credentials["api"].db_user, "api");
    assert_eq!(state.app_credentials["api"].db_password, login.next);
    let mut unsure = observed.clone();
    unsure.applications.get_mut("api").unwrap().runs = Runs::Something;
    let error = recover(&mut State::new("staging"), &unsure, &needs(), &SystemEntropy).unwrap_err();
    assert!(error.message().contains("the database password of api"), "{error}");
}
