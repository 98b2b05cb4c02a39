//! Builds and pushes with a real Docker daemon and a real registry. Images begin `FROM scratch`: nothing is downloaded.

use crate::machine::{PASSWORD, Registry, USER, docker};
use crate::{CANARY, build, files, script};
use deploy_native::ErrorCode;
use deploy_native::image::{DockerBuilder, ImageBuilder, ImageReference, RegistryClient, RegistryLogin, Resolution};
use deploy_native::secrets::Secret;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use tempfile::{TempDir, tempdir};

const DOCKERFILE: &str = "FROM scratch\nARG PUBLIC_URL\nLABEL url=$PUBLIC_URL\nCOPY . /app/\n";

/// A workspace full of secrets, whose ignore file invites them all.
fn workspace() -> TempDir {
    let root = tempdir().unwrap();
    let secret = [
        ".env",
        "apps/api/.env.production",
        ".git/config",
        ".gkm/deploy-staging.json",
        ".gkm/deploy-staging.json.bak",
        ".gkm/deploy-staging.journal",
        ".gkm/secrets/staging.json",
        ".gkm/cache/sniff.json",
    ];
    files(root.path(), &secret.map(|path| (path, CANARY)));
    files(
        root.path(),
        &[
            (".gkm/docker/Dockerfile.api", DOCKERFILE),
            (".dockerignore", "node_modules\n!.env\n!.gkm/**\n"),
            ("node_modules/x", "x"),
            ("apps/api/index.ts", "console.log('hello')"),
        ],
    );
    root
}

/// The same client, which cannot build with BuildKit.
fn classic(folder: &Path, docker: &Path) -> PathBuf {
    let text = format!(
        "case \"$1\" in version) echo '28.0.0 1.41' ;; buildx) exit 1 ;; *) exec '{}' \"$@\" ;; esac",
        docker.display()
    );
    script(folder.join("docker"), &text)
}

/// Every byte of an image: its layers, its history and its configuration, unpacked into names and contents.
fn unpack(docker: &Path, reference: &str) -> Vec<(String, Vec<u8>)> {
    let folder = tempdir().unwrap();
    let saved = folder.path().join("image.tar");
    let status = Command::new(docker).args(["save", "--output"]).arg(&saved).arg(reference).status().unwrap();
    assert!(status.success());
    let mut found = Vec::new();
    collect(File::open(saved).unwrap(), &mut found);
    found
}

/// Takes the entries of a tar stream, and those of the streams in it.
fn collect(stream: impl Read, found: &mut Vec<(String, Vec<u8>)>) {
    let mut archive = tar::Archive::new(stream);
    for entry in archive.entries().unwrap() {
        let Ok(mut entry) = entry else { return };
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        if content.get(257..262) == Some(b"ustar") {
            collect(&content[..], found);
        }
        found.push((name, content));
    }
}

#[tokio::test]
async fn i6_no_secret_is_in_any_layer_and_the_pushed_digest_is_what_is_deployed() {
    let test = "i6_no_secret_is_in_any_layer_and_the_pushed_digest_is_what_is_deployed";
    let Some(docker) = docker(test) else { return };
    let Some(registry) = Registry::start(test, false) else { return };
    let (root, bin) = (workspace(), tempdir().unwrap());
    for (tag, program) in [("default", docker.clone()), ("classic", classic(bin.path(), &docker))] {
        let reference = format!("{}/shop-api:{tag}", registry.host);
        let lines = Mutex::new(Vec::new());
        let take = |line: &str| lines.lock().unwrap().push(line.to_owned());
        let builder = DockerBuilder::new(program);
        let built = builder.build(&build(root.path(), &reference), &take).await.unwrap();
        let lines = lines.into_inner().unwrap();
        assert!(lines.iter().any(|line| line.contains("COPY . /app/")), "{lines:?}");

        let parsed = ImageReference::parse(&reference).unwrap();
        let resolved = RegistryClient::new(None).unwrap().resolve(&parsed, None).await;
        let digest = resolved.into_digest(&parsed).unwrap();
        assert_eq!(built.reference, format!("{}/shop-api@{digest}", registry.host));

        let content = unpack(&docker, &reference);
        let has = |name: &str| content.iter().any(|(path, _)| path.trim_end_matches('/') == name);
        assert!(has("app/apps/api/index.ts"), "the app is there");
        assert!(!has("app/node_modules") && !has("app/.env") && !has("app/.git") && !has("app/.gkm/secrets"));
        for (name, bytes) in &content {
            assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "{name} of {tag}");
        }
        let label = b"https://x.example.com/?a=b c";
        assert!(content.iter().any(|(_, bytes)| bytes.windows(label.len()).any(|window| window == label)));
    }
    assert_eq!(fs::read_to_string(root.path().join(".dockerignore")).unwrap(), "node_modules\n!.env\n!.gkm/**\n");
}

#[tokio::test]
async fn a_login_pushes_and_a_wrong_one_is_refused() {
    let test = "a_login_pushes_and_a_wrong_one_is_refused";
    let Some(docker) = docker(test) else { return };
    let Some(registry) = Registry::start(test, true) else { return };
    let root = workspace();
    let build = build(root.path(), &format!("{}/org/shop-api:1", registry.host));
    let login = |password: &str| RegistryLogin {
        registry: format!("http://{}/org", registry.host),
        username: USER.to_owned(),
        password: Secret::new(password),
    };
    let built = DockerBuilder::new(&docker).login(login(PASSWORD)).build(&build, &|_| {}).await.unwrap();
    let parsed = ImageReference::parse(&build.reference).unwrap();
    let client = RegistryClient::new(None).unwrap();
    let Resolution::Digest(digest) = client.resolve(&parsed, Some(&login(PASSWORD))).await else {
        panic!("the image is there");
    };
    assert_eq!(built.reference, parsed.pinned(&digest).unwrap().to_string());

    for builder in [DockerBuilder::new(&docker).login(login("wrong-canary")), DockerBuilder::new(&docker)] {
        let error = builder.build(&build, &|_| {}).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImagePush, Some("login-refused")));
        assert!(error.hint_text().unwrap().contains("credentials.registry"));
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn a_build_that_fails_says_why() {
    let test = "a_build_that_fails_says_why";
    let Some(docker) = docker(test) else { return };
    let (root, bin) = (workspace(), tempdir().unwrap());
    files(root.path(), &[(".gkm/docker/Dockerfile.api", "FROM scratch\nCOPY not-there /x\n")]);
    for program in [docker.clone(), classic(bin.path(), &docker)] {
        let error =
            DockerBuilder::new(program).build(&build(root.path(), "127.0.0.1:1/x:1"), &|_| {}).await.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("build-failed")));
        assert!(error.log_tail().unwrap().contains("not-there"), "{:?}", error.log_tail());
    }
}

#[tokio::test]
async fn a_registry_that_is_not_there_and_a_daemon_that_is_not_there_are_told_apart() {
    let test = "a_registry_that_is_not_there_and_a_daemon_that_is_not_there_are_told_apart";
    let Some(docker) = docker(test) else { return };
    let root = workspace();
    let build = build(root.path(), "127.0.0.1:1/shop-api:1");
    let error = DockerBuilder::new(&docker).build(&build, &|_| {}).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImagePush, Some("registry-unreachable")), "{error:?}");
    let nowhere = format!("unix://{}", root.path().join("none.sock").display());
    let error = DockerBuilder::new(&docker).daemon(nowhere).build(&build, &|_| {}).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("daemon-unreachable")), "{error:?}");
}
