//! The Dokploy client over real HTTP: what it sends, what it makes of every answer, and how it behaves when the network
//! does not.
#![expect(clippy::unwrap_used, reason = "what is unexpected here fails the test")]

mod contract;
mod deployments;
mod identity;
mod server;
mod timelines;
mod transcript;
mod transport;
