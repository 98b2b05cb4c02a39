//! Profiles that take on a role: `role_arn` with `source_profile` or `credential_source`.

use super::credentials::Sources;
use ini::Ini;
use reqsign_aws_v4::{AssumeRoleCredentialProvider, Credential, RequestSigner};
use reqsign_core::{Context, Error, ProvideCredential, Result, Signer};

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
