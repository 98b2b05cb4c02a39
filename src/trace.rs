//! The spans of a run, for whoever traces it. They name things and never hold a body, a header or a secret (I6). Without a
//! subscriber each costs one look at a flag.

use crate::DeployError;
use futures_util::FutureExt as _;
use std::future::Future;
use std::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, debug_span, info_span};

/// Does a piece of work within its span, and notes there how long it took, in milliseconds.
pub(crate) fn timed<T>(span: Span, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let started = Instant::now();
    let noted = span.clone();
    work.instrument(span).inspect(move |_| {
        noted.record("duration_ms", u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX));
    })
}

/// Does a piece of work as [`timed`], and notes the code of its failure, too.
pub(crate) fn traced<T, E: AsRef<DeployError>>(
    span: Span,
    work: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let noted = span.clone();
    timed(span, work).inspect(move |result| {
        if let Err(error) = result {
            failed(&noted, error.as_ref());
        }
    })
}

/// Notes the code of a failure.
pub(crate) fn failed(span: &Span, error: &DeployError) {
    span.record("code", error.code().as_str());
}

/// A command, from its call to its result.
pub(crate) fn run(command: &'static str, workspace: &str, stage: &str) -> Span {
    info_span!("run", command, workspace, stage, code = Empty, duration_ms = Empty)
}

/// A phase of a run. It ends when the next one begins, so it is beside what happens in it, not around it.
pub(crate) fn phase(phase: &'static str) -> Span {
    info_span!("phase", phase)
}

/// A step of a plan, with the app it belongs to.
pub(crate) fn step(step: &str, action: &'static str, resource: &str, app: Option<&str>) -> Span {
    info_span!("step", step, action, resource, app, code = Empty, duration_ms = Empty)
}

/// One attempt at a request. `endpoint` is what is asked for, without its query.
pub(crate) fn request(service: &str, method: &str, endpoint: &str) -> Span {
    debug_span!("request", service, method, endpoint, status = Empty, duration_ms = Empty)
}

/// Notes the status with which the request around was answered.
pub(crate) fn answered(status: u16) {
    Span::current().record("status", status);
}
