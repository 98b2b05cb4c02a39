//! The request schemas of the procedures that the simulator has, from Dokploy's own `OpenAPI` document.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("openapi.json")).expect("the embedded document is valid JSON"));

/// The embedded document: the published one, cut down to what the simulator has.
pub(crate) fn document() -> &'static Value {
    &DOCUMENT
}

/// The input schema of `procedure` called with `method`, as one object schema.
///
/// `None` when the document has no such call.
pub(crate) fn input(document: &Value, procedure: &str, method: &str) -> Option<Value> {
    let operation = document.get("paths")?.get(format!("/{procedure}"))?.get(method.to_ascii_lowercase())?;
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    Some(body.cloned().unwrap_or_else(|| from_parameters(operation)))
}

fn from_parameters(operation: &Value) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for parameter in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
        let Some(name) = parameter["name"].as_str() else { continue };
        properties.insert(name.to_owned(), parameter["schema"].clone());
        if parameter["required"] == true {
            required.push(Value::from(name));
        }
    }
    json!({ "type": "object", "properties": properties, "required": required })
}
