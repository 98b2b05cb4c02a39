//! `SimulatorOptions` of the public JavaScript.

use crate::dns::{DnsSimulator, DnsSimulatorBuilder, ZoneRecord};
use crate::postgres::{Binaries, PostgresBackend};
use crate::{Fault, Image, Simulator, SimulatorBuilder};
use serde::Deserialize;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Options {
    token: Option<String>,
    member_tokens: Vec<String>,
    time_scale: Option<f64>,
    latency_millis: u32,
    version: Option<String>,
    ip: Option<String>,
    images: Vec<Image>,
    registries: Vec<Registry>,
    faults: Vec<Fault>,
    keep_history: bool,
    /// The folder of PostgreSQL's programs; absent: no real database.
    postgres_bin: Option<PathBuf>,
    dns: Option<DnsOptions>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    host: String,
    username: String,
    password: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct DnsOptions {
    zones: Vec<String>,
    records: Vec<RecordIn>,
    cloudflare_tokens: Vec<String>,
    hostinger_tokens: Vec<String>,
    propagation_delay_millis: u32,
    largest_page: Option<usize>,
}

/// A record and the zone it is in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RecordIn {
    pub(super) zone: String,
    name: String,
    #[serde(rename = "type")]
    record_type: String,
    content: String,
    #[serde(default = "default_ttl")]
    ttl: u32,
    #[serde(default)]
    proxied: bool,
    #[serde(default)]
    disabled: bool,
}

const fn default_ttl() -> u32 {
    300
}

impl RecordIn {
    pub(super) fn record(&self) -> ZoneRecord {
        let mut record = ZoneRecord::new(&self.name, &self.record_type, self.ttl, &self.content);
        if self.proxied {
            record = record.proxied();
        }
        if self.disabled { record.disabled() } else { record }
    }
}

impl Options {
    /// The databases behind Postgres services, where real ones are wanted.
    ///
    /// Looks at folders and may copy PostgreSQL to another.
    pub(super) fn databases(&self) -> io::Result<Option<PostgresBackend>> {
        let binaries = self.postgres_bin.as_deref().map(Binaries::at).transpose()?;
        Ok(binaries.map(PostgresBackend::new))
    }

    /// The DNS simulator, where one is wanted.
    pub(super) fn dns(&self) -> Option<DnsSimulatorBuilder> {
        let options = self.dns.as_ref()?;
        let mut builder =
            DnsSimulator::builder().propagation_delay(Duration::from_millis(options.propagation_delay_millis.into()));
        for zone in &options.zones {
            builder = builder.zone(zone);
        }
        for record in &options.records {
            builder = builder.record(&record.zone, record.record());
        }
        for token in &options.cloudflare_tokens {
            builder = builder.cloudflare_token(token);
        }
        for token in &options.hostinger_tokens {
            builder = builder.hostinger_token(token);
        }
        Some(match options.largest_page {
            Some(records) => builder.largest_page(records),
            None => builder,
        })
    }

    /// The Dokploy server.
    pub(super) fn server(self, databases: Option<&PostgresBackend>) -> SimulatorBuilder {
        let mut builder = Simulator::builder().latency(Duration::from_millis(self.latency_millis.into()));
        if let Some(databases) = databases {
            builder = builder.backend(Arc::new(databases.clone()));
        }
        if let Some(token) = self.token {
            builder = builder.token(token);
        }
        if let Some(scale) = self.time_scale {
            builder = builder.time_scale(scale);
        }
        if let Some(version) = self.version {
            builder = builder.version(version);
        }
        if let Some(ip) = self.ip {
            builder = builder.ip(ip);
        }
        if self.keep_history {
            builder = builder.keep_history();
        }
        builder = self.member_tokens.into_iter().fold(builder, SimulatorBuilder::member_token);
        builder = self.images.into_iter().fold(builder, SimulatorBuilder::image);
        builder = self.faults.into_iter().fold(builder, SimulatorBuilder::fault);
        let declare = |builder: SimulatorBuilder, Registry { host, username, password }| {
            builder.registry(&host, &username, &password)
        };
        self.registries.into_iter().fold(builder, declare)
    }
}
