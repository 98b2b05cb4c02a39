//! What goes over the wire, what is repeated, and what a failure says.

use crate::server::{Reply, Request, Server, TOKEN};
use deploy_native::dokploy::{
    ApiError, ClientSettings, Dokploy, Failure, SaveDockerProvider, SaveEnvironment, UpdateApplication,
};
use deploy_native::secrets::Secret;
use deploy_native::{DeployError, ErrorCode};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpListener;

fn ok(body: &Value) -> impl Fn(&Request, usize) -> Reply + Send + Sync + use<> {
    let reply = Reply::json(200, body);
    move |_, _| reply.clone()
}

fn always(reply: Reply) -> impl Fn(&Request, usize) -> Reply + Send + Sync {
    move |_, _| reply.clone()
}

fn project() -> Value {
    json!({ "projectId": "p", "name": "shop", "description": null, "environments": [] })
}

async fn read(client: &Dokploy) -> Result<(), ApiError> {
    client.project().one("p").await.map(|_| ())
}

async fn write(client: &Dokploy) -> Result<(), ApiError> {
    client.project().remove("p").await
}

#[tokio::test]
async fn requests_carry_the_key_and_exactly_the_content_type_that_dokploy_understands() {
    let server = Server::start(ok(&project())).await;
    read(&server.client()).await.unwrap();
    write(&server.client()).await.unwrap();
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.header("x-api-key") == Some(TOKEN)));
    assert_eq!(requests[0].header("content-type"), None);
    assert_eq!(requests[1].header("content-type"), Some("application/json"));
    assert_eq!(requests[1].json(), json!({ "projectId": "p" }));
}

#[tokio::test]
async fn every_way_to_write_the_endpoint_leads_to_the_api() {
    let server = Server::start(ok(&project())).await;
    let endpoints = [("", "/api"), ("/", "/api"), ("/api", "/api"), ("/api/", "/api"), ("/a/b", "/a/b/api")];
    for (number, (suffix, prefix)) in endpoints.into_iter().enumerate() {
        let client = Dokploy::new(&format!("{}{suffix}", server.url), &Secret::new(TOKEN)).unwrap();
        read(&client).await.unwrap();
        assert_eq!(server.requests()[number].path, format!("{prefix}/project.one"));
    }
}

#[test]
fn endpoints_and_tokens_that_cannot_work_are_refused() {
    let token = Secret::new(TOKEN);
    for endpoint in ["dokploy.example.com", "ftp://x", "", "https://u:pw@x", "https://x/?a=b", "https://x#y"] {
        let error = Dokploy::new(endpoint, &token).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{endpoint}");
        assert!(error.message().starts_with("credentials.dokploy.endpoint: "));
    }
    for token in ["", "canary\n4711"] {
        let error = Dokploy::new("https://x", &Secret::new(token)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest);
        assert!(!error.message().contains("canary"));
    }
}

#[tokio::test]
async fn ids_arrive_as_they_are() {
    let server = Server::start(ok(&project())).await;
    let id = "_-a/b?c&d=e#f g%20ü";
    server.client().project().one(id).await.unwrap();
    assert_eq!(server.requests()[0].query["projectId"], id);
}

#[tokio::test]
async fn reads_are_repeated_until_the_server_is_back() {
    let server = Server::start(|_, number| match number {
        0 => Reply::text(502, "Bad Gateway"),
        1 => Reply::Drop,
        2 => Reply::Half,
        _ => Reply::json(200, &project()),
    });
    let server = server.await;
    read(&server.client()).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn reads_are_not_repeated_for_ever() {
    for reply in [Reply::text(503, "busy"), Reply::Drop, Reply::Half] {
        let server = Server::start(always(reply)).await;
        let error = read(&server.client()).await.unwrap_err();
        assert!(error.is_transient() && !error.outcome_unknown(), "{error:?}");
        assert_eq!(server.requests().len(), 4);
    }
}

#[tokio::test]
async fn i3_a_change_is_sent_once_and_its_unknown_outcome_is_said() {
    let internal = json!({ "message": "x", "code": "INTERNAL_SERVER_ERROR", "data": {} });
    let replies =
        [Reply::text(503, "busy"), Reply::Drop, Reply::Half, Reply::json(500, &internal), Reply::text(200, "<html>")];
    for reply in replies {
        let server = Server::start(always(reply)).await;
        let error = write(&server.client()).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error:?}");
        assert!(DeployError::from(error).message().ends_with("whether it took effect is not known"));
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn what_was_refused_has_a_known_outcome_and_is_not_repeated() {
    let refused = json!({ "message": "no", "code": "BAD_REQUEST", "data": {} });
    let replies = [
        Reply::json(401, &json!({ "message": "Unauthorized" })),
        Reply::json(400, &refused),
        Reply::json(409, &refused),
        Reply::text(413, "Body exceeded 1mb limit"),
    ];
    for reply in replies {
        let server = Server::start(always(reply)).await;
        let client = server.client();
        assert!(!write(&client).await.unwrap_err().outcome_unknown());
        assert!(!read(&client).await.unwrap_err().is_transient());
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_change_is_repeated_when_nothing_of_it_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let settings = ClientSettings::default().retry_delay(Duration::from_millis(100)).retries(8);
    let redactor = std::sync::Arc::default();
    let client = Dokploy::with_settings(&format!("http://{address}"), &Secret::new(TOKEN), settings, redactor).unwrap();
    let late = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        Server::serve(TcpListener::bind(address).await.unwrap(), ok(&Value::Bool(true)))
    };
    let (outcome, server) = tokio::join!(write(&client), late);
    outcome.unwrap();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_change_that_may_be_sent_twice_is_repeated_as_a_read_is_and_no_longer_than_its_budget_lasts() {
    let failing = || always(Reply::json(500, &json!({ "message": "no", "code": "INTERNAL_SERVER_ERROR" })));
    for (budget, sent) in [(Duration::from_mins(1), 3), (Duration::ZERO, 1)] {
        let server = Server::start(failing()).await;
        let settings = ClientSettings::default().retry_delay(Duration::from_millis(5)).retry_budget(budget).retries(2);
        let client = Dokploy::with_settings(&server.url, &Secret::new(TOKEN), settings, std::sync::Arc::default());
        let client = client.unwrap();
        let error = client.repeat(|| write(&client)).await.unwrap_err();
        assert!(error.outcome_unknown(), "{error:?}");
        assert_eq!(server.requests().len(), sent);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable_and_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let settings = ClientSettings::default().retries(0);
    let client = Dokploy::with_settings(&endpoint, &Secret::new(TOKEN), settings, std::sync::Arc::default());
    let error = write(&client.unwrap()).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Unreachable { sent: false, .. }), "{error:?}");
    assert!(!error.outcome_unknown());
    let error = DeployError::from(error);
    assert_eq!((error.code(), error.is_retryable()), (ErrorCode::DokployUnreachable, true));
    assert!(error.message().contains("refused"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up() {
    let server = Server::start(always(Reply::Hang)).await;
    let brief = Duration::from_millis(500);
    let settings = ClientSettings::default().read_timeout(brief).write_timeout(brief).retries(0);
    let client = server.client_with(settings);
    let error = read(&client).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Timeout { .. }) && !error.outcome_unknown(), "{error:?}");
    let error = write(&client).await.unwrap_err();
    assert!(matches!(error.failure(), Failure::Timeout { .. }) && error.outcome_unknown(), "{error:?}");
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_says_what_to_set() {
    for status in [301, 302, 307, 308] {
        let location = vec![("location", "https://dokploy.example.com/api/project.one?projectId=p".to_owned())];
        let server = Server::start(always(Reply::Answer { status, headers: location, body: Vec::new() })).await;
        let client = server.client();
        for error in [read(&client).await.unwrap_err(), write(&client).await.unwrap_err()] {
            assert!(!error.outcome_unknown());
            let error = DeployError::from(error);
            assert_eq!(error.code(), ErrorCode::DokployUnreachable);
            let hint = error.hint_text().unwrap();
            assert!(hint.ends_with("https://dokploy.example.com/api/project.one"), "{hint}");
        }
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn an_answer_that_never_ends_is_not_read_to_its_end() {
    let server = Server::start(always(Reply::text(200, &" ".repeat(5000)))).await;
    let client = server.client_with(ClientSettings::default().response_limit(1000));
    let error = read(&client).await.unwrap_err();
    assert_eq!(error.failure(), &Failure::TooLarge { limit: 1000 });
}

#[tokio::test]
async fn empty_answers_and_bare_values_are_answers() {
    for body in ["", "true", "null", "\"text\"", "{}"] {
        let server = Server::start(always(Reply::text(200, body))).await;
        write(&server.client()).await.unwrap();
    }
    let server = Server::start(always(Reply::text(200, ""))).await;
    let client = server.client();
    assert_eq!(client.application().read_logs("a", 5).await.unwrap().expose(), "");
    assert_eq!(client.docker().config("c").await.unwrap(), None);
    assert_eq!(client.docker().service_tasks("a").await.unwrap(), []);
    let server = Server::start(always(Reply::text(200, "\"\""))).await;
    assert_eq!(server.client().settings().ip().await.unwrap(), None);
}

#[tokio::test]
async fn a_page_instead_of_json_is_not_a_success() {
    let server = Server::start(always(Reply::text(200, "<html>please log in</html>"))).await;
    let client = server.client();
    for error in [read(&client).await.unwrap_err(), write(&client).await.unwrap_err()] {
        assert_eq!(DeployError::from(error).reason_name(), Some("malformed-answer"));
    }
    let server = Server::start(always(Reply::text(404, "<html>no such page</html>"))).await;
    let error = read(&server.client()).await.unwrap_err();
    assert_eq!(error.failure(), &Failure::PlainText { status: 404, text: "(a web page)".to_owned() });
}

#[tokio::test]
async fn i6_no_secret_gets_into_an_error_by_whatever_way_the_server_returns_it() {
    let env = "A='canary-value one'\nPLAIN=canary-plain\nB=\"canary-lines\nsecond-canary\"";
    let echo = format!("you sent {TOKEN} with canary-plain, canary-value one, canary-lines and second-canary: {env}");
    let body = json!({ "message": echo, "code": "X", "data": { "path": "x" }, "issues": [{ "path": ["env"], "message": echo }] });
    let replies = [400, 401, 403, 404, 409, 415, 500].map(|status| Reply::json(status, &body));
    let location = vec![("location", format!("https://x/{TOKEN}?{TOKEN}"))];
    let more = [
        Reply::text(400, &echo),
        Reply::text(500, &echo),
        Reply::text(200, &echo),
        Reply::json(200, &json!({ "projectId": TOKEN, "name": { "env": env } })),
        Reply::Answer { status: 307, headers: location, body: Vec::new() },
        Reply::Drop,
    ];
    for reply in replies.into_iter().chain(more) {
        let server = Server::start(always(reply)).await;
        let client = server.client();
        let (id, env) = ("canary-id", Secret::new(env));
        let written = client.application().save_environment(&SaveEnvironment { application_id: id, env: &env }).await;
        for error in [written.err(), client.project().one(id).await.err()].into_iter().flatten() {
            let public = DeployError::from(error.clone());
            let shown = format!("{error} {error:?} {public} {public:?} {client:?}");
            // What a read is asked for is no secret, and a read knows nothing of the values.
            let secrets: &[&str] = if error.call() == "project.one" { &[TOKEN] } else { &[TOKEN, "canary"] };
            for secret in secrets {
                assert!(!shown.contains(secret), "{secret} is shown: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn i6_a_field_of_the_wrong_kind_is_named_without_its_value() {
    let mut body = project();
    body["environments"] = json!([{ "environmentId": "e", "name": ["canary-7"] }]);
    let server = Server::start(ok(&body)).await;
    let error = read(&server.client()).await.unwrap_err();
    assert!(error.to_string().contains("environments[0]"), "{error}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    let server = Server::start(ok(&json!({ "name": "x" }))).await;
    assert!(read(&server.client()).await.unwrap_err().to_string().contains("missing field `projectId`"));
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_running() {
    let server = Server::start(always(Reply::text(503, "busy"))).await;
    let settings = ClientSettings::default().retry_delay(Duration::from_millis(300));
    let client = server.client_with(settings);
    let arrived = async {
        while server.requests().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        () = arrived => {}
        outcome = read(&client) => panic!("the call ended before it was dropped: {outcome:?}"),
    }
    // Longer than the pause before the repetition, jitter included.
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn i6_the_debug_output_of_requests_and_answers_hides_secrets() {
    let canary = "canary-secret";
    let secret = Secret::new(canary);
    let args = [secret.clone()];
    let requests = (
        SaveEnvironment { application_id: "a", env: &secret },
        UpdateApplication { application_id: "a", args: Some(&args), ..UpdateApplication::default() },
        SaveDockerProvider {
            application_id: "a",
            docker_image: None,
            username: None,
            password: Some(&secret),
            registry_url: None,
        },
    );
    let answer = json!({ "applicationId": "a", "postgresId": "p", "redisId": "r", "registryId": "r", "name": "n",
        "registryName": "n", "username": "u", "registryUrl": "x", "appName": "n-1", "environmentId": "e",
        "databaseName": "d", "databaseUser": "u", "databasePassword": canary, "password": canary, "env": canary,
        "buildArgs": canary, "refreshToken": canary, "Config": { "Image": "i", "Env": [format!("A={canary}")] } });
    let server = Server::start(ok(&answer)).await;
    let client = server.client();
    let shown = format!(
        "{requests:?} {:?} {:?} {:?} {:?} {:?} {client:?}",
        client.application().one("a").await.unwrap(),
        client.postgres().one("p").await.unwrap(),
        client.redis().one("r").await.unwrap(),
        client.docker().config("c").await.unwrap(),
        client.application().one("a").await.unwrap().env.map(|env| env.expose().len()),
    );
    assert!(shown.contains(&format!("Some({})", canary.len())), "the secrets did not arrive: {shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
