//! Which variables the apps of a run ask for, and what happens when that could not be found out.

use crate::deploy::context::{RunContext, RunScope};
use crate::deploy::request::OnSniffError;
use crate::env::AUTOMATIC_VARIABLES;
use crate::sniff::{SniffFailure, SniffOptions, SniffedEnvironment, sniff_all_apps};
use crate::{DeployError, DeployEvent, ErrorCode, Phase};
use indexmap::IndexMap;
use std::sync::Arc;

/// Sniffs the apps of the run, once.
///
/// # Errors
///
/// `SNIFF_FAILED` with every app that stops the run, `CANCELLED`.
pub(crate) async fn sniff_apps(context: &RunContext) -> Result<IndexMap<String, SniffedEnvironment>, DeployError> {
    context.sniffed.get_or_try_init(|| sniff(context)).await.cloned()
}

async fn sniff(context: &RunContext) -> Result<IndexMap<String, SniffedEnvironment>, DeployError> {
    if context.scope == RunScope::Services {
        return Ok(IndexMap::new());
    }
    context.reporter.phase(Phase::Sniff);
    let events = Arc::clone(&context.options.events);
    let surroundings = &context.options.surroundings;
    let options = SniffOptions {
        node: surroundings.node.clone(),
        sniffer: surroundings.sniffer.clone(),
        cache: context.options.cache,
        cancel: context.options.cancel.clone(),
        on_sniffed: Some(Arc::new(move |sniffed: &SniffedEnvironment| {
            events.emit(DeployEvent::AppSniffed {
                app: sniffed.app_name.clone(),
                required: sniffed.required_env_vars.clone(),
                optional: sniffed.optional_env_vars.clone(),
                cached: sniffed.cached,
            });
        })),
        ..SniffOptions::default()
    };
    let workspace = &context.request.workspace;
    let apps = context.apps.iter().map(|name| (name.clone(), workspace.apps[name].clone())).collect();
    let mut sniffed = sniff_all_apps(&apps, &workspace.root, &options).await?;
    refuse_failures(context, &sniffed)?;
    for sniffed in sniffed.values_mut() {
        // Every app gets these, whether it asks for them or has defaults of its own: Traefik leads to this port.
        for variable in AUTOMATIC_VARIABLES.iter().filter(|variable| variable.always) {
            let name = variable.name.to_owned();
            sniffed.optional_env_vars.retain(|optional| *optional != name);
            if !sniffed.required_env_vars.contains(&name) {
                sniffed.required_env_vars.push(name);
            }
        }
    }
    Ok(sniffed)
}

/// Stops on sniffs that could not run, or warns, as the request says.
fn refuse_failures(context: &RunContext, sniffed: &IndexMap<String, SniffedEnvironment>) -> Result<(), DeployError> {
    let mut failed = Vec::new();
    for (app, sniffed) in sniffed {
        let Some(failure) = &sniffed.error else { continue };
        let partial = if failure.partial { "; what it asked for before is known" } else { "" };
        let message = format!("{app} could not be sniffed ({}): {}{partial}", failure.kind, failure.message);
        if !failure.fatal || context.request.settings.on_sniff_error == OnSniffError::Warn {
            context.reporter.warn("sniff", &message, Some(app));
            continue;
        }
        let mut error =
            DeployError::new(ErrorCode::SniffFailed, message).app(app).reason(&failure.kind).hint(hint(failure, app));
        if let Some(stack) = &failure.stack {
            error = error.log(stack);
        }
        failed.push(error);
    }
    if failed.is_empty() { Ok(()) } else { Err(DeployError::join(failed)) }
}

/// What to do about a sniff that could not run to its end.
fn hint(failure: &SniffFailure, app: &str) -> String {
    let mend = failure.hint.as_deref().unwrap_or("Mend what stops it from loading, or list what it needs");
    format!("{mend}. The list stands in apps.{app}.requiredEnv; onSniffError: 'warn' goes on without it")
}
