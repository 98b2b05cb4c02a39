//! The CLI's own form of a stage's secrets, and the variables that follow from it.

use super::json_fields::{object, strings};
use crate::secrets::Secret;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The fields by which the CLI's form is known; others that it may gain are passed by.
pub(super) const FIELDS: [&str; 7] = ["stage", "createdAt", "updatedAt", "services", "urls", "custom", "eventsBackend"];

/// Flattens the CLI's form to variables: addresses, then the user's own, then what follows from the services; later wins.
pub(super) fn flatten(fields: &Map<String, Value>) -> Result<BTreeMap<String, Secret>, String> {
    let mut variables = BTreeMap::new();
    for part in ["urls", "custom"] {
        if let Some(given) = fields.get(part) {
            variables.extend(strings(given, part)?);
        }
    }
    if let Some(given) = fields.get("services") {
        let services = object(given, "services")?;
        for derivation in &DERIVATIONS {
            if let Some(service) = services.get(derivation.service).filter(|value| !value.is_null()) {
                derivation.apply(object(service, &format!("services.{}", derivation.service))?, &mut variables)?;
            }
        }
    }
    Ok(variables)
}

/// Which variables follow from a service of the CLI's.
struct Derivation {
    service: &'static str,
    variables: &'static [(&'static str, Origin)],
}

/// Where the value of such a variable comes from.
enum Origin {
    /// A field of the service.
    Field(&'static str),
    /// A field, else a fixed value.
    FieldOr(&'static str, &'static str),
    /// A field, else another one.
    Either(&'static str, &'static str),
    /// A fixed value.
    Fixed(&'static str),
    /// `http://host:port`.
    Address,
}

use Origin::{Address, Either, Field, FieldOr, Fixed};

/// The CLI's own table, in its order.
const DERIVATIONS: [Derivation; 7] = [
    Derivation {
        service: "postgres",
        variables: &[
            ("POSTGRES_USER", Field("username")),
            ("POSTGRES_PASSWORD", Field("password")),
            ("POSTGRES_DB", FieldOr("database", "app")),
            ("POSTGRES_HOST", Field("host")),
            ("POSTGRES_PORT", Field("port")),
        ],
    },
    Derivation {
        service: "redis",
        variables: &[
            ("REDIS_PASSWORD", Field("password")),
            ("REDIS_HOST", Field("host")),
            ("REDIS_PORT", Field("port")),
        ],
    },
    Derivation {
        service: "rabbitmq",
        variables: &[
            ("RABBITMQ_USER", Field("username")),
            ("RABBITMQ_PASSWORD", Field("password")),
            ("RABBITMQ_HOST", Field("host")),
            ("RABBITMQ_PORT", Field("port")),
            ("RABBITMQ_VHOST", FieldOr("vhost", "/")),
        ],
    },
    Derivation {
        service: "minio",
        variables: &[
            ("STORAGE_ACCESS_KEY_ID", Field("username")),
            ("STORAGE_SECRET_ACCESS_KEY", Field("password")),
            ("STORAGE_BUCKET", FieldOr("bucket", "app")),
            ("STORAGE_REGION", Fixed("eu-west-1")),
            ("STORAGE_FORCE_PATH_STYLE", Fixed("true")),
        ],
    },
    Derivation {
        service: "mailpit",
        variables: &[
            ("SMTP_HOST", Field("host")),
            ("SMTP_PORT", Field("port")),
            ("SMTP_USER", Field("username")),
            ("SMTP_PASS", Field("password")),
            ("SMTP_SECURE", Fixed("false")),
            ("MAIL_FROM", Fixed("noreply@localhost")),
        ],
    },
    Derivation {
        service: "localstack",
        variables: &[
            ("AWS_ACCESS_KEY_ID", Either("accessKeyId", "username")),
            ("AWS_SECRET_ACCESS_KEY", Field("password")),
            ("AWS_REGION", FieldOr("region", "us-east-1")),
            ("AWS_ENDPOINT_URL", Address),
        ],
    },
    Derivation {
        service: "pgboss",
        variables: &[("PGBOSS_DB_USER", Field("username")), ("PGBOSS_DB_PASSWORD", Field("password"))],
    },
];

impl Derivation {
    /// Adds the variables whose fields are there.
    fn apply(&self, service: &Map<String, Value>, variables: &mut BTreeMap<String, Secret>) -> Result<(), String> {
        let field = |name: &str| self.field(service, name);
        for (variable, origin) in self.variables {
            let value = match origin {
                Field(name) => field(name)?,
                FieldOr(name, default) => field(name)?.or_else(|| Some((*default).to_owned())),
                Either(first, second) => match field(first)? {
                    None => field(second)?,
                    found => found,
                },
                Fixed(value) => Some((*value).to_owned()),
                Address => match (field("host")?, field("port")?) {
                    (Some(host), Some(port)) => Some(format!("http://{host}:{port}")),
                    _ => None,
                },
            };
            if let Some(value) = value {
                variables.insert((*variable).to_owned(), Secret::new(value));
            }
        }
        Ok(())
    }

    /// A field as text: a string or a number.
    fn field(&self, service: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
        match service.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err(format!("services.{}.{name}: expected a string or a number", self.service)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secrets;
    use crate::secrets::Secret;
    use serde_json::json;

    #[test]
    fn the_clis_form_flattens_as_the_cli_does() {
        let secrets: Secrets = serde_json::from_value(json!({
            "stage": "staging", "createdAt": "x", "updatedAt": "y", "eventsBackend": "pgboss", "later": 1,
            "urls": { "DATABASE_URL": "postgresql://local", "BOTH": "url" },
            "custom": { "BOTH": "custom", "POSTGRES_HOST": "custom", "STRIPE_SECRET_KEY": "sk" },
            "services": {
                "postgres": { "host": "localhost", "port": 5432, "username": "app", "password": "pw" },
                "rabbitmq": { "host": "mq", "port": "5672", "username": "u", "password": "p" },
                "localstack": { "host": "ls", "port": 4566, "username": "lu", "password": "lp" },
                "minio": null,
            },
        }))
        .unwrap();
        let value = |name| secrets.value("api", name).map(Secret::expose);
        for (name, expected) in [
            ("DATABASE_URL", Some("postgresql://local")),
            ("BOTH", Some("custom")),
            ("POSTGRES_HOST", Some("localhost")),
            ("POSTGRES_PORT", Some("5432")),
            ("POSTGRES_DB", Some("app")),
            ("STRIPE_SECRET_KEY", Some("sk")),
            ("RABBITMQ_VHOST", Some("/")),
            ("AWS_ACCESS_KEY_ID", Some("lu")),
            ("AWS_ENDPOINT_URL", Some("http://ls:4566")),
            ("STORAGE_BUCKET", None),
        ] {
            assert_eq!(value(name), expected, "{name}");
        }
    }
}
