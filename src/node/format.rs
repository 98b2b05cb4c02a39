//! `formatError`: pure and synchronous.

use super::failure::{Outcome, outcome};
use super::options::parse;
use crate::{CommandStyle, DeployError, FormatOptions};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::Value;

/// `FormatErrorOptions` of the public JavaScript.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Options {
    style: Option<JsStyle>,
    stage: Option<String>,
    color: Option<bool>,
    log_lines: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum JsStyle {
    Seed,
    Cli,
}

/// Runs `DeployError::format`.
#[napi]
pub fn format_error(error: Value, options: Value) -> Outcome {
    let format = || -> Result<String, DeployError> {
        let error: DeployError = parse("error", error)?;
        let options: Options = parse("options", options)?;
        Ok(error.format(&options.into()))
    };
    outcome(format())
}

impl From<Options> for FormatOptions {
    fn from(Options { style, stage, color, log_lines }: Options) -> Self {
        let default = Self::default();
        Self {
            style: match style {
                Some(JsStyle::Cli) => CommandStyle::Cli,
                Some(JsStyle::Seed) | None => CommandStyle::Seed,
            },
            stage,
            color: color.unwrap_or(default.color),
            log_lines: log_lines.and_then(|lines| usize::try_from(lines).ok()).unwrap_or(default.log_lines),
        }
    }
}
