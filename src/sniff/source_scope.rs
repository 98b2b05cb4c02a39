//! What is known while a source text is read, and what follows from each of its parts.

use super::calls::{accepts_absence, named_builders};
use super::path_values::{Anchor, Constants, Value, is_code};
use super::source::{Import, Reference, ReferenceName, Request, Source};
use oxc_ast::ast::{BindingPattern, CallExpression, Expression, FormalParameters};
use oxc_span::{GetSpan, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A builder that is being read: the name of its `get`, and whether it stands inside a function.
struct Builder {
    get: String,
    in_function: bool,
    service: Option<String>,
}

/// What becomes of a path that stands here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Whoever is given it may run it.
    Given,
    /// It is run.
    Run,
    /// It is read as data, imported, or part of another path.
    Other,
}

/// What holds again where a function has ended.
pub(super) struct Outside {
    builders: usize,
    links: Vec<String>,
    path_use: Use,
}

/// What is known at one place of a source text.
pub(super) struct Scope {
    lines: Vec<u32>,
    pub(super) source: Source,
    pub(super) constants: Constants,
    /// The functions that are builders by their name.
    pub(super) named_builders: BTreeSet<String>,
    /// The modules of which names were imported.
    pub(super) imported: BTreeMap<String, String>,
    functions: usize,
    builders: Vec<Builder>,
    /// Whether the next function is given to a `.create(…)`.
    pub(super) next_is_builder: bool,
    /// What is called on the result of the call that is being read, the outermost first.
    pub(super) links: Vec<String>,
    pub(super) services: Vec<Option<String>>,
    last_service: Option<String>,
    pub(super) registers: usize,
    pub(super) path_use: Use,
    pub(super) is_exported: bool,
    pub(super) is_const: bool,
}

impl Scope {
    pub(super) fn of(text: &str, file: &Path) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let file_name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            lines: ends.map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)).collect(),
            source: Source::default(),
            constants: Constants::of(file_name),
            named_builders: named_builders(text),
            imported: BTreeMap::new(),
            functions: 0,
            builders: Vec::new(),
            next_is_builder: false,
            links: Vec::new(),
            services: Vec::new(),
            last_service: None,
            registers: 0,
            path_use: Use::Given,
            is_exported: false,
            is_const: false,
        }
    }

    pub(super) fn line(&self, span: Span) -> u32 {
        u32::try_from(self.lines.partition_point(|end| *end < span.start)).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Enters a function; one that is a builder has its `get` as its first parameter. Gives what leaving it needs.
    pub(super) fn enter_function(&mut self, params: &FormalParameters<'_>, is_builder: bool) -> Outside {
        let outside = Outside {
            builders: self.builders.len(),
            links: std::mem::take(&mut self.links),
            path_use: std::mem::replace(&mut self.path_use, Use::Given),
        };
        if is_builder {
            self.enter_builder(params);
        }
        self.functions += 1;
        outside
    }

    pub(super) fn leave_function(&mut self, outside: Outside) {
        self.functions -= 1;
        self.builders.truncate(outside.builders);
        self.links = outside.links;
        self.path_use = outside.path_use;
    }

    /// Whether the function that begins here is a builder: as the argument of a `.create(…)`, or by its name.
    pub(super) fn takes_builder(&mut self, name: Option<&str>) -> bool {
        std::mem::take(&mut self.next_is_builder) || name.is_some_and(|name| self.named_builders.contains(name))
    }

    fn enter_builder(&mut self, params: &FormalParameters<'_>) {
        match params.items.first().map(|first| &first.pattern) {
            Some(BindingPattern::BindingIdentifier(get)) => {
                let service = self.services.iter().rev().flatten().next().or(self.last_service.as_ref()).cloned();
                self.builders.push(Builder {
                    get: get.name.to_string(),
                    in_function: self.functions > 0,
                    service: service.filter(|_| self.registers > 0),
                });
            }
            Some(_) => self.source.opaque = true,
            None => {}
        }
    }

    /// `get('NAME')` inside a builder; a name that is not written out can only be told by running it.
    pub(super) fn request(&mut self, call: &CallExpression<'_>, get: &str, links: &[String]) {
        let Some(builder) = self.builders.iter().rev().find(|builder| builder.get == get) else { return };
        let (in_function, service) = (builder.in_function, builder.service.clone());
        let name = match call.arguments.as_slice() {
            [only] => only.as_expression().and_then(|only| self.text(only)),
            _ => None,
        };
        let Some(name) = name else {
            self.source.opaque = true;
            return;
        };
        let optional = links.iter().any(|link| accepts_absence(link));
        self.source.requests.push(Request { name, line: self.line(call.span), optional, in_function, service });
    }

    /// The text that an expression is.
    pub(super) fn text(&self, expression: &Expression<'_>) -> Option<String> {
        match self.constants.evaluate(expression).as_slice() {
            [Value::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }

    /// `import(…)` and `require(…)`.
    pub(super) fn import(&mut self, specifier: Option<&Expression<'_>>) {
        let values = specifier.map(|specifier| self.constants.evaluate(specifier)).unwrap_or_default();
        self.source.opaque |= values.is_empty();
        for value in values {
            match value {
                Value::Text(specifier) => self.push_import(specifier, true),
                Value::Path(Anchor::SourceFolder, path) => self.push_import(format!("./{path}"), true),
                Value::Package(name) => self.push_import(name, true),
                Value::Path(Anchor::WorkingFolder, _) | Value::Dynamic { .. } => self.source.opaque = true,
            }
        }
    }

    pub(super) fn push_import(&mut self, specifier: String, dynamic: bool) {
        let in_function = dynamic && self.functions > 0;
        self.source.imports.push(Import { specifier, dynamic, in_function });
    }

    /// Notes the files that values name; false where there may be more to read in their expression.
    pub(super) fn note(&mut self, values: &[Value], span: Span) -> bool {
        let line = self.line(span);
        let is_run = self.path_use == Use::Run;
        let mut whole = false;
        for value in values {
            let name = match value {
                Value::Path(anchor, path) => ReferenceName::Path(*anchor, path.clone()),
                Value::Package(name) => ReferenceName::Package(name.clone()),
                Value::Text(text) if is_run && is_code(text) => {
                    ReferenceName::Path(Anchor::WorkingFolder, text.clone())
                }
                Value::Text(_) => continue,
                Value::Dynamic { anchored, code } => {
                    if (*anchored && *code) || (is_run && (*anchored || *code)) {
                        self.source.unfollowed.push(line);
                    }
                    return false;
                }
            };
            whole = true;
            self.source.references.push(Reference { name, line, is_run });
        }
        whole
    }

    /// The first argument of what is certain to run it: told of where nothing shows which file it is.
    pub(super) fn must_know(&mut self, argument: &Expression<'_>) {
        let is_object = matches!(argument.get_inner_expression(), Expression::ObjectExpression(_));
        if !is_object && self.constants.evaluate(argument).is_empty() {
            let line = self.line(argument.span());
            self.source.unfollowed.push(line);
        }
    }

    pub(super) fn splits(&mut self, name: &str) {
        self.source.splits |= matches!(name, "isPrimary" | "isMaster" | "isWorker" | "isMainThread");
    }

    /// Enters what may be a service; leaving it takes its name away again.
    pub(super) fn enter_service(&mut self, service: Option<String>) {
        if service.is_some() {
            self.last_service.clone_from(&service);
        }
        self.services.push(service);
    }
}
