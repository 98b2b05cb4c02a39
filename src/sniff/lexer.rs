//! Parts JavaScript and TypeScript into the few kinds of tokens that matter for reading requests.
//!
//! Not a parser: it knows comments, strings, templates and regular expressions well enough not to take text for code, and
//! never fails on what it does not know.

/// A token and its line, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind<'a>,
    /// Where it begins.
    pub(super) line: u32,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// A name, a keyword or a number.
    Word(&'a str),
    /// A string, or a template without substitutions, without its quotes.
    Text(&'a str),
    /// A template with substitutions.
    Template,
    /// `=>`.
    Arrow,
    /// Any other sign.
    Sign(char),
}

/// Parts a source text into tokens.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { text, at: 0, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    /// Takes one token, comment or blank; false at the end.
    fn step(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else { return false };
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if let Some(comment) = rest.strip_prefix("/*") {
            self.skip(comment.find("*/").map_or(rest.len(), |end| end + 4));
        } else if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            self.take(Kind::Word(&rest[..end]), end);
        } else if matches!(first, '"' | '\'') {
            self.string(rest, first);
        } else if first == '`' {
            self.template(rest);
        } else if first == '/' && self.expects_value() {
            self.regular_expression(rest);
        } else if rest.starts_with("=>") {
            self.take(Kind::Arrow, 2);
        } else {
            self.take(Kind::Sign(first), first.len_utf8());
        }
        true
    }

    fn skip(&mut self, length: usize) {
        let skipped = &self.text[self.at..self.at + length];
        self.line += u32::try_from(skipped.matches('\n').count()).unwrap_or(0);
        self.at += length;
    }

    fn take(&mut self, kind: Kind<'a>, length: usize) {
        self.tokens.push(Token { kind, line: self.line });
        self.skip(length);
    }

    /// A string ends at its quote; at the end of the line it was none (an apostrophe in JSX text).
    fn string(&mut self, rest: &'a str, quote: char) {
        match closing(rest, |letter| letter == quote || letter == '\n') {
            Some(end) if rest[end..].starts_with(quote) => self.take(Kind::Text(&rest[1..end]), end + 1),
            _ => self.take(Kind::Sign(quote), 1),
        }
    }

    /// A template with substitutions is left at its first `${`: what is inside is code again, and the text after it
    /// cannot look like a request by accident more often than code does.
    fn template(&mut self, rest: &'a str) {
        let Some(end) = closing(rest, |letter| letter == '`') else { return self.take(Kind::Sign('`'), 1) };
        let body = &rest[1..end];
        if body.contains("${") { self.take(Kind::Template, end + 1) } else { self.take(Kind::Text(body), end + 1) }
    }

    fn regular_expression(&mut self, rest: &'a str) {
        let mut in_class = false;
        let end = closing(rest, |letter| {
            in_class = (in_class || letter == '[') && letter != ']';
            letter == '\n' || (letter == '/' && !in_class)
        });
        match end {
            Some(end) if rest[end..].starts_with('/') => self.take(Kind::Sign('/'), end + 1),
            _ => self.take(Kind::Sign('/'), 1),
        }
    }

    /// Whether a `/` here begins a regular expression rather than divides.
    fn expects_value(&self) -> bool {
        match self.tokens.last().map(|token| token.kind) {
            None | Some(Kind::Arrow) => true,
            Some(Kind::Sign(sign)) => !matches!(sign, ')' | ']' | '}'),
            Some(Kind::Word(word)) => matches!(word, "return" | "typeof" | "case" | "in" | "of" | "await" | "yield"),
            Some(_) => false,
        }
    }
}

/// The first position after the opening quote that `is_end` accepts, backslashes aside.
fn closing(rest: &str, mut is_end: impl FnMut(char) -> bool) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1);
    while let Some((position, letter)) = letters.next() {
        if letter == '\\' {
            letters.next();
        } else if is_end(letter) {
            return Some(position);
        }
    }
    None
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$' | '#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comments_and_expressions_are_not_code() {
        let source = "a // get('X')\n/* get('Y') */ \"get('Z')\" `t` = /[/'\"]get/ + b / c\nDon't";
        let kinds: Vec<Kind<'_>> = tokens(source).into_iter().map(|token| token.kind).collect();
        assert_eq!(
            kinds,
            [
                Kind::Word("a"),
                Kind::Text("get('Z')"),
                Kind::Text("t"),
                Kind::Sign('='),
                Kind::Sign('/'),
                Kind::Sign('+'),
                Kind::Word("b"),
                Kind::Sign('/'),
                Kind::Word("c"),
                Kind::Word("Don"),
                Kind::Sign('\''),
                Kind::Word("t"),
            ]
        );
    }

    #[test]
    fn lines_count_through_everything() {
        let found = tokens("/*\n*/ `a\nb` x\r\ny");
        let lines: Vec<u32> = found.iter().map(|token| token.line).collect();
        assert_eq!(lines, [2, 3, 4]);
    }
}
