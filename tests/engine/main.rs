//! The engine against a simulated server: real HTTP, a real PostgreSQL, real DNS.

mod first_flight;
mod undeploy;
mod world;
