//! Reads of `process.env` by modules that a route app always loads, and whether their source does without the variable.

use super::mentions::is_of_system;
use super::protocol::{Record, TargetKind};
use std::collections::BTreeSet;
use std::path::Path;

/// What follows a read whose value may be absent.
const TESTS_AFTER: [&str; 8] = ["??", "||", "&&", "?", "=", "!=", "in ", "instanceof"];
/// What stands before one.
const TESTS_BEFORE: [&str; 6] = ["!", "if (", "if(", "Boolean(", "typeof ", "while ("];

/// Whether a record's read needs the variable: a module that is always loaded read it in vain, and has nothing instead.
///
/// Gives the places, as `(name, file, line)`.
pub(super) fn always_read(records: &[Record]) -> BTreeSet<(String, std::path::PathBuf, u32)> {
    let lacked: BTreeSet<&str> = records
        .iter()
        .filter_map(|record| match record {
            Record::Lacked { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let mut needed = BTreeSet::new();
    let mut kind = None;
    for record in records {
        match record {
            Record::Started { kind: started, .. } => kind = Some(*started),
            Record::ReadEnv { name, file: Some(file), line: Some(line) } => {
                let always = matches!(kind, Some(TargetKind::Module | TargetKind::Hooks | TargetKind::EnvParser));
                if always && lacked.contains(name.as_str()) && !is_of_system(name) && !has_fallback(file, name) {
                    needed.insert((name.clone(), file.clone(), *line));
                }
            }
            _ => {}
        }
    }
    needed
}

fn has_fallback(file: &Path, name: &str) -> bool {
    std::fs::read_to_string(file).is_ok_and(|text| tests_absence(&text, name))
}

/// Whether a source text tests a variable for absence, or has a value in its place.
fn tests_absence(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let rest = &text[at + name.len()..];
        let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '$';
        if rest.starts_with(inside) || text[..at].ends_with(inside) {
            return false;
        }
        let after = behind(rest);
        let expression = |letter: char| inside(letter) || ".?['\"`".contains(letter);
        let before = text[..at].trim_end_matches(expression).trim_end_matches('!').len();
        let negated = text[..at].trim_end_matches(expression).ends_with('!');
        negated
            || has_default(after)
            || TESTS_AFTER.iter().any(|test| after.starts_with(test))
            || TESTS_BEFORE.iter().any(|test| text[..before].ends_with(test))
    })
}

/// What follows a read, behind quotes, brackets and what is said of its type.
fn behind(text: &str) -> &str {
    let text = text.trim_start_matches(['\'', '"', '`', ']', ')', '!']).trim_start();
    let Some(of_type) = text.strip_prefix("as ") else { return text };
    of_type
        .trim_start_matches(|letter: char| letter.is_alphanumeric() || "_|<> ".contains(letter))
        .trim_start_matches(')')
        .trim_start()
}

/// `{ NAME: local = value } = process.env`, seen from behind the name.
fn has_default(after: &str) -> bool {
    let local = after.strip_prefix(':').map(str::trim_start);
    let rest = local.map(|local| local.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_'));
    rest.is_some_and(|rest| rest.trim_start().starts_with('=') && !rest.trim_start().starts_with("=="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_and_values_in_its_place_are_told_from_plain_reads() {
        let with = [
            "level: process.env.A ?? 'info'",
            "process.env['A'] || 'x'",
            "if (process.env.A) start()",
            "const on = !!process.env.A;",
            "process.env.A === 'true'",
            "process.env.A ? 1 : 2",
            "process.env.A?.split(',')",
            "const { A = 'x' } = process.env",
            "process.env.A ??= 'x'",
            "'A' in process.env",
            "const { A: a = 'x' } = process.env",
            "Number(process.env.A) || 3000",
            "(process.env.A as string) || 'x'",
        ];
        for text in with {
            assert!(tests_absence(text, "A"), "{text}");
        }
        let without = [
            "init({ dsn: process.env.A })",
            "new URL(process.env.A!)",
            "const { A } = process.env;",
            "process.env.A as string",
            "process.env.A.split(',')",
            "process.env.AB || 'x'",
            "send(process.env.A, x ?? y)",
        ];
        for text in without {
            assert!(!tests_absence(text, "A"), "{text}");
        }
    }
}
