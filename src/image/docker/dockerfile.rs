//! What a Dockerfile declares, as far as it has to be known before a build.

use std::collections::BTreeSet;

/// The build arguments that a Dockerfile declares, in any of its stages.
pub(super) fn arguments(dockerfile: &str) -> BTreeSet<String> {
    let mut declared = BTreeSet::new();
    for instruction in instructions(dockerfile) {
        let mut words = instruction.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("ARG")) {
            continue;
        }
        let name = |word: &str| word.split('=').next().unwrap_or_default().to_owned();
        // What follows a value in quotes may be part of it: too many names stop no build.
        declared.extend(words.map(name).filter(|name| !name.is_empty()));
    }
    declared
}

/// The instructions of a Dockerfile, each on one line, without comments.
fn instructions(dockerfile: &str) -> Vec<String> {
    let escape = if has_backtick_escape(dockerfile) { '`' } else { '\\' };
    let mut instructions = Vec::new();
    let mut current = String::new();
    let mut heredoc: Option<String> = None;
    for line in dockerfile.lines().map(str::trim) {
        if let Some(end) = &heredoc {
            if line == end {
                heredoc = None;
            }
            continue;
        }
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(part) = line.strip_suffix(escape) {
            current.push_str(part);
            current.push(' ');
            continue;
        }
        current.push_str(line);
        heredoc = heredoc_end(&current);
        instructions.push(std::mem::take(&mut current));
    }
    instructions.push(current);
    instructions
}

/// Whether the directive at the top makes the backtick continue lines, as on Windows.
fn has_backtick_escape(dockerfile: &str) -> bool {
    let directives = dockerfile.lines().take_while(|line| line.trim_start().starts_with('#'));
    let text = |line: &str| line.trim_start_matches(['#', ' ']).replace(' ', "").to_lowercase();
    directives.map(text).any(|line| line == "escape=`")
}

/// The word at which text within an instruction ends (`RUN <<EOF`).
fn heredoc_end(instruction: &str) -> Option<String> {
    let first = instruction.split_whitespace().next()?.to_uppercase();
    if !matches!(first.as_str(), "RUN" | "COPY" | "ADD") {
        return None;
    }
    let (_, rest) = instruction.split_once("<<")?;
    let rest = rest.trim_start_matches(['-', '"', '\'']);
    let end: String = rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    (!end.is_empty()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_found_wherever_they_are_declared() {
        let dockerfile = "# syntax=docker/dockerfile:1\nARG NODE=22\nFROM node:${NODE} AS build\n\
                          # ARG COMMENTED\narg  VITE_API_URL\nARG A=1 \\\n  # a comment\n  B=\"x y\"\n\
                          RUN <<EOF\nARG INSIDE\nEOF\nRUN echo ARG NOT\nENV ARG=x\nFROM x\n\tARG LAST";
        let found = arguments(dockerfile);
        for name in ["NODE", "VITE_API_URL", "A", "B", "LAST"] {
            assert!(found.contains(name), "{name}: {found:?}");
        }
        for name in ["COMMENTED", "INSIDE", "NOT", "ARG"] {
            assert!(!found.contains(name), "{name}: {found:?}");
        }
    }

    #[test]
    fn a_backtick_continues_lines_where_the_file_says_so() {
        assert!(arguments("# escape=`\nFROM x\nARG A `\n B").contains("B"));
        assert!(!arguments("FROM x\nARG A `\nRUN B").contains("RUN"));
    }
}
