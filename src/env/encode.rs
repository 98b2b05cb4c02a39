//! Writes variables as Dokploy's `env` text, so that each value arrives byte for byte.
//!
//! The server reads the text with dotenv 16, which has no escape character: how a value is written decides whether it
//! survives. Each way of writing is tried in turn and read back ([`read_env`]); a value that survives none is refused
//! by name. On the way to the container the server also replaces `${{…}}`, and has no escape for that either; Swarm then
//! expands `{{…}}`, which has one ([`template`]).

use super::dotenv::{self, QUOTES};
use super::stored::{StoredEnv, read_env};
use super::template;
use crate::secrets::Secret;
use crate::workspace::is_variable_name;
use crate::{DeployError, ErrorCode};
use indexmap::IndexMap;

/// Longest `NAME=value` that Linux passes to a process, in bytes, without its final NUL (`MAX_ARG_STRLEN`).
const LONGEST: usize = 128 * 1024 - 1;

/// Longest text that Dokploy takes in a request of 1 MiB (facts: transport), as JSON, in bytes; the rest is for the other
/// fields.
const LONGEST_TEXT: usize = 1024 * 1024 - 4096;

/// Writes the variables of `app` as Dokploy's `env` text, one after the other in the given order.
///
/// # Errors
///
/// `ENV_NOT_REPRESENTABLE` naming the app and every variable whose value would not arrive byte for byte, and why; never
/// the value.
pub fn encode_env(app: &str, variables: &IndexMap<String, Secret>) -> Result<String, DeployError> {
    let mut lines = Vec::with_capacity(variables.len());
    let mut refused: Vec<(&str, &str)> = Vec::new();
    for (name, value) in variables {
        match encode_variable(name, value.expose()) {
            Ok(line) => lines.push(line),
            Err(reason) => refused.push((name, reason)),
        }
    }
    let text = lines.join("\n");
    if serde_json::Value::from(text.as_str()).to_string().len() > LONGEST_TEXT {
        let longest = variables.iter().max_by_key(|(_, value)| value.expose().len());
        let reason = "it is the longest of variables that together are more than Dokploy takes in a request (1 MiB)";
        refused.extend(longest.map(|(name, _)| (name.as_str(), reason)));
    }
    if let Some(error) = not_representable(app, &refused) {
        return Err(error);
    }
    // Each line was read back beside others already; this reads what is really sent.
    if read_env(&text) == (StoredEnv { values: variables.clone(), ..StoredEnv::default() }) {
        Ok(text)
    } else {
        let message = format!("The env text of {app} does not read back as the variables it was written from");
        Err(DeployError::new(ErrorCode::Internal, message).app(app))
    }
}

fn not_representable(app: &str, refused: &[(&str, &str)]) -> Option<DeployError> {
    let (first, _) = refused.first()?;
    let lines: Vec<String> = refused.iter().map(|(name, reason)| format!("  - {name}: {reason}")).collect();
    let message = format!("These variables of {app} cannot reach the app unchanged:\n{}", lines.join("\n"));
    let error = DeployError::new(ErrorCode::EnvNotRepresentable, message)
        .app(app)
        .resource(*first)
        .hint("Change the value, or store it encoded, for instance as base64, and decode it in the app");
    Some(error)
}

/// One variable as text, or why there is none that the server reads back as this value.
fn encode_variable(name: &str, value: &str) -> Result<String, &'static str> {
    if !is_variable_name(name) {
        return Err("its name is not made of letters, digits, `_`, `.` and `-`");
    }
    if value.contains('\0') {
        return Err("it holds a NUL character, which no environment variable can");
    }
    if value.contains("${{") {
        return Err("it holds `${{`, which Dokploy takes for a reference and cannot escape");
    }
    if name.len() + 1 + value.len() > LONGEST {
        return Err("it is longer than Linux passes to a process (128 KiB)");
    }
    spellings(value)
        .iter()
        .flat_map(|spelling| candidates(spelling))
        .map(|written| format!("{name}={written}"))
        .find(|line| survives(line, name, value))
        .ok_or("it mixes quotes with line breaks or `#` in a way that Dokploy's env text cannot hold")
}

/// The texts that Swarm expands to a value.
fn spellings(value: &str) -> Vec<String> {
    if template::opens(value) {
        template::LITERALS.iter().map(|literal| template::escape(value, literal)).collect()
    } else {
        vec![value.to_owned()]
    }
}

/// The ways to write a value, the plainest first.
fn candidates(value: &str) -> impl Iterator<Item = String> {
    let unquoted = is_plain(value).then(|| value.to_owned());
    let quoted = QUOTES.into_iter().map(move |quote| close(quote, value));
    // Only double quotes bring line breaks other than LF through, and make one line of several.
    let expanded = close('"', &value.replace('\n', "\\n").replace('\r', "\\r"));
    let returns = close('"', &value.replace('\r', "\\r"));
    unquoted.into_iter().chain(quoted).chain([returns, expanded])
}

/// Whether a value may stand without quotes: one line, no blanks around it, nothing that looks like a quote or comment.
fn is_plain(value: &str) -> bool {
    let edges = [value.chars().next(), value.chars().next_back()];
    let firm = |letter: Option<char>| letter.is_some_and(|letter| !dotenv::is_blank(letter));
    edges.into_iter().all(firm)
        && !value.starts_with(QUOTES)
        && !value.chars().any(|letter| letter == '#' || dotenv::is_line_end(letter))
}

/// Puts a value in quotes. After a final backslash the closing quote would count as part of the value if any later
/// line could close it instead; a comment that holds one more quote stops such a match.
fn close(quote: char, value: &str) -> String {
    let guard = if value.ends_with('\\') { format!(" #{quote}-") } else { String::new() };
    format!("{quote}{value}{quote}{guard}")
}

/// Whether a line reads back as this variable and nothing else, whatever follows it.
///
/// What follows can only matter by closing a quote that the line leaves open; the line below closes each kind.
fn survives(line: &str, name: &str, value: &str) -> bool {
    let reads_as = |text: &str, others: usize| {
        let StoredEnv { values, templated } = read_env(text);
        let arrived = values.get(name).is_some_and(|arrived| arrived.expose() == value);
        arrived && templated.is_empty() && values.len() == others + 1
    };
    let neighbour = if name == "A" { "B" } else { "A" };
    reads_as(line, 0)
        && QUOTES.into_iter().all(|quote| reads_as(&format!("{line}\n{neighbour}={quote}\n{neighbour}={quote}"), 1))
}
