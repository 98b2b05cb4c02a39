//! What is sent to a builder, and when it counts as changed. The stand-in for `docker` keeps the stream that it is sent.

use crate::{CANARY, build, files, stand_in};
use deploy_native::image::{DockerBuilder, ImageBuild, ImageBuilder};
use deploy_native::{DeployError, ErrorCode};
use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use tempfile::{TempDir, tempdir};

const REFERENCE: &str = "127.0.0.1:1/shop-api:1";

/// The entries of a tar stream: their names, and what they hold.
fn entries(path: &Path) -> Vec<(String, String)> {
    let mut archive = tar::Archive::new(File::open(path).unwrap());
    let entry = |mut entry: tar::Entry<'_, File>| {
        let name = entry.path().unwrap().to_string_lossy().into_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        let header = entry.header();
        assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0), "everything belongs to root");
        let kind = match header.entry_type() {
            tar::EntryType::Directory => "folder".to_owned(),
            tar::EntryType::Symlink => format!("-> {}", entry.link_name().unwrap().unwrap().display()),
            _ => format!("{:o} {content}", header.mode().unwrap()),
        };
        (name, kind)
    };
    archive.entries().unwrap().map(|found| entry(found.unwrap())).collect()
}

/// Sends the context of `root` to a builder and returns what arrived.
async fn sent(root: &Path) -> Result<Vec<(String, String)>, DeployError> {
    let bin = tempdir().unwrap();
    let digest = format!("1: digest: sha256:{} size: 1", "0".repeat(64));
    let builder = DockerBuilder::new(stand_in(bin.path(), "cat > sent.tar", &format!("echo '{digest}'")));
    builder.build(&build(root, REFERENCE), &|_| {}).await?;
    Ok(entries(&bin.path().join("sent.tar")))
}

fn workspace() -> TempDir {
    let root = tempdir().unwrap();
    files(root.path(), &[(".gkm/docker/Dockerfile.api", "FROM scratch\n"), ("src/a.ts", "a"), ("src/b.ts", "b")]);
    for path in ["src/a.ts", "src/b.ts"] {
        fs::set_permissions(root.path().join(path), Permissions::from_mode(0o644)).unwrap();
    }
    root
}

fn entry(name: &str, kind: &str) -> (String, String) {
    (name.to_owned(), kind.to_owned())
}

#[tokio::test]
async fn i6_what_may_hold_secrets_is_not_sent_whatever_the_rules_say() {
    let root = workspace();
    let secret = [
        ".env",
        ".env.production",
        "apps/api/.env.local",
        ".git/config",
        ".gkm/deploy-staging.json",
        ".gkm/deploy-staging.json.bak",
        ".gkm/deploy-staging.journal",
        ".gkm/secrets/staging.json",
        ".gkm/cache/x",
    ];
    files(root.path(), &secret.map(|path| (path, CANARY)));
    for rules in ["", "!**\n!.env\n!.gkm/secrets", "*\n!.gkm\n!.env*\n!apps", "**\n!**/.env*\n!**/*.json"] {
        fs::write(root.path().join(".dockerignore"), rules).unwrap();
        let sent = sent(root.path()).await.unwrap();
        assert!(sent.iter().all(|(_, content)| !content.contains(CANARY)), "{rules}: {sent:?}");
        assert!(sent.iter().all(|(name, _)| !secret.contains(&name.as_str())), "{rules}: {sent:?}");
        assert_eq!(fs::read_to_string(root.path().join(".dockerignore")).unwrap(), rules, "the user's file stays");
    }
}

#[tokio::test]
async fn the_stream_holds_the_files_as_they_are_in_a_fixed_order() {
    let root = workspace();
    let long = format!("deep/{}/{}/file", "x".repeat(120), "y".repeat(120));
    files(root.path(), &[("run.sh", "echo"), ("ümläut", "u"), (&long, "long")]);
    fs::set_permissions(root.path().join("run.sh"), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(root.path().join("ümläut"), Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(root.path().join(&long), Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(root.path().join("empty")).unwrap();
    symlink("/etc/passwd", root.path().join("link")).unwrap();
    symlink("src", root.path().join("linked-folder")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(root.path().join("socket")).unwrap();

    let (parent, _) = long.rsplit_once('/').unwrap();
    let (grandparent, _) = parent.rsplit_once('/').unwrap();
    let expected = vec![
        entry(".gkm/docker/Dockerfile.api", "644 FROM scratch\n"),
        entry(".gkm", "folder"),
        entry(".gkm/docker", "folder"),
        entry("deep", "folder"),
        entry(grandparent, "folder"),
        entry(parent, "folder"),
        entry(&long, "644 long"),
        entry("empty", "folder"),
        entry("link", "-> /etc/passwd"),
        entry("linked-folder", "-> src"),
        entry("run.sh", "755 echo"),
        entry("src", "folder"),
        entry("src/a.ts", "644 a"),
        entry("src/b.ts", "644 b"),
        entry("ümläut", "600 u"),
    ];
    assert_eq!(sent(root.path()).await.unwrap(), expected);
}

#[tokio::test]
async fn ignore_rules_hold_and_the_dockerfile_is_sent_all_the_same() {
    let root = workspace();
    files(root.path(), &[("node_modules/x/y", "n"), ("docs/a", "d"), ("docs/keep/b", "k")]);
    fs::write(root.path().join(".dockerignore"), "node_modules\n.gkm\ndocs\n!docs/keep\n").unwrap();
    let names =
        async || -> Vec<String> { sent(root.path()).await.unwrap().into_iter().map(|(name, _)| name).collect() };
    let dockerfile = ".gkm/docker/Dockerfile.api";
    assert_eq!(names().await, [dockerfile, "docs", "docs/keep", "docs/keep/b", "src", "src/a.ts", "src/b.ts"]);

    // The rules beside the Dockerfile stand in for the common ones, as BuildKit has it.
    fs::write(root.path().join(".gkm/docker/Dockerfile.api.dockerignore"), "**\n!src/a.ts\n").unwrap();
    assert_eq!(names().await, [dockerfile, "src", "src/a.ts"]);
}

#[tokio::test]
async fn a_dockerfile_outside_of_the_context_is_sent_too() {
    let (root, other) = (workspace(), tempdir().unwrap());
    files(other.path(), &[("Dockerfile", "FROM scratch\nLABEL a=b\n")]);
    let bin = tempdir().unwrap();
    let digest = format!("echo '1: digest: sha256:{} size: 1'", "0".repeat(64));
    let builder = DockerBuilder::new(stand_in(bin.path(), "printf '%s\\n' \"$@\" > argv; cat > sent.tar", &digest));
    let mut build = build(root.path(), REFERENCE);
    build.dockerfile = other.path().join("Dockerfile");
    builder.build(&build, &|_| {}).await.unwrap();
    let first = entries(&bin.path().join("sent.tar")).remove(0);
    assert_eq!(first, entry(".deploy-native.Dockerfile", "644 FROM scratch\nLABEL a=b\n"));
    let argv = fs::read_to_string(bin.path().join("argv")).unwrap();
    let expected = [
        "build",
        "--platform",
        "linux/amd64",
        "-t",
        REFERENCE,
        "-f",
        ".deploy-native.Dockerfile",
        "--build-arg",
        "PUBLIC_URL=https://x.example.com/?a=b c",
        "-",
    ];
    assert_eq!(argv.lines().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn i9_the_fingerprint_changes_with_what_the_image_consists_of_and_with_nothing_else() {
    let root = workspace();
    let path = |name: &str| root.path().join(name);
    fs::write(path(".dockerignore"), "ignored\n").unwrap();
    let builder = DockerBuilder::new("docker-is-not-asked");
    let fingerprint = async |build: &ImageBuild| builder.fingerprint(build).await.unwrap().unwrap();
    let of_root = || build(root.path(), REFERENCE);
    let first = fingerprint(&of_root()).await;
    assert!(first.starts_with("sha256:") && first.len() == 71, "{first}");

    let same: [(&str, &dyn Fn()); 6] = [
        ("an ignored file", &|| files(root.path(), &[("ignored/x", "x")])),
        ("our own state", &|| files(root.path(), &[(".gkm/deploy-staging.json", "x"), (".env", "x")])),
        ("the time of a file", &|| fs::write(path("src/a.ts"), "a").unwrap()),
        ("the rights of others", &|| fs::set_permissions(path("src/a.ts"), Permissions::from_mode(0o664)).unwrap()),
        ("a rule that changes nothing", &|| fs::write(path(".dockerignore"), "ignored\n# c\nnowhere\n").unwrap()),
        ("a socket", &|| drop(std::os::unix::net::UnixListener::bind(path("socket")).unwrap())),
    ];
    for (what, change) in same {
        change();
        assert_eq!(fingerprint(&of_root()).await, first, "{what}");
    }

    let mut seen = BTreeMap::from([(first, "the first")]);
    let changes: [(&str, &dyn Fn()); 9] = [
        ("content", &|| fs::write(path("src/a.ts"), "aa").unwrap()),
        ("content that moves between files", &|| {
            fs::write(path("src/a.ts"), "aab").unwrap();
            fs::write(path("src/b.ts"), "").unwrap();
        }),
        ("a name", &|| fs::rename(path("src/b.ts"), path("src/c.ts")).unwrap()),
        ("an empty folder", &|| fs::create_dir(path("empty")).unwrap()),
        ("the executable bit", &|| fs::set_permissions(path("src/a.ts"), Permissions::from_mode(0o755)).unwrap()),
        ("a link", &|| symlink("a", path("link")).unwrap()),
        ("where a link points to", &|| {
            fs::remove_file(path("link")).unwrap();
            symlink("b", path("link")).unwrap();
        }),
        ("a file instead of a link", &|| {
            fs::remove_file(path("link")).unwrap();
            fs::write(path("link"), "b").unwrap();
        }),
        ("the Dockerfile", &|| fs::write(path(".gkm/docker/Dockerfile.api"), "FROM x\n").unwrap()),
    ];
    for (what, change) in changes {
        change();
        let twin = seen.insert(fingerprint(&of_root()).await, what);
        assert_eq!(twin, None, "{what}");
    }
    let mut other = of_root();
    other.build_args.insert("PUBLIC_B".to_owned(), "b".to_owned());
    assert_eq!(seen.insert(fingerprint(&other).await, "a build argument"), None);
    other.platform = "linux/arm64".to_owned();
    assert_eq!(seen.insert(fingerprint(&other).await, "the platform"), None);
    let renamed = of_root().app("web".to_owned()).reference("127.0.0.1:1/x:2".to_owned());
    assert_eq!(fingerprint(&renamed).await, fingerprint(&of_root()).await, "what it is called does not count");
}

#[tokio::test]
async fn a_file_that_vanishes_while_it_is_sent_fails_the_build_though_the_builder_is_content() {
    let root = workspace();
    // Larger than a pipe holds, so that the last file is opened only when the builder reads.
    files(root.path(), &[("first", &"x".repeat(1 << 20)), ("vanishing", "y")]);
    let bin = tempdir().unwrap();
    let vanish = format!("rm '{}'; cat > /dev/null", root.path().join("vanishing").display());
    let builder = DockerBuilder::new(stand_in(bin.path(), &vanish, "touch pushed"));
    let error = builder.build(&build(root.path(), REFERENCE), &|_| {}).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("context-unreadable")));
    assert!(error.message().contains("vanishing"), "{error}");
    assert!(!bin.path().join("pushed").exists());
}

#[tokio::test]
async fn what_cannot_be_read_is_named() {
    let root = workspace();
    let builder = DockerBuilder::new("docker-is-not-asked");
    let mut missing = build(root.path(), REFERENCE);
    missing.dockerfile = root.path().join("Dockerfile.none");
    let error = builder.fingerprint(&missing).await.unwrap_err();
    assert_eq!((error.code(), error.reason_name()), (ErrorCode::ImageBuild, Some("dockerfile-missing")));
    assert!(error.message().contains("Dockerfile.none") && error.hint_text().is_some(), "{error}");

    let mut missing = build(root.path(), REFERENCE);
    missing.context = root.path().join("none");
    assert_eq!(builder.fingerprint(&missing).await.unwrap_err().reason_name(), Some("context-missing"));

    fs::write(root.path().join(".dockerignore"), "a\n[b").unwrap();
    let error = builder.fingerprint(&build(root.path(), REFERENCE)).await.unwrap_err();
    assert_eq!((error.reason_name(), error.app_name()), (Some("ignore-file"), Some("api")));
    assert!(error.message().contains("line 2"), "{error}");
}
