//! What talks to AWS, on a server that behaves as AWS does.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod backup;
mod credentials;
mod engine;
mod moto;
mod relay;
mod route53;
mod state_s3;
mod state_ssm;
mod stores;

use std::sync::atomic::{AtomicUsize, Ordering};

/// A name that no other test has: the tests share one AWS.
fn unique(name: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
