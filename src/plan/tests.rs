//! What the planner promises, on one small workspace: an API with a database and a front end that calls it.

use super::*;
use crate::secrets::Secret;
use crate::state::{Deployed, DnsRecordState, DnsVerified, State};
use crate::workspace::{AppType, Health};
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;
use std::collections::{BTreeMap, BTreeSet};

const IP: &str = "192.0.2.1";

fn env(pairs: &[(&str, &str)]) -> IndexMap<String, Secret> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect()
}

pub(super) fn image(app: &str) -> String {
    format!("registry.test/shop-{app}@sha256:{app}")
}

fn desired_app(name: &str, dependencies: &[&str], values: &[(&str, &str)], unknown: &[&str]) -> DesiredApp {
    DesiredApp {
        name: name.into(),
        app_type: AppType::Backend,
        port: 3000,
        host: format!("{name}.shop.test"),
        dependencies: dependencies.iter().map(|it| (*it).to_owned()).collect(),
        image: DesiredImage::Given { reference: image(name), exact: true },
        env: DesiredEnv {
            values: env(values),
            unknown: unknown.iter().map(|it| (*it).to_owned()).collect(),
            sources: BTreeMap::new(),
        },
        registry: None,
        release: None,
        health: Health::default(),
    }
}

pub(super) fn desired(database_url: Option<&str>) -> Desired {
    let api = match database_url {
        Some(url) => desired_app("api", &[], &[("PORT", "3000"), ("DATABASE_URL", url)], &[]),
        None => desired_app("api", &[], &[("PORT", "3000")], &["DATABASE_URL"]),
    };
    let web = desired_app("web", &["api"], &[("API_URL", "https://api.shop.test")], &[]);
    let host = |app: &str| DesiredHost {
        app: app.into(),
        zone: Some(HostZone {
            root: "shop.test".into(),
            name: app.into(),
            provider: "cloudflare".into(),
            ttl: 300,
            manual: false,
        }),
    };
    Desired {
        workspace: "shop".into(),
        stage: "staging".into(),
        postgres: Some(DesiredPostgres {
            image: "postgres:18".into(),
            database: "shop".into(),
            user: "postgres".into(),
        }),
        redis: None,
        backups: None,
        hosts: [("api.shop.test".to_owned(), host("api")), ("web.shop.test".to_owned(), host("web"))].into(),
        declared: BTreeSet::from(["api".into(), "web".into()]),
        declared_hosts: ["api", "web"].map(|app| (format!("{app}.shop.test"), app.to_owned())).into(),
        hosts_elsewhere: BTreeSet::new(),
        writable_zones: BTreeSet::from(["shop.test".into()]),
        apps: [("api".to_owned(), api), ("web".to_owned(), web)].into(),
        server_ip: IP.parse().ok(),
        database: Some(DesiredDatabase {
            fingerprint: "roles".into(),
            roles: BTreeMap::from([("api".into(), "api".into())]),
            retired: BTreeMap::new(),
            way: DatabaseWay {
                route: DatabaseRoute::ExternalPort,
                why: "databaseAccess says so".to_owned(),
                falls_back: false,
            },
        }),
        rotations: BTreeMap::new(),
        follows: true,
        domains: true,
        protect_foreign_dns: false,
        adopt: BTreeSet::new(),
    }
}

/// The world after a deployment of [`wanted`], and the state that it left.
pub(super) fn settled(desired: &Desired) -> (Observed, State) {
    let mut state = State::new("staging");
    let mut observed = Observed {
        project: Some(ObservedProject { id: "p".into(), ownership: Ownership::Ours, ..Default::default() }),
        environment: Some(ObservedEnvironment {
            id: "e".into(),
            ownership: Ownership::Ours,
            marked: true,
            ..Default::default()
        }),
        postgres: Some(ObservedPostgres {
            id: "pg".into(),
            ownership: Ownership::Ours,
            image: "postgres:18".into(),
            deployment: ServiceDeployment::Done,
            ..ObservedPostgres::default()
        }),
        ..Observed::default()
    };
    state.deploy_native.database = Some("roles".into());
    for (name, app) in &desired.apps {
        let fingerprint = app_fingerprint(&image(name), &app.env.values, None, None);
        let title = DeploymentTitle {
            fingerprint: fingerprint.clone(),
            image: None,
            release: None,
            nonce: "1".into(),
            serial: None,
        }
        .to_string();
        let deployed = Deployed {
            fingerprint,
            environment: env_fingerprint(&app.env.values),
            image: image(name),
            title: title.clone(),
            checked: false,
            unknown: serde_json::Map::default(),
        };
        state.deploy_native.deployed.insert(name.clone(), deployed);
        let domain = ObservedDomain {
            id: format!("d-{name}"),
            host: app.host.clone(),
            port: Some(3000),
            https: true,
            certificate_type: "letsencrypt".into(),
            path: Some("/".into()),
            off: false,
        };
        let application = ObservedApplication {
            id: name.clone(),
            ownership: Ownership::Ours,
            env: app.env.values.clone(),
            image: Some(image(name)),
            newest_title: Some(title),
            newest_done: true,
            runs: Runs::AsStored { after_crash: false },
            marked: true,
            domains: vec![domain],
            ..ObservedApplication::default()
        };
        observed.applications.insert(name.clone(), application);
        observed
            .records
            .insert(app.host.clone(), ObservedRecord { values: vec![IP.into()], ..ObservedRecord::default() });
        let verified =
            DnsVerified { server_ip: IP.into(), verified_at: String::new(), unknown: serde_json::Map::default() };
        state.dns_verified.insert(app.host.clone(), verified);
    }
    (observed, state)
}

fn changing(blueprint: &Blueprint) -> Vec<&str> {
    let steps = blueprint.plan.steps.iter();
    steps.filter(|step| step.action != Action::Keep).map(|step| step.id.as_str()).collect()
}

fn step<'a>(blueprint: &'a Blueprint, id: &str) -> &'a Step {
    blueprint.plan.steps.iter().find(|step| step.id == id).unwrap()
}

fn code(result: Result<Blueprint, DeployError>) -> ErrorCode {
    result.unwrap_err().code()
}

#[test]
fn the_first_deployment_creates_everything_in_an_order_that_holds() {
    let blueprint = draw(&desired(None), &Observed::default(), &State::new("staging")).unwrap();
    assert_eq!(blueprint.plan.changes, changing(&blueprint).len());
    let mut seen = BTreeSet::new();
    for step in &blueprint.plan.steps {
        assert!(step.depends_on.iter().all(|id| seen.contains(id)), "{} comes before what it needs", step.id);
        seen.insert(step.id.clone());
    }
    let needs = |id: &str, first: &str| step(&blueprint, id).depends_on.contains(&first.to_owned());
    assert!(needs("app:api:configure", "service:postgres") && needs("app:api:deploy", "database:roles"));
    assert!(needs("app:web:deploy", "app:api:deploy"), "a dependent is deployed after what it depends on");
    assert!(!needs("app:web:deploy", "database:roles"), "what needs no database does not wait for it");
    assert!(needs("app:api:domain", "dns:api.shop.test:verify"), "a domain waits for its DNS");
    assert!(step(&blueprint, "database:roles").opens_port);
}

#[test]
fn i9_an_unchanged_workspace_is_an_empty_plan() {
    let desired = desired(Some("postgresql://x"));
    let (observed, state) = settled(&desired);
    let blueprint = draw(&desired, &observed, &state).unwrap();
    assert_eq!((blueprint.plan.changes, blueprint.plan.steps.len()), (0, 0), "{:#?}", blueprint.plan);
    assert_eq!(blueprint.unchanged.len(), 2);
    assert_eq!(render(&blueprint.plan), "Nothing to change.\n");
}

#[test]
fn i9_only_the_app_that_changed_is_touched() {
    let mut desired = desired(Some("postgresql://x"));
    let (observed, state) = settled(&desired);
    desired.apps["web"].env.values.insert("NEW".into(), "1".into());
    let blueprint = draw(&desired, &observed, &state).unwrap();
    assert_eq!(changing(&blueprint), ["app:web:configure", "app:web:deploy"]);
    let change = VariableChange { name: "NEW".into(), change: VariableChangeKind::Added };
    assert_eq!(step(&blueprint, "app:web:configure").variables, [change]);
}

#[test]
fn i9_what_the_server_stores_alone_proves_nothing() {
    let desired = desired(Some("postgresql://x"));
    let mutations: [fn(&mut ObservedApplication); 5] = [
        |app| app.runs = Runs::Nothing,
        |app| app.runs = Runs::Something,
        |app| app.newest_done = false,
        |app| app.newest_title = Some("Manual deployment".into()),
        |app| app.newest_title = None,
    ];
    for mutate in mutations {
        let (mut observed, state) = settled(&desired);
        mutate(observed.applications.get_mut("web").unwrap());
        let blueprint = draw(&desired, &observed, &state).unwrap();
        assert_eq!(changing(&blueprint), ["app:web:deploy"]);
    }
}

#[test]
fn a_hand_edit_on_the_server_is_named_and_put_right() {
    let desired = desired(Some("postgresql://x"));
    let (mut observed, state) = settled(&desired);
    observed.applications.get_mut("web").unwrap().env.insert("API_URL".into(), "https://edited".into());
    let blueprint = draw(&desired, &observed, &state).unwrap();
    assert_eq!(changing(&blueprint), ["app:web:configure", "app:web:deploy"]);
    assert!(blueprint.plan.notes[0].contains("API_URL changed on the server behind our back"));
    assert!(!render(&blueprint.plan).contains("edited"), "a plan shows names, never values");
}

#[test]
fn i8_a_foreign_application_stops_the_plan_unless_it_is_adopted() {
    let mut desired = desired(Some("postgresql://x"));
    let (mut observed, state) = settled(&desired);
    observed.applications.get_mut("web").unwrap().ownership = Ownership::Foreign;
    assert_eq!(code(draw(&desired, &observed, &state)), ErrorCode::ResourceNotOurs);
    desired.adopt.insert("web".into());
    assert_eq!(changing(&draw(&desired, &observed, &state).unwrap()), ["app:web:create"]);
}

#[test]
fn i8_a_foreign_service_stops_the_plan() {
    let desired = desired(None);
    let (mut observed, state) = settled(&desired);
    observed.postgres.as_mut().unwrap().ownership = Ownership::Foreign;
    assert_eq!(code(draw(&desired, &observed, &state)), ErrorCode::ResourceNotOurs);
}

#[test]
fn i8_a_foreign_record_is_replaced_and_named_or_protected() {
    let mut desired = desired(Some("postgresql://x"));
    let (mut observed, mut state) = settled(&desired);
    observed.records.get_mut("web.shop.test").unwrap().values = vec!["203.0.113.9".into()];
    let blueprint = draw(&desired, &observed, &state).unwrap();
    assert_eq!(changing(&blueprint), ["dns:web.shop.test", "dns:web.shop.test:verify"]);
    assert!(step(&blueprint, "dns:web.shop.test").reason.contains("203.0.113.9, which we did not write"));
    desired.protect_foreign_dns = true;
    assert_eq!(code(draw(&desired, &observed, &state)), ErrorCode::DnsRecordForeign);
    let ours = DnsRecordState {
        domain: "shop.test".into(),
        name: "web".into(),
        record_type: "A".into(),
        value: "203.0.113.9".into(),
        ttl: 300,
        created_at: String::new(),
        app: None,
        previous: None,
        unknown: serde_json::Map::default(),
    };
    state.dns_records.insert("web:A".into(), ours);
    assert!(draw(&desired, &observed, &state).is_ok(), "a record that we wrote is ours to change");
}

#[test]
fn i8_a_record_of_another_type_is_never_touched() {
    let desired = desired(Some("postgresql://x"));
    let (mut observed, state) = settled(&desired);
    observed.records.get_mut("web.shop.test").unwrap().conflict = Some("CNAME".into());
    assert_eq!(code(draw(&desired, &observed, &state)), ErrorCode::DnsRecordForeign);
}

#[test]
fn i4_a_port_left_open_is_closed_before_the_database_is_used() {
    let mut desired = desired(Some("postgresql://x"));
    let (mut observed, mut state) = settled(&desired);
    observed.open_port = Some("pg".into());
    assert_eq!(changing(&draw(&desired, &observed, &state).unwrap()), ["database:close-port"]);
    state.deploy_native.database = None;
    let blueprint = draw(&desired, &observed, &state).unwrap();
    assert_eq!(step(&blueprint, "database:roles").depends_on, ["database:close-port"]);
    desired.apps["api"].env.values.insert("NEW".into(), "1".into());
    let blueprint = draw(&desired, &observed, &state).unwrap();
    let deploy = step(&blueprint, "app:api:deploy");
    assert!(deploy.depends_on.contains(&"database:close-port".to_owned()), "it restarts the database: {deploy:?}");
}

#[test]
fn a_renamed_host_is_attached_before_the_old_one_is_detached() {
    let mut desired = desired(Some("postgresql://x"));
    let (observed, mut state) = settled(&desired);
    state.deploy_native.domains.insert("web.shop.test", "d-web");
    desired.apps["web"].host = "www.shop.test".into();
    let blueprint = draw(&desired, &observed, &state).unwrap();
    assert_eq!(changing(&blueprint), ["app:web:domain", "app:web:domain:web.shop.test"]);
    assert_eq!(step(&blueprint, "app:web:domain:web.shop.test").depends_on, ["app:web:domain"]);
}

#[test]
fn a_domain_that_a_hand_attached_stays() {
    let desired = desired(Some("postgresql://x"));
    let (mut observed, state) = settled(&desired);
    let mut domain = observed.applications["web"].domains[0].clone();
    domain.host = "by-hand.test".into();
    observed.applications.get_mut("web").unwrap().domains.push(domain);
    assert_eq!(draw(&desired, &observed, &state).unwrap().plan.changes, 0);
}
