//! The Cloudflare-shaped API, version 4: zones by name, and records listed, created, changed and deleted one by one.

use super::response::{Refusal, answer, bearer};
use super::shared::Shared;
use super::zone::{ZoneRecord, full_name, relative_name};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, patch};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// How many records a page holds when the request does not say.
const DEFAULT_PAGE: usize = 100;

type Parameters = Query<BTreeMap<String, String>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/zones", get(list_zones))
        .route("/zones/{zone}/dns_records", get(list_records).post(create_record))
        .route("/zones/{zone}/dns_records/{record}", patch(patch_record).put(put_record).delete(delete_record))
        .with_state(shared)
}

/// An answer in Cloudflare's envelope.
pub(super) fn error(status: StatusCode, code: u32, message: &str) -> Response {
    let body =
        json!({ "result": null, "success": false, "errors": [{ "code": code, "message": message }], "messages": [] });
    answer(status, body)
}

fn success(result: &Value) -> Response {
    answer(StatusCode::OK, json!({ "result": result, "success": true, "errors": [], "messages": [] }))
}

fn authorize(shared: &Shared, headers: &HeaderMap) -> Result<(), Refusal> {
    let refusal = match bearer(headers) {
        Some(token) if shared.cloudflare_tokens.contains(token) => return Ok(()),
        Some(token) if token.len() >= 20 => error(StatusCode::FORBIDDEN, 9109, "Invalid access token"),
        _ => answer(
            StatusCode::BAD_REQUEST,
            json!({
                "success": false,
                "errors": [{
                    "code": 6003,
                    "message": "Invalid request headers",
                    "error_chain": [{ "code": 6111, "message": "Invalid format for Authorization header" }],
                }],
                "messages": [],
                "result": null,
            }),
        ),
    };
    Err(refusal.into())
}

/// One page of `items`, with the numbers that Cloudflare gives beside it.
fn page(shared: &Shared, parameters: &BTreeMap<String, String>, items: &[Value]) -> Response {
    let number = |name: &str| parameters.get(name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(DEFAULT_PAGE).clamp(1, shared.largest_page.max(1));
    let page = number("page").unwrap_or(1).max(1);
    let shown: Vec<&Value> = items.iter().skip((page - 1) * size).take(size).collect();
    let info = json!({
        "page": page,
        "per_page": size,
        "count": shown.len(),
        "total_count": items.len(),
        "total_pages": items.len().div_ceil(size),
    });
    answer(
        StatusCode::OK,
        json!({ "result": shown, "success": true, "errors": [], "messages": [], "result_info": info }),
    )
}

async fn list_zones(
    State(shared): State<Arc<Shared>>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    authorize(&shared, &headers)?;
    let wanted = parameters.get("name");
    let zones: Vec<Value> = shared
        .zones
        .list()
        .into_iter()
        .filter(|(name, _)| wanted.is_none_or(|wanted| wanted == name))
        .map(|(name, id)| {
            let servers = [format!("ns1.{name}"), format!("ns2.{name}")];
            json!({ "id": id, "name": name, "status": "active", "paused": false, "type": "full", "name_servers": servers })
        })
        .collect();
    Ok(page(&shared, &parameters, &zones))
}

/// The zone behind an id, for a caller who may see it.
fn open(shared: &Shared, headers: &HeaderMap, id: &str) -> Result<String, Refusal> {
    authorize(shared, headers)?;
    shared.zones.name_of(id).ok_or_else(|| {
        let message = format!("Could not route to /zones/{id}/dns_records, perhaps your object identifier is invalid?");
        error(StatusCode::NOT_FOUND, 7003, &message).into()
    })
}

fn shown(record: &ZoneRecord, zone: &str) -> Value {
    json!({
        "id": record.id,
        "name": full_name(&record.name, zone),
        "type": record.record_type,
        "content": record.content,
        "proxiable": matches!(record.record_type.as_str(), "A" | "AAAA" | "CNAME"),
        "proxied": record.proxied,
        "ttl": record.ttl,
        "settings": {},
        "meta": {},
        "comment": record.comment,
        "tags": [],
    })
}

async fn list_records(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(parameters): Parameters,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let zone = open(&shared, &headers, &id)?;
    let records = shared.zones.records(&zone).unwrap_or_default();
    let wanted_type = parameters.get("type");
    let wanted_name = parameters.get("name").or_else(|| parameters.get("name.exact"));
    let items: Vec<Value> = records
        .iter()
        .filter(|record| wanted_type.is_none_or(|wanted| *wanted == record.record_type))
        .filter(|record| wanted_name.is_none_or(|wanted| *wanted == full_name(&record.name, &zone)))
        .map(|record| shown(record, &zone))
        .collect();
    Ok(page(&shared, &parameters, &items))
}

/// Why a record cannot stand in a zone, as Cloudflare says it.
fn refusal(records: &[ZoneRecord], record: &ZoneRecord) -> Option<(u32, &'static str)> {
    if record.ttl != 1 && !(60..=86_400).contains(&record.ttl) {
        return Some((9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic."));
    }
    match record.record_type.as_str() {
        "A" if record.content.parse::<Ipv4Addr>().is_err() => {
            return Some((9005, "Content for A record must be a valid IPv4 address."));
        }
        "AAAA" if record.content.parse::<Ipv6Addr>().is_err() => {
            return Some((9006, "Content for AAAA record must be a valid IPv6 address."));
        }
        _ => {}
    }
    let others = || records.iter().filter(|other| other.id != record.id && other.name == record.name);
    let addresses = ["A", "AAAA", "CNAME"];
    if record.record_type == "CNAME" && others().any(|other| addresses.contains(&other.record_type.as_str())) {
        return Some((81_053, "An A, AAAA, or CNAME record with that host already exists."));
    }
    if addresses.contains(&record.record_type.as_str()) && others().any(|other| other.record_type == "CNAME") {
        return Some((81_054, "A CNAME record with that host already exists."));
    }
    let same = |other: &ZoneRecord| other.record_type == record.record_type && other.content == record.content;
    others().any(same).then_some((81_058, "An identical record already exists."))
}

/// Lays the fields of a request over a record.
fn overlay(record: &mut ZoneRecord, body: &Value, zone: &str) {
    let text = |field: &str| body.get(field).and_then(Value::as_str);
    if let Some(name) = text("name") {
        record.name = relative_name(name, zone);
    }
    if let Some(record_type) = text("type") {
        record.record_type = record_type.to_ascii_uppercase();
    }
    if let Some(content) = text("content") {
        content.clone_into(&mut record.content);
    }
    if let Some(comment) = text("comment") {
        record.comment = Some(comment.to_owned());
    }
    if let Some(proxied) = body.get("proxied").and_then(Value::as_bool) {
        record.proxied = proxied;
    }
    if let Some(ttl) = body.get("ttl").and_then(Value::as_u64) {
        record.ttl = u32::try_from(ttl).unwrap_or(u32::MAX);
    }
    if record.proxied {
        record.ttl = 1;
    }
}

/// Stores a record when nothing speaks against it: a new one, or in place of the one with its id.
fn store(shared: &Shared, zone: &str, record: &ZoneRecord) -> Response {
    let refused = shared.zones.change(zone, |records| {
        if let Some((code, message)) = refusal(records, record) {
            return Some(error(StatusCode::BAD_REQUEST, code, message));
        }
        if let Some(place) = records.iter_mut().find(|other| !record.id.is_empty() && other.id == record.id) {
            *place = record.clone();
        } else {
            records.push(record.clone());
        }
        None
    });
    if let Some(refusal) = refused.flatten() {
        return refusal;
    }
    let records = shared.zones.records(zone).unwrap_or_default();
    let same = |other: &&ZoneRecord| other.is(&record.name, &record.record_type) && other.content == record.content;
    records.iter().find(same).map_or_else(
        || error(StatusCode::INTERNAL_SERVER_ERROR, 10_001, "the record vanished"),
        |record| success(&shown(record, zone)),
    )
}

async fn create_record(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Result<Response, Refusal> {
    let zone = open(&shared, &headers, &id)?;
    let mut record = ZoneRecord::new("@", "", 1, "");
    overlay(&mut record, &body, &zone);
    Ok(store(&shared, &zone, &record))
}

async fn patch_record(
    State(shared): State<Arc<Shared>>,
    Path((id, record)): Path<(String, String)>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Result<Response, Refusal> {
    change_record(&shared, &id, &record, &headers, &body, false)
}

async fn put_record(
    State(shared): State<Arc<Shared>>,
    Path((id, record)): Path<(String, String)>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Result<Response, Refusal> {
    change_record(&shared, &id, &record, &headers, &body, true)
}

fn missing() -> Response {
    error(StatusCode::NOT_FOUND, 81_044, "Record does not exist.")
}

fn change_record(
    shared: &Shared,
    id: &str,
    record: &str,
    headers: &HeaderMap,
    body: &Value,
    whole: bool,
) -> Result<Response, Refusal> {
    let zone = open(shared, headers, id)?;
    let records = shared.zones.records(&zone).unwrap_or_default();
    let Some(known) = records.into_iter().find(|known| known.id == record) else { return Ok(missing()) };
    // A PUT is the whole record: what it leaves out falls back to the default.
    let mut changed = if whole { ZoneRecord { id: known.id, ..ZoneRecord::new("@", "", 1, "") } } else { known };
    overlay(&mut changed, body, &zone);
    Ok(store(shared, &zone, &changed))
}

async fn delete_record(
    State(shared): State<Arc<Shared>>,
    Path((id, record)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let zone = open(&shared, &headers, &id)?;
    let deleted = shared.zones.change(&zone, |records| {
        let before = records.len();
        records.retain(|known| known.id != record);
        before != records.len()
    });
    Ok(if deleted == Some(true) { success(&json!({ "id": record })) } else { missing() })
}
