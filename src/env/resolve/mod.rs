//! Finds the value of every variable an app needs (seed: Auto-Supported Environment Variables).
//!
//! First what follows from the deployment, then what the user provides, else missing. A generated secret is the one
//! kind of automatic value that the user's own wins over: it follows from nothing (design: Details, a value the user
//! gave).

use super::automatic::AUTOMATIC_VARIABLES;
use super::context::EnvContext;
use super::variable::{EnvSource, EnvVariable};
use crate::secrets::{Entropy, Secret, generate_secret};
use crate::workspace::variable_stems;
use indexmap::IndexMap;
use serde::Serialize;

/// The prefixes that make a variable public to browsers.
const PUBLIC_PREFIXES: [&str; 3] = ["NEXT_PUBLIC_", "VITE_", "EXPO_PUBLIC_"];

/// Where the variables of one app come from.
///
/// It serialises to what JavaScript receives: `{ resolved, missing, generated, knownAfterApply?, overridden? }` with the
/// values in clear.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
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

/// Finds the value of each variable in `required` and of the context's optional ones.
///
/// `NODE_ENV` is always among them; `PORT` only when asked for, which a deployment always does: its domain leads to that
/// port even where the app's code never names the variable. Nothing is changed: what had to be generated is returned. An empty value that the
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
    /// It does not follow from the deployment: it is the user's to provide.
    NotOurs,
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
            Computed::NotOurs => match used {
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
        "DATABASE_URL" => match &context.postgres {
            Some(postgres) => service_url(EnvSource::Database, postgres.url()),
            None => Computed::NotOurs,
        },
        "REDIS_URL" => match &context.redis {
            Some(redis) => service_url(EnvSource::Cache, redis.url()),
            None => Computed::NotOurs,
        },
        "BETTER_AUTH_URL" if context.host.is_some() => {
            plain(EnvSource::Host, format!("https://{}", context.host.as_deref().unwrap_or_default()))
        }
        "BETTER_AUTH_TRUSTED_ORIGINS" if !context.trusted_origins.is_empty() => {
            plain(EnvSource::TrustedOrigins, context.trusted_origins.join(","))
        }
        _ => {
            dependency_url(name, context).map_or(Computed::NotOurs, |url| plain(EnvSource::Dependency, url.to_owned()))
        }
    }
}

fn service_url(source: EnvSource, url: Option<Secret>) -> Computed {
    url.map_or(Computed::AfterApply, |url| Computed::Known(source, url))
}

fn node_env(stage: &str) -> &'static str {
    if stage == "development" { "development" } else { "production" }
}

/// The address that `{APP}_URL` or `{PREFIX}{APP}_URL` asks for. A name that fits one app exactly wins over one that
/// fits another only after its camel case was taken apart.
fn dependency_url<'a>(name: &str, context: &'a EnvContext) -> Option<&'a str> {
    let stem = dependency_stem(name)?;
    let fits = |rank: usize| {
        let mut urls = context.dependency_urls.iter();
        urls.find(|(app, _)| variable_stems(app).get(rank).is_some_and(|known| *known == stem))
    };
    fits(0).or_else(|| fits(1)).map(|(_, url)| url.as_str())
}

/// What stands for an app's name in a variable that may ask for its address.
fn dependency_stem(name: &str) -> Option<String> {
    let unprefixed = PUBLIC_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
    // The CLI writes hyphens into such names; both spellings mean the same app.
    Some(unprefixed.strip_suffix("_URL")?.replace('-', "_").to_uppercase())
}

/// Whether a variable's value follows from the deployment, as far as its name tells, in an app that depends on these.
pub(crate) fn is_automatic(name: &str, dependencies: &[String]) -> bool {
    let asks_for = |stem: &String| dependencies.iter().any(|app| variable_stems(app).contains(stem));
    AUTOMATIC_VARIABLES.iter().any(|variable| variable.name == name)
        || dependency_stem(name).as_ref().is_some_and(asks_for)
}

#[cfg(test)]
mod tests;
