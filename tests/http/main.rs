//! Servers behind private authorities and proxies: what is trusted, which way a request takes, and what is said of it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod authority;
mod certificates;
mod environment;
mod gateway;
mod proxies;
mod proxy;
mod registries;
mod run;
