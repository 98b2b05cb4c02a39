//! Swarm expands each value of a service's environment as a Go template, with the task's data.
//!
//! Modelled from Docker's `swarmkit`, its `template` package and its control API, not from the recorded server: text, quoted strings,
//! comments, trim markers and the fields of `.Service`, `.Node` and `.Task`; anything else is refused, as it
//! refuses what it cannot evaluate, with a message that is exact for unknown functions and fields only.

use super::model::{NODE_ID, NODE_NAME};

/// What a template may refer to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Context {
    pub(crate) service_id: String,
    pub(crate) service_name: String,
    pub(crate) task_id: String,
}

impl Context {
    fn field(&self, path: &str) -> Option<String> {
        let value = match path {
            ".Service.ID" => &self.service_id,
            ".Service.Name" => &self.service_name,
            ".Task.ID" => &self.task_id,
            ".Task.Name" => return Some(format!("{}.1.{}", self.service_name, self.task_id)),
            ".Task.Slot" => "1",
            ".Node.ID" => NODE_ID,
            ".Node.Hostname" => NODE_NAME,
            ".Node.Platform.Architecture" => "x86_64",
            ".Node.Platform.OS" => "linux",
            _ => return None,
        };
        Some(value.to_owned())
    }
}

/// Expands the values of `KEY=value` lines.
///
/// # Errors
///
/// What the manager answers when it is asked to create or update such a service.
pub(crate) fn expand_env(env: &[String], context: &Context) -> Result<Vec<String>, String> {
    env.iter()
        .map(|line| {
            let Some((name, value)) = line.split_once('=') else { return Ok(line.clone()) };
            let expanded = expand(value, context).map_err(|error| {
                format!(
                    "rpc error: code = InvalidArgument desc = expanding env failed: expanding env {line:?}: {error}"
                )
            })?;
            Ok(format!("{name}={expanded}"))
        })
        .collect()
}

fn expand(text: &str, context: &Context) -> Result<String, String> {
    let mut output = String::new();
    let mut rest = text;
    while let Some((before, action)) = rest.split_once("{{") {
        let line = text[..text.len() - action.len()].matches('\n').count() + 1;
        let fault = |what: &str| format!("template: expansion:{line}: {what}");
        let end = end_of(action).ok_or_else(|| fault("unclosed action"))?;
        let (inside, after) = (&action[..end], &action[end + 2..]);
        let trims_before = inside.starts_with("- ");
        let trims_after = inside.ends_with(" -");
        output.push_str(if trims_before { before.trim_end() } else { before });
        let inside = inside.strip_prefix("- ").unwrap_or(inside);
        let inside = inside.strip_suffix(" -").unwrap_or(inside).trim();
        output.push_str(&evaluate(inside, context).map_err(|error| error.at(line, text.len() - action.len()))?);
        rest = if trims_after { after.trim_start() } else { after };
    }
    output.push_str(rest);
    Ok(output)
}

/// Where the action ends: the first `}}` outside of quotes.
fn end_of(action: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (index, letter) in action.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if letter == '\\' => escaped = true,
            Some(open) if open == letter => quote = None,
            None if matches!(letter, '"' | '`') => quote = Some(letter),
            None if action[index..].starts_with("}}") => return Some(index),
            Some(_) | None => {}
        }
    }
    None
}

/// Why an action cannot be evaluated.
enum Fault {
    Parse(String),
    Execute { what: String, why: String },
}

impl Fault {
    fn at(self, line: usize, column: usize) -> String {
        match self {
            Self::Parse(what) => format!("template: expansion:{line}: {what}"),
            Self::Execute { what, why } => {
                format!("template: expansion:{line}:{column}: executing \"expansion\" at <{what}>: {why}")
            }
        }
    }
}

fn evaluate(inside: &str, context: &Context) -> Result<String, Fault> {
    if inside.starts_with("/*") && inside.ends_with("*/") {
        return Ok(String::new());
    }
    let quoted = |quote: char| inside.len() > 1 && inside.starts_with(quote) && inside.ends_with(quote);
    if quoted('`') {
        return Ok(inside[1..inside.len() - 1].to_owned());
    }
    if quoted('"') && !inside.contains('\\') {
        return Ok(inside[1..inside.len() - 1].to_owned());
    }
    if inside.starts_with('.') {
        let name = inside.rsplit('.').next().unwrap_or_default();
        let why = format!("can't evaluate field {name} in type *template.Context");
        return context.field(inside).ok_or(Fault::Execute { what: inside.to_owned(), why });
    }
    let name: String = inside.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    Err(Fault::Parse(match name.as_str() {
        "" => "missing value for command".to_owned(),
        _ => format!("function {name:?} not defined"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let context = Context { service_id: "s1".into(), service_name: "shop-api".into(), task_id: "t1".into() };
        expand(text, &context)
    }

    #[test]
    fn text_literals_and_fields_expand() {
        for (text, value) in [
            ("plain }} $x", "plain }} $x"),
            (r#"{{"{{"}}.Node.Hostname}}"#, "{{.Node.Hostname}}"),
            ("{{`{{`}}{", "{{{"),
            ("{{.Task.Name}} on {{ .Node.Hostname }}", "shop-api.1.t1 on vm"),
            ("a {{- /* gone */ -}} b", "ab"),
        ] {
            assert_eq!(expanded(text).as_deref(), Ok(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for (text, error) in [
            ("{{name}}", "template: expansion:1: function \"name\" not defined"),
            ("x\n{{", "template: expansion:2: unclosed action"),
            (
                "{{.Foo}}",
                "template: expansion:1:2: executing \"expansion\" at <.Foo>: can't evaluate field Foo in type *template.Context",
            ),
        ] {
            assert_eq!(expanded(text).unwrap_err(), error, "{text}");
        }
    }
}
