//! Which zone a host name belongs to, and what it is called there.

use std::fmt::Write as _;

/// The longest host name, in characters (RFC 1035).
const LONGEST_HOST: usize = 253;

/// The longest label of a host name, in characters (RFC 1035).
const LONGEST_LABEL: usize = 63;

/// Brings a host name to its one form: lower-case, ASCII (punycode), no final dot.
///
/// Returns nothing for what is no host name: an empty one, an IP address, one with a port, a path or empty labels.
pub fn normalize_host(host: &str) -> Option<String> {
    let trimmed = host.strip_suffix('.').unwrap_or(host);
    // The URL parser would decode these, strip those, and take the rest for a path.
    if trimmed.chars().any(|c| c.is_ascii_control() || c.is_whitespace() || "%/\\?#@:[]".contains(c)) {
        return None;
    }
    let Ok(url::Host::Domain(ascii)) = url::Host::parse(trimmed) else { return None };
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        let edge = label.starts_with('-') || label.ends_with('-');
        !label.is_empty() && label.len() <= LONGEST_LABEL && !edge && label.chars().all(inner)
    };
    (ascii.len() <= LONGEST_HOST && ascii.split('.').all(label)).then_some(ascii)
}

/// Finds the root domain that a host name belongs to: the longest that equals it or is a dot-suffix of it.
///
/// The root domain is returned as it was given.
pub fn find_zone<'a>(host: &str, roots: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let host = normalize_host(host)?;
    let normalized = roots.into_iter().filter_map(|root| normalize_host(root).map(|name| (root, name)));
    normalized.filter(|(_, name)| lies_within(&host, name)).max_by_key(|(_, name)| name.len()).map(|(root, _)| root)
}

/// The name of a host within its zone: `@` for the zone itself; nothing when the host lies elsewhere.
pub fn name_in_zone(host: &str, zone: &str) -> Option<String> {
    let host = normalize_host(host)?;
    let zone = normalize_host(zone)?;
    if host == zone {
        return Some("@".to_owned());
    }
    host.strip_suffix(&zone)?.strip_suffix('.').map(str::to_owned)
}

/// The host name of a record: the inverse of [`name_in_zone`].
pub fn host_in_zone(name: &str, zone: &str) -> String {
    let mut host = String::new();
    if name != "@" && !name.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(host, "{}.", name.to_ascii_lowercase());
    }
    host.push_str(&zone.trim_end_matches('.').to_ascii_lowercase());
    host
}

/// Whether a normalised name is a zone or lies below it.
pub(super) fn lies_within(name: &str, zone: &str) -> bool {
    name.strip_suffix(zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_host_belongs_to_the_longest_zone_at_a_dot() {
        let roots = ["example.com", "staging.example.com", "com", "evil.com"];
        assert_eq!(find_zone("api.staging.example.com", roots), Some("staging.example.com"));
        assert_eq!(find_zone("api.example.com", roots), Some("example.com"));
        assert_eq!(find_zone("Example.COM.", roots), Some("example.com"));
        assert_eq!(find_zone("evilexample.com", ["example.com"]), None);
        assert_eq!(find_zone("example.org", ["example.com"]), None);
        assert_eq!(find_zone("api.example.com", ["EXAMPLE.com."]), Some("EXAMPLE.com."));
    }

    #[test]
    fn a_name_in_a_zone_is_cut_at_a_dot() {
        assert_eq!(name_in_zone("api.staging.example.com", "example.com").as_deref(), Some("api.staging"));
        assert_eq!(name_in_zone("example.com", "example.com").as_deref(), Some("@"));
        assert_eq!(name_in_zone("evilexample.com", "example.com"), None);
    }

    #[test]
    fn a_host_has_one_form() {
        assert_eq!(normalize_host("Bücher.Example.").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(normalize_host("_dmarc.example.com").as_deref(), Some("_dmarc.example.com"));
        for wrong in ["", ".", "a..b", "-a.com", "a-.com", "1.2.3.4", "[::1]", "a:80", "a/b", "a b", "a%2eb", "*.a.com"]
        {
            assert_eq!(normalize_host(wrong), None, "{wrong:?}");
        }
        assert_eq!(normalize_host(&"a".repeat(64)), None);
        assert_eq!(normalize_host(&["a".repeat(60).as_str(); 5].join(".")), None);
    }

    prop_compose! {
        fn host(labels: std::ops::Range<usize>)(labels in prop::collection::vec("[a-z][a-z0-9]{0,8}", labels)) -> String {
            labels.join(".")
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,40}") {
            if let Some(once) = normalize_host(&text) {
                prop_assert_eq!(normalize_host(&once), Some(once));
            }
        }

        #[test]
        fn a_name_and_its_zone_give_the_host_back(name in host(1..4), zone in host(1..4)) {
            let host = host_in_zone(&name, &zone);
            prop_assert_eq!(name_in_zone(&host, &zone), Some(name));
            prop_assert_eq!(name_in_zone(&zone, &zone), Some("@".to_owned()));
        }

        #[test]
        fn the_zone_found_holds_the_host_and_no_longer_one_does(
            host in host(1..5),
            roots in prop::collection::vec(host(1..4), 0..6),
            cut in 0_usize..5,
        ) {
            // One root is a real suffix of the host most of the time.
            let suffix: Vec<&str> = host.split('.').skip(cut).collect();
            let mut roots = roots;
            roots.push(suffix.join("."));
            let holding = |root: &&String| !root.is_empty() && (host == **root || host.ends_with(&format!(".{root}")));
            let longest = roots.iter().filter(holding).map(String::len).max();
            let found = find_zone(&host, roots.iter().map(String::as_str));
            prop_assert_eq!(found.map(str::len), longest);
        }
    }
}
