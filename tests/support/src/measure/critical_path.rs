//! How deep requests go: as they were made, and as they have to be.
//!
//! A request has to wait for another one
//! 1. when it carries an identifier that the other's answer was the first to tell;
//! 2. when its step depends on the other's step in the plan's graph;
//! 3. when it comes after the look that a plan needs: nothing is changed before that is over (I1);
//! 4. when the order of the two is a promise within one step, see [`ORDER`];
//! 5. when a lease stands between them: it is taken after the checks, what it protects is looked at again under it, and it
//!    is given back last (I11);
//! 6. when it takes away what tried the ports: that is needed until every app has answered.
//!
//! The longest such row is the critical path: no engine that keeps these rules can be done sooner. That the rules say
//! no more than what is true is checked with every request: none was sent before the answers it has to wait for.

use super::measured_world::MeasuredRun;
use super::relay::Exchange;
use crate::observe::is_probe;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// What comes before what within a step and for one application or service.
const ORDER: &[(&str, &[&str])] = &[
    // The server takes image, environment and command from the record when it deploys.
    ("application.saveDockerProvider", &["application.deploy"]),
    ("application.saveEnvironment", &["application.deploy"]),
    ("application.update", &["application.deploy"]),
    // What runs, and what it says, counts once the deployment is done.
    ("application.deploy", &["deployment.all"]),
    ("deployment.all", &[TASKS, CONTAINERS, "application.readLogs"]),
    (TASKS, &[CONFIG]),
    ("application.readLogs", &["application.delete"]),
    ("postgres.deploy", &["postgres.one"]),
    ("redis.deploy", &["redis.one"]),
    ("postgres.create", &["postgres.saveExternalPort"]),
];

const TASKS: &str = "docker.getServiceContainersByAppName";
const CONTAINERS: &str = "docker.getContainersByAppNameMatch";
const CONFIG: &str = "docker.getConfig";
/// The step to which the applications belong that try ports; no plan has it.
const PROBE: &str = "probe";
/// What makes a lease on the server, and what gives it back.
const LEASE: &str = "tag.create";
const RELEASE: &str = "tag.remove";
/// Only tells the user where a deployment is; nothing has to wait for it.
const QUEUE: &str = "deployment.queueList";
/// What is asked again and again until the server is done.
const POLLED: &[&str] = &[TASKS, CONTAINERS, QUEUE, "deployment.all", "application.readLogs", "postgres.readLogs"];

/// The exchanges without the polls that found the server not yet done, which are its wait and not ours; in the order in
/// which they were sent.
pub fn without_polls(exchanges: &[Exchange]) -> Vec<Exchange> {
    let mut sorted = exchanges.to_vec();
    sorted.sort_by_key(|exchange| exchange.sent);
    let first_change = sorted.iter().find(|exchange| exchange.is_write()).map(|exchange| exchange.sent);
    let same = |a: &Exchange, b: &Exchange| a.path == b.path && a.query == b.query;
    let repeated = |index: usize, exchange: &Exchange| {
        let mut later = sorted[index + 1..].iter();
        // What the tasks of a job say is asked only while its `psql` has not answered.
        let of_a_job = exchange.path == TASKS && exchange.query.starts_with("appName=sql-");
        of_a_job
            || POLLED.contains(&exchange.path.as_str())
                && first_change.is_some_and(|first| exchange.sent > first)
                && later.any(|later| same(exchange, later))
    };
    let kept = sorted.iter().enumerate().filter(|(index, exchange)| !repeated(*index, exchange));
    kept.map(|(_, exchange)| exchange.clone()).collect()
}

/// As they were made: the longest row of requests each of which was sent after the one before was answered.
pub fn depth(exchanges: &[Exchange]) -> usize {
    let mut sorted: Vec<&Exchange> = exchanges.iter().collect();
    sorted.sort_by_key(|exchange| exchange.sent);
    let mut depths: Vec<(Instant, usize)> = Vec::new();
    for exchange in sorted {
        let before = depths.iter().filter(|(answered, _)| *answered <= exchange.sent).map(|(_, depth)| *depth);
        depths.push((exchange.answered, before.max().unwrap_or(0) + 1));
    }
    depths.into_iter().map(|(_, depth)| depth).max().unwrap_or(0)
}

/// The time that the requests take one after another.
pub fn in_a_row<'a>(exchanges: impl IntoIterator<Item = &'a Exchange>) -> Duration {
    exchanges.into_iter().map(|exchange| exchange.answered - exchange.sent).sum()
}

/// As they have to be: the longest row of requests each of which has to wait for the one before.
pub fn critical_path(lap: &MeasuredRun) -> Vec<Exchange> {
    let exchanges = without_polls(&lap.exchanges);
    let rules = Rules::of(&exchanges, lap);
    let mut longest: Vec<(Duration, Option<usize>)> = Vec::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let mut best = (Duration::ZERO, None);
        for (other, before) in exchanges.iter().enumerate() {
            if other == index || !rules.waits(index, other) {
                continue;
            }
            let early =
                || format!("{} {} was sent before {} {}", exchange.path, exchange.body, before.path, before.body);
            assert!(before.answered <= exchange.sent, "{}", early());
            if longest[other].0 >= best.0 {
                best = (longest[other].0, Some(other));
            }
        }
        longest.push((best.0 + (exchange.answered - exchange.sent), best.1));
    }
    let mut next = (0..longest.len()).max_by_key(|index| longest[*index].0);
    let mut path = Vec::new();
    while let Some(index) = next {
        path.push(exchanges[index].clone());
        next = longest[index].1;
    }
    path.reverse();
    path
}

/// What the rules need to know of each exchange.
struct Rules<'a> {
    exchanges: &'a [Exchange],
    /// Which answer was the first to tell each of the identifiers that the request carries.
    told_by: Vec<BTreeSet<usize>>,
    /// The step, and the application or service within it.
    places: Vec<Option<(String, String)>>,
    /// Every step that comes before a step.
    before: HashMap<&'a str, BTreeSet<&'a str>>,
    /// When the look was over.
    applying: Option<Instant>,
}

impl<'a> Rules<'a> {
    fn of(exchanges: &'a [Exchange], lap: &'a MeasuredRun) -> Self {
        // To the step of the database belongs every later question about it.
        let roles_began = lap.began("database:roles");
        let mut before: HashMap<&str, BTreeSet<&str>> = HashMap::new();
        for step in &lap.plan.steps {
            let mut all = BTreeSet::new();
            for first in &step.depends_on {
                all.insert(first.as_str());
                all.extend(before.get(first.as_str()).into_iter().flatten());
            }
            before.insert(&step.id, all);
        }
        let names = Names::of(exchanges);
        Self {
            exchanges,
            told_by: told_by(exchanges),
            places: exchanges.iter().map(|exchange| names.place(exchange, roles_began)).collect(),
            before,
            applying: lap.applying(),
        }
    }

    /// Whether the request `later` has to wait for the answer of `earlier`.
    fn waits(&self, later: usize, earlier: usize) -> bool {
        let (request, other) = (&self.exchanges[later], &self.exchanges[earlier]);
        if other.path == QUEUE && self.applying.is_some_and(|applying| other.sent >= applying) {
            return false;
        }
        let after_look = self.applying.is_some_and(|applying| other.sent < applying && request.sent >= applying);
        after_look
            || self.told_by[later].contains(&earlier)
            || self.ordered(later, earlier)
            || self.leased(later, earlier)
            || self.closes_probe(later, earlier)
    }

    fn leased(&self, later: usize, earlier: usize) -> bool {
        let (request, other) = (&self.exchanges[later], &self.exchanges[earlier]);
        // The one of a project is given back as soon as the project is there, while everything goes on.
        let last = later + 1 == self.exchanges.len();
        (later > earlier && (request.path == LEASE || request.path == RELEASE && last))
            || (other.path == LEASE && request.sent >= other.answered)
    }

    fn closes_probe(&self, later: usize, earlier: usize) -> bool {
        let (request, other) = (&self.exchanges[later], &self.exchanges[earlier]);
        let of_probe = |index: usize| self.places[index].as_ref().is_some_and(|(step, _)| step == PROBE);
        let deploys = self.places[earlier].as_ref().is_some_and(|(step, _)| step.ends_with(":deploy"));
        request.path == "application.delete" && of_probe(later) && deploys && other.sent < request.sent
    }

    fn ordered(&self, later: usize, earlier: usize) -> bool {
        let (request, other) = (&self.exchanges[later], &self.exchanges[earlier]);
        let (Some((step, subject)), Some((first, other_subject))) = (&self.places[later], &self.places[earlier]) else {
            return false;
        };
        if step != first {
            return self.before.get(step.as_str()).is_some_and(|before| before.contains(first.as_str()));
        }
        let listed =
            ORDER.iter().any(|(before, after)| other.path == *before && after.contains(&request.path.as_str()));
        if subject == other_subject && listed && later > earlier {
            return true;
        }
        let port = |exchange: &Exchange| exchange.path == "postgres.saveExternalPort";
        let closes = |exchange: &Exchange| port(exchange) && exchange.body.contains("null");
        let looks = |exchange: &Exchange| matches!(exchange.path.as_str(), "postgres.one" | "postgres.readLogs");
        // A port is closed after it was opened, looked at when it is closed, and looked at again after a while (I4). The
        // database is seen to be back before any app is deployed.
        let port_in_order = (port(other) && !closes(other) && closes(request))
            || (closes(other) && looks(request) && request.sent > other.sent)
            || (other.path == "postgres.one" && request.path == "postgres.one" && later > earlier);
        // What was provisioned is proven: the second job runs when the first has answered.
        let jobs_in_order = subject != other_subject
            && other.path == "application.readLogs"
            && request.path == "application.deploy"
            && later > earlier;
        port_in_order || jobs_in_order
    }
}

/// Which answer was the first to tell each identifier that a request carries.
fn told_by(exchanges: &[Exchange]) -> Vec<BTreeSet<usize>> {
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    let mut by_answer: Vec<usize> = (0..exchanges.len()).collect();
    by_answer.sort_by_key(|index| exchanges[*index].answered);
    for index in by_answer {
        let answer: Value = serde_json::from_str(&exchanges[index].answer).unwrap_or_default();
        let mut found = Vec::new();
        identifiers(&answer, "", &mut found);
        for identifier in found {
            first.entry(identifier).or_insert(index);
        }
    }
    let carried = |(index, exchange): (usize, &Exchange)| {
        let text = format!("{} {} {}", exchange.path, exchange.query, exchange.body);
        let told = first.iter().filter(|(identifier, told)| **told != index && text.contains(identifier.as_str()));
        told.map(|(_, told)| *told).collect()
    };
    exchanges.iter().enumerate().map(carried).collect()
}

/// The identifiers that the server has chosen, in a value.
fn identifiers(value: &Value, key: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| identifiers(value, key, found)),
        Value::Array(items) => items.iter().for_each(|item| identifiers(item, key, found)),
        Value::String(text) if text.len() >= 8 && (key.ends_with("Id") || matches!(key, "id" | "appName")) => {
            found.push(text.clone());
        }
        _ => {}
    }
}

/// Which application each identifier belongs to.
struct Names(BTreeMap<String, String>);

impl Names {
    fn of(exchanges: &[Exchange]) -> Self {
        let mut names = BTreeMap::new();
        for exchange in exchanges.iter().filter(|exchange| exchange.path == "application.create") {
            let (body, answer) = (json(&exchange.body), json(&exchange.answer));
            for id in ["applicationId", "appName"] {
                names.insert(text(&answer, id), text(&body, "name"));
            }
        }
        let listed: Vec<(String, String)> = exchanges
            .iter()
            .filter(|exchange| exchange.path == CONTAINERS)
            .flat_map(|exchange| {
                let app = names.iter().find(|(id, _)| exchange.query.contains(id.as_str())).map(|(_, app)| app.clone());
                let containers = json(&exchange.answer).as_array().cloned().unwrap_or_default();
                containers.into_iter().filter_map(move |it| Some((text(&it, "containerId"), app.clone()?)))
            })
            .collect();
        names.extend(listed);
        Self(names)
    }

    /// The step of an exchange, and what it is about within the step.
    fn place(&self, exchange: &Exchange, roles_began: Option<Instant>) -> Option<(String, String)> {
        let body = json(&exchange.body);
        let (router, call) = exchange.path.split_once('.').unwrap_or((&exchange.path, ""));
        let place = |step: &str, subject: &str| Some((step.to_owned(), subject.to_owned()));
        match (router, call) {
            ("project", "create") => return place("project", ""),
            ("environment", "create") => return place("environment", ""),
            ("redis", _) => return place("service:redis", "redis"),
            ("postgres", "create" | "deploy") => return place("service:postgres", "postgres"),
            ("postgres", _) if roles_began.is_some_and(|began| exchange.sent >= began) => {
                return place("database:roles", "postgres");
            }
            ("postgres", _) => return place("service:postgres", "postgres"),
            _ if exchange.path.starts_with("zones/") && exchange.is_write() => {
                return place(&format!("dns:{}", text(&body, "name")), "");
            }
            _ => {}
        }
        let app = match call {
            "create" if router == "application" => text(&body, "name"),
            _ => {
                // What tries ports names others in its arguments.
                let subject = body["applicationId"].as_str().unwrap_or(&exchange.query);
                self.0.iter().find(|(id, _)| subject.contains(id.as_str()))?.1.clone()
            }
        };
        if is_probe(&app) {
            return place(PROBE, &app);
        }
        if app.starts_with("sql-") {
            return place("database:roles", &app);
        }
        let step = match (router, call) {
            ("application", "create") => "create",
            ("application", "saveDockerProvider" | "saveEnvironment" | "update") => "configure",
            ("domain", _) => "domain",
            _ => "deploy",
        };
        place(&format!("app:{app}:{step}"), &app)
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}
