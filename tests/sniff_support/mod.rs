//! What the sniff suites share: the corpus and its packages, the versions of Node, apps from JSON.

#![allow(dead_code, reason = "each suite uses a part")]
#![allow(clippy::unwrap_used, reason = "used by tests and benchmarks only")]

use deploy_native::workspace::{App, AppType};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The folder of the corpus; its packages are installed when they are missing.
pub(crate) fn corpus() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/corpus");
        if !folder.join("node_modules/.package-lock.json").is_file() {
            let status = Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder).status();
            assert!(status.is_ok_and(|status| status.success()), "npm ci failed in {}", folder.display());
        }
        folder
    })
}

/// The versions of Node to run on: that of the `PATH`, and those that `SNIFF_NODES` lists (paths, separated by colons).
pub(crate) fn nodes() -> Vec<(u32, PathBuf)> {
    let listed = std::env::var("SNIFF_NODES").unwrap_or_default();
    let listed = listed.split(':').filter(|path| !path.is_empty()).map(PathBuf::from);
    std::iter::once(PathBuf::from("node")).chain(listed).map(|node| (major(&node), node)).collect()
}

fn major(node: &Path) -> u32 {
    let output = Command::new(node).arg("--version").output().expect("node runs");
    let version = String::from_utf8(output.stdout).unwrap();
    version.trim_start_matches('v').split('.').next().and_then(|major| major.parse().ok()).expect("a version")
}

/// An app of the workspace whose root is the case's folder.
pub(crate) fn app(declared: &Value) -> App {
    let text = |key: &str| declared[key].as_str().map(str::to_owned);
    let list = |key: &str| -> Option<Vec<String>> {
        if let Some(one) = text(key) {
            return Some(vec![one]);
        }
        let values = declared[key].as_array()?;
        Some(values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
    };
    let mut app = App::new(text("path").unwrap_or_else(|| ".".to_owned()), 3000)
        .app_type(match declared["type"].as_str() {
            Some("web") => AppType::Web,
            Some("mobile") => AppType::Mobile,
            _ => AppType::Backend,
        })
        .dependencies(list("dependencies").unwrap_or_default())
        .routes(list("routes").unwrap_or_default());
    app.framework = text("framework");
    app.entry = text("entry");
    app.env_parser = text("envParser");
    app.logger = text("logger");
    app.server_hooks = declared["hooks"]["server"].as_str().map(str::to_owned);
    app.config.client = declared["config"]["client"].as_str().map(str::to_owned);
    app.config.server = declared["config"]["server"].as_str().map(str::to_owned);
    app.required_env = list("requiredEnv");
    app
}

/// A workspace of files in a folder of its own, in which the packages of the corpus are found.
pub(crate) fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("workspace-").tempdir_in(corpus()).unwrap();
    write(folder.path(), &[("package.json", r#"{ "type": "module" }"#)]);
    write(folder.path(), files);
    folder
}

/// Writes files below a folder.
pub(crate) fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// The source of a module that asks for `names`, all required.
pub(crate) fn asking(names: &[&str]) -> String {
    let asked: Vec<String> =
        names.iter().map(|name| format!("{}: get('{name}').string()", name.to_lowercase())).collect();
    format!(
        "import {{ EnvironmentParser }} from '@geekmidas/envkit';\n\
         export const config = new EnvironmentParser(process.env as any).create((get) => ({{ {} }})).parse();\n",
        asked.join(", ")
    )
}
