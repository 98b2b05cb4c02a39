//! Every exchange recorded from a real Dokploy 0.30.2 becomes the right value or the right error.

use crate::server::{Reply, Request, Server};
use deploy_native::dokploy::{
    ApiError, Certificate, CreateApplication, CreateDomain, CreatePostgres, CreateRedis, CreateRegistry, Dokploy,
    Failure, SaveDockerProvider, SaveEnvironment, UpdateEnvironment,
};
use deploy_native::secrets::Secret;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// Recorded exchanges of calls that this client has no use for.
const NOT_OURS: &[&str] = &["public health", "validate"];

/// What each recorded refusal has to become, in the order of the recording.
const REFUSALS: &[(&str, &str)] = &[
    ("no key", "unauthorized"),
    ("invalid key", "unauthorized"),
    ("no such endpoint", "no such endpoint"),
    ("wrong method", "no such endpoint"),
    ("no content type", "rejected 415"),
    ("charset in content type", "validation name"),
    ("malformed json", "plain text 400"),
    ("validation", "validation name"),
    ("record not found", "not found"),
    ("project not found", "not found"),
    ("missing query field", "validation applicationId"),
    ("environment named production", "rejected 400"),
    ("environment description null", "validation description"),
    ("environment of unknown project", "rejected 400"),
    ("remove default environment", "rejected 400"),
    ("create without password", "validation databasePassword"),
    ("create with null image", "validation dockerImage"),
    ("port missing", "validation externalPort"),
    ("unknown", "not found"),
    ("create without password", "validation databasePassword"),
    ("bad appName", "validation appName"),
    ("appName null", "validation appName"),
    ("docker provider, fields missing", "validation username password registryUrl"),
    ("environment, fields missing", "validation buildArgs buildSecrets createEnvFile"),
    ("bad host", "validation host"),
    ("null certificate type", "validation certificateType"),
    ("delete again", "not found"),
    ("imagePrefix missing", "validation imagePrefix"),
    ("wrong password", "rejected 400"),
    ("application", "forbidden"),
    ("deploy", "forbidden"),
    ("tasks", "forbidden"),
    ("node apps", "forbidden"),
    ("create project", "forbidden"),
    ("environment with services", "rejected 400"),
    ("delete again", "not found"),
    ("application.remove does not exist", "no such endpoint"),
];

pub(crate) fn transcript() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/dokploy-transcript-0.30.2.json");
    let transcript: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    transcript["entries"].as_array().unwrap().clone()
}

fn recorded_reply(response: &Value) -> Reply {
    let body = match response.get("body") {
        Some(body) => body.to_string(),
        None => response["text"].as_str().unwrap().to_owned(),
    };
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    let kind = response["contentType"].as_str().map(|kind| ("content-type", kind.to_owned()));
    Reply::Answer { status, headers: kind.into_iter().collect(), body: body.into_bytes() }
}

#[tokio::test]
async fn every_recorded_exchange_becomes_the_right_value_or_the_right_error() {
    let next = Arc::new(Mutex::new(Reply::Drop));
    let reply = Arc::clone(&next);
    let server = Server::start(move |_: &Request, _| reply.lock().unwrap().clone()).await;
    let client = server.client();
    let mut refusals = Vec::new();
    let mut replayed = 0;
    let entries = transcript();
    let exchanges = entries.iter().filter(|entry| entry.get("request").is_some());
    for entry in exchanges.filter(|entry| !NOT_OURS.contains(&entry["name"].as_str().unwrap())) {
        let name = entry["name"].as_str().unwrap();
        *next.lock().unwrap() = recorded_reply(&entry["response"]);
        let outcome = replay(&client, &entry["request"], &entry["response"]).await;
        match outcome {
            Ok(()) => {
                assert_eq!(entry["response"]["status"], 200, "{name} was refused");
                assert_sent_as_recorded(&entry["request"], server.requests().last().unwrap());
            }
            Err(error) => {
                assert_ne!(entry["response"]["status"], 200, "{name} was answered: {error}");
                refusals.push((name, kind(error.failure())));
            }
        }
        replayed += 1;
    }
    assert_eq!(replayed, 103);
    let refusals: Vec<(&str, &str)> = refusals.iter().map(|(name, kind)| (*name, kind.as_str())).collect();
    assert_eq!(refusals, REFUSALS);
}

fn kind(failure: &Failure) -> String {
    match failure {
        Failure::Unauthorized => "unauthorized".to_owned(),
        Failure::Forbidden { .. } => "forbidden".to_owned(),
        Failure::NoSuchEndpoint => "no such endpoint".to_owned(),
        Failure::NotFound { .. } => "not found".to_owned(),
        Failure::Conflict { .. } => "conflict".to_owned(),
        Failure::Rejected { status, .. } => format!("rejected {status}"),
        Failure::PlainText { status, .. } => format!("plain text {status}"),
        Failure::Validation { issues } => {
            let fields: Vec<&str> = issues.iter().map(|issue| issue.field.as_str()).collect();
            format!("validation {}", fields.join(" "))
        }
        other => panic!("unexpected: {other:?}"),
    }
}

/// What the recording sent, the client sends too, with the same method to the same path; it may send more.
fn assert_sent_as_recorded(recorded: &Value, sent: &Request) {
    if recorded["path"] == "/api/deployment.allByType" {
        return;
    }
    assert_eq!(recorded["method"], sent.method.as_str());
    assert_eq!(recorded["path"], sent.path.as_str());
    for (field, value) in recorded.get("query").and_then(Value::as_object).into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert_eq!(sent.query.get(field), Some(&text), "{field} of {}", sent.path);
    }
    for (field, value) in recorded.get("body").and_then(Value::as_object).into_iter().flatten() {
        assert_eq!(&sent.json()[field], value, "{field} of {}", sent.path);
    }
}

/// Makes the recorded call, or where this client cannot make it like that, one whose answer is of the same kind; checks
/// what it makes of the recorded answer.
#[expect(clippy::too_many_lines, reason = "a table: one arm per recorded path")]
async fn replay(client: &Dokploy, request: &Value, response: &Value) -> Result<(), ApiError> {
    let body = &response["body"];
    let field = |name: &str| {
        let sent = request.get("body").or_else(|| request.get("query"));
        sent.and_then(|sent| sent[name].as_str()).unwrap_or_default()
    };
    let given = |name: &str| request["body"][name].as_str();
    let secret = |name: &str| Secret::new(field(name));
    match request["path"].as_str().unwrap() {
        "/api/settings.getDokployVersion" => assert_eq!(client.settings().dokploy_version().await?, "v0.30.2"),
        "/api/project.all" => assert!(client.project().all().await?.is_empty()),
        "/api/project.one" => {
            let project = client.project().one(field("projectId")).await?;
            assert_eq!(body["projectId"], project.project_id);
            assert_eq!(project.description.as_deref(), body["description"].as_str());
            assert_eq!(project.environments.len(), 1);
            assert!(project.environments[0].is_default && project.environments[0].is_empty());
        }
        "/api/project.create" => {
            let created = client.project().create(field("name"), given("description")).await?;
            assert_eq!(body["project"]["projectId"], created.project.project_id);
            assert_eq!(created.project.description.as_deref(), body["project"]["description"].as_str());
            assert_eq!(body["environment"]["environmentId"], created.environment.environment_id);
            assert_eq!(created.environment.name, "production");
        }
        "/api/project.remove" => client.project().remove(field("projectId")).await?,
        "/api/environment.create" => {
            let made = client.environment();
            let made = made.create(field("name"), field("projectId"), given("description")).await?;
            assert_eq!(body["environmentId"], made.environment_id);
            assert!(!made.is_default);
        }
        "/api/environment.update" => {
            let update = UpdateEnvironment {
                environment_id: field("environmentId"),
                name: None,
                description: given("description"),
            };
            client.environment().update(&update).await?;
        }
        "/api/environment.byProjectId" => {
            let environments = client.environment().by_project_id(field("projectId")).await?;
            assert_eq!(environments.len(), body.as_array().unwrap().len());
            for (environment, recorded) in environments.iter().zip(body.as_array().unwrap()) {
                assert_eq!(recorded["environmentId"], environment.environment_id);
                assert_eq!(recorded["description"].as_str(), environment.description.as_deref());
            }
        }
        "/api/environment.one" => {
            let environment = client.environment().one(field("environmentId")).await?;
            assert_eq!(environment.applications[0].name, "api");
            assert_eq!(body["applications"][0]["applicationId"], environment.applications[0].id);
            assert_eq!(environment.applications[0].description.as_deref(), Some("mark"));
            assert_eq!(body["postgres"][0]["postgresId"], environment.postgres[0].id);
            assert_eq!(body["redis"][0]["redisId"], environment.redis[0].id);
            assert_eq!((environment.other_services, environment.is_empty()), (0, false));
        }
        "/api/environment.remove" => client.environment().remove(field("environmentId")).await?,
        "/api/postgres.create" => {
            let password = secret("databasePassword");
            let create = CreatePostgres {
                name: field("name"),
                environment_id: field("environmentId"),
                database_name: field("databaseName"),
                database_user: field("databaseUser"),
                database_password: &password,
                app_name: given("appName"),
                docker_image: given("dockerImage"),
                description: given("description"),
            };
            let made = client.postgres().create(&create);
            let made = made.await?;
            assert_eq!(body["postgresId"], made.postgres_id);
            assert_eq!(body["appName"], made.app_name);
            assert_eq!(body["databasePassword"], made.database_password.expose());
        }
        "/api/postgres.one" => {
            let postgres = client.postgres().one(field("postgresId")).await?;
            assert_eq!(body["appName"], postgres.app_name);
            assert_eq!(body["externalPort"].as_i64(), postgres.external_port);
            assert_eq!(body["databaseUser"], postgres.database_user);
        }
        "/api/postgres.deploy" => client.postgres().deploy(field("postgresId")).await?,
        "/api/postgres.saveExternalPort" => {
            let port = request["body"]["externalPort"].as_u64().map(|port| u16::try_from(port).unwrap());
            client.postgres().save_external_port(field("postgresId"), port).await?;
        }
        "/api/postgres.remove" => client.postgres().remove(field("postgresId")).await?,
        "/api/redis.create" => {
            let password = secret("databasePassword");
            let create = CreateRedis {
                name: field("name"),
                environment_id: field("environmentId"),
                database_password: &password,
                app_name: given("appName"),
                docker_image: given("dockerImage"),
                description: given("description"),
            };
            let made = client.redis().create(&create);
            assert_eq!(body["redisId"], made.await?.redis_id);
        }
        "/api/redis.one" => {
            let redis = client.redis().one(field("redisId")).await?;
            assert_eq!(body["appName"], redis.app_name);
            assert_eq!(body["databasePassword"], redis.database_password.expose());
        }
        "/api/redis.deploy" => client.redis().deploy(field("redisId")).await?,
        "/api/redis.remove" => client.redis().remove(field("redisId")).await?,
        "/api/application.create" => {
            let create = CreateApplication {
                name: field("name"),
                environment_id: field("environmentId"),
                app_name: given("appName"),
                description: given("description"),
            };
            let made = client.application().create(&create);
            let made = made.await?;
            assert_eq!(body["applicationId"], made.application_id);
            assert_eq!(body["appName"], made.app_name);
            assert_eq!(made.env, None);
        }
        "/api/application.one" | "/api/application.all" | "/api/domain.validateDomain" => {
            let application = client.application().one(field("applicationId")).await?;
            assert_eq!(body["appName"], application.app_name);
            assert_eq!(body["env"].as_str(), application.env.as_ref().map(Secret::expose));
            assert_eq!(body["dockerImage"].as_str(), application.docker_image.as_deref());
            assert_eq!(body["description"].as_str(), application.description.as_deref());
        }
        "/api/application.saveDockerProvider" => {
            let password = given("password").map(Secret::new);
            let provider = SaveDockerProvider {
                application_id: field("applicationId"),
                docker_image: given("dockerImage"),
                username: given("username"),
                password: password.as_ref(),
                registry_url: given("registryUrl"),
            };
            client.application().save_docker_provider(&provider).await?;
        }
        "/api/application.saveEnvironment" => {
            let environment = SaveEnvironment { application_id: field("applicationId"), env: &secret("env") };
            client.application().save_environment(&environment).await?;
        }
        "/api/application.deploy" => {
            client.application().deploy(field("applicationId"), field("title"), "").await?;
        }
        "/api/application.readLogs" => {
            let logs = client.application().read_logs(field("applicationId"), 10).await?;
            assert_eq!(body.as_str(), Some(logs.expose()));
        }
        "/api/application.delete" | "/api/application.remove" => {
            client.application().delete(field("applicationId")).await?;
        }
        "/api/deployment.all" | "/api/deployment.allByType" => {
            let deployments = client.deployment().all(field("applicationId")).await?;
            for (deployment, recorded) in deployments.iter().zip(body.as_array().unwrap()) {
                assert_eq!(recorded["title"], deployment.title);
                assert_eq!(recorded["status"], format!("{:?}", deployment.status).to_lowercase());
            }
        }
        "/api/deployment.readLogs" => {
            let tail = u16::try_from(request["query"]["tail"].as_u64().unwrap()).unwrap();
            let logs = client.deployment().read_logs(field("deploymentId"), tail).await?;
            assert_eq!(body.as_str(), Some(logs.expose()));
        }
        "/api/docker.getServiceContainersByAppName" => {
            let tasks = client.docker().service_tasks(field("appName")).await?;
            assert_eq!(body[0]["containerId"], tasks[0].task_id);
            assert_eq!(tasks[0].current_state, "Running 8 seconds ago");
        }
        "/api/docker.getContainersByAppNameMatch" => {
            let containers = client.docker().containers(field("appName")).await?;
            assert_eq!(body[0]["containerId"], containers[0].container_id);
        }
        "/api/docker.getConfig" => {
            let config = client.docker().config(field("containerId")).await?.unwrap();
            assert_eq!(config.image, "127.0.0.1:5000/demo-app:1");
            assert_eq!(config.env["A"].expose(), "a#b");
            assert_eq!(config.task_id.as_deref(), Some("jsplchrp8pes6qq1yzbup24z5"));
        }
        "/api/swarm.getNodeApps" => {
            let apps = client.swarm().node_apps().await?;
            let app = apps.iter().find(|app| app.name == "zz-api-23zz1p").unwrap();
            assert_eq!((app.replicas.running, app.replicas.desired), (1, 1));
        }
        "/api/domain.create" => {
            let create = CreateDomain {
                host: field("host"),
                application_id: field("applicationId"),
                port: 3000,
                https: true,
                certificate_type: Certificate::Letsencrypt,
            };
            let made = client.domain().create(&create);
            let made = made.await?;
            assert_eq!(body["domainId"], made.domain_id);
            assert_eq!((made.port, made.https, made.certificate_type), (Some(3000), true, Certificate::Letsencrypt));
        }
        "/api/domain.byApplicationId" => {
            let domains = client.domain().by_application_id(field("applicationId")).await?;
            assert_eq!(domains.len(), 2);
            assert_eq!(domains[0].host, "api.staging.shop.test");
        }
        "/api/domain.delete" => client.domain().delete(field("domainId")).await?,
        "/api/registry.create" => {
            let password = secret("password");
            let create = CreateRegistry {
                registry_name: field("registryName"),
                username: field("username"),
                password: &password,
                registry_url: field("registryUrl"),
            };
            client.registry().create(&create).await?;
        }
        path => panic!("{path} is not replayed"),
    }
    Ok(())
}

#[tokio::test]
async fn i6_sql_and_its_parameters_are_never_shown() {
    let entries = transcript();
    let entry = entries.iter().find(|entry| entry["name"] == "environment of unknown project").unwrap();
    let reply = recorded_reply(&entry["response"]);
    let server = Server::start(move |_: &Request, _| reply.clone()).await;
    let error = server.client().environment().create("x", "nope", None).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", deploy_native::DeployError::from(error.clone()));
    assert!(shown.contains("Error creating the environment: a query of its database failed"), "{shown}");
    for hidden in ["insert into", "values (", "params", "YK7CPlhlZBpw648P3F2Dl"] {
        assert!(!shown.contains(hidden), "{hidden} is shown: {shown}");
    }
}
