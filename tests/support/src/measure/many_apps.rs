//! Workspaces of many apps.

use super::measured_world::MeasuredWorld;
use crate::images::digest;
use crate::world::STAGE;
use serde_json::{Map, Value, json};

impl MeasuredWorld {
    /// A workspace of `count` apps without services: every second one is a front end of the one before.
    pub fn many_apps(&self, count: usize) -> Value {
        let (mut apps, mut images) = (Map::new(), Map::new());
        for number in 0..count {
            let name = format!("app-{number:03}");
            let image = format!("registry.test/shop-{name}@sha256:{}", digest(&name));
            let (kind, dependencies) = match number % 2 {
                0 => ("backend", json!([])),
                _ => ("web", json!([format!("app-{:03}", number - 1)])),
            };
            let app = json!({
                "type": kind, "path": format!("apps/{name}"), "port": 3000 + number, "framework": "vite",
                "requiredEnv": ["GREETING"], "dependencies": dependencies,
            });
            apps.insert(name.clone(), app);
            images.insert(name, json!(image));
        }
        let mut request = self.request("external-port");
        request["workspace"]["apps"] = apps.into();
        request["workspace"]["services"] = json!({});
        request["images"] = images.into();
        request["secrets"] = json!({ "shared": { "GREETING": format!("hello from {STAGE}") } });
        request
    }
}
