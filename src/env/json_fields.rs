//! Reads the fields of JSON objects; what it says about a fault names the path and never the value (I6).

use crate::secrets::Secret;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The object at a path.
pub(super) fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{path}: expected an object"))
}

/// The strings of the object at a path; `null` is absent.
pub(super) fn strings(value: &Value, path: &str) -> Result<BTreeMap<String, Secret>, String> {
    let given = object(value, path)?.iter().filter(|(_, value)| !value.is_null());
    given
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), Secret::new(text.as_str()))),
            _ => Err(format!("{path}.{name}: expected a string")),
        })
        .collect()
}
