//! Finds the value of every variable an app needs (seed: Auto-Supported Environment Variables).
//!
//! First what follows from the deployment, then what the user provides, else missing. A generated secret is the one
//! kind of automatic value that the user's own wins over: it follows from nothing (design: Details, a value the user
//! gave).

use super::{EnvContext, PostgresAddress, RedisAddress};
use crate::secrets::{Entropy, Secret, generate_secret};
use crate::workspace::variable_stems;
use indexmap::IndexMap;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Serialize, Serializer};

/// What a connection address may carry unencoded in its user, password and path.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The prefixes that make a variable public to browsers.
const PUBLIC_PREFIXES: [&str; 3] = ["NEXT_PUBLIC_", "VITE_", "EXPO_PUBLIC_"];

/// Where the variables of one app come from.
///
/// It serialises to what JavaScript receives: `{ resolved, missing, generated, knownAfterApply?, overridden? }` with the
/// values in clear.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvResolution {
    /// The variables that have a value, `NODE_ENV` first, then in the order in which they were asked for.
    pub resolved: IndexMap<String, EnvVariable>,
    /// The required variables that nothing provides, in the order in which they were asked for.
    pub missing: Vec<String>,
    /// What was generated now; the caller keeps it and passes it in next time.
    pub generated: IndexMap<String, Secret>,
    /// Variables whose value is certain to come but not known yet: the service they point to is not created.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known_after_apply: Vec<String>,
    /// Variables for which the user gave a value that is not used, because it follows from the deployment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<String>,
}

/// A variable with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvVariable {
    /// The value.
    pub value: Secret,
    /// Where it comes from.
    pub source: EnvSource,
}

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum EnvSource {
    /// The workspace: `PORT`.
    App,
    /// The stage: `NODE_ENV`, `STAGE`.
    Stage,
    /// The provisioned database: `DATABASE_URL`.
    Database,
    /// The provisioned cache: `REDIS_URL`.
    Cache,
    /// The app's host name: `BETTER_AUTH_URL`.
    Host,
    /// The front ends: `BETTER_AUTH_TRUSTED_ORIGINS`.
    TrustedOrigins,
    /// An app this one depends on: `{APP}_URL`.
    Dependency,
    /// Generated, now or by an earlier run: `BETTER_AUTH_SECRET`.
    Generated,
    /// The user.
    User,
}

impl EnvSource {
    /// Whether values from here are secret.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Database | Self::Cache | Self::Generated | Self::User)
    }
}

impl EnvVariable {
    /// The value as it may be shown: a secret one as `***`, a connection address without its password (I6).
    pub fn shown(&self) -> String {
        let value = self.value.expose();
        match self.source {
            EnvSource::Database | EnvSource::Cache => match url::Url::parse(value) {
                Ok(address) => {
                    let host = address.host_str().unwrap_or_default();
                    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
                    let user = address.username();
                    let login = if user.is_empty() && address.password().is_none() { "" } else { ":***@" };
                    format!("{}://{user}{login}{host}{port}{}", address.scheme(), address.path())
                }
                Err(_) => "***".to_owned(),
            },
            source if source.is_secret() => "***".to_owned(),
            _ => value.to_owned(),
        }
    }
}

impl Serialize for EnvVariable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// Finds the value of each variable in `required` and of the context's optional ones.
///
/// `NODE_ENV` is always among them. Nothing is changed: what had to be generated is returned. An empty value that the
/// user gave counts as missing where the variable is required, and is passed on where it is optional. A variable that is
/// both required and optional is required.
pub fn resolve_env(required: &[String], context: &EnvContext, entropy: &dyn Entropy) -> EnvResolution {
    let mut resolution = EnvResolution::default();
    resolution.add("NODE_ENV", true, context, entropy);
    for name in required {
        resolution.add(name, true, context, entropy);
    }
    for name in context.optional_vars.iter().filter(|name| !required.contains(name)) {
        resolution.add(name, false, context, entropy);
    }
    resolution
}

/// What the deployment says about a variable.
enum Computed {
    /// Its value.
    Known(EnvSource, Secret),
    /// It will have a value once its service exists.
    AfterApply,
    /// Nothing: it is the user's to provide.
    Nothing,
}

impl EnvResolution {
    fn add(&mut self, name: &str, required: bool, context: &EnvContext, entropy: &dyn Entropy) {
        if self.knows(name) {
            return;
        }
        let given = context.secrets.value(&context.app_name, name);
        let used = given.filter(|value| !required || !value.expose().is_empty());
        match compute(name, context) {
            Computed::Known(source, value) => {
                if given.is_some_and(|given| *given != value) {
                    self.overridden.push(name.to_owned());
                }
                self.resolved.insert(name.to_owned(), EnvVariable { value, source });
            }
            Computed::AfterApply => {
                if given.is_some() {
                    self.overridden.push(name.to_owned());
                }
                self.known_after_apply.push(name.to_owned());
            }
            Computed::Nothing => match used {
                Some(value) => self.insert(name, EnvSource::User, value.clone()),
                None if name == "BETTER_AUTH_SECRET" => self.generate(name, context, entropy),
                None if required => self.missing.push(name.to_owned()),
                None => {}
            },
        }
    }

    /// The resolved variables with their values alone, as they are encoded and compared.
    pub fn values(&self) -> IndexMap<String, Secret> {
        self.resolved.iter().map(|(name, variable)| (name.clone(), variable.value.clone())).collect()
    }

    fn knows(&self, name: &str) -> bool {
        self.resolved.contains_key(name)
            || self.missing.iter().any(|known| known == name)
            || self.known_after_apply.iter().any(|known| known == name)
    }

    fn insert(&mut self, name: &str, source: EnvSource, value: Secret) {
        self.resolved.insert(name.to_owned(), EnvVariable { value, source });
    }

    /// Takes what an earlier run generated, else generates it now (I2: the caller makes it durable before it is used).
    fn generate(&mut self, name: &str, context: &EnvContext, entropy: &dyn Entropy) {
        let kept = context.generated_secrets.get(name).filter(|secret| !secret.expose().is_empty());
        let value = kept.cloned().unwrap_or_else(|| {
            let fresh = generate_secret(entropy);
            self.generated.insert(name.to_owned(), fresh.clone());
            fresh
        });
        self.insert(name, EnvSource::Generated, value);
    }
}

fn compute(name: &str, context: &EnvContext) -> Computed {
    let plain = |source, value: String| Computed::Known(source, Secret::new(value));
    match name {
        "PORT" => plain(EnvSource::App, context.port.to_string()),
        "NODE_ENV" => plain(EnvSource::Stage, node_env(&context.stage).to_owned()),
        "STAGE" => plain(EnvSource::Stage, context.stage.clone()),
        "DATABASE_URL" => context.postgres.as_ref().map_or(Computed::Nothing, |postgres| match &postgres.host {
            Some(host) => plain(EnvSource::Database, postgres_url(postgres, host)),
            None => Computed::AfterApply,
        }),
        "REDIS_URL" => context.redis.as_ref().map_or(Computed::Nothing, |redis| match &redis.host {
            Some(host) => plain(EnvSource::Cache, redis_url(redis, host)),
            None => Computed::AfterApply,
        }),
        "BETTER_AUTH_URL" if context.host.is_some() => {
            plain(EnvSource::Host, format!("https://{}", context.host.as_deref().unwrap_or_default()))
        }
        "BETTER_AUTH_TRUSTED_ORIGINS" if !context.trusted_origins.is_empty() => {
            plain(EnvSource::TrustedOrigins, context.trusted_origins.join(","))
        }
        _ => {
            dependency_url(name, context).map_or(Computed::Nothing, |url| plain(EnvSource::Dependency, url.to_owned()))
        }
    }
}

fn node_env(stage: &str) -> &'static str {
    if stage == "development" { "development" } else { "production" }
}

fn postgres_url(postgres: &PostgresAddress, host: &str) -> String {
    let PostgresAddress { port, database, user, password, .. } = postgres;
    let encode = |text| utf8_percent_encode(text, ENCODED);
    format!("postgresql://{}:{}@{host}:{port}/{}", encode(user), encode(password.expose()), encode(database))
}

fn redis_url(redis: &RedisAddress, host: &str) -> String {
    let port = redis.port;
    match &redis.password {
        Some(password) => format!("redis://:{}@{host}:{port}", utf8_percent_encode(password.expose(), ENCODED)),
        None => format!("redis://{host}:{port}"),
    }
}

/// The address that `{APP}_URL` or `{PREFIX}{APP}_URL` asks for. A name that fits one app exactly wins over one that
/// fits another only after its camel case was taken apart.
fn dependency_url<'a>(name: &str, context: &'a EnvContext) -> Option<&'a str> {
    let unprefixed = PUBLIC_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    // The CLI writes hyphens into such names; both spellings mean the same app.
    let stem = unprefixed.strip_suffix("_URL")?.replace('-', "_").to_uppercase();
    let fits = |rank: usize| {
        let mut urls = context.dependency_urls.iter();
        urls.find(|(app, _)| variable_stems(app).get(rank).is_some_and(|known| *known == stem))
    };
    fits(0).or_else(|| fits(1)).map(|(_, url)| url.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::Secrets;
    use super::*;
    use crate::secrets::SystemEntropy;
    use crate::workspace::tests::multi_auth;
    use serde_json::{Value, json};

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn resolve(required: &[&str], mut context: Value) -> EnvResolution {
        for (field, value) in [("appName", json!("auth")), ("stage", json!("staging")), ("port", json!(3001))] {
            if context.get(field).is_none() {
                context[field] = value;
            }
        }
        resolve_env(&names(required), &EnvContext::from_json(context).unwrap(), &SystemEntropy)
    }

    fn value<'a>(resolution: &'a EnvResolution, name: &str) -> Option<&'a str> {
        resolution.resolved.get(name).map(|variable| variable.value.expose())
    }

    #[test]
    fn the_seeds_workspace_resolves_as_in_the_seed() {
        let fixture: Value = serde_json::from_str(include_str!("../../fixtures/env-multi-auth.json")).unwrap();
        let workspace = multi_auth();
        let hosts = workspace.hosts("staging", false).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for (app, required) in fixture["required"].as_object().unwrap() {
            let mut context = EnvContext::for_app(&workspace, app, "staging", &hosts, &Secrets::default()).unwrap();
            context.postgres = fixture["passwords"].get(app).map(|password| {
                let host = Some(text(&fixture["postgresHost"]));
                PostgresAddress::new(host, workspace.database_name(), app.clone(), Secret::new(text(password)))
            });
            let password = Secret::new(text(&fixture["redisPassword"]));
            context.redis = Some(RedisAddress::new(Some(text(&fixture["redisHost"])), Some(password)));
            let required: Vec<String> = required.as_array().unwrap().iter().map(text).collect();
            let resolution = resolve_env(&required, &context, &SystemEntropy);
            let mut shown = serde_json::to_value(&resolution).unwrap();
            for name in resolution.generated.keys() {
                assert_eq!(shown["resolved"][name].as_str().map(str::len), Some(64));
                shown["resolved"][name] = json!("<generated>");
            }
            assert_eq!(shown["resolved"], fixture["resolved"][app], "{app}");
            assert_eq!(shown["missing"], json!([]), "{app}");
            let order: Vec<&String> = fixture["resolved"][app].as_object().unwrap().keys().collect();
            assert_eq!(resolution.resolved.keys().collect::<Vec<_>>(), order, "{app}");
        }
    }

    #[test]
    fn node_env_is_always_sent_and_only_development_is_not_production() {
        for (stage, expected) in [("development", "development"), ("staging", "production"), ("dev", "production")] {
            let resolution = resolve(&["STAGE"], json!({ "stage": stage }));
            assert_eq!((value(&resolution, "NODE_ENV"), value(&resolution, "STAGE")), (Some(expected), Some(stage)));
        }
    }

    #[test]
    fn the_users_value_wins_over_a_generated_secret_only() {
        let own = json!({
            "BETTER_AUTH_SECRET": "mine", "PORT": "1", "NODE_ENV": "test", "STAGE": "x", "DATABASE_URL": "mine",
            "REDIS_URL": "mine", "BETTER_AUTH_URL": "mine", "BETTER_AUTH_TRUSTED_ORIGINS": "mine", "API_URL": "mine",
        });
        let asked: Vec<&str> = own.as_object().unwrap().keys().map(String::as_str).collect();
        let resolution = resolve(
            &asked,
            json!({
                "secrets": { "apps": { "auth": own } }, "generatedSecrets": { "BETTER_AUTH_SECRET": "kept" },
                "host": "auth.example.com", "trustedOrigins": ["https://a", "https://b"],
                "dependencyUrls": { "api": "https://api" },
                "postgres": { "host": "db", "database": "d", "user": "u", "password": "p" }, "redis": { "host": "r" },
            }),
        );
        for (name, expected) in [
            ("BETTER_AUTH_SECRET", "mine"),
            ("PORT", "3001"),
            ("NODE_ENV", "production"),
            ("STAGE", "staging"),
            ("DATABASE_URL", "postgresql://u:p@db:5432/d"),
            ("REDIS_URL", "redis://r:6379"),
            ("BETTER_AUTH_URL", "https://auth.example.com"),
            ("BETTER_AUTH_TRUSTED_ORIGINS", "https://a,https://b"),
            ("API_URL", "https://api"),
        ] {
            assert_eq!(value(&resolution, name), Some(expected), "{name}");
        }
        assert_eq!(resolution.overridden.len(), 8);
        assert!(resolution.generated.is_empty());
    }

    #[test]
    fn what_the_deployment_does_not_know_is_the_users_to_provide() {
        let asked = ["DATABASE_URL", "REDIS_URL", "BETTER_AUTH_URL", "BETTER_AUTH_TRUSTED_ORIGINS", "GKM_MASTER_KEY"];
        assert_eq!(resolve(&asked, json!({})).missing, asked);
        let given: serde_json::Map<String, Value> =
            asked.iter().map(|name| ((*name).to_owned(), json!("mine"))).collect();
        let resolution = resolve(&asked, json!({ "secrets": { "shared": given } }));
        assert!(asked.iter().all(|name| value(&resolution, name) == Some("mine")));
        assert!(resolution.overridden.is_empty());
    }

    #[test]
    fn i2_a_generated_secret_is_kept_and_only_a_new_one_is_returned() {
        let first = resolve(&["BETTER_AUTH_SECRET"], json!({}));
        let secret = first.generated["BETTER_AUTH_SECRET"].clone();
        assert_eq!(value(&first, "BETTER_AUTH_SECRET"), Some(secret.expose()));
        let second = resolve(&["BETTER_AUTH_SECRET"], json!({ "generatedSecrets": first.generated }));
        assert_eq!(value(&second, "BETTER_AUTH_SECRET"), Some(secret.expose()));
        assert!(second.generated.is_empty());
        assert_ne!(resolve(&["BETTER_AUTH_SECRET"], json!({})).generated["BETTER_AUTH_SECRET"], secret);
    }

    #[test]
    fn optional_variables_never_block_and_are_sent_when_there_is_a_value() {
        let resolution = resolve(
            &["BOTH"],
            json!({
                "optionalVars": ["LOG_LEVEL", "EMPTY", "PORT", "BOTH", "DATABASE_URL"],
                "secrets": { "shared": { "EMPTY": "" } },
            }),
        );
        assert_eq!(resolution.missing, ["BOTH"]);
        assert_eq!(resolution.resolved.keys().collect::<Vec<_>>(), ["NODE_ENV", "EMPTY", "PORT"]);
    }

    #[test]
    fn an_empty_value_does_not_satisfy_what_is_required() {
        let secrets =
            json!({ "shared": { "A": "", "BETTER_AUTH_SECRET": "", "B": "x" }, "apps": { "auth": { "B": "" } } });
        let resolution = resolve(&["A", "BETTER_AUTH_SECRET", "B"], json!({ "secrets": secrets }));
        assert_eq!(resolution.missing, ["A", "B"]);
        assert!(resolution.generated.contains_key("BETTER_AUTH_SECRET"));
    }

    #[test]
    fn a_service_that_is_not_created_yet_is_known_after_apply() {
        let resolution = resolve(
            &["DATABASE_URL", "REDIS_URL"],
            json!({ "postgres": { "database": "d", "user": "u", "password": "p" }, "redis": {} }),
        );
        assert_eq!(resolution.known_after_apply, ["DATABASE_URL", "REDIS_URL"]);
        assert!(resolution.missing.is_empty() && value(&resolution, "DATABASE_URL").is_none());
    }

    #[test]
    fn addresses_are_percent_encoded() {
        let resolution = resolve(
            &["DATABASE_URL", "REDIS_URL"],
            json!({
                "postgres": { "host": "db", "port": 5433, "database": "a/b?", "user": "admin-auth", "password": "p@:/#%ä" },
                "redis": { "host": "r", "port": 1, "password": "a b" },
            }),
        );
        let expected = "postgresql://admin-auth:p%40%3A%2F%23%25%C3%A4@db:5433/a%2Fb%3F";
        assert_eq!(value(&resolution, "DATABASE_URL"), Some(expected));
        assert_eq!(value(&resolution, "REDIS_URL"), Some("redis://:a%20b@r:1"));
    }

    #[test]
    fn dependency_urls_are_found_by_every_spelling() {
        let context = json!({ "dependencyUrls": {
            "admin-auth": "https://1", "userApi": "https://2", "user-api": "https://3", "constructor": "https://4",
        } });
        for (name, expected) in [
            ("ADMIN_AUTH_URL", Some("https://1")),
            ("NEXT_PUBLIC_ADMIN_AUTH_URL", Some("https://1")),
            ("NEXT_PUBLIC_ADMIN-AUTH_URL", Some("https://1")),
            ("VITE_USERAPI_URL", Some("https://2")),
            ("EXPO_PUBLIC_USER_API_URL", Some("https://3")),
            ("CONSTRUCTOR_URL", Some("https://4")),
            ("TOSTRING_URL", None),
            ("API_URL", None),
            ("_URL", None),
        ] {
            assert_eq!(value(&resolve(&[name], context.clone()), name), expected, "{name}");
        }
        let camel = json!({ "dependencyUrls": { "userApi": "https://2" } });
        assert_eq!(value(&resolve(&["USER_API_URL"], camel), "USER_API_URL"), Some("https://2"));
    }

    #[test]
    fn i6_shown_values_hide_secrets_only() {
        let resolution = resolve(
            &["PORT", "DATABASE_URL", "REDIS_URL", "BETTER_AUTH_SECRET", "BETTER_AUTH_URL", "KEY"],
            json!({
                "host": "auth.example.com", "secrets": { "shared": { "KEY": "canary" } },
                "postgres": { "host": "db", "database": "d", "user": "u", "password": "canary" },
                "redis": { "host": "r", "password": "canary" },
            }),
        );
        let shown: Vec<String> = resolution.resolved.values().map(EnvVariable::shown).collect();
        assert_eq!(
            shown,
            [
                "production",
                "3001",
                "postgresql://u:***@db:5432/d",
                "redis://:***@r:6379",
                "***",
                "https://auth.example.com",
                "***"
            ]
        );
        assert!(!format!("{resolution:?}").contains("canary"));
    }
}
