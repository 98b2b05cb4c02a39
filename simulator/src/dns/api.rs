//! The listener of both vendors' APIs, which records every request and applies the faults.

use super::connection::{Connection, CuttableListener};
use super::fault::{FaultKind, RecordedRequest, Vendor};
use super::shared::Shared;
use super::{cloudflare, hostinger};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Larger bodies are refused, as both vendors do.
const MAX_BODY: usize = 1 << 20;

/// Serves both APIs on a free port of the loopback address.
pub(super) async fn serve(shared: Arc<Shared>) -> io::Result<(SocketAddr, JoinHandle<()>)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new()
        .nest("/client/v4", cloudflare::router(Arc::clone(&shared)))
        .nest("/api/dns/v1", hostinger::router(Arc::clone(&shared)))
        .layer(from_fn_with_state(shared, observe));
    let service = router.into_make_service_with_connect_info::<Connection>();
    let task = tokio::spawn(async move {
        // It ends only when the task is aborted.
        let _ = axum::serve(CuttableListener(listener), service).await;
    });
    Ok((address, task))
}

async fn observe(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let vendor = if path.starts_with("/client/") { Vendor::Cloudflare } else { Vendor::Hostinger };
    let Ok(bytes) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let index = shared.record(RecordedRequest {
        vendor,
        method: parts.method.to_string(),
        path: path.clone(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        status: None,
    });
    let fault = shared.faults.strike(vendor, parts.method.as_str(), &path);
    let run = next.run(Request::from_parts(parts, Body::from(bytes)));
    let response = match fault {
        None => run.await,
        Some(FaultKind::Delay(delay)) => {
            tokio::time::sleep(delay).await;
            run.await
        }
        Some(FaultKind::Fail(status)) => failure(vendor, status),
        Some(FaultKind::Throttle(seconds)) => {
            ([(header::RETRY_AFTER, seconds.to_string())], failure(vendor, 429)).into_response()
        }
        Some(FaultKind::Redirect(url)) => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response(),
        Some(FaultKind::Garble(text)) => text.into_response(),
        Some(FaultKind::DropBefore) => {
            connection.cut();
            return StatusCode::NO_CONTENT.into_response();
        }
        Some(FaultKind::DropAfter) => {
            run.await;
            connection.cut();
            return StatusCode::NO_CONTENT.into_response();
        }
    };
    shared.answered(index, response.status());
    response
}

/// The body with which a vendor answers a failure of its own.
fn failure(vendor: Vendor, status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let text = status.canonical_reason().unwrap_or("Error");
    match vendor {
        Vendor::Cloudflare => cloudflare::error(status, 10_001, text),
        Vendor::Hostinger => hostinger::error(status, text),
    }
}
