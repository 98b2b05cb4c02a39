//! Which hosted zone a host name belongs to.

use super::answer::HostedZone;
use crate::dns::zone::lies_within;
use crate::{DeployError, ErrorCode};
use std::collections::BTreeMap;

/// The hosted zones that matter for a root domain: that of the root itself, and those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Zones {
    root: String,
    /// By name, in their one form.
    zones: BTreeMap<String, String>,
}

impl Zones {
    /// The one zone that the user names.
    ///
    /// # Errors
    ///
    /// `DNS_ZONE_NOT_FOUND` when it does not hold the root domain.
    pub(super) fn named(root: &str, zone: HostedZone) -> Result<Self, DeployError> {
        if !lies_within(root, &zone.name) {
            let message = format!("The hosted zone {} is that of `{}`, not of `{root}`", zone.id, zone.name);
            return Err(DeployError::new(ErrorCode::DnsZoneNotFound, message)
                .resource(root)
                .hint(format!("Correct deploy.dns['{root}'].hostedZoneId, or leave it out")));
        }
        Ok(Self { root: root.to_owned(), zones: BTreeMap::from([(zone.name, zone.id)]) })
    }

    /// Those among all of an account: the longest public one that holds the root domain, and the public ones below it.
    ///
    /// # Errors
    ///
    /// `DNS_ZONE_NOT_FOUND` when there is none, saying so when only a private one is there; `DNS_PROVIDER` when several
    /// have the same name, of which the world sees one.
    pub(super) fn of_account(root: &str, listed: &[HostedZone]) -> Result<Self, DeployError> {
        let public = || listed.iter().filter(|zone| !zone.private);
        let holding = |zone: &&HostedZone| lies_within(root, &zone.name);
        let Some(own) = public().filter(holding).max_by_key(|zone| zone.name.len()) else {
            return Err(none(root, listed.iter().find(holding)));
        };
        let below = public().filter(|zone| zone.name != *root && lies_within(&zone.name, root));
        let mut zones = BTreeMap::new();
        for zone in public().filter(|zone| zone.name == own.name).chain(below) {
            if let Some(other) = zones.insert(zone.name.clone(), zone.id.clone()) {
                return Err(several(root, &zone.name, &[&other, &zone.id]));
            }
        }
        Ok(Self { root: root.to_owned(), zones })
    }

    /// The name and the id of each zone.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.zones.iter().map(|(name, id)| (name.as_str(), id.as_str()))
    }

    /// The id of the zone that holds a host name: the longest one.
    pub(super) fn of(&self, host: &str) -> Option<&str> {
        let holding = self.zones.iter().filter(|(name, _)| lies_within(host, name));
        holding.max_by_key(|(name, _)| name.len()).map(|(_, id)| id.as_str())
    }

    pub(super) fn root(&self) -> &str {
        &self.root
    }
}

fn none(root: &str, private: Option<&HostedZone>) -> DeployError {
    let (message, hint) = match private {
        None => (
            format!("route53 has no hosted zone for `{root}`"),
            format!("Create the hosted zone, or use the account that holds it: set deploy.dns['{root}'].profile"),
        ),
        Some(zone) => (
            format!("route53 has only a private hosted zone for `{root}` ({}), which the world does not see", zone.id),
            format!(
                "Create a public hosted zone. To write to the private one all the same, set \
                 deploy.dns['{root}'].hostedZoneId to '{}'",
                zone.id
            ),
        ),
    };
    DeployError::new(ErrorCode::DnsZoneNotFound, message).resource(root).hint(hint)
}

fn several(root: &str, name: &str, ids: &[&str]) -> DeployError {
    let message = format!("route53 has several public hosted zones of the name `{name}`: {}", ids.join(", "));
    DeployError::new(ErrorCode::DnsProvider, message).resource(root).reason("ambiguous").hint(format!(
        "Set deploy.dns['{root}'].hostedZoneId to the one whose name servers the domain's registrar names"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(id: &str, name: &str) -> HostedZone {
        HostedZone { id: id.to_owned(), name: name.to_owned(), private: false }
    }

    fn private(id: &str, name: &str) -> HostedZone {
        HostedZone { private: true, ..zone(id, name) }
    }

    #[test]
    fn the_longest_public_zone_holds_a_host_name() {
        let listed = [
            zone("Z1", "example.com"),
            private("ZP", "staging.example.com"),
            zone("Z2", "staging.example.com"),
            zone("Z3", "le.com"),
            zone("Z4", "other.com"),
        ];
        let zones = Zones::of_account("example.com", &listed).unwrap();
        assert_eq!(zones.of("api.example.com"), Some("Z1"));
        assert_eq!(zones.of("api.staging.example.com"), Some("Z2"));
        assert_eq!(zones.of("staging.example.com"), Some("Z2"));
        assert_eq!(zones.of("example.com"), Some("Z1"));
        assert_eq!(zones.iter().count(), 2);
        // A root domain of the workspace need not be a zone of its own.
        let zones = Zones::of_account("live.example.com", &listed).unwrap();
        assert_eq!(zones.of("api.live.example.com"), Some("Z1"));
    }

    #[test]
    fn what_cannot_be_chosen_is_told() {
        let error = Zones::of_account("example.com", &[private("ZP", "example.com")]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
        assert!(error.message().contains("private") && error.hint_text().unwrap().contains("'ZP'"), "{error:?}");
        let error = Zones::of_account("example.com", &[zone("Z1", "example.com"), zone("Z2", "example.com")]);
        let error = error.unwrap_err();
        assert_eq!((error.code(), error.reason_name()), (ErrorCode::DnsProvider, Some("ambiguous")));
        assert!(error.message().contains("Z1, Z2"), "{error}");
        let error = Zones::named("example.com", zone("Z4", "other.com")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsZoneNotFound);
        assert!(error.message().contains("`other.com`, not of `example.com`"), "{error}");
        assert!(Zones::named("example.com", private("ZP", "example.com")).is_ok());
    }
}
