//! Every request the client can make is one that Dokploy 0.30.2 takes, by its own `OpenAPI` document.

use crate::server::{Reply, Request, Server};
use deploy_native::ErrorCode;
use deploy_native::dokploy::{
    Access, Call, Certificate, CreateApplication, CreateDomain, CreatePostgres, CreateRedis, CreateRegistry, Dokploy,
    Method, RestartCondition, RestartPolicy, SaveDockerProvider, SaveEnvironment, UpdateApplication, UpdateDomain,
    UpdateEnvironment, UpdateProject, check_contract,
};
use deploy_native::secrets::Secret;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// The document, where it lies beside the repository.
fn document() -> Option<Value> {
    let folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut paths = folders.map(|folder| folder.join("shared/data/dokploy-openapi-0.30.2.json"));
    let path = paths.find(|path| path.is_file());
    let Some(path) = path else {
        #[expect(clippy::print_stderr, reason = "a check that was not made must be seen")]
        {
            eprintln!("not checked: shared/data/dokploy-openapi-0.30.2.json is not beside the repository");
        }
        return None;
    };
    Some(serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
}

/// Makes every call, once with all and once with as few fields as possible; returns what arrived.
async fn every_request() -> Vec<Request> {
    let server = Server::start(|_, _| Reply::text(200, "null")).await;
    let client = server.client();
    for full in [true, false] {
        reads(&client).await;
        services(&client, full.then_some("text")).await;
        applications(&client, full.then_some("text")).await;
        others(&client, full.then_some("text")).await;
    }
    server.requests()
}

// The answer `null` is none for most calls; here only the requests count.
async fn reads(client: &Dokploy) {
    let _ = client.project().all().await;
    let _ = client.project().one("p").await;
    let _ = client.environment().one("e").await;
    let _ = client.environment().by_project_id("p").await;
    let _ = client.application().one("a").await;
    let _ = client.application().search_logs("a", 10_000, "dn0.1").await;
    let _ = client.application().read_logs("a", 10_000).await;
    let _ = client.postgres().one("p").await;
    let _ = client.postgres().read_logs("p", 1).await;
    let _ = client.redis().one("r").await;
    let _ = client.domain().by_application_id("a").await;
    let _ = client.registry().all().await;
    let _ = client.deployment().all("a").await;
    let _ = client.deployment().read_logs("d", 100).await;
    let _ = client.deployment().queue_list().await;
    let _ = client.docker().service_tasks("a").await;
    let _ = client.docker().containers("a").await;
    let _ = client.docker().config("c").await;
    let _ = client.swarm().node_apps().await;
    let _ = client.settings().dokploy_version().await;
    let _ = client.settings().open_api_document().await;
    let _ = client.settings().ip().await;
}

async fn services(client: &Dokploy, text: Option<&str>) {
    let password = Secret::new("Abc123");
    let create = CreatePostgres {
        name: "db",
        environment_id: "e",
        database_name: "shop",
        database_user: "postgres",
        database_password: &password,
        app_name: text,
        docker_image: text,
        description: text,
    };
    let _ = client.postgres().create(&create).await;
    let _ = client.postgres().deploy("p").await;
    let _ = client.postgres().save_external_port("p", text.map(|_| 34567)).await;
    let _ = client.postgres().change_password("p", &password).await;
    let _ = client.postgres().remove("p").await;
    let create = CreateRedis {
        name: "cache",
        environment_id: "e",
        database_password: &password,
        app_name: text,
        docker_image: text,
        description: text,
    };
    let _ = client.redis().create(&create).await;
    let _ = client.redis().deploy("r").await;
    let _ = client.redis().remove("r").await;
}

async fn applications(client: &Dokploy, text: Option<&str>) {
    let secret = Secret::new("A='b'");
    let application = client.application();
    let create = CreateApplication { name: "api", environment_id: "e", app_name: text, description: text };
    let _ = application.create(&create).await;
    let args = [Secret::new("-c")];
    let update = UpdateApplication {
        application_id: "a",
        description: text,
        command: text,
        args: text.map(|_| &args[..]),
        restart_policy_swarm: text
            .map(|_| RestartPolicy { condition: RestartCondition::None, delay: Some(Duration::from_secs(1)) }),
        health_check_swarm: text.map(|_| None),
    };
    let _ = application.update(&update).await;
    let password = text.map(Secret::new);
    let provider = SaveDockerProvider {
        application_id: "a",
        docker_image: text,
        username: text,
        password: password.as_ref(),
        registry_url: text,
    };
    let _ = application.save_docker_provider(&provider).await;
    let _ = application.save_environment(&SaveEnvironment { application_id: "a", env: &secret }).await;
    let _ = application.deploy("a", "title", "").await;
    let _ = application.stop("a").await;
    let _ = application.start("a").await;
    let _ = application.delete("a").await;
}

async fn others(client: &Dokploy, text: Option<&str>) {
    let _ = client.project().create("shop", text).await;
    let _ = client.project().update(&UpdateProject { project_id: "p", name: text, description: text }).await;
    let _ = client.project().remove("p").await;
    let _ = client.environment().create("staging", "p", text).await;
    let update = UpdateEnvironment { environment_id: "e", name: text, description: text };
    let _ = client.environment().update(&update).await;
    let _ = client.environment().remove("e").await;
    let (host, certificate_type) = ("api.shop.test", Certificate::Letsencrypt);
    let create = CreateDomain { host, application_id: "a", port: 3000, https: true, certificate_type };
    let _ = client.domain().create(&create).await;
    let certificate_type = Certificate::None;
    let update = UpdateDomain { domain_id: "d", host, port: 3000, https: false, certificate_type, path: "/" };
    let _ = client.domain().update(&update).await;
    let _ = client.domain().delete("d").await;
    let password = Secret::new("pw");
    let create =
        CreateRegistry { registry_name: "r", username: "u", password: &password, registry_url: "127.0.0.1:5001" };
    let _ = client.registry().create(&create).await;
}

fn fields(request: &Request) -> BTreeSet<String> {
    match request.json() {
        Value::Object(body) => body.keys().cloned().collect(),
        _ => request.query.keys().cloned().collect(),
    }
}

#[tokio::test]
async fn the_table_of_calls_says_what_the_requests_carry() {
    let mut seen: BTreeMap<String, Vec<Request>> = BTreeMap::new();
    for request in every_request().await {
        seen.entry(request.path.trim_start_matches("/api/").to_owned()).or_default().push(request);
    }
    for call in Call::ALL {
        let requests = seen.remove(call.name).unwrap_or_else(|| panic!("{} was not called", call.name));
        let always: BTreeSet<String> = call.always.iter().map(ToString::to_string).collect();
        let sometimes = call.sometimes.iter().map(ToString::to_string);
        let all: BTreeSet<String> = sometimes.chain(always.iter().cloned()).collect();
        assert_eq!(fields(&requests[0]), all, "{} with every field", call.name);
        assert_eq!(fields(&requests[1]), always, "{} with few fields", call.name);
        let method = if call.method == Method::Get { "GET" } else { "POST" };
        assert!(requests.iter().all(|request| request.method == method), "{}", call.name);
    }
    assert_eq!(seen.keys().collect::<Vec<_>>(), Vec::<&String>::new(), "calls that the table does not have");
}

#[tokio::test]
async fn every_request_fits_the_servers_own_schema() {
    let Some(document) = document() else { return };
    assert_eq!(check_contract(&document, Call::ALL), []);
    for request in every_request().await {
        let path = request.path.trim_start_matches("/api");
        let operation = &document["paths"][path][request.method.to_lowercase()];
        if request.method == "POST" {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            assert_fits(&request.json(), schema, path);
        }
        for (name, value) in &request.query {
            let mut parameters = operation["parameters"].as_array().unwrap().iter();
            let schema = &parameters.find(|parameter| parameter["name"] == name.as_str()).unwrap()["schema"];
            let number = || value.parse().map_or_else(|_| json!(value), |number: u64| json!(number));
            let value = if schema["type"] == "integer" { number() } else { json!(value) };
            assert_fits(&value, schema, &format!("{path} {name}"));
        }
    }
}

/// Whether a value fits the part of JSON Schema that the document uses, apart from patterns.
fn fits(value: &Value, schema: &Value) -> Result<(), String> {
    if let Some(choices) = schema["anyOf"].as_array() {
        let fitting = choices.iter().any(|choice| fits(value, choice).is_ok());
        return if fitting { Ok(()) } else { Err(format!("{value} fits none of {choices:?}")) };
    }
    let right_type = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("boolean") => value.is_boolean(),
        Some("null") => value.is_null(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        other => return Err(format!("a type that this check does not know: {other:?}")),
    };
    let text = value.as_str();
    let number = value.as_f64();
    let length = text.map(|text| u64::try_from(text.len()).unwrap());
    let checks = [
        (right_type, "type"),
        (schema["enum"].as_array().is_none_or(|values| values.contains(value)), "enum"),
        (schema["minLength"].as_u64().is_none_or(|least| length >= Some(least)), "minLength"),
        (schema["maxLength"].as_u64().is_none_or(|most| length <= Some(most)), "maxLength"),
        (schema["minimum"].as_f64().is_none_or(|least| number >= Some(least)), "minimum"),
        (schema["maximum"].as_f64().is_none_or(|most| number <= Some(most)), "maximum"),
    ];
    if let Some((_, broken)) = checks.iter().find(|(holds, _)| !holds) {
        return Err(format!("{value} breaks {broken} of {schema}"));
    }
    for field in schema["required"].as_array().into_iter().flatten() {
        value.get(field.as_str().unwrap()).ok_or_else(|| format!("{field} is missing"))?;
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        let schema = schema["properties"].get(name).ok_or_else(|| format!("{name} is not known"))?;
        fits(field, schema).map_err(|why| format!("{name}: {why}"))?;
    }
    value.as_array().into_iter().flatten().try_for_each(|item| fits(item, &schema["items"]))
}

fn assert_fits(value: &Value, schema: &Value, what: &str) {
    if let Err(why) = fits(value, schema) {
        panic!("{what}: {why}");
    }
}

/// A server of this version whose `OpenAPI` document is `document`; `swarm` is what it answers to a look at containers.
async fn server_of(version: &'static str, document: Value, swarm: Reply) -> Server {
    Server::start(move |request, _| match request.path.as_str() {
        "/api/settings.getDokployVersion" => Reply::json(200, &json!(version)),
        "/api/settings.getOpenApiDocument" => Reply::json(200, &document),
        "/api/swarm.getNodeApps" => swarm.clone(),
        _ => Reply::json(200, &json!([])),
    })
    .await
}

fn one_call() -> &'static [&'static Call] {
    let position = Call::ALL.iter().position(|call| call.name == "deployment.queueList").unwrap();
    &Call::ALL[position..=position]
}

#[tokio::test]
async fn i1_a_server_that_is_too_old_is_refused_and_says_what_to_do() {
    let server = server_of("v0.29.4", json!({}), Reply::json(200, &json!([]))).await;
    let error = server.client().check_server(Call::ALL, Access::ALL).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DokployUnsupported);
    assert!(error.message().contains("0.29.4 is too old") && error.hint_text().unwrap().contains("0.29.5"));
    assert!(server.requests().iter().all(|request| request.method == "GET"));
}

#[tokio::test]
async fn i1_a_newer_server_is_checked_against_its_own_contract() {
    let fitting = json!({ "paths": { "/deployment.queueList": { "get": {} } } });
    for version in ["v0.31.0", "canary"] {
        let server = server_of(version, fitting.clone(), Reply::json(200, &json!([]))).await;
        server.client().check_server(one_call(), Access::ALL).await.unwrap();
        let server = server_of(version, json!({ "paths": {} }), Reply::json(200, &json!([]))).await;
        let error = server.client().check_server(one_call(), Access::ALL).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::DokployUnsupported);
        assert!(error.message().contains("- deployment.queueList does not exist"), "{error}");
        assert!(server.requests().iter().all(|request| request.method == "GET"));
    }
}

#[tokio::test]
async fn i1_a_key_that_may_not_look_at_containers_is_refused() {
    let denied = json!({ "message": "unauthorized to access resource \"docker\"", "code": "UNAUTHORIZED",
        "data": { "code": "UNAUTHORIZED", "httpStatus": 401, "path": "swarm.getNodeApps", "zodError": null } });
    let server = server_of("v0.30.2", json!({}), Reply::json(401, &denied)).await;
    let error = server.client().check_server(Call::ALL, Access::ALL).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::DokployForbidden);
    assert!(error.hint_text().unwrap().contains("owner"));
    server.client().check_server(Call::ALL, Access { containers: false, queue: true }).await.unwrap();
    let server = server_of("v0.30.2", json!({}), Reply::json(200, &json!([]))).await;
    let version = server.client().check_server(Call::ALL, Access::ALL).await.unwrap().unwrap();
    assert_eq!(version.to_string(), "0.30.2");
}
