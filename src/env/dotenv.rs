//! Reads an `env` text exactly as the server does: a model of dotenv 16's `parse`.
//!
//! dotenv reads with one backtracking JavaScript pattern. What it accepts is written out here as the order in which
//! the pattern tries its alternatives, because the order decides: a quoted value may run over many lines, and where
//! none of its closing quotes is followed by the end of a line, the text falls back to an unquoted value.

use crate::secrets::Secret;
use crate::workspace::is_variable_character;
use indexmap::IndexMap;

/// Reads an `env` text as dotenv 16 does; the last of several values of a name counts.
pub fn parse_env(text: &str) -> IndexMap<String, Secret> {
    let normal = text.replace("\r\n", "\n").replace('\r', "\n");
    let reader = Reader { text: normal.chars().collect() };
    let mut variables = IndexMap::new();
    let mut from = 0;
    while let Some(found) = (from..reader.text.len()).find_map(|start| reader.assignment(start)) {
        from = found.end;
        // Assigning to this property of a JavaScript object sets its prototype, or with a string does nothing.
        if found.name != "__proto__" {
            variables.insert(found.name, Secret::new(unquote(&found.raw)));
        }
    }
    variables
}

/// What JavaScript's `\s` and `trim` take for white space.
pub(super) fn is_blank(letter: char) -> bool {
    matches!(
        letter,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}'
    )
}

/// What ends a line for JavaScript's `^`, `$` and `.`.
pub(super) fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// The quotes that dotenv knows, in the order in which it tries them.
pub(super) const QUOTES: [char; 3] = ['\'', '"', '`'];

/// A name with its value as it stands in the text, and where the next may begin.
struct Assignment {
    name: String,
    raw: Vec<char>,
    end: usize,
}

struct Reader {
    text: Vec<char>,
}

impl Reader {
    fn at(&self, index: usize) -> Option<char> {
        self.text.get(index).copied()
    }

    /// Skips as many characters as fit.
    fn skip(&self, from: usize, fits: impl Fn(char) -> bool) -> usize {
        let mut index = from;
        while self.at(index).is_some_and(&fits) {
            index += 1;
        }
        index
    }

    fn starts_line(&self, index: usize) -> bool {
        index == 0 || self.at(index - 1).is_some_and(is_line_end)
    }

    fn ends_line(&self, index: usize) -> bool {
        self.at(index).is_none_or(is_line_end)
    }

    /// An assignment that begins at `start`, which must be the start of a line.
    fn assignment(&self, start: usize) -> Option<Assignment> {
        if !self.starts_line(start) {
            return None;
        }
        let start = self.skip(start, is_blank);
        self.after_export(start).and_then(|name| self.named(name)).or_else(|| self.named(start))
    }

    /// Where the name begins after the word `export`.
    fn after_export(&self, start: usize) -> Option<usize> {
        let end = start + "export".len();
        let word = self.text.get(start..end)?;
        let name = self.skip(end, is_blank);
        (word.iter().copied().eq("export".chars()) && name > end).then_some(name)
    }

    /// A name, `=` or `:`, and a value.
    fn named(&self, start: usize) -> Option<Assignment> {
        let end = self.skip(start, is_variable_character);
        if end == start {
            return None;
        }
        let sign = self.skip(end, is_blank);
        // After the sign, as few blanks are passed as let the rest fit; a colon needs one.
        let first = match (self.at(sign), self.at(end)) {
            (Some('='), _) => sign + 1,
            (_, Some(':')) if self.at(end + 1).is_some_and(is_blank) => end + 2,
            _ => return None,
        };
        let last = self.skip(first, is_blank);
        let (raw, after) = (first..=last).find_map(|from| self.value(from))?;
        Some(Assignment { name: self.text[start..end].iter().collect(), raw: self.text[raw].to_vec(), end: after })
    }

    /// A value that begins at `from`, and where the match ends: quoted, else unquoted, else none at all.
    fn value(&self, from: usize) -> Option<(std::ops::Range<usize>, usize)> {
        for quote in QUOTES {
            for end in self.quoted_ends(from, quote) {
                if let Some(after) = self.rest(end) {
                    return Some((from..end, after));
                }
            }
        }
        let longest = self.skip(from, |letter| !matches!(letter, '#' | '\r' | '\n'));
        let unquoted = (from + 1..=longest).rev().find_map(|end| Some((from..end, self.rest(end)?)));
        unquoted.or_else(|| Some((from..from, self.rest(from)?)))
    }

    /// Where a value in `quote` may end, in the order in which the pattern tries: a quote after a backslash belongs to
    /// the value at first, and closes it only when nothing later does.
    fn quoted_ends(&self, from: usize, quote: char) -> Vec<usize> {
        let open = self.skip(from, is_blank);
        let mut ends = Vec::new();
        if self.at(open) != Some(quote) {
            return ends;
        }
        let mut index = open + 1;
        while let Some(letter) = self.at(index) {
            if letter == quote {
                ends.push(index + 1);
                break;
            }
            if letter == '\\' && self.at(index + 1) == Some(quote) {
                ends.push(index + 2);
                index += 1;
            }
            index += 1;
        }
        ends.reverse();
        ends
    }

    /// The end of the match when nothing but blanks and a comment stands before the end of a line.
    fn rest(&self, from: usize) -> Option<usize> {
        let blanks = self.skip(from, is_blank);
        (from..=blanks).rev().find_map(|index| match self.at(index) {
            Some('#') => Some(self.skip(index, |letter| !is_line_end(letter))),
            _ => self.ends_line(index).then_some(index),
        })
    }
}

/// The value that is meant: trimmed, without its quotes, and with line breaks expanded where the quotes are double.
fn unquote(raw: &[char]) -> String {
    let from = raw.iter().position(|letter| !is_blank(*letter)).unwrap_or(raw.len());
    let to = raw.iter().rposition(|letter| !is_blank(*letter)).map_or(from, |last| last + 1);
    let trimmed = &raw[from..to];
    let value = without_quotes(trimmed);
    if trimmed.first() == Some(&'"') { value.replace("\\n", "\n").replace("\\r", "\r") } else { value }
}

/// Takes off a quote that stands at the start of a line, together with the last one of its kind that ends a line.
fn without_quotes(text: &[char]) -> String {
    let mut value = String::with_capacity(text.len());
    let mut index = 0;
    while index < text.len() {
        let starts_line = index == 0 || is_line_end(text[index - 1]);
        let close = if starts_line && QUOTES.contains(&text[index]) { closing(text, index) } else { None };
        if let Some(close) = close {
            value.extend(&text[index + 1..close]);
            index = close + 1;
        } else {
            value.push(text[index]);
            index += 1;
        }
    }
    value
}

fn closing(text: &[char], open: usize) -> Option<usize> {
    let ends_line = |index: usize| text.get(index).is_none_or(|letter| is_line_end(*letter));
    (open + 1..text.len()).rev().find(|index| text[*index] == text[open] && ends_line(index + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the server made of these texts (facts, and the recorded transcript).
    #[test]
    fn texts_read_as_the_server_reads_them() {
        for (text, expected) in [
            ("HASH=a#b", &[("HASH", "a")][..]),
            (r#"QUOTED="a b""#, &[("QUOTED", "a b")]),
            ("SP=  lead", &[("SP", "lead")]),
            ("BT=`x`", &[("BT", "x")]),
            ("H=$HOME", &[("H", "$HOME")]),
            (r#"JSON={"a":1}"#, &[("JSON", r#"{"a":1}"#)]),
            (r#"N="l1\nl2""#, &[("N", "l1\nl2")]),
            ("DUP=1\nDUP=2", &[("DUP", "2")]),
            ("no equals sign", &[]),
            ("export A=1\r\nB : 2\nC: 3", &[("A", "1"), ("C", "3")]),
            ("A=\nB='x'", &[("A", ""), ("B", "x")]),
            ("A='a\\'\nB='\nx'", &[("A", "a\\'\nB="), ("x'", "")][..1]),
            ("__proto__=x\nconstructor=y", &[("constructor", "y")]),
        ] {
            let parsed = parse_env(text);
            let parsed: Vec<(&str, &str)> =
                parsed.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
            assert_eq!(parsed, expected, "{text:?}");
        }
    }
}
