//! A relay before AWS that lets a test see the requests, and spoil some: what moto never does itself.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use futures_util::stream;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It gets no answer, and nothing happens.
    DropBefore,
    /// It happens, and gets no answer.
    DropAfter,
    /// It gets this answer, and nothing happens.
    Answer(u16, String),
    /// It happens, and a part of its answer is replaced.
    Replace(&'static str, &'static str),
    /// It happens without a header.
    Without(&'static str),
    /// It happens a while later.
    Hold(Duration),
}

struct Rule {
    /// Which requests: those whose line, target and body have this text.
    with: String,
    /// How many of those are left alone first.
    skip: usize,
    times: usize,
    fault: Fault,
}

#[derive(Clone)]
struct Shared {
    target: String,
    client: reqwest::Client,
    rules: Arc<Mutex<Vec<Rule>>>,
    seen: Arc<Mutex<Vec<String>>>,
    authorizations: Arc<Mutex<Vec<String>>>,
    /// Moto compares and writes in two steps; with a permit for each request they are one, as they are at AWS.
    turns: Arc<Semaphore>,
}

/// A relay; it ends with its runtime.
pub(crate) struct Relay {
    pub(crate) url: String,
    shared: Shared,
}

impl Relay {
    pub(crate) async fn before(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let client = reqwest::Client::new();
        let shared = Shared {
            target: target.to_owned(),
            client,
            rules: Arc::default(),
            seen: Arc::default(),
            authorizations: Arc::default(),
            turns: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        };
        let router = Router::new().fallback(relay).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared }
    }

    /// As [`Self::before`], with one request at a time.
    pub(crate) async fn in_turns(target: &str) -> Self {
        let relay = Self::before(target).await;
        relay.shared.turns.forget_permits(Semaphore::MAX_PERMITS - 1);
        relay
    }

    /// Spoils the next request that has this text.
    pub(crate) fn spoil(&self, with: &str, fault: Fault) {
        self.spoil_times(with, 0, 1, fault);
    }

    /// Leaves `skip` requests that have this text alone and spoils the next `times`.
    pub(crate) fn spoil_times(&self, with: &str, skip: usize, times: usize, fault: Fault) {
        self.shared.rules.lock().unwrap().push(Rule { with: with.to_owned(), skip, times, fault });
    }

    /// Spoils nothing any more.
    pub(crate) fn calm(&self) {
        self.shared.rules.lock().unwrap().clear();
    }

    /// Each request so far: its line, its target and its body.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The signature of each request so far.
    pub(crate) fn authorizations(&self) -> Vec<String> {
        self.shared.authorizations.lock().unwrap().clone()
    }

    /// How many requests had this text.
    pub(crate) fn count(&self, with: &str) -> usize {
        self.seen().iter().filter(|request| request.contains(with)).count()
    }
}

async fn relay(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = format!("{} {} {target} {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
    shared.seen.lock().unwrap().push(text.clone());
    let signature = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    shared.authorizations.lock().unwrap().push(signature.to_owned());
    let fault = shared.fault_of(&text);
    match &fault {
        Some(Fault::DropBefore) => return cut(),
        Some(Fault::Answer(status, body)) => {
            let mut response = Response::new(Body::from(body.clone()));
            *response.status_mut() = StatusCode::from_u16(*status).unwrap();
            return response;
        }
        Some(Fault::Hold(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let _turn = shared.turns.acquire().await.unwrap();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers.clone();
    headers.remove("host");
    headers.remove("content-length");
    if let Some(Fault::Without(name)) = fault {
        headers.remove(name);
    }
    let sent = shared.client.request(parts.method.clone(), format!("{}{path}", shared.target)).headers(headers);
    let answer = sent.body(body).send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut body = answer.bytes().await.unwrap();
    match fault {
        Some(Fault::DropAfter) => return cut(),
        Some(Fault::Replace(from, to)) => {
            let text = String::from_utf8_lossy(&body);
            assert!(text.contains(from), "{text} has no {from}");
            body = Bytes::from(text.replace(from, to));
        }
        _ => {}
    }
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let kept = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    let about_the_way =
        |name: &HeaderName| ["content-length", "connection", "transfer-encoding"].contains(&name.as_str());
    response.headers_mut().extend(kept.filter(|(name, _)| !about_the_way(name)));
    response
}

/// An answer that breaks off.
fn cut() -> Response {
    let broken = stream::once(async { Err::<Bytes, io::Error>(io::Error::other("cut")) });
    Response::new(Body::from_stream(broken))
}

impl Shared {
    fn fault_of(&self, request: &str) -> Option<Fault> {
        let mut rules = self.rules.lock().unwrap();
        for rule in rules.iter_mut().filter(|rule| request.contains(&rule.with)) {
            if rule.skip > 0 {
                rule.skip -= 1;
            } else if rule.times > 0 {
                rule.times -= 1;
                return Some(rule.fault.clone());
            }
        }
        None
    }
}
