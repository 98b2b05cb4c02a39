//! Reading requests from JSON: unknown fields and wrong values are errors that name their path.

use crate::workspace::Workspace;
use crate::{DeployError, ErrorCode};
use serde_json::Value;

/// What is wrong with a field. The value of one that may hold a secret is left out (I6).
fn fault(path: &str, text: &str) -> String {
    let may_hold_secrets = path.starts_with("credentials") || path.starts_with("secrets");
    match text.split_once(", expected ") {
        Some((found, expected)) if may_hold_secrets && found.starts_with("invalid ") => format!("expected {expected}"),
        _ => text.to_owned(),
    }
}

/// Parts a request into its workspace, whose unknown fields pass, and the rest, whose unknown fields do not.
pub(crate) fn split<T: serde::de::DeserializeOwned>(value: Value) -> Result<(Workspace, T), DeployError> {
    let Value::Object(mut fields) = value else {
        return Err(DeployError::new(ErrorCode::InvalidRequest, "The request must be an object"));
    };
    let workspace = fields.shift_remove("workspace").ok_or_else(|| {
        DeployError::new(ErrorCode::InvalidRequest, "workspace: missing")
            .hint("Pass the workspace as the CLI has loaded it")
    })?;
    let settings = serde_path_to_error::deserialize(Value::Object(fields)).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { String::new() } else { format!("{path}: ") };
        DeployError::new(ErrorCode::InvalidRequest, format!("{place}{}", fault(&path, &error.inner().to_string())))
    })?;
    Ok((Workspace::from_json(workspace)?, settings))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::request::DeploySettings;
    use serde_json::json;

    #[test]
    fn i6_a_wrong_field_is_named_and_a_secret_one_not_quoted() {
        let request = |credentials: Value| json!({ "workspace": {}, "stage": "s", "credentials": credentials });
        let message = |value| split::<DeploySettings>(value).unwrap_err().message().to_owned();
        let secret = message(request(json!({ "dokploy": "canary-token" })));
        assert!(secret.starts_with("credentials.dokploy: expected") && !secret.contains("canary"), "{secret}");
        let unknown = message(request(json!({ "dokploy": { "token": "t" }, "cloudfare": {} })));
        assert!(unknown.contains("unknown field `cloudfare`"), "{unknown}");
    }
}
