//! Transport rules and keys that the recorded exchanges do not show.

use deploy_native_simulator::Simulator;
use serde_json::{Value, json};

use crate::api::{Api, SCALE};

async fn with_key(api: &Api, key: &str, endpoint: &str) -> (u16, Value) {
    let url = format!("{}/api/{endpoint}", api.simulator.url());
    let response = reqwest::Client::new().get(url).header("x-api-key", key).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_body_over_one_megabyte_is_refused_in_plain_text() {
    let api = Api::fast().await;
    let (status, body) = api.post("project.create", json!({ "name": "x".repeat(1_100_000) })).await;
    assert_eq!((status, body), (413, json!("Body exceeded 1mb limit")));
}

#[tokio::test]
async fn a_trailing_slash_is_redirected() {
    let api = Api::fast().await;
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let url = format!("{}/api/project.one/?projectId=x", api.simulator.url());
    let response = client.get(url).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), response.headers()["location"].to_str().unwrap()),
        (308, "/api/project.one?projectId=x")
    );
}

#[tokio::test]
async fn a_rate_limited_key_ends_in_the_plain_401() {
    let api = Api::start(Simulator::builder().time_scale(SCALE).limited_token("limited", 2)).await;
    assert_eq!(with_key(&api, "limited", "settings.getDokployVersion").await.0, 200);
    assert_eq!(with_key(&api, "limited", "settings.getDokployVersion").await.0, 200);
    assert_eq!(
        with_key(&api, "limited", "settings.getDokployVersion").await,
        (401, json!({ "message": "Unauthorized" }))
    );
}

#[tokio::test]
async fn a_key_made_without_turning_the_limit_off_dies_after_five_requests() {
    let api = Api::fast().await;
    let body = json!({ "name": "ci", "metadata": { "organizationId": "x" } });
    let (_, created) = api.post("user.createApiKey", body).await;
    let key = created["key"].as_str().unwrap();
    for _ in 0..5 {
        assert_eq!(with_key(&api, key, "project.all").await.0, 200);
    }
    assert_eq!(with_key(&api, key, "project.all").await.0, 401);
}

#[tokio::test]
async fn a_member_reads_the_version_and_is_forbidden_environments() {
    let api = Api::start(Simulator::builder().time_scale(SCALE).member_token("member")).await;
    assert_eq!(with_key(&api, "member", "settings.getDokployVersion").await, (200, json!("v0.30.2")));
    let (status, body) = with_key(&api, "member", &format!("environment.one?environmentId={}", api.environment)).await;
    assert_eq!((status, &body["code"]), (403, &json!("FORBIDDEN")));
}

#[tokio::test]
async fn inputs_are_coerced_and_booleans_in_strings_become_true() {
    let api = Api::fast().await;
    let (id, _) = api.application("api", "r.test/api:1", "").await;
    let body = json!({ "host": "a.test", "applicationId": id, "port": "8080", "https": "false", "unknown": 1 });
    let (status, domain) = api.post("domain.create", body).await;
    assert_eq!((status, &domain["port"], &domain["https"]), (200, &json!(8080), &json!(true)));
    assert_eq!(domain.get("unknown"), None);
}

#[tokio::test]
async fn passwords_with_shell_characters_are_refused_for_postgres() {
    let api = Api::fast().await;
    let body = json!({
        "name": "db", "environmentId": api.environment, "databaseName": "d", "databaseUser": "u", "databasePassword": "a b",
    });
    let (status, body) = api.post("postgres.create", body).await;
    assert_eq!((status, &body["issues"][0]["code"]), (400, &json!("invalid_format")));
}

#[tokio::test]
async fn the_served_document_holds_what_the_simulator_has() {
    let api = Api::fast().await;
    let (_, document) = api.get("settings.getOpenApiDocument", &[]).await;
    assert_eq!(document["info"]["version"], "v0.30.2");
    let required = &document["paths"]["/application.saveEnvironment"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"]["required"];
    assert_eq!(required.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn names_resolve_as_they_are_told_to() {
    let api = Api::fast().await;
    api.simulator.resolve("shop.test", &["10.0.0.1"]);
    let ask =
        async |ip: &str| api.post("domain.validateDomain", json!({ "domain": "shop.test", "serverIp": ip })).await.1;
    assert_eq!(ask("10.0.0.1").await["isValid"], true);
    assert_eq!(ask("10.0.0.2").await["isValid"], false);
}

#[tokio::test]
async fn answers_tell_the_servers_time_of_day_whatever_that_is() {
    for ahead in [0, 7 * 60, -3 * 3_600] {
        let api = Api::start(Simulator::builder().time_scale(SCALE).clock_ahead(ahead)).await;
        let url = format!("{}/api/health", api.simulator.url());
        let response = reqwest::Client::new().get(url).send().await.unwrap();
        let date = response.headers()["date"].to_str().unwrap();
        let told = time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc2822).unwrap();
        let off = (told - time::OffsetDateTime::now_utc()).whole_seconds() - ahead;
        assert!((-3..=1).contains(&off), "{date} is {off} s off");
        let (_, project) = api.post("project.create", json!({ "name": "x" })).await;
        let created = project["project"]["createdAt"].as_str().unwrap();
        let created = time::OffsetDateTime::parse(created, &time::format_description::well_known::Rfc3339).unwrap();
        assert!((created - told).whole_seconds().abs() <= 3, "{created} is not {date}");
    }
}
