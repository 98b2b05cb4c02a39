//! Sending changes such that a lost answer neither loses nor doubles anything (I3).

use crate::DeployError;
use crate::dokploy::{ApiError, Dokploy};
use crate::state::{Entry, Intent, Journal, Outcome};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How often a create is sent whose first request was lost.
const CREATES: u32 = 2;
/// How often a lost create is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Creates something exactly once, and settles it.
///
/// # Errors
///
/// As [`create_unsettled`].
pub(crate) async fn create_once<T, Send, Sent, Find, Found>(
    journal: &Journal,
    step: &str,
    intent: Intent,
    landing: Duration,
    send: Send,
    find: Find,
) -> Result<T, DeployError>
where
    Send: Fn() -> Sent,
    Sent: Future<Output = Result<T, ApiError>>,
    Find: Fn() -> Found,
    Found: Future<Output = Result<Option<T>, DeployError>>,
{
    let (made, entry) = create_unsettled(journal, step, intent, landing, send, find).await?;
    journal.settle(&entry, Outcome::Done).await?;
    Ok(made)
}

/// Creates something exactly once; its journal entry stays unfinished, to be settled by the caller.
///
/// The intent is journaled first. When the outcome of the request is not known, `find` looks for what it made until
/// `landing` has passed (facts: an aborted create shows up later); only then is it sent once more.
///
/// # Errors
///
/// What `send` or `find` fail with, and `STATE_IO` when the journal cannot be written.
pub(crate) async fn create_unsettled<T, Send, Sent, Find, Found>(
    journal: &Journal,
    step: &str,
    intent: Intent,
    landing: Duration,
    send: Send,
    find: Find,
) -> Result<(T, Entry), DeployError>
where
    Send: Fn() -> Sent,
    Sent: Future<Output = Result<T, ApiError>>,
    Find: Fn() -> Found,
    Found: Future<Output = Result<Option<T>, DeployError>>,
{
    let mut attempt = 1;
    loop {
        let entry = journal.intend(step, intent.clone()).await?;
        let error = match send().await {
            Ok(made) => return Ok((made, entry)),
            Err(error) => error,
        };
        if !error.outcome_unknown() {
            journal.settle(&entry, Outcome::NotDone).await?;
            return Err(error.into());
        }
        if let Some(found) = look(landing, &find).await? {
            return Ok((found, entry));
        }
        journal.settle(&entry, Outcome::NotDone).await?;
        if attempt == CREATES {
            return Err(error.into());
        }
        attempt += 1;
    }
}

/// Looks for something until it shows up or `landing` has passed.
async fn look<T, Find, Found>(landing: Duration, find: &Find) -> Result<Option<T>, DeployError>
where
    Find: Fn() -> Found,
    Found: Future<Output = Result<Option<T>, DeployError>>,
{
    let deadline = Instant::now() + landing;
    loop {
        if let Some(found) = find().await? {
            return Ok(Some(found));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        sleep(LOOK_EVERY.min(landing)).await;
    }
}

/// Removes something; that it is gone already is success.
///
/// # Errors
///
/// What the last attempt failed with.
pub(crate) async fn remove<T, Sent>(client: &Dokploy, send: impl Fn() -> Sent) -> Result<(), ApiError>
where
    Sent: Future<Output = Result<T, ApiError>>,
{
    match client.repeat(send).await {
        Err(error) if error.is_not_found() => Ok(()),
        result => result.map(|_| ()),
    }
}
