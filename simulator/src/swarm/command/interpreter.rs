//! Commands of containers: what an image declares is played, shell text is interpreted, and SQL goes to the backend.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::lexer::{Part, Word};
use super::programs;
use super::psql;
use super::shell::{self, Node};
use crate::image::Image;
use crate::swarm::model::Spec;
use crate::swarm::task::TaskRef;
use crate::world::World;

/// Runs a command in the container of `at` to its end and returns its exit status. `log` gets each line that it prints.
pub(in crate::swarm) async fn run(
    world: &Arc<World>,
    at: &TaskRef,
    spec: &Spec,
    arguments: &[String],
    log: Log<'_>,
) -> i64 {
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for line in &spec.env {
        if let Some((name, value)) = line.split_once('=') {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    let image = world.images(|catalogue| catalogue.get(&spec.image));
    let mut shell = Shell { world, at, image, runs_once: spec.runs_once(), variables, log, exited: None };
    let status = shell.program(arguments, None, &mut Output::Log).await;
    shell.exited.unwrap_or(status)
}

type Log<'a> = &'a (dyn Fn(&str) + Sync);

/// Where standard output goes.
enum Output {
    Log,
    Pipe(String),
    Nowhere,
}

struct Shell<'a> {
    world: &'a Arc<World>,
    /// The container's task.
    at: &'a TaskRef,
    image: Image,
    runs_once: bool,
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
                Node::Simple { words, input: document, from, silent } => {
                    let arguments = self.expand(words);
                    let input = document.as_ref().map(|text| self.join(text)).or(input);
                    let mut nowhere = Output::Nowhere;
                    let opened =
                        from.as_ref().is_none_or(|path| programs::opens(self.world, self.at, &self.join(path)));
                    let output = if *silent { &mut nowhere } else { output };
                    if opened { self.program(&arguments, input, output).await } else { 1 }
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
                Node::For { name, words, body } => {
                    let mut status = 0;
                    for value in self.expand(words) {
                        self.variables.insert(name.clone(), value);
                        status = self.node(body, None, output).await;
                    }
                    status
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

    /// Expands variables; a word that is nothing but an unquoted variable is split at blanks, and `"$@"` is each parameter.
    fn expand(&self, words: &[Word]) -> Vec<String> {
        let split = |word: &Word| match word.as_slice() {
            [Part::Variable { name, quoted: true }, Part::Text(_)] if name == "@" => self.parameters(),
            [Part::Variable { name, quoted: false }] => {
                self.value(name).split_whitespace().map(str::to_owned).collect()
            }
            _ => vec![self.join(word)],
        };
        words.iter().flat_map(split).collect()
    }

    /// `$1` and those that follow.
    fn parameters(&self) -> Vec<String> {
        (1..).map_while(|number: usize| self.variables.get(&number.to_string()).cloned()).collect()
    }

    /// Runs `sh -c text name parameters…` as a process of its own.
    async fn script(&mut self, arguments: &[String], input: Option<String>, output: &mut Output) -> i64 {
        let mut rest = arguments.iter().skip_while(|argument| !argument.ends_with('c')).skip(1);
        let Some(text) = rest.next() else { return 0 };
        let node = match shell::parse(text) {
            Ok(node) => node,
            Err(error) => {
                (self.log)(&format!("sh: 1: {error}"));
                return 2;
            }
        };
        let (before, exited) = (self.variables.clone(), self.exited.take());
        self.variables.retain(|name, _| name.parse::<usize>().is_err());
        self.variables.extend(rest.enumerate().map(|(number, value)| (number.to_string(), value.clone())));
        let status = self.node(&node, input, output).await;
        self.variables = before;
        std::mem::replace(&mut self.exited, exited).unwrap_or(status)
    }

    async fn program(&mut self, arguments: &[String], input: Option<String>, output: &mut Output) -> i64 {
        if let Some(declared) = self.image.program_of(arguments).cloned() {
            return programs::play(self.world, &self.variables, self.log, &declared).await;
        }
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
            "sh" | "/bin/sh" | "bash" | "/bin/bash" | "dash" if self.image.has(program) => {
                Box::pin(self.script(rest, input, output)).await
            }
            "command" => i64::from(!rest.last().is_some_and(|name| self.image.has(name))),
            "timeout" => {
                let seconds = rest.first().and_then(|text| text.parse().ok()).unwrap_or(0.0);
                let (world, run) = (self.world, Box::pin(self.program(&rest[1..], input, output)));
                tokio::select! {
                    status = run => status,
                    () = world.clock.sleep_seconds(seconds) => 124,
                }
            }
            "nc" | "curl" | "wget" if self.image.has(program) => programs::connect(self.world, self.at, program, rest),
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
            "psql" if self.image.has_psql() => self.psql(rest, input, output).await,
            "pg_isready" => {
                let connection = psql::connection(rest, &self.variables);
                i64::from(!connection.is_served(self.world)) * 2
            }
            unknown => self.declared(unknown, rest).await,
        }
    }

    /// A program that the image declares. One that nobody declared ends well where it runs once, and is not there elsewhere.
    async fn declared(&mut self, program: &str, rest: &[String]) -> i64 {
        let command: Vec<String> = std::iter::once(program.to_owned()).chain(rest.iter().cloned()).collect();
        if let Some(declared) = self.image.program_of(&command).cloned() {
            return programs::play(self.world, &self.variables, self.log, &declared).await;
        }
        if self.runs_once && self.image.has(program) {
            return 0;
        }
        (self.log)(&format!("sh: 1: {program}: not found"));
        127
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
