//! The variables whose values follow from the deployment.

use super::EnvSource;
use serde::Serialize;

/// A variable whose value follows from the deployment, so that nobody has to provide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AutomaticVariable {
    /// Its name; `{APP}` stands for the name of an app, in upper case and with `-` as `_`.
    pub name: &'static str,
    /// Where its value comes from.
    pub source: EnvSource,
    /// Whether every app gets it, also one that does not ask for it.
    pub always: bool,
    /// What its value is.
    pub description: &'static str,
}

const fn variable(name: &'static str, source: EnvSource, description: &'static str) -> AutomaticVariable {
    AutomaticVariable { name, source, always: false, description }
}

const fn always(name: &'static str, source: EnvSource, description: &'static str) -> AutomaticVariable {
    AutomaticVariable { name, source, always: true, description }
}

/// Every automatic variable.
pub const AUTOMATIC_VARIABLES: &[AutomaticVariable] = &[
    always("PORT", EnvSource::App, "the app's port"),
    always("NODE_ENV", EnvSource::Stage, "`development` in the stage `development`, else `production`"),
    always("STAGE", EnvSource::Stage, "the stage"),
    variable("DATABASE_URL", EnvSource::Database, "the app's own login at the workspace's Postgres"),
    variable("REDIS_URL", EnvSource::Cache, "the workspace's Redis"),
    variable("BETTER_AUTH_URL", EnvSource::Host, "the app's public address"),
    variable("BETTER_AUTH_SECRET", EnvSource::Generated, "generated once and kept; a value of the user's own wins"),
    variable(
        "BETTER_AUTH_TRUSTED_ORIGINS",
        EnvSource::TrustedOrigins,
        "the addresses of the front ends that depend on the app, else of all, separated by commas",
    ),
    variable("{APP}_URL", EnvSource::Dependency, "the address of an app that this one depends on"),
    variable("NEXT_PUBLIC_{APP}_URL", EnvSource::Dependency, "the same, for a front end of Next.js"),
    variable("VITE_{APP}_URL", EnvSource::Dependency, "the same, for a front end of Vite or TanStack Start"),
    variable("EXPO_PUBLIC_{APP}_URL", EnvSource::Dependency, "the same, for a front end of Expo"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{EnvContext, resolve_env};
    use crate::secrets::SystemEntropy;
    use serde_json::json;

    #[test]
    fn every_one_resolves_from_the_source_that_it_names() {
        let context: EnvContext = serde_json::from_value(json!({
            "appName": "auth", "stage": "staging", "port": 3000, "host": "auth.example.com",
            "trustedOrigins": ["https://web.example.com"], "dependencyUrls": { "admin-api": "https://a.example.com" },
            "postgres": { "host": "db", "database": "d", "user": "u", "password": "p" }, "redis": { "host": "r" },
        }))
        .unwrap();
        let names: Vec<String> =
            AUTOMATIC_VARIABLES.iter().map(|variable| variable.name.replace("{APP}", "ADMIN_API")).collect();
        let resolution = resolve_env(&names, &context, &SystemEntropy);
        assert_eq!(resolution.missing, Vec::<String>::new());
        for (variable, name) in AUTOMATIC_VARIABLES.iter().zip(&names) {
            assert_eq!(resolution.resolved[name].source, variable.source, "{name}");
        }
    }
}
