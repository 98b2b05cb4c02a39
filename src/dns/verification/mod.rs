//! Authoritative verification: whether every name server of a zone answers with the expected addresses.

mod check;
mod delegation;
mod result;

pub use check::{WaitOptions, verify, wait_verified};
pub use result::{Answer, AnswerSource, Expectation, ServerAnswer, Verification, VerificationOutcome};
