//! Which ports are tried, and by which applications.

use super::endpoint::{Endpoint, ProbeImage};
use super::probe::{Observed, Probe};
use crate::DeployError;
use crate::deploy::apply::output::Output;
use crate::deploy::changes::{JobDeletion, StepContext};
use crate::deploy::context::ApplicationRef;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Mutex as AsyncMutex, watch};
use tokio::time::{Instant, timeout_at};

/// Finds out whether the apps of a run accept connections.
#[derive(Default)]
pub(crate) struct PortChecks {
    /// The apps that will be asked about, and their ports.
    announced: Mutex<Vec<(Output<ApplicationRef>, u16)>>,
    probes: Mutex<Vec<Probe>>,
    /// Images in which nothing connects.
    unable: Mutex<BTreeSet<String>>,
    /// Locked while a probe is made.
    starting: AsyncMutex<()>,
}

/// What came of a check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A connection was accepted.
    Accepted,
    /// None was, until the time was up.
    Silent,
    /// Nobody could try, and why.
    Unknown(String),
}

/// Which answers count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeFrame {
    /// One before that may have come from something else; `None`: each counts.
    pub(crate) after: Option<Instant>,
    /// Until then it is waited for.
    pub(crate) deadline: Instant,
}

impl PortChecks {
    /// Says that an app will be asked about, so that the first probe tries its port as well.
    pub(crate) fn announce(&self, application: Output<ApplicationRef>, port: u16) {
        lock(&self.announced).push((application, port));
    }

    /// Makes sure that a probe tries this port.
    pub(crate) async fn start(
        &self,
        cx: StepContext<'_>,
        environment: &str,
        endpoint: &Endpoint,
        images: &[ProbeImage],
    ) {
        // Who waits for the answer hears of a failure.
        let _ = self.probe(cx, environment, endpoint, images).await;
    }

    /// Waits until a connection is accepted, until the deadline at the latest.
    pub(crate) async fn answer(
        &self,
        cx: StepContext<'_>,
        environment: &str,
        endpoint: &Endpoint,
        images: &[ProbeImage],
        time: TimeFrame,
    ) -> Answer {
        let since = Instant::now();
        loop {
            let (mut observed, image) = match self.probe(cx, environment, endpoint, images).await {
                Ok(probe) => probe,
                Err(why) => return Answer::Unknown(why),
            };
            let heard = timeout_at(time.deadline, heard(&mut observed, &endpoint.target(), time.after)).await;
            match heard {
                Ok(Ok(())) => return Answer::Accepted,
                Ok(Err(why)) => {
                    cx.progress(format!("{} does not help to find out whether it answers: {why}", image.image));
                    lock(&self.unable).insert(image.image);
                }
                Err(_) => return silence(&observed.borrow(), &image, since),
            }
        }
    }

    /// What a probe of this port observes; it is made if there is none.
    async fn probe(
        &self,
        cx: StepContext<'_>,
        environment: &str,
        endpoint: &Endpoint,
        images: &[ProbeImage],
    ) -> Result<(watch::Receiver<Observed>, ProbeImage), String> {
        let _starting = self.starting.lock().await;
        let mut failure = "no image is known in which a program may connect".to_owned();
        for image in images {
            if lock(&self.unable).contains(&image.image) {
                failure = format!("nothing in {} connects", image.image);
                continue;
            }
            if let Some(found) = self.existing(endpoint, image) {
                return Ok(found);
            }
            let targets = self.targets(endpoint, image);
            match Probe::start(cx, environment, image.clone(), targets).await {
                Ok(probe) => {
                    let observed = probe.observed.clone();
                    lock(&self.probes).push(probe);
                    return Ok((observed, image.clone()));
                }
                Err(error) => {
                    error.message().clone_into(&mut failure);
                    lock(&self.unable).insert(image.image.clone());
                }
            }
        }
        Err(failure)
    }

    fn existing(&self, endpoint: &Endpoint, image: &ProbeImage) -> Option<(watch::Receiver<Observed>, ProbeImage)> {
        let probes = lock(&self.probes);
        let tries = |probe: &&Probe| probe.image.image == image.image && probe.targets.contains(&endpoint.target());
        probes.iter().find(tries).map(|probe| (probe.observed.clone(), probe.image.clone()))
    }

    /// This port, that of every other app that is known by now, and the one where something is known to listen.
    fn targets(&self, endpoint: &Endpoint, image: &ProbeImage) -> BTreeSet<String> {
        let announced = lock(&self.announced);
        let known = announced.iter().filter_map(|(application, port)| {
            let host = application.get()?.app_name;
            Some(Endpoint { host, port: *port }.target())
        });
        known.chain([endpoint.target()]).chain(image.control.as_ref().map(Endpoint::target)).collect()
    }

    /// Takes the probes away, and returns when they are gone.
    ///
    /// # Errors
    ///
    /// `DOKPLOY_*`: the next run finds them by their marks.
    pub(crate) async fn close(self) -> Result<(), DeployError> {
        let probes = std::mem::take(&mut *lock(&self.probes));
        let deletions: Vec<JobDeletion> = probes.into_iter().map(|probe| probe.into_job().delete()).collect();
        for deletion in deletions {
            deletion.finished().await?;
        }
        Ok(())
    }
}

/// Waits until the log says that a connection was accepted; the error says why it never will.
async fn heard(observed: &mut watch::Receiver<Observed>, target: &str, after: Option<Instant>) -> Result<(), String> {
    let accepted = |observed: &Observed| {
        let known = observed.accepted_after.get(target);
        known.is_some_and(|known| after.is_none_or(|after| *known >= after))
    };
    let observed = observed.wait_for(|observed| accepted(observed) || observed.failed.is_some()).await;
    match observed {
        Ok(observed) if accepted(&observed) => Ok(()),
        Ok(observed) => Err(observed.failed.clone().unwrap_or_default()),
        Err(_) => Err("it is gone".to_owned()),
    }
}

/// What silence means: nothing, where what is known to listen was silent as well since then.
fn silence(observed: &Observed, image: &ProbeImage, since: Instant) -> Answer {
    match image.control.as_ref().map(Endpoint::target) {
        _ if !observed.speaks => Answer::Unknown(format!("{} said nothing", image.image)),
        Some(control) if observed.accepted_after.get(&control).is_none_or(|after| *after < since) => {
            Answer::Unknown(format!("{} could not connect to {control} either", image.image))
        }
        _ => Answer::Silent,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
