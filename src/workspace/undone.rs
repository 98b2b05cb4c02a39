//! What a workspace declares and a deployment does not do: told, never passed over in silence.

use super::fault::Faults;
use super::read::Fields;
use serde_json::Value;

/// The frameworks of backends that the command line knows.
const BACKEND_FRAMEWORKS: [&str; 4] = ["hono", "better-auth", "express", "fastify"];

/// Notes what is declared in vain.
pub(super) fn note(document: &Fields<'_>, faults: &mut Faults) {
    // That a part is no object was noted where it was read.
    let mut noted = Faults::default();
    if let Some(services) = document.object("services", &mut noted) {
        note_declared(&services, &["db", "cache"], service, faults);
    }
    if let Some(deploy) = document.object("deploy", &mut noted) {
        note_declared(&deploy, &["default", "dokploy", "dns"], setting, faults);
    }
    if let Some(apps) = document.object("apps", &mut noted) {
        for (name, _) in apps.entries() {
            if let Some(app) = apps.object(name, &mut noted) {
                note_framework(&app, faults);
            }
        }
    }
}

/// Notes every field but those of `done`; one that says no declares nothing.
fn note_declared(fields: &Fields<'_>, done: &[&str], say: fn(&str, &Value) -> String, faults: &mut Faults) {
    for (name, value) in fields.entries() {
        if !done.contains(&name.as_str()) && *value != Value::Bool(false) {
            faults.warn(&fields.at(name), say(name, value));
        }
    }
}

fn service(name: &str, value: &Value) -> String {
    match (name, value.as_str()) {
        ("mail", _) => "a deployment makes no mail server: give the apps SMTP_HOST and the like as secrets".to_owned(),
        ("storage", _) => {
            "a deployment makes no object storage: give the apps STORAGE_ENDPOINT and the like as secrets".to_owned()
        }
        ("events", Some("pgboss")) => {
            "a deployment sets up nothing for events: pg-boss can work in an app's own schema, \
                                       see docs/database.md"
                .to_owned()
        }
        ("events", _) => {
            "a deployment sets up nothing for events: give the apps EVENT_PUBLISHER_CONNECTION_STRING and \
                          EVENT_SUBSCRIBER_CONNECTION_STRING as secrets"
                .to_owned()
        }
        _ => "a deployment knows no such service, and makes none".to_owned(),
    }
}

fn setting(name: &str, _: &Value) -> String {
    match name {
        "backups" => "a deployment sets up no backups: set them up in Dokploy".to_owned(),
        _ => "a deployment knows no such setting, and does nothing about it".to_owned(),
    }
}

/// The framework decides the prefix of a front end's public variables, and nothing of a backend.
fn note_framework(app: &Fields<'_>, faults: &mut Faults) {
    let path = app.at("framework");
    match (app.get("type").and_then(Value::as_str), app.get("framework")) {
        (Some("web"), None) => {
            faults.warn(&path, "no framework is named: public variables are taken to begin with NEXT_PUBLIC_");
        }
        (None | Some("backend"), Some(Value::String(name))) if !BACKEND_FRAMEWORKS.contains(&name.as_str()) => {
            let known = BACKEND_FRAMEWORKS.join(", ");
            faults.warn(&path, format!("{name} is not known ({known}): the app is treated as any backend"));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::workspace::Workspace;
    use serde_json::{Value, json};

    fn warnings(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut workspace = json!({
            "name": "w", "root": "/w", "apps": { "api": { "path": "a", "port": 1 } }, "services": { "db": true },
            "deploy": { "default": "dokploy", "dokploy": {}, "dns": {} },
        });
        change(&mut workspace);
        Workspace::from_json(workspace).unwrap().warnings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_declared_and_not_done_is_told_with_its_path() {
        let told = warnings(|workspace| {
            workspace["services"] = json!({
                "db": true, "cache": {}, "mail": { "smtp": {} }, "storage": true, "events": "pgboss", "search": true,
            });
            workspace["deploy"]["backups"] = json!({ "type": "s3" });
            workspace["deploy"]["vercel"] = json!({});
            workspace["apps"]["api"]["framework"] = json!("koa");
            workspace["apps"]["web"] = json!({ "type": "web", "path": "w", "port": 2 });
        });
        let paths: Vec<&str> = told.iter().filter_map(|line| line.split(": ").next()).collect();
        assert_eq!(
            paths,
            [
                "apps.api.framework",
                "apps.web.framework",
                "services.mail",
                "services.storage",
                "services.events",
                "services.search",
                "deploy.backups",
                "deploy.vercel",
            ]
        );
        assert!(told[0].contains("koa") && told[1].contains("NEXT_PUBLIC_") && told[4].contains("pg-boss"), "{told:?}");
    }

    #[test]
    fn what_is_done_or_not_wanted_is_not_told() {
        assert_eq!(warnings(|_| ()), Vec::<String>::new());
        let none = warnings(|workspace| {
            workspace["services"] = json!({ "mail": false, "storage": null, "events": false });
            workspace["apps"]["api"]["framework"] = json!("hono");
            workspace["apps"]["phone"] = json!({ "type": "mobile", "path": "p" });
        });
        assert_eq!(none, Vec::<String>::new());
    }
}
