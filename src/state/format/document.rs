//! The state as text: read without ever quoting a value, written in the order in which it was found.

use super::faults::{check, describe, place};
use super::packed::{may_be_packed, parse_packed};
use super::state::State;
use crate::{DeployError, ErrorCode};
use serde_json::{Map, Value};

/// The only kind of state that we know.
const PROVIDER: &str = "dokploy";

impl State {
    /// Takes a state that a caller or a hook holds as JSON.
    ///
    /// # Errors
    ///
    /// `STATE_CORRUPT` with the path of the wrong field, or when it is the state of another stage or provider.
    pub fn from_json(value: Value, stage: &str) -> Result<Self, DeployError> {
        let state = parse_packed(value, stage)
            .map_err(|fault| DeployError::new(ErrorCode::StateCorrupt, format!("The state of `{stage}` {fault}")))?;
        Ok(state)
    }

    /// Says what is wrong when this is not the state of `stage`.
    pub(in crate::state) fn mismatch(&self, stage: &str) -> Option<String> {
        if self.provider != PROVIDER {
            return Some(format!("is of provider `{}`, not of `{PROVIDER}`", self.provider.escape_debug()));
        }
        (self.stage != stage).then(|| format!("is of stage `{}`, not of `{stage}`", self.stage.escape_debug()))
    }
}

/// Reads a state; the error says what is wrong with the text, as the end of a sentence, and quotes no value of it (I6).
pub(in crate::state) fn parse(bytes: &[u8], stage: &str) -> Result<State, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("is empty".to_owned());
    }
    if may_be_packed(bytes)
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return parse_packed(value, stage);
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let state = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| describe(&error))?;
    deserializer.end().map_err(|error| place("goes on after its end", &error))?;
    check(state, stage)
}

/// Writes a state as JSON indented by two spaces, its keys in the order of the `previous` text.
pub(in crate::state) fn render(state: &State, previous: Option<&[u8]>) -> Result<Vec<u8>, serde_json::Error> {
    let mut value = serde_json::to_value(state)?;
    if let Some(Ok(previous)) = previous.map(serde_json::from_slice::<Value>) {
        value = in_order_of(&previous, value);
    }
    let mut bytes = serde_json::to_vec_pretty(&value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Puts the keys of `next` in the order of `previous` at every level; new ones come last.
fn in_order_of(previous: &Value, next: Value) -> Value {
    match (previous, next) {
        (Value::Object(previous), Value::Object(mut next)) => {
            let mut ordered = Map::with_capacity(next.len());
            for (key, before) in previous {
                if let Some(value) = next.shift_remove(key) {
                    ordered.insert(key.clone(), in_order_of(before, value));
                }
            }
            ordered.extend(next);
            Value::Object(ordered)
        }
        (_, next) => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn minimal() -> Value {
        json!({ "provider": "dokploy", "stage": "staging" })
    }

    /// Any JSON, with keys that may look like ours.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("JSON has no NaN", |number| number.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    /// Fields that we do not know, under names that are not ours.
    fn foreign_fields() -> impl Strategy<Value = Vec<(String, Value)>> {
        prop::collection::vec(("x[a-zA-Z \"\u{e9}]{0,6}", any_json()), 0..4)
    }

    fn text_map() -> impl Strategy<Value = Value> {
        prop::collection::vec((any::<String>(), any::<String>()), 0..3)
            .prop_map(|fields| fields.into_iter().map(|(key, value)| (key, Value::from(value))).collect())
    }

    /// An object of the given fields and of foreign ones, in any order.
    fn object(fields: Vec<(String, Value)>) -> impl Strategy<Value = Value> {
        foreign_fields().prop_flat_map(move |foreign| {
            let mut all = fields.clone();
            all.extend(foreign);
            Just(all).prop_shuffle().prop_map(|all| Value::Object(all.into_iter().collect()))
        })
    }

    /// The states that the CLI, we or a later version of us may have written.
    fn any_state() -> impl Strategy<Value = Value> {
        let ids = object(vec![("postgresId".to_owned(), json!("pg"))]);
        let credentials =
            object(vec![("dbUser".to_owned(), json!("api")), ("dbPassword".to_owned(), json!("p\u{1F511}\"w"))]);
        let verified =
            object(vec![("serverIp".to_owned(), json!("1.2.3.4")), ("verifiedAt".to_owned(), json!("2026"))]);
        let previous = object(vec![("values".to_owned(), json!(["5.6.7.8"])), ("ttl".to_owned(), json!(60))]);
        let passwords = object(vec![("redis".to_owned(), json!("r"))]);
        let image = object(vec![("reference".to_owned(), json!("i")), ("fingerprint".to_owned(), json!("f"))]);
        let deployed = object(vec![
            ("fingerprint".to_owned(), json!("f")),
            ("image".to_owned(), json!("i")),
            ("title".to_owned(), json!("t")),
        ]);
        let parts = (text_map(), text_map(), ids, credentials, verified, previous, passwords, image, deployed);
        parts.prop_flat_map(|(apps, secrets, ids, credentials, verified, previous, passwords, image, deployed)| {
            let record = object(vec![
                ("domain".to_owned(), json!("example.com")),
                ("name".to_owned(), json!("api")),
                ("type".to_owned(), json!("A")),
                ("value".to_owned(), json!("1.2.3.4")),
                ("ttl".to_owned(), json!(300)),
                ("createdAt".to_owned(), json!("2026")),
                ("previous".to_owned(), previous),
            ]);
            let ours = object(vec![
                ("passwords".to_owned(), passwords),
                ("images".to_owned(), json!({ "api": image })),
                ("deployed".to_owned(), json!({ "api": deployed })),
            ]);
            (record, ours).prop_flat_map(move |(record, ours)| {
                object(vec![
                    ("provider".to_owned(), json!("dokploy")),
                    ("stage".to_owned(), json!("staging")),
                    ("environmentId".to_owned(), json!("e")),
                    ("applications".to_owned(), apps.clone()),
                    ("services".to_owned(), ids.clone()),
                    ("appCredentials".to_owned(), json!({ "api": credentials })),
                    ("generatedSecrets".to_owned(), json!({ "api": secrets })),
                    ("dnsVerified".to_owned(), json!({ "api.example.com": verified })),
                    ("dnsRecords".to_owned(), json!({ "api:A": record })),
                    ("deployNative".to_owned(), ours),
                    ("lastDeployedAt".to_owned(), json!("2026")),
                ])
            })
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

        #[test]
        fn i5_reading_and_writing_keeps_every_field_value_and_order(state in any_state()) {
            let text = serde_json::to_vec_pretty(&state).unwrap();
            let read = parse(&text, "staging").unwrap();
            let written = render(&read, Some(&text)).unwrap();
            prop_assert_eq!(String::from_utf8(written).unwrap(), String::from_utf8(text).unwrap() + "\n");
        }

        #[test]
        fn i5_writing_and_reading_is_the_identity(state in any_state()) {
            let state = State::from_json(state, "staging").unwrap();
            let written = render(&state, None).unwrap();
            prop_assert_eq!(parse(&written, "staging").unwrap(), state);
        }

        #[test]
        fn i5_any_bytes_are_a_state_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(parse(&bytes, "staging").is_err());
        }

        #[test]
        fn i5_json_that_is_not_a_state_is_an_error(value in any_json()) {
            prop_assert!(parse(&serde_json::to_vec(&value).unwrap(), "staging").is_err());
        }
    }

    #[test]
    fn nulls_and_missing_fields_count_as_nothing() {
        let text = br#"{"provider":"dokploy","stage":"staging","projectId":null,"environmentId":null,
            "applications":{"api":null,"web":"w"},"services":{"postgresId":null},"appCredentials":null,
            "generatedSecrets":{"api":null,"auth":{"A":null}},"dnsVerified":null,"dnsRecords":null,
            "deployNative":null,"lastDeployedAt":null}"#;
        let state = parse(text, "staging").unwrap();
        let mut expected = State::new("staging");
        expected.applications.insert("web".to_owned(), "w".to_owned());
        expected.generated_secrets.insert("auth".to_owned(), indexmap::IndexMap::new());
        assert_eq!(state, expected);
        assert_eq!(
            State::from_json(json!({ "services": null, "provider": "dokploy", "stage": "s" }), "s").unwrap(),
            State::new("s")
        );
    }

    #[test]
    fn i5_every_prefix_of_a_state_is_an_error() {
        let text = serde_json::to_vec_pretty(&minimal()).unwrap();
        for length in 0..text.len() {
            assert!(parse(&text[..length], "staging").is_err(), "{length} bytes");
        }
    }

    #[test]
    fn i6_faults_name_the_place_and_no_value() {
        let faults = [
            ("", "is empty"),
            ("[]", "is not a JSON object of this kind"),
            ("\"canary\"", "is not a JSON object of this kind"),
            ("{}", "lacks `provider`"),
            (r#"{"provider":"dokploy","stage":"staging"} canary"#, "goes on after its end (line 1, column 42)"),
            (r#"{"provider":"dokploy","stage":canary}"#, "is not JSON (line 1, column 31)"),
            (r#"{"provider":"dokploy","stage":"staging","canary"#, "ends in the middle (line 1, column 47)"),
            (
                r#"{"provider":"dokploy","stage":"staging","generatedSecrets":{"api":"canary"}}"#,
                "has a value of the wrong kind at `generatedSecrets.api`",
            ),
            (
                r#"{"provider":"dokploy","stage":"staging","appCredentials":{"api":{"dbUser":"canary"}}}"#,
                "lacks `dbPassword` in `appCredentials.api`",
            ),
            (r#"{"provider":"other","stage":"staging"}"#, "is of provider `other`, not of `dokploy`"),
            (r#"{"provider":"dokploy","stage":"prod"}"#, "is of stage `prod`, not of `staging`"),
        ];
        for (text, expected) in faults {
            let fault = parse(text.as_bytes(), "staging").unwrap_err();
            assert_eq!(fault, expected, "{text}");
            assert!(!fault.contains("canary"));
        }
    }
}
