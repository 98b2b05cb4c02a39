//! The version of a server.

use std::fmt;

/// The version of a Dokploy server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u32,
    /// The second number; contracts have changed with it.
    pub minor: u32,
    /// The third number.
    pub patch: u32,
}

/// The oldest version that has every endpoint we need: `deployment.readLogs` came with it.
pub(super) const OLDEST: Version = Version { major: 0, minor: 29, patch: 5 };

/// The version whose contract this client was written against; newer patches of it are trusted.
pub(super) const KNOWN: Version = Version { major: 0, minor: 30, patch: 2 };

impl Version {
    /// Reads a version as the server writes it, for instance `v0.30.2`; a suffix such as `-canary.1` is passed by.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let numbers = text.strip_prefix('v').unwrap_or(text).split(['-', '+']).next()?;
        let mut parts = numbers.split('.').map(str::parse);
        let (major, minor, patch) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        parts.next().is_none().then_some(Self { major, minor, patch })
    }

    /// Whether contracts may have changed since the version that we know.
    pub fn is_newer_than_known(self) -> bool {
        (self.major, self.minor) > (KNOWN.major, KNOWN.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_server_writes_them() {
        let version = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(version("v0.30.2").as_deref(), Some("0.30.2"));
        assert_eq!(version("0.31.0-canary.4").as_deref(), Some("0.31.0"));
        for text in ["", "canary", "v0.30", "v0.30.2.1", "v0.x.1", "v-1.0.0"] {
            assert_eq!(version(text), None, "{text}");
        }
    }

    #[test]
    fn a_newer_patch_is_trusted_and_a_newer_minor_is_not() {
        let newer = |text| Version::parse(text).unwrap().is_newer_than_known();
        assert!(!newer("v0.30.9") && !newer("v0.29.5"));
        assert!(newer("v0.31.0") && newer("v1.0.0"));
        assert!(Version::parse("v0.29.4").unwrap() < OLDEST && Version::parse("v0.30.0").unwrap() > OLDEST);
    }
}
