//! Secret values: the type that keeps them out of logs, how they are generated, and how text is redacted.

mod digest;
mod entropy;
mod generate;
mod redact;
mod secret;

pub(crate) use digest::digest_parts;
pub use entropy::{Entropy, SystemEntropy};
pub use generate::{generate_password, generate_secret};
pub use redact::Redactor;
pub use secret::Secret;
