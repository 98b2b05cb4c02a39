//! One pattern of a `.dockerignore` file, as Docker's own matcher understands it.

/// A compiled pattern: matches a whole path whose parts are joined by `/`.
///
/// `*` and `?` stop at `/`, `**` does not, `[a-z]` and `[^a-z]` are classes, `\` takes the meaning from what follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    /// What every match begins with.
    prefix: String,
    /// What comes after it.
    tokens: Vec<Token>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Literal(char),
    /// `?`
    AnyButSlash,
    /// `*`
    Star,
    /// `**` at the end.
    Everything,
    /// `**` before something: nothing, or anything that ends in `/`. Followed by [`Token::FoldersRest`].
    Folders,
    /// Inside of what [`Token::Folders`] takes.
    FoldersRest,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Compiles a pattern; the error says what is wrong with it.
    pub(super) fn new(pattern: &str) -> Result<Self, &'static str> {
        let mut tokens = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(next) = chars.next() {
            match next {
                '*' if chars.peek() == Some(&'*') => {
                    chars.next();
                    // `**/` means the same as `**`.
                    let _ = chars.next_if_eq(&'/');
                    if chars.peek().is_some() {
                        tokens.extend([Token::Folders, Token::FoldersRest]);
                    } else {
                        tokens.push(Token::Everything);
                    }
                }
                '*' => tokens.push(Token::Star),
                '?' => tokens.push(Token::AnyButSlash),
                '\\' => tokens.push(Token::Literal(chars.next().ok_or("ends in a backslash")?)),
                '[' => tokens.push(class(&mut chars)?),
                literal => tokens.push(Token::Literal(literal)),
            }
        }
        let literal = |token: &Token| if let Token::Literal(literal) = token { Some(*literal) } else { None };
        let prefix: String = tokens.iter().map_while(literal).collect();
        tokens.drain(..prefix.chars().count());
        Ok(Self { prefix, tokens })
    }

    /// Whether the pattern matches all of `path`. Takes time in proportion to both lengths at most.
    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(&self.prefix) else { return false };
        if self.tokens.is_empty() {
            return rest.is_empty();
        }
        let end = self.tokens.len();
        // Which tokens may come next; the one past the last means a match.
        let mut current = vec![false; end + 1];
        let mut following = vec![false; end + 1];
        self.enter(0, &mut current);
        for next in rest.chars() {
            following.fill(false);
            for (index, _) in current[..end].iter().enumerate().filter(|(_, may)| **may) {
                self.step(index, next, &mut following);
            }
            std::mem::swap(&mut current, &mut following);
        }
        current[end]
    }

    /// Marks a token, and those after it that may take nothing.
    fn enter(&self, index: usize, marked: &mut [bool]) {
        if std::mem::replace(&mut marked[index], true) {
            return;
        }
        match self.tokens.get(index) {
            Some(Token::Star | Token::Everything) => self.enter(index + 1, marked),
            Some(Token::Folders) => {
                self.enter(index + 1, marked);
                self.enter(index + 2, marked);
            }
            _ => {}
        }
    }

    /// Lets the token at `index` take a character, and marks what may follow.
    fn step(&self, index: usize, next: char, marked: &mut [bool]) {
        match &self.tokens[index] {
            Token::Literal(literal) if *literal == next => self.enter(index + 1, marked),
            Token::AnyButSlash if next != '/' => self.enter(index + 1, marked),
            Token::Class { negated, ranges }
                if ranges.iter().any(|(from, to)| (*from..=*to).contains(&next)) != *negated =>
            {
                self.enter(index + 1, marked);
            }
            Token::Star if next != '/' => self.enter(index, marked),
            Token::Everything => self.enter(index, marked),
            Token::FoldersRest => {
                self.enter(index, marked);
                if next == '/' {
                    self.enter(index + 1, marked);
                }
            }
            _ => {}
        }
    }

    /// What every match begins with.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }
}

/// Reads a class after its `[`.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Token, &'static str> {
    const OPEN: &str = "has a `[` without its `]`";
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        let from = match chars.next().ok_or(OPEN)? {
            ']' if ranges.is_empty() => return Err("has an empty `[]`"),
            ']' => return Ok(Token::Class { negated, ranges }),
            '-' => return Err("has a `-` out of place"),
            from => escaped(from, chars)?,
        };
        let to = if chars.next_if_eq(&'-').is_some() {
            match chars.next().ok_or(OPEN)? {
                ']' | '-' => return Err("has a `-` out of place"),
                to => escaped(to, chars)?,
            }
        } else {
            from
        };
        if from > to {
            return Err("has a range that runs backwards");
        }
        ranges.push((from, to));
    }
}

/// What a character of a class stands for.
fn escaped(first: char, chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<char, &'static str> {
    if first == '\\' { chars.next().ok_or("ends in a backslash") } else { Ok(first) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns_match_as_docker_matches_them() {
        // Pattern, what it matches, what it does not.
        let table: &[(&str, &[&str], &[&str])] = &[
            ("a", &["a"], &["b", "a/b", "aa", ""]),
            ("a.b", &["a.b"], &["axb"]),
            ("*", &["a", ".a", ""], &["a/b"]),
            ("*.md", &["a.md", ".md"], &["a/b.md", "a.md5"]),
            ("a?c", &["abc", "aüc"], &["ac", "a/c", "abbc"]),
            ("a/*/c", &["a/b/c"], &["a/c", "a/b/b/c"]),
            ("**", &["", "a", "a/b/c"], &[]),
            ("**/x", &["x", "a/x", "a/b/x"], &["ax", "x/a"]),
            ("**/x*", &["x", "xy", "a/xy"], &["ax", "xa/b"]),
            ("a/**", &["a/", "a/b", "a/b/c"], &["a", "ab"]),
            ("a/**/b", &["a/b", "a/x/b", "a/x/y/b"], &["ab", "a/xb"]),
            ("a**b", &["ab", "a/b", "ax/b", "a/x/b"], &["axb"]),
            ("**a", &["a", "x/a"], &["xa"]),
            ("[a-c]x", &["ax", "cx"], &["dx", "x"]),
            ("[^a-c]x", &["dx", "/x"], &["ax"]),
            ("[a\\]]", &["a", "]"], &["b"]),
            ("\\*", &["*"], &["a"]),
            ("a+(b)|{c}$", &["a+(b)|{c}$"], &["aab"]),
        ];
        for (pattern, matched, unmatched) in table {
            let glob = Glob::new(pattern).unwrap();
            for path in *matched {
                assert!(glob.matches(path), "{pattern} matches {path}");
            }
            for path in *unmatched {
                assert!(!glob.matches(path), "{pattern} does not match {path}");
            }
        }
    }

    #[test]
    fn malformed_patterns_are_errors() {
        for pattern in ["[", "[]", "[^]", "[a", "a\\", "[a-", "[-a]", "[b-a]", "[\\", "[a-]"] {
            assert!(Glob::new(pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_of_plain_letters_matches_itself_alone(path in "[a-c/]{0,12}", other in "[a-c/]{0,12}") {
            prop_assert_eq!(Glob::new(&path).unwrap().matches(&other), path == other);
        }

        #[test]
        fn every_match_begins_with_the_prefix(pattern in "[ab*?/]{0,8}", path in "[ab/]{0,10}") {
            let glob = Glob::new(&pattern).unwrap();
            prop_assert!(!glob.matches(&path) || path.starts_with(glob.prefix()));
        }

        #[test]
        fn any_pattern_ends(pattern in "[ab*?/\\[\\]^-]{0,40}", path in "[ab/]{0,200}") {
            if let Ok(glob) = Glob::new(&pattern) {
                glob.matches(&path);
            }
        }
    }
}
