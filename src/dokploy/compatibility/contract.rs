//! Comparing the calls that we make with the server's own `OpenAPI` document (whose request schemas are right).

use crate::dokploy::transport::{Call, Method};
use serde_json::Value;
use std::fmt;

/// What is not as a call needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// There is no such endpoint, or not with this method.
    NoSuchEndpoint {
        /// The call.
        call: &'static str,
    },
    /// The server requires a field that we do not always send.
    FieldRequired {
        /// The call.
        call: &'static str,
        /// The field.
        field: String,
    },
    /// The server does not know a field that we send; it would pass it by in silence.
    FieldUnknown {
        /// The call.
        call: &'static str,
        /// The field.
        field: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchEndpoint { call } => write!(formatter, "{call} does not exist"),
            Self::FieldRequired { call, field } => write!(formatter, "{call} requires the field {field}"),
            Self::FieldUnknown { call, field } => write!(formatter, "{call} does not know the field {field}"),
        }
    }
}

/// The fields of a request as the document tells them.
struct Fields<'a> {
    known: Vec<&'a str>,
    required: Vec<&'a str>,
}

/// Lists what in `document` is not as `calls` need it, in the order of the calls.
pub fn check(document: &Value, calls: &[&'static Call]) -> Vec<Mismatch> {
    calls.iter().flat_map(|call| check_call(document, call)).collect()
}

fn check_call(document: &Value, call: &'static Call) -> Vec<Mismatch> {
    let Some(operation) = operation(document, call) else {
        return vec![Mismatch::NoSuchEndpoint { call: call.name }];
    };
    let fields = match call.method {
        Method::Get => query_fields(operation),
        Method::Post => body_fields(document, operation),
    };
    let unsent = fields.required.iter().filter(|field| !call.always.contains(field));
    let required = unsent.map(|field| Mismatch::FieldRequired { call: call.name, field: (*field).to_owned() });
    let sent = call.always.iter().chain(call.sometimes);
    let unknown = sent
        .filter(|field| !fields.known.contains(field))
        .map(|field| Mismatch::FieldUnknown { call: call.name, field: (*field).to_owned() });
    required.chain(unknown).collect()
}

fn operation<'a>(document: &'a Value, call: &Call) -> Option<&'a Value> {
    let paths = document.get("paths")?;
    let path = paths.get(format!("/{}", call.name)).or_else(|| paths.get(format!("/api/{}", call.name)))?;
    path.get(match call.method {
        Method::Get => "get",
        Method::Post => "post",
    })
}

fn query_fields(operation: &Value) -> Fields<'_> {
    let parameters = operation.get("parameters").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let queries = parameters.iter().filter(|parameter| parameter["in"] == "query");
    let name = |parameter: &'_ Value| parameter["required"] == true;
    Fields {
        known: queries.clone().filter_map(|parameter| parameter["name"].as_str()).collect(),
        required: queries
            .filter(|parameter| name(parameter))
            .filter_map(|parameter| parameter["name"].as_str())
            .collect(),
    }
}

fn body_fields<'a>(document: &'a Value, operation: &'a Value) -> Fields<'a> {
    let body = resolve(document, &operation["requestBody"]);
    let schema = resolve(document, &body["content"]["application/json"]["schema"]);
    let required = schema["required"].as_array().map_or(&[][..], Vec::as_slice);
    let properties = schema["properties"].as_object();
    Fields {
        known: properties.into_iter().flat_map(|properties| properties.keys().map(String::as_str)).collect(),
        required: required.iter().filter_map(Value::as_str).collect(),
    }
}

/// Follows a reference within the document.
fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(name: &str) -> &'static Call {
        Call::ALL.iter().find(|call| call.name == name).unwrap()
    }

    fn document() -> Value {
        json!({ "paths": {
            "/application.one": { "get": { "parameters": [
                { "in": "query", "name": "applicationId", "required": true },
            ] } },
            "/application.deploy": { "post": { "requestBody": { "content": { "application/json": { "schema": {
                "properties": { "applicationId": {}, "title": {}, "description": {} }, "required": ["applicationId"],
            } } } } } },
        } })
    }

    #[test]
    fn a_contract_that_fits_has_no_mismatch() {
        assert_eq!(check(&document(), &[call("application.one"), call("application.deploy")]), []);
    }

    #[test]
    fn missing_endpoints_and_new_required_fields_are_named() {
        let mut changed = document();
        changed["paths"]["/application.deploy"]["post"]["requestBody"]["content"]["application/json"]["schema"] =
            json!({ "properties": { "applicationId": {}, "title": {}, "reason": {} }, "required": ["reason"] });
        changed["paths"]["/application.one"] = json!({ "post": {} });
        let mismatches = check(&changed, &[call("application.one"), call("application.deploy")]);
        let lines: Vec<String> = mismatches.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            [
                "application.one does not exist",
                "application.deploy requires the field reason",
                "application.deploy does not know the field description",
            ]
        );
    }

    #[test]
    fn a_schema_behind_a_reference_is_found() {
        let mut document = document();
        let path = "/paths/~1application.deploy/post/requestBody/content/application~1json/schema";
        let schema = document.pointer(path).unwrap().clone();
        document["components"] = json!({ "schemas": { "Deploy": schema } });
        *document.pointer_mut(path).unwrap() = json!({ "$ref": "#/components/schemas/Deploy" });
        assert_eq!(check(&document, &[call("application.deploy")]), []);
    }
}
