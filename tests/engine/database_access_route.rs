//! Which way to the database is taken: `auto` goes inside, says when it cannot, and goes on by the port.

use crate::internal_database_access::Inside;
use deploy_native::deploy::{DatabaseAccessReport, RunOptions, UndeployRequest, plan, plan_undeploy, undeploy};
use deploy_native::plan::{DatabaseRoute, DeployPlan, Step};
use deploy_native::{DeployEvent, ErrorCode};
use deploy_native_simulator::{Fault, FaultAction, Image};
use serde_json::{Value, json};
use std::time::Duration;

const PORT: &str = "postgres.saveExternalPort";
/// An image that no list knows.
const OWN_IMAGE: &str = "registry.test/shop/db:1";

fn refusal() -> FaultAction {
    FaultAction::Fail { status: 400, body: json!({ "message": "no", "code": "BAD_REQUEST" }) }
}

impl Inside {
    /// What the run warned of concerning the database.
    fn warnings(&self) -> Vec<String> {
        let events = self.world.events.lock().unwrap().clone();
        let of_database = |event: DeployEvent| match event {
            DeployEvent::Warning { code, message, .. } if code == "database-access" => Some(message),
            _ => None,
        };
        events.into_iter().filter_map(of_database).collect()
    }

    /// A run that must succeed: which way it took, and why.
    async fn taken(&self, access: &str, options: RunOptions) -> DatabaseAccessReport {
        let report = self.apply_with(access, options).await.unwrap();
        assert_eq!(self.jobs(), Vec::<String>::new());
        assert!(report.isolation.unwrap().broken.is_empty());
        report.database_access.unwrap()
    }

    fn impatient(&self) -> RunOptions {
        let mut options = self.world.options();
        options.surroundings.answer_deadline = Duration::from_secs(1);
        options
    }
}

fn roles(plan: &DeployPlan) -> &Step {
    plan.steps.iter().find(|step| step.id == "database:roles").unwrap()
}

#[tokio::test]
async fn auto_goes_on_by_the_port_where_the_way_from_inside_fails_and_internal_does_not() {
    let failing = FaultAction::Fail { status: 500, body: json!({ "message": "no log" }) };
    let faults = [
        (Fault::new("application.create", refusal()), ErrorCode::DokployRequest),
        (Fault::new("application.deploy", refusal()), ErrorCode::DokployRequest),
        (Fault::new("application.readLogs", failing), ErrorCode::PostgresUnreachable),
    ];
    for (fault, code) in faults {
        let world = Inside::with(|builder| builder.fault(fault.clone())).await;
        let error = world.apply_with("internal", world.impatient()).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.hint_text().unwrap().contains("external-port"), "{error:?}");
        assert_eq!((world.jobs(), world.warnings()), (vec![], vec![]));
        assert_eq!(world.world.simulator.count(PORT), 0);
        let taken = world.taken("auto", world.impatient()).await;
        assert_eq!(taken.way, DatabaseRoute::ExternalPort);
        assert!(taken.reason.contains("from inside the server's network it could not be reached"), "{taken:?}");
        assert_eq!(world.warnings().len(), 1, "{:?}", world.warnings());
        assert!(world.warnings()[0].contains(&taken.reason), "{:?}", world.warnings());
        world.world.assert_port_closed();
        assert!(world.world.state().await.deploy_native.psql.is_empty(), "that says nothing of the image");
    }
}

#[tokio::test]
async fn auto_does_not_pass_over_what_the_database_refuses() {
    let world = Inside::with(|builder| builder).await;
    world.apply("auto").await.unwrap();
    world.forget_roles().await;
    world.backend.change_password(&world.database(), "postgres", "another").await.unwrap();
    assert_eq!(world.apply("auto").await.unwrap_err().code(), ErrorCode::PostgresAuthentication);
    assert_eq!((world.world.simulator.count(PORT), world.warnings()), (0, vec![]));
}

#[tokio::test]
async fn an_image_without_psql_is_tried_once() {
    let world = Inside::with(|builder| builder.image(Image::new(OWN_IMAGE).psql(false))).await;
    let shape = |request: &mut Value| request["workspace"]["services"]["db"] = json!({ "image": OWN_IMAGE });
    let world = world.wanting(shape);
    let planned = plan(world.request("auto"), world.world.options()).await.unwrap();
    let details = roles(&planned).details.join("; ");
    assert!(details.contains("whether registry.test/shop/db:1 has psql is found out by it"), "{details}");
    assert!(details.contains("or, where that does not work, through its external port"), "{details}");
    let taken = world.taken("auto", world.world.options()).await;
    assert_eq!(taken.way, DatabaseRoute::ExternalPort);
    assert!(taken.reason.ends_with("The image registry.test/shop/db:1 has no psql"), "{taken:?}");
    assert!(!world.world.state().await.deploy_native.psql[OWN_IMAGE]);
    world.forget_roles().await;
    let planned = plan(world.request("auto"), world.world.options()).await.unwrap();
    assert!(roles(&planned).opens_port, "{planned:#?}");
    let asked = world.world.simulator.count("application.create");
    let taken = world.taken("auto", world.world.options()).await;
    assert!(taken.reason.contains("was seen not to run psql"), "{taken:?}");
    assert_eq!((world.world.simulator.count("application.create"), world.warnings().len()), (asked, 1));
    world.forget_roles().await;
    let error = world.apply("internal").await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::PostgresUnreachable, Some("no-psql")));
}

#[tokio::test]
async fn an_image_that_turns_out_to_have_psql_is_known_from_then_on() {
    let world = Inside::with(|builder| builder.image(Image::new(OWN_IMAGE).psql(true))).await;
    let world = world.wanting(|request| request["workspace"]["services"]["db"] = json!({ "image": OWN_IMAGE }));
    let taken = world.taken("auto", world.world.options()).await;
    assert_eq!(taken.way, DatabaseRoute::Internal);
    assert!(world.world.state().await.deploy_native.psql[OWN_IMAGE]);
    world.forget_roles().await;
    let taken = world.taken("auto", world.world.options()).await;
    assert_eq!(taken.reason, "registry.test/shop/db:1 has psql");
    assert_eq!((world.world.simulator.count(PORT), world.warnings()), (0, vec![]));
}

#[tokio::test]
async fn roles_are_dropped_by_the_way_that_the_plan_names() {
    let world = Inside::with(|builder| builder).await;
    for access in ["auto", "external-port"] {
        world.apply("auto").await.unwrap();
        let opened = world.world.simulator.count(PORT);
        let deploy = world.world.request();
        let request = || {
            let mut request = json!({ "workspace": deploy["workspace"], "stage": deploy["stage"] });
            request["credentials"] = deploy["credentials"].clone();
            (request["apps"], request["deleteData"]) = (json!(["auth"]), true.into());
            (request["databaseHost"], request["databaseAccess"]) = (json!("127.0.0.1"), access.into());
            UndeployRequest::from_json(request).unwrap()
        };
        let planned = plan_undeploy(request(), world.world.options()).await.unwrap();
        let step = planned.steps.iter().find(|step| step.id == "database:drop-roles").unwrap();
        let by_port = access == "external-port";
        let way =
            if by_port { "reached through its external port" } else { "reached from inside the server's network" };
        assert!(step.details.iter().any(|detail| detail.starts_with(way)), "{step:#?}");
        assert_eq!((step.opens_port, step.restarts.is_empty()), (by_port, !by_port), "{step:#?}");
        let (result, was_open) = world.watched(undeploy(request(), world.world.options())).await;
        let report = result.unwrap();
        assert!(report.removed.contains(&"database roles".to_owned()), "{report:?}");
        assert_eq!((was_open, world.world.simulator.count(PORT) > opened), (by_port, by_port));
        let gone = crate::internal_database_access::ask(
            &world.session().await,
            "SELECT rolname FROM pg_roles WHERE rolname = 'auth'",
        )
        .await;
        assert_eq!(gone.unwrap(), Vec::<String>::new());
        assert_eq!(world.jobs(), Vec::<String>::new());
        world.world.assert_port_closed();
    }
}
