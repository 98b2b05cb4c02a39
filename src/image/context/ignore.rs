//! Which files of a build context are left out: the user's `.dockerignore`, and what must never be in an image (I6).

use super::glob::Glob;

/// The rules of a `.dockerignore` file, in order: the last one that matches decides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    glob: Glob,
    /// Whether it takes matching files back in: it was written with a `!`.
    exception: bool,
}

impl IgnoreRules {
    /// Reads the rules; the error names the line, from 1, and says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.starts_with('#') {
                continue;
            }
            let fault = |what: &str| format!("line {}: `{}` {what}", index + 1, line.trim().escape_debug());
            let pattern = line.trim();
            let (exception, pattern) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, pattern),
            };
            if pattern.is_empty() {
                if exception {
                    return Err(fault("takes nothing back in"));
                }
                continue;
            }
            let glob = Glob::new(&clean(pattern)).map_err(fault)?;
            rules.push(Rule { glob, exception });
        }
        Ok(Self { rules })
    }

    /// Whether the file or folder at `path`, relative to the context and joined by `/`, is left out.
    ///
    /// A rule that matches a folder above it counts as one that matches it.
    pub(crate) fn excludes(&self, path: &str) -> bool {
        let mut excluded = false;
        for rule in &self.rules {
            // A rule that would change nothing need not be asked.
            if rule.exception == excluded && self_or_above(path).any(|path| rule.glob.matches(path)) {
                excluded = !rule.exception;
            }
        }
        excluded
    }

    /// Whether an exception may take something back in below the folder at `path`.
    pub(crate) fn may_take_back_below(&self, path: &str) -> bool {
        let below = format!("{path}/");
        self.rules.iter().filter(|rule| rule.exception).any(|rule| {
            let prefix = rule.glob.prefix();
            prefix.starts_with(&below) || below.starts_with(prefix)
        })
    }
}

/// The path itself, then each folder above it.
fn self_or_above(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rsplit_once('/').map(|(folder, _)| folder))
}

/// Takes `.`, `..`, doubled and outer slashes out of a pattern.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            // Above the root of an absolute pattern there is nothing.
            ".." if pattern.starts_with('/') => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether the file or folder at `path` must not be in any image, whatever the user's rules say: our state, lock and
/// journal, the stage secrets, our cache, `.env` files, and the repository's own folder.
///
/// Counts at every depth, for a context above the workspace's root, and without regard to case, for file systems
/// that know none.
pub(crate) fn is_never_sent(path: &str) -> bool {
    let mut folder = String::new();
    path.split('/').any(|part| {
        let part = part.to_ascii_lowercase();
        let ours = folder == ".gkm" && (part == "secrets" || part == "cache" || part.starts_with("deploy-"));
        let never = ours || part == ".git" || part.starts_with(".env");
        folder = part;
        never
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn excluded(rules: &str, path: &str) -> bool {
        IgnoreRules::parse(rules).unwrap().excludes(path)
    }

    #[test]
    fn rules_count_as_docker_counts_them() {
        // Rules, what they leave out, what stays.
        let table: &[(&str, &[&str], &[&str])] = &[
            ("", &[], &["a"]),
            ("# a\n\n  \n a \n", &["a", "a/b", "a/b/c"], &["b/a", "# a"]),
            ("\u{feff}a", &["a"], &["b"]),
            (" # not a comment", &["# not a comment"], &["not"]),
            ("/a/\n./b//c/../d\n../e", &["a", "a/x", "b/d"], &["b", "b/c", "e"]),
            ("node_modules", &["node_modules/x"], &["apps/node_modules/x"]),
            ("**/node_modules", &["node_modules/x", "apps/api/node_modules/x/y"], &["my_node_modules"]),
            ("*\n!src", &["a", "dist/x"], &["src", "src/a/b"]),
            ("*\n!src\nsrc/*.log", &["src/a.log"], &["src/a", "src/b/a.log"]),
            ("!a\na", &["a"], &[]),
            ("a\n!a\na", &["a"], &[]),
            ("docs\n!docs/README.md", &["docs", "docs/b.md"], &["docs/README.md"]),
            ("**/*.md\n! **/README.md", &["a/b.md"], &["a/README.md", "README.md"]),
            ("a\r\nb\r\n", &["a", "b"], &["c"]),
            ("/\n.\n./", &[], &["a", "a/b"]),
        ];
        for (rules, out, stays) in table {
            for path in *out {
                assert!(excluded(rules, path), "{rules:?} leaves out {path}");
            }
            for path in *stays {
                assert!(!excluded(rules, path), "{rules:?} keeps {path}");
            }
        }
    }

    #[test]
    fn malformed_rules_are_named() {
        assert_eq!(IgnoreRules::parse("a\n[b").unwrap_err(), "line 2: `[b` has a `[` without its `]`");
        assert_eq!(IgnoreRules::parse("!").unwrap_err(), "line 1: `!` takes nothing back in");
    }

    #[test]
    fn i6_what_holds_secrets_is_never_sent() {
        let never = [
            ".env",
            ".env.local",
            ".envrc",
            "apps/api/.env.production",
            "apps/.env/x",
            ".git",
            ".git/config",
            "vendor/x/.git",
            ".gkm/deploy-staging.json",
            ".gkm/deploy-staging.json.bak",
            ".gkm/deploy-x.lock",
            ".gkm/deploy-x.journal",
            ".gkm/secrets",
            ".gkm/secrets/staging.json",
            "sub/.gkm/secrets/a",
            ".gkm/cache/x",
            ".GKM/Secrets/a",
            ".ENV",
        ];
        for path in never {
            assert!(is_never_sent(path), "{path}");
        }
        for path in [
            "env",
            "src/env.ts",
            "a.env",
            ".gitignore",
            ".github/x",
            ".gkm",
            ".gkm/docker/Dockerfile.api",
            "secrets",
            "deploy-staging.json",
            ".gkm/x/secrets",
            "cache",
        ] {
            assert!(!is_never_sent(path), "{path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_taken_back_where_that_was_said_to_be_impossible(
            rules in prop::collection::vec("!?[ab*]{1,3}(/[ab*?]{1,3}){0,2}", 0..5),
            folder in "[ab]{1,2}(/[ab]{1,2}){0,2}",
            below in "[ab]{1,2}(/[ab]{1,2}){0,2}",
        ) {
            let rules = IgnoreRules::parse(&rules.join("\n")).unwrap();
            if rules.excludes(&folder) && !rules.may_take_back_below(&folder) {
                let path = format!("{folder}/{below}");
                prop_assert!(rules.excludes(&path));
            }
        }

        #[test]
        fn a_rule_added_last_decides(rules in "([ab!*/]{1,4}\n){0,4}", path in "[ab]{1,3}(/[ab]{1,3}){0,2}") {
            if IgnoreRules::parse(&rules).is_ok() {
                let (out, back) = (format!("{rules}\n{path}"), format!("{rules}\n!{path}"));
                prop_assert!(excluded(&out, &path));
                prop_assert!(!excluded(&back, &path));
            }
        }
    }
}
