//! The lease of a stage: one run at a time, whatever machine it is on (I11).
//!
//! `protocol` is what happens, as a pure machine; `holder` the text that the server keeps of it; `server` how Dokploy keeps
//! it; `held` takes a lease, keeps it and gives it back.

mod held;
mod holder;
mod protocol;
mod server;
mod terms;

pub use held::{Lease, LeaseRequest, Leased, take};
pub use holder::LeaseHolder;
pub use protocol::{Answer, Ask, Claim, Clocks, End, Entry, Hold, LeaseTerms, Next};
pub use terms::{LeaseName, LeaseSettings};
