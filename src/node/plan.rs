//! `renderPlan`: pure and synchronous.

use super::failure::{Outcome, outcome};
use super::options::parse;
use crate::plan::{DeployPlan, render};
use napi_derive::napi;
use serde_json::Value;

/// Runs `plan::render`.
#[napi]
pub fn render_plan(plan: Value) -> Outcome {
    outcome(parse::<DeployPlan>("plan", plan).map(|plan| render(&plan)))
}
