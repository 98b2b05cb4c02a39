//! The values that a user provides.

use super::json_fields::{object, strings};
use super::stage_secrets;
use crate::secrets::Secret;
use derive_setters::Setters;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Values that a user provides: for every app, and per app.
///
/// It is read from `{ shared?, apps? }`, or from the CLI's own `StageSecrets`, whose values count for every app.
/// An app's own value wins over a shared one.
#[derive(Debug, Clone, Default, PartialEq, Setters)]
#[non_exhaustive]
pub struct Secrets {
    /// For every app.
    pub shared: BTreeMap<String, Secret>,
    /// Per app.
    pub apps: BTreeMap<String, BTreeMap<String, Secret>>,
}

impl Secrets {
    /// The value that a user gives an app: its own, else the shared one.
    pub fn value(&self, app: &str, name: &str) -> Option<&Secret> {
        self.apps.get(app).and_then(|own| own.get(name)).or_else(|| self.shared.get(name))
    }

    /// Every value, whomever it is for.
    pub fn all(&self) -> impl Iterator<Item = &Secret> {
        self.shared.values().chain(self.apps.values().flat_map(BTreeMap::values))
    }
}

impl<'de> Deserialize<'de> for Secrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The fields of our own form.
const OWN: [&str; 2] = ["shared", "apps"];

/// Reads either form; what it says about a fault never holds a value (I6).
fn read(value: Value) -> Result<Secrets, String> {
    let mut fields = match value {
        Value::Null => return Ok(Secrets::default()),
        Value::Object(fields) => fields,
        _ => return Err("expected an object: { shared?, apps? } or the CLI's stage secrets".to_owned()),
    };
    fields.retain(|_, value| !value.is_null());
    let own = fields.keys().find(|key| OWN.contains(&key.as_str()));
    let stage = fields.keys().find(|key| stage_secrets::FIELDS.contains(&key.as_str()));
    match (own, stage) {
        (Some(own), Some(stage)) => Err(format!(
            "`{own}` and `{stage}` belong to different forms: give {{ shared?, apps? }} or the CLI's stage secrets"
        )),
        (None, Some(_)) => Ok(Secrets { shared: stage_secrets::flatten(&fields)?, apps: BTreeMap::new() }),
        _ if fields.contains_key("encrypted") => {
            Err("these secrets are encrypted: decrypt the stage's file before passing it".to_owned())
        }
        _ => read_own(&fields),
    }
}

fn read_own(fields: &Map<String, Value>) -> Result<Secrets, String> {
    let mut secrets = Secrets::default();
    for (key, value) in fields {
        match key.as_str() {
            "shared" => secrets.shared = strings(value, key)?,
            "apps" => {
                for (app, own) in object(value, key)? {
                    if !own.is_null() {
                        secrets.apps.insert(app.clone(), strings(own, &format!("apps.{app}"))?);
                    }
                }
            }
            _ => {
                return Err(format!(
                    "unknown field `{key}`: expected `shared` and `apps`, or the CLI's stage secrets with `urls`, \
                     `custom` and `services`"
                ));
            }
        }
    }
    Ok(secrets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(value: Value) -> Result<Secrets, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn an_apps_own_value_wins_over_a_shared_one() {
        let secrets = parse(json!({ "shared": { "A": "1", "B": "1" }, "apps": { "api": { "A": "2" } } })).unwrap();
        let value = |app, name| secrets.value(app, name).map(Secret::expose);
        assert_eq!((value("api", "A"), value("api", "B"), value("web", "A")), (Some("2"), Some("1"), Some("1")));
        assert_eq!(value("api", "C"), None);
    }

    #[test]
    fn prototype_names_are_plain_keys() {
        let secrets = parse(json!({ "shared": { "constructor": "x" } })).unwrap();
        assert_eq!(secrets.value("toString", "constructor").map(Secret::expose), Some("x"));
        assert_eq!(secrets.value("constructor", "hasOwnProperty"), None);
    }

    #[test]
    fn nothing_given_is_nothing() {
        for empty in
            [json!(null), json!({}), json!({ "shared": null, "apps": null }), json!({ "apps": { "api": null } })]
        {
            assert_eq!(parse(empty).unwrap(), Secrets::default());
        }
    }

    #[test]
    fn i6_faults_name_the_place_and_never_the_value() {
        for (value, expected) in [
            (json!("canary"), "expected an object"),
            (json!({ "shared": { "A": 731_731 } }), "shared.A: expected a string"),
            (json!({ "apps": { "api": { "A": ["canary"] } } }), "apps.api.A: expected a string"),
            (json!({ "apps": { "api": "canary" } }), "apps.api: expected an object"),
            (json!({ "API_KEY": "canary" }), "unknown field `API_KEY`"),
            (json!({ "shared": {}, "custom": {} }), "`shared` and `custom` belong to different forms"),
            (json!({ "version": 1, "encrypted": "canary", "iv": "00" }), "are encrypted"),
            (json!({ "custom": { "A": 731_731 } }), "custom.A: expected a string"),
            (json!({ "services": { "redis": "canary" } }), "services.redis: expected an object"),
        ] {
            let error = parse(value).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("canary") && !error.contains("731"), "{error}");
        }
    }
}
