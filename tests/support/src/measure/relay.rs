//! A relay in front of a server: it makes every request take a while, and writes down what passes.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::response::Response;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The longest body that passes.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// One request and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path without what the server's base URL has: `project.all`, `zones`.
    pub path: String,
    /// The query; empty when there was none.
    pub query: String,
    /// The body; empty when there was none.
    pub body: String,
    /// The body of the answer.
    pub answer: String,
    /// When it came.
    pub sent: Instant,
    /// When it was answered.
    pub answered: Instant,
}

impl Exchange {
    /// Whether it asked for a change.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

/// What passed one or several relays, in the order of the answers.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Exchange>>>);

impl Log {
    /// Takes everything out that has passed so far.
    pub fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn push(&self, exchange: Exchange) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    }
}

/// A running relay, on a thread of its own; it ends when dropped.
pub(super) struct Relay {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Road {
    upstream: String,
    prefix: String,
    latency: Duration,
    log: Log,
    http: reqwest::Client,
}

impl Relay {
    /// Starts a relay to `upstream`, an `http://` address with or without a path; every request takes `latency` longer.
    pub(super) async fn start(upstream: &str, prefix: &str, latency: Duration, log: &Log) -> Self {
        let scheme = "http://";
        let rest = upstream.strip_prefix(scheme).unwrap();
        let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        let road = Arc::new(Road {
            upstream: format!("{scheme}{authority}"),
            prefix: prefix.to_owned(),
            latency,
            log: log.clone(),
            http: reqwest::Client::new(),
        });
        let (stop, stopped) = oneshot::channel();
        let (ready, address) = oneshot::channel();
        let serve = async move {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            ready.send(listener.local_addr().unwrap()).unwrap();
            let app = Router::new().fallback(pass).with_state(road);
            tokio::select! {
                served = async { axum::serve(listener, app).await } => served.unwrap(),
                _ = stopped => {}
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let thread =
            std::thread::Builder::new().name("relay".to_owned()).spawn(move || runtime.block_on(serve)).unwrap();
        let url = format!("{scheme}{}{path}", address.await.unwrap());
        Self { url, stop: Some(stop), thread: Some(thread) }
    }

    /// The address that stands for the server's.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its panic, if any, was printed when it happened.
            let _ = thread.join();
        }
    }
}

async fn pass(State(road): State<Arc<Road>>, request: Request) -> Response {
    let sent = Instant::now();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, BODY_LIMIT).await.unwrap();
    tokio::time::sleep(road.latency).await;
    let url = format!("{}{}", road.upstream, parts.uri);
    let mut headers = parts.headers;
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    let forwarded = road.http.request(parts.method.clone(), url).headers(headers).body(body.clone());
    let answer = forwarded.send().await.unwrap();
    let (status, kind) = (answer.status(), answer.headers().get(CONTENT_TYPE).cloned());
    let text = answer.bytes().await.unwrap();
    let path = parts.uri.path();
    road.log.push(Exchange {
        method: parts.method.to_string(),
        path: path.strip_prefix(&road.prefix).unwrap_or(path).to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        answer: String::from_utf8_lossy(&text).into_owned(),
        sent,
        answered: Instant::now(),
    });
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    if let Some(kind) = kind {
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response
}
