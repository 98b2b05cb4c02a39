//! Input validation as zod does it: coercion, defaults, unknown fields dropped, issues in zod's words.

use regress::Regex;
use serde_json::{Map, Value, json};

use super::error::Issue;

type Parsed = Result<Value, Vec<Issue>>;

/// Validates `input` against an object schema and returns what the procedure gets to see.
///
/// # Errors
///
/// Every issue, in the order of the schema's fields.
pub(crate) fn validate(schema: &Value, input: &Value) -> Result<Map<String, Value>, Vec<Issue>> {
    match object(schema, input, &[], true)? {
        Value::Object(fields) => Ok(fields),
        _ => Ok(Map::new()),
    }
}

fn issue(path: &[Value], message: String, mut body: Value) -> Vec<Issue> {
    body["path"] = path.to_vec().into();
    body["message"] = message.clone().into();
    vec![Issue { path: path.to_vec(), message, body }]
}

fn wrong_type(path: &[Value], expected: &str, received: &str) -> Vec<Issue> {
    let message = format!("Invalid input: expected {expected}, received {received}");
    if expected == "nonoptional" {
        return issue(path, message, json!({ "code": "invalid_type", "expected": expected }));
    }
    issue(path, message, json!({ "expected": expected, "code": "invalid_type" }))
}

fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// `coerce` holds for the fields of the outermost object only.
fn object(schema: &Value, input: &Value, path: &[Value], coerce: bool) -> Parsed {
    let Value::Object(input) = input else {
        return Err(wrong_type(path, "object", type_name(Some(input))));
    };
    let required = schema.get("required").and_then(Value::as_array);
    let mut output = Map::new();
    let mut issues = Vec::new();
    for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let mut at = path.to_vec();
        at.push(name.clone().into());
        let is_required = required.is_some_and(|names| names.iter().any(|required| required == name));
        let parsed = match (input.get(name), field.get("default")) {
            (Some(value), _) => parse(field, value, &at, coerce).map(Some),
            (None, Some(default)) => Ok(Some(default.clone())),
            (None, None) if is_required => Err(missing(field, &at)),
            (None, None) => Ok(None),
        };
        match parsed {
            Ok(Some(value)) => {
                output.insert(name.clone(), value);
            }
            Ok(None) => {}
            Err(found) => issues.extend(found),
        }
    }
    if issues.is_empty() { Ok(output.into()) } else { Err(issues) }
}

/// A required field that is optional in the table behind it is reported as `nonoptional`: nullable ones and flags.
fn missing(field: &Value, path: &[Value]) -> Vec<Issue> {
    let kind = field.get("type").and_then(Value::as_str);
    match kind {
        None | Some("boolean") => wrong_type(path, "nonoptional", "undefined"),
        Some("number" | "integer") => wrong_type(path, "number", "NaN"),
        Some(_) if field.get("enum").is_some() => wrong_option(field, path),
        Some(kind) => wrong_type(path, kind, "undefined"),
    }
}

fn parse(schema: &Value, value: &Value, path: &[Value], coerce: bool) -> Parsed {
    if let Some(options) = schema.get("anyOf").and_then(Value::as_array) {
        if value.is_null() && options.iter().any(accepts_null) {
            return Ok(Value::Null);
        }
        let Some(option) = options.first() else { return Ok(value.clone()) };
        return parse(option, value, path, coerce);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") if schema.get("enum").is_some() => one_of(schema, value, path),
        Some("string") => string(schema, value, path),
        Some("number" | "integer") => number(schema, value, path, coerce),
        Some("boolean") => boolean(value, path, coerce),
        Some("array") => array(schema, value, path),
        Some("object") if schema.get("properties").is_some() => object(schema, value, path, false),
        Some("object") if !value.is_object() => Err(wrong_type(path, "object", type_name(Some(value)))),
        _ => Ok(value.clone()),
    }
}

fn accepts_null(schema: &Value) -> bool {
    schema["type"] == "null" || schema["anyOf"].as_array().is_some_and(|options| options.iter().any(accepts_null))
}

fn wrong_option(schema: &Value, path: &[Value]) -> Vec<Issue> {
    let names = schema["enum"].as_array().into_iter().flatten().map(Value::to_string).collect::<Vec<_>>().join("|");
    let message = format!("Invalid option: expected one of {names}");
    issue(path, message, json!({ "code": "invalid_value", "values": schema["enum"] }))
}

fn one_of(schema: &Value, value: &Value, path: &[Value]) -> Parsed {
    let known = schema["enum"].as_array().is_some_and(|options| options.contains(value));
    if known { Ok(value.clone()) } else { Err(wrong_option(schema, path)) }
}

fn string(schema: &Value, value: &Value, path: &[Value]) -> Parsed {
    let Value::String(text) = value else {
        return Err(wrong_type(path, "string", type_name(Some(value))));
    };
    let length = text.encode_utf16().count() as u64;
    let mut issues = Vec::new();
    if let Some(minimum) = schema["minLength"].as_u64().filter(|minimum| length < *minimum) {
        let message = format!("Too small: expected string to have >={minimum} characters");
        let body = json!({ "origin": "string", "code": "too_small", "minimum": minimum, "inclusive": true });
        issues.extend(issue(path, message, body));
    }
    if let Some(maximum) = schema["maxLength"].as_u64().filter(|maximum| length > *maximum) {
        let message = format!("Too big: expected string to have <={maximum} characters");
        let body = json!({ "origin": "string", "code": "too_big", "maximum": maximum, "inclusive": true });
        issues.extend(issue(path, message, body));
    }
    if let Some(pattern) = schema["pattern"].as_str().filter(|pattern| !matches(pattern, text)) {
        let body = json!({ "origin": "string", "code": "invalid_format", "format": "regex", "pattern": format!("/{pattern}/") });
        issues.extend(issue(path, pattern_message(pattern, path), body));
    }
    if issues.is_empty() { Ok(value.clone()) } else { Err(issues) }
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.find(text).is_some())
}

/// The message that the server gives its own patterns.
fn pattern_message(pattern: &str, path: &[Value]) -> String {
    match path.last().and_then(Value::as_str) {
        Some("appName") if pattern == "^[a-zA-Z0-9._-]+$" => {
            "App name can only contain letters, numbers, dots, underscores and hyphens".into()
        }
        Some("databasePassword" | "password") => "Password contains invalid characters. Please avoid: $ ! ' \" \\ / \
             and space characters for database compatibility"
            .into(),
        _ => format!("Invalid string: must match pattern /{pattern}/"),
    }
}

fn number(schema: &Value, value: &Value, path: &[Value], coerce: bool) -> Parsed {
    let Some(number) = (if coerce { to_number(value) } else { value.as_f64() }) else {
        let received = if coerce { "NaN" } else { type_name(Some(value)) };
        return Err(wrong_type(path, "number", received));
    };
    if schema["type"] == "integer" && number.fract() != 0.0 {
        return Err(wrong_type(path, "int", "number"));
    }
    let bounds = [("minimum", "too_small", "Too small", ">="), ("maximum", "too_big", "Too big", "<=")];
    for (bound, code, what, sign) in bounds {
        let Some(limit) = schema[bound].as_f64() else { continue };
        if (bound == "minimum" && number < limit) || (bound == "maximum" && number > limit) {
            let message = format!("{what}: expected number to be {sign}{}", schema[bound]);
            let body = json!({ "origin": "number", "code": code, bound: schema[bound], "inclusive": true });
            return Err(issue(path, message, body));
        }
    }
    Ok(as_json_number(number))
}

#[expect(clippy::cast_possible_truncation, reason = "whole numbers within 2^53 are exact in both")]
fn as_json_number(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 {
        Value::from(number as i64)
    } else {
        Value::from(number)
    }
}

/// JavaScript's `Number(value)`; `None` stands for `NaN`.
fn to_number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.trim().is_empty() => Some(0.0),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// JavaScript's `Boolean(value)`: the string `"false"` is true.
fn boolean(value: &Value, path: &[Value], coerce: bool) -> Parsed {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        _ if !coerce => Err(wrong_type(path, "boolean", type_name(Some(value)))),
        Value::Null => Ok(false.into()),
        Value::String(text) => Ok((!text.is_empty()).into()),
        Value::Number(number) => Ok((number.as_f64() != Some(0.0)).into()),
        Value::Array(_) | Value::Object(_) => Ok(true.into()),
    }
}

fn array(schema: &Value, value: &Value, path: &[Value]) -> Parsed {
    let Value::Array(items) = value else {
        return Err(wrong_type(path, "array", type_name(Some(value))));
    };
    let mut issues = Vec::new();
    let mut output = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let mut at = path.to_vec();
        at.push(index.into());
        match parse(&schema["items"], item, &at, false) {
            Ok(item) => output.push(item),
            Err(found) => issues.extend(found),
        }
    }
    if issues.is_empty() { Ok(output.into()) } else { Err(issues) }
}

/// How a request departs from the published schema, before the server's coercion and its silence about unknown fields.
pub(crate) fn violations(schema: Option<&Value>, input: &Value, is_query: bool) -> Vec<String> {
    let Some(schema) = schema else { return vec!["no such operation in the published schema".to_owned()] };
    let mut found = Vec::new();
    if let Err(issues) = object(schema, input, &[], is_query) {
        found.extend(issues.iter().map(|issue| format!("{}: {}", Value::from(issue.path.clone()), issue.message)));
    }
    for name in input.as_object().into_iter().flatten().map(|(name, _)| name) {
        if schema["properties"].get(name).is_none() {
            found.push(format!("[\"{name}\"]: not in the published schema"));
        }
    }
    found
}
