//! A registry login that Docker finds in a private folder, never in an argument.

use super::reference::bare_registry;
use crate::secrets::Secret;
use crate::system;
use base64::Engine as _;
use serde_json::{Map, Value, json};
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The file of a Docker configuration.
const CONFIG_FILE: &str = "config.json";

/// Under which name Docker looks for the login of its default registry.
const DEFAULT_REGISTRY_KEY: &str = "https://index.docker.io/v1/";

/// A login at a registry.
#[derive(Debug, Clone)]
pub struct RegistryLogin {
    /// The registry's host, with its port if it has one; a scheme before it and a path after it are passed by.
    pub registry: String,
    /// The user.
    pub username: String,
    /// The password or token.
    pub password: Secret,
}

impl RegistryLogin {
    /// The registry's host alone.
    pub fn host(&self) -> &str {
        let registry = bare_registry(&self.registry);
        registry.split_once('/').map_or(registry, |(host, _)| host)
    }

    /// User and password as Docker's configuration and HTTP carry them.
    pub(super) fn basic(&self) -> Secret {
        let text = format!("{}:{}", self.username, self.password.expose());
        Secret::new(base64::engine::general_purpose::STANDARD.encode(text))
    }

    fn key(&self) -> &str {
        match self.host() {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" => DEFAULT_REGISTRY_KEY,
            host => host,
        }
    }
}

/// A Docker configuration of our own: the user's, with our login at its registry. Removed when dropped.
///
/// The folder is private to us (0700). The user's plugins, contexts and builders are linked into it, and the rest of
/// their settings (proxies, other logins for base images) is kept; their own files are not touched.
#[derive(Debug)]
pub(super) struct DockerConfig {
    folder: TempDir,
}

impl DockerConfig {
    /// Makes it; `user` is the folder of the user's configuration, if there is one.
    pub(super) fn create(user: Option<&Path>, login: &RegistryLogin) -> io::Result<Self> {
        let mut folder = tempfile::Builder::new();
        let folder = system::as_owner_only(folder.prefix("deploy-native-docker-"), true).tempdir()?;
        let theirs = match user {
            Some(user) => {
                link_entries(user, folder.path())?;
                read_settings(&user.join(CONFIG_FILE))?
            }
            None => Map::new(),
        };
        let text = serde_json::to_vec(&with_login(theirs, login))?;
        let mut options = OpenOptions::new();
        system::expect_regular(&mut options);
        let mut file = options.write(true).create_new(true).open(folder.path().join(CONFIG_FILE))?;
        file.write_all(&text)?;
        Ok(Self { folder })
    }

    /// The value for `DOCKER_CONFIG`.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Where the user's configuration is: `DOCKER_CONFIG`, else `.docker` in their home.
pub(super) fn user_config() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("DOCKER_CONFIG").or_else(|| std::env::home_dir().map(|home| home.join(".docker")))
}

/// Links everything but the settings.
fn link_entries(user: &Path, folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(user) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name() != CONFIG_FILE {
            system::link(&std::path::absolute(entry.path())?, &folder.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The user's settings; none where there are none or where Docker could not read them either.
fn read_settings(path: &Path) -> io::Result<Map<String, Value>> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => Ok(Map::new()),
        Err(error) => Err(error),
    }
}

/// Puts our login in the place of theirs for its registry.
fn with_login(mut settings: Map<String, Value>, login: &RegistryLogin) -> Value {
    let mut set = |field: &str, value: Value| {
        let entries = settings.entry(field).or_insert_with(|| json!({}));
        if !entries.is_object() {
            *entries = json!({});
        }
        entries[login.key()] = value;
    };
    set("auths", json!({ "auth": login.basic() }));
    // An empty helper makes Docker take the login from the file, whatever helper it uses for others.
    set("credHelpers", json!(""));
    Value::Object(settings)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn login(registry: &str) -> RegistryLogin {
        RegistryLogin { registry: registry.to_owned(), username: "user".to_owned(), password: Secret::new("canary") }
    }

    fn config(path: &Path) -> Value {
        serde_json::from_slice(&fs::read(path.join(CONFIG_FILE)).unwrap()).unwrap()
    }

    #[test]
    fn i6_the_login_is_in_a_private_folder_that_goes_away() {
        let config_folder = DockerConfig::create(None, &login("https://ghcr.io/org")).unwrap();
        let path = config_folder.path().to_owned();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(path.join(CONFIG_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(config(&path)["auths"], json!({ "ghcr.io": { "auth": "dXNlcjpjYW5hcnk=" } }));
        assert!(!format!("{config_folder:?} {:?}", login("ghcr.io")).contains("canary"));
        drop(config_folder);
        assert!(!path.exists());
    }

    #[test]
    fn the_users_settings_stay_and_their_files_are_not_touched() {
        let user = tempfile::tempdir().unwrap();
        let theirs = json!({ "auths": { "ghcr.io": { "auth": "old" }, "base.io": { "auth": "b" } }, "credsStore": "x",
            "credHelpers": { "y.io": "y" }, "proxies": { "default": {} }, "currentContext": "remote" });
        fs::write(user.path().join(CONFIG_FILE), theirs.to_string()).unwrap();
        fs::create_dir_all(user.path().join("cli-plugins")).unwrap();
        fs::write(user.path().join("cli-plugins/docker-buildx"), "plugin").unwrap();

        let ours = DockerConfig::create(Some(user.path()), &login("ghcr.io")).unwrap();
        let settings = config(ours.path());
        assert_eq!(settings["auths"]["ghcr.io"]["auth"], "dXNlcjpjYW5hcnk=");
        assert_eq!(settings["auths"]["base.io"]["auth"], "b");
        assert_eq!(settings["credHelpers"], json!({ "y.io": "y", "ghcr.io": "" }));
        assert_eq!((&settings["credsStore"], &settings["currentContext"]), (&json!("x"), &json!("remote")));
        assert_eq!(fs::read(ours.path().join("cli-plugins/docker-buildx")).unwrap(), b"plugin");
        drop(ours);
        assert!(user.path().join("cli-plugins/docker-buildx").exists());
        assert_eq!(config(user.path()), theirs);
    }

    #[test]
    fn the_default_registry_has_a_name_of_its_own() {
        for registry in ["docker.io", "index.docker.io", "https://docker.io/org/"] {
            assert_eq!(login(registry).key(), "https://index.docker.io/v1/");
        }
        assert_eq!(login("127.0.0.1:5000/x").key(), "127.0.0.1:5000");
    }

    #[test]
    fn broken_settings_of_the_user_are_passed_by() {
        let user = tempfile::tempdir().unwrap();
        for text in ["", "no JSON", "[]", r#"{"auths":null,"credHelpers":3}"#] {
            fs::write(user.path().join(CONFIG_FILE), text).unwrap();
            let ours = DockerConfig::create(Some(user.path()), &login("ghcr.io")).unwrap();
            assert_eq!(config(ours.path())["auths"]["ghcr.io"]["auth"], "dXNlcjpjYW5hcnk=", "{text}");
        }
    }
}
