//! How a release ends, told by its tasks, and its log meanwhile.

use super::log_stream::LogStream;
use crate::deploy::changes::StepContext;
use crate::deploy::context::ApplicationRef;
use crate::dokploy::{Once, Progress, exit_status};
use crate::{DeployError, ErrorCode};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How a release came to its end.
pub(crate) struct Ended {
    pub(crate) end: End,
    /// The end of its log.
    pub(crate) log: String,
}

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// With status 0.
    Succeeded,
    /// With another status, or by a signal; in Swarm's words, where it has some.
    Failed(Option<String>),
    /// It could not be started.
    NotStarted(String),
    /// It did not end in time, and may run still.
    TooLate,
}

impl End {
    /// What is told of a release of `app` that did not end well: the message, and what tells it from others.
    pub(crate) fn told(&self, app: &str, limit: Duration) -> Option<(String, &'static str)> {
        match self {
            Self::Succeeded => None,
            Self::Failed(error) => {
                let status = error.as_deref().and_then(exit_status);
                let how = match (status, error) {
                    (Some(status @ (137 | 143)), _) => format!("was killed (status {status})"),
                    (Some(status), _) => format!("ended with status {status}"),
                    (None, Some(error)) => format!("did not end well: {error}"),
                    (None, None) => "was stopped".to_owned(),
                };
                Some((format!("The release of {app} {how}"), "exit"))
            }
            Self::NotStarted(error) => Some((format!("The release of {app} could not be started: {error}"), "start")),
            Self::TooLate => {
                let message = format!("The release of {app} did not end within {} s, and was stopped", limit.as_secs());
                Some((message, "timeout"))
            }
        }
    }
}

/// The error of a release that did not end well.
pub(crate) fn release_failed(app: &str, message: String, reason: &str, log: &str) -> DeployError {
    let error = DeployError::new(ErrorCode::ReleaseFailed, message).app(app).reason(reason).hint(format!(
        "See the log. Nothing of {app} was deployed, and what ran before runs on; the next deployment runs it again"
    ));
    if log.trim().is_empty() { error } else { error.log(log) }
}

/// Follows a release whose deployment was sent until it has ended, for at most `limit` once it runs. Its log is passed on
/// as it comes. It only reads, and may be dropped at any time.
///
/// # Errors
///
/// `DEPLOYMENT_FAILED` when the server could not deploy it, so that nothing was run; `DOKPLOY_*`.
pub(crate) async fn follow_to_end(
    cx: &StepContext<'_>,
    application: &ApplicationRef,
    title: &str,
    limit: Duration,
) -> Result<Ended, DeployError> {
    let settings = &cx.surroundings.wait;
    let progress = |state: Progress| cx.progress(state.as_str());
    cx.client.follow_deployment(&application.id, title, settings, &progress).await?;
    let mut watch = Watch { cx, application, log: LogStream::new(cx, &application.id), limit };
    let end = watch.until_end().await?;
    Ok(Ended { end, log: watch.log.rest().await })
}

struct Watch<'a> {
    cx: &'a StepContext<'a>,
    application: &'a ApplicationRef,
    log: LogStream<'a>,
    limit: Duration,
}

impl Watch<'_> {
    async fn until_end(&mut self) -> Result<End, DeployError> {
        let settings = &self.cx.surroundings.wait;
        let (begun, mut pause) = (Instant::now(), settings.first_pause);
        let (mut running, mut unplaceable, mut answered) = (None, None, Instant::now());
        loop {
            match self.cx.client.tasks(&self.application.app_name).await {
                Ok(tasks) => {
                    answered = Instant::now();
                    let now = Once::of(&tasks);
                    if let Some(end) = ended(&now) {
                        return Ok(end);
                    }
                    if let Some(end) = self.waits(&now, begun, &mut running, &mut unplaceable) {
                        return Ok(end);
                    }
                }
                Err(error) if error.is_transient() && answered.elapsed() < settings.outage => {}
                Err(error) => return Err(error.into()),
            }
            if running.is_some() {
                self.log.pass_on().await;
            }
            sleep(pause).await;
            pause = pause.mul_f32(1.5).min(settings.longest_pause);
        }
    }

    /// What is the case of one that has not ended; the end that it comes to when its time is up.
    fn waits(
        &self,
        now: &Once,
        begun: Instant,
        running: &mut Option<Instant>,
        unplaceable: &mut Option<Instant>,
    ) -> Option<End> {
        let settings = &self.cx.surroundings.wait;
        if let Once::UnderWay { runs: true, .. } = now {
            if running.is_none() {
                self.cx.progress("running");
            }
            let since = *running.get_or_insert_with(Instant::now);
            return (since.elapsed() >= self.limit).then_some(End::TooLate);
        }
        match now {
            Once::UnderWay { unplaceable: Some(why), .. } => {
                let since = unplaceable.get_or_insert_with(Instant::now);
                let over = since.elapsed() >= settings.unplaceable_after;
                return over.then(|| End::NotStarted(why.clone()));
            }
            _ => *unplaceable = None,
        }
        let over = running.unwrap_or(begun).elapsed() >= settings.running_deadline;
        over.then(|| End::NotStarted("Swarm did not start it in time".to_owned()))
    }
}

/// The end of one that has come to it.
fn ended(once: &Once) -> Option<End> {
    match once {
        Once::Succeeded => Some(End::Succeeded),
        Once::Failed { error: Some(error) } if exit_status(error).is_none() => Some(End::NotStarted(error.clone())),
        Once::Failed { error } => Some(End::Failed(error.clone())),
        Once::NotBegun | Once::UnderWay { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_release_ended_is_told_in_words() {
        let told = |end: End| end.told("api", Duration::from_mins(1));
        let failed = |error: &str| told(End::Failed(Some(error.to_owned()))).unwrap();
        assert_eq!(told(End::Succeeded), None);
        assert_eq!(failed("task: non-zero exit (3)"), ("The release of api ended with status 3".into(), "exit"));
        assert_eq!(failed("task: non-zero exit (137)").0, "The release of api was killed (status 137)");
        assert_eq!(told(End::Failed(None)).unwrap().0, "The release of api was stopped");
        assert_eq!(told(End::TooLate).unwrap().1, "timeout");
        let error = Some("No such image".to_owned());
        assert_eq!(ended(&Once::Failed { error }), Some(End::NotStarted("No such image".into())));
        assert_eq!(ended(&Once::Failed { error: None }), Some(End::Failed(None)));
    }
}
