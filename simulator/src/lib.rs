//! A double of a Dokploy 0.30.2 server, for tests: real HTTP, with its traps and on request with faults.
//!
//! # The map
//!
//! | room | what lives there |
//! |---|---|
//! | `dokploy` | the API, one file per router; input validation, error bodies, the deployment queue, dotenv |
//! | `swarm` | the Docker Swarm behind it: tasks, health checks, crash loops, rollback, host-mode ports, the network, what docker prints |
//! | `server` | transport rules, keys, faults, the record of requests |
//! | [`DatabaseBackend`] | what stands behind a Postgres service |
//! | [`Image`], [`Program`], `catalogue` | which images exist, how their containers behave, and what can be run in them |
//! | [`Fault`], [`RequestRecord`] | what goes wrong on purpose, what was asked |
//!
//! `README.md` says for each behaviour which observation of the real server it models.
//!
//! ```
//! # async fn run() -> std::io::Result<()> {
//! use deploy_native_simulator::{Fault, FaultAction, Image, Simulator};
//!
//! let simulator = Simulator::builder()
//!     .time_scale(0.02)
//!     .image(Image::new("registry.test/api:1").crashes())
//!     .fault(Fault::new("postgres.create", FaultAction::DropAfter).nth(1))
//!     .start()
//!     .await?;
//! println!("{} {}", simulator.url(), simulator.token());
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod backend;
mod behaviour;
mod builder;
mod catalogue;
mod clock;
pub mod dns;
mod dokploy;
mod fault;
mod image;
#[cfg(all(feature = "napi", not(test)))]
mod node;
pub mod postgres;
mod program;
mod random;
mod record;
mod server;
mod simulator;
mod swarm;
mod world;

pub use backend::{DatabaseBackend, PlainPorts};
pub use behaviour::{Behaviour, Listening};
pub use builder::SimulatorBuilder;
pub use fault::{Fault, FaultAction};
pub use image::Image;
pub use program::Program;
pub use record::RequestRecord;
pub use simulator::Simulator;
