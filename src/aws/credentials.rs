//! Whose credentials sign the requests.

use super::context::context;
use super::options::AwsOptions;
use super::profile::RoleProfile;
use reqsign_aws_v4::{
    AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider, EnvCredentialProvider,
    IMDSv2CredentialProvider, ProcessCredentialProvider, ProfileCredentialProvider, RequestSigner,
    SSOCredentialProvider, StaticCredentialProvider,
};
use reqsign_core::{Context, Error, ProvideCredential, ProvideCredentialDyn, Result, Signer};

/// A place where credentials may be.
type Place = Box<dyn ProvideCredentialDyn<Credential = Credential>>;

/// What signs the requests to a service of a region.
pub(super) fn signer(service: &str, region: &str, options: &AwsOptions) -> Signer<Credential> {
    Signer::new(context(options), Sources::of(options), RequestSigner::new(service, region))
}

/// The places that are looked at, in their order. The first that has credentials gives them; if none has, the error says
/// what each of them said.
#[derive(Debug)]
pub(super) struct Sources {
    asked: String,
    places: Vec<(&'static str, Place)>,
}

impl Sources {
    fn of(options: &AwsOptions) -> Self {
        if let Some(keys) = &options.keys {
            let keys_given = StaticCredentialProvider::new(&keys.access_key_id, keys.secret_access_key.expose());
            let given = match &keys.session_token {
                Some(token) => keys_given.with_session_token(token.expose()),
                None => keys_given,
            };
            return Self { asked: "the access key of the request".to_owned(), places: vec![("", Box::new(given))] };
        }
        if let Some(profile) = &options.profile {
            return Self::of_profile(profile, 0);
        }
        let named = options.environment.variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let mut sources = Self::of_profile(&named, 0);
        sources.places.insert(0, ("the environment", Box::new(EnvCredentialProvider::new())));
        sources.places.push(("web identity", Box::new(AssumeRoleWithWebIdentityCredentialProvider::default())));
        sources.places.push(("the container's role", Box::new(ECSCredentialProvider::default())));
        sources.places.push(("the machine's role", Box::new(IMDSv2CredentialProvider::default())));
        sources.asked =
            format!("the environment, the profile `{named}`, web identity, the container's and the machine's role");
        sources
    }

    /// Those of a profile of `~/.aws`; `depth` is how many profiles led to it.
    pub(super) fn of_profile(profile: &str, depth: usize) -> Self {
        let places: Vec<(&'static str, Place)> = vec![
            // Before its keys, which a profile with a role may have for itself as its own source.
            ("its role", Box::new(RoleProfile::new(profile, depth))),
            ("its keys", Box::new(ProfileCredentialProvider::new().with_profile(profile))),
            ("its single sign-on", Box::new(SSOCredentialProvider::new().with_profile(profile))),
            ("its credential_process", Box::new(ProcessCredentialProvider::new().with_profile(profile))),
        ];
        Self { asked: format!("the profile `{profile}`"), places }
    }

    /// Those by whose name a profile asks for them (`credential_source`).
    pub(super) fn of_source(source: &str) -> Option<Self> {
        let place: Place = match source {
            "Environment" => Box::new(EnvCredentialProvider::new()),
            "EcsContainer" => Box::new(ECSCredentialProvider::default()),
            "Ec2InstanceMetadata" => Box::new(IMDSv2CredentialProvider::default()),
            _ => return None,
        };
        Some(Self { asked: format!("`{source}`"), places: vec![("", place)] })
    }

    /// The keys of a profile alone, for one whose role names itself as its source.
    pub(super) fn keys_of(profile: &str) -> Self {
        let keys = ProfileCredentialProvider::new().with_profile(profile);
        Self { asked: format!("the keys of the profile `{profile}`"), places: vec![("", Box::new(keys))] }
    }
}

impl ProvideCredential for Sources {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let mut said = Vec::new();
        for (place, provider) in &self.places {
            match provider.provide_credential_dyn(context).await {
                Ok(Some(credential)) => return Ok(Some(credential)),
                Ok(None) => {}
                // What a process printed may hold credentials.
                Err(_) if *place == "its credential_process" => said.push(format!("{place} gave none")),
                Err(error) => said.push(format!("{place}: {error}")),
            }
        }
        let said = if said.is_empty() { String::new() } else { format!(" ({})", said.join("; ")) };
        Err(Error::credential_invalid(format!("no credentials from {}{said}", self.asked)))
    }
}
