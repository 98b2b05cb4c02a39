//! What is known about an app when its variables are resolved.

use super::address::{PostgresAddress, RedisAddress};
use super::secrets::Secrets;
use crate::secrets::Secret;
use crate::workspace::Workspace;
use crate::{DeployError, ErrorCode};
use derive_setters::Setters;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

/// What is known about one app when its variables are resolved.
///
/// From JavaScript it comes as JSON in camel case; a field that does not exist is an error. Only the first three fields
/// must be there; what is absent is not known, and a variable that would follow from it is then the user's to provide.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Setters)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct EnvContext {
    /// The app, as the workspace names it.
    #[setters(into)]
    pub app_name: String,
    /// The stage; `development` makes `NODE_ENV` `development`, any other `production`.
    #[setters(into)]
    pub stage: String,
    /// The port the app listens on, for `PORT`.
    pub port: u16,
    /// The app's public host name, for `BETTER_AUTH_URL`.
    #[serde(default)]
    #[setters(into)]
    pub host: Option<String>,
    /// The addresses of the front ends that the app trusts, in order, for `BETTER_AUTH_TRUSTED_ORIGINS`.
    #[serde(default)]
    pub trusted_origins: Vec<String>,
    /// The address of each app that this one depends on, by name, for `{APP}_URL` with or without a public prefix.
    #[serde(default)]
    pub dependency_urls: IndexMap<String, String>,
    /// The app's own access to the provisioned database, for `DATABASE_URL`.
    #[serde(default)]
    pub postgres: Option<PostgresAddress>,
    /// The provisioned cache, for `REDIS_URL`.
    #[serde(default)]
    pub redis: Option<RedisAddress>,
    /// What earlier runs generated for this app, by variable.
    #[serde(default)]
    pub generated_secrets: IndexMap<String, Secret>,
    /// What the user provides.
    #[serde(default)]
    pub secrets: Secrets,
    /// Variables that the app can do without: resolved where there is a value, never missing.
    #[serde(default)]
    pub optional_vars: Vec<String>,
}

impl EnvContext {
    /// What the workspace alone says about an app: its port, host, trusted origins and the addresses it depends on.
    ///
    /// `hosts` are those of all apps of the stage ([`Workspace::hosts`]), selected or not. The services, the generated
    /// secrets and the optional variables are left for the caller to add.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when there is no such app.
    pub fn for_app(
        workspace: &Workspace,
        app: &str,
        stage: &str,
        hosts: &IndexMap<String, String>,
        secrets: &Secrets,
    ) -> Result<Self, DeployError> {
        let declared = workspace.apps.get(app).ok_or_else(|| {
            DeployError::new(ErrorCode::InvalidRequest, format!("There is no app \"{app}\" in the workspace")).app(app)
        })?;
        let url = |name: &str| hosts.get(name).map(|host| format!("https://{host}"));
        let dependencies = declared.dependencies.iter();
        Ok(Self {
            app_name: app.to_owned(),
            stage: stage.to_owned(),
            port: declared.port,
            host: hosts.get(app).cloned(),
            trusted_origins: workspace.trusted_frontends(app).into_iter().filter_map(url).collect(),
            dependency_urls: dependencies.filter_map(|name| Some((name.clone(), url(name)?))).collect(),
            secrets: secrets.clone(),
            ..Self::default()
        })
    }

    /// Reads a context from JSON, as Node passes it.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` with the path of the wrong or unknown field.
    pub fn from_json(value: Value) -> Result<Self, DeployError> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { "context".to_owned() } else { format!("context.{path}") };
            DeployError::new(ErrorCode::InvalidRequest, format!("{place}: {}", error.inner()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_context_is_read_from_camel_case_json() {
        let context = EnvContext::from_json(json!({
            "appName": "auth", "stage": "staging", "port": 3001, "host": "auth.example.com",
            "postgres": { "host": "db", "database": "shop", "user": "auth", "password": "pw" },
            "redis": {}, "secrets": { "shared": { "A": "1" } }, "optionalVars": ["LOG_LEVEL"],
        }))
        .unwrap();
        assert_eq!(context.postgres.map(|postgres| postgres.port), Some(5432));
        assert_eq!(context.redis.map(|redis| (redis.port, redis.host)), Some((6379, None)));
    }

    #[test]
    fn i6_a_wrong_context_names_the_path_and_no_value() {
        for (value, path) in [
            (json!({ "appName": "a", "stage": "s", "port": 1, "hots": "x" }), "unknown field `hots`"),
            (
                json!({ "appName": "a", "stage": "s", "port": 1, "secrets": { "shared": { "A": 731 } } }),
                "context.secrets",
            ),
            (
                json!({ "appName": "a", "stage": "s", "port": 1, "generatedSecrets": { "A": 731 } }),
                "context.generatedSecrets.A",
            ),
            (json!({ "appName": "a", "stage": "s", "port": 70_000 }), "context.port"),
        ] {
            let error = EnvContext::from_json(value).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidRequest);
            assert!(error.message().contains(path) && !error.message().contains("731"), "{error}");
        }
    }
}
