//! The part of the POSIX shell language that a container's `sh -c` text may use.

use super::lexer::{Part, Token, Word, tokens};

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

/// Parses a script.
///
/// # Errors
///
/// What is not understood, as the shell would say it.
pub(super) fn parse(script: &str) -> Result<Node, String> {
    let mut parser = Parser { tokens: tokens(script)?.into_iter().peekable() };
    let list = parser.list(&[])?;
    match parser.tokens.next() {
        None => Ok(list),
        Some(token) => Err(format!("Syntax error: {token:?} unexpected")),
    }
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
