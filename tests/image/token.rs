//! Registries that hand out tokens, move, or answer in odd ways: HTTP servers of our own, since no real one can be made to.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use deploy_native::image::{ImageReference, LoginCheck, RegistryClient, RegistryLogin, Resolution};
use deploy_native::secrets::Secret;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

const DIGEST: &str = "sha256:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";

/// What a server was asked: method, path with query, and authorization.
type Asked = Arc<Mutex<Vec<(String, String, String)>>>;

/// Serves what `answer` says to a request; lives as long as the test.
async fn serve(answer: impl Fn(&Request) -> Response + Clone + Send + Sync + 'static) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let seen = Arc::clone(&asked);
    let handler = move |request: Request| {
        let header = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
        let line = (request.method().to_string(), request.uri().to_string(), header.to_owned());
        seen.lock().unwrap().push(line);
        let response = answer(&request);
        async move { response }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    (address, asked)
}

fn respond(status: u16, headers: &[(&str, &str)], body: &'static str) -> Response {
    let builder = Response::builder().status(StatusCode::from_u16(status).unwrap());
    headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value)).body(Body::from(body)).unwrap()
}

fn found() -> Response {
    respond(200, &[("docker-content-digest", DIGEST)], "")
}

fn authorization(request: &Request) -> &str {
    request.headers().get("authorization").map_or("", |value| value.to_str().unwrap())
}

async fn resolve(address: SocketAddr, password: Option<&str>) -> Resolution {
    let reference = ImageReference::parse(&format!("{address}/org/app:1")).unwrap();
    let login = password.map(|password| login(address, password));
    RegistryClient::new(None).unwrap().resolve(&reference, login.as_ref()).await
}

fn login(address: SocketAddr, password: &str) -> RegistryLogin {
    let password = Secret::new(password);
    RegistryLogin { registry: address.to_string(), username: "user".to_owned(), password }
}

async fn check(address: SocketAddr, password: &str) -> LoginCheck {
    RegistryClient::new(None).unwrap().check_login(&login(address, password), "org/app").await
}

/// The login `user:right`.
const RIGHT: &str = "Basic dXNlcjpyaWdodA==";

/// A registry that sends to the token server at `realm`.
fn wants_token(realm: String) -> impl Fn(&Request) -> Response + Clone + Send + Sync + 'static {
    move |request| match authorization(request) {
        "Bearer good" => found(),
        "Bearer limited" => respond(403, &[], ""),
        _ => {
            let challenge = format!("Bearer realm=\"{realm}\",service=\"a registry\"");
            respond(401, &[("www-authenticate", &challenge)], "")
        }
    }
}

#[tokio::test]
async fn a_token_is_fetched_where_the_registry_says() {
    let (tokens, asked_tokens) = serve(|request| match authorization(request) {
        "" => respond(200, &[], r#"{"access_token":"limited"}"#),
        "Basic dXNlcjpyaWdodA==" => respond(200, &[], r#"{"token":"good","expires_in":60}"#),
        _ => respond(401, &[], ""),
    })
    .await;
    let (registry, asked) = serve(wants_token(format!("http://{tokens}/token?a=b"))).await;
    assert_eq!(resolve(registry, Some("right")).await, Resolution::Digest(DIGEST.to_owned()));
    let question = asked_tokens.lock().unwrap()[0].1.clone();
    assert_eq!(question, "/token?a=b&scope=repository%3Aorg%2Fapp%3Apull&service=a+registry");
    let shown: Vec<String> = asked.lock().unwrap().iter().map(|(_, _, authorization)| authorization.clone()).collect();
    assert_eq!(shown, ["", "Bearer good"], "the registry itself is not shown the password");
    for password in [None, Some("wrong-canary")] {
        let resolution = resolve(registry, password).await;
        assert!(matches!(&resolution, Resolution::Refused { .. }), "{resolution:?}");
        assert!(!format!("{resolution:?}").contains("canary"));
    }
}

#[tokio::test]
async fn a_token_server_may_be_named_without_quotes_or_relative_to_the_registry() {
    for realm in ["http://{host}/token", "/token", "\"/token\""] {
        let (registry, asked) = serve(move |request| match (request.uri().path(), authorization(request)) {
            ("/token", RIGHT) => respond(200, &[], r#"{"token":"good"}"#),
            ("/token", _) => respond(401, &[], ""),
            (_, "Bearer good") => found(),
            _ => {
                let host = request.headers()["host"].to_str().unwrap();
                let challenge = format!("bearer realm={}, service=reg", realm.replace("{host}", host));
                respond(401, &[("www-authenticate", &challenge)], "")
            }
        })
        .await;
        assert_eq!(resolve(registry, Some("right")).await, Resolution::Digest(DIGEST.to_owned()), "{realm}");
        assert!(asked.lock().unwrap()[1].1.ends_with("&service=reg"), "{realm}");
    }
}

#[tokio::test]
async fn i6_a_login_is_not_sent_to_an_unsafe_token_server_nor_after_a_redirect() {
    let (registry, _) = serve(wants_token("http://tokens.example.com/token".to_owned())).await;
    let resolution = resolve(registry, Some("right")).await;
    assert!(matches!(&resolution, Resolution::Refused { reason } if reason.contains("safe")), "{resolution:?}");

    let (other, asked) = serve(|_| found()).await;
    let (registry, _) = serve(move |request| match authorization(request) {
        "" => respond(401, &[("www-authenticate", "Basic realm=\"x\"")], ""),
        _ => respond(307, &[("location", &format!("http://localhost:{}/moved", other.port()))], ""),
    })
    .await;
    assert_eq!(resolve(registry, Some("right")).await, Resolution::Digest(DIGEST.to_owned()));
    let shown = asked.lock().unwrap().clone();
    assert_eq!(shown, [("HEAD".to_owned(), "/moved".to_owned(), String::new())]);
}

#[tokio::test]
async fn a_registry_without_head_or_without_the_digest_is_asked_for_the_manifest() {
    for silent in [405, 404, 403, 200] {
        let (registry, asked) = serve(move |request| match request.method().as_str() {
            "HEAD" => respond(silent, &[], ""),
            _ => respond(200, &[], "{\"schemaVersion\":2}"),
        })
        .await;
        let digest = sha256(b"{\"schemaVersion\":2}");
        assert_eq!(resolve(registry, None).await, Resolution::Digest(digest));
        assert_eq!(asked.lock().unwrap().len(), 2);
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[tokio::test]
async fn other_answers_are_told_apart() {
    for (status, headers, expected) in [
        (404, &[][..], "NotFound"),
        (403, &[], "Refused"),
        (401, &[], "Refused"),
        (401, &[("www-authenticate", "Negotiate")], "Refused"),
        (401, &[("www-authenticate", "Basic realm=\"x\"")], "Refused"),
        (401, &[("www-authenticate", "Bearer realm=\"nowhere\"")], "Refused"),
        (429, &[], "Unreachable"),
        (500, &[], "Unreachable"),
        (301, &[("location", "/v2/")], "Unreachable"),
        (200, &[("docker-content-digest", "nonsense")], "Digest"),
        (200, &[], "Digest"),
    ] {
        let (registry, _) = serve(move |_| respond(status, headers, "{\"schemaVersion\":2}")).await;
        let resolution = resolve(registry, None).await;
        assert!(format!("{resolution:?}").starts_with(expected), "{status} {headers:?}: {resolution:?}");
    }
}

#[tokio::test]
async fn a_registry_that_refuses_without_a_challenge_is_shown_the_login() {
    for status in [401, 403] {
        let (registry, asked) = serve(move |request| match authorization(request) {
            RIGHT => found(),
            _ => respond(status, &[], ""),
        })
        .await;
        assert_eq!(resolve(registry, Some("right")).await, Resolution::Digest(DIGEST.to_owned()));
        let paths: Vec<String> = asked.lock().unwrap().iter().map(|(_, path, _)| path.clone()).collect();
        assert_eq!(paths, ["/v2/org/app/manifests/1", "/v2/", "/v2/org/app/manifests/1"]);
        for password in [None, Some("wrong")] {
            let resolution = resolve(registry, password).await;
            assert!(matches!(&resolution, Resolution::Refused { .. }), "{status}: {resolution:?}");
        }
    }
}

#[tokio::test]
async fn the_challenge_at_the_root_counts_where_the_manifest_has_none() {
    let (tokens, asked_tokens) = serve(|_| respond(200, &[], r#"{"token":"good"}"#)).await;
    let challenge = format!("Bearer realm=\"http://{tokens}/token\",service=\"x\"");
    let (registry, _) = serve(move |request| match (authorization(request), request.uri().path()) {
        ("Bearer good", _) => found(),
        (_, "/v2/") => respond(401, &[("www-authenticate", &challenge)], ""),
        _ => respond(403, &[], ""),
    })
    .await;
    assert_eq!(resolve(registry, Some("right")).await, Resolution::Digest(DIGEST.to_owned()));
    assert_eq!(asked_tokens.lock().unwrap()[0].2, RIGHT);
}

#[tokio::test]
async fn a_page_is_not_taken_for_a_manifest() {
    let html = [("content-type", "text/html")];
    let (registry, _) = serve(move |_| respond(200, &html, "<html>log in</html>")).await;
    let resolution = resolve(registry, None).await;
    let told = matches!(&resolution, Resolution::Unreachable { reason } if reason.contains("text/html"));
    assert!(told, "{resolution:?}");
}

#[tokio::test]
async fn a_login_is_checked_without_pushing_anything() {
    let basic = |request: &Request| match authorization(request) {
        RIGHT => respond(200, &[], "{}"),
        _ => respond(401, &[("www-authenticate", "Basic realm=\"x\"")], ""),
    };
    let (registry, asked) = serve(basic).await;
    assert_eq!(check(registry, "right").await, LoginCheck::Taken);
    assert!(matches!(check(registry, "wrong").await, LoginCheck::Refused { .. }));
    assert!(asked.lock().unwrap().iter().all(|(method, path, _)| method == "GET" && path == "/v2/"));

    let (tokens, asked_tokens) = serve(|request| match authorization(request) {
        RIGHT => respond(200, &[], r#"{"token":"good"}"#),
        _ => respond(403, &[], ""),
    })
    .await;
    let (registry, _) = serve(wants_token(format!("http://{tokens}/token"))).await;
    assert_eq!(check(registry, "right").await, LoginCheck::Taken);
    assert!(asked_tokens.lock().unwrap()[0].1.contains("scope=repository%3Aorg%2Fapp%3Apull%2Cpush"));
    assert!(matches!(check(registry, "wrong").await, LoginCheck::Refused { .. }));

    let (registry, _) = serve(|_| respond(500, &[], "")).await;
    assert!(matches!(check(registry, "right").await, LoginCheck::Unknown { .. }));
}
