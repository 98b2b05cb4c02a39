//! How the program is run: by arguments, killed with all it started, its output passed on and cut, its faults named.

use crate::{build, files, stand_in};
use deploy_native::ErrorCode;
use deploy_native::image::{DockerBuilder, ImageBuilder, RegistryLogin};
use deploy_native::secrets::{Redactor, Secret};
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const REFERENCE: &str = "127.0.0.1:1/shop-api:1";

/// How long anything may take on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

fn workspace() -> TempDir {
    let root = tempdir().unwrap();
    files(root.path(), &[(".gkm/docker/Dockerfile.api", "FROM scratch\n")]);
    root
}

fn good_push() -> String {
    format!("echo '1: digest: sha256:{} size: 1'", "ab".repeat(32))
}

/// Waits until a file has a line, and returns it.
async fn line(path: &Path) -> String {
    let start = Instant::now();
    loop {
        if let Some(line) = fs::read_to_string(path).ok().filter(|text| text.ends_with('\n')) {
            return line.trim().to_owned();
        }
        assert!(start.elapsed() < PATIENCE, "{} does not come", path.display());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Whether a process runs; one that is dead and not waited for does not.
fn runs(pid: &str) -> bool {
    let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

async fn gone(pid: &str) {
    let start = Instant::now();
    while runs(pid) {
        assert!(start.elapsed() < PATIENCE, "process {pid} is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What starts a child of its own, says both numbers, and stays.
const STAYS: &str = "sleep 300 & echo $! > child; echo $$ > self; wait";

#[tokio::test]
async fn i10_dropping_the_future_kills_the_program_and_what_it_started() {
    let root = workspace();
    for (on_build, on_push) in [(STAYS, ""), ("cat > /dev/null", STAYS)] {
        let bin = tempdir().unwrap();
        let builder = DockerBuilder::new(stand_in(bin.path(), on_build, on_push));
        let build = build(root.path(), REFERENCE);
        let work = tokio::spawn(async move { builder.build(&build, &|_| {}).await });
        let (own, child) = (line(&bin.path().join("self")).await, line(&bin.path().join("child")).await);
        assert!(runs(&own) && runs(&child));
        work.abort();
        gone(&own).await;
        gone(&child).await;
    }
}

#[tokio::test]
async fn a_program_that_takes_too_long_is_killed_with_what_it_started() {
    let root = workspace();
    let bin = tempdir().unwrap();
    let limits = (Duration::from_millis(500), Duration::from_mins(1));
    let builder =
        DockerBuilder::new(stand_in(bin.path(), &format!("echo slow; {STAYS}"), "")).time_limits(limits.0, limits.1);
    let error = builder.build(&build(root.path(), REFERENCE), &|_| {}).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("timeout")));
    assert!(error.is_retryable());
    if let Ok(child) = fs::read_to_string(bin.path().join("child")) {
        gone(child.trim()).await;
    }
}

#[tokio::test]
async fn a_child_that_keeps_the_output_open_does_not_hold_us_up() {
    let root = workspace();
    let bin = tempdir().unwrap();
    let builder =
        DockerBuilder::new(stand_in(bin.path(), "cat > /dev/null; sleep 300 & echo $! > child", &good_push()));
    let built = tokio::time::timeout(PATIENCE, builder.build(&build(root.path(), REFERENCE), &|_| {})).await;
    assert_eq!(built.unwrap().unwrap().reference, format!("127.0.0.1:1/shop-api@sha256:{}", "ab".repeat(32)));
    let child = line(&bin.path().join("child")).await;
    // It is no part of the build any more, so it is ours to end.
    let _ = std::process::Command::new("kill").arg(&child).status();
}

#[tokio::test]
async fn a_program_that_does_not_read_its_input_fails_with_what_it_said() {
    let root = workspace();
    files(root.path(), &[("large", &"x".repeat(4 << 20))]);
    let bin = tempdir().unwrap();
    let builder = DockerBuilder::new(stand_in(bin.path(), "echo 'no space left' >&2; exit 7", ""));
    let lines = Mutex::new(Vec::new());
    let take = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let error = builder.build(&build(root.path(), REFERENCE), &take).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("build-failed")));
    assert!(error.message().contains('7') && error.message().starts_with("api: "), "{error}");
    assert_eq!(error.log_tail(), Some("no space left"));
    assert_eq!(*lines.lock().unwrap(), ["no space left"]);
}

#[tokio::test]
async fn lines_are_passed_on_and_the_tail_of_an_error_is_bounded() {
    let root = workspace();
    let bin = tempdir().unwrap();
    let output = "cat > /dev/null; seq 1000; printf 'a\\rb\\r\\nlast'; head -c 1000000 /dev/zero | tr '\\0' x; exit 1";
    let builder = DockerBuilder::new(stand_in(bin.path(), output, ""));
    let lines = Mutex::new(Vec::new());
    let take = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let error = builder.build(&build(root.path(), REFERENCE), &take).await.unwrap_err();
    let lines = lines.into_inner().unwrap();
    assert_eq!(lines[..3], ["1", "2", "3"]);
    assert_eq!(lines[999..1002], ["1000", "a", "b"]);
    assert!(lines.iter().all(|line| line.len() <= 8192));
    assert_eq!(lines.iter().map(String::len).sum::<usize>(), 2893 + 2 + 4 + 1_000_000);
    assert!(error.log_tail().unwrap().lines().count() <= 40);
}

#[tokio::test]
async fn i6_logins_are_in_no_argument_variable_line_or_error() {
    let root = workspace();
    let bin = tempdir().unwrap();
    let record = "printf '%s\\n' \"$@\" >> argv; env >> env; cat \"$DOCKER_CONFIG/config.json\" > seen.json; \
                  echo \"$DOCKER_CONFIG\" > where";
    let leak = "echo 'login deployer:push-canary-77 failed'; echo ZGVwbG95ZXI6cHVzaC1jYW5hcnktNzc= >&2";
    let on_build = format!("cat > /dev/null; {record}; {leak}");
    let on_push = format!("{record}; {leak}; echo 'unauthorized: authentication required' >&2; exit 1");
    let redactor = Arc::new(Redactor::new());
    redactor.add(&Secret::new("another-canary"));
    let builder =
        DockerBuilder::new(stand_in(bin.path(), &on_build, &on_push)).redactor(redactor).login(RegistryLogin {
            registry: "127.0.0.1:1".to_owned(),
            username: "deployer".to_owned(),
            password: Secret::new("push-canary-77"),
        });
    let lines = Mutex::new(Vec::new());
    let take = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let error = builder.build(&build(root.path(), REFERENCE), &take).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImagePush, Some("login-refused")));

    let text = |name: &str| fs::read_to_string(bin.path().join(name)).unwrap();
    let seen: serde_json::Value = serde_json::from_str(&text("seen.json")).unwrap();
    assert_eq!(seen["auths"]["127.0.0.1:1"]["auth"], "ZGVwbG95ZXI6cHVzaC1jYW5hcnktNzc=", "the program can log in");
    let shown = [text("argv"), text("env"), format!("{lines:?} {error:?} {builder:?}")].concat();
    for secret in ["push-canary-77", "ZGVwbG95ZXI6cHVzaC1jYW5hcnktNzc"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(!Path::new(text("where").trim()).exists(), "the login does not stay");
}

#[tokio::test]
async fn what_is_wrong_with_docker_is_named() {
    let root = workspace();
    let build = build(root.path(), REFERENCE);
    let missing = DockerBuilder::new("docker-that-is-not-there").build(&build, &|_| {}).await.unwrap_err();
    assert_eq!((missing.code(), missing.reason_name()), (ErrorCode::ImageBuild, Some("docker-missing")));
    assert!(missing.hint_text().unwrap().contains("buildImage"));
    assert_eq!(missing.app_name(), Some("api"));

    let bin = tempdir().unwrap();
    let says = |text: &str| crate::script(bin.path().join("docker"), &format!("echo '{text}' >&2; exit 1"));
    for (text, reason) in [
        ("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?", "daemon-unreachable"),
        ("permission denied while trying to connect to the Docker daemon socket", "daemon-forbidden"),
    ] {
        let error = DockerBuilder::new(says(text)).build(&build, &|_| {}).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some(reason)));
        assert_eq!(error.log_tail(), Some(text));
    }
    for (text, reason) in [
        ("denied: requested access to the resource is denied", "login-refused"),
        ("dial tcp: lookup reg.example.com: no such host", "registry-unreachable"),
        ("received unexpected HTTP status: 500", "push-failed"),
    ] {
        let docker = stand_in(bin.path(), "cat > /dev/null", &format!("echo '{text}' >&2; exit 1"));
        let error = DockerBuilder::new(docker).build(&build, &|_| {}).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImagePush, Some(reason)), "{text}");
        assert_eq!(error.is_retryable(), reason != "login-refused");
    }
    let docker = stand_in(bin.path(), "cat > /dev/null", "echo pushed");
    let error = DockerBuilder::new(docker).build(&build, &|_| {}).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImagePush, Some("digest-unknown")));
}

#[tokio::test]
async fn what_would_become_another_argument_is_refused() {
    let root = workspace();
    let bin = tempdir().unwrap();
    let builder = DockerBuilder::new(stand_in(bin.path(), "touch called", "touch called"));
    let wrong = |change: &dyn Fn(&mut deploy_native::image::ImageBuild)| {
        let mut wrong = build(root.path(), REFERENCE);
        change(&mut wrong);
        wrong
    };
    for build in [
        wrong(&|build| build.reference = "--push".to_owned()),
        wrong(&|build| build.reference = "127.0.0.1:1/untagged".to_owned()),
        wrong(&|build| build.reference = format!("a@sha256:{}", "0".repeat(64))),
        wrong(&|build| build.platform = "--push".to_owned()),
        wrong(&|build| build.platform = String::new()),
        wrong(&|build| drop(build.build_args.insert("A=B".to_owned(), String::new()))),
        wrong(&|build| drop(build.build_args.insert(String::new(), String::new()))),
    ] {
        let error = builder.build(&build, &|_| {}).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidRequest, "{build:?}");
    }
    assert!(!bin.path().join("called").exists());
}
