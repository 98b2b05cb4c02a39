//! The state in AWS Systems Manager's parameter store.

mod lock;
mod turns;

pub use turns::Turns;

use super::remote::{conflict, failed, parse, render};
use super::{State, StateProvider, StateVersion};
use crate::aws::{AwsError, AwsOptions, IfExists, Put, Ssm};
use crate::secrets::{Secret, SystemEntropy, generate_secret};
use crate::workspace::SsmTier;
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use derive_setters::Setters;
use lock::Lock;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How long one write may take, from the look at what is kept to the answer; longer than any request.
const WRITE_LIMIT: Duration = Duration::from_secs(40);

/// How often, and how far apart, it is looked for the outcome of a write whose answer was lost.
const LOOKS: u32 = 3;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// A tier in AWS's words.
fn tier_name(tier: SsmTier) -> &'static str {
    match tier {
        SsmTier::Standard => "Standard",
        SsmTier::Advanced => "Advanced",
        SsmTier::IntelligentTiering => "Intelligent-Tiering",
    }
}

/// How many bytes a parameter of a tier holds.
fn limit(tier: SsmTier) -> usize {
    match tier {
        SsmTier::Standard => 4096,
        SsmTier::Advanced | SsmTier::IntelligentTiering => 8192,
    }
}

/// Where the state is kept.
#[derive(Debug, Clone, Default, Setters)]
#[non_exhaustive]
pub struct SsmStateOptions {
    /// The account and the region.
    pub aws: AwsOptions,
    /// What the parameter costs and holds; default standard.
    pub tier: SsmTier,
    /// How writers take turns.
    pub turns: Turns,
}

/// Keeps each stage's state in the parameter `/gkm/{workspace}/{stage}/state`, encrypted (`SecureString`), as the CLI does.
///
/// The store counts a parameter's changes and lets one of several writers create it, but cannot refuse a change by its
/// count. So writers take turns: whoever creates `/gkm/{workspace}/{stage}/state-lock` looks whether the state is still the
/// one it knows, writes, and sees by the count whether somebody else has written all the same, without taking a turn. Then
/// what they wrote is put back, and the write fails with `STATE_CONFLICT`.
///
/// What remains: a writer that stands still for a minute between its look and its write, and whose turn is taken meanwhile,
/// replaces what the other wrote; both are told.
pub struct SsmStateStore {
    ssm: Ssm,
    root: String,
    region: String,
    options: SsmStateOptions,
    /// By which our turns are known.
    token: Secret,
    /// Writes whose outcome is not known, by stage: which state they were to replace, and by what.
    unsure: Mutex<BTreeMap<String, (u64, String)>>,
}

impl SsmStateStore {
    /// The store of a workspace.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when the address is none.
    pub fn new(workspace: &str, options: SsmStateOptions) -> Result<Self, DeployError> {
        Ok(Self {
            ssm: Ssm::new(&options.aws)?,
            root: format!("/gkm/{workspace}"),
            region: options.aws.region_or_default(),
            options,
            token: generate_secret(&SystemEntropy),
            unsure: Mutex::default(),
        })
    }

    fn name(&self, stage: &str) -> String {
        format!("{}/{stage}/state", self.root)
    }

    /// Where the state of a stage is, for people.
    fn place(&self, stage: &str) -> String {
        format!("ssm:{} ({})", self.name(stage), self.region)
    }

    fn unsure(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (u64, String)>> {
        self.unsure.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn put(&self, stage: &str, text: &str, if_exists: IfExists) -> Result<u64, AwsError> {
        let tier = tier_name(self.options.tier);
        self.ssm.put(&Put { name: &self.name(stage), value: text, tier, secure: true, if_exists }).await
    }

    /// Writes the first state: the store itself lets one of several win.
    async fn create(&self, stage: &str, text: &str) -> Result<u64, DeployError> {
        let place = self.place(stage);
        let error = match self.put(stage, text, IfExists::Refuse).await {
            Ok(version) => return Ok(version),
            Err(error) if error.uncertain || error.is("ParameterAlreadyExists") => error,
            Err(error) => return Err(failed(error, &place)),
        };
        for _ in 0..LOOKS {
            match self.ssm.get(&self.name(stage)).await.map_err(|error| failed(error, &place))? {
                Some(kept) if kept.value.expose() == text => return Ok(kept.version),
                Some(_) => return Err(conflict(stage, &place, "was written by somebody else meanwhile")),
                None => sleep(BETWEEN_LOOKS).await,
            }
        }
        Err(failed(error, &place))
    }

    /// Replaces the state of a version, in our turn.
    async fn replace(&self, stage: &str, text: &str, expected: u64) -> Result<u64, DeployError> {
        let (name, place) = (self.name(stage), self.place(stage));
        let kept = self.ssm.get(&name).await.map_err(|error| failed(error, &place))?;
        let Some(kept) = kept else {
            return Err(conflict(stage, &place, "was removed by somebody else meanwhile"));
        };
        let before = kept.version;
        if before != expected {
            let ours = (expected, kept.value.expose().to_owned());
            let landed = before == expected + 1 && self.unsure().get(stage) == Some(&ours);
            if !landed {
                return Err(conflict(stage, &place, "was changed by somebody else meanwhile"));
            }
            if kept.value.expose() == text {
                return Ok(before);
            }
        }
        self.unsure().insert(stage.to_owned(), (before, text.to_owned()));
        let version = match self.put(stage, text, IfExists::Replace).await {
            Ok(version) => version,
            Err(error) if error.uncertain => self.outcome(stage, text, before, error).await?,
            Err(error) => return Err(failed(error, &place)),
        };
        self.unsure().remove(stage);
        if version == before + 1 { Ok(version) } else { Err(self.put_back(stage, version).await) }
    }

    /// Finds out what became of a write whose answer was lost.
    async fn outcome(&self, stage: &str, text: &str, before: u64, error: AwsError) -> Result<u64, DeployError> {
        let place = self.place(stage);
        for _ in 0..LOOKS {
            sleep(BETWEEN_LOOKS).await;
            let kept = self.ssm.get(&self.name(stage)).await.map_err(|error| failed(error, &place))?;
            if let Some(kept) = kept.filter(|kept| kept.version > before && kept.value.expose() == text) {
                return Ok(kept.version);
            }
        }
        // It may still land: the next write knows it again.
        Err(failed(error, &place))
    }

    /// Puts back what somebody wrote without taking a turn, and which our write has replaced.
    async fn put_back(&self, stage: &str, version: u64) -> DeployError {
        let place = self.place(stage);
        let theirs = self.ssm.get_version(&self.name(stage), version - 1).await.ok().flatten();
        let restored = match &theirs {
            Some(theirs) => self.put(stage, theirs.expose(), IfExists::Replace).await.is_ok(),
            None => false,
        };
        if restored {
            return conflict(stage, &place, "was changed by somebody else meanwhile; what they wrote was put back");
        }
        let what = "was changed by somebody else meanwhile, and replaced by ours";
        let hint = format!("What they wrote is its version {}: look at it before anybody deploys again", version - 1);
        conflict(stage, &place, what).hint(hint)
    }
}

#[async_trait]
impl StateProvider for SsmStateStore {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        Ok(self.read_versioned(stage).await?.0)
    }

    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError> {
        self.check_size(state)?;
        let text = render(stage, state, limit(self.options.tier))?;
        let written = self.put(stage, &text, IfExists::Replace).await;
        written.map(drop).map_err(|error| failed(error, &self.place(stage)))
    }

    async fn read_versioned(&self, stage: &str) -> Result<(Option<State>, StateVersion), DeployError> {
        let place = self.place(stage);
        match self.ssm.get(&self.name(stage)).await.map_err(|error| failed(error, &place))? {
            None => Ok((None, StateVersion::Absent)),
            Some(kept) => {
                let state = parse(stage, kept.value.expose().as_bytes(), &place)?;
                Ok((Some(state), StateVersion::Known(kept.version.to_string())))
            }
        }
    }

    async fn write_versioned(
        &self,
        stage: &str,
        state: &State,
        expected: &StateVersion,
    ) -> Result<StateVersion, DeployError> {
        self.check_size(state)?;
        let text = render(stage, state, limit(self.options.tier))?;
        let expected = match expected {
            StateVersion::Absent => {
                return self.create(stage, &text).await.map(|version| StateVersion::Known(version.to_string()));
            }
            StateVersion::Known(version) => version.parse().ok(),
            StateVersion::Untold => None,
        };
        let Some(expected) = expected else {
            return self.write(stage, state).await.map(|()| StateVersion::Untold);
        };
        let (name, place) = (self.name(stage), self.place(stage));
        let lock = Lock::take(&self.ssm, &name, &self.token, &self.options.turns).await;
        let lock = lock.map_err(|fault| fault.told(stage, &place))?;
        let written = match timeout(WRITE_LIMIT, self.replace(stage, &text, expected)).await {
            Ok(written) => written,
            Err(_) => Err(DeployError::new(ErrorCode::StateIo, format!("Writing {place} takes too long"))
                .resource(place)
                .reason("unreachable")
                .retryable(true)),
        };
        lock.free().await;
        written.map(|version| StateVersion::Known(version.to_string()))
    }

    fn check_size(&self, state: &State) -> Result<(), DeployError> {
        let (stage, limit) = (&state.stage, limit(self.options.tier));
        let size = render(stage, state, limit)?.len();
        if size <= limit {
            return Ok(());
        }
        let advanced = match self.options.tier {
            SsmTier::Standard => "set state.tier to 'advanced' (8 KB, charged by AWS), or ",
            SsmTier::Advanced | SsmTier::IntelligentTiering => "",
        };
        let message = format!(
            "The state of `{stage}` takes up to {size} bytes, and a parameter of the tier {} holds {limit}",
            tier_name(self.options.tier)
        );
        Err(DeployError::new(ErrorCode::StateIo, message)
            .resource(self.place(stage))
            .reason("too-large")
            .hint(format!("To keep it, {advanced}keep the state in a bucket (state: {{ provider: 's3', … }})")))
    }

    fn is_remote(&self) -> bool {
        true
    }
}
