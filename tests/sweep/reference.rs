//! The undisturbed deployment: what every other one is compared with, and the points at which it can be interrupted.

use crate::check::shape;
use crate::world::World;
use deploy_native::dokploy::Dokploy;
use deploy_native_simulator::dns::ZoneRecord;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How many worlds a sweep has at a time; they wait more than they work.
const SIDE_BY_SIDE: usize = 4;
/// How long one point may take, on a machine that is busy.
const POINT_LIMIT: Duration = Duration::from_mins(2);

/// What the undisturbed deployment came to, and did.
pub(crate) struct Reference {
    /// The resources in the end.
    pub(crate) shape: Value,
    /// How often it called each endpoint that changes something.
    pub(crate) mutations: BTreeMap<String, usize>,
    /// How many writes its DNS vendor got.
    pub(crate) dns_writes: usize,
    /// How many events it told.
    pub(crate) events: usize,
}

impl Reference {
    pub(crate) async fn get() -> &'static Self {
        static REFERENCE: OnceCell<Reference> = OnceCell::const_new();
        REFERENCE.get_or_init(Self::make).await
    }

    async fn make() -> Self {
        let world = start().await;
        let before = world.simulator.mutations().len();
        world.deploy(world.request()).await.unwrap();
        let mut mutations = BTreeMap::new();
        for request in world.simulator.mutations().into_iter().skip(before) {
            *mutations.entry(request.endpoint().to_owned()).or_default() += 1;
        }
        let dns_writes = world.dns.requests().iter().filter(|request| request.is_write()).count();
        let events = world.events.lock().unwrap().len();
        Self { shape: shape(&world), mutations, dns_writes, events }
    }

    /// How many changes of the server it made.
    pub(crate) fn total(&self) -> usize {
        self.mutations.values().sum()
    }

    /// Every change of the server: the endpoint, and which of its calls.
    pub(crate) fn points(&self) -> Vec<(String, usize)> {
        let calls =
            |(endpoint, count): (&String, &usize)| (1..=*count).map(|nth| (endpoint.clone(), nth)).collect::<Vec<_>>();
        self.mutations.iter().flat_map(calls).collect()
    }
}

/// A world in which somebody else has things, too.
pub(crate) async fn start() -> World {
    let world = World::start().await;
    let client = Dokploy::new(world.simulator.url(), &world.simulator.token().into()).unwrap();
    let theirs = client.project().create("somebody-elses", None).await.unwrap();
    world.simulator.create_application(&theirs.environment.environment_id, "api");
    world.dns.put_record("example.com", ZoneRecord::new("mail.staging", "A", 600, "198.51.100.7"));
    world.dns.put_record("example.com", ZoneRecord::new("api.staging", "TXT", 600, "\"theirs\""));
    world
}

/// Whether every point is asked for.
pub(crate) fn is_full() -> bool {
    std::env::var("DEPLOY_NATIVE_SWEEP").is_ok_and(|value| value == "full")
}

/// Every point, or about `count` of them, spread evenly and beginning at `offset`.
pub(crate) fn sample<T>(points: Vec<T>, count: usize, offset: usize) -> Vec<T> {
    if is_full() {
        return points;
    }
    let step = (points.len() / count).max(1);
    points.into_iter().skip(offset % step).step_by(step).take(count).collect()
}

/// Tries every point in a world of its own; says how many converge, and fails naming those that do not.
#[expect(clippy::print_stdout, reason = "the count is the result")]
pub(crate) async fn sweep<P, T>(kind: &str, points: Vec<P>, attempt: impl Fn(P) -> T)
where
    P: std::fmt::Debug,
    T: Future<Output = Result<(), String>> + Send + 'static,
{
    let total = points.len();
    assert!(total > 0, "{kind}: nothing to try");
    let attempts = points.into_iter().map(|point| {
        let name = format!("{point:?}");
        // A task of its own, so that a panic is a failed point.
        let task = tokio::spawn(tokio::time::timeout(POINT_LIMIT, attempt(point)));
        async move {
            match task.await {
                Ok(Ok(Ok(()))) => None,
                Ok(Ok(Err(fault))) => Some(format!("{name}: {fault}")),
                Ok(Err(_)) => Some(format!("{name}: did not end")),
                Err(error) => Some(format!("{name}: {error}")),
            }
        }
    });
    let faults: Vec<String> =
        stream::iter(attempts).buffer_unordered(SIDE_BY_SIDE).filter_map(std::future::ready).collect().await;
    println!("{kind}: {} of {total} points converge", total - faults.len());
    assert!(faults.is_empty(), "{kind}: {} of {total} do not converge:\n{}", faults.len(), faults.join("\n"));
}
