//! A run in a process of its own: this test binary once more, running one test that finds its part in the environment.

use crate::flight::Flight;
use deploy_native::DeployEvent;
use deploy_native::deploy::{RunOptions, Surroundings};
use deploy_native::lease::LeaseSettings;
use deploy_native_test_support::{DATABASE_DEADLINE, LANDING, World};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use time::OffsetDateTime;

/// By how many seconds the clock of a child's machine is ahead.
static CLOCK_AHEAD: OnceLock<i64> = OnceLock::new();

/// The time on a child's machine.
fn machine_time() -> OffsetDateTime {
    OffsetDateTime::now_utc() + time::Duration::seconds(CLOCK_AHEAD.get().copied().unwrap_or_default())
}

/// Tells a child what to deploy, and where.
const PART: &str = "SWEEP_TEST_PART";
/// What the lines of children begin with, to tell them from the test harness's own.
const MARK: &str = "CHILD ";
/// A lease that is over soon after its run has died.
const SHORT_LEASE: LeaseSettings = LeaseSettings {
    term: Duration::from_secs(4),
    renewal: Duration::from_millis(700),
    poll: Duration::from_millis(200),
};
/// How long any child may take to say something, on a machine that is busy.
const PATIENCE: Duration = Duration::from_mins(1);

/// Says a line to the parent, at once.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{MARK}{line}").unwrap();
    out.flush().unwrap();
}

/// Plays the child, when this process is one: runs, telling each event, and how it ended.
pub(crate) async fn played() -> bool {
    let Ok(part) = std::env::var(PART) else { return false };
    let part: Value = serde_json::from_str(&part).unwrap();
    CLOCK_AHEAD.set(part["clockAhead"].as_i64().unwrap_or_default()).unwrap();
    let options = RunOptions::default()
        .events(Arc::new(|event: DeployEvent| {
            say(serde_json::to_value(event).unwrap()["type"].as_str().unwrap_or_default());
        }))
        .surroundings(
            Surroundings::default()
                .name_servers(vec![part["resolver"].as_str().unwrap().parse().unwrap()])
                .authoritative_port(part["port"].as_u64().unwrap().try_into().unwrap())
                .landing(LANDING)
                .database_deadline(DATABASE_DEADLINE)
                .lease(if part["shortLease"] == true { SHORT_LEASE } else { LeaseSettings::default() })
                .now(machine_time),
        )
        .wait_for_lock(Duration::from_secs(part["waitForLock"].as_u64().unwrap_or_default()));
    let flight = Flight::named(part["flight"].as_str().unwrap());
    let result = flight.run(part["request"].clone(), options).await;
    say(&result.map_or_else(|error| format!("ended {}", error.code().as_str()), |_| "ended well".to_owned()));
    true
}

/// The command of a child that runs a flight in `world`; `test` is the one that plays its part.
pub(crate) fn command(test: &str, world: &World, flight: Flight) -> Command {
    command_for(test, world, flight, &flight.request(world))
}

fn command_for(test: &str, world: &World, flight: Flight, request: &Value) -> Command {
    command_on(test, world, flight, request, &Value::Null)
}

/// The command of a child with a machine of its own, which `machine` describes.
fn command_on(test: &str, world: &World, flight: Flight, request: &Value, machine: &Value) -> Command {
    let mut part = json!({
        "flight": format!("{flight:?}"),
        "request": request,
        "resolver": world.dns.resolver_addr().to_string(),
        "port": world.dns.authoritative_port(),
    });
    part.as_object_mut().unwrap().extend(machine.as_object().cloned().unwrap_or_default());
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(PART, part.to_string());
    command
}

/// A child that runs until it is killed, or dropped.
pub(crate) struct Running {
    child: Child,
    lines: Mutex<Receiver<String>>,
}

impl Running {
    /// Starts a child, as [`command`] says.
    pub(crate) fn start(test: &str, world: &World, flight: Flight) -> Self {
        Self::spawn(command(test, world, flight))
    }

    /// Starts a child that runs a flight with a request of its own.
    pub(crate) fn start_with(test: &str, world: &World, flight: Flight, request: &Value) -> Self {
        Self::spawn(command_for(test, world, flight, request))
    }

    /// Starts a child on a machine of its own: `clockAhead` and `waitForLock` in seconds, and whether it has a
    /// `shortLease`.
    pub(crate) fn start_on(test: &str, world: &World, flight: Flight, request: &Value, machine: &Value) -> Self {
        Self::spawn(command_on(test, world, flight, request, machine))
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
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
