//! What of a run lies at AWS: with whose account, and the stores and vendors that the workspace names there.

use crate::DeployError;
use crate::aws::AwsOptions;
use crate::deploy::request::{Credentials, Surroundings};
use crate::dns::{DnsProvider, Route53Options, Route53Provider};
use crate::state::{S3StateOptions, S3StateStore, SsmStateOptions, SsmStateStore, StateProvider, Turns};
use crate::workspace::{AwsAccount, DnsZone, S3Settings, SsmSettings, Workspace};
use std::sync::Arc;

/// How an account is reached.
pub(crate) fn aws_options(account: &AwsAccount, credentials: &Credentials, surroundings: &Surroundings) -> AwsOptions {
    let given = credentials.aws.as_ref();
    AwsOptions {
        region: account.region.clone(),
        profile: account.profile.clone(),
        keys: given.and_then(|given| given.keys.clone()),
        base_url: given.and_then(|given| given.base_url.clone()),
        environment: surroundings.aws.clone(),
        http: surroundings.http.clone(),
        ..AwsOptions::default()
    }
}

/// The state in the parameter store.
///
/// # Errors
///
/// `INVALID_REQUEST` when the address is none.
pub(super) fn parameter_store(
    workspace: &Workspace,
    settings: &SsmSettings,
    credentials: &Credentials,
    surroundings: &Surroundings,
) -> Result<Arc<dyn StateProvider>, DeployError> {
    let aws = aws_options(&settings.account, credentials, surroundings);
    let options = SsmStateOptions { aws, tier: settings.tier, turns: Turns::default() };
    Ok(Arc::new(SsmStateStore::new(&stored_name(workspace), options)?))
}

/// The state in a bucket.
///
/// # Errors
///
/// `INVALID_REQUEST` when address or bucket make no URL.
pub(super) fn bucket(
    workspace: &Workspace,
    settings: &S3Settings,
    credentials: &Credentials,
    surroundings: &Surroundings,
) -> Result<Arc<dyn StateProvider>, DeployError> {
    let found = aws_options(&settings.account, credentials, surroundings);
    // The store of a state may be another one than that of the rest.
    let base_url = settings.endpoint.clone().or_else(|| found.base_url.clone());
    let options = S3StateOptions {
        bucket: settings.bucket.clone(),
        prefix: settings.prefix.clone(),
        path_style: settings.path_style,
        aws: AwsOptions { base_url, ..found },
    };
    Ok(Arc::new(S3StateStore::new(&stored_name(workspace), &options)?))
}

/// Route 53.
///
/// # Errors
///
/// `INVALID_REQUEST` when the address is none.
pub(super) fn route53(
    zone: &DnsZone,
    credentials: &Credentials,
    surroundings: &Surroundings,
) -> Result<Arc<dyn DnsProvider>, DeployError> {
    let options = Route53Options {
        aws: aws_options(&zone.account, credentials, surroundings),
        hosted_zone_id: zone.hosted_zone_id.clone(),
        ..Route53Options::default()
    };
    Ok(Arc::new(Route53Provider::new(options)?))
}

/// The workspace's name as a part of a path: as it is where it can be one, as the CLI has it.
fn stored_name(workspace: &Workspace) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if workspace.name.chars().all(fits) { workspace.name.clone() } else { workspace.slug() }
}
