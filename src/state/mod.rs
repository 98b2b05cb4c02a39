//! What we remember between runs: the state file, its lock and its journal.

mod format;
mod provider;

pub use format::{
    AppCredentials, Deployed, DnsRecordState, DnsVerified, Extension, PreviousRecord, PushedImage, ServiceIds,
    ServicePasswords, State,
};
pub use provider::StateProvider;
