//! What an expression says of a file, as far as its text tells: `path.join(__dirname, 'worker.js')` and its kin.

use oxc_ast::ast::{Argument, CallExpression, Expression, NewExpression, TemplateLiteral};
use oxc_syntax::operator::BinaryOperator;
use std::collections::HashMap;

const UNKNOWN: Value = Value::Dynamic { anchored: false, code: false };

/// How many values one expression may have: each branch of a condition is one.
const MOST_VALUES: usize = 8;

/// What a path is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Anchor {
    /// The folder of the source file.
    SourceFolder,
    /// The folder in which the app runs.
    WorkingFolder,
}

/// What an expression may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A path, as a text behind what it is relative to.
    Path(Anchor, String),
    /// What resolving a package's name gives.
    Package(String),
    /// Something of which only running it tells all.
    Dynamic {
        /// Whether it begins as a path.
        anchored: bool,
        /// Whether it ends as the name of a JavaScript or TypeScript file.
        code: bool,
    },
}

/// The constants of a source file, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Constants {
    values: HashMap<String, Vec<Value>>,
    file_name: String,
}

impl Constants {
    pub(super) fn of(file_name: String) -> Self {
        Self { values: HashMap::new(), file_name }
    }

    /// Takes a constant in. Of two of the same name nothing is known.
    pub(super) fn insert(&mut self, name: &str, values: Vec<Value>) {
        let known = self.values.insert(name.to_owned(), values.clone());
        if known.is_some_and(|known| known != values) {
            self.values.insert(name.to_owned(), Vec::new());
        }
    }

    /// What an expression may be; nothing where that is neither a text nor a path.
    pub(super) fn evaluate(&self, expression: &Expression<'_>) -> Vec<Value> {
        let values = match expression.get_inner_expression() {
            Expression::StringLiteral(text) => vec![Value::Text(text.value.to_string())],
            Expression::TemplateLiteral(template) => self.template(template),
            Expression::Identifier(name) => self.named(&name.name),
            Expression::BinaryExpression(sum) if sum.operator == BinaryOperator::Addition => {
                concatenated(&[self.evaluate(&sum.left), self.evaluate(&sum.right)])
            }
            Expression::ConditionalExpression(choice) => {
                [self.evaluate(&choice.consequent), self.evaluate(&choice.alternate)].concat()
            }
            Expression::LogicalExpression(choice) => {
                [self.evaluate(&choice.left), self.evaluate(&choice.right)].concat()
            }
            Expression::StaticMemberExpression(member) => self.member(&member.object, &member.property.name),
            Expression::CallExpression(call) => self.call(call),
            Expression::NewExpression(new) => self.construction(new),
            _ => Vec::new(),
        };
        values.into_iter().take(MOST_VALUES).collect()
    }

    fn named(&self, name: &str) -> Vec<Value> {
        match name {
            "__dirname" => vec![Value::Path(Anchor::SourceFolder, String::new())],
            "__filename" => vec![self.itself()],
            _ => self.values.get(name).cloned().unwrap_or_default(),
        }
    }

    fn itself(&self) -> Value {
        Value::Path(Anchor::SourceFolder, self.file_name.clone())
    }

    fn member(&self, object: &Expression<'_>, property: &str) -> Vec<Value> {
        if matches!(object.get_inner_expression(), Expression::ImportMeta(_)) {
            return match property {
                "dirname" => vec![Value::Path(Anchor::SourceFolder, String::new())],
                "filename" | "url" => vec![self.itself()],
                _ => Vec::new(),
            };
        }
        if matches!(property, "href" | "pathname") { paths_of(self.evaluate(object)) } else { Vec::new() }
    }

    fn template(&self, template: &TemplateLiteral<'_>) -> Vec<Value> {
        let mut parts = Vec::new();
        for (index, quasi) in template.quasis.iter().enumerate() {
            let text = quasi.value.cooked.map_or_else(String::new, |text| text.to_string());
            parts.push(vec![Value::Text(text)]);
            if let Some(expression) = template.expressions.get(index) {
                parts.push(self.evaluate(expression));
            }
        }
        concatenated(&parts)
    }

    fn construction(&self, new: &NewExpression<'_>) -> Vec<Value> {
        if !matches!(&new.callee, Expression::Identifier(name) if name.name == "URL") {
            return Vec::new();
        }
        let [Some(specifier), Some(base)] = [0, 1].map(|at| argument(&new.arguments, at)) else { return Vec::new() };
        let bases = self.evaluate(base);
        each(&self.evaluate(specifier), &bases, |specifier, base| match (specifier, base) {
            (Value::Text(text), Value::Path(anchor, base)) => Some(Value::Path(*anchor, joined(folder_of(base), text))),
            (Value::Dynamic { .. }, Value::Path(..)) => Some(specifier.clone()),
            _ => None,
        })
    }

    fn call(&self, call: &CallExpression<'_>) -> Vec<Value> {
        let first = || argument(&call.arguments, 0).map(|first| self.evaluate(first)).unwrap_or_default();
        let (object, name) = match call.callee.get_inner_expression() {
            Expression::Identifier(name) => (None, name.name.as_str()),
            Expression::StaticMemberExpression(member) => (Some(&member.object), member.property.name.as_str()),
            _ => return Vec::new(),
        };
        match name {
            "fileURLToPath" | "pathToFileURL" => paths_of(first()),
            "resolve" if object.is_some_and(resolves_modules) => first().into_iter().filter_map(module).collect(),
            "join" | "resolve" | "normalize" if object.is_none_or(is_plain_name) => self.joined_arguments(call, name),
            "dirname" => first().into_iter().filter_map(parent).collect(),
            "cwd" if object.is_some_and(|object| object.is_specific_id("process")) => {
                vec![Value::Path(Anchor::WorkingFolder, String::new())]
            }
            "toString" | "replace" | "replaceAll" => {
                let values = object.map(|object| self.evaluate(object)).unwrap_or_default();
                if name == "toString" { values } else { values.iter().filter_map(changed).collect() }
            }
            _ => Vec::new(),
        }
    }

    /// `path.join(…)` and `path.resolve(…)`.
    fn joined_arguments(&self, call: &CallExpression<'_>, name: &str) -> Vec<Value> {
        let mut result = vec![Value::Text(String::new())];
        for (index, argument) in call.arguments.iter().enumerate() {
            let part = argument.as_expression().map(|part| self.evaluate(part)).unwrap_or_default();
            let part = if part.is_empty() { vec![UNKNOWN] } else { part };
            result = if index == 0 { part } else { each(&result, &part, |base, part| Some(appended(base, part))) };
        }
        let anchored = |value: Value| match value {
            // Alone, names tell nothing: a `resolve` may be a promise's.
            Value::Text(text) if name == "resolve" && is_code(&text) && !text.starts_with('/') => {
                Some(Value::Path(Anchor::WorkingFolder, text))
            }
            Value::Text(_) => None,
            other => Some(other),
        };
        result.into_iter().filter_map(anchored).collect()
    }
}

/// Whether a text ends as the name of a JavaScript or TypeScript file.
pub(super) fn is_code(text: &str) -> bool {
    let Some((stem, extension)) = text.rsplit_once('.') else { return false };
    !stem.ends_with(".d") && matches!(extension, "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx")
}

fn argument<'b, 'a>(arguments: &'b [Argument<'a>], at: usize) -> Option<&'b Expression<'a>> {
    arguments.get(at).and_then(Argument::as_expression)
}

/// `require`, `import.meta`, or what `createRequire` has made.
fn resolves_modules(object: &Expression<'_>) -> bool {
    match object.get_inner_expression() {
        Expression::ImportMeta(_) => true,
        Expression::Identifier(name) => name.name.to_lowercase().contains("require"),
        Expression::CallExpression(call) => call.callee_name() == Some("createRequire"),
        _ => false,
    }
}

/// A module such as `path`, or a part of it such as `path.posix`; not what something was called for.
fn is_plain_name(object: &Expression<'_>) -> bool {
    match object {
        Expression::Identifier(_) => true,
        Expression::StaticMemberExpression(member) => matches!(member.object, Expression::Identifier(_)),
        _ => false,
    }
}

fn module(specifier: Value) -> Option<Value> {
    match specifier {
        Value::Text(text) if text.starts_with("./") || text.starts_with("../") => {
            Some(Value::Path(Anchor::SourceFolder, text))
        }
        Value::Text(text) => Some(Value::Package(text)),
        other => Some(other),
    }
}

fn paths_of(values: Vec<Value>) -> Vec<Value> {
    values.into_iter().filter(|value| !matches!(value, Value::Text(_))).collect()
}

fn parent(value: Value) -> Option<Value> {
    match value {
        Value::Path(anchor, text) if text.is_empty() || text.ends_with("..") => {
            Some(Value::Path(anchor, joined(&text, "..")))
        }
        Value::Path(anchor, text) => Some(Value::Path(anchor, folder_of(&text).to_owned())),
        Value::Dynamic { anchored, .. } => Some(Value::Dynamic { anchored, code: false }),
        _ => None,
    }
}

fn changed(value: &Value) -> Option<Value> {
    match value {
        Value::Path(_, text) => Some(Value::Dynamic { anchored: true, code: is_code(text) }),
        Value::Dynamic { .. } => Some(value.clone()),
        _ => None,
    }
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn joined(base: &str, part: &str) -> String {
    if base.is_empty() { part.to_owned() } else { format!("{}/{part}", base.trim_end_matches('/')) }
}

/// Two parts of a path, with a separator between them.
fn appended(base: &Value, part: &Value) -> Value {
    match (base, part) {
        (Value::Path(anchor, base), Value::Text(part)) => Value::Path(*anchor, joined(base, part)),
        (Value::Text(base), Value::Text(part)) => Value::Text(joined(base, part)),
        (_, Value::Path(..)) => part.clone(),
        _ => dynamic(base, part),
    }
}

fn dynamic(base: &Value, part: &Value) -> Value {
    let anchored = matches!(base, Value::Path(..) | Value::Dynamic { anchored: true, .. });
    let code = match part {
        Value::Text(text) => is_code(text),
        Value::Dynamic { code, .. } => *code,
        Value::Path(..) | Value::Package(_) => false,
    };
    Value::Dynamic { anchored, code }
}

/// Texts behind each other. What begins with a path is one.
fn concatenated(parts: &[Vec<Value>]) -> Vec<Value> {
    let mut result = vec![Value::Text(String::new())];
    for part in parts {
        let unknown = [UNKNOWN];
        let part = if part.is_empty() { &unknown[..] } else { part };
        result = each(&result, part, |base, part| Some(followed(base, part)));
    }
    result
}

fn followed(base: &Value, part: &Value) -> Value {
    match (base, part) {
        (Value::Text(base), Value::Text(part)) => Value::Text(format!("{base}{part}")),
        (Value::Text(base), part) if base.is_empty() || base == "file://" => part.clone(),
        (Value::Path(anchor, base), Value::Text(part)) if base.is_empty() => {
            Value::Path(*anchor, part.trim_start_matches('/').to_owned())
        }
        (Value::Path(anchor, base), Value::Text(part)) => Value::Path(*anchor, format!("{base}{part}")),
        _ => dynamic(base, part),
    }
}

fn each(left: &[Value], right: &[Value], join: impl Fn(&Value, &Value) -> Option<Value>) -> Vec<Value> {
    left.iter().flat_map(|left| right.iter().filter_map(|right| join(left, right)).collect::<Vec<_>>()).collect()
}
