//! What is known of calls by the name of what is called.

use oxc_ast::ast::{ChainElement, Expression};
use std::collections::{BTreeMap, BTreeSet};

/// What is called: the object, where it is a name, and the last name.
pub(super) struct Callee<'b> {
    object: Option<&'b str>,
    name: &'b str,
    is_member: bool,
    is_construction: bool,
}

impl<'b> Callee<'b> {
    /// What an expression in the place of a callee names.
    pub(super) fn of(expression: &'b Expression<'_>, is_construction: bool) -> Option<Self> {
        match expression.get_inner_expression() {
            Expression::Identifier(name) => {
                Some(Self { object: None, name: &name.name, is_member: false, is_construction })
            }
            Expression::StaticMemberExpression(member) => {
                let object = match member.object.get_inner_expression() {
                    Expression::Identifier(object) => Some(object.name.as_str()),
                    _ => None,
                };
                Some(Self { object, name: &member.property.name, is_member: true, is_construction })
            }
            _ => None,
        }
    }

    /// Whether it is the `create` of something, which may be a parser.
    pub(super) fn is_create(&self) -> bool {
        !self.is_construction && self.is_member && self.name == "create"
    }
}

/// Whether what is called reads or writes the file that it is given, so that nothing runs it.
pub(super) fn is_reader(callee: &Callee<'_>) -> bool {
    matches!(
        callee.name.trim_end_matches("Sync"),
        "readFile"
            | "createReadStream"
            | "createWriteStream"
            | "writeFile"
            | "appendFile"
            | "exists"
            | "stat"
            | "lstat"
            | "access"
            | "open"
            | "unlink"
            | "rm"
            | "rmdir"
            | "mkdir"
            | "readdir"
            | "opendir"
            | "copyFile"
            | "cp"
            | "rename"
            | "realpath"
            | "readlink"
            | "watch"
            | "watchFile"
            | "sendFile"
            | "serveStatic"
            | "static"
            | "log"
            | "createRequire"
    )
}

/// Whether what is called runs a file that it is given, in another process or thread.
pub(super) fn is_runner(callee: &Callee<'_>) -> bool {
    if callee.is_construction {
        return ["Worker", "Pool", "Piscina", "Tinypool"].iter().any(|name| callee.name.ends_with(name));
    }
    match callee.name.trim_end_matches("Sync") {
        "fork" | "setupPrimary" | "setupMaster" | "spawn" | "execFile" => true,
        "pool" => callee.object == Some("workerpool"),
        _ => false,
    }
}

/// Whether the first argument of a call is certain to be a file that is run.
pub(super) fn must_run(callee: &Callee<'_>, imported: &BTreeMap<String, String>) -> bool {
    let is_of = |name: &str, module: &str| {
        imported.get(name).is_some_and(|from| from.strip_prefix("node:").unwrap_or(from) == module)
    };
    match (callee.is_construction, callee.name) {
        (false, "fork") => callee.object.map_or_else(
            || is_of("fork", "child_process"),
            |object| object != "cluster" && is_of(object, "child_process"),
        ),
        (true, "Worker") => {
            callee.object.map_or_else(|| is_of("Worker", "worker_threads"), |object| is_of(object, "worker_threads"))
        }
        _ => false,
    }
}

/// The variable that an expression begins with: `process.env.NAME` and `process.env['NAME']`, whatever follows.
pub(super) fn leading_variable<'b>(expression: &'b Expression<'_>) -> Option<&'b str> {
    let variable = |object: &Expression<'_>| object.is_specific_member_access("process", "env");
    match expression.get_inner_expression() {
        Expression::StaticMemberExpression(member) if variable(&member.object) => Some(&member.property.name),
        Expression::StaticMemberExpression(member) => leading_variable(&member.object),
        Expression::ComputedMemberExpression(member) if variable(&member.object) => match &member.expression {
            Expression::StringLiteral(name) => Some(&name.value),
            _ => None,
        },
        Expression::LogicalExpression(choice) => leading_variable(&choice.left),
        Expression::BinaryExpression(operation) => leading_variable(&operation.left),
        Expression::CallExpression(call) => match call.callee.get_inner_expression() {
            Expression::Identifier(_) => leading_variable(call.arguments.first()?.as_expression()?),
            callee => leading_variable(callee),
        },
        Expression::ChainExpression(chain) => match &chain.expression {
            ChainElement::StaticMemberExpression(member) if variable(&member.object) => Some(&member.property.name),
            ChainElement::StaticMemberExpression(member) => leading_variable(&member.object),
            ChainElement::CallExpression(call) => leading_variable(&call.callee),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a link of a schema's call chain lets the variable be absent.
pub(super) fn accepts_absence(link: &str) -> bool {
    matches!(link, "optional" | "default" | "nullish" | "catch" | "prefault")
}

/// The names that are given to a `.create(…)`, which may be those of builders.
pub(super) fn named_builders(text: &str) -> BTreeSet<String> {
    text.match_indices(".create(")
        .filter_map(|(at, call)| {
            let rest = text[at + call.len()..].trim_start();
            let end = rest.find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '$'))?;
            let is_whole = rest[end..].trim_start().starts_with([')', ',']);
            (end > 0 && is_whole).then(|| rest[..end].to_owned())
        })
        .collect()
}
