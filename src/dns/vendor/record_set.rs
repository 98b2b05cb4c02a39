//! Record sets compared: pure, and the same for every vendor.

use crate::dns::provider::DnsRecord;
use crate::dns::zone::{host_in_zone, normalize_host};
use crate::{DeployError, ErrorCode};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Types that stand for a whole name: nothing else of an address type can be beside them.
const ALIASES: [&str; 2] = ["CNAME", "ALIAS"];

/// The types that we write.
const ADDRESSES: [&str; 2] = ["A", "AAAA"];

/// The one form of a name within a zone; vendors also take the absolute one.
pub(super) fn canonical_name(name: &str, zone: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let zone = zone.trim_end_matches('.').to_ascii_lowercase();
    if name.is_empty() || name == "@" || name == zone {
        return "@".to_owned();
    }
    name.strip_suffix(&format!(".{zone}")).map_or(name.clone(), str::to_owned)
}

/// The one form of a value: an address may be written in several ways, a host name with or without its final dot.
pub(super) fn canonical_value(record_type: &str, value: &str) -> String {
    match record_type {
        "A" | "AAAA" => value.trim().parse::<IpAddr>().map_or_else(|_| value.to_owned(), |address| address.to_string()),
        "CNAME" | "ALIAS" | "NS" => normalize_host(value.trim()).unwrap_or_else(|| value.to_owned()),
        _ => value.to_owned(),
    }
}

/// Whether a set is of this name and type.
pub(super) fn is_of(record: &DnsRecord, name: &str, record_type: &str) -> bool {
    record.name == name && record.record_type.eq_ignore_ascii_case(record_type)
}

/// Whether two lists hold the same values, in any order and form.
pub(super) fn same_values(record_type: &str, left: &[String], right: &[String]) -> bool {
    let set = |values: &[String]| -> BTreeSet<String> {
        values.iter().map(|value| canonical_value(record_type, value)).collect()
    };
    left.len() == right.len() && set(left) == set(right)
}

/// Brings the sets that are to be written to their one form.
///
/// # Errors
///
/// `INVALID_REQUEST` for anything but address records with right values: nothing else is ours to write (I8).
pub(super) fn check_desired(zone: &str, records: &[DnsRecord]) -> Result<Vec<DnsRecord>, DeployError> {
    let mut checked: Vec<DnsRecord> = Vec::with_capacity(records.len());
    for record in records {
        let name = canonical_name(&record.name, zone);
        let record_type = record.record_type.to_ascii_uppercase();
        let mut values: Vec<String> = record.values.iter().map(|value| canonical_value(&record_type, value)).collect();
        values.sort();
        values.dedup();
        let host = host_in_zone(&name, zone);
        let refuse = |what: String| {
            let message = format!("The {record_type} record of `{host}` cannot be written: {what}");
            Err(DeployError::new(ErrorCode::InvalidRequest, message).resource(host.clone()))
        };
        if !ADDRESSES.contains(&record_type.as_str()) {
            return refuse("only A and AAAA records are written".to_owned());
        }
        if values.is_empty() {
            return refuse("it has no value".to_owned());
        }
        if let Some(wrong) = values.iter().find(|value| !is_address(&record_type, value)) {
            return refuse(format!("`{wrong}` is not an address of its kind"));
        }
        if checked.iter().any(|other| is_of(other, &name, &record_type)) {
            return refuse("it is given twice".to_owned());
        }
        checked.push(DnsRecord { name, record_type, ttl: record.ttl, values });
    }
    Ok(checked)
}

/// The names and types of sets that are to be deleted, in their one form; their values do not matter.
///
/// # Errors
///
/// `INVALID_REQUEST` for anything but address records: nothing else is ours to delete (I8).
pub(super) fn check_unwanted(zone: &str, records: &[DnsRecord]) -> Result<Vec<(String, String)>, DeployError> {
    let check = |record: &DnsRecord| {
        let name = canonical_name(&record.name, zone);
        let record_type = record.record_type.to_ascii_uppercase();
        if ADDRESSES.contains(&record_type.as_str()) {
            return Ok((name, record_type));
        }
        let host = host_in_zone(&name, zone);
        let message = format!("The {record_type} record of `{host}` is not deleted: only A and AAAA records are");
        Err(DeployError::new(ErrorCode::InvalidRequest, message).resource(host))
    };
    records.iter().map(check).collect()
}

fn is_address(record_type: &str, value: &str) -> bool {
    value.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4() == (record_type == "A"))
}

/// Refuses sets in whose place an alias stands: no address can be beside it, and we never delete what is not ours (I8).
///
/// # Errors
///
/// `DNS_RECORD_FOREIGN` that names the host, the alias and its target.
pub(super) fn check_aliases(zone: &str, existing: &[DnsRecord], desired: &[DnsRecord]) -> Result<(), DeployError> {
    let blocking = |desired: &DnsRecord| {
        let blocks = |set: &&DnsRecord| set.name == desired.name && ALIASES.contains(&set.record_type.as_str());
        existing.iter().find(blocks).map(|alias| refuse_alias(zone, alias, desired))
    };
    let errors: Vec<DeployError> = desired.iter().filter_map(blocking).collect();
    if errors.is_empty() { Ok(()) } else { Err(DeployError::join(errors)) }
}

fn refuse_alias(zone: &str, alias: &DnsRecord, desired: &DnsRecord) -> DeployError {
    let host = host_in_zone(&desired.name, zone);
    let target = alias.values.join(", ");
    let (kind, desired) = (&alias.record_type, &desired.record_type);
    let message = format!("`{host}` has a {kind} record (to {target}), and no {desired} record can stand beside it");
    DeployError::new(ErrorCode::DnsRecordForeign, message)
        .resource(host.clone())
        .reason("alias")
        .hint(format!("Delete the {kind} record of `{host}` at the DNS provider, or give the app another domain"))
}

/// Joins sets of the same name and type, as some vendors list every value by itself.
pub(super) fn merge(records: impl IntoIterator<Item = DnsRecord>) -> Vec<DnsRecord> {
    let mut sets: Vec<DnsRecord> = Vec::new();
    for record in records {
        if let Some(set) = sets.iter_mut().find(|set| is_of(set, &record.name, &record.record_type)) {
            set.values.extend(record.values);
        } else {
            sets.push(record);
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: &str, record_type: &str, values: &[&str]) -> DnsRecord {
        DnsRecord {
            name: name.to_owned(),
            record_type: record_type.to_owned(),
            ttl: 300,
            values: values.iter().map(|&value| value.to_owned()).collect(),
        }
    }

    #[test]
    fn names_have_one_form() {
        for name in ["@", "", "example.com", "Example.com."] {
            assert_eq!(canonical_name(name, "example.com"), "@", "{name:?}");
        }
        assert_eq!(canonical_name("API.example.com", "example.com"), "api");
        assert_eq!(canonical_name("api.staging", "example.com"), "api.staging");
        assert_eq!(canonical_name("evilexample.com", "example.com"), "evilexample.com");
    }

    #[test]
    fn values_are_compared_as_what_they_mean() {
        let text = |values: &[&str]| -> Vec<String> { values.iter().map(|&value| value.to_owned()).collect() };
        assert!(same_values("AAAA", &text(&["2001:db8:0::1"]), &text(&["2001:DB8::1"])));
        assert!(same_values("A", &text(&["1.2.3.4", "5.6.7.8"]), &text(&["5.6.7.8", "1.2.3.4"])));
        assert!(!same_values("A", &text(&["1.2.3.4"]), &text(&["1.2.3.4", "5.6.7.8"])));
        assert!(same_values("CNAME", &text(&["a.example."]), &text(&["A.example"])));
        assert!(!same_values("TXT", &text(&["a"]), &text(&["A"])));
    }

    #[test]
    fn i8_an_alias_at_our_name_is_refused_and_named() {
        let existing = [set("api", "CNAME", &["other.example.net"]), set("web", "TXT", &["x"])];
        let error = check_aliases("example.com", &existing, &[set("api", "A", &["1.2.3.4"])]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DnsRecordForeign);
        assert!(error.message().contains("`api.example.com` has a CNAME record (to other.example.net)"));
        assert!(check_aliases("example.com", &existing, &[set("web", "A", &["1.2.3.4"])]).is_ok());
    }

    #[test]
    fn i8_only_address_records_are_written() {
        let check = |record: DnsRecord| check_desired("example.com", &[record]).map_err(|error| error.code());
        let right = check(set("API.example.com.", "a", &["1.2.3.4", "1.2.3.4"])).unwrap();
        assert_eq!(right, [set("api", "A", &["1.2.3.4"])]);
        for wrong in [
            set("api", "TXT", &["x"]),
            set("api", "MX", &["10 mail"]),
            set("api", "A", &[]),
            set("api", "A", &["::1"]),
            set("api", "AAAA", &["1.2.3.4"]),
            set("api", "A", &["example.com"]),
        ] {
            assert_eq!(check(wrong.clone()), Err(ErrorCode::InvalidRequest), "{wrong:?}");
        }
        let unwanted = |record: DnsRecord| check_unwanted("example.com", &[record]).map_err(|error| error.code());
        assert_eq!(unwanted(set("API", "A", &[])), Ok(vec![("api".to_owned(), "A".to_owned())]));
        assert_eq!(unwanted(set("@", "NS", &[])), Err(ErrorCode::InvalidRequest));
        let twice = [set("api", "A", &["1.2.3.4"]), set("api.example.com", "A", &["5.6.7.8"])];
        assert_eq!(check_desired("example.com", &twice).unwrap_err().code(), ErrorCode::InvalidRequest);
    }

    #[test]
    fn sets_that_are_listed_value_by_value_are_joined() {
        let merged = merge([set("a", "A", &["1.1.1.1"]), set("b", "A", &["3.3.3.3"]), set("a", "A", &["2.2.2.2"])]);
        assert_eq!(merged, [set("a", "A", &["1.1.1.1", "2.2.2.2"]), set("b", "A", &["3.3.3.3"])]);
    }
}
