//! External ports of databases: doors that really open and close, conflicts and races.

use serde_json::json;

use crate::api::{Api, connects, free_port, wait_for};

async fn opens(port: u16) {
    wait_for("the port to open", async || connects(port).await.then_some(())).await;
}

async fn closes(port: u16) {
    wait_for("the port to close", async || (!connects(port).await).then_some(())).await;
}

#[tokio::test]
async fn an_external_port_is_a_door_that_opens_late_and_closes_late() {
    let api = Api::start(deploy_native_simulator::Simulator::builder().time_scale(0.3)).await;
    let (id, app) = api.postgres("db").await;
    wait_for("the database", async || (api.service(&app)["running"] == true).then_some(())).await;
    let port = free_port();
    let (status, before) =
        api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await;
    assert_eq!((status, &before["externalPort"]), (200, &json!(null)), "the answer shows the old port");
    assert!(!connects(port).await, "the old container has to stop first");
    opens(port).await;
    api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": null })).await;
    assert!(connects(port).await, "the old container still publishes it");
    closes(port).await;
    assert_eq!(api.get("postgres.one", &[("postgresId", &id)]).await.1["externalPort"], json!(null));
}

#[tokio::test]
async fn the_same_port_again_conflicts_with_its_own_container_and_so_does_a_prefix() {
    let api = Api::fast().await;
    let (id, app) = api.postgres("db").await;
    let port = free_port();
    api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await;
    opens(port).await;
    for asked in [u32::from(port), u32::from(port) / 10] {
        let (status, body) =
            api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": asked })).await;
        assert_eq!(status, 409);
        let message = body["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("Port {asked} is already in use by container \"{app}.1.")), "{message}");
    }
}

#[tokio::test]
async fn a_port_of_another_process_conflicts() {
    let api = Api::fast().await;
    let (id, _) = api.postgres("db").await;
    let process = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = process.local_addr().unwrap().port();
    let (status, body) = api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await;
    assert_eq!(
        (status, &body["message"]),
        (409, &json!(format!("Port {port} is already in use by a host-level service")))
    );
    assert_eq!(api.get("postgres.one", &[("postgresId", &id)]).await.1["externalPort"], json!(null));
}

#[tokio::test]
async fn two_databases_asked_at_once_both_get_200_and_one_is_down() {
    let api = Api::start(deploy_native_simulator::Simulator::builder().time_scale(0.3)).await;
    let ((first, first_app), (second, second_app)) = (api.postgres("one").await, api.postgres("two").await);
    let port = free_port();
    let ask = |id: String| api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port }));
    let (a, b) = tokio::join!(ask(first.clone()), ask(second.clone()));
    assert_eq!((a.0, b.0), (200, 200));
    opens(port).await;
    let pending = "no suitable node (host-mode port already in use on 1 node)";
    let loser = wait_for("one of them to hang", async || {
        [(&first_app, &second), (&second_app, &first)]
            .into_iter()
            .find(|(app, _)| api.service(app)["tasks"].to_string().contains(pending))
    })
    .await;
    assert_eq!(api.service(loser.0)["running"], false);
    api.post("postgres.saveExternalPort", json!({ "postgresId": loser.1, "externalPort": null })).await;
    wait_for("the loser to get the port", async || (api.service(loser.0)["running"] == true).then_some(())).await;
}

#[tokio::test]
async fn an_open_under_way_wins_over_a_close_sent_meanwhile() {
    let api = Api::start(deploy_native_simulator::Simulator::builder().time_scale(0.5)).await;
    let (id, _) = api.postgres("db").await;
    let port = free_port();
    let open = api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port }));
    let close = async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": null })).await
    };
    assert_eq!(tokio::join!(open, close).1.0, 200);
    opens(port).await;
    assert_eq!(api.get("postgres.one", &[("postgresId", &id)]).await.1["externalPort"], port);
}

#[tokio::test]
async fn a_client_killed_during_an_open_leaves_a_port_that_opens_later() {
    let api = Api::start(deploy_native_simulator::Simulator::builder().time_scale(0.5)).await;
    let (id, _) = api.postgres("db").await;
    let port = free_port();
    api.give_up("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await;
    assert_eq!(api.get("postgres.one", &[("postgresId", &id)]).await.1["externalPort"], json!(null));
    opens(port).await;
    assert_eq!(api.get("postgres.one", &[("postgresId", &id)]).await.1["externalPort"], port);
}

#[tokio::test]
async fn odd_port_numbers_are_taken_as_the_real_server_takes_them() {
    let api = Api::fast().await;
    let (id, _) = api.postgres("db").await;
    let ask = async |port: serde_json::Value| {
        let status = api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await.0;
        let (_, one) = api.get("postgres.one", &[("postgresId", &id)]).await;
        (status, one["externalPort"].clone(), one["applicationStatus"].clone())
    };
    assert_eq!(ask(json!(70_000)).await, (200, json!(70_000), json!("done")));
    assert_eq!(ask(json!(-1)).await, (500, json!(-1), json!("error")));
    assert_eq!(ask(json!(0)).await, (200, json!(0), json!("done")));
    let port = free_port();
    assert_eq!(ask(json!(port.to_string())).await, (200, json!(port), json!("done")), "numbers in strings are coerced");
}

#[tokio::test]
async fn removing_a_database_closes_its_port() {
    let api = Api::fast().await;
    let (id, _) = api.postgres("db").await;
    let port = free_port();
    api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await;
    opens(port).await;
    assert_eq!(api.post("postgres.remove", json!({ "postgresId": id })).await.0, 200);
    assert_eq!(api.post("postgres.remove", json!({ "postgresId": id })).await.0, 404);
    closes(port).await;
}

#[tokio::test]
async fn dropping_the_simulator_closes_its_ports() {
    let api = Api::fast().await;
    let (id, _) = api.postgres("db").await;
    let port = free_port();
    api.post("postgres.saveExternalPort", json!({ "postgresId": id, "externalPort": port })).await;
    opens(port).await;
    let http = api.simulator.url().rsplit_once(':').unwrap().1.parse().unwrap();
    drop(api);
    closes(port).await;
    closes(http).await;
}

#[tokio::test]
async fn a_postgres_that_is_replaced_before_it_has_initialised_never_comes_up_again() {
    let api = Api::fast().await;
    let create = json!({
        "name": "db", "appName": "db", "environmentId": api.environment, "databaseName": "shop",
        "databaseUser": "postgres", "databasePassword": "Abc123Abc123",
    });
    let id = api.post("postgres.create", create).await.1["postgresId"].clone();
    let app = api.get("postgres.one", &[("postgresId", id.as_str().unwrap())]).await.1["appName"].clone();
    let app = app.as_str().unwrap();
    let deploy = async || assert_eq!(api.post("postgres.deploy", json!({ "postgresId": id })).await.0, 200);
    deploy().await;
    wait_for("its container", async || (api.service(app)["running"] == true).then_some(())).await;
    deploy().await;
    deploy().await;
    let log = async || api.get("postgres.readLogs", &[("postgresId", id.as_str().unwrap())]).await.1.to_string();
    wait_for("its failure", async || log().await.contains("FATAL").then_some(())).await;
    wait_for("Swarm to try again", async || (log().await.matches("FATAL").count() > 1).then_some(())).await;
    assert!(!log().await.contains("ready to accept connections"));
}
