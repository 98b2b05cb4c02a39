//! The undisturbed run: what every other one is compared with, and the points at which it can be interrupted.

use crate::check::{hosts, shape};
use crate::flight::Flight;
use deploy_native_test_support::World;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::io::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::OnceCell;

/// How many worlds a sweep has at a time; they wait more than they work.
const SIDE_BY_SIDE: usize = 4;
/// How long one point may take, on a machine that is busy.
const POINT_LIMIT: Duration = Duration::from_mins(5);

/// How many reads of one endpoint are points; what comes after them asks again whether the server is done.
const READS: usize = 6;

/// What an undisturbed run came to, and did.
pub(crate) struct Reference {
    /// The resources in the end.
    pub(crate) shape: Value,
    /// The host names of the domains that the state knows as ours.
    pub(crate) hosts: Vec<String>,
    /// How often it called each endpoint that changes something.
    pub(crate) mutations: BTreeMap<String, usize>,
    /// How often it called each endpoint that only reads.
    reads: BTreeMap<String, usize>,
    /// How many writes its DNS vendor got.
    pub(crate) dns_writes: usize,
    /// How many events it told.
    pub(crate) events: usize,
}

impl Reference {
    pub(crate) async fn of(flight: Flight) -> &'static Self {
        static REFERENCES: [OnceCell<Reference>; Flight::ALL.len()] =
            [const { OnceCell::const_new() }; Flight::ALL.len()];
        REFERENCES[flight as usize].get_or_init(|| Self::make(flight)).await
    }

    async fn make(flight: Flight) -> Self {
        let (world, _) = flight.start().await;
        let (calls, writes) = (world.simulator.requests().len(), dns_writes(&world));
        world.events.lock().unwrap().clear();
        flight.fly(&world).await.unwrap();
        let (mut mutations, mut reads) = (BTreeMap::new(), BTreeMap::new());
        for request in world.simulator.requests().into_iter().skip(calls) {
            let calls = if request.is_mutation() { &mut mutations } else { &mut reads };
            *calls.entry(request.endpoint().to_owned()).or_default() += 1;
        }
        let events = world.events.lock().unwrap().len();
        let hosts = hosts(&world.state().await);
        Self { shape: shape(&world), hosts, mutations, reads, dns_writes: dns_writes(&world) - writes, events }
    }

    /// How many changes of the server it made.
    pub(crate) fn total(&self) -> usize {
        self.mutations.values().sum()
    }

    /// Every change of the server: the endpoint, and which of its calls.
    pub(crate) fn calls(&self) -> Vec<(String, usize)> {
        calls(&self.mutations, usize::MAX)
    }

    /// The reads of the server, as [`Self::calls`].
    pub(crate) fn reads(&self) -> Vec<(String, usize)> {
        calls(&self.reads, READS)
    }
}

/// The calls of each endpoint, so many of one at the most.
fn calls(counts: &BTreeMap<String, usize>, most: usize) -> Vec<(String, usize)> {
    let of = |(endpoint, count): (&String, &usize)| {
        (1..=(*count).min(most)).map(|nth| (endpoint.clone(), nth)).collect::<Vec<_>>()
    };
    counts.iter().flat_map(of).collect()
}

pub(crate) fn dns_writes(world: &World) -> usize {
    world.dns.requests().iter().filter(|request| request.is_write()).count()
}

/// The points of several flights, as `list` makes them of each one's reference.
pub(crate) async fn points<P>(
    flights: impl IntoIterator<Item = Flight>,
    list: impl Fn(&Reference) -> Vec<P>,
) -> Vec<(Flight, P)> {
    let mut points = Vec::new();
    for flight in flights {
        points.extend(list(Reference::of(flight).await).into_iter().map(|point| (flight, point)));
    }
    points
}

/// Which points are tried: `full` all of them, another text those that contain it, and without it a sample.
fn asked() -> Option<String> {
    std::env::var("DEPLOY_NATIVE_SWEEP").ok().filter(|value| !value.is_empty())
}

/// The points that were asked for, or about `count` of them, spread evenly and beginning at `offset`.
pub(crate) fn sample<P: std::fmt::Debug>(points: Vec<P>, count: usize, offset: usize) -> Vec<P> {
    match asked().as_deref() {
        Some("full") => points,
        Some(part) => points.into_iter().filter(|point| format!("{point:?}").contains(part)).collect(),
        None => {
            let step = (points.len() / count).max(1);
            points.into_iter().skip(offset % step).step_by(step).take(count).collect()
        }
    }
}

/// Says a line, past the test harness, which would keep it to itself when all is well.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Tries every point in a world of its own; says how many converge, and fails naming those that do not.
pub(crate) async fn sweep<P, T>(kind: &str, points: Vec<P>, attempt: impl Fn(P) -> T)
where
    P: std::fmt::Debug,
    T: Future<Output = Result<(), String>> + Send + 'static,
{
    let faults = tried(kind, points, attempt).await;
    assert!(faults.is_empty(), "{kind}: {} do not converge:\n{}", faults.len(), faults.join("\n"));
}

/// As [`sweep`], and returns what is wrong with those that do not converge.
pub(crate) async fn tried<P, T>(kind: &str, points: Vec<P>, attempt: impl Fn(P) -> T) -> Vec<String>
where
    P: std::fmt::Debug,
    T: Future<Output = Result<(), String>> + Send + 'static,
{
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    static CONVERGED: AtomicUsize = AtomicUsize::new(0);
    let total = points.len();
    assert!(total > 0 || asked().is_some(), "{kind}: nothing to try");
    let attempts = points.into_iter().map(|point| {
        let name = format!("{point:?}");
        let attempt = attempt(point);
        async move {
            // A task of its own, so that a panic is a failed point.
            let fault = match tokio::spawn(tokio::time::timeout(POINT_LIMIT, attempt)).await {
                Ok(Ok(Ok(()))) => return None,
                Ok(Ok(Err(fault))) => format!("{name}: {fault}"),
                Ok(Err(_)) => format!("{name}: did not end"),
                Err(error) => format!("{name}: {error}"),
            };
            // At once: a whole sweep takes long.
            say(&format!("does not converge: {fault}"));
            Some(fault)
        }
    });
    let faults: Vec<String> =
        stream::iter(attempts).buffer_unordered(SIDE_BY_SIDE).filter_map(std::future::ready).collect().await;
    let good = total - faults.len();
    let (converged, tried) =
        (CONVERGED.fetch_add(good, Ordering::SeqCst) + good, TRIED.fetch_add(total, Ordering::SeqCst) + total);
    say(&format!("{kind}: {good} of {total} points converge ({converged} of {tried} so far)"));
    faults
}
