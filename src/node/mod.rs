//! The Node.js bindings: convert, call, convert back.
//!
//! Internal: the public JavaScript is the facade in `index.js`. A run's failure crosses as data (`failure::Outcome`),
//! so that the facade can throw a real `DeployError`; only a defect of the bridge itself is a `napi::Error`.

#![expect(unreachable_pub, reason = "what `#[napi]` exports is public to JavaScript only")]

mod cancel;
mod deploy;
mod env;
mod events;
mod failure;
mod format;
mod hooks;
mod options;
mod plan;
mod run_hooks;
mod server;
mod sniff;
mod state;
mod trace;
mod workspace;
