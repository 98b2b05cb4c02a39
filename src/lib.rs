//! Puts a workspace of several TypeScript apps on a self-hosted Dokploy server.
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
//! | [`dokploy`] | the HTTP client: typed endpoints, transport, compatibility, rollout verification | I/O |
//! | [`lease`] | one run per stage, whatever machine: the protocol (pure), and how Dokploy keeps it | I/O |
//! | [`postgres`] | roles, schemas, isolation proof | I/O |
//! | [`dns`] | records, one file per vendor, authoritative verification | I/O |
//! | [`image`] | build, push, digest | I/O |
//! | [`deploy`] | the engine: observe, apply, schedule, retry, cancel, events | deploy |

mod clock;
pub mod deploy;
pub mod dns;
pub mod dokploy;
pub mod env;
mod error;
mod event;
pub mod image;
pub mod lease;
pub mod plan;
pub mod postgres;
pub mod secrets;
pub mod sniff;
pub mod state;
pub mod workspace;

// Not in unit tests: `#[napi]` exports nothing there, and what it exports is tried from JavaScript.
#[cfg(all(feature = "napi", not(test)))]
mod node;

pub use error::{CommandStyle, DeployError, ErrorCode, FormatOptions};
pub use event::{DeployEvent, EventSink, Phase, silent};
