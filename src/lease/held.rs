//! Taking a lease, keeping it while a run lives, giving it back.

use super::holder::LeaseHolder;
use super::protocol::{Answer, Ask, Claim, End, Entry, Hold, Next};
use super::server::{LeaseServer, Unleasable};
use super::terms::{LeaseName, LeaseSettings};
use crate::dokploy::Dokploy;
use crate::system::uptime;
use crate::{DeployError, ErrorCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use time::OffsetDateTime;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// How often an entry is tried to be made that the server refuses without having another.
const ATTEMPTS: u32 = 8;
/// How often it is tried to give a lease back, and how far apart.
const RELEASES: u32 = 3;
const RELEASE_LIMIT: Duration = Duration::from_secs(5);
const BETWEEN_RELEASES: Duration = Duration::from_millis(500);

/// What is to be leased, and by whom.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// What.
    pub name: LeaseName,
    /// The machine of the run.
    pub machine: String,
    /// Its process.
    pub process: u32,
    /// The run; no two have the same.
    pub run: String,
    /// When it began, as ISO 8601.
    pub started_at: String,
    /// Earlier runs that are known for certain to have ended; a lease of theirs is not waited for.
    pub dead: Vec<String>,
    /// How long a lease of somebody else is waited for.
    pub wait: Duration,
    /// How long a request whose answer was lost may still take effect.
    pub landing: Duration,
    /// Fires when the lease is ours no more.
    pub over: CancellationToken,
    /// How it is kept.
    pub settings: LeaseSettings,
}

/// What became of a request.
#[derive(Debug)]
pub enum Leased {
    /// The lease is ours.
    Ours(Lease),
    /// Nothing can be leased with this server and this key: why not.
    Unavailable(String),
}

/// Takes a lease; `on_wait` is told in words for whom it waits, whenever that is another one.
///
/// What a request may have made that nobody waits for any more, since the future was dropped or the server failed, is
/// removed in `cleanup`.
///
/// # Errors
///
/// `STATE_LOCKED` when somebody else holds it for longer than is waited, naming machine, process, start and deadline;
/// `DOKPLOY_*` when the server fails.
pub async fn take(
    client: &Dokploy,
    request: &LeaseRequest,
    cleanup: &TaskTracker,
    on_wait: impl Fn(&str),
) -> Result<Leased, DeployError> {
    let server = LeaseServer::new(client.clone(), request.name.clone());
    let mut unclaimed = Unclaimed::new(&server, request, cleanup);
    match claim(&server, request, &mut unclaimed, on_wait).await {
        Ok(hold) => {
            unclaimed.asked = false;
            Ok(Leased::Ours(Lease::keep(server.clone(), hold, request)))
        }
        Err(Refusal::Locked(holder)) => Err(locked(&request.name, holder.as_ref())),
        Err(Refusal::Not(Unleasable::Unavailable(why))) => Ok(Leased::Unavailable(why)),
        Err(Refusal::Not(Unleasable::Failed(error))) => Err(error.into()),
        Err(Refusal::Unexplained) => {
            let name = request.name.tag();
            Ok(Leased::Unavailable(format!("Dokploy does not make the tag `{name}`, and has none of that name")))
        }
    }
}

/// Why a lease is not ours.
enum Refusal {
    Locked(Option<LeaseHolder>),
    Not(Unleasable),
    /// The server does not make the entry, and does not say why.
    Unexplained,
}

impl From<Unleasable> for Refusal {
    fn from(unleasable: Unleasable) -> Self {
        Self::Not(unleasable)
    }
}

/// What a claim may have made when nobody waits for it any more.
struct Unclaimed<'a> {
    server: &'a LeaseServer,
    run: &'a str,
    /// How long a request may take to have its effect.
    landing: Duration,
    cleanup: &'a TaskTracker,
    /// Whether something was asked for that may have been made, or may yet be.
    asked: bool,
}

impl<'a> Unclaimed<'a> {
    fn new(server: &'a LeaseServer, request: &'a LeaseRequest, cleanup: &'a TaskTracker) -> Self {
        Self { server, run: &request.run, landing: request.landing, cleanup, asked: false }
    }

    /// Notes what is asked for.
    fn asks(&mut self, ask: &Ask) {
        self.asked |= matches!(ask, Ask::Make(_));
    }

    /// Notes an answer: a refusal is certain, unless an earlier answer was lost.
    fn answered(&mut self, lost: &mut bool, answer: &Answer) {
        *lost |= *answer == Answer::Lost;
        if *answer == Answer::Refused && !*lost {
            self.asked = false;
        }
    }
}

impl Drop for Unclaimed<'_> {
    fn drop(&mut self) {
        if !self.asked || Handle::try_current().is_err() {
            return;
        }
        let (server, run, until) = (self.server.clone(), self.run.to_owned(), uptime() + self.landing);
        self.cleanup.spawn(async move {
            while uptime() < until {
                // What fails here fails for everybody; the entry gives way at its deadline.
                let Ok(found) = server.entry().await else { return };
                if let Some(Entry { id, holder: Some(holder) }) = found
                    && holder.run == run
                {
                    let _ = server.ask(&Ask::Remove { id }).await;
                    return;
                }
                sleep(BETWEEN_RELEASES).await;
            }
        });
    }
}

async fn claim(
    server: &LeaseServer,
    request: &LeaseRequest,
    unclaimed: &mut Unclaimed<'_>,
    on_wait: impl Fn(&str),
) -> Result<Hold, Refusal> {
    let holder = LeaseHolder {
        machine: request.machine.clone(),
        process: request.process,
        run: request.run.clone(),
        started_at: request.started_at.clone(),
        deadline: OffsetDateTime::UNIX_EPOCH,
    };
    let terms = request.settings.terms(request.landing);
    let until = uptime() + request.wait;
    let (mut claim, mut ask) = Claim::begin(terms, holder, request.dead.clone(), server.clocks().await?);
    let (mut attempts, mut waiting_for, mut lost) = (0, None, false);
    loop {
        unclaimed.asks(&ask);
        let answer = server.ask(&ask).await?;
        unclaimed.answered(&mut lost, &answer);
        attempts += u32::from(matches!(answer, Answer::Refused | Answer::Lost));
        match claim.answered(answer, server.clocks_now()?) {
            Next::Ours(hold) => return Ok(hold),
            Next::Ask(_) if attempts >= ATTEMPTS => return Err(Refusal::Unexplained),
            Next::Ask(next) => ask = next,
            Next::Theirs(holder) => {
                let left = until.saturating_sub(uptime());
                if left.is_zero() {
                    return Err(Refusal::Locked(holder));
                }
                let run = holder.as_ref().map(|holder| holder.run.clone());
                if waiting_for.replace(run.clone()).as_ref() != Some(&run) {
                    on_wait(locked(&request.name, holder.as_ref()).message());
                }
                attempts = 0;
                sleep(request.settings.poll.min(left)).await;
                ask = claim.again(server.clocks_now()?);
            }
        }
    }
}

fn named(holder: Option<&LeaseHolder>) -> String {
    holder.map_or_else(|| "somebody who does not say who it is".to_owned(), ToString::to_string)
}

fn locked(name: &LeaseName, holder: Option<&LeaseHolder>) -> DeployError {
    let hint = match holder {
        Some(_) => {
            "Wait for it to end (waitForLock does so), or stop it; one that has died gives way soon after its deadline"
                .to_owned()
        }
        None => format!("If no run is under way, remove the tag `{}` in Dokploy, under Tags", name.tag()),
    };
    let message = format!("Another run of {} is under way: {}", name.what(), named(holder));
    DeployError::new(ErrorCode::StateLocked, message)
        .resource(format!("tag {}", name.tag()))
        .reason("lease")
        .hint(hint)
        .retryable(true)
}

/// A lease that is ours, and is renewed in the background until it is given back or dropped.
///
/// Dropped without [`Lease::release`], it stays on the server until its deadline.
#[derive(Debug)]
pub struct Lease {
    kept: Arc<Kept>,
    /// Ends the renewals.
    _renewals: DropGuard,
}

/// What the renewals and the run share.
#[derive(Debug)]
struct Kept {
    server: LeaseServer,
    settings: LeaseSettings,
    hold: Mutex<Hold>,
    /// Who has taken it.
    taker: Mutex<Option<LeaseHolder>>,
    /// Fires when it is ours no more.
    over: CancellationToken,
    /// Fires when it need not be renewed any more.
    ended: CancellationToken,
}

impl Lease {
    fn keep(server: LeaseServer, hold: Hold, request: &LeaseRequest) -> Self {
        let ended = CancellationToken::new();
        let kept = Arc::new(Kept {
            server,
            settings: request.settings,
            hold: Mutex::new(hold),
            taker: Mutex::default(),
            over: request.over.clone(),
            ended: ended.clone(),
        });
        let renewing = Arc::clone(&kept);
        tokio::spawn(
            async move { renewing.ended.clone().run_until_cancelled_owned(renewing.renew_until_over()).await },
        );
        Self { kept, _renewals: ended.drop_guard() }
    }

    /// Makes sure that a change may be made now. Asks nobody: the lease is ours for as long as the server was told, and no
    /// heir comes before.
    ///
    /// # Errors
    ///
    /// `STATE_LOCKED` with the reason `lease-lost`, naming who has it now if that is known. Once lost, it stays so.
    pub fn check(&self) -> Result<(), DeployError> {
        self.kept.check().map_err(|end| self.kept.lost(end))
    }

    /// The run that holds it.
    pub fn run(&self) -> String {
        self.kept.hold().run().to_owned()
    }

    /// Gives it back. Says whether the server was seen to know that; else it knows at the deadline.
    pub async fn release(&self) -> bool {
        self.kept.ended.cancel();
        let ask = self.kept.hold().release();
        for attempt in 0..RELEASES {
            if attempt > 0 {
                sleep(BETWEEN_RELEASES).await;
            }
            let asked = timeout(RELEASE_LIMIT, self.kept.server.ask(&ask)).await;
            if matches!(asked, Ok(Ok(Answer::Removed | Answer::Gone))) {
                return true;
            }
        }
        false
    }
}

impl Kept {
    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self) -> Result<(), End> {
        let checked = self.hold().check(uptime());
        if checked.is_err() {
            self.over.cancel();
        }
        checked
    }

    /// Renews it whenever that is due. Ends when it is ours no more.
    async fn renew_until_over(self: Arc<Self>) {
        // One that was not answered is tried again soon.
        let retry = self.settings.renewal / 4;
        loop {
            let due = self.hold().renewal_due_in(uptime());
            sleep(due).await;
            let end = match self.renew().await {
                Ok(()) if self.hold().renewal_due_in(uptime()).is_zero() => {
                    sleep(retry).await;
                    continue;
                }
                Ok(()) => continue,
                Err(end) => end,
            };
            if end == End::Taken {
                self.learn_taker().await;
            }
            self.over.cancel();
            return;
        }
    }

    async fn renew(&self) -> Result<(), End> {
        self.check()?;
        let Ok(clocks) = self.server.clocks_now() else { return Ok(()) };
        let ask = self.hold().renew(clocks);
        let answer = match timeout(self.settings.renewal, self.server.ask(&ask)).await {
            Ok(Ok(answer)) => answer,
            // What the server refuses for another reason may pass by the next time.
            Ok(Err(_)) | Err(_) => Answer::Lost,
        };
        self.hold().renewed(&answer, uptime())
    }

    /// Finds out who has it now, for the error alone.
    async fn learn_taker(&self) {
        if let Ok(Ok(Some(Entry { holder, .. }))) = timeout(self.settings.renewal, self.server.entry()).await {
            *self.taker.lock().unwrap_or_else(PoisonError::into_inner) = holder;
        }
    }

    fn lost(&self, end: End) -> DeployError {
        let name = self.server.name();
        let taker = self.taker.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let why = match (end, taker) {
            (End::Taken, Some(taker)) => format!("it was taken by {taker}"),
            (End::Taken, None) => "somebody has removed it".to_owned(),
            (End::Lapsed, _) => {
                format!(
                    "Dokploy was not heard of for {} s, and another run may have begun",
                    self.settings.term.as_secs()
                )
            }
        };
        let message =
            format!("This run has lost its lease of {}: {why}. It stopped before its next change", name.what());
        DeployError::new(ErrorCode::StateLocked, message)
            .resource(format!("tag {}", name.tag()))
            .reason("lease-lost")
            .hint("Run again once nobody else does: what this run had begun is found and finished")
            .retryable(true)
    }
}
