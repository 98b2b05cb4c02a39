//! What Route 53 answers.

use crate::dns::provider::DnsRecord;
use crate::dns::vendor::record_set::canonical_name;
use crate::dns::zone::{lies_within, normalize_host};
use serde::Deserialize;

/// A hosted zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostedZone {
    pub(super) id: String,
    /// Its name, in its one form.
    pub(super) name: String,
    pub(super) private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedZone {
    id: String,
    name: String,
    #[serde(default)]
    config: ZoneConfig,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ZoneConfig {
    private_zone: bool,
}

impl From<ListedZone> for HostedZone {
    fn from(listed: ListedZone) -> Self {
        let name = normalize_host(&unescape(&listed.name)).unwrap_or_else(|| listed.name.clone());
        let id = listed.id.trim_start_matches("/hostedzone/").to_owned();
        Self { id, name, private: listed.config.private_zone }
    }
}

/// A page of hosted zones.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ZonePage {
    #[serde(default)]
    hosted_zones: ListedZones,
    #[serde(default)]
    is_truncated: bool,
    next_marker: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ListedZones {
    #[serde(rename = "HostedZone", default)]
    zones: Vec<ListedZone>,
}

impl ZonePage {
    /// Its zones, and where the next page begins.
    pub(super) fn into_parts(self) -> (impl Iterator<Item = HostedZone>, Option<String>) {
        let next = self.next_marker.filter(|_| self.is_truncated);
        (self.hosted_zones.zones.into_iter().map(HostedZone::from), next)
    }
}

/// The answer to a question for one zone.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ZoneAnswer {
    hosted_zone: ListedZone,
}

impl From<ZoneAnswer> for HostedZone {
    fn from(answer: ZoneAnswer) -> Self {
        answer.hosted_zone.into()
    }
}

/// A page of record sets.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordPage {
    #[serde(default)]
    resource_record_sets: RecordSets,
    #[serde(default)]
    is_truncated: bool,
    next_record_name: Option<String>,
    next_record_type: Option<String>,
    next_record_identifier: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct RecordSets {
    #[serde(rename = "ResourceRecordSet", default)]
    sets: Vec<RecordSet>,
}

/// A record set as it is stored.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RecordSet {
    name: String,
    #[serde(rename = "Type")]
    record_type: String,
    /// Set where several sets share name and type, and each answers some of the questions.
    set_identifier: Option<String>,
    #[serde(rename = "TTL", default)]
    ttl: u32,
    #[serde(default)]
    resource_records: Values,
    alias_target: Option<AliasTarget>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Values {
    #[serde(rename = "ResourceRecord", default)]
    records: Vec<StoredValue>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StoredValue {
    value: String,
}

#[derive(Debug, Clone, Deserialize)]
struct AliasTarget {
    #[serde(rename = "DNSName")]
    name: String,
}

/// The parameters that ask for the next page.
pub(super) type NextPage = Vec<(&'static str, String)>;

impl RecordPage {
    /// Its sets, and the parameters that ask for the next page.
    pub(super) fn into_parts(self) -> (Vec<RecordSet>, Option<NextPage>) {
        let next = [
            ("name", self.next_record_name),
            ("type", self.next_record_type),
            ("identifier", self.next_record_identifier),
        ];
        let next: Vec<_> = next.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        (self.resource_record_sets.sets, Some(next).filter(|next| self.is_truncated && !next.is_empty()))
    }
}

impl RecordSet {
    /// Whether it lies in a zone of the user's, or below it.
    pub(super) fn is_in(&self, zone: &str) -> bool {
        let name = unescape(&self.name).trim_end_matches('.').to_ascii_lowercase();
        lies_within(&name, zone)
    }

    /// The set as we compare it, with its name within `zone`. One that leads to another name, or that answers only some
    /// of the questions, is shown as an alias: it is not ours to replace (I8).
    pub(super) fn into_record(self, zone: &str) -> DnsRecord {
        let name = canonical_name(&unescape(&self.name), zone);
        let address = matches!(self.record_type.as_str(), "A");
        let values: Vec<String> = self.resource_records.records.into_iter().map(|record| record.value).collect();
        let (record_type, values) = match (self.alias_target, self.set_identifier) {
            (Some(alias), _) => {
                let target = alias.name.trim_end_matches('.').to_owned();
                (if address { "ALIAS".to_owned() } else { self.record_type }, vec![target])
            }
            (None, Some(id)) if address => {
                ("ALIAS".to_owned(), vec![format!("{} by the routing policy `{id}`", values.join(", "))])
            }
            _ => (self.record_type, values),
        };
        DnsRecord { name, record_type, ttl: self.ttl, values }
    }
}

/// A change, and how far it has spread.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ChangeAnswer {
    change_info: ChangeInfo,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeInfo {
    id: String,
    status: String,
}

impl ChangeAnswer {
    /// The id of a change that not every server has yet.
    pub(super) fn pending(&self) -> Option<&str> {
        (self.change_info.status != "INSYNC").then(|| self.change_info.id.trim_start_matches("/change/"))
    }
}

/// A name as it is meant: other characters than letters, digits and `-_.` come as `\ooo`.
fn unescape(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => plain.push(char::from(code)),
            None => plain.push('\\'),
        }
        rest = if code.is_some() { &after[3..] } else { after };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use quick_xml::de::from_str;

    #[test]
    fn names_lose_their_escapes() {
        assert_eq!(unescape("\\052.example.com."), "*.example.com.");
        assert_eq!(unescape("a\\b"), "a\\b");
        assert_eq!(unescape("api.example.com."), "api.example.com.");
    }

    #[test]
    fn aliases_and_routed_sets_are_shown_as_what_cannot_be_replaced() {
        let page: RecordPage = from_str(
            "<ListResourceRecordSetsResponse><ResourceRecordSets>\
             <ResourceRecordSet><Name>a.example.com.</Name><Type>A</Type><AliasTarget><HostedZoneId>Z</HostedZoneId>\
             <DNSName>lb.example.net.</DNSName></AliasTarget></ResourceRecordSet>\
             <ResourceRecordSet><Name>b.example.com.</Name><Type>A</Type><SetIdentifier>blue</SetIdentifier><TTL>60</TTL>\
             <ResourceRecords><ResourceRecord><Value>1.2.3.4</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>\
             <ResourceRecordSet><Name>c.example.com.</Name><Type>AAAA</Type><AliasTarget>\
             <DNSName>lb.example.net.</DNSName></AliasTarget></ResourceRecordSet>\
             </ResourceRecordSets><IsTruncated>true</IsTruncated><NextRecordName>d.example.com.</NextRecordName>\
             <NextRecordType>A</NextRecordType></ListResourceRecordSetsResponse>",
        )
        .unwrap();
        let (sets, next) = page.into_parts();
        assert_eq!(next.unwrap(), [("name", "d.example.com.".to_owned()), ("type", "A".to_owned())]);
        let seen: Vec<(String, String)> = sets
            .into_iter()
            .map(|set| set.into_record("example.com"))
            .map(|record| (record.record_type, record.values.join(",")))
            .collect();
        let expected = [
            ("ALIAS", "lb.example.net"),
            ("ALIAS", "1.2.3.4 by the routing policy `blue`"),
            ("AAAA", "lb.example.net"),
        ];
        assert_eq!(seen, expected.map(|(kind, value)| (kind.to_owned(), value.to_owned())));
    }
}
