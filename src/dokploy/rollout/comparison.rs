//! Compares what runs with what was deployed: images and variables.

use crate::secrets::Secret;
use std::collections::BTreeMap;

/// Whether the actual image is the expected one: by digest where the expected one has one, else by name.
pub fn image_matches(expected: &str, actual: &str) -> bool {
    let digest = |image: &str| image.split_once('@').map(|(_, digest)| digest.to_owned());
    match digest(expected) {
        Some(expected) => digest(actual).is_some_and(|actual| actual == expected),
        // Swarm may have added the digest that it found.
        None => actual.split('@').next() == Some(expected),
    }
}

/// The variables in which what runs differs from what was deployed; names only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvDifference {
    /// Deployed, but not there.
    pub missing: Vec<String>,
    /// There with another value.
    pub different: Vec<String>,
    /// No longer deployed, but there with its former value. The image itself may set it to the same value.
    pub lingering: Vec<String>,
}

impl EnvDifference {
    /// Compares the actual variables with the expected ones, and with those of the deployment before.
    pub fn between(
        expected: &BTreeMap<String, Secret>,
        former: &BTreeMap<String, Secret>,
        actual: &BTreeMap<String, Secret>,
    ) -> Self {
        let mut difference = Self::default();
        for (name, value) in expected {
            match actual.get(name) {
                None => difference.missing.push(name.clone()),
                Some(other) if other != value => difference.different.push(name.clone()),
                Some(_) => {}
            }
        }
        let gone = former.iter().filter(|(name, _)| !expected.contains_key(*name));
        let lingering = gone.filter(|(name, value)| actual.get(*name) == Some(*value));
        difference.lingering = lingering.map(|(name, _)| name.clone()).collect();
        difference
    }

    /// Whether every expected variable is there with its value.
    pub fn has_all_meant(&self) -> bool {
        self.missing.is_empty() && self.different.is_empty()
    }

    /// The names, without repetition: missing, different, lingering.
    pub fn names(&self) -> Vec<String> {
        [&self.missing, &self.different, &self.lingering].into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect()
    }

    #[test]
    fn i7_images_match_by_digest() {
        let one = "registry.test/shop-api@sha256:aaa";
        assert!(image_matches(one, one));
        assert!(image_matches(one, "registry.test/shop-api:1@sha256:aaa"));
        assert!(!image_matches(one, "registry.test/shop-api@sha256:bbb"));
        assert!(!image_matches(one, "registry.test/shop-api:1"));
        assert!(image_matches("shop-api:1", "shop-api:1@sha256:aaa"));
        assert!(!image_matches("shop-api:1", "shop-api:2@sha256:aaa"));
    }

    #[test]
    fn i6_i7_variables_are_compared_and_only_names_are_told() {
        let expected = env(&[("A", "canary-1"), ("B", "canary-2"), ("C", "canary-3")]);
        let former = env(&[("B", "canary-0"), ("GONE", "canary-4"), ("OTHER", "canary-5")]);
        let actual = env(&[("A", "canary-1"), ("B", "canary-0"), ("GONE", "canary-4"), ("PATH", "/bin")]);
        let difference = EnvDifference::between(&expected, &former, &actual);
        assert_eq!(difference.names(), ["C", "B", "GONE"]);
        assert!(!difference.has_all_meant());
        assert!(!format!("{difference:?} {actual:?}").contains("canary"));
        assert_eq!(EnvDifference::between(&expected, &BTreeMap::new(), &expected), EnvDifference::default());
    }
}
