//! From the text of a script to words and operators.

/// A piece of a word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    /// Text as it stands.
    Text(String),
    /// A variable; an unquoted one is split into fields.
    Variable { name: String, quoted: bool },
}

/// A word before expansion.
pub(super) type Word = Vec<Part>;

/// What the text consists of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Word(Word),
    Operator(String),
    /// A redirection of output; true when it leads to `/dev/null` and concerns standard output.
    Silence(bool),
    HereDocument(Word),
    /// A redirection of input from a file.
    Input(Word),
}

/// Reads the words and operators of a script.
///
/// # Errors
///
/// What is not understood, as the shell would say it.
pub(super) fn tokens(script: &str) -> Result<Vec<Token>, String> {
    Lexer { rest: script, documents: Vec::new(), tokens: Vec::new() }.run()
}

struct Lexer<'a> {
    rest: &'a str,
    /// Here-documents whose text follows at the next line: where their token is, their end, whether they expand.
    documents: Vec<(usize, String, bool)>,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn run(mut self) -> Result<Vec<Token>, String> {
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']).trim_start_matches("\\\n");
            let Some(next) = self.rest.chars().next() else { return Ok(self.tokens) };
            match next {
                '\n' => {
                    self.rest = &self.rest[1..];
                    self.tokens.push(Token::Operator(";".into()));
                    self.read_documents();
                }
                '#' => self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]),
                ';' | '&' | '|' | '(' | ')' => self.operator(next),
                _ if self.redirection()? => {}
                _ => {
                    let (word, _) = self.word()?;
                    self.tokens.push(Token::Word(word));
                }
            }
        }
    }

    fn operator(&mut self, first: char) {
        let double = format!("{first}{first}");
        let text =
            if matches!(first, '&' | '|') && self.rest.starts_with(&double) { double } else { first.to_string() };
        self.rest = &self.rest[text.len()..];
        self.tokens.push(Token::Operator(text));
    }

    fn redirection(&mut self) -> Result<bool, String> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = self.rest.split_at(digits);
        if let Some(after) = after.strip_prefix("<<") {
            self.rest = after.trim_start_matches('-').trim_start();
            let (end, quoted) = self.word()?;
            let end = end.iter().map(|part| if let Part::Text(text) = part { text.as_str() } else { "" }).collect();
            self.documents.push((self.tokens.len(), end, !quoted));
            self.tokens.push(Token::HereDocument(Word::new()));
            return Ok(true);
        }
        if let Some(after) = after.strip_prefix('<') {
            self.rest = after.trim_start();
            let (file, _) = self.word()?;
            self.tokens.push(Token::Input(file));
            return Ok(true);
        }
        let Some(after) = after.strip_prefix('>') else { return Ok(false) };
        let of_output = number != "2";
        self.rest = after.trim_start_matches(['>', '&']).trim_start();
        let (target, _) = self.word()?;
        self.tokens.push(Token::Silence(of_output && target == [Part::Text("/dev/null".into())]));
        Ok(true)
    }

    fn read_documents(&mut self) {
        for (token, end, expands) in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            while let Some(line) = self.rest.split_inclusive('\n').next() {
                self.rest = &self.rest[line.len()..];
                if line.trim_end_matches('\n').trim_start_matches('\t') == end {
                    break;
                }
                text.push_str(line);
            }
            let word = if expands { expandable(&text) } else { vec![Part::Text(text)] };
            self.tokens[token] = Token::HereDocument(word);
        }
    }

    /// A word, and whether any of it was quoted.
    fn word(&mut self) -> Result<(Word, bool), String> {
        let (mut word, mut quoted) = (Word::new(), false);
        while let Some(next) = self.rest.chars().next() {
            match next {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\'' => {
                    let end = self.rest[1..].find('\'').ok_or("Syntax error: Unterminated quoted string")?;
                    word.push(Part::Text(self.rest[1..=end].to_owned()));
                    self.rest = &self.rest[end + 2..];
                    quoted = true;
                }
                '"' => {
                    let end = closing_quote(&self.rest[1..]).ok_or("Syntax error: Unterminated quoted string")?;
                    word.extend(expandable(&self.rest[1..=end]));
                    word.push(Part::Text(String::new()));
                    self.rest = &self.rest[end + 2..];
                    quoted = true;
                }
                '\\' => {
                    let escaped: String = self.rest.chars().skip(1).take(1).collect();
                    self.rest = &self.rest[1 + escaped.len()..];
                    word.push(Part::Text(escaped));
                }
                '`' => return Err("command substitution is not simulated".into()),
                '$' => self.variable(&mut word)?,
                plain => {
                    push_text(&mut word, plain);
                    self.rest = &self.rest[plain.len_utf8()..];
                }
            }
        }
        Ok((word, quoted))
    }

    fn variable(&mut self, word: &mut Word) -> Result<(), String> {
        if self.rest.starts_with("$(") {
            return Err("command substitution is not simulated".into());
        }
        let (name, length) = variable_name(self.rest);
        match name {
            Some(name) => word.push(Part::Variable { name: name.to_owned(), quoted: false }),
            None => push_text(word, '$'),
        }
        self.rest = &self.rest[length..];
        Ok(())
    }
}

fn push_text(word: &mut Word, text: char) {
    match word.last_mut() {
        Some(Part::Text(last)) => last.push(text),
        _ => word.push(Part::Text(text.into())),
    }
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// The variable that `text` begins with (`$NAME` or `${NAME}`), and how long that is.
fn variable_name(text: &str) -> (Option<&str>, usize) {
    let after = &text[1..];
    if let Some((name, _)) = after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
        return (Some(name), name.len() + 3);
    }
    if after.starts_with(['?', '@', '*', '#']) {
        return (Some(&after[..1]), 2);
    }
    let length = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_').len();
    if length == 0 { (None, 1) } else { (Some(&after[..length]), length + 1) }
}

/// Text between double quotes.
fn expandable(text: &str) -> Word {
    let (mut word, mut rest) = (Word::new(), text);
    while let Some(next) = rest.chars().next() {
        match next {
            '\\' if rest[1..].starts_with(['$', '`', '"', '\\']) => {
                rest.chars().nth(1).into_iter().for_each(|escaped| push_text(&mut word, escaped));
                rest = &rest[2..];
            }
            '\\' if rest[1..].starts_with('\n') => rest = &rest[2..],
            '$' => {
                let (name, length) = variable_name(rest);
                match name {
                    Some(name) => word.push(Part::Variable { name: name.to_owned(), quoted: true }),
                    None => push_text(&mut word, '$'),
                }
                rest = &rest[length..];
            }
            plain => {
                push_text(&mut word, plain);
                rest = &rest[plain.len_utf8()..];
            }
        }
    }
    word
}
