//! A run in a process of its own: this test binary once more, running one test that finds its part in the environment.

use crate::world::World;
use deploy_native::DeployEvent;
use deploy_native::deploy::{DeployRequest, RotateRequest, RunOptions, Surroundings, deploy, rotate_credentials};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Tells a child what to deploy, and where.
const PART: &str = "SWEEP_TEST_PART";
/// What the lines of children begin with, to tell them from the test harness's own.
const MARK: &str = "CHILD ";
/// How long any child may take to say something, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// Says a line to the parent, at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// Plays the child, when this process is one: deploys, telling each event, and how it ended.
pub(crate) async fn played() -> bool {
    let Ok(part) = std::env::var(PART) else { return false };
    let part: Value = serde_json::from_str(&part).unwrap();
    let options = RunOptions {
        events: Arc::new(|event: DeployEvent| {
            say(serde_json::to_value(event).unwrap()["type"].as_str().unwrap_or_default());
        }),
        surroundings: Surroundings {
            name_servers: vec![part["resolver"].as_str().unwrap().parse().unwrap()],
            authoritative_port: part["port"].as_u64().unwrap().try_into().unwrap(),
            landing: Duration::from_millis(400),
            ..Surroundings::default()
        },
        ..RunOptions::default()
    };
    let request = part["request"].clone();
    let result = if part["rotates"] == true {
        rotate_credentials(RotateRequest::from_json(request).unwrap(), options).await.map(drop)
    } else {
        deploy(DeployRequest::from_json(request).unwrap(), options).await.map(drop)
    };
    say(&result.map_or_else(|failure| format!("ended {}", failure.error.code().as_str()), |()| "ended well".to_owned()));
    true
}

/// A child that deploys until it is killed, or dropped.
pub(crate) struct Running {
    child: Child,
    lines: Mutex<Receiver<String>>,
}

impl Running {
    /// Starts a child that deploys into `world`; `test` is the one that plays its part.
    pub(crate) fn start(test: &str, world: &World) -> Self {
        Self::run(test, world, world.request(), false)
    }

    /// Starts a child that rotates a password in `world`; `test` is the one that plays its part.
    pub(crate) fn rotate(test: &str, world: &World, request: Value) -> Self {
        Self::run(test, world, request, true)
    }

    fn run(test: &str, world: &World, request: Value, rotates: bool) -> Self {
        let part = json!({
            "request": request,
            "rotates": rotates,
            "resolver": world.dns.resolver_addr().to_string(),
            "port": world.dns.authoritative_port(),
        });
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture", "--test-threads=1"])
            .env(PART, part.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(said) = line.strip_prefix(MARK) {
                    let _ = sender.send(said.to_owned());
                }
            }
        });
        Self { child, lines: Mutex::new(lines) }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has told `count` events or has ended.
    pub(crate) async fn told(&self, count: usize) {
        let mut seen = 0;
        self.until(|line| {
            seen += 1;
            seen >= count || line.starts_with("ended")
        })
        .await;
    }

    /// The code of its error, or `well`, if it has ended.
    pub(crate) fn ended(&self) -> Option<String> {
        self.lines.lock().unwrap().try_iter().find_map(|line| line.strip_prefix("ended ").map(str::to_owned))
    }

    async fn until(&self, mut fits: impl FnMut(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.lock().unwrap().try_iter().find(|line| fits(line));
            if line.is_some() {
                return;
            }
            assert!(Instant::now() < deadline, "the child said nothing");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Kills it with `SIGKILL`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
