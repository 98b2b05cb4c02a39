//! `beforeApply` and `afterApp` of the public JavaScript.

use super::hooks::Hooks;
use crate::DeployError;
use crate::deploy::{AppReport, RunHooks};
use crate::plan::DeployPlan;
use async_trait::async_trait;
use serde_json::{Value, json};

/// Which of the functions the caller gave.
pub(super) struct JsRunHooks {
    pub(super) hooks: Hooks,
    pub(super) before_apply: bool,
    pub(super) after_app: bool,
}

#[async_trait]
impl RunHooks for JsRunHooks {
    async fn before_apply(&self, plan: &DeployPlan) -> Result<(), DeployError> {
        if !self.before_apply {
            return Ok(());
        }
        match self.hooks.call("beforeApply", json!([plan])).await? {
            Value::Bool(false) => Err(DeployError::declined()),
            _ => Ok(()),
        }
    }

    async fn after_app(&self, report: &AppReport) -> Result<(), DeployError> {
        if self.after_app {
            self.hooks.call("afterApp", json!([report])).await?;
        }
        Ok(())
    }
}
