//! Whose turn it is to write: a parameter that one of several writers creates.

use super::super::remote::{conflict, failed};
use super::turns::Turns;
use crate::DeployError;
use crate::aws::{AwsError, IfExists, Parameter, Put, Ssm};
use crate::secrets::Secret;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long between two looks whether the turn is free; it grows by half each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The turn to write a state; freed by [`Lock::free`], or taken by others when it is stale.
pub(super) struct Lock<'a> {
    ssm: &'a Ssm,
    name: String,
}

/// Why there is no turn.
pub(super) enum Fault {
    /// Somebody else has it for longer than we wait.
    Taken,
    /// The store fails.
    Store(AwsError),
}

impl Fault {
    pub(super) fn told(self, stage: &str, place: &str) -> DeployError {
        match self {
            Self::Taken => conflict(stage, place, "is being written by another machine all the time"),
            Self::Store(error) => failed(error, place),
        }
    }
}

impl<'a> Lock<'a> {
    /// Takes the turn to write `state`; waits for that of others, and takes it from one that is gone.
    pub(super) async fn take(ssm: &'a Ssm, state: &str, token: &Secret, turns: &Turns) -> Result<Lock<'a>, Fault> {
        let lock = Self { ssm, name: format!("{state}-lock") };
        let deadline = Instant::now() + turns.patience;
        let mut pause = FIRST_PAUSE;
        loop {
            if lock.try_take(token, turns).await.map_err(Fault::Store)? {
                return Ok(lock);
            }
            if Instant::now() >= deadline {
                return Err(Fault::Taken);
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    async fn put(&self, token: &Secret, if_exists: IfExists) -> Result<u64, AwsError> {
        // It holds no secret, so whoever deploys needs no right to the key with which secrets are encrypted for it.
        let put = Put { name: &self.name, value: token.expose(), tier: "Standard", secure: false, if_exists };
        self.ssm.put(&put).await
    }

    async fn try_take(&self, token: &Secret, turns: &Turns) -> Result<bool, AwsError> {
        match self.put(token, IfExists::Refuse).await {
            Ok(_) => return Ok(true),
            // It may be ours: an answer was lost, or it could not be freed.
            Err(error) if error.uncertain || error.is("ParameterAlreadyExists") => {}
            Err(error) => return Err(error),
        }
        match self.ssm.get(&self.name).await? {
            Some(held) if held.value == *token => Ok(true),
            Some(held) if held.age >= turns.stale => self.take_over(token, &held).await,
            Some(_) | None => Ok(false),
        }
    }

    /// Takes the turn of a writer that is gone. Of several that try, the one has it whose change directly follows the state
    /// of the lock that was seen.
    async fn take_over(&self, token: &Secret, held: &Parameter) -> Result<bool, AwsError> {
        let version = self.put(token, IfExists::Replace).await?;
        if version != held.version + 1 {
            return Ok(false);
        }
        // The writer may have freed it and somebody else created it again, in which case the count began anew.
        let before = self.ssm.get_version(&self.name, held.version).await?;
        Ok(before.is_some_and(|before| before == held.value))
    }

    /// Frees the turn. If that fails, others take it when it is stale, and we find it ours again.
    pub(super) async fn free(self) {
        let _ = self.ssm.delete(&self.name).await;
    }
}
