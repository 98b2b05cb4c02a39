//! How the variables an app needs are found.

mod requirement;

pub use requirement::{Evidence, EvidenceSource, SniffFailure, SniffedEntry, SniffedEnvironment};
