//! A double of Dokploy and of the DNS vendors' APIs, with faults, for tests.

pub mod dns;
pub mod postgres;
