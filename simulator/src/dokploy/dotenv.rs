//! What a container's environment becomes: dotenv 16's parser, then the `${{…}}` pass.

use std::sync::LazyLock;

use indexmap::IndexMap;
use regress::{Match, Regex};

/// dotenv 16's line pattern, in the JavaScript dialect it is written in.
static LINE: LazyLock<Regex> = LazyLock::new(|| {
    javascript(
        r#"(?:^|^)\s*(?:export\s+)?([\w.-]+)(?:\s*=\s*?|:\s+?)(\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?(?:$|$)"#,
    )
});
static QUOTED: LazyLock<Regex> = LazyLock::new(|| javascript(r#"^(['"`])([\s\S]*)\1$"#));
static PROJECT: LazyLock<Regex> = LazyLock::new(|| javascript(r"\$\{\{project\.(.*?)\}\}"));
static ENVIRONMENT: LazyLock<Regex> = LazyLock::new(|| javascript(r"\$\{\{environment\.(.*?)\}\}"));
static SERVICE: LazyLock<Regex> = LazyLock::new(|| javascript(r"\$\{\{(.*?)\}\}"));

type Variables = IndexMap<String, String>;

fn javascript(pattern: &str) -> Regex {
    Regex::with_flags(pattern, "m").expect("the pattern is a constant")
}

/// Parses a text as dotenv 16 does.
pub(crate) fn parse(text: &str) -> Variables {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    LINE.find_iter(&text).map(|line| (group(&line, 1, &text).to_owned(), value(group(&line, 2, &text)))).fold(
        Variables::new(),
        |mut variables, (name, value)| {
            variables.insert(name, value);
            variables
        },
    )
}

fn group<'a>(found: &Match, index: usize, text: &'a str) -> &'a str {
    found.group(index).map_or("", |range| &text[range])
}

fn value(raw: &str) -> String {
    let raw = trim(raw);
    let unquoted = replace(&QUOTED, raw, |found| Ok::<_, String>(group(found, 2, raw).to_owned())).unwrap_or_default();
    if raw.starts_with('"') { unquoted.replace("\\n", "\n").replace("\\r", "\r") } else { unquoted }
}

/// JavaScript's `String.prototype.trim`, which knows the byte order mark and not U+0085.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}'))
}

fn replace<E>(regex: &Regex, text: &str, by: impl Fn(&Match) -> Result<String, E>) -> Result<String, E> {
    let mut output = String::new();
    let mut end = 0;
    for found in regex.find_iter(text) {
        output.push_str(&text[end..found.start()]);
        output.push_str(&by(&found)?);
        end = found.end();
    }
    output.push_str(&text[end..]);
    Ok(output)
}

/// The `KEY=value` lines that a container gets.
///
/// # Errors
///
/// The server's message when a `${{…}}` reference does not resolve; the deployment then fails.
pub(crate) fn container_env(service: &str, project: &str, environment: &str) -> Result<Vec<String>, String> {
    let (project, environment, service) = (parse(project), parse(environment), parse(service));
    let resolve = |regex: &Regex, from: &Variables, text: &str, what: &str| {
        replace(regex, text, |found| {
            let name = group(found, 1, text);
            from.get(name).cloned().ok_or_else(|| format!("{what}{name}"))
        })
    };
    service
        .iter()
        .map(|(name, value)| {
            let value = resolve(&PROJECT, &project, value, "Invalid project environment variable: project.")?;
            let value = resolve(&ENVIRONMENT, &environment, &value, "Invalid environment variable: environment.")?;
            let value = resolve(&SERVICE, &service, &value, "Invalid service environment variable: ")?;
            Ok(format!("{name}={value}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_mangled_as_the_facts_list_them() {
        let text = "HASH=a#b\nQUOTED=\"a b\"\nSP=  lead\nBT=`x`\nHOME=$HOME\nJSON={\"a\":1}\nNL=\"l1\\nl2\"\nDUP=1\nDUP=2\nno equals";
        let parsed = parse(text);
        let expected = [
            ("HASH", "a"),
            ("QUOTED", "a b"),
            ("SP", "lead"),
            ("BT", "x"),
            ("HOME", "$HOME"),
            ("JSON", "{\"a\":1}"),
            ("NL", "l1\nl2"),
            ("DUP", "2"),
        ];
        assert_eq!(parsed.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_quoted_value_may_hold_newlines_hashes_and_the_other_quotes() {
        assert_eq!(parse("A='x#y\n\"z\" `w`'\nB=1").get("A").map(String::as_str), Some("x#y\n\"z\" `w`"));
    }

    #[test]
    fn references_resolve_or_fail_the_deployment() {
        assert_eq!(
            container_env("A=${{project.X}}\nB=${{A}}", "X=1", "").as_deref(),
            Ok(&["A=1".into(), "B=${{project.X}}".into()][..])
        );
        assert_eq!(
            container_env("A=${{project.Y}}", "X=1", ""),
            Err("Invalid project environment variable: project.Y".into())
        );
    }
}
