//! AWS for tests: `moto`, a server of its own that behaves as Route 53, SSM, S3, IAM and STS do.

use deploy_native::aws::{AwsEnvironment, AwsKeys, AwsOptions};
use std::env;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How long the server may take to come up; the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(2);

/// The secret that no output may show.
pub(crate) const SECRET: &str = "canary-secret-access-key-0123456789";

/// Ends with its standard input, so that it never outlives the tests.
const SERVER: &str = "\
import os, sys, threading
def end():
    sys.stdin.read()
    os._exit(0)
threading.Thread(target=end, daemon=True).start()
from moto.server import main
main(['-H', '127.0.0.1', '-p', sys.argv[1]])
";

/// The server of this test binary.
pub(crate) struct Moto {
    pub(crate) url: String,
    _child: Child,
    _stdin: ChildStdin,
}

/// The server; where there is none, says that `test` did not run. In CI that is a failure.
#[expect(clippy::print_stderr, reason = "a test that did not run must say so")]
pub(crate) fn moto(test: &str) -> Option<&'static Moto> {
    static MOTO: OnceLock<Option<Moto>> = OnceLock::new();
    let moto = MOTO.get_or_init(start);
    if moto.is_none() {
        assert!(env::var_os("CI").is_none(), "moto is not installed: `node scripts/setup.mjs` does that, with Python");
        eprintln!("{test} did not run: moto is not installed (`node scripts/setup.mjs` does that, where Python is)");
    }
    moto.as_ref()
}

/// The Python that has moto.
fn python() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("__test__/moto/venv/bin/python");
    let python = env::var_os("DEPLOY_NATIVE_TEST_MOTO").map_or(own, PathBuf::from);
    let works = Command::new(&python).args(["-c", "import moto.server"]).stderr(Stdio::null()).status();
    works.is_ok_and(|status| status.success()).then_some(python)
}

fn start() -> Option<Moto> {
    let python = python()?;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(python);
    command.args(["-c", SERVER, &port.to_string()]).env("MOTO_IAM_LOAD_MANAGED_POLICIES", "false");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "moto does not come up");
        assert!(child.try_wait().unwrap().is_none(), "moto ended");
        thread::sleep(Duration::from_millis(20));
    }
    let stdin = child.stdin.take().unwrap();
    Some(Moto { url: format!("http://127.0.0.1:{port}"), _child: child, _stdin: stdin })
}

/// An account at an address, with pauses that no test has to wait for.
pub(crate) fn account(url: &str) -> AwsOptions {
    let keys = AwsKeys::new("AKIATEST", SECRET);
    AwsOptions::default()
        .region("eu-central-1")
        .keys(keys)
        .base_url(url)
        .environment(nowhere())
        .first_pause(Duration::from_millis(5))
        .longest_pause(Duration::from_millis(50))
}

/// An environment in which there are no credentials, and no machine to ask for some.
pub(crate) fn nowhere() -> AwsEnvironment {
    AwsEnvironment::fixed(None, [("AWS_EC2_METADATA_SERVICE_ENDPOINT".to_owned(), "http://127.0.0.1:1".to_owned())])
}
