use super::*;
use crate::env::{EnvVariable, Secrets};
use crate::env::{PostgresAddress, RedisAddress};
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
    let fixture: Value = serde_json::from_str(include_str!("../../../fixtures/env-multi-auth.json")).unwrap();
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
    let given: serde_json::Map<String, Value> = asked.iter().map(|name| ((*name).to_owned(), json!("mine"))).collect();
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
    let secrets = json!({ "shared": { "A": "", "BETTER_AUTH_SECRET": "", "B": "x" }, "apps": { "auth": { "B": "" } } });
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
