//! The engine against a simulated server: real HTTP, a real PostgreSQL, real DNS.

mod changes;
mod checks;
mod drift;
mod failures;
mod first_flight;
mod look;
mod names;
mod port;
mod values;
mod world;
