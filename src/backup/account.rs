//! What lies in the AWS account: the bucket, its user and the user's access key.

use super::names;
use crate::aws::{AwsError, AwsOptions, Iam, NewKey, S3, S3Address};
use crate::state::BackupState;
use crate::{DeployError, ErrorCode};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

/// How many objects are deleted at a time.
const SIDE_BY_SIDE: usize = 16;

/// The account, as far as one bucket goes.
pub(super) struct Account {
    s3: S3,
    iam: Iam,
    bucket: String,
}

impl Account {
    /// Prepares calls for a bucket.
    pub(super) fn new(bucket: &str, region: &str, aws: &AwsOptions) -> Result<Self, DeployError> {
        // The bucket stays where it was made, whatever the workspace says today.
        let aws = AwsOptions { region: Some(region.to_owned()), ..aws.clone() };
        let address = if aws.base_url.is_some() { S3Address::Path } else { S3Address::Host };
        Ok(Self { s3: S3::new(bucket, address, &aws)?, iam: Iam::new(&aws)?, bucket: bucket.to_owned() })
    }

    /// Whether the bucket exists.
    pub(super) async fn has_bucket(&self) -> Result<bool, DeployError> {
        self.s3.exists().await.map_err(|error| self.told(error))
    }

    /// Whether the user has this access key.
    pub(super) async fn has_key(&self, state: &BackupState) -> Result<bool, DeployError> {
        let keys = self.iam.keys(&state.iam_user_name).await.map_err(|error| self.told(error))?;
        Ok(state.has_key() && keys.contains(&state.iam_access_key_id))
    }

    /// Makes the bucket where it is missing; it keeps every version.
    pub(super) async fn make_bucket(&self) -> Result<bool, DeployError> {
        let missing = !self.has_bucket().await?;
        if missing {
            self.s3.create().await.map_err(|error| self.told(error))?;
        }
        self.s3.enable_versioning().await.map_err(|error| self.told(error))?;
        Ok(missing)
    }

    /// Makes the user where it is missing, and gives it its rights.
    pub(super) async fn make_user(&self, state: &BackupState) -> Result<(), DeployError> {
        let user = &state.iam_user_name;
        self.iam.create_user(user).await.map_err(|error| self.told(error))?;
        let policy = names::policy(&state.bucket_arn);
        self.iam.put_policy(user, names::POLICY, &policy).await.map_err(|error| self.told(error))
    }

    /// Makes an access key. A user can have two: where both are taken by ones that nobody knows any more, left behind by
    /// runs whose answer was lost, the first of them goes.
    ///
    /// `used` is the id of the one that the server uses. Returns the new key and the id of the one that went.
    pub(super) async fn make_key(&self, user: &str, used: &str) -> Result<(NewKey, Option<String>), DeployError> {
        match self.iam.create_key(user).await {
            Err(error) if error.is("LimitExceeded") => {}
            made => return made.map(|key| (key, None)).map_err(|error| self.told(error)),
        }
        let keys = self.iam.keys(user).await.map_err(|error| self.told(error))?;
        let unknown = keys.into_iter().find(|key| key != used);
        if let Some(unknown) = &unknown {
            self.iam.delete_key(user, unknown).await.map_err(|error| self.told(error))?;
        }
        let made = self.iam.create_key(user).await;
        made.map(|key| (key, unknown)).map_err(|error| self.told(error))
    }

    /// Deletes the bucket with every version of everything in it.
    pub(super) async fn delete_bucket(&self) -> Result<(), DeployError> {
        loop {
            let versions = match self.s3.first_versions().await {
                Err(error) if error.is("NoSuchBucket") => return Ok(()),
                versions => versions.map_err(|error| self.told(error))?,
            };
            if versions.is_empty() {
                return self.s3.delete().await.map_err(|error| self.told(error));
            }
            let mut versions = versions.into_iter();
            let mut deletions = FuturesUnordered::new();
            loop {
                while deletions.len() < SIDE_BY_SIDE
                    && let Some(version) = versions.next()
                {
                    deletions.push(async move { self.s3.delete_version(&version).await });
                }
                let Some(deleted) = deletions.next().await else { break };
                deleted.map_err(|error| self.told(error))?;
            }
        }
    }

    /// Deletes the user with its keys and rights.
    pub(super) async fn delete_user(&self, user: &str) -> Result<(), DeployError> {
        for key in self.iam.keys(user).await.map_err(|error| self.told(error))? {
            self.iam.delete_key(user, &key).await.map_err(|error| self.told(error))?;
        }
        self.iam.delete_policy(user, names::POLICY).await.map_err(|error| self.told(error))?;
        self.iam.delete_user(user).await.map_err(|error| self.told(error))
    }

    /// The store's address, as the server is to reach it.
    pub(super) fn endpoint(aws: &AwsOptions, region: &str) -> Result<String, DeployError> {
        let aws = AwsOptions { region: Some(region.to_owned()), ..aws.clone() };
        S3::new("any", S3Address::Path, &aws).map(|s3| s3.endpoint())
    }

    fn told(&self, error: AwsError) -> DeployError {
        let taken = error.is("BucketAlreadyExists");
        let told = error.into_deploy_error(ErrorCode::BackupFailed).resource(self.bucket.clone());
        if !taken {
            return told;
        }
        told.hint("Somebody else has a bucket of this name: remove `backups` from the state, and another one is chosen")
    }
}
