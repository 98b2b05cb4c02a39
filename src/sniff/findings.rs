//! Turns what a worker reported into requirements and their evidence.

use super::app_paths::shown;
use super::failure::failure;
use super::protocol::Record;
use super::requirement::{Evidence, EvidenceSource, SniffedEntry};
use super::unexecuted::{Unexecuted, inspect};
use super::worker::Run;
use std::collections::BTreeMap;
use std::path::Path;

/// What a run found.
pub(super) fn gather(run: &Run, root: &Path) -> SniffedEntry {
    let unexecuted = inspect(&run.records, root);
    let mut evidence = requests(&run.records, root);
    for found in &unexecuted.found {
        push_new(&mut evidence, found.evidence(|file| shown(file, root)));
    }
    let mut optional: BTreeMap<String, bool> = BTreeMap::new();
    for found in &evidence {
        *optional.entry(found.name.clone()).or_insert(true) &= found.optional;
    }
    for found in direct_reads(&run.records, &unexecuted, root) {
        push_new(&mut evidence, found);
    }
    let env_vars: Vec<String> = optional.keys().cloned().collect();
    let optional_env_vars = optional.iter().filter(|(_, optional)| **optional).map(|(name, _)| name.clone()).collect();
    let error = failure(run, root, !env_vars.is_empty(), &unexecuted);
    SniffedEntry { env_vars, optional_env_vars, error, evidence }
}

fn push_new(evidence: &mut Vec<Evidence>, found: Evidence) {
    if !evidence.contains(&found) {
        evidence.push(found);
    }
}

/// What was asked of envkit, each place once. A request is optional when every schema made of it accepts absence.
fn requests(records: &[Record], root: &Path) -> Vec<Evidence> {
    let mut verdicts: BTreeMap<u64, (bool, Option<&String>)> = BTreeMap::new();
    for record in records {
        if let Record::Judged { id, optional, reason } = record {
            let verdict = verdicts.entry(*id).or_insert((true, reason.as_ref()));
            verdict.0 &= optional;
        }
    }
    let mut evidence = Vec::new();
    for record in records {
        match record {
            Record::Asked { id, name, file, line } => {
                let (optional, reason) = verdicts.get(id).copied().unwrap_or((false, None));
                push_new(
                    &mut evidence,
                    Evidence {
                        name: name.clone(),
                        source: EvidenceSource::Envkit,
                        file: file.as_deref().map(|file| shown(file, root)),
                        line: *line,
                        optional,
                        reason: reason.filter(|_| optional).cloned(),
                    },
                );
            }
            Record::Declared { name, file, optional } => {
                push_new(&mut evidence, declared(name, file.as_deref(), *optional, root));
            }
            _ => {}
        }
    }
    evidence
}

fn declared(name: &str, file: Option<&Path>, optional: bool, root: &Path) -> Evidence {
    Evidence {
        name: name.to_owned(),
        source: EvidenceSource::Construct,
        file: file.map(|file| shown(file, root)),
        line: None,
        optional,
        reason: optional.then(|| "marked optional by the construct".to_owned()),
    }
}

/// What the app's own files read from `process.env` by themselves, or would.
fn direct_reads<'a>(records: &'a [Record], unexecuted: &'a Unexecuted, root: &Path) -> impl Iterator<Item = Evidence> {
    let seen = records.iter().filter_map(|record| match record {
        Record::ReadEnv { name, file, line } => Some((name, file.as_deref(), *line)),
        _ => None,
    });
    let written = unexecuted.direct_reads.iter().map(|(name, file, line)| (name, Some(file.as_path()), Some(*line)));
    let found = seen.chain(written).map(|(name, file, line)| Evidence {
        name: name.clone(),
        source: EvidenceSource::ProcessEnv,
        file: file.map(|file| shown(file, root)),
        line,
        optional: true,
        reason: Some("read from process.env directly".to_owned()),
    });
    found.collect::<Vec<_>>().into_iter()
}
