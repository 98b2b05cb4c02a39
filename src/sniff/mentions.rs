//! Which variables a failure names, and where the app's own source names them.

use super::protocol::{Record, Thrown};
use super::worker::Run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// How far from a variable's name a message says what its value must be.
const CONSTRAINT_WITHIN: usize = 240;
/// What a message says of a value, and a text that fits.
const KINDS: [(&str, &str); 12] = [
    ("number", "3000"),
    ("NaN", "3000"),
    ("integer", "3000"),
    ("boolean", "true"),
    ("bool", "true"),
    ("email", "sniff@example.com"),
    ("uuid", "00000000-0000-4000-8000-000000000000"),
    ("date", "2026-01-01T00:00:00Z"),
    ("JSON", "{}"),
    ("array", "[]"),
    ("host", "localhost"),
    ("port", "3000"),
];
/// Longer files are bundles, whose words tell nothing.
const LONGEST_SOURCE: u64 = 1024 * 1024;

/// A variable without which the app does not load, and where it says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lack {
    /// The variable.
    pub(super) name: String,
    /// The file, as on disk.
    pub(super) file: Option<PathBuf>,
    /// The line, from 1.
    pub(super) line: Option<u32>,
}

/// What a failure names.
#[derive(Debug, Default)]
pub(super) struct Mentions {
    /// The variables that were asked for in vain.
    pub(super) lacks: Vec<Lack>,
    /// Words that look like variables and that the app's source uses as names: a copy of `process.env` is not watched.
    pub(super) words: Vec<Lack>,
    text: String,
}

impl Mentions {
    /// What a run's failure names: the error, if one was thrown, and what the app wrote.
    pub(super) fn of(run: &Run, thrown: Option<&Thrown>) -> Self {
        let error = thrown.map(|thrown| format!("{}\n{}", thrown.message, thrown.detail)).unwrap_or_default();
        let (error, printed) = (uncoloured(&error), uncoloured(&format!("{}\n{}", run.stdout, run.stderr)));
        let in_error: BTreeSet<&str> = words(&error).collect();
        let all: BTreeSet<&str> = in_error.iter().copied().chain(words(&printed)).collect();
        let loaded: Vec<&Path> = run
            .records
            .iter()
            .filter_map(|record| match record {
                Record::Loaded { file } => Some(file.as_path()),
                _ => None,
            })
            .collect();
        let lacks: Vec<Lack> = lacked(&run.records)
            .into_iter()
            .filter(|lack| !is_of_system(&lack.name))
            .filter(|lack| {
                let said = if lack.file.is_some() { &all } else { &in_error };
                said.contains(lack.name.as_str())
            })
            .map(|lack| placed(lack, &loaded, is_named))
            .collect();
        let text = format!("{error}\n{printed}");
        let other = all.iter().filter(|word| is_like_variable(word) && !lacks.iter().any(|lack| lack.name == **word));
        let words = other
            .filter(|word| !is_of_system(word) && (word.contains('_') || is_quoted(&text, word)))
            .map(|word| placed(Lack { name: (*word).to_owned(), file: None, line: None }, &loaded, is_key))
            .filter(|lack| lack.file.is_some())
            .collect();
        Self { lacks, words, text }
    }

    /// Whether it names a variable.
    pub(super) fn names(&self, variable: &str) -> bool {
        is_named(&self.text, variable)
    }

    /// The values of a variable that it says or seems to say to be valid, the likeliest first.
    pub(super) fn valid_values(&self, variable: &str) -> Vec<String> {
        let (mut kinds, mut lists) = (Vec::new(), Vec::new());
        for (at, _) in self.text.match_indices(variable).filter(|(at, _)| is_whole(&self.text, *at, variable)) {
            let near = around(&self.text, at, CONSTRAINT_WITHIN);
            lists.extend(listed_values(near).into_iter().filter(|value| value != variable));
            kinds.extend(KINDS.iter().filter(|(kind, _)| near.contains(kind)).map(|(_, value)| (*value).to_owned()));
        }
        // What a deployed app would have comes first; lists may be of something else, so both take turns.
        lists.sort_by_key(|value| !matches!(value.as_str(), "production" | "prod"));
        let (mut lists, mut kinds) = (lists.into_iter(), kinds.into_iter());
        let mut values: Vec<String> = Vec::new();
        loop {
            let turn: Vec<String> = lists.next().into_iter().chain(kinds.next()).collect();
            if turn.is_empty() {
                return values;
            }
            values.extend(turn.into_iter().filter(|value| !values.contains(value)).collect::<Vec<_>>());
        }
    }
}

/// Whether a word at a place of a text is no part of a longer one.
fn is_whole(text: &str, at: usize, word: &str) -> bool {
    let inside = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    !text[..at].ends_with(inside) && !text[at + word.len()..].starts_with(inside)
}

/// The text without the signs that colour it on a terminal.
fn uncoloured(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = behind.trim_start_matches(|letter: char| letter.is_ascii_digit() || letter == ';');
        rest = rest.strip_prefix('m').unwrap_or(rest);
    }
    plain + rest
}

/// What stands around a place of a text, up to `distance` bytes on either side.
fn around(text: &str, at: usize, distance: usize) -> &str {
    let start = (at.saturating_sub(distance)..=at).find(|it| text.is_char_boundary(*it)).unwrap_or(at);
    let end = (at + distance..text.len()).find(|it| text.is_char_boundary(*it)).unwrap_or(text.len());
    &text[start..end]
}

/// The members of lists that a message holds: `["a", "b"]`, `[a, b]`, `"a"|"b"`.
fn listed_values(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "_-./:\"'` ,|\n".contains(letter);
    let lists = text.split(|letter: char| !is_part(letter)).filter(|list| list.contains([',', '|']));
    let bare = |item: &str| item.trim().trim_matches(['"', '\'', '`']).to_owned();
    let members = lists.flat_map(|list| list.split([',', '|'])).map(bare);
    members
        .filter(|item| !item.is_empty() && item.len() <= 64 && !item.contains([' ', ':', '"', '\'']))
        .filter(|item| !item.chars().any(|letter| letter.is_ascii_uppercase() && item.contains('_')))
        .collect()
}

/// Each variable that was asked for in vain, with the place of the app's own where there is one.
fn lacked(records: &[Record]) -> Vec<Lack> {
    let mut lacks: Vec<Lack> = Vec::new();
    for record in records {
        let Record::Lacked { name, file, line } = record else { continue };
        match lacks.iter_mut().find(|lack| lack.name == *name) {
            Some(lack) if lack.file.is_none() => (lack.file, lack.line) = (file.clone(), *line),
            Some(_) => {}
            None => lacks.push(Lack { name: name.clone(), file: file.clone(), line: *line }),
        }
    }
    lacks
}

/// The place where the app's own source names a variable: nearest to where it was asked for, else in another loaded file.
fn placed(lack: Lack, loaded: &[&Path], is_meant: fn(&str, &str) -> bool) -> Lack {
    let asked = lack.file.as_deref();
    for file in asked.into_iter().chain(loaded.iter().rev().copied().filter(|file| Some(*file) != asked)) {
        let near = lack.line.filter(|_| Some(file) == asked).unwrap_or(1);
        if let Some(line) = nearest_line(file, &lack.name, near, is_meant) {
            return Lack { file: Some(file.to_path_buf()), line: Some(line), ..lack };
        }
    }
    lack
}

fn nearest_line(file: &Path, word: &str, near: u32, is_meant: fn(&str, &str) -> bool) -> Option<u32> {
    if std::fs::metadata(file).ok()?.len() > LONGEST_SOURCE {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    let lines = text.lines().enumerate().filter(|(_, line)| !is_comment(line) && is_meant(line, word));
    lines.filter_map(|(index, _)| u32::try_from(index + 1).ok()).min_by_key(|line| line.abs_diff(near))
}

fn is_comment(line: &str) -> bool {
    ["//", "*", "/*"].iter().any(|start| line.trim_start().starts_with(start))
}

fn is_named(line: &str, word: &str) -> bool {
    words(line).any(|it| it == word)
}

/// Whether a line uses a word as the name of something: `WORD:`, `.WORD`, `'WORD'`.
fn is_key(line: &str, word: &str) -> bool {
    is_named(line, word)
        && line.match_indices(word).any(|(at, _)| {
            let after = line[at + word.len()..].trim_start_matches(['\'', '"', '`']).trim_start();
            line[..at].ends_with(['.', '\'', '"', '`']) || after.starts_with(':')
        })
}

fn is_quoted(text: &str, word: &str) -> bool {
    ['\'', '"', '`'].iter().any(|quote| text.contains(&format!("{quote}{word}{quote}")))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_' && letter != '$')
        .filter(|word| !word.is_empty())
}

/// Whether a word is written as variables are: capitals, and not only one word of them.
fn is_like_variable(word: &str) -> bool {
    word.len() > 2
        && word.starts_with(|letter: char| letter.is_ascii_uppercase())
        && word.chars().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// Whether a variable is one that the system, Node or a container gives, not the deployment.
pub(super) fn is_of_system(name: &str) -> bool {
    const NAMES: [&str; 28] = [
        "CI",
        "COLORTERM",
        "DEBUG",
        "EDITOR",
        "FORCE_COLOR",
        "GKM_SNIFF",
        "HOME",
        "HOSTNAME",
        "INIT_CWD",
        "LANG",
        "LOGNAME",
        "NODE_ENV",
        "NO_COLOR",
        "PATH",
        "PWD",
        "SHELL",
        "SHLVL",
        "TERM",
        "TEMP",
        "TMP",
        "TMPDIR",
        "TZ",
        "USER",
        "USERNAME",
        "COLUMNS",
        "LINES",
        "VITEST",
        "JEST_WORKER_ID",
    ];
    NAMES.contains(&name) || ["NODE_", "npm_", "XDG_", "LC_"].iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_values_are_read_from_messages() {
        let valid =
            |text: &str, name: &str| Mentions { text: uncoloured(text), ..Mentions::default() }.valid_values(name);
        let zod = r#"[{ "code": "invalid_value", "values": ["development", "production"], "path": ["APP_ENV"] }]"#;
        assert_eq!(valid(zod, "APP_ENV")[..2], ["production", "development"]);
        assert_eq!(valid("\"MODE\" must be one of [a, b]", "MODE")[..2], ["a", "b"]);
        assert_eq!(valid("\u{1b}[34mMODE\u{1b}[0m: Value \"x\" not in choices [a,b]", "MODE")[..2], ["a", "b"]);
        assert_eq!(valid("N: expected number, received string", "N"), ["3000"]);
    }

    #[test]
    fn a_variable_is_placed_where_the_source_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("env.ts");
        std::fs::write(
            &file,
            "// DATABASE_URL\nconst a = 1;\nconst env = createEnv({\n  DATABASE_URL: z.string(),\n});\n",
        )
        .unwrap();
        let lack = |file: Option<&PathBuf>| Lack { name: "DATABASE_URL".to_owned(), file: file.cloned(), line: None };
        assert_eq!(placed(lack(None), &[&file], is_key).line, Some(4));
        assert_eq!(placed(lack(None), &[], is_key).file, None);
    }
}
