//! The state in a bucket, at AWS or at a service that speaks the same protocol.

use super::remote::{conflict, failed, parse, render};
use super::{State, StateProvider, StateVersion};
use crate::aws::{AwsError, AwsOptions, Condition, S3, S3Address};
use crate::{DeployError, ErrorCode};
use async_trait::async_trait;
use bytes::Bytes;
use derive_setters::Setters;
use reqwest::StatusCode;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// How often a write is made whose answers were lost.
const ATTEMPTS: usize = 3;

/// How long a write may still take effect whose answer was lost.
const LANDING: Duration = Duration::from_millis(500);

/// Where in a bucket the state is kept.
#[derive(Debug, Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct S3StateOptions {
    /// The bucket; it must exist.
    #[setters(into)]
    pub bucket: String,
    /// What the keys begin with, for instance `gkm/`; default nothing.
    #[setters(into)]
    pub prefix: String,
    /// Whether the bucket is part of the path instead of the host name; default: with an address of its own (as `MinIO` has),
    /// or when its name has dots.
    pub path_style: Option<bool>,
    /// The account, the region and the address.
    pub aws: AwsOptions,
}

impl S3StateOptions {
    /// At the root of a bucket, with AWS's defaults.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self { bucket: bucket.into(), prefix: String::new(), path_style: None, aws: AwsOptions::default() }
    }
}

/// Keeps each stage's state as the object `{prefix}{workspace}/{stage}.json`.
///
/// A write names the state that it replaces (`If-Match`, or `If-None-Match: *` for the first), so that of two machines one
/// is refused with `STATE_CONFLICT`. A store that ignores those conditions is found out before the first write.
pub struct S3StateStore {
    s3: S3,
    root: String,
    bucket: String,
    /// Whether the store heeds conditions.
    heeds: OnceCell<()>,
}

impl S3StateStore {
    /// The store of a workspace.
    ///
    /// # Errors
    ///
    /// `INVALID_REQUEST` when address or bucket make no URL.
    pub fn new(workspace: &str, options: &S3StateOptions) -> Result<Self, DeployError> {
        let by_default = options.aws.base_url.is_some() || options.bucket.contains('.');
        let path = options.path_style.unwrap_or(by_default);
        let address = if path { S3Address::Path } else { S3Address::Host };
        let s3 = S3::new(&options.bucket, address, &options.aws)?;
        let prefix = options.prefix.trim_start_matches('/');
        let root = format!("{prefix}{workspace}/");
        Ok(Self { s3, root, bucket: options.bucket.clone(), heeds: OnceCell::new() })
    }

    fn key(&self, stage: &str) -> String {
        format!("{}{stage}.json", self.root)
    }

    /// Where the state of a stage is, for people.
    fn place(&self, stage: &str) -> String {
        format!("s3://{}/{}", self.bucket, self.key(stage))
    }

    /// Makes sure that the store refuses a write whose condition does not hold: one that exists is not made anew.
    async fn check_conditions(&self, place: &str) -> Result<(), DeployError> {
        let key = format!("{}.conditional-writes", self.root);
        let probe = || self.s3.put(&key, Bytes::from_static(b"deploy-native"), Condition::Absent);
        // The first time it is made.
        for _ in 0..2 {
            match probe().await {
                Ok(_) => {}
                Err(error) if is_refusal(&error) => return Ok(()),
                Err(error) => return Err(failed(error, place)),
            }
        }
        let message = format!("The store of {place} ignores the condition of a write (If-None-Match)");
        Err(DeployError::new(ErrorCode::StateIo, message).resource(place).reason("unconditional").hint(
            "Two machines would silently replace each other's state: use a store with conditional writes, as Amazon S3, \
             Cloudflare R2 and current MinIO have them",
        ))
    }

    /// Writes, and finds out what became of a write whose answer was lost.
    async fn put(&self, stage: &str, text: &str, condition: Condition<'_>) -> Result<String, DeployError> {
        let (key, place) = (self.key(stage), self.place(stage));
        let mut left = ATTEMPTS;
        loop {
            left -= 1;
            let error = match self.s3.put(&key, Bytes::from(text.to_owned()), condition).await {
                Ok(etag) => return Ok(etag),
                Err(error) => error,
            };
            let refused = is_refusal(&error);
            if !refused && !error.uncertain {
                return Err(failed(error, &place));
            }
            sleep(LANDING).await;
            let now = self.s3.get(&key).await.map_err(|error| failed(error, &place))?;
            match now {
                // An earlier attempt of this very write.
                Some(now) if now.body == text.as_bytes() => return Ok(now.etag),
                Some(now) if refused || !matches!(condition, Condition::Unchanged(etag) if etag == now.etag) => {
                    return Err(conflict(stage, &place, "was changed by somebody else meanwhile"));
                }
                None if matches!(condition, Condition::Unchanged(_)) => {
                    return Err(conflict(stage, &place, "was removed by somebody else meanwhile"));
                }
                // A refusal without a cause: two writes at the same moment, of which neither was made.
                _ if left == 0 => return Err(failed(error, &place)),
                _ => {}
            }
        }
    }
}

/// Whether a write was refused because its condition does not hold, or because another was made at the same moment.
fn is_refusal(error: &AwsError) -> bool {
    let of_condition = [StatusCode::PRECONDITION_FAILED, StatusCode::CONFLICT];
    error.status.is_some_and(|status| of_condition.contains(&status)) || error.is("NoSuchKey")
}

#[async_trait]
impl StateProvider for S3StateStore {
    async fn read(&self, stage: &str) -> Result<Option<State>, DeployError> {
        Ok(self.read_versioned(stage).await?.0)
    }

    async fn write(&self, stage: &str, state: &State) -> Result<(), DeployError> {
        let text = render(stage, state, usize::MAX)?;
        let written = self.s3.put(&self.key(stage), Bytes::from(text), Condition::None).await;
        written.map(drop).map_err(|error| failed(error, &self.place(stage)))
    }

    async fn read_versioned(&self, stage: &str) -> Result<(Option<State>, StateVersion), DeployError> {
        let place = self.place(stage);
        match self.s3.get(&self.key(stage)).await.map_err(|error| failed(error, &place))? {
            None => Ok((None, StateVersion::Absent)),
            Some(object) => Ok((Some(parse(stage, &object.body, &place)?), StateVersion::Known(object.etag))),
        }
    }

    async fn write_versioned(
        &self,
        stage: &str,
        state: &State,
        expected: &StateVersion,
    ) -> Result<StateVersion, DeployError> {
        let text = render(stage, state, usize::MAX)?;
        let condition = match expected {
            StateVersion::Absent => Condition::Absent,
            StateVersion::Known(etag) => Condition::Unchanged(etag),
            StateVersion::Untold => Condition::None,
        };
        let place = self.place(stage);
        self.heeds.get_or_try_init(|| self.check_conditions(&place)).await?;
        self.put(stage, &text, condition).await.map(StateVersion::Known)
    }

    fn is_remote(&self) -> bool {
        true
    }
}
