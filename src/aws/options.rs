//! How AWS is reached, and as whom.

use crate::http::HttpSettings;
use crate::secrets::Secret;
use derive_setters::Setters;
use reqsign_core::{Env, OsEnv, StaticEnv};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How AWS is reached, and as whom.
///
/// Credentials are `keys`; else those of `profile`; else what the AWS tools find: environment variables, the profile that
/// `AWS_PROFILE` names, web identity, the container's or the machine's role.
#[derive(Debug, Clone, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct AwsOptions {
    /// The region; default `AWS_REGION`, else `us-east-1`.
    #[setters(into)]
    pub region: Option<String>,
    /// The profile of `~/.aws`; with one, no other source of credentials is asked.
    #[setters(into)]
    pub profile: Option<String>,
    /// The access key to use, whatever the environment says.
    pub keys: Option<AwsKeys>,
    /// The address of every service; default `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`, else AWS's own.
    #[setters(into)]
    pub base_url: Option<String>,
    /// Where variables and the home folder are looked up.
    pub environment: AwsEnvironment,
    /// Certificates and proxies.
    pub http: HttpSettings,
    /// How long one request may take; default 30 s.
    pub timeout: Duration,
    /// How often a request is tried again that was throttled or lost; default 6.
    pub retries: usize,
    /// The first pause between tries; it doubles each time, with jitter. Default 300 ms.
    pub first_pause: Duration,
    /// The longest pause between tries. Default 10 s.
    pub longest_pause: Duration,
}

impl Default for AwsOptions {
    fn default() -> Self {
        Self {
            region: None,
            profile: None,
            keys: None,
            base_url: None,
            environment: AwsEnvironment::default(),
            http: HttpSettings::default(),
            timeout: Duration::from_secs(30),
            retries: 6,
            first_pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(10),
        }
    }
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq, Setters)]
#[setters(strip_option)]
#[non_exhaustive]
pub struct AwsKeys {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: Secret,
    /// The token of a temporary one.
    #[setters(into)]
    pub session_token: Option<Secret>,
}

impl AwsKeys {
    /// A key that lasts, without a session's token.
    pub fn new(access_key_id: impl Into<String>, secret_access_key: impl Into<Secret>) -> Self {
        Self { access_key_id: access_key_id.into(), secret_access_key: secret_access_key.into(), session_token: None }
    }
}

/// Where variables and the home folder are looked up; default: this process's.
#[derive(Debug, Clone)]
pub struct AwsEnvironment(Arc<dyn Env>);

impl Default for AwsEnvironment {
    fn default() -> Self {
        Self(Arc::new(OsEnv))
    }
}

impl AwsEnvironment {
    /// An environment of these variables alone.
    pub fn fixed(home: Option<PathBuf>, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(Arc::new(StaticEnv { home_dir: home, envs: variables.into_iter().collect() }))
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        self.0.var(name).filter(|value| !value.is_empty())
    }
}

impl Env for AwsEnvironment {
    fn var(&self, key: &str) -> Option<String> {
        self.variable(key)
    }

    fn vars(&self) -> HashMap<String, String> {
        self.0.vars()
    }

    fn home_dir(&self) -> Option<PathBuf> {
        self.0.home_dir()
    }
}

impl AwsOptions {
    /// The region that is meant.
    pub(crate) fn region_or_default(&self) -> String {
        let variable = || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| self.environment.variable(name));
        self.region.clone().or_else(variable).unwrap_or_else(|| "us-east-1".to_owned())
    }
}
