//! The state file: whole, private, kept.

use crate::{STAGE, child, file, generation, generation_of, mode};
use deploy_native::ErrorCode;
use deploy_native::state::{LocalStateStore, State, StateProvider};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::tempdir;

/// What today's CLI writes: fields of its own, two spaces, mode 0644 in 0755.
fn cli_file() -> Value {
    json!({
        "provider": "dokploy",
        "stage": STAGE,
        "projectId": "p1",
        "environmentId": "e1",
        "applications": { "web": "a2", "api": "a1" },
        "services": { "redisId": "r1", "postgresId": "pg1" },
        "lastDeployedAt": "2026-01-17T12:00:00.000Z",
        "appCredentials": { "api": { "dbPassword": "abc123", "dbUser": "api" } },
        "generatedSecrets": { "auth": { "BETTER_AUTH_SECRET": "secret1" } },
        "dnsVerified": { "api.example.com": { "verifiedAt": "2026", "serverIp": "1.2.3.4" } },
        "dnsRecords": { "api:A": { "domain": "example.com", "name": "api", "type": "A", "value": "1.2.3.4",
            "ttl": 300, "createdAt": "2026" } },
        "backups": { "bucketName": "b", "iamSecretAccessKey": "k", "deep": [{ "n": 0.1, "z": null }] }
    })
}

/// What is in the folder.
fn names(root: &Path) -> Vec<OsString> {
    fs::read_dir(root.join(".gkm")).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

fn put(root: &Path, bytes: &[u8]) {
    fs::create_dir_all(root.join(".gkm")).unwrap();
    fs::write(file(root, "json"), bytes).unwrap();
}

#[tokio::test]
async fn i5_files_of_the_cli_are_kept_and_made_private() {
    let root = tempdir().unwrap();
    let before = serde_json::to_string_pretty(&cli_file()).unwrap();
    put(root.path(), before.as_bytes());
    fs::set_permissions(root.path().join(".gkm"), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(file(root.path(), "json"), Permissions::from_mode(0o644)).unwrap();

    let store = LocalStateStore::new(root.path());
    let mut state = store.read(STAGE).await.unwrap().unwrap();
    state.applications.insert("admin".to_owned(), "a3".to_owned());
    store.write(STAGE, &state).await.unwrap();

    let mut expected = cli_file();
    expected["applications"]["admin"] = json!("a3");
    let after = fs::read_to_string(file(root.path(), "json")).unwrap();
    assert_eq!(after, serde_json::to_string_pretty(&expected).unwrap() + "\n");
    assert_eq!(fs::read_to_string(file(root.path(), "json.bak")).unwrap(), before);
    assert_eq!(mode(&file(root.path(), "json")), 0o600);
    assert_eq!(mode(&file(root.path(), "json.bak")), 0o600);
    assert_eq!(mode(&root.path().join(".gkm")), 0o700);
}

#[tokio::test]
async fn i5_a_new_folder_is_private_and_equal_states_keep_the_version_before() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    assert_eq!(store.read(STAGE).await.unwrap(), None);
    assert!(!root.path().join(".gkm").exists(), "reading makes no folder");
    for number in [1, 2, 2] {
        store.write(STAGE, &generation(number)).await.unwrap();
    }
    assert_eq!(mode(&root.path().join(".gkm")), 0o700);
    assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 2);
    fs::rename(file(root.path(), "json.bak"), file(root.path(), "json")).unwrap();
    assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 1);
}

#[tokio::test]
async fn i5_a_write_that_was_cut_off_after_keeping_the_version_before_is_made_up_for() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    store.write(STAGE, &generation(1)).await.unwrap();
    // Both names mean one file between the two steps of a write; renaming the one to the other does nothing then.
    fs::hard_link(file(root.path(), "json"), file(root.path(), "json.bak")).unwrap();
    store.write(STAGE, &generation(2)).await.unwrap();
    assert_eq!(generation_of(&store.read(STAGE).await.unwrap().unwrap()), 2);
    let backup = fs::read(file(root.path(), "json.bak")).unwrap();
    assert_eq!(generation_of(&serde_json::from_slice(&backup).unwrap()), 1);
    assert_eq!(names(root.path()).len(), 2, "no temporary file stays");
}

#[tokio::test]
async fn i5_a_truncated_file_is_an_error_at_every_length_and_is_never_replaced() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    store.write(STAGE, &State::new(STAGE)).await.unwrap();
    store.write(STAGE, &serde_json::from_value(cli_file()).unwrap()).await.unwrap();
    let whole = fs::read(file(root.path(), "json")).unwrap();
    // The last byte is the newline, without which the state is whole.
    for length in 0..whole.len() - 1 {
        put(root.path(), &whole[..length]);
        let error = store.read(STAGE).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StateCorrupt, "{length} bytes");
        assert!(error.message().contains("deploy-staging.json"), "{error}");
        assert!(error.hint_text().unwrap().contains("cp '"), "names the copy to restore");
        assert!(error.hint_text().unwrap().contains("deploy-staging.json.bak"));
        if length % 50 == 0 {
            let refused = store.write(STAGE, &State::new(STAGE)).await.unwrap_err();
            assert_eq!(refused.code(), ErrorCode::StateCorrupt);
            assert_eq!(fs::read(file(root.path(), "json")).unwrap(), &whole[..length]);
        }
    }
    fs::remove_file(file(root.path(), "json.bak")).unwrap();
    let hint = store.read(STAGE).await.unwrap_err().hint_text().unwrap().to_owned();
    assert!(hint.contains("copy of your own"), "{hint}");
}

#[tokio::test]
async fn i5_a_torn_temporary_file_disturbs_nobody() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    store.write(STAGE, &State::new(STAGE)).await.unwrap();
    let next = serde_json::to_vec_pretty(&cli_file()).unwrap();
    let leftover = file(root.path(), "json.left.tmp");
    for length in 0..=next.len() {
        fs::write(&leftover, &next[..length]).unwrap();
        assert_eq!(store.read(STAGE).await.unwrap().unwrap(), State::new(STAGE), "{length} bytes");
    }
    // It holds secrets, so it does not stay for ever; a young one may belong to a living writer.
    store.write(STAGE, &State::new(STAGE)).await.unwrap();
    assert!(leftover.exists());
    let long_ago = std::time::SystemTime::now() - Duration::from_hours(1);
    fs::File::open(&leftover).unwrap().set_modified(long_ago).unwrap();
    store.write(STAGE, &State::new(STAGE)).await.unwrap();
    assert!(!leftover.exists());
}

#[test]
fn i5_a_killed_writer_leaves_the_old_state_or_the_new_one() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    if let Some(root) = child::part() {
        let store = LocalStateStore::new(&root);
        return runtime().block_on(async {
            let kept = store.read(STAGE).await.unwrap();
            for number in kept.map_or(0, |state| generation_of(&state)) + 1.. {
                store.write(STAGE, &generation(number)).await.unwrap();
                child::say(&number.to_string());
            }
        });
    }
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    for round in 0..15_u64 {
        let writer =
            child::Running::start("store::i5_a_killed_writer_leaves_the_old_state_or_the_new_one", root.path());
        let first = writer.line();
        thread::sleep(Duration::from_micros(round * 1_700));
        let last = writer.kill().pop().unwrap_or(first).parse::<u64>().unwrap();
        let kept = generation_of(&runtime().block_on(store.read(STAGE)).unwrap().unwrap());
        assert!(kept == last || kept == last + 1, "{last} was durable, {kept} was found");
        if let Ok(backup) = fs::read(file(root.path(), "json.bak")) {
            let backup = generation_of(&serde_json::from_slice(&backup).unwrap());
            assert!(backup == kept || backup + 1 == kept, "the version before {kept} is {backup}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i5_concurrent_writers_and_readers_see_whole_states() {
    let root = tempdir().unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (store, done) = (LocalStateStore::new(root.path()), Arc::clone(&done));
        async move {
            let mut seen = 0_usize;
            while !done.load(Ordering::Relaxed) {
                if let Some(state) = store.read(STAGE).await.unwrap() {
                    generation_of(&state);
                    seen += 1;
                }
            }
            seen
        }
    });
    let writers = (0..4).map(|writer| {
        let store = LocalStateStore::new(root.path());
        tokio::spawn(async move {
            for number in 0..10 {
                store.write(STAGE, &generation(writer * 100 + number)).await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let last = LocalStateStore::new(root.path()).read(STAGE).await.unwrap().unwrap();
    assert_eq!(generation_of(&last) % 100, 9, "the last write of a writer wins");
    done.store(true, Ordering::Relaxed);
    assert!(reader.await.unwrap() > 0);
    assert_eq!(names(root.path()).len(), 2, "no temporary file stays");
}

#[tokio::test]
async fn i5_a_dropped_write_leaves_a_whole_state() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    store.write(STAGE, &generation(0)).await.unwrap();
    for number in 1..40 {
        let wait = Duration::from_micros(number * 50);
        let state = generation(number);
        let _ = tokio::time::timeout(wait, store.write(STAGE, &state)).await;
        generation_of(&store.read(STAGE).await.unwrap().unwrap());
    }
}

#[tokio::test]
async fn i5_a_linked_state_file_is_refused_and_a_linked_folder_is_followed() {
    let (root, other) = (tempdir().unwrap(), tempdir().unwrap());
    let target = other.path().join("target.json");
    fs::write(&target, serde_json::to_vec(&cli_file()).unwrap()).unwrap();
    fs::create_dir(root.path().join(".gkm")).unwrap();
    symlink(&target, file(root.path(), "json")).unwrap();
    let store = LocalStateStore::new(root.path());
    for error in [store.read(STAGE).await.unwrap_err(), store.write(STAGE, &State::new(STAGE)).await.unwrap_err()] {
        assert_eq!(error.code(), ErrorCode::StateIo);
        assert!(error.hint_text().unwrap().contains("symbolic link"), "{:?}", error.hint_text());
    }
    assert_eq!(fs::read(&target).unwrap(), serde_json::to_vec(&cli_file()).unwrap());

    fs::remove_dir_all(root.path().join(".gkm")).unwrap();
    symlink(other.path(), root.path().join(".gkm")).unwrap();
    store.write(STAGE, &State::new(STAGE)).await.unwrap();
    assert_eq!(store.read(STAGE).await.unwrap(), Some(State::new(STAGE)));
    assert_eq!(mode(&other.path().join("deploy-staging.json")), 0o600);
    assert!(root.path().join(".gkm").is_symlink());
}

#[tokio::test]
async fn i5_what_is_no_file_is_an_error_and_never_no_state() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    fs::create_dir_all(file(root.path(), "json")).unwrap();
    assert_eq!(store.read(STAGE).await.unwrap_err().code(), ErrorCode::StateIo);
    assert_eq!(store.write(STAGE, &State::new(STAGE)).await.unwrap_err().code(), ErrorCode::StateIo);

    fs::remove_dir(file(root.path(), "json")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(file(root.path(), "json")).status().unwrap();
    assert!(made.success());
    let read = tokio::time::timeout(Duration::from_secs(30), store.read(STAGE)).await;
    assert_eq!(read.expect("does not wait for a writer").unwrap_err().code(), ErrorCode::StateIo);

    let nowhere = LocalStateStore::new(root.path().join("missing"));
    let error = nowhere.write(STAGE, &State::new(STAGE)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateIo);
    assert!(error.hint_text().unwrap().contains("workspace's root"));
}

#[tokio::test]
async fn i5_the_state_of_another_stage_is_neither_read_nor_written() {
    let root = tempdir().unwrap();
    let store = LocalStateStore::new(root.path());
    put(root.path(), &serde_json::to_vec(&State::new("production")).unwrap());
    let error = store.read(STAGE).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StateCorrupt);
    assert!(error.message().ends_with("is of stage `production`, not of `staging`"), "{error}");
    let error = store.write("preview", &State::new(STAGE)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    assert_eq!(store.read("../staging").await.unwrap_err().code(), ErrorCode::InvalidRequest);
}
