//! `resolveEnv`: pure and synchronous.

use super::failure::{Outcome, outcome};
use super::options::parse;
use crate::DeployError;
use crate::env::{EnvContext, EnvResolution, resolve_env as resolve};
use crate::secrets::SystemEntropy;
use napi_derive::napi;
use serde_json::Value;

/// Runs `env::resolve_env` with the system's randomness.
#[napi]
pub fn resolve_env(required_vars: Value, context: Value) -> Outcome {
    let resolution = || -> Result<EnvResolution, DeployError> {
        let required: Vec<String> = parse("requiredVars", required_vars)?;
        let context: EnvContext = parse("context", context)?;
        Ok(resolve(&required, &context, &SystemEntropy))
    };
    outcome(resolution())
}
