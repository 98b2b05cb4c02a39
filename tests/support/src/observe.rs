//! Looking at a world from outside: what was sent, what the server stores, and what its swarm really runs.

use crate::images::image;
use crate::world::{STAGE, World};
use deploy_native::DeployEvent;
use deploy_native::deploy::{AppReport, DeployReport};
use deploy_native_simulator::RequestRecord;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpStream;

/// Whether this is the name of an application that tries ports.
pub(crate) fn is_probe(name: &str) -> bool {
    name.starts_with("probe-")
}

/// The application that a request deploys, if that tries ports.
fn probe_id(request: &RequestRecord) -> Option<String> {
    let body = request.body.as_ref().filter(|body| body["title"].as_str().is_some_and(is_probe))?;
    Some(body["applicationId"].as_str()?.to_owned())
}

/// How much was sent up to a moment.
pub struct Moment {
    mutations: usize,
    dns: usize,
}

impl World {
    /// A workspace without services, which deploys fast: `web` depends on `api`, and `jobs` on nothing.
    pub fn light(&self) -> Value {
        let mut request = self.request();
        request["workspace"]["apps"] = json!({
            "api": { "type": "backend", "path": "apps/api", "port": 3000, "requiredEnv": ["GREETING"] },
            "web": { "type": "web", "path": "apps/web", "port": 3003, "framework": "vite", "dependencies": ["api"] },
            "jobs": { "type": "backend", "path": "apps/jobs", "port": 3005, "requiredEnv": ["GREETING"] },
        });
        request["workspace"]["services"] = json!({});
        request["images"] = json!({ "api": image("api", "1"), "web": image("web", "1"), "jobs": image("jobs", "1") });
        request["secrets"] = json!({ "shared": { "GREETING": "hello" } });
        request
    }

    /// Now, to ask later what was sent since.
    pub fn moment(&self) -> Moment {
        Moment { mutations: self.simulator.mutations().len(), dns: self.dns_writes().len() }
    }

    /// The changes that were asked of the server since a moment, as endpoint and body; without the lease that every change
    /// is made under, be it one of a DNS record, and without the application that tries the ports of what was deployed.
    pub fn sent_since(&self, moment: &Moment) -> Vec<(String, Value)> {
        let all = self.simulator.mutations();
        let probes: BTreeSet<String> = all.iter().filter_map(probe_id).collect();
        let of_probe = |body: &Value| {
            body["name"].as_str().is_some_and(is_probe)
                || body["applicationId"].as_str().is_some_and(|id| probes.contains(id))
        };
        let sent = all.into_iter().skip(moment.mutations).filter(|request| !request.endpoint().starts_with("tag."));
        let sent = sent.map(|request| (request.endpoint().to_owned(), request.body.unwrap_or_default()));
        sent.filter(|(_, body)| !of_probe(body)).collect()
    }

    /// The endpoints of [`Self::sent_since`].
    pub fn endpoints_since(&self, moment: &Moment) -> Vec<String> {
        self.sent_since(moment).into_iter().map(|(endpoint, _)| endpoint).collect()
    }

    /// The changes that were asked of the DNS vendor.
    pub fn dns_writes(&self) -> Vec<Value> {
        self.dns
            .requests()
            .into_iter()
            .filter(deploy_native_simulator::dns::RecordedRequest::is_write)
            .map(|it| it.body)
            .collect()
    }

    /// The changes that were asked of the DNS vendor since a moment.
    pub fn dns_writes_since(&self, moment: &Moment) -> usize {
        self.dns_writes().len() - moment.dns
    }

    /// Asserts that nothing was asked of anybody since a moment.
    pub fn assert_untouched_since(&self, moment: &Moment) {
        assert_eq!(self.endpoints_since(moment), Vec::<String>::new());
        assert_eq!(self.dns_writes_since(moment), 0);
    }

    /// The applications of a name, as the server stores them.
    pub fn applications(&self, name: &str) -> Vec<Value> {
        rows(&self.simulator.snapshot()["applications"]).into_iter().filter(|it| it["name"] == name).collect()
    }

    /// The only application of a name.
    pub fn application(&self, name: &str) -> Value {
        let mut found = self.applications(name);
        assert_eq!(found.len(), 1, "{name}");
        found.remove(0)
    }

    /// The id of the only application of a name.
    pub fn application_id(&self, name: &str) -> String {
        self.application(name)["applicationId"].as_str().unwrap().to_owned()
    }

    /// What the swarm runs of an app: image, and environment by name.
    pub fn runs(&self, name: &str) -> Option<(String, BTreeMap<String, String>)> {
        let app_name = self.application(name)["appName"].clone();
        let services = rows(&self.simulator.snapshot()["services"]);
        let service = services.into_iter().find(|it| it["name"] == app_name)?;
        let run = service["runs"].get(0)?.clone();
        let env = rows(&run["env"]).into_iter().map(|line| {
            let (name, value) = line.as_str().unwrap().split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        Some((run["image"].as_str().unwrap().to_owned(), env.collect()))
    }

    /// Asserts that the database's port is closed: the server says so, nothing is published, nothing answers.
    pub fn assert_port_closed(&self) {
        let snapshot = self.simulator.snapshot();
        for postgres in rows(&snapshot["postgres"]) {
            assert_eq!(postgres["externalPort"], Value::Null);
        }
        for service in rows(&snapshot["services"]) {
            assert_eq!(service["publishedPorts"], json!([]), "{}", service["name"]);
        }
        for port in self.opened_ports() {
            assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "i4: port {port} still answers");
        }
    }

    /// Every port that the server was asked to open.
    pub fn opened_ports(&self) -> Vec<u16> {
        let sent = self.simulator.mutations().into_iter().filter(|it| it.endpoint() == "postgres.saveExternalPort");
        sent.filter_map(|it| it.body?["externalPort"].as_u64()?.try_into().ok()).collect()
    }

    /// The A records of the zone, by name.
    pub fn addresses(&self) -> BTreeMap<String, String> {
        let records = self.dns.records("example.com").into_iter().filter(|it| it.record_type == "A");
        records.map(|it| (it.name, it.content)).collect()
    }

    /// Sends a change to the server as somebody else does.
    pub async fn somebody_posts(&self, endpoint: &str, body: Value) -> Value {
        let sent = reqwest::Client::new()
            .post(format!("{}/api/{endpoint}", self.simulator.url()))
            .header("x-api-key", self.simulator.token())
            .json(&body);
        let answer = sent.send().await.unwrap();
        assert!(answer.status().is_success(), "{endpoint}: {}", answer.status());
        answer.json().await.unwrap_or_default()
    }

    /// Every event so far.
    pub fn told(&self) -> Vec<DeployEvent> {
        self.events.lock().unwrap().clone()
    }

    /// Every log line so far that was told of an app.
    pub fn log_of(&self, name: &str) -> Vec<String> {
        let line = |event: DeployEvent| match event {
            DeployEvent::Log { app: Some(app), line, .. } if app == name => Some(line),
            _ => None,
        };
        self.told().into_iter().filter_map(line).collect()
    }
}

/// The elements of an array; none of anything else.
pub fn rows(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// What a report says of an app.
pub fn of<'a>(report: &'a DeployReport, app: &str) -> &'a AppReport {
    report.apps.iter().find(|it| it.app_name == app).expect(app)
}

/// An app's host name.
pub fn host(app: &str) -> String {
    format!("{app}.{STAGE}.example.com")
}
