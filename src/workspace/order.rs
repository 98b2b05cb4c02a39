//! Which app comes before which, and what apps are called elsewhere.

use super::name::{app_name_base, slug};
use super::{App, AppType, Workspace};
use std::collections::BTreeSet;

impl Workspace {
    /// All apps, each after the apps it depends on; else in the order of declaration.
    pub fn build_order(&self) -> Vec<&str> {
        let mut order = Vec::with_capacity(self.apps.len());
        let mut seen = BTreeSet::new();
        for name in self.apps.keys() {
            self.visit(name, &mut seen, &mut order);
        }
        order
    }

    fn visit<'a>(&'a self, name: &str, seen: &mut BTreeSet<&'a str>, order: &mut Vec<&'a str>) {
        let Some((name, app)) = self.apps.get_key_value(name) else { return };
        if !seen.insert(name) {
            return;
        }
        for dependency in &app.dependencies {
            self.visit(dependency, seen, order);
        }
        order.push(name);
    }

    /// The apps that depend on `app` directly, in the order of declaration.
    pub fn dependents_of(&self, app: &str) -> Vec<&str> {
        let depends = |other: &App| other.dependencies.iter().any(|name| name == app);
        self.apps.iter().filter(|(_, other)| depends(other)).map(|(name, _)| name.as_str()).collect()
    }

    /// The front ends that an app trusts: the web apps that depend on it, else all web apps of the workspace.
    pub fn trusted_frontends(&self, app: &str) -> Vec<&str> {
        let is_web = |name: &&str| self.apps.get(*name).is_some_and(|app| app.app_type == AppType::Web);
        let dependents: Vec<&str> = self.dependents_of(app).into_iter().filter(is_web).collect();
        if dependents.is_empty() {
            return self.apps.keys().map(String::as_str).filter(is_web).collect();
        }
        dependents
    }

    /// The workspace's name for DNS, images and Dokploy's `appName`: its scope stripped, folded to lower case and `-`.
    pub fn slug(&self) -> String {
        workspace_slug(&self.name)
    }

    /// The name of the workspace's database: its slug with `-` as `_`, at most 63 characters.
    ///
    /// It gets a leading `_` where it would begin with a digit or be one of Postgres's own templates.
    pub fn database_name(&self) -> String {
        let name = self.slug().replace('-', "_");
        let taken = matches!(name.as_str(), "template0" | "template1");
        if taken || !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return format!("_{name}").chars().take(63).collect();
        }
        name
    }

    /// The base of the `appName` of an app or service on the server, at most 56 characters; the server appends to it.
    pub fn app_name_base(&self, name: &str) -> String {
        app_name_base(&self.slug(), name)
    }

    /// The repository of an app's image, without a tag: `{registry}/{workspace}-{app}`.
    pub fn image_repository(&self, app: &str) -> String {
        let image = format!("{}-{}", self.slug(), slug(app));
        let registry = self.deploy.dokploy.as_ref().and_then(|dokploy| dokploy.registry.as_deref());
        registry.map_or_else(|| image.clone(), |registry| format!("{registry}/{image}"))
    }
}

impl App {
    /// The prefix that makes a variable public in the app's framework: empty for Remix and for backends.
    pub fn public_prefix(&self) -> &'static str {
        match (self.app_type, self.framework.as_deref()) {
            (AppType::Backend, _) => "",
            (AppType::Mobile, None) => "EXPO_PUBLIC_",
            (_, framework) => public_prefix(framework),
        }
    }
}

/// The prefix that makes a variable public in a framework of front ends: empty for Remix, `NEXT_PUBLIC_` where none is named.
pub fn public_prefix(framework: Option<&str>) -> &'static str {
    match framework {
        Some("remix") => "",
        Some("vite" | "tanstack-start") => "VITE_",
        Some("expo") => "EXPO_PUBLIC_",
        _ => "NEXT_PUBLIC_",
    }
}

/// Strips the scope of a package name and folds the rest.
pub(super) fn workspace_slug(name: &str) -> String {
    let unscoped = match name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')) {
        Some((_, rest)) => rest,
        None => name,
    };
    slug(unscoped)
}

#[cfg(test)]
mod tests {
    use crate::workspace::Workspace;
    use crate::workspace::tests::multi_auth;
    use serde_json::json;

    #[test]
    fn apps_come_after_what_they_depend_on() {
        let workspace = Workspace::from_json(json!({ "name": "w", "root": "/w", "apps": {
            "web": { "path": "w", "port": 1, "dependencies": ["auth", "api"] },
            "api": { "path": "a", "port": 2, "dependencies": ["auth"] },
            "auth": { "path": "u", "port": 3 },
            "docs": { "path": "d", "port": 4 },
        } }))
        .unwrap();
        assert_eq!(workspace.build_order(), ["auth", "api", "web", "docs"]);
        assert_eq!(workspace.dependents_of("auth"), ["web", "api"]);
    }

    #[test]
    fn trusted_front_ends_are_the_dependents_else_all() {
        let workspace = multi_auth();
        assert_eq!(workspace.trusted_frontends("auth"), ["web"]);
        assert_eq!(workspace.trusted_frontends("admin-auth"), ["admin"]);
        assert_eq!(workspace.trusted_frontends("web"), ["web", "admin"]);
    }

    #[test]
    fn names_elsewhere_follow_from_the_workspaces() {
        let mut workspace = multi_auth();
        assert_eq!(workspace.image_repository("admin-auth"), "ghcr.io/myorg/myproject-admin-auth");
        assert_eq!(workspace.app_name_base("db"), "myproject-db");
        assert_eq!(workspace.database_name(), "myproject");
        workspace.name = "@org/2nd Shop".to_owned();
        assert_eq!((workspace.slug(), workspace.database_name()), ("2nd-shop".to_owned(), "_2nd_shop".to_owned()));
        workspace.name = "template1".to_owned();
        assert_eq!(workspace.database_name(), "_template1");
    }

    #[test]
    fn public_prefixes_follow_the_framework() {
        let mut app = multi_auth().apps["web"].clone();
        for (framework, prefix) in [
            (Some("vite"), "VITE_"),
            (Some("tanstack-start"), "VITE_"),
            (Some("nextjs"), "NEXT_PUBLIC_"),
            (Some("remix"), ""),
            (None, "NEXT_PUBLIC_"),
        ] {
            app.framework = framework.map(str::to_owned);
            assert_eq!(app.public_prefix(), prefix);
        }
        assert_eq!(multi_auth().apps["api"].public_prefix(), "");
    }
}
