//! What makes a deployment unchanged, and the title that carries it (I9).

use super::desired::DesiredRegistry;
use crate::secrets::Secret;
use indexmap::IndexMap;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

/// How many hexadecimal digits of a fingerprint are kept: 128 bits.
const LENGTH: usize = 32;

/// Hashes parts such that no two lists of parts collide by concatenation.
pub(super) fn fingerprint<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut hex = String::with_capacity(64);
    for byte in hasher.finalize() {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex.truncate(LENGTH);
    hex
}

/// The fingerprint of an environment; the order of its variables does not matter.
pub fn env_fingerprint(env: &IndexMap<String, Secret>) -> String {
    let mut pairs: Vec<(&str, &str)> = env.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
    pairs.sort_unstable();
    fingerprint(pairs.into_iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]))
}

/// The fingerprint of an app's deployment: its image, its environment and the login that pulls the image.
pub fn app_fingerprint(image: &str, env: &IndexMap<String, Secret>, registry: Option<&DesiredRegistry>) -> String {
    let env = env_fingerprint(env);
    let login = registry.map_or_else(String::new, |login| format!("{}\n{}", login.url, login.username));
    fingerprint([image.as_bytes(), env.as_bytes(), login.as_bytes()])
}

/// The title of a deployment: unique, and carrying what it consists of, so that a lost state can be recovered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentTitle {
    /// [`app_fingerprint`] of what is deployed.
    pub fingerprint: String,
    /// The fingerprint of what the image was built from; `None` for an image that was given or is always built.
    pub image: Option<String>,
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
        write!(formatter, " run={}", self.nonce)?;
        self.serial.map_or(Ok(()), |serial| write!(formatter, " serial={serial}"))
    }
}

impl DeploymentTitle {
    /// Reads a title back; `None` when it is not one of ours.
    pub fn parse(title: &str) -> Option<Self> {
        let mut words = title.strip_prefix("deploy-native ")?.split(' ').filter_map(|word| word.split_once('='));
        let mut parsed = Self { fingerprint: String::new(), image: None, nonce: String::new(), serial: None };
        for (key, value) in &mut words {
            match key {
                "config" => value.clone_into(&mut parsed.fingerprint),
                "source" => parsed.image = Some(value.to_owned()),
                "run" => value.clone_into(&mut parsed.nonce),
                "serial" => parsed.serial = value.parse().ok(),
                _ => {}
            }
        }
        (!parsed.fingerprint.is_empty() && !parsed.nonce.is_empty()).then_some(parsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let base = app_fingerprint("i", &values, None);
        assert_ne!(base, app_fingerprint("j", &values, None));
        assert_ne!(base, app_fingerprint("i", &env(&[("A", "2")]), None));
        assert_ne!(base, app_fingerprint("i", &values, Some(&login)));
    }

    #[test]
    fn titles_survive_a_round_trip_and_strange_ones_are_not_ours() {
        for (image, serial) in [(None, None), (Some("abc".to_owned()), Some(7))] {
            let title = DeploymentTitle { fingerprint: "f".into(), image, nonce: "n".into(), serial };
            assert_eq!(DeploymentTitle::parse(&title.to_string()), Some(title));
        }
        assert_eq!(DeploymentTitle::parse("Manual deployment"), None);
        assert_eq!(DeploymentTitle::parse("deploy-native by hand"), None);
    }
}
