//! Containers of a Postgres image whose command runs `psql`: the command is interpreted, the SQL goes to the backend.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::psql;
use super::shell::{self, Node, Part, Word};
use crate::swarm::model::Spec;
use crate::world::World;

/// The argument vector of a service's command, when `psql` occurs in it.
pub(in crate::swarm) fn of(spec: &Spec) -> Option<Vec<String>> {
    let arguments: Vec<String> = spec.command.iter().chain(&spec.args).cloned().collect();
    arguments.iter().any(|argument| argument.contains("psql")).then_some(arguments)
}

/// The most bytes of a line that Docker logs as one entry.
const LONGEST_ENTRY: usize = 16 * 1024;
/// The longest argument that Linux passes to a program, with its final zero byte.
const LONGEST_ARGUMENT: usize = 128 * 1024;

/// What the container runtime says of a command that it cannot start.
pub(in crate::swarm) fn unstartable(spec: &Spec, has_psql: bool) -> Option<String> {
    let failed = "starting container failed: failed to create task for container: failed to create shim task: OCI runtime \
                  create failed: runc create failed: unable to start container process: error during container init: ";
    let program = spec.command.first()?;
    if program == "psql" && !has_psql {
        return Some(format!("{failed}exec: \"{program}\": executable file not found in $PATH: unknown"));
    }
    let too_long = spec.args.iter().any(|argument| argument.len() >= LONGEST_ARGUMENT);
    too_long.then(|| format!("{failed}exec /usr/bin/{program}: argument list too long: unknown"))
}

/// Splits a line as Docker does: a long one is several entries, printed one after the other with a timestamp each.
pub(in crate::swarm) fn split(line: &str) -> Vec<&str> {
    let (mut parts, mut rest) = (Vec::new(), line);
    while rest.len() > LONGEST_ENTRY {
        let (part, after) = rest.split_at(rest.floor_char_boundary(LONGEST_ENTRY));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// Runs a command to its end and returns its exit status. `log` gets each line that it prints.
pub(in crate::swarm) async fn run(world: &Arc<World>, spec: &Spec, arguments: &[String], log: Log<'_>) -> i64 {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for line in &spec.env {
        if let Some((name, value)) = line.split_once('=') {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    let mut shell = Shell { world, variables, log, exited: None };
    let shell_names = ["sh", "/bin/sh", "bash", "/bin/bash", "dash"];
    let is_shell = arguments.first().is_some_and(|program| shell_names.contains(&program.as_str()));
    let script = arguments.iter().skip(1).skip_while(|argument| !argument.ends_with('c')).nth(1);
    let mut output = Output::Log;
    match script.filter(|_| is_shell) {
        None => shell.program(arguments, None, &mut output).await,
        Some(script) => match shell::parse(script) {
            Ok(node) => {
                let status = shell.node(&node, None, &mut output).await;
                shell.exited.unwrap_or(status)
            }
            Err(error) => {
                log(&format!("sh: 1: {error}"));
                2
            }
        },
    }
}

pub(in crate::swarm) type Log<'a> = &'a (dyn Fn(&str) + Sync);

/// Where standard output goes.
enum Output {
    Log,
    Pipe(String),
    Nowhere,
}

struct Shell<'a> {
    world: &'a Arc<World>,
    variables: BTreeMap<String, String>,
    log: Log<'a>,
    exited: Option<i64>,
}

type Status<'a> = Pin<Box<dyn Future<Output = i64> + Send + 'a>>;

impl Shell<'_> {
    fn node<'a>(&'a mut self, node: &'a Node, input: Option<String>, output: &'a mut Output) -> Status<'a> {
        Box::pin(async move {
            if let Some(status) = self.exited {
                return status;
            }
            let status = match node {
                Node::Simple { words, input: document, silent } => {
                    let arguments = self.expand(words);
                    let input = document.as_ref().map(|text| self.join(text)).or(input);
                    let mut nowhere = Output::Nowhere;
                    self.program(&arguments, input, if *silent { &mut nowhere } else { output }).await
                }
                Node::Pipe(nodes) => self.pipe(nodes, output).await,
                Node::Chain { first, when, then } => {
                    let status = self.node(first, None, output).await;
                    if (status == 0) == *when { self.node(then, None, output).await } else { status }
                }
                Node::List(nodes) => {
                    let mut status = 0;
                    for node in nodes {
                        status = self.node(node, input.clone(), output).await;
                    }
                    status
                }
                Node::Loop { when, condition, body } => {
                    while (self.node(condition, None, output).await == 0) == *when && self.exited.is_none() {
                        self.node(body, None, output).await;
                        tokio::task::yield_now().await;
                    }
                    0
                }
                Node::If { condition, then, otherwise } => {
                    let branch = if self.node(condition, None, output).await == 0 { then } else { otherwise };
                    self.node(branch, None, output).await
                }
            };
            self.variables.insert("?".into(), status.to_string());
            self.exited.unwrap_or(status)
        })
    }

    async fn pipe(&mut self, nodes: &[Node], output: &mut Output) -> i64 {
        let Some((last, before)) = nodes.split_last() else { return 0 };
        let mut input = None;
        for node in before {
            let mut piped = Output::Pipe(String::new());
            self.node(node, input.take(), &mut piped).await;
            input = if let Output::Pipe(text) = piped { Some(text) } else { None };
        }
        self.node(last, input, output).await
    }

    fn value(&self, name: &str) -> &str {
        self.variables.get(name).map_or("", String::as_str)
    }

    fn join(&self, word: &Word) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Variable { name, .. } => self.value(name).to_owned(),
        };
        word.iter().map(text).collect()
    }

    /// Expands variables; a word that is nothing but an unquoted variable is split at blanks.
    fn expand(&self, words: &[Word]) -> Vec<String> {
        let split = |word: &Word| match word.as_slice() {
            [Part::Variable { name, quoted: false }] => {
                self.value(name).split_whitespace().map(str::to_owned).collect()
            }
            _ => vec![self.join(word)],
        };
        words.iter().flat_map(split).collect()
    }

    async fn program(&mut self, arguments: &[String], input: Option<String>, output: &mut Output) -> i64 {
        let assigned = arguments.iter().take_while(|argument| assignment(argument).is_some()).count();
        let (assignments, arguments) = arguments.split_at(assigned);
        let before = self.variables.clone();
        for (name, value) in assignments.iter().filter_map(|argument| assignment(argument)) {
            self.variables.insert(name.to_owned(), value.to_owned());
        }
        let Some((program, rest)) = arguments.split_first() else { return 0 };
        let status = self.builtin(program, rest, input, output).await;
        if !assignments.is_empty() {
            self.variables = before;
        }
        status
    }

    async fn builtin(&mut self, program: &str, rest: &[String], input: Option<String>, output: &mut Output) -> i64 {
        match program {
            "true" | ":" | "set" | "trap" => 0,
            "false" => 1,
            "exit" => {
                let status = rest.first().and_then(|status| status.parse().ok()).unwrap_or(0);
                self.exited = Some(status);
                status
            }
            "exec" => {
                let status = Box::pin(self.program(rest, input, output)).await;
                self.exited = Some(status);
                status
            }
            "export" => {
                for (name, value) in rest.iter().filter_map(|argument| assignment(argument)) {
                    self.variables.insert(name.to_owned(), value.to_owned());
                }
                0
            }
            "sleep" => {
                let seconds: f64 = rest.first().and_then(|text| text.parse().ok()).unwrap_or(f64::from(u32::MAX));
                self.world.clock.sleep_seconds(seconds).await;
                0
            }
            "echo" => self.print(&format!("{}\n", rest.join(" ")), output),
            "printf" => self.print(&printf(rest), output),
            "cat" => self.print(&input.unwrap_or_default(), output),
            "psql" => self.psql(rest, input, output).await,
            "pg_isready" => {
                let connection = psql::connection(rest, &self.variables);
                i64::from(!connection.is_served(self.world)) * 2
            }
            unknown => {
                (self.log)(&format!("sh: 1: {unknown}: not found"));
                127
            }
        }
    }

    async fn psql(&mut self, arguments: &[String], input: Option<String>, output: &mut Output) -> i64 {
        let mut print = |text: &str| {
            self.print(text, output);
        };
        let result = psql::run(self.world, arguments, &self.variables, input, &mut print).await;
        for line in result.errors.lines() {
            (self.log)(line);
        }
        result.status
    }

    fn print(&self, text: &str, output: &mut Output) -> i64 {
        match output {
            Output::Log => text.lines().for_each(|line| (self.log)(line)),
            Output::Pipe(piped) => piped.push_str(text),
            Output::Nowhere => {}
        }
        0
    }
}

fn assignment(argument: &str) -> Option<(&str, &str)> {
    let (name, value) = argument.split_once('=')?;
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then_some((name, value))
}

/// `%s` and `\n` only.
fn printf(arguments: &[String]) -> String {
    let Some((format, values)) = arguments.split_first() else { return String::new() };
    let mut values = values.iter();
    let pieces: Vec<&str> = format.split("%s").collect();
    let mut text = pieces[0].to_owned();
    for piece in &pieces[1..] {
        text.push_str(values.next().map_or("", String::as_str));
        text.push_str(piece);
    }
    text.replace("\\n", "\n")
}
