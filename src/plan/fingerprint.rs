//! What makes a deployment unchanged, and the title that carries it (I9).

use super::desired::{DesiredEnv, DesiredRegistry};
use crate::secrets::{Secret, digest_parts};
use crate::workspace::ContainerCheck;
use crate::workspace::Release;
use indexmap::IndexMap;

/// How many hexadecimal digits of a fingerprint are kept: 128 bits.
const LENGTH: usize = 32;

/// Hashes parts such that no two lists of parts collide by concatenation.
pub(super) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hex = digest_parts(parts);
    hex.truncate(LENGTH);
    hex
}

/// The fingerprint of an environment; the order of its variables does not matter.
pub fn env_fingerprint(env: &IndexMap<String, Secret>) -> String {
    let mut pairs: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    pairs.sort_unstable();
    fingerprint(pairs.into_iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]))
}

/// The fingerprint of an app's deployment: its image, its environment, the login that pulls the image and, where it has
/// one, the health check of its containers.
pub fn app_fingerprint(
    image: &str,
    env: &IndexMap<String, Secret>,
    registry: Option<&DesiredRegistry>,
    check: Option<&ContainerCheck>,
) -> String {
    let env = env_fingerprint(env);
    let login = registry.map_or_else(String::new, |login| format!("{}\n{}", login.url, login.username));
    let check = check.map(ContainerCheck::parts).unwrap_or_default();
    let parts = [image, env.as_str(), login.as_str()].into_iter().chain(check.iter().map(String::as_str));
    fingerprint(parts.map(str::as_bytes))
}

/// The fingerprint of a release: the command, the image that runs it and its environment. A credential that we make
/// ourselves counts with its name alone: migrations are not due again because a password was changed.
pub fn release_fingerprint(image: &str, env: &DesiredEnv, release: &Release) -> String {
    let mut pairs: Vec<(&str, &str)> = env
        .values
        .iter()
        .map(|(name, value)| (name.as_str(), if env.is_credential(name) { "" } else { value.expose() }))
        .chain(env.unknown.iter().map(|name| (name.as_str(), "")))
        .collect();
    pairs.sort_unstable();
    let command = release.command.iter().map(String::as_str);
    let words = [image, release.login.as_str(), ""].into_iter().chain(command).chain([""]);
    let parts = words.chain(pairs.into_iter().flat_map(|(name, value)| [name, value]));
    fingerprint(parts.map(str::as_bytes))
}

/// The title of a deployment: unique, and carrying what it consists of, so that a lost state can be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentTitle {
    /// [`app_fingerprint`] of what is deployed.
    pub fingerprint: String,
    /// The fingerprint of what the image was built from; `None` for an image that was given or is always built.
    pub image: Option<String>,
    /// [`release_fingerprint`] of what was run before it; `None` where nothing was to be run.
    pub release: Option<String>,
    /// Makes the title unique.
    pub nonce: String,
    /// The number of the run among those that have changed the stage; `None` in titles of older versions.
    pub serial: Option<u64>,
}

impl std::fmt::Display for DeploymentTitle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "deploy-native config={}", self.fingerprint)?;
        if let Some(image) = &self.image {
            write!(formatter, " source={image}")?;
        }
        if let Some(release) = &self.release {
            write!(formatter, " release={release}")?;
        }
        write!(formatter, " run={}", self.nonce)?;
        self.serial.map_or(Ok(()), |serial| write!(formatter, " serial={serial}"))
    }
}

/// How many characters of a title's nonce are those of its run.
const RUN_LENGTH: usize = 6;

impl DeploymentTitle {
    /// The name of a new run. `random`: letters and digits.
    pub fn run_of(random: &str) -> String {
        random.chars().take(RUN_LENGTH).collect()
    }

    /// The nonce of a deployment of a run: neither two deployments nor two runs have the same. `random`: letters and digits.
    pub fn nonce_of(run: Option<&str>, random: &str) -> String {
        let length = 2 * RUN_LENGTH;
        run.unwrap_or_default().chars().take(RUN_LENGTH).chain(random.chars()).take(length).collect()
    }

    /// The run that made it.
    pub fn run(&self) -> &str {
        self.nonce.get(..RUN_LENGTH).unwrap_or(&self.nonce)
    }

    /// Reads a title back; `None` when it is not one of ours.
    pub fn parse(title: &str) -> Option<Self> {
        let mut words = title.strip_prefix("deploy-native ")?.split(' ').filter_map(|word| word.split_once('='));
        let mut parsed =
            Self { fingerprint: String::new(), image: None, release: None, nonce: String::new(), serial: None };
        for (key, value) in &mut words {
            match key {
                "config" => value.clone_into(&mut parsed.fingerprint),
                "source" => parsed.image = Some(value.to_owned()),
                "release" => parsed.release = Some(value.to_owned()),
                "run" => value.clone_into(&mut parsed.nonce),
                "serial" => parsed.serial = value.parse().ok(),
                _ => {}
            }
        }
        (!parsed.fingerprint.is_empty() && !parsed.nonce.is_empty()).then_some(parsed)
    }
}

/// The title of the only deployment of a release: unique, and carrying what it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseTitle {
    /// [`release_fingerprint`] of what is run.
    pub fingerprint: String,
    /// How long it may take, in seconds.
    pub limit: u32,
    /// Makes the title unique.
    pub nonce: String,
}

impl std::fmt::Display for ReleaseTitle {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "deploy-native before={} limit={} run={}", self.fingerprint, self.limit, self.nonce)
    }
}

impl ReleaseTitle {
    /// Reads a title back; `None` when it is not that of a release.
    pub fn parse(title: &str) -> Option<Self> {
        let (fingerprint, rest) = title.strip_prefix("deploy-native before=")?.split_once(" limit=")?;
        let (limit, nonce) = rest.split_once(" run=")?;
        Some(Self { fingerprint: fingerprint.to_owned(), limit: limit.parse().ok()?, nonce: nonce.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::EnvSource;
    use crate::workspace::ReleaseLogin;
    use std::collections::{BTreeMap, BTreeSet};

    fn env(pairs: &[(&str, &str)]) -> IndexMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect()
    }

    #[test]
    fn i9_the_order_of_variables_does_not_matter_and_their_borders_do() {
        assert_eq!(env_fingerprint(&env(&[("A", "1"), ("B", "2")])), env_fingerprint(&env(&[("B", "2"), ("A", "1")])));
        assert_ne!(env_fingerprint(&env(&[("A", "1B")])), env_fingerprint(&env(&[("A1", "B")])));
    }

    #[test]
    fn i9_image_environment_and_login_each_change_the_fingerprint() {
        let values = env(&[("A", "1")]);
        let login = DesiredRegistry { url: "r".into(), username: "u".into(), password: "p".into() };
        let check = ContainerCheck { retries: 3, ..ContainerCheck::default() };
        let base = app_fingerprint("i", &values, None, None);
        assert_ne!(base, app_fingerprint("j", &values, None, None));
        assert_ne!(base, app_fingerprint("i", &env(&[("A", "2")]), None, None));
        assert_ne!(base, app_fingerprint("i", &values, Some(&login), None));
        let checked = app_fingerprint("i", &values, None, Some(&check));
        assert_ne!(base, checked);
        let other = ContainerCheck { retries: 4, ..check };
        assert_ne!(checked, app_fingerprint("i", &values, None, Some(&other)));
        let without_check = "d0f18a2f2943cc0853f41e4f536305cf";
        assert_eq!(base, without_check, "an app without a check has the fingerprint that it always had");
    }

    #[test]
    fn a_release_is_due_again_for_another_image_environment_or_command_and_not_for_another_password() {
        let release = Release { command: vec!["migrate".into()], login: ReleaseLogin::App, timeout_seconds: 1 };
        let sources = [("URL".to_owned(), EnvSource::Database), ("A".to_owned(), EnvSource::User)].into();
        let due = |values: &[(&str, &str)], unknown: &[&str]| {
            let unknown = unknown.iter().map(|name| (*name).to_owned()).collect();
            let env = DesiredEnv { values: env(values), unknown, sources: BTreeMap::clone(&sources) };
            release_fingerprint("i", &env, &release)
        };
        let base = due(&[("A", "1"), ("URL", "x")], &[]);
        assert_eq!(base, due(&[("URL", "y"), ("A", "1")], &[]));
        assert_eq!(base, due(&[("A", "1")], &["URL"]), "one that is known after apply");
        assert_ne!(base, due(&[("A", "2"), ("URL", "x")], &[]));
        let env = DesiredEnv { values: env(&[("A", "1"), ("URL", "x")]), unknown: BTreeSet::new(), sources };
        assert_ne!(base, release_fingerprint("j", &env, &release));
        for other in [
            Release { command: vec!["mig".into(), "rate".into()], ..release.clone() },
            Release { login: ReleaseLogin::Owner, ..release.clone() },
        ] {
            assert_ne!(base, release_fingerprint("i", &env, &other));
        }
        assert_eq!(base, release_fingerprint("i", &env, &Release { timeout_seconds: 9, ..release }));
    }

    #[test]
    fn titles_survive_a_round_trip_and_strange_ones_are_not_ours() {
        for (part, serial) in [(None, None), (Some("abc".to_owned()), Some(7))] {
            let (image, release) = (part.clone(), part);
            let title = DeploymentTitle { fingerprint: "f".into(), image, release, nonce: "n".into(), serial };
            assert_eq!(DeploymentTitle::parse(&title.to_string()), Some(title));
        }
        let release = ReleaseTitle { fingerprint: "f".into(), limit: 60, nonce: "n".into() };
        assert_eq!(ReleaseTitle::parse(&release.to_string()), Some(release.clone()));
        assert_eq!(DeploymentTitle::parse(&release.to_string()), None);
        assert_eq!(DeploymentTitle::parse("Manual deployment"), None);
        assert_eq!(DeploymentTitle::parse("deploy-native by hand"), None);
    }
}
