//! The part of the POSIX shell language that a container's `sh -c` text may use.

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

/// A command.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A program with its arguments; `from` is the file it reads, `silent` when its output goes to `/dev/null`.
    Simple { words: Vec<Word>, input: Option<Word>, from: Option<Word>, silent: bool },
    /// The output of each is the input of the next.
    Pipe(Vec<Node>),
    /// `a && b` (`when` is true) or `a || b`.
    Chain { first: Box<Node>, when: bool, then: Box<Node> },
    /// One after the other.
    List(Vec<Node>),
    /// `while` (`when` is true) or `until`.
    Loop { when: bool, condition: Box<Node>, body: Box<Node> },
    /// `for name in words`.
    For { name: String, words: Vec<Word>, body: Box<Node> },
    /// `if … then … else … fi`.
    If { condition: Box<Node>, then: Box<Node>, otherwise: Box<Node> },
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(Word),
    Operator(String),
    /// A redirection of output; true when it leads to `/dev/null` and concerns standard output.
    Silence(bool),
    HereDocument(Word),
    /// A redirection of input from a file.
    Input(Word),
}

/// Parses a script.
///
/// # Errors
///
/// What is not understood, as the shell would say it.
pub(super) fn parse(script: &str) -> Result<Node, String> {
    let tokens = Lexer { rest: script, documents: Vec::new(), tokens: Vec::new() }.run()?;
    let mut parser = Parser { tokens: tokens.into_iter().peekable() };
    let list = parser.list(&[])?;
    match parser.tokens.next() {
        None => Ok(list),
        Some(token) => Err(format!("Syntax error: {token:?} unexpected")),
    }
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

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    /// The next token's text, if it is a word that is not quoted or an operator.
    fn keyword(&mut self) -> Option<String> {
        match self.tokens.peek()? {
            Token::Word(word) => match word.as_slice() {
                [Part::Text(text)] => Some(text.clone()),
                _ => None,
            },
            Token::Operator(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn accept(&mut self, wanted: &str) -> bool {
        let found = self.keyword().as_deref() == Some(wanted);
        if found {
            self.tokens.next();
        }
        found
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        if self.accept(wanted) { Ok(()) } else { Err(format!("Syntax error: \"{wanted}\" expected")) }
    }

    /// Commands up to, and without, one of the closing words.
    fn list(&mut self, closing: &[&str]) -> Result<Node, String> {
        let mut nodes = Vec::new();
        loop {
            while self.accept(";") {}
            match self.keyword() {
                None if self.tokens.peek().is_none() => break,
                Some(word) if closing.contains(&word.as_str()) => break,
                _ => nodes.push(self.chain()?),
            }
        }
        Ok(Node::List(nodes))
    }

    fn chain(&mut self) -> Result<Node, String> {
        let mut node = self.pipe()?;
        loop {
            let when = match self.keyword().as_deref() {
                Some("&&") => true,
                Some("||") => false,
                _ => return Ok(node),
            };
            self.tokens.next();
            while self.accept(";") {}
            node = Node::Chain { first: Box::new(node), when, then: Box::new(self.pipe()?) };
        }
    }

    fn pipe(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.command()?];
        while self.accept("|") {
            while self.accept(";") {}
            nodes.push(self.command()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Pipe(nodes) })
    }

    fn command(&mut self) -> Result<Node, String> {
        let close = |opening: &str| if opening == "{" { "}" } else { ")" };
        match self.keyword().as_deref() {
            Some(kind @ ("until" | "while")) => {
                self.tokens.next();
                let condition = Box::new(self.list(&["do"])?);
                self.expect("do")?;
                let body = Box::new(self.list(&["done"])?);
                self.expect("done")?;
                Ok(Node::Loop { when: kind == "while", condition, body })
            }
            Some("for") => self.each(),
            Some("if") => self.condition(),
            Some(opening @ ("{" | "(")) => {
                self.tokens.next();
                let list = self.list(&[close(opening)])?;
                self.expect(close(opening))?;
                Ok(list)
            }
            _ => self.simple(),
        }
    }

    /// `for name in words; do …` or `for name; do …`, which takes the parameters.
    fn each(&mut self) -> Result<Node, String> {
        self.tokens.next();
        let name = self.keyword().ok_or("Syntax error: Bad for loop variable")?;
        self.tokens.next();
        let mut words = vec![vec![Part::Variable { name: "@".into(), quoted: true }, Part::Text(String::new())]];
        if self.accept("in") {
            words.clear();
            while let Some(Token::Word(word)) = self.tokens.next_if(|token| matches!(token, Token::Word(_))) {
                words.push(word);
            }
        }
        while self.accept(";") {}
        self.expect("do")?;
        let body = Box::new(self.list(&["done"])?);
        self.expect("done")?;
        Ok(Node::For { name, words, body })
    }

    fn condition(&mut self) -> Result<Node, String> {
        self.tokens.next();
        let condition = Box::new(self.list(&["then"])?);
        self.expect("then")?;
        let then = Box::new(self.list(&["else", "elif", "fi"])?);
        let otherwise = match self.keyword().as_deref() {
            Some("elif") => return Ok(Node::If { condition, then, otherwise: Box::new(self.condition()?) }),
            Some("else") => {
                self.tokens.next();
                self.list(&["fi"])?
            }
            _ => Node::List(Vec::new()),
        };
        self.expect("fi")?;
        Ok(Node::If { condition, then, otherwise: Box::new(otherwise) })
    }

    fn simple(&mut self) -> Result<Node, String> {
        let (mut words, mut input, mut from, mut silent) = (Vec::new(), None, None, false);
        while let Some(token) = self.tokens.next_if(|token| !matches!(token, Token::Operator(_))) {
            match token {
                Token::Word(word) => words.push(word),
                Token::HereDocument(text) => input = Some(text),
                Token::Input(file) => from = Some(file),
                Token::Silence(of_output) => silent |= of_output,
                Token::Operator(_) => {}
            }
        }
        if words.is_empty() {
            return Err(format!("Syntax error: {:?} unexpected", self.tokens.peek()));
        }
        Ok(Node::Simple { words, input, from, silent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(node: &Node) -> usize {
        if let Node::Simple { words, .. } = node { words.len() } else { 0 }
    }

    #[test]
    fn loops_chains_and_pipes_nest() {
        let node = parse("until psql -c 'select 1' >/dev/null 2>&1; do sleep 0.3; done; echo \"$SQL\" | psql -v A=1 && echo MARK; sleep 600").unwrap();
        let Node::List(nodes) = node else { panic!("a list") };
        assert!(matches!(&nodes[0], Node::Loop { when: false, .. }));
        assert!(matches!(&nodes[1], Node::Chain { when: true, first, .. } if matches!(**first, Node::Pipe(_))));
        assert_eq!(words(&nodes[2]), 2);
    }

    #[test]
    fn a_quoted_here_document_is_taken_as_it_stands() {
        let Node::List(nodes) = parse("psql <<'EOF'\nselect '$x';\nEOF\necho done").unwrap() else { panic!("a list") };
        assert!(
            matches!(&nodes[0], Node::Simple { input: Some(text), .. } if *text == [Part::Text("select '$x';\n".into())])
        );
        assert_eq!(nodes.len(), 2);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(parse("until true; do sleep 1").is_err());
        assert!(parse("echo $(date)").is_err());
        assert!(parse("echo 'open").is_err());
    }
}
