//! What an app wants run before it is deployed: one application of ours that runs a command once, on the server's network.
//!
//! The application is also the lock: it exists exactly as long as its release may be running or is not accounted for, and
//! a run that finds one finds out how it ended before it makes another. `docs/releases.md` says why.

mod claim;
mod end;
mod finish;
mod listing;
mod log_stream;
mod start;

pub(crate) use claim::claim;
pub(crate) use end::{End, Ended, follow_to_end, release_failed};
pub(crate) use finish::{Found, finish};
pub(crate) use start::{Start, remove_ended, start};
