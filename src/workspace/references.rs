//! Checks what the apps of a workspace say about each other.

use super::App;
use super::fault::Faults;
use super::name::slug;
use super::read::Fields;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Notes names that fold to the same, references to nothing and cycles.
pub(super) fn check(apps: &IndexMap<String, App>, declared: &Fields<'_>, faults: &mut Faults) {
    let mut folded: BTreeMap<String, &str> = BTreeMap::new();
    for name in apps.keys() {
        if let Some(first) = folded.insert(slug(name), name) {
            let message = format!("becomes the same host name, image and schema as the app \"{first}\"");
            faults.push(&declared.at(name), message);
        }
    }
    for name in apps.keys() {
        check_names(apps, name, "dependencies", declared, faults);
        check_names(apps, name, "sharedWith", declared, faults);
    }
    for cycle in cycles(apps) {
        let path = declared.at(&cycle[0]).key("dependencies");
        faults.push(&path, format!("the apps depend on each other in a circle: {}", cycle.join(" → ")));
    }
}

/// Checks each name as it stands in the document, where it has its index.
fn check_names(apps: &IndexMap<String, App>, app: &str, key: &str, declared: &Fields<'_>, faults: &mut Faults) {
    let Some(Value::Array(items)) = declared.get(app).and_then(|value| value.get(key)) else { return };
    for (index, item) in items.iter().enumerate() {
        let Some(other) = item.as_str().filter(|name| !name.trim().is_empty()) else { continue };
        let path = declared.at(app).key(key).index(index);
        if other == app {
            faults.push(&path, "an app cannot name itself here");
        } else if declared.get(other).is_none() {
            let known: Vec<&str> = apps.keys().map(String::as_str).collect();
            let message = format!("expected the name of an app ({}), got {item}", known.join(", "));
            faults.push(&path, message);
        }
    }
}

/// Every cycle that a walk in the order of declaration meets, each as `a, b, a`.
fn cycles(apps: &IndexMap<String, App>) -> Vec<Vec<String>> {
    let mut walk = Walk { apps, done: BTreeSet::new(), trail: Vec::new(), cycles: Vec::new() };
    for name in apps.keys() {
        walk.visit(name);
    }
    walk.cycles
}

struct Walk<'a> {
    apps: &'a IndexMap<String, App>,
    done: BTreeSet<&'a str>,
    trail: Vec<&'a str>,
    cycles: Vec<Vec<String>>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, name: &'a str) {
        if let Some(start) = self.trail.iter().position(|visited| *visited == name) {
            let mut cycle: Vec<String> = self.trail[start..].iter().map(|name| (*name).to_owned()).collect();
            cycle.push(name.to_owned());
            // An app that names itself is a fault of its own.
            if cycle.len() > 2 {
                self.cycles.push(cycle);
            }
            return;
        }
        let Some(app) = self.apps.get(name).filter(|_| !self.done.contains(name)) else { return };
        self.trail.push(name);
        for dependency in &app.dependencies {
            self.visit(dependency);
        }
        self.trail.pop();
        self.done.insert(name);
    }
}
