//! The HTTP side: transport rules, keys, faults, and the record of requests.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, Uri, header};
use axum::response::Response;
use axum::serve::{IncomingStream, Listener};
use serde_json::{Map, Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::dokploy::error::ApiError;
use crate::dokploy::{self, Call, Reply, schema, validate};
use crate::fault::FaultAction;
use crate::world::{Access, World};

const BODY_LIMIT: usize = 1024 * 1024;
const JSON: &str = "application/json";
const JSON_UTF8: &str = "application/json; charset=utf-8";

/// A second handle of a connection's socket, to close it without an answer.
#[derive(Debug, Clone)]
struct Peer(Arc<std::net::TcpStream>);

impl Peer {
    fn close(&self) {
        // The peer may have closed first.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

struct Door(TcpListener);

impl Door {
    async fn next(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, _) = self.0.accept().await?;
        let stream = stream.into_std()?;
        let peer = Peer(Arc::new(stream.try_clone()?));
        Ok((TcpStream::from_std(stream)?, peer))
    }
}

impl Listener for Door {
    type Io = TcpStream;
    type Addr = Peer;

    async fn accept(&mut self) -> (TcpStream, Peer) {
        loop {
            match self.next().await {
                Ok(accepted) => return accepted,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Connected<IncomingStream<'_, Door>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Binds a free port on loopback and serves the world until it is stopped.
///
/// # Errors
///
/// When no port can be bound.
pub(crate) async fn start(world: Arc<World>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let app = Router::new().fallback(serve).with_state(Arc::clone(&world));
    let service = app.into_make_service_with_connect_info::<Peer>();
    world.spawn(async move {
        // Serving ends with the world's token only: the listener never fails.
        let _ = axum::serve(Door(listener), service).await;
    });
    Ok(address)
}

/// A request after the transport rules.
struct Incoming {
    index: usize,
    method: Method,
    path: String,
    headers: HeaderMap,
    input: Value,
}

struct Outcome {
    status: u16,
    content_type: Option<&'static str>,
    body: Bytes,
}

impl Outcome {
    fn json(status: u16, content_type: &'static str, body: &Value) -> Self {
        Self { status, content_type: Some(content_type), body: body.to_string().into() }
    }

    fn text(status: u16, text: &str) -> Self {
        Self { status, content_type: None, body: text.to_owned().into() }
    }

    fn error(error: &ApiError, procedure: &str) -> Self {
        Self::json(error.status, JSON, &error.body(procedure))
    }

    fn unauthorized() -> Self {
        Self::json(401, JSON_UTF8, &json!({ "message": "Unauthorized" }))
    }

    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status.try_into().unwrap_or_default();
        if let Some(content_type) = self.content_type {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        response
    }
}

async fn serve(State(world): State<Arc<World>>, ConnectInfo(peer): ConnectInfo<Peer>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    if let Some(target) = path.strip_suffix('/').filter(|target| !target.is_empty()) {
        return redirect(target, parts.uri.query());
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return Outcome::text(413, "Body exceeded 1mb limit").into_response();
    };
    let incoming = match read(&world, parts.method, &parts.uri, parts.headers, &body) {
        Ok(incoming) => incoming,
        Err(refused) => return refused.into_response(),
    };
    let index = incoming.index;
    let endpoint = path.strip_prefix("/api/").unwrap_or(&path).to_owned();
    let action = world.faults.action(&endpoint, incoming.method == Method::POST);
    // A task of its own: what a client asked for happens also when it does not wait for the answer.
    let serving = Arc::clone(&world);
    let outcome = tokio::spawn(async move { with_fault(&serving, incoming, action).await }).await;
    let Some(outcome) = outcome.ok().flatten() else {
        peer.close();
        return std::future::pending().await;
    };
    world.recorder.finish(index, outcome.status);
    let mut response = outcome.into_response();
    if let Ok(date) = HeaderValue::from_str(&world.settings.wall_clock.date()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

fn redirect(target: &str, query: Option<&str>) -> Response {
    let mut response = Outcome::text(308, "").into_response();
    let target = query.map_or_else(|| target.to_owned(), |query| format!("{target}?{query}"));
    if let Ok(target) = HeaderValue::from_str(&target) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

/// Parses and records a request.
fn read(world: &World, method: Method, uri: &Uri, headers: HeaderMap, body: &Bytes) -> Result<Incoming, Outcome> {
    let query: Map<String, Value> = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map(|Query(pairs)| pairs.into_iter().map(|(name, value)| (name, value.into())).collect())
        .unwrap_or_default();
    let parsed =
        if body.is_empty() || !is_json(&headers) { Ok(None) } else { serde_json::from_slice::<Value>(body).map(Some) };
    let recorded = parsed.as_ref().ok().cloned().flatten();
    let path = uri.path().to_owned();
    let index = world.recorder.begin(method.as_str(), &path, query.clone(), recorded);
    let Ok(body) = parsed else {
        world.recorder.finish(index, 400);
        return Err(Outcome::text(400, "Invalid JSON"));
    };
    let is_query = method == Method::GET;
    let input = if is_query { query.into() } else { body.unwrap_or_else(|| json!({})) };
    if let Some(procedure) = path.strip_prefix("/api/").filter(|procedure| *procedure != "health") {
        let schema = schema::input(&world.document, procedure, method.as_str());
        world.recorder.violations(index, validate::violations(schema.as_ref(), &input, is_query));
    }
    Ok(Incoming { index, method, path, headers, input })
}

fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers).split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(JSON))
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Serves a request, or does to it what the fault says. `None` means: close the connection.
async fn with_fault(world: &Arc<World>, incoming: Incoming, action: Option<FaultAction>) -> Option<Outcome> {
    match action {
        None => Some(effect(world, incoming).await),
        Some(FaultAction::Fail { status, body }) => Some(failure(status, &body, &incoming.path)),
        Some(FaultAction::FailAfter) => {
            let path = incoming.path.clone();
            effect(world, incoming).await;
            Some(failure(500, &Value::Null, &path))
        }
        Some(FaultAction::DropBefore) => None,
        Some(FaultAction::DropAfter) => {
            effect(world, incoming).await;
            None
        }
        Some(FaultAction::Hang) => {
            effect(world, incoming).await;
            std::future::pending().await
        }
        Some(FaultAction::Delay { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Some(effect(world, incoming).await)
        }
        Some(FaultAction::LandLater { millis }) => {
            let later = Arc::clone(world);
            world.spawn(async move {
                tokio::time::sleep(Duration::from_millis(millis)).await;
                answer(&later, incoming).await;
            });
            None
        }
    }
}

fn failure(status: u16, body: &Value, path: &str) -> Outcome {
    match body {
        Value::Null => {
            let error = ApiError::internal("Simulated failure");
            let procedure = path.strip_prefix("/api/").unwrap_or(path);
            Outcome { status, ..Outcome::error(&error, procedure) }
        }
        Value::String(text) => Outcome::text(status, text),
        body => Outcome::json(status, JSON, body),
    }
}

async fn effect(world: &Arc<World>, incoming: Incoming) -> Outcome {
    tokio::time::sleep(Duration::from_millis(world.settings.latency_millis)).await;
    answer(world, incoming).await
}

async fn answer(world: &Arc<World>, incoming: Incoming) -> Outcome {
    match incoming.path.as_str() {
        "/api/health" => return Outcome::json(200, JSON_UTF8, &json!({ "ok": true })),
        "/api/trpc/settings.health" => {
            return Outcome::json(200, JSON, &json!({ "result": { "data": { "json": { "status": "ok" } } } }));
        }
        _ => {}
    }
    let Some(procedure) = incoming.path.strip_prefix("/api/").map(str::to_owned) else {
        return Outcome::text(404, "Not Found");
    };
    let Some(access) = authenticate(world, &incoming.headers) else { return Outcome::unauthorized() };
    match call(world, access, &procedure, incoming).await {
        Ok(Reply::Json(value)) => Outcome::json(200, JSON, &value),
        Ok(Reply::Empty) => Outcome { status: 200, content_type: Some(JSON), body: Bytes::new() },
        Err(error) => Outcome::error(&error, &procedure),
    }
}

/// Counts the request against its key.
fn authenticate(world: &World, headers: &HeaderMap) -> Option<Access> {
    let token = headers.get("x-api-key")?.to_str().ok()?;
    let mut keys = world.keys.lock().unwrap_or_else(PoisonError::into_inner);
    let key = keys.get_mut(token)?;
    match &mut key.remaining {
        None => Some(key.access),
        Some(0) => None,
        Some(remaining) => {
            *remaining -= 1;
            Some(key.access)
        }
    }
}

async fn call(world: &Arc<World>, access: Access, procedure: &str, incoming: Incoming) -> dokploy::Answer {
    let method = incoming.method.as_str();
    let schema = schema::input(schema::document(), procedure, method).ok_or_else(ApiError::no_endpoint)?;
    if incoming.method == Method::POST && !is_json(&incoming.headers) {
        let kind = Some(content_type(&incoming.headers)).filter(|kind| !kind.is_empty());
        return Err(ApiError::unsupported_media_type(kind.unwrap_or("text/plain;charset=UTF-8")));
    }
    let input = validate::validate(&schema, &incoming.input).map_err(ApiError::invalid)?;
    dokploy::perform(Call { world: Arc::clone(world), access, input, procedure: procedure.to_owned() }).await
}
