//! Holds the simulator to what a real Dokploy 0.30.2 answered, exchange by exchange.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the number of matching exchanges is the result")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use deploy_native_simulator::{Image, Simulator};
use serde_json::{Value, json};

const SCALE: f64 = 0.2;
const MEMBER: &str = "a-member-key";
/// The port that the recording opens; the test takes one that is free.
const RECORDED_PORT: u64 = 34_567;

/// Exchanges of which only status and shape can agree, and why.
const SHAPE_ONLY: &[(&str, &str, &str)] = &[
    ("application", "node apps", "the recorded server ran other people's services too"),
    ("application", "application log", "the text is the recorded app's own"),
    ("application", "container config", "the recording is trimmed"),
];

/// Fields whose values differ from run to run.
const VOLATILE: &[&str] = &[
    "createdAt",
    "startedAt",
    "finishedAt",
    "logPath",
    "refreshToken",
    "uniqueConfigKey",
    "organizationId",
    "currentState",
];

/// What was recorded → what this run has in its place.
#[derive(Default)]
struct Names(BTreeMap<String, String>, u64);

impl Names {
    fn translate(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => {
                self.0.iter().fold(text.clone(), |text, (recorded, actual)| text.replace(recorded, actual)).into()
            }
            Value::Number(number) if number.as_u64() == Some(RECORDED_PORT) => self.1.into(),
            Value::Array(items) => items.iter().map(|item| self.translate(item)).collect(),
            Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), self.translate(v))).collect(),
            other => other.clone(),
        }
    }

    fn learn(&mut self, recorded: &Value, actual: &Value, key: &str) {
        match (recorded, actual) {
            (Value::String(old), Value::String(new)) => {
                let names = key.ends_with("Id") || key == "appName";
                if names && old != new && old.len() > 8 && !self.0.contains_key(old) {
                    self.0.insert(old.clone(), new.clone());
                }
            }
            (Value::Array(old), Value::Array(new)) => {
                old.iter().zip(new).for_each(|(old, new)| self.learn(old, new, key));
            }
            (Value::Object(old), Value::Object(new)) => {
                for (key, old) in old {
                    self.learn(old, new.get(key).unwrap_or(&Value::Null), key);
                }
            }
            _ => {}
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Leaves out what no two runs share: digests, times, and the ids inside a leaked SQL text.
fn normal(text: &str) -> String {
    if text.starts_with("Up ") {
        return "Up _".into();
    }
    let mut words: Vec<String> = text.split_inclusive([' ', '\n', ',']).map(str::to_owned).collect();
    for word in &mut words {
        let is_time = word.starts_with("20") && word.contains('T') && word.trim_end_matches(',').ends_with('Z');
        if word.starts_with("sha256:") || is_time || word.trim().parse::<u32>().is_ok() {
            *word = "_".into();
        }
    }
    let joined = words.concat();
    match joined.split_once("params: ") {
        Some((sql, params)) => format!("{sql}params: {}", params.split(',').skip(1).collect::<Vec<_>>().join(",")),
        None => joined,
    }
}

/// Keys in their order, types, and (unless `shape_only`) the values that are not volatile.
fn compare(expected: &Value, actual: &Value, at: &str, shape_only: bool, found: &mut Vec<String>) {
    if type_of(expected) != type_of(actual) {
        found.push(format!("{at}: {} expected, {} found", type_of(expected), type_of(actual)));
        return;
    }
    match (expected, actual) {
        (Value::Object(old), Value::Object(new)) => {
            if old.keys().ne(new.keys()) {
                found.push(format!(
                    "{at}: keys {:?} expected, {:?} found",
                    old.keys().collect::<Vec<_>>(),
                    new.keys().collect::<Vec<_>>()
                ));
            }
            for (key, old) in old {
                let volatile = shape_only || VOLATILE.contains(&key.as_str());
                compare(old, new.get(key).unwrap_or(&Value::Null), &format!("{at}.{key}"), volatile, found);
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            if old.len() != new.len() && !shape_only {
                found.push(format!("{at}: {} items expected, {} found", old.len(), new.len()));
            }
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(old, new, &format!("{at}[{index}]"), shape_only, found);
            }
        }
        (Value::String(old), Value::String(new)) if !shape_only && normal(old) != normal(new) => {
            found.push(format!("{at}: {old:?} expected, {new:?} found"));
        }
        (Value::String(_), Value::String(_)) => {}
        _ if !shape_only && expected != actual => found.push(format!("{at}: {expected} expected, {actual} found")),
        _ => {}
    }
}

/// `application.one` lists deployments in no order.
fn sort_deployments(body: &mut Value) {
    if let Some(Value::Array(rows)) = body.get_mut("deployments") {
        rows.sort_by_key(|row| row["title"].to_string());
    }
}

struct Replay {
    simulator: Simulator,
    client: reqwest::Client,
    names: Names,
    /// How many states each application had been in when it was last deployed.
    marks: BTreeMap<String, usize>,
}

impl Replay {
    async fn exchange(&mut self, entry: &Value) -> Vec<String> {
        let request = self.names.translate(&entry["request"]);
        if request["path"] == "/api/application.deploy" {
            self.mark();
        }
        let url = format!("{}{}", self.simulator.url(), request["path"].as_str().unwrap());
        let mut call = self.client.request(request["method"].as_str().unwrap().parse().unwrap(), url);
        call = match request["auth"].as_str() {
            Some("owner") => call.header("x-api-key", self.simulator.token()),
            Some("member") => call.header("x-api-key", MEMBER),
            Some("invalid") => call.header("x-api-key", "nobody"),
            _ => call,
        };
        if let Some(query) = request["query"].as_object() {
            let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            call = call.query(&query.iter().map(|(name, value)| (name, text(value))).collect::<Vec<_>>());
        }
        if let Some(body) =
            request.get("body").map(Value::to_string).or_else(|| Some(request.get("rawBody")?.as_str()?.to_owned()))
        {
            call = call.body(body);
            let content_type = request.get("contentType").map_or(Some("application/json"), Value::as_str);
            if let Some(content_type) = content_type {
                call = call.header("content-type", content_type);
            }
        }
        let response = call.send().await.unwrap();
        self.judge(entry, response).await
    }

    async fn judge(&mut self, entry: &Value, response: reqwest::Response) -> Vec<String> {
        let recorded = &entry["response"];
        let status = response.status().as_u16();
        let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
        let text = response.text().await.unwrap();
        let mut found = Vec::new();
        if recorded["status"] != status {
            found.push(format!("status {} expected, {status} found: {text}", recorded["status"]));
        }
        if recorded["contentType"].as_str() != content_type.as_deref() {
            found.push(format!("content type {} expected, {content_type:?} found", recorded["contentType"]));
        }
        let Some(body) = recorded.get("body") else {
            if recorded["text"] != text {
                found.push(format!("text {} expected, {text:?} found", recorded["text"]));
            }
            return found;
        };
        let mut actual: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let mut expected = body.clone();
        sort_deployments(&mut expected);
        sort_deployments(&mut actual);
        self.names.learn(&expected, &actual, "");
        let reason = |(section, name, _): &&(&str, &str, &str)| entry["section"] == *section && entry["name"] == *name;
        let shape_only = SHAPE_ONLY.iter().any(|listed| reason(&listed));
        compare(&self.names.translate(&expected), &actual, "", shape_only, &mut found);
        found
    }

    fn app_names(&self) -> Vec<String> {
        let snapshot = self.simulator.snapshot();
        snapshot["applications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|app| app["appName"].as_str().unwrap().to_owned())
            .collect()
    }

    fn mark(&mut self) {
        for name in self.app_names() {
            let seen = self.simulator.history(&name).len();
            self.marks.insert(name, seen.saturating_sub(1));
        }
    }

    /// The sequence of values that one recorded column had, without repetitions.
    fn column(&self, frames: &[Value], column: &str) -> Vec<Value> {
        let mut values: Vec<Value> = frames.iter().map(|frame| self.names.translate(&frame[column])).collect();
        values.dedup();
        values
    }

    async fn timeline(&self, entry: &Value) -> Vec<String> {
        let frames = entry["timeline"].as_array().unwrap();
        let apps = self.app_names();
        let columns: Vec<(&str, &str, &str)> = if entry["section"] == "queue" {
            vec![
                ("slow", &apps[1], "deployments"),
                ("waiting", &apps[0], "deployments"),
                ("waitingStatus", &apps[0], "status"),
                ("queue", &apps[0], "queue"),
                ("waitingTasks", &apps[0], "tasks"),
            ]
        } else {
            ["deployments", "status", "tasks", "node", "queue"]
                .map(|column| (column, apps[0].as_str(), column))
                .to_vec()
        };
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let missing: Vec<String> =
                columns.iter().filter_map(|(recorded, app, ours)| self.missing(frames, recorded, app, ours)).collect();
            if missing.is_empty() || Instant::now() > deadline {
                return missing;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What is wrong with a column: the recorded states are not all seen in their order, or the last is not the last.
    fn missing(&self, frames: &[Value], recorded: &str, app: &str, ours: &str) -> Option<String> {
        let expected = self.column(frames, recorded);
        let history = self.simulator.history(app);
        let seen: Vec<&Value> =
            history.iter().skip(self.marks.get(app).copied().unwrap_or(0)).map(|frame| &frame[ours]).collect();
        let mut rest = seen.iter();
        let absent = expected.iter().find(|state| !rest.any(|seen| seen == state));
        if let Some(absent) = absent {
            let mut seen = seen.clone();
            seen.dedup();
            return Some(format!(
                "{recorded}: never saw {absent} in its place; saw\n  {}",
                seen.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
            ));
        }
        (seen.last().copied() != expected.last()).then(|| format!("{recorded}: ends as {:?}", seen.last()))
    }
}

/// Below the range that the system gives to other processes.
fn free_port() -> u64 {
    let begin = 10_000 + u16::try_from(std::process::id() * 64 % 22_000).unwrap();
    let is_free = |port: &u16| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok();
    (begin..32_000).find(is_free).unwrap().into()
}

async fn replay() -> Replay {
    let simulator = Simulator::builder()
        .time_scale(SCALE)
        .member_token(MEMBER)
        .keep_history()
        .registry("127.0.0.1:5001", "regadmin", "right")
        .image(Image::new("127.0.0.1:5000/demo-app:1").cached().crashes_with("NODE_OPTIONS", "--require=/nonexist"))
        .image(Image::new("127.0.0.1:5000/crash-app:1").crashes())
        .image(Image::new("127.0.0.1:5000/nope:1").absent())
        .image(Image::new("127.0.0.1:5000/demo-app:slow").pull_takes(15_000))
        .start()
        .await
        .unwrap();
    let names = Names(BTreeMap::new(), free_port());
    Replay { simulator, client: reqwest::Client::new(), names, marks: BTreeMap::new() }
}

#[tokio::test]
async fn every_recorded_exchange_is_answered_as_the_real_server_did() {
    let transcript: Value =
        serde_json::from_str(include_str!("../../fixtures/dokploy-transcript-0.30.2.json")).unwrap();
    let entries = transcript["entries"].as_array().unwrap();
    let mut replay = replay().await;
    let mut mismatches = Vec::new();
    let mut before = json!({ "section": null, "end": 0 });
    for (index, entry) in entries.iter().enumerate() {
        let at = entry["atMs"].as_u64().unwrap_or(0);
        let gap =
            if before["section"] == entry["section"] { at.saturating_sub(before["end"].as_u64().unwrap()) } else { 0 };
        if gap > 500 {
            // Only the database's restarts have to be waited for by the clock.
            let pause = if entry["section"] == "postgres" { gap } else { 0 };
            tokio::time::sleep(Duration::from_millis(pause).mul_f64(SCALE)).await;
            while replay.simulator.snapshot()["queue"] != json!([]) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        let found = match entry.get("timeline") {
            Some(_) => replay.timeline(entry).await,
            None => replay.exchange(entry).await,
        };
        before = json!({ "section": entry["section"], "end": at + entry["response"]["ms"].as_u64().unwrap_or(0) });
        if !found.is_empty() {
            mismatches.push(format!("{index} {} / {}:\n  {}", entry["section"], entry["name"], found.join("\n  ")));
        }
    }
    println!("{} of {} exchanges match", entries.len() - mismatches.len(), entries.len());
    for (section, name, reason) in SHAPE_ONLY {
        println!("  only shape: {section} / {name}: {reason}");
    }
    assert!(mismatches.is_empty(), "{}", mismatches.join("\n"));
    assert_eq!(entries.len(), 111);
}
