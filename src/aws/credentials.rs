//! Whose credentials sign the requests; also those of profiles that take on a role (`role_arn` with `source_profile` or
//! `credential_source`).

use super::context::context;
use super::options::AwsOptions;
use ini::Ini;
use reqsign_aws_v4::{
    AssumeRoleCredentialProvider, AssumeRoleWithWebIdentityCredentialProvider, Credential, ECSCredentialProvider,
    EnvCredentialProvider, IMDSv2CredentialProvider, ProcessCredentialProvider, ProfileCredentialProvider,
    RequestSigner, SSOCredentialProvider, StaticCredentialProvider,
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

/// More profiles than any chain of roles has; one that leads back to itself ends here.
const MOST_PROFILES: usize = 5;

/// The region of the token service where a profile names none.
const DEFAULT_REGION: &str = "us-east-1";

/// The role of a profile, if it has one.
#[derive(Debug)]
pub(super) struct RoleProfile {
    profile: String,
    depth: usize,
}

impl RoleProfile {
    pub(super) fn new(profile: &str, depth: usize) -> Self {
        Self { profile: profile.to_owned(), depth }
    }

    /// The credentials that take on the role.
    fn source(&self, settings: &Settings) -> Result<Sources> {
        match (settings.get("source_profile"), settings.get("credential_source")) {
            (Some(source), _) if source == self.profile => Ok(Sources::keys_of(source)),
            (Some(_), _) if self.depth >= MOST_PROFILES => Err(Error::config_invalid("its source_profile is a circle")),
            (Some(source), _) => Ok(Sources::of_profile(source, self.depth + 1)),
            (None, Some(source)) => Sources::of_source(source)
                .ok_or_else(|| Error::config_invalid(format!("`{source}` is no credential_source"))),
            (None, None) => Err(Error::config_invalid("its role has neither source_profile nor credential_source")),
        }
    }
}

impl ProvideCredential for RoleProfile {
    type Credential = Credential;

    async fn provide_credential(&self, context: &Context) -> Result<Option<Credential>> {
        let settings = Settings::read(context, &self.profile).await?;
        // A role by web identity is read from the environment; the library knows it.
        let Some(role) = settings.get("role_arn").filter(|_| settings.get("web_identity_token_file").is_none()) else {
            return Ok(None);
        };
        if settings.get("mfa_serial").is_some() {
            return Err(Error::config_invalid(
                "its role asks for a code (mfa_serial), which nobody can be asked for; give it a credential_process",
            ));
        }
        let region = settings.get("region").unwrap_or(DEFAULT_REGION);
        let signer = Signer::new(context.clone(), self.source(&settings)?, RequestSigner::new("sts", region));
        let session = settings.get("role_session_name").unwrap_or("deploy-native");
        let mut provider = AssumeRoleCredentialProvider::new(role.to_owned(), signer)
            .with_region(region.to_owned())
            .with_regional_sts_endpoint()
            .with_role_session_name(session.to_owned());
        if let Some(id) = settings.get("external_id") {
            provider = provider.with_external_id(id.to_owned());
        }
        if let Some(seconds) = settings.get("duration_seconds").and_then(|seconds| seconds.parse().ok()) {
            provider = provider.with_duration_seconds(seconds);
        }
        // Boxed: the source may be a role itself.
        Box::pin(provider.provide_credential(context)).await
    }
}

/// A profile's settings, from both files.
struct Settings(Vec<(String, String)>);

impl Settings {
    async fn read(context: &Context, profile: &str) -> Result<Self> {
        let section = if profile == "default" { profile.to_owned() } else { format!("profile {profile}") };
        let files = [
            ("AWS_CONFIG_FILE", "~/.aws/config", section.as_str()),
            ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials", profile),
        ];
        let mut settings = Vec::new();
        for (variable, default, section) in files {
            let path = context.env_var(variable).unwrap_or_else(|| default.to_owned());
            let Some(path) = context.expand_home_dir(&path) else { continue };
            // A file that is not there is no fault: the other one may have the profile.
            let Ok(text) = context.file_read_as_string(&path).await else { continue };
            // The parser's own message may quote a line, and with it a key.
            let file = Ini::load_from_str(&text)
                .map_err(|error| Error::config_invalid(format!("{path} is wrong in line {}", error.line)))?;
            let found = file.section(Some(section)).into_iter().flat_map(|section| section.iter());
            settings.extend(found.map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Ok(Self(settings))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}
