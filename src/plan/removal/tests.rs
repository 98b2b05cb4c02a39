use super::*;
use crate::plan::{ObservedApplication, ObservedPostgres};
use crate::state::{DnsRecordState, PreviousRecord};

fn world() -> (Observed, State) {
    let application = |ownership| ObservedApplication { id: "a".into(), ownership, ..ObservedApplication::default() };
    let observed = Observed {
        project: Some(ObservedProject { id: "p".into(), ownership: Ownership::Ours, ..ObservedProject::default() }),
        environment: Some(ObservedEnvironment {
            id: "e".into(),
            ownership: Ownership::Ours,
            marked: true,
            ..ObservedEnvironment::default()
        }),
        applications: [("api", Ownership::Ours), ("web", Ownership::Ours), ("theirs", Ownership::Foreign)]
            .map(|(name, ownership)| (name.to_owned(), application(ownership)))
            .into(),
        postgres: Some(ObservedPostgres { id: "pg".into(), ownership: Ownership::Ours, ..ObservedPostgres::default() }),
        ..Observed::default()
    };
    let mut state = State::new("staging");
    let record = DnsRecordState {
        domain: "shop.test".into(),
        name: "web".into(),
        record_type: "A".into(),
        value: "192.0.2.1".into(),
        ttl: 300,
        created_at: String::new(),
        app: None,
        previous: Some(PreviousRecord {
            values: vec!["203.0.113.9".into()],
            ttl: 60,
            unknown: serde_json::Map::default(),
        }),
        unknown: serde_json::Map::default(),
    };
    state.dns_records.insert("web:A".into(), record);
    (observed, state)
}

fn ids(blueprint: &Blueprint) -> Vec<&str> {
    blueprint.plan.steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn i8_what_is_ours_goes_what_is_not_stays_and_old_records_come_back() {
    let (observed, state) = world();
    let blueprint =
        draw_removal(&RemovalRequest { stage: "staging".into(), ..RemovalRequest::default() }, &observed, &state);
    assert_eq!(ids(&blueprint), ["app:api:delete", "app:web:delete", "dns:web.shop.test"]);
    assert!(blueprint.plan.steps[2].reason.contains("puts back 203.0.113.9"));
    assert!(blueprint.plan.notes.iter().any(|note| note.contains("application theirs is not ours")));
}

#[test]
fn a_job_that_was_left_behind_goes_too() {
    let (mut observed, state) = world();
    observed.twins.push(crate::plan::Twin { kind: TwinKind::Job, id: "j".into(), name: "sql-1".into() });
    let blueprint = draw_removal(&RemovalRequest::default(), &observed, &state);
    assert_eq!(ids(&blueprint).first(), Some(&"twin:j"));
}

#[test]
fn i3_every_idle_twin_goes_before_what_it_lives_in_and_those_of_other_apps_stay_with_them() {
    let (mut observed, state) = world();
    let kinds = [
        (TwinKind::Project, "shop"),
        (TwinKind::Environment, "staging"),
        (TwinKind::Application, "api"),
        (TwinKind::Application, "web"),
        (TwinKind::Postgres, "db"),
        (TwinKind::Redis, "cache"),
    ];
    let twin = |(kind, name): &(TwinKind, &str)| crate::plan::Twin {
        kind: *kind,
        id: format!("{name}-2"),
        name: (*name).to_owned(),
    };
    observed.twins = kinds.iter().map(twin).collect();
    let request = RemovalRequest { delete_data: true, delete_project: true, ..RemovalRequest::default() };
    let blueprint = draw_removal(&request, &observed, &state);
    let environment = blueprint.plan.steps.iter().find(|step| step.id == "environment:delete").unwrap();
    for twin in &observed.twins {
        assert!(environment.depends_on.contains(&format!("twin:{}", twin.id)), "{twin:?}");
    }
    let some = RemovalRequest { apps: Some(BTreeSet::from(["web".to_owned()])), ..RemovalRequest::default() };
    assert_eq!(ids(&draw_removal(&some, &observed, &state)), ["twin:web-2", "app:web:delete", "dns:web.shop.test"]);
}

#[test]
fn data_goes_only_when_asked_and_after_the_apps() {
    let (observed, state) = world();
    let request = RemovalRequest { delete_data: true, delete_project: true, ..RemovalRequest::default() };
    let blueprint = draw_removal(&request, &observed, &state);
    let step = blueprint.plan.steps.iter().find(|step| step.id == "service:postgres:delete").unwrap();
    assert!(step.depends_on.contains(&"app:api:delete".to_owned()));
    let waits_for_dns = |step: &&Step| step.depends_on.iter().any(|id| id.starts_with("dns:"));
    assert_eq!(blueprint.plan.steps.iter().find(waits_for_dns), None, "a DNS vendor that fails keeps nothing");
    assert!(blueprint.plan.notes.iter().any(|note| note.contains("docker volume rm")), "{:?}", blueprint.plan.notes);
    assert_eq!(ids(&blueprint).last(), Some(&"project:delete"));
}

#[test]
fn a_project_in_which_others_live_stays() {
    let (mut observed, state) = world();
    let request = RemovalRequest { delete_data: true, delete_project: true, ..RemovalRequest::default() };
    observed.environment.as_mut().unwrap().others.push("theirs".into());
    assert!(!ids(&draw_removal(&request, &observed, &state)).contains(&"environment:delete"));
    observed.environment.as_mut().unwrap().others.clear();
    observed.project.as_mut().unwrap().other_environments.push("production".into());
    let blueprint = draw_removal(&request, &observed, &state);
    assert!(ids(&blueprint).contains(&"environment:delete") && !ids(&blueprint).contains(&"project:delete"));
}

#[test]
fn i3_a_project_whose_environment_is_gone_already_goes_too() {
    let request = RemovalRequest { delete_data: true, delete_project: true, ..RemovalRequest::default() };
    let project = world().0.project;
    let observed = Observed { project, ..Observed::default() };
    let state = State::new("staging");
    assert_eq!(ids(&draw_removal(&request, &observed, &state)), ["project:delete"]);
    let some = RemovalRequest { apps: Some(BTreeSet::new()), ..request };
    assert_eq!(ids(&draw_removal(&some, &observed, &state)), [""; 0]);
}

#[test]
fn some_apps_leave_the_others_and_the_data() {
    let (observed, state) = world();
    let request = RemovalRequest {
        apps: Some(BTreeSet::from(["web".to_owned()])),
        hosts: ["api", "web"].map(|app| (format!("{app}.shop.test"), app.to_owned())).into(),
        delete_project: true,
        ..RemovalRequest::default()
    };
    assert_eq!(ids(&draw_removal(&request, &observed, &state)), ["app:web:delete", "dns:web.shop.test"]);
}
