//! The lease of a stage: one run at a time, whatever machine it is on (I11).
//!
//! `protocol` is what happens, as a pure machine; `holder` the text that the server keeps.

mod holder;
mod protocol;

pub use holder::LeaseHolder;
pub use protocol::{Answer, Ask, Claim, Clocks, End, Entry, Hold, LeaseTerms, Next};
