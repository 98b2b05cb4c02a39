//! `domain.*`

use regress::Regex;
use serde_json::{Value, json};

use crate::dokploy::call::{Answer, Call, Reply};
use crate::dokploy::error::{ApiError, Issue};
use crate::dokploy::model::{self, Record, find, find_mut, rows, text};
use crate::random;

pub(super) fn perform(name: &str, call: &Call) -> Answer {
    call.require_service_access()?;
    match name {
        "create" => create(call),
        "one" => one(call),
        "byApplicationId" => by_application(call),
        "update" => update(call),
        "delete" => delete(call),
        "validateDomain" => Ok(validate_domain(call)),
        _ => Err(ApiError::no_endpoint()),
    }
}

fn not_found() -> ApiError {
    ApiError::not_found("Domain")
}

/// Neither scheme nor path nor blank nor underscore.
fn check_host(call: &Call) -> Result<(), ApiError> {
    let host = call.text("host").trim();
    let pattern = r"^(\*\.)?[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$";
    if Regex::new(pattern).is_ok_and(|regex| regex.find(host).is_some()) {
        return Ok(());
    }
    let message = "Invalid domain name. Use only letters, numbers, hyphens and dots (e.g. example.com). Underscores are not allowed.";
    let path = vec![Value::from("host")];
    let body = json!({ "code": "custom", "path": path, "message": message });
    Err(ApiError::invalid(vec![Issue { path, message: message.into(), body }]))
}

fn create(call: &Call) -> Answer {
    check_host(call)?;
    call.world.write(|state| {
        let application = call.text("applicationId");
        if !application.is_empty() && find(&state.applications, "applicationId", application).is_none() {
            return Err(ApiError::not_found("Application"));
        }
        state.domains_made += 1;
        let mut domain = model::domain_template();
        model::assign(&mut domain, call.input.clone());
        model::assign(
            &mut domain,
            model::record(json!({
                "domainId": random::nanoid(), "uniqueConfigKey": state.domains_made, "createdAt": call.world.timestamp(),
            })),
        );
        state.domains.push(domain.clone());
        Ok(domain.into())
    })
}

fn one(call: &Call) -> Answer {
    call.world.read(|state| {
        let mut domain = find(&state.domains, "domainId", call.text("domainId")).cloned().ok_or_else(not_found)?;
        let application = find(&state.applications, "applicationId", text(&domain, "applicationId")).cloned();
        domain.insert("application".into(), application.map_or(Value::Null, Value::Object));
        Ok(domain.into())
    })
}

fn by_application(call: &Call) -> Answer {
    call.world.read(|state| {
        let id = call.text("applicationId");
        let application = find(&state.applications, "applicationId", id);
        let application = application.ok_or_else(|| ApiError::not_found("Application"))?;
        let short = json!({ "applicationId": id, "appName": application["appName"], "name": application["name"] });
        let with_application = |domain: &Record| {
            let mut domain = domain.clone();
            domain.insert("application".into(), short.clone());
            Value::Object(domain)
        };
        Ok(rows(&state.domains, "applicationId", id).map(with_application).collect::<Vec<_>>().into())
    })
}

fn update(call: &Call) -> Answer {
    check_host(call)?;
    call.world.write(|state| {
        let domain = find_mut(&mut state.domains, "domainId", call.text("domainId")).ok_or_else(not_found)?;
        model::assign(domain, call.input.clone());
        Ok(domain.clone().into())
    })
}

fn delete(call: &Call) -> Answer {
    call.world.write(|state| {
        let id = call.text("domainId");
        let domain = find(&state.domains, "domainId", id).cloned().ok_or_else(not_found)?;
        state.domains.retain(|domain| text(domain, "domainId") != id);
        Ok(domain.into())
    })
}

/// Without `serverIp` any name that resolves is valid.
fn validate_domain(call: &Call) -> Reply {
    let domain = call.text("domain");
    let addresses = call.world.resolved(domain);
    if addresses.is_empty() {
        return json!({ "isValid": false, "error": format!("queryA ENOTFOUND {domain}") }).into();
    }
    let resolved = addresses.join(", ");
    let wanted = call.text("serverIp");
    if wanted.is_empty() || addresses.iter().any(|address| address == wanted) {
        return json!({ "isValid": true, "resolvedIp": resolved }).into();
    }
    let error = format!("Domain resolves to {resolved} but should point to {wanted}");
    json!({ "isValid": false, "resolvedIp": resolved, "error": error }).into()
}
