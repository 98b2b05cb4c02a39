//! How fast the engine is, as ratios within one run: deployments against their critical path, and how work grows with
//! the number of apps.
//!
//! `cargo bench --bench engine`; `ENGINE_APPS=25,50` names other sizes, `ENGINE_ROUNDS` how often the seed's workspace is
//! deployed each way (default 3; the median counts). It fails when a goal is missed.

#![expect(clippy::print_stdout, reason = "the numbers are the output")]
#![allow(clippy::unwrap_used, clippy::large_futures, reason = "a benchmark that fails panics")]

use deploy_native::deploy::{DeployRequest, RunOptions, plan};
use deploy_native::state::StateProvider;
use deploy_native_test_support::measure::{
    ChainTimes, CountingStore, Exchange, MeasuredRun, MeasuredWorld, critical_path, depth, in_a_row, without_polls,
};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a call of an API takes.
const LATENCY: Duration = Duration::from_millis(50);
/// How many ticks of processor time the kernel counts in a second.
const TICKS: f64 = 100.0;
/// How many plans are measured together, because a tick is long.
const PLANS: u32 = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(position) = arguments.iter().position(|argument| argument == "--plan") {
        return runtime.block_on(plan_here(Path::new(&arguments[position + 1])));
    }
    let number = |name: &str| std::env::var(name).ok();
    let rounds = number("ENGINE_ROUNDS").and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    println!("the disk of the state takes {:.1} ms to make a line durable", milliseconds(disk_wait()));
    let mut missed = Missed::default();
    for access in ["external-port", "internal"] {
        runtime.block_on(seed(access, rounds, &mut missed));
    }
    let sizes = number("ENGINE_APPS").unwrap_or_else(|| "25,50,100,200".to_owned());
    runtime.block_on(growth(sizes.split(',').map(|size| size.parse().unwrap()), &mut missed));
    runtime.block_on(windows(&mut missed));
    for goal in &missed.0 {
        println!("missed: {goal}");
    }
    std::process::exit(i32::from(!missed.0.is_empty()));
}

/// The goals that were missed.
#[derive(Default)]
struct Missed(Vec<String>);

impl Missed {
    fn unless(&mut self, met: bool, goal: &str) {
        if !met {
            self.0.push(goal.to_owned());
        }
    }
}

/// How long the disk takes to make a line durable: the median of some.
fn disk_wait() -> Duration {
    let mut file = tempfile::tempfile().unwrap();
    let mut waits: Vec<Duration> = (0..25)
        .map(|_| {
            file.write_all(b"{}\n").unwrap();
            let began = Instant::now();
            file.sync_data().unwrap();
            began.elapsed()
        })
        .collect();
    waits.sort();
    waits[waits.len() / 2]
}

/// What one deployment of the seed's workspace came to.
struct Figures {
    whole: Duration,
    imposed: Duration,
    critical: Duration,
    row: Duration,
    requests: usize,
    longest: usize,
    depth: usize,
    second: Duration,
    second_requests: usize,
    second_depth: usize,
    /// Requests for the lease of the stage: of the first run, and of the second.
    lease: [usize; 2],
}

impl Figures {
    fn of(first: &MeasuredRun, second: &MeasuredRun) -> Self {
        let made = without_polls(&first.exchanges);
        let path = critical_path(first);
        assert!(second.exchanges.iter().all(|exchange| !exchange.is_write()), "a second run only reads");
        Self {
            whole: first.took,
            imposed: imposed(first),
            critical: in_a_row(&path),
            row: in_a_row(&made),
            requests: made.len(),
            longest: path.len(),
            depth: depth(&made),
            second: second.took,
            second_requests: second.exchanges.len(),
            second_depth: depth(&second.exchanges),
            lease: [&made, &second.exchanges].map(|all| all.iter().filter(|it| it.path.starts_with("tag.")).count()),
        }
    }

    fn own(&self) -> Duration {
        self.whole.saturating_sub(self.imposed)
    }
}

/// The time in which the step of the database waits for the server: no request of anybody is under way, or only one
/// that asks again whether the server is done.
fn imposed(lap: &MeasuredRun) -> Duration {
    let (Some(began), Some(ended)) = (lap.began("database:roles"), lap.ended("database:roles")) else {
        return Duration::ZERO;
    };
    let mut busy: Vec<Exchange> = without_polls(&lap.exchanges);
    busy.retain(|exchange| exchange.answered > began && exchange.sent < ended);
    let (mut idle, mut until) = (Duration::ZERO, began);
    for exchange in busy {
        idle += exchange.sent.saturating_duration_since(until);
        until = until.max(exchange.answered);
    }
    idle + ended.saturating_duration_since(until)
}

async fn seed(access: &str, rounds: usize, missed: &mut Missed) {
    let mut all = Vec::new();
    for _ in 0..rounds {
        let course = MeasuredWorld::start(LATENCY).await;
        let first = course.deploy(course.request(access)).await;
        let second = course.deploy(course.request(access)).await;
        all.push(Figures::of(&first, &second));
    }
    all.sort_by_key(Figures::own);
    let figures = &all[all.len() / 2];
    let own = figures.own();
    println!("the seed's workspace, {} ms a request, database by way of {access}", LATENCY.as_millis());
    println!("  waits that the database imposes    {:8.0} ms, not counted below", milliseconds(figures.imposed));
    println!("  first deployment                   {:8.0} ms   {} requests", milliseconds(own), figures.requests);
    println!(
        "  its critical path                  {:8.0} ms   {:6.2} x the time   {} deep, as made {}",
        milliseconds(figures.critical),
        ratio(own, figures.critical),
        figures.longest,
        figures.depth,
    );
    println!(
        "  the requests one after another     {:8.0} ms   {:6.2} x less",
        milliseconds(figures.row),
        ratio(figures.row, own)
    );
    println!(
        "  second deployment, unchanged       {:8.0} ms   {} requests, all reads, {} deep",
        milliseconds(figures.second),
        figures.second_requests,
        figures.second_depth
    );
    println!(
        "  for the lease                      {:8} requests, {} of an unchanged run",
        figures.lease[0], figures.lease[1]
    );
    missed.unless(figures.lease[1] <= 2, &format!("{access}: an unchanged run asks for the lease at most twice"));
    missed.unless(ratio(own, figures.critical) <= 1.3, &format!("{access}: at most 1.3 x the critical path"));
    missed.unless(ratio(figures.row, own) >= 3.0, &format!("{access}: 3 x less than one after another"));
    missed.unless(figures.second_depth <= 6, &format!("{access}: an unchanged run at most 6 deep"));
}

/// Deploys three apps that depend on each other, whose stability windows run side by side.
async fn windows(missed: &mut Missed) {
    let times = ChainTimes::measure(15).await;
    println!(
        "three apps in a row, a window of {} s  {:6.2} x the chain and one window; windows in a row {:.2} x",
        times.window.as_secs(),
        times.ratio(),
        times.ratio_in_a_row()
    );
    missed.unless(times.ratio() <= 1.2, "a chain of three apps: at most 1.2 x the chain and one window");
}

/// Deploys workspaces of several sizes and prints what they cost, and what one app costs against the smallest's.
async fn growth(sizes: impl Iterator<Item = usize>, missed: &mut Missed) {
    println!(
        "apps  first run  requests  state writes      bytes    journal  events   second run  requests  plan CPU  memory"
    );
    let mut smallest: Option<(f64, [f64; 5])> = None;
    for count in sizes {
        let course = MeasuredWorld::start(Duration::ZERO).await;
        let root = course.world.root.path();
        let provider = Arc::new(CountingStore::new(root));
        let kept: Arc<dyn StateProvider> = provider.clone();
        let options = course.world.options().state_provider(kept);
        let journal = Peak::watch(root.join(".gkm/deploy-staging.journal"));
        let first = course.deploy_with(course.many_apps(count), options.clone()).await;
        let journal = journal.stop();
        let second = course.deploy_with(course.many_apps(count), options).await;
        let (cpu, memory) = plan_apart(&course, count);
        let requests = without_polls(&first.exchanges).len();
        println!(
            "{count:4}  {:6.0} ms  {requests:8}  {:12}  {:6.0} kB  {:6.0} kB  {:6}  {:8.0} ms  {:8}  {cpu:5.0} ms  {memory:3.0} MB",
            milliseconds(first.took),
            provider.writes(),
            kilobytes(provider.bytes()),
            kilobytes(journal),
            first.events.len(),
            milliseconds(second.took),
            second.exchanges.len(),
        );
        let costs = [
            as_float(requests),
            kilobytes(provider.bytes()),
            kilobytes(journal),
            as_float(second.exchanges.len()),
            cpu,
        ];
        let (apps, of_smallest) = smallest.get_or_insert((as_float(count), costs));
        let grown =
            std::array::from_fn::<f64, 5, _>(|index| costs[index] / as_float(count) * *apps / of_smallest[index]);
        println!(
            "      an app costs, against the smallest: requests {:.2}, state bytes {:.2}, journal {:.2}, reads {:.2}, CPU {:.2}",
            grown[0], grown[1], grown[2], grown[3], grown[4]
        );
        missed.unless(cpu < 200.0, &format!("{count} apps: a plan in under 200 ms of processor time"));
        missed.unless(memory < 100.0, &format!("{count} apps: a plan in under 100 MB"));
        missed.unless(grown[0] <= 1.1 && grown[3] <= 1.1, &format!("{count} apps: requests linear in apps"));
    }
}

/// Plans in a process of its own, beside which nothing else runs: the processor time of a plan in milliseconds, and the
/// most memory that the process has held, in megabytes.
fn plan_apart(course: &MeasuredWorld, count: usize) -> (f64, f64) {
    let file = course.world.root.path().join("request.json");
    std::fs::write(&file, course.many_apps(count).to_string()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap()).arg("--plan").arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text.split_whitespace().map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

/// Plans the request of a file, and prints what that has cost.
async fn plan_here(file: &Path) {
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let before = processor_time();
    for _ in 0..PLANS {
        let request = DeployRequest::from_json(value.clone()).unwrap();
        let plan = plan(request, RunOptions::default()).await.unwrap();
        assert_eq!(plan.changes, 0);
    }
    println!("{} {}", (processor_time() - before) / f64::from(PLANS), peak_memory());
}

/// The processor time of this process so far, in milliseconds.
fn processor_time() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..=12].iter().map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / TICKS * 1_000.0
}

/// The most memory that this process has held, in megabytes.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

/// Watches how long a file gets.
struct Peak {
    most: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<()>,
}

impl Peak {
    fn watch(path: PathBuf) -> Self {
        let (most, ended) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (seen, stop) = (Arc::clone(&most), Arc::clone(&ended));
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                seen.fetch_max(std::fs::metadata(&path).map_or(0, |file| file.len()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        Self { most, ended, thread }
    }

    fn stop(self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().unwrap();
        self.most.load(Ordering::Relaxed)
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
fn kilobytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
fn as_float(count: usize) -> f64 {
    count as f64
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}
