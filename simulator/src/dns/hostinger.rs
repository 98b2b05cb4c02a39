//! The Hostinger-shaped API: a zone is read whole, and changed by record sets.

use super::response::{Refusal, answer, bearer, correlation_id};
use super::shared::Shared;
use super::zone::{ZoneRecord, relative_name};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// The time to live when a request does not say one.
const DEFAULT_TTL: u32 = 14_400;

const TYPES: [&str; 10] = ["A", "AAAA", "CNAME", "ALIAS", "MX", "TXT", "NS", "SOA", "SRV", "CAA"];

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().route("/zones/{domain}", get(list).put(update).delete(destroy)).with_state(shared)
}

/// An answer as Hostinger words its errors.
pub(super) fn error(status: StatusCode, message: &str) -> Response {
    answer(status, json!({ "message": message, "correlation_id": correlation_id() }))
}

fn invalid(field: &str, message: &str) -> Response {
    let body = json!({ "message": message, "errors": { field: [message] }, "correlation_id": correlation_id() });
    answer(StatusCode::UNPROCESSABLE_ENTITY, body)
}

fn conflict() -> Response {
    let message = "[DNS:4008] DNS resource record is not valid or conflicts with another resource record";
    error(StatusCode::UNPROCESSABLE_ENTITY, message)
}

/// Lets a caller with a known token at a known domain through.
fn open(shared: &Shared, headers: &HeaderMap, domain: &str) -> Result<String, Refusal> {
    if !bearer(headers).is_some_and(|token| shared.hostinger_tokens.contains(token)) {
        return Err(error(StatusCode::UNAUTHORIZED, "Unauthenticated.").into());
    }
    let domain = domain.to_ascii_lowercase();
    // What the real API answers here is not documented; the client takes any of 403, 404 and 422 for it.
    let missing = || error(StatusCode::NOT_FOUND, "Domain not found").into();
    shared.zones.records(&domain).map(|_| domain).ok_or_else(missing)
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Path(domain): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let zone = open(&shared, &headers, &domain)?;
    let mut sets: Vec<(String, String, u32, Vec<Value>)> = Vec::new();
    for record in shared.zones.records(&zone).unwrap_or_default() {
        let value = json!({ "content": record.content, "is_disabled": record.disabled });
        let same = |set: &&mut (String, String, u32, Vec<Value>)| set.0 == record.name && set.1 == record.record_type;
        if let Some(set) = sets.iter_mut().find(same) {
            set.3.push(value);
        } else {
            sets.push((record.name, record.record_type, record.ttl, vec![value]));
        }
    }
    let shown: Vec<Value> = sets
        .into_iter()
        .map(|(name, record_type, ttl, records)| {
            json!({ "name": name, "type": record_type, "ttl": ttl, "records": records })
        })
        .collect();
    Ok(answer(StatusCode::OK, Value::Array(shown)))
}

#[derive(Deserialize)]
struct Update {
    #[serde(default = "overwrite")]
    overwrite: bool,
    zone: Vec<Set>,
}

const fn overwrite() -> bool {
    true
}

#[derive(Deserialize)]
struct Set {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    ttl: Option<u32>,
    records: Vec<Content>,
}

#[derive(Deserialize)]
struct Content {
    content: String,
}

fn acceptable(record_type: &str, content: &str) -> bool {
    match record_type {
        "A" => content.parse::<Ipv4Addr>().is_ok(),
        "AAAA" => content.parse::<Ipv6Addr>().is_ok(),
        _ => !content.is_empty(),
    }
}

/// Whether a zone has an alias beside another record of the same name, or the same record twice.
fn contradictory(records: &[ZoneRecord]) -> bool {
    records.iter().enumerate().any(|(index, record)| {
        let others = records.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
        others.filter(|other| other.name == record.name).any(|other| {
            let twice = other.record_type == record.record_type && other.content == record.content;
            twice || (record.record_type == "CNAME" && ["A", "AAAA", "CNAME"].contains(&other.record_type.as_str()))
        })
    })
}

async fn update(
    State(shared): State<Arc<Shared>>,
    Path(domain): Path<String>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Result<Response, Refusal> {
    let zone = open(&shared, &headers, &domain)?;
    let Ok(update) = serde_json::from_value::<Update>(body) else {
        return Ok(invalid("zone", "The zone field is required."));
    };
    for set in &update.zone {
        if !TYPES.contains(&set.record_type.as_str()) {
            return Ok(invalid("zone.0.type", "The selected zone.0.type is invalid."));
        }
        if !set.records.iter().all(|record| acceptable(&set.record_type, &record.content)) {
            return Ok(conflict());
        }
    }
    let changed = shared.zones.change(&zone, |records| {
        let mut wanted = records.clone();
        for set in &update.zone {
            apply(&mut wanted, set, &zone, update.overwrite);
        }
        if contradictory(&wanted) {
            return false;
        }
        *records = wanted;
        true
    });
    Ok(if changed == Some(true) { accepted() } else { conflict() })
}

/// Replaces a set, or appends to it.
fn apply(records: &mut Vec<ZoneRecord>, set: &Set, zone: &str, overwrite: bool) {
    let name = relative_name(&set.name, zone);
    let ttl = set.ttl.unwrap_or(DEFAULT_TTL);
    if overwrite {
        records.retain(|record| !record.is(&name, &set.record_type));
    }
    for record in records.iter_mut().filter(|record| record.is(&name, &set.record_type)) {
        record.ttl = ttl;
    }
    let added = set.records.iter().map(|record| ZoneRecord::new(&name, &set.record_type, ttl, &record.content));
    records.extend(added);
}

fn accepted() -> Response {
    answer(StatusCode::OK, json!({ "message": "Request accepted" }))
}

#[derive(Deserialize)]
struct Destroy {
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
struct Filter {
    name: String,
    #[serde(rename = "type")]
    record_type: String,
}

async fn destroy(
    State(shared): State<Arc<Shared>>,
    Path(domain): Path<String>,
    headers: HeaderMap,
    axum::Json(body): axum::Json<Value>,
) -> Result<Response, Refusal> {
    let zone = open(&shared, &headers, &domain)?;
    let Ok(destroy) = serde_json::from_value::<Destroy>(body) else {
        return Ok(invalid("filters", "The filters field is required."));
    };
    shared.zones.change(&zone, |records| {
        for filter in &destroy.filters {
            let name = relative_name(&filter.name, &zone);
            records.retain(|record| !record.is(&name, &filter.record_type));
        }
    });
    Ok(accepted())
}
