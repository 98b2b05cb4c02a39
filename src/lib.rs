//! Puts a workspace of several TypeScript apps on a self-hosted Dokploy server.
//!
//! # A deployment
//!
//! ```no_run
//! use deploy_native::deploy::{
//!     Credentials, DeployRequest, DeploySettings, DokployCredentials, RegistryCredentials, RunOptions, deploy,
//! };
//! use deploy_native::workspace::Workspace;
//! use deploy_native::{DeployError, DeployEvent, FormatOptions};
//! use serde_json::json;
//! use std::sync::Arc;
//!
//! #[tokio::main]
//! async fn main() {
//!     if let Err(error) = ship().await {
//!         eprintln!("{}", error.format(&FormatOptions::default()));
//!     }
//! }
//!
//! async fn ship() -> Result<(), DeployError> {
//!     let workspace = Workspace::from_json(json!({
//!         "name": "shop",
//!         "root": "/home/me/shop",
//!         "apps": { "api": { "type": "backend", "path": "apps/api", "port": 3000, "entry": "src/index.ts" } },
//!         "services": { "db": true },
//!         "deploy": { "dokploy": {
//!             "endpoint": "https://dokploy.example.com",
//!             "registry": "ghcr.io/example",
//!             "domains": { "production": "example.com" },
//!         } },
//!     }))?;
//!     let secret = |name: &str| std::env::var(name).unwrap_or_default();
//!     let credentials = Credentials::new(DokployCredentials::new(secret("DOKPLOY_TOKEN")))
//!         .registry(RegistryCredentials::new("ci", secret("REGISTRY_PASSWORD")));
//!     let settings = DeploySettings::new("production", credentials).dns_timeout_seconds(60);
//!     let options = RunOptions::default().events(Arc::new(|event| {
//!         if let DeployEvent::StepStarted { title, .. } = event {
//!             println!("{title}");
//!         }
//!     }));
//!     let report = deploy(DeployRequest::new(workspace, settings), options).await?;
//!     for app in &report.apps {
//!         println!("{} is {:?} at {}", app.app_name, app.status, app.url.as_deref().unwrap_or("no address"));
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Types to which fields or variants will come are `#[non_exhaustive]`: they are made with `new` or `default`, then one method
//! per field. Where a field has no method of its own it is public. A request can also be read from JSON
//! ([`DeployRequest::from_json`](deploy::DeployRequest::from_json)), as Node.js passes it.
//!
//! # Tracing
//!
//! Runs emit spans of the crate `tracing`, below the target `deploy_native`: `run`, `phase`, `step` and `request`. They carry
//! names, statuses and durations, never a body, a header or a secret. Without a subscriber they cost nothing.
//!
//! # The map
//!
//! Three rings, one direction of dependency: pure ← I/O ← deploy ← node.
//!
//! | room | what lives there | ring |
//! |---|---|---|
//! | [`workspace`] | what the user declares: types, validation, host names, build order | pure |
//! | [`env`](mod@env) | which variables exist, where each value comes from, what is missing, encoding for Dokploy | pure |
//! | [`plan`] | observed and desired → steps | pure |
//! | [`secrets`] | the secret type, generation, redaction | pure |
//! | [`sniff`] | how requirements are found: subprocess protocol, evidence, cache | I/O |
//! | [`state`] | the state file: format (pure), atomic store, lock, journal | I/O |
//! | [`aws`] | signed requests to AWS, and credentials as its tools find them | I/O |
//! | [`backup`] | backups of the database in a bucket: set up, looked at, made a last time, removed | I/O |
//! | [`http`] | how every HTTP client is made: certificates, proxies | I/O |
//! | [`dokploy`] | the HTTP client: typed endpoints, transport, compatibility, rollout verification | I/O |
//! | [`lease`] | one run per stage, whatever machine: the protocol (pure), and how Dokploy keeps it | I/O |
//! | [`postgres`] | roles, schemas, isolation proof | I/O |
//! | [`dns`] | records, one file per vendor, authoritative verification | I/O |
//! | [`image`] | build, push, digest | I/O |
//! | [`deploy`] | the engine: observe, apply, schedule, retry, cancel, events | deploy |

pub mod aws;
pub mod backup;
pub mod deploy;
pub mod dns;
pub mod dokploy;
pub mod env;
mod error;
mod event;
pub mod http;
pub mod image;
pub mod lease;
pub mod plan;
pub mod postgres;
pub mod secrets;
pub mod sniff;
pub mod state;
mod system;
mod trace;
pub mod workspace;

// Not in unit tests: `#[napi]` exports nothing there, and what it exports is tried from JavaScript.
#[cfg(all(feature = "napi", not(test)))]
mod node;

pub use error::{CommandStyle, DeployError, ErrorCode, FormatOptions};
pub use event::{DeployEvent, EventSink, Phase, silent};
