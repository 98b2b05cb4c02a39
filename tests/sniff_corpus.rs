//! Every case of `__test__/corpus/cases` gives what its `expected.json` says, and nothing is missed or made up.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![expect(clippy::print_stdout, reason = "precision and recall are to be seen")]

mod sniff_support;

use deploy_native::sniff::{Evidence, EvidenceSource, SniffOptions, SniffedEnvironment, sniff_app};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use sniff_support::{app, corpus, nodes};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What a case must give.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expected {
    /// What the case is about, for readers.
    about: String,
    /// The app, as in a workspace; its path is the case's folder unless it says otherwise.
    #[serde(default)]
    app: serde_json::Value,
    /// Short for `app: { entry }`.
    entry: Option<String>,
    #[serde(default)]
    required: BTreeSet<String>,
    #[serde(default)]
    optional: BTreeSet<String>,
    /// Names read from `process.env` directly.
    #[serde(default)]
    process_env: BTreeSet<String>,
    /// Name to `file:line` that must be among its evidence.
    #[serde(default)]
    evidence: BTreeMap<String, String>,
    /// Name to the reason why it is optional.
    #[serde(default)]
    reasons: BTreeMap<String, String>,
    /// How it fails; absent where it must not.
    failure: Option<Failure>,
    /// The deadline; default 30 s.
    deadline_ms: Option<u64>,
    /// The lowest major version of Node on which the case holds; default any.
    min_node: Option<u32>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Failure {
    kind: String,
    fatal: bool,
    #[serde(default)]
    partial: bool,
    /// A text that the message or the stack must hold.
    contains: Option<String>,
}

/// How well names were found.
#[derive(Debug, Default)]
struct Score {
    found: usize,
    missed: usize,
    made_up: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_corpus_is_found_exactly() {
    let cases = cases();
    assert!(!cases.is_empty());
    let mut faults = Vec::new();
    for (major, node) in nodes() {
        let mut score = Score::default();
        let runs = cases.iter().filter(|(_, expected)| expected.min_node.is_none_or(|minimum| major >= minimum));
        let results: Vec<_> = stream::iter(runs)
            .map(|(folder, expected)| {
                let node = node.clone();
                async move { (folder, expected, sniff(folder, expected, node).await) }
            })
            .buffer_unordered(4)
            .collect()
            .await;
        let count = results.len();
        for (folder, expected, sniffed) in results {
            score.add(expected, &sniffed);
            let name = folder.strip_prefix(corpus().join("cases")).unwrap().display();
            let wrong = differences(expected, &sniffed);
            if !wrong.is_empty() {
                faults.push(format!("Node {major}, {name} ({}):\n    {}", expected.about, wrong.join("\n    ")));
            }
        }
        println!(
            "Node {major}: {count} cases, {} required names, precision {:.3}, recall {:.3}",
            score.found + score.missed,
            score.precision(),
            score.recall()
        );
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// The law of files that are not deployed: with and without them, the answer is the same.
#[tokio::test(flavor = "multi_thread")]
async fn env_files_on_this_machine_change_nothing() {
    let cases = cases();
    let runs = cases.iter().map(|(folder, expected)| async move {
        let copy = tempfile::Builder::new().prefix("env-files-").tempdir_in(corpus()).unwrap();
        // The case's own folder name counts where a case is about its path.
        let copied = copy.path().join(folder.file_name().unwrap());
        copy_folder(folder, &copied);
        let shared = folder.parent().unwrap().join("node_modules");
        if shared.is_dir() {
            std::os::unix::fs::symlink(shared, copy.path().join("node_modules")).unwrap();
        }
        let had = remove_env_files(&copied);
        if !had {
            write_env_files(&copied, expected);
        }
        let sniffed = sniff(&copied, expected, PathBuf::from("node")).await;
        let change = if had { "without" } else { "with" };
        let wrong = differences(expected, &sniffed);
        (!wrong.is_empty()).then(|| format!("{} {change} .env files:\n    {}", folder.display(), wrong.join("\n    ")))
    });
    let faults: Vec<String> = stream::iter(runs).buffer_unordered(4).filter_map(async |fault| fault).collect().await;
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else if kind.is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Removes what lies only on a developer's machine; says whether there was any.
fn remove_env_files(folder: &Path) -> bool {
    let mut found = false;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            found |= name != "node_modules" && remove_env_files(&entry.path());
        } else if is_env_file(&name) {
            std::fs::remove_file(entry.path()).unwrap();
            found = true;
        }
    }
    found
}

/// Whether this is `.env`, `.env.local`, `production.env`, …, and not a template of one.
fn is_env_file(name: &str) -> bool {
    name.split('.').skip(1).any(|part| part == "env") && !name.ends_with(".example")
}

/// Gives every name of a case a value that no schema would refuse for being absent.
fn write_env_files(folder: &Path, expected: &Expected) {
    let names = expected.required.iter().chain(&expected.optional).chain(&expected.process_env);
    let text = names.fold(String::new(), |text, name| text + name + "=from-a-file\n");
    for name in [".env", ".env.local", ".env.production", ".env.production.local"] {
        std::fs::write(folder.join(name), &text).unwrap();
    }
}

impl Score {
    fn add(&mut self, expected: &Expected, sniffed: &SniffedEnvironment) {
        let found: BTreeSet<String> = sniffed.required_env_vars.iter().cloned().collect();
        self.found += found.intersection(&expected.required).count();
        self.missed += expected.required.difference(&found).count();
        self.made_up += found.difference(&expected.required).count();
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn precision(&self) -> f64 {
        self.found as f64 / (self.found + self.made_up).max(1) as f64
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn recall(&self) -> f64 {
        self.found as f64 / (self.found + self.missed).max(1) as f64
    }
}

fn cases() -> Vec<(PathBuf, Expected)> {
    let only = std::env::var("SNIFF_CASE").ok();
    let root = corpus().join("cases");
    // A case, or a kind of cases with a folder for each variant.
    let folders = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    };
    let is_case = |folder: &PathBuf| folder.join("expected.json").is_file();
    let (cases, kinds): (Vec<_>, Vec<_>) = folders(&root).into_iter().partition(is_case);
    let variants = kinds.iter().flat_map(|kind| folders(kind)).filter(is_case);
    let mut cases: Vec<_> = cases
        .into_iter()
        .chain(variants)
        .filter(|folder| only.as_ref().is_none_or(|only| folder.to_string_lossy().contains(only)))
        .map(|folder| {
            let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
            let expected = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            (folder, expected)
        })
        .collect();
    cases.sort_by(|(a, _), (b, _)| a.cmp(b));
    cases
}

async fn sniff(folder: &Path, expected: &Expected, node: PathBuf) -> SniffedEnvironment {
    let mut declared = expected.app.clone();
    if let Some(entry) = &expected.entry {
        declared = serde_json::json!({ "entry": entry });
    }
    let options = SniffOptions::default()
        .node(node)
        .cache(false)
        .deadline(Duration::from_millis(expected.deadline_ms.unwrap_or(30_000)));
    sniff_app(&app(&declared), "app", folder, &options).await.unwrap()
}

fn differences(expected: &Expected, sniffed: &SniffedEnvironment) -> Vec<String> {
    let mut wrong = Vec::new();
    let required: BTreeSet<String> = sniffed.required_env_vars.iter().cloned().collect();
    if required != expected.required {
        wrong.push(format!("required {required:?}, expected {:?}", expected.required));
    }
    let optional: BTreeSet<String> = sniffed.optional_env_vars.iter().cloned().collect();
    if optional != expected.optional {
        wrong.push(format!("optional {optional:?}, expected {:?}", expected.optional));
    }
    let direct: BTreeSet<String> = sniffed
        .evidence
        .iter()
        .filter(|found| found.source == EvidenceSource::ProcessEnv)
        .map(|found| found.name.clone())
        .collect();
    if direct != expected.process_env {
        wrong.push(format!("read directly {direct:?}, expected {:?}", expected.process_env));
    }
    for (name, place) in &expected.evidence {
        let places: Vec<String> = named(&sniffed.evidence, name).filter_map(place_of).collect();
        if !places.contains(place) {
            wrong.push(format!("{name} found at {places:?}, expected {place}"));
        }
    }
    for (name, reason) in &expected.reasons {
        let reasons: Vec<&String> = named(&sniffed.evidence, name).filter_map(|found| found.reason.as_ref()).collect();
        if !reasons.contains(&reason) {
            wrong.push(format!("{name} optional because of {reasons:?}, expected {reason}"));
        }
    }
    wrong.extend(failure_difference(expected, sniffed));
    wrong
}

fn failure_difference(expected: &Expected, sniffed: &SniffedEnvironment) -> Option<String> {
    match (&expected.failure, &sniffed.error) {
        (None, None) => None,
        (Some(wanted), Some(failure)) => {
            let text = format!("{}\n{}", failure.message, failure.stack.as_deref().unwrap_or_default());
            let same =
                wanted.kind == failure.kind && wanted.fatal == failure.fatal && wanted.partial == failure.partial;
            let told = wanted.contains.as_ref().is_none_or(|part| text.contains(part));
            (!same || !told).then(|| format!("failure {failure:?}, expected {wanted:?}"))
        }
        (wanted, failure) => Some(format!("failure {failure:?}, expected {wanted:?}")),
    }
}

fn named<'a>(evidence: &'a [Evidence], name: &'a str) -> impl Iterator<Item = &'a Evidence> {
    evidence.iter().filter(move |found| found.name == name)
}

fn place_of(found: &Evidence) -> Option<String> {
    Some(format!("{}:{}", found.file.as_ref()?, found.line?))
}
