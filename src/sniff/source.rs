//! What can be read from source text itself: what code that did not run would have asked for.
//!
//! Loading an app runs its modules, not its handlers. What stands inside a function that was not called, in a module that
//! is imported only then, or after the point where loading failed, is read from the text: requests of the form
//! `….create((get) => … get('NAME')…)`, dynamic imports, and reads of `process.env`.

use super::lexer::{Kind, Token, tokens};

/// What a source text asks for and loads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    /// What it asks of envkit.
    pub(super) requests: Vec<Request>,
    /// What it loads.
    pub(super) imports: Vec<Import>,
    /// What it reads from `process.env`: the name and the line.
    pub(super) direct_reads: Vec<(String, u32)>,
    /// The names of its own that it gives to variables, and the variables: `apiUrl: process.env.API_URL`.
    pub(super) aliases: Vec<(String, String)>,
    /// Whether it asks for a name, or loads a module, that only running it would tell.
    pub(super) opaque: bool,
    /// Whether it runs again in processes or threads of its own, which take other branches.
    pub(super) splits: bool,
}

/// A request for a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    /// The variable.
    pub(super) name: String,
    /// The line, from 1.
    pub(super) line: u32,
    /// Whether its schema says that it may be absent.
    pub(super) optional: bool,
    /// Whether it stands inside a function, so that loading the module does not run it.
    pub(super) in_function: bool,
    /// The service in whose `register` it stands.
    pub(super) service: Option<String>,
}

/// A module that is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// What is loaded.
    pub(super) specifier: String,
    /// Whether by `import()` or `require()`, so only when that runs.
    pub(super) dynamic: bool,
    /// Whether it stands inside a function.
    pub(super) in_function: bool,
}

/// Reads a source text.
pub(super) fn read(text: &str) -> Source {
    let mut reader = Reader {
        tokens: tokens(text),
        service: None,
        scopes: Vec::new(),
        builders: Vec::new(),
        source: Source::default(),
    };
    for at in 0..reader.tokens.len() {
        reader.visit(at);
    }
    reader.source
}

/// What an opened bracket, or an arrow without one, holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Anything but a function's body.
    Plain,
    /// The body of a function in braces.
    Function,
    /// The body of a function `register`, in braces.
    Register,
    /// The body of an arrow function that is an expression.
    ArrowExpression,
    /// The same of an arrow function `register`.
    RegisterExpression,
}

/// A builder that is being read: the name of its `get`, how deep it stands, and whether inside a function.
struct Builder<'a> {
    get: &'a str,
    depth: usize,
    in_function: bool,
    service: Option<&'a str>,
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    service: Option<&'a str>,
    scopes: Vec<Scope>,
    builders: Vec<Builder<'a>>,
    source: Source,
}

impl<'a> Reader<'a> {
    fn kind(&self, at: usize) -> Option<Kind<'a>> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn is_sign(&self, at: usize, sign: char) -> bool {
        self.kind(at) == Some(Kind::Sign(sign))
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        self.kind(at) == Some(Kind::Word(word))
    }

    fn in_function(&self) -> bool {
        self.scopes.iter().any(|scope| *scope != Scope::Plain)
    }

    fn visit(&mut self, at: usize) {
        match self.tokens[at].kind {
            Kind::Sign('(' | '[') => self.scopes.push(Scope::Plain),
            Kind::Sign('{') => {
                let scope = match self.opens_function(at) {
                    true if self.is_register(at) => Scope::Register,
                    true => Scope::Function,
                    false => Scope::Plain,
                };
                self.scopes.push(scope);
            }
            Kind::Sign(')' | ']' | '}') => self.close(),
            Kind::Sign(',' | ';') => self.end_arrows(),
            Kind::Arrow if !self.is_sign(at + 1, '{') => {
                let is_register = self.is_register(at);
                self.scopes.push(if is_register { Scope::RegisterExpression } else { Scope::ArrowExpression });
            }
            Kind::Word("serviceName") => self.service_name(at),
            Kind::Word("create") if self.follows_dot(at) && self.is_sign(at + 1, '(') => self.enter_builder(at),
            Kind::Word("import" | "require") if !self.follows_dot(at) => self.import(at),
            Kind::Word("export" | "from") => self.static_import(at),
            Kind::Word("isPrimary" | "isMaster" | "isWorker" | "isMainThread") => self.source.splits = true,
            Kind::Word("URL") if self.is_sign(at + 1, '(') => self.own_url(at),
            Kind::Word("process") if !self.follows_dot(at) => self.direct_read(at),
            Kind::Word(word) => self.request(at, word),
            _ => {}
        }
    }

    fn follows_dot(&self, at: usize) -> bool {
        at > 0 && self.is_sign(at - 1, '.')
    }

    fn end_arrows(&mut self) {
        while matches!(self.scopes.last(), Some(Scope::ArrowExpression | Scope::RegisterExpression)) {
            self.scopes.pop();
        }
    }

    fn close(&mut self) {
        self.end_arrows();
        self.scopes.pop();
        let depth = self.scopes.len();
        self.builders.retain(|builder| builder.depth < depth);
    }

    /// `serviceName: 'x'` and `serviceName = 'x'`.
    fn service_name(&mut self, at: usize) {
        if let (Some(Kind::Sign(':' | '=')), Some(Kind::Text(name))) = (self.kind(at + 1), self.kind(at + 2)) {
            self.service = Some(name);
        }
    }

    /// Whether the function whose body begins at a brace or behind an arrow is called `register`.
    fn is_register(&self, at: usize) -> bool {
        // What is said of the result stands between the parameters and the body.
        let Some(close) = (at.saturating_sub(12)..at).rev().find(|at| self.is_sign(*at, ')')) else { return false };
        let Some(open) = self.opening(close) else { return false };
        let named = |at: usize| at.checked_sub(1).is_some_and(|at| self.is_word(at, "register"));
        let start = if open > 0 && self.is_word(open - 1, "async") { open - 1 } else { open };
        named(open) || (start > 0 && (self.is_sign(start - 1, ':') || self.is_sign(start - 1, '=')) && named(start - 1))
    }

    /// Whether a brace opens the body of a function: after an arrow, or after the parameters of a function or method.
    fn opens_function(&self, at: usize) -> bool {
        let Some(before) = at.checked_sub(1) else { return false };
        match self.kind(before) {
            Some(Kind::Arrow) => true,
            Some(Kind::Sign(')')) => {
                let Some(open) = self.opening(before) else { return false };
                let keyword = open.checked_sub(1).and_then(|word| self.kind(word));
                !matches!(keyword, Some(Kind::Word("if" | "for" | "while" | "switch" | "catch" | "with" | "await")))
            }
            // `function f(): Type {`, seen from the type: rare enough to look back a few words only.
            Some(Kind::Word(_) | Kind::Sign('>')) => self.follows_return_type(before),
            _ => false,
        }
    }

    fn follows_return_type(&self, last: usize) -> bool {
        let from = last.saturating_sub(8);
        (from + 1..=last).rev().any(|at| self.is_sign(at, ':') && self.is_sign(at - 1, ')'))
    }

    /// The position of the bracket that the one at `close` closes.
    fn opening(&self, close: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for at in (0..=close).rev() {
            match self.kind(at) {
                Some(Kind::Sign(')' | ']' | '}')) => depth += 1,
                Some(Kind::Sign('(' | '[' | '{')) => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(at);
            }
        }
        None
    }

    /// `.create(get => …)`, `.create((get) => …)` or `.create(function (get) …)`.
    fn enter_builder(&mut self, at: usize) {
        let mut parameter = at + 2;
        if self.is_word(parameter, "function") {
            parameter += usize::from(!self.is_sign(parameter + 1, '(')) + 1;
        }
        if self.is_sign(parameter, '(') {
            parameter += 1;
        }
        let in_function = self.in_function();
        let in_register = self.scopes.iter().any(|it| matches!(it, Scope::Register | Scope::RegisterExpression));
        let service = self.service.filter(|_| in_register);
        match self.kind(parameter) {
            Some(Kind::Word(get)) => {
                self.builders.push(Builder { get, depth: self.scopes.len(), in_function, service });
            }
            _ => self.source.opaque = true,
        }
    }

    /// `get('NAME')` inside a builder; a name that is not written out can only be told by running it.
    fn request(&mut self, at: usize, word: &str) {
        if self.follows_dot(at) || !self.is_sign(at + 1, '(') {
            return;
        }
        let Some(builder) = self.builders.iter().rev().find(|builder| builder.get == word) else { return };
        let (in_function, service) = (builder.in_function, builder.service.map(str::to_owned));
        match (self.kind(at + 2), self.is_sign(at + 3, ')')) {
            (Some(Kind::Text(name)), true) => self.source.requests.push(Request {
                name: name.to_owned(),
                line: self.tokens[at].line,
                optional: self.chain_accepts_absence(at + 4),
                in_function,
                service,
            }),
            _ => self.source.opaque = true,
        }
    }

    /// Whether a call chain that goes on at `at` has a link that lets the variable be absent.
    fn chain_accepts_absence(&self, mut at: usize) -> bool {
        let mut depth = 0_usize;
        while let Some(kind) = self.kind(at) {
            match kind {
                Kind::Sign('(' | '[' | '{') => depth += 1,
                Kind::Sign(')' | ']' | '}' | ',' | ';') if depth == 0 => return false,
                Kind::Sign(')' | ']' | '}') => depth -= 1,
                Kind::Word("optional" | "default" | "nullish" | "catch" | "prefault")
                    if depth == 0 && self.is_sign(at + 1, '(') =>
                {
                    return true;
                }
                _ => {}
            }
            at += 1;
        }
        false
    }

    /// `import('x')`, `require('x')` and `import 'x'`.
    fn import(&mut self, at: usize) {
        if self.is_sign(at + 1, '(') {
            match (self.kind(at + 2), self.kind(at + 3)) {
                (Some(Kind::Text(specifier)), Some(Kind::Sign(')' | ','))) => self.push_import(specifier, true),
                _ => self.source.opaque = true,
            }
        } else if let Some(Kind::Text(specifier)) = self.kind(at + 1) {
            self.push_import(specifier, false);
        }
    }

    /// `… from 'x'`, but not of types only.
    fn static_import(&mut self, at: usize) {
        let Some(Kind::Text(specifier)) = self.kind(at + 1) else { return };
        let start = (0..at).rev().find(|at| self.is_word(*at, "import") || self.is_word(*at, "export"));
        let types_only = start.is_some_and(|start| self.is_word(start + 1, "type") && !self.is_word(start + 2, "from"));
        if self.is_word(at, "from") && !types_only {
            self.push_import(specifier, false);
        }
    }

    /// `new URL('./x', import.meta.url)`: how a thread or another process is told what to load.
    fn own_url(&mut self, at: usize) {
        let words = self.is_word(at + 4, "import") && self.is_word(at + 6, "meta") && self.is_word(at + 8, "url");
        if let Some(Kind::Text(specifier)) = self.kind(at + 2).filter(|_| words) {
            self.source.imports.push(Import { specifier: specifier.to_owned(), dynamic: true, in_function: true });
        }
    }

    fn push_import(&mut self, specifier: &str, dynamic: bool) {
        let in_function = dynamic && self.in_function();
        self.source.imports.push(Import { specifier: specifier.to_owned(), dynamic, in_function });
    }

    /// `process.env.NAME` and `process.env['NAME']`.
    fn direct_read(&mut self, at: usize) {
        if !(self.is_sign(at + 1, '.') && self.is_word(at + 2, "env")) {
            return;
        }
        let name = at + 3 + usize::from(self.is_sign(at + 3, '?'));
        let found = match (self.kind(name), self.kind(name + 1)) {
            (Some(Kind::Sign('.')), Some(Kind::Word(word))) if !self.is_sign(name + 2, '(') => word,
            (Some(Kind::Sign('[')), Some(Kind::Text(text))) => text,
            _ => return,
        };
        let is_named = at > 1 && (self.is_sign(at - 1, ':') || self.is_sign(at - 1, '='));
        if let Some(Kind::Word(alias) | Kind::Text(alias)) = is_named.then(|| self.kind(at - 2)).flatten() {
            self.source.aliases.push((alias.to_owned(), found.to_owned()));
        }
        self.source.direct_reads.push((found.to_owned(), self.tokens[at].line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(text: &str) -> Vec<(String, u32, bool, bool)> {
        let source = read(text);
        source.requests.into_iter().map(|found| (found.name, found.line, found.optional, found.in_function)).collect()
    }

    #[test]
    fn requests_are_read_with_line_optionality_and_place() {
        let text = "
const config = parser.create((get) => ({
  port: get('PORT').string().transform((v) => Number(v)),
  level: get(\"LEVEL\").enum(['a', 'b']).default('a'),
})).parse();
app.get('/', (c) => {
  if (c.get('USER')) return new EnvironmentParser(process.env).create(read => ({ a: read(`LATE`).string() })).parse();
});
export const lazy = () => parser.create(function (g) { return { b: g('LAZY').string().optional() }; });
// parser.create((get) => get('COMMENT'))
const text = \"parser.create((get) => get('TEXT'))\";
const after = parser.create((get) => ({ c: get('AFTER').string() }));
";
        let found = requests(text);
        let expected = [
            ("PORT", 3, false, false),
            ("LEVEL", 4, true, false),
            ("LATE", 7, false, true),
            ("LAZY", 9, true, true),
            ("AFTER", 12, false, false),
        ];
        let expected: Vec<_> = expected.into_iter().map(|(name, line, a, b)| (name.to_owned(), line, a, b)).collect();
        assert_eq!(found, expected);
        assert!(!read(text).opaque);
    }

    #[test]
    fn requests_of_services_are_told_apart() {
        let text = "
export const stripe = { serviceName: 'stripe' as const, async register({ envParser }: Options): Promise<Stripe> {
  return new Stripe(envParser.create((get) => ({ key: get('KEY').string() })).parse());
} };
class Mail { readonly serviceName = 'mail'; register = async ({ envParser }) => envParser.create((get) => ({ a: get('MAIL').string() })).parse(); }
const handler = async () => envParser.create((get) => ({ a: get('OTHER').string() })).parse();
";
        let services: Vec<_> = read(text).requests.into_iter().map(|found| (found.name, found.service)).collect();
        let expected = [("KEY", Some("stripe")), ("MAIL", Some("mail")), ("OTHER", None)];
        assert_eq!(services, expected.map(|(name, service)| (name.to_owned(), service.map(str::to_owned))));
    }

    #[test]
    fn names_that_are_computed_make_a_source_opaque() {
        assert!(read("parser.create((get) => ({ a: get(prefix + 'URL').string() }))").opaque);
        assert!(read("parser.create(({ get }) => get('A'))").opaque);
        assert!(read("import(name)").opaque);
        assert!(!read("map.get(name); get('X')").opaque);
    }

    #[test]
    fn imports_are_read_with_their_place() {
        let text = "import a from './a';\nimport type B from './b';\nimport './c';\nexport * from './d';
import { type E, f } from './e';\nawait import('./f');\nexport async function go() { const { x } = await import('./g'); }
const run = () => require('./h'); if (a) { await import('./i'); }\nfunction typed(): Promise<void> { return import('./j'); }";
        let found: Vec<_> = read(text)
            .imports
            .into_iter()
            .map(|import| (import.specifier, import.dynamic, import.in_function))
            .collect();
        let expected = [
            ("./a", false, false),
            ("./c", false, false),
            ("./d", false, false),
            ("./e", false, false),
            ("./f", true, false),
            ("./g", true, true),
            ("./h", true, true),
            ("./i", true, false),
            ("./j", true, true),
        ];
        let expected: Vec<_> = expected.into_iter().map(|(name, a, b)| (name.to_owned(), a, b)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_another_thread_loads_counts_as_imported_when_called() {
        let source =
            read("new Worker(new URL('./worker.ts', import.meta.url)); new URL('/x', 'http://a'); isMainThread;");
        let found: Vec<_> = source.imports.iter().map(|import| (&*import.specifier, import.in_function)).collect();
        assert_eq!((found, source.splits), (vec![("./worker.ts", true)], true));
    }

    #[test]
    fn direct_reads_are_read() {
        let text = "a = process.env.ONE ?? process.env['TWO'] ?? process.env?.THREE;\nb = process.env.toString();";
        assert_eq!(read("f({ apiUrl: process.env.API_URL })").aliases, [("apiUrl".to_owned(), "API_URL".to_owned())]);
        let names: Vec<_> = read(text).direct_reads;
        assert_eq!(names, [("ONE".to_owned(), 1), ("TWO".to_owned(), 1), ("THREE".to_owned(), 1)]);
    }
}
