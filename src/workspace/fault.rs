//! Faults of a workspace: where, what was expected, what stood there.

use crate::{DeployError, ErrorCode};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// Longest excerpt of a wrong value in a message, in characters.
const EXCERPT: usize = 60;

/// Something about a workspace that its author has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WorkspaceFault {
    /// Where it is, for instance `apps.auth.port`; empty for the workspace as a whole.
    pub path: String,
    /// What is the matter.
    pub message: String,
}

impl fmt::Display for WorkspaceFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.path.is_empty() { "workspace" } else { &self.path };
        write!(formatter, "{place}: {}", self.message)
    }
}

/// One part of a path in the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Segment {
    Key(String),
    Index(usize),
}

/// A place in the document, for instance `apps.auth.port`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Path(Vec<Segment>);

impl Path {
    pub(super) fn key(&self, key: &str) -> Self {
        self.child(Segment::Key(key.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.child(Segment::Index(index))
    }

    fn child(&self, segment: Segment) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment);
        Self(segments)
    }

    /// Where it stands in the document, for sorting; a missing field stands after its present siblings.
    fn position(&self, document: &Value) -> Vec<usize> {
        let mut at = Some(document);
        let mut position = Vec::with_capacity(self.0.len());
        for segment in &self.0 {
            let (order, next) = match (segment, at) {
                (Segment::Key(key), Some(Value::Object(fields))) => {
                    (fields.keys().position(|name| name == key).unwrap_or(usize::MAX), fields.get(key))
                }
                (Segment::Index(index), Some(Value::Array(items))) => (*index, items.get(*index)),
                _ => (usize::MAX, None),
            };
            position.push(order);
            at = next;
        }
        position
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Index(index) => write!(formatter, "[{index}]")?,
                Segment::Key(key) if is_plain(key) => {
                    if depth > 0 {
                        formatter.write_str(".")?;
                    }
                    formatter.write_str(key)?;
                }
                Segment::Key(key) => write!(formatter, "[{}]", Value::from(key.as_str()))?,
            }
        }
        Ok(())
    }
}

/// Whether a key reads unambiguously after a dot.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-' || c == '$')
}

/// What was found so far: faults, and what a deployment does not do although it is declared.
#[derive(Debug, Default)]
pub(super) struct Faults {
    faults: Vec<(Path, String)>,
    warnings: Vec<(Path, String)>,
}

impl Faults {
    /// Notes a fault in words.
    pub(super) fn push(&mut self, path: &Path, message: impl Into<String>) {
        self.faults.push((path.clone(), message.into()));
    }

    /// Notes something that stops nothing, in words.
    pub(super) fn warn(&mut self, path: &Path, message: impl Into<String>) {
        self.warnings.push((path.clone(), message.into()));
    }

    /// Notes that `value` is not what it should be; an absent value reads as missing.
    pub(super) fn expected(&mut self, path: &Path, expected: &str, value: Option<&Value>) {
        let got = value.map_or_else(|| "nothing".to_owned(), excerpt);
        self.push(path, format!("expected {expected}, got {got}"));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.faults.is_empty()
    }

    /// The faults, in the order of the document.
    pub(super) fn take_faults(&mut self, document: &Value) -> Vec<WorkspaceFault> {
        in_order(std::mem::take(&mut self.faults), document)
    }

    /// The warnings, in the order of the document.
    pub(super) fn take_warnings(&mut self, document: &Value) -> Vec<WorkspaceFault> {
        in_order(std::mem::take(&mut self.warnings), document)
    }

    /// Turns the faults into one error, in the order of the document.
    pub(super) fn into_error(mut self, document: &Value) -> DeployError {
        let lines = self.take_faults(document).into_iter().map(|fault| format!("\n  - {fault}"));
        let message = format!("The workspace is not valid:{}", lines.collect::<String>());
        DeployError::new(ErrorCode::InvalidWorkspace, message)
    }
}

fn in_order(mut found: Vec<(Path, String)>, document: &Value) -> Vec<WorkspaceFault> {
    found.sort_by_cached_key(|(path, _)| path.position(document));
    found.into_iter().map(|(path, message)| WorkspaceFault { path: path.to_string(), message }).collect()
}

/// A wrong value as it is shown: short, and without the password of an address.
pub(super) fn excerpt(value: &Value) -> String {
    let text = match value {
        Value::String(text) => Value::from(without_password(text)).to_string(),
        Value::Array(_) => return "a list".to_owned(),
        Value::Object(_) => return "an object".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= EXCERPT {
        return text;
    }
    let start: String = text.chars().take(EXCERPT).collect();
    format!("{start}…")
}

/// Masks what stands between `://` and `@`.
fn without_password(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => format!("{}***{}", &text[..scheme + 3], &text[at..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_read_as_in_javascript() {
        let path = Path::default().key("deploy").key("dns").key("example.com").key("hosts").index(2);
        assert_eq!(path.to_string(), r#"deploy.dns["example.com"].hosts[2]"#);
    }

    #[test]
    fn faults_come_in_the_order_of_the_document() {
        let document = json!({ "b": { "y": 1, "x": 2 }, "a": [1, 2] });
        let mut faults = Faults::default();
        faults.push(&Path::default().key("a").index(1), "fifth");
        faults.push(&Path::default().key("a").index(0), "fourth");
        faults.push(&Path::default().key("b").key("gone"), "third");
        faults.push(&Path::default().key("b").key("x"), "second");
        faults.push(&Path::default().key("b").key("y"), "first");
        let message = faults.into_error(&document).to_string();
        let words: Vec<&str> = message.lines().skip(1).filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(words, ["first", "second", "third", "fourth", "fifth"]);
    }

    #[test]
    fn i6_an_address_is_shown_without_its_password() {
        assert_eq!(excerpt(&json!("ftp://me:canary@host/x")), r#""ftp://***@host/x""#);
        assert_eq!(excerpt(&json!("x".repeat(100))).chars().count(), EXCERPT + 1);
    }
}
