//! The journal: what it says survives every interruption.

use crate::{STAGE, child, file, mode};
use deploy_native::ErrorCode;
use deploy_native::state::{Entry, Intent, Journal, LockOwner, Outcome, PreviousRecord, ResourceKind, StageLock};
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;
use tempfile::tempdir;
use time::OffsetDateTime;

async fn lock(root: &Path) -> StageLock {
    let owner = LockOwner::this_process("run", OffsetDateTime::UNIX_EPOCH);
    StageLock::acquire(root, STAGE, owner).await.unwrap()
}

fn epoch() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH
}

/// One of each kind.
fn intents() -> Vec<Intent> {
    let (id, name) = ("id".to_owned(), "ü \"quoted\"\n".to_owned());
    let resource = ResourceKind::Application;
    let previous = PreviousRecord { values: vec!["1.2.3.4".to_owned()], ttl: 300, unknown: Map::new() };
    vec![
        Intent::Create { resource, name: name.clone(), mark: "mark".to_owned() },
        Intent::Update { resource, name: name.clone(), id: id.clone() },
        Intent::Delete { resource, name, id: id.clone() },
        Intent::OpenDatabasePort { postgres_id: id, port: 40_000, until: "2026-01-01T00:00:00Z".to_owned() },
        Intent::Deploy { app: "api".to_owned(), title: "title".to_owned() },
        Intent::DnsUpsert { host: "api.example.com".to_owned(), previous: Some(previous) },
        Intent::DnsUpsert { host: "web.example.com".to_owned(), previous: None },
        Intent::DnsDelete { host: "api.example.com".to_owned() },
    ]
}

#[tokio::test]
async fn i3_a_journal_torn_at_any_byte_says_what_was_durable_by_then() {
    let root = tempdir().unwrap();
    let lock = lock(root.path()).await;
    let journal = Journal::open(&lock, epoch).await.unwrap();
    let path = file(root.path(), "journal");
    // What is unfinished once the file is this long.
    let mut said: Vec<(u64, Vec<Entry>)> = vec![(0, Vec::new())];
    for (number, intent) in intents().into_iter().enumerate() {
        let entry = journal.intend("step", intent.clone()).await.unwrap();
        assert_eq!((entry.intent.clone(), entry.at.as_str()), (intent, "1970-01-01T00:00:00Z"));
        said.push((fs::metadata(&path).unwrap().len(), journal.unfinished().await.unwrap()));
        if number % 2 == 0 {
            journal.settle(&entry, if number == 0 { Outcome::Done } else { Outcome::NotDone }).await.unwrap();
            said.push((fs::metadata(&path).unwrap().len(), journal.unfinished().await.unwrap()));
        }
    }
    assert_eq!(mode(&path), 0o600);
    let whole = fs::read(&path).unwrap();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let expected = &said.iter().rfind(|(end, _)| *end <= length as u64).unwrap().1;
        assert_eq!(&Journal::peek(root.path(), STAGE).await.unwrap(), expected, "{length} bytes");
        let journal = Journal::open(&lock, epoch).await.unwrap();
        let next = journal.intend("next", intents().swap_remove(0)).await.unwrap();
        assert!(expected.iter().all(|entry| entry.id < next.id), "numbers are not used twice");
        let after = Journal::peek(root.path(), STAGE).await.unwrap();
        assert_eq!((&after[..expected.len()], &after[expected.len()..]), (&expected[..], &[next][..]), "{length}");
    }
}

#[tokio::test]
async fn i3_a_damaged_line_is_named() {
    let root = tempdir().unwrap();
    let lock = lock(root.path()).await;
    let journal = Journal::open(&lock, epoch).await.unwrap();
    for intent in intents() {
        journal.intend("step", intent).await.unwrap();
    }
    let path = file(root.path(), "journal");
    let text = fs::read_to_string(&path).unwrap();
    for damage in ["", "canary", "[]", "{\"intend\":{\"id\":1}}", "{\"settle\":{}}", "{\"intend\":"] {
        let lines: Vec<&str> = text.lines().enumerate().map(|(n, line)| if n == 2 { damage } else { line }).collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let error = Journal::open(&lock, epoch).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::StateCorrupt, "{damage}");
        assert_eq!(error.reason_name(), Some("journal"));
        assert!(error.message().ends_with("line 3 is no entry"), "{error}");
        assert!(!format!("{error:?}").contains("canary"));
    }
}

#[tokio::test]
async fn i3_entries_of_later_versions_survive_and_settled_ones_are_forgotten() {
    let root = tempdir().unwrap();
    let lock = lock(root.path()).await;
    let path = file(root.path(), "journal");
    let later = r#"{"intend":{"id":7,"at":"x","step":"s","intent":{"kind":"teleport","to":[1,{"a":null}]},"new":1}}"#;
    fs::write(&path, format!("{later}\n{{\"checkpoint\":{{}}}}\n")).unwrap();
    let journal = Journal::open(&lock, epoch).await.unwrap();
    let [entry] = &journal.unfinished().await.unwrap()[..] else { panic!("one entry is unfinished") };
    let Intent::Other(fields) = &entry.intent else { panic!("{entry:?}") };
    assert_eq!(fields["kind"], Value::from("teleport"));

    let settled = journal.intend("step", intents().swap_remove(0)).await.unwrap();
    assert_eq!(settled.id, 8);
    journal.settle(&settled, Outcome::Done).await.unwrap();
    journal.compact().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{later}\n"), "kept as it stood");
    assert_eq!(mode(&path), 0o600);
    journal.settle(entry, Outcome::Done).await.unwrap();
    journal.settle(entry, Outcome::Done).await.unwrap();
    journal.compact().await.unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "");
    journal.intend("step", intents().swap_remove(0)).await.unwrap();
    assert_eq!(Journal::peek(root.path(), STAGE).await.unwrap(), journal.unfinished().await.unwrap());
}

#[test]
fn i3_what_a_killed_process_intended_is_in_the_journal() {
    let name = "journal::i3_what_a_killed_process_intended_is_in_the_journal";
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    if let Some(root) = child::part() {
        return runtime().block_on(async {
            let lock = lock(&root).await;
            let journal = Journal::open(&lock, epoch).await.unwrap();
            loop {
                let entry = journal.intend("step", intents().swap_remove(3)).await.unwrap();
                child::say(&entry.id.to_string());
            }
        });
    }
    let root = tempdir().unwrap();
    let mut kept = 0;
    for _ in 0..5 {
        let writer = child::Running::start(name, root.path());
        let first = writer.line();
        let last = writer.kill().pop().unwrap_or(first).parse::<usize>().unwrap();
        let found = runtime().block_on(Journal::peek(root.path(), STAGE)).unwrap().len();
        assert!(found == last || found == last + 1, "{last} were announced, {found} were found");
        assert!(found > kept);
        kept = found;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i3_steps_side_by_side_do_not_mix_their_lines() {
    let root = tempdir().unwrap();
    let lock = lock(root.path()).await;
    let journal = Journal::open(&lock, epoch).await.unwrap();
    let steps: Vec<_> = (0..8)
        .map(|step| {
            let journal = journal.clone();
            tokio::spawn(async move {
                for number in 0..10 {
                    let entry = journal.intend(format!("{step}"), intents().swap_remove(5)).await.unwrap();
                    if number != 9 {
                        journal.settle(&entry, Outcome::Done).await.unwrap();
                    }
                }
            })
        })
        .collect();
    for step in steps {
        step.await.unwrap();
    }
    let found = Journal::peek(root.path(), STAGE).await.unwrap();
    assert_eq!(found, journal.unfinished().await.unwrap());
    let mut steps: Vec<&str> = found.iter().map(|entry| entry.step.as_str()).collect();
    steps.sort_unstable();
    assert_eq!(steps, ["0", "1", "2", "3", "4", "5", "6", "7"]);
}
