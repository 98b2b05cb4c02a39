//! Results and failures as data.

use crate::deploy::DeployFailure;
use crate::{DeployError, ErrorCode};
use napi::Either;
use napi_derive::napi;
use serde::Serialize;
use serde_json::Value;

/// What a call came to.
#[napi]
pub type Outcome = Either<Success, Failure>;

/// A call that succeeded.
#[napi(object, object_from_js = false)]
pub struct Success {
    /// Always `true`.
    #[napi(ts_type = "true")]
    pub ok: bool,
    /// Its result.
    #[napi(ts_type = "unknown")]
    pub value: Value,
}

/// A call that failed; the facade makes a `DeployError` of it.
#[napi(object, object_from_js = false)]
pub struct Failure {
    /// Always `false`.
    #[napi(ts_type = "false")]
    pub ok: bool,
    /// The stable code.
    pub code: String,
    /// What happened, with the value at fault.
    pub message: String,
    /// The app that is concerned.
    pub app: Option<String>,
    /// The stage that is concerned.
    pub stage: Option<String>,
    /// The server that is concerned.
    pub endpoint: Option<String>,
    /// The resource that is concerned.
    pub resource: Option<String>,
    /// The step that failed.
    pub step: Option<String>,
    /// Tells apart failures of one code.
    pub reason: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// The tail of the log that belongs to it.
    pub log: Option<String>,
    /// The variables that nothing provides, by app.
    #[napi(ts_type = "Record<string, string[]>")]
    pub missing: Option<Value>,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// The texts of the underlying errors, outermost first.
    pub causes: Vec<String>,
    /// Every failure of the run, when there were several.
    pub errors: Vec<Failure>,
    /// What became of each app all the same.
    #[napi(ts_type = "unknown")]
    pub report: Option<Value>,
}

impl From<&DeployError> for Failure {
    fn from(error: &DeployError) -> Self {
        Self {
            ok: false,
            code: error.code().as_str().to_owned(),
            message: error.message().to_owned(),
            app: error.app_name().map(str::to_owned),
            stage: error.stage_name().map(str::to_owned),
            endpoint: error.endpoint_url().map(str::to_owned),
            resource: error.resource_name().map(str::to_owned),
            step: error.step_id().map(str::to_owned),
            reason: error.reason_name().map(str::to_owned),
            hint: error.hint_text().map(str::to_owned),
            log: error.log_tail().map(str::to_owned),
            missing: Some(error.missing_variables())
                .filter(|missing| !missing.is_empty())
                .and_then(|missing| serde_json::to_value(missing).ok()),
            retryable: error.is_retryable(),
            causes: error.causes().to_vec(),
            errors: error.errors().iter().map(Self::from).collect(),
            report: None,
        }
    }
}

impl From<DeployFailure> for Failure {
    fn from(DeployFailure { error, report }: DeployFailure) -> Self {
        let report = report.and_then(|report| serde_json::to_value(report).ok());
        Self { report, ..Self::from(&error) }
    }
}

/// Turns a result into data.
pub(super) fn outcome<T: Serialize>(result: Result<T, impl Into<DeployFailure>>) -> Outcome {
    match result.map_err(Into::into).and_then(json) {
        Ok(value) => Either::A(Success { ok: true, value }),
        Err(failure) => Either::B(failure.into()),
    }
}

/// Turns a value into JSON.
pub(super) fn json(value: impl Serialize) -> Result<Value, DeployFailure> {
    serde_json::to_value(value)
        .map_err(|error| DeployError::new(ErrorCode::Internal, "The result is not JSON").caused_by(&error).into())
}

/// Every error code, in the order of the documentation.
#[napi]
pub fn error_codes() -> Vec<&'static str> {
    ErrorCode::ALL.iter().map(|code| code.as_str()).collect()
}
