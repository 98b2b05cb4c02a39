//! The Node.js bindings of the simulator: convert, call, convert back.
//!
//! Internal: the public JavaScript is `simulator/index.js`.

#![expect(unreachable_pub, reason = "what `#[napi]` exports is public to JavaScript only")]
#![expect(clippy::needless_pass_by_value, reason = "`#[napi]` takes owned values")]

mod dns;
mod options;
mod server;

use napi::{Error, Result, Status};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Reads what JavaScript gave; an error says what is wrong with it.
fn read<T: DeserializeOwned>(what: &str, value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::new(Status::InvalidArg, format!("{what}: {error}")))
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::new(Status::GenericFailure, error.to_string())
}
