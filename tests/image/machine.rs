//! What this machine has: a Docker daemon, a registry.

use std::env;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

/// How long a server may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);

/// The user of the registry that wants a login.
pub(crate) const USER: &str = "deployer";

/// Their password.
pub(crate) const PASSWORD: &str = "registry-canary";

/// The password as the registry keeps it (bcrypt, the cheapest).
const PASSWORD_HASH: &str = "$2b$04$hTI58mFpscR4udBG9JICAeUQndbRLwOCXBaK7AerNSMjE/UFh0WT.";

/// Says that a test did not run, and why.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
fn absent(test: &str, what: &str) {
    eprintln!("{test} did not run: {what} (`eval \"$(.ci/docker-up)\"` provides it)");
}

/// The `docker` whose daemon answers; without one, says that `test` did not run.
pub(crate) fn docker(test: &str) -> Option<PathBuf> {
    let docker = PathBuf::from(env::var_os("DEPLOY_NATIVE_TEST_DOCKER").unwrap_or_else(|| "docker".into()));
    match Command::new(&docker).arg("version").output() {
        Ok(output) if output.status.success() => Some(docker),
        Ok(_) => {
            absent(test, "no Docker daemon answers");
            None
        }
        Err(error) => {
            absent(test, &format!("no Docker client: {error}"));
            None
        }
    }
}

/// A registry of our own on loopback; ends when dropped.
pub(crate) struct Registry {
    child: Child,
    pub(crate) host: String,
    _data: TempDir,
}

impl Registry {
    /// Starts one, which wants a login if `closed`; where none is installed, says that `test` did not run.
    pub(crate) fn start(test: &str, closed: bool) -> Option<Self> {
        let data = tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let root = data.path().display();
        let mut config = format!(
            "version: 0.1\nlog: {{ level: error, accesslog: {{ disabled: true }} }}\n\
             storage: {{ filesystem: {{ rootdirectory: '{root}/data' }} }}\nhttp: {{ addr: '{host}' }}\n"
        );
        if closed {
            fs::write(data.path().join("users"), format!("{USER}:{PASSWORD_HASH}\n")).unwrap();
            config.extend(["auth: { htpasswd: { realm: test, path: '", &root.to_string(), "/users' } }\n"]);
        }
        fs::write(data.path().join("config.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(data.path().join("config.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                absent(test, &format!("no docker-registry: {error}"));
                return None;
            }
        };
        let registry = Self { child, host, _data: data };
        let start = Instant::now();
        while TcpStream::connect(&registry.host).is_err() {
            assert!(start.elapsed() < PATIENCE, "the registry does not come up");
            thread::sleep(Duration::from_millis(20));
        }
        Some(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
